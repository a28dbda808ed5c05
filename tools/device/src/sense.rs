//! Sense data: why a SCSI command was not executed, SPC-5 §4.4.

use serde::Serialize;
use std::fmt;

/// What sense data says, fixed or descriptor format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sense {
    /// Sense key, SPC-5 table 48.
    pub key: u8,
    /// Additional sense code.
    pub asc: u8,
    /// Its qualifier.
    pub ascq: u8,
    /// Registers of the ATA Status Return descriptor (SAT-4 §12.2.7), where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ata: Option<AtaRegisters>,
}

/// What an ATA device left in its registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AtaRegisters {
    /// Error register.
    pub error: u8,
    /// Count, 16 bits.
    pub count: u16,
    /// LBA, 48 bits.
    pub lba: u64,
    /// Device register.
    pub device: u8,
    /// Status register.
    pub status: u8,
}

impl Sense {
    /// Reads sense data; `None` when there is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let at = |index: usize| bytes.get(index).copied();
        match at(0)? & 0x7F {
            0x70 | 0x71 => Some(Self {
                key: at(2)? & 0x0F,
                asc: at(12).unwrap_or(0),
                ascq: at(13).unwrap_or(0),
                ata: None,
            }),
            0x72 | 0x73 => Some(Self {
                key: at(1)? & 0x0F,
                asc: at(2)?,
                ascq: at(3)?,
                ata: ata_status_return(bytes.get(8..)?),
            }),
            _ => None,
        }
    }
}

impl AtaRegisters {
    /// Registers in sense data of fixed format, SAT-4 §12.2.5: only the lower halves have room. `None` for data of another
    /// format, and where a part is missing that is not zero.
    #[must_use]
    pub fn of_fixed_sense(bytes: &[u8]) -> Option<Self> {
        const UPPER_HALVES: u8 = 0x60;
        let at = |index: usize| bytes.get(index).copied();
        if !matches!(at(0)? & 0x7F, 0x70 | 0x71) || at(8)? & UPPER_HALVES != 0 {
            return None;
        }
        let order = [at(11)?, at(10)?, at(9)?];
        Some(Self {
            error: at(3)?,
            count: at(6)?.into(),
            lba: order.iter().fold(0, |sum, b| sum << 8 | u64::from(*b)),
            device: at(5)?,
            status: at(4)?,
        })
    }
}

/// Walks the descriptors for type 09h.
fn ata_status_return(mut descriptors: &[u8]) -> Option<AtaRegisters> {
    loop {
        let (kind, length) = (*descriptors.first()?, usize::from(*descriptors.get(1)?));
        let (descriptor, rest) = descriptors.split_at_checked(length.saturating_add(2))?;
        if kind == 0x09 {
            let byte = |index: usize| descriptor.get(index).copied().unwrap_or(0);
            // High and low bytes alternate: 7, 9, 11 hold LBA 7:0, 15:8, 23:16 and 6, 8, 10 hold 31:24, 39:32, 47:40.
            let order = [byte(10), byte(8), byte(6), byte(11), byte(9), byte(7)];
            return Some(AtaRegisters {
                error: byte(3),
                count: u16::from_be_bytes([byte(4), byte(5)]),
                lba: order.iter().fold(0, |sum, b| sum << 8 | u64::from(*b)),
                device: byte(12),
                status: byte(13),
            });
        }
        descriptors = rest;
    }
}

impl fmt::Display for Sense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self.key {
            0x0 => "no sense",
            0x1 => "recovered error",
            0x2 => "not ready",
            0x3 => "medium error",
            0x4 => "hardware error",
            0x5 => "illegal request",
            0x6 => "unit attention",
            0x7 => "data protect",
            0x8 => "blank check",
            0xB => "aborted command",
            0xE => "miscompare",
            _ => "sense key",
        };
        write!(f, "{key} {:X}/{:02X}/{:02X}", self.key, self.asc, self.ascq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_say_the_same() {
        let mut fixed = [0u8; 18];
        (fixed[0], fixed[2], fixed[12], fixed[13]) = (0x70, 0x07, 0x27, 0x01);
        let descriptor = [0x72, 0x07, 0x27, 0x01, 0, 0, 0, 0];
        let protect = Sense { key: 7, asc: 0x27, ascq: 1, ata: None };
        assert_eq!(Sense::parse(&fixed), Some(protect.clone()));
        assert_eq!(Sense::parse(&descriptor), Some(protect));
        assert_eq!(Sense::parse(&[0; 32]), None);
        assert_eq!(Sense::parse(&[]), None);
    }

    #[test]
    fn the_registers_of_an_ata_device_come_out_in_their_order() {
        // SAT-4 table 204: extend, error, count 15:8, 7:0, LBA 31:24, 7:0, 39:32, 15:8, 47:40, 23:16, device, status.
        let bytes = [
            0x72, 0x01, 0x00, 0x1D, 0, 0, 0, 14, 0x09, 0x0C, 1, 0x04, 0x12, 0x34, 0x44, 0x11, 0x55, 0x22,
            0x66, 0x33, 0x40, 0x51,
        ];
        let ata = Sense::parse(&bytes).unwrap().ata.unwrap();
        assert_eq!(
            ata,
            AtaRegisters { error: 4, count: 0x1234, lba: 0x6655_4433_2211, device: 0x40, status: 0x51 }
        );
        for cut in 0..bytes.len() {
            assert!(Sense::parse(&bytes[..cut]).is_none_or(|sense| sense.ata.is_none()));
        }
    }
}
