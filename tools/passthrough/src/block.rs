//! The block layer's own ways to change a disk: writes of each kind, discards, zeroes, zones, and the read-only mark.

use crate::answer::Answer;
use crate::node::{Node, Request, plain};
use nix::sys::mman::{MapFlags, MmapAdvise, MsFlags, ProtFlags, madvise, mmap, msync, munmap};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

// linux/fs.h and linux/blkzoned.h
const BLKROSET: Request = nix::request_code_none!(0x12, 93);
const BLKRRPART: Request = nix::request_code_none!(0x12, 95);
const BLKFLSBUF: Request = nix::request_code_none!(0x12, 97);
const BLKPG: Request = nix::request_code_none!(0x12, 105);
const BLKDISCARD: Request = nix::request_code_none!(0x12, 119);
const BLKSECDISCARD: Request = nix::request_code_none!(0x12, 125);
const BLKZEROOUT: Request = nix::request_code_none!(0x12, 127);
const BLKRESETZONE: Request = nix::request_code_write!(0x12, 131, size_of::<[u64; 2]>());
const BLKOPENZONE: Request = nix::request_code_write!(0x12, 134, size_of::<[u64; 2]>());
const BLKCLOSEZONE: Request = nix::request_code_write!(0x12, 135, size_of::<[u64; 2]>());
const BLKFINISHZONE: Request = nix::request_code_write!(0x12, 136, size_of::<[u64; 2]>());

/// Ioctls that change a range of a block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeAction {
    /// `BLKDISCARD`
    Discard,
    /// `BLKSECDISCARD`
    SecureDiscard,
    /// `BLKZEROOUT`
    ZeroOut,
    /// `BLKRESETZONE`
    ResetZone,
    /// `BLKOPENZONE`
    OpenZone,
    /// `BLKCLOSEZONE`
    CloseZone,
    /// `BLKFINISHZONE`
    FinishZone,
}

/// Ways to deallocate or zero a range with `fallocate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallocateMode {
    /// `FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE`
    PunchHole,
    /// `FALLOC_FL_ZERO_RANGE`
    ZeroRange,
    /// The same, keeping the size.
    ZeroRangeKeepSize,
    /// `FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE | FALLOC_FL_NO_HIDE_STALE`
    PunchHoleNoHideStale,
    /// No flag: allocate.
    Allocate,
}

/// Flags of `pwritev2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFlag {
    /// `RWF_DSYNC`: through to the medium.
    DataSync,
    /// `RWF_SYNC`
    Sync,
    /// `RWF_HIPRI`: polled.
    Polled,
    /// `RWF_ATOMIC` (6.11)
    Atomic,
}

/// Writes at `offset` (with a node opened [`crate::Access::DirectWrite`]: past the cache) and makes it durable.
#[must_use]
pub fn write_and_sync(node: &Node, offset: u64, data: &[u8]) -> Answer {
    if let Err(error) = node.file().write_all_at(data, offset) {
        return Answer::from_error("write", &error);
    }
    Answer::from_result("fsync", &node.file().sync_all())
}

/// Writes once with a flag.
#[must_use]
pub fn write_flagged(node: &Node, offset: u64, data: &[u8], flag: WriteFlag) -> Answer {
    let flag = match flag {
        WriteFlag::Polled => 0x1,
        WriteFlag::DataSync => 0x2,
        WriteFlag::Sync => 0x4,
        WriteFlag::Atomic => 0x40,
    };
    let part = libc::iovec { iov_base: data.as_ptr().cast::<libc::c_void>().cast_mut(), iov_len: data.len() };
    let Ok(offset) = i64::try_from(offset) else {
        return Answer::Errno { step: "pwritev2", errno: libc::EOVERFLOW };
    };
    // SAFETY: pwritev2 reads one iovec that points to `data` with its length; it writes to none. The offset is given in its
    // low and high half; the high half is ignored on 64-bit machines, where the low one holds it all.
    let written = unsafe {
        libc::syscall(
            libc::SYS_pwritev2,
            node.file().as_raw_fd(),
            &raw const part,
            1_i64,
            offset,
            0_i64,
            flag,
        )
    };
    if written < 0 { Answer::from_error("pwritev2", &io::Error::last_os_error()) } else { Answer::Done }
}

