//! What goes wrong on real benches must not open a disk: bad sectors, resets in the middle of imaging, a controller
//! reset, a pulled cable. After each the disk is evidence as before, raw commands are refused, and the oracle agrees.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::{path::Path, time::Duration};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB},
    guest::Guest,
    oracle::Oracle,
    raw_attempts, toolbox,
};

const DESTINATION_BYTES: u64 = 256 * MIB;
const BAD_SECTOR: u64 = 40_001;
/// Exit code of pf-acquire when sectors could not be read.
const UNREAD: i32 = 3;
const IMAGING_WITHIN: Duration = Duration::from_secs(240);

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

/// A machine with `disks`, an open toolbox and a mounted destination.
fn machine_with(transports: &[Transport], with_bad_sector: bool, run: &str) -> (Bench, Vec<(Disk, String)>) {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("toolbox");
    toolbox::build(&tools).unwrap();
    let disks: Vec<Disk> = transports
        .iter()
        .map(|transport| evidence(folder.path(), *transport))
        .map(|disk| if with_bad_sector { disk.with_bad_sector(BAD_SECTOR) } else { disk })
        .collect();
    let destination = Disk::new("destination", Transport::Uas, folder.path().join("destination")).on_port(2);
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyExt4, DESTINATION_BYTES / MIB - 2)] }
        .build(&destination.image, DESTINATION_BYTES)
        .unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())).toolbox(&tools);
    let machine = disks.iter().cloned().fold(machine, Machine::disk).disk(destination);
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

    /// All that speaks against "still evidence, and raw commands are refused".
    fn objections(&mut self, disk: &Disk, name: &str, after: &str) -> Vec<String> {
        let mut objections = raw_attempts::make_all(&mut self.guest, disk.transport, name).unwrap();
        let state = self.guest.state(name).unwrap();
        if state != "evidence" {
            objections.push(format!("state is {state}"));
        }
        let ro = self.guest.demand(&format!("cat /sys/block/{name}/ro")).unwrap();
        if ro.trim() != "1" {
            objections.push("the read-only mark was cleared".into());
        }
        objections
            .into_iter()
            .map(|words| format!("{} after {after}: {words}", disk.transport.name()))
            .collect()
    }

    fn end(mut self, mut objections: Vec<String>) {
        objections.extend(self.guest.kernel_complaints().unwrap());
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
    let (mut bench, disks) = machine_with(&transports, true, "errors-bad-sector");
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
        objections.extend(bench.objections(disk, name, "a bad sector"));
    }
    bench.end(objections);
}

#[test]
fn resets_in_the_middle_of_imaging_leave_a_disk_blocked() {
    let transports = [Transport::VirtioScsi, Transport::Ahci, Transport::Nvme];
    let (mut bench, disks) = machine_with(&transports, false, "errors-resets");
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
        objections.extend(bench.objections(disk, name, "resets"));
    }
    bench.end(objections);
}

#[test]
fn a_disk_pulled_in_the_middle_of_imaging_comes_back_blocked() {
    let (mut bench, disks) = machine_with(&[Transport::UsbBot], false, "errors-unplug");
    let (disk, name) = &disks[0];
    let script = format!(
        "pf-acquire /dev/{name} --to /mnt/d --format e01 --hash md5,sha1,sha256 --case VM-3 --evidence pulled \
         --examiner 'A. Examiner' >/run/pulled.log 2>&1; echo EXIT $?"
    );
    bench.guest.emulator.shell.send(&script).unwrap();
    let reads = |bench: &mut Bench| bench.guest.emulator.qmp.block_statistics(&disk.name).unwrap().reads;
    let before = reads(&mut bench);
    // Imaging reads 1 MiB at a time; the partition scan is long over.
    while reads(&mut bench) < before + 8 {
        std::thread::sleep(Duration::from_millis(20));
    }
    bench.guest.emulator.unplug(disk).unwrap();
    let said = bench.guest.emulator.shell.answer(&script, IMAGING_WITHIN).unwrap().output;
    assert!(!said.contains("EXIT 0"), "imaging a disk that went away ended well: {said}");
    bench.guest.emulator.plug(disk.clone().on_port(3)).unwrap();
    let name = bench.guest.await_disk(size_of(disk.transport)).unwrap();
    let objections = bench.objections(disk, &name, "it was pulled and came back");
    bench.end(objections);
}
