//! Case files: asked for, printed empty, checked; and read by parsers of other people's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use evidence::CASE_FIELDS;
use fixtures::pf_record;
use harness::host_program::HostProgram;
use harness::python_venv::{PythonVenv, VenvPlan};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const SHA: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";

/// What Python's own parser (3.11 has one) finds in a file.
fn by_tomllib(path: &Path) -> Value {
    let program =
        "import json,sys,tomllib; json.dump(tomllib.load(open(sys.argv[1],'rb')), sys.stdout, default=str)";
    let python = HostProgram::new("python3", "python3-venv").unwrap();
    let said = python.args(["-I", "-X", "utf8", "-c", program]).arg(path).run();
    serde_json::from_str(&said.unwrap_or_else(|error| panic!("tomllib: {error}"))).unwrap()
}

/// Exit code, standard output and error of an interview with these answers, a line each.
fn interview(path: &Path, language: &str, answers: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pf-record"))
        .args(["case", "--language", language, "-o"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended before it read all.
    let _ = child.stdin.take().unwrap().write_all(answers.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Answers to every question, with a slip that is corrected at the end.
const ANSWERS: &str = "2026-17\n诈骗案\n某市\"公安\"局\nC:\\warrant 17\n\nE. Xaminer\nHolder\n\nnobody could be had\nRoom 3\n\
    yesterday\n2026-03-17 09:12:04\n2026-03-17 09:10:00Z\n2026-03-17 09:10:00\nNTP\n3\nlaptop\n\nStore 1\n\n\n4711; 4712\n\nwhole\n\n\
    scene.mp4\n\n\n\n李建国\n网安支队\n012345\nJörg\nUnit 2\n\n\n1.jpg\n5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9\n\
    before\n\n99\n2\n合同诈骗案\n\n";

#[test]
fn the_template_is_toml_for_other_parsers_too_and_states_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    let (code, template, _) = pf_record(&["case", "--template"]);
    assert_eq!(code, 0);
    fs::write(&path, &template).unwrap();
    let found = by_tomllib(&path);
    let keys: Vec<&str> = CASE_FIELDS.iter().map(|field| field.key).collect();
    assert_eq!(found.as_object().unwrap().len(), keys.len());
    for key in keys {
        assert!(found.get(key).is_some_and(|value| value == "" || value.is_array()), "{key}: {found}");
        let line =
            template.lines().position(|line| line.starts_with(key) || line == format!("[[{key}]]")).unwrap();
        let before = template.lines().nth(line - 1).unwrap();
        assert!(
            before.contains("法发〔2016〕22号")
                && before.contains("ISO/IEC 27037")
                && before.contains("ACPO"),
            "{key}"
        );
    }
    assert_eq!(found["investigators"].as_array().unwrap().len(), 2);

    let (code, said, _) = pf_record(&["case", "--check", path.to_str().unwrap()]);
    assert_eq!(code, 1, "{said}");
    for key in
        ["case_number  Case number", "witness  Witness", "investigators.2  Investigators 2", "photos  "]
    {
        assert!(said.contains(&format!("\n  {key}")), "{key}: {said}");
    }
    let (_, said, _) = pf_record(&["case", "--language", "zh", "--check", path.to_str().unwrap()]);
    assert!(said.contains("缺少下列必填项") && said.contains("  cause  案由"), "{said}");
}

#[test]
fn what_was_answered_stands_in_the_file_as_another_parser_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    let (code, said, asked) = interview(&path, "en", ANSWERS);
    assert_eq!(code, 0, "{said}{asked}");
    let found = by_tomllib(&path);
    for (key, value) in [
        ("case_number", json!("2026-17")),
        ("cause", json!("合同诈骗案")),
        ("agency", json!("某市\"公安\"局")),
        ("legal_basis", json!("C:\\warrant 17")),
        ("witness", json!("")),
        ("no_witness_because", json!("nobody could be had")),
        ("machine_time", json!("2026-03-17 09:12:04")),
        ("reference_time", json!("2026-03-17 09:10:00")),
        ("seal_numbers", json!(["4711", "4712"])),
        ("video", json!("scene.mp4")),
        (
            "investigators",
            json!([{"name": "李建国", "unit": "网安支队", "id": "012345"}, {"name": "Jörg", "unit": "Unit 2", "id": ""}]),
        ),
        ("photos", json!([{"file": "1.jpg", "sha256": SHA, "taken": "before"}])),
    ] {
        assert_eq!(found[key], value, "{key}");
    }
    // Each slip was told where it was made, and mandatory fields are marked.
    assert!(
        asked.contains("Cause* (what the case is about): ")
            && asked.contains("Who runs the acquisition (empty")
    );
    assert!(asked.contains("date and time are wanted") && asked.contains("one time has an offset from UTC"));
    assert!(asked.contains("There is no such number.") && asked.contains("  2  Cause: 合同诈骗案"));
    assert!(
        said.contains("124 s (0:02:04) ahead of the reference")
            && said.contains("everything that must be given is there")
    );

    let (code, said, _) = pf_record(&["case", "--json", "--check", path.to_str().unwrap()]);
    let checked: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &checked["missing"], &checked["clock_offset_seconds"]), (0, &json!([]), &json!(124)));
}

