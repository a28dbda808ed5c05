//! The library on files laid out as the kernel lays them out, and the program on a machine without guard.

#![allow(clippy::unwrap_used)] // A test program through and through.

use evidence::GuardState;
use guard::{EventKind, Guard, GuardError, Identifier, IdentifierKind, Wait};
use std::fs;
use std::path::Path;
use std::process::Command;

struct Machine(tempfile::TempDir);

impl Machine {
    fn new(version: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.write("security/evidence_guard/version", version);
        machine.write("security/evidence_guard/seal", "0\n");
        machine.write("security/evidence_guard/evidence", "serial QM1\nwwid naa.5\n");
        machine.write("sys/block/sda/guard/state", "blocked\n");
        machine.write("sys/block/sda/guard/refused", "3\n");
        machine.write("sys/block/sda/guard/identity", "serial QM 00001\nusb-serial 123\ncid 9\ncolour red\n");
        let commands = format!("{:<95}\n{:<95}\n", "scsi 28 - 3 0 0 READ (10)", "scsi 2a - 0 0 1 WRITE (10)");
        machine.write("sys/block/sda/guard/commands", &commands);
        machine.write("security/evidence_guard/policy", "scsi-disk\t28\t-\tREAD (10)\tSBC-4\tpass\treads\n");
        machine.write("sys/block/sda/sda1/partition", "1\n");
        machine.write("sys/block/loop0/size", "0\n");
        machine
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn state_file(&self) -> String {
        fs::read_to_string(self.0.path().join("sys/block/sda/guard/state")).unwrap()
    }

    fn guard(&self) -> Result<Option<Guard>, GuardError> {
        Guard::in_force_at(&self.0.path().join("sys"), &self.0.path().join("security"))
    }
}

#[test]
fn without_its_version_file_no_guard_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Guard::in_force_at(folder.path(), folder.path()).unwrap().is_none());
}

#[test]
fn a_guard_of_another_version_is_not_spoken_to() {
    for version in ["1\n", "", "2x\n"] {
        let error = Machine::new(version).guard().unwrap_err();
        assert!(matches!(error, GuardError::UnknownVersion { .. }), "{error}");
    }
}

#[test]
fn the_state_and_names_of_a_disk_are_read() {
    let machine = Machine::new("2\n");
    let guard = machine.guard().unwrap().unwrap();
    assert_eq!(guard.disks().unwrap(), ["sda"]);
    let disk = guard.disk("sda").unwrap();
    assert_eq!((disk.state().unwrap(), disk.refused().unwrap()), (GuardState::Blocked, 3));
    let identity = disk.identity().unwrap();
    let expected = Identifier { kind: IdentifierKind::Serial, value: "QM 00001".into() };
    assert_eq!(identity.first(), Some(&expected));
    assert_eq!(identity.last().map(|id| id.kind.clone()), Some(IdentifierKind::Other("colour".into())));
    assert!(!guard.sealed().unwrap());
    assert_eq!(guard.evidence_memory().unwrap().len(), 2);
}

#[test]
fn the_flight_recorder_and_the_policy_are_read() {
    let machine = Machine::new("2\n");
    let guard = machine.guard().unwrap().unwrap();
    let commands = guard.disk("sda").unwrap().commands().unwrap();
    let seen: Vec<_> = commands.iter().map(|c| (c.opcode, c.passed, c.refused)).collect();
    assert_eq!(seen, [(0x28, 3, 0), (0x2A, 0, 1)]);
    // Of sha256sum.
    let expected =
        Command::new("sha256sum").arg(machine.0.path().join("security/evidence_guard/policy")).output();
    let expected = String::from_utf8(expected.unwrap().stdout).unwrap();
    assert!(expected.starts_with(&guard.policy_sha256().unwrap()), "{expected}");
    machine.write("sys/block/sda/guard/commands", "rubbish\n");
    assert!(matches!(guard.disk("sda").unwrap().commands(), Err(GuardError::Unintelligible { .. })));
}

#[test]
fn each_change_is_the_line_that_the_interface_names() {
    let machine = Machine::new("2\n");
    let guard = machine.guard().unwrap().unwrap();
    let disk = guard.disk("sda").unwrap();
    disk.lock().unwrap();
    assert_eq!(machine.state_file(), "evidence\n");
    disk.allow(" QM 00001 ").unwrap();
    assert_eq!(machine.state_file(), "writable QM 00001\n");
    disk.block().unwrap();
    assert_eq!(machine.state_file(), "blocked\n");
    guard.seal().unwrap();
    assert!(guard.sealed().unwrap());
}

#[test]
fn a_serial_that_would_be_another_line_is_not_handed_on() {
    let machine = Machine::new("2\n");
    let disk = machine.guard().unwrap().unwrap().disk("sda").unwrap();
    for serial in ["", "  ", "a\nevidence", "caf\u{e9}", &"x".repeat(128)] {
        assert!(matches!(disk.allow(serial), Err(GuardError::ImpossibleSerial { .. })), "{serial:?}");
    }
    assert_eq!(machine.state_file(), "blocked\n");
}

#[test]
fn what_is_no_guarded_whole_disk_is_told_apart() {
    let machine = Machine::new("2\n");
    let guard = machine.guard().unwrap().unwrap();
    assert!(matches!(guard.disk("sda1"), Err(GuardError::Partition { whole, .. }) if whole == "sda"));
    assert!(matches!(guard.disk("loop0"), Err(GuardError::NotGuarded { .. })));
    for name in ["sdz", "", ".", "..", "../block/sda", "sda/sda1"] {
        assert!(matches!(guard.disk(name), Err(GuardError::NoSuchDisk { .. })), "{name}");
    }
}

#[test]
fn odd_words_from_the_kernel_are_errors_and_not_guesses() {
    let machine = Machine::new("2\n");
    machine.write("sys/block/sda/guard/state", "thawed\n");
    machine.write("sys/block/sda/guard/refused", "-1\n");
    machine.write("security/evidence_guard/seal", "2\n");
    let guard = machine.guard().unwrap().unwrap();
    let disk = guard.disk("sda").unwrap();
    assert!(disk.state().unwrap_err().to_string().contains("'thawed'"));
    assert!(disk.refused().is_err() && guard.sealed().is_err());
}

#[test]
fn events_come_in_order_and_a_damaged_line_does_not_hide_the_next() {
    let machine = Machine::new("2\n");
    let lines = "seq=0 time_ns=1 event=born disk=sda dev=8:0 state=blocked pid=1 comm=x\nrubbish\n\
                 seq=1 time_ns=2 event=sealed disk=- dev=- pid=1 comm=x\n";
    machine.write("security/evidence_guard/events", lines);
    let events: Vec<_> = machine.guard().unwrap().unwrap().events(Wait::End).unwrap().collect();
    assert_eq!(events.len(), 3);
    assert!(events.get(1).unwrap().is_err());
    assert_eq!(events.get(2).unwrap().as_ref().unwrap().kind, EventKind::Sealed);
}

#[test]
fn on_a_machine_without_guard_every_command_says_so_with_its_own_exit_code() {
    if Path::new("/sys/kernel/security/evidence_guard").exists() {
        eprintln!("SKIPPED: this machine has a guard");
        return;
    }
    let allow = ["allow", "sda", "--serial", "x", "--yes"];
    for arguments in [&["status"][..], &["status", "--json"], &["lock", "sda"], &allow, &["seal"], &["log"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_pf-guard")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no evidence guard is in force"));
        assert!(output.stdout.is_empty());
    }
    let usage = Command::new(env!("CARGO_BIN_EXE_pf-guard")).arg("allow").output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}
