//! Conversions from outside: by the program, judged by other people's readers and by plain files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use evidence::{
    ByteCount, ByteOffset, CaseData, DeviceIdentity, Extent, HashAlgorithm, Hasher, SectorSize, Transport,
};
use formats::{ImageKind, ImagePlan, ImageSummary, ImageWriter, MediumKind};
use harness::host_program::HostProgram;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const MIB: usize = 1 << 20;

struct Run {
    code: Option<i32>,
    report: Value,
    said: String,
}

fn convert(source: &Path, to: &Path, format: &str, more: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_pf-convert"))
        .arg(source)
        .arg("--to")
        .arg(to)
        .args(["--format", format, "--json"])
        .args(more)
        .output()
        .unwrap();
    Run {
        code: output.status.code(),
        report: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Noise with stretches of zeros.
fn medium(length: usize) -> Vec<u8> {
    let mut state = 7u64;
    (0..length)
        .map(|at| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if (at / 50_000).is_multiple_of(3) { 0 } else { state.to_be_bytes()[0] }
        })
        .collect()
}

fn device() -> DeviceIdentity {
    DeviceIdentity {
        path: "/dev/sda".into(),
        make: Some("WDC".into()),
        model: Some("WD10".into()),
        serial: Some("WX-1".into()),
        wwn: None,
        firmware: None,
        transport: Transport::Ata,
        capacity: ByteCount(0),
        logical_sector: SectorSize::S512,
        physical_sector: SectorSize::S512,
    }
}

fn case() -> CaseData {
    CaseData {
        case_number: "2026-17".into(),
        evidence_number: "3".into(),
        examiner: "王小明".into(),
        description: "disk of a laptop".into(),
        notes: "two words".into(),
    }
}

fn plan(folder: &Path, media: &[u8]) -> ImagePlan {
    ImagePlan {
        base: folder.join("item.1"),
        media_size: ByteCount(u64::try_from(media.len()).unwrap()),
        sector_size: SectorSize::S512,
        segment_size: Some(ByteCount(1 << 20)),
        case: case(),
        device: Some(device()),
        software: "Permafrost 0.0.9".into(),
        acquired_at: 1_700_000_000,
        medium: MediumKind::Disk,
    }
}

/// An E01 in segments, with two ranges that were not read, in one of which stands something all the same.
fn e01(folder: &Path, media: &[u8], change: impl FnOnce(&mut ImageSummary)) -> PathBuf {
    let hashes = HashAlgorithm::ALL.into_iter().map(|a| (a, Hasher::of(a, media))).collect();
    let range = |at, length| Extent { offset: ByteOffset(at), length: ByteCount(length) };
    let mut summary =
        ImageSummary { hashes, unread: [range(512, 512), range(60_416, 1024)].into_iter().collect() };
    change(&mut summary);
    written(formats::create(ImageKind::Ewf, &plan(folder, media)).unwrap(), media, summary)
}

fn written(mut writer: Box<dyn ImageWriter>, media: &[u8], summary: ImageSummary) -> PathBuf {
    let encoder = writer.encoder();
    for chunk in media.chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    writer.finish(&summary).unwrap()[0].path.clone()
}

fn not_carried(report: &Value) -> Vec<&str> {
    report["not_carried"].as_array().unwrap().iter().map(|loss| loss["what"].as_str().unwrap()).collect()
}

fn path_of(report: &Value) -> PathBuf {
    report["copy_segments"][0]["path"].as_str().unwrap().into()
}

#[test]
fn an_e01_becomes_split_raw_whose_bytes_are_the_mediums_and_what_has_no_room_is_named() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let media = medium(5 * MIB);
    let run = convert(&e01(from.path(), &media, |_| {}), to.path(), "raw", &["--segment-size", "2MiB"]);
    assert_eq!((run.code, run.report["outcome"].as_str()), (Some(0), Some("same")), "{}", run.said);
    let whole: Vec<u8> = ["item.1.001", "item.1.002", "item.1.003"]
        .into_iter()
        .flat_map(|name| std::fs::read(to.path().join(name)).unwrap())
        .collect();
    assert!(whole == media);
    assert_eq!(run.report["hashes"]["md5"], Hasher::of(HashAlgorithm::Md5, &media).to_string());
    for what in ["examiner", "serial number", "acquired at", "md5", "ranges not read from the original"] {
        assert!(not_carried(&run.report).contains(&what), "{what} in {:?}", run.report["not_carried"]);
    }
    assert_eq!(run.report["unread"].as_array().unwrap().len(), 2);
}

