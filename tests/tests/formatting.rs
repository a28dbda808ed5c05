//! A destination is prepared in the booted system with the programs of the image, and strangers on the host find it sound;
//! on a disk that is blocked none of them gets anywhere.
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
    image_check::sleuth_kit,
    oracle::Oracle,
};

const EVIDENCE_BYTES: u64 = 48 * MIB;
const OTHER_BYTES: u64 = 28 * MIB;

/// What a program says when the system refuses it; one that fails for another reason proves nothing.
const REFUSALS: [&str; 3] = ["Read-only file system", "read-only", "read only"];

/// Zeroing tables on an emulated disk takes its time on a busy host.
const FORMATTED_WITHIN: Duration = Duration::from_secs(180);

/// What is written onto each destination: a program of the image, whose bytes the host has too.
const WRITTEN: &str = "pf-guard";

/// One file system that a destination may be given.
struct Destination {
    /// Name of the disk; in capitals, its serial.
    name: &'static str,
    transport: Transport,
    bytes: u64,
    /// GUID of the partition's type (UEFI 2.10 table 5.7, and the Discoverable Partitions Specification).
    partition_type: &'static str,
    /// `$P` is the partition.
    make: &'static str,
    /// As the kernel calls it.
    file_system: &'static str,
    /// What others find on the partition that was cut out of the disk; the content of the file that was written.
    judge: fn(&Path) -> Vec<u8>,
}

const LINUX_DATA: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
const BASIC_DATA: &str = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";

const DESTINATIONS: [Destination; 3] = [
    Destination {
        name: "ext4",
        transport: Transport::UsbBot,
        bytes: 64 * MIB,
        partition_type: LINUX_DATA,
        make: "mkfs.ext4 -q $P",
        file_system: "ext4",
        judge: judge_ext4,
    },
    Destination {
        name: "exfat",
        transport: Transport::Uas,
        bytes: 40 * MIB,
        partition_type: BASIC_DATA,
        make: "mkfs.exfat $P",
        file_system: "exfat",
        judge: judge_exfat,
    },
    Destination {
        name: "ntfs",
        transport: Transport::VirtioScsi,
        bytes: 44 * MIB,
        partition_type: BASIC_DATA,
        make: "mkfs.ntfs --fast --quiet $P",
        file_system: "ntfs3",
        judge: judge_ntfs,
    },
];

/// Each program by each of its names, on the disk `$D` and its partition `$P`.
const ATTEMPTS: [&str; 8] = [
    "echo 'label: gpt' | sfdisk --force $D",
    "echo 'label: dos' | sfdisk --force --wipe always $D",
    "sfdisk --force --delete $D",
    "mke2fs -F -q -t ext4 $P",
    "mkfs.ext4 -F -q $P",
    "mkfs.exfat $P",
    "mkntfs --force --fast $P",
    "mkfs.ntfs --force --fast $P",
];

