//! Rescued raw data as a medium: what was not recovered fails again, so that the pipeline fills and names it like any
//! sector that can't be read.

use crate::medium::{Medium, ReadFailure};
use crate::treatment::Treatment;
use device::{AlignedBuffer, BufferError, DirectFile};
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet};

/// Room for reads off the borders that direct reads of a file want.
const BOUNCE: usize = 64 << 10;

/// Raw data with the ranges that are missing in it.
pub struct RescuedMedium {
    raw: DirectFile,
    unread: Vec<Extent>,
    granule: usize,
    treatment: Treatment,
    bounce: AlignedBuffer,
}

impl RescuedMedium {
    /// Joins them. `granule` is the source's, which may be smaller than what direct reads of the file want.
    ///
    /// # Errors
    /// When there is no memory for a buffer.
    pub fn new(
        raw: DirectFile,
        granule: usize,
        unread: &ExtentSet,
        treatment: Treatment,
    ) -> Result<Self, BufferError> {
        Ok(Self {
            raw,
            unread: unread.iter().collect(),
            granule,
            treatment,
            bounce: AlignedBuffer::new(BOUNCE)?,
        })
    }

    /// Reads what borders of the file's alignment do not enclose.
    fn read_off_borders(
        &mut self,
        offset: ByteOffset,
        buffer: &mut [u8],
    ) -> Result<usize, device::DirectError> {
        let alignment = u64::from(self.raw.alignment()).max(1);
        let ahead = offset.0.checked_rem(alignment).unwrap_or(0);
        let start = ByteOffset(offset.0.saturating_sub(ahead));
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        let count = self.raw.read_at(start, &mut self.bounce)?;
        let data = self.bounce.get(ahead..count).unwrap_or_default();
        let length = data.len().min(buffer.len());
        buffer.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
        Ok(length)
    }
}

impl Medium for RescuedMedium {
    fn size(&self) -> ByteCount {
        self.raw.size()
    }

    fn granule(&self) -> usize {
        self.granule
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let next = self.unread.partition_point(|extent| extent.end() <= offset.0);
        let until = match self.unread.get(next) {
            Some(extent) if extent.offset.0 <= offset.0 => {
                return Err(ReadFailure {
                    error: "could not be read from the source".to_owned(),
                    gone: false,
                });
            }
            Some(extent) => extent.offset.0,
            None => u64::MAX,
        };
        let limit = usize::try_from(until.saturating_sub(offset.0)).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..limit).unwrap_or_default();
        let alignment = u64::from(self.raw.alignment()).max(1);
        let whole = offset.0.is_multiple_of(alignment)
            && u64::try_from(limit).is_ok_and(|limit| limit.is_multiple_of(alignment));
        let read = if whole { self.raw.read_at(offset, part) } else { self.read_off_borders(offset, part) };
        read.map_err(|error| ReadFailure { error: error.to_string(), gone: false })
    }

    fn treatment(&self) -> &Treatment {
        &self.treatment
    }
}
