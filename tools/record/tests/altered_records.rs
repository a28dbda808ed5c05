//! What the chain shows of a record that was altered, and what it cannot show.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use evidence::{
    AfterTrim, Area, AreaKind, AtaSecurity, ByteCount, ByteOffset, Case, DeviceIdentity, Extent, Finding,
    GuardState, HashAlgorithm, Hasher, Health, HiddenArea, SectorCount, SectorSize, SelfReport, Transport,
    Trim,
};
use proptest::prelude::*;
use record::{
    AcquisitionOpened, Closed, Content, Entry, Environment, Flaw, GuardReport, ImageClosed, Network,
    NetworkState, Outcome, Plan, RecordError, RecordWriter, SegmentFile, Software, Verification,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn entries() -> Vec<Entry> {
    let hashes: evidence::HashSet =
        HashAlgorithm::ALL.into_iter().map(|a| (a, Hasher::of(a, b"media"))).collect();
    vec![
        Entry::AcquisitionOpened(Box::new(AcquisitionOpened {
            format_version: record::FORMAT_VERSION,
            software: Software { name: "pf-acquire".into(), version: "0".into() },
            environment: Environment {
                image: None,
                kernel: "Linux 6.12".into(),
                host: "bench".into(),
                ..Environment::default()
            },
            command_line: vec!["pf-acquire".into(), "/dev/sda".into()],
            case: Case { case_number: "2026-\"1\"\n案件".into(), ..Case::default() },
            source: DeviceIdentity {
                path: "/dev/sda".into(),
                make: None,
                model: Some("DISK".into()),
                serial: Some("S1".into()),
                wwn: None,
                firmware: None,
                transport: Transport::Ata,
                capacity: ByteCount(1 << 40),
                logical_sector: SectorSize::S512,
                physical_sector: SectorSize::new(4096).unwrap(),
            },
            guard: GuardReport::InForce {
                disk: "sda".into(),
                state: GuardState::Evidence,
                refused: 3,
                policy_sha256: None,
            },
            plan: Plan {
                format: "e01".into(),
                chunk_size: ByteCount(32_768),
                segment_size: Some(ByteCount(1 << 31)),
                hashes: HashAlgorithm::ALL.to_vec(),
                destination: "/mnt/item".into(),
                second_destination: Some("/mnt2/item".into()),
            },
            signing_key: None,
        })),
        Entry::HiddenAreas(Box::new(said())),
        Entry::ReadError {
            extent: Extent { offset: ByteOffset(512), length: ByteCount(512) },
            error: "Input/output error".into(),
            action: "filled with zeros".into(),
        },
        Entry::ImageClosed(ImageClosed {
            segments: vec![SegmentFile { name: "item.E01".into(), size: ByteCount(4711) }],
            media_size: ByteCount(1 << 40),
            hashes: hashes.clone(),
            unread: [Extent { offset: ByteOffset(512), length: ByteCount(512) }].into_iter().collect(),
            seconds: 1.5,
        }),
        Entry::DestinationFailed { destination: "/mnt2/item".into(), error: "No space left".into() },
        Entry::Verification(Verification {
            destination: None,
            hashes,
            matches: true,
            mismatches: vec![],
            files: vec![],
        }),
        Entry::Closed(Closed {
            outcome: Outcome::CompleteWithUnreadSectors,
            guard_state: Some(GuardState::Evidence),
            refused: Some(3),
            network: Some(Network {
                state: NetworkState::On,
                up: vec!["eth0".into()],
                account: None,
                account_problem: Some("not an account that pf-net wrote".into()),
            }),
        }),
    ]
}

/// One answer of each kind.
fn said() -> SelfReport {
    let area = HiddenArea {
        size: Some(ByteCount(1 << 20)),
        sectors: Some(SectorCount(2048)),
        device: None,
        what: "2 048 sectors".into(),
    };
    let readings = [("power-on-hours".to_owned(), 4321)].into_iter().collect();
    SelfReport {
        areas: vec![
            Area { kind: AreaKind::HostProtectedArea, finding: Finding::Found(area) },
            Area { kind: AreaKind::AccessibleMaxAddress, finding: Finding::None },
            Area { kind: AreaKind::DeviceConfigurationOverlay, finding: Finding::unknown("frozen") },
        ],
        ata_security: Finding::Found(AtaSecurity { frozen: true, ..AtaSecurity::default() }),
        self_encryption: Finding::None,
        trim: Finding::Found(Trim { reads: AfterTrim::Zeros }),
        zones: Finding::unknown("not asked"),
        health: Finding::Found(Health { failing: Some(false), alarms: vec![], readings }),
    }
}

fn written(folder: &Path) -> (PathBuf, record::ChainHash) {
    let path = folder.join("item.record.jsonl");
    let mut writer = RecordWriter::create(&path).unwrap();
    for entry in entries() {
        writer.append(&entry).unwrap();
    }
    (path, writer.head())
}

fn read_bytes(folder: &Path, bytes: &[u8]) -> record::RecordFile {
    let path = folder.join("altered.record.jsonl");
    fs::write(&path, bytes).unwrap();
    record::read(&path).unwrap()
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn an_untouched_record_reads_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = written(folder.path());
    let record = record::read(&path).unwrap();
    assert!(record.is_closed() && record.broken.is_none());
    assert_eq!(record.head, head);
    assert_eq!(record.known().cloned().collect::<Vec<_>>(), entries());
}

#[test]
fn a_flipped_bit_is_found_at_its_line_or_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = written(folder.path());
    let good = fs::read(&path).unwrap();
    let lengths: Vec<usize> = lines(&good).iter().map(Vec::len).collect();
    let before_last = good.len() - lengths[lengths.len() - 1];
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let record = read_bytes(folder.path(), &bad);
        if at >= before_last {
            // The chain ends here; only a head kept elsewhere can tell.
            assert!(record.broken.is_some() || record.head != head, "byte {at}");
            continue;
        }
        let broken = record.broken.unwrap_or_else(|| panic!("byte {at} was altered unseen"));
        let mut end = 0;
        let line = lengths
            .iter()
            .position(|length| {
                end += length;
                at < end
            })
            .unwrap() as u64
            + 1;
        assert!(broken.line == line || broken.line == line + 1, "byte {at} of line {line}: {broken}");
    }
}

