//! Failing disks, recovered in the booted image by `pf-acquire --rescue` and by GNU ddrescue, on the same disk models one
//! after the other: they must come to the same set, also of a disk that gets worse meanwhile. Then a disk that gives no
//! answer for a while, and one that is pulled and comes back on another port.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use harness::{
    artifacts::Artifacts,
    disk_device::{BadSector, Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, cut_out},
    guest::Guest,
    hanging_disk::HangingDisk,
    host_program::HostProgram,
    oracle::Oracle,
    toolbox,
    worsening_disk::WorseningDisk,
};
use serde_json::Value;

const DESTINATION_MIB: u64 = 400;
const DESTINATION_BYTES: u64 = (DESTINATION_MIB + 2) * MIB;
const RESCUE_WITHIN: Duration = Duration::from_secs(900);
/// Exit code of pf-acquire when sectors could not be read.
const UNREAD: i32 = 3;

/// A disk of noise whose size tells it from the others.
fn noise(folder: &Path, name: &str, transport: Transport, mebibytes: u64) -> Disk {
    let image = folder.join(name);
    let mut state = mebibytes as u32;
    let data: Vec<u8> = (0..mebibytes * MIB)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    fs::write(&image, data).unwrap();
    Disk::new(name, transport, image)
}

fn bytes_of(disk: &Disk) -> u64 {
    fs::metadata(&disk.image).unwrap().len()
}

/// Single sectors at both ends and in the middle, two that are near each other, a run across blocks, and some that fail
/// once. A sector that fails once and one that always fails are never read in the same breath elsewhere.
fn faults(bytes: u64) -> Vec<BadSector> {
    let last = bytes / 512 - 1;
    let run = 10_200..10_232;
    let always = [8, 4000, 4003, last].into_iter().chain(run).map(|sector| BadSector { sector, once: false });
    let once = [20_000, 20_001, 30_000].into_iter().map(|sector| BadSector { sector, once: true });
    always.chain(once).collect()
}

/// What must be left unread: the granules of the sectors that always fail.
fn unreadable(disk: &Disk) -> BTreeSet<u64> {
    let granule = u64::from(disk.logical_sector.unwrap_or(512));
    disk.bad.iter().filter(|bad| !bad.once).map(|bad| bad.sector * 512 / granule).collect()
}

struct Bench {
    guest: Guest,
    oracle: Oracle,
    destination: PathBuf,
    folder: tempfile::TempDir,
}

impl Bench {
    fn with(disks: &[Disk], folder: tempfile::TempDir, run: &str) -> Self {
        let artifacts = Artifacts::of_this_build();
        let tools = folder.path().join("toolbox");
        toolbox::build(&tools).unwrap();
        let destination =
            Disk::new("destination", Transport::Uas, folder.path().join("destination")).on_port(2);
        Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyExt4, DESTINATION_MIB)] }
            .build(&destination.image, DESTINATION_BYTES)
            .unwrap();
        let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())).toolbox(&tools);
        let machine = disks.iter().cloned().fold(machine, Machine::disk).disk(destination.clone());
        let oracle = Oracle::watch(disks).unwrap();
        let mut guest = Guest::boot(machine, &artifacts.log_folder(run).unwrap()).unwrap();
        guest.open_toolbox().unwrap();
        let target = guest.await_disk(DESTINATION_BYTES).unwrap();
        guest.allow(&target, "DESTINATION").unwrap();
        let partition = Guest::partition(&target, 1);
        guest
            .demand(&format!(
                "mkdir -p /mnt/d && mount -t ext4 /dev/{partition} /mnt/d && mkdir /mnt/d/items && \
                 mkdir /run/tools/tmp/items && mount --bind /mnt/d/items /run/tools/tmp/items"
            ))
            .unwrap();
        Bench { guest, oracle, destination: destination.image, folder }
    }

    /// Runs pf-acquire and returns its exit code.
    fn rescue(&mut self, source: &str, item: &str, words: &str) -> i32 {
        let script = rescue_script(source, item, words);
        exit_code(&self.guest.demand_within(&script, RESCUE_WITHIN).unwrap())
    }

    /// Powers the machine off, lets the oracle judge and takes the items from the destination.
    fn end(mut self) -> (PathBuf, tempfile::TempDir) {
        self.guest.demand("umount /run/tools/tmp/items && umount /mnt/d").unwrap();
        self.guest.power_off().unwrap();
        for verdict in self.oracle.judge(self.guest.emulator).unwrap() {
            verdict.assert_untouched();
        }
        let volume = self.folder.path().join("volume");
        cut_out(&self.destination, MIB, DESTINATION_MIB * MIB, &volume).unwrap();
        let command = format!("rdump /items {}", self.folder.path().display());
        HostProgram::new("debugfs", "e2fsprogs").unwrap().args(["-R", &command]).arg(&volume).run().unwrap();
        (self.folder.path().join("items"), self.folder)
    }
}

