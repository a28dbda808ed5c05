//! Reads blocks in order. Where a large read fails it goes on in smaller pieces and at last by single sectors, so that
//! one bad sector costs one sector.

use crate::medium::{Medium, ReadFailure};
use crate::progress::Progress;
use evidence::{ByteCount, ByteOffset, Extent};
use std::sync::{PoisonError, RwLock};

/// The piece between a whole block and a sector: a failed read of a disk takes seconds, and most blocks with one bad
/// sector have no other.
const PIECE: usize = 64 << 10;

/// A range that could not be read; the block holds the fill of the medium's treatment there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFault {
    /// Where.
    pub extent: Extent,
    /// What the system said.
    pub error: String,
}

/// The medium is gone or shorter than it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceLost {
    /// The device answers no more.
    #[error("the source is gone at {offset}: {error}; check cable and power")]
    Gone {
        /// Where reading stopped.
        offset: ByteOffset,
        /// What the system said.
        error: String,
    },
    /// No data where there should be some.
    #[error("the source ends at {offset}, before the {size} it said it has")]
    Shorter {
        /// Where it ended.
        offset: ByteOffset,
        /// What it said.
        size: ByteCount,
    },
}

/// Why a block was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockEnd {
    /// Reading on makes no sense.
    #[error(transparent)]
    Lost(#[from] SourceLost),
    /// Somebody asked to stop.
    #[error("stopped at {0} as asked")]
    Stopped(ByteOffset),
}

/// Fills the front of `buffer` with the block at `offset` and returns its length: all of `buffer`, or what is left of
/// the medium. The buffer's length is a multiple of the medium's granule. `progress` is asked before each read whether to
/// stop: a block full of bad sectors takes hours on a disk that tries each for seconds.
///
/// # Errors
/// [`BlockEnd`]; the faults met before it are in `faults`.
pub fn read_block(
    medium: &mut dyn Medium,
    offset: ByteOffset,
    buffer: &mut [u8],
    progress: &Progress,
    faults: &mut Vec<ReadFault>,
) -> Result<usize, BlockEnd> {
    let wanted = wanted(medium, offset, buffer);
    let mut cursor = Cursor { medium, start: offset, wanted, progress, faults, tried: None };
    cursor.read_range(buffer, 0, wanted, &[PIECE])?;
    Ok(wanted)
}

/// As [`read_block`], where others read the same medium at the same time: whole blocks are read side by side, but who
/// meets an error reads alone until the block is done. A disk that fails is not made to seek between several of them.
///
/// # Errors
/// As [`read_block`].
pub fn read_block_beside_others(
    medium: &mut dyn Medium,
    offset: ByteOffset,
    buffer: &mut [u8],
    progress: &Progress,
    faults: &mut Vec<ReadFault>,
    turn: &RwLock<()>,
) -> Result<usize, BlockEnd> {
    let wanted = wanted(medium, offset, buffer);
    let mut cursor = Cursor { medium, start: offset, wanted, progress, faults, tried: None };
    if !progress.stop_asked() {
        let _side_by_side = turn.read().unwrap_or_else(PoisonError::into_inner);
        match cursor.read_once(buffer, 0, wanted) {
            Ok(count) if count >= wanted => return Ok(wanted),
            outcome => cursor.tried = Some(outcome),
        }
    }
    let _alone = turn.write().unwrap_or_else(PoisonError::into_inner);
    cursor.read_range(buffer, 0, wanted, &[PIECE])?;
    Ok(wanted)
}

fn wanted(medium: &dyn Medium, offset: ByteOffset, buffer: &[u8]) -> usize {
    let left = medium.size().0.saturating_sub(offset.0);
    buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX))
}

struct Cursor<'a> {
    medium: &'a mut dyn Medium,
    start: ByteOffset,
    wanted: usize,
    progress: &'a Progress,
    faults: &'a mut Vec<ReadFault>,
    /// What the read of the whole block gave, where it was made already.
    tried: Option<Result<usize, ReadFailure>>,
}

