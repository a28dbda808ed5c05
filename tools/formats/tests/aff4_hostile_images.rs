//! Damaged and crafted AFF4: never a panic, never a hang, never wrong data passed off as good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod aff4_volume;
mod imaging;

use aff4_volume::{MapEntry, VolumeBuilder};
use evidence::{ByteCount, ByteOffset, Extent};
use formats::aff4::Compression;
use formats::{FormatError, ImageKind};
use imaging::{AFF4_METHODS, Noise, image, image_with, medium, plan, read_all, summary};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A small image of ten chunks, small enough to be opened thousands of times.
fn small_image(folder: &Path, method: Compression) -> (PathBuf, Vec<u8>) {
    let media = medium(300_000, 11);
    let mut plan = plan(&folder.join("item"), media.len());
    plan.case.examiner = "M. Example".into();
    (image(ImageKind::Aff4(method), &plan, &media), media)
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Sound,
    Damaged,
    Refused,
}

/// Reads everything; whatever comes without an error must be the medium's bytes, unless the examination finds a flaw: it
/// is what compares the hashes of a map.
fn judge(path: &Path, media: &[u8], what: &str) -> Verdict {
    let Ok(mut reader) = formats::open(path) else { return Verdict::Refused };
    let flawed = !reader.check().is_empty();
    if reader.media_size().0 != u64::try_from(media.len()).unwrap() {
        assert!(flawed, "{what}: another size, unnoticed");
        return Verdict::Damaged;
    }
    let mut lost = false;
    let mut chunk = vec![0; 32_768];
    for (number, expected) in media.chunks(32_768).enumerate() {
        let at = u64::try_from(number * 32_768).unwrap();
        match reader.read_at(ByteOffset(at), &mut chunk) {
            Ok(length) => {
                assert!(flawed || chunk[..length] == *expected, "{what}: wrong data in chunk {number}");
            }
            Err(error) => {
                let extent = error.media().unwrap_or_else(|| panic!("{what}: {error} names no range"));
                let end = at + u64::try_from(expected.len()).unwrap();
                assert!(extent.offset.0 < end && at < extent.end(), "{what}: {error} names another range");
                lost = true;
            }
        }
    }
    if lost || flawed { Verdict::Damaged } else { Verdict::Sound }
}

