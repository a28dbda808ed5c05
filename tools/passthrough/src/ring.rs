//! NVMe commands through io_uring (`IORING_OP_URING_CMD`) on a generic (`ng`) or controller node, by plain system calls.

use crate::answer::Answer;
use crate::node::{Data, Node};
use crate::nvme::{Command, PassThrough, Queue};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

// linux/io_uring.h
const SETUP_SQE128: u32 = 1 << 10;
const SETUP_CQE32: u32 = 1 << 11;
const ENTER_GETEVENTS: u32 = 1;
const OP_URING_CMD: u8 = 46;
const OFFSET_SQ_RING: i64 = 0;
const OFFSET_CQ_RING: i64 = 0x0800_0000;
const OFFSET_SQES: i64 = 0x1000_0000;
/// Submission entry of 128 bytes; the command starts at byte 48.
const ENTRY: usize = 128;
const COMMAND_AT: usize = 48;
const OPERATION_AT: usize = 8;
/// Completion entry of 32 bytes.
const COMPLETION: usize = 32;
// linux/nvme_ioctl.h: _IOWR('N', 0x80 and 0x82, struct nvme_uring_cmd)
const NVME_URING_CMD_IO: u32 = 0xC048_4E80;
const NVME_URING_CMD_ADMIN: u32 = 0xC048_4E82;

/// `struct io_uring_params` with its two tables of offsets.
#[derive(Default)]
#[repr(C)]
struct Parameters {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    rest: [u32; 7],
    sq: [u32; 10],
    cq: [u32; 10],
}

/// A mapping of the ring, unmapped when dropped.
struct Mapping {
    start: NonNull<libc::c_void>,
    length: NonZeroUsize,
}

impl Mapping {
    fn new(ring: &OwnedFd, length: usize, offset: i64) -> io::Result<Self> {
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe { mmap(None, length, protection, flags, ring, offset) }?;
        Ok(Self { start, length })
    }

    /// A 32-bit number in it, shared with the kernel.
    fn number(&self, at: usize) -> io::Result<&AtomicU32> {
        if at.saturating_add(4) > self.length.get() || !at.is_multiple_of(4) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: inside the mapping and aligned (checked above; mappings start on a page), alive as long as `self`, and
        // changed by the kernel and by us only atomically.
        Ok(unsafe { self.start.cast::<AtomicU32>().byte_add(at).as_ref() })
    }

    /// Copies bytes in, to a place that the kernel reads only when told to.
    fn store(&self, at: usize, bytes: &[u8]) -> io::Result<()> {
        if at.saturating_add(bytes.len()) > self.length.get() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: inside the mapping (checked above), which no reference of ours covers with plain data.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.start.cast::<u8>().byte_add(at).as_ptr(),
                bytes.len(),
            )
        };
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new`; references into it borrow `self` and are gone.
        let _ = unsafe { munmap(self.start, self.length.get()) };
    }
}

/// Sends one command through a ring of its own and waits for its end, which the command's own time-out bounds.
#[must_use]
pub fn send(node: &Node, queue: Queue, command: &Command, mut data: Data<'_>, timeout: Duration) -> Answer {
    let passed = PassThrough::new(command, &mut data, timeout).bytes();
    match submit(node, queue, &passed) {
        Ok(result) if result < 0 => Answer::Errno { step: "IORING_OP_URING_CMD", errno: -result },
        Ok(status) => Answer::Nvme { status: u16::try_from(status).unwrap_or(u16::MAX), result: 0 },
        Err(error) => Answer::from_error("io_uring", &error),
    }
}

fn submit(node: &Node, queue: Queue, command: &[u8; 72]) -> io::Result<i32> {
    let mut parameters = Parameters { flags: SETUP_SQE128 | SETUP_CQE32, ..Parameters::default() };
    // SAFETY: io_uring_setup reads and writes this structure.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, &raw mut parameters) };
    let ring = i32::try_from(ring).ok().filter(|ring| *ring >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: a new descriptor that nobody else owns.
    let ring = unsafe { OwnedFd::from_raw_fd(ring) };
    let at = |table: &[u32; 10], index: usize| {
        usize::try_from(table.get(index).copied().unwrap_or(0)).unwrap_or(0)
    };
    // Offsets of struct io_sqring_offsets: head, tail, ring_mask, ring_entries, flags, dropped, array.
    let (sq_tail, sq_array) = (at(&parameters.sq, 1), at(&parameters.sq, 6));
    // Offsets of struct io_cqring_offsets: head, tail, ring_mask, ring_entries, overflow, cqes.
    let (cq_head, cq_tail, cqes) = (at(&parameters.cq, 0), at(&parameters.cq, 1), at(&parameters.cq, 5));
    let entries = usize::try_from(parameters.cq_entries).map_err(io::Error::other)?;
    let submissions = Mapping::new(&ring, sq_array + 4, OFFSET_SQ_RING)?;
    let completions = Mapping::new(&ring, cqes + entries * COMPLETION, OFFSET_CQ_RING)?;
    let slots = Mapping::new(&ring, ENTRY, OFFSET_SQES)?;

    let mut entry = [0u8; COMMAND_AT];
    let operation = match queue {
        Queue::Io => NVME_URING_CMD_IO,
        Queue::Admin => NVME_URING_CMD_ADMIN,
    };
    let descriptor = node.file().as_raw_fd().to_le_bytes();
    let fields =
        [(0, &[OP_URING_CMD][..]), (4, &descriptor[..]), (OPERATION_AT, &operation.to_le_bytes()[..])];
    for (at, bytes) in fields {
        entry.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
    }
    slots.store(0, &entry)?;
    slots.store(COMMAND_AT, command)?;
    submissions.number(sq_array)?.store(0, Ordering::Relaxed);
    submissions.number(sq_tail)?.store(1, Ordering::Release);
    let none: *const libc::c_void = std::ptr::null();
    // SAFETY: io_uring_enter with no signal mask touches only the ring; the memory that the command points to is borrowed by
    // `send` until the completion is there, for which this call waits.
    let entered =
        unsafe { libc::syscall(libc::SYS_io_uring_enter, ring.as_raw_fd(), 1, 1, ENTER_GETEVENTS, none, 0) };
    if entered < 0 {
        return Err(io::Error::last_os_error());
    }
    let head = completions.number(cq_head)?;
    while completions.number(cq_tail)?.load(Ordering::Acquire) == head.load(Ordering::Relaxed) {
        // A signal may end the wait early.
        // SAFETY: as above, with nothing new to submit.
        unsafe { libc::syscall(libc::SYS_io_uring_enter, ring.as_raw_fd(), 0, 1, ENTER_GETEVENTS, none, 0) };
    }
    let result = completions.number(cqes + 8)?.load(Ordering::Relaxed);
    head.fetch_add(1, Ordering::Release);
    Ok(i32::from_ne_bytes(result.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_have_the_kernels_size() {
        assert_eq!(size_of::<Parameters>(), 0x78);
        assert_eq!(std::mem::offset_of!(Parameters, sq), 0x28);
        assert_eq!(std::mem::offset_of!(Parameters, cq), 0x50);
    }

    #[test]
    fn what_takes_no_ring_commands_says_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let node = Node::open(file.path(), crate::Access::ReadOnly).unwrap();
        let answer = send(&node, Queue::Io, &Command::default(), Data::None, Duration::from_secs(1));
        // EOPNOTSUPP from the file, or EPERM and ENOSYS where the sandbox of a build machine has no rings.
        assert!(matches!(answer, Answer::Errno { .. }), "{answer}");
    }
}
