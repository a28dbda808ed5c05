//! What `pf-verify` says of sound, altered and incomplete images and records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod item;

use evidence::{ByteCount, ByteOffset, CaseData, Extent, HashAlgorithm, Hasher, SectorSize};
use formats::{ImageKind, ImagePlan, ImageSummary};
use item::{Item, case, noise, run, verdict, verify, write_record};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn alter(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0xff;
    std::fs::write(path, bytes).unwrap();
}

const ALL: [&str; 11] = [
    "container sound",
    "segments complete",
    "hash values in container",
    "hash values in record",
    "parts as recorded",
    "record chain unbroken",
    "record closed",
    "record head signed",
    "key as written down",
    "metadata as recorded",
    "unread ranges as recorded",
];

#[test]
fn an_untouched_image_holds_in_every_property() {
    let item = Item::e01();
    assert!(item.segments.len() > 3);
    let (code, report) = item.verify();
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(ALL.map(|property| verdict(&report, property)), ["holds"; 11], "{report:#}");
    for algorithm in HashAlgorithm::ALL {
        let expected = Hasher::of(algorithm, &item.media).to_string();
        assert_eq!(report["computed"][algorithm.word()], expected);
    }
}

#[test]
fn an_untouched_aff4_holds_in_every_property_and_an_altered_one_does_not() {
    let item = Item::aff4();
    let (code, report) = item.verify();
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(ALL.map(|property| verdict(&report, property)), ["holds"; 11], "{report:#}");

    let good = std::fs::read(item.first()).unwrap();
    // A chunk; the map; the metadata.
    let find = |needle: &[u8]| good.windows(needle.len()).position(|window| window == needle).unwrap();
    alter(item.first(), 1_500_000);
    let (code, report) = item.verify();
    assert_eq!(code, 1, "{report:#}");
    let damage = &report["damage"][0];
    assert_eq!(damage["media"]["length"], 32_768, "{report:#}");
    assert_eq!(verdict(&report, "container sound"), "fails");
    assert_eq!(verdict(&report, "segments complete"), "holds");
    for place in [find(b"/map") + 24 + 16, find(b"aff4:caseNumber")] {
        std::fs::write(item.first(), &good).unwrap();
        alter(item.first(), place);
        let (code, report) = item.verify();
        assert_eq!(code, 1, "byte {place}: {report:#}");
    }
    // Without its record it still vouches for itself.
    std::fs::write(item.first(), &good).unwrap();
    item.without_record();
    let (code, report) = item.verify_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    for property in ["container sound", "segments complete", "hash values in container"] {
        assert_eq!(verdict(&report, property), "holds", "{property}");
    }
}

#[test]
fn metadata_of_an_aff4_that_differs_from_the_record_is_found() {
    let item = Item::aff4();
    let plan_case = CaseData { examiner: "Somebody Else".into(), ..case() };
    let plan = ImagePlan {
        base: item.folder.path().join("other"),
        media_size: ByteCount(u64::try_from(item.media.len()).unwrap()),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: plan_case,
        device: None,
        software: "pf-acquire 0.1.0".into(),
        acquired_at: 1_700_000_000,
        medium: formats::MediumKind::Disk,
    };
    item.without_record();
    let unread = [Extent { offset: ByteOffset(2048), length: ByteCount(512) }].into_iter().collect();
    let summary = ImageSummary { unread, ..ImageSummary::default() };
    write_record(&item.record, &plan, &summary, &item.segments, &item.key, &item.media);
    let (code, report) = item.verify();
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(verdict(&report, "metadata as recorded"), "fails");
    assert_eq!(verdict(&report, "unread ranges as recorded"), "fails");
}

