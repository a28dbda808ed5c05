//! A person at the examiner's console: from power-on to a verified image and power-off, without a shell.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::path::Path;
use std::time::Duration;

use harness::{
    artifacts::Artifacts,
    console_face::{Person, Seat},
    disk_device::{Disk, Transport},
    emulator::{BOOT_STICK_SERIAL, Boot, Chipset, Firmware, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, cut_out},
    host_program::HostProgram,
    image_check::ImageCheck,
    oracle::Oracle,
};

const EVIDENCE_BYTES: u64 = 24 * MIB;
const DESTINATION_BYTES: u64 = 64 * MIB;
const DESTINATION_MIB: u64 = 62;

/// Firmware, boot loader and kernel under emulation.
const BOOT: Duration = Duration::from_secs(180);
/// A step of the console.
const STEP: Duration = Duration::from_secs(60);
/// An acquisition.
const IMAGING: Duration = Duration::from_secs(300);

/// What is said in the language of the run.
struct Words {
    destination: &'static str,
    volume: &'static str,
    ready: &'static str,
    source: &'static str,
    number: &'static str,
    start: &'static str,
    verified: &'static str,
    release: &'static str,
    none_yet: &'static str,
    power_off: &'static str,
}

const ENGLISH: Words = Words {
    destination: "Use it as destination",
    volume: "Use /dev/",
    ready: "The destination is ready",
    source: "Image this disk",
    number: "Number of the item",
    start: "START",
    verified: "IMAGED AND VERIFIED",
    release: "Give it back",
    none_yet: "none yet",
    power_off: "Switch the machine off?",
};

const CHINESE: Words = Words {
    destination: "用作目标盘",
    volume: "使用 /dev/",
    ready: "目标位置已就绪",
    source: "对此盘取证",
    number: "检材编号",
    start: "开始",
    verified: "取证完成",
    release: "收回：卸载并恢复只读",
    none_yet: "尚无",
    power_off: "关机？",
};

struct Bench {
    folder: tempfile::TempDir,
    evidence: Disk,
    layout: Layout,
    destination: Disk,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout {
            label: Label::Gpt,
            partitions: vec![(FileSystem::Fat, 6), (FileSystem::Ext4DirtyJournal, 12)],
        };
        let evidence = Disk::new("evidence", Transport::Ahci, folder.path().join("evidence"));
        layout.build(&evidence.image, EVIDENCE_BYTES).unwrap();
        let destination = Disk::new("destination", Transport::UsbBot, folder.path().join("destination"));
        Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyExt4, DESTINATION_MIB)] }
            .build(&destination.image, DESTINATION_BYTES)
            .unwrap();
        Bench { folder, evidence, layout, destination }
    }

    fn machine(&self, boot: Boot) -> Machine {
        let machine = Machine::new(Chipset::Q35, boot).with_console();
        machine.disk(self.evidence.clone()).disk(self.destination.clone())
    }

    /// What strangers find in the image on the destination.
    fn judge(&self, artifacts: &Artifacts) {
        let volume = self.folder.path().join("volume");
        cut_out(&self.destination.image, MIB, DESTINATION_MIB * MIB, &volume).unwrap();
        let items = self.folder.path().join("items");
        std::fs::create_dir(&items).unwrap();
        let command = format!("rdump / {}", items.display());
        HostProgram::new("debugfs", "e2fsprogs").unwrap().args(["-R", &command]).arg(&volume).run().unwrap();
        let image = items.join("7.E01");
        let check = ImageCheck::of(artifacts, &image, &self.evidence.image, &self.layout).unwrap();
        assert!(check.objections().is_empty(), "{}", check.objections().join("\n"));
    }
}

