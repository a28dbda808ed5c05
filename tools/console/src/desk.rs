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
use crate::mounts::Mounted;
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
    /// The machine does not end: an acquisition runs that another console or a shell began.
    RunsElsewhere,
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
        /// Lines that are scrolled past.
        scroll: usize,
    },
    /// It is asked whether the machine shall end.
    PowerOff,
    /// It is asked whether the console shall end, with what it alone knows.
    Leave,
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
    /// Lines of what is in view that the screen has no room for, as it was drawn last: so far can be scrolled.
    pub overhang: usize,
    roles: Roles,
}

/// A folder that images can go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Folder {
    /// The disk that it is on.
    pub disk: DiskId,
    /// Bytes that are free there.
    pub free: Option<u64>,
    /// How many of the others were mounted after it.
    rank: usize,
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
            guard: GuardStanding::NotAsked,
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
            overhang: 0,
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
            Event::RunsElsewhere => {
                self.busy = None;
                self.words(crate::words::RUNS_ELSEWHERE)
            }
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
            View::Job { job, stopping, scroll } => self.key_of_job(key, job, stopping, scroll),
            View::PowerOff => self.key_of_power_off(key),
            View::Leave => self.key_of_leave(key),
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
                self.add_folder(folder_of(&path), disk);
                self.view = View::Disks;
                self.notice = Some(Notice::Words(crate::words::DESTINATION_IS_READY));
            }
            (Ok(()), Purpose::Release(disk)) => {
                self.folders.retain(|_, folder| folder.disk != disk);
                self.rank_folders();
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
        self.learn_folders(inventory.mounted.as_deref());
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

    /// Forgets folders that are mounted no more, for what is written there fills the memory, and finds those that an earlier
    /// console or a shell mounted.
    fn learn_folders(&mut self, mounted: Option<&[Mounted]>) {
        self.folders.retain(|folder, about| {
            let is_mounted = mounted.is_none_or(|all| all.iter().any(|one| one.folder == *folder));
            let mut disks = self.disks.iter();
            is_mounted && disks.any(|disk| disk.id == about.disk && disk.standing == Standing::Writable)
        });
        self.rank_folders();
        for one in mounted.unwrap_or_default().iter().filter(|one| one.is_writable) {
            let disk = self.disks.iter().find(|disk| disk.has(&one.device));
            let destination = disk.and_then(|disk| self.roles.destination(disk));
            if let Some(id) = destination.map(|destination| destination.disk().id.clone())
                && !self.folders.contains_key(&one.folder)
            {
                self.add_folder(one.folder.clone(), id);
            }
        }
    }

    fn add_folder(&mut self, folder: String, disk: DiskId) {
        for other in self.folders.values_mut() {
            other.rank = other.rank.saturating_add(1);
        }
        self.folders.insert(folder, Folder { disk, free: None, rank: 0 });
        self.rank_folders();
    }

    /// Numbers them anew: without gaps, the desk is the same whatever was mounted meanwhile.
    fn rank_folders(&mut self) {
        let names: Vec<String> = self.newest_folders().into_iter().map(str::to_owned).collect();
        for (rank, name) in names.iter().enumerate() {
            if let Some(folder) = self.folders.get_mut(name) {
                folder.rank = rank;
            }
        }
    }

    /// The folders of destinations, the one that was mounted last first.
    #[must_use]
    pub fn newest_folders(&self) -> Vec<&str> {
        let mut folders: Vec<(usize, &str)> =
            self.folders.iter().map(|(name, folder)| (folder.rank, name.as_str())).collect();
        folders.sort_unstable();
        folders.into_iter().map(|(_, name)| name).collect()
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
    use crate::disk::{FileSystem, Says, Volume};

    fn disk(name: &str, standing: Standing) -> Disk {
        let path = format!("/dev/{name}");
        let volume = Volume {
            path: format!("{path}1"),
            size: 1,
            file_system: Some(FileSystem::Exfat),
            content: "exfat".into(),
        };
        Disk {
            id: DiskId { name: name.into(), serial: Some(name.to_uppercase()), capacity: 1 },
            path,
            model: "-".into(),
            transport: "ata".into(),
            standing,
            refused: 0,
            volumes: vec![volume],
            content: String::new(),
            warnings: Vec::new(),
            says: None,
        }
    }

    fn list(disks: Vec<Disk>, mounted: &[(&str, &str)]) -> Event {
        let mounted = mounted.iter().map(|(device, options)| Mounted {
            device: format!("/dev/{device}"),
            folder: format!("/mnt/{device}"),
            is_writable: *options == "rw",
        });
        let guard = GuardStanding::InForce { sealed: false };
        let mounted = Some(mounted.collect());
        Event::Disks(Ok(Inventory { guard, disks, warnings: Vec::new(), mounted }))
    }

    fn listed(says: Option<Says>) -> Event {
        list(vec![Disk { says, ..disk("sda", Standing::Evidence) }], &[])
    }

    /// A source whose choices are in view, and three destinations, of which sdc was mounted last.
    fn at_the_settings() -> Desk {
        let mut desk = Desk::new(Language::English);
        let event = || {
            let mut disks = vec![disk("sda", Standing::Evidence)];
            disks.extend(["sdb", "sdc", "sdd"].map(|name| disk(name, Standing::Writable)));
            list(disks, &[("sdb1", "rw"), ("sdd1", "rw"), ("sdc1", "rw")])
        };
        desk.take(event());
        let id = desk.disks[0].id.clone();
        desk.take(Event::Key(Key::Enter));
        desk.take(Event::Key(Key::Enter));
        desk.take(Event::Done(Purpose::Source(id.clone()), Ok(())));
        desk.take(event());
        assert_eq!(desk.view, View::Settings { source: id, row: 0, typing: false });
        desk
    }

    fn line(desk: &Desk) -> String {
        desk.acquire_command(&desk.disks[0].id).unwrap().to_string()
    }

    #[test]
    fn the_destinations_that_were_mounted_last_are_used() {
        let mut desk = at_the_settings();
        assert!(line(&desk).contains("--to /mnt/sdc1 --to /mnt/sdd1 --case-file"), "{}", line(&desk));
        let id = desk.disks[0].id.clone();
        desk.settings.get_mut(&id).unwrap().rescue = true;
        assert!(
            line(&desk).contains("sda --to /mnt/sdc1 --case-file"),
            "a recovery has one: {}",
            line(&desk)
        );
        let sdb = desk.disks[1].id.clone();
        desk.take(Event::Done(Purpose::Prepare(sdb, "/dev/sdb2".into()), Ok(())));
        assert_eq!(desk.newest_folders(), ["/mnt/sdb2", "/mnt/sdc1", "/mnt/sdd1", "/mnt/sdb1"]);
    }

    #[test]
    fn a_recovery_in_passes_goes_on_without_being_told_to() {
        let mut desk = at_the_settings();
        let id = desk.disks[0].id.clone();
        desk.settings.get_mut(&id).unwrap().resume = true;
        assert!(line(&desk).contains("--resume"));
        desk.settings.get_mut(&id).unwrap().rescue = true;
        assert!(line(&desk).contains("--rescue") && !line(&desk).contains("--resume"), "{}", line(&desk));
    }

    #[test]
    fn the_case_is_opened_from_the_choices_of_a_source_and_leads_back_to_them() {
        let mut desk = at_the_settings();
        desk.take(Event::Key(Key::Character('c')));
        let back = Some(desk.disks[0].id.clone());
        assert_eq!(desk.view, View::Case { row: 0, back, typing: false });
        desk.take(Event::Key(Key::Escape));
        assert!(matches!(desk.view, View::Settings { .. }));
    }

    #[test]
    fn destinations_that_were_mounted_before_are_found_and_those_that_are_no_more_forgotten() {
        let mut desk = Desk::new(Language::English);
        let disks = || {
            let standings = [Standing::Writable, Standing::Writable, Standing::Evidence, Standing::Blocked];
            std::iter::zip(["sda", "sdb", "sdc", "sdd"], standings)
                .map(|(name, standing)| disk(name, standing))
                .collect::<Vec<_>>()
        };
        let all = [("sda1", "rw"), ("sdb1", "ro"), ("sdc1", "rw"), ("sdd1", "rw"), ("sdx1", "rw")];
        desk.take(list(disks(), &all));
        assert_eq!(desk.newest_folders(), ["/mnt/sda1"]);
        // One that can be written no more is kept, so that it can be given back.
        desk.take(list(disks(), &[("sda1", "ro")]));
        assert_eq!(desk.newest_folders(), ["/mnt/sda1"]);
        desk.take(list(disks(), &[]));
        assert!(desk.folders.is_empty(), "what is written there would fill the memory");
    }

    #[test]
    fn what_only_the_console_knows_is_not_thrown_away_by_one_key() {
        let press = |desk: &mut Desk, key| desk.take(Event::Key(Key::Character(key)));
        assert_eq!(press(&mut Desk::new(Language::English), 'q'), [Effect::Leave], "it knows nothing");
        let mut with_folder = Desk::new(Language::English);
        with_folder.take(list(vec![disk("sda", Standing::Writable)], &[("sda1", "rw")]));
        let mut with_job = Desk::new(Language::English);
        let mut job = Job::new(disk("sda", Standing::Evidence).id, "1".into(), "pf-acquire".into());
        job.course = Course::Ended(Ending { code: Some(0), result: None });
        with_job.jobs.push(job);
        let mut with_case = Desk::new(Language::English);
        let first = with_case.form.lines()[0];
        with_case.form.value_mut(&first).push('x');
        for mut desk in [with_folder, with_job, with_case] {
            assert!(press(&mut desk, 'q').is_empty());
            assert_eq!(desk.view, View::Leave);
            assert!(press(&mut desk, 'n').is_empty());
            assert_eq!(desk.view, View::Disks);
            press(&mut desk, 'q');
            assert_eq!(press(&mut desk, 'y'), [Effect::Leave]);
        }
    }

    #[test]
    fn an_acquisition_of_somebody_else_keeps_the_machine_from_its_end() {
        let mut desk = Desk::new(Language::English);
        desk.view = View::PowerOff;
        assert!(matches!(
            desk.take(Event::Key(Key::Character('y')))[..],
            [Effect::Run(Purpose::PowerOff, _)]
        ));
        assert!(desk.take(Event::RunsElsewhere).is_empty());
        assert_eq!(desk.notice, Some(Notice::Words(crate::words::RUNS_ELSEWHERE)));
        desk.take(Event::Key(Key::Escape));
        assert_eq!(desk.view, View::Disks, "keys are taken again");
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
