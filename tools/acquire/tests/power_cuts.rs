//! A destination that loses its power. Every write and every flush that its disk is given is logged by QEMU; from the log the
//! disk is made anew as it is after a loss of power at a random moment: what was flushed is there, of what came later any
//! part. Then the file system is mounted as after a restart, and the acquisition must go on. And a disk that is pulled while
//! it is written to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod interrupted;

use interrupted::{FORMS, Random, Source, Tally, Vouched, go_on_and_judge, is_root, pf_acquire, vouched};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DISK: u64 = 96 << 20;
/// The unit of the log.
const SECTOR: u64 = 512;
/// The unit that a disk writes whole or not at all: its physical sector. It is also the file system's block, as on any disk
/// in use. With smaller blocks ext4's own superblock can be torn in two, and no kernel mounts that before `e2fsck`.
const PHYSICAL_SECTOR: u64 = 4096;
/// How often the power goes in each acquisition.
const CUTS: u64 = 10;

fn run(program: &str, words: &[&Path]) -> String {
    interrupted::output_of(program, "mount, qemu-utils, e2fsprogs", words)
}

/// A disk of a storage daemon, whose writes go into a log. Dropped, it leaves nothing behind: a loop device over a dead
/// daemon stops other programs of the whole machine.
struct LoggedDisk {
    daemon: Child,
    export: PathBuf,
    device: Option<String>,
    mounted: PathBuf,
}

impl LoggedDisk {
    fn mount(folder: &Path, image: &Path, log: Option<&Path>) -> Self {
        let export = folder.join("export");
        File::create(&export).unwrap();
        let name = |path: &Path| path.display().to_string();
        let mut daemon = Command::new("qemu-storage-daemon");
        daemon.args(["--blockdev", &format!("driver=file,node-name=image,filename={}", name(image))]);
        let mut node = "image";
        if let Some(log) = log {
            File::create(log).unwrap();
            daemon.args(["--blockdev", &format!("driver=file,node-name=log,filename={}", name(log))]);
            daemon.args(["--blockdev", "driver=blklogwrites,node-name=logged,file=image,log=log"]);
            node = "logged";
        }
        let export_words =
            format!("type=fuse,id=disk,node-name={node},mountpoint={},writable=on", name(&export));
        let daemon = daemon.args(["--export", &export_words]).stderr(Stdio::inherit()).spawn();
        let daemon =
            daemon.unwrap_or_else(|e| panic!("qemu-storage-daemon (Debian package qemu-utils): {e}"));
        let mut disk = Self { daemon, export, device: None, mounted: folder.join("mounted") };
        let begun = Instant::now();
        while fs::metadata(&disk.export).map_or(0, |file| file.len()) != DISK {
            assert!(begun.elapsed() < Duration::from_secs(30), "the disk is not there");
            std::thread::sleep(Duration::from_millis(5));
        }
        let attached = run("losetup", &[Path::new("--find"), Path::new("--show"), &disk.export]);
        let device = disk.device.insert(attached.trim().to_owned());
        // Some kernels mark every new loop device read-only.
        run("blockdev", &[Path::new("--setrw"), Path::new(device)]);
        fs::create_dir_all(&disk.mounted).unwrap();
        run("mount", &[Path::new("-t"), Path::new("ext4"), Path::new(device), &disk.mounted]);
        disk
    }

    /// Takes it out as it should be.
    fn unmount(mut self) {
        run("umount", &[&self.mounted]);
        if let Some(device) = self.device.take() {
            run("losetup", &[Path::new("--detach"), Path::new(&device)]);
        }
        self.end("-TERM");
    }

    fn end(&mut self, signal: &str) {
        // One that was pulled is gone already.
        let pid = self.daemon.id().to_string();
        Command::new("kill").args([signal, &pid]).stderr(Stdio::null()).status().unwrap();
        self.daemon.wait().unwrap();
    }
}

impl Drop for LoggedDisk {
    fn drop(&mut self) {
        // What is gone already needs no words.
        let quietly = |program: &str, words: &[&Path]| {
            let _ = Command::new(program).args(words).stderr(Stdio::null()).status();
        };
        quietly("umount", &[Path::new("--lazy"), &self.mounted]);
        if let Some(device) = &self.device {
            quietly("losetup", &[Path::new("--detach"), Path::new(device)]);
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        quietly("umount", &[Path::new("--lazy"), &self.export]);
    }
}

/// An ext4 file system without lazy work that would go on in the background.
fn make_disk(path: &Path) {
    File::create(path).unwrap().set_len(DISK).unwrap();
    let block = PHYSICAL_SECTOR.to_string();
    let words = ["-q", "-F", "-t", "ext4", "-b", &block, "-E", "lazy_itable_init=0,lazy_journal_init=0"];
    let words = words.map(Path::new);
    run("mke2fs", &[&words[..], &[path]].concat());
}

/// One entry of a log in the format of dm-log-writes (Linux, Documentation/admin-guide/device-mapper/log-writes.rst).
struct Logged {
    offset: u64,
    data: std::ops::Range<u64>,
    is_flush: bool,
    zeros: u64,
}

const MAGIC: u64 = 0x6a_7366_7773_6872;

fn log_of(path: &Path) -> (File, Vec<Logged>) {
    let file = File::open(path).unwrap();
    let number = |at: u64| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at).unwrap();
        u64::from_le_bytes(bytes)
    };
    assert_eq!(number(0), MAGIC, "not a log of writes");
    let count = number(16);
    let (mut at, mut entries) = (SECTOR, Vec::new());
    for _ in 0..count {
        let (sector, sectors, flags) = (number(at), number(at + 8), number(at + 16));
        at += SECTOR;
        let is_discard = flags & 4 != 0;
        let length = if is_discard { 0 } else { sectors * SECTOR };
        entries.push(Logged {
            offset: sector * SECTOR,
            data: at..at + length,
            is_flush: flags & 1 != 0,
            zeros: if is_discard { sectors * SECTOR } else { 0 },
        });
        at += length;
    }
    (file, entries)
}

