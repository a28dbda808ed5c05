//! What lies on a disk or partition, told from its first and last 136 KiB.
//!
//! Two reads per medium, then pure functions over what was read: a table of magic numbers ([`table`]) whose rows each carry
//! a check and the document the offsets come from. Several signatures may hold at once (a RAID member shows the file
//! system too) and leftovers of former contents are reported like the present ones. What is not in the table (ZFS, bcache,
//! vendors' RAID formats other than Intel's and DDF) is not recognised; nothing found does not mean that nothing is there.

mod checks;
mod partition_tables;
mod randomness;
mod table;
mod volumes;
mod window;

use crate::direct::DirectFile;
use evidence::{ByteCount, ByteOffset, ExtentSet};
use serde::Serialize;
use std::fmt;
use std::io;
use std::path::Path;
use window::Window;

/// What a signature tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // The names say it; `Display` gives the long form.
pub enum Kind {
    BitLocker,
    Luks1,
    Luks2,
    CoreStorage,
    VeraCryptBootLoader,
    LvmPhysicalVolume,
    LinuxRaid,
    IntelRaid,
    DdfRaid,
    WindowsDynamicDisk,
    Ntfs,
    Refs,
    Exfat,
    Fat12,
    Fat16,
    Fat32,
    Ext2,
    Ext3,
    Ext4,
    ExtJournal,
    Xfs,
    Btrfs,
    F2fs,
    Apfs,
    Hfs,
    HfsPlus,
    Hfsx,
    Iso9660,
    Udf,
    Swap,
    Gpt,
    Mbr,
    PossibleEncryption,
}

impl Kind {
    /// True where the content cannot be read without a key (CoreStorage and random content: may be so).
    #[must_use]
    pub fn is_encryption(self) -> bool {
        use Kind::{BitLocker, CoreStorage, Luks1, Luks2, PossibleEncryption, VeraCryptBootLoader};
        matches!(self, BitLocker | Luks1 | Luks2 | CoreStorage | VeraCryptBootLoader | PossibleEncryption)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::BitLocker => "BitLocker",
            Kind::Luks1 => "LUKS 1",
            Kind::Luks2 => "LUKS 2",
            Kind::CoreStorage => "CoreStorage",
            Kind::VeraCryptBootLoader => "VeraCrypt/TrueCrypt boot loader",
            Kind::LvmPhysicalVolume => "LVM2 physical volume",
            Kind::LinuxRaid => "Linux RAID member",
            Kind::IntelRaid => "Intel RAID member",
            Kind::DdfRaid => "DDF RAID member",
            Kind::WindowsDynamicDisk => "Windows dynamic disk (LDM)",
            Kind::Ntfs => "NTFS",
            Kind::Refs => "ReFS",
            Kind::Exfat => "exFAT",
            Kind::Fat12 => "FAT12",
            Kind::Fat16 => "FAT16",
            Kind::Fat32 => "FAT32",
            Kind::Ext2 => "ext2",
            Kind::Ext3 => "ext3",
            Kind::Ext4 => "ext4",
            Kind::ExtJournal => "ext journal (external)",
            Kind::Xfs => "XFS",
            Kind::Btrfs => "Btrfs",
            Kind::F2fs => "F2FS",
            Kind::Apfs => "APFS container",
            Kind::Hfs => "HFS",
            Kind::HfsPlus => "HFS+",
            Kind::Hfsx => "HFSX",
            Kind::Iso9660 => "ISO 9660",
            Kind::Udf => "UDF",
            Kind::Swap => "Linux swap",
            Kind::Gpt => "GPT",
            Kind::Mbr => "MBR",
            Kind::PossibleEncryption => "possible VeraCrypt or other headerless encryption",
        })
    }
}

/// One thing that was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// What it is.
    pub kind: Kind,
    /// Where its magic number lies, from the start of the disk or partition.
    pub offset: ByteOffset,
    /// Volume label or name, where it is stored beside the magic number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What an examiner should know about its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The document by which it was recognised.
    pub source: &'static str,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(label) = &self.label {
            write!(f, " \"{label}\"")?;
        }
        match &self.note {
            Some(note) => write!(f, " ({note})"),
            None => Ok(()),
        }
    }
}

/// What came of looking for signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum SignatureReport {
    /// Nobody has looked.
    NotRead,
    /// The medium was read.
    Read {
        /// What was recognised; the outermost layer (encryption, RAID) first.
        found: Vec<Signature>,
        /// Ranges that could not be read; what would lie there was not recognised.
        #[serde(skip_serializing_if = "ExtentSet::is_empty")]
        unreadable: ExtentSet,
    },
    /// The medium could not be read at all.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl SignatureReport {
    /// What was recognised.
    #[must_use]
    pub fn found(&self) -> &[Signature] {
        match self {
            SignatureReport::Read { found, .. } => found,
            SignatureReport::NotRead | SignatureReport::Unreadable { .. } => &[],
        }
    }
}

/// A medium whose bytes can be read. Implementations fill the buffer but at the end of the medium.
pub trait ReadAt {
    /// Reads from `offset`; fewer bytes than asked only at the end or before a part that cannot be read.
    ///
    /// # Errors
    /// When the medium gives no data at `offset`.
    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> io::Result<usize>;
    /// Size of the medium.
    fn size(&self) -> ByteCount;
}

impl ReadAt for DirectFile {
    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> io::Result<usize> {
        DirectFile::read_at(self, offset, buffer).map_err(io::Error::other)
    }

