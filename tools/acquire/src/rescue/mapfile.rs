//! Which part of a medium was tried, and with what success.

use evidence::{ByteCount, ByteOffset, Extent, ExtentSet};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Most areas a map may have: with twice as many as there may be unreadable ranges, a record can always name them all.
pub const MOST_AREAS: usize = 2 * crate::pipeline::MOST_RANGES;

/// How far the work on an area has come; in the order of processing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Not read yet.
    NonTried,
    /// A large read failed; its edges were not looked for.
    NonTrimmed,
    /// Between two bad sectors; not read sector by sector.
    NonScraped,
    /// Each sector of it was tried alone and failed.
    Bad,
    /// Read.
    Finished,
}

impl Status {
    /// All of them with the characters of the map file (ddrescue manual, "Mapfile structure").
    pub const CHARACTERS: [(Status, char); 5] = [
        (Status::NonTried, '?'),
        (Status::NonTrimmed, '*'),
        (Status::NonScraped, '/'),
        (Status::Bad, '-'),
        (Status::Finished, '+'),
    ];
}

/// A part of the medium of one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Where.
    pub extent: Extent,
    /// How far.
    pub status: Status,
}

/// A partition of a medium into areas. Neighbours differ in status; no byte is in two areas or in none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapfile {
    size: u64,
    /// Where each area begins; it ends where the next does.
    areas: BTreeMap<u64, Status>,
}

impl Mapfile {
    /// The map of a medium of which nothing was tried.
    #[must_use]
    pub fn new(size: ByteCount) -> Self {
        let areas = (size.0 > 0).then_some((0, Status::NonTried)).into_iter().collect();
        Self { size: size.0, areas }
    }

    /// Size of the medium.
    #[must_use]
    pub fn size(&self) -> ByteCount {
        ByteCount(self.size)
    }

    /// How many areas there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.areas.len()
    }

    /// True for the map of a medium without data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.areas.is_empty()
    }

    /// All areas in ascending order.
    pub fn areas(&self) -> impl Iterator<Item = Area> + '_ {
        self.areas_from(0)
    }

    /// The area that holds `offset`.
    #[must_use]
    pub fn area_at(&self, offset: u64) -> Option<Area> {
        self.areas_from(offset).next()
    }

    /// Status of the byte at `offset`; `None` behind the end.
    #[must_use]
    pub fn status_at(&self, offset: u64) -> Option<Status> {
        self.area_at(offset).map(|area| area.status)
    }

    /// Gives `extent`, as far as the medium reaches, another status.
    pub fn mark(&mut self, extent: Extent, status: Status) {
        let (start, end) = (extent.offset.0, extent.end().min(self.size));
        if start >= end {
            return;
        }
        let behind = self.status_at(end);
        let inside: Vec<u64> = self.areas.range(start..=end).map(|(start, _)| *start).collect();
        for begun in inside {
            self.areas.remove(&begun);
        }
        let before = self.areas.range(..start).next_back().map(|(_, status)| *status);
        if before != Some(status) {
            self.areas.insert(start, status);
        }
        if let Some(behind) = behind.filter(|behind| *behind != status) {
            self.areas.insert(end, behind);
        }
    }

    /// The first area of `status` that reaches beyond `from`, whole.
    #[must_use]
    pub fn next(&self, status: Status, from: u64) -> Option<Extent> {
        self.areas_from(from).find(|area| area.status == status).map(|area| area.extent)
    }

    /// The last area of `status` that begins before `before`, whole.
    #[must_use]
    pub fn previous(&self, status: Status, before: u64) -> Option<Extent> {
        let mut end = self.areas.range(before..).next().map_or(self.size, |(start, _)| *start);
        for (start, found) in self.areas.range(..before).rev() {
            if *found == status {
                return Some(between(*start, end));
            }
            end = *start;
        }
        None
    }

    /// How many bytes have `status`.
    #[must_use]
    pub fn total(&self, status: Status) -> ByteCount {
        let lengths = self.areas().filter(|area| area.status == status).map(|area| area.extent.length.0);
        ByteCount(lengths.fold(0, u64::saturating_add))
    }

    /// Everything that was not read.
    #[must_use]
    pub fn unfinished(&self) -> ExtentSet {
        self.areas().filter(|area| area.status != Status::Finished).map(|area| area.extent).collect()
    }

    /// The map of a medium that was read once through but for `unread`.
    #[must_use]
    pub fn of_one_pass(size: ByteCount, unread: &ExtentSet) -> Self {
        let mut map = Self::new(size);
        map.mark(between(0, size.0), Status::Finished);
        unread.iter().for_each(|extent| map.mark(extent, Status::Bad));
        map
    }

    /// Widens what is not finished to whole granules, each with the status of its least processed part: nothing smaller
    /// can be read. Returns what was finished and no longer is.
    pub fn align(&mut self, granule: u64) -> ExtentSet {
        let granule = granule.max(1);
        let ragged = |border: u64| border < self.size && !border.is_multiple_of(granule);
        let split: Vec<u64> = self.areas.keys().copied().filter(|start| ragged(*start)).collect();
        let mut reopened = ExtentSet::new();
        for border in split {
            let start = border.saturating_sub(border.checked_rem(granule).unwrap_or(0));
            let whole = between(start, start.saturating_add(granule).min(self.size));
            let parts = self.areas_from(start).take_while(|area| area.extent.offset.0 < whole.end());
            let parts: Vec<Area> = parts.collect();
            let Some(least) = parts.iter().map(|area| area.status).min() else { continue };
            if least == Status::Finished {
                continue;
            }
            for part in parts.iter().filter(|area| area.status == Status::Finished) {
                let (from, to) = (part.extent.offset.0.max(start), part.extent.end().min(whole.end()));
                reopened.insert(between(from, to));
            }
            self.mark(whole, least);
        }
        reopened
    }

    /// Areas from the one that holds `offset` on.
    fn areas_from(&self, offset: u64) -> impl Iterator<Item = Area> + '_ {
        let first = self.areas.range(..=offset).next_back().map(|(start, _)| *start);
        let from = first.filter(|_| offset < self.size).map_or(Bound::Excluded(u64::MAX), Bound::Included);
        let mut starts = self.areas.range((from, Bound::Unbounded)).peekable();
        std::iter::from_fn(move || {
            let (start, status) = starts.next()?;
            let end = starts.peek().map_or(self.size, |(next, _)| **next);
            Some(Area { extent: between(*start, end), status: *status })
        })
    }
}

