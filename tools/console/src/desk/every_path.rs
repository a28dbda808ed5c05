//! Walks every path that keys, answers and unplugged disks can take, with a machine of two disks behind the desk that judges each
//! command line by its words alone: it knows nothing of roles.

use super::*;
use crate::disk::{FileSystem, Says, Volume};
use crate::mounts::Mounted;
use std::collections::{BTreeSet, HashSet, VecDeque};

/// What the kernel would know of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Metal {
    serial: &'static str,
    standing: Standing,
}

/// The machine, the desk, and what is under way between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    desk: Desk,
    metal: BTreeMap<String, Metal>,
    /// Serial numbers of disks that somebody chose as source.
    chosen: BTreeSet<&'static str>,
    running: Option<(Purpose, Vec<Command>)>,
    /// Mounted folders, each with its device; pulling a disk out unmounts nothing.
    mounted: BTreeMap<String, String>,
    list_is_due: bool,
    moves: u8,
}

/// What happened on the way, so that the test shows that it got anywhere.
#[derive(Default)]
struct Seen {
    deeds: BTreeSet<String>,
    worlds: usize,
}

/// Help, language and shell change nothing else, and Backspace only leads back.
const KEYS: [Key; 8] = [
    Key::Enter,
    Key::Escape,
    Key::Up,
    Key::Down,
    Key::Character('1'),
    Key::Character('2'),
    Key::Character('p'),
    Key::Character('y'),
];

impl World {
    fn new() -> Self {
        let disk = |serial| Metal { serial, standing: Standing::Blocked };
        let metal = BTreeMap::from([("sda".to_owned(), disk("1")), ("sdb".to_owned(), disk("2"))]);
        let desk = Desk::new(Language::English);
        let mut world = Self {
            desk,
            metal,
            chosen: BTreeSet::new(),
            running: None,
            mounted: BTreeMap::new(),
            list_is_due: false,
            moves: 0,
        };
        world.list();
        world
    }

    fn list(&mut self) {
        let disks = self.metal.iter().map(|(name, metal)| Disk {
            id: DiskId { name: name.clone(), serial: Some(metal.serial.to_owned()), capacity: 1 },
            path: format!("/dev/{name}"),
            model: "-".into(),
            transport: "scsi".into(),
            standing: metal.standing,
            refused: 0,
            volumes: vec![Volume {
                path: format!("/dev/{name}1"),
                size: 1,
                file_system: Some(FileSystem::Exfat),
                content: "exfat".into(),
            }],
            content: "gpt".into(),
            warnings: Vec::new(),
            says: Some(Says::default()),
        });
        let guard = GuardStanding::InForce { sealed: false };
        let mounted = self.mounted.iter().map(|(folder, device)| Mounted {
            device: device.clone(),
            folder: folder.clone(),
            is_writable: true,
        });
        let mounted = Some(mounted.collect());
        let inventory = Inventory { guard, disks: disks.collect(), warnings: Vec::new(), mounted };
        self.list_is_due = false;
        assert!(self.desk.take(Event::Disks(Ok(inventory))).is_empty());
    }

    fn take(&mut self, event: Event, seen: &mut Seen) {
        for effect in self.desk.take(event) {
            match effect {
                Effect::List => self.list_is_due = true,
                Effect::Run(purpose, commands) => {
                    assert!(self.running.is_none(), "two things at a time");
                    if let (Purpose::Source(id), Some(metal)) = (&purpose, self.disk_of(&purpose)) {
                        assert!(self.list_is_due || id.serial.as_deref() == Some(metal.serial));
                        self.chosen.insert(metal.serial);
                    }
                    commands.iter().for_each(|command| self.judge(command, seen));
                    self.running = Some((purpose, commands));
                }
                Effect::Begin(_, command) => self.judge(&command, seen),
                _ => {}
            }
        }
    }

    fn disk_of(&self, purpose: &Purpose) -> Option<&Metal> {
        match purpose {
            Purpose::Source(id) => self.metal.get(&id.name),
            _ => None,
        }
    }

    /// The claim: whatever opens or writes a disk names none that was chosen as source. Where a disk was pulled and the console
    /// was not told yet, its name may be another's: there the kernel must hold that one.
    fn judge(&self, command: &Command, seen: &mut Seen) {
        let words: Vec<&str> = command.words().iter().map(String::as_str).collect();
        let writes = match words[0] {
            "pf-guard" if words[1] == "allow" => vec![words[2]],
            "pf-guard" | "pf-acquire" | "poweroff" | "umount" | "mkdir" => vec![],
            "sfdisk" | "mkfs.exfat" | "mkfs.ext4" | "mkfs.ntfs" | "mount" => {
                words.iter().filter_map(|word| word.strip_prefix("/dev/")).collect()
            }
            other => panic!("the console runs {other}, and nobody judged it"),
        };
        seen.deeds.insert(words.iter().take(2).copied().collect::<Vec<_>>().join(" "));
        for name in writes {
            let disk = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let Some(metal) = self.metal.get(disk) else { continue };
            assert!(
                !self.chosen.contains(metal.serial)
                    || (self.list_is_due && metal.standing == Standing::Evidence),
                "{command} reaches the source with serial number {}",
                metal.serial
            );
        }
        if words[0] == "pf-acquire" {
            let source = words[1].strip_prefix("/dev/").unwrap();
            if self.list_is_due {
                return;
            }
            assert!(self.chosen.contains(self.metal[source].serial), "{command}: not locked");
            assert!(!words.contains(&format!("/mnt/{source}1").as_str()), "{command}: onto itself");
        }
    }

