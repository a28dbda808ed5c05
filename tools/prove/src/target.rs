//! The disk under test: its nodes, its geometry, what it is.

use crate::failure::Failure;
use crate::vector::Door;
use device::{Disk, Kind, Partition, SignatureReport};
use evidence::Transport;
use std::path::{Path, PathBuf};

/// Peripheral device types, SPC-5.
const TYPE_OPTICAL: &str = "5";

/// A disk and every node that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What it says it is.
    pub(crate) disk: Disk,
    /// Its SCSI device type is that of an optical drive.
    pub(crate) optical: bool,
    /// Its folder in sysfs.
    pub(crate) folder: PathBuf,
    nodes: Vec<(Door, PathBuf)>,
}

impl Target {
    /// Looks a whole disk up.
    pub(crate) fn find(path: &Path) -> Result<Self, Failure> {
        Self::look_up(path, true)
    }

    /// The same without a look at what lies on it: for a disk that was known before.
    pub(crate) fn again(path: &Path) -> Result<Self, Failure> {
        Self::look_up(path, false)
    }

    fn look_up(path: &Path, signatures: bool) -> Result<Self, Failure> {
        let path = if path.is_absolute() { path.to_owned() } else { Path::new("/dev").join(path) };
        let mut disk = device::inventory::identify(&path)?;
        if disk.node.is_none() {
            return Err(Failure::NoDisk { path });
        }
        if let Some(parent) = disk.parent {
            return Err(Failure::Partition { path, parent });
        }
        if signatures {
            disk.read_signatures();
        }
        let block = Path::new("/sys/block").join(&disk.name);
        let folder = block.canonicalize().unwrap_or(block);
        let device = folder.join("device");
        let attribute = |name: &str| std::fs::read_to_string(device.join(name)).unwrap_or_default();
        let optical = attribute("type").trim() == TYPE_OPTICAL;
        let mut nodes = vec![(Door::Disk, path)];
        if let Some(partition) = disk.partitions.first() {
            nodes.push((Door::Partition, PathBuf::from(&partition.path)));
        }
        if !optical {
            nodes.push((Door::Loop, PathBuf::from(&disk.identity.path)));
            nodes.push((Door::Mapper, PathBuf::from(&disk.identity.path)));
        }
        let member = disk.partitions.iter().find(|partition| carries(&partition.signatures, Kind::LinuxRaid));
        nodes.extend(member.map(|partition| (Door::RaidMember, PathBuf::from(&partition.path))));
        let only_entry = |name: &str| first_entry(&device.join(name));
        nodes.extend(only_entry("scsi_generic").map(|name| (Door::Generic, Path::new("/dev").join(name))));
        nodes.extend(only_entry("bsg").map(|name| (Door::Bsg, Path::new("/dev/bsg").join(name))));
        if disk.identity.transport == Transport::Nvme {
            nodes.extend(nvme_nodes(&disk.name, &device));
        }
        nodes.extend(usb_node(&device).map(|path| (Door::UsbDevice, path)));
        nodes.extend(ufs_node(&device).map(|path| (Door::UfsHost, path)));
        Ok(Self { disk, optical, folder, nodes })
    }