/// The acquisition from the list of disks to power-off.
fn images(person: &mut Person, words: &Words, md5: &str) {
    person.awaits(&["EVIDENCE", "DESTINATION", words.none_yet], BOOT).unwrap();
    // The destination: by its serial number, on the volume that is there.
    person.chooses("DESTINATION", STEP).unwrap();
    person.chooses(words.destination, STEP).unwrap();
    person.awaits(&["DESTINATION", "_"], STEP).unwrap();
    person.types("DESTINATIO").unwrap();
    person.presses("ret").unwrap();
    person.awaits(&["DESTINATIO_"], STEP).unwrap();
    person.types("N").unwrap();
    person.presses("ret").unwrap();
    person.chooses(words.volume, STEP).unwrap();
    person.awaits(&[words.ready, "/mnt/sd"], STEP).unwrap();
    // The source.
    person.chooses("EVIDENCE", STEP).unwrap();
    person.chooses(words.source, STEP).unwrap();
    person.chooses(words.number, STEP).unwrap();
    person.types("7").unwrap();
    person.presses("ret").unwrap();
    person.awaits(&["pf-acquire /dev/sd", "--incomplete", "--evidence 7"], STEP).unwrap();
    person.chooses(words.start, STEP).unwrap();
    person.awaits(&[words.verified, md5], IMAGING).unwrap();
    let has_words = |read: &str| read.lines().filter(|line| is_of_the_key(line)).count() == 3;
    person.awaits_that("the twelve words of the key in three lines", STEP, has_words).unwrap();
    // The destination is given back, and the machine ends.
    person.presses("esc").unwrap();
    person.chooses("DESTINATION", STEP).unwrap();
    person.chooses(words.release, STEP).unwrap();
    person.awaits(&[words.none_yet], STEP).unwrap();
    person.waits_until_keys_are_taken(STEP).unwrap();
    person.presses("p").unwrap();
    person.awaits(&[words.power_off], STEP).unwrap();
    person.presses("y").unwrap();
}

fn is_of_the_key(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.len() == 4 && words.iter().all(|word| word.bytes().all(|b| b.is_ascii_uppercase()))
}

fn md5_of(path: &Path) -> String {
    let said = HostProgram::new("md5sum", "coreutils").unwrap().arg(path).run().unwrap();
    said.split_whitespace().next().unwrap().to_owned()
}

/// What is awaited, and the key that is pressed then.
type Prelude<'a> = &'a [(&'a str, &'a str)];

fn a_person_images_a_disk(
    run: &str,
    bench: &Bench,
    machine: Machine,
    seat: Seat,
    prelude: Prelude,
    pulls_the_stick: bool,
    words: &Words,
) {
    let artifacts = Artifacts::of_this_build();
    let logs = artifacts.log_folder(run).unwrap();
    let md5 = md5_of(&bench.evidence.image);
    let oracle = Oracle::watch(std::slice::from_ref(&bench.evidence)).unwrap();
    let mut emulator = machine.start(&logs).unwrap();
    let mut person = Person::new(&mut emulator, seat, &logs);
    for (awaited, key) in prelude {
        person.awaits(&[awaited], BOOT).unwrap();
        person.presses(key).unwrap();
    }
    if pulls_the_stick {
        person.awaits(&["EVIDENCE", BOOT_STICK_SERIAL], BOOT).unwrap();
        person.machine.pull_boot_stick().unwrap();
        let is_gone = |read: &str| read.contains("EVIDENCE") && !read.contains(BOOT_STICK_SERIAL);
        person.awaits_that("a list without the stick that was pulled out", STEP, is_gone).unwrap();
    }
    images(&mut person, words, &md5);
    emulator.await_power_off(STEP).unwrap();
    for verdict in oracle.judge(emulator).unwrap() {
        verdict.assert_untouched();
    }
    bench.judge(&artifacts);
}

#[test]
fn a_person_at_a_large_monitor_images_a_disk_in_chinese() {
    let bench = Bench::new();
    let stick = Boot::UsbStick(Artifacts::of_this_build().iso().unwrap());
    let machine = bench.machine(stick).firmware(Firmware::Uefi).screen(1920, 1080);
    let seat = Seat::at_the_monitor(2).unwrap();
    a_person_images_a_disk(
        "console-monitor",
        &bench,
        machine,
        seat,
        &[("guard in force", "f2")],
        true,
        &CHINESE,
    );
}

#[test]
fn a_person_at_a_text_screen_of_80_by_25_images_a_disk() {
    let bench = Bench::new();
    let machine = bench.machine(Boot::Kernel(Artifacts::of_this_build().kernel().unwrap()));
    a_person_images_a_disk(
        "console-text",
        &bench,
        machine,
        Seat::Text,
        &[("guard in force", "f1"), ("Help", "esc")],
        false,
        &ENGLISH,
    );
}

#[test]
fn a_person_at_the_serial_line_images_a_disk() {
    let bench = Bench::new();
    let machine = bench.machine(Boot::Kernel(Artifacts::of_this_build().kernel().unwrap()));
    let seat = Seat::at_the_serial_line();
    a_person_images_a_disk(
        "console-serial",
        &bench,
        machine,
        seat,
        &[("Enter opens the console", "ret")],
        false,
        &ENGLISH,
    );
}
