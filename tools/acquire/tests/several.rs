//! Several sources at once, as they are imaged on a bench; judged by other people's programs and the kernel's own counters.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use record::{Entry, Outcome};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn pf_acquire(sources: &[&Path], to: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pf-acquire"));
    command.args(sources).arg("--to").arg(to).arg("--unguarded").args(words);
    command
}

fn run(sources: &[&Path], to: &Path, words: &[&str]) -> Output {
    pf_acquire(sources, to, words).output().unwrap()
}

fn folders() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("to");
    fs::create_dir(&to).unwrap();
    (folder, to)
}

/// A file of `mebibytes` that nothing compresses, another for each seed.
fn source(folder: &Path, name: &str, mebibytes: usize, seed: u64) -> PathBuf {
    let path = folder.join(name);
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    });
    let data: Vec<u8> = words.take(mebibytes << 18).flat_map(u32::to_le_bytes).collect();
    fs::write(&path, data).unwrap();
    path
}

fn output_of(program: &str, package: &str, words: &[&Path]) -> String {
    let output = Command::new(program).args(words).output();
    let output = output.unwrap_or_else(|e| panic!("{program} (Debian package {package}): {e}"));
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn sum_of(program: &str, path: &Path) -> String {
    output_of(program, "coreutils", &[path]).split(' ').next().unwrap().to_owned()
}

fn entries(record: &Path) -> Vec<Entry> {
    let record = record::read(record).unwrap();
    assert!(record.broken.is_none(), "{:?}", record.broken);
    record.known().cloned().collect()
}

fn outcome_in(record: &Path) -> Option<Outcome> {
    entries(record).into_iter().find_map(|entry| match entry {
        Entry::Closed(closed) => Some(closed.outcome),
        _ => None,
    })
}

fn verified_by_ewfverify(image: &Path) {
    let verified = output_of("ewfverify", "ewf-tools", &[Path::new("-q"), image]);
    assert!(verified.contains("SUCCESS"), "{verified}");
}

#[test]
fn each_source_has_its_own_image_record_and_case_fields() {
    let (folder, to) = folders();
    let sources = [source(folder.path(), "a.bin", 3, 1), source(folder.path(), "b.bin", 5, 2)];
    let words = ["--evidence", "3", "--evidence", "4", "--case", "2026-17", "--hash", "md5,sha256", "--json"];
    let output = run(&[&sources[0], &sources[1]], &to, &words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let reports: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports.len(), 2);
    for ((number, source), report) in ["3", "4"].iter().zip(&sources).zip(&reports) {
        assert_eq!(report["exit_code"], 0);
        assert_eq!(report["source"], source.to_str().unwrap());
        assert_eq!(report["hashes"]["md5"], sum_of("md5sum", source));
        assert_eq!(report["hashes"]["sha256"], sum_of("sha256sum", source));
        verified_by_ewfverify(&to.join(format!("{number}.E01")));
        let entries = entries(&to.join(format!("{number}.record.jsonl")));
        let Some(Entry::AcquisitionOpened(opened)) = entries.first() else { panic!("no first entry") };
        assert_eq!(
            (opened.case.evidence_number.as_str(), opened.case.case_number.as_str()),
            (*number, "2026-17")
        );
        assert_eq!(opened.source.path, source.to_str().unwrap());
        let told = |entry: &Entry| matches!(entry, Entry::Note { text } if text.contains("one of 2 sources"));
        assert!(entries.iter().any(told), "{entries:?}");
    }
}

#[test]
fn one_that_fails_harms_no_other_and_its_code_is_the_answer() {
    let (folder, to) = folders();
    // Large and without data; it becomes shorter while it is read.
    let failing = folder.path().join("failing.bin");
    fs::File::create(&failing).unwrap().set_len(64 << 30).unwrap();
    let good = [source(folder.path(), "a.bin", 8, 1), source(folder.path(), "b.bin", 8, 2)];
    let mut child = pf_acquire(&[&good[0], &failing, &good[1]], &to, &["--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    await_text(&mut child, &to.join("failing.bin.record.jsonl"), "fault-policy");
    fs::OpenOptions::new().write(true).open(&failing).unwrap().set_len(1 << 20).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    let reports: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<&Value> = reports.iter().map(|report| &report["exit_code"]).collect();
    assert_eq!(codes, [0, 6, 0], "{told}");
    assert_eq!(reports[1]["source"], failing.to_str().unwrap());
    assert!(reports[1]["error"].as_str().unwrap().contains("not a whole image"), "{}", reports[1]);
    for (name, source) in ["a.bin", "b.bin"].iter().zip(&good) {
        verified_by_ewfverify(&to.join(format!("{name}.E01")));
        let record = to.join(format!("{name}.record.jsonl"));
        assert_eq!(outcome_in(&record), Some(Outcome::Complete));
        assert!(fs::read_to_string(record).unwrap().contains(&sum_of("md5sum", source)));
    }
    assert_eq!(outcome_in(&to.join("failing.bin.record.jsonl")), Some(Outcome::Failed));
}

fn await_text(child: &mut Child, path: &Path, text: &str) {
    while !fs::read_to_string(path).is_ok_and(|found| found.contains(text)) {
        assert!(child.try_wait().unwrap().is_none(), "it ended without {text} in {}", path.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_signal_ends_all_and_closes_every_record() {
    let (folder, to) = folders();
    let sources = ["a", "b"].map(|name| folder.path().join(name));
    for source in &sources {
        fs::File::create(source).unwrap().set_len(64 << 30).unwrap();
    }
    let mut child: Child =
        pf_acquire(&[&sources[0], &sources[1]], &to, &[]).stderr(Stdio::null()).spawn().unwrap();
    let records = ["a", "b"].map(|name| to.join(format!("{name}.record.jsonl")));
    records.iter().for_each(|record| await_text(&mut child, record, "fault-policy"));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    for record in records {
        assert_eq!(outcome_in(&record), Some(Outcome::Interrupted));
    }
}

#[test]
fn what_does_not_go_together_is_refused_before_a_file_is_made() {
    let (folder, to) = folders();
    let a = source(folder.path(), "a.bin", 1, 1);
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let same_name = source(&other, "A.BIN", 1, 2);
    for (sources, words, hint) in [
        ([&a, &same_name], &[][..], "both be called"),
        ([&a, &a], &["--name", "x", "--name", "y"][..], "named twice"),
        ([&a, &same_name], &["--evidence", "3"][..], "once for each"),
        ([&a, &same_name], &["--name", "x", "--name", "y", "--memory", "100MiB"][..], "--memory 128MiB"),
        ([&a, &same_name], &["--name", "x", "--name", "y", "--rescue"][..], "one source at a time"),
    ] {
        let output = run(&[sources[0], sources[1]], &to, words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(hint), "{output:?}");
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0, "{words:?}");
    }
}

#[test]
fn memory_is_shared_and_stays_below_what_was_allowed() {
    let (folder, to) = folders();
    let sources = [source(folder.path(), "a.bin", 64, 1), source(folder.path(), "b.bin", 64, 2)];
    let mut child = pf_acquire(&[&sources[0], &sources[1]], &to, &["--memory", "128MiB"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0u64;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    assert!(peak > 8 << 10 && peak <= 128 << 10, "{peak} KiB of 128 MiB");
}

/// A read-only loop device, which the kernel counts the reads of.
struct LoopDevice(PathBuf);

impl LoopDevice {
    fn over(file: &Path) -> Option<Self> {
        let attached =
            Command::new("losetup").args(["--find", "--show", "--read-only"]).arg(file).output().unwrap();
        let name = String::from_utf8(attached.stdout).unwrap();
        attached.status.success().then(|| Self(PathBuf::from(name.trim())))
    }

    /// Sectors read since it was attached (Documentation/block/stat.rst).
    fn sectors_read(&self) -> u64 {
        let name = self.0.file_name().unwrap().to_str().unwrap();
        let stat = fs::read_to_string(format!("/sys/block/{name}/stat")).unwrap();
        stat.split_whitespace().nth(2).unwrap().parse().unwrap()
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        Command::new("losetup").arg("--detach").arg(&self.0).status().unwrap();
    }
}

#[test]
fn of_two_equal_sources_neither_starves() {
    const MEBIBYTES: usize = 128;
    const SECTORS: u64 = (MEBIBYTES as u64) << 11;
    /// More than is read of a source before its imaging begins.
    const BEGUN: u64 = 1 << 11;
    let (folder, to) = folders();
    let files = [source(folder.path(), "a.bin", MEBIBYTES, 1), source(folder.path(), "b.bin", MEBIBYTES, 2)];
    let devices: Vec<LoopDevice> = files.iter().filter_map(|file| LoopDevice::over(file)).collect();
    let [a, b] = &devices[..] else {
        eprintln!("SKIPPED: loop devices need root");
        return;
    };
    let before = [a.sectors_read(), b.sectors_read()];
    let mut child = pf_acquire(&[&a.0, &b.0], &to, &["--hash", "md5,sha256"]).spawn().unwrap();
    let mut read_until = |enough: fn([u64; 2]) -> bool| {
        let mut read = [0, 0];
        while !enough(read) {
            assert!(child.try_wait().unwrap().is_none(), "it ended after {read:?} sectors");
            read = [a.sectors_read() - before[0], b.sectors_read() - before[1]];
            std::thread::sleep(Duration::from_millis(1));
        }
        read
    };
    // How long each takes to make its first files durable is the disk's doing: counted is from where both are read.
    let begun = read_until(|read| read.iter().all(|read| *read > BEGUN));
    let ended = read_until(|read| read.iter().any(|read| *read >= SECTORS));
    assert!(child.wait().unwrap().success());
    let gained = [ended[0] - begun[0], ended[1] - begun[1]];
    let (more, less) = (gained[0].max(gained[1]), gained[0].min(gained[1]));
    assert!(
        more >= SECTORS / 4,
        "one had read {begun:?} of {SECTORS} sectors before both were read: too few left"
    );
    // When the first has been read to its end, the other must be well on its way, whatever the machine does besides.
    assert!(less >= more / 4, "the other had {less} sectors while the first had {more}");
}
