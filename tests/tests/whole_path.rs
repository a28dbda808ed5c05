//! The whole path: a disk is imaged in the booted system onto an allowed USB disk, and strangers on the host find in
//! the image exactly what is on the disk.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::{fs, path::Path, time::Duration};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, cut_out},
    guest::Guest,
    host_program::HostProgram,
    image_check::{ImageCheck, first_segment_in},
    oracle::Oracle,
};

const EVIDENCE_BYTES: u64 = 64 * MIB;
const DESTINATION_BYTES: u64 = 128 * MIB;
const DESTINATION_MIB: u64 = 126;

#[test]
fn strangers_find_in_the_image_what_is_on_the_disk() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout {
        label: Label::Mbr,
        partitions: vec![(FileSystem::Ntfs, 20), (FileSystem::Ext4DirtyJournal, 20), (FileSystem::Fat, 20)],
    };
    let evidence = Disk::new("evidence", Transport::Ahci, folder.path().join("evidence"));
    layout.build(&evidence.image, EVIDENCE_BYTES).unwrap();
    let destination = Disk::new("destination", Transport::UsbBot, folder.path().join("destination"));
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyExt4, DESTINATION_MIB)] }
        .build(&destination.image, DESTINATION_BYTES)
        .unwrap();
    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap()))
        .disk(evidence.clone())
        .disk(destination.clone());
    let mut guest = Guest::boot(machine, &artifacts.log_folder("whole-path").unwrap()).unwrap();

    let source = guest.await_disk(EVIDENCE_BYTES).unwrap();
    let target = guest.await_disk(DESTINATION_BYTES).unwrap();
    guest.allow(&target, "DESTINATION").unwrap();
    let partition = Guest::partition(&target, 1);
    guest
        .demand(&format!(
            "mkdir -p /mnt/dest && mount -t ext4 /dev/{partition} /mnt/dest && mkdir /mnt/dest/item1"
        ))
        .unwrap();
    let acquire = format!(
        "pf-acquire /dev/{source} --to /mnt/dest/item1 --format e01 --hash md5,sha1,sha256 \
         --case VM-1 --evidence item1 --examiner 'A. Examiner' 2>/run/progress || {{ s=$?; cat /run/progress; exit $s; }}"
    );
    let said = guest.demand_within(&acquire, Duration::from_secs(300)).unwrap();
    eprintln!("{said}");
    assert_eq!(guest.state(&source).unwrap(), "evidence", "imaging makes the source evidence");
    let allow = guest.run(&format!("pf-guard allow /dev/{source} --serial EVIDENCE --yes")).unwrap();
    assert!(!allow.succeeded(), "what was imaged became writable: {}", allow.output);
    guest.demand("umount /mnt/dest").unwrap();
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();

    let item = taken_from(&destination.image, folder.path());
    let image = first_segment_in(&item).unwrap();
    let check = ImageCheck::of(&artifacts, &image, &evidence.image, &layout).unwrap();
    assert!(check.objections().is_empty(), "{}", check.objections().join("\n"));
    a_flipped_byte_is_found(&artifacts, &image);
}

/// The folder with the image, read from the destination's ext4 without mounting it.
fn taken_from(destination: &Path, folder: &Path) -> std::path::PathBuf {
    let volume = folder.join("volume");
    cut_out(destination, MIB, DESTINATION_MIB * MIB, &volume).unwrap();
    let command = format!("rdump /item1 {}", folder.display());
    HostProgram::new("debugfs", "e2fsprogs").unwrap().args(["-R", &command]).arg(&volume).run().unwrap();
    folder.join("item1")
}

fn a_flipped_byte_is_found(artifacts: &Artifacts, image: &Path) {
    let mut bytes = fs::read(image).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x01;
    fs::write(image, bytes).unwrap();
    let verify = HostProgram::at(artifacts.binary("pf-verify").unwrap()).arg(image).output().unwrap();
    assert_eq!(
        verify.status.code(),
        Some(1),
        "pf-verify missed it: {}",
        String::from_utf8_lossy(&verify.stdout)
    );
    let ewfverify = HostProgram::new("ewfverify", "ewf-tools").unwrap().arg(image).output().unwrap();
    assert!(!ewfverify.status.success(), "ewfverify missed it, so the byte is not in the data");
}
