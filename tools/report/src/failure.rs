//! Why nothing was made, and the exit code that says so.

use crate::arguments::{COULD_NOT, NOT_HANDED_ON, NOT_WRITTEN};
use evidence::Plain;
use std::io;
use std::path::PathBuf;

/// Nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The record could not be read.
    #[error(transparent)]
    Record(#[from] record::RecordError),
    /// Not one entry.
    #[error("{path}: no record of an acquisition: {what}; give the file that pf-acquire named NAME.record.jsonl", path = Plain(.path.display()))]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// What is there instead.
        what: String,
    },
    /// An altered line is only found at the one behind it: nothing of such a record is fit to be handed on.
    #[error(
        "{path}: the record is broken at line {}, byte {}: {}; nothing was exported, because the line before it may be altered; \
         take another copy of the record, or see what is left with pf-record show and pf-verify",
        .broken.line, .broken.offset, .broken.flaw, path = Plain(.path.display())
    )]
    Broken {
        /// The record.
        path: PathBuf,
        /// Where and how.
        broken: record::Break,
    },
    /// The case file can't be used.
    #[error(transparent)]
    CaseFile(#[from] case_file::CaseFileError),
    /// Nobody answers any more.
    #[error("the answers ended before the last question; nothing was written, begin again")]
    EndOfAnswers,
    /// An answer that can't be meant.
    #[error("an answer is longer than 32 KiB; nothing was written, begin again")]
    LongAnswer,
    /// What lies beside the record could not be read.
    #[error("{path}: it lies beside the record and could not be read: {source}; put it right or take it away", path = Plain(.path.display()))]
    Beside {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No head of a record.
    #[error(transparent)]
    Head(#[from] record::HeadError),
    /// A head whose signature does not fit.
    #[error("{path}: its signature does not fit, so it is not worth a time-stamp; check it with pf-verify", path = Plain(.0.display()))]
    NotSigned(PathBuf),
    /// A file that has to do with a time-stamp is not what it had to be.
    #[error("{path}: {source}", path = Plain(.path.display()))]
    Stamp {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: timestamp::TimeStampError,
    },
    /// A file could not be read.
    #[error("{path}: it could not be read: {source}", path = Plain(.path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The result is there already.
    #[error("{path}: a file of this name exists already; nothing is ever overwritten, choose another name", path = Plain(.0.display()))]
    Exists(PathBuf),
    /// The result could not be written.
    #[error("{path}: writing failed: {source}; what was written of it was removed", path = Plain(.path.display()))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output could not be written.
    #[error("writing to standard output failed: {0}")]
    Output(#[from] io::Error),
    /// The result could not be put into JSON.
    #[error("making the JSON failed: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// As `--help` lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Record(_)
            | Failure::NoRecord { .. }
            | Failure::CaseFile(_)
            | Failure::EndOfAnswers
            | Failure::LongAnswer
            | Failure::Beside { .. }
            | Failure::Head(_)
            | Failure::NotSigned(_)
            | Failure::Stamp { .. }
            | Failure::Read { .. } => COULD_NOT,
            Failure::Broken { .. } => NOT_HANDED_ON,
            Failure::Exists(_) | Failure::Write { .. } | Failure::Output(_) | Failure::Json(_) => NOT_WRITTEN,
        }
    }
}
