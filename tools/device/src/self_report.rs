//! What each disk says of itself: areas that an image doesn't hold, locks, TRIM, zones, health.
//!
//! How it asks. By a closed list of commands (`question`), each of which only asks, through nodes that are open for reading
//! (`channel`). What the kernel asked at discovery is taken from sysfs and not asked again.
//!
//! Whom it asks. ATA disks behind libata and NVMe controllers in full; SCSI disks and eMMCs what their standards offer. An
//! ATA disk behind a bridge or host adapter is asked only where that says of itself that it translates ATA (SAT-4): the
//! ATA Information page (VPD 89h), or the vendor `ATA`. Other bridges are left alone: several reset or hang on an ATA
//! pass-through they don't know, which would cost the examiner the disk in mid-work. Then the answer is "unknown".
//!
//! How long. A command gets 20 seconds, in which a sleeping disk spins up. A disk that let one pass is not asked again. [`ask_all`] gives up waiting after its
//! deadline and says which disks have not answered; the kernel brings their commands to an end by itself.

mod ata;
mod channel;
mod fields;
mod identify_device;
mod mmc;
mod nvme;
mod question;
pub mod replay;
mod scsi;
mod tcg;

use crate::ancestry::Ancestry;
use crate::inventory::Disk;
use crate::sysfs::{self, Roots};
use channel::{Ask, Channel};
use evidence::{ByteCount, SelfReport, Transport};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The longest that [`ask_all`] should wait: a sleeping disk spins up in less, and one time-out fits in.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks all disks at once and waits no longer than `patience`; one report for each, in order.
#[must_use]
pub fn ask_all(disks: &[Disk], patience: Duration) -> Vec<SelfReport> {
    let questions = disks.iter().cloned().map(|disk| move || ask_in(&Roots::system(), &disk)).collect();
    within(questions, patience)
}

/// Asks one disk; of a partition, the disk it is a part of.
#[must_use]
pub fn ask(disk: &Disk, patience: Duration) -> SelfReport {
    let mut reports = ask_all(std::slice::from_ref(disk), patience);
    reports.pop().unwrap_or_else(|| SelfReport::not_asked("it was not asked"))
}

/// Runs each question in a thread of its own. Threads whose disks hang are left behind.
fn within<Q>(questions: Vec<Q>, patience: Duration) -> Vec<SelfReport>
where
    Q: FnOnce() -> SelfReport + Send + 'static,
{
    let deadline = Instant::now().checked_add(patience);
    let waiting: Vec<_> = questions
        .into_iter()
        .map(|question| {
            let (send, receive) = mpsc::channel();
            let begun = std::thread::Builder::new().name("ask".to_owned()).spawn(move || {
                // Nobody may be waiting any more.
                let _ = send.send(question());
            });
            (receive, begun.is_ok())
        })
        .collect();
    let patient = |(receive, begun): (mpsc::Receiver<SelfReport>, bool)| {
        let left = deadline.map_or(patience, |deadline| deadline.saturating_duration_since(Instant::now()));
        match receive.recv_timeout(left) {
            Ok(report) => report,
            Err(_) if !begun => SelfReport::not_asked("no thread could be had to ask it"),
            Err(_) => SelfReport::not_asked("it has not answered in time; the kernel still waits for it"),
        }
    };
    waiting.into_iter().map(patient).collect()
}

