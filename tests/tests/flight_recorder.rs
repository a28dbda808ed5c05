//! The flight recorder equals the emulator's trace, opcode for opcode, count for count, for every disk and a whole
//! session: boot, inventory, imaging; and power-off adds nothing that only a writable disk may receive.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

mod machine_of_all_transports;

use std::time::Duration;

use harness::{
    disk_device::{Disk, Transport},
    evidence_disk::{FileSystem, Label, Layout, MIB},
    flight_recorder::Snapshot,
    guest::Guest,
    oracle::{Oracle, commands_for, tally},
    trace::Sender,
};
use machine_of_all_transports::{Bench, EVERY_PCI, EVERY_PCI_EXPRESS, await_name};

const DESTINATION_BYTES: u64 = 512 * MIB;

/// The images go to a disk on a transport that no evidence disk of the machine uses, so that its commands are told
/// apart from theirs; its record is compared too.
fn a_session_is_recorded_as_it_was(mut bench: Bench, destination: Transport) {
    let destination =
        Disk::new("destination", destination, bench.folder.path().join("destination")).on_port(2);
    let partitions = vec![(FileSystem::EmptyExt4, DESTINATION_BYTES / MIB - 2)];
    Layout { label: Label::Mbr, partitions }.build(&destination.image, DESTINATION_BYTES).unwrap();
    bench.machine = bench.machine.disk(destination.clone());
    let oracle = Oracle::watch(&bench.disks).unwrap();
    let mut guest = Guest::boot(bench.machine, &bench.logs).unwrap();

    guest.demand("pf-devices && pf-devices --json >/run/devices.json").unwrap();
    let target = guest.await_disk(DESTINATION_BYTES).unwrap();
    guest.allow(&target, "DESTINATION").unwrap();
    let partition = Guest::partition(&target, 1);
    guest.demand(&format!("mkdir -p /mnt/d && mount -t ext4 /dev/{partition} /mnt/d")).unwrap();
    let names: Vec<(Disk, String)> =
        bench.disks.iter().map(|disk| (disk.clone(), await_name(&mut guest, disk))).collect();
    for (disk, name) in &names {
        image(&mut guest, disk, name);
    }
    guest.demand(&format!("umount /mnt/d && pf-guard block /dev/{target}")).unwrap();

    let mut objections = Vec::new();
    let mut received_before = Vec::new();
    for (disk, name) in names.iter().chain([&(destination, target)]) {
        let snapshot = Snapshot::take(&mut guest, disk, name).unwrap();
        assert!(!snapshot.received.is_empty(), "the trace knows nothing of {}", disk.transport.name());
        objections.extend(snapshot.differences(disk.transport));
        let so_far = commands_for(disk, &guest.emulator.trace_so_far().unwrap());
        received_before.push(so_far.iter().filter(|command| command.sender == Sender::Kernel).count());
    }
    guest.power_off().unwrap();
    for (verdict, before) in oracle.judge(guest.emulator).unwrap().iter().zip(received_before) {
        let from_kernel: Vec<_> = verdict.from_kernel();
        eprintln!("{}: power-off added {:?}", verdict.transport.name(), tally(&from_kernel[before..]));
        objections.extend(verdict.objections_to_the_gates());
    }
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

/// Images hard disks as an examiner does; media that the imager does not take are read from end to end.
fn image(guest: &mut Guest, disk: &Disk, name: &str) {
    let script = match disk.transport {
        Transport::ScsiCd | Transport::AhciCd | Transport::Floppy => {
            format!("dd if=/dev/{name} of=/dev/null bs=64k iflag=direct 2>&1")
        }
        _ => format!(
            "pf-acquire /dev/{name} --to /mnt/d --format e01 --hash md5 --case VM-2 --evidence {name} \
             --examiner 'A. Examiner' 2>&1"
        ),
    };
    guest.demand_within(&script, Duration::from_secs(180)).unwrap();
}

#[test]
fn the_recorder_of_a_pci_express_machine_equals_the_trace() {
    a_session_is_recorded_as_it_was(Bench::bare(EVERY_PCI_EXPRESS, "recorder-q35"), Transport::Uas);
}

#[test]
fn the_recorder_of_a_pci_machine_equals_the_trace() {
    a_session_is_recorded_as_it_was(Bench::bare(EVERY_PCI, "recorder-pc"), Transport::UsbBot);
}
