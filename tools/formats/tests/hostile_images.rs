//! Damaged and crafted images: never a panic, never a hang, never wrong data passed off as good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imaging;

use evidence::{ByteCount, ByteOffset};
use formats::{FormatError, ImageKind};
use imaging::{Noise, image, image_with, medium, plan, read_all, summary};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A small image of ten chunks, small enough to be opened thousands of times.
fn small_image(folder: &Path) -> (PathBuf, Vec<u8>) {
    let media = medium(300_000 / 512 * 512, 11);
    let mut plan = plan(&folder.join("item"), media.len());
    plan.case.examiner = "M. Example".into();
    (image(ImageKind::Ewf, &plan, &media), media)
}

/// Reads everything; whatever comes without an error must be the medium's bytes.
fn judge(path: &Path, media: &[u8], what: &str) -> Verdict {
    let mut reader = match formats::open(path) {
        Ok(reader) => reader,
        Err(_) => return Verdict::Refused,
    };
    let flawed = !reader.check().is_empty();
    if reader.media_size().0 != u64::try_from(media.len()).unwrap() {
        assert!(flawed, "{what}: another size, unnoticed");
        return Verdict::Refused;
    }
    let mut lost = false;
    let mut chunk = vec![0; 32_768];
    for (number, expected) in media.chunks(32_768).enumerate() {
        let at = u64::try_from(number * 32_768).unwrap();
        match reader.read_at(ByteOffset(at), &mut chunk) {
            Ok(length) => assert!(chunk[..length] == *expected, "{what}: wrong data in chunk {number}"),
            Err(error) => {
                let extent = error.media().unwrap_or_else(|| panic!("{what}: {error} names no range"));
                assert!(extent.offset.0 <= at && at < extent.end(), "{what}: {error} names another range");
                lost = true;
            }
        }
    }
    if lost || flawed { Verdict::Damaged } else { Verdict::Sound }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Sound,
    Damaged,
    Refused,
}

#[test]
fn thousands_of_altered_images_never_give_wrong_data() {
    let folder = tempfile::tempdir().unwrap();
    let (first, media) = small_image(folder.path());
    let good = std::fs::read(&first).unwrap();
    assert_eq!(judge(&first, &media, "untouched"), Verdict::Sound);
    let mut noise = Noise(2024);
    let mut unnoticed = 0;
    for round in 0..3000 {
        let mut bytes = good.clone();
        let mut what = format!("round {round}:");
        for _ in 0..=noise.below(3) {
            let at = noise.below(bytes.len());
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
        std::fs::write(&first, &bytes).unwrap();
        let started = Instant::now();
        let verdict = judge(&first, &media, &what);
        assert!(started.elapsed() < Duration::from_secs(5), "{what}: took {:?}", started.elapsed());
        if verdict == Verdict::Sound && bytes != good {
            unnoticed += 1;
            eprintln!("{what}: unnoticed, and no media byte changed");
        }
    }
    // A deflate stream has bits without effect: a level hint, padding, and many ways to copy the same bytes.
    assert!(unnoticed < 15, "{unnoticed} of 3000 changes went unnoticed");
}

#[test]
fn every_byte_of_the_structures_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (first, media) = small_image(folder.path());
    let good = std::fs::read(&first).unwrap();
    // In front of the chunks lie the headers and the volume section, behind them tables, data, digest, hash and done.
    // Among the chunks a changed byte can be without effect: a copy of zeros from elsewhere is zeros again.
    let find = |name: &[u8]| good.windows(name.len()).position(|window| window == name).unwrap();
    let places = (0..find(b"sectors") + 76).chain(find(b"table")..good.len());
    for at in places {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&first, &bytes).unwrap();
        assert_ne!(
            judge(&first, &media, &format!("byte {at}")),
            Verdict::Sound,
            "byte {at} of {}",
            good.len()
        );
    }
}

