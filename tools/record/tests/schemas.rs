//! The published schemas against a sample of every kind of entry, judged by a validator of other people's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

mod schema;

use record::{Entry, RecordWriter, SecretKey};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every kind, with all of its fields and with as few as there can be.
fn samples() -> Vec<Value> {
    let text = include_str!("samples.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn written(folder: &Path, entries: &[Value]) -> std::path::PathBuf {
    let path = folder.join("item.record.jsonl");
    let mut writer = RecordWriter::create(&path).unwrap();
    for entry in entries {
        let entry: Entry = serde_json::from_value(entry.clone()).unwrap_or_else(|e| panic!("{entry}: {e}"));
        writer.append(&entry).unwrap();
    }
    writer.sign(&SecretKey::generate().unwrap()).unwrap();
    path
}

#[test]
fn a_sample_of_every_kind_fits_and_so_does_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples();
    let kinds: BTreeSet<&str> = samples.iter().map(|sample| sample["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, Entry::KINDS.into_iter().collect(), "a kind without a sample");
    // `closed` stands last in a record.
    let record = written(folder.path(), &samples);
    let lines = fs::read_to_string(&record).unwrap();
    for (line, sample) in lines.lines().zip(&samples) {
        let mut line: Value = serde_json::from_str(line).unwrap();
        for field in ["seq", "time", "prev"] {
            line.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(&line, sample, "the sample has a field that no entry has, or one in another form");
    }
    assert_eq!(schema::misfits("record", std::slice::from_ref(&record)), [""; 0]);
    assert_eq!(schema::misfits("head", &[record::head_path(&record)]), [""; 0]);
}

/// Every field of every object taken out once, or made another, or one put in.
#[test]
fn what_is_not_of_the_format_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let record = written(folder.path(), &samples());
    let good: Vec<Value> = fs::read_to_string(&record)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut bad: Vec<Value> = Vec::new();
    for line in &good {
        let mut more = line.clone();
        more["more"] = json!(1);
        bad.push(more);
        for field in ["seq", "time", "prev", "kind"] {
            let mut less = line.clone();
            less.as_object_mut().unwrap().remove(field);
            bad.push(less);
        }
        for (field, value) in line.as_object().unwrap() {
            let other = if value.is_number() { json!("1") } else { json!(-1) };
            let mut changed = line.clone();
            changed[field] = other;
            bad.push(changed);
        }
    }
    let mut first = good[0].clone();
    first["prev"] = json!("1".repeat(64));
    bad.push(first);
    let path = folder.path().join("bad.jsonl");
    fs::write(&path, bad.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let misfits = schema::misfits("record", &[path]);
    for (number, line) in (1..).zip(&bad) {
        assert!(misfits.iter().any(|told| told.contains(&format!(": line {number}: "))), "it fits: {line}");
    }
}

#[test]
fn a_kind_of_a_later_version_fits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later.jsonl");
    let line =
        json!({"seq": 4, "time": "2026-11-24T00:00:00Z", "prev": "0".repeat(64), "kind": "later", "a": [1]});
    fs::write(&path, format!("{line}\n")).unwrap();
    assert_eq!(schema::misfits("record", &[path]), [""; 0]);
}
