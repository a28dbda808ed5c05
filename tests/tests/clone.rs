//! A clone in the booted system: onto a disk that was allowed and onto no other, seen from outside.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::{fs, time::Duration};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, cut_out},
    guest::Guest,
    host_program::HostProgram,
    oracle::Oracle,
};

const EVIDENCE_BYTES: u64 = 24 * MIB;
const SPARE_BYTES: u64 = 40 * MIB;
const OTHER_BYTES: u64 = 44 * MIB;
const RECORDS_BYTES: u64 = 16 * MIB;
const RECORDS_MIB: u64 = 14;
/// What the disks hold that a clone may go onto.
const BEFORE: u8 = 0xEE;

#[test]
fn a_clone_equals_its_source_and_goes_onto_no_disk_that_is_blocked() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let evidence = Disk::new("evidence", Transport::Ahci, folder.path().join("evidence"));
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::Ext4DirtyJournal, 20)] }
        .build(&evidence.image, EVIDENCE_BYTES)
        .unwrap();
    let full = |name: &str, transport, bytes: u64| {
        let image = folder.path().join(name);
        fs::write(&image, vec![BEFORE; bytes as usize]).unwrap();
        Disk::new(name, transport, image)
    };
    let spare = full("spare", Transport::UsbBot, SPARE_BYTES);
    let other = full("other", Transport::Nvme, OTHER_BYTES);
    let records = Disk::new("records", Transport::VirtioBlk, folder.path().join("records"));
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyExt4, RECORDS_MIB)] }
        .build(&records.image, RECORDS_BYTES)
        .unwrap();
    let before = fs::read(&evidence.image).unwrap();
    let oracle = Oracle::watch(&[evidence.clone(), other.clone()]).unwrap();
    let machine = [&evidence, &spare, &other, &records]
        .into_iter()
        .fold(Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())), |machine, disk| {
            machine.disk(disk.clone())
        });
    let mut guest = Guest::boot(machine, &artifacts.log_folder("clone").unwrap()).unwrap();
    let source = guest.await_disk(EVIDENCE_BYTES).unwrap();
    let target = guest.await_disk(SPARE_BYTES).unwrap();
    let blocked = guest.await_disk(OTHER_BYTES).unwrap();
    let kept = guest.await_disk(RECORDS_BYTES).unwrap();
    guest.allow(&kept, "RECORDS").unwrap();
    let partition = Guest::partition(&kept, 1);
    guest.demand(&format!("mkdir -p /mnt/dest && mount -t ext4 /dev/{partition} /mnt/dest")).unwrap();

    let clone = |guest: &mut Guest, target: &str| {
        let script = format!(
            "pf-acquire /dev/{source} --clone /dev/{target} --to /mnt/dest --name item 2>&1; echo EXIT $?"
        );
        guest.demand_within(&script, Duration::from_secs(300)).unwrap()
    };
    let refused = clone(&mut guest, &blocked);
    assert!(refused.contains("blocked under the guard") && refused.trim().ends_with("EXIT 2"), "{refused}");
    guest.allow(&target, "SPARE").unwrap();
    let cloned = clone(&mut guest, &target);
    assert!(cloned.trim().ends_with("EXIT 0"), "{cloned}");
    guest.demand("umount /mnt/dest").unwrap();
    guest.power_off().unwrap();
    for verdict in oracle.judge(guest.emulator).unwrap() {
        verdict.assert_untouched();
    }

    let clone = fs::read(&spare.image).unwrap();
    assert!(
        fs::read(&evidence.image).unwrap() == before && clone[..before.len()] == before,
        "the clone is another"
    );
    assert!(
        clone[before.len()..].iter().all(|byte| *byte == BEFORE),
        "what lies behind the clone was changed"
    );
    let volume = folder.path().join("volume");
    cut_out(&records.image, MIB, RECORDS_MIB * MIB, &volume).unwrap();
    let debugfs = HostProgram::new("debugfs", "e2fsprogs").unwrap();
    let record = debugfs.args(["-R", "cat /item.record.jsonl"]).arg(&volume).run().unwrap();
    let entries: Vec<serde_json::Value> =
        record.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let clone = entries.iter().find(|entry| entry["kind"] == "clone-disk").unwrap();
    assert_eq!((&clone["disk"]["serial"], &clone["guard_state"]), (&"SPARE".into(), &"writable".into()));
    assert_eq!(entries[0]["plan"]["format"], "clone");
}
