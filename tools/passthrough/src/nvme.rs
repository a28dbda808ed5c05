//! NVMe commands by ioctl on a block node, a controller node or a generic (`ng`) node, and resets of the controller.

use crate::answer::Answer;
use crate::node::{Data, Node, Request, address, length32};
use std::time::Duration;

const ADMIN64_CMD: Request = nix::request_code_readwrite!(b'N', 0x47, size_of::<PassThrough>());
const IO64_CMD: Request = nix::request_code_readwrite!(b'N', 0x48, size_of::<PassThrough>());
const SUBMIT_IO: Request = nix::request_code_write!(b'N', 0x42, size_of::<UserIo>());
const RESET: Request = nix::request_code_none!(b'N', 0x44);
const SUBSYSTEM_RESET: Request = nix::request_code_none!(b'N', 0x45);
const RESCAN: Request = nix::request_code_none!(b'N', 0x46);

/// A submission queue entry as far as a program may fill it, NVM Express base 2.0 figure 88.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Opcode.
    pub opcode: u8,
    /// Namespace.
    pub namespace: u32,
    /// Command dwords 2 and 3.
    pub cdw2_3: [u32; 2],
    /// Command dwords 10 to 15.
    pub cdw10_15: [u32; 6],
}

/// Which queue a command goes to: the same opcode means another command in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// Admin commands.
    Admin,
    /// I/O commands.
    Io,
}

/// `struct nvme_passthru_cmd64`, linux/nvme_ioctl.h; its first 72 bytes are `struct nvme_uring_cmd`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct PassThrough {
    opcode: u8,
    flags: u8,
    reserved1: u16,
    namespace: u32,
    cdw2_3: [u32; 2],
    metadata: u64,
    address: u64,
    metadata_length: u32,
    data_length: u32,
    cdw10_15: [u32; 6],
    timeout_ms: u32,
    reserved2: u32,
    result: u64,
}

/// `struct nvme_user_io`, linux/nvme_ioctl.h.
#[derive(Default)]
#[repr(C)]
struct UserIo {
    opcode: u8,
    flags: u8,
    control: u16,
    blocks: u16,
    reserved: u16,
    metadata: u64,
    address: u64,
    first: u64,
    dsmgmt: u32,
    reftag: u32,
    apptag: u16,
    appmask: u16,
}

impl PassThrough {
    /// Address and length of `data` are put in; it must outlive the command.
    pub(crate) fn new(command: &Command, data: &mut Data<'_>, timeout: Duration) -> Self {
        let (pointer, length) = data.parts();
        PassThrough {
            opcode: command.opcode,
            namespace: command.namespace,
            cdw2_3: command.cdw2_3,
            address: address(pointer),
            data_length: length32(length),
            cdw10_15: command.cdw10_15,
            timeout_ms: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
            ..PassThrough::default()
        }
    }

    /// As `struct nvme_uring_cmd`: the first 72 bytes, little-endian as the only machine this is built for.
    pub(crate) fn bytes(&self) -> [u8; 72] {
        let mut bytes = [0u8; 72];
        let words = [
            u32::from_le_bytes([self.opcode, self.flags, 0, 0]),
            self.namespace,
            self.cdw2_3[0],
            self.cdw2_3[1],
        ];
        let lengths = [self.metadata_length, self.data_length];
        let tail = [self.timeout_ms, self.reserved2];
        let fields = words.iter().flat_map(|word| word.to_le_bytes());
        let fields = fields.chain(self.metadata.to_le_bytes()).chain(self.address.to_le_bytes());
        let fields = fields.chain(lengths.iter().flat_map(|word| word.to_le_bytes()));
        let fields = fields.chain(self.cdw10_15.iter().flat_map(|word| word.to_le_bytes()));
        let fields = fields.chain(tail.iter().flat_map(|word| word.to_le_bytes()));
        bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        bytes
    }
}

