//! Reads a record that may have been altered, and tells how far it can be trusted.

use crate::writer::{MAX_IMAGE_LINE, longest_line};
use crate::{ChainHash, Entry, ImageClosed, RecordError};
use evidence::Plain;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Most entries that are read.
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
    /// Not a line of this format. The reason may quote the line; its control characters are replaced, so that a record
    /// can't write on the terminal of who checks it.
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

/// How far the chain of a record holds.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Number of entries before the first flaw.
    pub entries: u64,
    /// Hash of the last of them; [`ChainHash::START`] when there is none.
    pub head: ChainHash,
    /// Hash of the first of them; [`ChainHash::START`] when there is none.
    pub first: ChainHash,
    /// Bytes that they take.
    pub bytes: u64,
    /// SHA-256 over these bytes.
    pub sha256: ChainHash,
    /// True when the last of them is `closed`.
    pub closed: bool,
    /// Where and how the chain breaks, if it does.
    pub broken: Option<Break>,
}

/// Reads the record at `path` up to its first flaw. At most 256 MiB are read, and all of it is kept: for a record that is
/// not trusted, [`visit`] needs less memory.
///
/// What the chain cannot show: an alteration of the very last line, and a record rewritten as a whole. Both change the
/// head.
///
/// # Errors
/// [`RecordError::Read`] when the file can't be opened or read.
pub fn read(path: &Path) -> Result<RecordFile, RecordError> {
    let mut entries = Vec::new();
    let chain = visit(path, |entry| entries.push(entry))?;
    Ok(RecordFile { entries, head: chain.head, broken: chain.broken })
}

/// Reads the record at `path` as [`read`] does and hands its entries out one by one. Memory: what the longest line takes,
/// below 64 MiB whatever it holds.
///
/// # Errors
/// [`RecordError::Read`] when the file can't be opened or read.
pub fn visit(path: &Path, each: impl FnMut(StoredEntry)) -> Result<Chain, RecordError> {
    let failed = |source| RecordError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    visit_lines(BufReader::new(file.take(MAX_BYTES)), each).map_err(failed)
}

fn visit_lines(mut input: impl BufRead, mut each: impl FnMut(StoredEntry)) -> io::Result<Chain> {
    let mut whole = Sha256::new();
    let mut chain = Chain {
        entries: 0,
        head: ChainHash::START,
        first: ChainHash::START,
        bytes: 0,
        sha256: ChainHash::START,
        closed: false,
        broken: None,
    };
    let mut line = Vec::new();
    while chain.broken.is_none() {
        line.clear();
        let limit = u64::try_from(MAX_IMAGE_LINE).unwrap_or(u64::MAX).saturating_add(1);
        let length = (&mut input).take(limit).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        match examine(&line, &chain) {
            Ok(entry) => {
                chain.head = ChainHash::of_line(line.strip_suffix(b"\n").unwrap_or(&line));
                if chain.entries == 0 {
                    chain.first = chain.head;
                }
                whole.update(&line);
                chain.bytes = chain.bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                chain.entries = chain.entries.saturating_add(1);
                chain.closed = matches!(entry.content, Content::Known(Entry::Closed(_)));
                each(entry);
            }
            Err(flaw) => {
                let line = chain.entries.saturating_add(1);
                chain.broken = Some(Break { line, offset: chain.bytes, flaw });
            }
        }
    }
    chain.sha256 = ChainHash::of_digest(whole.finalize().into());
    Ok(chain)
}

/// What every line holds; the rest is passed over without taking memory.
#[derive(Deserialize)]
struct Envelope<'a> {
    seq: Option<u64>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    prev: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

fn no_entry(reason: impl fmt::Display) -> Flaw {
    Flaw::NoEntry(Plain(reason).to_string())
}

fn examine(line: &[u8], before: &Chain) -> Result<StoredEntry, Flaw> {
    let Some(text) = line.strip_suffix(b"\n") else {
        return Err(if line.len() > MAX_IMAGE_LINE { Flaw::TooLong } else { Flaw::Truncated });
    };
    if before.entries >= MAX_ENTRIES {
        return Err(Flaw::TooMany);
    }
    if text.first() != Some(&b'{') {
        return Err(no_entry("not a JSON object"));
    }
    let envelope: Envelope<'_> = serde_json::from_slice(text).map_err(no_entry)?;

    let prev = envelope.prev.and_then(|hash| ChainHash::try_from(hash.into_owned()).ok());
    if prev.ok_or_else(|| no_entry("no hash in 'prev'"))? != before.head {
        return Err(Flaw::Chain);
    }
    if envelope.seq.ok_or_else(|| no_entry("no number in 'seq'"))? != before.entries {
        return Err(Flaw::Sequence { expected: before.entries });
    }
    let time = envelope.time.filter(|time| time.parse::<jiff::Timestamp>().is_ok());
    let time = time.ok_or_else(|| no_entry("no time in 'time'"))?.into_owned();
    if before.closed {
        return Err(Flaw::AfterClosed);
    }
    let kind = envelope.kind.ok_or_else(|| no_entry("no word in 'kind'"))?;
    if text.len() > longest_line(&kind) {
        return Err(Flaw::TooLong);
    }
    let content = content(&kind, text).map_err(no_entry)?;
    Ok(StoredEntry { seq: before.entries, time, content })
}

fn content(kind: &str, text: &[u8]) -> serde_json::Result<Content> {
    // The one that may be long is read without a copy in between, which a tagged enum needs.
    if kind == "image-closed" {
        return Ok(Content::Known(Entry::ImageClosed(serde_json::from_slice::<ImageClosed>(text)?)));
    }
    if Entry::KINDS.contains(&kind) {
        return Ok(Content::Known(serde_json::from_slice(text)?));
    }
    let mut value: Value = serde_json::from_slice(text)?;
    if let Some(object) = value.as_object_mut() {
        for field in ["seq", "time", "prev"] {
            object.remove(field);
        }
    }
    Ok(Content::Unknown(value))
}
