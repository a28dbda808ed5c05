//! Writes a record, durably, entry by entry.

use crate::head::{self, HEAD_VERSION, HeadStatement, head_path};
use crate::{ChainHash, Entry, RecordError, SecretKey};
use jiff::Timestamp;
use nix::fcntl::{FallocateFlags, fallocate};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Longest line; a reader takes no longer one.
const MAX_LINE: usize = 1 << 20;

/// Longest line that closes an image: 15 000 segments with the longest names, and 150 000 unread ranges.
pub(crate) const MAX_IMAGE_LINE: usize = 16 << 20;

/// Room set aside for entries to come, so that a record can say on a full destination that it is full.
const RESERVE: u64 = 1 << 20;

/// The longest line of that kind.
pub(crate) fn longest_line(kind: &str) -> usize {
    if kind == "image-closed" { MAX_IMAGE_LINE } else { MAX_LINE }
}

/// A record being written. Each entry is on its medium before [`RecordWriter::append`] returns.
#[derive(Debug)]
pub struct RecordWriter {
    path: PathBuf,
    file: File,
    next: u64,
    head: ChainHash,
    /// Hash of the first entry.
    first: ChainHash,
    /// SHA-256 of all entries so far.
    whole: Sha256,
    /// Bytes of whole entries in the file.
    length: u64,
    /// Where the room set aside ends.
    reserved: u64,
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
        // Where locks are unknown, nothing is lost but the warning of [`crate::is_being_written`].
        let _ = file.try_lock();
        let path = path.to_owned();
        let mut writer = Self {
            path,
            file,
            next: 0,
            head: ChainHash::START,
            first: ChainHash::START,
            whole: Sha256::new(),
            length: 0,
            reserved: 0,
            clock,
        };
        writer.reserve();
        Ok(writer)
    }

    /// Adds an entry and waits until it is on the medium.
    ///
    /// # Errors
    /// [`RecordError::Entry`] when the entry is too long; [`RecordError::Write`] when the medium fails. Entries before
    /// stay as they are.
    pub fn append(&mut self, entry: &Entry) -> Result<(), RecordError> {
        self.append_at(entry, (self.clock)())
    }

    /// As [`RecordWriter::append`], with the time told: records of one acquisition at several places are the same byte for
    /// byte, and have one chain head.
    ///
    /// # Errors
    /// As [`RecordWriter::append`].
    pub fn append_at(&mut self, entry: &Entry, time: Timestamp) -> Result<(), RecordError> {
        let refused = |reason: String| RecordError::Entry { kind: entry.kind(), reason };
        let line = Line { seq: self.next, time: time.to_string(), prev: self.head, entry };
        let mut bytes = serde_json::to_vec(&line).map_err(|e| refused(e.to_string()))?;
        let longest = longest_line(entry.kind());
        if bytes.len() > longest {
            return Err(refused(format!("{} bytes are more than {longest}", bytes.len())));
        }
        let head = ChainHash::of_line(&bytes);
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all_at(&bytes, self.length) {
            // A part of a line would break the chain of what stands there.
            let _ = self.file.set_len(self.length);
            self.reserved = self.length;
            self.reserve();
            return Err(self.failed("written", error));
        }
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        // Whether it is durable or not, it stands in the file, and the next entry follows from it.
        self.head = head;
        if self.next == 0 {
            self.first = head;
        }
        self.whole.update(&bytes);
        self.next = self.next.saturating_add(1);
        self.file.sync_data().map_err(|e| self.failed("made durable", e))?;
        self.reserve();
        Ok(())
    }

    /// Sets room aside behind the last entry, where the file system can.
    fn reserve(&mut self) {
        let wanted = self.length.saturating_add(RESERVE);
        if wanted.saturating_sub(self.reserved) < RESERVE / 2 {
            return;
        }
        let from = self.reserved.max(self.length);
        let span = i64::try_from(from).ok().zip(i64::try_from(wanted.saturating_sub(from)).ok());
        // Where it can't, a full destination ends the record with its last entry instead.
        if let Some((from, room)) = span
            && fallocate(&self.file, FallocateFlags::FALLOC_FL_KEEP_SIZE, from, room).is_ok()
        {
            self.reserved = wanted;
        }
    }

    /// Puts a head beside the record that `key` signs and that vouches for all entries so far, the last of which closes it.
    /// Says where the head is.
    ///
    /// # Errors
    /// [`RecordError::Head`] when it can't be written, or a file of its name is there. The record stays as it is.
    pub fn sign(&self, key: &SecretKey) -> Result<PathBuf, RecordError> {
        let statement = HeadStatement {
            format_version: HEAD_VERSION,
            first_entry: self.first,
            entries: self.next,
            bytes: self.length,
            chain_head: self.head,
            sha256: ChainHash::of_digest(self.whole.clone().finalize().into()),
        };
        // The room set aside for more entries is the head's, where the destination has no other.
        let _ = self.file.set_len(self.length);
        let path = head_path(&self.path);
        match head::write(&path, statement, key).and_then(|()| sync_folder(&path)) {
            Ok(()) => Ok(path),
            Err(source) => Err(RecordError::Head { path, chain_head: self.head, source }),
        }
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

/// True while another process writes the record at `path`.
///
/// # Errors
/// [`RecordError::Read`] when the file can't be opened.
pub fn is_being_written(path: &Path) -> Result<bool, RecordError> {
    let file = File::open(path).map_err(|source| RecordError::Read { path: path.to_owned(), source })?;
    Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// A file's name is durable only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
