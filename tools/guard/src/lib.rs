//! Speaks to the kernel's evidence guard: is it in force, what state is each disk in, change it, read what was refused.
//!
//! What it is: typed access to the files of `Documentation/ABI/testing/sysfs-block-evidence-guard`. What it is not: the
//! guard. The kernel decides and enforces; everything here can be left out and no disk is less safe.
//! Who calls it: `pf-guard`, `pf-init`, `pf-devices` and `pf-acquire`.
//!
//! ```no_run
//! match guard::Guard::in_force()? {
//!     Some(guard) => guard.disk("sda")?.lock()?,
//!     None => eprintln!("no guard is in force on this machine"),
//! }
//! # Ok::<(), guard::GuardError>(())
//! ```
#![forbid(unsafe_code)]

mod command_count;
mod disk;
mod error;
mod event;
mod event_stream;
mod identifier;
mod pf_guard;

pub use command_count::CommandCount;
pub use disk::GuardedDisk;
pub use error::{Denial, GuardError};
pub use event::{Event, EventError, EventKind, RefusedCommand};
pub use event_stream::{EventStream, Wait};
pub use identifier::{Identifier, IdentifierKind};

use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The command line of `pf-guard`, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    pf_guard::command()
}

/// The program `pf-guard`: does what the command line of this process says, and tells how it went.
#[must_use]
pub fn program() -> std::process::ExitCode {
    pf_guard::program()
}

/// The version of the interface that this crate speaks.
const VERSION: &str = "2";

/// A guard that is in force. Having a value of this type proves that the kernel said so.
#[derive(Clone, Debug)]
pub struct Guard {
    block: PathBuf,
    files: PathBuf,
}

impl Guard {
    /// The guard of the running kernel; `None` where there is none.
    ///
    /// # Errors
    /// [`GuardError`] when its version is another one, cannot be read, or what lies in its place is not the kernel's.
    pub fn in_force() -> Result<Option<Self>, GuardError> {
        let security = Path::new("/sys/kernel/security");
        let guard = Self::in_force_at(Path::new("/sys"), security)?;
        // Any folder could be mounted there; only the kernel makes files on securityfs.
        let is_kernels = nix::sys::statfs::statfs(security)
            .is_ok_and(|fs| fs.filesystem_type() == nix::sys::statfs::SECURITYFS_MAGIC);
        match guard {
            Some(_) if !is_kernels => Err(GuardError::NotTheKernels { path: security.to_owned() }),
            guard => Ok(guard),
        }
    }

    /// As [`Guard::in_force`], with sysfs and securityfs in other places: for tests on a fixture.
    ///
    /// # Errors
    /// As [`Guard::in_force`].
    pub fn in_force_at(sys: &Path, security: &Path) -> Result<Option<Self>, GuardError> {
        let files = security.join("evidence_guard");
        let path = files.join("version");
        match fs::read_to_string(&path) {
            Ok(text) if text.trim_ascii() == VERSION => Ok(Some(Self { block: sys.join("block"), files })),
            Ok(text) => Err(GuardError::UnknownVersion { path, version: text.trim_ascii().to_owned() }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(GuardError::Read { path, source }),
        }
    }

    /// Version of the interface.
    #[must_use]
    pub fn version(&self) -> &'static str {
        VERSION
    }

    /// The guard of one whole disk, by its name under `/sys/block`, e.g. `sda`.
    ///
    /// # Errors
    /// [`GuardError::NoSuchDisk`]; [`GuardError::NotGuarded`] for a virtual disk, which has no hardware of its own.
    pub fn disk(&self, name: &str) -> Result<GuardedDisk, GuardError> {
        GuardedDisk::at(self.clone(), &self.block, name)
    }

    /// Names of all disks that are guarded.
    ///
    /// # Errors
    /// [`GuardError::Read`].
    pub fn disks(&self) -> Result<Vec<String>, GuardError> {
        let failed = |source| GuardError::Read { path: self.block.clone(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.block).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.path().join("guard/state").exists() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// True once no disk can become writable any more in this boot.
    ///
    /// # Errors
    /// [`GuardError`] when the seal cannot be read (it takes root).
    pub fn sealed(&self) -> Result<bool, GuardError> {
        let path = self.files.join("seal");
        match read_trimmed(&path)?.as_str() {
            "0" => Ok(false),
            "1" => Ok(true),
            other => Err(GuardError::Unintelligible { path, text: other.to_owned() }),
        }
    }

    /// Ends, until power-off, that disks can become writable.
    ///
    /// # Errors
    /// [`GuardError::Write`].
    pub fn seal(&self) -> Result<(), GuardError> {
        let path = self.files.join("seal");
        fs::write(&path, "1\n").map_err(|source| GuardError::Write { path, source })
    }

    /// Identifiers of all disks that were evidence in this boot, present or unplugged.
    ///
    /// # Errors
    /// [`GuardError`] when the list cannot be read (it takes root).
    pub fn evidence_memory(&self) -> Result<Vec<Identifier>, GuardError> {
        identifier::parse_list(&self.files.join("evidence"))
    }

    /// The tables by which commands are judged, as text: a row a line, fields separated by tabs.
    ///
    /// # Errors
    /// [`GuardError::Read`].
    pub fn policy(&self) -> Result<String, GuardError> {
        let path = self.files.join("policy");
        fs::read_to_string(&path).map_err(|source| GuardError::Read { path, source })
    }

    /// SHA-256 of [`Guard::policy`] in hexadecimal: by it the tables of one kernel are told from those of another.
    ///
    /// # Errors
    /// As [`Guard::policy`].
    pub fn policy_sha256(&self) -> Result<String, GuardError> {
        let digest = Sha256::digest(self.policy()?.as_bytes());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Opens the event stream at the oldest event that the kernel still holds (the last 4096 are).
    ///
    /// # Errors
    /// [`GuardError::Read`] when it cannot be opened (it takes root).
    pub fn events(&self, wait: Wait) -> Result<EventStream, GuardError> {
        EventStream::open(&self.files.join("events"), wait)
    }
}

/// A file of the guard as text, without white space at its ends.
fn read_trimmed(path: &Path) -> Result<String, GuardError> {
    let text =
        fs::read_to_string(path).map_err(|source| GuardError::Read { path: path.to_owned(), source })?;
    Ok(text.trim_ascii().to_owned())
}
