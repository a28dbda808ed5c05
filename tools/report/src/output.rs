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
    name.push(format!(".{}.draft", std::process::id()));
    let draft = PathBuf::from(name);
    create(&draft, content)?;
    // A link, unlike a new name, never takes the place of a file that appeared meanwhile.
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    linked.or_else(|source| match source.kind() {
        ErrorKind::AlreadyExists => Err(Failure::Exists(path.to_owned())),
        // Sticks of FAT or exFAT know no links; there the file grows under its own name.
        ErrorKind::PermissionDenied | ErrorKind::Unsupported => create(path, content),
        _ => Err(Failure::Write { path: path.to_owned(), source }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_of_somebody_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (path, draft) = (folder.path().join("case.toml"), folder.path().join("case.toml.draft"));
        fs::write(&draft, "kept").unwrap();
        create_at_once(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_to_string(&draft).unwrap(), "kept");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(matches!(create_at_once(&path, "newer"), Err(Failure::Exists(_))));
    }
}
