//! What a range of a disk holds where no pattern says what it should: a digest of each block in use.
//!
//! A block of 512 bytes that is all zero is left out, for file systems are mostly empty: so the memory that this takes follows
//! what is in use (24 bytes a block), not the size of the range.

use crate::failure::Failure;
use crate::pattern::{BLOCK, Comparison, Deviation};
use device::{AlignedBuffer, DirectFile};
use evidence::ByteOffset;
use sha2::{Digest, Sha256};
use std::path::Path;

/// The first half of a block's SHA-256.
type Short = [u8; 16];
/// Stands for a block that can't be read. No digest comes out so by any chance that matters.
const UNREADABLE: Short = [0xFF; 16];
/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// A range and the digests of its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Number of the block on the disk, and its digest; in ascending order.
    blocks: Vec<(u64, Short)>,
}

impl Content {
    /// Reads a range past the page cache.
    pub(crate) fn read(path: &Path, start: u64, length: u64) -> Result<Self, Failure> {
        let disk = DirectFile::open(path)?;
        let mut buffer = AlignedBuffer::new(CHUNK)?;
        let mut content = Self::default();
        let mut at = start;
        let end = start.saturating_add(length).min(disk.size().0);
        while at < end {
            let wanted = usize::try_from(end.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            match disk.read_at(ByteOffset(at), part) {
                Ok(0) => break,
                Ok(count) => {
                    content.note(at, part.get(..count).unwrap_or_default());
                    at = at.saturating_add(u64::try_from(count).unwrap_or(0));
                }
                Err(error) if error.is_bad_range() => {
                    let sector = u64::from(disk.alignment());
                    (at..at.saturating_add(sector))
                        .step_by(BLOCK)
                        .for_each(|byte| content.blocks.push((number(byte), UNREADABLE)));
                    at = at.saturating_add(sector);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(content)
    }

    /// Takes in `bytes`, which lie behind all that were taken in before.
    pub(crate) fn note(&mut self, at: u64, bytes: &[u8]) {
        for (number, block) in (number(at)..).zip(bytes.chunks(BLOCK)) {
            if !is_zero(block) {
                let mut short = Short::default();
                short.iter_mut().zip(Sha256::digest(block)).for_each(|(to, from)| *to = from);
                self.blocks.push((number, short));
            }
        }
    }

    /// One digest of the whole range: SHA-256 over number (64 bits, little-endian) and digest of each block in use.
    pub(crate) fn seal(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (number, short) in &self.blocks {
            hash.update(number.to_le_bytes());
            hash.update(short);
        }
        hash.finalize().into()
    }

    /// Adds to `found` every block that is not in `now` what it is here.
    pub(crate) fn compare(&self, now: &Content, found: &mut Comparison) {
        let (mut before, mut after) = (self.blocks.iter().peekable(), now.blocks.iter().peekable());
        loop {
            let (old, new) = (before.peek().copied(), after.peek().copied());
            let next = match (old, new) {
                (None, None) => return,
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((number, _)), None) | (None, Some((number, _))) => *number,
            };
            let old = old.filter(|(number, _)| *number == next).map(|(_, short)| short);
            let new = new.filter(|(number, _)| *number == next).map(|(_, short)| short);
            if old != new {
                let holds = match new {
                    None => "zeros",
                    Some(&UNREADABLE) => "unreadable sectors",
                    Some(_) => "other data",
                };
                found.note(next.saturating_mul(u64::try_from(BLOCK).unwrap_or(512)), holds);
            }
            before.next_if(|(number, _)| *number == next);
            after.next_if(|(number, _)| *number == next);
        }
    }
}

/// What an attempt changed in a range, in a line for its row.
pub(crate) fn in_words(found: &Comparison) -> Option<String> {
    let end = |run: &Deviation| run.start.saturating_add(run.length).saturating_sub(1);
    let first = found.deviations.first()?;
    let last = found.deviations.iter().map(end).max()?;
    let count = found.changed_blocks;
    let more = if found.deviations.len() < Comparison::LISTED { "" } else { " and beyond" };
    Some(format!("{count} blocks of 512 bytes between bytes {} and {last}{more}", first.start))
}

fn number(byte: u64) -> u64 {
    byte / u64::try_from(BLOCK).unwrap_or(512)
}

fn is_zero(block: &[u8]) -> bool {
    let words = block.chunks_exact(16);
    words.remainder().iter().all(|byte| *byte == 0)
        && words.into_iter().all(|word| word.try_into().is_ok_and(|bytes| u128::from_ne_bytes(bytes) == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: &[u8]) -> Content {
        let mut content = Content::default();
        content.note(4096, bytes);
        content
    }

    fn changes(before: &[u8], after: &[u8]) -> Comparison {
        let mut found = Comparison::default();
        content(before).compare(&content(after), &mut found);
        found
    }

    #[test]
    fn every_changed_block_is_counted_and_located_whether_it_was_in_use_or_not() {
        let mut before = vec![0u8; 16 * BLOCK];
        before[3 * BLOCK..6 * BLOCK].fill(7);
        assert_eq!(changes(&before, &before).changed_blocks, 0);
        let mut after = before.clone();
        after[3 * BLOCK + 511] = 8; // in use, altered
        after[5 * BLOCK..6 * BLOCK].fill(0); // in use, emptied
        after[9 * BLOCK] = 1; // was empty
        let found = changes(&before, &after);
        assert_eq!(found.changed_blocks, 3);
        let runs: Vec<_> = found.deviations.iter().map(|run| ((run.start - 4096) / 512, run.holds)).collect();
        assert_eq!(runs, [(3, "other data"), (5, "zeros"), (9, "other data")]);
        assert_eq!(in_words(&found).as_deref(), Some("3 blocks of 512 bytes between bytes 5632 and 9215"));
    }

    #[test]
    fn a_seal_knows_the_bytes_and_their_place() {
        let mut bytes = vec![0u8; 8 * BLOCK];
        bytes[BLOCK] = 1;
        let here = content(&bytes).seal();
        let mut moved = vec![0u8; 8 * BLOCK];
        moved[2 * BLOCK] = 1;
        assert_ne!(here, content(&moved).seal());
        bytes[BLOCK] = 2;
        assert_ne!(here, content(&bytes).seal());
    }

    #[test]
    fn a_file_is_read_as_it_is_taken_in() {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut bytes = vec![0u8; 3 << 20];
        bytes[(2 << 20) + 17] = 5;
        std::fs::write(file.path(), &bytes).unwrap();
        let read = Content::read(file.path(), 1 << 20, 2 << 20).unwrap();
        assert_eq!(read.blocks.len(), 1);
        let mut taken = Content::default();
        taken.note(1 << 20, &bytes[1 << 20..]);
        assert_eq!(read, taken);
    }
}
