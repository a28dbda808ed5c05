//! Two witnesses: what we write is read by ewf-tools and the Sleuth Kit; what ewf-tools writes is read by us.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imaging;
#[path = "imaging/strangers.rs"]
mod strangers;

use evidence::{ByteCount, ByteOffset, CaseData, Extent, HashAlgorithm, Hasher, SectorSize};
use formats::{ImageKind, ImagePlan, MediumKind};
use imaging::{image, image_with, medium, plan, read_all, succeed, summary, text};
use std::path::Path;

const EWF_TOOLS: &str = "ewf-tools";

/// Lets ewfverify compare checksums and hash values, and ewfexport and img_cat bring back the medium.
fn strangers_read(first: &Path, media: &[u8]) {
    let verified = succeed("ewfverify", EWF_TOOLS, &["-q", "-d", "sha1", text(first)]);
    assert!(verified.contains("ewfverify: SUCCESS"), "{verified}");
    let md5 = Hasher::of(HashAlgorithm::Md5, media).to_string();
    assert!(verified.matches(&md5).count() == 2, "MD5 stored and calculated: {verified}");
    let sha1 = Hasher::of(HashAlgorithm::Sha1, media).to_string();
    assert!(verified.matches(&sha1).count() == 2, "SHA-1 stored and calculated: {verified}");

    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("export");
    succeed("ewfexport", EWF_TOOLS, &["-q", "-u", "-f", "raw", "-t", text(&target), text(first)]);
    assert!(
        std::fs::read(target.with_extension("raw")).unwrap() == media,
        "ewfexport brings back other bytes"
    );

    // Debian 13's img_cat crashes on closing any E01 unless libewf is loaded before the libraries beside it.
    let cat = std::process::Command::new("img_cat")
        .env("LD_PRELOAD", "libewf.so.2")
        .arg(first)
        .output()
        .unwrap_or_else(|error| panic!("img_cat: {error}; install the Debian package sleuthkit"));
    assert!(cat.stdout == media, "img_cat brings back other bytes");
}

fn image_for_strangers(change: impl FnOnce(&mut ImagePlan), media: &[u8]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(&folder.path().join("item"), media.len());
    change(&mut plan);
    let segments = image_with(ImageKind::Ewf, &plan, media, &summary(media)).unwrap();
    strangers_read(&segments[0].path, media);
    segments.len()
}

#[test]
fn strangers_read_an_image_in_one_segment() {
    assert_eq!(image_for_strangers(|_| {}, &medium(5 << 20, 1)), 1);
}

#[test]
fn strangers_read_an_image_in_many_segments() {
    let segments =
        image_for_strangers(|plan| plan.segment_size = Some(ByteCount(1 << 20)), &medium(20 << 20, 2));
    assert!(segments > 5, "{segments} segments");
}

#[test]
fn strangers_read_segments_beyond_e99() {
    let noise: Vec<u8> = {
        let mut source = imaging::Noise(4);
        (0..(108 << 17)).flat_map(|_| source.next().to_le_bytes()).collect()
    };
    let segments = image_for_strangers(|plan| plan.segment_size = Some(ByteCount(1 << 20)), &noise);
    assert!(segments > 100, "{segments} segments");
}

#[test]
fn strangers_read_sizes_that_fill_no_chunk() {
    for length in [512, 1024, 32_768, 33_280, 65_536 + 512] {
        image_for_strangers(|_| {}, &medium(length, 3));
    }
}

#[test]
fn strangers_read_sectors_of_4096_bytes() {
    let sector = SectorSize::new(4096).unwrap();
    image_for_strangers(|plan| plan.sector_size = sector, &medium(1_048_576 + 4096, 4));
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(&folder.path().join("item"), 8192);
    plan.sector_size = sector;
    let path = image(ImageKind::Ewf, &plan, &[5; 8192]);
    let info = succeed("ewfinfo", EWF_TOOLS, &[text(&path)]).replace("\t\t", "\t");
    assert!(info.contains("Bytes per sector:\t4096") && info.contains("Number of sectors:\t2"), "{info}");
}

