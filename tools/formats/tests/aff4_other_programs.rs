//! Two witnesses: AFF4 that we write is read by pyaff4 and by the `aff4` crate; what Evimetry and pyaff4 write is read by
//! us.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imaging;
mod pyaff4;

use evidence::{ByteCount, ByteOffset, CaseData, Extent, HashAlgorithm, Hasher};
use formats::aff4::Compression;
use formats::{ImageKind, ImageSummary};
use imaging::{AFF4_METHODS, image, image_with, medium, plan, read_all, summary};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The `aff4` crate's view of an image.
fn crate_reads(path: &Path) -> (Vec<u8>, aff4::Aff4Reader) {
    let mut reader = aff4::Aff4Reader::open(path).unwrap();
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::Start(0)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    (bytes, reader)
}

#[test]
fn pyaff4_reads_every_compression_bit_for_bit_and_finds_every_hash_to_fit() {
    for method in AFF4_METHODS {
        let folder = tempfile::tempdir().unwrap();
        let media = medium((3 << 20) + 512, 1);
        let path = image(ImageKind::Aff4(method), &plan(&folder.path().join("item"), media.len()), &media);
        assert!(pyaff4::export(&path) == media, "{method:?}: pyaff4 reads other bytes");
        let said = pyaff4::validate(&path);
        for algorithm in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
            let digest = Hasher::of(algorithm, &media).to_string();
            assert!(said.contains(&digest), "{method:?}: {algorithm} {digest} is not in {said}");
        }
        for hash in ["BlockHashesHash", "mapIdxHash", "mapPointHash", "mapHash", "BlockMapHash", "AFF4Hash"] {
            assert!(said.contains(&format!("{hash} succeeded")), "{method:?}: {hash} is not in {said}");
        }
        let data = media.chunks(32_768).filter(|chunk| chunk.iter().any(|byte| *byte != chunk[0])).count();
        assert!(data > 50 && said.contains(&format!("valid block hashes: {data}\n")), "{data}: {said}");
    }
}

#[test]
fn the_aff4_crate_reads_every_compression_it_knows_bit_for_bit() {
    // It takes LZ4 for frames, where the format's own programs have blocks.
    for method in [Compression::Stored, Compression::Snappy, Compression::Deflate] {
        let folder = tempfile::tempdir().unwrap();
        let media = medium((3 << 20) + 512, 2);
        let path = image(ImageKind::Aff4(method), &plan(&folder.path().join("item"), media.len()), &media);
        assert!(crate_reads(&path).0 == media, "{method:?}: the aff4 crate reads other bytes");
    }
}

#[test]
fn strangers_read_sizes_that_fill_no_chunk_and_media_without_data() {
    for media in [medium(512, 3), medium(33_280, 4), medium(98_304, 5), vec![0; 100_352], vec![0xff; 65_536]]
    {
        let folder = tempfile::tempdir().unwrap();
        let kind = ImageKind::Aff4(Compression::default());
        let path = image(kind, &plan(&folder.path().join("item"), media.len()), &media);
        assert!(pyaff4::export(&path) == media, "pyaff4, {} bytes", media.len());
        pyaff4::validate(&path);
        assert!(crate_reads(&path).0 == media, "aff4 crate, {} bytes", media.len());
    }
}

#[test]
fn strangers_read_more_than_one_bevy() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(140 << 20, 6);
    let kind = ImageKind::Aff4(Compression::default());
    let path = image(kind, &plan(&folder.path().join("item"), media.len()), &media);
    assert!(pyaff4::export(&path) == media);
    let said = pyaff4::validate(&path);
    assert!(said.contains("BlockHashesHash succeeded"), "{said}");
    assert!(crate_reads(&path).0 == media);
}

#[test]
fn strangers_read_an_image_that_was_taken_up_within_bevies_and_find_every_hash_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(140 << 20, 8);
    let kind = ImageKind::Aff4(Compression::default());
    let plan = plan(&folder.path().join("item"), media.len());
    let mut writer = formats::create(kind, &plan).unwrap();
    let encoder = writer.encoder();
    let chunk_size = writer.chunk_size();
    for (number, chunk) in media.chunks(chunk_size).enumerate() {
        if [1000, 4000, 4001].contains(&number) {
            let state = writer.checkpoint().unwrap().unwrap();
            // Lost, as nothing vouches for it.
            writer.append(&encoder.encode(chunk).unwrap()).unwrap();
            drop(writer);
            writer = formats::resume(kind, &plan, &state).unwrap();
        }
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    let path = writer.finish(&summary(&media)).unwrap()[0].path.clone();
    assert!(pyaff4::export(&path) == media);
    let said = pyaff4::validate(&path);
    for hash in ["BlockHashesHash", "mapIdxHash", "mapPointHash", "mapHash", "BlockMapHash", "AFF4Hash"] {
        assert!(said.contains(&format!("{hash} succeeded")), "{hash} is not in {said}");
    }
}

