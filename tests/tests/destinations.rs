//! Disks that come and go: plugged in late, allowed, used, blocked again, sealed; and evidence that turns up elsewhere.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::path::Path;

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB},
    guest::Guest,
    oracle::{Oracle, sha256_of},
    toolbox,
};
use serde_json::json;

const SUSPECT_BYTES: u64 = 20 * MIB;
const DESTINATION_BYTES: u64 = 40 * MIB;
const FAULTY_BYTES: u64 = 24 * MIB;
const LATE_BYTES: u64 = 28 * MIB;

/// Exit code of pf-guard when the guard refuses.
const REFUSED: i32 = 1;

fn disk(folder: &Path, name: &str, transport: Transport, bytes: u64, holds: FileSystem) -> Disk {
    let image = folder.join(name);
    let layout = Layout { label: Label::Mbr, partitions: vec![(holds, bytes / MIB - 2)] };
    layout.build(&image, bytes).unwrap();
    Disk::new(name, transport, image)
}

fn assert_refused(guest: &mut Guest, command: &str, why: &str) {
    let answer = guest.run(command).unwrap();
    assert_eq!(answer.status, REFUSED, "{why}: `{command}` said {}", answer.output);
}

fn assert_unwritable(guest: &mut Guest, name: &str, why: &str) {
    let answer =
        guest.run(&Guest::with_tool(&format!("dd if=/dev/zero of=/dev/{name} bs=512 count=1"))).unwrap();
    assert!(answer.output.contains("Read-only file system"), "{why}: dd said {}", answer.output);
    assert_eq!(
        guest.demand(&format!("cat /sys/block/{name}/ro")).unwrap().trim(),
        "1",
        "{why}: not marked read-only"
    );
}

fn assert_state(guest: &mut Guest, name: &str, expected: &str, why: &str) {
    assert_eq!(guest.state(name).unwrap(), expected, "{why}");
}

#[test]
fn a_destination_is_let_go_by_its_serial_only_and_blocked_again() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("toolbox");
    toolbox::build(&tools).unwrap();
    let destination =
        disk(folder.path(), "dest", Transport::UsbBot, DESTINATION_BYTES, FileSystem::EmptyExt4).on_port(2);
    let late = disk(folder.path(), "late", Transport::Uas, LATE_BYTES, FileSystem::Fat).on_port(3);
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())).toolbox(&tools);
    let oracle = Oracle::watch(std::slice::from_ref(&late)).unwrap();
    let mut guest = Guest::boot(machine, &artifacts.log_folder("destination").unwrap()).unwrap();
    guest.open_toolbox().unwrap();

    guest.emulator.plug(destination).unwrap();
    let name = guest.await_disk(DESTINATION_BYTES).unwrap();
    assert_state(&mut guest, &name, "blocked", "a hot-plugged disk is born blocked");
    let events = guest.await_events(&name, |events| !events.is_empty()).unwrap();
    let first = events.first().map_or("", String::as_str);
    assert!(
        first.contains("event=born") && first.contains("state=blocked"),
        "first event of a late disk: {first}"
    );
    assert_unwritable(&mut guest, &name, "a hot-plugged disk");

    let allow = |serial: &str| format!("pf-guard allow /dev/{name} --serial '{serial}' --yes");
    for wrong in ["DES", "DESTX", "dest", "TOOLBOX"] {
        assert_refused(&mut guest, &allow(wrong), "a serial that is not the disk's");
        assert_state(&mut guest, &name, "blocked", "after a wrong serial");
    }

    guest.demand(&allow("DEST")).unwrap();
    assert_state(&mut guest, &name, "writable", "after the right serial");
    let partition = Guest::partition(&name, 1);
    let mount = format!("mkdir -p /mnt/dest && mount -t ext4 /dev/{partition} /mnt/dest");
    guest.demand(&format!("{mount} && echo kept >/mnt/dest/file")).unwrap();
    let busy = guest.run(&format!("pf-guard block /dev/{name}")).unwrap();
    assert!(!busy.succeeded(), "a mounted destination was blocked under its file system: {}", busy.output);
    guest.demand("umount /mnt/dest").unwrap();
    guest.demand(&format!("pf-guard block /dev/{name}")).unwrap();
    assert_state(&mut guest, &name, "blocked", "after pf-guard block");
    assert_unwritable(&mut guest, &name, "a destination that was blocked again");

    guest.demand(&allow("DEST")).unwrap();
    assert_eq!(guest.demand(&format!("{mount} && cat /mnt/dest/file")).unwrap().trim(), "kept");
    guest.demand("pf-guard seal").unwrap();
    guest.demand("echo after the seal >/mnt/dest/file && sync").unwrap();
    guest.emulator.plug(late).unwrap();
    let late = guest.await_disk(LATE_BYTES).unwrap();
    assert_refused(
        &mut guest,
        &format!("pf-guard allow /dev/{late} --serial LATE --yes"),
        "the guard is sealed",
    );
    assert_unwritable(&mut guest, &late, "a disk after the seal");
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();
}

