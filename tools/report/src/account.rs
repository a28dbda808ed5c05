//! A record, condensed: what the faces show of it, in bounded memory whatever its length.

use crate::beside::Beside;
use crate::failure::Failure;
use crate::growth::Growth;
use crate::protection::{Commands, Events};
use crate::surplus::{self, RawLines};
use crate::timeline::Timeline;
use evidence::{Extent, ExtentSet, SelfReport};
use record::{
    AcquisitionOpened, Break, ChainHash, Closed, Content, Entry, FaultPolicy, ImageClosed, Reread,
    ResumeBegun, StoredEntry, Verification,
};
use std::path::Path;

/// Read-back results that are kept: an image goes to two places at most.
const MOST_VERIFICATIONS: usize = 8;

/// What a record says.
#[derive(Debug, Default)]
pub struct Account {
    /// File name of the record.
    pub name: String,
    /// What lies beside it.
    pub beside: Beside,
    /// The chain and the end of the record.
    pub chain: ChainState,
    /// Time of the first entry and of the last.
    pub period: Option<(String, String)>,
    /// What was known before the first read.
    pub opened: Option<Box<AcquisitionOpened>>,
    /// What the disk said of itself.
    pub disk_says: Option<Box<SelfReport>>,
    /// How faults were to be met.
    pub fault_policy: Option<FaultPolicy>,
    /// The flight recorder's table of the source.
    pub commands: Option<Commands>,
    /// The guard's events.
    pub events: Option<Events>,
    /// Ranges that `read-error` entries name.
    pub read_errors: Vec<Extent>,
    /// Ranges that were read differently the second time.
    pub unstable: Vec<Extent>,
    /// How the second reading went.
    pub reread: Option<Reread>,
    /// The run that this one goes on with.
    pub resumed: Option<ResumeBegun>,
    /// How far the image had grown at which time.
    pub growth: Growth,
    /// Why it ended before its time.
    pub interrupted: Option<String>,
    /// The finished image.
    pub image: Option<Box<ImageClosed>>,
    /// What reading it back gave.
    pub verifications: Vec<Verification>,
    /// How it ended.
    pub closed: Option<Closed>,
    /// Entries in order, as far as there is room.
    pub timeline: Timeline,
    /// Kinds that a record has once and this one has more often.
    pub repeated: Vec<&'static str>,
}

/// How far a record can be trusted by itself.
#[derive(Clone, Debug)]
pub struct ChainState {
    /// Entries before the first flaw.
    pub entries: u64,
    /// Hash of the last of them.
    pub head: ChainHash,
    /// The last of them closes the record.
    pub closed: bool,
    /// Where the chain breaks.
    pub broken: Option<Break>,
    /// A program is writing it now.
    pub being_written: bool,
    /// Bytes before the first flaw.
    pub bytes: u64,
    /// SHA-256 of those bytes.
    pub sha256: ChainHash,
}

impl Default for ChainState {
    fn default() -> Self {
        Self {
            entries: 0,
            head: ChainHash::START,
            closed: false,
            broken: None,
            being_written: false,
            bytes: 0,
            sha256: ChainHash::START,
        }
    }
}

impl Account {
    /// Reads the record at `path`.
    ///
    /// # Errors
    /// When the file or what lies beside it can't be read. A record that is not as it should be is no error: see
    /// [`ChainState`].
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let mut account = Self {
            name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            ..Self::default()
        };
        let mut lines = RawLines::open(path);
        let chain = record::visit(path, |stored| {
            let further = lines.next().map(|line| surplus::fields(line, &stored.content)).unwrap_or_default();
            account.take(stored, further);
        })?;
        account.chain = ChainState {
            entries: chain.entries,
            head: chain.head,
            closed: chain.closed && chain.broken.is_none(),
            broken: chain.broken,
            being_written: record::is_being_written(path)?,
            bytes: chain.bytes,
            sha256: chain.sha256,
        };
        account.beside = Beside::find(path, &account.chain)?;
        Ok(account)
    }

    fn take(&mut self, stored: StoredEntry, further: Vec<(String, String)>) {
        match &mut self.period {
            Some((_, last)) => last.clone_from(&stored.time),
            none => *none = Some((stored.time.clone(), stored.time.clone())),
        }
        self.growth.see(&stored);
        self.timeline.take(&stored, further);
        let Content::Known(entry) = stored.content else { return };
        match entry {
            Entry::AcquisitionOpened(opened) => {
                once(&mut self.opened, opened, "acquisition-opened", &mut self.repeated);
            }
            Entry::HiddenAreas(said) => once(&mut self.disk_says, said, "hidden-areas", &mut self.repeated),
            Entry::FaultPolicy(policy) => {
                once(&mut self.fault_policy, policy, "fault-policy", &mut self.repeated);
            }
            Entry::GuardCommands { commands } => {
                once(&mut self.commands, Commands::of(&commands), "guard-commands", &mut self.repeated);
            }
            Entry::GuardEvents { events, omitted } => {
                once(&mut self.events, Events::of(&events, omitted), "guard-events", &mut self.repeated);
            }
            Entry::ReadError { extent, .. } => self.read_errors.push(extent),
            Entry::Unstable(unstable) => self.unstable.push(unstable.extent),
            Entry::Reread(reread) => once(&mut self.reread, reread, "reread", &mut self.repeated),
            Entry::ResumeBegun(begun) => once(&mut self.resumed, begun, "resume-begun", &mut self.repeated),
            Entry::Interrupted { reason } => self.interrupted = Some(reason),
            Entry::ImageClosed(image) => {
                once(&mut self.image, Box::new(image), "image-closed", &mut self.repeated);
            }
            Entry::Verification(verification) if self.verifications.len() < MOST_VERIFICATIONS => {
                self.verifications.push(verification);
            }
            Entry::Closed(closed) => self.closed = Some(closed),
            _ => {}
        }
    }

    /// Ranges that are not in the image: those of the finished image, or else those met so far.
    pub fn unread(&self) -> ExtentSet {
        match &self.image {
            Some(image) => image.unread.clone(),
            None => ExtentSet::from(self.read_errors.clone()),
        }
    }

    /// Ranges that were read differently the second time, joined where they touch.
    pub fn unstable(&self) -> ExtentSet {
        ExtentSet::from(self.unstable.clone())
    }

    /// Behind this byte of the medium nothing is known to be imaged; `None` where all of it is.
    pub fn reached(&self) -> Option<u64> {
        match self.image {
            Some(_) => None,
            None => Some(self.growth.reached()),
        }
    }
}

/// Keeps the first of a kind, and remembers that there were more.
fn once<T>(place: &mut Option<T>, value: T, kind: &'static str, repeated: &mut Vec<&'static str>) {
    match place {
        None => *place = Some(value),
        Some(_) if repeated.contains(&kind) => {}
        Some(_) => repeated.push(kind),
    }
}
