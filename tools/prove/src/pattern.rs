//! The pattern on a scratch disk: every 512 bytes say where they belong, so that a change, a move or a loss is located.
//!
//! A block of 512 bytes: `PFPROVE1`, its number, the seed, 480 bytes of a stream keyed with both, the number inverted; all
//! numbers little-endian. The last bytes are never 55h AAh, so no block passes for a boot sector.

use crate::failure::Failure;
use device::{AlignedBuffer, DirectFile};
use evidence::ByteOffset;
use passthrough::Node;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Size of a block of the pattern, whatever the disk's sectors.
pub(crate) const BLOCK: usize = 512;
const MAGIC: &[u8; 8] = b"PFPROVE1";
/// Bytes that are written or read at once.
const CHUNK: usize = 1 << 20;

/// Generator of the streams (SplitMix64, Steele and others 2014): small, seedable at any point, and not meant to be secret.
#[derive(Clone, Debug)]
pub(crate) struct Stream(u64);

impl Stream {
    /// A stream of its own for each pair.
    pub(crate) fn keyed(seed: u64, number: u64) -> Self {
        let mut outer = Stream(seed);
        let key = outer.next();
        Stream(key ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 for a limit of 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// Fills `bytes`.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let number = self.next().to_le_bytes();
            part.iter_mut().zip(number).for_each(|(to, from)| *to = from);
        }
    }
}

/// Puts the block with this number into `block`, 512 bytes.
pub(crate) fn put(block: &mut [u8], seed: u64, number: u64) {
    Stream::keyed(seed, number).fill(block);
    let fields =
        [(0, *MAGIC), (8, number.to_le_bytes()), (16, seed.to_le_bytes()), (504, (!number).to_le_bytes())];
    for (at, bytes) in fields {
        block.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = from);
    }
}

/// What a block says of itself: number and seed; `None` when it is no block of any pattern.
pub(crate) fn read_header(block: &[u8]) -> Option<(u64, u64)> {
    let number = |at: usize| Some(u64::from_le_bytes(block.get(at..at.checked_add(8)?)?.try_into().ok()?));
    (block.get(..8)? == MAGIC && number(504)? == !number(8)?).then_some(())?;
    Some((number(8)?, number(16)?))
}

/// A run of blocks that do not hold what they should.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Deviation {
    /// First byte.
    pub(crate) start: u64,
    /// Length in bytes.
    pub(crate) length: u64,
    /// What lies there instead.
    pub(crate) holds: &'static str,
}

/// What a full comparison found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Comparison {
    /// Blocks that differ.
    pub(crate) changed_blocks: u64,
    /// The first runs of them, in order; not more than [`Comparison::LISTED`].
    pub(crate) deviations: Vec<Deviation>,
}

impl Comparison {
    /// As many runs are listed; all are counted.
    pub(crate) const LISTED: usize = 256;

    pub(crate) fn note(&mut self, start: u64, holds: &'static str) {
        let length = u64::try_from(BLOCK).unwrap_or(0);
        self.changed_blocks = self.changed_blocks.saturating_add(1);
        let room = self.deviations.len() < Self::LISTED;
        match self.deviations.last_mut() {
            Some(last) if last.holds == holds && last.start.saturating_add(last.length) == start => {
                last.length = last.length.saturating_add(length);
            }
            _ if room => self.deviations.push(Deviation { start, length, holds }),
            _ => {}
        }
    }
}

/// Compares `bytes`, which were read from `offset`, with the pattern.
pub(crate) fn compare(bytes: &[u8], offset: u64, seed: u64, found: &mut Comparison) {
    let mut expected = [0u8; BLOCK];
    let size = u64::try_from(BLOCK).unwrap_or(1);
    for (index, block) in (0u64..).zip(bytes.chunks(BLOCK)) {
        let at = offset.saturating_add(index.saturating_mul(size));
        let number = at / size;
        put(&mut expected, seed, number);
        if expected.get(..block.len()) != Some(block) {
            let holds = match read_header(block) {
                Some((other, _)) if other != number => "a block that belongs elsewhere",
                Some(_) => "an altered block",
                None if block.iter().all(|byte| *byte == 0) => "zeros",
                None => "other data",
            };
            found.note(at, holds);
        }
    }
}

