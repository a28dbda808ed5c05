//! The case file of an acquisition: what it must hold, what options may say beside it, and what the record keeps.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../../record/tests/schema/mod.rs"]
mod schema;

use evidence::Case;
use record::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const WHOLE: &str = r#"
case_number = "2026-17"
cause = "诈骗案"
agency = "某市公安局"
legal_basis = "搜查证〔2026〕17号"
holder = "王某"
no_witness_because = "nobody fit could be had"
video = "scene.mp4"
place = "Room 3"
machine_time = 2026-03-17T09:12:04+08:00
reference_time = 2026-03-17T09:10:00+08:00
reference_source = "NTP"
description = "laptop disk"
kept_at = "Store 1"
seal_numbers = ["4711", "4712"]
seal_before = "whole"
[[investigators]]
name = "李建国"
unit = "网安支队"
id = "012345"
[[investigators]]
name = "Jörg Müller"
unit = "Unit 2"
[[photos]]
file = "1.jpg"
sha256 = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
taken = "before"
"#;

struct Bench {
    folder: tempfile::TempDir,
    to: PathBuf,
    case: PathBuf,
}

impl Bench {
    fn with(case: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (to, path) = (folder.path().join("to"), folder.path().join("case.toml"));
        fs::create_dir(&to).unwrap();
        fs::write(&path, case).unwrap();
        for name in ["a.bin", "b.bin"] {
            fs::write(folder.path().join(name), vec![7; 1 << 20]).unwrap();
        }
        Self { folder, to, case: path }
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pf-acquire"));
        command.arg(self.folder.path().join("a.bin")).arg("--to").arg(&self.to);
        command.args(["--format", "raw", "--hash", "md5", "--unguarded"]).args(words).output().unwrap()
    }

    fn run_with_file(&self, words: &[&str]) -> Output {
        self.run(&[&["--case-file", self.case.to_str().unwrap()], words].concat())
    }

    fn refused(&self, words: &[&str], told: &str) {
        let output = self.run_with_file(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(told), "{words:?}: {said}");
        assert_eq!(fs::read_dir(&self.to).unwrap().count(), 0, "something was touched");
    }

    fn case_in(&self, name: &str) -> Case {
        case_in(&self.to.join(name))
    }
}

fn case_in(record: &Path) -> Case {
    let record = record::read(record).unwrap();
    let first = record.known().next().cloned();
    let Some(Entry::AcquisitionOpened(opened)) = first else { panic!("{first:?}") };
    opened.case
}

