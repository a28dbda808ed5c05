//! Does a medium say the same twice? Reads it again, as a whole or in parts, and compares with what was kept.

use super::Told;
use super::mapfile::between;
use super::recover::read;
use crate::block_reader::SourceLost;
use crate::medium::Medium;
use crate::progress::Progress;
use device::{AlignedBuffer, BufferError};
use evidence::{ByteOffset, Digest, Extent, ExtentSet, HashAlgorithm, Hasher};
use std::str::FromStr;

/// What is read and compared at a time.
const PIECE: u64 = 64 << 10;

/// Pieces that tell whether raw data come from a medium.
const SAMPLES: u64 = 64;

/// How much is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u8);

impl FromStr for Share {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let percent = if word == "all" { Ok(100) } else { word.trim_end_matches('%').parse() };
        percent
            .ok()
            .filter(|percent| (1..=100).contains(percent))
            .map(Share)
            .ok_or_else(|| format!("'{word}' is no share: give 1 to 100 percent, or all"))
    }
}

impl Share {
    /// Percent of the medium.
    #[must_use]
    pub fn percent(self) -> u8 {
        self.0
    }

    /// Whether the piece of that number belongs to it; the pieces are spread evenly.
    fn takes(self, piece: u64) -> bool {
        let before = |pieces: u64| pieces.saturating_mul(u64::from(self.0)) / 100;
        before(piece) != before(piece.saturating_add(1))
    }
}

/// A range of which two readings differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstable {
    /// Where.
    pub extent: Extent,
    /// SHA-256 of the first reading, which is kept.
    pub first: Digest,
    /// SHA-256 of the second; `None` when it could not be read again.
    pub second: Option<Digest>,
}

/// What reading again came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reread {
    /// Bytes compared.
    pub compared: u64,
}

/// Reading again ended early.
#[derive(Debug, thiserror::Error)]
pub enum RereadEnd {
    /// The source is gone.
    #[error(transparent)]
    Source(#[from] SourceLost),
    /// What was kept can't be read.
    #[error("what was kept could not be read for the comparison: {0}")]
    Kept(String),
    /// Somebody asked to stop.
    #[error("stopped at {0} as asked")]
    Stopped(ByteOffset),
    /// The caller could not keep what it was told.
    #[error(transparent)]
    Caller(Box<dyn std::error::Error + Send + Sync>),
    /// No memory.
    #[error(transparent)]
    Memory(#[from] BufferError),
}

/// Where two readings of the range at `offset` differ, by granules; neighbours are told as one.
#[must_use]
pub fn differing(offset: ByteOffset, granule: usize, first: &[u8], second: &[u8]) -> Vec<Unstable> {
    let granule = granule.max(1);
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let length = first.len().min(second.len());
    let pieces = first.chunks(granule).zip(second.chunks(granule)).enumerate();
    for (index, _) in pieces.filter(|(_, (first, second))| first != second) {
        let start = index.saturating_mul(granule);
        let end = start.saturating_add(granule).min(length);
        match ranges.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => ranges.push((start, end)),
        }
    }
    let told = |(start, end): (usize, usize)| {
        let digest =
            |data: &[u8]| Hasher::of(HashAlgorithm::Sha256, data.get(start..end).unwrap_or_default());
        let at = |within: usize| offset.0.saturating_add(u64::try_from(within).unwrap_or(u64::MAX));
        Unstable { extent: between(at(start), at(end)), first: digest(first), second: Some(digest(second)) }
    };
    ranges.into_iter().map(told).collect()
}

/// Reads `share` of `source` again, but for `unread`, and compares it with `kept`. Each difference goes to `found`.
///
/// # Errors
/// [`RereadEnd`]; differences found before are told.
pub fn reread(
    source: &mut dyn Medium,
    kept: &mut dyn Medium,
    unread: &ExtentSet,
    share: Share,
    progress: &Progress,
    found: &mut dyn FnMut(&Unstable) -> Told,
) -> Result<Reread, RereadEnd> {
    let mut pair = Pair::new()?;
    let mut done = Reread::default();
    for piece in read_ranges(source.size().0, unread).filter(|piece| share.takes(piece.offset.0 / PIECE)) {
        if progress.stop_asked() {
            return Err(RereadEnd::Stopped(piece.offset));
        }
        for unstable in pair.compare(source, kept, piece)? {
            found(&unstable).map_err(RereadEnd::Caller)?;
        }
        done.compared = done.compared.saturating_add(piece.length.0);
        progress.advance(piece.length.0, 0);
    }
    Ok(done)
}

/// Compares pieces spread over everything that was recovered with the source. Returns how many agree, and where the first
/// difference is.
///
/// # Errors
/// [`RereadEnd`].
pub fn same_medium(
    source: &mut dyn Medium,
    kept: &mut dyn Medium,
    unread: &ExtentSet,
) -> Result<(u64, Option<Extent>), RereadEnd> {
    let mut pair = Pair::new()?;
    let count = u64::try_from(read_ranges(source.size().0, unread).count()).unwrap_or(u64::MAX);
    let step = usize::try_from(count.div_ceil(SAMPLES)).unwrap_or(usize::MAX).max(1);
    let mut agree = 0u64;
    for piece in read_ranges(source.size().0, unread).step_by(step) {
        let differences = pair.compare(source, kept, piece)?;
        // What can't be read now says nothing of what it was.
        if let Some(different) = differences.iter().find(|unstable| unstable.second.is_some()) {
            return Ok((agree, Some(different.extent)));
        }
        agree = agree.saturating_add(u64::from(differences.is_empty()));
    }
    Ok((agree, None))
}

/// Pieces of the medium that were read.
fn read_ranges(size: u64, unread: &ExtentSet) -> impl Iterator<Item = Extent> + '_ {
    let holes: Vec<Extent> = unread.iter().collect();
    let starts = std::iter::once(0).chain(unread.iter().map(|extent| extent.end()));
    let ends = holes.into_iter().map(|extent| extent.offset.0).chain(std::iter::once(size));
    starts.zip(ends).flat_map(|(start, end)| {
        let mut at = start;
        std::iter::from_fn(move || {
            let border = at.saturating_add(1).next_multiple_of(PIECE).min(end);
            let piece = (at < end).then(|| between(at, border));
            at = border;
            piece
        })
    })
}

