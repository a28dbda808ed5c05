//! What is written to AFF4 comes back as it was, with what is known about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imaging;

use evidence::{
    ByteCount, ByteOffset, CaseData, DeviceIdentity, Extent, HashAlgorithm, HashSet, Hasher, SectorSize,
    Transport,
};
use formats::aff4::Compression;
use formats::{DeviceLabel, FormatError, ImageKind};
use imaging::{AFF4_METHODS, image, image_with, medium, plan, read_all, summary};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_medium_comes_back_from_aff4(
        length in 0usize..3_000_000,
        seed: u64,
        method in prop::sample::select(AFF4_METHODS.to_vec()),
        unread in prop::collection::vec((0u64..3_000_000, 1u64..100_000), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut media = medium(length, seed);
        let size = u64::try_from(length).unwrap();
        let ranges = unread.into_iter().filter(|(offset, _)| *offset < size).map(|(offset, length)| Extent {
            offset: ByteOffset(offset),
            length: ByteCount(length.min(size - offset)),
        });
        let ranges: evidence::ExtentSet = ranges.collect();
        for range in ranges.iter() {
            let (start, end) = (usize::try_from(range.offset.0).unwrap(), usize::try_from(range.end()).unwrap());
            media[start..end].fill(0);
        }
        let mut summary = summary(&media);
        summary.unread = ranges;
        let plan = plan(&folder.path().join("item.1"), length);
        let segments = image_with(ImageKind::Aff4(method), &plan, &media, &summary).unwrap();
        prop_assert!(segments[0].path.ends_with("item.1.aff4"));
        prop_assert_eq!(std::fs::metadata(&segments[0].path).unwrap().len(), segments[0].size.0);
        let mut reader = formats::open(&segments[0].path).unwrap();
        prop_assert!(read_all(&mut *reader).unwrap() == media, "other bytes");
        prop_assert_eq!(reader.segments(), segments);
        prop_assert_eq!(reader.sector_size(), Some(SectorSize::S512));
        prop_assert_eq!(reader.unread(), &summary.unread);
        // The standard has no data types for the others.
        let carried = [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha512];
        let carried: HashSet = summary.hashes.iter().filter(|(algorithm, _)| carried.contains(algorithm))
            .map(|(algorithm, digest)| (algorithm, digest.clone())).collect();
        prop_assert_eq!(reader.stored_hashes(), &carried);
        let flaws = reader.check();
        prop_assert!(flaws.is_empty(), "{flaws:?}");
    }
}

#[test]
fn an_image_of_more_than_one_bevy_comes_back() {
    // 64 MiB are a bevy; what repeats one byte takes no room in it.
    let folder = tempfile::tempdir().unwrap();
    let length = (130 << 20) + 513;
    let media = medium(length, 3);
    let path = image(ImageKind::Aff4(Compression::Lz4), &plan(&folder.path().join("item"), length), &media);
    let mut reader = formats::open(&path).unwrap();
    assert!(read_all(&mut *reader).unwrap() == media);
    assert!(reader.check().is_empty());
    let names = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).matches("/00000001.index").count();
    assert_eq!(names, 2, "local header and directory entry of the second bevy's index");
}

#[test]
fn free_space_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&folder.path().join("item"), 1 << 30);
    let mut writer = formats::create(ImageKind::Aff4(Compression::default()), &plan).unwrap();
    let encoder = writer.encoder();
    for fill in [0u8, 0xff] {
        let chunk = encoder.encode(&vec![fill; writer.chunk_size()]).unwrap();
        for _ in 0..1 << 14 {
            writer.append(&chunk).unwrap();
        }
    }
    let segments = writer.finish(&formats::ImageSummary::default()).unwrap();
    assert!(segments[0].size.0 < 16_384, "1 GiB of free space takes {}", segments[0].size);
    let mut reader = formats::open(&segments[0].path).unwrap();
    let mut border = [7; 2];
    reader.read_at(ByteOffset((1 << 29) - 1), &mut border).unwrap();
    assert_eq!(border, [0, 0xff]);
    assert!(reader.check().is_empty());
}

#[test]
fn case_fields_and_device_come_back_whatever_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(&folder.path().join("case"), 512);
    plan.case = CaseData {
        case_number: "2024-Ä-17 \"a\" . ; <b>".into(),
        evidence_number: "7\t8\\".into(),
        examiner: "王小明".into(),
        description: "disk of a\nlaptop 💾\r\u{1}".into(),
        notes: "n".repeat(100_000),
    };
    let device = DeviceIdentity {
        path: "/dev/sda".into(),
        make: Some("Seagate".into()),
        model: Some("ST-506".into()),
        serial: Some("SGAT5060001234".into()),
        wwn: None,
        firmware: None,
        transport: Transport::Ata,
        capacity: plan.media_size,
        logical_sector: plan.sector_size,
        physical_sector: plan.sector_size,
    };
    plan.device = Some(device);
    let path = image(ImageKind::Aff4(Compression::default()), &plan, &[1; 512]);
    let reader = formats::open(&path).unwrap();
    assert_eq!(*reader.case(), plan.case);
    let provenance = reader.provenance();
    let label = DeviceLabel { model: "Seagate ST-506".into(), serial: "SGAT5060001234".into() };
    assert_eq!(provenance.device, label);
    assert_eq!(
        (provenance.software.as_str(), provenance.acquired_at),
        ("Permafrost 0.1.0", Some(1_700_000_000))
    );
}

