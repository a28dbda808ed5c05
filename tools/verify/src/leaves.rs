//! The leaves of the hash tree, recomputed: they tell where a medium is another than the one that was acquired.

use evidence::{
    ByteCount, ByteOffset, Digest, Extent, ExtentSet, HashAlgorithm, Hasher, MOST_LEAVES, SMALLEST_LEAF,
};
use record::Leaves;

/// The leaves that a record states, put together from its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedLeaves {
    /// Media bytes in a leaf.
    pub size: ByteCount,
    /// The value of each, in order.
    pub values: Vec<Digest>,
    /// The entries do not continue one another, or are more than any medium has: what they say cannot be used, and is not
    /// kept.
    pub contradictory: bool,
}

impl StatedLeaves {
    /// None yet.
    pub fn new() -> Self {
        Self { size: ByteCount(0), values: Vec::new(), contradictory: false }
    }

    /// Takes the next entry.
    pub fn add(&mut self, entry: Leaves) {
        if self.values.is_empty() {
            self.size = entry.leaf_size;
        }
        let count = |values: &[Digest]| u64::try_from(values.len()).unwrap_or(u64::MAX);
        let first = count(&self.values);
        let fits = !self.contradictory
            && entry.leaf_size == self.size
            && self.size.0 >= SMALLEST_LEAF
            && self.size.0.is_power_of_two()
            && entry.first == first
            && first.saturating_add(count(&entry.values)) <= MOST_LEAVES;
        if fits {
            self.values.extend(entry.values);
        } else {
            (self.contradictory, self.values) = (true, Vec::new());
        }
    }

    /// True when they are one for each part of a medium of that size.
    pub fn cover(&self, medium: ByteCount) -> bool {
        let parts = medium
            .0
            .checked_div(self.size.0)
            .map(|whole| whole.saturating_add(u64::from(!medium.0.is_multiple_of(self.size.0))));
        !self.contradictory && u64::try_from(self.values.len()).ok() == parts
    }
}

/// Recomputes leaves from a medium that is read from front to end, with gaps where it cannot be.
pub struct Measuring {
    size: u64,
    medium: u64,
    at: u64,
    /// The leaf that is begun, unless a part of it is missing.
    hasher: Option<Hasher>,
    /// The value of each leaf; `None` of one that could not be read whole.
    values: Vec<Option<Digest>>,
}

impl Measuring {
    /// For leaves of `size` bytes of a medium of `medium` bytes.
    pub fn new(size: ByteCount, medium: ByteCount) -> Self {
        let size = size.0.max(SMALLEST_LEAF);
        Self { size, medium: medium.0, at: 0, hasher: Some(fresh()), values: Vec::new() }
    }

    /// Takes what lies at `offset`; what was left out before it cannot be read.
    pub fn take(&mut self, offset: ByteOffset, mut bytes: &[u8]) {
        while self.at < offset.0 {
            self.hasher = None;
            self.advance(self.left_in_leaf().min(offset.0.saturating_sub(self.at)));
        }
        while !bytes.is_empty() {
            let left = usize::try_from(self.left_in_leaf()).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(left.min(bytes.len()).max(1));
            if let Some(hasher) = &mut self.hasher {
                hasher.update(now);
            }
            self.advance(u64::try_from(now.len()).unwrap_or(u64::MAX));
            bytes = later;
        }
    }

    /// Bytes up to the end of the leaf, or of the medium.
    fn left_in_leaf(&self) -> u64 {
        let within = self.at.checked_rem(self.size).unwrap_or(0);
        self.size.saturating_sub(within).min(self.medium.saturating_sub(self.at)).max(1)
    }

    fn advance(&mut self, bytes: u64) {
        self.at = self.at.saturating_add(bytes);
        if self.at.is_multiple_of(self.size) || self.at >= self.medium {
            let done = self.hasher.replace(fresh());
            self.values.push(done.map(Hasher::finish));
        }
    }

