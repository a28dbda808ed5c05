//! Map files of GNU ddrescue.

use crate::images::one_line;
use acquire::rescue::map_text::{self, Heading};
use acquire::rescue::{Mapfile, Status};
use evidence::ByteCount;
use std::path::Path;

/// Sizes of the media that the first byte chooses from.
pub const SIZES: [u64; 6] = [0, 1, 4096, 0x168000, 1 << 40, u64::MAX];

/// What can be read alone.
const GRANULES: [u64; 2] = [512, 4096];

/// A byte that chooses the size of the medium, then the text.
pub fn mapfile(input: &[u8], _scratch: &Path) {
    let Some((choice, text)) = input.split_first() else { return };
    let size = ByteCount(SIZES[usize::from(*choice) % SIZES.len()]);
    let (map, standing) = match map_text::read(text, size) {
        Ok(read) => read,
        Err(error) => return one_line(&error.to_string()),
    };
    is_partition(&map);
    // Whatever stands in the comments, what is written is read back as it was.
    let hostile = String::from_utf8_lossy(text).into_owned();
    let heading = Heading { software: hostile.clone(), command_line: hostile, ..Heading::default() };
    let mut written = Vec::new();
    map_text::write(&map, standing, &heading, &mut written).unwrap();
    // A comment may be as long as the whole input here, which no line may.
    if text.len() < 8000 {
        assert_eq!(map_text::read(&written[..], size).unwrap(), (map.clone(), standing));
    }
    for granule in GRANULES {
        let mut aligned = map.clone();
        let reopened = aligned.align(granule);
        is_partition(&aligned);
        for area in aligned.areas().filter(|area| area.status != Status::Finished) {
            let ends = [area.extent.offset.0, area.extent.end()];
            assert!(ends.iter().all(|end| end.is_multiple_of(granule) || *end == size.0), "{area:?}");
        }
        let finished = |map: &Mapfile| map.total(Status::Finished).0;
        assert_eq!(finished(&map) - finished(&aligned), reopened.total().0, "what is read again is named");
    }
}

/// No byte is in two areas or in none, and neighbours differ.
fn is_partition(map: &Mapfile) {
    let mut at = 0;
    let mut before = None;
    for area in map.areas() {
        assert_eq!(area.extent.offset.0, at, "{map:?}");
        assert!(area.extent.length.0 > 0 && before != Some(area.status), "{map:?}");
        (at, before) = (area.extent.end(), Some(area.status));
    }
    assert_eq!(at, map.size().0);
}
