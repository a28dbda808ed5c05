//! What lies on a scratch disk: the pattern everywhere, or between file systems and volumes as seizures bring them.
//!
//! A disk that was laid out has a GUID partition table. Partition 1 holds the pattern, as does all that is in no partition;
//! each other one holds a dirty file system, one half of a mirror or a physical volume. At byte 32768 lies a description of
//! 4096 bytes: `PFPROVEL`, seed, size of the disk, number of regions (all 64 bits, little-endian), then for each region start,
//! length, name (16 bytes) and seal, in the end the SHA-256 of all before it. A seal is a hash of the blocks in use
//! ([`crate::content`]): so a disk that was changed on its way from one machine to the other is told before the first attempt.

pub(crate) mod file_systems;
pub(crate) mod gpt;
pub(crate) mod power_cut;
pub(crate) mod raid_member;
pub(crate) mod volume_group;

use crate::content::Content;
use crate::failure::Failure;
use crate::pattern::{self, Comparison};
use device::{AlignedBuffer, DirectFile};
use evidence::ByteOffset;
use sha2::{Digest, Sha256};
use std::path::Path;

const MAGIC: &[u8; 8] = b"PFPROVEL";
/// Where the description lies: behind the partition table, whatever the sectors' size.
pub(crate) const DESCRIPTION_AT: u64 = 32 << 10;
const DESCRIPTION: usize = 4096;
/// The end of the disk that the second copy of the partition table may take.
pub(crate) const TAIL: u64 = 32 << 10;
/// Length of one entry of the description.
const ENTRY: usize = 64;
const HEADER: usize = 32;
const MOST_REGIONS: usize = (DESCRIPTION - HEADER - 32) / ENTRY;

/// A range that does not hold the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// First byte.
    pub(crate) start: u64,
    /// Length in bytes.
    pub(crate) length: u64,
    /// What lies there.
    pub(crate) name: String,
    /// [`Content::seal`] of it.
    pub(crate) seal: [u8; 32],
}

impl Region {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// What a whole disk holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Seed of the pattern.
    pub(crate) seed: u64,
    /// Size of the disk in bytes.
    pub(crate) size: u64,
    /// In ascending order, without overlap; none where all of it is pattern.
    pub(crate) regions: Vec<Region>,
}

impl Layout {
    /// What a disk was filled with: a layout, or the pattern alone.
    pub(crate) fn on(path: &Path) -> Result<Self, Failure> {
        let disk = DirectFile::open(path)?;
        let mut block = AlignedBuffer::new(DESCRIPTION)?;
        let read = disk.read_at(ByteOffset(DESCRIPTION_AT), &mut block);
        if read.is_ok_and(|count| count == DESCRIPTION)
            && let Some(layout) = Self::decode(&block)
            && layout.size == disk.size().0
        {
            return Ok(layout);
        }
        Ok(Self { seed: pattern::seed_on(path)?, size: disk.size().0, regions: Vec::new() })
    }