#[test]
fn the_questions_are_in_chinese_too_and_what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    let (code, said, asked) = interview(&path, "zh", &"\n".repeat(60));
    assert_eq!(code, 1, "{asked}");
    assert!(
        asked.contains("案由*：")
            && asked.contains("没有见证人的原因")
            && asked.contains("尚缺：案件编号；案由"),
        "{asked}"
    );
    assert!(said.contains("缺少下列必填项"), "{said}");
    assert!(path.exists(), "an incomplete file is a file");
}

#[test]
fn answers_that_end_too_early_leave_no_file_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    let lines: Vec<&str> = ANSWERS.split_inclusive('\n').collect();
    for count in [0, 1, 10, lines.len() - 1] {
        let (code, _, said) = interview(&path, "en", &lines[..count].concat());
        assert!(code == 2 && said.contains("the answers ended before the last question"), "{count}: {said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{count}");
    }
    let (code, _, said) = interview(&path, "en", &"x".repeat(40 << 10));
    assert!(code == 2 && said.contains("longer than 32 KiB"), "{said}");

    // What is there is not overwritten, and nobody is asked first.
    fs::write(&path, "kept").unwrap();
    let (code, _, said) = interview(&path, "en", ANSWERS);
    assert!(code == 4 && said.contains("exists already") && !said.contains("Cause"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
}

#[test]
fn ctrl_c_between_two_questions_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    // Who runs in the background of a script has Ctrl-C ignored.
    let mut child = Command::new("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_pf-record")])
        .args(["case", "-o", path.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"2026-17\nfraud\n").unwrap();
    // Both were taken when the third is asked for.
    let mut asked = String::new();
    let mut screen = child.stderr.take().unwrap();
    while !asked.contains("Agency") {
        let mut byte = [0; 64];
        let length = std::io::Read::read(&mut screen, &mut byte).unwrap();
        assert!(length > 0, "{asked}");
        asked.push_str(&String::from_utf8_lossy(&byte[..length]));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success() && !child.wait().unwrap().success());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_python_wrote_is_read() {
    let writer = VenvPlan { name: "tomli-w", packages: &["tomli-w==1.2.0"], modules: &[] };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    let program = r#"
import datetime, sys, tomli_w
zone = datetime.timezone(datetime.timedelta(hours=8))
case = {
    "case_number": "2026-17", "cause": "诈骗 \\ \"案\"", "agency": "A", "legal_basis": "L", "holder": "H", "witness": "W",
    "place": "P", "machine_time": datetime.datetime(2026, 3, 17, 9, 12, 4, tzinfo=zone),
    "reference_time": datetime.datetime(2026, 3, 17, 1, 10, 0, tzinfo=datetime.timezone.utc), "reference_source": "GPS",
    "evidence_number": "3", "description": "d", "kept_at": "K", "no_seal_because": "bare disk", "remarks": "one\ntwo",
    "investigators": [{"name": "甲", "unit": "U"}, {"name": "乙", "unit": "U", "id": "7"}],
}
tomli_w.dump(case, open(sys.argv[1], "wb"), multiline_strings=True)
"#;
    let venv = PythonVenv::obtain(&writer).unwrap();
    venv.program(program).arg(&path).run().unwrap();
    let case = case_file::read(&path).unwrap();
    assert_eq!((case.cause.as_str(), case.remarks.as_str()), ("诈骗 \\ \"案\"", "one\ntwo"));
    assert_eq!((case.clock_offset_seconds, case.investigators[1].id.as_str()), (Some(124), "7"));
    assert_eq!(case.lacks(), [""; 0]);
}
