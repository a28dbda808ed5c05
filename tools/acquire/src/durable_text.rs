//! A small file that is replaced as a whole: what stands there is always one version or the next, also after a loss of power.

use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

/// What stands at the end of the name of a version that is not in place yet.
pub const DRAFT: &str = ".new";

/// Writes the next version beside the file, durably. [`put_in_place`] puts it there.
///
/// # Errors
/// What the system says; the version before stays.
pub fn draft(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // What lies there is written over: to empty it would give away the room that was set aside for it.
    let mut output = BufWriter::new(open_draft(path)?);
    write(&mut output)?;
    let length = output.stream_position()?;
    let output = output.into_inner().map_err(io::IntoInnerError::into_error)?;
    output.set_len(length)?;
    output.sync_all()?;
    sync_folder_of(path)
}

/// Sets `room` bytes aside for the next version, where the file system can: one that fills up meanwhile has them still. Until
/// then the draft is empty, or what an earlier run left there.
///
/// # Errors
/// What the system says. [`draft`] needs none of this.
pub fn set_room_aside(path: &Path, room: u64) -> io::Result<()> {
    let length = i64::try_from(room).map_err(io::Error::other)?;
    Ok(fallocate(open_draft(path)?, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length)?)
}

/// Removes a draft that holds nothing.
pub fn remove_empty_draft(path: &Path) {
    let path = draft_path(path);
    if std::fs::metadata(&path).is_ok_and(|draft| draft.len() == 0) {
        // One that stays does no harm.
        let _ = std::fs::remove_file(path);
    }
}

fn open_draft(path: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(false).open(draft_path(path))
}

/// Puts what [`draft`] wrote in the place of the version before.
///
/// # Errors
/// What the system says.
pub fn put_in_place(path: &Path) -> io::Result<()> {
    std::fs::rename(draft_path(path), path)?;
    sync_folder_of(path)
}

/// Where the next version of a file is written.
#[must_use]
pub fn draft_path(path: &Path) -> PathBuf {
    with_suffix(path, DRAFT)
}

/// A path with something put behind its name; a dot in the name stays.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the names of files in the folder of `path` durable.
///
/// # Errors
/// What the system says.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_draft_in_the_place_of_a_longer_one_ends_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        for text in ["a long version", "short"] {
            draft(&path, |output| output.write_all(text.as_bytes())).unwrap();
            assert_eq!(std::fs::read_to_string(draft_path(&path)).unwrap(), text);
        }
        // Room for more than there is in it stays empty, and an empty draft alone is removed.
        set_room_aside(&path, 1 << 20).unwrap();
        remove_empty_draft(&path);
        assert_eq!(std::fs::read_to_string(draft_path(&path)).unwrap(), "short");
        put_in_place(&path).unwrap();
        set_room_aside(&path, 1 << 20).unwrap();
        assert_eq!(std::fs::metadata(draft_path(&path)).unwrap().len(), 0);
        // The room is the draft's until it is written. Some file systems would take it back from a file that is emptied.
        draft(&path, |_| {
            let held = std::fs::metadata(draft_path(&path))?.blocks() * 512;
            assert!(held >= 1 << 20, "{held} bytes are left");
            Ok(())
        })
        .unwrap();
        remove_empty_draft(&path);
        assert!(!draft_path(&path).exists());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
    }
}
