//! An acquisition in the booted image whose destination is pulled out while it is written to, and whose machine loses its power.
//! Plugged in again, and booted again, it goes on behind its last checkpoint; in the end ewfverify computes from the image
//! the MD5 that md5sum computes from the disk.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, cut_out, noise},
    guest::Guest,
    host_program::HostProgram,
    oracle::Oracle,
};
use serde_json::Value;

const EVIDENCE_BYTES: u64 = 48 * MIB;
const DESTINATION_MIB: u64 = 96;
const DESTINATION_BYTES: u64 = (DESTINATION_MIB + 2) * MIB;
/// How often the destination is pulled out.
const PULLS: u8 = 4;
/// How often the power goes.
const CUTS: u32 = 2;
const ACQUIRE_WITHIN: Duration = Duration::from_secs(300);
/// Exit code of pf-acquire when the destination failed.
const DESTINATION_FAILED: i32 = 4;

/// Mounts the destination and returns the name of its disk.
fn mount(guest: &mut Guest) -> String {
    let target = guest.await_disk(DESTINATION_BYTES).unwrap();
    guest.allow(&target, "DESTINATION").unwrap();
    let partition = Guest::partition(&target, 1);
    guest
        .demand(&format!("mkdir -p /mnt/d && mount -t ext4 /dev/{partition} /mnt/d && mkdir -p /mnt/d/items"))
        .unwrap();
    target
}

fn acquire(guest: &mut Guest, words: &str) -> String {
    let source = guest.await_disk(EVIDENCE_BYTES).unwrap();
    format!(
        "pf-acquire /dev/{source} --to /mnt/d/items --evidence 1 --checkpoint 2MiB {words} 2>&1; echo EXIT $?"
    )
}

fn exit_code(said: &str) -> i32 {
    eprintln!("{said}");
    said.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Starts an acquisition and waits until it has made something durable so often; a checkpoint takes several flushes.
fn begin_writing(guest: &mut Guest, script: &str, flushes: u64) {
    let made = |guest: &mut Guest| guest.emulator.qmp.block_statistics("destination").unwrap().flushes;
    let before = made(guest);
    guest.emulator.shell.send(script).unwrap();
    let deadline = Instant::now() + ACQUIRE_WITHIN;
    while made(guest) < before + flushes {
        assert!(Instant::now() < deadline, "the destination was not flushed {flushes} times");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn entries(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_pulled_destination_and_a_loss_of_power_cost_nothing_that_was_durable() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let evidence = Disk::new("evidence", Transport::Ahci, folder.path().join("evidence"));
    fs::write(&evidence.image, noise(EVIDENCE_BYTES as usize)).unwrap();
    let destination = Disk::new("destination", Transport::Uas, folder.path().join("destination")).on_port(1);
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyExt4, DESTINATION_MIB)] }
        .build(&destination.image, DESTINATION_BYTES)
        .unwrap();
    let machine = || {
        Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap()))
            .disk(evidence.clone())
            .disk(destination.clone())
    };

    let mut words = "--hash md5,sha256 --case VM-5".to_owned();
    for cut in 0..CUTS {
        let mut guest =
            Guest::boot(machine(), &artifacts.log_folder(&format!("power-cut-{cut}")).unwrap()).unwrap();
        mount(&mut guest);
        let script = acquire(&mut guest, &words);
        begin_writing(&mut guest, &script, 40);
        // The machine is gone from one moment to the next.
        drop(guest);
        words = "--resume".to_owned();
    }

    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
    let mut guest = Guest::boot(machine(), &artifacts.log_folder("pulled-destination").unwrap()).unwrap();
    let mut plugged = destination.clone();
    for pull in 0..PULLS {
        let name = mount(&mut guest);
        let script = acquire(&mut guest, "--resume");
        begin_writing(&mut guest, &script, 25);
        guest.emulator.unplug(&plugged).unwrap();
        let said = guest.emulator.shell.answer(&script, ACQUIRE_WITHIN).unwrap().output;
        assert_eq!(exit_code(&said), DESTINATION_FAILED, "pull {pull}");
        assert!(said.contains("--resume"), "{said}");
        guest.demand("umount -l /mnt/d").unwrap();
        guest.await_no_disk(&name).unwrap();
        plugged = destination.clone().on_port(1 + (pull + 1) % 2);
        guest.emulator.plug(plugged.clone()).unwrap();
    }
    mount(&mut guest);
    let script = acquire(&mut guest, "--resume");
    assert_eq!(exit_code(&guest.demand_within(&script, ACQUIRE_WITHIN).unwrap()), 0);
    guest.demand("umount /mnt/d").unwrap();
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();

    let volume = folder.path().join("volume");
    cut_out(&destination.image, MIB, DESTINATION_MIB * MIB, &volume).unwrap();
    let command = format!("rdump /items {}", folder.path().display());
    HostProgram::new("debugfs", "e2fsprogs").unwrap().args(["-R", &command]).arg(&volume).run().unwrap();
    let items = folder.path().join("items");
    let sum = HostProgram::new("md5sum", "coreutils").unwrap().arg(&evidence.image).run().unwrap();
    let md5 = sum.split(' ').next().unwrap();
    let verified =
        HostProgram::new("ewfverify", "ewf-tools").unwrap().arg("-q").arg(items.join("1.E01")).run().unwrap();
    assert!(verified.contains("SUCCESS") && verified.contains(md5), "{verified}");
    let record = entries(&items.join("1.record.jsonl"));
    let begun = record.iter().find(|entry| entry["kind"] == "resume-begun").unwrap();
    assert_eq!(begun["earlier"].as_array().unwrap().len(), CUTS as usize + usize::from(PULLS));
    for run in 2..=CUTS + u32::from(PULLS) {
        let record = entries(&items.join(format!("1.record-{run}.jsonl")));
        let begun = record.iter().find(|entry| entry["kind"] == "resume-begun").unwrap();
        assert!(begun["from"]["offset"].as_u64().unwrap() > 0, "run {run} began anew: {begun}");
    }
}
