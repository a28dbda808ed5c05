//! Packet commands that change an optical medium or its drive: MMC-6. The command's name is the clause's heading.

use crate::catalogue::scsi::{Length, ScsiForm};
use crate::vector::Payload::{self, Blocks, Bytes, Zeros};
use crate::vector::{Effect, Field, Row, Stake};
use Effect::{Configuration, Control, Write};
use Stake::{Device, Scratch};

const fn row(
    name: &'static str,
    effect: Effect,
    stake: Stake,
    cdb: &'static [u8],
    payload: Payload,
) -> Row<ScsiForm> {
    let form = ScsiForm { cdb, address: None, length: None, payload };
    Row { name, clause: "MMC-6", effect, stake, form }
}

const fn blocks(name: &'static str, cdb: &'static [u8], length: (usize, usize)) -> Row<ScsiForm> {
    let form = ScsiForm {
        cdb,
        address: Some(Field { at: 2, width: 4 }),
        length: Some(Length::Blocks(Field { at: length.0, width: length.1 }, 1)),
        payload: Blocks(1),
    };
    Row { name, clause: "MMC-6", effect: Write, stake: Scratch, form }
}

/// FORMAT UNIT, immediate, full format type 00h.
const FORMAT: &[u8] = &[0, 0x82, 0, 8, 0, 0, 0, 0, 0, 0, 8, 0];

pub(crate) const ROWS: &[Row<ScsiForm>] = &[
    blocks("WRITE (10)", &[0x2A, 0, 0, 0, 0, 0, 0, 0, 0, 0], (7, 2)),
    blocks("WRITE (12)", &[0xAA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (6, 4)),
    blocks("WRITE AND VERIFY (10)", &[0x2E, 0, 0, 0, 0, 0, 0, 0, 0, 0], (7, 2)),
    row("BLANK, minimal", Write, Device, &[0xA1, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Payload::None),
    row("BLANK, disc", Write, Device, &[0xA1, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Payload::None),
    row("CLOSE TRACK", Write, Scratch, &[0x5B, 0x01, 0x01, 0, 0, 1, 0, 0, 0, 0], Payload::None),
    row("CLOSE SESSION", Write, Scratch, &[0x5B, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0], Payload::None),
    row("ERASE (10)", Write, Scratch, &[0x2C, 0, 0, 0, 0, 0, 0, 0, 1, 0], Payload::None),
    row("FORMAT UNIT", Write, Device, &[0x04, 0x11, 0, 0, 0, 0], Bytes(FORMAT)),
    row("SEND OPC INFORMATION", Write, Scratch, &[0x54, 0x01, 0, 0, 0, 0, 0, 0, 0, 0], Payload::None),
    row("RESERVE TRACK", Write, Scratch, &[0x53, 0, 0, 0, 0, 0, 0, 0, 1, 0], Payload::None),
    row("REPAIR TRACK", Write, Scratch, &[0x58, 0, 0, 0, 0, 1, 0, 0, 0, 0], Payload::None),
    row("SEND CUE SHEET", Configuration, Scratch, &[0x5D, 0, 0, 0, 0, 0, 0, 0, 8, 0], Zeros(8)),
    row("SEND EVENT", Configuration, Scratch, &[0xA2, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0], Zeros(8)),
    row("SEND KEY, region", Configuration, Device, &[0xA3, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0x06, 0], Zeros(8)),
    row(
        "SEND KEY, invalidate AGID",
        Configuration,
        Scratch,
        &[0xA3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3F, 0],
        Payload::None,
    ),
    row("SEND DISC STRUCTURE", Write, Scratch, &[0xBF, 0, 0, 0, 0, 0, 0, 0x04, 0, 8, 0, 0], Zeros(8)),
    row("SET STREAMING", Configuration, Scratch, &[0xB6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0], Zeros(28)),
    row(
        "SET CD SPEED",
        Control,
        Scratch,
        &[0xBB, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0],
        Payload::None,
    ),
    row("SET READ AHEAD", Control, Scratch, &[0xA7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Payload::None),
    row(
        "MODE SELECT (10), write parameters",
        Configuration,
        Scratch,
        &[0x55, 0x10, 0, 0, 0, 0, 0, 0, 60, 0],
        Bytes(WRITE_PARAMETERS),
    ),
    row(
        "WRITE BUFFER, download and save",
        Configuration,
        Device,
        &[0x3B, 0x05, 0, 0, 0, 0, 0, 2, 0, 0],
        Zeros(512),
    ),
    row(
        "SECURITY PROTOCOL OUT",
        Configuration,
        Scratch,
        &[0xB5, 0x01, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0],
        Zeros(512),
    ),
    row("SYNCHRONIZE CACHE", Control, Scratch, &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], Payload::None),
    row("PREVENT ALLOW MEDIUM REMOVAL, allow", Control, Scratch, &[0x1E, 0, 0, 0, 0, 0], Payload::None),
    row("START STOP UNIT, load", Control, Device, &[0x1B, 0, 0, 0, 0x03, 0], Payload::None),
    row("START STOP UNIT, eject", Control, Device, &[0x1B, 0, 0, 0, 0x02, 0], Payload::None),
    row("START STOP UNIT, load again", Control, Device, &[0x1B, 0, 0, 0, 0x03, 0], Payload::None),
    row("LOAD/UNLOAD MEDIUM", Control, Device, &[0xA6, 0, 0, 0, 0x03, 0, 0, 0, 0, 0, 0, 0], Payload::None),
    row(
        "MECHANISM: vendor opcode DAh",
        Effect::Miscellaneous,
        Scratch,
        &[0xDA, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        Payload::None,
    ),
];

/// Write parameters page (MMC-6) with packet writing, behind a header of eight bytes.
const WRITE_PARAMETERS: &[u8] = &{
    let mut list = [0u8; 60];
    list[8] = 0x05;
    list[9] = 0x32;
    list
};
