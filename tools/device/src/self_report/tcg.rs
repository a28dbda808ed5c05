//! Self-encrypting disks: what TCG Level 0 Discovery tells without opening a session (TCG Storage Core 2.01 §3.3.6).

use super::channel::{Ask, Reply, Silence};
use super::fields::Page;
use super::question::{NvmeQuestion, Question, ScsiQuestion};
use evidence::{Finding, SelfEncryption};

/// Security protocol of TCG, SPC-5 table 279.
const TCG: u8 = 0x01;
/// Security protocol of ATA security, SAT-4 §12.5.
pub(crate) const ATA_SECURITY: u8 = 0xEF;

/// Asks a SCSI disk.
pub(crate) fn of_scsi(door: &mut dyn Ask) -> Finding<SelfEncryption> {
    let protocols = door.ask(Question::Scsi(ScsiQuestion::SecurityProtocols));
    ask(door, protocols, Question::Scsi(ScsiQuestion::TcgDiscovery))
}

/// Asks an ATA disk that has the Trusted Computing feature set, through the kernel's or an adapter's translation: of the ATA
/// commands themselves, libata lets none of this family through.
pub(crate) fn of_ata(door: &mut dyn Ask) -> Finding<SelfEncryption> {
    let protocols = match door.ask(Question::Scsi(ScsiQuestion::SecurityProtocols)) {
        Err(Silence::NotKnown(name)) => {
            return Finding::unknown(format!(
                "it has the Trusted Computing feature set, but {name} is not translated"
            ));
        }
        other => other,
    };
    ask(door, protocols, Question::Scsi(ScsiQuestion::TcgDiscovery))
}

/// Asks an NVMe controller; `protocols` is what it answered to the question for its security protocols.
pub(crate) fn of_nvme(door: &mut dyn Ask, protocols: Result<Reply, Silence>) -> Finding<SelfEncryption> {
    ask(door, protocols, Question::Nvme(NvmeQuestion::TcgDiscovery))
}

fn ask(
    door: &mut dyn Ask,
    protocols: Result<Reply, Silence>,
    discovery: Question,
) -> Finding<SelfEncryption> {
    match protocols {
        Ok(reply) if !speaks(&reply.data, TCG) => Finding::None,
        Ok(_) => match door.ask(discovery) {
            Ok(reply) => level_0(&reply.data),
            Err(silence) => Finding::unknown(silence.to_string()),
        },
        Err(Silence::NotKnown(_)) => Finding::None,
        Err(silence) => Finding::unknown(silence.to_string()),
    }
}

/// Supported security protocol list, SPC-5 §7.6.3: its length in bytes 6 and 7, one byte each from byte 8.
pub(crate) fn speaks(list: &[u8], protocol: u8) -> bool {
    let page = Page(list);
    let length = page.be16(6).map_or(0, usize::from);
    page.part(8, length).is_some_and(|list| list.0.contains(&protocol))
}

/// Codes of features that are security subsystem classes.
const CLASSES: [(u16, &str); 8] = [
    (0x0100, "Enterprise"),
    (0x0200, "Opal 1.0"),
    (0x0203, "Opal 2.0"),
    (0x0301, "Opalite"),
    (0x0302, "Pyrite 1.0"),
    (0x0303, "Pyrite 2.0"),
    (0x0304, "Ruby"),
    (0x0305, "Key per I/O"),
];
const LOCKING: u16 = 0x0002;

/// Length of all but itself in bytes 0-3; features from byte 48: code in two bytes, version, length, data.
fn level_0(data: &[u8]) -> Finding<SelfEncryption> {
    const HEADER: usize = 48;
    let damaged = || Finding::unknown("what it answered to TCG Level 0 Discovery makes no sense");
    let page = Page(data);
    let Some(length) = page.be32(0).and_then(|length| usize::try_from(length).ok()) else { return damaged() };
    let Some(mut features) = page.part(HEADER, length.saturating_add(4).saturating_sub(HEADER)) else {
        return damaged();
    };
    let mut found = SelfEncryption::default();
    let mut has_locking = false;
    while let (Some(code), Some(size)) = (features.be16(0), features.u8(3)) {
        if code == LOCKING {
            has_locking = true;
            locking(features, &mut found);
        }
        let class = CLASSES.iter().find(|(known, _)| *known == code);
        found.classes.extend(class.map(|(_, name)| (*name).to_owned()));
        let Some(rest) = features.part(usize::from(size).saturating_add(4), usize::MAX) else { break };
        features = rest;
    }
    match (has_locking, found.classes.is_empty()) {
        // The locking feature is what all classes have in common.
        (false, true) => damaged(),
        _ => Finding::Found(found),
    }
}

/// Locking feature, TCG Storage Core §3.3.6.5: flags in byte 4.
fn locking(feature: Page<'_>, found: &mut SelfEncryption) {
    let flag = |bit| feature.bit(4, bit).unwrap_or(false);
    found.locking_enabled = flag(1);
    found.locked = flag(2);
    found.media_encryption = flag(3);
    found.mbr_shadowing = flag(4);
    found.mbr_done = flag(5);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Level 0 Discovery of a disk of class Opal 2.0, with these flags of its locking feature.
    pub(crate) fn discovery(flags: u8) -> Vec<u8> {
        let mut page = vec![0u8; 48];
        page.extend([0x00, 0x01, 0x10, 12, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        page.extend([0x00, 0x02, 0x20, 12, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        page.extend([0x02, 0x03, 0x10, 16, 0x10, 0, 0, 1, 0, 0, 4, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
        let length = u32::try_from(page.len() - 4).unwrap();
        page[..4].copy_from_slice(&length.to_be_bytes());
        page.resize(2048, 0);
        page
    }

    #[test]
    fn a_locked_disk_that_shows_a_shadow_is_told_from_one_that_nobody_owns() {
        let Finding::Found(fresh) = level_0(&discovery(0x09)) else { panic!("not read") };
        assert_eq!(fresh.classes, ["Opal 2.0"]);
        assert!(fresh.media_encryption && !fresh.locking_enabled && !fresh.locked);
        let Finding::Found(owned) = level_0(&discovery(0x1F)) else { panic!("not read") };
        assert!(owned.locking_enabled && owned.locked && owned.shadows_first_sectors());
        let Finding::Found(open) = level_0(&discovery(0x3B)) else { panic!("not read") };
        assert!(open.mbr_shadowing && !open.shadows_first_sectors() && !open.locked);
    }

    #[test]
    fn zeros_are_no_answer() {
        assert!(matches!(level_0(&[0; 2048]), Finding::Unknown { .. }));
        assert!(matches!(level_0(&[]), Finding::Unknown { .. }));
    }

    #[test]
    fn the_list_of_protocols_ends_where_it_says() {
        assert!(speaks(&[0, 0, 0, 0, 0, 0, 0, 2, 0, 1], TCG));
        assert!(!speaks(&[0, 0, 0, 0, 0, 0, 0, 1, 0, 1], TCG));
        assert!(!speaks(&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0], TCG));
    }

    proptest! {
        #[test]
        fn hostile_answers_end_in_a_finding(data in proptest::collection::vec(any::<u8>(), 0..2100)) {
            let _ = level_0(&data);
            let _ = speaks(&data, TCG);
        }

        #[test]
        fn a_damaged_discovery_ends_in_a_finding(at in 0usize..100, byte: u8, cut in 0usize..2048) {
            let mut page = discovery(0x1F);
            page[at] = byte;
            let _ = level_0(&page[..cut]);
        }
    }
}
