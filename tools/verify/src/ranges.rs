//! A part of the medium: which, and reading no more than what proves it.

use crate::leaves::{Altered, StatedLeaves};
use crate::measurement::Measurement;
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet, HashAlgorithm, Hasher, SectorSize};
use formats::{FormatError, ImageReader};
use serde::Serialize;
use std::str::FromStr;

/// Bytes read at a time.
const BLOCK: u64 = 1 << 20;

/// A part of the medium as the command line names it: `OFFSET+LENGTH`, each in bytes, or in sectors with an `s` behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedRange {
    offset: Amount,
    length: Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Bytes(u64),
    Sectors(u64),
}

/// The sector of a medium, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sector {
    pub size: SectorSize,
    /// `image`, `record`, or `nobody`: then it is taken to have 512 bytes.
    pub stated_by: &'static str,
}

impl Sector {
    /// As a container states it, else as the record does.
    pub fn of(image: &dyn ImageReader, recorded: Option<SectorSize>) -> Self {
        let stated = |stated_by| move |size| Self { size, stated_by };
        let by_record = || recorded.map(stated("record"));
        let by_image = image.sector_size().map(stated("image"));
        by_image.or_else(by_record).unwrap_or(Self { size: SectorSize::S512, stated_by: "nobody" })
    }
}

/// A range that names no part of the medium.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Not of the form.
    #[error("'{0}' is no range: give OFFSET+LENGTH in bytes, or in sectors as 2048s+16s")]
    Form(String),
    /// Outside.
    #[error("--range: it ends beyond the medium, which has {0}: give a range within it")]
    Beyond(ByteCount),
}

impl FromStr for Amount {
    type Err = std::num::ParseIntError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.strip_suffix('s') {
            Some(sectors) => sectors.parse().map(Amount::Sectors),
            None => word.parse().map(Amount::Bytes),
        }
    }
}

impl Amount {
    fn bytes(self, sector: SectorSize) -> Option<u64> {
        match self {
            Amount::Bytes(bytes) => Some(bytes),
            Amount::Sectors(sectors) => sectors.checked_mul(u64::from(sector.bytes())),
        }
    }
}

impl FromStr for WantedRange {
    type Err = RangeError;

    fn from_str(words: &str) -> Result<Self, RangeError> {
        let parsed = words.split_once('+').and_then(|(offset, length)| {
            let (offset, length) = (offset.parse().ok()?, length.parse().ok()?);
            Some(Self { offset, length })
        });
        let empty = [Amount::Bytes(0), Amount::Sectors(0)];
        parsed
            .filter(|range| !empty.contains(&range.length))
            .ok_or_else(|| RangeError::Form(words.to_owned()))
    }
}

impl WantedRange {
    /// True where it takes the size of a sector to know what is meant.
    pub fn is_in_sectors(self) -> bool {
        [self.offset, self.length].iter().any(|amount| matches!(amount, Amount::Sectors(_)))
    }

    /// The bytes that it names of a medium with such sectors.
    ///
    /// # Errors
    /// [`RangeError::Beyond`].
    pub fn of(self, medium: ByteCount, sector: SectorSize) -> Result<Extent, RangeError> {
        let bytes = self.offset.bytes(sector).zip(self.length.bytes(sector));
        let within =
            |(offset, length): &(u64, u64)| offset.checked_add(*length).is_some_and(|end| end <= medium.0);
        let (offset, length) = bytes.filter(within).ok_or(RangeError::Beyond(medium))?;
        Ok(Extent { offset: ByteOffset(offset), length: ByteCount(length) })
    }
}

/// What was asked for, and what was read for it.
#[derive(Clone, Debug)]
pub struct Partial {
    pub asked: ExtentSet,
    /// Whole parts where the record states values of parts, else as asked.
    pub read: ExtentSet,
    /// The sector by which ranges in sectors were understood; none where all were in bytes.
    pub sector: Option<Sector>,
}

