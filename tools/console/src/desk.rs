//! What the examiner sees and does, as a state machine: an event goes in, the state changes, and what is to be done comes out.
//! It knows no screen, no clock and no disk; a test walks every path that keys and answers can take.

mod acquisition;
mod case_view;
mod destination;
mod disks;
#[cfg(test)]
mod every_path;

use crate::command::{Command, folder_of};
use crate::disk::{Disk, DiskId, GuardStanding, Inventory, NewFileSystem, Standing};
use crate::form::Form;
use crate::job::{Course, Ending, Job, JobId, Outcome, Reached};
use crate::roles::Roles;
use crate::settings::Settings;
use case_file::Language;
use evidence::{Case, Plain};
use std::collections::BTreeMap;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character.
    Character(char),
    /// Enter.
    Enter,
    /// Escape: one step back.
    Escape,
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// The last character away.
    Backspace,
    /// One more entry.
    Insert,
    /// F1.
    Help,
    /// F2: the other language.
    Language,
    /// F9.
    Shell,
}

/// What happens to the desk.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// The list of disks, or why there is none.
    Disks(Result<Inventory, String>),
    /// Commands ended: what they were for, and what went wrong.
    Done(Purpose, Result<(), String>),
    /// An acquisition got so far.
    Reached(JobId, Reached),
    /// An acquisition said something.
    Said(JobId, String),
    /// An acquisition ended.
    Ended(JobId, Option<i32>, Option<Outcome>),
    /// A case file was read.
    Case(Result<Box<Case>, String>),
    /// So many bytes are free in a folder of a destination.
    Room(String, u64),
}

/// What commands are for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A disk becomes a source.
    Source(DiskId),
    /// A disk becomes writable.
    Allow(DiskId),
    /// A volume of a destination is mounted, made before or as it is.
    Prepare(DiskId, String),
    /// A destination is blocked again.
    Release(DiskId),
    /// The machine ends.
    PowerOff,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// List the disks.
    List,
    /// Run these one after the other, until one fails.
    Run(Purpose, Vec<Command>),
    /// Begin an acquisition.
    Begin(JobId, Command),
    /// Have it wait.
    Pause(JobId),
    /// Have it go on.
    GoOn(JobId),
    /// Have it stop, so that it can go on later.
    Stop(JobId),
    /// Write the case file.
    WriteCase(String),
    /// Read a case file.
    ReadCase(String),
    /// Give the terminal to a root shell until it ends.
    Shell,
    /// End the console.
    Leave,
}

/// What is in view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// All disks and acquisitions.
    Disks,
    /// What can be done with a disk.
    Disk {
        /// Which.
        disk: DiskId,
        /// The line that is marked.
        row: usize,
    },
    /// Its serial number is typed, to make it a destination.
    Serial {
        /// Which.
        disk: DiskId,
        /// What was typed.
        typed: String,
    },
    /// The volumes of a destination, and what it can be formatted with.
    Volumes {
        /// Which.
        disk: DiskId,
        /// The line that is marked.
        row: usize,
    },
    /// Its serial number is typed again, before all that lies on it is lost.
    Format {
        /// Which.
        disk: DiskId,
        /// With what.
        kind: NewFileSystem,
        /// What was typed.
        typed: String,
    },
    /// The case.
    Case {
        /// The line that is marked.
        row: usize,
        /// The source whose choices come next.
        back: Option<DiskId>,
        /// It is being typed into.
        typing: bool,
    },
    /// Path of a case file.
    CasePath {
        /// What was typed.
        typed: String,
        /// The source whose choices come next.
        back: Option<DiskId>,
    },
    /// How a source is imaged.
    Settings {
        /// Which.
        source: DiskId,
        /// The line that is marked.
        row: usize,
        /// It is being typed into.
        typing: bool,
    },
    /// An acquisition.
    Job {
        /// Which.
        job: JobId,
        /// It is asked whether it shall be stopped.
        stopping: bool,
    },
    /// It is asked whether the machine shall end.
    PowerOff,
}

/// The desk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Desk {
    /// The language.
    pub language: Language,
    /// The guard.
    pub guard: GuardStanding,
    /// The disks.
    pub disks: Vec<Disk>,
    /// Warnings about the machine.
    pub machine_warnings: Vec<String>,
    /// The marked line of the list.
    pub row: usize,
    /// What is in view.
    pub view: View,
    /// Help is shown over it.
    pub help: bool,
    /// Mounted folders of destinations.
    pub folders: BTreeMap<String, Folder>,
    /// The case.
    pub form: Form,
    /// How each source is imaged.
    pub settings: BTreeMap<DiskId, Settings>,
    /// The acquisitions, in the order in which they were begun.
    pub jobs: Vec<Job>,
    /// What commands are running for.
    pub busy: Option<Purpose>,
    /// Commands ended, and the list that shows what they did is on its way.
    pub is_settling: bool,
    /// The last thing that is to be known.
    pub notice: Option<Notice>,
    roles: Roles,
}

