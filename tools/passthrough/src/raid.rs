//! Linux RAID (md) by its ioctls, linux/raid/md_u.h: what an assembling program asks of the kernel, without one.

use crate::node::{Access, Node, Request, plain};
use crate::{Answer, block};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ADD_NEW_DISK: Request = nix::request_code_write!(9, 0x21, size_of::<DiskInfo>());
const SET_ARRAY_INFO: Request = nix::request_code_write!(9, 0x23, size_of::<ArrayInfo>());
const RUN_ARRAY: Request = nix::request_code_write!(9, 0x30, size_of::<[i32; 3]>());
const STOP_ARRAY: Request = nix::request_code_none!(9, 0x32);
/// Makes an array's device when a name is written to it.
const NEW_ARRAY: &str = "/sys/module/md_mod/parameters/new_array";
/// Numbers from here up are free on ordinary machines; `md127` and those below are what assembling programs take first.
const FIRST: u32 = 200;

/// `mdu_array_info_t`.
#[derive(Default)]
#[repr(C)]
struct ArrayInfo {
    major_version: i32,
    minor_version: i32,
    rest: [i32; 16],
}

/// `mdu_disk_info_t`.
#[derive(Default)]
#[repr(C)]
struct DiskInfo {
    number: i32,
    major: i32,
    minor: i32,
    raid_disk: i32,
    state: i32,
}

/// An array that was assembled of one member; it is stopped when dropped.
#[derive(Debug)]
pub struct Array {
    node: Node,
}

impl Array {
    /// Assembles an array of the single member `member`, whose superblock is of version 1.2, and starts it: degraded, as
    /// automatic assembly starts one whose other half is missing.
    ///
    /// # Errors
    /// What the kernel answered to which step; `ENOENT` where it has no md.
    pub fn assemble(member: &Node) -> Result<Self, Answer> {
        let failed = |step| move |error: io::Error| Answer::from_error(step, &error);
        let device = member.file().metadata().map_err(failed("md member"))?.rdev();
        let node = new_array().map_err(failed("md device"))?;
        let array = Self { node };
        let mut version = ArrayInfo { major_version: 1, minor_version: 2, ..ArrayInfo::default() };
        // SAFETY: SET_ARRAY_INFO reads this structure.
        done("SET_ARRAY_INFO", unsafe { array.node.ioctl_structure(SET_ARRAY_INFO, &mut version) })?;
        let number = |value: u32| i32::try_from(value).unwrap_or(0);
        let mut disk = DiskInfo {
            major: number(libc::major(device)),
            minor: number(libc::minor(device)),
            ..DiskInfo::default()
        };
        // SAFETY: ADD_NEW_DISK reads this structure.
        done("ADD_NEW_DISK", unsafe { array.node.ioctl_structure(ADD_NEW_DISK, &mut disk) })?;
        // SAFETY: RUN_ARRAY reads at most three numbers.
        done("RUN_ARRAY", unsafe { array.node.ioctl_structure(RUN_ARRAY, &mut [0_i32; 3]) })?;
        Ok(array)
    }

    /// Writes through the array and makes it durable.
    #[must_use]
    pub fn write(&self, offset: u64, data: &[u8]) -> Answer {
        match Node::open(self.node.path(), Access::ReadWrite) {
            Ok(node) => block::write_and_sync(&node, offset, data),
            Err(error) => Answer::from_error("open", &error),
        }
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        // The kernel refuses while somebody whom it told of the array still looks at it.
        for _ in 0..20 {
            let stopped = self.node.ioctl_value(STOP_ARRAY, 0);
            if !stopped.is_err_and(|error| error.raw_os_error() == Some(libc::EBUSY)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn done(step: &'static str, result: io::Result<i32>) -> Result<(), Answer> {
    match plain(step, &result) {
        Answer::Done => Ok(()),
        refused => Err(refused),
    }
}

/// A device for an array that is not there yet.
fn new_array() -> io::Result<Node> {
    let free = (FIRST..FIRST.saturating_add(50)).find(|number| !sysfs(*number).exists());
    let number = free.ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))?;
    std::fs::write(NEW_ARRAY, format!("md{number}"))?;
    let path = PathBuf::from(format!("/dev/md{number}"));
    for _ in 0..40 {
        if path.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    Node::open(&path, Access::ReadWrite)
}

fn sysfs(number: u32) -> PathBuf {
    Path::new("/sys/block").join(format!("md{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and sizes as a C compiler gives them for linux/raid/md_u.h on x86-64.
    #[test]
    fn the_requests_have_the_kernels_numbers() {
        let expected = [(ADD_NEW_DISK, "40140921"), (SET_ARRAY_INFO, "40480923"), (RUN_ARRAY, "400c0930")];
        for (request, number) in expected {
            assert_eq!(format!("{request:08x}"), number);
        }
        assert_eq!((STOP_ARRAY, size_of::<ArrayInfo>(), size_of::<DiskInfo>()), (0x932, 72, 20));
    }
}
