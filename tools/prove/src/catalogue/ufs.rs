//! UFS query requests that change a device: JESD220. They go through the host's bsg node as a UPIU of type QUERY REQUEST.

use crate::vector::{Effect, Row, Stake};
use Effect::{Configuration, Write};
use Stake::{Device, Scratch};

/// A query: function, opcode, identifier, value (JESD220, "QUERY REQUEST UPIU").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UfsForm {
    pub(crate) opcode: u8,
    pub(crate) identifier: u8,
    pub(crate) value: u32,
}

const SET_FLAG: u8 = 0x06;
const CLEAR_FLAG: u8 = 0x07;
const TOGGLE_FLAG: u8 = 0x08;
const WRITE_ATTRIBUTE: u8 = 0x04;
const WRITE_DESCRIPTOR: u8 = 0x02;

const fn row(
    name: &'static str,
    effect: Effect,
    stake: Stake,
    opcode: u8,
    identifier: u8,
    value: u32,
) -> Row<UfsForm> {
    Row { name, clause: "JESD220", effect, stake, form: UfsForm { opcode, identifier, value } }
}

pub(crate) const ROWS: &[Row<UfsForm>] = &[
    row("set flag fPermanentWPEn", Configuration, Device, SET_FLAG, 0x02, 0),
    row("set flag fPowerOnWPEn", Configuration, Device, SET_FLAG, 0x03, 0),
    row("set flag fBackgroundOpsEn", Configuration, Scratch, SET_FLAG, 0x04, 0),
    row("clear flag fBackgroundOpsEn", Configuration, Scratch, CLEAR_FLAG, 0x04, 0),
    row("set flag fPurgeEnable", Write, Device, SET_FLAG, 0x06, 0),
    row("set flag fPermanentlyDisableFwUpdate", Configuration, Device, SET_FLAG, 0x0B, 0),
    row("set flag fWriteBoosterEn", Configuration, Scratch, SET_FLAG, 0x0E, 0),
    row("clear flag fWriteBoosterEn", Configuration, Scratch, CLEAR_FLAG, 0x0E, 0),
    row("toggle flag fWriteBoosterBufferFlushEn", Configuration, Scratch, TOGGLE_FLAG, 0x0F, 0),
    row("write attribute bBootLunEn", Configuration, Device, WRITE_ATTRIBUTE, 0x00, 1),
    row("write attribute bActiveICCLevel", Configuration, Scratch, WRITE_ATTRIBUTE, 0x03, 0),
    row("write attribute bConfigDescrLock", Configuration, Device, WRITE_ATTRIBUTE, 0x0B, 1),
    row("write attribute bRefClkFreq", Configuration, Device, WRITE_ATTRIBUTE, 0x0A, 1),
    row("write attribute wExceptionEventControl", Configuration, Scratch, WRITE_ATTRIBUTE, 0x0D, 0),
    row("write attribute dSecondsPassed", Configuration, Scratch, WRITE_ATTRIBUTE, 0x0F, 1),
    row("write configuration descriptor", Configuration, Device, WRITE_DESCRIPTOR, 0x01, 0),
];
