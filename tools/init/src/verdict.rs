//! Whether this machine may be worked on: the guard is in force and every disk is blocked.

use evidence::GuardState;
use guard::{Guard, GuardError};
use std::fmt;
use std::fs;
use std::path::Path;

/// The only virtual disks: a loop device is a file, and the disk that holds the file is guarded. The kernel's guard has the same
/// list. Major number 7 (Documentation/admin-guide/devices.txt).
const LOOP_MAJOR: &str = "7:";

/// Everything is as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    blocked: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disks = match self.blocked {
            0 => "no disk yet; each is born blocked".to_owned(),
            1 => "1 disk, blocked".to_owned(),
            n => format!("{n} disks, all blocked"),
        };
        writeln!(f, "Evidence guard in force: {disks}.\nStart with pf-devices; poweroff ends.\n")
    }
}

/// Looks at every disk in `/sys/block`.
pub(crate) fn reach(sys: &Path, guard: Result<Option<Guard>, GuardError>) -> Result<Verdict, Vec<String>> {
    let guard = match guard {
        Ok(Some(guard)) => guard,
        Ok(None) => return Err(vec!["this kernel has no evidence guard in force".to_owned()]),
        Err(e) => return Err(vec![e.to_string()]),
    };
    let unlistable = |e| vec![format!("the list of disks in {}/block cannot be read: {e}", sys.display())];
    let mut blocked = 0usize;
    let mut problems = Vec::new();
    for entry in fs::read_dir(sys.join("block")).map_err(unlistable)? {
        let entry = entry.map_err(unlistable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match guard.disk(&name).and_then(|disk| disk.state()) {
            Ok(GuardState::Blocked) => blocked = blocked.saturating_add(1),
            Ok(state) => problems.push(format!("{name} is {state}, not blocked")),
            Err(GuardError::NotGuarded { .. }) if is_loop(&entry.path()) => {}
            // Unplugged between the list and the look.
            Err(_) if !entry.path().exists() => {}
            Err(GuardError::NotGuarded { .. }) => {
                problems.push(format!("{name} is not held by the evidence guard"))
            }
            Err(e) => problems.push(e.to_string()),
        }
    }
    problems.sort();
    if problems.is_empty() { Ok(Verdict { blocked }) } else { Err(problems) }
}

fn is_loop(disk: &Path) -> bool {
    fs::read_to_string(disk.join("dev")).is_ok_and(|number| number.starts_with(LOOP_MAJOR))
}

/// What an examiner reads on every console. Carriage returns, because nobody has set the serial line up.
pub(crate) fn refusal(problems: &[String]) -> String {
    let rule = "*".repeat(72);
    let mut lines = vec![
        String::new(),
        rule.clone(),
        "PERMAFROST REFUSES TO GO ON: THE DISKS ARE NOT PROTECTED".to_owned(),
    ];
    lines.push(String::new());
    lines.extend(problems.iter().map(|problem| format!("  - {problem}")));
    lines.push(String::new());
    lines.push("No program was started, and this system has written nothing to any disk.".to_owned());
    lines.push("Switch the machine off by its power button: hold it for ten seconds.".to_owned());
    lines.push("Write these lines down; do not use this stick on evidence until it is mended.".to_owned());
    lines.extend([rule, String::new()]);
    lines.join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            machine.write("security/evidence_guard/version", "2\n");
            machine.write("sys/block/sda/guard/state", "blocked\n");
            machine.write("sys/block/nvme0n1/guard/state", "blocked\n");
            machine.write("sys/block/loop0/dev", "7:0\n");
            machine
        }

        fn write(&self, path: &str, content: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        fn verdict(&self) -> Result<Verdict, Vec<String>> {
            let sys = self.0.path().join("sys");
            reach(&sys, Guard::in_force_at(&sys, &self.0.path().join("security")))
        }
    }

    #[test]
    fn a_machine_whose_disks_are_all_blocked_may_be_worked_on() {
        assert_eq!(Machine::new().verdict(), Ok(Verdict { blocked: 2 }));
    }

    #[test]
    fn a_machine_without_guard_is_refused() {
        let machine = Machine::new();
        fs::remove_file(machine.0.path().join("security/evidence_guard/version")).unwrap();
        assert!(machine.verdict().unwrap_err()[0].contains("no evidence guard"));
        machine.write("security/evidence_guard/version", "1\n");
        assert!(machine.verdict().unwrap_err()[0].contains("version '1'"));
    }

    #[test]
    fn every_disk_that_is_not_blocked_is_named() {
        let machine = Machine::new();
        machine.write("sys/block/sdb/guard/state", "writable\n");
        machine.write("sys/block/sdc/device/model", "a disk with hardware and no guard\n");
        machine.write("sys/block/sdd/guard/state", "thawed\n");
        machine.write("sys/block/ram0/dev", "1:0\n");
        let problems = machine.verdict().unwrap_err();
        let text = refusal(&problems);
        assert_eq!(problems.len(), 4, "{problems:?}");
        for words in
            ["sdb is writable", "sdc is not held", "sdd/guard/state: says 'thawed'", "ram0 is not held"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.contains("has written nothing to any disk") && text.contains("power button"));
    }

    #[test]
    fn a_machine_whose_disks_cannot_be_listed_is_refused() {
        let machine = Machine::new();
        fs::remove_dir_all(machine.0.path().join("sys")).unwrap();
        assert!(machine.verdict().unwrap_err()[0].contains("cannot be read"));
    }
}