#[test]
fn evidence_stays_evidence_wherever_it_turns_up_again() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("toolbox");
    toolbox::build(&tools).unwrap();
    let suspect =
        disk(folder.path(), "suspect", Transport::UsbBot, SUSPECT_BYTES, FileSystem::Ext4DirtyJournal)
            .on_port(1);
    let faulty =
        disk(folder.path(), "faulty", Transport::Ahci, FAULTY_BYTES, FileSystem::Fat).with_bad_sector(4096);
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap()))
        .toolbox(&tools)
        .scsi_adapter("spare")
        .disk(suspect.clone())
        .disk(faulty.clone());
    let behind_adapter = Disk { transport: Transport::VirtioScsi, ..suspect.clone().behind("spare") };
    let elsewhere = [suspect.clone().on_port(3), behind_adapter];
    // The verdict on the suspect's disk is asked for where it is at the end: behind the adapter.
    let oracle = Oracle::watch(&[elsewhere[1].clone(), suspect.clone(), faulty]).unwrap();
    let mut guest = Guest::boot(machine, &artifacts.log_folder("evidence").unwrap()).unwrap();
    guest.open_toolbox().unwrap();

    let mut name = guest.await_disk(SUSPECT_BYTES).unwrap();
    guest.demand(&format!("pf-guard lock /dev/{name}")).unwrap();
    assert_state(&mut guest, &name, "evidence", "after pf-guard lock");
    for command in ["allow /dev/DISK --serial SUSPECT --yes", "block /dev/DISK"] {
        let command = format!("pf-guard {}", command.replace("DISK", &name));
        assert_refused(&mut guest, &command, "evidence is irrevocable");
        assert_state(&mut guest, &name, "evidence", &command);
    }
    assert_unwritable(&mut guest, &name, "locked evidence");

    let mut plugged = suspect;
    for elsewhere in elsewhere {
        guest.emulator.unplug(&plugged).unwrap();
        guest.await_no_disk(&name).unwrap();
        guest.emulator.plug(elsewhere.clone()).unwrap();
        name = guest.await_disk(SUSPECT_BYTES).unwrap();
        let place = format!("{:?} port {}", elsewhere.transport, elsewhere.port);
        assert_state(&mut guest, &name, "evidence", &format!("evidence plugged in again at {place}"));
        let allow = format!("pf-guard allow /dev/{name} --serial SUSPECT --yes");
        assert_refused(&mut guest, &allow, &place);
        assert_unwritable(&mut guest, &name, &place);
        plugged = elsewhere;
    }

    let faulty = guest.await_disk(FAULTY_BYTES).unwrap();
    a_read_error_leaves_it_blocked(&mut guest, &faulty);
    guest.power_off().unwrap();
    for verdict in oracle.judge(guest.emulator).unwrap() {
        verdict.assert_untouched();
    }
}