impl Cursor<'_> {
    /// Reads `from..to` of the block. What fails is read again in pieces of the first of `sizes`, what fails of those
    /// in pieces of the next, and at last sector by sector.
    fn read_range(
        &mut self,
        buffer: &mut [u8],
        from: usize,
        to: usize,
        sizes: &[usize],
    ) -> Result<(), BlockEnd> {
        let mut at = from;
        while at < to {
            if self.progress.stop_asked() {
                return Err(BlockEnd::Stopped(self.offset(at)));
            }
            match self.read_once(buffer, at, to) {
                Ok(count) if at.saturating_add(count) >= to => at = to,
                Ok(count) => {
                    let whole = count.checked_div(self.granule()).unwrap_or(0).saturating_mul(self.granule());
                    if whole == 0 && count > 0 {
                        self.keep_part(buffer, at, count, to)?;
                        at = at.saturating_add(self.granule()).min(to);
                    } else if count == 0 {
                        return Err(self.shorter(at));
                    } else {
                        at = at.saturating_add(whole);
                    }
                }
                Err(failure) if failure.gone => {
                    return Err(SourceLost::Gone { offset: self.offset(at), error: failure.error }.into());
                }
                Err(failure) => {
                    self.read_in_parts(buffer, at, to, sizes, failure)?;
                    at = to;
                }
            }
        }
        Ok(())
    }

    /// Of the granule at `at` only `count` bytes were given: the medium ends there, or the rest can't be read. Whether
    /// there is anything behind it tells which.
    fn keep_part(&mut self, buffer: &mut [u8], at: usize, count: usize, to: usize) -> Result<(), BlockEnd> {
        let (rest, next) = (at.saturating_add(count), at.saturating_add(self.granule()));
        if next < self.wanted {
            let end = next.saturating_add(self.granule()).min(self.wanted);
            if self.read_once(buffer, next, end) == Ok(0) {
                return Err(self.shorter(rest));
            }
        }
        self.give_up(buffer, rest, next.min(to), "the rest of this part was not given".to_owned());
        Ok(())
    }

    fn shorter(&self, at: usize) -> BlockEnd {
        SourceLost::Shorter { offset: self.offset(at), size: self.medium.size() }.into()
    }

    fn read_in_parts(
        &mut self,
        buffer: &mut [u8],
        from: usize,
        to: usize,
        sizes: &[usize],
        failure: ReadFailure,
    ) -> Result<(), BlockEnd> {
        let granule = self.granule();
        if to.saturating_sub(from) <= granule {
            return self.retry(buffer, from, to, failure);
        }
        let (part, finer) = match sizes.split_first() {
            Some((size, finer)) if *size > granule && *size < to.saturating_sub(from) => (*size, finer),
            _ => (granule, &[][..]),
        };
        let mut at = from;
        while at < to {
            let end = at.saturating_add(part).min(to);
            self.read_range(buffer, at, end, finer)?;
            at = end;
        }
        Ok(())
    }

    /// Tries a single granule again as often as the medium's treatment says, and gives it up.
    fn retry(
        &mut self,
        buffer: &mut [u8],
        from: usize,
        to: usize,
        first: ReadFailure,
    ) -> Result<(), BlockEnd> {
        let mut last = first;
        for _ in 0..self.medium.treatment().retries {
            if self.progress.stop_asked() {
                return Err(BlockEnd::Stopped(self.offset(from)));
            }
            match self.read_once(buffer, from, to) {
                Ok(count) if count >= to.saturating_sub(from) => return Ok(()),
                Ok(_) => {}
                Err(failure) if failure.gone => {
                    return Err(SourceLost::Gone { offset: self.offset(from), error: failure.error }.into());
                }
                Err(failure) => last = failure,
            }
        }
        self.give_up(buffer, from, to, last.error);
        Ok(())
    }

    /// One read of `at..to`. At the end of a medium of odd size the buffer's granule goes beyond it.
    fn read_once(&mut self, buffer: &mut [u8], at: usize, to: usize) -> Result<usize, ReadFailure> {
        if let Some(outcome) = self.tried.take() {
            return outcome;
        }
        let granule = self.granule();
        let end = if to == self.wanted { to.next_multiple_of(granule).min(buffer.len()) } else { to };
        let offset = self.offset(at);
        let part = buffer.get_mut(at..end).unwrap_or_default();
        self.medium.read_at(offset, part)
    }

    fn give_up(&mut self, buffer: &mut [u8], from: usize, to: usize, error: String) {
        let offset = self.offset(from);
        if let Some(part) = buffer.get_mut(from..to) {
            let treatment = self.medium.treatment();
            treatment.fill.apply(offset, treatment.sector, part);
        }
        let length = ByteCount(count(to.saturating_sub(from)));
        match self.faults.last_mut() {
            Some(last) if last.extent.end() == offset.0 && last.error == error => {
                last.extent.length.0 = last.extent.length.0.saturating_add(length.0);
            }
            _ => self.faults.push(ReadFault { extent: Extent { offset, length }, error }),
        }
    }

    fn granule(&self) -> usize {
        self.medium.granule().max(1)
    }

    fn offset(&self, at: usize) -> ByteOffset {
        ByteOffset(self.start.0.saturating_add(count(at)))
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