#[test]
fn strangers_read_more_chunks_than_one_table_holds() {
    // 1 GiB of zeros with marks is 32 769 chunks: three tables.
    let folder = tempfile::tempdir().unwrap();
    let length = (1usize << 30) + 512;
    let plan = plan(&folder.path().join("item"), length);
    let mut writer = formats::create(ImageKind::Ewf, &plan).unwrap();
    let encoder = writer.encoder();
    let mut md5 = Hasher::new(HashAlgorithm::Md5);
    let mut chunk = vec![0u8; 32_768];
    for number in 0..32_768u32 {
        let mark = if number % 100 == 0 { number } else { 0 };
        chunk[..4].copy_from_slice(&mark.to_le_bytes());
        md5.update(&chunk);
        writer.append(&encoder.encode(&chunk).unwrap()).unwrap();
    }
    md5.update(&[0; 512]);
    writer.append(&encoder.encode(&[0; 512]).unwrap()).unwrap();
    let mut done = formats::ImageSummary::default();
    done.hashes.insert(HashAlgorithm::Md5, md5.finish());
    let first = writer.finish(&done).unwrap()[0].path.clone();
    let verified = succeed("ewfverify", EWF_TOOLS, &["-q", text(&first)]);
    assert!(verified.contains("ewfverify: SUCCESS"), "{verified}");
    let bytes = std::fs::read(&first).unwrap();
    assert_eq!(bytes.windows(7).filter(|window| window == b"table2\0").count(), 3);
    let mut reader = formats::open(&first).unwrap();
    for number in [0u32, 16_300, 16_400, 32_700] {
        let mut mark = [0; 4];
        reader.read_at(ByteOffset(u64::from(number) * 32_768), &mut mark).unwrap();
        assert_eq!(u32::from_le_bytes(mark), number);
    }
    assert!(reader.check().is_empty());
}

#[test]
fn strangers_read_a_segment_larger_than_two_gibibytes() {
    // Noise in one segment: the fifth table lies beyond what 31 bits reach and needs the base offset.
    let folder = tempfile::tempdir().unwrap();
    let chunks = 67_000usize;
    let plan = plan(&folder.path().join("item"), chunks * 32_768);
    let mut writer = formats::create(ImageKind::Ewf, &plan).unwrap();
    let encoder = writer.encoder();
    let mut source = imaging::Noise(77);
    let mut chunk: Vec<u8> = (0..4096).flat_map(|_| source.next().to_le_bytes()).collect();
    let mut stored = encoder.encode(&chunk).unwrap();
    assert!(!stored.compressed);
    for number in 0..chunks {
        if number % 5000 == 0 {
            chunk[..8].copy_from_slice(&number.to_le_bytes());
            stored = encoder.encode(&chunk).unwrap();
        }
        writer.append(&stored).unwrap();
    }
    let segments = writer.finish(&formats::ImageSummary::default()).unwrap();
    assert!(segments[0].size.0 > 1 << 31);
    let mut reader = formats::open(&segments[0].path).unwrap();
    assert!(reader.check().is_empty());
    let mut mark = [0; 8];
    reader.read_at(ByteOffset(66_999 * 32_768), &mut mark).unwrap();
    assert_eq!(u64::from_le_bytes(mark), 65_000);
    // The stranger needs the last chunks only; hashing all of it would take too long here.
    let part = folder.path().join("part");
    let arguments = [
        "-q",
        "-u",
        "-f",
        "raw",
        "-o",
        "2195324928",
        "-B",
        "131072",
        "-t",
        text(&part),
        text(&segments[0].path),
    ];
    succeed("ewfexport", EWF_TOOLS, &arguments);
    let exported = std::fs::read(part.with_extension("raw")).unwrap();
    assert!(exported.len() == 131_072 && exported.chunks(32_768).all(|one| one == chunk));
    let expected = Hasher::of(HashAlgorithm::Sha256, &exported).to_string();
    for reader in [strangers::LIBEWF, strangers::DISSECT] {
        let said = strangers::ask(reader, &segments[0].path, &[(2_195_324_928, 131_072)]);
        assert_eq!(said["media"], serde_json::json!([expected]), "{reader}");
    }
}

