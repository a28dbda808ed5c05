//! The program on the machine that runs the tests, with sysfs and a loop device as it finds them.

#![allow(clippy::unwrap_used, clippy::panic)] // A test program through and through.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn pf_devices(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pf-devices")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&pf_devices(arguments).stdout).unwrap()
}

#[test]
fn the_guard_is_said_to_be_absent_where_it_is() {
    if Path::new("/sys/kernel/security/evidence_guard").exists() {
        eprintln!("SKIPPED: this machine has a guard");
        return;
    }
    let report = json(&["--json", "--no-content"]);
    assert_eq!(report.pointer("/guard/status").unwrap(), "absent");
    for disk in report.get("disks").unwrap().as_array().unwrap() {
        assert_eq!(disk.get("guard_state").unwrap(), "no-guard");
        assert_eq!(disk.pointer("/signatures/status").unwrap(), "not-read");
    }
    let screen = String::from_utf8(pf_devices(&[]).stdout).unwrap();
    assert!(screen.starts_with("NO EVIDENCE GUARD"), "{screen}");
}

/// `lsblk` (util-linux) is the second witness for names and sizes.
#[test]
fn names_and_sizes_are_those_that_lsblk_gives() {
    let Ok(lsblk) =
        Command::new("lsblk").args(["-b", "-d", "-n", "-o", "NAME,SIZE,LOG-SEC,PHY-SEC"]).output()
    else {
        panic!("this test needs the Debian package util-linux");
    };
    let report = json(&["--json", "--no-content"]);
    let find = |name: &str| {
        report
            .get("disks")
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .find(|d| d.get("name").unwrap() == name)
            .cloned()
    };
    for line in String::from_utf8(lsblk.stdout).unwrap().lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [name, size, logical, physical] = columns.as_slice() else { panic!("{line}") };
        // Loop devices come and go with other tests; one has a test of its own below.
        if ["zram", "ram", "loop"].iter().any(|kind| name.starts_with(kind)) || *size == "0" {
            continue;
        }
        let disk = find(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(disk.get("capacity").unwrap().to_string(), *size);
        assert_eq!(disk.get("logical_sector").unwrap().to_string(), *logical);
        assert_eq!(disk.get("physical_sector").unwrap().to_string(), *physical);
    }
}

#[test]
fn a_file_behind_a_loop_device_is_listed_with_what_is_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("swap.raw");
    std::fs::File::create(&file).unwrap().set_len(1 << 20).unwrap();
    assert!(
        Command::new("/sbin/mkswap").args(["-q", "-L", "testswap"]).arg(&file).status().unwrap().success()
    );
    let attach = Command::new("/sbin/losetup").args(["-r", "-f", "--show"]).arg(&file).output().unwrap();
    if !attach.status.success() {
        eprintln!("SKIPPED: no loop device can be had: {}", String::from_utf8_lossy(&attach.stderr));
        return;
    }
    let node = String::from_utf8(attach.stdout).unwrap().trim().to_owned();
    let report = json(&["--json"]);
    let screen = String::from_utf8(pf_devices(&[]).stdout).unwrap();
    assert!(Command::new("/sbin/losetup").args(["-d", &node]).status().unwrap().success());

    let disks = report.get("disks").unwrap().as_array().unwrap();
    let disk = disks.iter().find(|d| d.get("path").unwrap() == node.as_str()).unwrap();
    assert_eq!(disk.get("transport").unwrap(), "loop");
    assert_eq!(disk.get("capacity").unwrap(), 1 << 20);
    assert_eq!(disk.get("read_only").unwrap(), true);
    assert_eq!(disk.pointer("/signatures/found/0/kind").unwrap(), "swap");
    assert_eq!(disk.pointer("/signatures/found/0/label").unwrap(), "testswap");
    assert!(screen.contains("Linux swap \"testswap\""), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
}
