//! Clones onto disks, on loop devices, judged by `cmp`, `sha256sum` and `dd`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use record::{CloneRest, Entry, Outcome};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MIB: usize = 1 << 20;

/// A file seen as a disk.
struct LoopDevice {
    node: PathBuf,
    file: PathBuf,
}

impl LoopDevice {
    /// `None`, said visibly, where there are no loop devices.
    fn over(file: &Path, words: &[&str]) -> Option<Self> {
        let attached =
            Command::new("losetup").args(["--find", "--show"]).args(words).arg(file).output().unwrap();
        if !attached.status.success() {
            eprintln!("SKIPPED: loop devices need root: {}", String::from_utf8_lossy(&attached.stderr));
            return None;
        }
        let node = String::from_utf8(attached.stdout).unwrap();
        let device = Self { node: PathBuf::from(node.trim()), file: file.to_owned() };
        if !words.contains(&"--read-only") {
            // Some kernels mark every new loop device read-only.
            Command::new("blockdev").arg("--setrw").arg(&device.node).status().unwrap();
        }
        Some(device)
    }

    /// What the file holds, once what is written to the device has reached it.
    fn content(&self) -> Vec<u8> {
        Command::new("sync").status().unwrap();
        fs::read(&self.file).unwrap()
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        Command::new("losetup").arg("--detach").arg(&self.node).status().unwrap();
    }
}