    /// Ends what runs: as the kernel would have it, or with a failure.
    fn end(&mut self, fails: bool, seen: &mut Seen) {
        let Some((purpose, commands)) = self.running.take() else { return };
        for command in commands.iter().filter(|_| !fails) {
            let words: Vec<&str> = command.words().iter().map(String::as_str).collect();
            match words[..] {
                ["mount", .., device, folder] => {
                    self.mounted.insert(folder.to_owned(), device.to_owned());
                }
                ["umount", folder] => {
                    self.mounted.remove(folder);
                }
                _ => {}
            }
            if let ["pf-guard", deed, name, ..] = words[..] {
                let Some(metal) = self.metal.get_mut(name) else { continue };
                metal.standing = match (deed, metal.standing) {
                    ("lock", _) => Standing::Evidence,
                    // The kernel refuses it too; here it must not even be tried.
                    ("allow", Standing::Blocked) => Standing::Writable,
                    ("block", Standing::Writable) => Standing::Blocked,
                    (_, standing) => standing,
                };
            }
        }
        let outcome = if fails { Err("refused".to_owned()) } else { Ok(()) };
        self.take(Event::Done(purpose, outcome), seen);
    }

    /// All that can happen next.
    fn next(&self, seen: &mut Seen) -> Vec<Self> {
        let mut next = Vec::new();
        let mut with = |deed: &mut dyn FnMut(&mut Self)| {
            let mut world = self.clone();
            deed(&mut world);
            next.push(world);
        };
        for key in KEYS {
            with(&mut |world| world.take(Event::Key(key), seen));
        }
        if self.list_is_due {
            with(&mut |world| world.list());
        }
        if self.running.is_some() {
            for fails in [false, true] {
                with(&mut |world| world.end(fails, seen));
            }
        }
        if matches!(self.running, Some((Purpose::PowerOff, _))) {
            with(&mut |world| {
                world.running = None;
                world.take(Event::RunsElsewhere, seen);
            });
        }
        // A disk is pulled out, and comes back elsewhere: blocked, if the kernel knew it as anything else but evidence.
        for (from, to) in [("sda", "sdc"), ("sdb", "sda")] {
            let can = self.moves == 0
                && self.running.is_none()
                && self.metal.contains_key(from)
                && !self.metal.contains_key(to);
            if can {
                with(&mut |world| {
                    let mut metal = world.metal.remove(from).unwrap();
                    if metal.standing == Standing::Writable {
                        metal.standing = Standing::Blocked;
                    }
                    world.metal.insert(to.to_owned(), metal);
                    world.moves = 1;
                    world.list_is_due = true;
                });
            }
        }
        if self.desk.jobs.iter().any(Job::is_alive) {
            with(&mut |world| world.take(Event::Ended(0, Some(0), None), seen));
        }
        next.retain(World::is_in_bounds);
        // What was said last leads nowhere.
        next.iter_mut().for_each(|world| world.desk.notice = None);
        next
    }

    /// No role depends on what is typed into the case or chosen for an image, nor on how often: at most one of each is followed.
    fn is_in_bounds(&self) -> bool {
        let typed = match &self.desk.view {
            View::Serial { typed, .. } | View::Format { typed, .. } => typed.len() <= 1,
            View::Case { row, typing, .. } => *row == 0 && !typing,
            View::CasePath { .. } => false,
            View::Settings { typing: true, .. } => true,
            _ => true,
        };
        let settings = self.desk.settings.values().filter(|settings| {
            settings.format != Default::default()
                || settings.hashes != Default::default()
                || settings.reread != Default::default()
                || settings.rescue
                || settings.resume
                || !settings.description.is_empty()
                || settings.evidence.chars().any(|c| c != '1')
                || settings.evidence.len() > 1
        });
        let paused = self.desk.jobs.iter().any(|job| job.course == Course::Paused);
        typed
            && !paused
            && settings.count() == 0
            && self.desk.jobs.len() <= 1
            && self.desk.form == Form::default()
    }
}

fn walk() -> Seen {
    let mut seen = Seen::default();
    let mut known = HashSet::from([World::new()]);
    let mut waiting = VecDeque::from([World::new()]);
    while let Some(world) = waiting.pop_front() {
        for next in world.next(&mut seen) {
            if known.insert(next.clone()) {
                waiting.push_back(next);
            }
        }
    }
    seen.worlds = known.len();
    seen
}

#[test]
fn no_path_opens_or_writes_a_disk_that_was_chosen_as_source() {
    let seen = walk();
    eprintln!("{} states; commands: {:?}", seen.worlds, seen.deeds);
    for deed in [
        "pf-guard lock",
        "pf-guard allow",
        "pf-guard block",
        "sfdisk --quiet",
        "mkfs.exfat -L",
        "mkfs.ext4 -q",
        "mkfs.ntfs -Q",
        "mount -t",
        "umount /mnt/sdb1",
        "pf-acquire /dev/sda",
        "pf-acquire /dev/sdb",
        "poweroff",
    ] {
        assert!(seen.deeds.contains(deed), "no path leads to {deed}: {:?}", seen.deeds);
    }
}
