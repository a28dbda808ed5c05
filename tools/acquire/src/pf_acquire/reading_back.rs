//! Reading back what was written, and saying where it is another.

use super::failure::Failure;
use super::records::Records;
use super::screen::Screen;
use acquire::medium::ReadBack;
use acquire::pipeline::{self, Imaged, Limits, PipelineError};
use acquire::progress::Progress;
use evidence::{ByteCount, ByteOffset, Digest, Extent, ExtentSet, HashAlgorithm, HashSet};
use formats::{FormatError, Segment};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use record::{Leaves, Verification};
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Places told one by one of what is not what was written.
const MOST_PLACES: usize = 100;

/// Puts the leaves of the hash tree into the record.
pub fn record_leaves(imaged: &Imaged, record: &mut Records) -> Result<(), Failure> {
    for entry in Leaves::entries(imaged.leaf_size.bytes(), &imaged.leaves) {
        record.append(&entry)?;
    }
    Ok(())
}

/// Reads the image back from its medium, past the page cache, and compares; of a container whose data are what was written,
/// hashes the files as well. Gives what was read, where it could be.
pub fn read_back(
    segments: &[Segment],
    written: &Imaged,
    media_size: ByteCount,
    limits: Limits,
    progress: &Progress,
) -> Result<(Verification, Option<Imaged>), PipelineError> {
    for segment in segments {
        // The segments are on their medium already, so their pages can go; where they stay, the read is less of a proof
        // but no less of a comparison.
        if let Ok(file) = File::open(&segment.path) {
            let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        }
    }
    let failed = |mismatch: String| (verification(HashSet::new(), vec![mismatch]), None);
    let Some(first) = segments.first() else { return Ok(failed("there is no segment".to_owned())) };
    let mut image = match formats::open(&first.path) {
        Ok(image) => image,
        Err(error) => return Ok(failed(error.to_string())),
    };
    let mut mismatches: Vec<String> = image.check().iter().map(ToString::to_string).collect();
    if image.media_size() != media_size {
        mismatches.push(format!("the image holds {}, the source {media_size}", image.media_size()));
    }
    let algorithms: Vec<HashAlgorithm> = written.hashes.iter().map(|(algorithm, _)| algorithm).collect();
    let mut screen = Screen::new("reading back", media_size);
    let hashed = if image.is_container() { segments } else { &[] };
    let ended = AtomicBool::new(false);
    let goes_on = || !ended.load(Ordering::Relaxed) && !progress.stop_asked();
    let resources = |error: std::io::Error| PipelineError::Resources(error.to_string());
    let (read, files) = thread::scope(|scope| {
        // Beside the reading of the media data, so that what one of them has read the other finds in memory.
        let hash = || -> Result<Option<Vec<Digest>>, FormatError> {
            hashed.iter().map(|segment| formats::file_hash(&segment.path, &goes_on)).collect()
        };
        let hashing = thread::Builder::new().name("hash files".to_owned()).spawn_scoped(scope, hash);
        let hashing = hashing.map_err(resources)?;
        let read = pipeline::run(&mut ReadBack::new(image), [], &algorithms, limits, progress, &mut screen);
        ended.store(read.is_err(), Ordering::Relaxed);
        let files = hashing.join().map_err(|_| resources(std::io::Error::other("a thread ended")))?;
        Ok::<_, PipelineError>((read?, files))
    })?;
    mismatches.extend(differences(written, &read, Extent { offset: ByteOffset(0), length: media_size }));
    let files = match files {
        Ok(Some(files)) => files,
        Ok(None) => return Err(PipelineError::Stopped(ByteOffset(media_size.0))),
        Err(error) => {
            mismatches.push(error.to_string());
            Vec::new()
        }
    };
    let mut verified = verification(read.hashes.clone(), mismatches);
    if verified.matches {
        verified.files = files;
    }
    Ok((verified, Some(read)))
}

/// What was found in one place; it matches where there are no mismatches.
pub fn verification(hashes: HashSet, mismatches: Vec<String>) -> Verification {
    let matches = mismatches.is_empty();
    Verification { destination: None, hashes, matches, mismatches, files: Vec::new() }
}

/// What of `written`, which lies at `place`, reads as something else: the places, and the hash values over all of it.
pub fn differences(written: &Imaged, read: &Imaged, place: Extent) -> Vec<String> {
    let there = |extent: &Extent| {
        let offset = ByteOffset(place.offset.0.saturating_add(extent.offset.0));
        Extent { offset, ..*extent }
    };
    let unread = read.unread.iter().map(|extent| format!("can't be read back: {}", there(&extent)));
    let mut told: Vec<String> = unread.collect();
    for (algorithm, digest) in written.hashes.iter() {
        if read.hashes.get(algorithm) != Some(digest) {
            told.push(format!("{algorithm} of what was read back is another"));
        }
    }
    let pairs = (0..).zip(written.leaves.iter().zip(&read.leaves));
    let differing = pairs.filter(|(_, (written, read))| written != read);
    // Neighbours are told as one.
    let places: ExtentSet =
        differing.map(|(number, _)| written.leaf_size.extent(number, place.length)).collect();
    let shown = places.iter().take(MOST_PLACES);
    told.extend(shown.map(|extent| format!("other data than was written: {}", there(&extent))));
    let more = places.len().saturating_sub(MOST_PLACES);
    if more > 0 {
        told.push(format!("other data than was written: {more} more places"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::LeafSize;

    fn imaged(leaves: &[u8], size: u64) -> Imaged {
        Imaged {
            hashes: HashSet::new(),
            unread: ExtentSet::new(),
            leaf_size: LeafSize::of_medium(ByteCount(size)),
            leaves: leaves.iter().map(|byte| Digest::from_bytes(&[*byte; 32])).collect(),
            images: Vec::new(),
        }
    }

    #[test]
    fn what_differs_is_told_by_its_place_on_the_disk() {
        let length = (4 << 20) + 512;
        let place = Extent { offset: ByteOffset(1 << 30), length: ByteCount(length) };
        let (written, mut read) = (imaged(&[1, 2, 3, 4, 5], length), imaged(&[1, 9, 9, 4, 9], length));
        read.unread.insert(Extent { offset: ByteOffset(512), length: ByteCount(512) });
        let extent = |offset, length| Extent { offset: ByteOffset(offset), length: ByteCount(length) };
        let wanted = [
            format!("can't be read back: {}", extent((1 << 30) + 512, 512)),
            format!("other data than was written: {}", extent((1 << 30) + (1 << 20), 2 << 20)),
            format!("other data than was written: {}", extent((1 << 30) + (4 << 20), 512)),
        ];
        assert_eq!(differences(&written, &read, place), wanted);
        assert_eq!(differences(&written, &written, place), [""; 0]);
    }

    #[test]
    fn of_very_many_places_the_number_is_told() {
        let written = imaged(&[1; 300], 300 << 20);
        let every_other: Vec<u8> = (0..300).map(|leaf| if leaf % 2 == 0 { 1 } else { 2 }).collect();
        let read = imaged(&every_other, 300 << 20);
        let told =
            differences(&written, &read, Extent { offset: ByteOffset(0), length: ByteCount(300 << 20) });
        assert_eq!(told.len(), MOST_PLACES + 1);
        assert!(told.last().is_some_and(|last| last.ends_with("50 more places")), "{told:?}");
    }
}