/// Undoes at its end what was done to the machine, also when the test fails.
struct Undone(&'static str, PathBuf);

impl Drop for Undone {
    fn drop(&mut self) {
        Command::new(self.0).arg(&self.1).status().unwrap();
    }
}

struct Bench {
    folder: tempfile::TempDir,
    to: PathBuf,
    source: PathBuf,
}

impl Bench {
    /// A source of `size` bytes that tell their place.
    fn new(size: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (to, source) = (folder.path().join("to"), folder.path().join("source.bin"));
        fs::create_dir(&to).unwrap();
        let data: Vec<u8> = (0..size).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect();
        fs::write(&source, data).unwrap();
        Self { folder, to, source }
    }

    /// A disk full of something else.
    fn disk(&self, name: &str, size: usize, words: &[&str]) -> Option<LoopDevice> {
        let file = self.folder.path().join(name);
        fs::write(&file, vec![0xEE; size]).unwrap();
        LoopDevice::over(&file, words)
    }

    fn clone_onto(&self, disk: &Path, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pf-acquire"));
        command.arg(&self.source).arg("--clone").arg(disk).arg("--to").arg(&self.to);
        command.args(["--unguarded", "--name", "item"]).args(words).output().unwrap()
    }

    fn entries(&self) -> Vec<Entry> {
        let record = record::read(&self.to.join("item.record.jsonl")).unwrap();
        assert!(record.broken.is_none() && record.is_closed(), "{:?}", record.broken);
        record.known().cloned().collect()
    }

    fn clone_entry(&self) -> record::CloneDisk {
        let found = self.entries().into_iter().find_map(|entry| match entry {
            Entry::CloneDisk(clone) => Some(*clone),
            _ => None,
        });
        found.expect("the record names the disk")
    }

    fn outcome(&self) -> Outcome {
        let Some(Entry::Closed(closed)) = self.entries().pop() else { panic!("not closed") };
        closed.outcome
    }
}

fn sha256_of(path: &Path, bytes: usize) -> String {
    let script = format!("head -c {bytes} '{}' | sha256sum", path.display());
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn assert_same(one: &Path, other: &Path, bytes: usize) {
    let compared = Command::new("cmp").args(["-n", &bytes.to_string()]).args([one, other]).output().unwrap();
    assert!(compared.status.success(), "{compared:?}");
}

#[test]
fn a_clone_is_the_source_sector_by_sector_and_what_lies_behind_it_is_left() {
    let bench = Bench::new(5 * MIB + 1536);
    let Some(disk) = bench.disk("disk", 8 * MIB, &[]) else { return };
    let output = bench.clone_onto(&disk.node, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let content = disk.content();
    assert_same(&bench.source, &disk.file, 5 * MIB + 1536);
    assert!(content[5 * MIB + 1536..].iter().all(|byte| *byte == 0xEE), "what lies behind was changed");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["hashes"]["sha256"], sha256_of(&disk.file, 5 * MIB + 1536));
    assert_eq!(report["clone"]["rest"], "left");
    let Some(Entry::AcquisitionOpened(opened)) = bench.entries().into_iter().next() else { panic!() };
    assert_eq!(
        (opened.plan.format.as_str(), opened.plan.destination.as_str()),
        ("clone", disk.node.to_str().unwrap())
    );
    let clone = bench.clone_entry();
    assert_eq!((clone.cloned.0, clone.excess.0), (5 * MIB as u64 + 1536, 3 * MIB as u64 - 1536));
    assert_eq!(clone.disk.path, disk.node.to_str().unwrap());
    assert_eq!(bench.outcome(), Outcome::Complete);
}

#[test]
fn zeros_are_put_behind_the_clone_where_that_is_asked_for() {
    // Ends within a sector, which is filled up.
    let bench = Bench::new(2 * MIB + 100);
    let Some(disk) = bench.disk("disk", 5 * MIB, &[]) else { return };
    let output = bench.clone_onto(&disk.node, &["--wipe-rest"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let content = disk.content();
    assert_same(&bench.source, &disk.file, 2 * MIB + 100);
    assert!(content[2 * MIB + 100..].iter().all(|byte| *byte == 0), "something is left behind the clone");
    assert_eq!(bench.clone_entry().rest, CloneRest::Zeros);
}

#[test]
fn a_smaller_disk_is_refused_and_taken_only_where_the_end_may_be_left_out() {
    let bench = Bench::new(3 * MIB);
    let Some(disk) = bench.disk("disk", 2 * MIB, &[]) else { return };
    let refused = bench.clone_onto(&disk.node, &[]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--truncate"), "{refused:?}");
    assert!(disk.content().iter().all(|byte| *byte == 0xEE), "a refused disk was written");
    assert_eq!(fs::read_dir(&bench.to).unwrap().count(), 0);

    let output = bench.clone_onto(&disk.node, &["--truncate"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("TRUNCATED"), "{output:?}");
    disk.content();
    assert_same(&bench.source, &disk.file, 2 * MIB);
    assert_eq!((bench.clone_entry().truncated.0, bench.clone_entry().cloned.0), (MIB as u64, 2 * MIB as u64));
}

#[test]
fn a_disk_in_use_or_the_source_itself_is_refused_and_not_touched() {
    let bench = Bench::new(MIB);
    let Some(mut disk) = bench.disk("disk", 4 * MIB, &[]) else { return };
    let refused = |disk: &Path, hint: &str| {
        let output = bench.clone_onto(disk, &[]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(hint), "{hint}: {output:?}");
        assert_eq!(fs::read_dir(&bench.to).unwrap().count(), 0, "{hint}");
    };
    refused(&bench.folder.path().join("disk"), "is no disk");
    let Some(of_source) = LoopDevice::over(&bench.source, &[]) else { return };
    refused(&of_source.node, "is the source itself");
    drop(of_source);
    for (words, hint) in [
        (vec!["--to", bench.folder.path().to_str().unwrap()], "one folder"),
        (vec!["--resume"], "--resume"),
        (vec!["--rescue"], "--rescue"),
        (vec![bench.to.to_str().unwrap(), "--name", "other"], "one source at a time"),
    ] {
        let output = bench.clone_onto(&disk.node, &words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(hint), "{hint}: {output:?}");
    }
    let Some(read_only) = bench.disk("read-only", 2 * MIB, &["--read-only"]) else { return };
    refused(&read_only.node, "read-only");

    let made = Command::new("mke2fs").args(["-q", "-F"]).arg(&disk.node).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let point = bench.folder.path().join("mounted");
    fs::create_dir(&point).unwrap();
    assert!(Command::new("mount").arg(&disk.node).arg(&point).status().unwrap().success());
    let mounted = Undone("umount", point);
    let before = disk.content();
    refused(&disk.node, "is mounted at");
    assert!(disk.content() == before, "a mounted disk was written");
    drop(mounted);

    // Swap space is known to the kernel alone.
    let Some(swap) = bench.disk("swap", 4 * MIB, &[]) else { return };
    disk = swap;
    let quietly = |program: &str| Command::new(program).arg(&disk.node).output().unwrap().status.success();
    if !quietly("mkswap") || !quietly("swapon") {
        eprintln!("SKIPPED: no swap space can be had here");
        return;
    }
    let _taken_out = Undone("swapoff", disk.node.clone());
    refused(&disk.node, "is in use");
}

#[test]
fn what_changed_between_writing_and_reading_back_is_found() {
    const SIZE: usize = 320 * MIB;
    let bench = Bench::new(0);
    fs::File::create(&bench.source).unwrap().set_len(SIZE as u64).unwrap();
    let file = bench.folder.path().join("disk");
    fs::File::create(&file).unwrap().set_len(SIZE as u64).unwrap();
    let Some(disk) = LoopDevice::over(&file, &[]) else { return };
    let mut child = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
        .arg(&bench.source)
        .arg("--clone")
        .arg(&disk.node)
        .arg("--to")
        .arg(&bench.to)
        // A slow hash: blocks wait for it, so that the end is read late.
        .args(["--unguarded", "--name", "item", "--hash", "sha512,sha3-256"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !fs::read_to_string(bench.to.join("item.record.jsonl"))
        .is_ok_and(|text| text.contains("image-closed"))
    {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    fs::OpenOptions::new().write(true).open(&file).unwrap().write_all_at(b"!", SIZE as u64 - 1).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stdout);
    let place = (SIZE - MIB).to_string();
    assert!(told.replace(' ', "").contains(&place), "the place is not told: {told}");
    assert_eq!(bench.outcome(), Outcome::VerificationFailed);
}

#[test]
fn a_disk_that_takes_no_more_ends_the_clone_and_the_record_says_so() {
    let bench = Bench::new(8 * MIB);
    let small = bench.folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=3M", "none"]).arg(&small).output().unwrap();
    if !mounted.status.success() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let _unmounted = Undone("umount", small.clone());
    let file = small.join("disk");
    fs::File::create(&file).unwrap().set_len(8 * MIB as u64).unwrap();
    let Some(disk) = LoopDevice::over(&file, &[]) else { return };
    let output = bench.clone_onto(&disk.node, &[]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(bench.outcome(), Outcome::Failed);
}
