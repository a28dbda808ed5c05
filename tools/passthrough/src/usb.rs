//! USB devices through usbfs, linux/usbdevice_fs.h.

use crate::answer::Answer;
use crate::node::{Data, Node, Request, length32, plain};
use std::time::Duration;

const CONTROL: Request = nix::request_code_readwrite!(b'U', 0, size_of::<Control>());
const BULK: Request = nix::request_code_readwrite!(b'U', 2, size_of::<Bulk>());
const CLAIM: Request = nix::request_code_read!(b'U', 15, size_of::<u32>());
const RELEASE: Request = nix::request_code_read!(b'U', 16, size_of::<u32>());
const IOCTL: Request = nix::request_code_readwrite!(b'U', 18, size_of::<DriverIoctl>());
const RESET: Request = nix::request_code_none!(b'U', 20);
const DISCONNECT: u32 = 0x5516;
const CONNECT: u32 = 0x5517;

/// `struct usbdevfs_ctrltransfer`.
#[repr(C)]
struct Control {
    request_type: u8,
    request: u8,
    value: u16,
    index: u16,
    length: u16,
    timeout_ms: u32,
    data: *mut libc::c_void,
}

/// `struct usbdevfs_bulktransfer`.
#[repr(C)]
struct Bulk {
    endpoint: u32,
    length: u32,
    timeout_ms: u32,
    data: *mut libc::c_void,
}

/// `struct usbdevfs_ioctl`.
#[repr(C)]
struct DriverIoctl {
    interface: libc::c_int,
    code: u32,
    data: *mut libc::c_void,
}

/// Claims an interface. Fails with EBUSY while a driver has it.
#[must_use]
pub fn claim(node: &Node, interface: u32) -> Answer {
    let mut interface = interface;
    // SAFETY: reads an unsigned int.
    plain("USBDEVFS_CLAIMINTERFACE", &unsafe { node.ioctl_structure(CLAIM, &mut interface) })
}

/// Gives a claimed interface back.
#[must_use]
pub fn release(node: &Node, interface: u32) -> Answer {
    let mut interface = interface;
    // SAFETY: reads an unsigned int.
    plain("USBDEVFS_RELEASEINTERFACE", &unsafe { node.ioctl_structure(RELEASE, &mut interface) })
}

/// Takes the interface away from its driver: the disk vanishes from the system.
#[must_use]
pub fn detach_driver(node: &Node, interface: i32) -> Answer {
    driver_ioctl(node, interface, DISCONNECT, "USBDEVFS_DISCONNECT")
}

/// Lets a driver have the interface again.
#[must_use]
pub fn attach_driver(node: &Node, interface: i32) -> Answer {
    driver_ioctl(node, interface, CONNECT, "USBDEVFS_CONNECT")
}

fn driver_ioctl(node: &Node, interface: i32, code: u32, step: &'static str) -> Answer {
    let mut argument = DriverIoctl { interface, code, data: std::ptr::null_mut() };
    // SAFETY: both codes carry no data, so the null pointer is not followed.
    plain(step, &unsafe { node.ioctl_structure(IOCTL, &mut argument) })
}

/// Resets the device's port.
#[must_use]
pub fn reset(node: &Node) -> Answer {
    plain("USBDEVFS_RESET", &node.ioctl_value(RESET, 0))
}

/// A control transfer without data.
#[must_use]
pub fn control(
    node: &Node,
    request_type: u8,
    request: u8,
    value: u16,
    index: u16,
    timeout: Duration,
) -> Answer {
    let mut argument = Control {
        request_type,
        request,
        value,
        index,
        length: 0,
        timeout_ms: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
        data: std::ptr::null_mut(),
    };
    // SAFETY: takes this structure; with length 0 the null pointer is not followed.
    plain("USBDEVFS_CONTROL", &unsafe { node.ioctl_structure(CONTROL, &mut argument) })
}

/// A bulk transfer on `endpoint`, whose bit 7 says whether it comes from the device; `data` must agree.
#[must_use]
pub fn bulk(node: &Node, endpoint: u8, mut data: Data<'_>, timeout: Duration) -> Answer {
    let from_device = endpoint & 0x80 != 0;
    if from_device == matches!(data, Data::Out(_)) {
        return Answer::Errno { step: "USBDEVFS_BULK", errno: libc::EINVAL };
    }
    let (pointer, length) = data.parts();
    let mut argument = Bulk {
        endpoint: u32::from(endpoint),
        length: length32(length),
        timeout_ms: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
        data: pointer,
    };
    // SAFETY: takes this structure; its pointer covers `length` bytes of `data`, and the kernel writes there only on an
    // endpoint from the device, for which the slice is exclusive (checked above).
    plain("USBDEVFS_BULK", &unsafe { node.ioctl_structure(BULK, &mut argument) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_have_the_kernels_numbers() {
        let expected = [(CONTROL, "c0185500"), (BULK, "c0185502"), (CLAIM, "8004550f"), (IOCTL, "c0105512")];
        for (request, number) in expected {
            assert_eq!(format!("{request:08x}"), number);
        }
        assert_eq!(RESET, 0x5514);
    }

    #[test]
    fn a_transfer_against_its_endpoints_direction_never_reaches_the_kernel() {
        let null = Node::open("/dev/null".as_ref(), crate::Access::ReadOnly).unwrap();
        let answer = bulk(&null, 0x81, Data::Out(&[0; 31]), Duration::from_secs(1));
        assert_eq!(answer, Answer::Errno { step: "USBDEVFS_BULK", errno: libc::EINVAL });
    }
}
