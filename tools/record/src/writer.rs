//! Writes a record, durably, entry by entry.

use crate::{ChainHash, Entry, RecordError};
use jiff::Timestamp;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Longest line; a reader takes no longer one.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// A record being written. Each entry is on its medium before [`RecordWriter::append`] returns.
#[derive(Debug)]
pub struct RecordWriter {
    path: PathBuf,
    file: File,
    next: u64,
    head: ChainHash,
    clock: fn() -> Timestamp,
}

/// One line, in the order in which its fields stand.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    time: String,
    prev: ChainHash,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl RecordWriter {
    /// Begins a record at `path`, where no file may be.
    ///
    /// # Errors
    /// [`RecordError::Exists`], or [`RecordError::Write`] when the file or its name can't be made durable.
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        Self::create_with_clock(path, Timestamp::now)
    }

    /// As [`RecordWriter::create`], with another clock.
    ///
    /// # Errors
    /// As [`RecordWriter::create`].
    pub fn create_with_clock(path: &Path, clock: fn() -> Timestamp) -> Result<Self, RecordError> {
        let file =
            OpenOptions::new().write(true).create_new(true).open(path).map_err(|source| {
                match source.kind() {
                    io::ErrorKind::AlreadyExists => RecordError::Exists(path.to_owned()),
                    _ => RecordError::Write { path: path.to_owned(), deed: "created", source },
                }
            })?;
        sync_folder(path).map_err(|source| RecordError::Write {
            path: path.to_owned(),
            deed: "made durable",
            source,
        })?;
        Ok(Self { path: path.to_owned(), file, next: 0, head: ChainHash::START, clock })
    }

    /// Adds an entry and waits until it is on the medium.
    ///
    /// # Errors
    /// [`RecordError::Entry`] when the entry is too long; [`RecordError::Write`] when the medium fails. Entries before
    /// stay as they are.
    pub fn append(&mut self, entry: &Entry) -> Result<(), RecordError> {
        let refused = |reason: String| RecordError::Entry { kind: entry.kind(), reason };
        let line = Line { seq: self.next, time: (self.clock)().to_string(), prev: self.head, entry };
        let mut bytes = serde_json::to_vec(&line).map_err(|e| refused(e.to_string()))?;
        if bytes.len() > MAX_LINE {
            return Err(refused(format!("{} bytes are more than {MAX_LINE}", bytes.len())));
        }
        let head = ChainHash::of_line(&bytes);
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(|e| self.failed("written", e))?;
        self.file.sync_data().map_err(|e| self.failed("made durable", e))?;
        self.head = head;
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// The chain head: hash of the last entry. Written down elsewhere, it vouches for the whole record.
    #[must_use]
    pub fn head(&self) -> ChainHash {
        self.head
    }

    /// Where the record is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, deed: &'static str, source: io::Error) -> RecordError {
        RecordError::Write { path: self.path.clone(), deed, source }
    }
}

/// A file's name is durable only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
