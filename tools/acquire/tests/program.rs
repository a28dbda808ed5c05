//! `pf-acquire` as it is run on a lab machine, judged by other people's programs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use record::{Entry, GuardReport, Outcome};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn pf_acquire(source: &Path, to: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
        .arg(source)
        .arg("--to")
        .arg(to)
        .args(words)
        .output()
        .unwrap()
}

/// Half of it compressible; `tail` bytes of a last sector that is not whole.
fn source_in(folder: &Path, megabytes: usize, tail: usize) -> PathBuf {
    let path = folder.join("source.bin");
    let mut state = 1u32;
    let data: Vec<u8> = (0..megabytes << 20)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if at >> 18 & 1 == 0 { (state >> 24) as u8 } else { (at >> 12) as u8 }
        })
        .chain(vec![1; tail])
        .collect();
    fs::write(&path, data).unwrap();
    path
}

fn output_of(program: &str, package: &str, words: &[&Path]) -> String {
    let output = Command::new(program)
        .args(words)
        .output()
        .unwrap_or_else(|e| panic!("{program} (Debian package {package}): {e}"));
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

fn folders() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("to");
    fs::create_dir(&to).unwrap();
    (folder, to)
}

fn outcome_in(path: &Path) -> (bool, Option<Outcome>) {
    let record = record::read(path).unwrap();
    assert!(record.broken.is_none(), "{:?}", record.broken);
    (record.is_closed(), outcome_of(&record))
}

fn outcome_of(record: &record::RecordFile) -> Option<Outcome> {
    record.known().find_map(|entry| match entry {
        Entry::Closed(closed) => Some(closed.outcome),
        _ => None,
    })
}

#[test]
fn ewfverify_agrees_with_an_e01_of_a_file() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 5, 0);
    let output = pf_acquire(
        &source,
        &to,
        &[
            "--unguarded",
            "--evidence",
            "item-1",
            "--case",
            "案件7",
            "--examiner",
            "A. Müller",
            "--segment-size",
            "1MiB",
            "--json",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let md5 = output_of("md5sum", "coreutils", &[&source]);
    assert_eq!(report["hashes"]["md5"], md5.split(' ').next().unwrap());
    let verified = output_of("ewfverify", "ewf-tools", &[Path::new("-q"), &to.join("item-1.E01")]);
    assert!(verified.contains("SUCCESS"), "{verified}");
    let info = output_of("ewfinfo", "ewf-tools", &[&to.join("item-1.E01")]);
    assert!(info.contains("案件7") && info.contains("A. Müller"), "{info}");
    // A file is no physical device.
    assert!(info.contains("Is physical:\t\tno"), "{info}");

    let record = record::read(&to.join("item-1.record.jsonl")).unwrap();
    assert!(record.is_closed());
    assert_eq!(report["chain_head"], record.head.to_string());
    let Some(Entry::AcquisitionOpened(opened)) = record.known().next() else { panic!("no first entry") };
    assert_eq!(opened.guard, GuardReport::Unguarded);
    assert_eq!(opened.case.case_number, "案件7");
    // A file hides nothing that could be asked for, and no word of it troubles whoever images one.
    let said = record.known().find_map(|entry| match entry {
        Entry::HiddenAreas(said) => Some(said),
        _ => None,
    });
    let said = said.expect("no answer of the source");
    assert!(said.unknown_areas()[0].contains("it is a file"), "{said:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("note:"), "{output:?}");
    assert_eq!(report["hidden"], serde_json::json!([]));
}

#[test]
fn a_raw_image_is_the_source_byte_for_byte() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 2, 777);
    let output = pf_acquire(&source, &to, &["--unguarded", "--format", "raw", "--name", "item"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    output_of("cmp", "diffutils", &[&source, &to.join("item.raw")]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("Guard       NONE") && told.contains("Chain head  "), "{told}");
}

#[test]
fn an_aff4_is_written_read_back_and_told_in_the_record() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 2, 777);
    let words = ["--unguarded", "--format", "aff4", "--name", "item", "--examiner", "A. Müller", "--json"];
    let output = pf_acquire(&source, &to, &words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let md5 = output_of("md5sum", "coreutils", &[&source]);
    assert_eq!(report["hashes"]["md5"], md5.split(' ').next().unwrap());
    let record = record::read(&to.join("item.record.jsonl")).unwrap();
    let Some(Entry::AcquisitionOpened(opened)) = record.known().next() else { panic!("no first entry") };
    assert_eq!(opened.plan.format, "aff4");
    let image = formats::open(&to.join("item.aff4")).unwrap();
    assert_eq!((image.format_name(), image.media_size().0), ("AFF4", (2 << 20) + 777));
    assert_eq!(image.case().examiner, "A. Müller");
}

#[test]
fn segments_of_an_aff4_are_refused_before_anything_is_written() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 1, 0);
    let output = pf_acquire(&source, &to, &["--unguarded", "--format", "aff4", "--segment-size", "1MiB"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("one file"), "{output:?}");
    assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
}

