//! The main job, end to end, in front of the audience: boot, block, image, verify; and the proof from outside.

mod summary;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Doing, HarnessError, Result,
    artifacts::Artifacts,
    attempts::{ATTEMPTS, Target},
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Firmware, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, cut_out},
    guest::Guest,
    host_program::HostProgram,
    image_check::{ImageCheck, first_segment_in},
    oracle::{Oracle, Verdict},
    toolbox,
};

const ACQUIRE_WITHIN: Duration = Duration::from_secs(300);
const DESTINATION_BYTES: u64 = 192 * MIB;
/// Where the destination's only partition ends.
const DESTINATION_LAYOUT: (FileSystem, u64) = (FileSystem::EmptyFat, 190);

/// How the demonstration boots.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// BIOS or UEFI.
    pub firmware: Firmware,
    /// From a CD instead of a USB stick.
    pub from_cd: bool,
}

impl Default for Options {
    /// As most machines are met: UEFI, USB stick.
    fn default() -> Self {
        Options { firmware: Firmware::Uefi, from_cd: false }
    }
}

/// How the demonstration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether everything was as it should be.
    pub as_it_should_be: bool,
}

/// One evidence disk and all that becomes known of it.
struct Exhibit {
    disk: Disk,
    bytes: u64,
    layout: Layout,
    /// Its name in the guest.
    node: String,
    state_at_birth: String,
    refused_attempts: usize,
    made_attempts: usize,
    /// The guard's counter at the end.
    refused: u64,
    imaging: Duration,
}

/// Runs the whole demonstration, says on standard output what happens, and ends with one screen of summary.
///
/// # Errors
/// When a step can't be carried out at all; what is not as it should be is in the outcome.
pub fn run(artifacts: &Artifacts, options: &Options) -> Result<Outcome> {
    let start = Instant::now();
    let logs = artifacts.log_folder("demo")?;
    let bench = TempDir::new().doing(|| "making a folder".into())?;
    step("Making the evidence disks, the destination and a disk with Debian's own disk programs");
    let mut exhibits = exhibits(bench.path())?;
    let destination = destination(bench.path())?;
    let tools = bench.path().join("toolbox");
    toolbox::build(&tools)?;
    let disks: Vec<Disk> = exhibits.iter().map(|exhibit| exhibit.disk.clone()).collect();
    let oracle = Oracle::watch(&disks)?;

    let boot = if options.from_cd { Boot::Cd(artifacts.iso()?) } else { Boot::UsbStick(artifacts.iso()?) };
    let how = format!("{}, {}", options.firmware.name(), if options.from_cd { "CD" } else { "USB stick" });
    step(&format!("Booting the image: {how}"));
    let machine = Machine::new(Chipset::Q35, boot).firmware(options.firmware).toolbox(&tools);
    let machine = disks.iter().cloned().fold(machine, Machine::disk).disk(destination.clone());
    let mut guest = Guest::boot(machine, &logs)?;
    println!("    root shell on ttyS0 after {} s", guest.emulator.running_for().as_secs());

    look_around(&mut guest)?;
    guest.open_toolbox()?;
    let mut objections = Vec::new();
    for exhibit in &mut exhibits {
        exhibit.find(&mut guest, &mut objections)?;
        exhibit.attack(&mut guest, &mut objections)?;
    }
    acquire_all(&mut guest, &mut exhibits)?;
    for exhibit in &mut exhibits {
        exhibit.refused = guest.refused(&exhibit.node)?;
    }
    step("Powering off");
    guest.power_off()?;

    step("Judging from outside: hashes, device statistics, command trace, ewfverify, fls, pf-verify");
    let verdicts = oracle.judge(guest.emulator)?;
    let checks = check_images(artifacts, bench.path(), &destination, &exhibits)?;
    objections.extend(verdicts.iter().flat_map(Verdict::objections));
    objections.extend(checks.iter().flat_map(ImageCheck::objections));
    print!("{}", summary::screen(&how, start.elapsed(), &exhibits, &verdicts, &checks, &objections));
    Ok(Outcome { as_it_should_be: objections.is_empty() })
}

fn step(words: &str) {
    println!("==> {words}");
}

/// A notebook's two disks.
fn exhibits(folder: &Path) -> Result<Vec<Exhibit>> {
    let windows = Layout {
        label: Label::Gpt,
        partitions: vec![(FileSystem::Ntfs, 30), (FileSystem::Ext4DirtyJournal, 30), (FileSystem::Fat, 34)],
    };
    let linux = Layout {
        label: Label::Gpt,
        partitions: vec![(FileSystem::Ext4DirtyJournal, 15), (FileSystem::Ext4JournalError, 15)],
    };
    let make = |name: &str, transport, bytes, layout: Layout| {
        let image = folder.join(name);
        layout.build(&image, bytes)?;
        Ok(Exhibit {
            disk: Disk::new(name, transport, image),
            bytes,
            layout,
            node: String::new(),
            state_at_birth: String::new(),
            refused_attempts: 0,
            made_attempts: 0,
            refused: 0,
            imaging: Duration::ZERO,
        })
    };
    Ok(vec![
        make("item1-ahci", Transport::Ahci, 96 * MIB, windows)?,
        make("item2-nvme", Transport::Nvme, 32 * MIB, linux)?,
    ])
}