/// A folder that images can go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Folder {
    /// The disk that it is on.
    pub disk: DiskId,
    /// Bytes that are free there.
    pub free: Option<u64>,
}

/// Something to be known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// What a program said when it failed, or another line in its own words.
    Trouble(String),
    /// Something of the console's own.
    Words(crate::words::Text),
}

impl Desk {
    /// A desk that knows nothing yet.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self {
            language,
            guard: GuardStanding::Absent,
            disks: Vec::new(),
            machine_warnings: Vec::new(),
            row: 0,
            view: View::Disks,
            help: false,
            folders: BTreeMap::new(),
            form: Form::default(),
            settings: BTreeMap::new(),
            jobs: Vec::new(),
            busy: None,
            is_settling: false,
            notice: None,
            roles: Roles::default(),
        }
    }

    /// Takes an event.
    pub fn take(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) => self.key(key),
            Event::Disks(Ok(inventory)) => {
                self.learn(inventory);
                Vec::new()
            }
            Event::Disks(Err(trouble)) => {
                self.is_settling = false;
                self.trouble(&trouble)
            }
            Event::Done(purpose, outcome) => self.done(purpose, outcome),
            Event::Reached(job, reached) => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.advance(reached);
                }
                Vec::new()
            }
            Event::Said(job, line) => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.say(&line);
                }
                Vec::new()
            }
            Event::Ended(job, code, result) => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.course = Course::Ended(Ending { code, result });
                }
                vec![Effect::List]
            }
            Event::Case(Ok(case)) => {
                self.form.fill(&case);
                self.notice = Some(Notice::Words(crate::words::CASE_WAS_READ));
                Vec::new()
            }
            Event::Case(Err(trouble)) => self.trouble(&trouble),
            Event::Room(folder, free) => {
                if let Some(folder) = self.folders.get_mut(&folder) {
                    folder.free = Some(free);
                }
                Vec::new()
            }
        }
    }

    /// The disk, where it is still there.
    #[must_use]
    pub fn disk(&self, id: &DiskId) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.id == *id)
    }

    /// Case data that must be given and are not.
    #[must_use]
    pub fn lacks(&self) -> Vec<String> {
        let mut case = self.form.case().unwrap_or_default();
        // Given with each source.
        "-".clone_into(&mut case.evidence_number);
        "-".clone_into(&mut case.description);
        case.lacks()
    }

    /// Keys whose character is text, not a deed.
    fn is_typing(&self) -> bool {
        match &self.view {
            View::Serial { .. } | View::Format { .. } | View::CasePath { .. } => true,
            View::Case { typing, .. } | View::Settings { typing, .. } => *typing,
            _ => false,
        }
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        if self.help {
            self.help = false;
            return Vec::new();
        }
        match key {
            Key::Help => {
                self.help = true;
                return Vec::new();
            }
            Key::Language => {
                self.language = match self.language {
                    Language::English => Language::Chinese,
                    Language::Chinese => Language::English,
                };
                return Vec::new();
            }
            Key::Shell => return vec![Effect::Shell],
            Key::Character('!') if !self.is_typing() => return vec![Effect::Shell],
            _ => {}
        }
        self.notice = None;
        // One thing at a time: while commands run for a disk, nothing else is begun. Acquisitions go on.
        if self.busy.is_some() || self.is_settling {
            return Vec::new();
        }
        match self.view.clone() {
            View::Disks => self.key_of_disks(key),
            View::Disk { disk, row } => self.key_of_disk(key, disk, row),
            View::Serial { disk, typed } => self.key_of_serial(key, disk, typed),
            View::Volumes { disk, row } => self.key_of_volumes(key, disk, row),
            View::Format { disk, kind, typed } => self.key_of_format(key, disk, kind, typed),
            View::Case { row, back, typing } => self.key_of_case(key, row, back, typing),
            View::CasePath { typed, back } => self.key_of_case_path(key, typed, back),
            View::Settings { source, row, typing } => self.key_of_settings(key, source, row, typing),
            View::Job { job, stopping } => self.key_of_job(key, job, stopping),
            View::PowerOff => self.key_of_power_off(key),
        }
    }

    fn done(&mut self, purpose: Purpose, outcome: Result<(), String>) -> Vec<Effect> {
        if self.busy.as_ref() == Some(&purpose) {
            self.busy = None;
        }
        self.is_settling = true;
        match (outcome, purpose) {
            (Err(trouble), _) => {
                self.notice = Some(Notice::Trouble(Plain(trouble).to_string()));
            }
            (Ok(()), Purpose::Source(disk)) => {
                self.settings.entry(disk.clone()).or_default();
                self.view = View::Settings { source: disk, row: 0, typing: false };
            }
            (Ok(()), Purpose::Allow(disk)) => self.view = View::Volumes { disk, row: 0 },
            (Ok(()), Purpose::Prepare(disk, path)) => {
                self.folders.insert(folder_of(&path), Folder { disk, free: None });
                self.view = View::Disks;
                self.notice = Some(Notice::Words(crate::words::DESTINATION_IS_READY));
            }
            (Ok(()), Purpose::Release(disk)) => {
                self.folders.retain(|_, folder| folder.disk != disk);
                self.view = View::Disks;
            }
            (Ok(()), Purpose::PowerOff) => {}
        }
        vec![Effect::List]
    }

    /// Takes a new list over, and leaves views of what is gone.
    fn learn(&mut self, inventory: Inventory) {
        self.is_settling = false;
        self.guard = inventory.guard;
        self.machine_warnings = inventory.warnings;
        let known = std::mem::replace(&mut self.disks, inventory.disks);
        for disk in self.disks.iter_mut().filter(|disk| disk.says.is_none()) {
            // Not asked this time: what it said before holds.
            disk.says =
                known.iter().find(|before| before.id == disk.id).and_then(|before| before.says.clone());
        }
        self.row = self.row.min(self.disks.len().saturating_sub(1));
        self.folders.retain(|_, folder| {
            self.disks.iter().any(|disk| disk.id == folder.disk && disk.standing == Standing::Writable)
        });
        let gone = match &self.view {
            View::Disk { disk, .. }
            | View::Serial { disk, .. }
            | View::Volumes { disk, .. }
            | View::Format { disk, .. }
            | View::Settings { source: disk, .. } => self.disk(disk).is_none(),
            _ => false,
        };
        if gone {
            self.view = View::Disks;
            self.notice = Some(Notice::Words(crate::words::DISK_IS_GONE));
        }
    }

    fn run(&mut self, purpose: Purpose, commands: Vec<Command>) -> Vec<Effect> {
        if commands.is_empty() {
            return self.words(crate::words::NOT_A_DESTINATION);
        }
        self.busy = Some(purpose.clone());
        vec![Effect::Run(purpose, commands)]
    }

    fn trouble(&mut self, line: &str) -> Vec<Effect> {
        self.notice = Some(Notice::Trouble(Plain(line).to_string()));
        Vec::new()
    }

    fn words(&mut self, words: crate::words::Text) -> Vec<Effect> {
        self.notice = Some(Notice::Words(words));
        Vec::new()
    }
}