/// Sends a command. Bit 0 of the opcode says whether data goes to the device, bit 1 whether it comes from it: `data` must
/// agree. The kernel aborts the command after `timeout`.
#[must_use]
pub fn send(node: &Node, queue: Queue, command: &Command, mut data: Data<'_>, timeout: Duration) -> Answer {
    let (request, step) = match queue {
        Queue::Admin => (ADMIN64_CMD, "NVME_IOCTL_ADMIN64_CMD"),
        Queue::Io => (IO64_CMD, "NVME_IOCTL_IO64_CMD"),
    };
    let mut passed = PassThrough::new(command, &mut data, timeout);
    // SAFETY: both requests take this structure; its one pointer is null or covers `data_length` bytes of `data`, which is
    // borrowed for this call, exclusively where the device writes.
    match unsafe { node.ioctl_structure(request, &mut passed) } {
        Ok(status) => {
            Answer::Nvme { status: u16::try_from(status).unwrap_or(u16::MAX), result: passed.result }
        }
        Err(error) => Answer::from_error(step, &error),
    }
}

/// Writes whole logical blocks of `block_size` bytes from `first` on (`NVME_IOCTL_SUBMIT_IO`, opcode Write).
#[must_use]
pub fn submit_write(node: &Node, first: u64, block_size: usize, data: &[u8]) -> Answer {
    const WRITE: u8 = 0x01;
    let blocks = data.len().checked_div(block_size).unwrap_or(0);
    let mut passed = UserIo {
        opcode: WRITE,
        blocks: u16::try_from(blocks.saturating_sub(1)).unwrap_or(u16::MAX),
        address: address(data.as_ptr()),
        first,
        ..UserIo::default()
    };
    // SAFETY: the request takes this structure. The kernel only reads from its pointer: as many blocks as are counted, each
    // of the namespace's own size; were that larger than `block_size`, it would send bytes beyond the slice, or fail.
    match unsafe { node.ioctl_structure(SUBMIT_IO, &mut passed) } {
        Ok(status) => Answer::Nvme { status: u16::try_from(status).unwrap_or(u16::MAX), result: 0 },
        Err(error) => Answer::from_error("NVME_IOCTL_SUBMIT_IO", &error),
    }
}

/// What a controller can be told outside its queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControllerAction {
    /// Reset by CC.EN.
    Reset,
    /// Reset of the whole subsystem by NSSR.
    SubsystemReset,
    /// Look for namespaces again.
    Rescan,
}

/// Resets or rescans a controller.
#[must_use]
pub fn control(node: &Node, action: ControllerAction) -> Answer {
    let (request, step) = match action {
        ControllerAction::Reset => (RESET, "NVME_IOCTL_RESET"),
        ControllerAction::SubsystemReset => (SUBSYSTEM_RESET, "NVME_IOCTL_SUBSYS_RESET"),
        ControllerAction::Rescan => (RESCAN, "NVME_IOCTL_RESCAN"),
    };
    crate::node::plain(step, &node.ioctl_value(request, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structures_have_the_kernels_sizes_and_numbers() {
        assert_eq!(size_of::<PassThrough>(), 80);
        assert_eq!(size_of::<UserIo>(), 48);
        // _IOWR('N', 0x48, struct nvme_passthru_cmd64) and _IOW('N', 0x42, struct nvme_user_io), low 32 bits.
        assert_eq!(format!("{IO64_CMD:08x}"), "c0504e48");
        assert_eq!(format!("{SUBMIT_IO:08x}"), "40304e42");
    }

    #[test]
    fn a_ring_entry_carries_each_field_at_its_place() {
        let command =
            Command { opcode: 0x01, namespace: 7, cdw10_15: [10, 11, 12, 13, 14, 15], ..Command::default() };
        let bytes = PassThrough::new(&command, &mut Data::Out(&[0; 512]), Duration::from_millis(5)).bytes();
        assert_eq!((bytes[0], bytes[4]), (1, 7));
        assert_eq!(u32::from_le_bytes(bytes[36..40].try_into().unwrap()), 512, "data_len");
        assert_eq!([bytes[40], bytes[44], bytes[60], bytes[64]], [10, 11, 15, 5]);
        assert_ne!(bytes[24..32], [0; 8], "addr");
    }
}
