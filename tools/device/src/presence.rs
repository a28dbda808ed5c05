//! Is a device that was opened still there? From sysfs, without a command to it.
//!
//! A read of a disk that was pulled fails like one of a bad sector, or ends like one behind the end. A SCSI disk that the
//! kernel's error handling gave up on (`offline`) fails every read at once; taken for bad sectors, that would write a whole
//! disk off within minutes.

use crate::inventory::NodeNumber;
use crate::sysfs::{Roots, text};

/// States of a SCSI device (drivers/scsi/scsi_sysfs.c, `sdev_states`) and of an NVMe controller (drivers/nvme/host/core.c,
/// `nvme_sysfs_show_state`) in which nothing can be read any more. In others (`blocked`, `resetting`) the kernel waits.
const LOST: [&str; 7] =
    ["offline", "transport-offline", "cancel", "deleted", "deleting", "deleting (no IO)", "dead"];

/// False when the device with number `node` was removed, or the kernel gave it up.
pub(crate) fn is_present(roots: &Roots, node: NodeNumber) -> bool {
    let devices = roots.sys.join("dev/block");
    if !devices.is_dir() {
        // Without sysfs there is no telling.
        return true;
    }
    let folder = devices.join(node.to_string());
    // Of a partition the state is its disk's.
    let state = text(&folder.join("device/state")).or_else(|| text(&folder.join("../device/state")));
    folder.exists() && !state.is_some_and(|state| LOST.contains(&state.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_disk_is_gone_when_it_is_removed_or_off_line_and_so_are_its_partitions() {
        let sys = tempfile::tempdir().unwrap();
        let roots = Roots { sys: sys.path().to_owned(), dev: "/dev".into() };
        let node = |minor| NodeNumber { major: 8, minor };
        assert!(is_present(&roots, node(0)), "without sysfs nothing is claimed");

        let disk = sys.path().join("devices/sda");
        std::fs::create_dir_all(disk.join("sda1")).unwrap();
        std::fs::create_dir_all(disk.join("device")).unwrap();
        let links = sys.path().join("dev/block");
        std::fs::create_dir_all(&links).unwrap();
        symlink(&disk, links.join("8:0")).unwrap();
        symlink(disk.join("sda1"), links.join("8:1")).unwrap();
        assert!(is_present(&roots, node(0)), "not every transport tells a state");
        for (state, present) in
            [("running", true), ("blocked", true), ("resetting", true), ("offline", false), ("dead", false)]
        {
            std::fs::write(disk.join("device/state"), format!("{state}\n")).unwrap();
            assert_eq!(
                (is_present(&roots, node(0)), is_present(&roots, node(1))),
                (present, present),
                "{state}"
            );
        }
        assert!(!is_present(&roots, node(16)), "a number without a device");
    }
}