#[test]
fn thousands_of_altered_images_never_give_wrong_data() {
    for method in AFF4_METHODS {
        let folder = tempfile::tempdir().unwrap();
        let (path, media) = small_image(folder.path(), method);
        let good = std::fs::read(&path).unwrap();
        assert_eq!(judge(&path, &media, "untouched"), Verdict::Sound);
        let mut noise = Noise(2026);
        let mut unnoticed = 0;
        for round in 0..600 {
            let mut bytes = good.clone();
            let mut what = format!("{method:?}, round {round}:");
            for _ in 0..=noise.below(3) {
                // Every second change is among the structures behind the chunks.
                let from = if noise.below(2) == 0 { 0 } else { bytes.len().saturating_sub(9000) };
                let at = from + noise.below(bytes.len() - from);
                match noise.below(8) {
                    0 => {
                        bytes.truncate(at.max(1));
                        what += &format!(" cut at {at}");
                    }
                    1 => {
                        let end = bytes.len().min(at + 1 + noise.below(200));
                        bytes[at..end].fill(0);
                        what += &format!(" zeros {at}..{end}");
                    }
                    2 => {
                        let from = noise.below(bytes.len());
                        let length = (1 + noise.below(500)).min(bytes.len() - at.max(from));
                        bytes.copy_within(from..from + length, at);
                        what += &format!(" {length} bytes copied from {from} to {at}");
                    }
                    _ => {
                        let change = 1 + u8::try_from(noise.below(255)).unwrap();
                        bytes[at] ^= change;
                        what += &format!(" byte {at} ^ {change:#x}");
                    }
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            let started = Instant::now();
            let verdict = judge(&path, &media, &what);
            assert!(started.elapsed() < Duration::from_secs(5), "{what}: took {:?}", started.elapsed());
            if verdict == Verdict::Sound && bytes != good {
                unnoticed += 1;
                eprintln!("{what}: unnoticed, and no media byte changed");
            }
        }
        // Times, versions and attributes in ZIP headers say nothing of the medium.
        assert!(unnoticed < 120, "{method:?}: {unnoticed} of 600 changes went unnoticed");
    }
}

#[test]
fn every_byte_of_chunks_tables_map_and_metadata_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    // Stored, because Snappy has many ways to say the same.
    let media = medium(70_000, 13);
    let kind = ImageKind::Aff4(Compression::Stored);
    let path = image(kind, &plan(&folder.path().join("item"), media.len()), &media);
    let good = std::fs::read(&path).unwrap();
    let directory = good.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    // Between a header's signature and its name stand fields that say nothing of the medium: versions, flags, time.
    let headers: Vec<usize> = (0..directory).filter(|at| good[*at..].starts_with(b"PK\x03\x04")).collect();
    assert_eq!(headers.len(), 8);
    let mut noise = Noise(5);
    for at in 0..directory {
        let silent = headers.iter().any(|header| (header + 4..header + 26).contains(&at))
            || headers.iter().any(|header| {
                let name = usize::from(u16::from_le_bytes([good[header + 26], good[header + 27]]));
                (header + 30 + name..header + 50 + name).contains(&at)
            });
        // Of the chunks every hundredth byte is enough, of the metadata, which one checksum covers, every fourth.
        let chunks = at > headers[2] + 200 && at < headers[3] && noise.below(100) > 0;
        let metadata = at > headers[7] + 100 && at + 100 < directory && noise.below(4) > 0;
        if silent || chunks || metadata {
            continue;
        }
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        assert_ne!(judge(&path, &media, &format!("byte {at}")), Verdict::Sound, "byte {at} of {directory}");
    }
}

#[test]
fn a_flipped_bit_in_a_chunk_is_found_and_located_and_the_rest_stays_readable() {
    for method in AFF4_METHODS {
        let folder = tempfile::tempdir().unwrap();
        let media: Vec<u8> = (0..(1 << 17)).flat_map(|n: u64| Noise(n).next().to_le_bytes()).collect();
        let path = image(ImageKind::Aff4(method), &plan(&folder.path().join("item"), media.len()), &media);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[200_000] ^= 0x04;
        std::fs::write(&path, bytes).unwrap();

        let mut reader = formats::open(&path).unwrap();
        let error = read_all(&mut *reader).unwrap_err();
        let FormatError::DamagedChunk { segment, offset, media: lost, what } = &error else {
            panic!("{error}")
        };
        assert_eq!(*segment, path);
        assert!(what.contains("SHA256"), "{error}");
        assert!((200_000 - 32_768..=200_000).contains(&offset.0), "{error}");
        assert_eq!((lost.length.0, lost.offset.0 % 32_768), (32_768, 0));
        for (from, to) in [(0, lost.offset.0), (lost.end(), u64::try_from(media.len()).unwrap())] {
            let mut part = vec![0; usize::try_from(to - from).unwrap()];
            reader.read_at(ByteOffset(from), &mut part).unwrap();
            assert!(part == media[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()]);
        }
    }
}

#[test]
fn an_aff4_cut_short_is_told_wherever_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = small_image(folder.path(), Compression::Snappy);
    let good = std::fs::read(&path).unwrap();
    for length in [4, 30, 100, 1000, good.len() / 2, good.len() - 100, good.len() - 44, good.len() - 1] {
        std::fs::write(&path, &good[..length]).unwrap();
        let error = formats::open(&path).err().unwrap_or_else(|| panic!("{length} bytes were opened"));
        assert!(matches!(error, FormatError::Truncated { .. }), "{length}: {error}");
        assert!(error.to_string().contains("never finished or lost its end"), "{error}");
    }
}

/// An image of four chunks that say their number, as another program might lay it out.
fn four_chunks() -> VolumeBuilder {
    let chunks: Vec<Vec<u8>> = (1..=4u8).map(|number| vec![number; 4096]).collect();
    let mut volume = VolumeBuilder::new("aff4://volume");
    volume.image_stream("aff4://stream", 4096, 2, &chunks);
    volume
}

fn opened(folder: &Path, volume: &VolumeBuilder) -> Result<Vec<u8>, FormatError> {
    let path = folder.join("crafted.aff4");
    std::fs::write(&path, volume.finish()).unwrap();
    read_all(&mut *formats::open(&path)?)
}

#[test]
fn a_map_in_another_order_with_gaps_and_symbols_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let mut volume = four_chunks();
    let targets =
        ["aff4://stream", "http://aff4.org/Schema#SymbolicStream61", "http://aff4.org/Schema#UnknownData"];
    let entries: [MapEntry; 4] =
        [(6000, 5000, 1000, 0), (0, 1000, 15_384, 0), (1000, 500, 0, 1), (2000, 14, 7, 2)];
    volume.map("aff4://map", 12_000, &entries, &targets);
    volume.image("aff4://image", "aff4://map");
    let media = opened(folder.path(), &volume).unwrap();
    let mut expected = vec![0; 12_000];
    expected[..1000].fill(4);
    expected[1000..1500].fill(b'a');
    expected[2000..2014].copy_from_slice(b"UNKNOWNUNKNOWN");
    expected[6000..9096].fill(1);
    expected[9096..11_000].fill(2);
    assert!(media == expected);
    let reader = formats::open(&folder.path().join("crafted.aff4")).unwrap();
    let unread: Vec<Extent> = reader.unread().iter().collect();
    assert_eq!(unread, [Extent { offset: ByteOffset(2000), length: ByteCount(14) }]);
}