/// Writes the pattern from one byte up to another. `progress` hears how far it is written.
pub(crate) fn fill_range(
    node: &Node,
    from: u64,
    to: u64,
    seed: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    let disk = node.path().display().to_string();
    let failed = |offset| {
        let disk = disk.clone();
        move |source: io::Error| Failure::Fill { disk, offset, source }
    };
    let mut buffer = AlignedBuffer::new(CHUNK)?;
    let mut at = from;
    while at < to {
        let length = usize::try_from(to.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
        let part = buffer.get_mut(..length).unwrap_or_default();
        let first = at / u64::try_from(BLOCK).unwrap_or(1);
        (first..).zip(part.chunks_mut(BLOCK)).for_each(|(number, block)| put(block, seed, number));
        node.file().write_all_at(part, at).map_err(failed(at))?;
        at = at.saturating_add(u64::try_from(length).unwrap_or(to));
        progress(at);
    }
    Ok(())
}

/// Reads a range past the page cache and compares it with the pattern.
pub(crate) fn check_range(
    path: &Path,
    from: u64,
    to: u64,
    seed: u64,
    found: &mut Comparison,
) -> Result<(), Failure> {
    let disk = DirectFile::open(path)?;
    let mut buffer = AlignedBuffer::new(CHUNK)?;
    let mut at = from;
    let to = to.min(disk.size().0);
    while at < to {
        let length = usize::try_from(to.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
        let part = buffer.get_mut(..length).unwrap_or_default();
        match disk.read_at(ByteOffset(at), part) {
            Ok(0) => break,
            Ok(count) => {
                compare(part.get(..count).unwrap_or_default(), at, seed, found);
                at = at.saturating_add(u64::try_from(count).unwrap_or(0));
            }
            Err(error) if error.is_bad_range() => {
                // One sector is given up, the rest read on.
                let sector = u64::from(disk.alignment());
                let blocks = sector / u64::try_from(BLOCK).unwrap_or(1);
                let size = u64::try_from(BLOCK).unwrap_or(1);
                (0..blocks).for_each(|n| {
                    found.note(at.saturating_add(n.saturating_mul(size)), "unreadable sectors")
                });
                at = at.saturating_add(sector);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The seed of the pattern on a disk, by a look at a few places.
pub(crate) fn seed_on(path: &Path) -> Result<u64, Failure> {
    let disk = DirectFile::open(path)?;
    let mut buffer = AlignedBuffer::new(4096)?;
    let size = disk.size().0 / 4096 * 4096;
    let places = [0, size / 4 / 4096 * 4096, size / 2 / 4096 * 4096, size.saturating_sub(4096)];
    for at in places {
        if disk.read_at(ByteOffset(at), &mut buffer).is_ok_and(|count| count >= BLOCK)
            && let Some((number, seed)) = read_header(buffer.get(..BLOCK).unwrap_or_default())
            && number == at / 512
        {
            return Ok(seed);
        }
    }
    Err(Failure::NoPattern {
        disk: path.display().to_string(),
        what: "none of the blocks looked at".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterned(blocks: u64, seed: u64) -> Vec<u8> {
        let mut bytes = vec![0u8; usize::try_from(blocks).unwrap() * BLOCK];
        (0..).zip(bytes.chunks_mut(BLOCK)).for_each(|(number, block)| put(block, seed, number));
        bytes
    }

    fn compared(bytes: &[u8], seed: u64) -> Comparison {
        let mut found = Comparison::default();
        compare(bytes, 0, seed, &mut found);
        found
    }

    #[test]
    fn every_flipped_bit_is_found_and_located() {
        let clean = patterned(4, 7);
        assert_eq!(compared(&clean, 7).changed_blocks, 0);
        for bit in 0..BLOCK * 8 {
            let mut bytes = clean.clone();
            bytes[2 * BLOCK + bit / 8] ^= 1 << (bit % 8);
            let found = compared(&bytes, 7);
            assert_eq!((found.changed_blocks, found.deviations[0].start), (1, 1024), "bit {bit}");
        }
    }

    #[test]
    fn a_moved_block_a_lost_one_and_another_disks_are_told_apart() {
        let mut bytes = patterned(8, 7);
        let moved = bytes[0..BLOCK].to_vec();
        bytes[BLOCK..2 * BLOCK].copy_from_slice(&moved);
        bytes[3 * BLOCK..5 * BLOCK].fill(0);
        let found = compared(&bytes, 7);
        assert_eq!(found.changed_blocks, 3);
        assert_eq!(
            found.deviations,
            [
                Deviation { start: 512, length: 512, holds: "a block that belongs elsewhere" },
                Deviation { start: 1536, length: 1024, holds: "zeros" }
            ]
        );
        assert_eq!(compared(&patterned(8, 8), 7).changed_blocks, 8, "the same pattern under another seed");
    }

    #[test]
    fn a_filled_file_holds_the_pattern_and_names_its_seed() {
        // Under the build folder: direct writes need a real file system.
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.as_file().set_len(3 << 20).unwrap();
        let node = Node::open(file.path(), passthrough::Access::ReadWrite).unwrap();
        let mut heard = 0;
        fill_range(&node, 0, 3 << 20, 42, &mut |at| heard = at).unwrap();
        node.file().sync_all().unwrap();
        assert_eq!(heard, 3 << 20);
        assert_eq!(seed_on(file.path()).unwrap(), 42);
        let changed = |seed| {
            let mut found = Comparison::default();
            check_range(file.path(), 0, 3 << 20, seed, &mut found).unwrap();
            found.changed_blocks
        };
        assert_eq!((changed(42), changed(43)), (0, 3 << 11));
    }

    #[test]
    fn no_block_looks_like_a_boot_sector() {
        for number in [0, 1, 0xAA55, 0xFFFF_FFFF, !0x55AA_0000_0000_0000_u64] {
            let mut block = [0u8; BLOCK];
            put(&mut block, number, number >> 1);
            assert_ne!(block[510..], [0x55, 0xAA]);
        }
    }

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // SplitMix64 from seed 1234567, as printed with the reference implementation.
        let mut stream = Stream(1_234_567);
        assert_eq!(stream.next(), 6_457_827_717_110_365_317);
        assert_eq!(stream.next(), 3_203_168_211_198_807_973);
    }
}