fn destination(folder: &Path) -> Result<Disk> {
    let image = folder.join("destination");
    Layout { label: Label::Mbr, partitions: vec![DESTINATION_LAYOUT] }.build(&image, DESTINATION_BYTES)?;
    Ok(Disk::new("dest-usb", Transport::UsbBot, image))
}

/// What an examiner does first.
fn look_around(guest: &mut Guest) -> Result<()> {
    step("permafrost# pf-devices");
    print!("{}", indented(&guest.demand("pf-devices")?));
    step("permafrost# pf-guard status");
    print!("{}", indented(&guest.demand("pf-guard status")?));
    Ok(())
}

impl Exhibit {
    fn find(&mut self, guest: &mut Guest, objections: &mut Vec<String>) -> Result<()> {
        self.node = guest.await_disk(self.bytes)?;
        self.state_at_birth = guest.state(&self.node)?;
        let last = Guest::partition(&self.node, self.layout.partitions.len());
        guest.await_file(&format!("/dev/{last}"))?;
        if self.state_at_birth != "blocked" {
            objections.push(format!("{} was born {}", self.node, self.state_at_birth));
        }
        Ok(())
    }

    /// Tries to change the disk in every way and shows each answer.
    fn attack(&mut self, guest: &mut Guest, objections: &mut Vec<String>) -> Result<()> {
        step(&format!("Trying to write to /dev/{} ({})", self.node, self.disk.transport.name()));
        let partition_with = |file_system| {
            self.layout.number_of(file_system).map(|number| Guest::partition(&self.node, number))
        };
        let target = Target {
            disk: &self.node,
            partition: Guest::partition(&self.node, 1),
            dirty_journal: partition_with(FileSystem::Ext4DirtyJournal),
            journal_error: partition_with(FileSystem::Ext4JournalError),
        };
        for attempt in ATTEMPTS.iter().filter(|attempt| attempt.applies_to(&target)) {
            let outcome = attempt.make(guest, &target)?;
            self.made_attempts += 1;
            self.refused_attempts += usize::from(outcome.objections.is_empty());
            let verdict = if outcome.objections.is_empty() { "refused" } else { "NOT REFUSED" };
            println!("    {:<34} {verdict}: {}", attempt.name, shortened(outcome.answer.telling_line(), 70));
            objections.extend(outcome.objections);
        }
        Ok(())
    }
}

/// Lets the destination go and images every exhibit onto it.
fn acquire_all(guest: &mut Guest, exhibits: &mut [Exhibit]) -> Result<()> {
    let usb = guest.await_disk(DESTINATION_BYTES)?;
    step(&format!("permafrost# pf-guard allow /dev/{usb} --serial DEST-USB"));
    guest.allow(&usb, "DEST-USB")?;
    let partition = Guest::partition(&usb, 1);
    guest.demand(&format!("mkdir -p /mnt/dest && mount -t vfat /dev/{partition} /mnt/dest"))?;
    for (number, exhibit) in (1..).zip(exhibits) {
        let command = format!(
            "pf-acquire /dev/{} --to /mnt/dest/item{number} --format e01 --hash md5,sha1,sha256 \
             --case DEMO-1 --evidence item{number} --examiner 'A. Examiner'",
            exhibit.node
        );
        step(&format!("permafrost# {command}"));
        let start = Instant::now();
        // The progress line is for terminals; it is shown only if the acquisition fails.
        let quietly = format!("{command} 2>/run/progress || {{ s=$?; cat /run/progress; exit $s; }}");
        let said =
            guest.demand_within(&format!("mkdir /mnt/dest/item{number}\n{quietly}"), ACQUIRE_WITHIN)?;
        exhibit.imaging = start.elapsed();
        print!("{}", indented(&said));
    }
    guest.demand("umount /mnt/dest").map(|_| ())
}

fn check_images(
    artifacts: &Artifacts,
    bench: &Path,
    destination: &Disk,
    exhibits: &[Exhibit],
) -> Result<Vec<ImageCheck>> {
    let (_, mib) = DESTINATION_LAYOUT;
    let volume = bench.join("volume");
    cut_out(&destination.image, MIB, mib * MIB, &volume)?;
    let folders = bench.join("from-destination");
    std::fs::create_dir(&folders).doing(|| format!("making {}", folders.display()))?;
    HostProgram::new("mcopy", "mtools")?
        .args(["-s", "-m", "-i"])
        .arg(&volume)
        .arg("::*")
        .arg(&folders)
        .run()?;
    let check = |(number, exhibit): (usize, &Exhibit)| -> Result<ImageCheck> {
        let folder: PathBuf = folders.join(format!("item{number}"));
        ImageCheck::of(artifacts, &first_segment_in(&folder)?, &exhibit.disk.image, &exhibit.layout)
    };
    (1..).zip(exhibits).map(check).collect::<std::result::Result<_, HarnessError>>()
}

/// Output of a program, set in.
fn indented(output: &str) -> String {
    output.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("    {line}\n")).collect()
}

fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_string();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}
