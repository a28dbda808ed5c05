//! Why nothing was converted, or not all, and the exit code that says so.

use acquire::pipeline::PipelineError;
use formats::FormatError;
use std::path::PathBuf;
use std::process::ExitCode;

/// The conversion did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No name for the copy.
    #[error("--name must be a plain file name; folders go into --to")]
    Name,
    /// Nothing to compare with.
    #[error("--hash names no algorithm; give at least one of md5, sha1, sha256")]
    NoHash,
    /// A source whose container does not hold together.
    #[error("{first}{}; nothing was written. See what is left with pf-verify, and copy that with --despite-damage", more(*.others))]
    Damaged {
        /// The first flaw.
        first: Box<FormatError>,
        /// How many more there are.
        others: usize,
    },
    /// The source could not be opened, or the copy not begun.
    #[error(transparent)]
    Image(#[from] FormatError),
    /// The copy was made and could not be opened again.
    #[error("the copy can't be read back: {0}")]
    Copy(FormatError),
    /// It had begun and ended early.
    #[error("{error}. What was written stays in {folder}, but it is not a whole image", folder = .folder.display())]
    EndedEarly {
        /// Why.
        error: PipelineError,
        /// Destination.
        folder: PathBuf,
    },
    /// The copy is finished but was not read back.
    #[error("{0}. The copy is whole but was not compared: check it with pf-verify")]
    NotReadBack(PipelineError),
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

impl Failure {
    /// As `--help` lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::EndedEarly { error, .. } | Failure::NotReadBack(error) => match error {
                PipelineError::Stopped(_) => 5,
                PipelineError::Image(_) => 4,
                PipelineError::Resources(_) => 2,
                // What the source says of itself does not hold: the observer has stopped it, or the pipeline.
                _ => 6,
            },
            Failure::Image(FormatError::Destination { .. }) => 4,
            Failure::Copy(_) => 1,
            Failure::Damaged { .. } => 6,
            _ => 2,
        })
    }
}