#[test]
fn the_table_fits_80_columns_and_ends_in_the_verdict() {
    let item = Item::e01();
    let check = |last: &str| {
        let (_, output, _) = run(&["--key-words", &item.words(), item.first().to_str().unwrap()]);
        assert!(output.lines().all(|line| line.chars().count() <= 80), "{output}");
        assert!(output.lines().last().unwrap().starts_with(last), "{output}");
    };
    check("VERDICT: HOLDS: every property was checked and holds");
    alter(&item.segments[1].path, 300_000);
    check("VERDICT: FAILS: container sound");
}

#[test]
fn one_byte_changed_anywhere_in_an_e01_is_found_and_its_place_named() {
    let item = Item::e01();
    for segment in &item.segments {
        let path = &segment.path;
        let good = std::fs::read(path).unwrap();
        // 24 places spread over the segment, and the last bytes.
        for at in (0..24).map(|n| n * good.len() / 24).chain([good.len() - 1]) {
            alter(path, at);
            let (code, report) = item.verify();
            assert_eq!(code, 1, "byte {at} of {}: {report:#}", path.display());
            let named = path.to_str().unwrap();
            let damage = report["damage"].as_array().unwrap();
            let flaws = report["flaws"].as_array().unwrap();
            assert!(
                damage.iter().any(|d| {
                    let from = d["segment_offset"].as_u64().unwrap();
                    let at = u64::try_from(at).unwrap();
                    d["segment"] == named && (from..from + 32_772).contains(&at)
                }) || flaws.iter().any(|flaw| flaw.as_str().unwrap().contains(named)),
                "byte {at}: {report:#}"
            );
            std::fs::write(path, &good).unwrap();
        }
    }
    assert_eq!(item.verify().0, 0, "restored");
}

#[test]
fn every_damaged_range_is_listed_and_the_rest_is_still_read() {
    let item = Item::e01();
    for (segment, at) in [(0, 500_000), (1, 100_000), (1, 900_000), (2, 40_000)] {
        alter(&item.segments[segment].path, at);
    }
    let (code, report) = item.verify();
    assert_eq!(code, 1);
    assert_eq!(report["damage"].as_array().unwrap().len(), 4, "{report:#}");
    assert_eq!(report["damaged"].as_array().unwrap().len(), 4);
    assert_eq!(verdict(&report, "container sound"), "fails");
    assert_eq!(verdict(&report, "hash values in record"), "not-checked");
    assert_eq!(verdict(&report, "segments complete"), "holds");
}

#[test]
fn damage_around_the_media_data_is_found_though_all_of_it_reads_back() {
    let item = Item::new(ImageKind::Ewf, None, noise(1 << 20));
    let good = std::fs::read(item.first()).unwrap();
    let find = |name: &str| {
        let name: Vec<u8> = name.bytes().chain([0]).collect();
        good.windows(name.len()).position(|window| window == name).unwrap()
    };
    for (part, inside) in [
        ("header2", 90),
        ("header", 90),
        ("table", 110),
        ("table2", 110),
        ("data", 100),
        ("digest", 80),
        ("hash", 80),
        ("error2", 90),
    ] {
        alter(item.first(), find(part) + inside);
        let (code, report) = item.verify();
        assert_eq!((code, verdict(&report, "container sound").as_str()), (1, "fails"), "{part}: {report:#}");
        assert_eq!(verdict(&report, "hash values in record"), "holds", "{part}: {report:#}");
        assert!(report["flaws"][0].as_str().unwrap().contains(part), "{part}: {report:#}");
        std::fs::write(item.first(), &good).unwrap();
    }
}

#[test]
fn parts_of_other_sizes_than_recorded_are_found_though_the_data_is_the_same() {
    let item = Item::new(ImageKind::Raw, Some(1 << 20), noise(3 << 20));
    let mut first = std::fs::read(&item.segments[0].path).unwrap();
    let mut second = first.split_off(1_000_000);
    second.extend(std::fs::read(&item.segments[1].path).unwrap());
    std::fs::write(&item.segments[0].path, first).unwrap();
    std::fs::write(&item.segments[1].path, second).unwrap();
    let (code, report) = item.verify();
    assert_eq!((code, verdict(&report, "segments complete").as_str()), (1, "fails"), "{report:#}");
    assert_eq!(verdict(&report, "hash values in record"), "holds");
}