#[test]
fn what_an_image_says_of_its_case_moves_no_cursor() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let media = medium(MIB);
    let case = CaseData { notes: "clear\u{1b}[2J\u{9b}2J\nand\u{202e}go".into(), ..CaseData::default() };
    let plan = ImagePlan { case, segment_size: None, ..plan(from.path(), &media) };
    let kind = ImageKind::Aff4(formats::aff4::Compression::default());
    let image = written(formats::create(kind, &plan).unwrap(), &media, ImageSummary::default());
    let mut program = Command::new(env!("CARGO_BIN_EXE_pf-convert"));
    let output = program.arg(image).arg("--to").arg(to.path()).args(["--format", "raw"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Not carried notes: 'clear\u{fffd}[2J\u{fffd}2J\u{fffd}and\u{fffd}go'"), "{said}");
    assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
}

#[test]
fn an_e01_in_other_segments_says_the_same_in_the_eyes_of_strangers() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let media = medium(7 * MIB);
    let more = ["--segment-size", "3MiB", "--name", "renamed"];
    let run = convert(&e01(from.path(), &media, |_| {}), to.path(), "e01", &more);
    assert_eq!(run.code, Some(0), "{}", run.said);
    // The program that made the copy is another one; everything else is there.
    assert_eq!(not_carried(&run.report), ["acquired with"]);
    let first = path_of(&run.report);
    assert!(first.ends_with("renamed.E01"));
    assert_eq!(
        run.report["copy_segments"].as_array().unwrap().len(),
        std::fs::read_dir(to.path()).unwrap().count()
    );
    let ewf_tools = |program| HostProgram::new(program, "ewf-tools").unwrap().arg(&first).run().unwrap();
    let info = ewf_tools("ewfinfo");
    for line in [
        "2026-17",
        "王小明",
        "WDC WD10",
        "WX-1",
        "Nov 14 22:13:20 2023",
        "total number: 2",
        "at sector(s): 118 - 119",
    ] {
        assert!(info.contains(line), "{line} in {info}");
    }
    assert!(ewf_tools("ewfverify").contains("ewfverify: SUCCESS"));
}

#[test]
fn split_raw_becomes_an_e01_that_strangers_verify() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let media = medium(3 * MIB + 4096);
    for (number, part) in media.chunks(MIB).enumerate() {
        std::fs::write(from.path().join(format!("d.{:03}", number + 1)), part).unwrap();
    }
    let run = convert(&from.path().join("d.001"), to.path(), "e01", &[]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert!(not_carried(&run.report).is_empty());
    let verified =
        HostProgram::new("ewfverify", "ewf-tools").unwrap().arg(path_of(&run.report)).run().unwrap();
    assert!(verified.contains(&Hasher::of(HashAlgorithm::Md5, &media).to_string()), "{verified}");
    assert!(verified.contains("ewfverify: SUCCESS"));
}

#[test]
fn an_image_of_ewfacquire_is_converted_with_its_case_fields() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let media = medium(2 * MIB);
    let (source, target) = (from.path().join("source"), from.path().join("theirs"));
    std::fs::write(&source, &media).unwrap();
    let acquire = HostProgram::new("ewfacquire", "ewf-tools").unwrap();
    acquire
        .args(["-u", "-q", "-f", "encase7", "-E", "item 8", "-t"])
        .arg(&target)
        .arg(&source)
        .run()
        .unwrap();
    let run = convert(&target.with_extension("E01"), to.path(), "e01", &[]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    let copy = formats::open(&path_of(&run.report)).unwrap();
    assert_eq!(copy.case().evidence_number, "item 8");
    assert_eq!(run.report["stated_by_source"]["md5"], Hasher::of(HashAlgorithm::Md5, &media).to_string());
}

