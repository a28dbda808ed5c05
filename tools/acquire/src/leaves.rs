//! Leaves of the hash tree, put together from parts that come from the pool in any order, and given out in order once
//! every image holds their data.

use evidence::{Digest, LeafBuilder, LeafPart, LeafRoot, LeafSize};
use std::collections::BTreeMap;

pub(crate) struct Leaves {
    builder: LeafBuilder,
    root: LeafRoot,
    /// Parts that came before their turn, by block.
    early: BTreeMap<u64, LeafPart>,
    /// The block whose part is due.
    due: u64,
    /// Those that were given out.
    values: Vec<Digest>,
    /// Blocks that each image holds; `None` for one that failed.
    stored: Vec<Option<u64>>,
}

impl Leaves {
    pub(crate) fn new(size: LeafSize) -> Self {
        let (builder, root) = (LeafBuilder::new(size), LeafRoot::default());
        Self { builder, root, early: BTreeMap::new(), due: 0, values: Vec::new(), stored: Vec::new() }
    }

    /// From here on, so many images are to hold what comes; what came before they hold.
    pub(crate) fn begin(&mut self, images: usize) {
        self.stored = vec![Some(self.due); images];
    }

    /// The first block that did not come yet.
    pub(crate) fn due(&self) -> u64 {
        self.due
    }

    /// How many images there are, failed ones among them.
    pub(crate) fn images(&self) -> usize {
        self.stored.len()
    }

    /// True as long as that image has not failed.
    pub(crate) fn goes_on(&self, image: usize) -> bool {
        self.stored.get(image).is_some_and(Option::is_some)
    }

    pub(crate) fn part(&mut self, block: u64, part: LeafPart) {
        self.early.insert(block, part);
    }

    pub(crate) fn stored(&mut self, image: usize) {
        if let Some(Some(blocks)) = self.stored.get_mut(image) {
            *blocks = blocks.saturating_add(1);
        }
    }

    /// That image is waited for no more. False when it was the last.
    pub(crate) fn failed(&mut self, image: usize) -> bool {
        if let Some(blocks) = self.stored.get_mut(image) {
            *blocks = None;
        }
        self.stored.iter().any(Option::is_some)
    }

    /// The next leaf whose data every image holds, and its number.
    pub(crate) fn next(&mut self) -> Option<(u64, Digest)> {
        let held = self.stored.iter().flatten().min().copied().unwrap_or(u64::MAX);
        while self.due < held {
            let part = self.early.remove(&self.due)?;
            self.due = self.due.saturating_add(1);
            if let Some(value) = self.builder.push(&part) {
                return Some(self.count(value));
            }
        }
        None
    }

    /// The last leaf, where the medium ends within it.
    pub(crate) fn last(&mut self) -> Option<(u64, Digest)> {
        let value = self.builder.finish()?;
        Some(self.count(value))
    }

    /// All of them, once the last was given out.
    pub(crate) fn into_values(self) -> Vec<Digest> {
        self.values
    }

    /// The root if the medium ended here, and the value of the leaf that is begun.
    pub(crate) fn root_here(&self) -> (Digest, Option<Digest>) {
        let mut root = self.root.clone();
        let begun = self.builder.clone().finish();
        if let Some(begun) = &begun {
            root.push(begun);
        }
        (root.value(), begun)
    }

    fn count(&mut self, value: Digest) -> (u64, Digest) {
        self.root.push(&value);
        let number = u64::try_from(self.values.len()).unwrap_or(u64::MAX);
        self.values.push(value.clone());
        (number, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{ByteCount, ByteOffset, SMALLEST_LEAF};

    fn part(leaf: LeafSize, block: u64) -> LeafPart {
        let data = vec![u8::try_from(block).unwrap(); 1 << 20];
        LeafPart::of(ByteOffset(block * SMALLEST_LEAF), &data, leaf)
    }

    #[test]
    fn a_leaf_is_told_in_order_and_only_when_every_image_that_goes_on_holds_it() {
        let leaf = LeafSize::of_medium(ByteCount(1));
        let mut leaves = Leaves::new(leaf);
        leaves.begin(2);
        leaves.part(1, part(leaf, 1));
        [0, 0, 0, 1].into_iter().for_each(|image| leaves.stored(image));
        assert!(leaves.next().is_none(), "a leaf without its data");
        leaves.part(0, part(leaf, 0));
        assert_eq!(leaves.next().unwrap().0, 0);
        assert!(leaves.next().is_none(), "the second image holds one block");
        assert!(leaves.failed(1));
        assert_eq!(leaves.next().unwrap().0, 1);
        leaves.part(2, part(leaf, 2));
        assert_eq!(leaves.next().unwrap().0, 2);
        leaves.part(3, part(leaf, 3));
        assert!(leaves.next().is_none(), "the first image holds three blocks");
        assert!(!leaves.failed(0), "no image goes on");
    }
}
