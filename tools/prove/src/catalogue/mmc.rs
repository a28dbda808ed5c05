//! MMC and SD commands that change a card: JESD84-B51 ("eMMC") and SD Physical Layer Simplified 6.00 ("SD"). What a command
//! index means depends on the card and on a CMD55 before it; a row names the standard it is taken from.

use crate::vector::Payload::{self, Blocks, Fresh, Zeros};
use crate::vector::{Effect, Row, Stake};
use Argument::{Constant, Target};
use Effect::{Configuration, Control, Miscellaneous, Write};
use Stake::{Device, Scratch};
use passthrough::mmc::Response::{self, R1, R1b};

/// Argument of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// This.
    Constant(u32),
    /// Address of the block under attack: in blocks on cards above 2 GiB, in bytes below.
    Target,
}

/// A command and its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MmcForm {
    pub(crate) index: u8,
    pub(crate) argument: Argument,
    pub(crate) application: bool,
    pub(crate) response: Response,
    pub(crate) payload: Payload,
}

const fn row(
    name: &'static str,
    clause: &'static str,
    effect: Effect,
    stake: Stake,
    form: MmcForm,
) -> Row<MmcForm> {
    Row { name, clause, effect, stake, form }
}

/// A plain command.
const fn plain(index: u8, argument: Argument, response: Response, payload: Payload) -> MmcForm {
    MmcForm { index, argument, application: false, response, payload }
}

const fn application(
    name: &'static str,
    effect: Effect,
    stake: Stake,
    index: u8,
    argument: u32,
    response: Response,
    payload: Payload,
) -> Row<MmcForm> {
    let form = MmcForm { index, argument: Constant(argument), application: true, response, payload };
    Row { name, clause: "SD", effect, stake, form }
}

/// SWITCH: write a byte of the extended CSD (access 3), index, value.
const fn switch(index: u32, value: u32) -> Argument {
    Constant(3 << 24 | index << 16 | value << 8)
}

/// The rows for a card of a kind, "SD" or "eMMC": the same index is another command on the other.
pub(crate) fn rows_for(kind: &str) -> impl Iterator<Item = &'static Row<MmcForm>> {
    ROWS.iter().filter(move |row| row.clause.contains(kind))
}

