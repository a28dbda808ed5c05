//! The guard of one disk.

use crate::identifier::{self, Identifier};
use crate::{CommandCount, Denial, Guard, GuardError, read_trimmed};
use evidence::GuardState;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest identifier the kernel keeps (`GUARD_ID_LEN` less its NUL); a longer line is refused with EINVAL.
const LONGEST_SERIAL: usize = 127;

/// How often the flight recorder is read before giving up on it.
const READINGS: u32 = 20;

/// A disk that the guard holds.
#[derive(Clone, Debug)]
pub struct GuardedDisk {
    guard: Guard,
    name: String,
    folder: PathBuf,
}

impl GuardedDisk {
    pub(crate) fn at(guard: Guard, block: &Path, name: &str) -> Result<Self, GuardError> {
        // A name, not a path: nothing may lead out of the list of disks.
        let no_such_disk = || GuardError::NoSuchDisk { disk: name.to_owned() };
        if name.is_empty() || name.starts_with('.') || name.contains('/') {
            return Err(no_such_disk());
        }
        let disk = block.join(name);
        if !disk.exists() {
            return Err(match whole_disk_of(block, name) {
                Some(whole) => GuardError::Partition { disk: name.to_owned(), whole },
                None => no_such_disk(),
            });
        }
        let folder = disk.join("guard");
        if !folder.join("state").exists() {
            return Err(GuardError::NotGuarded { disk: name.to_owned() });
        }
        Ok(Self { guard, name: name.to_owned(), folder })
    }

    /// Name under `/sys/block`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its present state.
    ///
    /// # Errors
    /// [`GuardError`] when the state cannot be read or is none of the known ones.
    pub fn state(&self) -> Result<GuardState, GuardError> {
        let path = self.folder.join("state");
        let text = read_trimmed(&path)?;
        text.parse().map_err(|_| GuardError::Unintelligible { path, text })
    }

    /// How many operations the guard refused on it since it was discovered.
    ///
    /// # Errors
    /// [`GuardError`] when the counter cannot be read.
    pub fn refused(&self) -> Result<u64, GuardError> {
        let path = self.folder.join("refused");
        let text = read_trimmed(&path)?;
        text.parse().map_err(|_| GuardError::Unintelligible { path, text })
    }

    /// The flight recorder: all commands that were on their way to it since it was discovered.
    ///
    /// # Errors
    /// [`GuardError`] when the table cannot be read, or changes faster than it can be.
    pub fn commands(&self) -> Result<Vec<CommandCount>, GuardError> {
        let path = self.folder.join("commands");
        let parse = |line: &str| {
            line.parse()
                .map_err(|()| GuardError::Unintelligible { path: path.clone(), text: line.to_owned() })
        };
        read_at_rest(&path)?.lines().map(parse).collect()
    }

    /// What the kernel knows it by.
    ///
    /// # Errors
    /// [`GuardError`] when the list cannot be read (it takes root).
    pub fn identity(&self) -> Result<Vec<Identifier>, GuardError> {
        identifier::parse_list(&self.folder.join("identity"))
    }

    /// Makes it evidence: blocked, irrevocably until power-off.
    ///
    /// # Errors
    /// [`GuardError::Denied`], with [`Denial::NoSuchChange`] for a writable disk.
    pub fn lock(&self) -> Result<(), GuardError> {
        self.change(GuardState::Evidence, "evidence\n")
    }

    /// Makes it writable: a destination. The serial is checked by the kernel.
    ///
    /// # Errors
    /// [`GuardError::Denied`]; [`GuardError::ImpossibleSerial`] for a serial that no disk can have.
    pub fn allow(&self, serial: &str) -> Result<(), GuardError> {
        let serial = serial.trim_ascii();
        let possible = !serial.is_empty()
            && serial.len() <= LONGEST_SERIAL
            && serial.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !possible {
            return Err(GuardError::ImpossibleSerial { serial: serial.escape_default().to_string() });
        }
        self.change(GuardState::Writable, &format!("writable {serial}\n"))
    }

    /// Puts a destination back to blocked; its cache is flushed first.
    ///
    /// # Errors
    /// [`GuardError::Denied`], with [`Denial::IsEvidence`] for a disk that is evidence.
    pub fn block(&self) -> Result<(), GuardError> {
        self.change(GuardState::Blocked, "blocked\n")
    }

    fn change(&self, wish: GuardState, line: &str) -> Result<(), GuardError> {
        let Err(error) = fs::write(self.folder.join("state"), line) else { return Ok(()) };
        let denial = match Denial::from_errno(error) {
            Denial::NotAllowed => self.why_not_allowed(),
            Denial::InUse if wish == GuardState::Evidence => Denial::IsDestination,
            denial => denial,
        };
        Err(GuardError::Denied { disk: self.name.clone(), wish, denial })
    }

    /// EPERM has several reasons; which one holds can be seen afterwards. Where nothing can be read, none is claimed.
    fn why_not_allowed(&self) -> Denial {
        if matches!(self.state(), Ok(GuardState::Evidence)) {
            return Denial::IsEvidence;
        }
        if matches!(self.guard.sealed(), Ok(true)) {
            return Denial::Sealed;
        }
        match (self.guard.evidence_memory(), self.identity()) {
            (Ok(memory), Ok(identity)) if identity.iter().any(|id| was_evidence(&memory, id)) => {
                Denial::WasEvidence
            }
            _ => Denial::NotAllowed,
        }
    }
}

/// Reads a table that comes in pieces of a page: a row that appears meanwhile moves those of the next command set, so
/// it is read until two readings have the same rows. Counts may differ: each is right for its moment.
fn read_at_rest(path: &Path) -> Result<String, GuardError> {
    let read = || read_trimmed(path);
    let mut before = read()?;
    for _ in 0..READINGS {
        let now = read()?;
        if now.lines().count() == before.lines().count() {
            return Ok(now);
        }
        before = now;
    }
    Err(GuardError::Restless { path: path.to_owned() })
}

/// As the kernel compares: a serial with either kind of serial, because a dock shows the disk's own as the USB device's.
fn was_evidence(memory: &[Identifier], id: &Identifier) -> bool {
    memory
        .iter()
        .any(|past| past.value == id.value && (past.kind == id.kind || (past.is_serial() && id.is_serial())))
}

/// Partitions are folders inside their disk's folder.
fn whole_disk_of(block: &Path, partition: &str) -> Option<String> {
    let disks = fs::read_dir(block).ok()?;
    disks
        .filter_map(Result::ok)
        .find(|disk| disk.path().join(partition).join("partition").exists())
        .map(|disk| disk.file_name().to_string_lossy().into_owned())
}
