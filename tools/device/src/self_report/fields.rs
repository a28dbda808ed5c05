//! Numbers inside a page that a device returned. What lies behind its end is absent, never zero.

/// Bytes of a device, of any length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a>(pub(crate) &'a [u8]);

impl<'a> Page<'a> {
    fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    pub(crate) fn u8(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub(crate) fn le16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(crate) fn le32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(crate) fn le64(self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// A number of 16 bytes; the largest that fits where it is larger than any disk.
    pub(crate) fn le128(self, at: usize) -> Option<u64> {
        self.array(at).map(u128::from_le_bytes).map(|number| u64::try_from(number).unwrap_or(u64::MAX))
    }

    pub(crate) fn be16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    pub(crate) fn be32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// Whether a bit of a byte is set; `None` behind the end.
    pub(crate) fn bit(self, at: usize, bit: u32) -> Option<bool> {
        self.u8(at).map(|byte| byte >> bit & 1 == 1)
    }

    /// What stands from `at` on, at most `length` bytes.
    pub(crate) fn part(self, at: usize, length: usize) -> Option<Page<'a>> {
        let rest = self.0.get(at..)?;
        Some(Page(rest.get(..length).unwrap_or(rest)))
    }
}

/// Whether a bit of a word is set.
pub(crate) fn has(word: u16, bit: u32) -> bool {
    word >> bit & 1 == 1
}
