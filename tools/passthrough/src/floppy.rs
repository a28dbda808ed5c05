//! Raw commands to a floppy controller (`FDRAWCMD`) and formatting, linux/fd.h.

use crate::answer::Answer;
use crate::node::{Node, Request, plain};

const FDRAWCMD: Request = nix::request_code_none!(2, 0x58);
const FDFMTBEG: Request = nix::request_code_none!(2, 0x47);
const FDFMTTRK: Request = nix::request_code_write!(2, 0x48, size_of::<[u32; 3]>());
const FDFMTEND: Request = nix::request_code_none!(2, 0x49);

/// `struct floppy_raw_cmd`.
#[repr(C)]
struct RawCommand {
    flags: u32,
    data: *const u8,
    kernel_data: *const u8,
    next: *const u8,
    length: libc::c_long,
    physical_length: libc::c_long,
    buffer_length: libc::c_int,
    rate: u8,
    command_count: u8,
    command: [u8; 16],
    reply_count: u8,
    reply: [u8; 16],
    track: libc::c_int,
    result_code: libc::c_int,
    reserved: [libc::c_int; 2],
}

const RAW_WRITE: u32 = 2;
const RAW_INTERRUPT: u32 = 8;
const RAW_SPIN: u32 = 0x10;

/// Sends a raw command whose data goes to the controller.
#[must_use]
pub fn send_raw(node: &Node, command: &[u8], data: &[u8]) -> Answer {
    let mut bytes = [0u8; 16];
    bytes.iter_mut().zip(command).for_each(|(to, from)| *to = *from);
    let mut raw = RawCommand {
        flags: RAW_WRITE | RAW_INTERRUPT | RAW_SPIN,
        data: data.as_ptr(),
        kernel_data: std::ptr::null(),
        next: std::ptr::null(),
        length: i64::try_from(data.len()).unwrap_or(0),
        physical_length: 0,
        buffer_length: 0,
        rate: 0,
        command_count: u8::try_from(command.len().min(16)).unwrap_or(0),
        command: bytes,
        reply_count: 0,
        reply: [0; 16],
        track: 0,
        result_code: 0,
        reserved: [0; 2],
    };
    // SAFETY: FDRAWCMD takes this structure; `data` points to `length` bytes that the kernel, by FD_RAW_WRITE without
    // FD_RAW_READ, only reads; it writes its reply into the structure.
    plain("FDRAWCMD", &unsafe { node.ioctl_structure(FDRAWCMD, &mut raw) })
}

/// Formats one track.
#[must_use]
pub fn format_track(node: &Node, head: u32, track: u32) -> Answer {
    if let Err(error) = node.ioctl_value(FDFMTBEG, 0) {
        return Answer::from_error("FDFMTBEG", &error);
    }
    let mut place = [0u32, head, track];
    // SAFETY: FDFMTTRK reads three 32-bit numbers: device, head, track.
    let formatted = unsafe { node.ioctl_structure(FDFMTTRK, &mut place) };
    let _ = node.ioctl_value(FDFMTEND, 0);
    plain("FDFMTTRK", &formatted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_has_the_kernels_size_and_places() {
        assert_eq!(size_of::<RawCommand>(), 0x68);
        assert_eq!(std::mem::offset_of!(RawCommand, rate), 0x34);
        assert_eq!(std::mem::offset_of!(RawCommand, reply), 0x47);
        assert_eq!(format!("{FDFMTTRK:08x}"), "400c0248");
    }
}
