//! Why a record could not be written or read at all.

use crate::ChainHash;
use evidence::Plain;
use std::io;
use std::path::PathBuf;

/// A failure of the file that holds a record. A record that can be read but is not as it should be is no error: see
/// [`crate::Break`].
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The record is there already; it is never continued or replaced.
    #[error("{path}: a record of this name exists already; choose another --name or another folder", path = Plain(.0.display()))]
    Exists(PathBuf),
    /// The file could not be made, written or made durable.
    #[error("{path}: the record could not be {deed}: {source}; what was written before stays valid", path = Plain(.path.display()))]
    Write {
        /// The record.
        path: PathBuf,
        /// What was being done.
        deed: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The record is whole, its head could not be written or made durable.
    #[error(
        "{path}: the record's signed head could not be written: {source}; the record itself is whole, only its chain head, \
         written down now, vouches for it: {chain_head}",
        path = Plain(.path.display())
    )]
    Head {
        /// The head.
        path: PathBuf,
        /// Hash of the record's last entry.
        chain_head: ChainHash,
        /// What the system said.
        source: io::Error,
    },
    /// The file could not be opened or read.
    #[error("{path}: the record could not be read: {source}", path = Plain(.path.display()))]
    Read {
        /// The record.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An entry could not be put into JSON or is longer than a reader accepts.
    #[error("an entry of kind {kind} can't be recorded: {}", Plain(reason))]
    Entry {
        /// The entry's kind.
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
