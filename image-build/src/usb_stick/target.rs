//! Is this the disk to be overwritten? Everything that speaks against it.

use crate::error::{Doing, Result, XtaskError};
use device::{Disk, NodeNumber, inventory};
use evidence::{ByteCount, Transport};
use nix::sys::stat::{major, minor};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the running system keeps itself.
const OF_THE_SYSTEM: [&str; 6] = ["/", "/boot", "/boot/efi", "/usr", "/var", "/run/live/medium"];

/// A file system in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Number of the device that its files say they are on.
    node: NodeNumber,
    /// Where it is mounted.
    pub point: String,
    /// What is mounted.
    pub source: String,
}

/// The disk at `path`, a block device.
pub fn find(path: &Path) -> Result<Disk> {
    let disk = inventory::identify(path).map_err(|error| XtaskError::Unfit(error.to_string()))?;
    match (&disk.parent, disk.node) {
        (Some(whole), _) => refuse(&disk, &format!("is a partition; name the whole disk: /dev/{whole}")),
        (None, None) => refuse(&disk, "is no disk; name a whole disk such as /dev/sdb"),
        (None, Some(_)) => Ok(disk),
    }
}

/// The kernel's running number of what is attached, which no two disks of one boot share, whatever their node; nothing where
/// the kernel (before 5.15) counts none.
pub fn sequence(disk: &Disk) -> Option<u64> {
    let node = disk.node?;
    let text = fs::read_to_string(format!("/sys/dev/block/{}:{}/diskseq", node.major, node.minor)).ok()?;
    text.trim().parse().ok()
}

/// Refuses a disk that has come to the place of the one that was shown: who is asked for a serial may change sticks meanwhile,
/// and the kernel gives the next one the same name and number. To be asked while the device is open, which keeps its place.
pub fn must_be_the_same(disk: &Disk, shown: Option<u64>) -> Result<()> {
    if sequence(disk) == shown {
        return Ok(());
    }
    refuse(disk, "is another disk than the one that was shown; begin again")
}

/// Refuses a disk that must not be overwritten with `size` bytes.
pub fn check(disk: &Disk, size: u64, any_disk: bool) -> Result<()> {
    let mounts = mounted(disk)?;
    if let Some(mount) = mounts.iter().find(|mount| OF_THE_SYSTEM.contains(&mount.point.as_str())) {
        return refuse(disk, &format!("carries the running system, {}; name another disk", mount.point));
    }
    if let Some(mount) = mounts.first() {
        let point = &mount.point;
        return refuse(disk, &format!("is in use: mounted at {point}; unmount it first: umount {point}"));
    }
    let nodes = own_nodes(disk)?;
    if let Some(swap) =
        swaps()?.into_iter().find(|swap| node_at(swap).is_some_and(|node| nodes.contains(&node)))
    {
        let swap = swap.display();
        return refuse(disk, &format!("is in use: {swap} is swap space; end that first: swapoff {swap}"));
    }
    if nodes.iter().any(|node| !inventory::built_on(*node).is_empty()) {
        return refuse(
            disk,
            "is in use: it carries a volume, RAID or encryption (see lsblk); stop that first: vgchange -an, mdadm --stop, \
             cryptsetup close",
        );
    }
    if disk.read_only {
        return refuse(
            disk,
            "is read-only: by a switch on it, by blockdev --setro, or by the kernel's write block",
        );
    }
    let capacity = disk.identity.capacity;
    if capacity.0 < size {
        return refuse(disk, &format!("has {capacity}, the image {}; take a larger one", ByteCount(size)));
    }
    if !disk.removable && disk.identity.transport != Transport::Usb && !any_disk {
        let transport = disk.identity.transport;
        return refuse(
            disk,
            &format!("is neither removable nor on USB ({transport}); if it is the right one: --any-disk"),
        );
    }
    Ok(())
}

