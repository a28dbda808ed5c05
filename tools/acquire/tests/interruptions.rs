//! Acquisitions that are cut off at random moments, by `kill -9`, Ctrl-C, a full destination, and writes that fail: each must
//! go on from its last checkpoint and end with the hash values of a run that was not cut off.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod interrupted;

use interrupted::{
    FORMS, Form, Random, Small, Source, Tally, Vouched, assert_resumed, go_on_and_judge, is_root, judge,
    pf_acquire, vouched,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs that are killed one after the other, each where it pleases, until one is let through.
const KILLS_IN_A_ROW: u64 = 5;

fn folder_in(folder: &Path, name: &str) -> std::path::PathBuf {
    let to = folder.join(name);
    fs::create_dir(&to).unwrap();
    to
}

/// How long a whole run takes here and now.
fn duration(source: &Source, folder: &Path, form: Form) -> Duration {
    let to = folder_in(folder, "whole");
    let begun = Instant::now();
    let output = pf_acquire(source, &to, form, false).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let duration = begun.elapsed();
    fs::remove_dir_all(&to).unwrap();
    duration
}

/// Kills one run after the other with `signal` and lets the last go through.
fn cut_off_in_a_row(
    source: &Source,
    to: &Path,
    form: Form,
    whole: Duration,
    random: &mut Random,
    signal: Signal,
) -> Tally {
    let mut tally = Tally::default();
    let what = format!("{signal} in {}", to.display());
    let mut resume = false;
    for _ in 0..KILLS_IN_A_ROW {
        let (before, runs) = (vouched(to), interrupted::records(to).len());
        let mut child = pf_acquire(source, to, form, resume).stderr(Stdio::null()).spawn().unwrap();
        await_moment(source, &mut child, to, before, whole, random);
        let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
        // One that has ended by itself can't be.
        let _ = kill(process, signal);
        let code = child.wait().unwrap().code();
        if code == Some(0) || vouched(to) == Vouched::Complete {
            tally.too_late += 1;
            judge(source, to, form, &what);
            return tally;
        }
        assert!(code.is_none() || code == Some(5), "{what}: {code:?}");
        tally.points += 1;
        let records = interrupted::records(to);
        if resume && records.len() > runs && records[0].iter().any(|entry| entry["kind"] == "resume-begun") {
            assert_resumed(to, before, &mut tally, &what);
        }
        resume = vouched(to) != Vouched::Unknown;
        if !resume {
            // Before the record says anything there is nothing to go on with.
            let output = pf_acquire(source, to, form, true).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{what}: {output:?}");
            tally.unresumable += 1;
            fs::remove_dir_all(to).unwrap();
            fs::create_dir(to).unwrap();
        }
    }
    if resume {
        go_on_and_judge(source, to, form, &mut tally, &what);
        // The last interruption was counted when it was made.
        tally.points -= 1;
    }
    tally
}

/// Any moment at all, or one shortly behind a checkpoint that this run made.
fn await_moment(
    source: &Source,
    child: &mut Child,
    to: &Path,
    before: Vouched,
    whole: Duration,
    random: &mut Random,
) {
    let begun = match before {
        Vouched::UpTo(offset) => offset >> 20,
        _ => 0,
    };
    let micros = u64::try_from(whole.as_micros()).unwrap();
    let last = (source.data.len() as u64 >> 20) - 2;
    if begun >= last || random.below(3) == 0 {
        return std::thread::sleep(Duration::from_micros(random.below(micros)));
    }
    let target = (begun + 1 + random.below(last - begun)) << 20;
    while child.try_wait().unwrap().is_none() {
        match vouched(to) {
            Vouched::UpTo(offset) if offset >= target => break,
            Vouched::Whole | Vouched::Complete => break,
            _ => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    std::thread::sleep(Duration::from_micros(random.below(3000)));
}

/// On a busy machine many come too late; further rows then, up to three times as many, until there are `points` of them.
fn cut_off_often(signal: Signal, mebibytes: u64, rows: u64, points: u32, seed: u64) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), mebibytes);
    let mut all = Tally::default();
    for (number, form) in FORMS.into_iter().enumerate() {
        let mut random = Random::new(seed + number as u64);
        let whole = duration(&source, folder.path(), form);
        let mut tally = Tally::default();
        let enough = points.div_ceil(u32::try_from(FORMS.len()).unwrap());
        for row in 0..3 * rows {
            if row >= rows && tally.points >= enough {
                break;
            }
            let to = folder_in(folder.path(), &format!("{}-{row}", form.name.replace(' ', "-")));
            tally.add(&cut_off_in_a_row(&source, &to, form, whole, &mut random, signal));
            fs::remove_dir_all(&to).unwrap();
        }
        println!("{signal}, {}: {tally:?}", form.name);
        all.add(&tally);
    }
    all
}

#[test]
fn whatever_moment_a_process_is_killed_at_the_next_run_ends_with_the_same_hashes() {
    let tally = cut_off_often(Signal::SIGKILL, 20, 9, 120, 1);
    println!("kill -9: {tally:?}");
    assert!(tally.points >= 120 && tally.from_checkpoint > 40, "{tally:?}");
}

