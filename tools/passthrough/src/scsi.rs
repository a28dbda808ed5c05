//! SCSI commands: SG_IO version 3 on block and sg nodes, version 4 on bsg nodes.

use crate::answer::Answer;
use crate::node::{Data, Node, Request, address, length32, plain};
use device::Sense;
use std::time::Duration;

/// `SG_IO`, scsi/sg.h.
const SG_IO: Request = 0x2285;
const DIRECTION_NONE: libc::c_int = -1;
const DIRECTION_TO_DEVICE: libc::c_int = -2;
const DIRECTION_FROM_DEVICE: libc::c_int = -3;
/// What the kernel keeps of sense data (`SCSI_SENSE_BUFFERSIZE`).
const SENSE_SIZE: usize = 96;
/// `SG_SCSI_RESET`, scsi/sg.h.
const SG_SCSI_RESET: Request = 0x2284;
/// The time a command gets where nothing else is said.
pub const SECONDS_10: Duration = Duration::from_secs(10);

/// `struct sg_io_hdr`, scsi/sg.h.
#[repr(C)]
struct SgIoHeader {
    interface_id: libc::c_int,
    direction: libc::c_int,
    command_length: u8,
    sense_room: u8,
    vector_count: u16,
    data_length: u32,
    data: *mut libc::c_void,
    command: *const u8,
    sense: *mut u8,
    timeout_ms: u32,
    flags: u32,
    pack_id: libc::c_int,
    user: *mut libc::c_void,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_written: u8,
    host_status: u16,
    driver_status: u16,
    residue: libc::c_int,
    duration: u32,
    info: u32,
}

/// `struct sg_io_v4`, linux/bsg.h.
#[derive(Default)]
#[repr(C)]
struct SgIoV4 {
    guard: i32,
    protocol: u32,
    subprotocol: u32,
    request_len: u32,
    request: u64,
    request_tag: u64,
    request_attr: u32,
    request_priority: u32,
    request_extra: u32,
    max_response_len: u32,
    response: u64,
    dout_iovec_count: u32,
    dout_xfer_len: u32,
    din_iovec_count: u32,
    din_xfer_len: u32,
    dout_xferp: u64,
    din_xferp: u64,
    timeout: u32,
    flags: u32,
    usr_ptr: u64,
    spare_in: u32,
    driver_status: u32,
    transport_status: u32,
    device_status: u32,
    retry_delay: u32,
    info: u32,
    duration: u32,
    response_len: u32,
    din_resid: i32,
    dout_resid: i32,
    generated_tag: u64,
    spare_out: u32,
    padding: u32,
}

/// What is reset, in the numbers of `SG_SCSI_RESET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The logical unit.
    Device,
    /// The target.
    Target,
    /// The bus.
    Bus,
    /// The host adapter.
    Host,
}

/// Resets as far as `what` says and no further. Every disk behind what is reset feels it.
#[must_use]
pub fn reset(node: &Node, what: Reset) -> Answer {
    const NO_ESCALATION: libc::c_int = 0x100;
    let number = match what {
        Reset::Device => 1,
        Reset::Target => 4,
        Reset::Bus => 2,
        Reset::Host => 3,
    };
    let mut value = number | NO_ESCALATION;
    // SAFETY: SG_SCSI_RESET reads an int.
    plain("SG_SCSI_RESET", &unsafe { node.ioctl_structure(SG_SCSI_RESET, &mut value) })
}

/// Sends a command through `SG_IO` on a block or sg node. The kernel aborts it after `timeout`.
#[must_use]
pub fn send_v3(node: &Node, cdb: &[u8], mut data: Data<'_>, timeout: Duration) -> Answer {
    let direction = match &data {
        Data::None => DIRECTION_NONE,
        Data::Out(_) => DIRECTION_TO_DEVICE,
        Data::In(_) => DIRECTION_FROM_DEVICE,
    };
    let mut sense = [0u8; SENSE_SIZE];
    let (pointer, length) = data.parts();
    let mut header = SgIoHeader {
        interface_id: i32::from(b'S'),
        direction,
        command_length: u8::try_from(cdb.len()).unwrap_or(u8::MAX),
        sense_room: u8::try_from(SENSE_SIZE).unwrap_or(0),
        vector_count: 0,
        data_length: length32(length),
        data: pointer,
        command: cdb.as_ptr(),
        sense: sense.as_mut_ptr(),
        timeout_ms: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
        flags: 0,
        pack_id: 0,
        user: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        message_status: 0,
        sense_written: 0,
        host_status: 0,
        driver_status: 0,
        residue: 0,
        duration: 0,
        info: 0,
    };
    if cdb.len() > usize::from(u8::MAX) {
        return Answer::Errno { step: "SG_IO", errno: libc::EMSGSIZE };
    }
    // SAFETY: SG_IO with interface 'S' takes this structure; command, sense and data point to buffers of the lengths given,
    // which outlive the call; the kernel writes to sense and, when data comes from the device, to the exclusive slice.
    match unsafe { node.ioctl_structure(SG_IO, &mut header) } {
        Err(error) => Answer::from_error("SG_IO", &error),
        Ok(_) => {
            let written = sense.get(..usize::from(header.sense_written)).unwrap_or(&[]);
            Answer::Scsi {
                status: header.status,
                host: u32::from(header.host_status),
                sense: Sense::parse(written),
            }
        }
    }
}

