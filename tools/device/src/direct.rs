//! Reads that come from the medium and not from the page cache.
//!
//! A file system may have changed a block in memory although its disk cannot change; the page cache then shows bytes
//! that are not on the disk. `O_DIRECT` goes past it. Where the kernel or file system has no direct reads (tmpfs before
//! 6.5, some network file systems), the file is read through the page cache and [`DirectFile::mode`] says so.

use crate::inventory::NodeNumber;
use crate::presence;
use crate::sysfs::Roots;
use evidence::{ByteCount, ByteOffset};
use nix::sys::stat::{major, minor};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Offsets, lengths and addresses of direct reads from an ordinary file: the block size no common file system exceeds.
const FILE_ALIGNMENT: u32 = 4096;

mod block_ioctl {
    nix::ioctl_read_bad!(
        /// `BLKSSZGET`, linux/fs.h: size of a logical sector, as an `int`. Reads a kernel variable, sends no command.
        logical_sector_size,
        nix::request_code_none!(0x12, 104),
        libc::c_int
    );
}

/// Where the bytes of a [`DirectFile`] come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// From the medium (`O_DIRECT`).
    Direct,
    /// Through the page cache, because direct reads are not possible here. Say so to the user and in the record.
    Buffered,
}

/// A device or ordinary file, open for reading only.
#[derive(Debug)]
pub struct DirectFile {
    file: File,
    path: PathBuf,
    mode: ReadMode,
    alignment: u32,
    size: ByteCount,
    /// Its number, where it is a device.
    node: Option<NodeNumber>,
}

/// An open or read that failed.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// The device or file cannot be opened.
    #[error("{path}: open for reading failed: {source}{advice}", path = .path.display(), advice = open_advice(.source))]
    Open {
        /// What was opened.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Its size or sector size cannot be found out.
    #[error("{path}: {what} cannot be determined: {source}; check that the device is still attached", path = .path.display())]
    Geometry {
        /// What was asked.
        path: PathBuf,
        /// Size or sector size.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Neither a block device nor an ordinary file.
    #[error("{path}: is neither a block device nor an ordinary file; name a disk, a partition or a file", path = .path.display())]
    WrongKind {
        /// What was opened.
        path: PathBuf,
    },
    /// A direct read whose offset, length or address is not on a border of the alignment: a fault of the caller.
    #[error("{path}: direct read of {length} at {offset} is not aligned to {alignment} bytes", path = .path.display())]
    Misaligned {
        /// What was read.
        path: PathBuf,
        /// From where.
        offset: ByteOffset,
        /// How much.
        length: ByteCount,
        /// What it must be a multiple of.
        alignment: u32,
    },
    /// The device or file system gave an error instead of data.
    #[error("{path}: read of {length} at {offset} failed: {source}", path = .path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// Offset of the part that failed.
        offset: ByteOffset,
        /// Length of the part that failed.
        length: ByteCount,
        /// The kernel's answer.
        source: io::Error,
    },
}

fn open_advice(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::EACCES) => "; run as root",
        Some(libc::EPERM) => "; this process may not open it, root or not",
        Some(libc::ENOENT | libc::ENXIO | libc::ENODEV) => "; check that the device is attached",
        Some(libc::ENOMEDIUM) => "; the drive holds no medium",
        _ => "",
    }
}

impl DirectError {
    /// True when the whole device is gone or off-line, so that reading on makes no sense.
    #[must_use]
    pub fn is_device_gone(&self) -> bool {
        let DirectError::Read { source, .. } = self else { return false };
        matches!(source.raw_os_error(), Some(libc::ENODEV | libc::ENXIO | libc::ESHUTDOWN | libc::ENOMEDIUM))
    }

    /// True when a read failed in a way that other sectors need not share: smaller and later reads are worth trying.
    #[must_use]
    pub fn is_bad_range(&self) -> bool {
        matches!(self, DirectError::Read { .. }) && !self.is_device_gone()
    }
}