/// A line up or down, not past the ends.
fn moved(row: usize, key: Key, lines: usize) -> usize {
    match key {
        Key::Up => row.saturating_sub(1),
        Key::Down => row.saturating_add(1).min(lines.saturating_sub(1)),
        _ => row,
    }
}

/// Longest text that is typed into a field.
const LONGEST_TEXT: usize = 500;

/// Types into `text`.
fn typed_into(text: &mut String, key: Key) {
    match key {
        Key::Character(c) if !c.is_control() && text.chars().count() < LONGEST_TEXT => text.push(c),
        Key::Backspace => {
            text.pop();
        }
        _ => {}
    }
}

pub use destination::{Place, places};
pub use disks::Deed;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Says;

    fn listed(says: Option<Says>) -> Event {
        let disk = Disk {
            id: DiskId { name: "sda".into(), serial: Some("1".into()), capacity: 1 },
            path: "/dev/sda".into(),
            model: "-".into(),
            transport: "ata".into(),
            standing: Standing::Evidence,
            refused: 0,
            volumes: Vec::new(),
            content: String::new(),
            warnings: Vec::new(),
            says,
        };
        let guard = GuardStanding::InForce { sealed: false };
        Event::Disks(Ok(Inventory { guard, disks: vec![disk], warnings: Vec::new() }))
    }

    #[test]
    fn what_a_disk_said_holds_until_it_is_asked_again() {
        let mut desk = Desk::new(Language::English);
        let warnings = |desk: &Desk| desk.disks[0].all_warnings().cloned().collect::<Vec<_>>();
        desk.take(listed(Some(Says { warnings: vec!["it is failing".to_owned()], celsius: Some(61) })));
        desk.take(listed(None));
        assert_eq!(warnings(&desk), ["it is failing"]);
        assert_eq!(desk.disks[0].celsius(), Some(61));
        desk.take(listed(Some(Says::default())));
        assert!(warnings(&desk).is_empty());
    }
}
