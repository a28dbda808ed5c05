//! Where on the medium something went wrong: the capacity in cells, each with the worst of what is in it.

use evidence::{Extent, ExtentSet};

/// Cells in a row, and rows at most.
pub const COLUMNS: u64 = 64;
const ROWS: u64 = 16;

/// What is known of a cell; a later one outdoes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All of it was read.
    Read,
    /// The record does not say that it was imaged.
    NotReached,
    /// Some of it could not be read at first, and then could.
    ReadLater,
    /// Some of it was read differently the second time.
    Unstable,
    /// Some of it is not in the image.
    PartlyUnread,
    /// None of it is in the image.
    Unread,
}

/// Cells of the same status beside each other in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First cell, from the beginning of the medium.
    pub first: u64,
    /// How many cells.
    pub cells: u64,
    /// Their status.
    pub status: Status,
}

/// The medium in cells.
#[derive(Debug)]
pub struct MediaMap {
    capacity: u64,
    cell: u64,
    statuses: Vec<Status>,
}

/// What is to be placed.
#[derive(Debug, Default)]
pub struct Places<'a> {
    /// Not in the image.
    pub unread: Option<&'a ExtentSet>,
    /// Read differently the second time.
    pub unstable: Option<&'a ExtentSet>,
    /// Met with an error, whatever came of it.
    pub errors: &'a [Extent],
    /// Behind this byte nothing is known to be imaged.
    pub reached: Option<u64>,
}

impl MediaMap {
    /// Places what went wrong on a medium of `capacity` bytes in sectors of `sector` bytes.
    pub fn new(capacity: u64, sector: u64, places: &Places<'_>) -> Self {
        let cell =
            capacity.div_ceil(COLUMNS * ROWS).max(1).div_ceil(sector.max(1)).saturating_mul(sector.max(1));
        let count = usize::try_from(capacity.div_ceil(cell)).unwrap_or(0);
        let mut map = Self { capacity, cell, statuses: vec![Status::Read; count] };
        if let Some(reached) = places.reached {
            map.raise(reached, capacity, Status::NotReached);
        }
        for error in places.errors {
            map.raise(error.offset.0, error.end(), Status::ReadLater);
        }
        for extent in places.unstable.iter().flat_map(|set| set.iter()) {
            map.raise(extent.offset.0, extent.end(), Status::Unstable);
        }
        if let Some(unread) = places.unread {
            map.place_unread(unread);
        }
        map
    }

