//! Parts of media: the front of a disk that holds more than its source, and the zeros that are put behind it.

use crate::medium::{Medium, ReadFailure};
use crate::treatment::Treatment;
use evidence::{ByteCount, ByteOffset, Extent};

/// A stretch of a medium, as if it were all of it. It begins on a border of the medium's granules.
pub struct Stretch {
    medium: Box<dyn Medium>,
    extent: Extent,
}

impl Stretch {
    /// What of `extent` the medium reaches.
    pub fn new(medium: impl Medium + 'static, extent: Extent) -> Self {
        let end = extent.end().min(medium.size().0);
        let length = ByteCount(end.saturating_sub(extent.offset.0));
        Self { medium: Box::new(medium), extent: Extent { offset: extent.offset, length } }
    }
}

impl Medium for Stretch {
    fn size(&self) -> ByteCount {
        self.extent.length
    }

    fn granule(&self) -> usize {
        self.medium.granule()
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let left = usize::try_from(self.extent.length.0.saturating_sub(offset.0)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(0);
        }
        // Up to the border behind the end: direct reads are of whole granules.
        let whole = left.checked_next_multiple_of(self.granule().max(1)).unwrap_or(left).min(buffer.len());
        let at = ByteOffset(self.extent.offset.0.saturating_add(offset.0));
        let read = self.medium.read_at(at, buffer.get_mut(..whole).unwrap_or_default())?;
        Ok(read.min(left))
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        Some(Box::new(Self { medium: self.medium.another()?, extent: self.extent }))
    }

    fn treatment(&self) -> &Treatment {
        self.medium.treatment()
    }
}

impl Medium for Box<dyn Medium> {
    fn size(&self) -> ByteCount {
        (**self).size()
    }

    fn granule(&self) -> usize {
        (**self).granule()
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        (**self).read_at(offset, buffer)
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        (**self).another()
    }

    fn treatment(&self) -> &Treatment {
        (**self).treatment()
    }
}

/// So many zeros.
pub struct Zeros(pub ByteCount);

impl Medium for Zeros {
    fn size(&self) -> ByteCount {
        self.0
    }

    fn granule(&self) -> usize {
        512
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let left = usize::try_from(self.0.0.saturating_sub(offset.0)).unwrap_or(usize::MAX).min(buffer.len());
        buffer.get_mut(..left).unwrap_or_default().fill(0);
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte tells its offset; what is read ends on borders of four bytes.
    struct Counting(u64);

    impl Medium for Counting {
        fn size(&self) -> ByteCount {
            ByteCount(self.0)
        }

        fn granule(&self) -> usize {
            4
        }

        fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
            assert_eq!((offset.0 % 4, buffer.len() % 4), (0, 0), "a direct read of a part of a granule");
            let left = usize::try_from(self.0 - offset.0).unwrap().min(buffer.len());
            for (at, byte) in (offset.0..).zip(&mut buffer[..left]) {
                *byte = u8::try_from(at).unwrap();
            }
            Ok(left)
        }
    }

    fn stretch(from: u64, length: u64) -> Stretch {
        Stretch::new(Counting(100), Extent { offset: ByteOffset(from), length: ByteCount(length) })
    }

    #[test]
    fn a_stretch_ends_where_it_should_and_not_where_the_medium_does() {
        let mut buffer = [0xff; 16];
        let mut part = stretch(8, 14);
        assert_eq!(part.size(), ByteCount(14));
        assert_eq!(part.read_at(ByteOffset(0), &mut buffer), Ok(14));
        assert_eq!(buffer[..14], [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
        assert_eq!(part.read_at(ByteOffset(12), &mut buffer), Ok(2));
        assert_eq!(part.read_at(ByteOffset(14), &mut buffer), Ok(0));
        assert_eq!(stretch(96, 50).size(), ByteCount(4), "no more than the medium has");
    }
}
