//! The table of magic numbers. Each row: where, what, the check that must hold too, and the document it comes from.

use super::window::Window;
use super::{Kind, Signature, checks, partition_tables, volumes};
use evidence::ByteOffset;

/// Where a magic number may lie.
pub(super) enum Place {
    /// At any of these offsets from the start.
    At(&'static [u64]),
    /// At any of these distances before the end.
    BeforeEnd(&'static [u64]),
    /// At an offset that follows from the size of the medium.
    BySize(fn(u64) -> Option<u64>),
}

/// What a check makes of a magic number.
pub(super) struct Match {
    pub(super) kind: Kind,
    pub(super) label: Option<String>,
    pub(super) note: Option<String>,
}

impl Match {
    pub(super) fn of(kind: Kind) -> Self {
        Self { kind, label: None, note: None }
    }

    pub(super) fn label(mut self, label: Option<String>) -> Self {
        self.label = label;
        self
    }

    pub(super) fn note(mut self, note: impl Into<Option<String>>) -> Self {
        self.note = note.into();
        self
    }
}

/// Looks at what surrounds a magic number at the given offset; `None`: it is there by chance.
type Check = fn(&Window, u64) -> Option<Match>;

/// One row.
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) magic: &'static [u8],
    pub(super) check: Check,
    /// The document that gives the offsets.
    pub(super) source: &'static str,
}

const fn row(place: Place, magic: &'static [u8], check: Check, source: &'static str) -> Row {
    Row { place, magic, check, source }
}

use Place::{At, BeforeEnd, BySize};

/// Offsets of the second LUKS 2 header that the first 136 KiB can hold.
const LUKS2_SECOND: &[u64] = &[0x4000, 0x8000, 0x1_0000, 0x2_0000];
/// The ten bytes before the end of a page of 4, 8, 16, 32 and 64 KiB.
const SWAP: &[u64] = &[4086, 8182, 16_374, 32_758, 65_526];
/// The volume recognition sequence: from 32 KiB on, one descriptor every 2 KiB; the identifier is at its byte 1.
const RECOGNITION: &[u64] = &[32_769, 34_817, 36_865, 38_913, 40_961, 43_009, 45_057, 47_105, 49_153, 51_201];

