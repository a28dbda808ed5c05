//! A segment file being written: created anew, buffered, patched where a layout needs it, made durable.

use crate::{FormatError, Segment};
use evidence::{ByteCount, ByteOffset};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes gathered before they are written; large enough that a USB disk sees long writes.
const BUFFER: usize = 1 << 20;

pub(crate) struct DestinationFile {
    file: File,
    path: PathBuf,
    /// Bytes of the file handed to the system so far.
    written: u64,
    buffer: Vec<u8>,
}

impl DestinationFile {
    /// Creates the file; one that exists is never touched (`O_EXCL`).
    pub(crate) fn create(path: PathBuf) -> Result<Self, FormatError> {
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => Ok(Self { file, path, written: 0, buffer: Vec::with_capacity(BUFFER) }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(FormatError::Exists(path)),
            Err(source) => Err(FormatError::Destination { path, offset: ByteOffset(0), source }),
        }
    }

    /// Where the next byte goes.
    pub(crate) fn position(&self) -> u64 {
        let buffered = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.written.saturating_add(buffered)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        if self.buffer.len().saturating_add(bytes.len()) > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= BUFFER {
            return self.write_through(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Replaces bytes that were written before.
    pub(crate) fn patch(&mut self, offset: u64, bytes: &[u8]) -> Result<(), FormatError> {
        self.flush()?;
        self.file.write_all_at(bytes, offset).map_err(|source| self.refused(offset, source))
    }

    /// Makes the file durable and closes it.
    pub(crate) fn close(mut self) -> Result<Segment, FormatError> {
        self.flush()?;
        self.file.sync_all().map_err(|source| self.refused(self.written, source))?;
        Ok(Segment { path: std::mem::take(&mut self.path), size: ByteCount(self.written) })
    }

    fn flush(&mut self) -> Result<(), FormatError> {
        let buffer = std::mem::take(&mut self.buffer);
        let outcome = self.write_through(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        outcome
    }

    fn write_through(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.file.write_all(bytes).map_err(|source| self.refused(self.written, source))?;
        self.written = self.written.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn refused(&self, offset: u64, source: io::Error) -> FormatError {
        FormatError::Destination { path: self.path.clone(), offset: ByteOffset(offset), source }
    }
}

/// What an abandoned image still had in memory is worth keeping; that it is incomplete shows in its layout.
impl Drop for DestinationFile {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure, and the image is known to be incomplete.
        let _ = self.flush();
    }
}

/// Refuses a name that is taken, be it by a link to nothing. Asked for every segment before the first is made: an
/// acquisition must not find out after hours.
pub(crate) fn refuse_existing(path: PathBuf) -> Result<(), FormatError> {
    match path.symlink_metadata() {
        Ok(_) => Err(FormatError::Exists(path)),
        // Whatever else is wrong shows when the first segment is made.
        Err(_) => Ok(()),
    }
}

/// Makes the names of new files in the folder of `path` durable.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), FormatError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(|source| FormatError::Destination {
        path: folder.to_owned(),
        offset: ByteOffset(0),
        source,
    })
}

/// `base` plus an extension; a dot inside the base's own name stays (`item.1` becomes `item.1.E01`).
pub(crate) fn with_suffix(base: &Path, extension: &str) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}
