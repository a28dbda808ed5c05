//! Each transport: born blocked, every attempt to change it refused and counted, still readable, and bit for bit as
//! it was in the eyes of the oracle. One machine carries several transports; each gets a verdict of its own.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

mod machine_of_all_transports;

use std::time::{Duration, Instant};

use harness::{
    attempts::{self, Target},
    disk_device::Disk,
    guest::{EVENTS_TOLD_WITHIN, Guest},
    oracle::{Oracle, sha256_of, tally},
};
use machine_of_all_transports::{Bench, DIRTY, FAT, JOURNAL_ERROR, PCI, PCI_EXPRESS, size_of};

fn blocked_from_birth_to_power_off(bench: Bench) {
    let oracle = Oracle::watch(&bench.disks).unwrap();
    let mut guest = Guest::boot(bench.machine, &bench.logs).unwrap();
    guest.open_toolbox().unwrap();
    let mut objections = Vec::new();
    for disk in &bench.disks {
        let found = objections_in_guest(&mut guest, disk);
        objections.extend(found.into_iter().map(|words| format!("{}: {words}", disk.transport.name())));
    }
    for disk in &bench.disks {
        let counted = guest.emulator.qmp.block_statistics(&disk.name).unwrap();
        if counted.flushes > 0 {
            objections.push(format!("{}: an fsync reached the device", disk.transport.name()));
        }
    }
    guest.power_off().unwrap();
    for verdict in oracle.judge(guest.emulator).unwrap() {
        let (name, flushes) = (verdict.transport.name(), verdict.flushes().len());
        eprintln!(
            "{name}: {flushes} flush or standby commands at power-off; received {:#?}",
            tally(&verdict.commands)
        );
        objections.extend(verdict.objections());
    }
    drop(bench.folder);
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

fn objections_in_guest(guest: &mut Guest, disk: &Disk) -> Vec<String> {
    let name = guest.await_disk(size_of(disk.transport)).unwrap();
    let target = Target {
        disk: &name,
        partition: Guest::partition(&name, FAT),
        dirty_journal: Some(Guest::partition(&name, DIRTY)),
        journal_error: Some(Guest::partition(&name, JOURNAL_ERROR)),
    };
    guest.await_file(&format!("/dev/{}", Guest::partition(&name, JOURNAL_ERROR))).unwrap();
    let mut objections = Vec::new();
    let mut expect = |holds: bool, words: String| {
        if !holds {
            objections.push(words);
        }
    };

    let born = guest.await_events(&name, |events| !events.is_empty()).unwrap();
    let first = born.first().cloned().unwrap_or_default();
    expect(
        first.contains("event=born") && first.contains("state=blocked"),
        format!("first event is {first:?}"),
    );
    expect(read_only_marks(guest, &target) == "1 1 1", "not marked read-only at birth".into());

    let attempts = attempts::make_all(guest, &target).unwrap();
    // An fsync on a blocked disk has nothing to make durable: success, and nothing for the device to do.
    let flush = guest.run(&Guest::with_tool(&format!("sync /dev/{name}"))).unwrap();
    expect(flush.succeeded(), format!("an empty flush failed: {}", flush.output));

    let state = guest.state(&name).unwrap();
    expect(state == "blocked", format!("state is {state} after the attempts"));
    expect(read_only_marks(guest, &target) == "1 1 1", "the read-only mark was cleared".into());

    let (refused, events) = refusals(guest, &name);
    let told = told_of(&events);
    expect(refused == told, format!("{refused} operations refused, but {told} events tell of one"));
    // Opening is refused early; that a write which comes all the way is refused too shows only in these.
    for operation in ["op=open-write ", "op=setrw ", "op=write "] {
        let seen = events.iter().any(|line| line.contains("event=refused") && line.contains(operation));
        expect(seen, format!("no event tells of a refused {operation}"));
    }

    let direct = Guest::with_tool(&format!("dd if=/dev/{name} bs=1M iflag=direct status=none"));
    let read = guest.demand(&format!("{direct} | sha256sum")).unwrap();
    let expected = sha256_of(&disk.image).unwrap();
    expect(read.starts_with(&expected), format!("reads as {read}, but holds {expected}"));
    objections.extend(attempts);
    objections
}

/// How many operations were refused, and the events, as soon as they tell of as many.
fn refusals(guest: &mut Guest, name: &str) -> (u64, Vec<String>) {
    let deadline = Instant::now() + EVENTS_TOLD_WITHIN;
    loop {
        let (refused, events) = (guest.refused(name).unwrap(), guest.events_of(name).unwrap());
        if refused == told_of(&events) || Instant::now() > deadline {
            return (refused, events);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn told_of(events: &[String]) -> u64 {
    events.iter().filter(|line| line.contains("event=refused")).count() as u64
}

fn read_only_marks(guest: &mut Guest, target: &Target) -> String {
    let (disk, partition) = (target.disk, &target.partition);
    let getro = Guest::with_tool(&format!("blockdev --getro /dev/{partition}"));
    let script = format!("echo $(cat /sys/block/{disk}/ro /sys/block/{disk}/{partition}/ro) $({getro})");
    guest.demand(&script).unwrap().trim().to_string()
}

#[test]
fn disks_of_a_pci_express_machine_are_blocked_from_birth_to_power_off() {
    blocked_from_birth_to_power_off(Bench::new(PCI_EXPRESS, "blocked-q35"));
}

#[test]
fn disks_of_a_pci_machine_are_blocked_from_birth_to_power_off() {
    blocked_from_birth_to_power_off(Bench::new(PCI, "blocked-pc"));
}