    /// Bytes in a cell.
    pub fn cell(&self) -> u64 {
        self.cell
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.statuses.len()).unwrap_or(0).div_ceil(COLUMNS)
    }

    /// How many cells there are.
    pub fn cells(&self) -> u64 {
        u64::try_from(self.statuses.len()).unwrap_or(0)
    }

    /// The bytes of a run, from the first to behind the last.
    pub fn bytes(&self, run: Run) -> (u64, u64) {
        let end = run.first.saturating_add(run.cells).saturating_mul(self.cell);
        (run.first.saturating_mul(self.cell), end.min(self.capacity))
    }

    /// Everything as runs; none crosses the end of a row.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (number, status) in (0u64..).zip(&self.statuses) {
            match runs.last_mut() {
                Some(last) if last.status == *status && !number.is_multiple_of(COLUMNS) => {
                    last.cells = last.cells.saturating_add(1);
                }
                _ => runs.push(Run { first: number, cells: 1, status: *status }),
            }
        }
        runs
    }

    fn raise(&mut self, from: u64, to: u64, status: Status) {
        for cell in self.touched(from, to) {
            *cell = status.max(*cell);
        }
    }

    /// The cells that bytes `from..to` are in.
    fn touched(&mut self, from: u64, to: u64) -> &mut [Status] {
        let to = to.min(self.capacity);
        if from >= to {
            return &mut [];
        }
        let first = usize::try_from(from / self.cell).unwrap_or(usize::MAX);
        let last = usize::try_from(to.div_ceil(self.cell)).unwrap_or(usize::MAX);
        self.statuses.get_mut(first..last).unwrap_or_default()
    }

    fn place_unread(&mut self, unread: &ExtentSet) {
        let mut lost = vec![0u64; self.statuses.len()];
        for extent in unread.iter() {
            self.raise(extent.offset.0, extent.end(), Status::PartlyUnread);
            let first = extent.offset.0 / self.cell;
            let last = extent.end().min(self.capacity).div_ceil(self.cell);
            for number in first..last {
                let (from, to) = self.bytes(Run { first: number, cells: 1, status: Status::Unread });
                let common = extent.end().min(to).saturating_sub(extent.offset.0.max(from));
                if let Some(lost) = usize::try_from(number).ok().and_then(|number| lost.get_mut(number)) {
                    *lost = lost.saturating_add(common);
                }
            }
        }
        for (number, (lost, status)) in (0u64..).zip(lost.iter().zip(&mut self.statuses)) {
            let whole = self.cell.min(self.capacity.saturating_sub(number.saturating_mul(self.cell)));
            if *lost >= whole {
                *status = Status::Unread;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{ByteCount, ByteOffset};
    use proptest::prelude::*;

    fn extent(offset: u64, length: u64) -> Extent {
        Extent { offset: ByteOffset(offset), length: ByteCount(length) }
    }

    fn map(capacity: u64, unread: &[Extent]) -> MediaMap {
        let unread = unread.iter().copied().collect();
        MediaMap::new(capacity, 512, &Places { unread: Some(&unread), ..Places::default() })
    }

    fn statuses(map: &MediaMap) -> Vec<(Status, u64)> {
        map.runs().iter().map(|run| (run.status, run.cells)).collect()
    }

    #[test]
    fn one_sector_of_a_large_disk_is_seen() {
        let map = map(4 << 40, &[extent(2 << 40, 512)]);
        assert_eq!((map.cell(), map.rows()), (4 << 30, 16));
        let bad: Vec<Run> = map.runs().into_iter().filter(|run| run.status != Status::Read).collect();
        assert_eq!(bad, [Run { first: 512, cells: 1, status: Status::PartlyUnread }]);
        assert_eq!(map.bytes(bad[0]), (2 << 40, (2 << 40) + (4 << 30)));
    }

    #[test]
    fn a_small_medium_has_a_cell_for_each_sector() {
        let map = map(5 * 512, &[extent(512, 512), extent(1600, 10)]);
        assert_eq!(map.cell(), 512);
        assert_eq!(
            statuses(&map),
            [
                (Status::Read, 1),
                (Status::Unread, 1),
                (Status::Read, 1),
                (Status::PartlyUnread, 1),
                (Status::Read, 1)
            ]
        );
    }

    #[test]
    fn what_is_worse_outdoes_what_is_less_so() {
        let (unread, unstable) =
            ([extent(0, 512)].into_iter().collect(), [extent(0, 1024)].into_iter().collect());
        let errors = [extent(0, 2048), extent(u64::MAX, 9)];
        let places =
            Places { unread: Some(&unread), unstable: Some(&unstable), errors: &errors, reached: Some(1536) };
        let map = MediaMap::new(8 * 512, 512, &places);
        let expected =
            [(Status::Unread, 1), (Status::Unstable, 1), (Status::ReadLater, 2), (Status::NotReached, 4)];
        assert_eq!(statuses(&map), expected);
    }

    proptest! {
        #[test]
        fn no_number_of_a_record_makes_it_large_or_stop(
            capacity in any::<u64>(), sector in any::<u64>(), reached in any::<Option<u64>>(),
            ranges in prop::collection::vec((any::<u64>(), any::<u64>()), 0..20),
        ) {
            let ranges: Vec<Extent> = ranges.into_iter().map(|(offset, length)| extent(offset, length)).collect();
            let set: ExtentSet = ranges.iter().copied().collect();
            let places = Places { unread: Some(&set), unstable: Some(&set), errors: &ranges, reached };
            let map = MediaMap::new(capacity, sector, &places);
            prop_assert!(map.cells() <= COLUMNS * ROWS);
            prop_assert_eq!(map.runs().iter().map(|run| run.cells).sum::<u64>(), map.cells());
        }
    }
}