#[test]
fn an_altered_raw_image_is_found_by_its_record() {
    for segment_size in [None, Some(1_000_000)] {
        let item = Item::new(ImageKind::Raw, segment_size, noise(3 << 20));
        let (code, report) = item.verify();
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(verdict(&report, "hash values in record"), "holds");
        assert_eq!(verdict(&report, "container sound"), "not-checked");
        alter(&item.segments.last().unwrap().path, 77);
        let (code, report) = item.verify();
        assert_eq!((code, verdict(&report, "hash values in record").as_str()), (1, "fails"), "{report:#}");
    }
}

#[test]
fn a_record_line_altered_removed_or_added_is_found() {
    let item = Item::e01();
    let good = std::fs::read_to_string(&item.record).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let changed = good.replace("seal 4711", "seal 4712");
    let mut other_hash = good.clone();
    let digit = good.find("\"sha256\":\"").unwrap() + 10;
    let other = if &good[digit..=digit] == "0" { "1" } else { "0" };
    other_hash.replace_range(digit..=digit, other);
    let removed = [lines[0], lines[2], lines[3], ""].join("\n");
    let added = [lines[0], lines[1], lines[1], lines[2], lines[3], ""].join("\n");
    for altered in [changed, other_hash, removed, added, String::new()] {
        std::fs::write(&item.record, &altered).unwrap();
        let (code, report) = item.verify();
        assert_eq!((code, verdict(&report, "record chain unbroken").as_str()), (1, "fails"), "{report:#}");
        assert_eq!(verdict(&report, "container sound"), "holds");
    }
    let open = [lines[0], lines[1], lines[2], ""].join("\n");
    std::fs::write(&item.record, open).unwrap();
    let (code, report) = item.verify();
    assert_eq!((code, verdict(&report, "record closed").as_str()), (1, "fails"), "{report:#}");
}

#[test]
fn a_record_of_another_item_does_not_fit() {
    let item = Item::e01();
    let other = Item::new(ImageKind::Ewf, None, noise(2 << 20));
    let arguments = ["--json", "--record", other.record.to_str().unwrap(), item.first().to_str().unwrap()];
    let (code, report) = verify(&arguments);
    assert_eq!(code, 1);
    assert_eq!(verdict(&report, "hash values in record"), "fails");
    assert_eq!(verdict(&report, "segments complete"), "fails");
    assert_eq!(verdict(&report, "hash values in container"), "holds");
}

#[test]
fn a_missing_segment_is_named() {
    for (kind, extension) in [(ImageKind::Ewf, "E02"), (ImageKind::Raw, "002")] {
        let item = Item::new(kind, Some(1 << 20), noise(3 << 20));
        let missing = item.folder.path().join(format!("item-7.{extension}"));
        std::fs::remove_file(&missing).unwrap();
        let (code, report) = item.verify();
        assert_eq!((code, verdict(&report, "segments complete").as_str()), (1, "fails"), "{report:#}");
        assert!(report["flaws"][0].as_str().unwrap().contains(missing.to_str().unwrap()), "{report:#}");
        assert_eq!(verdict(&report, "record chain unbroken"), "holds");
    }
    // The last part of a split raw image: only the record knows that it was there.
    let item = Item::new(ImageKind::Raw, Some(1 << 20), noise(3 << 20));
    std::fs::remove_file(&item.segments.last().unwrap().path).unwrap();
    let (code, report) = item.verify();
    assert_eq!((code, verdict(&report, "segments complete").as_str()), (1, "fails"), "{report:#}");
    assert!(report.to_string().contains("item-7.003 is recorded as segment 3 and missing"), "{report:#}");
}