#[test]
fn strangers_read_case_fields_and_unread_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(1 << 20, 6);
    let mut plan = plan(&folder.path().join("item"), media.len());
    plan.case = CaseData {
        case_number: "Fall 2024/17".into(),
        evidence_number: "7\tb".into(),
        examiner: "Jörg Müller".into(),
        description: "嫌疑人笔记本硬盘".into(),
        notes: "first line\nsecond line".into(),
    };
    let mut summary = summary(&media);
    summary.unread.insert(Extent { offset: ByteOffset(512 * 100), length: ByteCount(512 * 3) });
    summary.unread.insert(Extent { offset: ByteOffset(512 * 900), length: ByteCount(512) });
    let first = image_with(ImageKind::Ewf, &plan, &media, &summary).unwrap()[0].path.clone();
    let info = succeed("ewfinfo", EWF_TOOLS, &[text(&first)]);
    for line in [
        "Case number:\t\tFall 2024/17",
        "Evidence number:\t7 b",
        "Examiner name:\t\tJörg Müller",
        "Description:\t\t嫌疑人笔记本硬盘",
        "Notes:\t\t\tfirst line second line",
        "Software version used:\t0.1.0",
        "File format:\t\tEnCase 6",
        "total number: 2",
        "at sector(s): 100 - 102 number: 3",
        "at sector(s): 900 - 900 number: 1",
    ] {
        assert!(info.contains(line), "{line:?} is not in {info}");
    }
    strangers_read(&first, &media);
}

/// Options of ewfacquire: format, compression, segment size. All its formats; `ewf` is EnCase 1's layout.
const ACQUISITIONS: [(&str, &str, &str); 15] = [
    ("encase2", "fast", "1048576"),
    ("encase3", "best", "1048576"),
    ("encase4", "fast", "1048576"),
    ("encase5", "none", "1048576"),
    ("encase5", "best", "1610612736"),
    ("encase6", "fast", "1048576"),
    ("encase6", "empty-block", "3145728"),
    ("encase7", "fast", "3145728"),
    ("ftk", "fast", "1048576"),
    ("linen5", "fast", "1048576"),
    ("linen6", "best", "1610612736"),
    ("linen7", "empty-block", "1048576"),
    ("ewf", "fast", "1048576"),
    ("ewfx", "fast", "1048576"),
    ("smart", "fast", "1048576"),
];

#[test]
fn we_read_what_ewfacquire_writes() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(6 << 20, 7);
    let source = folder.path().join("source.raw");
    std::fs::write(&source, &media).unwrap();
    for (number, (format, compression, segment)) in ACQUISITIONS.into_iter().enumerate() {
        let target = folder.path().join(format!("image{number}"));
        succeed(
            "ewfacquire",
            EWF_TOOLS,
            &[
                "-u",
                "-q",
                "-f",
                format,
                "-c",
                compression,
                "-S",
                segment,
                "-d",
                "sha1",
                "-C",
                "case 7",
                "-E",
                "item 8",
                "-D",
                "a disk",
                "-e",
                "M. Example",
                "-N",
                "two words",
                "-t",
                text(&target),
                text(&source),
            ],
        );
        let first = ["E01", "e01", "s01"].map(|extension| target.with_extension(extension));
        let first = first.into_iter().find(|path| path.exists()).unwrap();
        let mut reader =
            formats::open(&first).unwrap_or_else(|error| panic!("{format} {compression}: {error}"));
        assert!(read_all(&mut *reader).unwrap() == media, "{format} {compression}: other bytes");
        let flaws = reader.check();
        assert!(flaws.is_empty(), "{format} {compression}: {flaws:?}");
        let md5 = Hasher::of(HashAlgorithm::Md5, &media);
        assert_eq!(reader.stored_hashes().get(HashAlgorithm::Md5), Some(&md5), "{format}");
        let expected = CaseData {
            case_number: "case 7".into(),
            evidence_number: "item 8".into(),
            examiner: "M. Example".into(),
            description: "a disk".into(),
            notes: "two words".into(),
        };
        assert_eq!(*reader.case(), expected, "{format}");
        let files = std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|file| file.as_ref().unwrap().path().file_stem() == target.file_stem());
        assert_eq!(reader.segments().len(), files.count(), "{format}");
    }
}

