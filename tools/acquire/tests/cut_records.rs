//! Records that the power cut off: at every byte of their last entries, at every entry, with what a torn write leaves behind
//! it. What was written before must be believed, and no more than that; and the records of earlier runs are looked at.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod interrupted;

use clap::Parser;
use interrupted::{FORMS, Form, Random, Source, pf_acquire};
use record::Flaw;
use std::fs;
use std::path::{Path, PathBuf};
use verify::{Arguments, Report, Verdict};

/// A whole E01 with its record.
fn acquired(folder: &Path) -> (Source, Form) {
    let source = Source::make(folder.join("source.bin"), 3);
    let form = FORMS[2];
    let output = pf_acquire(&source, folder, form, false).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (source, form)
}

fn check(folder: &Path) -> Report {
    let image = folder.join("item.E01");
    verify::verify(&Arguments::parse_from(["pf-verify", image.to_str().unwrap()])).unwrap()
}

fn verdict<'a>(report: &'a Report, property: &str) -> (&'a Verdict, &'a str) {
    let found = report.properties.iter().find(|found| found.property == property);
    let found = found.unwrap_or_else(|| panic!("no {property}: {report:#?}"));
    (&found.verdict, &found.detail)
}

/// What a write of whole blocks that was torn leaves behind its last good byte.
fn tails(random: &mut Random) -> [Vec<u8>; 4] {
    let mut garbage = |length: usize| (0..length).map(|_| random.below(256) as u8).collect::<Vec<u8>>();
    [Vec::new(), vec![0; 512], garbage(512), garbage(3)]
}

#[test]
fn a_record_cut_anywhere_is_believed_up_to_its_last_whole_entry() {
    let folder = tempfile::tempdir().unwrap();
    acquired(folder.path());
    let good = fs::read(folder.path().join("item.record.jsonl")).unwrap();
    let ends: Vec<usize> =
        good.iter().zip(1..).filter(|(byte, _)| **byte == b'\n').map(|(_, end)| end).collect();
    assert!(ends.len() > 6, "{} entries", ends.len());
    let whole = record::read(&folder.path().join("item.record.jsonl")).unwrap();
    let path = folder.path().join("cut.record.jsonl");
    let mut random = Random::new(1);
    // The last four entries at every byte, those before at their ends.
    let close = ends[ends.len() - 5];
    let cuts: Vec<usize> = ends.iter().copied().filter(|end| *end < close).chain(close..good.len()).collect();
    for cut in cuts {
        let entries = ends.iter().filter(|end| **end <= cut).count();
        let at_an_end = ends.contains(&cut);
        for (kind, tail) in tails(&mut random).iter().enumerate() {
            fs::write(&path, [&good[..cut], tail].concat()).unwrap();
            let read = record::read(&path).unwrap();
            assert_eq!(read.entries, whole.entries[..entries], "cut at {cut}, tail {kind}");
            assert!(!read.is_closed(), "cut at {cut}, tail {kind}");
            match &read.broken {
                None => assert!(at_an_end && tail.is_empty(), "cut at {cut}, tail {kind}: nothing is missed"),
                Some(broken) => {
                    assert!(!(at_an_end && tail.is_empty()), "cut at {cut}: {broken}");
                    assert_eq!(broken.line, entries as u64 + 1, "cut at {cut}, tail {kind}");
                    let torn = matches!(broken.flaw, Flaw::Truncated | Flaw::NoEntry(_));
                    assert!(torn, "cut at {cut}, tail {kind}: {broken}");
                }
            }
        }
    }
}

