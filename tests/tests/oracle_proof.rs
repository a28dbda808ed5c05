//! The oracle proves itself before it is believed: disks that are written on purpose must be found changed by each
//! of its witnesses, on every transport.
//!
//! What writes is the gentlest thing there is: `mount -o ro` of an ext4 file system whose journal is dirty, on a disk
//! that the guard was told to let go. So these tests also show that the trap in the evidence disks is a real one.
//! The UFS model gives its disks no serial, so no UFS disk can be let go; its verdict must stay clean.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

mod machine_of_all_transports;

use harness::{
    disk_device::{Disk, Transport},
    guest::Guest,
    oracle::{Oracle, Verdict},
};
use machine_of_all_transports::{Bench, DIRTY, PCI, PCI_EXPRESS, size_of};

/// Lets each disk go that can be, mounts its dirty file system read-only, and judges.
fn replay_journals_on_purpose(bench: Bench) -> Vec<Verdict> {
    let oracle = Oracle::watch(&bench.disks).unwrap();
    let mut guest = Guest::boot(bench.machine, &bench.logs).unwrap();
    guest.open_toolbox().unwrap();
    for disk in &bench.disks {
        let name = guest.await_disk(size_of(disk.transport)).unwrap();
        let partition = Guest::partition(&name, DIRTY);
        guest.await_file(&format!("/dev/{partition}")).unwrap();
        match serial_of(disk) {
            None => {
                let refused =
                    guest.run(&format!("pf-guard allow /dev/{name} --serial {} --yes", disk.serial)).unwrap();
                assert!(
                    !refused.succeeded(),
                    "a disk without a serial became a destination: {}",
                    refused.output
                );
            }
            Some(serial) => {
                guest.allow(&name, serial).unwrap();
                let mount = Guest::with_tool(&format!("mount -t ext4 -o ro /dev/{partition} /mnt"));
                guest.demand(&format!("{mount} && {}", Guest::with_tool("umount /mnt"))).unwrap();
                guest.demand(&format!("pf-guard block /dev/{name}")).unwrap();
            }
        }
    }
    guest.power_off().unwrap();
    let verdicts = oracle.judge(guest.emulator).unwrap();
    drop(bench.folder);
    verdicts
}

/// The serial that the guard knows a disk by.
fn serial_of(disk: &Disk) -> Option<&str> {
    match disk.transport {
        // The SD model's cards all have the same one.
        Transport::Sd => Some("0xdeadbeef"),
        Transport::Ufs => None,
        _ => Some(&disk.serial),
    }
}

fn assert_found_out(verdicts: &[Verdict]) {
    for verdict in verdicts.iter().filter(|verdict| verdict.transport != Transport::Ufs) {
        let name = verdict.transport.name();
        assert!(!verdict.bit_identical(), "{name}: the hash missed a replayed journal");
        assert!(
            verdict.changing_operations() > 0,
            "{name}: the statistics missed it: {:?}",
            verdict.statistics
        );
        assert!(!verdict.changing_commands().is_empty(), "{name}: the trace missed it");
    }
}

#[test]
fn writes_on_a_pci_express_machine_are_seen_by_all_three_witnesses() {
    assert_found_out(&replay_journals_on_purpose(Bench::new(PCI_EXPRESS, "proof-q35")));
}

#[test]
fn writes_on_a_pci_machine_are_seen_by_all_three_witnesses() {
    let verdicts = replay_journals_on_purpose(Bench::new(PCI, "proof-pc"));
    assert_found_out(&verdicts);
    verdicts.iter().filter(|verdict| verdict.transport == Transport::Ufs).for_each(Verdict::assert_untouched);
}
