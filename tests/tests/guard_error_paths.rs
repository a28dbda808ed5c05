//! What goes wrong on real benches must not open a disk: bad sectors, commands that time out, resets in the middle of
//! imaging, a controller reset, a pulled cable, a disk that says after an error that it may be written. After each the disk is evidence as before, raw commands are refused, and the oracle agrees.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, noise},
    guest::Guest,
    oracle::Oracle,
    raw_attempts, toolbox, usb_redirection,
    usb_stick::Stick,
};

const DESTINATION_BYTES: u64 = 256 * MIB;
const BAD_SECTOR: u64 = 40_001;
/// Size of the stick of this bench's own making.
const STICK_BYTES: u64 = 28 * MIB;
/// Exit code of pf-acquire when sectors could not be read.
const UNREAD: i32 = 3;
const IMAGING_WITHIN: Duration = Duration::from_secs(240);
/// How long the kernel waits for a command where commands are made to time out.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes a second of a disk whose brake is on: what is under way at once takes four times the kernel's patience. That is four
/// reads of 1 MiB by pf-acquire, and on bulk-only USB one command of 120 KiB. Much slower, and the emulator, which waits for
/// them at a reset, looks like a hung processor.
const fn crawl(transport: Transport) -> u64 {
    match transport {
        Transport::UsbBot => 16 << 10,
        _ => 512 << 10,
    }
}
const SILENCE_NOTICED_WITHIN: Duration = Duration::from_secs(120);
/// What drivers say when a command took too long: libata, NVMe, virtio-scsi, USB.
const TIME_OUTS: [&str; 4] =
    ["frozen", "timeout, (aborting|reset|completion polled)", "abort", "reset .*USB device"];

/// Sizes by which the disks are found; large enough that imaging is still going on when something happens.
const fn size_of(transport: Transport) -> u64 {
    (72 + transport as u64) * MIB
}

fn evidence(folder: &Path, transport: Transport) -> Disk {
    let name = format!("faulty{}", transport as usize);
    let image = folder.join(&name);
    let layout =
        Layout { label: Label::Mbr, partitions: vec![(FileSystem::Fat, size_of(transport) / MIB - 2)] };
    layout.build(&image, size_of(transport)).unwrap();
    Disk::new(&name, transport, image)
}

struct Bench {
    guest: Guest,
    oracle: Oracle,
    _folder: tempfile::TempDir,
}

/// A machine with a disk on each of `transports`, made faulty by `fault`, an open toolbox and a mounted destination.
fn machine_with(
    transports: &[Transport],
    fault: impl Fn(Disk) -> Disk,
    run: &str,
) -> (Bench, Vec<(Disk, String)>) {
    machine_with_more(transports, fault, |machine| machine, run)
}

fn machine_with_more(
    transports: &[Transport],
    fault: impl Fn(Disk) -> Disk,
    more: impl Fn(Machine) -> Machine,
    run: &str,
) -> (Bench, Vec<(Disk, String)>) {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("toolbox");
    toolbox::build(&tools).unwrap();
    let disks: Vec<Disk> =
        transports.iter().map(|transport| fault(evidence(folder.path(), *transport))).collect();
    let destination = Disk::new("destination", Transport::Uas, folder.path().join("destination")).on_port(2);
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyExt4, DESTINATION_BYTES / MIB - 2)] }
        .build(&destination.image, DESTINATION_BYTES)
        .unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())).toolbox(&tools);
    let machine = more(disks.iter().cloned().fold(machine, Machine::disk).disk(destination));
    let oracle = Oracle::watch(&disks).unwrap();
    let mut guest = Guest::boot(machine, &artifacts.log_folder(run).unwrap()).unwrap();
    guest.open_toolbox().unwrap();
    let target = guest.await_disk(DESTINATION_BYTES).unwrap();
    guest.allow(&target, "DESTINATION").unwrap();
    let partition = Guest::partition(&target, 1);
    guest.demand(&format!("mkdir -p /mnt/d && mount -t ext4 /dev/{partition} /mnt/d")).unwrap();
    let names = disks
        .into_iter()
        .map(|disk| {
            let name = guest.await_disk(size_of(disk.transport)).unwrap();
            (disk, name)
        })
        .collect();
    (Bench { guest, oracle, _folder: folder }, names)
}