#[test]
fn a_flipped_bit_in_a_chunk_is_found_and_located_and_the_rest_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let media: Vec<u8> = (0..(4 << 17)).flat_map(|n: u64| Noise(n).next().to_le_bytes()).collect();
    let mut plan = plan(&folder.path().join("item"), media.len());
    plan.segment_size = Some(ByteCount(1 << 20));
    let segments = image_with(ImageKind::Ewf, &plan, &media, &summary(&media)).unwrap();
    assert!(segments.len() > 3);
    let second = &segments[1].path;
    let mut bytes = std::fs::read(second).unwrap();
    bytes[200_000] ^= 0x04;
    std::fs::write(second, bytes).unwrap();

    let mut reader = formats::open(&segments[0].path).unwrap();
    let error = read_all(&mut *reader).unwrap_err();
    let FormatError::DamagedChunk { segment, offset, media: lost, .. } = &error else { panic!("{error}") };
    assert_eq!(segment, second);
    assert!((200_000 - 32_772..=200_000).contains(&offset.0), "{error}");
    assert_eq!((lost.length.0, lost.offset.0 % 32_768), (32_768, 0));
    for (from, to) in [(0, lost.offset.0), (lost.end(), u64::try_from(media.len()).unwrap())] {
        let mut part = vec![0; usize::try_from(to - from).unwrap()];
        reader.read_at(ByteOffset(from), &mut part).unwrap();
        assert!(part == media[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()]);
    }
}

fn split_image(folder: &Path, name: &str, seed: u64) -> Vec<PathBuf> {
    let media: Vec<u8> =
        (0..(3 << 17)).flat_map(|n: u64| Noise(n + (seed << 32)).next().to_le_bytes()).collect();
    let mut plan = plan(&folder.join(name), media.len());
    plan.segment_size = Some(ByteCount(1 << 20));
    let segments = image_with(ImageKind::Ewf, &plan, &media, &summary(&media)).unwrap();
    segments.into_iter().map(|segment| segment.path).collect()
}

fn refusal(first: &Path) -> FormatError {
    formats::open(first).err().unwrap_or_else(|| panic!("{} was opened", first.display()))
}

#[test]
fn a_missing_segment_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for index in 1..4 {
        let paths = split_image(folder.path(), &format!("item{index}"), 1);
        assert_eq!(paths.len(), 4);
        std::fs::remove_file(&paths[index]).unwrap();
        let error = refusal(&paths[0]);
        assert!(
            matches!(&error, FormatError::MissingSegment { path, .. } if *path == paths[index]),
            "{error}"
        );
    }
}

#[test]
fn swapped_foreign_and_surplus_segments_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let paths = split_image(folder.path(), "item", 1);
    let others = split_image(folder.path(), "other", 2);

    std::fs::rename(&paths[1], folder.path().join("aside")).unwrap();
    std::fs::copy(&others[1], &paths[1]).unwrap();
    let error = refusal(&paths[0]);
    assert!(
        matches!(&error, FormatError::WrongSegment { path, why } if *path == paths[1] && why.contains("identifier"))
    );

    std::fs::copy(&paths[2], &paths[1]).unwrap();
    let error = refusal(&paths[0]);
    assert!(
        matches!(&error, FormatError::WrongSegment { path, why } if *path == paths[1] && why.contains("number 3"))
    );

    std::fs::rename(folder.path().join("aside"), &paths[1]).unwrap();
    // Two segments of one set in each other's place: the first of them that is met is named.
    let exchange = || {
        std::fs::rename(&paths[1], folder.path().join("aside")).unwrap();
        std::fs::rename(&paths[2], &paths[1]).unwrap();
        std::fs::rename(folder.path().join("aside"), &paths[2]).unwrap();
    };
    exchange();
    let error = refusal(&paths[0]);
    assert!(
        matches!(&error, FormatError::WrongSegment { path, why } if *path == paths[1] && why.contains("swapped")),
        "{error}"
    );
    exchange();
    let surplus = folder.path().join("item.E05");
    std::fs::copy(&others[3], &surplus).unwrap();
    let flaws = formats::open(&paths[0]).unwrap().check();
    assert!(matches!(&flaws[..], [FormatError::WrongSegment { path, .. }] if *path == surplus), "{flaws:?}");

    std::fs::copy(&others[0], folder.path().join("item.E02")).unwrap();
    std::fs::copy(&others[1], &paths[0]).unwrap();
    assert!(matches!(refusal(&paths[0]), FormatError::WrongSegment { path, .. } if path == paths[0]));
}

