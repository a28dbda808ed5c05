//! SCSI vital product data that the kernel read at discovery and keeps in sysfs.

use crate::sysfs::printable;

/// Unit serial number, SPC-5 §7.7.19: page code in byte 1, length in bytes 2-3 (big-endian), text from byte 4.
pub(crate) fn unit_serial(page: &[u8]) -> Option<String> {
    printable(page_body(page, 0x80)?)
}

/// What an ATA device says itself, carried unshortened in the ATA Information page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AtaIdentity {
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) firmware: Option<String>,
}

/// ATA Information, SAT-4 §12.4.2: the command code that was used is in byte 56, its 512 bytes of data start at byte 60. The
/// SCSI INQUIRY cuts the model at 16 and the firmware at 4 characters; IDENTIFY has 40 and 8.
pub(crate) fn ata_information(page: &[u8]) -> Option<AtaIdentity> {
    page_body(page, 0x89)?;
    let command = *page.get(56)?;
    // IDENTIFY DEVICE or IDENTIFY PACKET DEVICE; 0 means that the device gave no such data.
    if command != 0xEC && command != 0xA1 {
        return None;
    }
    let identify = page.get(60..572)?;
    // ACS-4 §7.13.6: words 10-19 serial number, 23-26 firmware revision, 27-46 model number.
    Some(AtaIdentity {
        serial: ata_string(identify.get(20..40)?),
        firmware: ata_string(identify.get(46..54)?),
        model: ata_string(identify.get(54..94)?),
    })
}

fn page_body(page: &[u8], code: u8) -> Option<&[u8]> {
    if *page.get(1)? != code {
        return None;
    }
    let length = u16::from_be_bytes([*page.get(2)?, *page.get(3)?]);
    let end = usize::from(length).saturating_add(4).min(page.len());
    page.get(4..end)
}

/// ACS-4 §3.4.9: the first character of each pair is in the upper byte of its little-endian word.
fn ata_string(words: &[u8]) -> Option<String> {
    let swapped: Vec<u8> = words.chunks(2).flat_map(|pair| pair.iter().rev().copied()).collect();
    printable(&swapped)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An ATA Information page as libata makes it.
    pub(crate) fn ata_page(model: &str, serial: &str, firmware: &str) -> Vec<u8> {
        let mut page = vec![0u8; 572];
        page[1] = 0x89;
        page[2..4].copy_from_slice(&0x238u16.to_be_bytes());
        page[56] = 0xEC;
        for (from, length, text) in [(20, 20, serial), (46, 8, firmware), (54, 40, model)] {
            let padded = format!("{text:<length$}");
            for (n, pair) in padded.as_bytes().chunks(2).enumerate() {
                page[60 + from + 2 * n] = pair[1];
                page[60 + from + 2 * n + 1] = pair[0];
            }
        }
        page
    }

    #[test]
    fn the_long_ata_strings_are_read_in_their_order() {
        let identity =
            ata_information(&ata_page("Samsung SSD 870 EVO 250GB", "S6PENX0T123456A", "SVT02B6Q")).unwrap();
        assert_eq!(identity.model.as_deref(), Some("Samsung SSD 870 EVO 250GB"));
        assert_eq!(identity.serial.as_deref(), Some("S6PENX0T123456A"));
        assert_eq!(identity.firmware.as_deref(), Some("SVT02B6Q"));
    }

    #[test]
    fn a_short_page_or_another_page_gives_nothing() {
        let page = ata_page("M", "S", "F");
        for cut in 0..572 {
            assert_eq!(ata_information(&page[..cut]), None);
        }
        assert_eq!(unit_serial(&page), None);
        assert_eq!(unit_serial(b"\0\x80\0\x04  AB"), Some("AB".to_owned()));
        assert_eq!(unit_serial(b"\0\x80\xff\xffAB"), Some("AB".to_owned()), "a length beyond the page");
        assert_eq!(unit_serial(b"\0\x80\0"), None);
    }
}