fn rescue_script(source: &str, item: &str, words: &str) -> String {
    format!(
        "pf-acquire /dev/{source} --to /mnt/d/items --rescue --hash sha256 --case VM-4 --evidence {item} \
         --examiner 'A. Examiner' {words} 2>&1; echo EXIT $?"
    )
}

fn exit_code(said: &str) -> i32 {
    eprintln!("{said}");
    said.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

fn entries_of(record: &Path) -> Vec<Value> {
    fs::read_to_string(record).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn entries<'a>(all: &'a [Value], kind: &str) -> Vec<&'a Value> {
    all.iter().filter(|entry| entry["kind"] == kind).collect()
}

fn ddrescuelog(words: &[&str], map: &Path) -> String {
    HostProgram::new("ddrescuelog", "gddrescue").unwrap().args(words).arg(map).run().unwrap()
}

/// Numbers of the granules that a map has as bad, in ddrescuelog's eyes.
fn bad_in(map: &Path, granule: u64) -> BTreeSet<u64> {
    let listed = ddrescuelog(&["-b", &granule.to_string(), "-l-"], map);
    listed.lines().map(|line| line.trim().parse().unwrap()).collect()
}

#[test]
fn on_failing_disks_the_set_recovered_is_that_of_ddrescue() {
    let disks =
        [("ahci", Transport::Ahci, 20), ("nvme", Transport::Nvme, 21), ("scsi", Transport::VirtioScsi, 22)];
    both_recover_the_same(&disks, 512, "bad-media-512");
}

#[test]
fn on_failing_disks_with_sectors_of_4096_bytes_too() {
    let disks = [("nvme4k", Transport::Nvme, 23), ("scsi4k", Transport::VirtioScsi, 24)];
    both_recover_the_same(&disks, 4096, "bad-media-4096");
}

/// In one machine a disk a transport: the trace can't tell more apart.
fn both_recover_the_same(disks: &[(&str, Transport, u64)], sector: u32, run: &str) {
    let folder = tempfile::tempdir().unwrap();
    let failing = |(name, transport, mebibytes): &(&str, Transport, u64)| {
        let disk = noise(folder.path(), name, *transport, *mebibytes);
        let bad = faults(bytes_of(&disk));
        let disk = disk.with_bad_sectors(&bad);
        if sector == 512 { disk } else { disk.with_logical_sector(sector) }
    };
    let disks: Vec<Disk> = disks.iter().map(failing).collect();
    let mut bench = Bench::with(&disks, folder, run);
    for disk in &disks {
        let name = bench.guest.await_disk(bytes_of(disk)).unwrap();
        let format = if disk.name == "nvme" { "e01" } else { "raw" };
        let exit = bench.rescue(&name, &disk.name, &format!("--format {format} --retries 2"));
        assert_eq!(exit, UNREAD, "{}", disk.name);
        let granule = disk.logical_sector.unwrap_or(512);
        let item = format!("tmp/items/{}", disk.name);
        let theirs = format!("ddrescue -q -d -r 2 -b {granule} /dev/{name} {item}.dd {item}.dd.map");
        bench.guest.demand_within(&Guest::with_tool(&theirs), RESCUE_WITHIN).unwrap();
        // In the guest already: what ddrescuelog thinks of both.
        bench.guest.demand(&Guest::with_tool(&format!("ddrescuelog -p {item}.dd.map {item}.map"))).unwrap();
        assert_eq!(bench.guest.state(&name).unwrap(), "evidence");
    }
    let complaints = bench.guest.kernel_complaints().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let (items, _folder) = bench.end();
    for disk in &disks {
        the_item_is_right(&items, disk);
    }
    ddrescue_goes_on_with_ours(&items, &disks[0]);
}

