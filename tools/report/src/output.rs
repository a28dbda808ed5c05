//! Files that are made whole or not at all.

use crate::failure::Failure;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

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

/// Refuses what [`create_at_once`] would not write, before anybody takes the trouble.
///
/// # Errors
/// [`Failure::Exists`].
pub fn must_not_exist(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(Failure::Exists(path.to_owned())),
        Err(_) => Ok(()),
    }
}

/// Writes a new file that has its name only once it is whole: whatever ends the program, there is no half one.
///
/// # Errors
/// [`Failure::Exists`] or [`Failure::Write`].
pub fn create_at_once(path: &Path, content: &str) -> Result<(), Failure> {
    must_not_exist(path)?;
    let mut name = OsString::from(path);
    name.push(".draft");
    let draft = PathBuf::from(name);
    // What a run left that was ended while it wrote.
    let _ = fs::remove_file(&draft);
    create(&draft, content)?;
    fs::rename(&draft, path).map_err(|source| {
        let _ = fs::remove_file(&draft);
        Failure::Write { path: path.to_owned(), source }
    })
}
