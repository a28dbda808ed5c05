//! What disks answer when they are asked what they are and what they hide.

use crate::images::one_line;
use device::self_report::replay::{Kind, replay};
use device::{AtaRegisters, Sense};
use evidence::{ByteCount, SectorCount, SelfReport};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Most questions that a disk may draw out.
const MOST_QUESTIONS: usize = 60;

/// A byte that chooses who answers, then answers: each its length in two bytes, and content.
pub fn disk_answers(input: &[u8], scratch: &Path) {
    let Some((choice, rest)) = input.split_first() else { return };
    let answers = pieces(rest);
    let sysfs = scratch.join("kept");
    fs::create_dir_all(sysfs.join("scsi_disk/0")).unwrap();
    let size = ByteCount(195_364_000 * 512);
    match choice % 7 {
        0 => judge(Kind::Ata(size), &answers),
        1 => {
            let names = ["vpd_pg0", "vpd_pgb1", "vpd_pgb2", "inquiry", "scsi_disk/0/protection_type"];
            let later = keep(&sysfs, &names, &answers);
            judge(Kind::Scsi(&sysfs, SectorCount(1 << 20)), later);
        }
        2 => judge(Kind::Nvme, &answers),
        kind @ (3 | 4) => {
            let later = keep(&sysfs, &["type", "ssr"], &answers);
            judge(if kind == 3 { Kind::Mmc(&sysfs) } else { Kind::Sd(&sysfs) }, later);
        }
        5 => identity(&answers, scratch),
        _ => answers.iter().for_each(|answer| {
            let _ = AtaRegisters::of_fixed_sense(answer);
            if let Some(sense) = Sense::parse(answer) {
                one_line(&sense.to_string());
            }
        }),
    }
}

fn pieces(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let [low, high, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (piece, next) = after.split_at(length);
        pieces.push(piece);
        rest = next;
    }
    pieces
}

/// Puts the first answers into files of these names; hands back the others.
fn keep<'a>(folder: &Path, names: &[&str], answers: &'a [&'a [u8]]) -> &'a [&'a [u8]] {
    for (number, name) in names.iter().enumerate() {
        fs::write(folder.join(name), answers.get(number).unwrap_or(&&[][..])).unwrap();
    }
    answers.get(names.len()..).unwrap_or_default()
}

fn judge(kind: Kind, answers: &[&[u8]]) {
    let mut asked = 0;
    let report = replay(kind, |_| {
        let answer = answers.get(asked).copied().unwrap_or_default();
        asked += 1;
        let (registers, data) = answer.split_first_chunk::<8>()?;
        let [error, count, status, lba @ .., device] = *registers;
        let lba = lba.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Some((sealed(data), AtaRegisters { error, count: count.into(), lba, device, status }))
    });
    assert!(asked <= MOST_QUESTIONS, "a hostile list costs {asked} commands");
    for line in [report.warnings(), report.unknown_areas(), report.remarks()].concat() {
        one_line(&line);
    }
    assert!(!report.remarks().is_empty(), "a report that says nothing");
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<SelfReport>(&json).unwrap(), report, "the record tells it as it was");
}

/// A block of ATA data whose checksum fits (ACS-4 §7.13.6, word 255; the same of SMART data and overlays).
fn sealed(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    if data.len() == 512
        && let Some((checksum, block)) = data.split_last_mut()
    {
        *checksum = 0u8.wrapping_sub(block.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
    }
    data
}

/// What names a disk, as the kernel hands it on in sysfs. The first answer chooses how the disk is attached.
fn identity(answers: &[&[u8]], scratch: &Path) {
    const ATTACHED: [&str; 4] = ["scsi", "nvme", "mmc", "usb"];
    const NAMES: [&str; 12] = [
        "vendor",
        "model",
        "rev",
        "wwid",
        "serial",
        "vpd_pg80",
        "vpd_pg89",
        "firmware_rev",
        "name",
        "manufacturer",
        "product",
        "idVendor",
    ];
    const OF_DISK: [&str; 4] = ["size", "queue/logical_block_size", "guard/identity", "sda1/uevent"];
    let Some((choice, answers)) = answers.split_first() else { return };
    let attached = ATTACHED[choice.first().map_or(0, |byte| usize::from(*byte) % ATTACHED.len())];
    let sys = scratch.join(attached);
    let (device, disk) = machine(&sys, attached);
    let later = keep(&device, &NAMES, answers);
    keep(&disk, &OF_DISK, later);
    for mut disk in device::inventory::list_at(&sys, Path::new("/dev")).unwrap() {
        disk.warnings.push("as any other".to_owned());
        for line in device::description::describe(&disk, "blocked") {
            one_line(&line);
        }
        let said = &disk.identity;
        for text in [&said.make, &said.model, &said.serial, &said.wwn, &said.firmware].into_iter().flatten() {
            one_line(text);
        }
        serde_json::to_string(&disk).unwrap();
    }
}

/// A sysfs with one disk of one partition, below one device.
fn machine(sys: &Path, attached: &str) -> (PathBuf, PathBuf) {
    let device = sys.join("devices/host0/0:0:0:0");
    let disk = device.join("block/sda");
    if !disk.exists() {
        for folder in ["queue", "guard", "sda1"] {
            fs::create_dir_all(disk.join(folder)).unwrap();
        }
        fs::create_dir_all(sys.join("block")).unwrap();
        for (name, number) in [("partition", "1"), ("start", "2048"), ("size", "8")] {
            fs::write(disk.join("sda1").join(name), number).unwrap();
        }
        symlink(Path::new("/sys/bus").join(attached), device.join("subsystem")).unwrap();
        symlink(&device, disk.join("device")).unwrap();
        symlink(&disk, sys.join("block/sda")).unwrap();
    }
    (device, disk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{AreaKind, Finding};

    fn found(name: &str, kind: Kind, skipped: usize) -> SelfReport {
        let seed = fs::read(crate::corpus("disk_answers").join(name)).unwrap();
        let answers = pieces(&seed[1..]);
        let mut answers = answers[skipped..].iter();
        replay(kind, |_| {
            let (registers, data) = answers.next()?.split_first_chunk::<8>()?;
            let lba = registers[3..7].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            Some((sealed(data), AtaRegisters { lba, status: 0x50, device: 0x40, ..AtaRegisters::default() }))
        })
    }

    #[test]
    fn the_seeds_are_answers_that_are_understood() {
        let folder = tempfile::tempdir().unwrap();
        let is_found = |report: &SelfReport, kind| matches!(report.area(kind), Some(Finding::Found(_)));
        let ata = found("ata", Kind::Ata(ByteCount(195_364_000 * 512)), 0);
        assert!(is_found(&ata, AreaKind::HostProtectedArea), "{ata:?}");
        assert!(matches!(&ata.health, Finding::Found(health) if !health.readings.is_empty()), "{ata:?}");
        let nvme = found("nvme", Kind::Nvme, 0);
        assert!(
            is_found(&nvme, AreaKind::UnattachedNamespace) && is_found(&nvme, AreaKind::BlockMetadata),
            "{nvme:?}"
        );
        let emmc = found("emmc", Kind::Mmc(folder.path()), 2);
        assert!(is_found(&emmc, AreaKind::BootPartition), "{emmc:?}");
    }
}