#[test]
fn metadata_that_differs_from_the_record_is_found() {
    let item = Item::e01();
    let other = tempfile::tempdir().unwrap();
    let plan = ImagePlan {
        base: other.path().join("item-7"),
        media_size: ByteCount(u64::try_from(item.media.len()).unwrap()),
        sector_size: SectorSize::S512,
        segment_size: Some(ByteCount(1 << 20)),
        case: CaseData { examiner: "somebody else".into(), ..case() },
        device: None,
        software: String::new(),
        acquired_at: 0,
        medium: formats::MediumKind::Disk,
    };
    let hashes = HashAlgorithm::ALL.into_iter().map(|a| (a, Hasher::of(a, &item.media))).collect();
    let mut writer = formats::create(ImageKind::Ewf, &plan).unwrap();
    let encoder = writer.encoder();
    for chunk in item.media.chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    let first = writer.finish(&ImageSummary { hashes, ..ImageSummary::default() }).unwrap()[0].path.clone();
    let (code, report) =
        verify(&["--json", "--record", item.record.to_str().unwrap(), first.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert_eq!(verdict(&report, "metadata as recorded"), "fails");
    assert_eq!(verdict(&report, "unread ranges as recorded"), "fails");
    assert_eq!(verdict(&report, "hash values in record"), "holds");
    assert!(report.to_string().contains("somebody else"));
}

#[test]
fn what_cannot_be_checked_ends_in_2() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("plain.raw");
    std::fs::write(&raw, noise(4096)).unwrap();
    let (code, report) = verify(&["--json", raw.to_str().unwrap()]);
    assert_eq!((code, report["verdict"].as_str().unwrap()), (2, "not-checked"), "{report:#}");
    assert_eq!(report["computed"].as_object().unwrap().len(), 3, "the values are told all the same");

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no image").unwrap();
    let none = folder.path().join("none.E01");
    let no_record = folder.path().join("none.record.jsonl");
    let raw = raw.to_str().unwrap();
    for arguments in [
        vec![text.to_str().unwrap()],
        vec![none.to_str().unwrap()],
        vec![folder.path().to_str().unwrap()],
        vec!["--record", no_record.to_str().unwrap(), raw],
        vec![],
        vec!["--frobnicate"],
    ] {
        let (code, output, errors) = run(&arguments);
        assert_eq!(code, 2, "{arguments:?}: {output}");
        assert!(!errors.is_empty() && output.is_empty(), "{arguments:?}: {output}");
    }
}

#[test]
fn an_image_without_record_is_checked_by_what_it_carries() {
    let item = Item::e01();
    item.without_record();
    let (code, report) = item.verify_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(verdict(&report, "hash values in container"), "holds");
    assert_eq!(verdict(&report, "hash values in record"), "not-checked");
    assert_eq!(report["record"], Value::Null);
}

#[test]
fn a_hash_value_that_does_not_fit_the_data_is_found() {
    // The acquisition stated the hash of something else; every checksum in the container fits.
    let folder = tempfile::tempdir().unwrap();
    let plan = ImagePlan {
        base: folder.path().join("wrong"),
        media_size: ByteCount(65_536),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: CaseData::default(),
        device: None,
        software: String::new(),
        acquired_at: 0,
        medium: formats::MediumKind::Disk,
    };
    let hashes =
        [(HashAlgorithm::Md5, Hasher::of(HashAlgorithm::Md5, b"something else"))].into_iter().collect();
    let mut writer = formats::create(ImageKind::Ewf, &plan).unwrap();
    let encoder = writer.encoder();
    for chunk in noise(65_536).chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    let first = writer.finish(&ImageSummary { hashes, ..ImageSummary::default() }).unwrap()[0].path.clone();
    let (code, report) = verify(&["--json", first.to_str().unwrap()]);
    assert_eq!((code, verdict(&report, "hash values in container").as_str()), (1, "fails"), "{report:#}");
    assert_eq!(verdict(&report, "container sound"), "holds");
}

#[test]
fn help_states_exit_codes_and_memory() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, 0);
    assert!(help.contains("Exit codes:") && help.contains("Memory:"), "{help}");
}