/// Sends a command through a bsg node (`/dev/bsg/…`), `subprotocol` 0 being a SCSI command. The response is sense data.
#[must_use]
pub fn send_v4(node: &Node, cdb: &[u8], data: Data<'_>, timeout: Duration) -> Answer {
    let mut sense = [0u8; SENSE_SIZE];
    match request_v4(node, 0, cdb, data, &mut sense, timeout) {
        Err(error) => Answer::from_error("SG_IO", &error),
        Ok(header) => {
            let written = usize::try_from(header.response_len).unwrap_or(0).min(SENSE_SIZE);
            let sense = sense.get(..written).and_then(Sense::parse);
            let status = u8::try_from(header.device_status & 0xFF).unwrap_or(u8::MAX);
            Answer::Scsi { status, host: header.transport_status, sense }
        }
    }
}

/// Sends a transport's own request (a UFS query, for one) through its bsg node; `reply` receives what came back.
#[must_use]
pub fn send_transport_request(
    node: &Node,
    request: &[u8],
    data: Data<'_>,
    reply: &mut [u8],
    timeout: Duration,
) -> Answer {
    match request_v4(node, 2, request, data, reply, timeout) {
        Err(error) => Answer::from_error("SG_IO", &error),
        Ok(header) if header.device_status == 0 && header.transport_status == 0 => Answer::Done,
        Ok(header) => Answer::Scsi {
            status: u8::try_from(header.device_status & 0xFF).unwrap_or(u8::MAX),
            host: header.transport_status,
            sense: None,
        },
    }
}

fn request_v4(
    node: &Node,
    subprotocol: u32,
    request: &[u8],
    mut data: Data<'_>,
    response: &mut [u8],
    timeout: Duration,
) -> std::io::Result<SgIoV4> {
    let mut header = SgIoV4 {
        guard: i32::from(b'Q'),
        subprotocol,
        request_len: length32(request.len()),
        request: address(request.as_ptr()),
        max_response_len: length32(response.len()),
        response: address(response.as_mut_ptr()),
        timeout: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
        ..SgIoV4::default()
    };
    let (pointer, length) = data.parts();
    match &data {
        Data::None => {}
        Data::Out(_) => (header.dout_xferp, header.dout_xfer_len) = (address(pointer), length32(length)),
        Data::In(_) => (header.din_xferp, header.din_xfer_len) = (address(pointer), length32(length)),
    }
    // SAFETY: SG_IO with guard 'Q' takes this structure; request, response and data point to buffers of the lengths given,
    // which outlive the call; the kernel writes to the response and to data that comes from the device, both exclusive.
    unsafe { node.ioctl_structure(SG_IO, &mut header) }?;
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structures_have_the_kernels_sizes() {
        // x86-64: sizeof(struct sg_io_hdr), sizeof(struct sg_io_v4)
        assert_eq!(size_of::<SgIoHeader>(), 88);
        assert_eq!(size_of::<SgIoV4>(), 160);
    }

    #[test]
    fn what_is_no_scsi_device_says_so() {
        let null = Node::open("/dev/null".as_ref(), crate::Access::ReadOnly).unwrap();
        let answer = send_v3(&null, &[0; 6], Data::None, SECONDS_10);
        assert_eq!(answer, Answer::Errno { step: "SG_IO", errno: libc::ENOTTY });
        assert_eq!(send_v4(&null, &[0; 6], Data::None, SECONDS_10), answer);
        assert_eq!(reset(&null, Reset::Device), Answer::Errno { step: "SG_SCSI_RESET", errno: libc::ENOTTY });
    }
}
