//! What is written comes back as it was, whatever its size and however it is split.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imaging;

use evidence::{ByteCount, ByteOffset, CaseData, Extent, SectorSize};
use formats::{FormatError, ImageKind, ewf};
use imaging::{image, image_with, medium, plan, read_all, summary};
use proptest::prelude::*;
use std::io::ErrorKind;

const MIB: u64 = 1 << 20;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_medium_comes_back_from_raw_and_split_raw(
        length in 0usize..3_000_000,
        seed: u64,
        segment in prop::option::of(3001u64..2_000_000),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let media = medium(length, seed);
        let mut plan = plan(&folder.path().join("item.1"), length);
        plan.segment_size = segment.map(ByteCount);
        let path = image(ImageKind::Raw, &plan, &media);
        let name = if segment.is_some() { "item.1.001" } else { "item.1.raw" };
        prop_assert!(path.ends_with(name));
        let mut reader = formats::open(&path).unwrap();
        prop_assert_eq!(read_all(&mut *reader).unwrap(), media);
        let expected = segment.map_or(1, |size| u64::try_from(length).unwrap().div_ceil(size).max(1));
        prop_assert_eq!(u64::try_from(reader.segments().len()).unwrap(), expected);
    }

    #[test]
    fn any_medium_comes_back_from_e01(
        sectors in 1usize..5000,
        seed: u64,
        sector_size in prop::sample::select(vec![512usize, 2048, 4096, 65_536]),
        segment in prop::option::of(MIB..3 * MIB),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let length = (sectors % (6_000_000 / sector_size) + 1) * sector_size;
        let media = medium(length, seed);
        let mut plan = plan(&folder.path().join("item.1"), length);
        plan.segment_size = segment.map(ByteCount);
        plan.sector_size = SectorSize::new(u64::try_from(sector_size).unwrap()).unwrap();
        let mut summary = summary(&media);
        let unread = Extent { offset: ByteOffset(0), length: ByteCount(u64::from(plan.sector_size.bytes())) };
        summary.unread.insert(unread);
        let segments = image_with(ImageKind::Ewf, &plan, &media, &summary).unwrap();
        for written in &segments {
            prop_assert!(written.size.0 <= segment.unwrap_or(u64::MAX), "{written:?} is larger than planned");
            prop_assert_eq!(std::fs::metadata(&written.path).unwrap().len(), written.size.0);
        }
        let mut reader = formats::open(&segments[0].path).unwrap();
        prop_assert_eq!(read_all(&mut *reader).unwrap(), media);
        prop_assert_eq!(reader.segments(), segments);
        prop_assert_eq!(reader.sector_size(), Some(plan.sector_size));
        prop_assert_eq!(reader.unread(), &summary.unread);
        for (algorithm, digest) in reader.stored_hashes().iter() {
            prop_assert_eq!(summary.hashes.get(algorithm), Some(digest));
        }
        prop_assert_eq!(reader.stored_hashes().iter().count(), 2, "MD5 and SHA-1");
        let flaws = reader.check();
        prop_assert!(flaws.is_empty(), "{flaws:?}");
    }
}

#[test]
fn no_segment_outgrows_its_size_whatever_the_last_chunk_leaves() {
    let noise: Vec<u8> = (0..32 << 12).flat_map(|n| imaging::Noise(n).next().to_le_bytes()).collect();
    for sectors in (1..64).step_by(3) {
        let folder = tempfile::tempdir().unwrap();
        let media = &noise[..31 * 32_768 + sectors * 512];
        let mut plan = plan(&folder.path().join("item"), media.len());
        plan.segment_size = Some(ByteCount(MIB));
        let mut summary = summary(media);
        // Every second sector unread: an error table of a thousand ranges.
        let odd = (0..1000).map(|n| Extent { offset: ByteOffset(n * 1024), length: ByteCount(512) });
        summary.unread = odd.collect();
        for segment in image_with(ImageKind::Ewf, &plan, media, &summary).unwrap() {
            assert!(segment.size.0 <= MIB, "{sectors} sectors in the last chunk: {segment:?}");
        }
    }
}

#[test]
fn case_fields_come_back_without_what_would_break_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(&folder.path().join("case"), 512);
    plan.case = CaseData {
        case_number: "2024-Ä-17".into(),
        evidence_number: "7\t8".into(),
        examiner: "王小明".into(),
        description: "disk of a\nlaptop 💾".into(),
        notes: "n".repeat(100_000),
    };
    let reader = formats::open(&image(ImageKind::Ewf, &plan, &[1; 512])).unwrap();
    let mut expected = plan.case.clone();
    expected.evidence_number = "7 8".into();
    expected.description = "disk of a laptop 💾".into();
    assert_eq!(*reader.case(), expected);
    assert_eq!(ewf::carried_text("7\t8"), "7 8");
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("item");
    for (kind, name) in [(ImageKind::Raw, "item.raw"), (ImageKind::Ewf, "item.E01")] {
        std::fs::write(folder.path().join(name), "precious").unwrap();
        let refused = formats::create(kind, &plan(&base, 512)).err().unwrap();
        assert!(matches!(refused, FormatError::Exists(_)), "{refused}");
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), b"precious");
    }
    // A later segment's name that is taken stops the image when it is reached.
    let mut split = plan(&folder.path().join("split"), 4000);
    split.segment_size = Some(ByteCount(1000));
    std::fs::write(folder.path().join("split.003"), "precious").unwrap();
    let refused = image_with(ImageKind::Raw, &split, &[7; 4000], &summary(&[7; 4000])).unwrap_err();
    assert!(matches!(refused, FormatError::Exists(_)), "{refused}");
}