/// The order is that of the report: what must be opened first comes first.
pub(super) const ROWS: &[Row] = &[
    row(At(&[3]), b"-FVE-FS-", volumes::bitlocker, "libyal/libbde, BDE format, §3 Volume header"),
    row(At(&[3]), b"MSWIN4.1", volumes::bitlocker_to_go, "libyal/libbde, BDE format, §3.3 BitLocker To Go"),
    row(
        At(&[0]),
        b"LUKS\xba\xbe",
        volumes::luks,
        "LUKS1 On-Disk Format 1.2.3 §2.1; LUKS2 On-Disk Format 1.1.1 §2.1",
    ),
    row(At(LUKS2_SECOND), b"SKUL\xba\xbe", volumes::luks2_second, "LUKS2 On-Disk Format 1.1.1 §2.1, table 1"),
    row(At(&[88]), b"CS", volumes::core_storage, "libyal/libfvde, FVDE format, §4 Volume header"),
    row(
        At(&[510]),
        b"\x55\xaa",
        volumes::veracrypt_boot_loader,
        "VeraCrypt, src/Boot/Windows/BootSector.asm",
    ),
    row(At(&[0, 512, 1024, 1536]), b"LABELONE", volumes::lvm, "LVM2, lib/label/label.h, struct label_header"),
    row(
        At(&[0, 4096]),
        b"\xfc\x4e\x2b\xa9",
        volumes::md_1,
        "linux/raid/md_p.h, struct mdp_superblock_1 (1.1, 1.2)",
    ),
    row(
        BySize(volumes::md_1_0_place),
        b"\xfc\x4e\x2b\xa9",
        volumes::md_1,
        "drivers/md/md.c, super_1_load (1.0)",
    ),
    row(
        BySize(volumes::md_0_90_place),
        b"\xfc\x4e\x2b\xa9",
        volumes::md_0_90,
        "linux/raid/md_p.h, MD_NEW_SIZE_SECTORS (0.90)",
    ),
    row(
        BeforeEnd(&[1024, 8192]),
        b"Intel Raid ISM Cfg Sig. ",
        volumes::intel_raid,
        "mdadm, super-intel.c, struct imsm_super",
    ),
    row(
        BeforeEnd(&[512, 4096]),
        b"\xde\x11\xde\x11",
        volumes::ddf_raid,
        "SNIA DDF 2.0 §4.2.2, DDF_Header Signature",
    ),
    row(At(&[3072]), b"PRIVHEAD", volumes::dynamic_disk, "linux block/partitions/ldm.h, OFF_PRIV1"),
    row(At(&[3]), b"NTFS    ", checks::ntfs, "linux fs/ntfs3/ntfs.h, struct NTFS_BOOT"),
    row(At(&[3]), b"ReFS\0\0\0\0", checks::refs, "libyal/libfsrefs, ReFS format, Volume header"),
    row(At(&[3]), b"EXFAT   ", checks::exfat, "Microsoft exFAT specification §3.1"),
    row(At(&[510]), b"\x55\xaa", checks::fat, "Microsoft FAT specification (fatgen103) §3"),
    row(At(&[1080]), b"\x53\xef", checks::ext, "Documentation/filesystems/ext4/super.rst"),
    row(At(&[0]), b"XFSB", checks::xfs, "XFS Algorithms and Data Structures, §13.1 Superblocks"),
    row(At(&[65_600]), b"_BHRfS_M", checks::btrfs, "Btrfs on-disk format, struct btrfs_super_block"),
    row(At(&[1024]), b"\x10\x20\xf5\xf2", checks::f2fs, "linux/f2fs_fs.h, struct f2fs_super_block"),
    row(At(&[32]), b"NXSB", checks::apfs, "Apple File System Reference, nx_superblock_t"),
    row(At(&[1024]), b"H+", checks::hfs_plus, "Apple TN1150, Volume Header"),
    row(At(&[1024]), b"HX", checks::hfs_plus, "Apple TN1150, HFSX"),
    row(At(&[1024]), b"BD", checks::hfs, "Inside Macintosh: Files, 2-60 Master Directory Block"),
    row(At(&[32_769]), b"CD001", checks::iso9660, "ECMA-119 §8.4 Primary Volume Descriptor"),
    row(At(RECOGNITION), b"NSR0", checks::udf, "ECMA-167 3/9.1 NSR Descriptor"),
    row(At(SWAP), b"SWAPSPACE2", checks::swap, "linux/swap.h, union swap_header"),
    row(At(SWAP), b"S1SUSPEND", checks::hibernation, "linux kernel/power/swap.c, HIBERNATE_SIG"),
    row(At(&[512, 4096]), b"EFI PART", partition_tables::gpt, "UEFI 2.10 §5.3.2 GPT Header"),
    row(BeforeEnd(&[512, 4096]), b"EFI PART", partition_tables::gpt_backup, "UEFI 2.10 §5.3.2 GPT Header"),
    row(At(&[510]), b"\x55\xaa", partition_tables::mbr, "UEFI 2.10 §5.2.1 Legacy Master Boot Record"),
];

impl Place {
    pub(super) fn offsets(&self, size: u64) -> Vec<u64> {
        match self {
            At(offsets) => offsets.to_vec(),
            BeforeEnd(distances) => distances.iter().filter_map(|d| size.checked_sub(*d)).collect(),
            BySize(offset) => offset(size).into_iter().collect(),
        }
    }
}

/// Everything in the table that the window shows. A kind is reported once, at the first place it was found.
pub(super) fn matches(window: &Window) -> Vec<Signature> {
    let mut found: Vec<Signature> = Vec::new();
    for row in ROWS {
        for at in row.place.offsets(window.size()) {
            if !window.has(at, row.magic) {
                continue;
            }
            let Some(Match { kind, label, note }) = (row.check)(window, at) else { continue };
            if !found.iter().any(|signature| signature.kind == kind) {
                let source = row.source;
                found.push(Signature { kind, offset: ByteOffset(at), label, note, source });
            }
        }
    }
    found
}
