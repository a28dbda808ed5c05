//! Checkpoints of unfinished images: the file beside the image, and the state of its writer in it.

use crate::images::{empty, one_line};
use acquire::checkpoint::Checkpoint;
use acquire::sidecar::{self, Sidecar};
use evidence::{ByteCount, ByteOffset, LeafSize, SectorSize};
use formats::aff4::Compression;
use formats::{ImageKind, ImagePlan, MediumKind};
use std::path::{Path, PathBuf};

/// Every kind of image that can be gone on with.
pub const KINDS: [(&str, ImageKind); 3] =
    [("raw", ImageKind::Raw), ("e01", ImageKind::Ewf), ("aff4", ImageKind::Aff4(Compression::Deflate))];
/// Size of the medium of which an image was begun.
pub const MEDIUM: usize = 256 << 10;
/// Where its checkpoint is: at the end of a chunk in each format.
pub const STORED: usize = 64 << 10;
/// Size of a read that fits no chunk.
const PIECE: usize = 7777;

/// What the medium holds: little, so that an image of it is a small input.
pub fn medium() -> Vec<u8> {
    let mut media = vec![0; MEDIUM];
    media[..600].iter_mut().enumerate().for_each(|(at, byte)| *byte = (at ^ (at >> 4)) as u8);
    media
}

/// Begins an image of a kind in `folder` and lets it lie; gives what its file holds, without zeros at the end, and the
/// state of its writer.
pub fn begin_image(kind: ImageKind, folder: &Path) -> (Vec<u8>, String) {
    let plan = ImagePlan {
        base: folder.join("item"),
        media_size: ByteCount(MEDIUM as u64),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: evidence::CaseData::default(),
        device: None,
        software: "seed 1".into(),
        acquired_at: 1_700_000_000,
        medium: MediumKind::Disk,
    };
    let mut writer = formats::create(kind, &plan).unwrap();
    let encoder = writer.encoder();
    for chunk in medium()[..STORED].chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    let state = writer.checkpoint().unwrap().expect("it can be gone on with");
    let mut image = std::fs::read(file_of(kind, folder)).unwrap();
    image.truncate(image.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    (image, state)
}

fn file_of(kind: ImageKind, folder: &Path) -> PathBuf {
    folder.join(match kind {
        ImageKind::Raw => "item.raw",
        ImageKind::Ewf => "item.E01",
        ImageKind::Aff4(_) => "item.aff4",
    })
}

/// An input: a byte that chooses the kind of the image, two bytes that say how long its file is, the file, and
/// `NAME.checkpoint`.
pub fn input_of(choice: u8, image: &[u8], sidecar: &[u8]) -> Vec<u8> {
    let length = u16::try_from(image.len()).unwrap().to_le_bytes();
    [&[choice], &length[..], image, sidecar].concat()
}

/// Reads what an unfinished image holds by what stands in its checkpoint.
pub fn checkpoint(input: &[u8], scratch: &Path) {
    let Some((&[choice, low, high], rest)) = input.split_first_chunk() else { return };
    let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
    let (image, text) = rest.split_at(length);
    let read = match Sidecar::parse(text) {
        Ok(read) => read,
        Err(error) => return one_line(&error.to_string()),
    };
    let leaves = read.offset.0.div_ceil(read.leaf_size.0.max(1));
    assert_eq!(leaves, read.leaves.len() as u64, "a leaf more or less than was stored");
    assert!(read.unread.iter().all(|extent| extent.end() <= read.offset.0), "unread and not stored");
    is_written_again(&read);
    let _ = stored(KINDS[usize::from(choice) % KINDS.len()].1, image, &read, scratch);
}

/// The first of what is stored, piece by piece, as far as it can be read.
fn stored(kind: ImageKind, image: &[u8], read: &Sidecar, scratch: &Path) -> Vec<u8> {
    empty(scratch);
    let path = file_of(kind, scratch);
    std::fs::write(&path, image).unwrap();
    // Zeros at the end are not in the input.
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len((image.len().max(STORED)) as u64)
        .unwrap();
    let mut data = Vec::new();
    let mut image = match formats::open_unfinished(kind, &scratch.join("item"), &read.state) {
        Ok(image) => image,
        Err(error) => {
            one_line(&error.to_string());
            return data;
        }
    };
    let mut piece = vec![0; PIECE];
    while data.len() < STORED {
        let wanted = PIECE.min(STORED - data.len());
        match image.read_at(ByteOffset(data.len() as u64), &mut piece[..wanted]) {
            Ok(0) => break,
            Ok(length) => data.extend_from_slice(&piece[..length]),
            Err(error) => {
                one_line(&error.to_string());
                break;
            }
        }
    }
    data
}

/// Where the size of its leaves is one of ours, what was read is written as it was.
fn is_written_again(read: &Sidecar) {
    let size = LeafSize::of_medium(ByteCount(read.offset.0));
    if size.bytes() != read.leaf_size {
        return;
    }
    let checkpoint = Checkpoint {
        offset: read.offset,
        leaf_root: read.leaf_root(),
        begun_leaf: None,
        unread: read.unread.clone(),
        states: Vec::new(),
    };
    let mut written = Vec::new();
    sidecar::write(&checkpoint, size, &read.leaves, &read.state, &mut written).unwrap();
    assert_eq!(Sidecar::parse(&written).unwrap(), *read);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_reach_what_was_stored() {
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in KINDS {
            let seed = std::fs::read(crate::corpus("checkpoint").join(name)).unwrap();
            let length = usize::from(u16::from_le_bytes([seed[1], seed[2]]));
            let (image, text) = seed[3..].split_at(length);
            let data = stored(kind, image, &Sidecar::parse(text).unwrap(), folder.path());
            assert!(data == medium()[..STORED], "{name}: {}", data.len());
        }
    }
}
