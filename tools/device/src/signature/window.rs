//! The two stretches of a medium that hold every signature of the table.

use super::ReadAt;
use crate::AlignedBuffer;
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet};
use std::io;

/// Length of each stretch. At the front Btrfs's superblock (64 KiB) and two windows of the randomness test (128 KiB) set it;
/// at the end the superblock of Linux RAID 0.90, up to 128 KiB before it.
const STRETCH: usize = 136 << 10;
/// Bad stretches are read again in such pieces.
const PIECE: usize = 4096;
/// A disk that fails often answers each piece after half a minute; a few such answers tell enough.
const TOLERATED_FAILURES: u32 = 4;

/// The first and last bytes of a medium, with holes where it could not be read.
pub(super) struct Window {
    head: Vec<u8>,
    tail: Vec<u8>,
    tail_start: u64,
    size: u64,
    unreadable: ExtentSet,
}

impl Window {
    /// Reads both stretches. Fails only when not one byte could be read.
    pub(super) fn load(medium: &mut dyn ReadAt) -> io::Result<Self> {
        let size = medium.size().0;
        let mut buffer = AlignedBuffer::new(STRETCH).map_err(io::Error::other)?;
        let mut unreadable = ExtentSet::new();
        let mut failure = None;
        let stretch = as_u64(STRETCH);
        let head = read_stretch(medium, 0, &mut buffer, &mut unreadable, &mut failure);
        // On a border of 4 KiB, as direct reads need it; a short medium has no tail of its own.
        let tail_start = (size.saturating_sub(stretch) / 4096 * 4096).max(stretch);
        let tail = if tail_start < size {
            read_stretch(medium, tail_start, &mut buffer, &mut unreadable, &mut failure)
        } else {
            Vec::new()
        };
        match failure {
            Some(e) if unreadable.total().0 >= as_u64(head.len()).saturating_add(as_u64(tail.len())) => {
                Err(e)
            }
            _ => Ok(Self { head, tail, tail_start, size, unreadable }),
        }
    }

    /// `length` bytes from `at`; `None` where they lie outside both stretches or could not be read.
    pub(super) fn bytes(&self, at: u64, length: usize) -> Option<&[u8]> {
        let end = at.checked_add(as_u64(length))?;
        if self.unreadable.iter().any(|hole| hole.offset.0 < end && at < hole.end()) {
            return None;
        }
        let within = |stretch: &'_ [u8], start: u64| {
            let from = usize::try_from(at.checked_sub(start)?).ok()?;
            Some((from, from.checked_add(length)?)).filter(|&(_, to)| to <= stretch.len())
        };
        if let Some((from, to)) = within(&self.head, 0) {
            return self.head.get(from..to);
        }
        let (from, to) = within(&self.tail, self.tail_start)?;
        self.tail.get(from..to)
    }

    pub(super) fn array<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        self.bytes(at, N)?.try_into().ok()
    }

    pub(super) fn byte(&self, at: u64) -> Option<u8> {
        self.array::<1>(at).map(|[byte]| byte)
    }

    pub(super) fn le16(&self, at: u64) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn le32(&self, at: u64) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn le64(&self, at: u64) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    pub(super) fn be16(&self, at: u64) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    pub(super) fn be32(&self, at: u64) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// True when exactly `expected` lies at `at`.
    pub(super) fn has(&self, at: u64, expected: &[u8]) -> bool {
        self.bytes(at, expected.len()) == Some(expected)
    }

    /// Text in a fixed field: up to the first NUL, without white space at its ends, control characters as `?`.
    pub(super) fn text(&self, at: u64, length: usize) -> Option<String> {
        let field = self.bytes(at, length)?.split(|&b| b == 0).next()?.trim_ascii();
        let text: String =
            String::from_utf8_lossy(field).chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        (!text.is_empty()).then_some(text)
    }

    /// Size of the medium in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn into_unreadable(self) -> ExtentSet {
        self.unreadable
    }
}

/// Reads up to the buffer's length from `start`; holes are zeros and noted.
fn read_stretch(
    medium: &mut dyn ReadAt,
    start: u64,
    buffer: &mut AlignedBuffer,
    unreadable: &mut ExtentSet,
    failure: &mut Option<io::Error>,
) -> Vec<u8> {
    let left = usize::try_from(medium.size().0.saturating_sub(start)).unwrap_or(usize::MAX);
    let wanted = left.min(buffer.len());
    if medium.read_at(ByteOffset(start), buffer).is_ok_and(|count| count >= wanted) {
        return buffer.get(..wanted).unwrap_or_default().to_vec();
    }
    let mut stretch = vec![0u8; wanted];
    let mut failures = 0u32;
    for (n, place) in stretch.chunks_mut(PIECE).enumerate() {
        let at = start.saturating_add(as_u64(n.saturating_mul(PIECE)));
        let mut count = 0;
        if failures < TOLERATED_FAILURES {
            let piece = buffer.get_mut(..PIECE).unwrap_or_default();
            match medium.read_at(ByteOffset(at), piece) {
                Ok(read) => count = read.min(place.len()),
                Err(e) => *failure = Some(e),
            }
            for (to, from) in place.iter_mut().zip(piece.iter().take(count)) {
                *to = *from;
            }
        }
        if count < place.len() {
            failures = failures.saturating_add(1);
            let offset = ByteOffset(at.saturating_add(as_u64(count)));
            unreadable
                .insert(Extent { offset, length: ByteCount(as_u64(place.len().saturating_sub(count))) });
        }
    }
    stretch
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