fn the_item_is_right(items: &Path, disk: &Disk) {
    let granule = u64::from(disk.logical_sector.unwrap_or(512));
    let (map, their_map) =
        (items.join(format!("{}.map", disk.name)), items.join(format!("{}.dd.map", disk.name)));
    let bad = unreadable(disk);
    assert_eq!(bad_in(&map, granule), bad, "{}: unread by pf-acquire", disk.name);
    assert_eq!(bad_in(&their_map, granule), bad, "{}: unread by ddrescue", disk.name);
    let shown = ddrescuelog(&["-t"], &map);
    assert!(shown.contains("current status: finished"), "{}: {shown}", disk.name);
    assert!(!ddrescuelog(&["-C"], &map).contains('?'), "{}: the map has gaps", disk.name);

    let mut expected = fs::read(&disk.image).unwrap();
    for granule_number in &bad {
        let at = (granule_number * granule) as usize;
        expected[at..at + granule as usize].fill(0);
    }
    let raw = fs::read(items.join(format!("{}.raw", disk.name))).unwrap();
    assert!(raw == expected, "{}: the raw data are not the disk's", disk.name);
    let mut theirs = fs::read(items.join(format!("{}.dd", disk.name))).unwrap();
    theirs.resize(expected.len(), 0);
    assert!(theirs == expected, "{}: ddrescue's are not", disk.name);

    let record = entries_of(&items.join(format!("{}.record.jsonl", disk.name)));
    let closed = entries(&record, "image-closed")[0];
    let unread: u64 =
        closed["unread"].as_array().unwrap().iter().map(|e| e["length"].as_u64().unwrap()).sum();
    assert_eq!(unread, bad.len() as u64 * granule, "{}", disk.name);
    let passes = entries(&record, "rescue-pass");
    let phases: Vec<&str> = passes.iter().map(|pass| pass["phase"].as_str().unwrap()).collect();
    for phase in ["copying", "trimming", "scraping", "retrying"] {
        assert!(phases.contains(&phase), "{}: {phase} is not among {phases:?}", disk.name);
    }
    let last = passes.last().unwrap();
    assert_eq!(last["left"]["finished"].as_u64().unwrap() + unread, expected.len() as u64);
    if closed["segments"][0]["name"] == "nvme.E01" {
        let image = items.join("nvme.E01");
        let info = HostProgram::new("ewfinfo", "ewf-tools").unwrap().arg(&image).run().unwrap();
        assert!(info.contains("at sector(s): 10200 - 10231 "), "{info}");
        let packed =
            HostProgram::new("img_cat", "sleuthkit").unwrap().args(["-i", "ewf"]).arg(&image).output();
        assert!(packed.unwrap().stdout == expected, "what was packed is not what was recovered");
    }
}

/// On the host, with a healthy copy of the same disk: ddrescue opens raw data and map and completes them.
fn ddrescue_goes_on_with_ours(items: &Path, disk: &Disk) {
    let (raw, map) = (items.join(format!("{}.raw", disk.name)), items.join(format!("{}.map", disk.name)));
    HostProgram::new("ddrescue", "gddrescue")
        .unwrap()
        .args(["-q", "-r", "1"])
        .args([&disk.image, &raw, &map])
        .run()
        .unwrap();
    assert!(fs::read(&raw).unwrap() == fs::read(&disk.image).unwrap());
    ddrescuelog(&["-D"], &map);
}

/// Two sectors are bad at first; the first read that meets them spoils those around them.
#[test]
fn of_a_disk_that_gets_worse_as_it_is_read_both_recover_the_same() {
    const BAD: Range<u64> = 20_300..20_302;
    const GROWN: Range<u64> = 20_290..20_311;
    let folder = tempfile::tempdir().unwrap();
    let sick = noise(folder.path(), "worse", Transport::VirtioScsi, 25);
    // The path of a Unix socket has 108 bytes at most.
    let sockets = tempfile::Builder::new().prefix("pf-").tempdir_in("/tmp").unwrap();
    let server = WorseningDisk::serve(&sick.image, "worse", sockets.path(), &BAD, &GROWN).unwrap();
    let sick = sick.served_at(server.socket());
    let mut bench = Bench::with(std::slice::from_ref(&sick), folder, "bad-media-worse");
    let name = bench.guest.await_disk(bytes_of(&sick)).unwrap();
    assert!(!server.begin_again().unwrap(), "it got worse before anyone imaged it");
    assert_eq!(bench.rescue(&name, "worse", "--format raw --retries 2"), UNREAD);
    assert!(server.begin_again().unwrap(), "it never got worse");
    let theirs = format!("ddrescue -q -d -r 2 /dev/{name} tmp/items/worse.dd tmp/items/worse.dd.map");
    bench.guest.demand_within(&Guest::with_tool(&theirs), RESCUE_WITHIN).unwrap();

    let (items, _folder) = bench.end();
    let spoilt: BTreeSet<u64> = GROWN.collect();
    assert_eq!(bad_in(&items.join("worse.map"), 512), spoilt, "unread by pf-acquire");
    assert_eq!(bad_in(&items.join("worse.dd.map"), 512), spoilt, "unread by ddrescue");
    let mut expected = fs::read(&sick.image).unwrap();
    expected[GROWN.start as usize * 512..GROWN.end as usize * 512].fill(0);
    for raw in ["worse.raw", "worse.dd"] {
        assert!(fs::read(items.join(raw)).unwrap() == expected, "{raw} is not what the disk holds");
    }
}

