//! What the record says about an image, and how far the record itself can be trusted.

use crate::leaves::StatedLeaves;
use crate::property::Finding;
use evidence::{ByteCount, CaseData, Digest, ExtentSet, HashSet, SectorSize};
use formats::DeviceLabel;
use record::{Chain, ChainHash, Content, EarlierRecord, Entry, Flaw, KeyNotice, Outcome, RecordError};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A record's statements, as far as its chain holds.
#[derive(Clone, Debug)]
pub struct Claims {
    /// Where the record is.
    pub path: PathBuf,
    /// Number of entries before the first flaw.
    pub entries: u64,
    /// Hash of the last of them.
    pub head: ChainHash,
    /// Hash of the first entry.
    pub first: ChainHash,
    /// Bytes that these entries take.
    pub bytes: u64,
    /// SHA-256 over these bytes.
    pub sha256: ChainHash,
    /// Whether the chain holds to the end.
    pub chain: Finding,
    /// Whether the record was closed, and how; `None` when the chain breaks before its end.
    pub closed: Option<Finding>,
    /// True when the chain holds and its last entry closes the record, whatever the outcome.
    pub ended: bool,
    /// The key that the record says will sign its head.
    pub signing_key: Option<KeyNotice>,
    /// Logical sector of the source.
    pub logical_sector: Option<SectorSize>,
    /// Case fields as given when the acquisition began.
    pub case: Option<CaseData>,
    /// True when the record has an entry that closes the image; the fields below come from it.
    pub image_closed: bool,
    /// Names and sizes of the segments.
    pub segments: Vec<(String, ByteCount)>,
    /// Size of the medium.
    pub media_size: Option<ByteCount>,
    /// Hash values of the acquisition.
    pub hashes: HashSet,
    /// Ranges that could not be read.
    pub unread: ExtentSet,
    /// Hash values of equal parts of the medium.
    pub leaves: StatedLeaves,
    /// BLAKE3 of each segment file, of every copy of the image that was read back and matched.
    pub copies: Vec<Vec<Digest>>,
    /// Copies that were written to their end: two where the record names a second destination that did not fail.
    pub copies_written: usize,
    /// What the container should say of its making.
    pub making: Making,
    /// The records of the runs before.
    pub earlier: Vec<EarlierRecord>,
}

/// What a record says of how the image was made.
#[derive(Clone, Debug, Default)]
pub struct Making {
    /// The device that was imaged.
    pub device: Option<DeviceLabel>,
    /// Version of the program that began it, and from when to when, in seconds since 1970; version and beginning are not known
    /// where a run was gone on with, perhaps by another version.
    pub version: Option<String>,
    pub begun: Option<i64>,
    pub ended: Option<i64>,
}

/// Destinations are two at most.
const MOST_COPIES: usize = 8;
/// Runs of one acquisition.
const MOST_RUNS: usize = 999;

/// Why a record's statements could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ClaimsError {
    /// The record could not be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It could not even be found out whether there is one.
    #[error("{}: looking for the record failed: {source}", path.display())]
    Look {
        /// Where it would be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads the record named, or the one beside the image if there is one.
pub fn find(image: &Path, named: Option<&Path>) -> Result<Option<Claims>, ClaimsError> {
    let path = place(image, named);
    if named.is_none() {
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(source) => return Err(ClaimsError::Look { path, source }),
        }
    }
    Ok(Some(Claims::read(path)?))
}

/// Where the record is, or would be.
pub fn place(image: &Path, named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| beside(image), Path::to_owned)
}

/// `folder/item-1.E01` has its record in `folder/item-1.record.jsonl`.
fn beside(image: &Path) -> PathBuf {
    let mut name = image.with_extension("").into_os_string();
    name.push(record::FILE_SUFFIX);
    PathBuf::from(name)
}

