//! Disks with sectors of 520 or 528 bytes, as storage arrays format them.
//!
//! The kernel's SCSI disk driver makes a node for such a disk, but gives it no capacity and says so in the kernel's log only
//! (drivers/scsi/sd.c, `sd_read_capacity`: "Unsupported sector size"). An examiner sees a disk of no bytes and takes it for
//! an empty drive.

use crate::sysfs;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A record of the kernel's log has at most this many bytes (`CONSOLE_EXT_LOG_MAX`).
const LONGEST_RECORD: usize = 8192;

/// Most records of the kernel's log that are looked at.
const MOST_RECORDS: u32 = 200_000;

/// Why the disk `name` (as under `/sys/block`) has no data although it is not an empty drive; `None` where it has some, may
/// be empty, or is no SCSI disk.
#[must_use]
pub fn reason_of(name: &str) -> Option<String> {
    reason_in_sys(Path::new("/sys"), name)
}

pub(crate) fn reason_in_sys(sys: &Path, name: &str) -> Option<String> {
    reason_in(sys, name, || records(Path::new("/dev/kmsg")))
}

fn reason_in<I: Iterator<Item = String>>(sys: &Path, name: &str, log: impl FnOnce() -> I) -> Option<String> {
    let folder = sys.join("block").join(name);
    let is_disk = sysfs::number(&folder.join("device/type")) == Some(0);
    let is_empty = sysfs::number(&folder.join("size")) == Some(0);
    let may_be_empty = sysfs::flag(&folder.join("removable")).unwrap_or(true);
    if !is_disk || !is_empty || may_be_empty {
        return None;
    }
    let generic =
        std::fs::read_dir(folder.join("device/scsi_generic")).ok().and_then(|mut nodes| nodes.next()?.ok());
    let node = generic.map_or_else(String::new, |node| {
        format!(" It answers as /dev/{}.", node.file_name().to_string_lossy())
    });
    let marks = [format!("[{name}] Unsupported sector size "), format!("[{name}] unsupported sector size ")];
    // The last one: the name may have been another disk's before.
    let size = log().filter_map(|record| sector_size_in(&record, &marks)).last();
    Some(match size {
        Some(size) => format!(
            "has sectors of {size} bytes, which Linux can't read as a disk: it was formatted for a storage array. Image it \
             in that array, or by a program that sends SCSI commands itself (sg_dd bs={size}); do not reformat it.{node}"
        ),
        None => format!(
            "the kernel gives it no capacity, although it is no drive for removable media: its sectors may have 520 or 528 \
             bytes, as in storage arrays, or it may be failing. See the kernel's messages (dmesg).{node}"
        ),
    })
}

fn sector_size_in(record: &str, marks: &[String]) -> Option<u32> {
    let rest = marks.iter().find_map(|mark| record.split_once(mark.as_str()))?.1;
    let digits =
        rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| rest.get(..end).unwrap_or_default());
    digits.parse().ok()
}

/// What the kernel's log holds now. Reading it changes nothing in it.
fn records(log: &Path) -> impl Iterator<Item = String> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(log).ok();
    let mut left = MOST_RECORDS;
    std::iter::from_fn(move || {
        loop {
            left = left.checked_sub(1)?;
            let mut record = vec![0; LONGEST_RECORD];
            match file.as_mut()?.read(&mut record) {
                Ok(0) => return None,
                Ok(length) => return Some(String::from_utf8_lossy(record.get(..length)?).into_owned()),
                // Records that were overwritten meanwhile (proc_kmsg: EPIPE) are passed over.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(_) => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel shows such a disk; the emulator has none to show.
    fn array_disk(removable: &str, size: &str) -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        let disk = sys.path().join("block/sdc");
        std::fs::create_dir_all(disk.join("device/scsi_generic/sg3")).unwrap();
        for (name, content) in [("size", size), ("removable", removable), ("device/type", "0\n")] {
            std::fs::write(disk.join(name), content).unwrap();
        }
        sys
    }

    fn log(lines: &[&str]) -> impl FnOnce() -> std::vec::IntoIter<String> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        || lines.into_iter()
    }

    #[test]
    fn a_disk_of_520_bytes_is_named_with_its_sectors_and_its_node() {
        let sys = array_disk("0\n", "0\n");
        let lines = [
            "5,100,1,-;sd 2:0:0:0: [sdb] Unsupported sector size 528.",
            "5,101,2,-;sd 2:0:1:0: [sdc] Unsupported sector size 520.\n SUBSYSTEM=scsi",
        ];
        let told = reason_in(sys.path(), "sdc", log(&lines)).unwrap();
        assert!(told.contains("sectors of 520 bytes") && told.contains("/dev/sg3"), "{told}");
        let told = reason_in(sys.path(), "sdc", log(&lines[..1])).unwrap();
        assert!(told.contains("520 or 528") && told.contains("dmesg"), "{told}");
    }

    #[test]
    fn a_disk_with_data_and_an_empty_drive_are_no_such_disk() {
        for (removable, size) in [("1\n", "0\n"), ("0\n", "8\n")] {
            assert_eq!(reason_in(array_disk(removable, size).path(), "sdc", log(&[])), None);
        }
        assert_eq!(reason_in(Path::new("/nonexistent"), "sdc", log(&[])), None);
    }
}