#[test]
fn an_image_closed_too_early_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [ImageKind::Raw, ImageKind::Ewf] {
        let media = medium(3 << 20, 5);
        let mut writer = formats::create(kind, &plan(&folder.path().join("item"), media.len())).unwrap();
        let first = writer.encoder().encode(&media[..writer.chunk_size()]).unwrap();
        writer.append(&first).unwrap();
        let refused = writer.finish(&summary(&media)).unwrap_err();
        assert!(matches!(refused, FormatError::IncompleteWrite { .. }), "{refused}");
    }
    // What is left lies there and is told from a whole image.
    assert_eq!(std::fs::metadata(folder.path().join("item.raw")).unwrap().len(), 1 << 20);
    let left = formats::open(&folder.path().join("item.E01")).err().unwrap().to_string();
    assert!(left.contains("unfinished write"), "{left}");
}

#[test]
fn a_chunk_beyond_the_plan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [ImageKind::Raw, ImageKind::Ewf] {
        let mut writer = formats::create(kind, &plan(&folder.path().join("item"), 1024)).unwrap();
        let encoder = writer.encoder();
        assert!(writer.append(&encoder.encode(&[1; 2048]).unwrap()).is_err());
        writer.append(&encoder.encode(&[1; 1024]).unwrap()).unwrap();
        assert!(writer.append(&encoder.encode(&[1; 512]).unwrap()).is_err());
        writer.finish(&summary(&[1; 1024])).unwrap();
    }
}

#[test]
fn a_missing_folder_is_told_from_a_full_destination() {
    let missing = formats::create(ImageKind::Ewf, &plan("/nonexistent/item".as_ref(), 512)).err().unwrap();
    assert!(
        matches!(&missing, FormatError::Destination { source, .. } if source.kind() == ErrorKind::NotFound)
    );
    assert!(!missing.is_destination_full());
    assert!(missing.to_string().contains("create it first"), "{missing}");
}

#[test]
fn a_destination_without_room_is_recognised() {
    const FOLDER: &str = "PERMAFROST_TEST_FOLDER";
    // Run again by a shell that limits files to 2 or 4 MiB (blocks of 512 or 1024 bytes) and ignores the signal, so that the limit shows as an error.
    let Some(folder) = std::env::var_os(FOLDER) else {
        let folder = tempfile::tempdir().unwrap();
        let limited =
            "trap '' XFSZ; ulimit -f 4096; exec \"$0\" --exact a_destination_without_room_is_recognised";
        let status = std::process::Command::new("sh")
            .args(["-c", limited])
            .arg(std::env::current_exe().unwrap())
            .env(FOLDER, folder.path())
            .status()
            .unwrap();
        assert!(status.success());
        let whole = folder.path().join("item.raw");
        assert!(
            (1..=4096 * 1024).contains(&std::fs::metadata(whole).unwrap().len()),
            "the limit was in force"
        );
        return;
    };
    let noise: Vec<u8> = (0..8u64 << 20).map(|n| imaging::Noise(n).next().to_le_bytes()[0]).collect();
    for kind in [ImageKind::Raw, ImageKind::Ewf] {
        let base = std::path::Path::new(&folder).join("item");
        let error = image_with(kind, &plan(&base, noise.len()), &noise, &summary(&noise)).unwrap_err();
        assert!(error.is_destination_full(), "{error}");
        assert!(
            matches!(&error, FormatError::Destination { source, .. } if source.kind() == ErrorKind::FileTooLarge)
        );
    }
}

#[test]
fn a_missing_part_of_a_split_image_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(10_000, 3);
    let mut plan = plan(&folder.path().join("item"), media.len());
    plan.segment_size = Some(ByteCount(1000));
    let first = image(ImageKind::Raw, &plan, &media);
    std::fs::remove_file(folder.path().join("item.004")).unwrap();
    let error = formats::open(&first).err().unwrap();
    assert!(
        matches!(&error, FormatError::MissingSegment { path, .. } if path.ends_with("item.004")),
        "{error}"
    );
    let later = formats::open(&folder.path().join("item.002")).err().unwrap();
    assert!(later.to_string().contains("item.001"), "{later}");
    std::fs::remove_file(first).unwrap();
    let error = formats::open(&folder.path().join("item.002")).err().unwrap();
    assert!(
        matches!(&error, FormatError::MissingSegment { path, .. } if path.ends_with("item.001")),
        "{error}"
    );
}

