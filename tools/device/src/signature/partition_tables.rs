//! GPT and MBR, and which of two readings of the same first sector holds.

use super::table::Match;
use super::window::Window;
use super::{Kind, Signature};

const PROTECTIVE: u8 = 0xEE;
const PROTECTIVE_NOTE: &str = "protective";

pub(super) fn gpt(window: &Window, at: u64) -> Option<Match> {
    header_is_plausible(window, at)?
        .then(|| Match::of(Kind::Gpt))
        .filter(|_| window.le64(at.saturating_add(24)) == Some(1))
}

/// Reported only where the first one is not (a kind is reported once).
pub(super) fn gpt_backup(window: &Window, at: u64) -> Option<Match> {
    let note = "only the copy at the end of the disk is intact".to_owned();
    header_is_plausible(window, at)?.then(|| Match::of(Kind::Gpt).note(note))
}

fn header_is_plausible(window: &Window, at: u64) -> Option<bool> {
    Some((92..=4096).contains(&window.le32(at.checked_add(12)?)?))
}

pub(super) fn mbr(window: &Window, _: u64) -> Option<Match> {
    let mut types = Vec::new();
    for entry in [446, 462, 478, 494] {
        // Boot indicator: only 0x00 and 0x80 exist; anything else is boot code or data of a file system.
        if window.byte(entry)? & 0x7f != 0 {
            return None;
        }
        let kind = window.byte(entry.checked_add(4)?)?;
        if kind != 0 && window.le32(entry.checked_add(12)?)? != 0 {
            types.push(kind);
        }
    }
    let protective = types.contains(&PROTECTIVE);
    (!types.is_empty()).then(|| Match::of(Kind::Mbr).note(protective.then(|| PROTECTIVE_NOTE.to_owned())))
}

/// The boot sector of a FAT or NTFS volume ends in 55 AA as well, and its code may look like a partition table; and the
/// protective MBR is a part of GPT.
pub(super) fn settle(found: &mut Vec<Signature>) {
    use Kind::{BitLocker, Exfat, Fat12, Fat16, Fat32, Gpt, Mbr, Ntfs, Refs};
    let is_volume =
        found.iter().any(|s| matches!(s.kind, BitLocker | Ntfs | Refs | Exfat | Fat12 | Fat16 | Fat32));
    let has_gpt = found.iter().any(|s| s.kind == Gpt);
    found.retain(|s| {
        let superseded = is_volume || (has_gpt && s.note.as_deref() == Some(PROTECTIVE_NOTE));
        s.kind != Mbr || !superseded
    });
}
