//! What disks are attached, from sysfs alone: no device is opened, so listing cannot change or even touch one.
//!
//! (A few attributes make the kernel ask the device for its identification, the serial of virtio-blk for one; those
//! commands read.) Signatures come from the medium: [`Disk::read_signatures`] opens it read-only and is called apart.

use crate::ancestry::Ancestry;
use crate::foreign_sectors;
use crate::identification::identification;
use crate::signature::{self, SignatureReport};
use crate::sysfs::{self, Roots};
use evidence::{ByteCount, DeviceIdentity, Lba, SectorSize, Transport};
use nix::sys::stat::{major, minor};
use serde::Serialize;
use std::fmt;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// sysfs counts size and start in these, whatever the logical sector (Documentation/ABI/stable/sysfs-block).
const SYSFS_SECTOR: u64 = 512;

/// Number of a device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct NodeNumber {
    /// Major number: the driver.
    pub major: u64,
    /// Minor number: the device of that driver.
    pub minor: u64,
}

/// A disk, or one partition or ordinary file that [`identify`] was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Disk {
    /// What it says it is. Of a partition: the identity of its disk, with the partition's own path and capacity.
    #[serde(flatten)]
    pub identity: DeviceIdentity,
    /// Name under `/sys/block`, such as `sda`; of a file its file name.
    pub name: String,
    /// Number of its node; `None` for an ordinary file.
    pub node: Option<NodeNumber>,
    /// Name of the whole disk, when this is a partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The medium can be changed.
    pub removable: bool,
    /// True for turning media, false for flash; `None` where the kernel does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotational: Option<bool>,
    /// The kernel holds it for read-only: by the guard, by its write-protect switch or by its kind.
    pub read_only: bool,
    /// Serial string of the USB device, where that differs from the disk's own serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usb_serial: Option<String>,
    /// The file behind a loop device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backing_file: Option<String>,
    /// Partitions the kernel found, in the order of their numbers.
    pub partitions: Vec<Partition>,
    /// What lies on the disk itself, outside its partitions.
    pub signatures: SignatureReport,
    /// What does not fit together or could not be learnt about this disk, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A partition of a disk.
#[derive(Clone, Debug, Serialize)]
pub struct Partition {
    /// Device node, e.g. `/dev/sda1`.
    pub path: String,
    /// Number in the partition table.
    pub number: u64,
    /// First sector, in logical sectors of the disk.
    pub start: Lba,
    /// Size.
    pub size: ByteCount,
    /// Name from the partition table (GPT).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Unique id from the partition table, where the kernel tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// What lies on it.
    pub signatures: SignatureReport,
}

/// A device that cannot be listed or identified.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The list of disks cannot be read.
    #[error("{path}: the list of disks cannot be read: {source}; is sysfs mounted?", path = .path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The named device or file cannot be looked at.
    #[error("{path}: cannot be examined: {source}; check the name with pf-devices", path = .path.display())]
    Examine {
        /// The device or file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Neither a block device nor an ordinary file.
    #[error("{path}: is neither a disk, a partition nor an ordinary file; name one of these", path = .path.display())]
    WrongKind {
        /// What was named.
        path: PathBuf,
    },
    /// The device has no size or sector size that can be true.
    #[error("{path}: sysfs gives no usable {what} ({folder}); unplug the device and try again", path = .path.display(), folder = .folder.display())]
    Attribute {
        /// The device.
        path: PathBuf,
        /// What is missing or wrong.
        what: &'static str,
        /// Its folder in sysfs.
        folder: PathBuf,
    },
}

/// Every disk of this machine, sorted by name. RAM disks, empty loop devices and other virtual devices without content are
/// left out. A disk that vanishes while it is listed is left out; one with odd attributes is listed with a warning.
///
/// # Errors
/// [`DeviceError::List`] when there is no list of disks.
pub fn list() -> Result<Vec<Disk>, DeviceError> {
    list_in(&Roots::system())
}

/// As [`list`], of a machine whose sysfs is at `sys`; names of nodes begin with `dev`.
///
/// # Errors
/// As [`list`].
pub fn list_at(sys: &Path, dev: &Path) -> Result<Vec<Disk>, DeviceError> {
    list_in(&Roots { sys: sys.to_owned(), dev: dev.to_owned() })
}

/// The disk, partition or ordinary file at `path`.
///
/// # Errors
/// [`DeviceError`] when it does not exist, is of another kind, or sysfs does not know its size.
pub fn identify(path: &Path) -> Result<Disk, DeviceError> {
    identify_in(&Roots::system(), path)
}

/// Numbers of the devices that are made of the device with number `node`: volumes of LVM, RAID and encryption (sysfs
/// `holders`), and what is made of those in turn. A file system on one of them lies on `node`.
#[must_use]
pub fn built_on(node: NodeNumber) -> Vec<NodeNumber> {
    built_on_in(&Roots::system(), node)
}