/// What is mounted of the disk, its partitions, and what is made of those.
pub fn mounted(disk: &Disk) -> Result<Vec<Mount>> {
    let mut nodes = own_nodes(disk)?;
    nodes.extend(nodes.clone().into_iter().flat_map(inventory::built_on));
    let mut mounts = mounts()?;
    // Files of Btrfs say that they are on a device which does not exist; there the source tells.
    mounts.retain(|mount| {
        nodes.contains(&mount.node)
            || node_at(Path::new(&mount.source)).is_some_and(|node| nodes.contains(&node))
    });
    Ok(mounts)
}

/// Numbers of the disk and of its partitions.
fn own_nodes(disk: &Disk) -> Result<Vec<NodeNumber>> {
    let Some(node) = disk.node else { return Ok(Vec::new()) };
    let folder = PathBuf::from(format!("/sys/dev/block/{node}"));
    let listing = fs::read_dir(&folder).doing(|| format!("listing {}", folder.display()))?;
    let mut nodes = vec![node];
    for entry in listing {
        let part = entry.doing(|| format!("listing {}", folder.display()))?.path();
        if part.join("partition").exists() {
            let number = part.join("dev");
            let text = fs::read_to_string(&number).doing(|| format!("reading {}", number.display()))?;
            nodes.extend(parse_node(text.trim()));
        }
    }
    Ok(nodes)
}

fn parse_node(text: &str) -> Option<NodeNumber> {
    let (major, minor) = text.split_once(':')?;
    Some(NodeNumber { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

fn node_at(path: &Path) -> Option<NodeNumber> {
    use std::os::unix::fs::FileTypeExt;
    let metadata = fs::metadata(path).ok().filter(|metadata| metadata.file_type().is_block_device())?;
    Some(NodeNumber { major: major(metadata.rdev()), minor: minor(metadata.rdev()) })
}

/// All mounts this process sees: proc_pid_mountinfo(5).
fn mounts() -> Result<Vec<Mount>> {
    let text = read("/proc/self/mountinfo")?;
    Ok(text.lines().filter_map(parse_mount).collect())
}

/// `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sdb1 rw,errors=continue`
fn parse_mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(2);
    let node = parse_node(fields.next()?)?;
    let point = fields.nth(1)?;
    let source = after.split(' ').nth(1)?;
    Some(Mount { node, point: unescaped(point), source: unescaped(source) })
}

/// Swap files and devices: proc_swaps(5). A file that is gone from its folder is no device either.
fn swaps() -> Result<Vec<PathBuf>> {
    if !Path::new("/proc/swaps").exists() {
        return Ok(Vec::new());
    }
    let text = read("/proc/swaps")?;
    let first_words = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    Ok(first_words.map(|name| PathBuf::from(unescaped(name))).collect())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).doing(|| format!("reading {path}"))
}

/// Blanks, tabs, line feeds and backslashes stand as three octal digits.
fn unescaped(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

fn refuse<T>(disk: &Disk, why: &str) -> Result<T> {
    Err(XtaskError::Unfit(format!("{}: not written: {why}", disk.identity.path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_known_by_its_node_its_place_and_its_source() {
        let mount = parse_mount("30 22 8:17 / /mnt/my\\040disk rw shared:1 - btrfs /dev/sdb1 ro").unwrap();
        assert_eq!(mount.node, NodeNumber { major: 8, minor: 17 });
        assert_eq!((mount.point.as_str(), mount.source.as_str()), ("/mnt/my disk", "/dev/sdb1"));
    }

    #[test]
    fn the_disk_of_the_running_system_is_never_taken() {
        let Some(root) = mounts().unwrap().into_iter().find(|mount| mount.point == "/") else { panic!() };
        let Ok(disk) = find(&PathBuf::from(format!("/dev/block/{}", root.node)))
            .or_else(|_| find(Path::new(&root.source)))
        else {
            eprintln!(
                "SKIPPED: the root file system is not on a whole disk of its own here: {}",
                root.source
            );
            return;
        };
        let refusal = check(&disk, 1, true).unwrap_err().to_string();
        assert!(refusal.contains("carries the running system"), "{refusal}");
    }
}