/// Maps a page-aligned range shared and writable, stores `data` in it and has it written back.
#[must_use]
pub fn write_by_mapping(node: &Node, offset: u64, data: &[u8]) -> Answer {
    let (Some(length), Ok(at)) = (NonZeroUsize::new(data.len()), i64::try_from(offset)) else {
        return Answer::Errno { step: "mmap", errno: libc::EINVAL };
    };
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice; nobody else knows it, so nothing of ours is replaced.
    let start = match unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, node, at) } {
        Ok(start) => start,
        Err(errno) => return Answer::Errno { step: "mmap", errno: errno_of(errno) },
    };
    // SAFETY: the mapping has `length` writable bytes and is this function's alone. A page that can't be read in ends the
    // process with SIGBUS: so the first bytes are asked for by madvise, whose failure is an answer.
    let stored = unsafe {
        madvise(start, length.get(), MmapAdvise::MADV_POPULATE_WRITE).map(|()| {
            std::ptr::copy_nonoverlapping(data.as_ptr(), start.as_ptr().cast(), length.get());
        })
    };
    let answer = match stored {
        Err(errno) => Answer::Errno { step: "store to mapping", errno: errno_of(errno) },
        // SAFETY: start and length are those of the mapping.
        Ok(()) => match unsafe { msync(start, length.get(), MsFlags::MS_SYNC) } {
            Ok(()) => Answer::Done,
            Err(errno) => Answer::Errno { step: "msync", errno: errno_of(errno) },
        },
    };
    // SAFETY: the mapping was made above, and no reference into it is left.
    let _ = unsafe { munmap(start, length.get()) };
    answer
}

/// Changes a range by ioctl. Zones are counted in sectors of 512 bytes, all else in bytes; this takes bytes for all.
#[must_use]
pub fn change_range(node: &Node, action: RangeAction, offset: u64, length: u64) -> Answer {
    let (request, step, unit) = match action {
        RangeAction::Discard => (BLKDISCARD, "BLKDISCARD", 1),
        RangeAction::SecureDiscard => (BLKSECDISCARD, "BLKSECDISCARD", 1),
        RangeAction::ZeroOut => (BLKZEROOUT, "BLKZEROOUT", 1),
        RangeAction::ResetZone => (BLKRESETZONE, "BLKRESETZONE", 512),
        RangeAction::OpenZone => (BLKOPENZONE, "BLKOPENZONE", 512),
        RangeAction::CloseZone => (BLKCLOSEZONE, "BLKCLOSEZONE", 512),
        RangeAction::FinishZone => (BLKFINISHZONE, "BLKFINISHZONE", 512),
    };
    let mut range = [offset / unit, length / unit];
    // SAFETY: each of these requests reads two 64-bit numbers, start and length.
    plain(step, &unsafe { node.ioctl_structure(request, &mut range) })
}

/// `fallocate` on a block device, or on whatever the node is.
#[must_use]
pub fn fallocate(node: &Node, mode: FallocateMode, offset: u64, length: u64) -> Answer {
    let mode = match mode {
        FallocateMode::Allocate => 0,
        FallocateMode::PunchHole => libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE,
        FallocateMode::PunchHoleNoHideStale => libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE | 0x04,
        FallocateMode::ZeroRange => libc::FALLOC_FL_ZERO_RANGE,
        FallocateMode::ZeroRangeKeepSize => libc::FALLOC_FL_ZERO_RANGE | libc::FALLOC_FL_KEEP_SIZE,
    };
    let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else {
        return Answer::Errno { step: "fallocate", errno: libc::EOVERFLOW };
    };
    // SAFETY: fallocate takes numbers only.
    let result = unsafe { libc::fallocate(node.file().as_raw_fd(), mode, offset, length) };
    Answer::from_result("fallocate", &crate::node::checked(result))
}

/// Sets or clears the kernel's read-only mark.
#[must_use]
pub fn set_read_only(node: &Node, read_only: bool) -> Answer {
    let mut value = libc::c_int::from(read_only);
    // SAFETY: BLKROSET reads an int.
    plain("BLKROSET", &unsafe { node.ioctl_structure(BLKROSET, &mut value) })
}

/// Has the kernel read the partition table again.
#[must_use]
pub fn reread_partitions(node: &Node) -> Answer {
    plain("BLKRRPART", &node.ioctl_value(BLKRRPART, 0))
}