#[test]
fn what_was_altered_in_a_raw_image_is_told_by_place() {
    let item = Item::new(ImageKind::Raw, Some(3 << 20), noise((7 << 20) + 512));
    // The second MiB, the fourth and fifth, which lie in the next segment, and what is left at the end.
    alter(&item.segments[0].path, (1 << 20) + 17);
    alter(&item.segments[1].path, 1000);
    alter(&item.segments[1].path, (1 << 20) + 1000);
    alter(&item.segments[2].path, (1 << 20) + 500);
    let (code, report) = item.verify();
    assert_eq!((code, verdict(&report, "parts as recorded")), (1, "fails".into()), "{report:#}");
    let told: Vec<(u64, u64)> = report["altered"]
        .as_array()
        .unwrap()
        .iter()
        .map(|range| (range["offset"].as_u64().unwrap(), range["length"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, [(1 << 20, 1 << 20), (3 << 20, 2 << 20), (7 << 20, 512)]);
    let (_, output, _) = run(&[item.first().to_str().unwrap()]);
    assert!(output.contains("NOT WHAT WAS ACQUIRED"), "{output}");
}

#[test]
fn a_record_that_states_no_hash_value_vouches_for_nothing() {
    let item = Item::new(ImageKind::Raw, None, noise(1 << 20));
    item.without_record();
    let plan = ImagePlan {
        base: item.folder.path().join("item-7"),
        media_size: ByteCount(1 << 20),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: case(),
        device: None,
        software: String::new(),
        acquired_at: 0,
        medium: formats::MediumKind::Disk,
    };
    write_record(&item.record, &plan, &ImageSummary::default(), &item.segments, &item.key, &[]);
    alter(item.first(), 5000);
    let (code, report) = item.verify();
    assert_eq!(verdict(&report, "record closed"), "holds", "{report:#}");
    assert_eq!((code, report["verdict"].as_str().unwrap()), (2, "not-checked"), "{report:#}");
}

#[test]
fn a_later_segment_given_by_mistake_is_no_verdict_on_the_image() {
    for kind in [ImageKind::Ewf, ImageKind::Raw] {
        let item = Item::new(kind, Some(1 << 20), noise(3 << 20));
        let (code, output, errors) = run(&[item.segments[1].path.to_str().unwrap()]);
        assert_eq!((code, output.as_str()), (2, ""), "{errors}");
        assert!(errors.contains(item.first().to_str().unwrap()), "{errors}");
    }
}

#[test]
fn a_failing_image_is_told_by_the_exit_code_though_nobody_reads() {
    let item = Item::e01();
    alter(item.first(), 500_000);
    for words in [&[][..], &["--json"][..]] {
        let status = Command::new(env!("CARGO_BIN_EXE_pf-verify"))
            .args(words)
            .arg(item.first())
            .stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(1));
    }
}

#[test]
fn a_record_made_to_take_memory_takes_little() {
    let item = Item::new(ImageKind::Raw, None, noise(4096));
    let mut bytes = Vec::new();
    let events = "0,".repeat(500_000) + "0";
    let mut prev = record::ChainHash::START;
    for seq in 0..64 {
        let line = format!(
            "{{\"seq\":{seq},\"time\":\"2026-01-01T00:00:00Z\",\"prev\":\"{prev}\",\
             \"kind\":\"guard-events\",\"events\":[{events}],\"omitted\":0}}"
        );
        prev = record::ChainHash::of_line(line.as_bytes());
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    std::fs::write(&item.record, bytes).unwrap();
    // 256 MiB of address space: with all entries kept it would take a gigabyte.
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 262144; exec \"$0\" \"$1\"", env!("CARGO_BIN_EXE_pf-verify")])
        .arg(item.first())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(1) && told.contains("64 entries"), "{output:?}");
}
