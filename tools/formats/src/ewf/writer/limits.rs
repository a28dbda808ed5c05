//! The ends of what an E01 can number, reached by a writer that was moved close to them.

#[path = "../../../tests/imaging/strangers.rs"]
mod strangers;

use super::*;
use crate::{ImageReader, MediumKind};
use evidence::{CaseData, Extent, Hasher, SectorSize};
use harness::host_program::HostProgram;
use strangers::{DISSECT, LIBEWF, ask};

const CHUNK: u64 = 32 << 10;

fn plan(base: PathBuf, media_size: u64) -> ImagePlan {
    ImagePlan {
        base,
        media_size: ByteCount(media_size),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: CaseData::default(),
        device: None,
        software: "Permafrost 0.1.0".into(),
        acquired_at: 1_700_000_000,
        medium: MediumKind::Disk,
    }
}

/// A chunk that says which one it is.
fn numbered(encoder: &dyn ChunkEncoder, number: u32) -> EncodedChunk {
    encoder.encode(&content(number)).unwrap()
}

fn content(number: u32) -> Vec<u8> {
    let mut media = vec![0; usize::try_from(CHUNK).unwrap()];
    media[..4].copy_from_slice(&number.to_le_bytes());
    media
}

fn sha256(number: u32) -> String {
    Hasher::of(HashAlgorithm::Sha256, &content(number)).to_string()
}

/// A folder in memory where there is one: thousands of small files, each of which is made durable.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// An image in segments of one chunk each.
fn one_chunk_a_segment(folder: &Path, chunks: u32) -> Result<Vec<Segment>, FormatError> {
    let mut writer =
        Box::new(EwfWriter::create(&plan(folder.join("item"), u64::from(chunks) * CHUNK)).unwrap());
    let encoder = writer.encoder();
    for number in 0..chunks {
        writer.append(&numbered(encoder.as_ref(), number))?;
        // Smaller than any plan may ask for: the beginning of a segment and what its first chunk needs.
        writer.layout.segment_size = 1800;
    }
    writer.finish(&ImageSummary::default())
}

#[test]
fn all_segments_that_have_names_are_written_and_read_by_us_and_by_strangers() {
    let folder = folder();
    let most = u32::try_from(segment_names::MOST_WRITTEN).unwrap();
    let segments = one_chunk_a_segment(folder.path(), most).unwrap();
    assert_eq!(segments.len(), 14_970);
    for (index, name) in [(98, "item.E99"), (99, "item.EAA"), (774, "item.EZZ"), (14_969, "item.ZZY")] {
        assert!(segments[index].path.ends_with(name), "{:?}", segments[index]);
    }
    let first = &segments[0].path;
    let mut ours = crate::ewf::EwfReader::open(first).unwrap();
    assert_eq!(ours.segments().len(), 14_970);
    assert!(ours.check().is_empty());
    let places = [0, 98, 99, 100, 774, 775, 9_999, 14_969];
    for number in places {
        let mut media = vec![0; content(0).len()];
        ours.read_at(ByteOffset(u64::from(number) * CHUNK), &mut media).unwrap();
        assert_eq!(media, content(number));
    }
    let ranges = places.map(|number| (u64::from(number) * CHUNK, CHUNK));
    let expected = places.map(sha256);
    for reader in [LIBEWF, DISSECT] {
        assert_eq!(ask(reader, first, &ranges)["media"], serde_json::json!(expected), "{reader}");
    }
}

#[test]
fn a_segment_beyond_the_last_name_is_refused_and_what_was_written_stays() {
    let folder = folder();
    let most = u32::try_from(segment_names::MOST_WRITTEN).unwrap();
    let error = one_chunk_a_segment(folder.path(), most + 1).unwrap_err();
    assert!(matches!(&error, FormatError::Plan { why, .. } if why.contains("larger segments")), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 14_970);
}

/// Only the last chunks are written: a whole medium of that size costs gigabytes even where it is empty.
#[test]
fn a_medium_of_more_than_32_bits_of_sectors_is_told_by_strangers_and_its_unread_ranges_too() {
    let folder = tempfile::tempdir().unwrap();
    let (before, behind) = (1u64 << 41, 4);
    let size = before + behind * CHUNK;
    let mut writer = Box::new(EwfWriter::create(&plan(folder.path().join("item"), size)).unwrap());
    (writer.next_chunk, writer.stored) = (u32::try_from(before / CHUNK).unwrap(), before);
    let encoder = writer.encoder();
    for number in 0..behind {
        writer.append(&numbered(encoder.as_ref(), u32::try_from(number).unwrap())).unwrap();
    }
    let sectors =
        |first: u64, count: u64| Extent { offset: ByteOffset(first * 512), length: ByteCount(count * 512) };
    let last = (1 << 32) - 1;
    let unread = [sectors(5, 2), sectors(last, 1), sectors(last + 2, 3)].into_iter().collect();
    let first = writer.finish(&ImageSummary { unread, ..ImageSummary::default() }).unwrap()[0].path.clone();

    let info = HostProgram::new("ewfinfo", "ewf-tools").unwrap().arg(&first).run().unwrap();
    for line in [
        "Number of sectors:\t4294967552",
        "(2199023386624 bytes)",
        "total number: 2",
        "at sector(s): 5 - 6 number: 2",
        "at sector(s): 4294967295 - 4294967295 number: 1",
    ] {
        assert!(info.contains(line), "{line:?} is not in {info}");
    }
    assert_eq!(ask(LIBEWF, &first, &[(0, 0)])["sectors"], 4_294_967_552u64);
    let ours = crate::ewf::EwfReader::open(&first).unwrap();
    assert_eq!(ours.media_size().0, size);
    // What 32 bits cannot number is told before the image is made and by `carried_ranges`, never wrongly.
    assert_eq!(ours.unread().iter().collect::<Vec<_>>(), [sectors(5, 2), sectors(last, 1)]);
}