    fn size(&self) -> ByteCount {
        DirectFile::size(self)
    }
}

/// Opens a disk, partition or file read-only and recognises what lies on it.
#[must_use]
pub fn examine(path: &Path) -> SignatureReport {
    match DirectFile::open(path) {
        Ok(mut medium) => recognise(&mut medium),
        Err(e) => SignatureReport::Unreadable { reason: e.to_string() },
    }
}

/// Recognises what lies on a medium.
#[must_use]
pub fn recognise(medium: &mut dyn ReadAt) -> SignatureReport {
    if medium.size().0 == 0 {
        return SignatureReport::Unreadable { reason: "no medium: its size is zero".to_owned() };
    }
    let window = match Window::load(medium) {
        Ok(window) => window,
        Err(e) => return SignatureReport::Unreadable { reason: e.to_string() },
    };
    let mut found = table::matches(&window);
    partition_tables::settle(&mut found);
    if found.is_empty() {
        found.extend(randomness::possible_encryption(&window));
    }
    SignatureReport::Read { found, unreadable: window.into_unreadable() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A medium in memory, some of whose bytes cannot be read.
    struct Memory {
        bytes: Vec<u8>,
        bad: std::ops::Range<usize>,
    }

    impl ReadAt for Memory {
        fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> io::Result<usize> {
            let from = usize::try_from(offset.0).unwrap().min(self.bytes.len());
            let mut to = (from + buffer.len()).min(self.bytes.len());
            if from < self.bad.end && self.bad.start < to {
                if from >= self.bad.start {
                    return Err(io::Error::from_raw_os_error(libc::EIO));
                }
                to = self.bad.start;
            }
            buffer[..to - from].copy_from_slice(&self.bytes[from..to]);
            Ok(to - from)
        }

        fn size(&self) -> ByteCount {
            ByteCount(u64::try_from(self.bytes.len()).unwrap())
        }
    }

    fn with(magics: &[(usize, &[u8])], length: usize) -> Memory {
        let mut bytes = vec![0u8; length];
        for (at, magic) in magics {
            bytes[*at..at + magic.len()].copy_from_slice(magic);
        }
        Memory { bytes, bad: 0..0 }
    }

    const XFS: (usize, &[u8]) = (0, b"XFSB\0\0\x10\0");
    const ISO: (usize, &[u8]) = (32_768, b"\x01CD001");

    #[test]
    fn bad_sectors_hide_only_what_lies_on_them() {
        let mut medium = with(&[XFS, ISO], 1 << 20);
        medium.bad = 32_768..33_280;
        let SignatureReport::Read { found, unreadable } = recognise(&mut medium) else { panic!() };
        assert_eq!(found.iter().map(|s| s.kind).collect::<Vec<_>>(), [Kind::Xfs]);
        assert_eq!(unreadable.total(), ByteCount(4096));
        let window = Window::load(&mut medium).unwrap();
        assert!(window.bytes(32_767, 1).is_some() && window.bytes(36_864, 1).is_some());
        assert_eq!(window.bytes(32_767, 2), None, "what could not be read is not known, and not zero");
        assert_eq!(window.bytes(36_863, 1), None);
        medium.bad = 0..0;
        assert_eq!(recognise(&mut medium).found().len(), 2);
    }

    #[test]
    fn a_dead_medium_is_given_up_after_few_reads_and_said_to_be_unreadable() {
        struct Dead(u32);
        impl ReadAt for Dead {
            fn read_at(&mut self, _: ByteOffset, _: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                Err(io::Error::from_raw_os_error(libc::EIO))
            }
            fn size(&self) -> ByteCount {
                ByteCount(1 << 40)
            }
        }
        let mut dead = Dead(0);
        assert!(matches!(recognise(&mut dead), SignatureReport::Unreadable { .. }));
        assert!(dead.0 <= 10, "{} reads", dead.0);
        assert!(matches!(recognise(&mut with(&[], 0)), SignatureReport::Unreadable { .. }));
    }

    #[test]
    fn every_row_names_its_document_and_lies_inside_the_stretches_read() {
        for row in table::ROWS {
            assert!(row.source.len() > 10, "{}", row.source);
            let mut full = with(&[], 1 << 20);
            full.bytes.fill(1);
            let window = Window::load(&mut full).unwrap();
            for at in row.place.offsets(1 << 20) {
                assert!(window.bytes(at, row.magic.len()).is_some(), "{} at {at}", row.source);
            }
        }
    }

    proptest! {
        /// Every magic number at its place among arbitrary bytes, on media of any small size: no check may panic.
        #[test]
        fn no_content_makes_the_recognition_fail(
            content in prop::collection::vec(any::<u8>(), 1..8192),
            size in 1usize..300_000,
            row in 0..table::ROWS.len(),
            stamp in any::<u8>(),
        ) {
            let mut bytes: Vec<u8> = content.iter().copied().cycle().take(size).collect();
            let row = &table::ROWS[row];
            for at in row.place.offsets(u64::try_from(size).unwrap()) {
                let at = usize::try_from(at).unwrap();
                if at + row.magic.len() <= size {
                    bytes[at..at + row.magic.len()].copy_from_slice(row.magic);
                    for field in bytes.iter_mut().skip(at + row.magic.len()).take(usize::from(stamp)) {
                        *field = stamp & 0x81;
                    }
                }
            }
            let report = recognise(&mut Memory { bytes, bad: 0..0 });
            prop_assert!(matches!(report, SignatureReport::Read { .. }), "{:?}", report);
        }
    }
}