/// Writes back and drops what the page cache holds of the device.
#[must_use]
pub fn drop_cache(node: &Node) -> Answer {
    plain("BLKFLSBUF", &node.ioctl_value(BLKFLSBUF, 0))
}

/// Flushes the device's cache by `fsync`.
#[must_use]
pub fn flush(node: &Node) -> Answer {
    Answer::from_result("fsync", &node.file().sync_all())
}

/// `struct blkpg_partition`, linux/blkpg.h.
#[repr(C)]
struct BlkpgPartition {
    start: i64,
    length: i64,
    number: libc::c_int,
    device_name: [u8; 64],
    volume_name: [u8; 64],
}

/// `struct blkpg_ioctl_arg`, linux/blkpg.h.
#[repr(C)]
struct BlkpgArgument {
    operation: libc::c_int,
    flags: libc::c_int,
    length: libc::c_int,
    data: *mut BlkpgPartition,
}

/// Adds a partition to the kernel's list (not to the disk) and, when that succeeded, takes it away again.
#[must_use]
pub fn add_and_remove_partition(node: &Node, number: i32, offset: u64, length: u64) -> Answer {
    const ADD: libc::c_int = 1;
    const REMOVE: libc::c_int = 2;
    let (Ok(start), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else {
        return Answer::Errno { step: "BLKPG", errno: libc::EOVERFLOW };
    };
    let mut partition = BlkpgPartition { start, length, number, device_name: [0; 64], volume_name: [0; 64] };
    let mut call = |operation| {
        let mut argument = BlkpgArgument {
            operation,
            flags: 0,
            length: i32::try_from(size_of::<BlkpgPartition>()).unwrap_or(0),
            data: &raw mut partition,
        };
        // SAFETY: BLKPG takes this structure; its pointer is to a partition of the length it says, alive for the call.
        unsafe { node.ioctl_structure(BLKPG, &mut argument) }
    };
    let added = call(ADD);
    if added.is_ok() {
        let _ = call(REMOVE);
    }
    plain("BLKPG", &added)
}

fn errno_of(errno: nix::errno::Errno) -> i32 {
    io::Error::from(errno).raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Access;

    fn scratch(bytes: usize) -> (tempfile::NamedTempFile, Node) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![0xAAu8; bytes]).unwrap();
        let node = Node::open(file.path(), Access::ReadWrite).unwrap();
        (file, node)
    }

    #[test]
    fn each_way_to_write_a_file_does_write_it() {
        let (file, node) = scratch(4 * 4096);
        let data = [0x55u8; 4096];
        assert_eq!(write_and_sync(&node, 0, &data), Answer::Done);
        assert_eq!(write_flagged(&node, 4096, &data, WriteFlag::DataSync), Answer::Done);
        assert_eq!(write_by_mapping(&node, 8192, &data), Answer::Done);
        let content = std::fs::read(file.path()).unwrap();
        assert!(content[..12_288].iter().all(|b| *b == 0x55));
        assert!(content[12_288..].iter().all(|b| *b == 0xAA), "nothing beyond the range");
    }

    #[test]
    fn a_file_is_no_block_device_and_says_so() {
        let (_file, node) = scratch(4096);
        let refused = |step| Answer::Errno { step, errno: libc::ENOTTY };
        assert_eq!(change_range(&node, RangeAction::Discard, 0, 512), refused("BLKDISCARD"));
        assert_eq!(set_read_only(&node, false), refused("BLKROSET"));
        assert_eq!(add_and_remove_partition(&node, 7, 0, 512), refused("BLKPG"));
    }

    #[test]
    fn a_node_that_may_not_be_written_answers_instead_of_failing_later() {
        let (file, _) = scratch(4096);
        let node = Node::open(file.path(), Access::ReadOnly).unwrap();
        assert_eq!(write_and_sync(&node, 0, &[1]), Answer::Errno { step: "write", errno: libc::EBADF });
        assert_eq!(write_by_mapping(&node, 0, &[1]), Answer::Errno { step: "mmap", errno: libc::EACCES });
    }

    #[test]
    fn the_structures_have_the_kernels_sizes() {
        assert_eq!(size_of::<BlkpgPartition>(), 152);
        assert_eq!(size_of::<BlkpgArgument>(), 24);
    }
}