#[test]
fn a_destination_gets_its_file_system_and_a_blocked_disk_none() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let evidence = Disk::new("evidence", Transport::Ahci, folder.path().join("evidence"));
    Layout {
        label: Label::Gpt,
        partitions: vec![(FileSystem::Ntfs, 20), (FileSystem::Ext4DirtyJournal, 20)],
    }
    .build(&evidence.image, EVIDENCE_BYTES)
    .unwrap();
    let other = Disk::new("other", Transport::Nvme, folder.path().join("other"));
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::Fat, 24)] }
        .build(&other.image, OTHER_BYTES)
        .unwrap();
    let destinations = [1, 2, 3].map(|port| {
        let destination = &DESTINATIONS[usize::from(port) - 1];
        let image = folder.path().join(destination.name);
        fs::File::create(&image).unwrap().set_len(destination.bytes).unwrap();
        Disk::new(destination.name, destination.transport, image).on_port(port)
    });
    let oracle = Oracle::watch(&[evidence.clone(), other.clone()]).unwrap();
    let machine = destinations
        .iter()
        .chain([&evidence, &other])
        .cloned()
        .fold(Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())), Machine::disk);
    let mut guest = Guest::boot(machine, &artifacts.log_folder("formatting").unwrap()).unwrap();

    // The shell would take busybox's own, which makes ext2 alone.
    let version = guest.demand("mke2fs -V 2>&1").unwrap();
    assert!(version.contains("EXT2FS Library version"), "another mke2fs: {version}");

    for bytes in [EVIDENCE_BYTES, OTHER_BYTES] {
        let disk = guest.await_disk(bytes).unwrap();
        assert_none_gets_anywhere(&mut guest, &disk, &Guest::partition(&disk, 1));
    }
    for destination in &DESTINATIONS {
        let disk = guest.await_disk(destination.bytes).unwrap();
        // It has no partition yet.
        assert_none_gets_anywhere(&mut guest, &disk, &disk);
        guest.allow(&disk, &destination.name.to_uppercase()).unwrap();
        destination.prepare(&mut guest, &disk);
    }
    assert_eq!(guest.kernel_complaints().unwrap(), Vec::<String>::new());
    guest.power_off().unwrap();
    for verdict in oracle.judge(guest.emulator).unwrap() {
        verdict.assert_untouched();
    }

    let written = fs::read(artifacts.binary(WRITTEN).unwrap()).unwrap();
    for (destination, disk) in DESTINATIONS.iter().zip(&destinations) {
        let volume = destination.volume_in(&disk.image, folder.path());
        assert!((destination.judge)(&volume) == written, "{}: the file is another", destination.name);
    }
}