/// What was named is the serial of a drive or a path. Another medium in the drive, or the same disk by another path, is not
/// what the examiner meant.
#[test]
fn a_destination_is_one_medium_on_one_path() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("toolbox");
    toolbox::build(&tools).unwrap();
    let make = |name: &str, bytes: u64, holds: FileSystem| {
        disk(folder.path(), name, Transport::VirtioScsi, bytes, holds)
    };
    let reader = make("reader", DESTINATION_BYTES, FileSystem::Fat).with_property("removable", true);
    let card = make("card", DESTINATION_BYTES, FileSystem::Ext4DirtyJournal);
    let path = make("path", SUSPECT_BYTES, FileSystem::Fat).with_serial("TWICE");
    let other_path = make("other", LATE_BYTES, FileSystem::Fat).with_serial("TWICE");
    let machine = [&reader, &path, &other_path].into_iter().cloned().fold(
        Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())).toolbox(&tools),
        Machine::disk,
    );
    let before = sha256_of(&card.image).unwrap();
    let mut guest = Guest::boot(machine, &artifacts.log_folder("medium").unwrap()).unwrap();
    guest.open_toolbox().unwrap();

    let name = guest.await_disk(DESTINATION_BYTES).unwrap();
    guest.allow(&name, "READER").unwrap();
    let write = format!("dd if=/dev/zero of=/dev/{name} bs=4096 count=1 oflag=direct conv=notrunc");
    guest.demand(&Guest::with_tool(&write)).unwrap();
    let qmp = &mut guest.emulator.qmp;
    qmp.execute("blockdev-open-tray", json!({ "id": "reader", "force": true })).unwrap();
    qmp.execute("blockdev-remove-medium", json!({ "id": "reader" })).unwrap();
    for node in card.nodes() {
        qmp.execute("blockdev-add", node).unwrap();
    }
    qmp.execute("blockdev-insert-medium", json!({ "id": "reader", "node-name": "card" })).unwrap();
    qmp.execute("blockdev-close-tray", json!({ "id": "reader" })).unwrap();
    let answer = guest.run(&Guest::with_tool(&write)).unwrap();
    assert!(!answer.succeeded(), "another medium took a write meant for the first: {}", answer.output);
    assert_state(&mut guest, &name, "blocked", "with another medium");
    assert_unwritable(&mut guest, &name, "with another medium");
    let blocked = |event: &String| event.contains("from=writable to=blocked");
    let events = guest.await_events(&name, |events| events.iter().any(blocked)).unwrap();
    assert!(events.iter().any(blocked), "{events:#?}");
    assert_eq!(sha256_of(&card.image).unwrap(), before, "the second medium was written to");

    let [path, other_path] = [SUSPECT_BYTES, LATE_BYTES].map(|bytes| guest.await_disk(bytes).unwrap());
    guest.allow(&path, "TWICE").unwrap();
    let lock = format!("pf-guard lock /dev/{other_path} 2>&1");
    let refused = guest.run(&lock).unwrap();
    assert_eq!(refused.status, REFUSED, "evidence that can be written by another path: {}", refused.output);
    assert!(refused.output.contains("is a destination"), "{}", refused.output);
    assert_state(&mut guest, &other_path, "blocked", "after a lock that was refused");
    guest.demand(&format!("pf-guard block /dev/{path}")).unwrap();
    guest.demand(&lock).unwrap();
    assert_refused(&mut guest, &format!("pf-guard allow /dev/{path} --serial TWICE --yes"), "it is evidence");
    guest.power_off().unwrap();
    assert_eq!(sha256_of(&card.image).unwrap(), before, "the second medium was written to at power-off");
}

/// After an error the drivers look at the disk anew and clear the read-only mark of one that says it can be written.
fn a_read_error_leaves_it_blocked(guest: &mut Guest, name: &str) {
    let read = |skip: u32| {
        Guest::with_tool(&format!("dd if=/dev/{name} of=/dev/null bs=512 skip={skip} count=1 iflag=direct"))
    };
    let broken = guest.run(&read(4096)).unwrap();
    assert!(broken.output.contains("Input/output error"), "the bad sector read well: {}", broken.output);
    guest.demand(&format!("echo 1 >/sys/block/{name}/device/rescan")).unwrap();
    assert_state(guest, name, "blocked", "after a read error and revalidation");
    assert_unwritable(guest, name, "a disk after a read error and revalidation");
    guest.demand(&read(0)).unwrap();
}