impl DirectFile {
    /// Opens a block device or ordinary file read-only, with direct reads where they are possible.
    ///
    /// # Errors
    /// [`DirectError::Open`], [`DirectError::Geometry`] or [`DirectError::WrongKind`].
    pub fn open(path: &Path) -> Result<Self, DirectError> {
        let open_error = |source| DirectError::Open { path: path.to_owned(), source };
        // Asked before the open as well: the open of a fifo would hang.
        let named = std::fs::metadata(path).map_err(open_error)?.file_type();
        if !named.is_block_device() && !named.is_file() {
            return Err(DirectError::WrongKind { path: path.to_owned() });
        }
        let open = |flags: i32| OpenOptions::new().read(true).custom_flags(flags).open(path);
        let (file, mode) = match open(libc::O_DIRECT) {
            Ok(file) => (file, ReadMode::Direct),
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => {
                (open(0).map_err(open_error)?, ReadMode::Buffered)
            }
            Err(e) => return Err(open_error(e)),
        };
        let geometry = |what| move |source| DirectError::Geometry { path: path.to_owned(), what, source };
        let metadata = file.metadata().map_err(geometry("type"))?;
        let kind = metadata.file_type();
        let node = kind
            .is_block_device()
            .then(|| NodeNumber { major: major(metadata.rdev()), minor: minor(metadata.rdev()) });
        let alignment = if kind.is_block_device() {
            logical_sector_size(&file).map_err(geometry("sector size"))?
        } else if kind.is_file() {
            FILE_ALIGNMENT
        } else {
            return Err(DirectError::WrongKind { path: path.to_owned() });
        };
        let size = ByteCount((&file).seek(SeekFrom::End(0)).map_err(geometry("size"))?);
        Ok(Self { file, path: path.to_owned(), mode, alignment, size, node })
    }

    /// The same open file once more, for reads by another thread.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let (path, mode, alignment, size) = (self.path.clone(), self.mode, self.alignment, self.size);
        Ok(Self { file: self.file.try_clone()?, path, mode, alignment, size, node: self.node })
    }

    /// Where the bytes come from.
    #[must_use]
    pub fn mode(&self) -> ReadMode {
        self.mode
    }

    /// What offset, length and buffer address of each read must be a multiple of, in bytes: the logical sector size of
    /// a device, 4096 for an ordinary file. Reads in [`ReadMode::Buffered`] have no such rule.
    #[must_use]
    pub fn alignment(&self) -> u32 {
        self.alignment
    }

    /// Size of the device or file when it was opened.
    #[must_use]
    pub fn size(&self) -> ByteCount {
        self.size
    }

    /// False once a device was removed or put off-line; of an ordinary file always true. Sends no command.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.node.is_none_or(|node| presence::is_present(&Roots::system(), node))
    }

    /// What was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills `buffer` (best: all or the front of an [`AlignedBuffer`](crate::AlignedBuffer)) from `offset`. Returns
    /// fewer bytes at the end, or before a part that cannot be read: then the next read, at that part, gives the error.
    /// Zero means the end. The length may exceed what is left, so that the last odd bytes of a file can be read.
    ///
    /// # Errors
    /// [`DirectError::Misaligned`], or [`DirectError::Read`] when not even the first byte could be read.
    pub fn read_at(&self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, DirectError> {
        self.check_alignment(offset, buffer)?;
        let mut filled = 0usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset.0.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
            match self.file.read_at(rest, at) {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // Also after the end of a file, which leaves a direct read off the borders.
                Err(_) if filled > 0 => break,
                Err(source) => {
                    let (path, length) = (self.path.clone(), byte_count(buffer.len()));
                    return Err(DirectError::Read { path, offset, length, source });
                }
            }
        }
        Ok(filled)
    }

    fn check_alignment(&self, offset: ByteOffset, buffer: &[u8]) -> Result<(), DirectError> {
        let aligned = offset.0.is_multiple_of(u64::from(self.alignment))
            && self.is_aligned(buffer.len())
            && self.is_aligned(buffer.as_ptr().addr());
        if self.mode == ReadMode::Buffered || aligned {
            return Ok(());
        }
        let (path, length) = (self.path.clone(), byte_count(buffer.len()));
        Err(DirectError::Misaligned { path, offset, length, alignment: self.alignment })
    }

    fn is_aligned(&self, number: usize) -> bool {
        usize::try_from(self.alignment).is_ok_and(|alignment| number.is_multiple_of(alignment))
    }
}