/// The disk after a loss of power behind `cut` entries.
fn after_a_cut(empty: &Path, (log, entries): (&File, &[Logged]), cut: usize, random: &mut Random, to: &Path) {
    run("cp", &[Path::new("--sparse=always"), empty, to]);
    let disk = fs::OpenOptions::new().write(true).open(to).unwrap();
    let flushed = entries[..cut].iter().rposition(|entry| entry.is_flush).map_or(0, |last| last + 1);
    for (number, entry) in entries[..cut].iter().enumerate() {
        let mut data = vec![0; (entry.data.end - entry.data.start + entry.zeros) as usize];
        if entry.zeros == 0 {
            log.read_exact_at(&mut data, entry.data.start).unwrap();
        }
        // What was not flushed is there or not, one physical sector after another.
        let kept = random.below(3);
        assert_eq!(entry.offset % PHYSICAL_SECTOR, 0, "a write that a disk would tear at its start");
        for (sector, bytes) in data.chunks(PHYSICAL_SECTOR as usize).enumerate() {
            let stays = number < flushed || kept == 0 || (kept == 1 && random.below(2) == 0);
            if stays {
                disk.write_all_at(bytes, entry.offset + sector as u64 * PHYSICAL_SECTOR).unwrap();
            }
        }
    }
}

#[test]
fn a_loss_of_power_at_any_moment_costs_what_came_after_the_last_checkpoint() {
    if !is_root() {
        eprintln!("SKIPPED: mounting a disk needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    let (mut random, mut tally) = (Random::new(21), Tally::default());
    for form in FORMS {
        let own = folder.path().join(form.name.replace(' ', "-"));
        fs::create_dir(&own).unwrap();
        let [empty, image, log, cut_image] = ["empty", "image", "log", "cut"].map(|name| own.join(name));
        make_disk(&empty);
        fs::copy(&empty, &image).unwrap();
        let disk = LoggedDisk::mount(&own, &image, Some(&log));
        let output = pf_acquire(&source, &disk.mounted, form, false).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        disk.unmount();
        let (file, entries) = log_of(&log);
        let flushes = entries.iter().filter(|entry| entry.is_flush).count();
        assert!(flushes > 20, "{flushes} flushes in {} entries: nothing is made durable", entries.len());
        let mut here = Tally::default();
        for number in 0..CUTS {
            let cut = 1 + random.below(entries.len() as u64 - 1) as usize;
            after_a_cut(&empty, (&file, &entries), cut, &mut random, &cut_image);
            let what = format!("power cut {number} behind {cut} of {} entries", entries.len());
            let disk = LoggedDisk::mount(&own, &cut_image, None);
            go_on_and_judge(&source, &disk.mounted, form, &mut here, &what);
            disk.unmount();
        }
        println!("power cuts, {}: {here:?}", form.name);
        tally.add(&here);
    }
    println!("power cuts: {tally:?}");
    assert!(u64::from(tally.points + tally.too_late) == 4 * CUTS && tally.from_checkpoint > 10, "{tally:?}");
}

#[test]
fn a_disk_that_is_pulled_ends_the_run_with_its_code_and_goes_on_when_it_is_back() {
    if !is_root() {
        eprintln!("SKIPPED: mounting a disk needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 20);
    let (mut random, mut tally) = (Random::new(22), Tally::default());
    for point in 0..12u64 {
        let form = FORMS[point as usize % FORMS.len()];
        let own = folder.path().join(point.to_string());
        fs::create_dir(&own).unwrap();
        let image = own.join("image");
        make_disk(&image);
        let mut disk = LoggedDisk::mount(&own, &image, None);
        let mut child =
            pf_acquire(&source, &disk.mounted, form, false).stderr(Stdio::null()).spawn().unwrap();
        let least = random.below(6) << 20;
        loop {
            match vouched(&disk.mounted) {
                Vouched::UpTo(offset) if offset >= least => break,
                Vouched::Whole => break,
                _ if child.try_wait().unwrap().is_some() => break,
                _ => std::thread::yield_now(),
            }
        }
        disk.end("-KILL");
        let code = child.wait().unwrap().code();
        drop(disk);
        if code != Some(0) {
            assert!(matches!(code, Some(1 | 4)), "{form:?}: {code:?}");
        }
        let disk = LoggedDisk::mount(&own, &image, None);
        if code == Some(0) {
            tally.too_late += 1;
        } else {
            go_on_and_judge(&source, &disk.mounted, form, &mut tally, &format!("pulled, point {point}"));
        }
        disk.unmount();
    }
    println!("pulled disks: {tally:?}");
    assert!(tally.points >= 8 && tally.from_checkpoint > 4, "{tally:?}");
}