/// The extent from `start` to before `end`.
pub(super) fn between(start: u64, end: u64) -> Extent {
    Extent { offset: ByteOffset(start), length: ByteCount(end.saturating_sub(start)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::as_conversions)]
    use super::*;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = Status> {
        prop::sample::select(Status::CHARACTERS.map(|(status, _)| status).to_vec())
    }

    fn bytes_of(map: &Mapfile) -> Vec<Status> {
        map.areas().flat_map(|area| std::iter::repeat_n(area.status, area.extent.length.0 as usize)).collect()
    }

    #[test]
    fn an_empty_medium_has_no_areas() {
        let map = Mapfile::new(ByteCount(0));
        assert!(map.is_empty() && map.areas().next().is_none() && map.next(Status::NonTried, 0).is_none());
    }

    #[test]
    fn a_sector_that_is_finished_in_part_is_read_again_whole() {
        let mut map = Mapfile::new(ByteCount(3 * 4096));
        map.mark(between(0, 3 * 4096), Status::Finished);
        map.mark(between(4096 + 512, 4096 + 1024), Status::Bad);
        map.mark(between(4096 + 1024, 4096 + 1536), Status::NonScraped);
        let reopened = map.align(4096);
        assert_eq!(map.next(Status::NonScraped, 0), Some(between(4096, 8192)));
        assert_eq!(reopened.total(), ByteCount(4096 - 1024));
        assert_eq!(map.len(), 3);
    }

    proptest! {
        #[test]
        fn the_map_is_a_partition_whatever_is_marked(
            marks in prop::collection::vec((0u64..130, 0u64..40, status()), 0..60),
        ) {
            let mut map = Mapfile::new(ByteCount(100));
            let mut bytes = vec![Status::NonTried; 100];
            for (start, length, status) in marks {
                map.mark(between(start, start + length), status);
                for byte in bytes.iter_mut().skip(start as usize).take(length as usize) {
                    *byte = status;
                }
                prop_assert_eq!(&bytes_of(&map), &bytes);
                let areas: Vec<Area> = map.areas().collect();
                prop_assert!(areas.windows(2).all(|pair| pair[0].status != pair[1].status));
            }
            for from in 0..101u64 {
                for (status, _) in Status::CHARACTERS {
                    let next = bytes.iter().skip(from as usize).position(|s| *s == status).map(|n| n as u64 + from);
                    prop_assert_eq!(map.next(status, from).map(|e| e.offset.0.max(from)), next);
                    let last = bytes.iter().take(from as usize).rposition(|s| *s == status).map(|n| n as u64 + 1);
                    prop_assert_eq!(map.previous(status, from).map(|e| e.end().min(from)), last);
                }
            }
        }
    }
}
