//! What must hold around the magic number of a file system, and what its superblock tells an examiner.

use super::Kind;
use super::table::Match;
use super::window::Window;

/// True for the sector or block sizes a superblock may state.
fn is_block_size(bytes: u32, smallest: u32, largest: u32) -> bool {
    bytes.is_power_of_two() && (smallest..=largest).contains(&bytes)
}

fn joined(notes: &[(bool, &str)]) -> Option<String> {
    let held: Vec<&str> = notes.iter().filter(|(holds, _)| *holds).map(|(_, note)| *note).collect();
    (!held.is_empty()).then(|| held.join("; "))
}

pub(super) fn ntfs(window: &Window, _: u64) -> Option<Match> {
    let sector = u32::from(window.le16(11)?);
    // Reserved sectors and the 16-bit FAT fields are always zero; the total is the 64-bit one at 40.
    let plausible = is_block_size(sector, 256, 4096) && window.le16(14)? == 0 && window.le64(40)? != 0;
    plausible.then(|| Match::of(Kind::Ntfs))
}

pub(super) fn refs(window: &Window, _: u64) -> Option<Match> {
    window.has(16, b"FSRS").then(|| Match::of(Kind::Refs))
}

pub(super) fn exfat(window: &Window, _: u64) -> Option<Match> {
    // MustBeZero covers the FAT parameter block, so that no FAT driver takes it for its own.
    let zero = window.bytes(11, 53)?.iter().all(|&b| b == 0);
    (zero && window.has(510, b"\x55\xaa")).then(|| Match::of(Kind::Exfat))
}

pub(super) fn fat(window: &Window, _: u64) -> Option<Match> {
    let others: [&[u8]; 4] = [b"NTFS    ", b"EXFAT   ", b"-FVE-FS-", b"ReFS\0\0\0\0"];
    if others.iter().any(|name| window.has(3, name)) || super::volumes::is_bitlocker_to_go(window) {
        return None;
    }
    let sector = u32::from(window.le16(11)?);
    let sectors_per_cluster = u32::from(window.byte(13)?);
    let reserved = u32::from(window.le16(14)?);
    let tables = u32::from(window.byte(16)?);
    let media = window.byte(21)?;
    let plausible = is_block_size(sector, 512, 4096)
        && sectors_per_cluster.is_power_of_two()
        && reserved != 0
        && (1..=2).contains(&tables)
        && (media == 0xF0 || media >= 0xF8)
        && matches!(window.byte(0)?, 0xEB | 0xE9);
    if !plausible {
        return None;
    }
    let short_table = u32::from(window.le16(22)?);
    // The specification counts clusters; Linux and Windows go by the empty 16-bit field, which small FAT32 volumes need.
    if short_table == 0 {
        return (window.le32(36)? != 0).then(|| Match::of(Kind::Fat32).label(fat_label(window, 66)));
    }
    let total = match u32::from(window.le16(19)?) {
        0 => window.le32(32)?,
        total => total,
    };
    let root = u32::from(window.le16(17)?).checked_mul(32)?.div_ceil(sector);
    let before_data = reserved.checked_add(tables.checked_mul(short_table)?)?.checked_add(root)?;
    let clusters = total.checked_sub(before_data)?.checked_div(sectors_per_cluster)?;
    let kind = if clusters < 4085 { Kind::Fat12 } else { Kind::Fat16 };
    Some(Match::of(kind).label(fat_label(window, 38)))
}

/// The label behind the extended boot signature 0x29; "NO NAME" stands for none.
fn fat_label(window: &Window, signature: u64) -> Option<String> {
    if window.byte(signature)? != 0x29 {
        return None;
    }
    window.text(signature.checked_add(5)?, 11).filter(|label| label != "NO NAME")
}

pub(super) fn ext(window: &Window, _: u64) -> Option<Match> {
    const SUPERBLOCK: u64 = 1024;
    const HAS_JOURNAL: u32 = 0x4;
    const NEEDS_RECOVERY: u32 = 0x4;
    const JOURNAL_DEVICE: u32 = 0x8;
    const ENCRYPT: u32 = 0x1_0000;
    // What ext3 knows: incompatible features filetype, recover, journal device, meta_bg; read-only compatible ones
    // sparse superblocks, large files, btree directories. Any other makes it ext4.
    const EXT3_INCOMPATIBLE: u32 = 0x2 | 0x4 | 0x8 | 0x10;
    const EXT3_READ_ONLY: u32 = 0x1 | 0x2 | 0x4;

    let log_block_size = window.le32(SUPERBLOCK + 24)?;
    if log_block_size > 6 || window.le32(SUPERBLOCK + 32)? == 0 {
        return None;
    }
    let compatible = window.le32(SUPERBLOCK + 92)?;
    let incompatible = window.le32(SUPERBLOCK + 96)?;
    let read_only = window.le32(SUPERBLOCK + 100)?;
    let label = window.text(SUPERBLOCK + 120, 16);
    if incompatible & JOURNAL_DEVICE != 0 {
        return Some(Match::of(Kind::ExtJournal).label(label));
    }
    let kind = if incompatible & !EXT3_INCOMPATIBLE != 0 || read_only & !EXT3_READ_ONLY != 0 {
        Kind::Ext4
    } else if compatible & HAS_JOURNAL != 0 {
        Kind::Ext3
    } else {
        Kind::Ext2
    };
    let dirty_journal = incompatible & NEEDS_RECOVERY != 0;
    // Bit 0 of s_state: cleanly unmounted. With a journal it stays set, and the recovery flag tells.
    let unclean = window.le16(SUPERBLOCK + 58)? & 1 == 0;
    let note = joined(&[
        (dirty_journal, "journal needs recovery: mounting it would replay it"),
        (unclean && !dirty_journal, "not unmounted cleanly"),
        (incompatible & ENCRYPT != 0, "may hold encrypted folders"),
    ]);
    Some(Match::of(kind).label(label).note(note))
}

