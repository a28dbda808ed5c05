//! SCSI commands that change a disk: SBC-4 for disks, SPC-5 and SPC-6 for any device, ZBC-2 for zones. The older
//! standards are named where the command is obsolete. A row names its standard; the command's name is the clause's heading.

use crate::vector::Payload::{self, Blocks, Bytes, CompareThenWrite, Fresh, FromDevice, UnmapList, Zeros};
use crate::vector::{Effect, Field, Row, Stake};
use Effect::{Configuration, Control, Miscellaneous, Write};
use Stake::{Device, Scratch};

/// A command descriptor block and its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScsiForm {
    /// The block, its fields for address and length zero.
    pub(crate) cdb: &'static [u8],
    /// Where the target's address goes.
    pub(crate) address: Option<Field>,
    /// Where the length goes: in blocks for data and addresses, in bytes for parameter lists.
    pub(crate) length: Option<Length>,
    /// Its data.
    pub(crate) payload: Payload,
}

/// A length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// This many blocks, whatever the data.
    Blocks(Field, u32),
    /// The payload's length in bytes.
    Bytes(Field),
}

const fn row(
    name: &'static str,
    clause: &'static str,
    effect: Effect,
    stake: Stake,
    form: ScsiForm,
) -> Row<ScsiForm> {
    Row { name, clause, effect, stake, form }
}

/// A command that addresses blocks.
const fn blocks(
    cdb: &'static [u8],
    at: (usize, usize),
    length: (usize, usize, u32),
    payload: Payload,
) -> ScsiForm {
    ScsiForm {
        cdb,
        address: Some(Field { at: at.0, width: at.1 }),
        length: Some(Length::Blocks(Field { at: length.0, width: length.1 }, length.2)),
        payload,
    }
}

/// A command with a parameter list.
const fn list(cdb: &'static [u8], length: (usize, usize), payload: Payload) -> ScsiForm {
    let length = Some(Length::Bytes(Field { at: length.0, width: length.1 }));
    ScsiForm { cdb, address: None, length, payload }
}

/// A command that is all in its descriptor block.
const fn bare(cdb: &'static [u8]) -> ScsiForm {
    ScsiForm { cdb, address: None, length: None, payload: Payload::None }
}

const fn with(cdb: &'static [u8], payload: Payload) -> ScsiForm {
    ScsiForm { cdb, address: None, length: None, payload }
}

/// Caching page (SBC-4) with the write cache off, behind the header of MODE SELECT (6) and (10).
const CACHING_6: &[u8] =
    &[0, 0, 0, 0, 0x08, 0x12, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x14, 0, 0, 0, 0, 0, 0];
const CACHING_10: &[u8] = &[
    0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x12, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x14, 0, 0, 0,
    0, 0, 0,
];
/// Control page (SPC-5) with software write protect on.
const CONTROL_10: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0x0A, 0x0A, 0x02, 0x10, 0x08, 0, 0, 0, 0, 0, 0, 0];
/// REASSIGN BLOCKS: one 4-byte address, block 1 (SBC-4).
const REASSIGN: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 1];
/// SANITIZE, overwrite: one pass with a pattern of four bytes (SBC-4).
const OVERWRITE: &[u8] = &[0x01, 0, 0, 4, 0xA5, 0xA5, 0xA5, 0xA5];
/// FORMAT UNIT with IMMED set (SBC-4).
const FORMAT_HEADER: &[u8] = &[0, 0x02, 0, 0];

