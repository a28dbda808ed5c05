//! `NAME.checkpoint`, beside an image that is not finished: how far it is durable, and all that is needed to go on behind that.
//! It is text, so that a person can read it. The record has its SHA-256: without that it vouches for nothing.
//!
//! ```text
//! Permafrost checkpoint 1
//! offset 268435456
//! leaf-size 1048576
//! leaf 3f1c…            one line each, the last for a part of a leaf where the offset is not at the end of one
//! unread 1024 512       offset and length, one line each
//! image
//! e01                   what the writer of the format needs
//! …
//! end
//! ```

use crate::checkpoint::Checkpoint;
use crate::pipeline::MOST_RANGES;
use evidence::{ByteCount, ByteOffset, Digest, Extent, ExtentSet, LeafRoot, LeafSize, MOST_LEAVES};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What is put behind an image's base name to get its name.
pub const SUFFIX: &str = ".checkpoint";

/// The first line.
const FIRST_LINE: &str = "Permafrost checkpoint 1";
/// Longest one that is read: an AFF4 of 16 TiB with the longest map takes half of it.
const LARGEST: u64 = 256 << 20;

/// Where that of the image with this base path is.
#[must_use]
pub fn path_of(base: &Path) -> PathBuf {
    crate::durable_text::with_suffix(base, SUFFIX)
}

/// What one says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// How much of the medium is durable.
    pub offset: ByteOffset,
    /// Media bytes in a leaf.
    pub leaf_size: ByteCount,
    /// Value of each leaf up to there.
    pub leaves: Vec<Digest>,
    /// What could not be read up to there.
    pub unread: ExtentSet,
    /// What the writer needs to go on.
    pub state: String,
}

/// Not what was written: cut off, altered, or another program's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SidecarError {
    line: usize,
    what: &'static str,
}

impl Sidecar {
    /// The root over its leaves.
    #[must_use]
    pub fn leaf_root(&self) -> Digest {
        let mut root = LeafRoot::default();
        self.leaves.iter().for_each(|leaf| root.push(leaf));
        root.value()
    }

    /// Reads the file at `path`, as its bytes are.
    ///
    /// # Errors
    /// What the system says; more bytes than any can have.
    pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = std::fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
        if u64::try_from(read).unwrap_or(u64::MAX) == LARGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than any checkpoint"));
        }
        Ok(bytes)
    }

    /// Takes a file apart. Memory: twice its size.
    ///
    /// # Errors
    /// [`SidecarError`] names the first line that does not fit.
    pub fn parse(bytes: &[u8]) -> Result<Self, SidecarError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| SidecarError { line: 1, what: "it is not UTF-8" })?;
        let mut lines = Lines { rest: text, line: 0 };
        if lines.next() != FIRST_LINE {
            return Err(lines.wrong("it is no checkpoint of this version"));
        }
        let offset = ByteOffset(lines.fact("offset")?);
        let leaf_size = ByteCount(lines.fact("leaf-size")?);
        let mut leaves = Vec::new();
        while let Some(leaf) = lines.optional("leaf ") {
            leaves.push(lines.parsed(leaf)?);
            if u64::try_from(leaves.len()).unwrap_or(u64::MAX) > MOST_LEAVES {
                return Err(lines.wrong("it has more leaves than any medium"));
            }
        }
        if offset.0.div_ceil(leaf_size.0.max(1)) != u64::try_from(leaves.len()).unwrap_or(u64::MAX) {
            return Err(lines.wrong("it has not as many leaves as it should"));
        }
        let mut unread = ExtentSet::new();
        while let Some(range) = lines.optional("unread ") {
            let (start, length) = range.split_once(' ').unwrap_or_default();
            let extent =
                Extent { offset: ByteOffset(lines.parsed(start)?), length: ByteCount(lines.parsed(length)?) };
            if extent.offset.0.checked_add(extent.length.0).is_none_or(|end| end > offset.0) {
                return Err(lines.wrong("an unread range lies beyond what was stored"));
            }
            unread.insert(extent);
            if unread.len() > MOST_RANGES {
                return Err(lines.wrong("it has more unread ranges than an image can have"));
            }
        }
        if lines.next() != "image" {
            return Err(lines.wrong("'image' should stand here"));
        }
        Ok(Self { offset, leaf_size, leaves, unread, state: lines.rest.to_owned() })
    }
}

