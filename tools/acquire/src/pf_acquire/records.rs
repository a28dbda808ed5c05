//! The record, at each destination the same byte for byte.

use super::destination::record_path;
use super::screen::tell;
use acquire::durable_text::{sync_folder_of, with_suffix};
use jiff::Timestamp;
use record::{ChainHash, Entry, RecordError, RecordWriter};
use std::path::{Path, PathBuf};

/// Records that get the same entries. One that can't be kept any more is let go, as long as another is kept.
pub struct Records {
    kept: Vec<RecordWriter>,
}

impl Records {
    /// Begins a record at each path, where no file may be.
    pub fn create(paths: impl Iterator<Item = PathBuf>) -> Result<Self, RecordError> {
        Ok(Self { kept: paths.map(|path| RecordWriter::create(&path)).collect::<Result<_, _>>()? })
    }

    /// Adds an entry to each, with the same time, and waits until it is on their media.
    pub fn append(&mut self, entry: &Entry) -> Result<(), RecordError> {
        let time = Timestamp::now();
        let outcomes: Vec<_> = self.kept.iter_mut().map(|record| record.append_at(entry, time)).collect();
        let mut kept = outcomes.iter().map(Result::is_ok).collect::<Vec<_>>().into_iter();
        let any = outcomes.iter().any(Result::is_ok);
        for error in outcomes.into_iter().filter_map(Result::err) {
            if !any {
                // Who wants to say so in the record can still try.
                return Err(error);
            }
            tell(format_args!("warning: {error}; the record at the other destination goes on"));
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

/// Gives the record of the earlier run another name, so that the newest one is always beside the image. Its content stays.
pub fn put_aside(base: &Path) -> Result<String, RecordError> {
    let record = record_path(base);
    let free = (1..=MOST_RUNS).map(|run| numbered(base, run)).find(|path| path.symlink_metadata().is_err());
    let Some(path) = free else { return Err(RecordError::Exists(record)) };
    let renamed = std::fs::rename(&record, &path).and_then(|()| sync_folder_of(&path));
    renamed.map_err(|source| RecordError::Write { path: record, deed: "put aside", source })?;
    Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn numbered(base: &Path, run: u32) -> PathBuf {
    with_suffix(base, &format!(".record-{run}.jsonl"))
}
