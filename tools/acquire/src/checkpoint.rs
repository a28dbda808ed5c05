//! When an image is made durable so far that a later run can go on with it, and what is told then.

use crate::block::{BLOCK_SIZE, offset_of};
use evidence::{ByteCount, ByteOffset, Digest, ExtentSet};
use std::time::{Duration, Instant};

/// What a loss of power may cost, where the medium is read quickly enough.
const USUAL: Duration = Duration::from_secs(15);
/// What it may cost on a medium so slow that [`SHARE`] of it takes longer.
const LATEST: Duration = Duration::from_secs(300);
/// A checkpoint is an entry of the record, which has room for 100 000: at most so many come by progress.
const SHARE: u64 = 10_000;

/// How often an image is made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Not before its end.
    Never,
    /// After 15 seconds and a ten thousandth of the medium, or after five minutes.
    Usual,
    /// Whenever so much of the medium was stored.
    Every(ByteCount),
}

/// A place up to which every image that goes on is durable.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Media offset behind the last block.
    pub offset: ByteOffset,
    /// Root over all leaves up to there, the last as far as it came.
    pub leaf_root: Digest,
    /// The value of the last leaf where the checkpoint lies within it.
    pub begun_leaf: Option<Digest>,
    /// What could not be read before it.
    pub unread: ExtentSet,
    /// What each image needs to be gone on with, in the order of the writers; `None` for one that failed.
    pub states: Vec<Option<String>>,
}

/// Tells when the next checkpoint is due.
pub(crate) struct Due {
    interval: Interval,
    media_size: u64,
    /// Blocks of the last one, and when it was.
    last: (u64, Instant),
    /// Blocks stored.
    stored: u64,
}

impl Due {
    /// For a medium of which `blocks` are durable already.
    pub(crate) fn new(interval: Interval, media_size: ByteCount, blocks: u64) -> Self {
        Self { interval, media_size: media_size.0, last: (blocks, Instant::now()), stored: blocks }
    }

    /// Takes note of a block. Gives the number of blocks where a checkpoint is due behind it.
    pub(crate) fn after(&mut self, number: u64, length: usize) -> Option<u64> {
        self.stored = number.saturating_add(1);
        let (blocks, at) = self.last;
        let since = offset_of(self.stored).0.saturating_sub(offset_of(blocks).0);
        let is_due = match self.interval {
            Interval::Never => false,
            Interval::Every(size) => since >= size.0,
            Interval::Usual => {
                let elapsed = at.elapsed();
                elapsed >= LATEST || (elapsed >= USUAL && since >= self.media_size / SHARE)
            }
        };
        // The end of the medium needs none: the image is closed then.
        let is_whole = length == BLOCK_SIZE && offset_of(self.stored).0 < self.media_size;
        (is_due && is_whole).then(|| self.begin())
    }

    /// As [`Due::after`], where no further block comes.
    pub(crate) fn at_the_end(&mut self) -> Option<u64> {
        let something = self.stored > self.last.0 && self.interval != Interval::Never;
        (something && offset_of(self.stored).0 < self.media_size).then(|| self.begin())
    }

    fn begin(&mut self) -> u64 {
        self.last = (self.stored, Instant::now());
        self.stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(interval: Interval, size: u64) -> Vec<u64> {
        let mut due = Due::new(interval, ByteCount(size), 0);
        let block = u64::try_from(BLOCK_SIZE).unwrap();
        let blocks = (0..size.div_ceil(block)).map(|number| (number, (size - number * block).min(block)));
        blocks.filter_map(|(number, length)| due.after(number, usize::try_from(length).unwrap())).collect()
    }

    #[test]
    fn a_checkpoint_is_behind_whole_blocks_and_never_at_the_end() {
        let every = |mib: u64| Interval::Every(ByteCount(mib << 20));
        assert_eq!(offered(every(3), 10 << 20), [3, 6, 9]);
        assert_eq!(offered(every(1), 3 << 20), [1, 2]);
        assert_eq!(offered(every(1), (3 << 20) + 5), [1, 2, 3]);
        assert_eq!(offered(Interval::Never, 10 << 20), [0; 0]);
        assert_eq!(offered(Interval::Usual, 10 << 20), [0; 0], "15 seconds are not over");
    }

    #[test]
    fn a_run_that_stops_ends_with_one_unless_nothing_was_stored_since() {
        let mut due = Due::new(Interval::Usual, ByteCount(10 << 20), 4);
        assert_eq!(due.at_the_end(), None);
        assert_eq!(due.after(4, BLOCK_SIZE), None);
        assert_eq!((due.at_the_end(), due.at_the_end()), (Some(5), None));
    }
}