#[test]
fn an_orderly_stop_ends_with_a_checkpoint_behind_all_that_was_stored() {
    let tally = cut_off_often(Signal::SIGINT, 80, 2, 8, 100);
    println!("Ctrl-C: {tally:?}");
    assert!(tally.points >= 8 && tally.from_checkpoint > 0, "{tally:?}");
}

#[test]
fn a_full_destination_is_gone_on_with_once_there_is_room() {
    if !is_root() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    let (mut random, mut tally) = (Random::new(7), Tally::default());
    for point in 0..24u64 {
        let form = FORMS[point as usize % FORMS.len()];
        let is_raw = form.words.contains(&"raw");
        // Where raw data don't fit, nothing is begun: another program takes the room afterwards.
        let size = if is_raw { "size=64m".into() } else { format!("size={}k", 1536 + random.below(2048)) };
        let small = Small::mount(folder.path().join(point.to_string()), &size);
        let to = small.0.clone();
        if is_raw {
            let mut child = pf_acquire(&source, &to, form, false).stderr(Stdio::null()).spawn().unwrap();
            while vouched(&to) == Vouched::Unknown && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            std::thread::sleep(Duration::from_millis(random.below(60)));
            fill_up(&to.join("filler"));
            let code = child.wait().unwrap().code();
            fs::remove_file(to.join("filler")).unwrap();
            assert!(code == Some(4) || code == Some(0), "{code:?}");
            if code == Some(0) {
                tally.too_late += 1;
            }
        } else {
            let output = pf_acquire(&source, &to, form, false).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(4), "{told}");
            assert!(told.contains("--resume"), "{told}");
            small.resize("size=64m");
        }
        if fs::read_to_string(to.join("item.record.jsonl")).unwrap().contains("\"failed\"") {
            go_on_and_judge(&source, &to, form, &mut tally, "a full destination");
        }
    }
    println!("full destinations: {tally:?}");
    assert!(tally.points >= 12 && tally.from_checkpoint > 0, "{tally:?}");
}

/// Takes what room there is.
fn fill_up(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[1; 1 << 16]).is_ok() {}
}

#[test]
fn a_write_that_fails_is_told_and_gone_on_with_where_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    let (mut random, mut tally) = (Random::new(11), Tally::default());
    for point in 0..20u64 {
        let form = FORMS[[0, 2, 3][point as usize % 3]];
        let to = folder_in(folder.path(), &point.to_string());
        let most = match form.name {
            "raw" => 19 << 10,
            "e01" => 2 << 10,
            _ => 3 << 10,
        };
        // No file may become larger than this: the write there fails (EFBIG).
        let kibibytes = 600 + random.below(most - 700);
        let output = with_files_below(kibibytes, &pf_acquire(&source, &to, form, false));
        assert_eq!(output.status.code(), Some(4), "{kibibytes} KiB, {form:?}: {output:?}");
        go_on_and_judge(&source, &to, form, &mut tally, "a failed write");
        fs::remove_dir_all(&to).unwrap();
    }
    println!("failed writes: {tally:?}");
    assert!(tally.points == 20 && tally.from_checkpoint > 10, "{tally:?}");
}

#[test]
fn an_image_that_is_not_what_was_stored_is_refused_with_the_place_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    for (form, name) in [(FORMS[0], "item.raw"), (FORMS[2], "item.E01"), (FORMS[3], "item.aff4")] {
        let to = folder_in(folder.path(), form.name);
        cut_off(&source, &to, form);
        let path = to.join(name);
        let mut image = fs::read(&path).unwrap();
        let at = image.len() / 3;
        image[at] ^= 1;
        fs::write(&path, &image).unwrap();
        let before = listing(&to);
        let output = pf_acquire(&source, &to, form, true).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{form:?}: {told}");
        assert!(told.contains("can't be gone on with") && told.contains(" at byte "), "{form:?}: {told}");
        assert!(listing(&to) == before, "{form:?}: something was changed");
        // Put right, it goes on.
        image[at] ^= 1;
        fs::write(&path, &image).unwrap();
        go_on_and_judge(&source, &to, form, &mut Tally::default(), "put right");
    }
}