#[test]
fn we_read_chunks_and_sectors_of_every_size_ewfacquire_offers() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(3 << 20, 8);
    let source = folder.path().join("source.raw");
    std::fs::write(&source, &media).unwrap();
    for (chunk, sector) in [("16", "512"), ("32768", "512"), ("64", "4096"), ("128", "2048")] {
        let target = folder.path().join(format!("image-{chunk}-{sector}"));
        let arguments =
            ["-u", "-q", "-c", "fast", "-b", chunk, "-P", sector, "-t", text(&target), text(&source)];
        succeed("ewfacquire", EWF_TOOLS, &arguments);
        let mut reader = formats::open(&target.with_extension("E01")).unwrap();
        assert!(read_all(&mut *reader).unwrap() == media, "{chunk} sectors of {sector}: other bytes");
        assert!(reader.check().is_empty());
    }
}

#[test]
fn sample_images_of_others_hold_the_hash_they_state() {
    // Beside the project, or beside a folder that holds it.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let samples =
        here.ancestors().map(|folder| folder.join("shared/samples/ewf")).find(|samples| samples.is_dir());
    let samples = samples.unwrap_or_else(|| here.join("../../../shared/samples/ewf"));
    for name in ["ext2.E01", "ext2.split.E01"] {
        let path = samples.join(name);
        if !path.exists() {
            eprintln!("SKIPPED: sample {} is not here", path.display());
            continue;
        }
        let mut reader = formats::open(&path).unwrap();
        let media = read_all(&mut *reader).unwrap();
        let md5 = Hasher::of(HashAlgorithm::Md5, &media);
        assert_eq!(md5.to_string(), "196066add11fb71c4c49cf1bb50d6d24");
        assert_eq!(reader.stored_hashes().get(HashAlgorithm::Md5), Some(&md5));
        assert!(reader.check().is_empty());
        assert_eq!(reader.case().examiner, "examiner");
    }
}

#[test]
fn ewfinfo_says_what_kind_of_medium_was_imaged() {
    for (kind, media_type, physical) in [
        (MediumKind::Disk, "fixed disk", "yes"),
        (MediumKind::RemovableDisk, "removable disk", "yes"),
        (MediumKind::Part, "fixed disk", "no"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let media = medium(100 << 10, 6);
        let mut plan = plan(&folder.path().join("item"), media.len());
        plan.medium = kind;
        let info = succeed("ewfinfo", EWF_TOOLS, &[text(&image(ImageKind::Ewf, &plan, &media))]);
        assert!(info.contains(&format!("Media type:\t\t{media_type}\n")), "{info}");
        assert!(info.contains(&format!("Is physical:\t\t{physical}\n")), "{info}");
    }
}

#[test]
fn we_read_whole_sectors_of_a_source_that_ended_within_one_and_say_that_its_hash_does_not_fit() {
    // ewfacquire hashes the bytes behind the last whole sector, and stores them where no reader looks.
    let folder = tempfile::tempdir().unwrap();
    let media = medium(99_999, 9);
    let source = folder.path().join("source.raw");
    std::fs::write(&source, &media).unwrap();
    for compression in ["none", "fast"] {
        let target = folder.path().join(compression);
        let arguments = ["-u", "-q", "-c", compression, "-t", text(&target), text(&source)];
        succeed("ewfacquire", EWF_TOOLS, &arguments);
        let first = target.with_extension("E01");
        let mut reader = formats::open(&first).unwrap();
        assert!(read_all(&mut *reader).unwrap() == media[..195 * 512], "{compression}");
        let (verified, said) = imaging::run("ewfverify", EWF_TOOLS, &["-q", text(&first)]);
        assert!(!verified, "{said}");
    }
}
