//! Reads a record that may have been altered, and tells how far it can be trusted.

use crate::writer::MAX_LINE;
use crate::{ChainHash, Entry, RecordError};
use serde_json::Value;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Most entries that are read; the memory of a reader is bounded by what that many entries can hold.
const MAX_ENTRIES: u64 = 100_000;

/// Most bytes that are read.
const MAX_BYTES: u64 = 256 << 20;

/// A record as far as its chain holds.
#[derive(Clone, Debug)]
pub struct RecordFile {
    /// Entries before the first flaw.
    pub entries: Vec<StoredEntry>,
    /// Hash of the last of them; [`ChainHash::START`] when there is none.
    pub head: ChainHash,
    /// Where and how the chain breaks, if it does.
    pub broken: Option<Break>,
}

impl RecordFile {
    /// True when the chain holds and its last entry is `closed`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.broken.is_none()
            && matches!(
                self.entries.last(),
                Some(StoredEntry { content: Content::Known(Entry::Closed(_)), .. })
            )
    }

    /// The entries of kinds this version knows, in order.
    pub fn known(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter_map(|stored| match &stored.content {
            Content::Known(entry) => Some(entry),
            Content::Unknown(_) => None,
        })
    }
}

/// An entry and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEntry {
    /// Its number, from 0.
    pub seq: u64,
    /// When it was written, as it says: RFC 3339, UTC.
    pub time: String,
    /// What it says.
    pub content: Content,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// An entry of a kind this version knows.
    Known(Entry),
    /// An entry of a later version, as JSON.
    Unknown(Value),
}

/// The first place where a record is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Line, from 1.
    pub line: u64,
    /// Offset of that line in the file.
    pub offset: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The entry does not carry the hash of the line before it: that line was altered, or one was removed or put in.
    #[error("it does not follow from the line before it, which was altered, removed or put in")]
    Chain,
    /// The number is not the next one.
    #[error("its number is not {expected}")]
    Sequence {
        /// The number that had to be there.
        expected: u64,
    },
    /// Not a line of this format.
    #[error("it is no entry: {0}")]
    NoEntry(String),
    /// The file ends within the line.
    #[error("the file ends within it")]
    Truncated,
    /// An entry after the one that closes the record.
    #[error("it stands after the entry that closed the record")]
    AfterClosed,
    /// Longer than any entry.
    #[error("it is longer than any entry can be")]
    TooLong,
    /// More than a record can hold.
    #[error("the record is longer than any can be")]
    TooMany,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} at byte {}: {}", self.line, self.offset, self.flaw)
    }
}

/// Reads the record at `path` up to its first flaw. At most 256 MiB are read.
///
/// What the chain cannot show: an alteration of the very last line, and a record rewritten as a whole. Both change the
/// head.
///
/// # Errors
/// [`RecordError::Read`] when the file can't be opened or read.
pub fn read(path: &Path) -> Result<RecordFile, RecordError> {
    let failed = |source| RecordError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    read_lines(BufReader::new(file.take(MAX_BYTES))).map_err(failed)
}

fn read_lines(mut input: impl BufRead) -> io::Result<RecordFile> {
    let mut record = RecordFile { entries: Vec::new(), head: ChainHash::START, broken: None };
    let mut offset = 0u64;
    let mut line = Vec::new();
    for number in 0.. {
        line.clear();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX).saturating_add(1);
        let length = (&mut input).take(limit).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        match examine(&line, number, &record) {
            Ok(entry) => {
                record.head = ChainHash::of_line(line.strip_suffix(b"\n").unwrap_or(&line));
                record.entries.push(entry);
            }
            Err(flaw) => {
                record.broken = Some(Break { line: number.saturating_add(1), offset, flaw });
                break;
            }
        }
        offset = offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }
    Ok(record)
}

fn examine(line: &[u8], number: u64, before: &RecordFile) -> Result<StoredEntry, Flaw> {
    let Some(text) = line.strip_suffix(b"\n") else {
        return Err(if line.len() > MAX_LINE { Flaw::TooLong } else { Flaw::Truncated });
    };
    if number >= MAX_ENTRIES {
        return Err(Flaw::TooMany);
    }
    let no_entry = |reason: &str| Flaw::NoEntry(reason.to_owned());
    let mut value: Value = serde_json::from_slice(text).map_err(|e| Flaw::NoEntry(e.to_string()))?;
    let object = value.as_object_mut().ok_or_else(|| no_entry("not a JSON object"))?;

    let prev = object.remove("prev").and_then(|v| serde_json::from_value::<ChainHash>(v).ok());
    if prev.ok_or_else(|| no_entry("no hash in 'prev'"))? != before.head {
        return Err(Flaw::Chain);
    }
    let seq = object.remove("seq").and_then(|v| v.as_u64()).ok_or_else(|| no_entry("no number in 'seq'"))?;
    if seq != number {
        return Err(Flaw::Sequence { expected: number });
    }
    let time = match object.remove("time") {
        Some(Value::String(time)) if time.parse::<jiff::Timestamp>().is_ok() => time,
        _ => return Err(no_entry("no time in 'time'")),
    };
    if before.is_closed() {
        return Err(Flaw::AfterClosed);
    }
    let kind = object.get("kind").and_then(Value::as_str).ok_or_else(|| no_entry("no word in 'kind'"))?;
    let content = if Entry::KINDS.contains(&kind) {
        Content::Known(serde_json::from_value(value).map_err(|e| Flaw::NoEntry(e.to_string()))?)
    } else {
        Content::Unknown(value)
    };
    Ok(StoredEntry { seq, time, content })
}
