//! Ranges that could not be read: the `error2` section.
//!
//! An entry holds a start sector and a sector count of 32 bits each. Ranges widen to whole sectors; what lies beyond
//! sector 4 294 967 295 (2 TiB at 512 bytes) has no place here and stands in the record only.

use super::adler::{seal, unseal};
use crate::little_endian::u32_at;
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet, SectorSize};

/// Header: count, 512 empty bytes, checksum.
const HEADER: usize = 520;
/// Longest content read: 32 MiB, some four million ranges.
pub(super) const LARGEST: u64 = 32 << 20;

/// Content of the section, or `None` when there is nothing to say.
pub(super) fn encode(unread: &ExtentSet, sector_size: SectorSize) -> Option<Vec<u8>> {
    let sector = u64::from(sector_size.bytes());
    let mut entries = Vec::new();
    for extent in unread.iter() {
        let first = sector_size.lba_of(extent.offset).0;
        let Ok(start) = u32::try_from(first) else { continue };
        let count = u32::try_from(extent.end().div_ceil(sector).saturating_sub(first)).unwrap_or(u32::MAX);
        entries.extend_from_slice(&start.to_le_bytes());
        entries.extend_from_slice(&count.to_le_bytes());
    }
    if entries.is_empty() {
        return None;
    }
    let mut bytes = u32::try_from(entries.len() / 8).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    bytes.resize(HEADER - 4, 0);
    seal(&mut bytes);
    seal(&mut entries);
    bytes.append(&mut entries);
    Some(bytes)
}

/// What of `unread` the section carries: whole sectors, and only those that 32 bits can number.
pub(super) fn carried(unread: &ExtentSet, sector_size: SectorSize) -> ExtentSet {
    encode(unread, sector_size)
        .and_then(|content| parse(&content, sector_size.bytes()).ok())
        .unwrap_or_default()
}

/// Ranges the section names.
pub(super) fn parse(content: &[u8], bytes_per_sector: u32) -> Result<ExtentSet, &'static str> {
    let (header, rest) = content.split_at_checked(HEADER).ok_or("it is cut")?;
    let header = unseal(header).ok_or("its header's checksum does not fit")?;
    let count = usize::try_from(u32_at(header, 0).ok_or("it is cut")?).unwrap_or(usize::MAX);
    let sealed =
        count.checked_mul(8).and_then(|length| length.checked_add(4)).and_then(|end| rest.get(..end));
    let entries = unseal(sealed.ok_or("it states more entries than it has room for")?)
        .ok_or("the checksum of its entries does not fit")?;
    let sector = u64::from(bytes_per_sector);
    let mut extents: Vec<Extent> = entries
        .as_chunks::<8>()
        .0
        .iter()
        .map(|entry| {
            let field = |offset| u64::from(u32_at(entry, offset).unwrap_or(0)).saturating_mul(sector);
            Extent { offset: ByteOffset(field(0)), length: ByteCount(field(4)) }
        })
        .collect();
    // In order each one is put at the end of the set; a hostile order would cost the square of the count.
    extents.sort_unstable_by_key(|extent| extent.offset);
    Ok(extents.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(offset: u64, length: u64) -> Extent {
        Extent { offset: ByteOffset(offset), length: ByteCount(length) }
    }

    #[test]
    fn ranges_widen_to_whole_sectors_and_read_back() {
        let unread: ExtentSet = [extent(512, 512), extent(5000, 1)].into_iter().collect();
        let read = parse(&encode(&unread, SectorSize::S512).unwrap(), 512).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), [extent(512, 512), extent(4608, 512)]);
        assert_eq!(encode(&ExtentSet::new(), SectorSize::S512), None);
    }

    #[test]
    fn ranges_beyond_32_bits_of_sectors_are_left_to_the_record() {
        let beyond = extent(1 << 41, 512);
        let across = extent((1 << 41) - 512, 1024);
        assert_eq!(encode(&[beyond].into_iter().collect(), SectorSize::S512), None);
        let read = parse(&encode(&[across].into_iter().collect(), SectorSize::S512).unwrap(), 512).unwrap();
        assert_eq!(read.iter().next(), Some(across));
    }

    #[test]
    fn a_count_without_entries_is_refused() {
        let mut bytes = encode(&[extent(0, 512)].into_iter().collect(), SectorSize::S512).unwrap();
        bytes.truncate(HEADER + 4);
        assert!(parse(&bytes, 512).is_err());
    }
}