#[test]
fn a_loop_device_is_imaged_by_direct_reads() {
    if !is_root() {
        eprintln!("SKIPPED: loop devices need root");
        return;
    }
    let (folder, to) = folders();
    let source = source_in(folder.path(), 3, 0);
    let attached =
        Command::new("losetup").args(["--find", "--show", "--read-only"]).arg(&source).output().unwrap();
    if !attached.status.success() {
        eprintln!("SKIPPED: no loop device here: {}", String::from_utf8_lossy(&attached.stderr));
        return;
    }
    let device = String::from_utf8(attached.stdout).unwrap();
    let output =
        pf_acquire(Path::new(device.trim()), &to, &["--unguarded", "--name", "loop", "--format", "raw"]);
    Command::new("losetup").arg("--detach").arg(device.trim()).status().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    output_of("cmp", "diffutils", &[&source, &to.join("loop.raw")]);
}

#[test]
fn without_a_guard_nothing_is_read_unless_the_user_says_that_they_know() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 1, 0);
    let output = pf_acquire(&source, &to, &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--unguarded"));
    assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_never_overwritten() {
    for there in ["item.raw", "item.record.jsonl", "item.head.json"] {
        let (folder, to) = folders();
        let source = source_in(folder.path(), 1, 0);
        fs::write(to.join(there), "mine").unwrap();
        let output = pf_acquire(&source, &to, &["--unguarded", "--format", "raw", "--name", "item"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(there));
        assert_eq!(fs::read(to.join(there)).unwrap(), b"mine");
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1, "{there}");
    }
}

#[test]
fn a_full_destination_is_told_and_leaves_a_valid_record() {
    if !is_root() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let (folder, to) = folders();
    let source = source_in(folder.path(), 8, 0);
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=2M", "none"]).arg(&to).status().unwrap();
    assert!(mounted.success());
    let output = pf_acquire(&source, &to, &["--unguarded", "--name", "item"]);
    let kept = folder.path().join("kept.jsonl");
    fs::copy(to.join("item.record.jsonl"), &kept).unwrap();
    Command::new("umount").arg(&to).status().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("item.E01") && told.contains("No space left"), "{told}");
    let record = record::read(&kept).unwrap();
    assert!(matches!(record.known().next(), Some(Entry::AcquisitionOpened(_))));
    // The record's own room was set aside while there was some.
    assert!(record.is_closed(), "{:?}", record.broken);
    assert_eq!(outcome_of(&record), Some(Outcome::Failed));
}

/// Waits until the record of a run is begun.
fn await_beginning(child: &mut Child, record: &Path) {
    while !fs::metadata(record).is_ok_and(|file| file.len() > 0) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
        std::thread::yield_now();
    }
}

