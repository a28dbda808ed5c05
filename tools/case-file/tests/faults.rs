//! What a case file may say, and how it is told where it is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use case_file::{CaseFileError, LONGEST_FILE, parse, read};
use proptest::prelude::*;
use std::fs;

#[test]
fn whatever_is_wrong_names_its_line_and_its_key() {
    let sha = "0".repeat(64);
    for (text, told) in [
        (
            "cause = \"x\"\nvictim = \"y\"\n",
            "line 2: victim: no such field; pf-record case --template lists all",
        ),
        ("# x\n\ncause = 7\n", "line 3: cause: a text in quotation marks is wanted"),
        ("cause = \"a\\u0007\"", "line 1: cause: a control character (a tab, for instance) stands in it"),
        ("cause = \"a\\tb\"", "line 1: cause: a control character (a tab, for instance) stands in it"),
        ("cause = \"\"\"a\nb\"\"\"", "line 1: cause: one line is wanted"),
        (
            "machine_time = \"yesterday\"",
            "line 1: machine_time: date and time are wanted, e.g. 2026-03-17 09:12:04 or",
        ),
        ("machine_time = 2026-03-17", "line 1: machine_time: date and time are wanted"),
        ("machine_time = \"2026-02-30 09:12:04\"", "line 1: machine_time: date and time are wanted"),
        ("machine_time = \"2026-W12-2 09:12\"", "line 1: machine_time: date and time are wanted"),
        (
            "machine_time = 2026-03-17 09:12:04\nreference_time = 2026-03-17 09:12:04Z",
            "line 2: reference_time: one time has an offset",
        ),
        ("video_sha256 = \"abc\"", "line 1: video_sha256: SHA-256 in 64 hexadecimal digits is wanted"),
        ("seal_numbers = \"4711\"", "line 1: seal_numbers: a list is wanted"),
        ("seal_numbers = [4711]", "line 1: seal_numbers: a text in quotation marks is wanted"),
        (
            "investigators = [\"A\"]",
            "line 1: investigators: a table for each is wanted, headed [[investigators]]",
        ),
        ("[investigators]\nname = \"A\"", "line 1: investigators: a table for each is wanted"),
        (
            "\n[[investigators]]\nname = \"A\"\nbirthday = \"x\"",
            "line 4: investigators.birthday: no such field",
        ),
        ("[[photos]]\nfile = \"1.jpg\"\nsha256 = \"zz\"", "line 3: photos.sha256: SHA-256 in 64"),
        (
            &format!("[[photos]]\nsha256 = \"{sha}\"\ntaken = \"during\""),
            "line 3: photos.taken: before or after is wanted",
        ),
        (
            "witness = \"W\"\nno_witness_because = \"x\"",
            "line 2: no_witness_because: witness is given too; leave one of them out",
        ),
        ("clock_offset_seconds = 3", "line 1: clock_offset_seconds: no such field"),
        ("missing = []", "line 1: missing: no such field"),
        ("cause = \"a\"\ncause = \"b\"", "line 2: "),
        ("cause = \"a", "line 1: "),
        ("zzz = 1\naaa = 1", "line 1: zzz: no such field"),
    ] {
        let fault = parse(text).expect_err(text).to_string();
        assert!(fault.starts_with(told) && !fault.contains('\n'), "{text:?}: {fault}");
    }
}

#[test]
fn a_value_that_no_form_has_room_for_is_refused() {
    assert_eq!(parse(&format!("cause = \"{}\"", "诈".repeat(4000))).unwrap().cause.chars().count(), 4000);
    let told = parse(&format!("\ncause = \"{}\"", "诈".repeat(4001))).unwrap_err().to_string();
    assert_eq!(told, "line 2: cause: longer than 4000 characters");
    let told = parse(&"[[photos]]\n".repeat(201)).unwrap_err().to_string();
    assert_eq!(told, "line 1: photos: more entries than a record has room for");
}

#[test]
fn both_kinds_of_clocks_are_compared() {
    for (machine, reference, seconds) in [
        ("2026-03-17 09:12:04", "2026-03-17T09:10:00", 124),
        ("\"2026-03-17 09:12\"", "\"2026-03-17 09:12:30\"", -30),
        ("2026-03-17T09:12:04+08:00", "2026-03-17T01:12:04Z", 0),
        ("1980-01-01 00:00:00", "2026-03-17 00:00:00", -1_458_172_800),
    ] {
        let case = parse(&format!("machine_time = {machine}\nreference_time = {reference}")).unwrap();
        assert_eq!(case.clock_offset_seconds, Some(seconds), "{machine} {reference}");
    }
    assert_eq!(parse("machine_time = 2026-03-17 09:12:04").unwrap().clock_offset_seconds, None);
}

#[test]
fn blanks_of_the_template_are_no_entries() {
    let case = parse(
        "seal_numbers = [\"\", \" 4711 \"]\n[[photos]]\nfile = \"\"\n[[investigators]]\nname = \" A \"\n",
    )
    .unwrap();
    assert!(case.photos.is_empty());
    assert_eq!((case.seal_numbers[0].as_str(), case.investigators[0].name.as_str()), ("4711", "A"));
}

#[test]
fn files_that_are_none_are_told_from_files_that_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("案.toml");
    assert!(matches!(read(&path), Err(CaseFileError::Read { .. })));
    fs::write(&path, "\u{feff}cause = \"诈骗案\"\r\nremarks = \"\"\"a\r\nb\"\"\"\r\n").unwrap();
    let case = read(&path).unwrap();
    assert_eq!(
        (case.cause.as_str(), case.remarks.as_str(), case.case_file.as_str()),
        ("诈骗案", "a\nb", "案.toml")
    );
    fs::write(&path, b"cause = \"x\"\nplace = \"\xff\"").unwrap();
    assert!(
        read(&path).unwrap_err().to_string().ends_with("案.toml: line 2: not UTF-8; save the file as UTF-8")
    );
    let longest = usize::try_from(LONGEST_FILE).unwrap();
    fs::write(&path, "#".repeat(longest)).unwrap();
    assert!(read(&path).is_ok());
    fs::write(&path, "#".repeat(longest + 1)).unwrap();
    assert!(matches!(read(&path), Err(CaseFileError::TooLong(_))));
    assert!(matches!(read(std::path::Path::new("/dev/zero")), Err(CaseFileError::TooLong(_))));
}

proptest! {
    #[test]
    fn no_text_is_more_than_refused(text in "([a-z_]{0,12}|[\\[\\]{}=\"'#.,0-9 \n-]|\\PC){0,80}") {
        if let Err(fault) = parse(&text) {
            let told = fault.to_string();
            prop_assert!(fault.line >= 1 && fault.line <= text.lines().count().max(1) + 1, "{}", told);
            prop_assert!(!told.contains(char::is_control), "{:?}", told);
        }
    }
}
