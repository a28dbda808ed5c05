//! Files that are made whole or not at all.

use crate::failure::Failure;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Writes a new file and waits until it is on its medium. What can't be written whole is removed.
///
/// # Errors
/// [`Failure::Exists`] or [`Failure::Write`].
pub fn create(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::Exists(path.to_owned()));
        }
        opened => opened.map_err(failed)?,
    };
    file.write_all(content.as_ref()).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = fs::remove_file(path);
        failed(error)
    })
}