struct Pair {
    first: AlignedBuffer,
    second: AlignedBuffer,
}

impl Pair {
    fn new() -> Result<Self, BufferError> {
        let size = usize::try_from(2 * PIECE).unwrap_or(usize::MAX);
        Ok(Self { first: AlignedBuffer::new(size)?, second: AlignedBuffer::new(size)? })
    }

    fn compare(
        &mut self,
        source: &mut dyn Medium,
        kept: &mut dyn Medium,
        piece: Extent,
    ) -> Result<Vec<Unstable>, RereadEnd> {
        let length = usize::try_from(piece.length.0).unwrap_or(usize::MAX);
        let mut filled = 0usize;
        while filled < length {
            let from = between(
                piece.offset.0.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX)),
                piece.end(),
            );
            let rest = self.first.get_mut(filled..).unwrap_or_default();
            let count = read(kept, from, rest).map_err(|failure| RereadEnd::Kept(failure.error))?;
            filled = filled.saturating_add(count);
        }
        let first = self.first.get(..length).unwrap_or_default();
        match read(source, piece, &mut self.second) {
            Ok(count) if count == length => {
                let second = self.second.get(..length).unwrap_or_default();
                Ok(differing(piece.offset, source.granule(), first, second))
            }
            Err(failure) if failure.gone => {
                Err(SourceLost::Gone { offset: piece.offset, error: failure.error }.into())
            }
            _ => Ok(vec![Unstable {
                extent: piece,
                first: Hasher::of(HashAlgorithm::Sha256, first),
                second: None,
            }]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_by_sectors_and_neighbours_as_one() {
        let first = vec![1u8; 2048];
        let mut second = first.clone();
        second[600] = 2;
        second[1100] = 2;
        let told = differing(ByteOffset(4096), 512, &first, &second);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].extent, between(4096 + 512, 4096 + 1536));
        assert_ne!(Some(&told[0].first), told[0].second.as_ref());
        assert!(differing(ByteOffset(0), 512, &first, &first).is_empty());
    }

    #[test]
    fn a_share_is_spread_evenly_and_whole_where_it_is_all() {
        let taken =
            |share: &str| (0..1000).filter(|piece| share.parse::<Share>().unwrap().takes(*piece)).count();
        assert_eq!((taken("all"), taken("10"), taken("1%")), (1000, 100, 10));
        for wrong in ["0", "101", "half", ""] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn pieces_keep_clear_of_what_was_not_read() {
        let unread: ExtentSet = [between(0, 512), between(PIECE, PIECE + 512)].into_iter().collect();
        let pieces: Vec<Extent> = read_ranges(2 * PIECE + 10, &unread).collect();
        let end = 2 * PIECE;
        assert_eq!(pieces, [between(512, PIECE), between(PIECE + 512, end), between(end, end + 10)]);
    }
}