#[test]
fn parts_counted_from_zero_are_found() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("d.000", "abc"), ("d.001", "de"), ("d.002", "f")] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let mut reader = formats::open(&folder.path().join("d.000")).unwrap();
    assert_eq!(read_all(&mut *reader).unwrap(), b"abcdef");
    assert_eq!(reader.format_name(), "split raw");
}

#[test]
fn files_that_are_no_image_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, said) in [
        ("a.Ex01", &b"EVF2\x0d\x0a\x81\x00rest of it"[..], "Ex01"),
        ("a.L01", b"LVF\x09\x0d\x0a\xff\x00rest", "logical evidence file"),
        ("a.qcow2", b"QFI\xfb\0\0\0\x03", "qcow"),
        ("a.zip", b"PK\x03\x04 and no end", "central directory"),
        ("a.aff4", b"QK\x03\x04", "not the signature of a ZIP file"),
        ("a.E01", b"EVX\x09\x0d\x0a\xff\x00", "not the signature of E01"),
        ("a.txt", b"text", "no known signature"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = formats::open(&path).err().unwrap().to_string();
        assert!(error.contains(said), "{name}: {error}");
    }
    assert!(matches!(formats::open(folder.path()).err().unwrap(), FormatError::NotAnImage { .. }));
    assert!(matches!(
        formats::open(&folder.path().join("none.E01")).err().unwrap(),
        FormatError::Source { .. }
    ));
}

#[test]
fn a_medium_that_begins_with_an_image_is_a_raw_image_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for beginning in [&b"EVF\x09\x0d\x0a\xff\x00"[..], b"PK\x03\x04", b"EVF2\x0d\x0a\x81\x00", b"QFI\xfb"] {
        for name in ["a.raw", "a.dd", "a.001"] {
            let path = folder.path().join(name);
            let media = [beginning, &[7; 1000]].concat();
            std::fs::write(&path, &media).unwrap();
            let mut image = formats::open(&path).unwrap();
            assert!(read_all(image.as_mut()).unwrap() == media, "{name}");
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn names_that_later_segments_may_need_are_asked_for_before_the_first_is_made() {
    let media = medium(3 << 20, 4);
    for (kind, there) in [
        (ImageKind::Ewf, "item.E03"),
        (ImageKind::Ewf, "item.E05"),
        (ImageKind::Raw, "item.003"),
        (ImageKind::Raw, "item.900"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(there), "another image").unwrap();
        let mut plan = plan(&folder.path().join("item"), media.len());
        plan.segment_size = Some(ByteCount(MIB));
        let error = formats::create(kind, &plan).err().unwrap_or_else(|| panic!("{there} was not seen"));
        assert!(matches!(&error, FormatError::Exists(path) if path.ends_with(there)), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{there}");
    }
}

#[test]
fn a_part_of_a_split_image_that_is_cut_or_swapped_is_named_by_its_size() {
    let media = medium(9_500, 3);
    let set = || {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = plan(&folder.path().join("item"), media.len());
        plan.segment_size = Some(ByteCount(1000));
        let first = image(ImageKind::Raw, &plan, &media);
        (folder, first)
    };
    let named = |first: &std::path::Path| -> Vec<String> {
        let flaws = formats::open(first).unwrap().check();
        let name = |flaw: &FormatError| match flaw {
            FormatError::WrongSegment { path, .. } => {
                path.extension().unwrap().to_string_lossy().into_owned()
            }
            other => panic!("{other}"),
        };
        flaws.iter().map(name).collect()
    };
    let (_whole, first) = set();
    assert!(named(&first).is_empty());
    for (cut, length) in [("001", 1), ("004", 999), ("009", 0)] {
        let (folder, first) = set();
        let part =
            std::fs::OpenOptions::new().write(true).open(folder.path().join("item").with_extension(cut));
        part.unwrap().set_len(length).unwrap();
        assert_eq!(named(&first), [cut]);
    }
    // The last part, which is smaller, in the place of another.
    let (folder, first) = set();
    let path = |number| folder.path().join("item").with_extension(number);
    std::fs::rename(path("010"), folder.path().join("aside")).unwrap();
    std::fs::rename(path("004"), path("010")).unwrap();
    std::fs::rename(folder.path().join("aside"), path("004")).unwrap();
    assert_eq!(named(&first), ["004"]);
    // A part that grew.
    let (folder, first) = set();
    std::fs::write(folder.path().join("item.010"), vec![1; 1001]).unwrap();
    assert_eq!(named(&first), ["010"]);
}

#[test]
fn a_plan_that_runs_out_of_names_is_refused_before_anything_is_written() {
    for kind in [ImageKind::Ewf, ImageKind::Raw] {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = plan(&folder.path().join("item"), 1 << 44);
        plan.segment_size = Some(ByteCount(1 << 30));
        let error = formats::create(kind, &plan).err().unwrap();
        assert!(matches!(&error, FormatError::Plan { why, .. } if why.contains("names")), "{error}");
        assert!(error.to_string().contains("at least"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