/// Where a disk is asked and how.
enum Way {
    Ata(PathBuf, ByteCount),
    Scsi(PathBuf, scsi::KeptPages),
    Kept(scsi::KeptPages, &'static str),
    Nvme(PathBuf, nvme::Namespace),
    Mmc(PathBuf, mmc::Card),
    Sd(mmc::Card),
    Nowhere(&'static str),
}

fn ask_in(roots: &Roots, disk: &Disk) -> SelfReport {
    let through = |node: &Path, asking: &dyn Fn(&mut dyn Ask) -> SelfReport| match Channel::open(node) {
        Ok(mut channel) => asking(&mut channel),
        Err(silence) => SelfReport::not_asked(&silence.to_string()),
    };
    match way(roots, disk) {
        Way::Ata(node, shown) => through(&node, &|door| ata::ask(door, shown)),
        Way::Scsi(node, kept) => through(&node, &|door| scsi::ask(door, &kept)),
        Way::Kept(kept, reason) => scsi::without_asking(&kept, reason),
        Way::Nvme(controller, own) => through(&controller, &|door| nvme::ask(door, &own)),
        Way::Mmc(node, card) => through(&node, &|door| mmc::ask(door, &card)),
        Way::Sd(card) => mmc::of_sd(&card),
        Way::Nowhere(reason) => SelfReport::not_asked(reason),
    }
}

fn way(roots: &Roots, disk: &Disk) -> Way {
    let name = disk.parent.as_deref().unwrap_or(&disk.name);
    let Ok(folder) = roots.sys.join("block").join(name.replace('/', "!")).canonicalize() else {
        return Way::Nowhere(match disk.node {
            None => "it is a file, not a disk",
            Some(_) => "the kernel shows it no more",
        });
    };
    let ancestry = Ancestry::of(&folder);
    let node = roots.dev.join(name);
    let size = ByteCount(sysfs::number(&folder.join("size")).unwrap_or(0).saturating_mul(512));
    match disk.identity.transport {
        Transport::Ata | Transport::Scsi | Transport::Usb | Transport::Firewire | Transport::Ufs => {
            scsi_way(node, size, &ancestry, disk)
        }
        Transport::Nvme => nvme_way(roots, &folder, &ancestry, size),
        Transport::Mmc => match ancestry.nearest(&["mmc"]) {
            Some(card) => mmc_way(node, mmc::Card::of(card, name)),
            None => Way::Nowhere("the kernel doesn't show the card it is on"),
        },
        Transport::Virtio => Way::Nowhere("a virtio disk has no command that tells it"),
        Transport::Floppy => Way::Nowhere("a floppy drive has no command that tells it"),
        Transport::Loop | Transport::File => Way::Nowhere("it is a file, not a disk"),
        Transport::Other => Way::Nowhere("it is attached in a way that is not known here"),
    }
}

fn scsi_way(node: PathBuf, size: ByteCount, ancestry: &Ancestry, disk: &Disk) -> Way {
    const OPTICAL: [u64; 2] = [0x04, 0x05];
    let Some(device) = ancestry.scsi_device() else {
        return Way::Nowhere("the kernel shows no SCSI device of it");
    };
    if sysfs::number(&device.join("type")).is_some_and(|kind| OPTICAL.contains(&kind)) {
        return Way::Nowhere("optical drives are not asked");
    }
    let transport = disk.identity.transport;
    let translates = sysfs::bytes(&device.join("vpd_pg89")).is_some_and(|page| !page.is_empty())
        || sysfs::text(&device.join("vendor")).as_deref() == Some("ATA");
    if transport == Transport::Ata || translates {
        return Way::Ata(node, size);
    }
    let kept = scsi::KeptPages::of(device, disk.identity.logical_sector.sectors_in(size));
    match transport {
        Transport::Usb | Transport::Firewire => Way::Kept(
            kept,
            "the bridge doesn't say that it passes IDENTIFY DEVICE on, and may hang when asked to",
        ),
        _ => Way::Scsi(node, kept),
    }
}

fn mmc_way(node: PathBuf, card: mmc::Card) -> Way {
    if card.is_mmc() { Way::Mmc(node, card) } else { Way::Sd(card) }
}

fn nvme_way(roots: &Roots, folder: &Path, ancestry: &Ancestry, size: ByteCount) -> Way {
    let Some(above) = ancestry.nearest(&["nvme", "nvme-subsystem"]) else {
        return Way::Nowhere("the kernel doesn't show its controller");
    };
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let own = above.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // With several paths the disk hangs on the subsystem, which has its controllers below.
    let mut candidates = names(above);
    candidates.push(own);
    candidates.sort();
    let is_controller = |name: &str| {
        name.strip_prefix("nvme").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let Some(controller) = candidates.iter().find(|name| is_controller(name)) else {
        return Way::Nowhere("the kernel doesn't show its controller");
    };
    let Some(id) = namespace_of(folder) else {
        return Way::Nowhere("the kernel doesn't tell the number of its namespace");
    };
    let shown = names(above).iter().filter_map(|name| namespace_of(&above.join(name))).collect();
    let own = nvme::Namespace { id, has_size: size.0 > 0, shown };
    Way::Nvme(roots.dev.join(controller), own)
}

fn namespace_of(folder: &Path) -> Option<u32> {
    sysfs::number(&folder.join("nsid")).and_then(|id| u32::try_from(id).ok())
}

#[cfg(test)]
mod fixtures;
