//! The map: which stretch of the medium lies where (AFF4 §4).

use super::vocabulary::Symbol;
use crate::little_endian::{u32_at, u64_at};
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet};

/// Length of an entry in the file.
pub(super) const ENTRY: usize = 28;
/// Entries read at most: Evimetry makes one for every 64 KiB, so that this is a disk of 1 TiB. Those that continue each
/// other take 40 bytes of memory together.
pub(super) const MOST_ENTRIES: u64 = 16 << 20;
/// Names of targets at most, in bytes.
pub(super) const LARGEST_INDEX: u64 = 1 << 20;

/// What a stretch of the medium is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A stream without end.
    Symbol(Symbol),
    /// Bytes of the image stream with this number.
    Stream(usize),
}

/// One stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Where in the target it begins.
    pub(super) from: u64,
    pub(super) target: Target,
}

impl Entry {
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    fn extent(&self) -> Extent {
        Extent { offset: ByteOffset(self.offset), length: ByteCount(self.length) }
    }

    /// The part between two offsets that lie in it.
    fn part(&self, start: u64, end: u64) -> Entry {
        let from = self.from.saturating_add(start.saturating_sub(self.offset));
        Entry { offset: start, length: end.saturating_sub(start), from, target: self.target }
    }
}

/// Stretches in ascending order that do not overlap, within the medium.
#[derive(Clone, Debug)]
pub(super) struct Map {
    entries: Vec<Entry>,
    /// What lies where no entry is.
    gap: Symbol,
    size: u64,
}

impl Map {
    /// A map without entries.
    pub(super) fn new(size: u64, gap: Symbol) -> Self {
        Self { entries: Vec::new(), gap, size }
    }

    /// Takes the entries of a `map` member; `targets` are those that its `idx` names.
    pub(super) fn parse(bytes: &[u8], targets: &[Target], size: u64, gap: Symbol) -> Result<Self, String> {
        let (entries, rest) = bytes.as_chunks::<ENTRY>();
        if !rest.is_empty() {
            return Err(format!("its length is no multiple of {ENTRY}"));
        }
        let mut map = Self::new(size, gap);
        for (number, bytes) in entries.iter().enumerate() {
            let [Some(offset), Some(length), Some(from)] = [0, 8, 16].map(|at| u64_at(bytes, at)) else {
                continue;
            };
            let target = u32_at(bytes, 24).and_then(|id| targets.get(usize::try_from(id).ok()?));
            let Some(target) = target.copied() else {
                return Err(format!("entry {number} has a target that the idx does not name"));
            };
            if offset.checked_add(length).is_none() || from.checked_add(length).is_none() {
                return Err(format!("entry {number} ends beyond 64 bits"));
            }
            // A program may map its last chunk as a whole.
            let length = length.min(size.saturating_sub(offset));
            if length > 0 {
                map.push(Entry { offset, length, from, target });
            }
        }
        map.entries.sort_unstable_by_key(|entry| entry.offset);
        let both = map.entries.iter().zip(map.entries.iter().skip(1));
        match both.into_iter().find(|(one, next)| one.end() > next.offset) {
            Some((one, next)) => Err(format!("its entries at {} and {} overlap", one.offset, next.offset)),
            None => Ok(map),
        }
    }

    /// Adds a stretch at the end; one that continues the last becomes part of it.
    pub(super) fn push(&mut self, added: Entry) {
        if let Some(last) = self.entries.last_mut()
            && last.target == added.target
            && last.end() == added.offset
            && last.from.saturating_add(last.length) == added.from
        {
            last.length = last.length.saturating_add(added.length);
        } else if added.length > 0 {
            self.entries.push(added);
        }
    }