#[test]
fn what_the_file_says_stands_in_the_first_entry_and_fits_the_schema() {
    let bench = Bench::with(WHOLE);
    let output = bench.run_with_file(&["--evidence", "3", "--case", "2026-17"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("lacks"), "{output:?}");
    let record = bench.to.join("3.record.jsonl");
    let case = case_in(&record);
    let stated = case_file::read(&bench.case).unwrap();
    let expected =
        Case {
            evidence_number: "3".into(), examiner: "李建国".into(), missing: Some(Vec::new()), ..stated
        };
    assert_eq!(case, expected);
    assert_eq!(schema::misfits("record", std::slice::from_ref(&record)), [""; 0]);
    // By another's reader of JSON.
    let jq = Command::new("jq")
        .args(["-rs", ".[0].case | [.cause, .seal_numbers[1], .investigators[1].name, .clock_offset_seconds, (.missing | length)] | @tsv"])
        .arg(&record)
        .output()
        .unwrap_or_else(|e| panic!("jq (Debian package jq): {e}"));
    assert_eq!(String::from_utf8(jq.stdout).unwrap(), "诈骗案\t4712\tJörg Müller\t124\t0\n");
}

#[test]
fn all_that_is_missing_is_named_at_once_before_anything_is_touched() {
    let lacking = WHOLE
        .replace("\ncause =", "\n# cause =")
        .replace("unit = \"Unit 2\"", "")
        .replace("video =", "# video =");
    let bench = Bench::with(&lacking);
    bench.refused(&[], "lacks cause, evidence_number, video, investigators.2.unit; fill it in");

    let output = bench.run_with_file(&["--incomplete", "--evidence", "3"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("lacks cause, video, investigators.2.unit; the record says so for ever"), "{said}");
    let missing = bench.case_in("3.record.jsonl").missing.unwrap();
    assert_eq!(missing, ["cause", "video", "investigators.2.unit"]);
}

#[test]
fn without_a_case_file_there_is_a_warning_and_the_record_says_what_is_missing() {
    let bench = Bench::with(WHOLE);
    let output = bench.run(&["--case", "2026-17", "--evidence", "3", "--examiner", "E"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(
            "warning: no --case-file: the record will say for ever that these are missing: cause, agency"
        ),
        "{said}"
    );
    let case = bench.case_in("3.record.jsonl");
    assert!(case.case_file.is_empty());
    let missing = case.missing.unwrap();
    assert!(
        missing.contains(&"investigators.2".to_owned()) && !missing.contains(&"case_number".to_owned()),
        "{missing:?}"
    );
    assert_eq!(bench.run(&["--incomplete"]).status.code(), Some(2), "--incomplete speaks of a case file");
}

#[test]
fn an_option_may_repeat_the_file_but_not_contradict_it() {
    let bench = Bench::with(&format!("evidence_number = \"3\"\nexaminer = \"E\"\nnotes = \"n\"\n{WHOLE}"));
    for (option, value, key) in [
        ("--case", "2026-18", "case_number = \"2026-17\""),
        ("--evidence", "4", "evidence_number = \"3\""),
        ("--examiner", "F", "examiner = \"E\""),
        ("--description", "other", "description = \"laptop disk\""),
        ("--notes", "m", "notes = \"n\""),
    ] {
        bench.refused(&[option, value], &format!("{option} {value}: "));
        bench.refused(&[option, value], &format!("says {key}; leave one of them out"));
    }
    let output = bench.run_with_file(&["--case", "2026-17", "--evidence", "3", "--examiner", "E"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(bench.case_in("3.record.jsonl").examiner, "E");
}

#[test]
fn several_sources_share_one_file_that_states_nothing_of_one_of_them() {
    let b = |bench: &Bench| bench.folder.path().join("b.bin").to_str().unwrap().to_owned();
    let bench = Bench::with(WHOLE);
    bench.refused(&[&b(&bench), "--evidence", "3", "--evidence", "4"], "description is that of one item");
    let bench =
        Bench::with(&format!("evidence_number = \"3\"\n{}", WHOLE.replace("description", "# description")));
    bench.refused(&[&b(&bench), "--evidence", "3", "--evidence", "4"], "evidence_number is that of one item");

    let bench = Bench::with(&WHOLE.replace("description", "# description"));
    let several = [
        &b(&bench),
        "--evidence",
        "3",
        "--evidence",
        "4",
        "--description",
        "first",
        "--description",
        "second",
    ];
    let output = bench.run_with_file(&several);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (number, description) in [("3", "first"), ("4", "second")] {
        let case = bench.case_in(&format!("{number}.record.jsonl"));
        assert_eq!((case.description.as_str(), case.cause.as_str()), (description, "诈骗案"));
        assert_eq!((case.evidence_number.as_str(), case.missing), (number, Some(Vec::new())));
    }
}

#[test]
fn what_is_gone_on_with_keeps_its_case() {
    let bench = Bench::with(WHOLE);
    // The file names no examiner; who goes on needs not repeat what an option said.
    let begun = bench.run_with_file(&["--evidence", "3", "--examiner", "F. Other"]);
    assert_eq!(begun.status.code(), Some(0), "{begun:?}");
    // As if it had been cut off behind its first entry.
    let record = bench.to.join("3.record.jsonl");
    let before = case_in(&record);
    let first = fs::read_to_string(&record).unwrap().lines().next().unwrap().to_owned();
    let cut_off = || {
        for entry in fs::read_dir(&bench.to).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        fs::write(&record, format!("{first}\n")).unwrap();
    };
    for words in [&["--resume", "--evidence", "3"][..], &["--resume", "--name", "3"]] {
        cut_off();
        let output = bench.run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("no --case-file"), "{output:?}");
        assert_eq!(case_in(&record), before);
    }
    cut_off();
    assert_eq!(bench.run_with_file(&["--resume", "--evidence", "3"]).status.code(), Some(0));
    assert_eq!(case_in(&record), before);

    cut_off();
    fs::write(&bench.case, WHOLE.replace("Store 1", "Store 2")).unwrap();
    let output = bench.run_with_file(&["--resume", "--evidence", "3"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("something else of kept_at"), "{said}");
    assert_eq!(fs::read_to_string(&record).unwrap(), format!("{first}\n"), "nothing was changed");
}

#[test]
fn the_most_that_can_be_said_still_fits_into_the_record() {
    // Each text as long as it may be, of letters that take two bytes in JSON where TOML needs one, and as many as 64 KiB hold.
    let text = "\"".repeat(3990);
    let mut case = WHOLE.to_owned();
    let mut head = String::new();
    for key in [
        "purpose",
        "appearance",
        "keeper",
        "seal_method",
        "seal_after",
        "remarks",
        "notes",
        "examiner",
        "not_seized_because",
    ] {
        head.push_str(&format!("{key} = '{text}'\n"));
    }
    case.insert_str(0, &head);
    case.push_str(&format!("[[photos]]\nfile = '{text}'\nsha256 = \"{}\"\n", "0".repeat(64)).repeat(6));
    assert!(case.len() < 64 << 10 && case.len() > 59 << 10, "{}", case.len());
    let bench = Bench::with(&case);
    // And options as long as they may be, of what takes six bytes.
    let long = "\u{1}".repeat(60 << 10);
    let output = bench.run_with_file(&["--evidence", "3", "--name", "3", "--fill", "zeros", "--key", &long]);
    assert_eq!(output.status.code(), Some(2), "a key of that name is none");
    let output = bench.run_with_file(&["--evidence", &long, "--name", "3"]);
    assert_eq!(output.status.code(), Some(0), "{:?}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(bench.case_in("3.record.jsonl").remarks, text);
}