#[test]
fn a_source_that_is_not_what_it_states_fails_and_says_so() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let media = medium(2 * MIB);
    let first = e01(from.path(), &media, |summary| {
        summary.hashes.insert(HashAlgorithm::Sha1, Hasher::of(HashAlgorithm::Sha1, b"something else"));
    });
    let run = convert(&first, to.path(), "raw", &[]);
    assert_eq!((run.code, run.report["outcome"].as_str()), (Some(1), Some("different")), "{}", run.said);
    assert!(
        run.report["mismatches"][0].as_str().unwrap().contains("SHA-1: the source states"),
        "{}",
        run.report
    );
}

#[test]
fn a_damaged_source_is_refused_and_copied_as_far_as_it_goes_when_asked() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let media = medium(3 * MIB);
    let first = e01(from.path(), &media, |_| {});
    let second = first.with_extension("E02");
    let mut bytes = std::fs::read(&second).unwrap();
    bytes[300_000] ^= 1;
    std::fs::write(&second, bytes).unwrap();
    let run = convert(&first, to.path(), "e01", &[]);
    assert_eq!(run.code, Some(6), "{}", run.said);
    assert!(run.said.contains("item.1.E02") && run.said.contains("--despite-damage"), "{}", run.said);

    let again = tempfile::tempdir().unwrap();
    let run = convert(&first, again.path(), "e01", &["--despite-damage"]);
    assert_eq!(run.code, Some(3), "{}", run.said);
    let damaged = &run.report["damaged"][0];
    assert_eq!(damaged["length"], 32_768, "{damaged}");
    let at = damaged["offset"].as_u64().unwrap();
    let mut copy = formats::open(&path_of(&run.report)).unwrap();
    assert!(
        copy.unread().iter().any(|extent| extent.offset.0 <= at && at < extent.end()),
        "{:?}",
        copy.unread()
    );
    let mut read = vec![0; media.len()];
    copy.read_at(ByteOffset(0), &mut read).unwrap();
    let mut expected = media;
    let at = usize::try_from(at).unwrap();
    expected[at..at + 32_768].fill(0);
    assert!(read == expected);
}

#[test]
fn a_missing_segment_stops_the_conversion_before_anything_is_written() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = e01(from.path(), &medium(3 * MIB), |_| {});
    std::fs::remove_file(first.with_extension("E02")).unwrap();
    let run = convert(&first, to.path(), "raw", &[]);
    assert_eq!(run.code, Some(2));
    assert!(run.said.contains("item.1.E02: segment is missing"), "{}", run.said);
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_overwritten_the_source_least_of_all() {
    let from = tempfile::tempdir().unwrap();
    let first = e01(from.path(), &medium(MIB), |_| {});
    let before = std::fs::read(&first).unwrap();
    let run = convert(&first, from.path(), "e01", &[]);
    assert_eq!(run.code, Some(2), "{}", run.said);
    assert!(run.said.contains("never overwritten"), "{}", run.said);
    assert_eq!(std::fs::read(&first).unwrap(), before);
}

#[test]
fn a_file_system_without_room_ends_it_with_its_own_code() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = e01(from.path(), &medium(6 * MIB), |_| {});
    // Files of at most 2 or 4 MiB, the shell's block being 512 or 1024 bytes; the signal is ignored, so that it shows as an error.
    let limited = "trap '' XFSZ; ulimit -f 4096; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_pf-convert")])
        .arg(&first)
        .arg("--to")
        .arg(to.path())
        .args(["--format", "raw"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("not a whole image"), "{said}");
}
