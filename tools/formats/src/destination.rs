//! A segment file being written: created anew or gone on with, buffered, patched where a layout needs it, made durable.

use crate::{FormatError, Segment, WhenFull};
use evidence::{ByteCount, ByteOffset};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes gathered before they are written; large enough that a USB disk sees long writes.
const BUFFER: usize = 1 << 20;

pub(crate) struct DestinationFile {
    file: File,
    path: PathBuf,
    /// Bytes of the file handed to the system so far.
    written: u64,
    buffer: Vec<u8>,
    when_full: Option<Arc<dyn WhenFull>>,
}

impl DestinationFile {
    /// Creates the file; one that exists is never touched (`O_EXCL`).
    pub(crate) fn create(path: PathBuf) -> Result<Self, FormatError> {
        Self::create_asking(path, None)
    }

    /// Creates another file for whom the same is asked about room.
    pub(crate) fn create_next(&self, path: PathBuf) -> Result<Self, FormatError> {
        Self::create_asking(path, self.when_full.clone())
    }

    fn create_asking(path: PathBuf, when_full: Option<Arc<dyn WhenFull>>) -> Result<Self, FormatError> {
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let buffer = Vec::with_capacity(BUFFER);
                    return Ok(Self { file, path, written: 0, buffer, when_full });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(FormatError::Exists(path));
                }
                Err(error) if room_was_made(when_full.as_deref(), &path, &error) => {}
                Err(source) => return Err(FormatError::Destination { path, offset: ByteOffset(0), source }),
            }
        }
    }

    /// Opens a file that an earlier process wrote, to go on behind its first `length` bytes; what follows them is cut off.
    pub(crate) fn reopen(path: PathBuf, length: u64) -> Result<Self, FormatError> {
        let told =
            |source| FormatError::Destination { path: path.clone(), offset: ByteOffset(length), source };
        let file = OpenOptions::new().write(true).open(&path).map_err(told)?;
        let there = file.metadata().map_err(told)?.len();
        if there < length {
            return Err(shorter(&path, there, length));
        }
        file.set_len(length).map_err(told)?;
        Ok(Self { file, path, written: length, buffer: Vec::with_capacity(BUFFER), when_full: None })
    }

    /// Who is asked when there is no room left.
    pub(crate) fn ask_when_full(&mut self, when_full: Arc<dyn WhenFull>) {
        self.when_full = Some(when_full);
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
        self.write_all_at(offset, bytes)
    }

    /// Makes what was written so far durable.
    pub(crate) fn sync(&mut self) -> Result<(), FormatError> {
        self.flush()?;
        self.file.sync_data().map_err(|source| self.refused(self.written, source))
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
        self.write_all_at(self.written, bytes)?;
        self.written = self.written.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Where there is no room and somebody makes some, goes on with the byte that had none.
    fn write_all_at(&self, offset: u64, mut bytes: &[u8]) -> Result<(), FormatError> {
        let mut at = offset;
        while !bytes.is_empty() {
            match self.file.write_at(bytes, at) {
                Ok(0) => return Err(self.refused(at, io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if room_was_made(self.when_full.as_deref(), &self.path, &error) => {}
                Err(error) => return Err(self.refused(at, error)),
            }
        }
        Ok(())
    }

    fn refused(&self, offset: u64, source: io::Error) -> FormatError {
        FormatError::Destination { path: self.path.clone(), offset: ByteOffset(offset), source }
    }
}

/// A file that holds less than a checkpoint vouches for.
pub(crate) fn shorter(path: &Path, there: u64, length: u64) -> FormatError {
    let (there, length) = (ByteCount(there), ByteCount(length));
    let why = format!("it holds {there}, its checkpoint vouches for {length}");
    FormatError::Unfinished { path: path.to_owned(), why }
}

/// Asks for room where that is what is missing. A file that may not grow any more is helped by none.
fn room_was_made(when_full: Option<&dyn WhenFull>, path: &Path, error: &io::Error) -> bool {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    full && when_full.is_some_and(|when_full| when_full.room_was_made(path))
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
