//! What `pf-verify` says of the time-stamp of a head.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod item;

use formats::ImageKind;
use harness::time_stamp_authority::{Kind, TimeStampAuthority};
use item::{Item, noise, verdict};
use serde_json::Value;
use std::fs;
use std::path::Path;
use timestamp::Request;

const STAMP: &str = "time-stamp";

fn is_told_of(report: &Value) -> bool {
    report["properties"].as_array().unwrap().iter().any(|property| property["property"] == STAMP)
}

/// Has `authority` stamp the head at `head`, as OpenSSL reads it.
fn stamp(authority: &TimeStampAuthority, head: &Path) {
    let sha256 = record::ChainHash::of_line(&fs::read(head).unwrap()).into();
    let request = timestamp::request_path(head);
    fs::write(&request, Request::new(sha256, [9; 8]).to_der().unwrap()).unwrap();
    authority.answer(&request, &timestamp::answer_path(head)).unwrap();
}

#[test]
fn a_time_stamp_holds_where_its_authority_is_trusted_and_fails_where_it_is_of_something_else() {
    let item = Item::new(ImageKind::Raw, None, noise(1 << 12));
    let head = record::head_path(&item.record);
    let (code, report) = item.verify_with(&[]);
    assert!(code == 0 && !is_told_of(&report), "nobody asked for a time-stamp: {report:#}");

    let authority = TimeStampAuthority::new(item.folder.path(), Kind::P256).unwrap();
    let trusted = ["--authority", authority.root().to_str().unwrap()];
    let (code, report) = item.verify_with(&trusted);
    assert_eq!((code, verdict(&report, STAMP).as_str()), (0, "not-checked"), "there is none: {report:#}");

    stamp(&authority, &head);
    assert_eq!(verdict(&item.verify_with(&[]).1, STAMP), "not-checked", "nobody said whom to trust");
    let (code, report) = item.verify_with(&trusted);
    assert_eq!((code, verdict(&report, STAMP).as_str()), (0, "holds"), "{report:#}");

    let elsewhere = tempfile::tempdir().unwrap();
    let other = TimeStampAuthority::new(elsewhere.path(), Kind::P256).unwrap();
    let (code, report) = item.verify_with(&["--authority", other.root().to_str().unwrap()]);
    assert_eq!((code, verdict(&report, STAMP).as_str()), (1, "fails"), "{report:#}");

    // The time-stamp of another head, and what is none.
    let foreign = elsewhere.path().join("other.head.json");
    fs::write(&foreign, "another").unwrap();
    stamp(&authority, &foreign);
    for bytes in [fs::read(timestamp::answer_path(&foreign)).unwrap(), b"no answer".to_vec(), Vec::new()] {
        fs::write(timestamp::answer_path(&head), bytes).unwrap();
        let (code, report) = item.verify_with(&[]);
        assert_eq!((code, verdict(&report, STAMP).as_str()), (1, "fails"), "{report:#}");
    }
}
