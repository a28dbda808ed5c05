//! Sizes settled before the first byte is written: chunks, overheads, and whether the names suffice.

use super::chunk::CHECKSUM;
use super::section::DESCRIPTOR;
use super::segment_names::MOST_SEGMENTS;
use super::{FILE_HEADER, table};
use crate::{FormatError, ImagePlan};
use evidence::{ByteCount, SectorSize};

/// Sectors per chunk, EnCase's default.
const SECTORS_PER_CHUNK: u32 = 64;
/// X-Ways refuses larger chunks.
const LARGEST_CHUNK: u32 = 256 << 10;
/// Smallest segment accepted; libewf's limit too.
const SMALLEST_SEGMENT: u64 = 1 << 20;
/// Content of volume and data sections.
const GEOMETRY: u64 = 1052;
/// Kept free at the end of the last segment: data, digest, hash, done, and an error table of 8 000 ranges. An image with
/// more ranges exceeds the segment size by the rest of that table.
const TAIL: u64 = 1052 + 80 + 36 + 5 * DESCRIPTOR + 524 + 64_000;

/// The numbers a writer works with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) sectors_per_chunk: u32,
    pub(super) sector_size: SectorSize,
    pub(super) chunk_size: u32,
    pub(super) chunk_count: u32,
    pub(super) sector_count: u64,
    /// No segment grows beyond this.
    pub(super) segment_size: u64,
    /// More segments than these are never needed.
    pub(super) most_segments: u64,
}

impl Layout {
    /// Works out the layout of a plan, `beginning` being the bytes before the first chunk of the first segment.
    pub(super) fn of(plan: &ImagePlan, beginning: u64) -> Result<Self, FormatError> {
        let refuse = |why: String| FormatError::Plan { path: plan.base.clone(), why };
        let bytes_per_sector = plan.sector_size.bytes();
        let media_size = plan.media_size.0;
        if media_size == 0 || !media_size.is_multiple_of(u64::from(bytes_per_sector)) {
            return Err(refuse(format!(
                "E01 holds one or more whole sectors of {bytes_per_sector} bytes, the medium has {}; image it as raw",
                plan.media_size
            )));
        }
        // 64 sectors are what other programs write, also for sectors of 4096 bytes; still larger sectors get fewer, so
        // that a chunk stays within what X-Ways reads.
        let sectors_per_chunk =
            SECTORS_PER_CHUNK.min(LARGEST_CHUNK.checked_div(bytes_per_sector).unwrap_or(1));
        let chunk_size = sectors_per_chunk.saturating_mul(bytes_per_sector);
        let chunk_count = u32::try_from(media_size.div_ceil(u64::from(chunk_size))).map_err(|_| {
            refuse(format!("{} are more than E01 can count; image it as raw", plan.media_size))
        })?;
        let mut layout = Self {
            sectors_per_chunk,
            sector_size: plan.sector_size,
            chunk_size,
            chunk_count,
            sector_count: plan.sector_size.sectors_in(plan.media_size).0,
            segment_size: plan.segment_size.map_or(u64::MAX, |size| size.0),
            most_segments: 1,
        };
        layout.most_segments = layout.check_names(beginning).map_err(refuse)?;
        Ok(layout)
    }

    /// Makes sure that the segments have names even if no chunk shrinks; tells how many there are then.
    fn check_names(&self, beginning: u64) -> Result<u64, String> {
        if self.segment_size == u64::MAX {
            return Ok(1);
        }
        let (_, least) = self.worst_case(SMALLEST_SEGMENT, beginning);
        if self.segment_size < least {
            return Err(format!(
                "segments of {} are too small for the case fields and one chunk; take at least {}",
                ByteCount(self.segment_size),
                ByteCount(least)
            ));
        }
        let (segments, _) = self.worst_case(self.segment_size, beginning);
        if segments <= MOST_SEGMENTS {
            return Ok(segments);
        }
        // An even share, one part in 64 for what each chunk costs, and what each segment costs.
        let share = self.media_bytes() / (MOST_SEGMENTS - 64);
        let advised = ByteCount(share.saturating_add(share / 64).saturating_add(least));
        Err(format!(
            "segments of {} may run out of names (.E01 to .ZZZ are {MOST_SEGMENTS}); take at least {advised}",
            ByteCount(self.segment_size)
        ))
    }

    fn media_bytes(&self) -> u64 {
        self.sector_count.saturating_mul(u64::from(self.sector_size.bytes()))
    }

