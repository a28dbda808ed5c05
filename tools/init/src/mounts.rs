//! What is mounted at start, and what must be unmounted at the end.

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// One mount at start. None of them has a disk under it.
struct StartMount {
    kind: &'static str,
    target: &'static str,
    flags: MsFlags,
    options: &'static str,
}

const NOSUID: MsFlags = MsFlags::MS_NOSUID;
const NODEV: MsFlags = MsFlags::MS_NODEV;
const NOEXEC: MsFlags = MsFlags::MS_NOEXEC;

/// In this order: a later one may lie inside an earlier one.
const AT_START: [StartMount; 7] = [
    StartMount { kind: "proc", target: "/proc", flags: NOSUID.union(NODEV).union(NOEXEC), options: "" },
    StartMount { kind: "sysfs", target: "/sys", flags: NOSUID.union(NODEV).union(NOEXEC), options: "" },
    StartMount { kind: "devtmpfs", target: "/dev", flags: NOSUID.union(NOEXEC), options: "mode=0755" },
    StartMount {
        kind: "devpts",
        target: "/dev/pts",
        flags: NOSUID.union(NOEXEC),
        options: "mode=0620,ptmxmode=0666",
    },
    StartMount { kind: "tmpfs", target: "/run", flags: NOSUID.union(NODEV), options: "mode=0755" },
    StartMount { kind: "tmpfs", target: "/tmp", flags: NOSUID.union(NODEV), options: "mode=1777" },
    StartMount {
        kind: "securityfs",
        target: "/sys/kernel/security",
        flags: NOSUID.union(NODEV).union(NOEXEC),
        options: "",
    },
];

/// Mounts everything and names the machine. What fails is told and the rest is tried: the verdict on the guard decides.
pub(crate) fn mount_all() -> Vec<String> {
    let mut troubles = Vec::new();
    for entry in &AT_START {
        // In sysfs the folder exists and none can be made; a missing one shows as the mount's own error.
        let _ = fs::create_dir_all(entry.target);
        match mount(Some(entry.kind), entry.target, Some(entry.kind), entry.flags, Some(entry.options)) {
            // The kernel may have mounted devtmpfs before us.
            Ok(()) | Err(Errno::EBUSY) => {}
            Err(e) => troubles
                .push(format!("pf-init: {} cannot be mounted on {}: {e}\r\n", entry.kind, entry.target)),
        }
    }
    if let Err(e) = fs::write("/proc/sys/kernel/hostname", "permafrost") {
        troubles.push(format!("pf-init: the host name cannot be set: {e}\r\n"));
    }
    troubles
}

/// A file system on a block device: a destination, or a source looked at read-only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskMount {
    device: PathBuf,
    pub(crate) target: PathBuf,
}

/// Everything mounted from a block device, the last one first, as it must be unmounted.
pub(crate) fn disk_mounts() -> Vec<DiskMount> {
    let table = fs::read_to_string("/proc/mounts").unwrap_or_default();
    parse(&table, |device| fs::metadata(device).is_ok_and(|m| m.file_type().is_block_device()))
}

/// proc_pid_mounts(5): device, target, kind and options; spaces and the like as three octal digits.
fn parse(table: &str, is_block_device: impl Fn(&Path) -> bool) -> Vec<DiskMount> {
    let mut mounts: Vec<DiskMount> = table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').map(unescape);
            Some(DiskMount { device: fields.next()?, target: fields.next()? })
        })
        .filter(|mount| mount.device.starts_with("/dev/") && is_block_device(&mount.device))
        .collect();
    mounts.reverse();
    mounts
}

fn unescape(field: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..3)
            .filter(|digits| first == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

/// Names of the loop devices that hold a file: each keeps the file system under its file from being unmounted.
pub(crate) fn attached_loop_devices(sys: &Path) -> Vec<String> {
    let Ok(disks) = fs::read_dir(sys.join("block")) else { return Vec::new() };
    disks
        .filter_map(Result::ok)
        .filter(|disk| disk.path().join("loop/backing_file").exists())
        .map(|disk| disk.file_name().to_string_lossy().into_owned())
        .collect()
}

/// How an unmount went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unmounted {
    /// It is gone, everything written.
    Clean,
    /// It is still there, but everything is written and nothing more can be.
    ReadOnly(Errno),
    /// It is still there and may be written.
    Not(Errno),
}

/// Unmounts one file system, or makes it read-only where something holds it.
pub(crate) fn unmount(mounted: &DiskMount) -> Unmounted {
    let Err(busy) = umount2(&mounted.target, MntFlags::UMOUNT_NOFOLLOW) else { return Unmounted::Clean };
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    match mount(None::<&str>, &mounted.target, None::<&str>, flags, None::<&str>) {
        Ok(()) => Unmounted::ReadOnly(busy),
        Err(e) => Unmounted::Not(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mounted_last_is_unmounted_first() {
        let table = "proc /proc proc rw 0 0\n\
                     /dev/sdb1 /mnt/ziel\\040platte ext4 rw 0 0\n\
                     tmpfs /tmp tmpfs rw 0 0\n\
                     /dev/loop0 /mnt/ziel\\040platte/inner\\134 vfat rw 0 0\n\
                     /dev/fuse /x fuse rw 0 0\n\
                     broken\n";
        let mounts = parse(table, |device| device != Path::new("/dev/fuse"));
        let told: Vec<_> =
            mounts.iter().map(|m| (m.device.to_str().unwrap(), m.target.to_str().unwrap())).collect();
        assert_eq!(told, [("/dev/loop0", "/mnt/ziel platte/inner\\"), ("/dev/sdb1", "/mnt/ziel platte")]);
    }

    #[test]
    fn only_loop_devices_that_hold_a_file_are_detached() {
        let sys = tempfile::tempdir().unwrap();
        for folder in ["block/loop0", "block/loop1/loop", "block/sda"] {
            fs::create_dir_all(sys.path().join(folder)).unwrap();
        }
        fs::write(sys.path().join("block/loop1/loop/backing_file"), "/mnt/z/image\n").unwrap();
        assert_eq!(attached_loop_devices(sys.path()), ["loop1"]);
    }

    #[test]
    fn only_full_octal_escapes_are_taken_back() {
        assert_eq!(unescape(r"a\01\9\777b\040"), PathBuf::from("a\\01\\9\\777b "));
    }

    #[test]
    fn each_start_mount_comes_after_the_one_it_lies_in() {
        for (place, inner) in AT_START.iter().enumerate() {
            for (other, outer) in AT_START.iter().enumerate() {
                let inside =
                    inner.target != outer.target && Path::new(inner.target).starts_with(outer.target);
                assert!(!inside || other < place, "{} before {}", inner.target, outer.target);
            }
            assert!(inner.flags.contains(NOSUID), "{}", inner.target);
        }
    }
}
