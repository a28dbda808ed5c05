//! The whole path: a disk is imaged in the booted system onto an allowed USB disk, while the stick that was booted from is
//! pulled out already, and strangers on the host find in the image exactly what is on the disk.
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
    image_check::{ImageCheck, sleuth_kit},
    oracle::Oracle,
};

const EVIDENCE_BYTES: u64 = 64 * MIB;
const FAULTY_BYTES: u64 = 32 * MIB;
/// Two thirds into the faulty disk, within a file system that fills it.
const BAD_SECTOR: u64 = 40_001;
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
    let faulty =
        Disk::new("faulty", Transport::Nvme, folder.path().join("faulty")).with_bad_sector(BAD_SECTOR);
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::Fat, 30)] }
        .build(&faulty.image, FAULTY_BYTES)
        .unwrap();
    let oracle = Oracle::watch(&[evidence.clone(), faulty.clone()]).unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::UsbStick(artifacts.iso().unwrap()))
        .disk(evidence.clone())
        .disk(faulty.clone())
        .disk(destination.clone());
    let mut guest = Guest::boot(machine, &artifacts.log_folder("whole-path").unwrap()).unwrap();
    without_the_stick(&mut guest, &fs::metadata(artifacts.iso().unwrap()).unwrap());

    let source = guest.await_disk(EVIDENCE_BYTES).unwrap();
    let target = guest.await_disk(DESTINATION_BYTES).unwrap();
    guest.allow(&target, "DESTINATION").unwrap();
    let partition = Guest::partition(&target, 1);
    guest
        .demand(&format!(
            "mkdir -p /mnt/dest && mount -t ext4 /dev/{partition} /mnt/dest && mkdir /mnt/dest/items"
        ))
        .unwrap();
    let attempt = guest.run(&format!("echo changed >/dev/{source}")).unwrap();
    assert!(!attempt.succeeded(), "the evidence was opened for writing: {}", attempt.output);
    assert_eq!(acquired(&mut guest, &source, "item1"), 0);
    assert_eq!(guest.state(&source).unwrap(), "evidence", "imaging makes the source evidence");
    let allow = guest.run(&format!("pf-guard allow /dev/{source} --serial EVIDENCE --yes")).unwrap();
    assert!(!allow.succeeded(), "what was imaged became writable: {}", allow.output);
    let bad = guest.await_disk(FAULTY_BYTES).unwrap();
    assert_eq!(acquired(&mut guest, &bad, "item2"), 3, "an unread sector has an exit code of its own");
    guest.demand("umount /mnt/dest").unwrap();
    guest.power_off().unwrap();
    for verdict in oracle.judge(guest.emulator).unwrap() {
        verdict.assert_untouched();
    }

    let items = taken_from(&destination.image, folder.path());
    let image = items.join("item1.E01");
    the_record_tells_what_the_guard_did(&items.join("item1.record.jsonl"));
    the_bad_sector_is_named(&items, &faulty.image);
    let check = ImageCheck::of(&artifacts, &image, &evidence.image, &layout).unwrap();
    assert!(check.objections().is_empty(), "{}", check.objections().join("\n"));
    a_flipped_byte_is_found(&artifacts, &image);
}

/// Pulls out what was booted from: the system is in memory, and nothing may be wanted from there any more.
fn without_the_stick(guest: &mut Guest, iso: &fs::Metadata) {
    let name = guest.await_disk(iso.len()).unwrap();
    guest.emulator.pull_boot_stick().unwrap();
    guest.demand("echo 3 >/proc/sys/vm/drop_caches").unwrap();
    guest.demand(&format!("until [ ! -e /sys/block/{name} ]; do sleep 0.1; done")).unwrap();
}

/// Images `disk` in the guest and returns the exit code.
fn acquired(guest: &mut Guest, disk: &str, item: &str) -> i32 {
    let script = format!(
        "pf-acquire /dev/{disk} --to /mnt/dest/items --format e01 --hash md5,sha1,sha256 \
         --case VM-1 --evidence {item} --examiner 'A. Examiner' 2>&1; echo EXIT $?"
    );
    let said = guest.demand_within(&script, Duration::from_secs(300)).unwrap();
    eprintln!("{said}");
    said.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Entries of a record as any reader of JSON sees them.
fn entries_of(record: &Path) -> Vec<serde_json::Value> {
    fs::read_to_string(record).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn the_record_tells_what_the_guard_did(record: &Path) {
    let entries = entries_of(record);
    assert_eq!(entries[0]["source"]["serial"], "EVIDENCE");
    assert_eq!(entries[0]["guard"]["guard"], "in-force");
    assert_eq!(entries[0]["guard"]["state"], "evidence");
    assert_eq!(entries[0]["environment"]["firmware"], "bios");
    assert_eq!((&entries[1]["kind"], &entries[1]["tpm"]), (&"measured-boot".into(), &"none".into()));
    assert_eq!(entries[1]["reason"], "no TPM, or none that the kernel has a driver for");
    let told = entries.iter().find(|entry| entry["kind"] == "guard-events").unwrap();
    let events = told["events"].as_array().unwrap();
    let words: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    // Born, the attempt to write, and the lock.
    assert_eq!(words, ["born", "refused", "state"], "{told}");
    let last = entries.last().unwrap();
    assert_eq!((&last["outcome"], &last["guard_state"]), (&"complete".into(), &"evidence".into()));
}

/// One sector of 512 bytes is unread and zero, everything around it is the disk's.
fn the_bad_sector_is_named(items: &Path, disk: &Path) {
    let entries = entries_of(&items.join("item2.record.jsonl"));
    let closed = entries.iter().find(|entry| entry["kind"] == "image-closed").unwrap();
    let sector = serde_json::json!([{ "offset": BAD_SECTOR * 512, "length": 512 }]);
    assert_eq!(closed["unread"], sector);
    let info = HostProgram::new("ewfinfo", "ewf-tools").unwrap().arg(items.join("item2.E01")).run().unwrap();
    assert!(info.contains(&format!("at sector(s): {BAD_SECTOR} - {BAD_SECTOR} ")), "{info}");

    let image =
        sleuth_kit("img_cat").unwrap().args(["-i", "ewf"]).arg(items.join("item2.E01")).output().unwrap();
    let mut expected = fs::read(disk).unwrap();
    let at = BAD_SECTOR as usize * 512;
    expected[at..at + 512].fill(0);
    assert!(image.stdout == expected, "the image of the faulty disk differs elsewhere too");
}

/// The folder with the images, read from the destination's ext4 without mounting it.
fn taken_from(destination: &Path, folder: &Path) -> std::path::PathBuf {
    let volume = folder.join("volume");
    cut_out(destination, MIB, DESTINATION_MIB * MIB, &volume).unwrap();
    let command = format!("rdump /items {}", folder.display());
    HostProgram::new("debugfs", "e2fsprogs").unwrap().args(["-R", &command]).arg(&volume).run().unwrap();
    folder.join("items")
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