#[test]
fn an_image_without_a_map_is_its_stream() {
    let folder = tempfile::tempdir().unwrap();
    let mut volume = four_chunks();
    volume.image("aff4://image", "aff4://stream");
    let media = opened(folder.path(), &volume).unwrap();
    assert!(media.len() == 16_384 && media.chunks(4096).zip(1u8..).all(|(chunk, n)| chunk == vec![n; 4096]));
}

#[test]
fn maps_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[MapEntry], &[&str], u64, &str); 6] = [
        (&[(0, 100, 0, 0), (50, 100, 0, 0)], &["aff4://stream"], 200, "overlap"),
        (&[(0, 100, 0, 7)], &["aff4://stream"], 200, "does not name"),
        (&[(u64::MAX, 2, 0, 0)], &["aff4://stream"], u64::MAX, "64 bits"),
        (&[(0, 100, 0, 0)], &["aff4://map"], 200, "map over another map"),
        (&[(0, 100, 0, 0)], &["aff4://nowhere"], 200, "aff4://nowhere"),
        (&[(0, 100, 16_384, 0)], &["aff4://stream"], 200, "beyond the end of the image stream"),
    ];
    for (entries, targets, size, said) in cases {
        let mut volume = four_chunks();
        volume.map("aff4://map", size, entries, targets);
        volume.image("aff4://image", "aff4://map");
        let error = opened(folder.path(), &volume).err().unwrap_or_else(|| panic!("{said}: was read"));
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
}

#[test]
fn sizes_made_up_to_harm_are_refused_before_they_cost_memory() {
    let folder = tempfile::tempdir().unwrap();
    for (property, value) in [
        ("chunkSize", "0"),
        ("chunkSize", "4294967296"),
        ("chunksInSegment", "0"),
        ("chunksInSegment", "99999999999"),
        ("chunkSize", "minus one"),
    ] {
        let mut volume = four_chunks();
        volume.image("aff4://image", "aff4://stream");
        volume.replace_property("aff4://stream", property, value);
        let error = opened(folder.path(), &volume).err().unwrap_or_else(|| panic!("{property} {value}"));
        assert!(error.to_string().contains(property), "{error}");
    }
    // A medium of 2^63 bytes on four chunks: opening and examining must not take for ever.
    let mut volume = four_chunks();
    volume.image("aff4://image", "aff4://stream");
    volume.replace_property("aff4://stream", "size", "9223372036854775808");
    let path = folder.path().join("vast.aff4");
    std::fs::write(&path, volume.finish()).unwrap();
    let mut reader = formats::open(&path).unwrap();
    let started = Instant::now();
    let _ = reader.check();
    assert!(reader.read_at(ByteOffset(1 << 40), &mut [0; 512]).unwrap_err().media().is_some());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn kinds_that_are_not_read_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut encrypted = four_chunks();
    encrypted.say("<aff4://secret> a aff4:EncryptedStream .");
    let mut files = four_chunks();
    files.say("<aff4://file> a aff4:FileImage .");
    let mut several = four_chunks();
    several.image("aff4://one", "aff4://stream");
    several.image("aff4://two", "aff4://stream");
    let mut method = four_chunks();
    method.image("aff4://image", "aff4://stream");
    method.say("<aff4://stream> aff4:compressionMethod <http://example.org/zstd> .");
    let mut empty = four_chunks();
    empty.say("<aff4://other> a aff4:Nothing .");
    for (volume, said) in [
        (encrypted, "encrypted"),
        (files, "AFF4-L"),
        (several, "several images"),
        (method, "example.org/zstd"),
        (empty, "no image with a data stream"),
    ] {
        let error = opened(folder.path(), &volume).err().unwrap_or_else(|| panic!("{said}"));
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
}

#[test]
fn volumes_striped_over_files_are_found_together_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let stripes = ["aff4://stream-a", "aff4://stream-b"];
    for (number, stripe) in stripes.iter().enumerate() {
        let own: Vec<Vec<u8>> =
            (0..3u8).map(|chunk| vec![10 * u8::try_from(number).unwrap() + chunk; 4096]).collect();
        let mut volume = VolumeBuilder::new(&format!("aff4://volume-{number}"));
        volume.image_stream(stripe, 4096, 2, &own);
        let entries: Vec<MapEntry> =
            (0..6u64).map(|n| (n * 4096, 4096, n / 2 * 4096, u32::from(n % 2 == 1))).collect();
        let map = format!("aff4://map-{number}");
        volume.map(&map, 6 * 4096, &entries, &stripes);
        volume.image("aff4://image", &map);
        std::fs::write(folder.path().join(format!("disk_{number}.aff4")), volume.finish()).unwrap();
    }
    // A third volume that has nothing to do with it, and one that is no volume.
    let mut other = four_chunks();
    other.image("aff4://another", "aff4://stream");
    std::fs::write(folder.path().join("another.aff4"), other.finish()).unwrap();
    std::fs::write(folder.path().join("broken.aff4"), "nothing").unwrap();
    let expected: Vec<u8> = [0u8, 10, 1, 11, 2, 12].into_iter().flat_map(|n| vec![n; 4096]).collect();
    for number in 0..2 {
        let mut reader = formats::open(&folder.path().join(format!("disk_{number}.aff4"))).unwrap();
        assert!(read_all(&mut *reader).unwrap() == expected, "from disk_{number}");
        assert_eq!(reader.segments().len(), 2);
        let flaws = reader.check();
        assert!(flaws.is_empty(), "{flaws:?}");
    }
    std::fs::remove_file(folder.path().join("broken.aff4")).unwrap();
    std::fs::rename(folder.path().join("disk_1.aff4"), folder.path().join("disk_1.aside")).unwrap();
    let error = formats::open(&folder.path().join("disk_0.aff4")).err().unwrap();
    assert!(matches!(&error, FormatError::MissingSegment { .. }), "{error}");
    assert!(error.to_string().contains("aff4://stream-b"), "{error}");
}