    /// True when a stretch would become part of the last one.
    pub(super) fn continues(&self, target: Target) -> bool {
        self.entries.last().is_some_and(|last| last.target == target)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many bytes lie in streams of stored data.
    pub(super) fn in_streams(&self) -> u64 {
        let stored = self.entries.iter().filter(|entry| matches!(entry.target, Target::Stream(_)));
        stored.fold(0, |sum, entry| sum.saturating_add(entry.length))
    }

    /// The same stretches of a medium of `size`.
    pub(super) fn of_size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The stretch that holds `offset`, which lies in the medium; a gap is a stretch too.
    pub(super) fn at(&self, offset: u64) -> Entry {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        let before = after.checked_sub(1).and_then(|index| self.entries.get(index));
        if let Some(entry) = before.filter(|entry| offset < entry.end()) {
            return *entry;
        }
        let start = before.map_or(0, Entry::end);
        let end = self.entries.get(after).map_or(self.size, |next| next.offset);
        let target = Target::Symbol(self.gap);
        Entry { offset: start, length: end.saturating_sub(start), from: start, target }
    }

    /// What stands for data that was not read.
    pub(super) fn unread(&self) -> ExtentSet {
        let mut unread = ExtentSet::new();
        let mut at = 0;
        while at < self.size {
            let stretch = self.at(at);
            if matches!(stretch.target, Target::Symbol(symbol) if symbol.stands_for_unread()) {
                unread.insert(stretch.extent());
            }
            at = stretch.end().max(at.saturating_add(1));
        }
        unread
    }

    /// The same map with other content in some ranges.
    pub(super) fn overlaid(&self, ranges: &ExtentSet, symbol: Symbol) -> Self {
        let mut map = Self::new(self.size, self.gap);
        let mut ranges = ranges.iter().filter(|range| range.offset.0 < self.size).peekable();
        for entry in &self.entries {
            let mut at = entry.offset;
            while let Some(range) = ranges.peek().filter(|range| range.offset.0 < entry.end()) {
                let start = range.offset.0.max(at);
                let end = range.end().min(entry.end());
                map.push(entry.part(at, start));
                let length = end.saturating_sub(start);
                map.push(Entry { offset: start, length, from: start, target: Target::Symbol(symbol) });
                at = end.max(at);
                if range.end() > entry.end() {
                    break;
                }
                ranges.next();
            }
            map.push(entry.part(at, entry.end()));
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(entries: &[(u64, u64, u64, u32)]) -> Vec<u8> {
        let entry = |(offset, length, from, id): &(u64, u64, u64, u32)| {
            [&offset.to_le_bytes()[..], &length.to_le_bytes(), &from.to_le_bytes(), &id.to_le_bytes()]
                .concat()
        };
        entries.iter().flat_map(entry).collect()
    }

    const TARGETS: [Target; 2] = [Target::Stream(0), Target::Symbol(Symbol::Unreadable)];

    #[test]
    fn gaps_and_unread_ranges_are_stretches_too() {
        let entries = bytes(&[(200, 100, 7, 0), (50, 50, 50, 1), (100, 0, 0, 0)]);
        let map = Map::parse(&entries, &TARGETS, 1000, Symbol::Byte(0)).unwrap();
        let gap =
            |offset, length| Entry { offset, length, from: offset, target: Target::Symbol(Symbol::Byte(0)) };
        assert_eq!(map.at(0), gap(0, 50));
        assert_eq!(map.at(199), gap(100, 100));
        assert_eq!(map.at(999), gap(300, 700));
        assert_eq!(map.at(250).from, 7);
        let unread: Vec<Extent> = map.unread().iter().collect();
        assert_eq!(unread, [Extent { offset: ByteOffset(50), length: ByteCount(50) }]);
        assert_eq!(Map::new(9, Symbol::Unknown).unread().total(), ByteCount(9));
    }

    #[test]
    fn maps_that_contradict_themselves_are_refused() {
        for (wrong, said) in [
            (bytes(&[(0, 100, 0, 0), (99, 1, 0, 1)]), "overlap"),
            (bytes(&[(0, 100, 0, 2)]), "does not name"),
            (bytes(&[(1, u64::MAX, 0, 0)]), "64 bits"),
            (bytes(&[(0, 10, u64::MAX, 0)]), "64 bits"),
            (vec![0; 27], "multiple"),
        ] {
            let error = Map::parse(&wrong, &TARGETS, 1000, Symbol::Byte(0)).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    proptest! {
        #[test]
        fn an_overlay_changes_its_ranges_and_nothing_else(
            lengths in prop::collection::vec((1u64..40, any::<bool>()), 1..20),
            ranges in prop::collection::vec((0u64..500, 0u64..60), 0..10),
        ) {
            let size: u64 = lengths.iter().map(|(length, _)| length).sum();
            let mut map = Map::new(size, Symbol::Byte(0));
            let mut at = 0;
            for (length, data) in lengths {
                let target = if data { Target::Stream(0) } else { Target::Symbol(Symbol::Byte(0)) };
                map.push(Entry { offset: at, length, from: at + 1000, target });
                at += length;
            }
            let range = |(offset, length)| Extent { offset: ByteOffset(offset), length: ByteCount(length) };
            let ranges: ExtentSet = ranges.into_iter().map(range).collect();
            let overlaid = map.overlaid(&ranges, Symbol::Unreadable);
            for offset in 0..size {
                let (before, after) = (map.at(offset), overlaid.at(offset));
                if ranges.iter().any(|range| range.offset.0 <= offset && offset < range.end()) {
                    prop_assert_eq!(after.target, Target::Symbol(Symbol::Unreadable));
                } else {
                    prop_assert_eq!(after.target, before.target);
                    prop_assert_eq!(after.from + (offset - after.offset), before.from + (offset - before.offset));
                }
            }
        }
    }
}