    /// A target without a machine, whose doors all lead nowhere.
    #[cfg(test)]
    pub(crate) fn pretended(transport: Transport, doors: &[Door]) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let mut disk = device::inventory::identify(&file).unwrap();
        disk.identity.transport = transport;
        let nodes = doors.iter().map(|door| (*door, PathBuf::from("/nonexistent"))).collect();
        Self { disk, optical: false, folder: PathBuf::from("/nonexistent"), nodes }
    }

    /// The node behind a door, if this disk has it.
    pub(crate) fn node(&self, door: Door) -> Option<&Path> {
        self.nodes.iter().find(|(known, _)| *known == door).map(|(_, path)| path.as_path())
    }

    /// The node of a partition by its number, or of the disk itself.
    pub(crate) fn partition_node(&self, number: Option<u64>) -> Option<&Path> {
        let Some(number) = number else { return self.node(Door::Disk) };
        let partition = self.disk.partitions.iter().find(|partition| partition.number == number)?;
        Some(Path::new(&partition.path))
    }

    /// The range of a partition, first byte and length, by its number.
    pub(crate) fn range_of(&self, number: u64) -> Option<(u64, u64)> {
        let partition = self.disk.partitions.iter().find(|partition| partition.number == number)?;
        Some((self.start_of(partition), partition.size.0))
    }

    /// Number of the partition that is a member of a Linux RAID array.
    pub(crate) fn raid_member(&self) -> Option<u64> {
        let node = self.node(Door::RaidMember)?;
        let partition = self.disk.partitions.iter().find(|partition| Path::new(&partition.path) == node)?;
        Some(partition.number)
    }

    /// The first byte of a partition.
    pub(crate) fn start_of(&self, partition: &Partition) -> u64 {
        partition.start.0.saturating_mul(u64::try_from(self.sector()).unwrap_or(512))
    }

    /// Its doors.
    pub(crate) fn doors(&self) -> impl Iterator<Item = (Door, &Path)> {
        self.nodes.iter().map(|(door, path)| (*door, path.as_path()))
    }

    /// It takes SCSI commands: ATA disks behind libata do too.
    pub(crate) fn takes_scsi(&self) -> bool {
        self.node(Door::Generic).is_some()
            || self.node(Door::Bsg).is_some()
            || matches!(
                self.disk.identity.transport,
                Transport::Ata | Transport::Scsi | Transport::Usb | Transport::Ufs | Transport::Firewire
            )
    }

    /// Of a card: which standard it follows.
    pub(crate) fn card_kind(&self) -> &'static str {
        let kind = std::fs::read_to_string(self.folder.join("device/type")).unwrap_or_default();
        if kind.trim() == "MMC" { "eMMC" } else { "SD" }
    }

    /// How it is attached.
    pub(crate) fn transport(&self) -> Transport {
        self.disk.identity.transport
    }

    /// Size of a logical sector.
    pub(crate) fn sector(&self) -> usize {
        usize::try_from(self.disk.identity.logical_sector.bytes()).unwrap_or(512)
    }

    /// Size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.disk.identity.capacity.0
    }
}

fn carries(found: &SignatureReport, kind: Kind) -> bool {
    found.found().iter().any(|sign| sign.kind == kind)
}

fn first_entry(folder: &Path) -> Option<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.into_iter().next()
}

/// `nvme0n1` belongs to the controller `nvme0` and has the generic node `ng0n1`.
fn nvme_nodes(disk: &str, device: &Path) -> Vec<(Door, PathBuf)> {
    let controller =
        device.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let generic = disk.strip_prefix("nvme").map(|rest| format!("ng{rest}"));
    let node = |name: String| Path::new("/dev").join(name);
    let mut nodes: Vec<(Door, PathBuf)> =
        controller.into_iter().map(|name| (Door::Controller, node(name))).collect();
    if let Some(name) = generic {
        nodes.push((Door::NvmeGeneric, node(name.clone())));
        nodes.push((Door::Ring, node(name)));
    }
    nodes
}

/// The nearest ancestor in sysfs with a bus and a device number is the USB device.
fn usb_node(device: &Path) -> Option<PathBuf> {
    let path = device.canonicalize().ok()?;
    let number = |folder: &Path, name: &str| -> Option<u32> {
        std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
    };
    path.ancestors().find_map(|folder| {
        let (bus, number) = (number(folder, "busnum")?, number(folder, "devnum")?);
        Some(PathBuf::from(format!("/dev/bus/usb/{bus:03}/{number:03}")))
    })
}

/// A UFS host has a bsg node beside its logical units'.
fn ufs_node(device: &Path) -> Option<PathBuf> {
    let path = device.canonicalize().ok()?;
    path.ancestors().find_map(|folder| {
        let entries = std::fs::read_dir(folder).ok()?;
        let mut names =
            entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
        let name = names.find(|name| name.starts_with("ufs-bsg"))?;
        Some(Path::new("/dev/bsg").join(name))
    })
}