#[test]
fn strangers_find_unread_ranges_marked_and_the_hashes_over_zeros_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    let mut media = medium(3 << 20, 7);
    let ranges = [(51_200, 1536), (1 << 20, 65_536), ((3 << 20) - 512, 512)];
    for (start, length) in ranges {
        media[start..start + length].fill(0);
    }
    let mut summary = summary(&media);
    for (start, length) in ranges {
        let (offset, length) = (u64::try_from(start).unwrap(), u64::try_from(length).unwrap());
        summary.unread.insert(Extent { offset: ByteOffset(offset), length: ByteCount(length) });
    }
    let kind = ImageKind::Aff4(Compression::default());
    let path = image_with(kind, &plan(&folder.path().join("item"), media.len()), &media, &summary).unwrap()
        [0]
    .path
    .clone();

    // The standard's bytes of unreadable data: a word again and again, anew each MiB.
    let mut marked = media.clone();
    for (start, length) in ranges {
        for (at, byte) in marked.iter_mut().enumerate().skip(start).take(length) {
            *byte = b"UNREADABLEDATA"[at % (1 << 20) % 14];
        }
    }
    assert!(pyaff4::export(&path) == marked, "pyaff4 sees other unread ranges");
    let said = pyaff4::validate(&path);
    assert!(said.contains("AFF4Hash succeeded"), "{said}");
    let md5 = Hasher::of(HashAlgorithm::Md5, &media).to_string();
    assert!(said.contains(&format!("valid linear hash: MD5 {md5}")), "{said}");
    let (bytes, reader) = crate_reads(&path);
    assert!(bytes == marked, "the aff4 crate sees other unread ranges");
    let seen: Vec<(usize, usize)> = reader
        .unreadable_regions()
        .into_iter()
        .map(|(offset, length)| (usize::try_from(offset).unwrap(), usize::try_from(length).unwrap()))
        .collect();
    assert_eq!(seen, ranges);
    // Our own reader gives the bytes that the hashes are about.
    let mut reader = formats::open(&path).unwrap();
    assert!(read_all(&mut *reader).unwrap() == media);
    assert_eq!(reader.unread(), &summary.unread);
}

#[test]
fn pythons_own_zip_reader_finds_the_volume_sound() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(3 << 20, 8);
    let kind = ImageKind::Aff4(Compression::default());
    let path = image(kind, &plan(&folder.path().join("item"), media.len()), &media);
    let said = imaging::succeed(
        "python3",
        "python3-minimal",
        &["-c", "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).testzip())", imaging::text(&path)],
    );
    assert_eq!(said, "None\n");
}

#[test]
fn we_read_what_pyaff4_writes() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(2_000_000, 9);
    let source = folder.path().join("source.raw");
    std::fs::write(&source, &media).unwrap();
    for (number, (method, chunk_size)) in [
        ("https://www.ietf.org/rfc/rfc1950.txt", 32_768),
        ("http://code.google.com/p/snappy/", 32_768),
        ("https://code.google.com/p/lz4/", 65_536),
        ("http://aff4.org/Schema#NullCompressor", 4096),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(format!("image{number}.aff4"));
        pyaff4::write(&source, &path, method, chunk_size);
        let mut reader = formats::open(&path).unwrap_or_else(|error| panic!("{method}: {error}"));
        assert!(read_all(&mut *reader).unwrap() == media, "{method}: other bytes");
        let flaws = reader.check();
        assert!(flaws.is_empty(), "{method}: {flaws:?}");
        let sha1 = Hasher::of(HashAlgorithm::Sha1, &media);
        assert_eq!(reader.stored_hashes().get(HashAlgorithm::Sha1), Some(&sha1), "{method}");
    }
}

