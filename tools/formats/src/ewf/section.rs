//! The 76-byte descriptor in front of every section (EWF, "Section descriptor").

use super::adler::{seal, unseal};
use crate::little_endian::{bytes_at, u64_at};

/// Length of a descriptor.
pub(super) const DESCRIPTOR: u64 = 76;

/// What a section holds, by the name in its descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    Header,
    Header2,
    Volume,
    Disk,
    Data,
    Sectors,
    Table,
    Table2,
    Digest,
    Hash,
    Error2,
    Incomplete,
    Logical,
    Next,
    Done,
    /// Known to exist, of no concern here: `session`, `xheader`, `xhash`, what a later program may add.
    Other,
}

/// Names as they stand in the descriptor.
const NAMES: [(&[u8], SectionKind); 16] = [
    (b"header", SectionKind::Header),
    (b"header2", SectionKind::Header2),
    (b"volume", SectionKind::Volume),
    (b"disk", SectionKind::Disk),
    (b"data", SectionKind::Data),
    (b"sectors", SectionKind::Sectors),
    (b"table", SectionKind::Table),
    (b"table2", SectionKind::Table2),
    (b"digest", SectionKind::Digest),
    (b"hash", SectionKind::Hash),
    (b"error2", SectionKind::Error2),
    (b"incomplete", SectionKind::Incomplete),
    (b"ltree", SectionKind::Logical),
    (b"ltypes", SectionKind::Logical),
    (b"next", SectionKind::Next),
    (b"done", SectionKind::Done),
];

impl SectionKind {
    fn name(self) -> &'static [u8] {
        NAMES.iter().find(|(_, kind)| *kind == self).map_or(b"", |(name, _)| name)
    }

    fn of(name: &[u8]) -> Self {
        NAMES.iter().find(|(known, _)| *known == name).map_or(SectionKind::Other, |(_, kind)| *kind)
    }

    /// True for the two that end a segment.
    pub(super) fn is_last(self) -> bool {
        matches!(self, SectionKind::Next | SectionKind::Done)
    }
}

/// A section's place in its segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) kind: SectionKind,
    /// Where the descriptor begins.
    pub(super) offset: u64,
    /// Where the section ends and the next descriptor begins.
    pub(super) end: u64,
}

impl Section {
    /// Where the content begins.
    pub(super) fn content(&self) -> u64 {
        self.offset.saturating_add(DESCRIPTOR)
    }

    /// Length of the content.
    pub(super) fn content_size(&self) -> u64 {
        self.end.saturating_sub(self.content())
    }

    /// Reads the descriptor found at `offset`; says what does not fit.
    pub(super) fn parse(descriptor: &[u8], offset: u64) -> Result<Self, &'static str> {
        unseal(descriptor).ok_or("its checksum does not fit")?;
        let name: [u8; 16] = bytes_at(descriptor, 0).ok_or("it is cut")?;
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let kind = SectionKind::of(name);
        let next = u64_at(descriptor, 16).ok_or("it is cut")?;
        let size = u64_at(descriptor, 24).ok_or("it is cut")?;
        let content = offset.checked_add(DESCRIPTOR).ok_or("it lies past every file's end")?;
        if kind.is_last() {
            // Size 0 or 76 and a next offset of its own start or of its end are all found in the field.
            return Ok(Self { kind, offset, end: content });
        }
        if next < content {
            return Err("it points back: an unfinished write, or made to loop");
        }
        // EnCase 1 leaves the size zero. Where both are given they must agree, or one file could hold two images
        // (EWF, "Dual image: section size versus offset").
        if size != 0 && offset.checked_add(size) != Some(next) {
            return Err("its size and its next offset contradict each other");
        }
        Ok(Self { kind, offset, end: next })
    }

    /// A descriptor for a section at `offset` with that many bytes of content.
    pub(super) fn encode(kind: SectionKind, offset: u64, content_size: u64) -> Vec<u8> {
        let size = DESCRIPTOR.saturating_add(content_size);
        // EnCase lets the last one point to itself with size 0 (EWF, "Done section").
        let (next, size) = if kind.is_last() { (offset, 0) } else { (offset.saturating_add(size), size) };
        Self::descriptor(kind, next, size)
    }

    /// Stands in front of a section that is being written: it points to itself, which no reader takes for a whole one.
    pub(super) fn encode_unfinished(kind: SectionKind, offset: u64) -> Vec<u8> {
        Self::descriptor(kind, offset, 0)
    }

    fn descriptor(kind: SectionKind, next: u64, size: u64) -> Vec<u8> {
        let mut bytes = kind.name().to_vec();
        bytes.resize(16, 0);
        bytes.extend_from_slice(&next.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.resize(72, 0);
        seal(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_reads_back_as_written() {
        for (_, kind) in NAMES {
            let bytes = Section::encode(kind, 1000, 24);
            assert_eq!(bytes.len(), 76);
            let section = Section::parse(&bytes, 1000).unwrap();
            assert_eq!(section.kind.name(), kind.name());
            assert_eq!(section.content_size(), if kind.is_last() { 0 } else { 24 });
        }
    }

    #[test]
    fn a_chain_that_points_back_is_refused() {
        let mut bytes = Section::encode(SectionKind::Sectors, 500, 0);
        assert!(Section::parse(&bytes, 500).is_ok());
        assert!(Section::parse(&bytes, 600).is_err(), "next offset before the section's own end");
        bytes[30] ^= 1;
        assert_eq!(Section::parse(&bytes, 500).unwrap_err(), "its checksum does not fit");
    }

    #[test]
    fn size_and_next_offset_must_agree() {
        let mut bytes = Section::encode(SectionKind::Data, 13, 1052);
        bytes.truncate(72);
        bytes[24..32].copy_from_slice(&4000u64.to_le_bytes());
        seal(&mut bytes);
        assert!(Section::parse(&bytes, 13).unwrap_err().contains("contradict"));
    }
}