impl Bench {
    /// Images `name`, doing `meanwhile` again and again until imaging ends; returns the exit code.
    fn image(&mut self, name: &str, item: &str, meanwhile: &str) -> i32 {
        let script = format!(
            "pf-acquire /dev/{name} --to /mnt/d --format e01 --hash md5,sha1,sha256 --case VM-3 --evidence {item} \
             --examiner 'A. Examiner' >/run/{item}.log 2>&1 & p=$!\n\
             n=0; while sleep 0.5; kill -0 $p 2>/dev/null; do {meanwhile}; n=$((n+1)); done\n\
             wait $p; echo EXIT $? after $n times"
        );
        let said = self.guest.demand_within(&script, IMAGING_WITHIN).unwrap();
        eprintln!("{item}: {}", said.trim());
        let words: Vec<&str> = said.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "EXIT").unwrap();
        words[at + 1].parse().unwrap()
    }

    /// Waits until `disk` was read `more` times more: imaging reads 1 MiB at a time, and the partition scan is long over.
    fn await_reads(&mut self, disk: &Disk, more: u64) {
        let reads = |bench: &mut Self| bench.guest.emulator.qmp.block_statistics(&disk.name).unwrap().reads;
        let enough = reads(self) + more;
        let deadline = Instant::now() + IMAGING_WITHIN;
        while reads(self) < enough {
            assert!(Instant::now() < deadline, "{} is not read", disk.transport.name());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How often the kernel has said that a command took too long, in the words of each driver.
    fn sentences_of_time_outs(&mut self) -> u32 {
        let count = format!("dmesg | grep -c -i -E '{}'; true", TIME_OUTS.join("|"));
        self.guest.demand(&count).unwrap().trim().parse().unwrap()
    }

    fn await_sentences_beyond(&mut self, before: u32, disk: &Disk) {
        let deadline = Instant::now() + SILENCE_NOTICED_WITHIN;
        while self.sentences_of_time_outs() <= before {
            assert!(Instant::now() < deadline, "{}: the kernel notices no time-out", disk.transport.name());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// All that speaks against "still evidence, and raw commands are refused".
    fn objections(&mut self, transport: Transport, name: &str, after: &str) -> Vec<String> {
        let mut objections = raw_attempts::make_all(&mut self.guest, transport, name).unwrap();
        let state = self.guest.state(name).unwrap();
        if state != "evidence" {
            objections.push(format!("state is {state}"));
        }
        let ro = self.guest.demand(&format!("cat /sys/block/{name}/ro")).unwrap();
        if ro.trim() != "1" {
            objections.push("the read-only mark was cleared".into());
        }
        objections.into_iter().map(|words| format!("{} after {after}: {words}", transport.name())).collect()
    }

    fn end(mut self, mut objections: Vec<String>) {
        objections.extend(self.guest.kernel_complaints().unwrap());
        self.judge(objections);
    }

    fn judge(mut self, mut objections: Vec<String>) {
        self.guest.demand("umount /mnt/d").unwrap();
        self.guest.power_off().unwrap();
        for verdict in self.oracle.judge(self.guest.emulator).unwrap() {
            objections.extend(verdict.objections_to_the_gates());
        }
        assert!(objections.is_empty(), "{}", objections.join("\n"));
    }
}

#[test]
fn a_bad_sector_leaves_a_disk_blocked() {
    let transports = [Transport::Ahci, Transport::Nvme, Transport::VirtioScsi, Transport::UsbBot];
    let (mut bench, disks) =
        machine_with(&transports, |disk| disk.with_bad_sector(BAD_SECTOR), "errors-bad-sector");
    let mut objections = Vec::new();
    for (disk, name) in &disks {
        let item = format!("bad-{name}");
        assert_eq!(
            bench.image(name, &item, "true"),
            UNREAD,
            "{}: the bad sector was not met",
            disk.transport.name()
        );
        // The drivers look at a disk anew after an error, and clear the mark of one that says it can be written.
        bench.guest.demand(&format!("echo 1 2>/dev/null >/sys/block/{name}/device/rescan; true")).unwrap();
        objections.extend(bench.objections(disk.transport, name, "a bad sector"));
    }
    bench.end(objections);
}

#[test]
fn commands_that_time_out_leave_a_disk_blocked() {
    // The driver of virtio-scsi lets no command time out, for the host promises to answer.
    let transports = [Transport::Ahci, Transport::Nvme, Transport::UsbBot];
    let (mut bench, disks) = machine_with(&transports, Disk::with_brake, "errors-time-out");
    let mut objections = Vec::new();
    for (disk, name) in &disks {
        let patience = match disk.transport {
            Transport::Nvme => format!("echo {} >/sys/block/{name}/queue/io_timeout", PATIENCE.as_millis()),
            _ => format!("echo {} >/sys/block/{name}/device/timeout", PATIENCE.as_secs()),
        };
        bench.guest.demand(&patience).unwrap();
        let before = bench.sentences_of_time_outs();
        let item = format!("slow-{name}");
        let log = format!("/run/{item}.log");
        bench
            .guest
            .demand(&format!(
                "{{ pf-acquire /dev/{name} --to /mnt/d --format e01 --hash md5,sha1,sha256 --case VM-3 \
                 --evidence {item} --examiner 'A. Examiner' >{log} 2>&1; echo EXIT $? >>{log}; }} &"
            ))
            .unwrap();
        bench.await_reads(disk, 8);
        bench.guest.emulator.brake(disk, crawl(disk.transport)).unwrap();
        bench.await_sentences_beyond(before, disk);
        bench.guest.emulator.brake(disk, 0).unwrap();
        let wait = format!("until grep EXIT {log}; do sleep 0.2; done");
        let said = bench.guest.demand_within(&wait, IMAGING_WITHIN).unwrap();
        let log = bench.guest.demand(&format!("tail -n 12 {log}; dmesg | tail -n 12")).unwrap();
        eprintln!("{}: {}\n{log}", disk.transport.name(), said.trim());
        assert_eq!(said.trim(), "EXIT 0", "{}: imaging did not survive: {log}", disk.transport.name());
        objections.extend(bench.objections(disk.transport, name, "time-outs"));
    }
    objections.extend(bench.guest.kernel_complaints_beside_silence().unwrap());
    bench.judge(objections);
}

#[test]
fn a_disk_that_says_after_an_error_that_it_may_be_written_stays_blocked() {
    let sockets = tempfile::tempdir().unwrap();
    let socket = sockets.path().join("stick");
    let medium = noise(STICK_BYTES as usize);
    let stick = Arc::new(Mutex::new(Stick::new(medium.clone(), "TURNCOAT-1", BAD_SECTOR)));
    usb_redirection::serve(Arc::clone(&stick), &socket).unwrap();
    let with_stick = |machine: Machine| machine.usb_stick(&socket);
    let (mut bench, _) = machine_with_more(&[], |disk| disk, with_stick, "errors-write-protect");
    let name = bench.guest.await_disk(STICK_BYTES).unwrap();
    let said = |bench: &mut Bench, word: &str| {
        let count = format!("dmesg | grep -c '\\[{name}\\] Write Protect is {word}'; true");
        bench.guest.demand(&count).unwrap().trim().parse::<u32>().unwrap()
    };
    assert_eq!((said(&mut bench, "on"), said(&mut bench, "off")), (1, 0), "it was not protected at first");
    let image = |bench: &mut Bench, item: &str| {
        assert_eq!(bench.image(&name, item, "true"), UNREAD, "the bad sector was not met");
    };
    image(&mut bench, "turncoat");
    assert!(!stick.lock().unwrap().is_write_protected(), "it did not turn its coat");
    // The driver looks at the disk anew, hears that it may be written, and would clear the mark.
    bench.guest.demand(&format!("echo 1 >/sys/block/{name}/device/rescan")).unwrap();
    assert_eq!(said(&mut bench, "off"), 1, "the driver did not hear that it may be written");
    let mut objections = bench.objections(Transport::UsbBot, &name, "it said that it may be written");
    image(&mut bench, "turncoat-again");
    objections.extend(bench.objections(Transport::UsbBot, &name, "another error"));
    bench.end(objections);

    // The stick's own record of what it was sent: no emulator's model stands between.
    let stick = stick.lock().unwrap();
    let opcodes: BTreeSet<u8> = stick.received().iter().map(|cdb| cdb[0]).collect();
    // 1Eh holds the medium in the slot, until power-off at the latest.
    let harmless = BTreeSet::from([0x00, 0x03, 0x12, 0x1A, 0x1E, 0x25, 0x28, 0x5A]);
    assert!(opcodes.is_subset(&harmless), "it was sent {opcodes:02x?}");
    assert!(opcodes.contains(&0x28), "it was never read");
    assert!(stick.medium() == medium, "it was changed");
}

#[test]
fn resets_in_the_middle_of_imaging_leave_a_disk_blocked() {
    let transports = [Transport::VirtioScsi, Transport::Ahci, Transport::Nvme];
    let (mut bench, disks) = machine_with(&transports, |disk| disk, "errors-resets");
    let mut objections = Vec::new();
    let sg_reset = Guest::with_tool("sg_reset");
    for (disk, name) in &disks {
        let reset = match disk.transport {
            Transport::Nvme => format!("echo 1 >/sys/block/{name}/device/reset_controller"),
            _ => format!("{sg_reset} -d /dev/{name}; {sg_reset} -H /dev/{name}"),
        };
        let item = format!("reset-{name}");
        let exit = bench.image(name, &item, &format!("{{ {reset}; }} >>/run/reset.log 2>&1"));
        let log = bench.guest.demand(&format!("tail -n 5 /run/{item}.log; cat /run/reset.log")).unwrap();
        assert_eq!(exit, 0, "{}: imaging did not survive resets: {log}", disk.transport.name());
        objections.extend(bench.objections(disk.transport, name, "resets"));
    }
    bench.end(objections);
}

#[test]
fn a_disk_pulled_in_the_middle_of_imaging_comes_back_blocked() {
    let (mut bench, disks) = machine_with(&[Transport::UsbBot], |disk| disk, "errors-unplug");
    let (disk, name) = &disks[0];
    let script = format!(
        "pf-acquire /dev/{name} --to /mnt/d --format e01 --hash md5,sha1,sha256 --case VM-3 --evidence pulled \
         --examiner 'A. Examiner' >/run/pulled.log 2>&1; echo EXIT $?"
    );
    bench.guest.emulator.shell.send(&script).unwrap();
    bench.await_reads(disk, 8);
    bench.guest.emulator.unplug(disk).unwrap();
    let said = bench.guest.emulator.shell.answer(&script, IMAGING_WITHIN).unwrap().output;
    assert!(!said.contains("EXIT 0"), "imaging a disk that went away ended well: {said}");
    bench.guest.await_no_disk(name).unwrap();
    bench.guest.emulator.plug(disk.clone().on_port(3)).unwrap();
    let name = bench.guest.await_disk(size_of(disk.transport)).unwrap();
    let objections = bench.objections(disk.transport, &name, "it was pulled and came back");
    bench.end(objections);
}
