//! Recovery beside GNU ddrescue, on a file that fails: the emulator's block layer with injected errors, given to the kernel
//! by FUSE. Where that can't be had, the tests say that they are skipped; the emulator's machines have the same media as
//! real disk models.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use record::{Content, Entry, RecordFile};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;
/// What direct reads of a file want.
const PAGE: usize = 4096;

/// A file whose reads fail as told.
struct FailingFile {
    daemon: Child,
    path: PathBuf,
}

impl FailingFile {
    /// Serves `image`, of which the given sectors of 512 bytes can't be read, at most `rate` bytes a second if not zero.
    /// `None`, and a line that says so, where this machine can't.
    fn serve(image: &Path, bad: &[(usize, bool)], rate: u64) -> Option<Self> {
        if fs::File::options().read(true).write(true).open("/dev/fuse").is_err() {
            eprintln!("SKIPPED: no FUSE here");
            return None;
        }
        let path = image.with_extension("export");
        fs::write(&path, "").unwrap();
        let errors: Vec<String> = bad
            .iter()
            .map(|(sector, once)| {
                format!(r#"{{"event":"none","iotype":"read","errno":5,"sector":{sector},"once":{once}}}"#)
            })
            .collect();
        // An empty list is refused.
        let errors = if errors.is_empty() {
            String::new()
        } else {
            format!(r#","inject-error":[{}]"#, errors.join(","))
        };
        let faulty =
            format!(r#"{{"driver":"blkdebug","node-name":"b","image":"f","read-only":true{errors}}}"#);
        let file = format!(
            r#"{{"driver":"file","node-name":"f","filename":"{}","read-only":true,"locking":"off"}}"#,
            image.display()
        );
        let slow =
            r#"{"driver":"throttle","node-name":"t","throttle-group":"g","file":"b","read-only":true}"#;
        let mountpoint = path.display();
        let export = format!(
            r#"{{"type":"fuse","id":"e","node-name":"t","mountpoint":"{mountpoint}","writable":false}}"#
        );
        let group = format!(r#"{{"qom-type":"throttle-group","id":"g","limits":{{"bps-read":{rate}}}}}"#);
        let mut daemon = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "qemu-storage-daemon"])
            .args(["--blockdev", &file, "--blockdev", &faulty, "--object", &group, "--blockdev", slow])
            .args(["--export", &export])
            .spawn()
            .expect("setpriv (Debian package util-linux)");
        let length = fs::metadata(image).unwrap().len();
        let deadline = Instant::now() + Duration::from_secs(30);
        while fs::metadata(&path).map_or(true, |file| file.len() != length) {
            let ended = daemon.try_wait().unwrap();
            assert!(ended.is_none(), "qemu-storage-daemon (Debian package qemu-utils) ended: {ended:?}");
            assert!(Instant::now() < deadline, "qemu-storage-daemon did not serve {mountpoint}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { daemon, path })
    }

    fn signal(&self, signal: &str) {
        assert!(
            Command::new("kill").args([signal, &self.daemon.id().to_string()]).status().unwrap().success()
        );
    }
}

impl Drop for FailingFile {
    fn drop(&mut self) {
        self.signal("-CONT");
        self.signal("-TERM");
        let _ = self.daemon.wait();
        // Where the daemon could not take its mount away itself.
        let _ = Command::new("umount").args(["-q", "-l"]).arg(&self.path).status();
    }
}

fn image_in(folder: &Path, bytes: usize) -> PathBuf {
    let path = folder.join("disk");
    let mut state = 7u32;
    let data: Vec<u8> = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    fs::write(&path, data).unwrap();
    path
}

fn acquire_command(source: &Path, to: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pf-acquire"));
    command.arg(source).arg("--to").arg(to).args(["--unguarded", "--name", "item"]).args(words);
    command
}

fn pf_acquire(source: &Path, to: &Path, words: &[&str]) -> Output {
    acquire_command(source, to, words).output().unwrap()
}

fn rescue(source: &Path, to: &Path, words: &[&str]) -> Output {
    pf_acquire(source, to, &[&["--rescue", "--format", "raw", "--hash", "sha256"], words].concat())
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    let output = output.unwrap_or_else(|e| panic!("{program} (Debian package gddrescue): {e}"));
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn record_in(to: &Path) -> RecordFile {
    let record = record::read(&to.join("item.record.jsonl")).unwrap();
    assert!(record.is_closed(), "{:?}", record.broken);
    assert!(!record.entries.iter().any(|entry| matches!(entry.content, Content::Unknown(_))));
    record
}

fn folders() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("to");
    fs::create_dir(&to).unwrap();
    (folder, to)
}

/// Single sectors, a run, two that are close, the first and the last.
fn faults(bytes: usize) -> Vec<(usize, bool)> {
    let run = 9000..9040;
    [0, 3001, 3017, bytes / 512 - 1].into_iter().chain(run).map(|sector| (sector, false)).collect()
}

#[test]
fn what_is_recovered_and_the_map_of_it_are_those_of_ddrescue() {
    let (folder, to) = folders();
    let bytes = 12 * MIB;
    let image = image_in(folder.path(), bytes);
    let Some(file) = FailingFile::serve(&image, &faults(bytes), 0) else { return };
    let output = rescue(&file.path, &to, &["--retries", "0"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");

    let (raw, map) = (to.join("item.raw"), to.join("item.map"));
    let (their_raw, their_map) = (to.join("dd.raw"), to.join("dd.map"));
    run("ddrescue", &["-d", "-b", "4096", text(&file.path), text(&their_raw), text(&their_map)]);
    run("ddrescuelog", &["-p", text(&their_map), text(&map)]);
    assert_eq!(run("ddrescuelog", &["-l-", text(&map)]), run("ddrescuelog", &["-l-", text(&their_map)]));
    // Theirs ends with the last byte recovered.
    let (ours, mut theirs) = (fs::read(&raw).unwrap(), fs::read(&their_raw).unwrap());
    theirs.resize(bytes, 0);
    assert!(ours == theirs);
    let shown = run("ddrescuelog", &["-t", text(&map)]);
    assert!(shown.contains("finished") && shown.contains("non-tried:        0 B"), "{shown}");
    assert_eq!(run("ddrescuelog", &["-C", text(&map)]).lines().filter(|line| line.ends_with('?')).count(), 0);

    let record = record_in(&to);
    let passes = record.known().filter_map(|entry| match entry {
        Entry::RescuePass(pass) => Some((pass.phase.clone(), pass.pass)),
        _ => None,
    });
    let passes: Vec<_> = passes.into_iter().collect();
    assert_eq!(passes.first().unwrap(), &("copying".to_owned(), 1));
    assert!(
        passes.contains(&("trimming".to_owned(), 1)) && passes.contains(&("scraping".to_owned(), 1)),
        "{passes:?}"
    );
    let unread = record.known().find_map(|entry| match entry {
        Entry::ImageClosed(closed) => Some(closed.unread.clone()),
        _ => None,
    });
    let bad: u64 = run("ddrescuelog", &["-b", "4096", "-l-", text(&map)]).lines().count() as u64;
    assert_eq!(unread.unwrap().total().0, bad * PAGE as u64);
}

#[test]
fn ddrescue_goes_on_with_ours_and_we_with_what_it_left() {
    let (folder, to) = folders();
    let bytes = 8 * MIB;
    let image = image_in(folder.path(), bytes);
    let Some(failing) = FailingFile::serve(&image, &faults(bytes / 2), 0) else { return };
    let path = failing.path.clone();
    assert_eq!(rescue(&path, &to, &[]).status.code(), Some(3));
    drop(failing);

    // The same disk on a day when all but one sector reads.
    let failing = FailingFile::serve(&image, &[(3001, false)], 0).unwrap();
    let (raw, map) = (to.join("item.raw"), to.join("item.map"));
    run("ddrescue", &["-d", "-b", "4096", "-r", "1", text(&path), text(&raw), text(&map)]);
    assert_eq!(run("ddrescuelog", &["-b", "4096", "-l-", text(&map)]).lines().count(), 1);
    drop(failing);

    let healthy = FailingFile::serve(&image, &[], 0).unwrap();
    let output = rescue(&path, &to, &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(fs::read(&raw).unwrap() == fs::read(&image).unwrap());
    run("ddrescuelog", &["-D", text(&map)]);
    drop(healthy);
    let record = record_in(&to);
    let begun = record.known().find_map(|entry| match entry {
        Entry::RescueBegun(begun) => Some(begun.clone()),
        _ => None,
    });
    let begun = begun.unwrap();
    assert_eq!(begun.map_changed, Some(true), "that another program worked on it is not hidden");
    let earlier = begun.earlier.unwrap();
    assert_eq!(earlier.name, "item.record-1.jsonl");
    assert_eq!(record::read(&to.join(&earlier.name)).unwrap().head, earlier.chain_head);
    assert_eq!(begun.finished.0 as usize, bytes - PAGE);
}

#[test]
fn raw_data_of_ddrescue_are_taken_at_the_users_word_only_and_only_where_they_agree() {
    let (folder, to) = folders();
    let bytes = 8 * MIB;
    let image = image_in(folder.path(), bytes);
    let Some(failing) = FailingFile::serve(&image, &[(3001, false)], 0) else { return };
    let (raw, map) = (to.join("item.raw"), to.join("item.map"));
    run("ddrescue", &["-d", "-b", "4096", "-s", "4MiB", text(&failing.path), text(&raw), text(&map)]);
    let made = fs::read(&raw).unwrap();
    assert_eq!(made.len(), 4 * MIB);

    let output = rescue(&failing.path, &to, &[]);
    assert!(output.status.code() == Some(2) && told(&output).contains("--adopt"), "{output:?}");
    let mut altered = made.clone();
    altered[MIB] ^= 1;
    fs::write(&raw, &altered).unwrap();
    let output = rescue(&failing.path, &to, &["--adopt"]);
    assert!(output.status.code() == Some(2) && told(&output).contains("differs at"), "{output:?}");
    assert!(!to.join("item.record.jsonl").exists());
    assert!(fs::read(&raw).unwrap()[..4 * MIB] == altered[..], "what was refused was changed");

    fs::write(&raw, &made).unwrap();
    let output = rescue(&failing.path, &to, &["--adopt", "--fill", "5a"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let mut expected = fs::read(&image).unwrap();
    let page = 3001 * 512 / PAGE * PAGE;
    expected[page..page + PAGE].fill(0x5a);
    assert!(fs::read(&raw).unwrap() == expected);
    let record = record_in(&to);
    let adopted = record.known().find_map(|entry| match entry {
        Entry::RescueBegun(begun) => begun.adopted_after_comparing,
        _ => None,
    });
    assert!(adopted.unwrap() > 10, "{adopted:?}");
}

/// Waits until the fourth MiB of a rescue that goes on is there.
fn await_some_mebibytes(child: &mut Child, raw: &Path) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !fs::read(raw)
        .is_ok_and(|data| data.get(3 * MIB..4 * MIB).is_some_and(|part| part.iter().any(|b| *b != 0)))
    {
        assert!(child.try_wait().unwrap().is_none(), "it ended before some MiB were recovered");
        assert!(Instant::now() < deadline, "some MiB were not recovered");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_source_that_hangs_costs_some_reads_and_nothing_else() {
    let (folder, to) = folders();
    let image = image_in(folder.path(), 24 * MIB);
    let Some(file) = FailingFile::serve(&image, &[], 4 << 20) else { return };
    let words = ["--rescue", "--format", "raw", "--hash", "sha256", "--read-timeout", "1", "--retries", "3"];
    let mut child = acquire_command(&file.path, &to, &words)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let raw = to.join("item.raw");
    await_some_mebibytes(&mut child, &raw);
    file.signal("-STOP");
    std::thread::sleep(Duration::from_secs(4));
    file.signal("-CONT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(fs::read(&raw).unwrap() == fs::read(&image).unwrap());
    let abandoned: u64 = record_in(&to)
        .known()
        .map(|entry| if let Entry::RescuePass(pass) = entry { pass.abandoned } else { 0 })
        .sum();
    assert!(abandoned > 0, "no read was given up on: {}", told(&output));
}

#[test]
fn a_rescue_that_is_stopped_goes_on_where_it_was() {
    let (folder, to) = folders();
    let bytes = 24 * MIB;
    let image = image_in(folder.path(), bytes);
    let Some(file) = FailingFile::serve(&image, &faults(bytes), 8 << 20) else { return };
    let words = ["--rescue", "--format", "e01", "--hash", "sha256"];
    let mut child = acquire_command(&file.path, &to, &words).stderr(Stdio::null()).spawn().unwrap();
    let map = to.join("item.map");
    await_some_mebibytes(&mut child, &to.join("item.raw"));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(run("ddrescuelog", &["-t", text(&map)]).contains("non-tried"));
    let first = record_in(&to);

    let output = pf_acquire(&file.path, &to, &[&words[..], &["--remove-raw"]].concat());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(!to.join("item.raw").exists() && map.exists(), "the raw data were to go, the map to stay");
    let record = record_in(&to);
    let begun = record.known().find_map(|entry| match entry {
        Entry::RescueBegun(begun) => Some(begun.clone()),
        _ => None,
    });
    let begun = begun.unwrap();
    assert!(begun.finished.0 > 0 && begun.finished.0 < bytes as u64, "{begun:?}");
    assert_eq!(begun.earlier.unwrap().chain_head, first.head);
    let recovered: u64 = record
        .known()
        .map(|entry| if let Entry::RescuePass(pass) = entry { pass.recovered.0 } else { 0 })
        .sum();
    let unread = record.known().find_map(|entry| match entry {
        Entry::ImageClosed(closed) => Some(closed.unread.total().0),
        _ => None,
    });
    assert_eq!(begun.finished.0 + recovered + unread.unwrap(), bytes as u64, "something was read twice");
    run_ewf(&to, &image);
}

/// libewf reads what was packed: the disk's data, but for what its error table names.
fn run_ewf(to: &Path, image: &Path) {
    let info = run("ewfinfo", &[text(&to.join("item.E01"))]);
    assert!(info.contains("at sector(s): 0 - 7 "), "{info}");
    run(
        "ewfexport",
        &["-q", "-u", "-f", "raw", "-t", text(&to.join("exported")), text(&to.join("item.E01"))],
    );
    let (exported, disk) = (fs::read(to.join("exported.raw")).unwrap(), fs::read(image).unwrap());
    let differing = exported.chunks(PAGE).zip(disk.chunks(PAGE)).filter(|(is, was)| is != was);
    let mut pages: Vec<usize> = faults(disk.len()).iter().map(|(sector, _)| sector * 512 / PAGE).collect();
    pages.sort_unstable();
    pages.dedup();
    assert_eq!(differing.count(), pages.len());
    assert!(pages.iter().all(|page| exported[page * PAGE..(page + 1) * PAGE].iter().all(|byte| *byte == 0)));
}

#[test]
fn what_says_something_else_the_second_time_is_recorded_and_the_first_reading_kept() {
    let (folder, to) = folders();
    let image = image_in(folder.path(), 4 * MIB);
    let before = fs::read(&image).unwrap();
    assert_eq!(rescue(&image, &to, &["--reread", "all"]).status.code(), Some(0));
    let mut after = before.clone();
    after[2 * MIB + 5] ^= 0x40;
    fs::write(&image, &after).unwrap();
    let output = rescue(&image, &to, &["--reread", "all"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(fs::read(to.join("item.raw")).unwrap() == before);
    let record = record_in(&to);
    let unstable: Vec<_> = record.known().filter(|entry| matches!(entry, Entry::Unstable(_))).collect();
    let [Entry::Unstable(unstable)] = &unstable[..] else { panic!("{unstable:?}") };
    assert_eq!((unstable.extent.offset.0, unstable.extent.length.0), (2 << 20, PAGE as u64));
    assert_ne!(Some(&unstable.kept_sha256), unstable.other_sha256.as_ref());
}

#[test]
fn one_pass_reads_again_what_it_is_asked_to() {
    let (folder, to) = folders();
    let image = image_in(folder.path(), 4 * MIB);
    let output = pf_acquire(&image, &to, &["--format", "e01", "--hash", "md5", "--reread", "50%"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let record = record_in(&to);
    let reread = record.known().find_map(|entry| match entry {
        Entry::Reread(reread) => Some(reread.clone()),
        _ => None,
    });
    let reread = reread.unwrap();
    assert_eq!((reread.compared.0, reread.unstable.0), (2 << 20, 0));
    assert!(!to.join("item.map").exists(), "a map of nothing");
}

#[test]
fn another_source_is_refused() {
    let (folder, to) = folders();
    let image = image_in(folder.path(), 2 * MIB);
    assert_eq!(rescue(&image, &to, &[]).status.code(), Some(0));
    let other = folder.path().join("other");
    fs::copy(&image, &other).unwrap();
    let output = rescue(&other, &to, &[]);
    assert!(output.status.code() == Some(2) && told(&output).contains("another source"), "{output:?}");
    let record = fs::read_to_string(to.join("item.record.jsonl")).unwrap();
    fs::write(to.join("item.record.jsonl"), record.replacen("item.raw", "iten.raw", 1)).unwrap();
    let output = rescue(&image, &to, &[]);
    assert!(output.status.code() == Some(2) && told(&output).contains("altered"), "{output:?}");
    assert_eq!(fs::read_dir(&to).unwrap().count(), 4, "something was made or put aside");
}

#[test]
fn one_pass_leaves_a_map_that_ddrescue_understands_and_fills_as_told() {
    let (folder, to) = folders();
    let bytes = 6 * MIB;
    let image = image_in(folder.path(), bytes);
    // One that fails twice reads when it is tried again: in the block, in the piece, then alone.
    let bad = [(3001, false), (5000, true), (5000, true), (5000, true)];
    let Some(file) = FailingFile::serve(&image, &bad, 0) else { return };
    let output = pf_acquire(&file.path, &to, &["--format", "raw", "--retries", "2", "--fill", "text"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let page = 3001 * 512 / PAGE;
    let mut expected = fs::read(&image).unwrap();
    let line = |lba: usize| format!("BAD SECTOR {lba:020}\n").repeat(16).into_bytes();
    let filled: Vec<u8> = (page * 8..page * 8 + 8).flat_map(line).collect();
    expected[page * PAGE..(page + 1) * PAGE].copy_from_slice(&filled);
    assert!(fs::read(to.join("item.raw")).unwrap() == expected);
    let map = to.join("item.map");
    let listed = run("ddrescuelog", &["-b", "4096", "-l-", text(&map)]);
    assert_eq!(listed.trim(), page.to_string());
    let record = record_in(&to);
    let policy = record.known().find_map(|entry| match entry {
        Entry::FaultPolicy(policy) => Some(policy.clone()),
        _ => None,
    });
    let policy = policy.unwrap();
    assert_eq!((policy.method.as_str(), policy.retries, policy.fill.as_str()), ("one-pass", 2, "text"));

    // What one pass left is gone on with.
    drop(file);
    let file = FailingFile::serve(&image, &[], 0).unwrap();
    let output = rescue(&file.path, &to, &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(fs::read(to.join("item.raw")).unwrap() == fs::read(&image).unwrap());
}
