//! What can go wrong while building, told in one line each.

use std::path::PathBuf;

/// Why a chore ended early.
#[derive(Debug, thiserror::Error)]
pub enum XtaskError {
    /// A file or folder could not be read, made or changed.
    #[error("{doing}: {source}")]
    File {
        /// What was being done, and to which file.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program could not be started or ended with an error.
    #[error("{command}: {ended}{}", .log.as_ref().map(|l| format!(" (its output: {})", l.display())).unwrap_or_default())]
    Program {
        /// Program and arguments.
        command: String,
        /// How it ended.
        ended: String,
        /// Where its output is kept, if it is.
        log: Option<PathBuf>,
    },
    /// Something that the chore rests on is not as it has to be.
    #[error("{0}")]
    Unfit(String),
    /// The test equipment failed.
    #[error(transparent)]
    Harness(#[from] harness::HarnessError),
    /// A value could not be written as JSON.
    #[error("writing JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What every step of a chore returns.
pub type Result<T> = std::result::Result<T, XtaskError>;

/// Adds to an I/O error what was being done.
pub trait Doing<T> {
    /// `doing` names the deed and the file: "copying a to b".
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| XtaskError::File { doing: doing(), source })
    }
}
