//! Two machines that together carry an evidence disk on every transport.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::path::{Path, PathBuf};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, noise},
    guest::Guest,
    toolbox,
};
use tempfile::TempDir;

/// Number of the FAT partition on each disk.
pub const FAT: usize = 1;
/// Number of the ext4 partition with a dirty journal on each disk.
pub const DIRTY: usize = 2;

/// Number of the ext4 partition with an error in its journal on each disk.
pub const JOURNAL_ERROR: usize = 3;

/// A machine with PCI Express and the transports that it carries.
pub const PCI_EXPRESS: (Chipset, &[Transport]) = (
    Chipset::Q35,
    &[
        Transport::Ahci,
        Transport::Nvme,
        Transport::VirtioBlk,
        Transport::VirtioScsi,
        Transport::UsbBot,
        Transport::Sd,
    ],
);

/// A machine with PCI only and the transports that it carries.
pub const PCI: (Chipset, &[Transport]) = (Chipset::Pc, &[Transport::Ide, Transport::Uas, Transport::Ufs]);

/// The same, with adapters, a second namespace and optical drives: what only tests of the command gates need.
pub const EVERY_PCI_EXPRESS: (Chipset, &[Transport]) = (
    Chipset::Q35,
    &[
        Transport::Ahci,
        Transport::Nvme,
        Transport::NvmeNamespace,
        Transport::VirtioBlk,
        Transport::VirtioScsi,
        Transport::UsbBot,
        Transport::Sd,
        Transport::MegaRaid,
        Transport::ScsiCd,
        Transport::AhciCd,
    ],
);

/// The same for a machine with PCI only.
pub const EVERY_PCI: (Chipset, &[Transport]) =
    (Chipset::Pc, &[Transport::Ide, Transport::Uas, Transport::Ufs, Transport::Fusion, Transport::Floppy]);

/// A machine ready to be switched on, and all that belongs to it.
pub struct Bench {
    /// The machine, with the toolbox and all disks.
    pub machine: Machine,
    /// Its evidence disks.
    pub disks: Vec<Disk>,
    /// Where its logs go.
    pub logs: PathBuf,
    /// Holds the disk images.
    pub folder: TempDir,
}

impl Bench {
    /// Builds the disks of one of the two machines, with the toolbox; logs go to the folder `run`.
    pub fn new(kind: (Chipset, &[Transport]), run: &str) -> Self {
        let mut bench = Self::bare(kind, run);
        let tools = bench.folder.path().join("toolbox");
        toolbox::build(&tools).unwrap();
        bench.machine = bench.machine.toolbox(&tools);
        bench
    }

    /// The same without the toolbox, whose own disk would share an address with the one on virtio-blk.
    pub fn bare((chipset, transports): (Chipset, &[Transport]), run: &str) -> Self {
        let kernel = Artifacts::of_this_build().kernel().unwrap();
        Self::booting(Boot::Kernel(kernel), (chipset, transports), run)
    }

    /// The same with another system.
    pub fn booting(boot: Boot, (chipset, transports): (Chipset, &[Transport]), run: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disks: Vec<Disk> =
            transports.iter().map(|transport| evidence(*transport, folder.path())).collect();
        let machine = disks.iter().cloned().fold(Machine::new(chipset, boot), Machine::disk);
        let logs = Artifacts::of_this_build().log_folder(run).unwrap();
        Bench { machine, disks, logs, folder }
    }
}

/// The name of a bench disk in the guest's /dev.
pub fn await_name(guest: &mut Guest, disk: &Disk) -> String {
    match disk.transport {
        // The driver learns the size of a floppy when it is first read.
        Transport::Floppy => {
            guest.await_file("/dev/fd0").unwrap();
            guest.demand("dd if=/dev/fd0 of=/dev/null bs=512 count=1 2>/dev/null").unwrap();
            "fd0".into()
        }
        other => guest.await_disk(size_of(other)).unwrap(),
    }
}

/// The disk of each transport has a size of its own, by which it is found in the guest.
pub fn size_of(transport: Transport) -> u64 {
    match transport {
        // SD cards have sizes of a power of two.
        Transport::Sd => 32 * MIB,
        Transport::Floppy => 1440 << 10,
        other => (33 + other as u64) * MIB,
    }
}

fn evidence(transport: Transport, folder: &Path) -> Disk {
    let name = name_of(transport);
    let image = folder.join(&name);
    match transport {
        Transport::Floppy => std::fs::write(&image, noise(size_of(transport) as usize)).unwrap(),
        _ => layout_of(transport).build(&image, size_of(transport)).unwrap(),
    }
    let disk = Disk::new(&name, transport, image);
    // Where two models take ports or targets, they must not take the same ones.
    match transport {
        Transport::AhciCd | Transport::MegaRaid | Transport::Fusion => disk.on_port(2),
        Transport::ScsiCd => disk.on_port(3),
        // At high speed, without streams: the model aborts when a command of a stream ends without the data that it was
        // to read, as a disk ends an ATA command that it does not know.
        Transport::Uas => disk.behind("ehci"),
        Transport::NvmeNamespace => disk.behind(&name_of(Transport::Nvme)),
        _ => disk,
    }
}

fn name_of(transport: Transport) -> String {
    format!("evidence{}", transport as usize)
}

fn layout_of(transport: Transport) -> Layout {
    let partitions =
        vec![(FileSystem::Fat, 6), (FileSystem::Ext4DirtyJournal, 12), (FileSystem::Ext4JournalError, 12)];
    let label = match transport {
        Transport::Ufs => Label::Mbr4Kn,
        Transport::Ahci | Transport::Nvme | Transport::Uas => Label::Gpt,
        _ => Label::Mbr,
    };
    Layout { label, partitions }
}
