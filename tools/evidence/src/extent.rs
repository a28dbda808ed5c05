//! Ranges of bytes, and sets of them, as unread sectors and damage are told.

use crate::{ByteCount, ByteOffset};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Extent {
    /// First byte.
    pub offset: ByteOffset,
    /// Length; never zero inside an [`ExtentSet`].
    pub length: ByteCount,
}

impl Extent {
    /// The byte after the last one, clamped to `u64::MAX`.
    #[must_use]
    pub fn end(self) -> u64 {
        self.offset.0.saturating_add(self.length.0)
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.length, self.offset)
    }
}

/// A set of bytes held as sorted extents that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Extent>", into = "Vec<Extent>")]
pub struct ExtentSet {
    extents: Vec<Extent>,
}

impl ExtentSet {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a range, joining it with what it touches. A range of length zero changes nothing.
    pub fn insert(&mut self, added: Extent) {
        if added.length.0 == 0 {
            return;
        }
        let first = self.extents.partition_point(|e| e.end() < added.offset.0);
        let last = self.extents.partition_point(|e| e.offset.0 <= added.end());
        let mut start = added.offset.0;
        let mut end = added.end();
        for joined in self.extents.get(first..last).unwrap_or_default() {
            start = start.min(joined.offset.0);
            end = end.max(joined.end());
        }
        let joined = Extent { offset: ByteOffset(start), length: ByteCount(end.saturating_sub(start)) };
        self.extents.splice(first..last, [joined]);
    }

    /// The extents in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Extent> + '_ {
        self.extents.iter().copied()
    }

    /// How many separate extents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.extents.len()
    }

    /// True when no byte is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// How many bytes are in the set.
    #[must_use]
    pub fn total(&self) -> ByteCount {
        ByteCount(self.extents.iter().fold(0, |sum, e| sum.saturating_add(e.length.0)))
    }
}

impl From<Vec<Extent>> for ExtentSet {
    fn from(mut extents: Vec<Extent>) -> Self {
        // In order each one is put at the end; an order made up to harm would cost the square of the count.
        extents.sort_unstable_by_key(|extent| extent.offset);
        extents.into_iter().collect()
    }
}

impl From<ExtentSet> for Vec<Extent> {
    fn from(set: ExtentSet) -> Self {
        set.extents
    }
}

impl FromIterator<Extent> for ExtentSet {
    fn from_iter<I: IntoIterator<Item = Extent>>(extents: I) -> Self {
        let mut set = Self::new();
        for extent in extents {
            set.insert(extent);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn extent(offset: u64, length: u64) -> Extent {
        Extent { offset: ByteOffset(offset), length: ByteCount(length) }
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let set: ExtentSet = [extent(0, 512), extent(1024, 512), extent(512, 512)].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), vec![extent(0, 1536)]);
    }

    #[test]
    fn a_range_at_the_very_end_does_not_overflow() {
        let set: ExtentSet = [extent(u64::MAX - 1, 9), extent(u64::MAX, 1)].into_iter().collect();
        assert_eq!(set.len(), 1);
    }

    proptest! {
        #[test]
        fn the_set_holds_exactly_the_bytes_put_in(ranges in prop::collection::vec((0u64..200, 0u64..20), 0..40)) {
            let mut bytes = BTreeSet::new();
            let mut set = ExtentSet::new();
            for (offset, length) in ranges {
                bytes.extend(offset..offset + length);
                set.insert(extent(offset, length));
            }
            let held: Vec<u64> = set.iter().flat_map(|e| e.offset.0..e.end()).collect();
            prop_assert_eq!(held, bytes.into_iter().collect::<Vec<_>>());
            let borders: Vec<Extent> = set.iter().collect();
            for pair in borders.windows(2) {
                prop_assert!(pair[0].end() < pair[1].offset.0, "extents touch");
            }
        }
    }
}
