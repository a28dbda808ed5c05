//! MMC and SD commands by `MMC_IOC_CMD` on the card's block node.

use crate::answer::Answer;
use crate::node::{Data, Node, Request, address, length32};
use std::time::Duration;

const MMC_IOC_CMD: Request = nix::request_code_readwrite!(179, 0, size_of::<MmcIocCmd>());

/// Kind of response that a command has, as the kernel's flags (linux/mmc/core.h) name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// None.
    None,
    /// R1: card status.
    R1,
    /// R1b: card status, then busy.
    R1b,
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Index.
    pub index: u8,
    /// Argument.
    pub argument: u32,
    /// Send CMD55 before it: an application command.
    pub application: bool,
    /// Response.
    pub response: Response,
    /// Size of one block of data.
    pub block_size: u32,
}

/// `struct mmc_ioc_cmd`, linux/mmc/ioctl.h.
#[derive(Default)]
#[repr(C)]
struct MmcIocCmd {
    write_flag: libc::c_int,
    is_acmd: libc::c_int,
    opcode: u32,
    arg: u32,
    response: [u32; 4],
    flags: u32,
    blksz: u32,
    blocks: u32,
    postsleep_min_us: u32,
    postsleep_max_us: u32,
    data_timeout_ns: u32,
    cmd_timeout_ms: u32,
    pad: u32,
    data_ptr: u64,
}

// linux/mmc/core.h
const PRESENT: u32 = 1 << 0;
const CRC: u32 = 1 << 2;
const BUSY: u32 = 1 << 3;
const OPCODE: u32 = 1 << 4;
const TRANSFER: u32 = 1 << 5;

/// Sends a command; the data's length must be a multiple of the block size.
#[must_use]
pub fn send(node: &Node, command: &Command, mut data: Data<'_>, timeout: Duration) -> Answer {
    let kind = match command.response {
        Response::None => 0,
        Response::R1 => PRESENT | CRC | OPCODE,
        Response::R1b => PRESENT | CRC | OPCODE | BUSY,
    };
    let (pointer, length) = data.parts();
    let mut passed = MmcIocCmd {
        write_flag: libc::c_int::from(matches!(data, Data::Out(_))),
        is_acmd: libc::c_int::from(command.application),
        opcode: u32::from(command.index),
        arg: command.argument,
        flags: if length > 0 { kind | TRANSFER } else { kind },
        blksz: if length > 0 { command.block_size } else { 0 },
        blocks: length32(length).checked_div(command.block_size).unwrap_or(0),
        cmd_timeout_ms: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
        data_timeout_ns: u32::try_from(timeout.as_nanos()).unwrap_or(u32::MAX),
        data_ptr: address(pointer),
        ..MmcIocCmd::default()
    };
    // SAFETY: MMC_IOC_CMD takes this structure; its pointer covers blksz × blocks bytes at most of `data`, borrowed for the
    // call, exclusively where the card writes.
    match unsafe { node.ioctl_structure(MMC_IOC_CMD, &mut passed) } {
        Ok(_) => Answer::Mmc { response: passed.response },
        Err(error) => Answer::from_error("MMC_IOC_CMD", &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_has_the_kernels_size_and_number() {
        assert_eq!(size_of::<MmcIocCmd>(), 72);
        assert_eq!(format!("{MMC_IOC_CMD:08x}"), "c048b300");
    }
}