    /// The description as it lies on the disk.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = MAGIC.to_vec();
        let count = u64::try_from(self.regions.len()).unwrap_or(0);
        [self.seed, self.size, count].iter().for_each(|number| block.extend(number.to_le_bytes()));
        for region in self.regions.iter().take(MOST_REGIONS) {
            [region.start, region.length].iter().for_each(|number| block.extend(number.to_le_bytes()));
            let mut name = region.name.as_bytes().to_vec();
            name.resize(16, 0);
            block.extend(name);
            block.extend(region.seal);
        }
        block.resize(DESCRIPTION - 32, 0);
        block.extend(Sha256::digest(&block));
        block
    }

    fn decode(block: &[u8]) -> Option<Self> {
        let (body, seal) = block.get(..DESCRIPTION)?.split_at_checked(DESCRIPTION - 32)?;
        if Sha256::digest(body).as_slice() != seal || body.get(..8)? != MAGIC {
            return None;
        }
        let number = |at: usize| Some(u64::from_le_bytes(body.get(at..at.checked_add(8)?)?.try_into().ok()?));
        let count = usize::try_from(number(24)?).ok().filter(|count| *count <= MOST_REGIONS)?;
        let entries = body.get(HEADER..)?.chunks_exact(ENTRY).take(count);
        let regions = entries.map(|entry| {
            let number =
                |at: usize| Some(u64::from_le_bytes(entry.get(at..at.checked_add(8)?)?.try_into().ok()?));
            let name = String::from_utf8_lossy(entry.get(16..32)?).trim_end_matches('\0').to_owned();
            Some(Region {
                start: number(0)?,
                length: number(8)?,
                name,
                seal: entry.get(32..64)?.try_into().ok()?,
            })
        });
        Some(Self { seed: number(8)?, size: number(16)?, regions: regions.collect::<Option<_>>()? })
    }

    /// The ranges that hold the pattern: first byte, and the byte behind the last.
    pub(crate) fn patterned(&self) -> Vec<(u64, u64)> {
        let mut ranges = Vec::new();
        let mut at = 0;
        for region in &self.regions {
            if region.start > at {
                ranges.push((at, region.start));
            }
            at = region.end();
        }
        if self.size > at {
            ranges.push((at, self.size));
        }
        ranges
    }

    /// Reads every region.
    pub(crate) fn contents(&self, path: &Path) -> Result<Vec<Content>, Failure> {
        self.regions.iter().map(|region| Content::read(path, region.start, region.length)).collect()
    }

    /// Compares all that is in no region with the pattern.
    pub(crate) fn compare_pattern(&self, path: &Path) -> Result<Comparison, Failure> {
        let mut found = Comparison::default();
        for (from, to) in self.patterned() {
            pattern::check_range(path, from, to, self.seed, &mut found)?;
        }
        Ok(found)
    }

    /// Compares the whole disk: the pattern with what it must be, each region with what it held.
    pub(crate) fn compare(&self, path: &Path, held: &[Content]) -> Result<Comparison, Failure> {
        let mut found = self.compare_pattern(path)?;
        for (region, before) in self.regions.iter().zip(held) {
            before.compare(&Content::read(path, region.start, region.length)?, &mut found);
        }
        found.deviations.sort_by_key(|run| run.start);
        Ok(found)
    }

    /// Names of the regions that no longer hold what they were filled with. The description vouches for itself.
    pub(crate) fn broken_seals(&self, held: &[Content]) -> Vec<&str> {
        let pairs = self.regions.iter().zip(held).filter(|(region, _)| region.start != DESCRIPTION_AT);
        pairs
            .filter(|(region, content)| content.seal() != region.seal)
            .map(|(region, _)| region.name.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let region = |start, length, name: &str| Region { start, length, name: name.into(), seal: [9; 32] };
        let regions = vec![
            region(0, 32 << 10, "table"),
            region(32 << 10, 4096, "description"),
            region(9 << 20, 1 << 20, "ext4"),
        ];
        Layout { seed: 5, size: 64 << 20, regions }
    }

    #[test]
    fn a_description_is_read_as_it_was_written_and_not_when_a_bit_differs() {
        let block = layout().encode();
        assert_eq!((block.len(), Layout::decode(&block)), (DESCRIPTION, Some(layout())));
        for at in [0, 9, 40, 100, DESCRIPTION - 1] {
            let mut damaged = block.clone();
            damaged[at] ^= 1;
            assert_eq!(Layout::decode(&damaged), None, "byte {at}");
        }
    }

    #[test]
    fn the_pattern_is_everything_between_the_regions() {
        assert_eq!(layout().patterned(), [(36 << 10, 9 << 20), (10 << 20, 64 << 20)]);
        let plain = Layout { regions: Vec::new(), ..layout() };
        assert_eq!(plain.patterned(), [(0, 64 << 20)]);
    }

    #[test]
    fn a_region_that_was_changed_on_its_way_is_named() {
        let mut layout = layout();
        let held: Vec<Content> = (1..=3u8)
            .map(|byte| {
                let mut content = Content::default();
                content.note(0, &[byte; 512]);
                content
            })
            .collect();
        layout.regions.iter_mut().zip(&held).for_each(|(region, content)| region.seal = content.seal());
        assert!(layout.broken_seals(&held).is_empty());
        layout.regions[2].seal[31] ^= 1;
        assert_eq!(layout.broken_seals(&held), ["ext4"]);
        // The description cannot hold a hash of itself.
        layout.regions[1].seal = [0; 32];
        assert_eq!(layout.broken_seals(&held), ["ext4"]);
    }

    #[test]
    fn a_change_anywhere_on_a_laid_out_disk_is_found_once() {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let layout = layout();
        let mut image = vec![0u8; 64 << 20];
        (0..).zip(image.chunks_mut(512)).for_each(|(number, block)| pattern::put(block, 5, number));
        for region in &layout.regions {
            let byte = |number: u64| usize::try_from(number).unwrap();
            image[byte(region.start)..byte(region.start + region.length)].fill(0);
        }
        image[9 << 20] = 1;
        std::fs::write(file.path(), &image).unwrap();
        let held = layout.contents(file.path()).unwrap();
        let changes = || layout.compare(file.path(), &held).unwrap();
        assert_eq!(changes().changed_blocks, 0);
        for (at, count) in [(5_usize << 20, 1), ((9 << 20) + 700, 2), ((64 << 20) - 1, 3), (100, 4)] {
            image[at] ^= 1;
            std::fs::write(file.path(), &image).unwrap();
            assert_eq!(changes().changed_blocks, count, "byte {at}");
        }
        assert!(changes().deviations.is_sorted_by_key(|run| run.start));
    }
}