#[test]
fn an_existing_aff4_is_never_overwritten_and_segments_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(&folder.path().join("item"), 512);
    let kind = ImageKind::Aff4(Compression::default());
    std::fs::write(folder.path().join("item.aff4"), "precious").unwrap();
    assert!(matches!(formats::create(kind, &plan).err().unwrap(), FormatError::Exists(_)));
    assert_eq!(std::fs::read(folder.path().join("item.aff4")).unwrap(), b"precious");
    plan.segment_size = Some(ByteCount(1 << 20));
    let refused = formats::create(kind, &plan).err().unwrap();
    assert!(matches!(&refused, FormatError::Plan { why, .. } if why.contains("one file")), "{refused}");
}

#[test]
fn an_aff4_closed_too_early_is_refused_by_writer_and_reader() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(3 << 20, 5);
    let kind = ImageKind::Aff4(Compression::default());
    let mut writer = formats::create(kind, &plan(&folder.path().join("item"), media.len())).unwrap();
    let encoder = writer.encoder();
    for chunk in media.chunks(writer.chunk_size()).take(50) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    let refused = writer.finish(&summary(&media)).unwrap_err();
    assert!(matches!(refused, FormatError::IncompleteWrite { .. }), "{refused}");
    let left = formats::open(&folder.path().join("item.aff4")).err().unwrap();
    assert!(matches!(&left, FormatError::Truncated { .. }), "{left}");
    assert!(left.to_string().contains("never finished"), "{left}");
}

#[test]
fn a_chunk_that_does_not_follow_the_plan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let kind = ImageKind::Aff4(Compression::default());
    let mut writer = formats::create(kind, &plan(&folder.path().join("item"), 1024)).unwrap();
    let encoder = writer.encoder();
    let noise: Vec<u8> = (0..2048u64).map(|n| imaging::Noise(n).next().to_le_bytes()[0]).collect();
    assert!(writer.append(&encoder.encode(&noise).unwrap()).is_err());
    let mut foreign = encoder.encode(&noise[..1024]).unwrap();
    foreign.block_hash = None;
    assert!(writer.append(&foreign).is_err(), "a chunk without its hash");
    writer.append(&encoder.encode(&noise[..1024]).unwrap()).unwrap();
    assert!(writer.append(&encoder.encode(&noise[..512]).unwrap()).is_err());
    let path = writer.finish(&summary(&noise[..1024])).unwrap()[0].path.clone();
    let mut reader = formats::open(&path).unwrap();
    assert!(read_all(&mut *reader).unwrap() == noise[..1024]);
}

#[test]
fn the_volume_is_laid_out_as_the_standard_says() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(1 << 20, 6);
    let path =
        image(ImageKind::Aff4(Compression::default()), &plan(&folder.path().join("item"), 1 << 20), &media);
    let bytes = std::fs::read(&path).unwrap();
    // AFF4 section 5.4: container.description first; APPNOTE 4.5.3: ZIP64 field in the local header; descriptor bit.
    assert_eq!(&bytes[..8], b"PK\x03\x04\x2d\0\x08\x08");
    assert_eq!(&bytes[18..26], [0xff; 8]);
    assert_eq!(&bytes[30..51], b"container.description");
    assert_eq!(&bytes[51..55], [1, 0, 16, 0]);
    assert!(bytes[71..].starts_with(b"aff4://"));
    // The comment is the volume's ARN and a NUL, behind the last record.
    let arn = &bytes[71..71 + 43];
    assert_eq!(&bytes[bytes.len() - 44..], [arn, b"\0"].concat());
    assert_eq!(&bytes[bytes.len() - 44 - 22..][..4], b"PK\x05\x06");
    assert_eq!(&bytes[bytes.len() - 44 - 22 - 20..][..4], b"PK\x06\x07");
    // Names of version 4, variant 1 (RFC 9562).
    let arn = std::str::from_utf8(arn).unwrap();
    assert!(arn.as_bytes()[21] == b'4' && b"89ab".contains(&arn.as_bytes()[26]), "{arn}");
}

#[test]
fn hashes_stand_in_the_container() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(1 << 20, 7);
    let path =
        image(ImageKind::Aff4(Compression::Deflate), &plan(&folder.path().join("item"), 1 << 20), &media);
    let reader = formats::open(&path).unwrap();
    for algorithm in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
        let expected = Hasher::of(algorithm, &media);
        assert_eq!(reader.stored_hashes().get(algorithm), Some(&expected), "{algorithm}");
    }
}