#[test]
fn the_manifest_names_the_source_of_each_program_and_the_image_holds_just_that_one() {
    let manifest = Artifacts::of_this_build().manifest().unwrap();
    let programs = manifest["disk_programs"].as_array().unwrap();
    let named: Vec<_> = programs.iter().map(|program| program["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["mke2fs", "mkfs.exfat", "mkntfs", "sfdisk"]);
    for program in programs {
        let path = format!("bin/{}", program["name"].as_str().unwrap());
        let mut inside = manifest["initramfs"].as_array().unwrap().iter();
        let file = inside.find(|file| file["path"] == path.as_str()).unwrap();
        assert_eq!(file["sha256"], program["sha256"], "{path}");
        let sources = program["source_files"].as_array().unwrap();
        for part in [".orig.tar.", ".debian.tar.", ".dsc"] {
            let found = sources.iter().find(|file| file["name"].as_str().unwrap().contains(part)).unwrap();
            assert_eq!(found["sha256"].as_str().unwrap().len(), 64, "{path}: {part}");
        }
        assert!(program["source_version"].as_str().unwrap().contains('-'), "{path}: {program}");
        assert!(program["licence"].as_str().unwrap().starts_with("GPL-2.0"), "{path}: {program}");
    }
}

fn assert_none_gets_anywhere(guest: &mut Guest, disk: &str, partition: &str) {
    assert_eq!(guest.state(disk).unwrap(), "blocked");
    for attempt in ATTEMPTS {
        let answer = guest.run(&format!("D=/dev/{disk} P=/dev/{partition}; {attempt} 2>&1")).unwrap();
        assert!(!answer.succeeded(), "`{attempt}` on the blocked {disk} said {}", answer.output);
        assert!(
            REFUSALS.iter().any(|words| answer.output.contains(words)),
            "`{attempt}` on the blocked {disk} failed for another reason: {}",
            answer.output
        );
    }
    assert_eq!(guest.state(disk).unwrap(), "blocked");
}

impl Destination {
    /// Partition table, file system, and a file in it.
    fn prepare(&self, guest: &mut Guest, disk: &str) {
        let table =
            format!("printf 'label: gpt\\n, , {}\\n' | sfdisk --quiet /dev/{disk}", self.partition_type);
        guest.demand(&table).unwrap();
        let partition = Guest::partition(disk, 1);
        guest.await_file(&format!("/dev/{partition}")).unwrap();
        guest.demand_within(&format!("P=/dev/{partition}; {}", self.make), FORMATTED_WITHIN).unwrap();
        let place = format!("/mnt/{}", self.name);
        let mount = format!("mkdir -p {place} && mount -t {} /dev/{partition} {place}", self.file_system);
        let write = format!("mkdir {place}/case && cp /bin/{WRITTEN} {place}/case/written");
        guest.demand_within(&format!("{mount} && {write} && umount {place}"), FORMATTED_WITHIN).unwrap();
    }

    /// The only partition of the disk, which is a sound one in the eyes of the host's sfdisk, in a file of its own.
    fn volume_in(&self, image: &Path, folder: &Path) -> std::path::PathBuf {
        let sfdisk =
            |word: &str| HostProgram::new("sfdisk", "fdisk").unwrap().arg(word).arg(image).run().unwrap();
        let verdict = sfdisk("--verify");
        assert!(verdict.contains("No errors detected."), "{}: {verdict}", self.name);
        let table: serde_json::Value = serde_json::from_str(&sfdisk("--json")).unwrap();
        let table = &table["partitiontable"];
        assert_eq!(table["label"], "gpt", "{}", self.name);
        let partitions = table["partitions"].as_array().unwrap();
        assert_eq!(partitions.len(), 1, "{}", self.name);
        assert_eq!(partitions[0]["type"], self.partition_type, "{}", self.name);
        let [start, sectors] = ["start", "size"].map(|field| partitions[0][field].as_u64().unwrap());
        assert!(start.is_multiple_of(2048), "{}: starts at sector {start}", self.name);
        let volume = folder.join(format!("{}.volume", self.name));
        cut_out(image, start * 512, sectors * 512, &volume).unwrap();
        volume
    }
}

/// Runs a program of the host on the volume and returns what it found; it must be content.
fn content(program: HostProgram) -> Vec<u8> {
    let output = program.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {complaint}", String::from_utf8_lossy(&output.stdout));
    output.stdout
}

fn judge_ext4(volume: &Path) -> Vec<u8> {
    let e2fsprogs = |program: &str| HostProgram::new(program, "e2fsprogs").unwrap();
    e2fsprogs("e2fsck").args(["-f", "-n"]).arg(volume).run().unwrap();
    let features = e2fsprogs("dumpe2fs").arg("-h").arg(volume).run().unwrap();
    for feature in ["has_journal", "extent", "metadata_csum"] {
        assert!(features.contains(feature), "no {feature}: {features}");
    }
    content(e2fsprogs("debugfs").args(["-R", "cat /case/written"]).arg(volume))
}

fn judge_exfat(volume: &Path) -> Vec<u8> {
    HostProgram::new("fsck.exfat", "exfatprogs").unwrap().arg("-n").arg(volume).run().unwrap();
    // A line of it: "r/r 646:	case/written".
    let listing = sleuth_kit("fls").unwrap().args(["-r", "-p", "-f", "exfat"]).arg(volume).run().unwrap();
    let line = listing.lines().find(|line| line.ends_with("\tcase/written")).unwrap();
    let number = line.trim_start_matches("r/r ").split(':').next().unwrap();
    content(sleuth_kit("icat").unwrap().args(["-f", "exfat"]).arg(volume).arg(number))
}

fn judge_ntfs(volume: &Path) -> Vec<u8> {
    let ntfs_3g = |program: &str| HostProgram::new(program, "ntfs-3g").unwrap();
    let verdict = ntfs_3g("ntfsfix").arg("--no-action").arg(volume).run().unwrap();
    assert!(verdict.contains("processed successfully"), "{verdict}");
    let listing = ntfs_3g("ntfsls").args(["--recursive", "--force"]).arg(volume).run().unwrap();
    assert!(listing.contains("written"), "{listing}");
    content(ntfs_3g("ntfscat").arg("--force").arg(volume).arg("case/written"))
}
