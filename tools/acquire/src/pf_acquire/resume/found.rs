//! What an earlier run left: its records, and the checkpoint that they vouch for.

use super::super::destination::record_path;
use super::super::failure::Failure;
use super::super::records::put_aside_before;
use acquire::durable_text::{self, draft_path};
use acquire::sidecar::{self, Sidecar};
use evidence::{ByteOffset, Digest, HashAlgorithm, Hasher};
use formats::FormatError;
use record::{
    AcquisitionOpened, ChainHash, Checkpoint, Content, EarlierRecord, Entry, Flaw, ImageClosed, Outcome,
};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// An acquisition that was cut off.
pub struct CutOff {
    /// What its first entry says.
    pub opened: AcquisitionOpened,
    /// When that was, in seconds since 1970.
    pub opened_at: i64,
    /// What stands in place of unread data.
    pub fill: String,
    /// Its records, oldest first.
    pub records: Vec<EarlierRecord>,
    /// How far the images have come.
    pub stands: Stands,
}

/// How far images have come.
pub enum Stands {
    /// Nothing is durable.
    Nothing,
    /// So much is, as a checkpoint says that is beside each of them.
    Partly {
        /// What the record says of it.
        checkpoint: Checkpoint,
        /// What lies beside each image.
        sidecars: Vec<Sidecar>,
    },
    /// They are whole, and were not read back to the end.
    Whole(ImageClosed),
}

/// What one record says.
#[derive(Default)]
struct Told {
    name: String,
    opened: Option<(AcquisitionOpened, i64)>,
    fill: Option<String>,
    /// Newest last.
    checkpoints: Vec<Checkpoint>,
    /// It wrote to the image, and did not only read it back.
    went_on: bool,
    /// It began the image anew, so that no record before it vouches for anything.
    anew: bool,
    closed: Option<ImageClosed>,
    rescue: bool,
    outcome: Option<Outcome>,
    head: Option<ChainHash>,
}

impl CutOff {
    /// Looks at the records and checkpoints beside the images with these base paths.
    pub fn find(bases: &[PathBuf]) -> Result<Self, Failure> {
        let mut newest: Option<(&PathBuf, u64)> = None;
        for base in bases {
            let path = record_path(base);
            let length = path.metadata().map_or(0, |file| file.len());
            if path.symlink_metadata().is_ok() {
                if record::is_being_written(&path)? {
                    let reason = "another program is still working on it; wait for its end".to_owned();
                    return Err(Failure::Another { path, reason });
                }
            } else if put_aside_before(base).is_empty() {
                let reason = "there is no such record, so nothing to go on with: leave --resume out to begin, or give the \
                              --name or --evidence of then"
                    .to_owned();
                return Err(Failure::Another { path, reason });
            }
            // Of two that were cut off together, one may lack the last entry.
            if newest.is_none_or(|(_, longest)| length > longest) {
                newest = Some((base, length));
            }
        }
        let Some((base, _)) = newest else {
            // The command line requires one.
            return Err(Failure::Another { path: PathBuf::new(), reason: "no destination".to_owned() });
        };
        let mut paths = put_aside_before(base);
        paths.extend(Some(record_path(base)).filter(|path| path.symlink_metadata().is_ok()));
        let records = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        Self::of(&records, bases, base)
    }

    fn of(records: &[Told], bases: &[PathBuf], base: &Path) -> Result<Self, Failure> {
        let path = record_path(base);
        let refused = |reason: &str| Failure::Another { path: path.clone(), reason: reason.to_owned() };
        if records.iter().any(|record| record.rescue) {
            return Err(refused(
                "it is about a recovery in passes: repeat its command with --rescue, without --resume",
            ));
        }
        match records.last().and_then(|newest| newest.outcome) {
            Some(Outcome::Complete | Outcome::CompleteWithUnreadSectors) => {
                return Err(refused(
                    "this acquisition is complete: there is nothing to go on with; check it with pf-verify",
                ));
            }
            Some(Outcome::VerificationFailed) => {
                return Err(refused(
                    "its image was finished and is not as it was written: there is nothing to go on with; image again elsewhere",
                ));
            }
            Some(Outcome::Interrupted | Outcome::Failed) | None => {}
        }
        let all = || records.iter().rev();
        let Some((opened, opened_at)) = all().find_map(|record| record.opened.clone()) else {
            return Err(refused(
                "it does not say what was acquired, so nothing can be proven; choose another --name",
            ));
        };
        let fill = all().find_map(|record| record.fill.clone()).unwrap_or_else(|| "zeros".to_owned());
        let decisive = all().find(|record| record.went_on || record.closed.is_some());
        let stands = match decisive.and_then(|record| record.closed.clone()) {
            Some(closed) => Stands::Whole(closed),
            None => stands(all(), bases)?,
        };
        let named = |record: &Told| EarlierRecord {
            name: record.name.clone(),
            chain_head: record.head.unwrap_or(ChainHash::START),
        };
        Ok(Self { opened, opened_at, fill, records: records.iter().map(named).collect(), stands })
    }
}