/// Writes what a checkpoint says of one image; `leaves` are all that are whole.
///
/// # Errors
/// What the system says.
pub fn write(
    checkpoint: &Checkpoint,
    leaf_size: LeafSize,
    leaves: &[Digest],
    state: &str,
    output: &mut dyn Write,
) -> io::Result<()> {
    writeln!(output, "{FIRST_LINE}\noffset {}\nleaf-size {}", checkpoint.offset.0, leaf_size.bytes().0)?;
    for leaf in leaves.iter().chain(&checkpoint.begun_leaf) {
        writeln!(output, "leaf {leaf}")?;
    }
    for extent in checkpoint.unread.iter() {
        writeln!(output, "unread {} {}", extent.offset.0, extent.length.0)?;
    }
    write!(output, "image\n{state}")
}

struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line = self.line.saturating_add(1);
        line
    }

    fn optional(&mut self, name: &str) -> Option<&'a str> {
        if !self.rest.starts_with(name) {
            return None;
        }
        self.next().strip_prefix(name)
    }

    fn fact(&mut self, name: &'static str) -> Result<u64, SidecarError> {
        let fact = self.next().strip_prefix(name).and_then(|fact| fact.strip_prefix(' '));
        let fact = fact.ok_or_else(|| self.wrong("another fact should stand here"))?;
        self.parsed(fact)
    }

    fn parsed<T: FromStr>(&self, word: &str) -> Result<T, SidecarError> {
        word.parse().map_err(|_| self.wrong("it does not hold what it should"))
    }

    fn wrong(&self, what: &'static str) -> SidecarError {
        SidecarError { line: self.line, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaf(byte: u8) -> Digest {
        Digest::from_bytes(&[byte; 32])
    }

    fn written(blocks: u64, unread: &[(u64, u64)], state: &str) -> Vec<u8> {
        let size = LeafSize::of_medium(ByteCount(100 << 30));
        let whole: Vec<Digest> = (0..blocks / 2).map(|n| leaf(u8::try_from(n).unwrap())).collect();
        let unread =
            unread.iter().map(|(at, length)| Extent { offset: ByteOffset(*at), length: ByteCount(*length) });
        let checkpoint = Checkpoint {
            offset: ByteOffset(blocks << 20),
            leaf_root: leaf(0),
            begun_leaf: (blocks % 2 == 1).then(|| leaf(255)),
            unread: unread.collect(),
            states: Vec::new(),
        };
        let mut bytes = Vec::new();
        write(&checkpoint, size, &whole, state, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_again() {
        for blocks in [1, 2, 7] {
            let bytes = written(blocks, &[(512, 512), (4096, 1024)], "raw\nstored 1\nend\n");
            let read = Sidecar::parse(&bytes).unwrap();
            assert_eq!((read.offset.0, read.leaf_size.0), (blocks << 20, 2 << 20));
            assert_eq!(u64::try_from(read.leaves.len()).unwrap(), blocks.div_ceil(2));
            assert_eq!((read.unread.total().0, read.unread.len()), (1536, 2));
            assert_eq!(read.state, "raw\nstored 1\nend\n");
        }
    }

    #[test]
    fn the_root_is_what_b3sum_says_of_all_leaves() {
        let read = Sidecar::parse(&written(5, &[], "")).unwrap();
        let all: Vec<u8> = read.leaves.iter().flat_map(|leaf| leaf.as_bytes().to_vec()).collect();
        assert_eq!(read.leaf_root(), evidence::Hasher::of(evidence::HashAlgorithm::Blake3, &all));
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_its_line() {
        let good = String::from_utf8(written(3, &[(0, 512)], "raw\n")).unwrap();
        for (from, to, line) in [
            ("checkpoint 1", "checkpoint 2", 1),
            ("offset 3145728", "offset 9145728", 5),
            ("unread 0 512", "unread 3145728 512", 6),
            ("unread 0 512", "unread 18446744073709551615 2", 6),
            ("image\n", "picture\n", 7),
            ("leaf 00", "leaf 0x", 4),
        ] {
            let error = Sidecar::parse(good.replace(from, to).as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{from}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(cut in 0usize..400, at in 0usize..400, byte: u8) {
            let mut bytes = written(5, &[(0, 512)], "raw\nstored 5\nend\n");
            bytes.truncate(cut);
            if let Some(place) = bytes.get_mut(at) { *place = byte }
            let _ = Sidecar::parse(&bytes);
        }
    }
}