impl AsFd for DirectFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn byte_count(length: usize) -> ByteCount {
    ByteCount(u64::try_from(length).unwrap_or(u64::MAX))
}

fn logical_sector_size(file: &File) -> io::Result<u32> {
    let mut size: libc::c_int = 0;
    // SAFETY: the descriptor is open for the call's duration and `size` is the int that BLKSSZGET writes to.
    unsafe { block_ioctl::logical_sector_size(file.as_raw_fd(), &raw mut size) }?;
    u32::try_from(size).ok().filter(|size| size.is_power_of_two()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("the kernel says {size} bytes per sector"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AlignedBuffer;
    use std::io::Write;

    fn file_of(length: usize) -> (tempfile::NamedTempFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        // Beside the test program, not in /tmp: that may be a tmpfs, and direct reads are what is tested.
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let mut file = tempfile::NamedTempFile::new_in(folder).unwrap();
        file.write_all(&bytes).unwrap();
        file.as_file().sync_all().unwrap();
        (file, bytes)
    }

    #[test]
    fn a_file_of_odd_length_is_read_whole() {
        let (file, bytes) = file_of(3 * 4096 + 777);
        let direct = DirectFile::open(file.path()).unwrap();
        assert_eq!(direct.size(), ByteCount(3 * 4096 + 777));
        let mut buffer = AlignedBuffer::new(8192).unwrap();
        let mut read = Vec::new();
        loop {
            let count = direct.read_at(ByteOffset(u64::try_from(read.len()).unwrap()), &mut buffer).unwrap();
            read.extend_from_slice(&buffer[..count]);
            if count < buffer.len() {
                break;
            }
        }
        assert!(read == bytes);
    }

    #[test]
    fn a_read_at_the_end_gives_nothing() {
        let (file, _) = file_of(4096);
        let direct = DirectFile::open(file.path()).unwrap();
        let mut buffer = AlignedBuffer::new(4096).unwrap();
        assert_eq!(direct.read_at(ByteOffset(4096), &mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_read_off_the_borders_is_named_as_such() {
        let (file, _) = file_of(8192);
        let direct = DirectFile::open(file.path()).unwrap();
        if direct.mode() == ReadMode::Buffered {
            eprintln!("SKIPPED: the file system of the target folder has no direct reads");
            return;
        }
        let mut buffer = AlignedBuffer::new(8192).unwrap();
        for (offset, from, to) in [(1, 0, 4096), (0, 0, 100), (0, 1, 4097)] {
            let error = direct.read_at(ByteOffset(offset), &mut buffer[from..to]).unwrap_err();
            assert!(matches!(error, DirectError::Misaligned { alignment: 4096, .. }), "{error}");
        }
    }

    #[test]
    fn what_is_no_disk_and_no_file_is_refused() {
        assert!(matches!(DirectFile::open(Path::new("/dev/null")), Err(DirectError::WrongKind { .. })));
        let missing = DirectFile::open(Path::new("/dev/no-such-disk")).unwrap_err();
        assert!(missing.to_string().contains("/dev/no-such-disk: open for reading failed"), "{missing}");
    }

    #[test]
    fn a_vanished_device_is_told_from_a_bad_sector() {
        let read = |errno| DirectError::Read {
            path: "/dev/sdx".into(),
            offset: ByteOffset(0),
            length: ByteCount(512),
            source: io::Error::from_raw_os_error(errno),
        };
        assert!(read(libc::EIO).is_bad_range() && !read(libc::EIO).is_device_gone());
        assert!(read(libc::ENODATA).is_bad_range());
        assert!(read(libc::ENODEV).is_device_gone() && !read(libc::ENODEV).is_bad_range());
    }
}