/// The newest checkpoint that a record vouches for and that lies beside every image.
fn stands<'a>(records: impl Iterator<Item = &'a Told>, bases: &[PathBuf]) -> Result<Stands, Failure> {
    let beside: Vec<Vec<(Digest, Vec<u8>)>> = bases.iter().map(|base| versions(base)).collect();
    let mut vouched = false;
    for record in records {
        for checkpoint in record.checkpoints.iter().rev() {
            vouched = true;
            let found = beside.iter().map(|versions| {
                versions.iter().find(|(digest, _)| checkpoint.states.contains(digest)).map(|(_, bytes)| bytes)
            });
            if let Some(found) = found.collect::<Option<Vec<_>>>() {
                let mut sidecars = Vec::new();
                for (bytes, base) in found.into_iter().zip(bases) {
                    sidecars.push(parsed(bytes, checkpoint, base)?);
                }
                return Ok(Stands::Partly { checkpoint: checkpoint.clone(), sidecars });
            }
        }
        if record.anew {
            break;
        }
    }
    if !vouched {
        return Ok(Stands::Nothing);
    }
    let path = sidecar::path_of(bases.first().map_or(Path::new(""), PathBuf::as_path));
    let reason = if bases.len() > 1 {
        "the two destinations have no checkpoint in common: one had failed before. Go on with the other alone, by one --to"
    } else {
        "the record speaks of a checkpoint, but the file is not there, or is another: nothing was changed. Put the file beside \
         the image, or image again under another --name"
    };
    Err(Failure::Another { path, reason: reason.to_owned() })
}

/// The checkpoint beside an image, and the next one that was not put in its place yet.
fn versions(base: &Path) -> Vec<(Digest, Vec<u8>)> {
    let path = sidecar::path_of(base);
    let read = |path: PathBuf| Sidecar::bytes(&path).ok();
    let found = [draft_path(&path), path].into_iter().filter_map(read);
    found.map(|bytes| (Hasher::of(HashAlgorithm::Sha256, &bytes), bytes)).collect()
}

/// Puts what the record vouches for in its place where an earlier run did not come to that: the next checkpoint is written
/// where it lies now.
pub fn put_in_place(base: &Path, checkpoint: &Checkpoint) -> Result<(), Failure> {
    let path = sidecar::path_of(base);
    let vouched = Sidecar::bytes(&draft_path(&path))
        .is_ok_and(|bytes| checkpoint.states.contains(&Hasher::of(HashAlgorithm::Sha256, &bytes)));
    if !vouched {
        return Ok(());
    }
    durable_text::put_in_place(&path)
        .map_err(|source| FormatError::Destination { path, offset: ByteOffset(0), source }.into())
}

fn parsed(bytes: &[u8], checkpoint: &Checkpoint, base: &Path) -> Result<Sidecar, Failure> {
    let refused = |reason: String| Failure::Another { path: sidecar::path_of(base), reason };
    let sidecar = Sidecar::parse(bytes).map_err(|error| refused(error.to_string()))?;
    let same = sidecar.offset == checkpoint.offset
        && sidecar.leaf_size == checkpoint.leaf_size
        && sidecar.leaf_root() == checkpoint.leaf_root;
    if same { Ok(sidecar) } else { Err(refused("it says something else than the record".to_owned())) }
}

fn read(path: &Path) -> Result<Told, Failure> {
    let mut told =
        Told { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), ..Told::default() };
    let chain = record::visit(path, |stored| {
        let at = stored.time.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
        match stored.content {
            Content::Known(Entry::AcquisitionOpened(opened)) => told.opened = Some((*opened, at)),
            Content::Known(Entry::FaultPolicy(policy)) => {
                told.rescue |= policy.method == "rescue";
                told.fill = Some(policy.fill);
            }
            Content::Known(Entry::Checkpoint(checkpoint)) => told.checkpoints.push(checkpoint),
            Content::Known(Entry::ResumeBegun(begun)) => {
                told.went_on = !begun.whole;
                told.anew = begun.from.is_none() && !begun.whole;
                told.checkpoints.extend(begun.from);
            }
            Content::Known(Entry::ImageClosed(closed)) => told.closed = Some(closed),
            Content::Known(Entry::Closed(closed)) => told.outcome = Some(closed.outcome),
            _ => {}
        }
    })?;
    told.head = Some(chain.head);
    match chain.broken {
        Some(broken) if !(may_be_cut(&broken.flaw) && is_last_line(path, broken.offset)) => {
            let reason = format!("it was altered ({broken}), so it proves nothing; nothing was changed");
            Err(Failure::Another { path: path.to_owned(), reason })
        }
        _ => Ok(told),
    }
}

/// A cut of the power may leave a part of the last line, or of its blocks.
fn may_be_cut(flaw: &Flaw) -> bool {
    matches!(flaw, Flaw::Truncated | Flaw::NoEntry(_))
}

/// True where no line follows the one that begins at `offset`.
fn is_last_line(path: &Path, offset: u64) -> bool {
    let mut rest = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(offset))?;
        file.take(32 << 20).read_to_end(&mut rest)
    });
    let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end.saturating_add(1));
    read.is_ok() && line == rest.len()
}
