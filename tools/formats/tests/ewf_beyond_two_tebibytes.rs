//! A whole medium of more than 2 TiB. It is empty but for marks, and its image has 4 GB all the same, so it is asked for:
//! `cargo test --release -p formats --test ewf_beyond_two_tebibytes -- --ignored`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imaging;
#[path = "imaging/strangers.rs"]
mod strangers;

use evidence::{ByteCount, ByteOffset, HashAlgorithm, Hasher};
use formats::{ImageKind, ImageSummary};
use std::path::Path;

const CHUNK: usize = 32 << 10;
/// 2 TiB and four chunks.
const CHUNKS: u32 = (1 << 26) + 4;

fn content(number: u32) -> Vec<u8> {
    let mut media = vec![0; CHUNK];
    if number.is_multiple_of(1_000_003) || number >= CHUNKS - 8 {
        media[..4].copy_from_slice(&(number + 1).to_le_bytes());
    }
    media
}

#[test]
#[ignore = "writes 4 GB and takes minutes"]
fn a_whole_medium_of_more_than_two_tebibytes_is_read_by_us_and_by_strangers() {
    let folder = tempfile::tempdir().unwrap();
    let size = u64::from(CHUNKS) * 32_768;
    let mut plan = imaging::plan(&folder.path().join("item"), 512);
    plan.media_size = ByteCount(size);
    plan.segment_size = Some(ByteCount(2000 << 20));
    let mut writer = formats::create(ImageKind::Ewf, &plan).unwrap();
    let encoder = writer.encoder();
    let empty = encoder.encode(&vec![0; CHUNK]).unwrap();
    for number in 0..CHUNKS {
        if number.is_multiple_of(1_000_003) || number >= CHUNKS - 8 {
            writer.append(&encoder.encode(&content(number)).unwrap()).unwrap();
        } else {
            writer.append(&empty).unwrap();
        }
    }
    let segments = writer.finish(&ImageSummary::default()).unwrap();
    let first: &Path = &segments[0].path;
    assert!(segments.iter().all(|segment| segment.size.0 <= 2000 << 20) && segments.len() > 1);

    let places = [0, 1_000_003, 33 * 1_000_003, (1 << 26) - 1, 1 << 26, CHUNKS - 1];
    let mut ours = formats::open(first).unwrap();
    assert_eq!(ours.media_size().0, size);
    assert!(ours.check().is_empty());
    for number in places {
        let mut media = vec![0; CHUNK];
        ours.read_at(ByteOffset(u64::from(number) * 32_768), &mut media).unwrap();
        assert!(media == content(number), "chunk {number}");
    }
    let ranges = places.map(|number| (u64::from(number) * 32_768, 32_768));
    let expected = places.map(|number| Hasher::of(HashAlgorithm::Sha256, &content(number)).to_string());
    for reader in [strangers::LIBEWF, strangers::DISSECT] {
        let said = strangers::ask(reader, first, &ranges);
        assert_eq!(said["size"], size, "{reader}");
        assert_eq!(said["media"], serde_json::json!(expected), "{reader}");
    }
}
