//! Byte and sector newtypes: a number never travels without its unit.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Position in bytes from the start of a device, file or image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteOffset(pub u64);

/// A length in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

/// Logical block address: position in logical sectors from the start of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lba(pub u64);

/// A length in logical sectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SectorCount(pub u64);

/// Size of a logical sector in bytes: a power of two from 512 to 65 536.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u32")]
pub struct SectorSize(u32);

/// A number that cannot be what its unit says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Sector sizes are powers of two between 512 and 65 536; 520- and 528-byte formats carry protection data.
    #[error("{0} is not a sector size: expected a power of two from 512 to 65536")]
    SectorSize(u64),
    /// A length as a person writes it.
    #[error("'{0}' is no size above zero: write a number, with KiB, MiB, GiB or TiB behind it")]
    Size(String),
}

/// `123`, `650MiB`, `2GiB`, `2G`; binary units.
impl FromStr for ByteCount {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let digits = text.len().saturating_sub(text.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let (number, unit) = text.split_at(digits);
        let shift = match unit.trim() {
            "" | "B" => Some(0),
            "K" | "KiB" => Some(10),
            "M" | "MiB" => Some(20),
            "G" | "GiB" => Some(30),
            "T" | "TiB" => Some(40),
            _ => None,
        };
        let bytes = number.parse::<u64>().ok().zip(shift).and_then(|(n, shift)| n.checked_mul(1u64 << shift));
        bytes.filter(|bytes| *bytes > 0).map(ByteCount).ok_or_else(|| UnitError::Size(text.to_owned()))
    }
}

impl SectorSize {
    /// The size nearly every disk presents.
    pub const S512: SectorSize = SectorSize(512);

    /// Accepts a power of two from 512 to 65 536.
    ///
    /// # Errors
    /// [`UnitError::SectorSize`] for everything else.
    pub fn new(bytes: u64) -> Result<Self, UnitError> {
        match u32::try_from(bytes) {
            Ok(size @ 512..=65_536) if size.is_power_of_two() => Ok(Self(size)),
            _ => Err(UnitError::SectorSize(bytes)),
        }
    }

    /// The size in bytes.
    #[must_use]
    pub fn bytes(self) -> u32 {
        self.0
    }

    /// The sector that holds the byte at `offset`.
    #[must_use]
    pub fn lba_of(self, offset: ByteOffset) -> Lba {
        Lba(offset.0 / u64::from(self.0))
    }

    /// How many sectors `length` touches when it starts on a sector border; a part of a sector counts as one.
    #[must_use]
    pub fn sectors_in(self, length: ByteCount) -> SectorCount {
        SectorCount(length.0.div_ceil(u64::from(self.0)))
    }
}

impl TryFrom<u64> for SectorSize {
    type Error = UnitError;

    fn try_from(bytes: u64) -> Result<Self, Self::Error> {
        Self::new(bytes)
    }
}

impl From<SectorSize> for u32 {
    fn from(size: SectorSize) -> u32 {
        size.0
    }
}

impl fmt::Display for ByteOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", Grouped(self.0))
    }
}

impl fmt::Display for Lba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LBA {}", Grouped(self.0))
    }
}

impl fmt::Display for SectorCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sectors", Grouped(self.0))
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", Grouped(self.0))?;
        match self.0 {
            0..1024 => Ok(()),
            _ => write!(f, " ({})", self.short()),
        }
    }
}

impl ByteCount {
    /// The length in the largest binary unit that keeps a whole part, one decimal: `232.8 GiB`.
    #[must_use]
    pub fn short(self) -> String {
        const UNITS: [(&str, u32); 6] =
            [("EiB", 60), ("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
        for (name, shift) in UNITS {
            let unit = 1u64 << shift;
            if self.0 >= unit {
                let whole = self.0 / unit;
                // Fits: the remainder is below 2^60, so ten times it is below 2^64.
                let tenth = (self.0 % unit) * 10 / unit;
                return format!("{whole}.{tenth} {name}");
            }
        }
        format!("{} B", self.0)
    }
}

/// A number with thin groups of three digits, as the standards print sector counts.
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_size_is_a_power_of_two_from_512() {
        assert_eq!(SectorSize::new(4096).unwrap().bytes(), 4096);
        for wrong in [0, 1, 511, 520, 528, 65_537, 131_072, u64::MAX] {
            assert_eq!(SectorSize::new(wrong), Err(UnitError::SectorSize(wrong)));
        }
    }

    #[test]
    fn a_length_reads_exactly_and_at_a_glance() {
        assert_eq!(ByteCount(512).to_string(), "512 bytes");
        assert_eq!(ByteCount(1024).to_string(), "1 024 bytes (1.0 KiB)");
        assert_eq!(ByteCount(u64::MAX).short(), "15.9 EiB");
        assert_eq!(Lba(81_920).to_string(), "LBA 81 920");
    }

    #[test]
    fn a_part_of_a_sector_counts_as_one() {
        let sector = SectorSize::new(4096).unwrap();
        assert_eq!(sector.sectors_in(ByteCount(4097)), SectorCount(2));
        assert_eq!(sector.lba_of(ByteOffset(4095)), Lba(0));
    }
}
