//! Two machines that together carry an evidence disk on every transport.

use std::path::{Path, PathBuf};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB},
    toolbox,
};
use tempfile::TempDir;

/// Number of the FAT partition on each disk.
#[allow(dead_code, reason = "each test takes what it needs")]
pub const FAT: usize = 1;
/// Number of the ext4 partition with a dirty journal on each disk.
pub const DIRTY: usize = 2;

/// Number of the ext4 partition with an error in its journal on each disk.
#[allow(dead_code, reason = "each test takes what it needs")]
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
    /// Builds the disks of one of the two machines; logs go to the folder `run`.
    pub fn new((chipset, transports): (Chipset, &[Transport]), run: &str) -> Self {
        let artifacts = Artifacts::of_this_build();
        let folder = tempfile::tempdir().unwrap();
        let tools = folder.path().join("toolbox");
        toolbox::build(&tools).unwrap();
        let disks: Vec<Disk> =
            transports.iter().map(|transport| evidence(*transport, folder.path())).collect();
        let machine = Machine::new(chipset, Boot::Kernel(artifacts.kernel().unwrap())).toolbox(&tools);
        let machine = disks.iter().cloned().fold(machine, Machine::disk);
        Bench { machine, disks, logs: artifacts.log_folder(run).unwrap(), folder }
    }
}

/// The disk of each transport has a size of its own, by which it is found in the guest.
pub fn size_of(transport: Transport) -> u64 {
    match transport {
        // SD cards have sizes of a power of two.
        Transport::Sd => 32 * MIB,
        other => (33 + other as u64) * MIB,
    }
}

fn evidence(transport: Transport, folder: &Path) -> Disk {
    let partitions =
        vec![(FileSystem::Fat, 6), (FileSystem::Ext4DirtyJournal, 12), (FileSystem::Ext4JournalError, 12)];
    let label = match transport {
        Transport::Ufs => Label::Mbr4Kn,
        Transport::Ahci | Transport::Nvme | Transport::Uas => Label::Gpt,
        _ => Label::Mbr,
    };
    let name = format!("evidence{}", transport as usize);
    let image = folder.join(&name);
    Layout { label, partitions }.build(&image, size_of(transport)).unwrap();
    Disk::new(&name, transport, image)
}