pub(crate) const ROWS: &[Row<ScsiForm>] = &[
    row("WRITE (6)", "SBC-3", Write, Scratch, blocks(&[0x0A, 0, 0, 0, 0, 0], (1, 3), (4, 1, 1), Blocks(1))),
    row(
        "WRITE (10)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x2A, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Blocks(1)),
    ),
    row(
        "WRITE (10), FUA",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x2A, 0x08, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Blocks(1)),
    ),
    row(
        "WRITE (12)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0xAA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (6, 4, 1), Blocks(1)),
    ),
    row(
        "WRITE (16)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x8A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (10, 4, 1), Blocks(1)),
    ),
    row(
        "WRITE (32)",
        "SBC-4",
        Write,
        Scratch,
        blocks(
            &[
                0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x00, 0x0B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0,
            ],
            (12, 8),
            (28, 4, 1),
            Blocks(1),
        ),
    ),
    row(
        "WRITE AND VERIFY (10)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x2E, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Blocks(1)),
    ),
    row(
        "WRITE AND VERIFY (12)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0xAE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (6, 4, 1), Blocks(1)),
    ),
    row(
        "WRITE AND VERIFY (16)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x8E, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (10, 4, 1), Blocks(1)),
    ),
    row(
        "WRITE AND VERIFY (32)",
        "SBC-4",
        Write,
        Scratch,
        blocks(
            &[
                0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x00, 0x0C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0,
            ],
            (12, 8),
            (28, 4, 1),
            Blocks(1),
        ),
    ),
    row(
        "WRITE ATOMIC (16)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x9C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (12, 2, 1), Blocks(1)),
    ),
    row(
        "WRITE ATOMIC (32)",
        "SBC-4",
        Write,
        Scratch,
        blocks(
            &[
                0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x00, 0x0F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0,
            ],
            (12, 8),
            (28, 4, 1),
            Blocks(1),
        ),
    ),
    row(
        "WRITE STREAM (16)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x9A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (12, 2, 1), Blocks(1)),
    ),
    row(
        "WRITE SCATTERED (16)",
        "SBC-4",
        Write,
        Scratch,
        with(&[0x9F, 0x12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0], Blocks(2)),
    ),
    row(
        "WRITE SAME (10)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 8), Blocks(1)),
    ),
    row(
        "WRITE SAME (10), UNMAP",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x41, 0x08, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 8), Blocks(1)),
    ),
    row(
        "WRITE SAME (16)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (10, 4, 8), Blocks(1)),
    ),
    row(
        "WRITE SAME (16), UNMAP",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x93, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (10, 4, 8), Blocks(1)),
    ),
    row(
        "WRITE SAME (16), NDOB",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x93, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (10, 4, 8), Payload::None),
    ),
    row(
        "WRITE SAME (32)",
        "SBC-4",
        Write,
        Scratch,
        blocks(
            &[
                0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x00, 0x0D, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0,
            ],
            (12, 8),
            (28, 4, 8),
            Blocks(1),
        ),
    ),
    row(
        "WRITE LONG (10)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x3F, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 512), Fresh(512)),
    ),
    row(
        "WRITE LONG (10), WR_UNCOR",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x3F, 0x40, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 0), Payload::None),
    ),
    row(
        "WRITE LONG (16)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x9F, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (12, 2, 512), Fresh(512)),
    ),
    row(
        "WRITE LONG (16), WR_UNCOR",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x9F, 0x51, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (12, 2, 0), Payload::None),
    ),
    row(
        "COMPARE AND WRITE",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (13, 1, 1), CompareThenWrite),
    ),
    row(
        "XDWRITE (10)",
        "SBC-2",
        Write,
        Scratch,
        blocks(&[0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Blocks(1)),
    ),
    row(
        "XPWRITE (10)",
        "SBC-3",
        Write,
        Scratch,
        blocks(&[0x51, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Blocks(1)),
    ),
    row(
        "XDWRITEREAD (10)",
        "SBC-3",
        Write,
        Scratch,
        blocks(&[0x53, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Blocks(1)),
    ),
    row(
        "XDWRITE EXTENDED (16)",
        "SBC-2",
        Write,
        Scratch,
        blocks(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (10, 4, 1), Blocks(1)),
    ),
    row(
        "REBUILD (16)",
        "SBC-2",
        Write,
        Scratch,
        blocks(&[0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (6, 4, 1), Payload::None),
    ),
    row(
        "REGENERATE (16)",
        "SBC-2",
        Write,
        Scratch,
        blocks(&[0x82, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (6, 4, 1), Payload::None),
    ),
    row(
        "ORWRITE (16)",
        "SBC-4",
        Write,
        Scratch,
        blocks(&[0x8B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 8), (10, 4, 1), Blocks(1)),
    ),
    row("UNMAP", "SBC-4", Write, Scratch, list(&[0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0], (7, 2), UnmapList)),
    row(
        "UPDATE BLOCK",
        "SBC (1998)",
        Write,
        Scratch,
        blocks(&[0x3D, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 1, 0), Blocks(1)),
    ),
    row(
        "ERASE (10)",
        "SBC (1998)",
        Write,
        Scratch,
        blocks(&[0x2C, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Payload::None),
    ),
    row(
        "ERASE (12)",
        "SBC (1998)",
        Write,
        Scratch,
        blocks(&[0xAC, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (6, 4, 1), Payload::None),
    ),
    row("COPY", "SPC-2", Write, Scratch, list(&[0x18, 0, 0, 0, 0, 0], (2, 3), Zeros(4))),
    row(
        "COPY AND VERIFY",
        "SPC-2",
        Write,
        Scratch,
        list(&[0x3A, 0, 0, 0, 0, 0, 0, 0, 0, 0], (3, 3), Zeros(4)),
    ),
    row(
        "EXTENDED COPY (LID1)",
        "SPC-5",
        Write,
        Scratch,
        list(&[0x83, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (10, 4), Zeros(16)),
    ),
    row(
        "EXTENDED COPY (LID4)",
        "SPC-5",
        Write,
        Scratch,
        list(&[0x83, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (10, 4), Zeros(48)),
    ),
    row(
        "POPULATE TOKEN",
        "SBC-4",
        Miscellaneous,
        Scratch,
        list(&[0x83, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], (10, 4), Zeros(32)),
    ),
    row(
        "WRITE USING TOKEN",
        "SBC-4",
        Write,
        Scratch,
        list(&[0x83, 0x11, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], (10, 4), Zeros(552)),
    ),
    row(
        "COPY OPERATION ABORT",
        "SPC-5",
        Miscellaneous,
        Scratch,
        bare(&[0x83, 0x1C, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row("FORMAT UNIT", "SBC-4", Write, Device, with(&[0x04, 0x10, 0, 0, 0, 0], Bytes(FORMAT_HEADER))),
    row("FORMAT WITH PRESET", "SBC-4", Write, Device, bare(&[0x38, 0x80, 0, 0, 0, 0, 0, 0, 0, 0])),
    row("FORMAT MEDIUM (04h, no list)", "SBC-4", Write, Device, bare(&[0x04, 0, 0, 0, 0, 0])),
    row(
        "SANITIZE, overwrite",
        "SBC-4",
        Write,
        Device,
        list(&[0x48, 0x81, 0, 0, 0, 0, 0, 0, 0, 0], (7, 2), Bytes(OVERWRITE)),
    ),
    row("SANITIZE, block erase", "SBC-4", Write, Device, bare(&[0x48, 0x82, 0, 0, 0, 0, 0, 0, 0, 0])),
    row("SANITIZE, cryptographic erase", "SBC-4", Write, Device, bare(&[0x48, 0x83, 0, 0, 0, 0, 0, 0, 0, 0])),
    row(
        "SANITIZE, exit failure mode",
        "SBC-4",
        Configuration,
        Scratch,
        bare(&[0x48, 0x9F, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "MODE SELECT (6), caching page",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x15, 0x10, 0, 0, 0, 0], (4, 1), Bytes(CACHING_6)),
    ),
    row(
        "MODE SELECT (6), caching page, saved",
        "SPC-5",
        Configuration,
        Device,
        list(&[0x15, 0x11, 0, 0, 0, 0], (4, 1), Bytes(CACHING_6)),
    ),
    row(
        "MODE SELECT (10), caching page",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 0, 0], (7, 2), Bytes(CACHING_10)),
    ),
    row(
        "MODE SELECT (10), software write protect",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 0, 0], (7, 2), Bytes(CONTROL_10)),
    ),
    row(
        "MODE SELECT (10), empty list",
        "SPC-5",
        Configuration,
        Scratch,
        bare(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "LOG SELECT, reset all",
        "SPC-5",
        Configuration,
        Scratch,
        bare(&[0x4C, 0x02, 0xC0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row("LOG SELECT, save", "SPC-5", Configuration, Scratch, bare(&[0x4C, 0x01, 0x40, 0, 0, 0, 0, 0, 0, 0])),
    row(
        "LOG SENSE, save parameters",
        "SPC-4 (SP)",
        Configuration,
        Scratch,
        list(&[0x4D, 0x01, 0x40, 0, 0, 0, 0, 0, 0, 0], (7, 2), FromDevice(64)),
    ),
    row("REASSIGN BLOCKS", "SBC-4", Write, Scratch, with(&[0x07, 0, 0, 0, 0, 0], Bytes(REASSIGN))),
    row(
        "REMOVE ELEMENT AND TRUNCATE",
        "SBC-5",
        Configuration,
        Device,
        bare(&[0x9E, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0]),
    ),
    row(
        "REMOVE ELEMENT AND MODIFY ZONES",
        "ZBC-2",
        Configuration,
        Device,
        bare(&[0x9E, 0x1A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0]),
    ),
    row(
        "RESTORE ELEMENTS AND REBUILD",
        "SBC-5",
        Configuration,
        Device,
        bare(&[0x9E, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "BACKGROUND CONTROL",
        "SBC-4",
        Configuration,
        Scratch,
        bare(&[0x9E, 0x15, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "STREAM CONTROL, open",
        "SBC-4",
        Configuration,
        Scratch,
        list(&[0x9E, 0x54, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (10, 4), FromDevice(8)),
    ),
    row(
        "SECURITY PROTOCOL OUT, TCG",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0xB5, 0x01, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(512)),
    ),
    row(
        "SECURITY PROTOCOL OUT, ATA password",
        "SAT-4",
        Configuration,
        Device,
        list(&[0xB5, 0xEF, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(36)),
    ),
    row(
        "SECURITY PROTOCOL OUT, vendor",
        "SPC-5",
        Miscellaneous,
        Scratch,
        list(&[0xB5, 0xF0, 0, 0x01, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(512)),
    ),
    row(
        "PERSISTENT RESERVE OUT, register",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x5F, 0x06, 0, 0, 0, 0, 0, 0, 0, 0], (5, 4), Zeros(24)),
    ),
    row(
        "PERSISTENT RESERVE OUT, reserve",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x5F, 0x01, 0x01, 0, 0, 0, 0, 0, 0, 0], (5, 4), Zeros(24)),
    ),
    row(
        "PERSISTENT RESERVE OUT, clear",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x5F, 0x03, 0, 0, 0, 0, 0, 0, 0, 0], (5, 4), Zeros(24)),
    ),
    row(
        "PERSISTENT RESERVE OUT, preempt",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x5F, 0x04, 0x01, 0, 0, 0, 0, 0, 0, 0], (5, 4), Zeros(24)),
    ),
    row("RESERVE (6)", "SPC-2", Configuration, Scratch, bare(&[0x16, 0, 0, 0, 0, 0])),
    row("RELEASE (6)", "SPC-2", Configuration, Scratch, bare(&[0x17, 0, 0, 0, 0, 0])),
    row("RESERVE (10)", "SPC-2", Configuration, Scratch, bare(&[0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    row("RELEASE (10)", "SPC-2", Configuration, Scratch, bare(&[0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    row(
        "WRITE BUFFER, header and data (00h)",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x3B, 0x00, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, data (02h)",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x3B, 0x02, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, download microcode (04h)",
        "SPC-5",
        Configuration,
        Device,
        list(&[0x3B, 0x04, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, download and save (05h)",
        "SPC-5",
        Configuration,
        Device,
        list(&[0x3B, 0x05, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, download with offsets (06h)",
        "SPC-5",
        Configuration,
        Device,
        list(&[0x3B, 0x06, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, download with offsets and save (07h)",
        "SPC-5",
        Configuration,
        Device,
        list(&[0x3B, 0x07, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, echo buffer (0Ah)",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x3B, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(4)),
    ),
    row(
        "WRITE BUFFER, download and defer, select activation (0Dh)",
        "SPC-5",
        Configuration,
        Device,
        list(&[0x3B, 0x0D, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, download and defer (0Eh)",
        "SPC-5",
        Configuration,
        Device,
        list(&[0x3B, 0x0E, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(512)),
    ),
    row(
        "WRITE BUFFER, activate deferred (0Fh)",
        "SPC-5",
        Configuration,
        Device,
        bare(&[0x3B, 0x0F, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "WRITE BUFFER, expander (1Ah)",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x3B, 0x1A, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(4)),
    ),
    row(
        "WRITE BUFFER, error history (1Ch)",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x3B, 0x1C, 0, 0, 0, 0, 0, 0, 0, 0], (6, 3), Zeros(32)),
    ),
    row("SEND DIAGNOSTIC, default self-test", "SPC-5", Control, Scratch, bare(&[0x1D, 0x04, 0, 0, 0, 0])),
    row(
        "SEND DIAGNOSTIC, background self-test",
        "SPC-5",
        Configuration,
        Scratch,
        bare(&[0x1D, 0x20, 0, 0, 0, 0]),
    ),
    row("SEND DIAGNOSTIC, abort self-test", "SPC-5", Control, Scratch, bare(&[0x1D, 0x80, 0, 0, 0, 0])),
    row(
        "SEND DIAGNOSTIC, page, unit off-line",
        "SPC-5",
        Miscellaneous,
        Scratch,
        list(&[0x1D, 0x13, 0, 0, 0, 0], (3, 2), Zeros(8)),
    ),
    row(
        "WRITE ATTRIBUTE",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x8D, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (10, 4), Zeros(8)),
    ),
    row("CHANGE DEFINITION", "SPC-2", Configuration, Scratch, bare(&[0x40, 0, 0x01, 0x03, 0, 0, 0, 0, 0, 0])),
    row(
        "SET TIMESTAMP",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(12)),
    ),
    row(
        "SET TARGET PORT GROUPS",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0xA4, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(8)),
    ),
    row(
        "SET IDENTIFYING INFORMATION",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0xA4, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(4)),
    ),
    row(
        "SET PRIORITY",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0xA4, 0x0E, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(8)),
    ),
    row(
        "CHANGE ALIASES",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0xA4, 0x0B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(8)),
    ),
    row(
        "MANAGEMENT PROTOCOL OUT",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0xA4, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(8)),
    ),
    row(
        "REMOVE I_T NEXUS",
        "SPC-5",
        Configuration,
        Device,
        list(&[0xA4, 0x0C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4), Zeros(8)),
    ),
    row(
        "BIND",
        "SPC-5",
        Configuration,
        Scratch,
        list(&[0x9F, 0x0E, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (10, 4), Zeros(16)),
    ),
    row(
        "RESET WRITE POINTER, all zones",
        "ZBC-2",
        Write,
        Scratch,
        bare(&[0x94, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0]),
    ),
    row(
        "OPEN ZONE",
        "ZBC-2",
        Configuration,
        Scratch,
        bare(&[0x94, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "CLOSE ZONE",
        "ZBC-2",
        Configuration,
        Scratch,
        bare(&[0x94, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "FINISH ZONE",
        "ZBC-2",
        Write,
        Scratch,
        bare(&[0x94, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "SEQUENTIALIZE ZONE",
        "ZBC-2",
        Write,
        Scratch,
        bare(&[0x94, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "SET CAPACITY (ATA, by vendor)",
        "SPC-5 (vendor specific)",
        Configuration,
        Scratch,
        bare(&[0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "LOCK UNLOCK CACHE (10)",
        "SBC-2",
        Control,
        Scratch,
        blocks(&[0x36, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Payload::None),
    ),
    row(
        "SET LIMITS (10)",
        "SBC (1998)",
        Configuration,
        Scratch,
        blocks(&[0x33, 0x01, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (7, 2, 1), Payload::None),
    ),
    row(
        "SET LIMITS (12)",
        "SBC (1998)",
        Configuration,
        Scratch,
        blocks(&[0xB3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (2, 4), (6, 4, 1), Payload::None),
    ),
    row("REZERO UNIT", "SBC (1998)", Control, Scratch, bare(&[0x01, 0, 0, 0, 0, 0])),
    row("SYNCHRONIZE CACHE (10)", "SBC-4", Control, Scratch, bare(&[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    row(
        "SYNCHRONIZE CACHE (16)",
        "SBC-4",
        Control,
        Scratch,
        bare(&[0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row("START STOP UNIT, start", "SBC-4", Control, Scratch, bare(&[0x1B, 0, 0, 0, 0x01, 0])),
    row("START STOP UNIT, idle", "SBC-4", Control, Scratch, bare(&[0x1B, 0, 0, 0, 0x20, 0])),
    row("START STOP UNIT, stop", "SBC-4", Control, Device, bare(&[0x1B, 0, 0, 0, 0x00, 0])),
    row("PREVENT ALLOW MEDIUM REMOVAL, prevent", "SPC-5", Control, Scratch, bare(&[0x1E, 0, 0, 0, 0x01, 0])),
    row("PREVENT ALLOW MEDIUM REMOVAL, allow", "SPC-5", Control, Scratch, bare(&[0x1E, 0, 0, 0, 0x00, 0])),
    row(
        "reserved opcode 1Fh",
        "SPC-5, operation codes",
        Miscellaneous,
        Scratch,
        bare(&[0x1F, 0, 0, 0, 0, 0]),
    ),
    row(
        "reserved opcode 87h",
        "SPC-5, operation codes",
        Miscellaneous,
        Scratch,
        bare(&[0x87, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
    row(
        "reserved service action 7Fh/00FFh",
        "SPC-5, operation codes",
        Miscellaneous,
        Scratch,
        with(
            &[
                0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x00, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 0,
            ],
            Zeros(512),
        ),
    ),
    row("vendor opcode 02h", "SPC-5, operation codes", Miscellaneous, Scratch, bare(&[0x02, 0, 0, 0, 0, 0])),
    row("vendor opcode 06h", "SPC-5, operation codes", Miscellaneous, Scratch, bare(&[0x06, 0, 0, 0, 0, 0])),
    row(
        "vendor opcode 24h",
        "SPC-5, operation codes",
        Miscellaneous,
        Scratch,
        bare(&[0x24, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
];

/// Operation codes that every vendor uses as it likes (SPC-5): each is tried with ten zero bytes after it.
pub(crate) const VENDOR_OPCODES: std::ops::RangeInclusive<u8> = 0xC0..=0xFF;