#[test]
fn a_later_segment_named_in_place_of_the_first_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let paths = split_image(folder.path(), "item", 1);
    let error = refusal(&paths[1]);
    assert!(
        matches!(&error, FormatError::NotAnImage { why, .. } if why.contains(&*paths[0].to_string_lossy())),
        "{error}"
    );
}

/// A descriptor as EWF lays it out, made without the crate's own code.
fn descriptor(name: &str, next: usize) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes.extend(u64::try_from(next).unwrap().to_le_bytes());
    bytes.resize(72, 0);
    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    bytes.extend((high << 16 | low).to_le_bytes());
    bytes
}

#[test]
fn sections_without_number_are_refused_before_they_cost_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = small_image(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 76);
    for _ in 0..100 {
        let next = bytes.len() + 76;
        bytes.extend(descriptor("hash", next));
    }
    let done = bytes.len();
    bytes.extend(descriptor("done", done));
    std::fs::write(&path, bytes).unwrap();
    assert!(refusal(&path).to_string().contains("more sections"), "{}", refusal(&path));
}

#[test]
fn a_segment_cut_short_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let paths = split_image(folder.path(), "item", 1);
    let bytes = std::fs::read(&paths[2]).unwrap();
    for length in [0, 12, 13, 80, 1141, 500_000, bytes.len() - 76, bytes.len() - 1] {
        std::fs::write(&paths[2], &bytes[..length]).unwrap();
        let error = refusal(&paths[0]);
        assert!(
            matches!(&error, FormatError::Truncated { path, .. } if *path == paths[2]),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_damaged_table_is_replaced_by_its_mirror_and_still_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (first, media) = small_image(folder.path());
    let mut bytes = std::fs::read(&first).unwrap();
    // The table is the second but last place where the name occurs: "table" and "table2" descriptors.
    let names: Vec<usize> = (0..bytes.len() - 6).filter(|at| bytes[*at..].starts_with(b"table")).collect();
    let [table, mirror] = names[..] else { panic!("{names:?}") };
    for inside in [80, 110] {
        let mut damaged = bytes.clone();
        damaged[table + inside] ^= 1;
        std::fs::write(&first, damaged).unwrap();
        let mut reader = formats::open(&first).unwrap();
        assert!(read_all(&mut *reader).unwrap() == media);
        let flaws = reader.check();
        assert!(flaws.iter().any(|flaw| flaw.to_string().contains("table at")), "{flaws:?}");
    }
    // Both damaged: the range that is lost is the whole table's.
    bytes[table + 110] ^= 1;
    bytes[mirror + 110] ^= 1;
    std::fs::write(&first, bytes).unwrap();
    let mut reader = formats::open(&first).unwrap();
    let error = reader.read_at(ByteOffset(100_000), &mut [0; 512]).unwrap_err();
    let lost = error.media().unwrap();
    assert_eq!((lost.offset.0, lost.length.0), (0, u64::try_from(media.len()).unwrap()), "{error}");
}

#[test]
fn bytes_after_the_end_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (first, media) = small_image(folder.path());
    let mut bytes = std::fs::read(&first).unwrap();
    bytes.extend_from_slice(b"hidden");
    std::fs::write(&first, bytes).unwrap();
    let mut reader = formats::open(&first).unwrap();
    let flaws = reader.check();
    assert!(flaws.len() == 1 && flaws[0].to_string().contains("6 bytes follow it"), "{flaws:?}");
    assert!(read_all(&mut *reader).unwrap() == media);
}
