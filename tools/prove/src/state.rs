//! What the disk says of itself and how it is set, before and after: identity, size, hidden areas, features, security.
//!
//! Read by commands that change nothing. Where the block under test refuses one of them, its words are what is compared.

use crate::attempt::TIMEOUT;
use crate::catalogue::ata::Protocol;
use crate::command::{Carrier, Data, Taskfile, ata_passthrough};
use crate::target::Target;
use crate::vector::Door;
use evidence::Transport;
use passthrough::nvme::{Command, Queue};
use passthrough::{Access, Answer, Node, Outcome, mmc, nvme, scsi};
use serde::Serialize;
use std::fmt::Write;

/// One property of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Property {
    /// What it is.
    pub(crate) name: String,
    /// Its value in words, or the first bytes of it in hexadecimal and a hash of all.
    pub(crate) value: String,
}

/// A property that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Which.
    pub(crate) name: String,
    /// Before.
    pub(crate) before: String,
    /// After.
    pub(crate) after: String,
}

/// A SCSI command that informs, and how much comes back.
const SCSI: [(&str, &[u8], usize); 7] = [
    ("INQUIRY", &[0x12, 0, 0, 0, 96, 0], 96),
    ("INQUIRY, unit serial number", &[0x12, 1, 0x80, 0, 252, 0], 252),
    ("INQUIRY, identification", &[0x12, 1, 0x83, 0, 252, 0], 252),
    ("READ CAPACITY (16)", &[0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0], 32),
    ("MODE SENSE (10), current values", &[0x5A, 0x08, 0x3F, 0, 0, 0, 0, 0x02, 0, 0], 512),
    ("MODE SENSE (10), saved values", &[0x5A, 0x08, 0xFF, 0, 0, 0, 0, 0x02, 0, 0], 512),
    ("PERSISTENT RESERVE IN, keys", &[0x5E, 0, 0, 0, 0, 0, 0, 0, 64, 0], 64),
];

/// ATA commands that inform: command, feature, extended, data.
const ATA: [(&str, u8, u16, bool, usize); 4] = [
    ("IDENTIFY DEVICE", 0xEC, 0, false, 512),
    ("DEVICE CONFIGURATION IDENTIFY", 0xB1, 0xC2, false, 512),
    ("READ NATIVE MAX ADDRESS EXT", 0x27, 0, true, 0),
    ("READ NATIVE MAX ADDRESS", 0xF8, 0, false, 0),
];

/// NVMe Identify by CNS, with the namespace of the disk or none.
const NVME_IDENTIFY: [(&str, u32, bool); 4] = [
    ("Identify namespace", 0, true),
    ("Identify controller", 1, false),
    ("active namespaces", 2, false),
    ("namespace descriptors", 3, true),
];

/// Features read back, current values: arbitration, power, thresholds, error recovery, cache, queues, coalescing, atomicity,
/// timestamp is left out (it runs), host behaviour, write protection.
const NVME_FEATURES: [u32; 10] = [0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0A, 0x10, 0x84];

/// Reads all properties.
pub(crate) fn read(target: &Target) -> Vec<Property> {
    let mut all = Vec::new();
    let mut add = |name: String, value: String| all.push(Property { name, value });
    if let Ok(mut disk) = device::inventory::identify(std::path::Path::new(&target.disk.identity.path)) {
        let identity = &disk.identity;
        let words = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        add("make and model".to_owned(), format!("{} {}", words(&identity.make), words(&identity.model)));
        add("serial".to_owned(), words(&identity.serial));
        add("world-wide name".to_owned(), words(&identity.wwn));
        add("firmware".to_owned(), words(&identity.firmware));
        add("capacity in bytes".to_owned(), identity.capacity.0.to_string());
        let (logical, physical) = (identity.logical_sector.bytes(), identity.physical_sector.bytes());
        add("sector sizes".to_owned(), format!("{logical} logical, {physical} physical"));
        add("read-only to the kernel".to_owned(), disk.read_only.to_string());
        disk.partitions.sort_by_key(|partition| partition.number);
        let partitions =
            disk.partitions.iter().map(|p| format!("{} at {} of {}", p.number, p.start.0, p.size.0));
        add("partitions".to_owned(), partitions.collect::<Vec<_>>().join("; "));
    } else {
        add("identity".to_owned(), "the disk is not there".to_owned());
    }
    if target.takes_scsi() {
        scsi_properties(target, &mut add);
    }
    match target.transport() {
        Transport::Nvme => nvme_properties(target, &mut add),
        Transport::Mmc => mmc_properties(target, &mut add),
        _ => {}
    }
    all
}

