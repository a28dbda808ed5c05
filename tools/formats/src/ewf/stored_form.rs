//! Which chunks are stored in another form than our writer gives their data: a bit that no reader looks at was changed there.

use super::chunk::EwfEncoder;
use super::reader::EwfReader;
use crate::ChunkEncoder;
use evidence::{ByteOffset, Extent};

/// More of them tell of another program, not of an alteration.
const MOST: usize = 16;

/// Compresses the chunks of a segment anew and compares.
pub(super) fn unlike_ours(reader: &mut EwfReader, segment: usize) -> Option<Vec<(ByteOffset, Extent)>> {
    let size = u64::from(reader.container.geometry.chunk_size());
    let encoder = EwfEncoder::new(usize::try_from(size).ok()?).ok()?;
    let tables = reader.container.tables.iter().filter(|table| table.segment == segment);
    let ranges: Vec<(u64, u64)> = tables
        .map(|table| (table.first_chunk, table.first_chunk.saturating_add(u64::from(table.count))))
        .collect();
    let mut unlike = Vec::new();
    for chunk in ranges.into_iter().flat_map(|(first, end)| first..end) {
        let (media, stored, offset) = reader.stored_chunk(chunk).ok()?;
        if encoder.encode(media).ok()?.stored == stored {
            continue;
        }
        if unlike.len() == MOST {
            return None;
        }
        let start = chunk.saturating_mul(size);
        let extent = reader.extent(start, start.saturating_add(size));
        unlike.push((ByteOffset(offset), extent));
    }
    Some(unlike)
}