impl Disk {
    /// Reads the first and last sectors of the disk and of each partition, read-only, and notes what lies on them.
    /// Nodes that cannot be read are noted as such. Memory: below 512 KiB, whatever the disk.
    pub fn read_signatures(&mut self) {
        self.signatures = signature::examine(Path::new(&self.identity.path));
        for partition in &mut self.partitions {
            partition.signatures = signature::examine(Path::new(&partition.path));
        }
    }
}

impl fmt::Display for NodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

pub(crate) fn list_in(roots: &Roots) -> Result<Vec<Disk>, DeviceError> {
    let block = roots.sys.join("block");
    let list_error = |source| DeviceError::List { path: block.clone(), source };
    let mut disks = Vec::new();
    for entry in std::fs::read_dir(&block).map_err(list_error)? {
        let entry = entry.map_err(list_error)?;
        let Ok(folder) = entry.path().canonicalize() else { continue };
        if !is_left_out(&entry.file_name().to_string_lossy(), &folder) {
            disks.push(disk_at(roots, &folder));
        }
    }
    disks.sort_by(|a, b| natural_order(&a.name).cmp(&natural_order(&b.name)));
    Ok(disks)
}

pub(crate) fn built_on_in(roots: &Roots, node: NodeNumber) -> Vec<NodeNumber> {
    let mut found: Vec<NodeNumber> = Vec::new();
    let mut next = Some(node);
    let mut examined = 0usize;
    // What is found once is not looked at again, so the number of devices bounds the walk.
    while let Some(below) = next {
        let holders = roots.sys.join("dev/block").join(below.to_string()).join("holders");
        for holder in std::fs::read_dir(holders).into_iter().flatten().flatten() {
            let Some(number) = node_number(&holder.path()) else { continue };
            if number != node && !found.contains(&number) {
                found.push(number);
            }
        }
        next = found.get(examined).copied();
        examined = examined.saturating_add(1);
    }
    found
}

fn identify_in(roots: &Roots, path: &Path) -> Result<Disk, DeviceError> {
    let metadata =
        std::fs::metadata(path).map_err(|source| DeviceError::Examine { path: path.to_owned(), source })?;
    if metadata.is_file() {
        return Ok(ordinary_file(path, ByteCount(metadata.len())));
    }
    if !metadata.file_type().is_block_device() {
        return Err(DeviceError::WrongKind { path: path.to_owned() });
    }
    let node = NodeNumber { major: major(metadata.rdev()), minor: minor(metadata.rdev()) };
    identify_node(roots, path, node)
}

pub(crate) fn identify_node(roots: &Roots, path: &Path, node: NodeNumber) -> Result<Disk, DeviceError> {
    let folder = roots
        .sys
        .join("dev/block")
        .join(node.to_string())
        .canonicalize()
        .map_err(|source| DeviceError::Examine { path: path.to_owned(), source })?;
    let missing = |what, folder: &Path| DeviceError::Attribute {
        path: path.to_owned(),
        what,
        folder: folder.to_owned(),
    };
    let is_partition = folder.join("partition").exists();
    let disk_folder = if is_partition { folder.parent().unwrap_or(&folder) } else { &folder };
    // Listing goes on where an attribute is odd; a source to be imaged must be known exactly.
    let size = sysfs::number(&folder.join("size")).ok_or_else(|| missing("size", &folder))?;
    logical_sector(disk_folder).ok_or_else(|| missing("logical sector size", disk_folder))?;
    let mut disk = disk_at(roots, disk_folder);
    if is_partition {
        disk.parent = Some(std::mem::replace(&mut disk.name, folder_name(&folder)));
        disk.identity.capacity = ByteCount(size.saturating_mul(SYSFS_SECTOR));
        disk.node = node_number(&folder);
        disk.partitions.clear();
    }
    disk.identity.path = path.to_string_lossy().into_owned();
    Ok(disk)
}

/// RAM disks hold no evidence; a loop device without file, like any virtual device without a size, is an empty socket.
fn is_left_out(name: &str, folder: &Path) -> bool {
    let is_ram = name.starts_with("ram") || name.starts_with("zram");
    let is_virtual = !folder.join("device").exists();
    let is_empty = sysfs::number(&folder.join("size")).unwrap_or(0) == 0;
    let is_hidden = sysfs::flag(&folder.join("hidden")).unwrap_or(false);
    is_ram || is_hidden || (is_virtual && is_empty)
}