#[test]
fn a_line_taken_out_put_in_or_moved_breaks_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = written(folder.path());
    let good = lines(&fs::read(&path).unwrap());
    for at in 0..good.len() {
        let mut removed = good.clone();
        removed.remove(at);
        let record = read_bytes(folder.path(), &removed.concat());
        assert!(record.broken.is_some() || record.head != head, "line {at} removed");
        assert!(!record.is_closed(), "line {at} removed and still closed");

        let mut twice = good.clone();
        twice.insert(at, good[at].clone());
        assert!(read_bytes(folder.path(), &twice.concat()).broken.is_some(), "line {at} doubled");

        if at + 1 < good.len() {
            let mut swapped = good.clone();
            swapped.swap(at, at + 1);
            assert!(read_bytes(folder.path(), &swapped.concat()).broken.is_some(), "lines from {at} swapped");
        }
    }
}

#[test]
fn a_power_cut_at_any_byte_leaves_a_valid_prefix_that_says_it_is_unclosed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = written(folder.path());
    let good = fs::read(&path).unwrap();
    for length in 0..good.len() {
        let record = read_bytes(folder.path(), &good[..length]);
        assert!(!record.is_closed(), "cut to {length} bytes");
        let whole = good[..length].iter().filter(|b| **b == b'\n').count();
        assert_eq!(record.entries.len(), whole, "cut to {length} bytes");
        match record.broken {
            Some(broken) => assert_eq!(broken.flaw, Flaw::Truncated),
            None => assert!(length == 0 || good[length - 1] == b'\n'),
        }
    }
}

#[test]
fn an_entry_behind_the_last_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = written(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let seq = entries().len();
    bytes.extend(
        format!("{{\"seq\":{seq},\"time\":\"2026-11-24T00:00:00Z\",\"prev\":\"{head}\",\"kind\":\"note\",\"text\":\"\"}}\n")
            .bytes(),
    );
    assert_eq!(read_bytes(folder.path(), &bytes).broken.unwrap().flaw, Flaw::AfterClosed);
}

#[test]
fn a_number_left_out_is_found_though_the_hashes_fit() {
    let folder = tempfile::tempdir().unwrap();
    let line = |seq: u64, prev: &str| {
        format!(r#"{{"seq":{seq},"time":"2026-11-24T00:00:00Z","prev":"{prev}","kind":"note","text":""}}"#)
    };
    let first = line(0, &"0".repeat(64));
    let second = line(2, &record::ChainHash::of_line(first.as_bytes()).to_string());
    let record = read_bytes(folder.path(), format!("{first}\n{second}\n").as_bytes());
    assert_eq!(record.broken.unwrap().flaw, Flaw::Sequence { expected: 1 });
}

#[test]
fn a_kind_of_a_later_version_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = "0".repeat(64);
    let line = format!(
        "{{\"seq\":0,\"time\":\"2026-11-24T00:00:00Z\",\"prev\":\"{zeros}\",\"kind\":\"later\",\"a\":1}}\n"
    );
    let record = read_bytes(folder.path(), line.as_bytes());
    assert!(record.broken.is_none());
    assert!(matches!(&record.entries[0].content, Content::Unknown(value) if value["a"] == 1));
}

