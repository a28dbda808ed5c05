//! Tables of chunk offsets: `table` and its mirror `table2`.

use super::adler::{adler32, seal, unseal};
use crate::little_endian::{u32_at, u64_at};

/// Header of a table: count, padding, base offset, padding, checksum.
pub(super) const HEADER: u64 = 24;
/// Entries written per table. EnCase 6 and libewf take 65 534, older readers 16 375 (EWF, "Table header"); the smaller
/// number costs a trio of sections, some 500 bytes, per 512 MiB of media, and every reader takes it.
pub(super) const ENTRIES_WRITTEN: usize = 16_375;
/// Entries read per table: 16 MiB. Programs without a limit of their own (EWF-X) stay far below with usual segments.
const ENTRIES_READ: u32 = 4 << 20;
/// The highest bit of an entry: the chunk is compressed.
const COMPRESSED: u32 = 1 << 31;
/// Largest offset an entry can hold.
pub(super) const LARGEST_OFFSET: u64 = 0x7fff_ffff;

/// Where a chunk begins in its segment, and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkPlace {
    pub(super) offset: u64,
    pub(super) compressed: bool,
}

/// Bytes that one table section's content takes.
pub(super) fn content_size(entries: usize) -> u64 {
    let entries = u64::try_from(entries).unwrap_or(u64::MAX);
    entries.saturating_mul(4).saturating_add(HEADER).saturating_add(4)
}

/// The content of a table section whose entries count from `base`.
pub(super) fn encode(base: u64, places: &[ChunkPlace]) -> Vec<u8> {
    let mut bytes = u32::try_from(places.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    bytes.resize(8, 0);
    bytes.extend_from_slice(&base.to_le_bytes());
    bytes.resize(20, 0);
    seal(&mut bytes);
    let mut entries = Vec::with_capacity(places.len().saturating_mul(4).saturating_add(4));
    for place in places {
        // The writer closes a table before an offset outgrows 31 bits.
        let relative = u32::try_from(place.offset.saturating_sub(base)).unwrap_or(u32::MAX) & !COMPRESSED;
        let entry = if place.compressed { relative | COMPRESSED } else { relative };
        entries.extend_from_slice(&entry.to_le_bytes());
    }
    seal(&mut entries);
    bytes.append(&mut entries);
    bytes
}

/// Number of entries and base offset of a table whose content takes `room` bytes.
pub(super) fn parse_header(header: &[u8], room: u64) -> Result<(u32, u64), &'static str> {
    unseal(header).ok_or("its header's checksum does not fit")?;
    let count = u32_at(header, 0).ok_or("it is cut")?;
    let base = u64_at(header, 8).ok_or("it is cut")?;
    if count > ENTRIES_READ {
        return Err("it states more than 4 194 304 entries");
    }
    if u64::from(count).saturating_mul(4).saturating_add(HEADER) > room {
        return Err("it states more entries than it has room for");
    }
    Ok((count, base))
}

/// Reads entries; `footer` tells whether a checksum follows them (it does since EnCase 2).
pub(super) fn parse_entries(bytes: &[u8], base: u64, footer: bool) -> Result<Vec<ChunkPlace>, &'static str> {
    let entries = if footer {
        let (content, checksum) = bytes.split_at_checked(bytes.len().saturating_sub(4)).ok_or("it is cut")?;
        if u32_at(checksum, 0) != Some(adler32(content)) {
            return Err("the checksum of its entries does not fit");
        }
        content
    } else {
        bytes
    };
    let mut places = Vec::with_capacity(entries.len() / 4);
    let mut before = None;
    for entry in entries.as_chunks::<4>().0 {
        let entry = u32::from_le_bytes(*entry);
        let offset =
            base.checked_add(u64::from(entry & !COMPRESSED)).ok_or("it points past every file's end")?;
        // Chunks are stored in order; an entry that goes back would show one chunk's data as another's.
        if before.is_some_and(|before| offset <= before) {
            return Err("its offsets do not ascend");
        }
        before = Some(offset);
        places.push(ChunkPlace { offset, compressed: entry & COMPRESSED != 0 });
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_table_reads_back_as_written(
            base in prop_oneof![Just(0u64), any::<u32>().prop_map(|b| u64::from(b) << 8)],
            steps in prop::collection::vec((1u64..40_000, any::<bool>()), 1..300),
        ) {
            let mut offset = base;
            let places: Vec<ChunkPlace> = steps
                .into_iter()
                .map(|(step, compressed)| {
                    offset += step;
                    ChunkPlace { offset, compressed }
                })
                .collect();
            let bytes = encode(base, &places);
            prop_assert_eq!(u64::try_from(bytes.len()).unwrap(), content_size(places.len()));
            let (count, read_base) = parse_header(&bytes[..24], content_size(places.len())).unwrap();
            prop_assert_eq!((count, read_base), (u32::try_from(places.len()).unwrap(), base));
            prop_assert_eq!(parse_entries(&bytes[24..], base, true).unwrap(), places);
        }
    }

    #[test]
    fn a_table_without_checksum_may_not_lead_back() {
        let entries: Vec<u8> = [100u32, 300, 200].iter().flat_map(|e| e.to_le_bytes()).collect();
        assert_eq!(parse_entries(&entries, 0, false).unwrap_err(), "its offsets do not ascend");
        assert_eq!(parse_entries(&entries[..8], 0, false).unwrap().len(), 2);
    }

    #[test]
    fn a_count_beyond_the_section_is_refused_before_memory_is_taken() {
        let mut header = encode(0, &[]);
        header[..4].copy_from_slice(&4_000_000u32.to_le_bytes());
        header.truncate(20);
        seal(&mut header);
        assert!(parse_header(&header, 400).unwrap_err().contains("room"));
    }
}
