//! ATA commands by the old IDE driver's ioctls, linux/hdreg.h; libata serves the first two.

use crate::answer::Answer;
use crate::node::{Node, Request, plain};

const HDIO_DRIVE_TASK: Request = 0x031E;
const HDIO_DRIVE_CMD: Request = 0x031F;

/// `HDIO_DRIVE_CMD`: command, sector (or count for SMART), feature, and how many sectors come back. What comes back is dropped.
#[must_use]
pub fn drive_command(node: &Node, command: u8, sector: u8, feature: u8, sectors: u8) -> Answer {
    // Four bytes of registers, then room for 255 sectors: what the device returns can't be longer.
    let mut argument = [0u8; 4 + 255 * 512];
    let [first, second, third, fourth, ..] = &mut argument;
    (*first, *second, *third, *fourth) = (command, sector, feature, sectors);
    // SAFETY: HDIO_DRIVE_CMD reads four bytes and writes them back, followed by `sectors` × 512 bytes; there is room for all.
    plain("HDIO_DRIVE_CMD", &unsafe { node.ioctl_structure(HDIO_DRIVE_CMD, &mut argument) })
}

/// `HDIO_DRIVE_TASK`: command, feature, count, LBA in three bytes, device. No data.
#[must_use]
pub fn drive_task(node: &Node, registers: [u8; 7]) -> Answer {
    let mut argument = registers;
    // SAFETY: HDIO_DRIVE_TASK reads and writes seven bytes.
    plain("HDIO_DRIVE_TASK", &unsafe { node.ioctl_structure(HDIO_DRIVE_TASK, &mut argument) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_no_ide_disk() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let node = Node::open(file.path(), crate::Access::ReadOnly).unwrap();
        assert_eq!(drive_command(&node, 0xE0, 0, 0, 0).outcome(), crate::Outcome::Absent);
        assert_eq!(drive_task(&node, [0; 7]).outcome(), crate::Outcome::Absent);
    }
}
