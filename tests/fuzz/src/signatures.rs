//! What lies on a disk. Inputs are written as patches onto zeros, so that a few bytes reach every place that is looked at.

use device::signature::{ReadAt, SignatureReport, recognise};
use evidence::{ByteCount, ByteOffset};
use std::io;
use std::path::Path;

/// Sizes of the media that inputs are laid on: shorter than the stretches read, around them, and a disk's.
pub const SIZES: [usize; 8] = [1, 512, 32_768, 139_264, 143_360, 300_000, 1 << 20, 1_474_560];

struct Memory(Vec<u8>);

impl ReadAt for Memory {
    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset.0).unwrap_or(usize::MAX).min(self.0.len());
        let count = buffer.len().min(self.0.len() - from);
        buffer[..count].copy_from_slice(&self.0[from..from + count]);
        Ok(count)
    }

    fn size(&self) -> ByteCount {
        ByteCount(self.0.len() as u64)
    }
}

/// A byte that chooses the size, then patches: offset in three bytes, length in one, content. The highest bit of an offset
/// counts it from the end.
pub fn signatures(input: &[u8], _scratch: &Path) {
    let Some((choice, mut rest)) = input.split_first() else { return };
    let mut medium = vec![0; SIZES[usize::from(*choice) % SIZES.len()]];
    while let [high, middle, low, length, after @ ..] = rest {
        let offset = usize::from(high & 0x7f) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        let at = if high & 0x80 == 0 { offset } else { medium.len().saturating_sub(offset) };
        let (content, next) = after.split_at(usize::from(*length).min(after.len()));
        let count = content.len().min(medium.len().saturating_sub(at));
        if count > 0 {
            medium[at..at + count].copy_from_slice(&content[..count]);
        }
        rest = next;
    }
    let report = recognise(&mut Memory(medium));
    let SignatureReport::Read { found, .. } = &report else { panic!("{report:?}") };
    for signature in found {
        let text = signature.to_string();
        assert!(!text.contains(char::is_control), "a disk moves the examiner's cursor: {text:?}");
    }
    serde_json::to_string(&report).unwrap();
}

/// The patches that make a medium of zeros into `medium`, in the form that [`signatures`] takes.
pub fn patches(choice: u8, medium: &[u8]) -> Vec<u8> {
    let mut input = vec![choice];
    let mut at = 0;
    while at < medium.len() {
        if medium[at] == 0 {
            at += 1;
            continue;
        }
        // Zeros between two contents are cheaper as content than as another patch.
        let mut end = at + 1;
        let limit = medium.len().min(at + 255);
        while let Some(more) = medium[end..limit].iter().take(8).position(|byte| *byte != 0) {
            end += more + 1;
        }
        input.extend([(at >> 16) as u8 & 0x7f, (at >> 8) as u8, at as u8, (end - at) as u8]);
        input.extend(&medium[at..end]);
        at = end;
    }
    input
}