    /// How many segments of `size` are needed when every chunk is stored uncompressed, and the smallest segment that
    /// works at all.
    fn worst_case(&self, size: u64, beginning: u64) -> (u64, u64) {
        let chunk = u64::from(self.chunk_size).saturating_add(u64::try_from(CHECKSUM).unwrap_or(0));
        let fixed = beginning.max(later_beginning()).saturating_add(TAIL);
        let trio = DESCRIPTOR.saturating_mul(3).saturating_add(table::content_size(0).saturating_mul(2));
        let least = fixed.saturating_add(trio).saturating_add(chunk).saturating_add(8).max(SMALLEST_SEGMENT);
        // A chunk costs itself, an entry in two tables, and its share of a trio of sections: at most one trio for each
        // 16 375 chunks, and at most one for each GiB; 64 bytes a chunk cover both many times over, but for the first.
        let per_chunk = chunk.saturating_add(8).saturating_add(64);
        let chunks = size.saturating_sub(fixed.saturating_add(trio)).checked_div(per_chunk).unwrap_or(0);
        let segments = u64::from(self.chunk_count).div_ceil(chunks.max(1)).saturating_add(1);
        (segments, least)
    }

    /// Media bytes of the chunk with that index.
    pub(super) fn chunk_length(&self, index: u32) -> u64 {
        let before = u64::from(index).saturating_mul(u64::from(self.chunk_size));
        self.media_bytes().saturating_sub(before).min(u64::from(self.chunk_size))
    }

    /// What must stay free after the tables: the section that ends a segment, or all that ends an image.
    pub(super) fn reserve(&self, last_chunk: bool) -> u64 {
        if last_chunk { TAIL } else { DESCRIPTOR }
    }
}

/// Bytes before the first chunk of a segment after the first: file header, data section.
fn later_beginning() -> u64 {
    FILE_HEADER.saturating_add(DESCRIPTOR).saturating_add(GEOMETRY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::CaseData;

    fn plan(media_size: u64, sector: u64, segment_size: Option<u64>) -> ImagePlan {
        ImagePlan {
            base: "x".into(),
            media_size: ByteCount(media_size),
            sector_size: SectorSize::new(sector).unwrap(),
            segment_size: segment_size.map(ByteCount),
            case: CaseData::default(),
            device: crate::DeviceLabel::default(),
            software: String::new(),
            acquired_at: 0,
            medium: crate::MediumKind::Disk,
        }
    }

    #[test]
    fn chunks_stay_within_what_every_reader_takes() {
        for (sector, chunk) in [(512, 32_768), (2048, 131_072), (4096, 262_144), (65_536, 262_144)] {
            let layout = Layout::of(&plan(1 << 20, sector, None), 3000).unwrap();
            assert_eq!(layout.chunk_size, chunk);
            assert_eq!(u64::from(layout.chunk_count) * u64::from(chunk), 1 << 20);
        }
    }

    #[test]
    fn parts_of_a_sector_and_empty_media_are_refused_with_the_remedy() {
        for (size, sector) in [(0, 512), (1000, 512), (512, 4096)] {
            let error = Layout::of(&plan(size, sector, None), 3000).unwrap_err().to_string();
            assert!(error.contains("image it as raw"), "{error}");
        }
    }

    #[test]
    fn running_out_of_names_is_refused_before_the_first_byte() {
        let tebibyte = 1 << 40;
        let error = Layout::of(&plan(tebibyte, 512, Some(64 << 20)), 3000).unwrap_err().to_string();
        assert!(error.contains("out of names"), "{error}");
        assert!(Layout::of(&plan(tebibyte, 512, Some(80 << 20)), 3000).is_ok());
        // What the message advises is enough.
        let (_, advised) = error.split_once("at least ").unwrap();
        let digits: String = advised.split(" bytes").next().unwrap().split(' ').collect();
        assert!(Layout::of(&plan(tebibyte, 512, Some(digits.parse().unwrap())), 3000).is_ok(), "{digits}");
    }

    #[test]
    fn segments_too_small_for_the_case_fields_are_refused() {
        assert!(Layout::of(&plan(1 << 20, 512, Some(1 << 20)), 3000).is_ok());
        assert!(Layout::of(&plan(1 << 20, 512, Some((1 << 20) - 1)), 3000).is_err());
        assert!(Layout::of(&plan(1 << 20, 512, Some(1 << 20)), 1 << 20).is_err());
    }
}