#[test]
fn of_a_record_that_was_cut_pf_verify_says_that_it_was_not_closed_and_how_far_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    acquired(folder.path());
    assert_eq!(check(folder.path()).exit, verify::HOLDS);
    let record = folder.path().join("item.record.jsonl");
    let good = fs::read(&record).unwrap();
    // It is made when the last entry stands.
    fs::remove_file(folder.path().join("item.head.json")).unwrap();
    let ends: Vec<usize> =
        good.iter().zip(1..).filter(|(byte, _)| **byte == b'\n').map(|(_, end)| end).collect();
    let within = (0..12).map(|n| ends[ends.len() - 4] + n * (good.len() - ends[ends.len() - 4]) / 12);
    let mut random = Random::new(2);
    for cut in ends[..ends.len() - 1].iter().copied().chain(within) {
        let entries = ends.iter().filter(|end| **end <= cut).count();
        for (kind, tail) in tails(&mut random).iter().enumerate() {
            fs::write(&record, [&good[..cut], tail].concat()).unwrap();
            let report = check(folder.path());
            let what = format!("cut at {cut}, tail {kind}: {report:#?}");
            assert_eq!(report.exit, verify::FAILS, "{what}");
            assert_eq!(report.record.as_ref().unwrap().entries, entries as u64, "{what}");
            let (closed, why) = verdict(&report, "record closed");
            assert_eq!(*closed, Verdict::Fails, "{what}");
            assert!(why.contains("not closed") || why.contains("does not close it"), "{what}");
            let holds = tail.is_empty() && ends.contains(&cut);
            let chain = if holds { Verdict::Holds } else { Verdict::Fails };
            assert_eq!(*verdict(&report, "record chain unbroken").0, chain, "{what}");
            assert_eq!(*verdict(&report, "container sound").0, Verdict::Holds, "{what}");
        }
    }
}

/// An acquisition whose power went when the image was whole, gone on with; gives the record of the first run.
fn gone_on_with(folder: &Path) -> PathBuf {
    let (source, form) = acquired(folder);
    let record = folder.join("item.record.jsonl");
    let good = fs::read_to_string(&record).unwrap();
    let line = good.split_inclusive('\n').position(|line| line.contains("\"image-closed\"")).unwrap();
    let cut: String = good.split_inclusive('\n').take(line + 1).collect();
    fs::write(&record, cut).unwrap();
    fs::remove_file(folder.join("item.head.json")).unwrap();
    let output = pf_acquire(&source, folder, form, true).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    folder.join("item.record-1.jsonl")
}

#[test]
fn the_record_of_an_earlier_run_is_the_one_that_the_next_one_names() {
    const EARLIER: &str = "earlier records as named";
    let folder = tempfile::tempdir().unwrap();
    let earlier = gone_on_with(folder.path());
    let report = check(folder.path());
    assert_eq!((report.exit, verdict(&report, EARLIER).0), (verify::HOLDS, &Verdict::Holds), "{report:#?}");
    let files = verdict(&report, "files as recorded");
    assert_eq!(*files.0, Verdict::Holds, "the run that read back has the files: {}", files.1);
    let good = fs::read(&earlier).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for altered in
        [text.replace("A. M", "B. M"), lines[..lines.len() - 1].concat(), format!("{text}{}", lines[1])]
    {
        fs::write(&earlier, &altered).unwrap();
        let report = check(folder.path());
        assert_eq!(
            (report.exit, verdict(&report, EARLIER).0),
            (verify::FAILS, &Verdict::Fails),
            "{report:#?}"
        );
    }
    fs::write(&earlier, &good).unwrap();
    // A head that is not of this record.
    fs::copy(folder.path().join("item.head.json"), folder.path().join("item.head-1.json")).unwrap();
    let report = check(folder.path());
    assert_eq!((report.exit, verdict(&report, EARLIER).0), (verify::FAILS, &Verdict::Fails), "{report:#?}");
    fs::remove_file(folder.path().join("item.head-1.json")).unwrap();
    fs::remove_file(&earlier).unwrap();
    let report = check(folder.path());
    let (earlier, why) = verdict(&report, EARLIER);
    assert_eq!((report.exit, earlier), (verify::HOLDS, &Verdict::NotChecked), "{report:#?}");
    assert!(why.contains("item.record-1.jsonl"), "{why}");
}