pub(super) fn xfs(window: &Window, _: u64) -> Option<Match> {
    is_block_size(window.be32(4)?, 512, 65_536).then(|| Match::of(Kind::Xfs).label(window.text(108, 12)))
}

pub(super) fn btrfs(window: &Window, _: u64) -> Option<Match> {
    const SUPERBLOCK: u64 = 65_536;
    if window.le64(SUPERBLOCK + 48)? != SUPERBLOCK {
        return None;
    }
    let devices = window.le64(SUPERBLOCK + 136)?;
    let has_log = window.le64(SUPERBLOCK + 96)? != 0;
    let one_of = format!("one of {devices} devices: image them all");
    let note = joined(&[(devices > 1, &one_of), (has_log, "log tree to be replayed")]);
    Some(Match::of(Kind::Btrfs).label(window.text(SUPERBLOCK + 299, 256)).note(note))
}

pub(super) fn f2fs(window: &Window, at: u64) -> Option<Match> {
    (12..=16).contains(&window.le32(at.checked_add(16)?)?).then(|| Match::of(Kind::F2fs))
}

pub(super) fn apfs(window: &Window, _: u64) -> Option<Match> {
    if !is_block_size(window.le32(36)?, 4096, 65_536) {
        return None;
    }
    // nx_keylocker, a prange of address and block count. Which volumes are encrypted is told by their own superblocks,
    // which this look at the first sectors does not follow.
    let has_keys = window.le64(1304)? != 0;
    let note = if has_keys {
        "holds a key bag: volumes in it may be encrypted (FileVault)"
    } else {
        "whether its volumes are encrypted is not visible from here"
    };
    Some(Match::of(Kind::Apfs).note(note.to_owned()))
}

pub(super) fn hfs_plus(window: &Window, at: u64) -> Option<Match> {
    const UNMOUNTED: u32 = 1 << 8;
    let kind = match window.be16(at.checked_add(2)?)? {
        4 => Kind::HfsPlus,
        5 => Kind::Hfsx,
        _ => return None,
    };
    if !is_block_size(window.be32(at.checked_add(40)?)?, 512, 1 << 30) {
        return None;
    }
    let clean = window.be32(at.checked_add(4)?)? & UNMOUNTED != 0;
    Some(Match::of(kind).note(joined(&[(!clean, "not unmounted cleanly")])))
}

pub(super) fn hfs(window: &Window, at: u64) -> Option<Match> {
    let block = window.be32(at.checked_add(20)?)?;
    if block == 0 || !block.is_multiple_of(512) {
        return None;
    }
    let name_length = usize::from(window.byte(at.checked_add(36)?)?).min(27);
    let label = window.text(at.checked_add(37)?, name_length);
    let wraps = window.has(at.checked_add(124)?, b"H+");
    Some(Match::of(Kind::Hfs).label(label).note(joined(&[(wraps, "wraps an HFS+ volume")])))
}

pub(super) fn iso9660(window: &Window, at: u64) -> Option<Match> {
    let start = at.checked_sub(1)?;
    // The set begins with a primary (1), boot (0) or supplementary (2) descriptor; the label is the primary's.
    let kind = window.byte(start)?;
    let label = if kind == 1 { window.text(start.checked_add(40)?, 32) } else { None };
    (kind <= 3).then(|| Match::of(Kind::Iso9660).label(label))
}

pub(super) fn udf(window: &Window, at: u64) -> Option<Match> {
    matches!(window.byte(at.checked_add(4)?)?, b'2' | b'3').then(|| Match::of(Kind::Udf))
}

pub(super) fn swap(window: &Window, _: u64) -> Option<Match> {
    (window.le32(1024)? == 1 || window.be32(1024)? == 1)
        .then(|| Match::of(Kind::Swap).label(window.text(1052, 16)))
}

pub(super) fn hibernation(window: &Window, _: u64) -> Option<Match> {
    let label = window.text(1052, 16);
    let note = "holds the memory of a hibernated system".to_owned();
    Some(Match::of(Kind::Swap).label(label).note(note))
}
