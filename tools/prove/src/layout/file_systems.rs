//! The file systems that a scratch disk may carry and that examiners meet: how each is made, and how one sees that it is dirty.

use super::gpt::PartitionType;
use device::Kind;

/// A file system as mount(2) names it.
#[derive(Debug)]
pub(crate) struct FileSystem {
    /// Its type.
    pub(crate) kind: &'static str,
    /// The signatures by which it is found on a disk.
    pub(crate) found_as: &'static [Kind],
    /// Options with which examiners mount it so that nothing is replayed; none if it has none.
    pub(crate) untouched: &'static [&'static str],
    /// The option that a mount for writing needs when it is dirty.
    pub(crate) force: &'static str,
    /// How to make one; none where only what lies on a disk is tried.
    pub(crate) making: Option<Making>,
}

/// How to make one and leave it dirty.
#[derive(Debug)]
pub(crate) struct Making {
    /// The system's own program.
    pub(crate) program: &'static str,
    /// Its Debian package.
    pub(crate) package: &'static str,
    /// What comes before the device.
    pub(crate) arguments: &'static [&'static str],
    /// Size in MiB: small, but not below what the program makes without complaint.
    pub(crate) mib: u64,
    /// The last files are made durable one by one, not by a sync of all: it has a log that shall hold them, or a flag that a
    /// sync of all clears (exFAT, NTFS).
    pub(crate) cut_before_sync: bool,
    /// Its type in the partition table.
    pub(crate) partition: PartitionType,
    /// Where it says that it is dirty; none where only a mount tells.
    pub(crate) sign: Option<Sign>,
}

/// Bytes by which a file system says that it was not unmounted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sign {
    /// First byte.
    pub(crate) at: u64,
    /// How many.
    pub(crate) length: usize,
    /// Bits of the first byte that count; the others' count all.
    pub(crate) mask: u8,
    /// It is dirty when one of them is set, or when none is.
    pub(crate) dirty_when_set: bool,
    /// What that is called.
    pub(crate) words: &'static str,
}

const fn bit(at: u64, mask: u8, dirty_when_set: bool, words: &'static str) -> Option<Sign> {
    Some(Sign { at, length: 1, mask, dirty_when_set, words })
}

const fn only_found(kind: &'static str, found_as: &'static [Kind]) -> FileSystem {
    FileSystem { kind, found_as, untouched: &[], force: "", making: None }
}