/// What differs, also what is there only before or only after.
pub(crate) fn changes(before: &[Property], after: &[Property]) -> Vec<Change> {
    let value = |of: &[Property], name: &str| {
        let found = of.iter().find(|property| property.name == name);
        found.map_or_else(|| "not known".to_owned(), |property| property.value.clone())
    };
    let added = after.iter().filter(|property| !before.iter().any(|known| known.name == property.name));
    before
        .iter()
        .chain(added)
        .filter_map(|property| {
            let (before, after) = (value(before, &property.name), value(after, &property.name));
            (before != after).then(|| Change { name: property.name.clone(), before, after })
        })
        .collect()
}

fn scsi_properties(target: &Target, add: &mut dyn FnMut(String, String)) {
    let path = target.node(Door::Generic).or_else(|| target.node(Door::Disk));
    let Some(node) = path.and_then(|path| Node::open(path, Access::ReadOnly).ok()) else { return };
    for (name, cdb, length) in SCSI {
        // A unit attention of an earlier reset is told once and is then gone.
        let mut buffer = vec![0; length];
        let mut answer = scsi::send_v3(&node, cdb, passthrough::Data::In(&mut buffer), TIMEOUT);
        if matches!(&answer, Answer::Scsi { sense: Some(sense), .. } if sense.key == 6) {
            answer = scsi::send_v3(&node, cdb, passthrough::Data::In(&mut buffer), TIMEOUT);
        }
        add(name.to_owned(), value(&answer, &buffer));
    }
    if target.optical {
        return;
    }
    for (name, command, feature, extended, length) in ATA {
        let protocol = if length > 0 { Protocol::PioIn } else { Protocol::NonData };
        let count = u16::from(length > 0);
        let file = Taskfile { command, feature, count, lba: 0, device: 0x40, extended, protocol };
        let data = if length > 0 { Data::In(length) } else { Data::None };
        let cdb = ata_passthrough(&file, &data, 512, Carrier::Sixteen, length == 0);
        let mut buffer = vec![0; length];
        let transfer = if length > 0 { passthrough::Data::In(&mut buffer) } else { passthrough::Data::None };
        let answer = scsi::send_v3(&node, &cdb, transfer, TIMEOUT);
        let registers = match &answer {
            Answer::Scsi { sense: Some(sense), .. } => sense.ata,
            _ => None,
        };
        let told = match registers {
            // With a 28-bit command the upper four bits are in the device register.
            Some(registers) if length == 0 && answer.outcome() == Outcome::Executed => {
                let high = if extended { 0 } else { u64::from(registers.device & 0x0F) << 24 };
                format!("last LBA {}", registers.lba | high)
            }
            _ => value(&answer, &buffer),
        };
        add(name.to_owned(), told);
        if command == 0xEC && answer.outcome() == Outcome::Executed {
            add("ATA security (word 128)".to_owned(), security_words(&buffer));
        }
    }
}

/// IDENTIFY DEVICE word 128, ACS-5.
fn security_words(identify: &[u8]) -> String {
    const BITS: [&str; 6] = ["supported", "enabled", "locked", "frozen", "count expired", "enhanced erase"];
    let low = identify.get(256).copied().unwrap_or(0);
    let set = (0u8..).zip(BITS).filter(|(bit, _)| low >> bit & 1 == 1).map(|(_, word)| word);
    let words: Vec<&str> = set.collect();
    if words.is_empty() { "not supported".to_owned() } else { words.join(", ") }
}