#[test]
fn a_disk_that_hangs_and_a_disk_that_comes_back_elsewhere_are_recovered_whole() {
    let folder = tempfile::tempdir().unwrap();
    let sick = noise(folder.path(), "hanging", Transport::VirtioScsi, 40);
    // The path of a Unix socket has 108 bytes at most.
    let sockets = tempfile::Builder::new().prefix("pf-").tempdir_in("/tmp").unwrap();
    let server = HangingDisk::serve(&sick.image, "hanging", sockets.path()).unwrap();
    let sick = sick.served_at(server.socket());
    let pulled = noise(folder.path(), "pulled", Transport::UsbBot, 41).on_port(1);
    let elsewhere = pulled.clone().on_port(3);
    let mut bench = Bench::with(&[sick.clone(), pulled.clone()], folder, "bad-media-hang");

    let name = bench.guest.await_disk(bytes_of(&sick)).unwrap();
    let script = rescue_script(&name, "hanging", "--format raw --read-timeout 2s --retries 3");
    begin_reading(&mut bench, &script, "hanging");
    server.hang().unwrap();
    std::thread::sleep(Duration::from_secs(9));
    server.go_on().unwrap();
    let said = bench.guest.emulator.shell.answer(&script, RESCUE_WITHIN).unwrap().output;
    assert_eq!(exit_code(&said), 0, "what hung for a while was not recovered");

    let name = bench.guest.await_disk(bytes_of(&pulled)).unwrap();
    let script = rescue_script(&name, "pulled", "--format raw --wait-for-return 60s");
    begin_reading(&mut bench, &script, "pulled");
    bench.guest.emulator.unplug(&pulled).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    bench.guest.emulator.plug(elsewhere).unwrap();
    let said = bench.guest.emulator.shell.answer(&script, RESCUE_WITHIN).unwrap().output;
    assert_eq!(exit_code(&said), 0, "what was pulled and put in again was not recovered");
    let name = bench.guest.await_disk(bytes_of(&pulled)).unwrap();
    assert_eq!(bench.guest.state(&name).unwrap(), "evidence", "it came back as something else than evidence");

    let (items, _folder) = bench.end();
    for disk in [&sick, &pulled] {
        let raw = fs::read(items.join(format!("{}.raw", disk.name))).unwrap();
        assert!(raw == fs::read(&disk.image).unwrap(), "{}", disk.name);
        ddrescuelog(&["-D"], &items.join(format!("{}.map", disk.name)));
    }
    let record = entries_of(&items.join("hanging.record.jsonl"));
    let abandoned: u64 =
        entries(&record, "rescue-pass").iter().map(|pass| pass["abandoned"].as_u64().unwrap()).sum();
    assert!(abandoned > 0, "no read was given up on");
    let record = entries_of(&items.join("pulled.record.jsonl"));
    assert_eq!(entries(&record, "source-lost").len(), 1);
    let back = entries(&record, "source-returned")[0]["text"].as_str().unwrap();
    assert!(back.contains("evidence"), "{back}");
    let bad = &entries(&record, "rescue-pass").last().unwrap()["left"]["bad"];
    assert_eq!(bad, 0, "sectors were called bad because a cable was pulled");
}

/// Starts `script` and waits until the disk gave some MiB.
fn begin_reading(bench: &mut Bench, script: &str, disk: &str) {
    let reads = |bench: &mut Bench| bench.guest.emulator.qmp.block_statistics(disk).unwrap().reads;
    let before = reads(bench);
    bench.guest.emulator.shell.send(script).unwrap();
    let deadline = Instant::now() + RESCUE_WITHIN;
    while reads(bench) < before + 12 {
        assert!(Instant::now() < deadline, "{disk} is not read");
        std::thread::sleep(Duration::from_millis(10));
    }
}