#[test]
fn an_interrupted_run_says_so_in_its_record() {
    let (folder, to) = folders();
    // Large and without data: long enough to be caught at it.
    let source = folder.path().join("source.bin");
    fs::File::create(&source).unwrap().set_len(64 << 30).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
        .arg(&source)
        .arg("--to")
        .arg(&to)
        .args(["--unguarded", "--name", "item"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let record = to.join("item.record.jsonl");
    await_beginning(&mut child, &record);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(outcome_in(&record), (true, Some(Outcome::Interrupted)));
}

#[test]
fn a_line_that_hangs_up_ends_a_run_but_not_one_under_nohup() {
    for (before, size, code, outcome) in
        [("", 64 << 30, 5, Outcome::Interrupted), ("trap '' HUP;", 256 << 20, 0, Outcome::Complete)]
    {
        let (folder, to) = folders();
        let source = folder.path().join("source.bin");
        fs::File::create(&source).unwrap().set_len(size).unwrap();
        // What nohup does before it starts a program, without its file.
        let mut child = Command::new("env")
            .args(["--default-signal=HUP", "sh", "-c", &format!("{before} exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_pf-acquire"))
            .arg(&source)
            .arg("--to")
            .arg(&to)
            .args(["--unguarded", "--name", "item", "--hash", "md5"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let record = to.join("item.record.jsonl");
        await_beginning(&mut child, &record);
        Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{before}");
        assert_eq!(outcome_in(&record), (true, Some(outcome)), "{before}");
    }
}

#[test]
fn nobody_left_to_read_the_screen_ends_nothing() {
    let (folder, to) = folders();
    // Larger than the room there is, which is worth a line on standard error.
    let source = folder.path().join("source.bin");
    fs::File::create(&source).unwrap().set_len(8 << 40).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
        .arg(&source)
        .arg("--to")
        .arg(&to)
        .args(["--unguarded", "--name", "item"])
        .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let record = to.join("item.record.jsonl");
    await_beginning(&mut child, &record);
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(outcome_in(&record), (true, Some(Outcome::Interrupted)));
}

#[test]
fn a_result_that_cannot_be_printed_leaves_image_and_exit_code_as_they_are() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 1, 0);
    for (name, words) in [("text", &[][..]), ("json", &["--json"][..])] {
        let output = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
            .arg(&source)
            .arg("--to")
            .arg(&to)
            .args(["--unguarded", "--name", name])
            .args(words)
            .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("could not be printed"), "{output:?}");
        assert_eq!(outcome_in(&to.join(format!("{name}.record.jsonl"))), (true, Some(Outcome::Complete)));
    }
}

#[test]
fn what_does_not_fit_is_refused_before_a_file_is_made() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 1, 0);
    let control = "\u{1}".repeat(100_000);
    let name = "x".repeat(250);
    for words in [["--notes", control.as_str()], ["--evidence", name.as_str()]] {
        let output = pf_acquire(&source, &to, &[&["--unguarded"][..], &words].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0, "{words:?}");
    }
    // The longest that is taken goes through to the end.
    let control = "\u{1}".repeat(60_000);
    let words = ["--unguarded", "--notes", &control, "--name", &"x".repeat(241)];
    let output = pf_acquire(&source, &to, &words);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_stop_while_the_image_is_read_back_says_that_it_is_whole() {
    let (folder, to) = folders();
    let source = folder.path().join("source.bin");
    fs::File::create(&source).unwrap().set_len(512 << 20).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
        .arg(&source)
        .arg("--to")
        .arg(&to)
        .args(["--unguarded", "--name", "item", "--hash", "md5"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let record = to.join("item.record.jsonl");
    while !fs::read_to_string(&record).is_ok_and(|text| text.contains("\"image-closed\"")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its image was closed");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("is whole but was not read back"), "{output:?}");
    assert_eq!(outcome_in(&record), (true, Some(Outcome::Interrupted)));
}

#[test]
fn a_second_destination_gets_the_same_image_and_the_same_record() {
    let (folder, to) = folders();
    let second = folder.path().join("second");
    fs::create_dir(&second).unwrap();
    let source = source_in(folder.path(), 3, 0);
    let words =
        ["--to", second.to_str().unwrap(), "--unguarded", "--name", "item", "--hash", "md5,sm3,blake3"];
    let output = pf_acquire(&source, &to, &words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    output_of("cmp", "diffutils", &[&to.join("item.record.jsonl"), &second.join("item.record.jsonl")]);
    for image in [to.join("item.E01"), second.join("item.E01")] {
        let verified = output_of("ewfverify", "ewf-tools", &[Path::new("-q"), &image]);
        assert!(verified.contains("SUCCESS"), "{verified}");
    }
    let record = record::read(&to.join("item.record.jsonl")).unwrap();
    let read_back: Vec<_> = record
        .known()
        .filter_map(|entry| match entry {
            Entry::Verification(verification) => {
                Some((verification.destination.clone(), verification.matches))
            }
            _ => None,
        })
        .collect();
    let base = |folder: &Path| Some(folder.canonicalize().unwrap().join("item").display().to_string());
    assert_eq!(read_back, [(base(&to), true), (base(&second), true)]);
}

#[test]
fn a_full_destination_leaves_the_other_whole_and_is_told_everywhere() {
    if !is_root() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let (folder, to) = folders();
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let source = source_in(folder.path(), 8, 0);
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=2M", "none"]).arg(&small).status().unwrap();
    assert!(mounted.success());
    let output = pf_acquire(
        &source,
        &small,
        &["--to", to.to_str().unwrap(), "--unguarded", "--name", "item", "--json"],
    );
    let kept = folder.path().join("kept.jsonl");
    fs::copy(small.join("item.record.jsonl"), &kept).unwrap();
    Command::new("umount").arg(&small).status().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("small/item.E01") && told.contains("the other goes on"), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], "complete");
    assert!(report["failed"][0].as_str().unwrap().ends_with("/small"), "{report}");
    let verified = output_of("ewfverify", "ewf-tools", &[Path::new("-q"), &to.join("item.E01")]);
    assert!(verified.contains("SUCCESS"), "{verified}");
    // The record's room was set aside at the full destination too.
    output_of("cmp", "diffutils", &[&kept, &to.join("item.record.jsonl")]);
    let record = record::read(&kept).unwrap();
    let failed = |entry: &Entry| matches!(entry, Entry::DestinationFailed { destination, .. } if destination.ends_with("small/item"));
    assert_eq!(record.known().filter(|entry| failed(entry)).count(), 1);
    assert_eq!(outcome_of(&record), Some(Outcome::Complete));
}

#[test]
fn the_same_folder_twice_or_three_folders_are_refused_before_a_file_is_made() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 1, 0);
    let others = ["b", "c"].map(|name| folder.path().join(name));
    others.iter().for_each(|other| fs::create_dir(other).unwrap());
    let [b, c] = others.each_ref().map(|other| other.to_str().unwrap());
    for words in [&["--to", to.to_str().unwrap()][..], &["--to", b, "--to", c]] {
        let output = pf_acquire(&source, &to, &[&["--unguarded"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
    }
}

#[test]
fn memory_stays_below_what_was_allowed() {
    let (folder, to) = folders();
    let source = source_in(folder.path(), 96, 0);
    for (words, mib) in [(&["--name", "a"][..], 64), (&["--memory", "160MiB", "--name", "b"], 160)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
            .arg(&source)
            .arg("--to")
            .arg(&to)
            .arg("--unguarded")
            .args(words)
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
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(child.wait().unwrap().success());
        assert!(peak > 8 << 10 && peak <= mib << 10, "{peak} KiB of {mib} MiB");
    }
    assert!(pf_acquire(&source, &to, &["--memory", "63MiB"]).status.code() == Some(2));
}