fn nvme_properties(target: &Target, add: &mut dyn FnMut(String, String)) {
    let path = target.node(Door::Controller).or_else(|| target.node(Door::Disk));
    let Some(node) = path.and_then(|path| Node::open(path, Access::ReadOnly).ok()) else { return };
    let own = namespace(target);
    for (name, cns, of_namespace) in NVME_IDENTIFY {
        let namespace = if of_namespace { own } else { 0 };
        let command =
            Command { opcode: 0x06, namespace, cdw10_15: [cns, 0, 0, 0, 0, 0], ..Command::default() };
        let mut buffer = vec![0; 4096];
        let answer = nvme::send(&node, Queue::Admin, &command, passthrough::Data::In(&mut buffer), TIMEOUT);
        add(name.to_owned(), value(&answer, &buffer));
    }
    for id in NVME_FEATURES {
        let namespace = if id == 0x84 || id == 0x05 { own } else { 0 };
        let command =
            Command { opcode: 0x0A, namespace, cdw10_15: [id, 0, 0, 0, 0, 0], ..Command::default() };
        let answer = nvme::send(&node, Queue::Admin, &command, passthrough::Data::None, TIMEOUT);
        let told = match answer {
            Answer::Nvme { status: 0, result } => format!("{result:08X}h"),
            other => other.to_string(),
        };
        add(format!("feature {id:02X}h"), told);
    }
}

/// The disk's own namespace.
pub(crate) fn namespace(target: &Target) -> u32 {
    let attribute = std::fs::read_to_string(target.folder.join("nsid")).unwrap_or_default();
    attribute.trim().parse().unwrap_or(1)
}

fn mmc_properties(target: &Target, add: &mut dyn FnMut(String, String)) {
    for name in ["cid", "csd", "scr", "ssr", "type", "life_time", "prv"] {
        if let Ok(text) = std::fs::read_to_string(target.folder.join("device").join(name)) {
            add(format!("card {name}"), text.trim().to_owned());
        }
    }
    let Some(node) = target.node(Door::Disk).and_then(|path| Node::open(path, Access::ReadOnly).ok()) else {
        return;
    };
    let command = mmc::Command {
        index: 8,
        argument: 0,
        application: false,
        response: mmc::Response::R1,
        block_size: 512,
    };
    // CMD8 is SEND_EXT_CSD on eMMC and something else on SD, whose cards need not be asked.
    if std::fs::read_to_string(target.folder.join("device/type")).is_ok_and(|kind| kind.trim() == "MMC") {
        let mut buffer = vec![0; 512];
        let answer = mmc::send(&node, &command, passthrough::Data::In(&mut buffer), TIMEOUT);
        add("extended CSD".to_owned(), value(&answer, &buffer));
    }
}

/// Data in short, or the words of a refusal.
fn value(answer: &Answer, data: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    if answer.outcome() != Outcome::Executed {
        return format!("not told: {answer}");
    }
    let mut text = String::new();
    for byte in data.iter().take(16) {
        let _ = write!(text, "{byte:02X}");
    }
    text.push_str(" … SHA-256 ");
    for byte in Sha256::digest(data).iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str, value: &str) -> Property {
        Property { name: name.into(), value: value.into() }
    }

    #[test]
    fn every_difference_is_named_also_what_came_or_went() {
        let before = [property("size", "1"), property("gone", "x"), property("same", "=")];
        let after = [property("size", "2"), property("same", "="), property("new", "y")];
        let names: Vec<String> = changes(&before, &after).into_iter().map(|change| change.name).collect();
        assert_eq!(names, ["size", "gone", "new"]);
        assert!(changes(&before, &before).is_empty());
    }

    #[test]
    fn the_security_word_is_read_bit_by_bit() {
        let mut identify = [0u8; 512];
        assert_eq!(security_words(&identify), "not supported");
        identify[256] = 0b10_1001;
        assert_eq!(security_words(&identify), "supported, frozen, enhanced erase");
    }

    #[test]
    fn a_single_bit_of_the_data_shows_in_the_value() {
        let done = Answer::Scsi { status: 0, host: 0, sense: None };
        let mut data = [0u8; 512];
        let before = value(&done, &data);
        data[500] = 1;
        assert_ne!(before, value(&done, &data));
        let refused = Answer::Errno { step: "SG_IO", errno: libc::EPERM };
        assert_eq!(value(&refused, &data), "not told: SG_IO: EPERM");
    }
}
