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

/// A ring with room for one command at a time.
pub struct Ring {
    descriptor: OwnedFd,
    submissions: Mapping,
    completions: Mapping,
    slots: Mapping,
    places: Places,
}

/// Where in the mappings the kernel has put what is shared with it.
struct Places {
    submission_tail: usize,
    submission_array: usize,
    completion_head: usize,
    completion_tail: usize,
    completions: usize,
    /// Number of completion entries, a power of two.
    entries: u32,
}

impl Places {
    fn of(parameters: &Parameters) -> Self {
        let at = |table: &[u32; 10], index: usize| {
            usize::try_from(table.get(index).copied().unwrap_or(0)).unwrap_or(0)
        };
        // struct io_sqring_offsets: head, tail, ring_mask, ring_entries, flags, dropped, array; struct io_cqring_offsets:
        // head, tail, ring_mask, ring_entries, overflow, cqes.
        Places {
            submission_tail: at(&parameters.sq, 1),
            submission_array: at(&parameters.sq, 6),
            completion_head: at(&parameters.cq, 0),
            completion_tail: at(&parameters.cq, 1),
            completions: at(&parameters.cq, 5),
            entries: parameters.cq_entries.max(1),
        }
    }

    /// Where the result of the completion with this number is.
    fn result(&self, number: u32) -> usize {
        let index = usize::try_from(number & self.entries.saturating_sub(1)).unwrap_or(0);
        self.completions.saturating_add(index.saturating_mul(COMPLETION)).saturating_add(8)
    }
}

impl Ring {
    /// Sets a ring up.
    ///
    /// # Errors
    /// As the kernel answers: where io_uring is compiled out or forbidden, for one.
    pub fn new() -> io::Result<Self> {
        let mut parameters = Parameters { flags: SETUP_SQE128 | SETUP_CQE32, ..Parameters::default() };
        // SAFETY: io_uring_setup reads and writes this structure.
        let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, &raw mut parameters) };
        let ring = i32::try_from(ring).ok().filter(|ring| *ring >= 0).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: a new descriptor that nobody else owns.
        let descriptor = unsafe { OwnedFd::from_raw_fd(ring) };
        let places = Places::of(&parameters);
        let entries = usize::try_from(places.entries).map_err(io::Error::other)?;
        let submissions = Mapping::new(&descriptor, places.submission_array + 4, OFFSET_SQ_RING)?;
        let completions =
            Mapping::new(&descriptor, places.completions + entries * COMPLETION, OFFSET_CQ_RING)?;
        let slots = Mapping::new(&descriptor, ENTRY, OFFSET_SQES)?;
        Ok(Self { descriptor, submissions, completions, slots, places })
    }

    /// Sends one command and waits for its end, which the command's own time-out bounds.
    #[must_use]
    pub fn send(
        &mut self,
        node: &Node,
        queue: Queue,
        command: &Command,
        mut data: Data<'_>,
        timeout: Duration,
    ) -> Answer {
        let passed = PassThrough::new(command, &mut data, timeout).bytes();
        match self.submit(node, queue, &passed) {
            Ok(result) if result < 0 => Answer::Errno { step: "IORING_OP_URING_CMD", errno: -result },
            Ok(status) => Answer::Nvme { status: u16::try_from(status).unwrap_or(u16::MAX), result: 0 },
            Err(error) => Answer::from_error("io_uring", &error),
        }
    }

    fn submit(&mut self, node: &Node, queue: Queue, command: &[u8; 72]) -> io::Result<i32> {
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
        self.slots.store(0, &entry)?;
        self.slots.store(COMMAND_AT, command)?;
        self.submissions.number(self.places.submission_array)?.store(0, Ordering::Relaxed);
        self.submissions.number(self.places.submission_tail)?.fetch_add(1, Ordering::Release);
        if self.enter(1) < 0 {
            return Err(io::Error::last_os_error());
        }
        let head = self.completions.number(self.places.completion_head)?;
        let tail = self.completions.number(self.places.completion_tail)?;
        while tail.load(Ordering::Acquire) == head.load(Ordering::Relaxed) {
            // A signal may end the wait early.
            self.enter(0);
        }
        let place = self.places.result(head.load(Ordering::Relaxed));
        let result = self.completions.number(place)?.load(Ordering::Relaxed);
        head.fetch_add(1, Ordering::Release);
        Ok(i32::from_ne_bytes(result.to_ne_bytes()))
    }

    /// Submits `new` commands and waits for one to end.
    fn enter(&self, new: libc::c_uint) -> libc::c_long {
        let none: *const libc::c_void = std::ptr::null();
        let ring = self.descriptor.as_raw_fd();
        // SAFETY: io_uring_enter with no signal mask touches only the ring; the memory that the command points to is borrowed
        // by `send` until the completion is there, for which its caller waits.
        unsafe { libc::syscall(libc::SYS_io_uring_enter, ring, new, 1, ENTER_GETEVENTS, none, 0) }
    }
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
        // Where the sandbox of a build machine has no rings there is nothing to see.
        let Ok(mut ring) = Ring::new() else { return eprintln!("skipped: this machine has no io_uring") };
        // More than there are completion entries: the ring goes round.
        for _ in 0..5 {
            let command = Command::default();
            let answer = ring.send(&node, Queue::Io, &command, Data::None, Duration::from_secs(1));
            assert_eq!(answer, Answer::Errno { step: "IORING_OP_URING_CMD", errno: libc::EOPNOTSUPP });
        }
    }
}