#[test]
fn an_unfinished_neighbour_is_not_passed_over_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let mut volume = four_chunks();
    volume.map("aff4://map", 100, &[(0, 100, 0, 1)], &["aff4://stream", "aff4://stream-b"]);
    volume.image("aff4://image", "aff4://map");
    std::fs::write(folder.path().join("b.aff4"), b"PK\x03\x04 and no end").unwrap();
    let error = opened(folder.path(), &volume).unwrap_err().to_string();
    assert!(error.contains("aff4://stream-b") && error.contains("b.aff4"), "{error}");
}

#[test]
fn a_hash_that_does_not_fit_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(300_000, 12);
    let mut summary = summary(&media);
    summary.unread.insert(Extent { offset: ByteOffset(0), length: ByteCount(512) });
    let kind = ImageKind::Aff4(Compression::Stored);
    let plan = plan(&folder.path().join("item"), media.len());
    let path = image_with(kind, &plan, &media, &summary).unwrap()[0].path.clone();
    let good = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&good[good.len() - 9000..]).into_owned();
    for property in ["mapPointHash", "mapIdxHash", "mapHash", "blockMapHash", "imageStreamIndexHash"] {
        let digits = text.split(&format!("aff4:{property}  \"")).nth(1).unwrap().split('"').next().unwrap();
        let other = format!("{}{}", if digits.starts_with('0') { '1' } else { '0' }, &digits[1..]);
        let altered = rewritten_metadata(&good, |metadata| {
            metadata.replacen(
                &format!("aff4:{property}  \"{digits}"),
                &format!("aff4:{property}  \"{other}"),
                1,
            )
        });
        std::fs::write(&path, altered).unwrap();
        let flaws = formats::open(&path).unwrap().check();
        let named = flaws
            .iter()
            .any(|flaw| flaw.to_string().contains(property) || flaw.to_string().contains(".index"));
        assert!(named, "{property}: {flaws:?}");
    }
    let altered = rewritten_metadata(&good, |metadata| {
        let image = metadata.find("blockMapHashSHA512").unwrap();
        let mut bytes = metadata.clone().into_bytes();
        let last = image - 4 - 5;
        bytes[last] = if bytes[last] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).unwrap()
    });
    std::fs::write(&path, altered).unwrap();
    let flaws = formats::open(&path).unwrap().check();
    assert!(flaws.iter().any(|flaw| flaw.to_string().contains("hash of the image")), "{flaws:?}");
}

/// The same image with other metadata of the same length, its checksums mended.
fn rewritten_metadata(good: &[u8], change: impl FnOnce(String) -> String) -> Vec<u8> {
    let find = |needle: &[u8]| good.windows(needle.len()).position(|window| window == needle).unwrap();
    let start = find(b"@prefix :");
    let length = good[start..].windows(4).position(|four| four == b"PK\x07\x08").unwrap();
    let old = String::from_utf8(good[start..start + length].to_vec()).unwrap();
    let new = change(old.clone());
    assert!(new != old && new.len() == old.len());
    let [before, after] = [&old, &new].map(|text| aff4_volume::crc32(text.as_bytes()).to_le_bytes());
    let mut bytes = good.to_vec();
    bytes[start..start + length].copy_from_slice(new.as_bytes());
    for at in start + length..bytes.len() - 4 {
        if bytes[at..at + 4] == before {
            bytes[at..at + 4].copy_from_slice(&after);
        }
    }
    bytes
}
