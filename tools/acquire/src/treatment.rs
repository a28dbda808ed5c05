//! What is done about a part of a medium that can't be read: how often it is tried again, and what stands in its place.

use evidence::{ByteOffset, SectorSize};
use std::fmt;
use std::str::FromStr;

/// Longest pattern in bytes.
const LONGEST_PATTERN: usize = 64;

/// Length of the text that names a sector; every sector size is a multiple of it.
const TEXT: usize = 32;

/// What stands in an image in place of unread data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// Zeros.
    #[default]
    Zeros,
    /// These bytes again and again, counted from the beginning of the medium.
    Pattern(Vec<u8>),
    /// `BAD SECTOR` and the sector's LBA in 20 digits, a line of 32 bytes again and again.
    Text,
}

/// How unread parts are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// How often a sector that can't be read is tried again.
    pub retries: u32,
    /// What stands in its place.
    pub fill: Fill,
    /// Size of the sectors that [`Fill::Text`] counts.
    pub sector: SectorSize,
}

impl Treatment {
    /// No further attempts, zeros.
    pub const PLAIN: Treatment = Treatment { retries: 0, fill: Fill::Zeros, sector: SectorSize::S512 };
}

impl Fill {
    /// Puts into `buffer` what stands in place of the medium's data at `offset`.
    pub fn apply(&self, offset: ByteOffset, sector: SectorSize, buffer: &mut [u8]) {
        match self {
            Fill::Zeros => buffer.fill(0),
            Fill::Pattern(pattern) => {
                let length = u64::try_from(pattern.len()).unwrap_or(u64::MAX).max(1);
                let phase = usize::try_from(offset.0.checked_rem(length).unwrap_or(0)).unwrap_or(0);
                let source = pattern.iter().cycle().skip(phase);
                buffer.iter_mut().zip(source).for_each(|(byte, pattern)| *byte = *pattern);
            }
            Fill::Text => {
                let mut at = offset.0;
                let mut rest = buffer;
                while !rest.is_empty() {
                    let line = format!("BAD SECTOR {:020}\n", sector.lba_of(ByteOffset(at)).0);
                    let phase = usize::try_from(at % 32).unwrap_or(0);
                    let line = line.as_bytes().get(phase..TEXT).unwrap_or_default();
                    let length = line.len().min(rest.len()).max(1);
                    let (now, later) = rest.split_at_mut(length);
                    now.iter_mut().zip(line).for_each(|(byte, text)| *byte = *text);
                    at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                    rest = later;
                }
            }
        }
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fill::Zeros => f.write_str("zeros"),
            Fill::Pattern(pattern) => pattern.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Fill::Text => f.write_str("text"),
        }
    }
}

impl FromStr for Fill {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "zeros" => Ok(Fill::Zeros),
            "text" => Ok(Fill::Text),
            _ => match word.parse::<evidence::Digest>() {
                Ok(bytes) if (1..=LONGEST_PATTERN).contains(&bytes.as_bytes().len()) => {
                    Ok(Fill::Pattern(bytes.as_bytes().to_vec()))
                }
                _ => Err(format!(
                    "'{word}' is no fill: give zeros, text, or 1 to {LONGEST_PATTERN} bytes in hexadecimal"
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_is_named_as_it_is_given() {
        for word in ["zeros", "text", "deadbeef", "00"] {
            assert_eq!(word.parse::<Fill>().unwrap().to_string(), word);
        }
        for wrong in ["", "zero", "abc", "xx", &"00".repeat(65)] {
            assert!(wrong.parse::<Fill>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn each_sector_is_named_by_its_own_number_whatever_the_size_of_the_piece() {
        let sector = SectorSize::new(4096).unwrap();
        let mut whole = vec![0; 3 * 4096];
        Fill::Text.apply(ByteOffset(4096), sector, &mut whole);
        let text = String::from_utf8(whole.clone()).unwrap();
        assert!(text.starts_with("BAD SECTOR 00000000000000000001\nBAD SECTOR 00000000000000000001\n"));
        assert!(text.ends_with("BAD SECTOR 00000000000000000003\n"));
        let mut piece = vec![0; 100];
        Fill::Text.apply(ByteOffset(4096 + 4090), sector, &mut piece);
        assert!(piece == whole[4090..4190]);
    }

    #[test]
    fn a_pattern_goes_on_across_pieces() {
        let fill: Fill = "010203".parse().unwrap();
        let (mut whole, mut piece) = (vec![0; 30], vec![0; 7]);
        fill.apply(ByteOffset(512), SectorSize::S512, &mut whole);
        fill.apply(ByteOffset(517), SectorSize::S512, &mut piece);
        assert_eq!(whole[5..12], piece[..]);
    }
}