/// Reads what `asked` needs: the parts that it touches, where the record states their values.
///
/// # Errors
/// When a read fails in a way that tells no range to go on after.
pub fn measure(
    image: &mut dyn ImageReader,
    (asked, sector): (ExtentSet, Option<Sector>),
    leaves: Option<&StatedLeaves>,
) -> Result<Measurement, FormatError> {
    let medium = image.media_size();
    let read: ExtentSet = match leaves {
        Some(leaves) => asked.iter().map(|extent| whole_parts(extent, leaves.size, medium)).collect(),
        None => asked.clone(),
    };
    let mut measurement = Measurement::default();
    let mut altered = Altered::default();
    for extent in read.iter() {
        let Some(leaves) = leaves else {
            read_extent(image, extent, &mut measurement, &mut |_| ())?;
            continue;
        };
        let size = leaves.size.0.max(1);
        let mut at = extent.offset.0;
        while at < extent.end() {
            let length = ByteCount(size.min(extent.end().saturating_sub(at)));
            let part = Extent { offset: ByteOffset(at), length };
            let mut hasher = Hasher::new(HashAlgorithm::Blake3);
            let whole = read_extent(image, part, &mut measurement, &mut |bytes| hasher.update(bytes))?;
            let number = usize::try_from(at.checked_div(size).unwrap_or(0)).unwrap_or(usize::MAX);
            match whole {
                false => altered.unreadable.insert(part),
                true if leaves.values.get(number) == Some(&hasher.finish()) => {
                    altered.equal = altered.equal.saturating_add(1);
                }
                true => altered.ranges.insert(part),
            }
            at = part.end();
        }
    }
    measurement.altered = leaves.map(|_| altered);
    measurement.partial = Some(Partial { asked, read, sector });
    Ok(measurement)
}

/// The parts that a range touches.
fn whole_parts(extent: Extent, size: ByteCount, medium: ByteCount) -> Extent {
    let size = size.0.max(1);
    let start = extent.offset.0.checked_div(size).unwrap_or(0).saturating_mul(size);
    let end = extent.end().div_ceil(size).saturating_mul(size).min(medium.0);
    Extent { offset: ByteOffset(start), length: ByteCount(end.saturating_sub(start)) }
}

/// Gives every byte of `extent` to `take` and goes on past damage; false where there was some.
fn read_extent(
    image: &mut dyn ImageReader,
    extent: Extent,
    measurement: &mut Measurement,
    take: &mut dyn FnMut(&[u8]),
) -> Result<bool, FormatError> {
    let (mut at, mut whole, mut block) = (extent.offset.0, true, Vec::new());
    while at < extent.end() {
        let length = extent.end().saturating_sub(at).min(BLOCK);
        block.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        match image.read_at(ByteOffset(at), &mut block) {
            Ok(0) => return Ok(false),
            Ok(got) => {
                take(block.get(..got).unwrap_or_default());
                at = at.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
            }
            Err(error) => {
                let Some(lost) = error.media() else { return Err(error) };
                at = lost.end().max(at.saturating_add(1));
                measurement.note(&error, lost);
                whole = false;
            }
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(offset: u64, length: u64) -> Extent {
        Extent { offset: ByteOffset(offset), length: ByteCount(length) }
    }

    #[test]
    fn a_range_is_in_bytes_or_in_sectors_of_the_medium() {
        let of = |words: &str, sector| {
            words.parse::<WantedRange>().unwrap().of(ByteCount(1 << 30), SectorSize::new(sector).unwrap())
        };
        assert_eq!(of("1048576+512", 512).unwrap(), extent(1 << 20, 512));
        assert_eq!(of("2048s+16s", 512).unwrap(), extent(1 << 20, 8192));
        assert_eq!(of("2048s+1", 4096).unwrap(), extent(8 << 20, 1));
        assert_eq!(of("1073741823+1", 512).unwrap(), extent((1 << 30) - 1, 1));
        for beyond in ["1073741823+2", "18446744073709551615s+1", "18446744073709551615+1", "2097152s+1s"] {
            assert!(matches!(of(beyond, 512), Err(RangeError::Beyond(_))), "{beyond}");
        }
        for wrong in ["", "1", "1+", "+1", "1+0", "1+0s", "-1+2", "1-2", "1+2+3", "s+1", "0x10+1", "1 + 2"] {
            assert!(wrong.parse::<WantedRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_range_takes_the_whole_parts_that_it_touches() {
        let (size, medium) = (ByteCount(1 << 20), ByteCount((5 << 20) + 77));
        for (asked, wanted) in [
            ((0, 1), (0, 1 << 20)),
            (((1 << 20) - 1, 2), (0, 2 << 20)),
            ((1 << 20, 1 << 20), (1 << 20, 1 << 20)),
            ((5 << 20, 77), (5 << 20, 77)),
        ] {
            let whole = whole_parts(extent(asked.0, asked.1), size, medium);
            assert_eq!(whole, extent(wanted.0, wanted.1), "{asked:?}");
        }
    }
}