/// In the order in which they are laid out.
pub(crate) const FILE_SYSTEMS: &[FileSystem] = &[
    FileSystem {
        kind: "ext4",
        found_as: &[Kind::Ext2, Kind::Ext3, Kind::Ext4],
        untouched: &["noload"],
        force: "",
        making: Some(Making {
            program: "mkfs.ext4",
            package: "e2fsprogs",
            // Else the kernel goes on making it after the mount.
            arguments: &["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
            mib: 32,
            cut_before_sync: true,
            partition: PartitionType::LINUX,
            // s_feature_incompat, EXT4_FEATURE_INCOMPAT_RECOVER.
            sign: bit(1024 + 0x60, 0x04, true, "needs_recovery"),
        }),
    },
    FileSystem {
        kind: "xfs",
        found_as: &[Kind::Xfs],
        untouched: &["norecovery"],
        force: "",
        making: Some(Making {
            program: "mkfs.xfs",
            package: "xfsprogs",
            arguments: &["-q", "-f"],
            mib: 64,
            cut_before_sync: true,
            partition: PartitionType::LINUX,
            sign: None,
        }),
    },
    FileSystem {
        kind: "btrfs",
        found_as: &[Kind::Btrfs],
        untouched: &["rescue=nologreplay"],
        force: "",
        making: Some(Making {
            program: "mkfs.btrfs",
            package: "btrfs-progs",
            arguments: &["-q", "-f"],
            mib: 128,
            cut_before_sync: true,
            partition: PartitionType::LINUX,
            // log_root of struct btrfs_super_block.
            sign: Some(Sign {
                at: (64 << 10) + 0x60,
                length: 8,
                mask: 0xFF,
                dirty_when_set: true,
                words: "log_root",
            }),
        }),
    },
    FileSystem {
        kind: "f2fs",
        found_as: &[Kind::F2fs],
        untouched: &["norecovery"],
        force: "",
        making: Some(Making {
            program: "mkfs.f2fs",
            package: "f2fs-tools",
            arguments: &["-q", "-f"],
            mib: 64,
            cut_before_sync: true,
            partition: PartitionType::LINUX,
            sign: None,
        }),
    },
    FileSystem {
        kind: "vfat",
        found_as: &[Kind::Fat12, Kind::Fat16, Kind::Fat32],
        untouched: &[],
        force: "",
        making: Some(Making {
            program: "mkfs.vfat",
            package: "dosfstools",
            arguments: &["-F", "16"],
            mib: 32,
            cut_before_sync: false,
            partition: PartitionType::BASIC,
            // The state byte of a FAT16 boot sector.
            sign: bit(0x25, 0x01, true, "dirty bit"),
        }),
    },
    FileSystem {
        kind: "exfat",
        found_as: &[Kind::Exfat],
        untouched: &[],
        force: "",
        making: Some(Making {
            program: "mkfs.exfat",
            package: "exfatprogs",
            arguments: &[],
            mib: 16,
            cut_before_sync: true,
            partition: PartitionType::BASIC,
            // VolumeFlags, bit VolumeDirty.
            sign: bit(106, 0x02, true, "VolumeDirty"),
        }),
    },
    FileSystem {
        kind: "ntfs3",
        found_as: &[Kind::Ntfs],
        untouched: &[],
        force: "force",
        making: Some(Making {
            program: "mkfs.ntfs",
            package: "ntfs-3g",
            arguments: &["-F", "-Q", "-q"],
            mib: 16,
            cut_before_sync: true,
            partition: PartitionType::BASIC,
            sign: None,
        }),
    },
    FileSystem {
        kind: "hfsplus",
        found_as: &[Kind::HfsPlus, Kind::Hfsx],
        untouched: &[],
        force: "force",
        making: Some(Making {
            program: "mkfs.hfsplus",
            package: "hfsprogs",
            arguments: &[],
            mib: 16,
            cut_before_sync: false,
            partition: PartitionType::APPLE,
            // Attributes of the volume header, kHFSVolumeUnmountedBit.
            sign: bit(1024 + 6, 0x01, false, "not marked as unmounted"),
        }),
    },
    only_found("iso9660", &[Kind::Iso9660]),
    only_found("udf", &[Kind::Udf]),
    only_found("hfs", &[Kind::Hfs]),
];

impl Sign {
    /// Whether these bytes, read from [`Sign::at`], say "dirty".
    pub(crate) fn says_dirty(&self, bytes: &[u8]) -> bool {
        let masks = std::iter::once(self.mask).chain(std::iter::repeat(0xFF));
        let set = bytes.iter().zip(masks).take(self.length).any(|(byte, mask)| byte & mask != 0);
        set == self.dirty_when_set
    }
}

/// The file systems whose signatures are among these.
pub(crate) fn among(found: &[device::Signature]) -> impl Iterator<Item = &'static FileSystem> {
    FILE_SYSTEMS
        .iter()
        .filter(|file_system| found.iter().any(|sign| file_system.found_as.contains(&sign.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_looks_at_its_own_bits_only() {
        let sign = bit(0, 0x04, true, "x").unwrap();
        assert!(sign.says_dirty(&[0x04]) && sign.says_dirty(&[0xFF]));
        assert!(!sign.says_dirty(&[0xFB]) && !sign.says_dirty(&[0]));
        let inverted = bit(0, 0x01, false, "x").unwrap();
        assert!(inverted.says_dirty(&[0xFE]) && !inverted.says_dirty(&[0x01]));
        let wide = Sign { at: 0, length: 8, mask: 0xFF, dirty_when_set: true, words: "x" };
        assert!(wide.says_dirty(&[0, 0, 0, 9, 0, 0, 0, 0]) && !wide.says_dirty(&[0; 8]));
    }
}