impl Claims {
    /// Reads the record at `path`.
    pub fn read(path: PathBuf) -> Result<Self, RecordError> {
        let mut claims = Self {
            path: PathBuf::new(),
            entries: 0,
            head: ChainHash::START,
            first: ChainHash::START,
            bytes: 0,
            sha256: ChainHash::START,
            chain: Err(String::new()),
            closed: None,
            ended: false,
            signing_key: None,
            logical_sector: None,
            case: None,
            image_closed: false,
            segments: Vec::new(),
            media_size: None,
            hashes: HashSet::new(),
            unread: ExtentSet::new(),
            leaves: StatedLeaves::new(),
            copies: Vec::new(),
            copies_written: 1,
            making: Making::default(),
            earlier: Vec::new(),
        };
        let mut outcome = None;
        let chain = record::visit(&path, |stored| match stored.content {
            Content::Known(Entry::AcquisitionOpened(opened)) => {
                claims.making.device = Some(DeviceLabel::of(&opened.source));
                claims.making.version = Some(opened.software.version);
                claims.making.begun = seconds(&stored.time);
                claims.logical_sector = Some(opened.source.logical_sector);
                claims.copies_written = if opened.plan.second_destination.is_some() { 2 } else { 1 };
                (claims.case, claims.signing_key) = (Some(opened.case.data()), opened.signing_key);
            }
            Content::Known(Entry::ResumeBegun(begun)) => {
                // The run before began the container.
                (claims.making.begun, claims.making.version) = (None, None);
                claims.add_earlier(begun.earlier);
            }
            Content::Known(Entry::RescueBegun(begun)) => {
                claims.add_earlier(begun.earlier.into_iter().collect())
            }
            Content::Known(Entry::Verification(verified))
                if verified.matches && !verified.files.is_empty() && claims.copies.len() < MOST_COPIES =>
            {
                claims.copies.push(verified.files);
            }
            Content::Known(Entry::DestinationFailed { .. }) => claims.copies_written = 1,
            Content::Known(Entry::Leaves(leaves)) => claims.leaves.add(leaves),
            Content::Known(Entry::ImageClosed(image)) => {
                claims.image_closed = true;
                claims.making.ended = seconds(&stored.time);
                claims.segments = image.segments.into_iter().map(|s| (s.name, s.size)).collect();
                claims.media_size = Some(image.media_size);
                claims.hashes = image.hashes;
                claims.unread = image.unread;
            }
            Content::Known(Entry::Closed(closed)) => outcome = Some(closed.outcome),
            _ => {}
        })?;
        (claims.path, claims.entries, claims.head) = (path, chain.entries, chain.head);
        (claims.first, claims.bytes, claims.sha256) = (chain.first, chain.bytes, chain.sha256);
        claims.chain = whole(&chain);
        claims.ended = chain.closed && chain.broken.is_none();
        claims.closed = match &chain.broken {
            None => Some(closed(outcome)),
            // What a loss of power leaves.
            Some(broken) if broken.flaw == Flaw::Truncated => Some(Err(format!(
                "not closed: the file ends within line {}, the {} entries before it hold",
                broken.line, chain.entries
            ))),
            Some(broken) if torn(&claims.path, broken.offset) => Some(Err(format!(
                "not closed: from line {} on there is no entry, the {} entries before it hold",
                broken.line, chain.entries
            ))),
            Some(_) => None,
        };
        Ok(claims)
    }

    fn add_earlier(&mut self, earlier: Vec<EarlierRecord>) {
        let room = MOST_RUNS.saturating_sub(self.earlier.len());
        self.earlier.extend(earlier.into_iter().take(room));
    }
}

/// Most bytes behind the last whole entry that a loss of power may have left.
const LONGEST_TAIL: u64 = 1 << 20;

/// True when nothing from `offset` on is a line of a record: a loss of power leaves zeros or other blocks' bytes there. Where
/// a line was altered, those behind it are lines still.
fn torn(path: &Path, offset: u64) -> bool {
    let mut tail = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(offset))?;
        file.take(LONGEST_TAIL).read_to_end(&mut tail)
    });
    let whole = read.is_ok_and(|read| u64::try_from(read).unwrap_or(u64::MAX) < LONGEST_TAIL);
    let is_object = |line: &[u8]| serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(line).is_ok();
    whole && !tail.split(|byte| *byte == b'\n').any(is_object)
}

fn seconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

fn whole(chain: &Chain) -> Finding {
    match &chain.broken {
        Some(broken) => Err(broken.to_string()),
        None if chain.entries == 0 => Err("the record is empty".to_owned()),
        None => Ok(format!("{} entries, each carries the hash of the one before", chain.entries)),
    }
}

/// Nothing can stand after the entry that closes a record without breaking the chain.
fn closed(outcome: Option<Outcome>) -> Finding {
    match outcome {
        None => Err("its last entry does not close it: the acquisition did not come to its end".to_owned()),
        Some(Outcome::Complete) => Ok("outcome: complete".to_owned()),
        Some(Outcome::CompleteWithUnreadSectors) => Ok("outcome: complete, with unread sectors".to_owned()),
        Some(Outcome::VerificationFailed) => {
            Err("outcome: the image read back was not what was written".to_owned())
        }
        Some(Outcome::Interrupted) => Err("outcome: interrupted".to_owned()),
        Some(Outcome::Failed) => Err("outcome: failed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::beside;
    use std::path::Path;

    #[test]
    fn the_record_is_looked_for_beside_the_image() {
        assert_eq!(beside(Path::new("/d/item.1.E01")), Path::new("/d/item.1.record.jsonl"));
        assert_eq!(beside(Path::new("item.001")), Path::new("item.record.jsonl"));
    }
}