fn sample(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/aff4").join(name);
    let path = if path.exists() { path } else { Path::new("/work/shared/samples/aff4").join(name) };
    if !path.exists() {
        eprintln!("SKIPPED: sample {name} is not here");
        return None;
    }
    Some(path)
}

/// Name, MD5 of the whole data stream, ranges and bytes that were not read.
const SAMPLES: [(&str, &str, usize, u64); 3] = [
    ("Base-Linear.aff4", "dd6dbda282e27fd0d196abd95f5c3e58", 0, 0),
    ("Base-Linear-ReadError.aff4", "1f1ae18d3610d3b4ad2d705e3af42f19", 2, 2 << 20),
    ("Base-Allocated.aff4", "54a02991ff289c238570893e2e16df86", 3, 232 << 20),
];

#[test]
fn images_by_evimetry_hold_every_hash_they_state() {
    for (name, md5, ranges, unread) in SAMPLES {
        let Some(path) = sample(name) else { continue };
        let mut reader = formats::open(&path).unwrap();
        // Hashes over block hashes, index, map, all of these together, and MD5 and SHA-1 over the image stream.
        let flaws = reader.check();
        assert!(flaws.is_empty(), "{name}: {flaws:?}");
        assert_eq!(reader.media_size(), ByteCount(256 << 20), "{name}");
        assert_eq!(reader.sector_size().unwrap().bytes(), 512, "{name}");
        let mut hasher = Hasher::new(HashAlgorithm::Md5);
        let mut block = vec![0; 1 << 20];
        for at in 0..256u64 {
            assert_eq!(reader.read_at(ByteOffset(at << 20), &mut block).unwrap(), 1 << 20, "{name}");
            hasher.update(&block);
        }
        assert_eq!(hasher.finish().to_string(), md5, "{name}");
        assert_eq!((reader.unread().len(), reader.unread().total()), (ranges, ByteCount(unread)), "{name}");
        let case = CaseData {
            case_number: "Case ID: 1SR Canonical".into(),
            evidence_number: "Drive 1".into(),
            examiner: "Administrator".into(),
            description: "Canonical Image Generation Test Case".into(),
            notes: "This is an appended case note\nThis is another appended case note".into(),
        };
        assert_eq!(*reader.case(), case, "{name}");
        let made = reader.provenance();
        let device = (made.device.model.as_str(), made.device.serial.as_str());
        assert_eq!(device, ("Seagate ST-506", "SGAT5060001234"), "{name}");
        assert_eq!(made.software, "Evimetry 2.2.0", "{name}");
        // 2016-12-07T03:40 UTC.
        assert_eq!(made.acquired_at.unwrap() / 60, 1_481_082_000 / 60, "{name}");
    }
}

#[test]
fn unread_ranges_of_an_evimetry_image_are_told_and_filled_as_the_standard_says() {
    let Some(path) = sample("Base-Linear-ReadError.aff4") else { return };
    let mut reader = formats::open(&path).unwrap();
    let first = reader.unread().iter().next().unwrap();
    assert_eq!(first.offset, ByteOffset(15_728_640));
    let mut bytes = [0; 28];
    reader.read_at(first.offset, &mut bytes).unwrap();
    assert_eq!(&bytes, b"UNREADABLEDATAUNREADABLEDATA");
}

#[test]
fn a_changed_byte_in_an_evimetry_image_is_found() {
    let Some(path) = sample("Base-Linear.aff4") else { return };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.aff4");
    let good = std::fs::read(&path).unwrap();
    // A chunk, a block hash by SHA-1, the index, the map, the metadata.
    for at in [1_000_000, 3_050_500, 3_053_100, 3_100_000, 3_172_000] {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&copy, bytes).unwrap();
        let noticed = match formats::open(&copy) {
            Ok(mut reader) => !reader.check().is_empty(),
            Err(_) => true,
        };
        assert!(noticed, "byte {at} was changed unnoticed");
    }
}

#[test]
fn a_summary_without_hashes_makes_an_image_that_pyaff4_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(200_000, 10);
    let kind = ImageKind::Aff4(Compression::default());
    let plan = plan(&folder.path().join("item"), media.len());
    let path = image_with(kind, &plan, &media, &ImageSummary::default()).unwrap()[0].path.clone();
    assert!(pyaff4::export(&path) == media);
    assert!(!pyaff4::validate(&path).contains("linear"));
}