pub(crate) const ROWS: &[Row<MmcForm>] = &[
    row(
        "CMD6 SWITCH_FUNCTION, all default",
        "SD",
        Control,
        Scratch,
        plain(6, Constant(1 << 31), R1, Payload::FromDevice(64)),
    ),
    row("CMD24 WRITE_BLOCK", "eMMC, SD", Write, Scratch, plain(24, Target, R1, Blocks(1))),
    row("CMD25 WRITE_MULTIPLE_BLOCK", "eMMC, SD", Write, Scratch, plain(25, Target, R1, Blocks(2))),
    row(
        "CMD20 WRITE_DAT_UNTIL_STOP / SPEED_CLASS_CONTROL",
        "eMMC 4.1, SD",
        Configuration,
        Scratch,
        plain(20, Constant(0), R1b, Payload::None),
    ),
    row(
        "CMD23 SET_BLOCK_COUNT, reliable write",
        "eMMC, SD",
        Control,
        Scratch,
        plain(23, Constant(1 << 31 | 1), R1, Payload::None),
    ),
    row("CMD26 PROGRAM_CID", "eMMC", Configuration, Device, plain(26, Constant(0), R1, Zeros(16))),
    row("CMD27 PROGRAM_CSD", "eMMC, SD", Configuration, Device, plain(27, Constant(0), R1, Zeros(16))),
    row("CMD28 SET_WRITE_PROT", "eMMC, SD", Configuration, Scratch, plain(28, Target, R1b, Payload::None)),
    row("CMD29 CLR_WRITE_PROT", "eMMC, SD", Configuration, Scratch, plain(29, Target, R1b, Payload::None)),
    row("CMD32 ERASE_WR_BLK_START", "SD", Configuration, Scratch, plain(32, Target, R1, Payload::None)),
    row("CMD33 ERASE_WR_BLK_END", "SD", Configuration, Scratch, plain(33, Target, R1, Payload::None)),
    row("CMD35 ERASE_GROUP_START", "eMMC", Configuration, Scratch, plain(35, Target, R1, Payload::None)),
    row("CMD36 ERASE_GROUP_END", "eMMC", Configuration, Scratch, plain(36, Target, R1, Payload::None)),
    row("CMD38 ERASE", "eMMC, SD", Write, Scratch, plain(38, Constant(0), R1b, Payload::None)),
    row("CMD38 ERASE, trim", "eMMC", Write, Scratch, plain(38, Constant(1), R1b, Payload::None)),
    row("CMD38 ERASE, secure", "eMMC", Write, Device, plain(38, Constant(1 << 31), R1b, Payload::None)),
    row(
        "CMD40 / CMD43 Q_MANAGEMENT",
        "SD",
        Configuration,
        Scratch,
        plain(43, Constant(1), R1b, Payload::None),
    ),
    row("CMD42 LOCK_UNLOCK", "eMMC, SD", Configuration, Device, plain(42, Constant(0), R1, Zeros(512))),
    row("CMD47 EXECUTE_WRITE_TASK", "eMMC", Write, Scratch, plain(47, Constant(0), R1, Blocks(1))),
    row(
        "CMD48 CMDQ_TASK_MGMT, discard queue",
        "eMMC",
        Control,
        Scratch,
        plain(48, Constant(1), R1b, Payload::None),
    ),
    row(
        "CMD49 SET_TIME / WRITE_EXTR_SINGLE",
        "eMMC, SD",
        Configuration,
        Scratch,
        plain(49, Constant(0), R1, Zeros(512)),
    ),
    row(
        "CMD53 SECURITY_PROTOCOL_READ",
        "eMMC",
        Miscellaneous,
        Scratch,
        plain(53, Constant(0), R1, Payload::FromDevice(512)),
    ),
    row(
        "CMD54 SECURITY_PROTOCOL_WRITE",
        "eMMC",
        Configuration,
        Scratch,
        plain(54, Constant(0), R1, Zeros(512)),
    ),
    row("CMD56 GEN_CMD, write", "eMMC, SD", Miscellaneous, Scratch, plain(56, Constant(0), R1, Fresh(512))),
    row("CMD59 WRITE_EXTR_MULTI", "SD", Configuration, Scratch, plain(59, Constant(0), R1, Zeros(512))),
    row(
        "CMD6 SWITCH, cache control",
        "eMMC",
        Configuration,
        Scratch,
        plain(6, switch(33, 0), R1b, Payload::None),
    ),
    row("CMD6 SWITCH, flush cache", "eMMC", Control, Scratch, plain(6, switch(32, 1), R1b, Payload::None)),
    row(
        "CMD6 SWITCH, background operations",
        "eMMC",
        Configuration,
        Scratch,
        plain(6, switch(164, 1), R1b, Payload::None),
    ),
    row(
        "CMD6 SWITCH, partition configuration",
        "eMMC",
        Configuration,
        Scratch,
        plain(6, switch(179, 0x08), R1b, Payload::None),
    ),
    row("CMD6 SWITCH, sanitize", "eMMC", Write, Device, plain(6, switch(165, 1), R1b, Payload::None)),
    row(
        "CMD6 SWITCH, user area write protection",
        "eMMC",
        Configuration,
        Device,
        plain(6, switch(171, 1), R1b, Payload::None),
    ),
    row(
        "CMD6 SWITCH, boot write protection",
        "eMMC",
        Configuration,
        Device,
        plain(6, switch(173, 1), R1b, Payload::None),
    ),
    row(
        "CMD6 SWITCH, partitioning completed",
        "eMMC",
        Configuration,
        Device,
        plain(6, switch(155, 1), R1b, Payload::None),
    ),
    row(
        "CMD6 SWITCH, field firmware update mode",
        "eMMC",
        Configuration,
        Device,
        plain(6, switch(30, 1), R1b, Payload::None),
    ),
    row(
        "CMD6 SWITCH, vendor field",
        "eMMC",
        Miscellaneous,
        Scratch,
        plain(6, switch(64, 1), R1b, Payload::None),
    ),
    row("CMD60 vendor", "eMMC, SD", Miscellaneous, Scratch, plain(60, Constant(0), R1, Payload::None)),
    row(
        "CMD62 vendor",
        "eMMC, SD",
        Miscellaneous,
        Scratch,
        plain(62, Constant(0xEFAC_62EC), R1, Payload::None),
    ),
    row("CMD63 vendor", "eMMC, SD", Miscellaneous, Scratch, plain(63, Constant(0), R1, Payload::None)),
    application("ACMD14 to CMD16, DPS", Miscellaneous, Scratch, 14, 0, R1, Payload::None),
    application("ACMD23 SET_WR_BLK_ERASE_COUNT", Configuration, Scratch, 23, 8, R1, Payload::None),
    application("ACMD25 SECURE_WRITE_MULTI_BLOCK", Write, Scratch, 25, 0, R1, Fresh(512)),
    application("ACMD26 SECURE_WRITE_MKB", Write, Scratch, 26, 0, R1, Fresh(512)),
    application("ACMD38 SECURE_ERASE", Write, Scratch, 38, 0, R1b, Payload::None),
    application("ACMD42 SET_CLR_CARD_DETECT", Control, Scratch, 42, 0, R1, Payload::None),
    application("ACMD49 CHANGE_SECURE_AREA", Configuration, Scratch, 49, 0, R1b, Payload::None),
    application(
        "ACMD24 after CMD55: undefined, a write as a plain command",
        Miscellaneous,
        Scratch,
        24,
        0,
        R1,
        Fresh(512),
    ),
    application("ACMD60 vendor", Miscellaneous, Scratch, 60, 0, R1, Payload::None),
];