fn disk_at(roots: &Roots, folder: &Path) -> Disk {
    let ancestry = Ancestry::of(folder);
    let said = identification(folder, &ancestry);
    let mut warnings = Vec::new();
    let logical_sector = logical_sector(folder).unwrap_or_else(|| {
        warnings.push("the kernel gives no usable logical sector size; 512 bytes are assumed".to_owned());
        SectorSize::S512
    });
    warnings.extend(guard_disagrees(folder, said.serial.as_deref()));
    let sectors = sysfs::number(&folder.join("size")).unwrap_or_else(|| {
        warnings.push("the kernel gives no size; the device may just have been unplugged".to_owned());
        0
    });
    warnings.extend(foreign_sectors::reason_in_sys(&roots.sys, &folder_name(folder)));
    Disk {
        name: folder_name(folder),
        node: node_number(folder),
        parent: None,
        removable: sysfs::flag(&folder.join("removable")).unwrap_or(false),
        rotational: sysfs::flag(&folder.join("queue/rotational")),
        read_only: sysfs::flag(&folder.join("ro")).unwrap_or(false),
        usb_serial: said.usb_serial.filter(|usb| said.serial.as_ref() != Some(usb)),
        backing_file: sysfs::text(&folder.join("loop/backing_file")),
        partitions: partitions(roots, folder, logical_sector),
        signatures: SignatureReport::NotRead,
        warnings,
        identity: DeviceIdentity {
            path: node_path(roots, folder),
            make: said.make,
            model: said.model,
            serial: said.serial,
            wwn: said.wwn,
            firmware: said.firmware,
            transport: ancestry.transport(),
            capacity: ByteCount(sectors.saturating_mul(SYSFS_SECTOR)),
            logical_sector,
            physical_sector: sysfs::number(&folder.join("queue/physical_block_size"))
                .and_then(|bytes| SectorSize::new(bytes).ok())
                .unwrap_or(logical_sector),
        },
    }
}

fn ordinary_file(path: &Path, size: ByteCount) -> Disk {
    Disk {
        name: folder_name(path),
        node: None,
        parent: None,
        removable: false,
        rotational: None,
        read_only: false,
        usb_serial: None,
        backing_file: None,
        partitions: Vec::new(),
        signatures: SignatureReport::NotRead,
        warnings: Vec::new(),
        identity: DeviceIdentity {
            path: path.to_string_lossy().into_owned(),
            make: None,
            model: None,
            serial: None,
            wwn: None,
            firmware: None,
            transport: Transport::File,
            capacity: size,
            logical_sector: SectorSize::S512,
            physical_sector: SectorSize::S512,
        },
    }
}

fn partitions(roots: &Roots, disk: &Path, sector: SectorSize) -> Vec<Partition> {
    let Ok(entries) = std::fs::read_dir(disk) else { return Vec::new() };
    let mut found: Vec<Partition> = entries
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let number = sysfs::number(&folder.join("partition"))?;
            let bytes = |name| sysfs::number(&folder.join(name)).map(|n| n.saturating_mul(SYSFS_SECTOR));
            Some(Partition {
                path: node_path(roots, &folder),
                number,
                start: sector.lba_of(evidence::ByteOffset(bytes("start")?)),
                size: ByteCount(bytes("size")?),
                label: sysfs::uevent_value(&folder, "PARTNAME"),
                uuid: sysfs::uevent_value(&folder, "PARTUUID"),
                signatures: SignatureReport::NotRead,
            })
        })
        .collect();
    found.sort_by_key(|partition| partition.number);
    found
}

fn logical_sector(disk: &Path) -> Option<SectorSize> {
    SectorSize::new(sysfs::number(&disk.join("queue/logical_block_size"))?).ok()
}

/// The node's name is the kernel's own; the folder's name has `!` where the node's has `/`.
fn node_path(roots: &Roots, folder: &Path) -> String {
    let name =
        sysfs::uevent_value(folder, "DEVNAME").unwrap_or_else(|| folder_name(folder).replace('!', "/"));
    roots.dev.join(name).to_string_lossy().into_owned()
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn node_number(folder: &Path) -> Option<NodeNumber> {
    let text = sysfs::text(&folder.join("dev"))?;
    let (major, minor) = text.split_once(':')?;
    Some(NodeNumber { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

/// The guard finds serials by a walk of its own inside the kernel. Where both know one and they differ, one is wrong.
fn guard_disagrees(folder: &Path, serial: Option<&str>) -> Option<String> {
    let known = String::from_utf8(sysfs::bytes(&folder.join("guard/identity"))?).ok()?;
    let serials: Vec<&str> = known
        .lines()
        .filter_map(|line| line.strip_prefix("serial ").or_else(|| line.strip_prefix("usb-serial ")))
        .collect();
    match serial {
        Some(serial) if !serials.contains(&serial) && !serials.is_empty() => Some(format!(
            "the kernel guard knows this disk by serial {}, its attributes say {serial}; check the label on the disk",
            serials.join(" and ")
        )),
        _ => None,
    }
}

/// `sda` before `sdaa`, `loop2` before `loop10`.
fn natural_order(name: &str) -> (usize, &str, u64) {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (stem, number) = name.split_at(name.len().saturating_sub(digits));
    (stem.len(), stem, number.parse().unwrap_or(0))
}
