//! Writes a medium onto a disk, sector by sector: the only place where this crate opens a device for writing.
//!
//! Who calls it has made sure that the disk may be written. Here the kernel is asked once more: the disk is opened for this
//! program alone (`O_EXCL`), which fails while a file system, swap space, RAID or volume on it is in use.

use crate::block::BLOCK_SIZE;
use device::{AlignedBuffer, NodeNumber};
use evidence::{ByteCount, ByteOffset, Extent, SectorSize};
use formats::raw::PlainEncoder;
use formats::{ChunkEncoder, EncodedChunk, FormatError, ImageSummary, ImageWriter, Segment};
use nix::fcntl::OFlag;
use nix::sys::stat::{major, minor};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A disk that this program alone may write.
pub struct OpenDisk {
    file: File,
    path: PathBuf,
    sector: SectorSize,
}

impl OpenDisk {
    /// Opens the disk `node` at `path`, whose sectors are `sector`; as long as it is open, nobody else can take it into use.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] while the disk is in use; what else the system says; another device, or none, at
    /// `path`.
    pub fn open(path: &Path, node: NodeNumber, sector: SectorSize) -> io::Result<Self> {
        let open = |flags: OFlag| OpenOptions::new().write(true).custom_flags(flags.bits()).open(path);
        let file = match open(OFlag::O_EXCL | OFlag::O_DIRECT) {
            // Not every driver has direct writes; the data are synced before they are read back.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => open(OFlag::O_EXCL)?,
            opened => opened?,
        };
        let opened = file.metadata()?;
        let number = NodeNumber { major: major(opened.rdev()), minor: minor(opened.rdev()) };
        if !opened.file_type().is_block_device() || number != node {
            return Err(io::Error::other("another device has taken its place"));
        }
        Ok(Self { file, path: path.to_owned(), sector })
    }

    /// What writes `extent` of it, and nothing else of it.
    ///
    /// # Errors
    /// Where neither memory nor a file can be had.
    pub fn writer(&self, extent: Extent) -> io::Result<DiskWriter> {
        let buffer = AlignedBuffer::new(BLOCK_SIZE).map_err(io::Error::other)?;
        let (file, path) = (self.file.try_clone()?, self.path.clone());
        Ok(DiskWriter { file, path, extent, stored: 0, sector: self.sector, buffer })
    }
}

/// Writes one stretch of a disk from front to end.
pub struct DiskWriter {
    file: File,
    path: PathBuf,
    extent: Extent,
    stored: u64,
    sector: SectorSize,
    buffer: AlignedBuffer,
}

impl DiskWriter {
    fn failed(&self, source: io::Error) -> FormatError {
        let offset = ByteOffset(self.extent.offset.0.saturating_add(self.stored));
        FormatError::Destination { path: self.path.clone(), offset, source }
    }
}

impl ImageWriter for DiskWriter {
    fn chunk_size(&self) -> usize {
        BLOCK_SIZE
    }

    fn encoder(&self) -> Arc<dyn ChunkEncoder> {
        Arc::new(PlainEncoder)
    }

    fn append(&mut self, chunk: &EncodedChunk) -> Result<(), FormatError> {
        let bytes = &chunk.stored;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let left = self.extent.length.0.saturating_sub(self.stored);
        let sector = usize::try_from(self.sector.bytes()).unwrap_or(usize::MAX);
        // The last sector of a source that ends within one is filled up.
        let whole = bytes.len().checked_next_multiple_of(sector.max(1)).unwrap_or(usize::MAX);
        let target = self.buffer.get_mut(..whole).filter(|_| length <= left && !chunk.compressed);
        let Some(target) = target else {
            let why =
                format!("a chunk of {} does not fit where {} are left", ByteCount(length), ByteCount(left));
            return Err(FormatError::Plan { path: self.path.clone(), why });
        };
        let (data, padding) = target.split_at_mut(bytes.len().min(whole));
        data.copy_from_slice(bytes);
        padding.fill(0);
        let at = self.extent.offset.0.saturating_add(self.stored);
        if let Err(error) = self.file.write_all_at(target, at) {
            return Err(self.failed(error));
        }
        self.stored = self.stored.saturating_add(length);
        Ok(())
    }

    fn finish(self: Box<Self>, _summary: &ImageSummary) -> Result<Vec<Segment>, FormatError> {
        if self.stored != self.extent.length.0 {
            let (stored, planned) = (ByteCount(self.stored), self.extent.length);
            return Err(FormatError::IncompleteWrite { path: self.path, stored, planned });
        }
        self.file.sync_data().map_err(|error| self.failed(error))?;
        Ok(vec![Segment { path: self.path, size: self.extent.length }])
    }
}
