//! The record, at each destination the same byte for byte.

use super::destination::record_path;
use super::screen::tell;
use super::signing::{Signing, lines_of};
use acquire::durable_text::{sync_folder_of, with_suffix};
use jiff::Timestamp;
use record::{ChainHash, Entry, KeyNotice, RecordError, RecordWriter, head_path};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Records that get the same entries. One that can't be kept any more is let go, as long as another is kept.
pub struct Records {
    kept: Vec<RecordWriter>,
    signing: Arc<Signing>,
}

impl Records {
    /// Begins a record at each path, where no file may be, nor where its head will be; tells which key will sign it.
    pub fn create(paths: impl Iterator<Item = PathBuf>, signing: Arc<Signing>) -> Result<Self, RecordError> {
        let create = |path: PathBuf| match head_path(&path) {
            head if head.symlink_metadata().is_ok() => Err(RecordError::Exists(head)),
            _ => RecordWriter::create(&path),
        };
        let kept = paths.map(create).collect::<Result<_, _>>()?;
        signing.announce();
        Ok(Self { kept, signing })
    }

    /// What the first entry says of the key that will sign it.
    pub fn notice(&self) -> &KeyNotice {
        self.signing.notice()
    }

    /// Adds an entry to each, with the same time, and waits until it is on their media.
    pub fn append(&mut self, entry: &Entry) -> Result<(), RecordError> {
        let time = Timestamp::now();
        let outcomes = self.kept.iter_mut().map(|record| record.append_at(entry, time)).collect();
        self.let_go(outcomes, "the record at the other destination goes on")
    }

    /// Signs the head of each; its last entry stands.
    pub fn sign(&mut self) -> Result<(), RecordError> {
        let outcomes = self.kept.iter().map(|record| record.sign(self.signing.key()).map(|_| ())).collect();
        self.let_go(outcomes, "the record at the other destination has its head")
    }

    /// Tells at the end of a run that made no image what a whole one would have said of its record.
    pub fn tell_head(&self) {
        let KeyNotice { fingerprint, words, .. } = self.notice();
        tell(format_args!("record closed, chain head {}", self.head()));
        tell(format_args!("signed with key {fingerprint}, in words:"));
        for line in lines_of(words) {
            tell(format_args!("    {line}"));
        }
    }

    /// Lets those go that could not be written, and fails when that were all.
    fn let_go(
        &mut self,
        outcomes: Vec<Result<(), RecordError>>,
        consolation: &str,
    ) -> Result<(), RecordError> {
        let mut kept = outcomes.iter().map(Result::is_ok).collect::<Vec<_>>().into_iter();
        let any = outcomes.iter().any(Result::is_ok);
        for error in outcomes.into_iter().filter_map(Result::err) {
            if !any {
                // Who wants to say so in the record can still try.
                return Err(error);
            }
            tell(format_args!("warning: {error}; {consolation}"));
        }
        self.kept.retain(|_| kept.next().unwrap_or(true));
        Ok(())
    }

    /// The chain head of those that are kept.
    pub fn head(&self) -> ChainHash {
        self.kept.first().map_or(ChainHash::START, RecordWriter::head)
    }

    /// Where they are.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.kept.iter().map(RecordWriter::path)
    }
}

/// Most runs of one acquisition.
const MOST_RUNS: u32 = 999;

/// Where the records of earlier runs of the image with this base path are, oldest first.
pub fn put_aside_before(base: &Path) -> Vec<PathBuf> {
    let numbered = (1..=MOST_RUNS).map(|run| numbered(base, run));
    numbered.take_while(|path| path.symlink_metadata().is_ok()).collect()
}

/// Gives the record of the earlier run another name, and its head the same, so that the newest is always beside the image.
/// Their content stays.
pub fn put_aside(base: &Path) -> Result<String, RecordError> {
    let record = record_path(base);
    let head = head_path(&record);
    let has_head = head.symlink_metadata().is_ok();
    let free = (1..=MOST_RUNS).map(|run| numbered(base, run)).find(|path| path.symlink_metadata().is_err());
    let Some(path) = free else { return Err(RecordError::Exists(record)) };
    let aside = head_path(&path);
    if has_head && aside.symlink_metadata().is_ok() {
        return Err(RecordError::Exists(aside));
    }
    // The head first: without a record before it, it would stand in the way of the next one.
    let renamed = match has_head {
        true => std::fs::rename(&head, aside),
        false => Ok(()),
    }
    .and_then(|()| std::fs::rename(&record, &path))
    .and_then(|()| sync_folder_of(&path));
    renamed.map_err(|source| RecordError::Write { path: record, deed: "put aside", source })?;
    Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn numbered(base: &Path, run: u32) -> PathBuf {
    with_suffix(base, &format!(".record-{run}.jsonl"))
}