#[test]
fn another_source_another_plan_and_an_altered_record_are_refused_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    let to = folder_in(folder.path(), "to");
    let form = FORMS[2];
    cut_off(&source, &to, form);
    let before = listing(&to);
    let refused = |command: &mut Command, word: &str| {
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(word), "{word}: {told}");
        assert!(listing(&to) == before, "{word}: something was changed");
    };
    let resume = || pf_acquire(&source, &to, form, true);
    refused(resume().args(["--format", "raw"]), "--format e01");
    refused(resume().args(["--hash", "md5"]), "--hash md5,sha256");
    refused(resume().args(["--segment-size", "5MiB"]), "--segment-size");
    refused(resume().args(["--case", "2026-18"]), "--case 2026-17");
    refused(resume().args(["--fill", "text"]), "--fill zeros");
    let other = Source::make(folder.path().join("other.bin"), 20);
    refused(&mut pf_acquire(&other, &to, form, true), "another source");
    let larger = Source::make(folder.path().join("larger.bin"), 24);
    refused(&mut pf_acquire(&larger, &to, form, true), "capacity");

    let record = to.join("item.record.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replacen("2026-17", "2026-71", 1)).unwrap();
    let output = resume().output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("was altered"), "{output:?}");
    fs::write(&record, &text).unwrap();

    let sidecar = to.join("item.checkpoint");
    let kept = fs::read(&sidecar).unwrap();
    fs::write(&sidecar, String::from_utf8_lossy(&kept).replacen("chunks", "chunkz", 1)).unwrap();
    let output = resume().output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("or is another"), "{output:?}");
    fs::write(&sidecar, &kept).unwrap();

    // The last line cut within, as by a loss of power: that is no alteration.
    fs::write(&record, &text[..text.len() - 10]).unwrap();
    go_on_and_judge(&source, &to, form, &mut Tally::default(), "a cut record");
    let output = resume().output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("complete"), "{output:?}");
}

#[test]
fn an_image_copied_to_a_larger_disk_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    for form in FORMS {
        let to = folder_in(folder.path(), form.name);
        cut_off(&source, &to, form);
        let larger = folder_in(folder.path(), &format!("{} larger", form.name));
        for entry in fs::read_dir(&to).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, larger.join(path.file_name().unwrap())).unwrap();
        }
        go_on_and_judge(&source, &larger, form, &mut Tally::default(), "a copy");
    }
}

#[test]
fn what_an_e01_holds_up_to_its_last_checkpoint_others_can_read_without_this_program() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    let to = folder_in(folder.path(), "to");
    cut_off(&source, &to, FORMS[2]);
    let Vouched::UpTo(offset) = vouched(&to) else { panic!("no checkpoint") };
    let exported = folder.path().join("exported");
    let output = Command::new("ewfexport")
        .args(["-q", "-u", "-f", "raw", "-t"])
        .arg(&exported)
        .arg(to.join("item.E01"))
        .output()
        .unwrap_or_else(|e| panic!("ewfexport (Debian package ewf-tools): {e}"));
    assert!(output.status.success(), "{output:?}");
    let bytes = fs::read(exported.with_extension("raw")).unwrap();
    let offset = usize::try_from(offset).unwrap();
    assert!(bytes[..offset] == source.data[..offset], "ewfexport reads something else before {offset}");
}

#[test]
fn two_destinations_go_on_together_or_the_one_that_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    for form in FORMS {
        for alone in [false, true] {
            let first = folder_in(folder.path(), &format!("{} {alone} first", form.name));
            let second = folder_in(folder.path(), &format!("{} {alone} second", form.name));
            let mut both = pf_acquire(&source, &first, form, false);
            kill_behind(both.arg("--to").arg(&second), [&first, &second], 5 << 20);
            if !alone {
                let mut both = pf_acquire(&source, &first, form, true);
                let output = both.arg("--to").arg(&second).output().unwrap();
                assert_eq!(output.status.code(), Some(0), "{output:?}");
                judge(&source, &first, form, "the first of two");
            } else {
                go_on_and_judge(&source, &second, form, &mut Tally::default(), "the second alone");
                continue;
            }
            judge(&source, &second, form, "the second of two");
            let record = |to: &Path| fs::read(to.join("item.record.jsonl")).unwrap();
            assert!(record(&first) == record(&second), "the records differ");
        }
    }
}

/// Names and contents.
fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    all.sort();
    all
}

/// Runs a command whose files can't grow beyond that: the write there fails.
fn with_files_below(kibibytes: u64, command: &Command) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kibibytes * 2);
    let mut limited = Command::new("dash");
    limited.args(["-c", &script, "dash"]).arg(command.get_program()).args(command.get_args());
    limited.output().unwrap()
}

/// Begins an acquisition that ends behind some checkpoints.
fn cut_off(source: &Source, to: &Path, form: Form) {
    let kibibytes = if form.name == "raw" { 6 << 10 } else { 1800 };
    let output = with_files_below(kibibytes, &pf_acquire(source, to, form, false));
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(matches!(vouched(to), Vouched::UpTo(offset) if offset >= 1 << 20), "{form:?}: {:?}", vouched(to));
}

/// Kills an acquisition with two destinations once both have a checkpoint at or behind `offset`.
fn kill_behind(command: &mut Command, to: [&Path; 2], offset: u64) {
    for _ in 0..20 {
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let behind = |to: &Path| matches!(vouched(to), Vouched::UpTo(reached) if reached >= offset);
        while child.try_wait().unwrap().is_none() && !to.iter().all(|to| behind(to)) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if to.iter().all(|to| behind(to)) {
            return;
        }
        // It was over sooner than could be seen.
        for to in to {
            fs::remove_dir_all(to).unwrap();
            fs::create_dir(to).unwrap();
        }
    }
    panic!("no run could be cut off");
}
