//! Command sets of a few commands: UFS queries, virtio-blk requests, the floppy controller.

use super::{
    CommandSet::{Floppy, UfsNop, UfsQuery, VirtioBlk},
    Effect::{Controls, Informs, Modifies},
    Row, row,
};

/// A virtio-blk request that ended without a line that names it.
pub(crate) const UNNAMED_REQUEST: u8 = 0xFF;

pub(super) const TABLE: &[Row] = &[
    // JESD220E (UFS 3.1) section 10.7.8.2, query function opcodes. Which attribute or flag is meant stands not in the
    // trace; bring-up needs writing some (device initialisation, clocks), so these three can't be judged from here.
    row(UfsQuery, 0x01, "READ DESCRIPTOR", Informs),
    row(UfsQuery, 0x02, "WRITE DESCRIPTOR", Modifies),
    row(UfsQuery, 0x03, "READ ATTRIBUTE", Informs),
    row(UfsQuery, 0x04, "WRITE ATTRIBUTE", Controls),
    row(UfsQuery, 0x05, "READ FLAG", Informs),
    row(UfsQuery, 0x06, "SET FLAG", Controls),
    row(UfsQuery, 0x07, "CLEAR FLAG", Controls),
    row(UfsQuery, 0x08, "TOGGLE FLAG", Modifies),
    row(UfsNop, 0x00, "NOP OUT", Informs),
    // virtio 1.2 section 5.2.6.
    row(VirtioBlk, 0, "VIRTIO_BLK_T_IN", Informs),
    row(VirtioBlk, 1, "VIRTIO_BLK_T_OUT", Modifies),
    row(VirtioBlk, 15, "VIRTIO_BLK_T_ZONE_APPEND", Modifies),
    row(VirtioBlk, 18, "VIRTIO_BLK_T_ZONE_OPEN, CLOSE, FINISH or RESET", Modifies),
    row(VirtioBlk, 26, "VIRTIO_BLK_T_ZONE_RESET_ALL", Modifies),
    // Asking for the serial, flushing and discarding have no line of their own; the last two show in the statistics.
    row(VirtioBlk, UNNAMED_REQUEST, "GET_ID, FLUSH or DISCARD", Informs),
    // Intel 82078 data sheet, section 5 "Instruction set".
    row(Floppy, 0x02, "READ TRACK", Informs),
    row(Floppy, 0x03, "SPECIFY", Controls),
    row(Floppy, 0x04, "SENSE DRIVE STATUS", Informs),
    row(Floppy, 0x05, "WRITE DATA", Modifies),
    row(Floppy, 0x06, "READ DATA", Informs),
    row(Floppy, 0x07, "RECALIBRATE", Controls),
    row(Floppy, 0x08, "SENSE INTERRUPT STATUS", Informs),
    row(Floppy, 0x09, "WRITE DELETED DATA", Modifies),
    row(Floppy, 0x0A, "READ ID", Informs),
    row(Floppy, 0x0C, "READ DELETED DATA", Informs),
    row(Floppy, 0x0D, "FORMAT TRACK", Modifies),
    row(Floppy, 0x0E, "DUMPREG, DRIVE SPECIFICATION", Controls),
    row(Floppy, 0x0F, "SEEK", Controls),
    row(Floppy, 0x10, "VERSION", Informs),
    row(Floppy, 0x12, "PERPENDICULAR MODE", Controls),
    row(Floppy, 0x13, "CONFIGURE", Controls),
    row(Floppy, 0x14, "LOCK", Controls),
    row(Floppy, 0x16, "VERIFY", Informs),
    row(Floppy, 0x18, "PART ID", Informs),
];
