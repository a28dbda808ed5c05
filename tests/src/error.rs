//! What can go wrong on the bench, told so that the log of a failed night run is enough to understand it.

use std::{io, time::Duration};

/// A step of the test equipment that could not be carried out. It says nothing about the system under test.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// An operation on the host failed.
    #[error("{doing}: {source}")]
    Host {
        /// What was being done, to which file.
        doing: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A program of the host is absent.
    #[error("{program} is not installed on this host; install the Debian package {package}")]
    Missing {
        /// Its file name.
        program: String,
        /// The Debian package that carries it.
        package: String,
    },
    /// A program of the host ended with an error.
    #[error("{command} ended with {status}: {said}")]
    Program {
        /// The whole command line.
        command: String,
        /// Exit status or signal.
        status: String,
        /// The end of what it printed.
        said: String,
    },
    /// Something awaited did not come in time.
    #[error("waited {} s in vain for {awaited}; last heard: {heard:?}", .within.as_secs())]
    Deadline {
        /// What was awaited.
        awaited: String,
        /// How long.
        within: Duration,
        /// The end of what came instead.
        heard: String,
    },
    /// The emulator ended or hung up while it was needed.
    #[error("the emulator hung up while waiting for {awaited}; it said: {said}")]
    HungUp {
        /// What was awaited.
        awaited: String,
        /// The end of its standard error, or of the line.
        said: String,
    },
    /// The emulator refused a command of its control protocol.
    #[error("QMP {command} was refused: {answer}")]
    Qmp {
        /// The command's name.
        command: String,
        /// Its error object.
        answer: String,
    },
    /// A command in the guest ended otherwise than it must for the work to go on.
    #[error("in the guest `{command}` ended with {status}: {output}")]
    Guest {
        /// The command line.
        command: String,
        /// Its exit status.
        status: i32,
        /// What it printed.
        output: String,
    },
    /// A thing is not as the equipment needs it.
    #[error("{0}")]
    Unfit(String),
}

/// Gives an [`io::Error`] the words for what was being done.
pub trait Doing<T> {
    /// Turns the error into [`HarnessError::Host`].
    ///
    /// # Errors
    /// The same one, with words.
    fn doing(self, what: impl FnOnce() -> String) -> crate::Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> crate::Result<T> {
        self.map_err(|source| HarnessError::Host { doing: what(), source })
    }
}