#[test]
fn what_is_said_of_a_bad_line_moves_no_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = "0".repeat(64);
    let line = format!(
        r#"{{"seq":0,"time":"2026-11-24T00:00:00Z","prev":"{zeros}","kind":"closed","outcome":"a\n\u001b[2Jb"}}"#
    );
    let broken = read_bytes(folder.path(), format!("{line}\n").as_bytes()).broken.unwrap();
    assert!(matches!(broken.flaw, Flaw::NoEntry(_)) && !broken.to_string().contains(char::is_control));
}

#[test]
fn a_record_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = written(folder.path());
    assert!(matches!(RecordWriter::create(&path), Err(RecordError::Exists(_))));
}

/// The instructions of FORMAT.md, run as they stand there.
fn by_hand(record: &Path) -> std::process::Output {
    let manual = include_str!("../FORMAT.md");
    let script = manual.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    Command::new("sh").arg("-c").arg(script.replace("RECORD", record.to_str().unwrap())).output().unwrap()
}

#[test]
fn the_chain_holds_by_hand_too() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = written(folder.path());
    let output = by_hand(&path);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{head}  -\n"));

    let altered = fs::read_to_string(&path).unwrap().replace("\"refused\":3},", "\"refused\":0},");
    fs::write(&path, altered).unwrap();
    let output = by_hand(&path);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("line 1 was altered"));
}

#[test]
fn jq_reads_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = written(folder.path());
    let output = Command::new("jq")
        .args(["-r", "select(.kind == \"acquisition-opened\") | .case.case_number"])
        .arg(&path)
        .output()
        .expect("jq (Debian package jq)");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "2026-\"1\"\n案件\n");
}

proptest! {
    #[test]
    fn no_input_stops_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let folder = tempfile::tempdir().unwrap();
        let record = read_bytes(folder.path(), &bytes);
        prop_assert!(!record.is_closed());
    }

    #[test]
    fn any_text_survives(text in any::<String>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.record.jsonl");
        let mut writer = RecordWriter::create(&path).unwrap();
        writer.append(&Entry::Note { text: text.clone() }).unwrap();
        let record = record::read(&path).unwrap();
        prop_assert_eq!(record.known().next(), Some(&Entry::Note { text }));
    }
}

#[test]
fn the_longest_image_that_can_be_made_fits_into_its_entry_and_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.record.jsonl");
    let range = |n: u64| Extent { offset: ByteOffset((1 << 50) + n * 1024), length: ByteCount(512) };
    let image = ImageClosed {
        segments: (0..14_971)
            .map(|n| SegmentFile { name: format!("{n:0>255}"), size: ByteCount(1 << 40) })
            .collect(),
        media_size: ByteCount(1 << 60),
        hashes: evidence::HashSet::new(),
        unread: (0..150_001).map(range).collect(),
        seconds: 1e6,
    };
    let mut writer = RecordWriter::create(&path).unwrap();
    writer.append(&Entry::ImageClosed(image.clone())).unwrap();
    let record = record::read(&path).unwrap();
    assert!(record.broken.is_none(), "{:?}", record.broken);
    assert_eq!(record.known().next(), Some(&Entry::ImageClosed(image)));
}

#[test]
fn only_the_entry_of_an_image_may_be_that_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.record.jsonl");
    let mut writer = RecordWriter::create(&path).unwrap();
    let long = Entry::Note { text: "x".repeat(2 << 20) };
    assert!(matches!(writer.append(&long), Err(RecordError::Entry { .. })));
    let zeros = "0".repeat(64);
    let line = format!(
        "{{\"seq\":0,\"time\":\"2026-11-24T00:00:00Z\",\"prev\":\"{zeros}\",\"kind\":\"note\",\"text\":\"{}\"}}\n",
        "x".repeat(2 << 20)
    );
    assert_eq!(read_bytes(folder.path(), line.as_bytes()).broken.unwrap().flaw, Flaw::TooLong);
}

#[test]
fn a_full_medium_leaves_whole_lines_and_room_to_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4M", "none"])
        .arg(folder.path())
        .output()
        .unwrap();
    if !mounted.status.success() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let path = folder.path().join("a.record.jsonl");
    let mut writer = RecordWriter::create(&path).unwrap();
    fs::write(folder.path().join("image"), vec![1; 5 << 20]).unwrap_err();
    let long = Entry::Note { text: "x".repeat(900 << 10) };
    let refused = (0..9).find_map(|_| writer.append(&long).err()).expect("nine of them never fit");
    let after = writer.append(&Entry::Interrupted { reason: refused.to_string() });
    let record = record::read(&path).unwrap();
    drop(writer);
    Command::new("umount").arg(folder.path()).status().unwrap();
    assert!(matches!(refused, RecordError::Write { .. }), "{refused}");
    assert!(record.broken.is_none(), "{:?}", record.broken);
    assert!(after.is_ok() && matches!(record.known().last(), Some(Entry::Interrupted { .. })), "{after:?}");
}
