//! What must hold around the magic number of an encrypted volume, a RAID member or a logical volume manager's disk.

use super::Kind;
use super::table::Match;
use super::window::Window;

/// 4967d63b-2e29-4ad8-8399-f6a339e3d001 in the mixed byte order of Windows.
const BITLOCKER_GUID: [u8; 16] =
    [0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01];
const SECTOR: u64 = 512;

pub(super) fn bitlocker(window: &Window, _: u64) -> Option<Match> {
    window.has(510, b"\x55\xaa").then(|| Match::of(Kind::BitLocker))
}

/// A removable volume shows a small FAT32 with a reader program; the GUID in its boot sector tells.
pub(super) fn is_bitlocker_to_go(window: &Window) -> bool {
    window.has(424, &BITLOCKER_GUID)
}

pub(super) fn bitlocker_to_go(window: &Window, _: u64) -> Option<Match> {
    is_bitlocker_to_go(window).then(|| Match::of(Kind::BitLocker).note("BitLocker To Go".to_owned()))
}

pub(super) fn luks(window: &Window, at: u64) -> Option<Match> {
    match window.be16(at.checked_add(6)?)? {
        1 => {
            let cipher = window.text(8, 32)?;
            let mode = window.text(40, 32).unwrap_or_default();
            Some(Match::of(Kind::Luks1).note(format!("{cipher}-{mode}")))
        }
        2 => Some(Match::of(Kind::Luks2).label(window.text(24, 48))),
        _ => None,
    }
}

pub(super) fn luks2_second(window: &Window, at: u64) -> Option<Match> {
    // hdr_offset, which a copied or stale header would have wrong.
    let in_place = window.be16(at.checked_add(6)?)? == 2
        && window.array(at.checked_add(256)?).map(u64::from_be_bytes)? == at;
    let note = "only its second header is intact".to_owned();
    in_place.then(|| Match::of(Kind::Luks2).label(window.text(at.saturating_add(24), 48)).note(note))
}

pub(super) fn core_storage(window: &Window, _: u64) -> Option<Match> {
    const AES_XTS: u32 = 2;
    // Two letters prove little: version 1, block type 0x10 and checksum algorithm 1 (CRC-32C) must hold as well.
    let header = window.le16(8)? == 1 && window.le16(10)? == 0x10 && window.le32(90)? == 1;
    let note = if window.le32(172)? == AES_XTS {
        "FileVault 2 encrypts such volumes; whether this one is shows in its encrypted metadata only"
    } else {
        "no encryption method set"
    };
    header.then(|| Match::of(Kind::CoreStorage).note(note.to_owned()))
}

pub(super) fn veracrypt_boot_loader(window: &Window, _: u64) -> Option<Match> {
    let sector = window.bytes(0, 512)?;
    let names: [&[u8]; 2] = [b"VeraCrypt Boot Loader", b"TrueCrypt Boot Loader"];
    let note = "the system partition or the whole disk is encrypted".to_owned();
    names
        .iter()
        .any(|name| sector.windows(name.len()).any(|part| part == *name))
        .then(|| Match::of(Kind::VeraCryptBootLoader).note(note))
}

pub(super) fn lvm(window: &Window, at: u64) -> Option<Match> {
    // The label states the sector it lies in, and which manager's format follows.
    let in_place = window.le64(at.checked_add(8)?)? == at / SECTOR;
    (in_place && window.has(at.checked_add(24)?, b"LVM2 001")).then(|| Match::of(Kind::LvmPhysicalVolume))
}

/// 8 KiB before the end at least, on a border of 4 KiB.
pub(super) fn md_1_0_place(size: u64) -> Option<u64> {
    Some((size / SECTOR).checked_sub(16)? / 8 * 8 * SECTOR)
}

/// The last whole 64 KiB block but one border: `(sectors & ~127) - 128`.
pub(super) fn md_0_90_place(size: u64) -> Option<u64> {
    Some((size / SECTOR / 128).checked_sub(1)? * 128 * SECTOR)
}

pub(super) fn md_1(window: &Window, at: u64) -> Option<Match> {
    let in_place = window.le32(at.checked_add(4)?)? == 1 && window.le64(at.checked_add(144)?)? == at / SECTOR;
    if !in_place {
        return None;
    }
    let version = match at {
        0 => "1.1",
        4096 => "1.2",
        _ => "1.0",
    };
    let note = raid_note(version, window.le32(at.checked_add(72)?)?, window.le32(at.checked_add(92)?)?);
    Some(Match::of(Kind::LinuxRaid).label(window.text(at.checked_add(32)?, 32)).note(note))
}

pub(super) fn md_0_90(window: &Window, at: u64) -> Option<Match> {
    if window.le32(at.checked_add(4)?)? != 0 || window.le32(at.checked_add(8)?)? != 90 {
        return None;
    }
    let note = raid_note("0.90", window.le32(at.checked_add(28)?)?, window.le32(at.checked_add(40)?)?);
    Some(Match::of(Kind::LinuxRaid).note(note))
}

/// Level is a signed number; below zero are linear (-1) and special kinds (multipath -4, container).
fn raid_note(version: &str, level: u32, disks: u32) -> String {
    match level.cast_signed() {
        -1 => format!("metadata {version}, linear, one of {disks} disks"),
        level @ 0..=10 => format!("metadata {version}, RAID {level}, one of {disks} disks"),
        level => format!("metadata {version}, level {level}, one of {disks} disks"),
    }
}

pub(super) fn intel_raid(window: &Window, at: u64) -> Option<Match> {
    let version = window.text(at.checked_add(24)?, 8)?;
    Some(Match::of(Kind::IntelRaid).note(format!("metadata {version}; image all disks of the machine")))
}

pub(super) fn ddf_raid(window: &Window, at: u64) -> Option<Match> {
    // Revision, ASCII such as "01.02.00", after signature, CRC and 24 bytes of GUID.
    let revision = window.text(at.checked_add(32)?, 8).filter(|text| text.starts_with("0"))?;
    Some(Match::of(Kind::DdfRaid).note(format!("revision {revision}; image all disks of the machine")))
}

pub(super) fn dynamic_disk(_: &Window, _: u64) -> Option<Match> {
    Some(Match::of(Kind::WindowsDynamicDisk))
}