    /// Compares with what is stated. Neighbours are one range.
    pub fn finish(mut self, stated: &StatedLeaves) -> Altered {
        self.take(ByteOffset(self.medium), &[]);
        let mut altered = Altered::default();
        for (number, (stated, found)) in (0..).zip(stated.values.iter().zip(&self.values)) {
            let offset = self.size.saturating_mul(number);
            let length = ByteCount(self.size.min(self.medium.saturating_sub(offset)));
            let extent = Extent { offset: ByteOffset(offset), length };
            match found {
                Some(found) if found == stated => altered.equal = altered.equal.saturating_add(1),
                Some(_) => altered.ranges.insert(extent),
                None => altered.unreadable.insert(extent),
            }
        }
        altered
    }
}

fn fresh() -> Hasher {
    Hasher::new(HashAlgorithm::Blake3)
}

/// Where the medium is another than the one that was acquired.
#[derive(Clone, Debug, Default)]
pub struct Altered {
    /// Leaves that have their value.
    pub equal: u64,
    /// Leaves that have another.
    pub ranges: ExtentSet,
    /// Leaves of which a part cannot be read back.
    pub unreadable: ExtentSet,
}

#[cfg(test)]
#[allow(clippy::as_conversions)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn stated(media: &[u8]) -> StatedLeaves {
        let mut stated = StatedLeaves::new();
        let values = media.chunks(2 * MIB).map(|leaf| Hasher::of(HashAlgorithm::Blake3, leaf)).collect();
        stated.add(Leaves { leaf_size: ByteCount(2 << 20), first: 0, values });
        assert!(stated.cover(ByteCount(media.len() as u64)));
        stated
    }

    fn told(set: &ExtentSet) -> Vec<(u64, u64)> {
        set.iter().map(|extent| (extent.offset.0, extent.length.0)).collect()
    }

    #[test]
    fn what_was_altered_and_what_cannot_be_read_is_told_apart_by_place() {
        let media: Vec<u8> = (0..9 * MIB + 77).map(|at| (at >> 9) as u8).collect();
        let stated = stated(&media);
        let mut changed = media.clone();
        changed[3 * MIB] ^= 1;
        *changed.last_mut().unwrap() ^= 1;
        let mut measuring = Measuring::new(stated.size, ByteCount(media.len() as u64));
        for (number, block) in changed.chunks(MIB - 5).enumerate() {
            let at = number * (MIB - 5);
            // Two blocks are lost, of which the second ends within the third leaf.
            if !(4 * MIB..6 * MIB - 100).contains(&at) {
                measuring.take(ByteOffset(at as u64), block);
            }
        }
        let altered = measuring.finish(&stated);
        assert_eq!(told(&altered.ranges), [(2 << 20, 2 << 20), (8 << 20, (1 << 20) + 77)]);
        assert_eq!(told(&altered.unreadable), [(4 << 20, 2 << 20)]);
        assert_eq!(altered.equal, 2);
    }

    #[test]
    fn a_medium_that_ends_in_a_gap_has_a_leaf_for_it() {
        let media = vec![7; 3 * MIB];
        let stated = stated(&media);
        let mut measuring = Measuring::new(stated.size, ByteCount(3 << 20));
        measuring.take(ByteOffset(0), &media[..2 * MIB + 10]);
        let altered = measuring.finish(&stated);
        assert_eq!((altered.equal, told(&altered.unreadable)), (1, vec![(2 << 20, 1 << 20)]));
    }

    #[test]
    fn entries_that_do_not_continue_one_another_are_not_used() {
        let leaf = || vec![Digest::from_bytes(&[0; 32])];
        for (leaf_size, first) in [(1 << 20, 2), (2 << 20, 1), (3 << 20, 1), (0, 0)] {
            let mut stated = StatedLeaves::new();
            stated.add(Leaves { leaf_size: ByteCount(1 << 20), first: 0, values: leaf() });
            stated.add(Leaves { leaf_size: ByteCount(leaf_size), first, values: leaf() });
            assert!(stated.contradictory && !stated.cover(ByteCount(2 << 20)), "{leaf_size} {first}");
        }
    }

    #[test]
    fn a_record_that_states_leaves_without_end_takes_no_memory() {
        let mut stated = StatedLeaves::new();
        for entry in 0..10 {
            let values = vec![Digest::from_bytes(&[0; 32]); 8192];
            stated.add(Leaves { leaf_size: ByteCount(1 << 20), first: entry * 8192, values });
        }
        assert!(stated.contradictory && stated.values.capacity() == 0);
    }
}
