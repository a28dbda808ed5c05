//! Device nodes, and the one place where ioctls leave this crate.

use crate::answer::Answer;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Type of an ioctl's number: C's int or unsigned long, as the C library has it.
pub(crate) type Request = libc::Ioctl;

/// How a node is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For reading.
    ReadOnly,
    /// For reading and writing.
    ReadWrite,
    /// For reading and writing past the page cache (`O_DIRECT`).
    DirectWrite,
    /// For reading and writing, and by nobody else who asks the same (`O_EXCL` on a block device).
    Exclusive,
}

/// An open device node.
#[derive(Debug)]
pub struct Node {
    file: File,
    path: PathBuf,
}

/// Data that goes with a command.
#[derive(Debug)]
pub enum Data<'a> {
    /// None.
    None,
    /// To the device.
    Out(&'a [u8]),
    /// From the device; the slice's length is what is asked for.
    In(&'a mut [u8]),
}

impl Node {
    /// Opens a node without waiting for a medium.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn open(path: &Path, access: Access) -> io::Result<Self> {
        let extra = match access {
            Access::ReadOnly | Access::ReadWrite => 0,
            Access::DirectWrite => libc::O_DIRECT,
            Access::Exclusive => libc::O_EXCL | libc::O_DIRECT,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(access != Access::ReadOnly)
            .custom_flags(libc::O_NONBLOCK | extra)
            .open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Opens a node for writing, and for reading where that is refused: an ioctl may go through all the same.
    ///
    /// # Errors
    /// As the kernel answers when it can't be opened for reading either.
    pub fn open_as_far_as_possible(path: &Path) -> io::Result<Self> {
        Self::open(path, Access::ReadWrite).or_else(|_| Self::open(path, Access::ReadOnly))
    }

    /// What was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its size in bytes, of a block device or a file.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn size(&self) -> io::Result<u64> {
        (&self.file).seek(SeekFrom::End(0))
    }

    /// An ioctl whose argument is a number.
    pub(crate) fn ioctl_value(&self, request: Request, value: libc::c_ulong) -> io::Result<libc::c_int> {
        // SAFETY: every caller passes a request that takes its argument by value, so the kernel touches no memory of ours.
        checked(unsafe { libc::ioctl(self.file.as_raw_fd(), request, value) })
    }

    /// An ioctl whose argument is a structure.
    ///
    /// # Safety
    /// `T` is the structure that `request` reads and writes, and every pointer in it is null or points to memory of at least
    /// the length that the structure says, valid for the call's duration and not aliased where the kernel writes.
    pub(crate) unsafe fn ioctl_structure<T>(
        &self,
        request: Request,
        argument: &mut T,
    ) -> io::Result<libc::c_int> {
        let argument: *mut T = argument;
        // SAFETY: the descriptor is open; what the kernel reads and writes is what the caller promised.
        checked(unsafe { libc::ioctl(self.file.as_raw_fd(), request, argument) })
    }
}

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A C library's result: negative means that errno says why.
pub(crate) fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The address of a buffer as the kernel's structures hold it.
pub(crate) fn address<T>(pointer: *const T) -> u64 {
    u64::try_from(pointer.expose_provenance()).unwrap_or(0)
}

/// A length as most of the kernel's structures hold it. No buffer of this crate's callers comes near the limit.
pub(crate) fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The answer of an ioctl that says no more than success.
pub(crate) fn plain(step: &'static str, result: &io::Result<libc::c_int>) -> Answer {
    Answer::from_result(step, result)
}

impl Data<'_> {
    /// Address and length; null for none.
    pub(crate) fn parts(&mut self) -> (*mut libc::c_void, usize) {
        match self {
            Data::None => (std::ptr::null_mut(), 0),
            // The kernel only reads what goes to the device.
            Data::Out(bytes) => (bytes.as_ptr().cast::<libc::c_void>().cast_mut(), bytes.len()),
            Data::In(bytes) => (bytes.as_mut_ptr().cast(), bytes.len()),
        }
    }
}
