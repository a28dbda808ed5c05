//! A small file that is replaced as a whole: what stands there is always one version or the next, also after a loss of power.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What stands at the end of the name of a version that is not in place yet.
pub const DRAFT: &str = ".new";

/// Writes the next version beside the file, durably. [`put_in_place`] puts it there.
///
/// # Errors
/// What the system says; the version before stays.
pub fn draft(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut output = BufWriter::new(File::create(draft_path(path))?);
    write(&mut output)?;
    output.flush()?;
    output.get_ref().sync_all()?;
    sync_folder_of(path)
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
