//! The disk that a clone is written onto: is it free, is it allowed, is it large enough?

use super::arguments::Arguments;
use super::failure::Failure;
use super::mounts;
use super::source::{self, Source, node_of};
use acquire::disk_writer::OpenDisk;
use device::{NodeNumber, inventory};
use evidence::{ByteCount, ByteOffset, Extent, GuardState, SectorSize, Transport};
use guard::{Guard, GuardError};
use record::{CloneDisk, CloneRest};
use std::io;
use std::path::{Path, PathBuf};

/// What stands for the serial of a disk without one.
const NO_SERIAL: &str = "none";

/// A disk that may be written.
pub struct Target {
    /// Its node.
    pub path: PathBuf,
    /// Open for this program alone.
    pub disk: OpenDisk,
    /// Size of its sectors.
    pub sector: SectorSize,
    capacity: ByteCount,
    source: Source,
    guard_state: Option<GuardState>,
}

/// What goes where.
pub struct Layout {
    /// What of the source is cloned, and where on the disk it lies: from the beginning on.
    pub cloned: Extent,
    /// What of the disk lies behind it.
    pub excess: Extent,
    /// What of the source has no room.
    pub truncated: ByteCount,
}

/// Finds the disk and refuses one that is not free, not allowed, or not sure to be the one that is meant.
pub fn check(path: &Path, arguments: &Arguments, source: &Source) -> Result<Target, Failure> {
    let named = path.display().to_string();
    let refuse = |reason: String| Err(Failure::CloneDisk { disk: named.clone(), reason });
    let target = source::identify(path)?;
    let disk = &target.disk;
    let Some(node) = disk.node else {
        return refuse("is no disk; to copy into a file, take --format raw".to_owned());
    };
    if let Some(whole) = &disk.parent {
        return refuse(format!("is a partition; a clone takes a whole disk, such as /dev/{whole}"));
    }
    if target.nodes.iter().any(|node| source.nodes.contains(node)) || is_its_file(disk, arguments) {
        return refuse("is the source itself".to_owned());
    }
    let mounts = mounts::mounts().map_err(Failure::Mounts)?;
    let is_on_it = |node: &NodeNumber| target.nodes.contains(node);
    if let Some(mount) = mounts
        .iter()
        .find(|mount| is_on_it(&mount.node) || node_of(&mount.source).is_some_and(|n| is_on_it(&n)))
    {
        return refuse(format!("is mounted at {}; unmount it first", mount.point.display()));
    }
    if target.nodes.iter().any(|node| !inventory::built_on(*node).is_empty()) {
        return refuse("carries a volume, RAID or encryption that is in use; stop that first".to_owned());
    }
    let guard_state = allowed(&target, arguments)?;
    if disk.read_only {
        return refuse("is read-only".to_owned());
    }
    let (sector, capacity) = (disk.identity.logical_sector, disk.identity.capacity);
    let disk = match OpenDisk::open(path, node, sector) {
        Ok(disk) => disk,
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            return refuse(
                "is in use by a file system, swap space or another program; end that first".to_owned(),
            );
        }
        Err(error) => return refuse(format!("can't be opened for writing: {error}")),
    };
    Ok(Target { path: path.to_owned(), disk, sector, capacity, source: target, guard_state })
}

/// A loop device may be made of the file that is the source.
fn is_its_file(disk: &device::Disk, arguments: &Arguments) -> bool {
    let file = disk.backing_file.as_ref().and_then(|file| Path::new(file).canonicalize().ok());
    file.is_some() && file == arguments.source.canonicalize().ok()
}

/// The guard's word; without a guard, the serial number that proves that this disk is meant.
fn allowed(target: &Source, arguments: &Arguments) -> Result<Option<GuardState>, Failure> {
    let disk = &target.disk;
    let named = disk.identity.path.clone();
    if let Some(guard) = Guard::in_force()? {
        return match guard.disk(&disk.name).and_then(|guarded| guarded.state()) {
            Ok(GuardState::Writable) => Ok(Some(GuardState::Writable)),
            Ok(state) => {
                let reason = format!(
                    "is {state} under the guard; if it may be overwritten: pf-guard allow {} --serial SERIAL",
                    disk.name
                );
                Err(Failure::CloneDisk { disk: named, reason })
            }
            Err(GuardError::NotGuarded { .. }) if disk.identity.transport == Transport::Loop => Ok(None),
            Err(error) => Err(error.into()),
        };
    }
    let serials: Vec<&String> = disk.identity.serial.iter().chain(&disk.usb_serial).collect();
    let given = arguments.clone.clone_serial.as_deref().map(str::trim);
    let reason = match given {
        // A file behind a loop device is named by its path alone.
        None if disk.identity.transport == Transport::Loop => return Ok(None),
        Some(NO_SERIAL) if serials.is_empty() => return Ok(None),
        None if serials.is_empty() => {
            format!(
                "will lose all it holds, and has no serial; if it is the right one: --clone-serial {NO_SERIAL}"
            )
        }
        Some(given) if serials.iter().any(|serial| serial.as_str() == given) => return Ok(None),
        None => "will lose all it holds; name it by its serial as well, with --clone-serial".to_owned(),
        Some(given) => format!("has not the serial {given}; see pf-devices"),
    };
    Err(Failure::CloneDisk { disk: named, reason })
}

impl Target {
    /// Lays a source of `size` out on the disk.
    pub fn lay_out(&self, size: ByteCount, truncate: bool) -> Result<Layout, Failure> {
        let truncated = ByteCount(size.0.saturating_sub(self.capacity.0));
        if truncated.0 > 0 && !truncate {
            let reason = format!(
                "has {}, the source {size}; take a larger disk, or --truncate to leave the end of the source out",
                self.capacity
            );
            return Err(Failure::CloneDisk { disk: self.path.display().to_string(), reason });
        }
        let length = ByteCount(size.0.min(self.capacity.0));
        let behind = length.0.next_multiple_of(u64::from(self.sector.bytes())).min(self.capacity.0);
        let excess = ByteCount(self.capacity.0.saturating_sub(behind));
        Ok(Layout {
            cloned: Extent { offset: ByteOffset(0), length },
            excess: Extent { offset: ByteOffset(behind), length: excess },
            truncated,
        })
    }

    /// What the record says of it.
    pub fn entry(&self, layout: &Layout, wipe_rest: bool) -> CloneDisk {
        CloneDisk {
            disk: self.source.disk.identity.clone(),
            guard_state: self.guard_state,
            cloned: layout.cloned.length,
            truncated: layout.truncated,
            excess: layout.excess.length,
            rest: if wipe_rest { CloneRest::Zeros } else { CloneRest::Left },
        }
    }
}
