//! Hash values of equal parts of a medium, so that a change can be located and an acquisition taken up again.
//!
//! A leaf is BLAKE3 over its bytes, as `b3sum` prints it. BLAKE3 because a leaf of many blocks is computed from its blocks on
//! any thread in any order (its own tree allows that), at a few times the speed of SHA-256, also where the processor has
//! no instructions for SHA. It locates; what identifies the medium are the hashes over all of it.

use crate::{ByteCount, ByteOffset, Digest, Extent};
use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// A leaf is never smaller.
pub const SMALLEST_LEAF: u64 = 1 << 20;

/// More leaves than these make leaves larger: 64 hexadecimal digits each are 4 MiB in a record.
pub const MOST_LEAVES: u64 = 65_536;

/// Media bytes in one leaf: a power of two of MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafSize(u64);

impl LeafSize {
    /// The smallest size that cuts a medium into at most [`MOST_LEAVES`]: 1 MiB up to 64 GiB, 16 MiB for 1 TiB.
    #[must_use]
    pub fn of_medium(size: ByteCount) -> Self {
        let mut leaf = SMALLEST_LEAF;
        while size.0.div_ceil(leaf) > MOST_LEAVES {
            leaf = leaf.saturating_mul(2);
        }
        Self(leaf)
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> ByteCount {
        ByteCount(self.0)
    }

    /// The part of a medium of `size` that leaf `number` stands for.
    #[must_use]
    pub fn extent(self, number: u64, size: ByteCount) -> Extent {
        let offset = number.saturating_mul(self.0).min(size.0);
        Extent { offset: ByteOffset(offset), length: ByteCount(self.0.min(size.0.saturating_sub(offset))) }
    }
}

/// What one block of media data adds to its leaf; made on any thread.
#[derive(Clone, Copy, Debug)]
pub struct LeafPart {
    length: u64,
    inner: ChainingValue,
    whole: [u8; 32],
}

impl LeafPart {
    /// Hashes the block at `offset` of the medium: [`SMALLEST_LEAF`] bytes and a border of them, fewer only at the end of the
    /// medium.
    #[must_use]
    pub fn of(offset: ByteOffset, block: &[u8], leaf: LeafSize) -> Self {
        let length = u64::try_from(block.len()).unwrap_or(u64::MAX);
        let within = offset.0.checked_rem(leaf.0).unwrap_or(0);
        let mut hasher = blake3::Hasher::new();
        if leaf.0 == SMALLEST_LEAF {
            let whole = *hasher.update(block).finalize().as_bytes();
            return Self { length, inner: whole, whole };
        }
        hasher.set_input_offset(within).update(block);
        // A leaf that is a single block has no parts to be merged.
        let whole = if within == 0 { *hasher.finalize().as_bytes() } else { [0; 32] };
        Self { length, inner: hasher.finalize_non_root(), whole }
    }
}

/// Puts parts together, which come in order.
#[derive(Clone, Debug)]
pub struct LeafBuilder {
    size: u64,
    filled: u64,
    /// Values of complete subtrees, the largest first, with the number of blocks in each.
    subtrees: Vec<(u64, ChainingValue)>,
    whole: [u8; 32],
}

impl LeafBuilder {
    /// Begins at the start of a leaf.
    #[must_use]
    pub fn new(leaf: LeafSize) -> Self {
        Self { size: leaf.0, filled: 0, subtrees: Vec::new(), whole: [0; 32] }
    }

    /// Takes the next block's part; gives the leaf's value when it is full.
    pub fn push(&mut self, part: &LeafPart) -> Option<Digest> {
        if self.filled == 0 {
            self.whole = part.whole;
        }
        self.filled = self.filled.saturating_add(part.length);
        // Only now is it known that the neighbours before are not the last two, which make the root.
        while let [.., (left_blocks, left), (right_blocks, right)] = self.subtrees.as_slice()
            && left_blocks == right_blocks
        {
            let merged = (left_blocks.saturating_mul(2), merge_subtrees_non_root(left, right, Mode::Hash));
            self.subtrees.truncate(self.subtrees.len().saturating_sub(2));
            self.subtrees.push(merged);
        }
        self.subtrees.push((1, part.inner));
        if self.filled >= self.size { self.finish() } else { None }
    }

    /// The value of what was put in since the last full leaf, if there is anything: the last leaf of a medium.
    pub fn finish(&mut self) -> Option<Digest> {
        let (_, mut right) = self.subtrees.pop()?;
        self.filled = 0;
        if self.subtrees.is_empty() {
            return Some(Digest::from_bytes(&self.whole));
        }
        while self.subtrees.len() > 1
            && let Some((_, left)) = self.subtrees.pop()
        {
            right = merge_subtrees_non_root(&left, &right, Mode::Hash);
        }
        let (_, left) = self.subtrees.pop()?;
        Some(Digest::from_bytes(merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()))
    }
}

/// One value for all leaves: BLAKE3 over their values, 32 bytes each, in order.
#[derive(Clone, Debug, Default)]
pub struct LeafRoot(blake3::Hasher);

impl LeafRoot {
    /// Adds the value of the next leaf.
    pub fn push(&mut self, leaf: &Digest) {
        self.0.update(leaf.as_bytes());
    }

    /// The root so far.
    #[must_use]
    pub fn value(&self) -> Digest {
        Digest::from_bytes(self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: usize = 1 << 20;

    fn leaves(data: &[u8], leaf: LeafSize) -> Vec<String> {
        let mut builder = LeafBuilder::new(leaf);
        let mut found = Vec::new();
        for (block, number) in data.chunks(MIB).zip(0u64..) {
            found.extend(builder.push(&LeafPart::of(ByteOffset(number << 20), block, leaf)));
        }
        found.extend(builder.finish());
        found.iter().map(ToString::to_string).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// The hash of the whole leaf in one go does not use the tree that is put together here.
        #[test]
        fn a_leaf_of_any_number_of_blocks_is_the_plain_hash_of_its_bytes(
            size in 1usize..9 * MIB, power in 0u32..4, whole: bool,
        ) {
            let size = if whole { size.next_multiple_of(MIB) } else { size };
            let data: Vec<u8> = (0..size).map(|at| u8::try_from((at ^ (at >> 11)) & 0xff).unwrap()).collect();
            let leaf = LeafSize(SMALLEST_LEAF << power);
            let wanted: Vec<String> =
                data.chunks(MIB << power).map(|part| blake3::hash(part).to_hex().to_string()).collect();
            prop_assert_eq!(leaves(&data, leaf), wanted);
        }
    }

    #[test]
    fn leaves_grow_with_the_medium_and_stay_few() {
        for (size, leaf) in [(1u64, 1), (64 << 30, 1), ((64 << 30) + 1, 2), (1 << 40, 16), (20 << 40, 512)] {
            assert_eq!(LeafSize::of_medium(ByteCount(size)).bytes(), ByteCount(leaf << 20), "{size}");
        }
        let last = LeafSize(SMALLEST_LEAF).extent(1, ByteCount(SMALLEST_LEAF + 7));
        assert_eq!((last.offset.0, last.length.0), (SMALLEST_LEAF, 7));
    }
}
