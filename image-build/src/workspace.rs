//! Where things are: the working copy, what a build leaves in it, and the user's cache.

use crate::error::{Doing, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Names another working copy than the one this program was built in: `cargo xtask reproduce` builds one beside it.
pub const OTHER_ROOT: &str = "PERMAFROST_OTHER_ROOT";

/// Root of the working copy.
pub fn root() -> PathBuf {
    if let Some(other) = std::env::var_os(OTHER_ROOT) {
        return PathBuf::from(other);
    }
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).to_owned()
}

/// The folder of outputs, `target/permafrost`, made if need be.
pub fn outputs() -> Result<PathBuf> {
    let folder = root().join("target/permafrost");
    make_folder(&folder)?;
    Ok(folder)
}

/// The user's cache folder of this project: `$XDG_CACHE_HOME/permafrost` or `~/.cache/permafrost`.
pub fn cache() -> Result<PathBuf> {
    Ok(harness::artifacts::cache_folder()?)
}

/// Holds the cache for one build at a time, until dropped.
pub fn lock_cache() -> Result<File> {
    lock("lock")
}

/// Holds what the file `name` in the cache stands for, until dropped.
pub fn lock(name: &str) -> Result<File> {
    let path = cache()?.join(name);
    let lock = File::create(&path).doing(|| format!("making {}", path.display()))?;
    if lock.try_lock().is_err() {
        eprintln!("    waiting for another build that uses {}", path.display());
        lock.lock().doing(|| format!("locking {}", path.display()))?;
    }
    Ok(lock)
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).doing(|| format!("making the folder {}", path.display()))
}

/// Removes a folder and all in it, if it is there.
pub fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).doing(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Copies one file.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).doing(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).doing(|| format!("reading {}", path.display()))
}

/// Reads a whole text file.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).doing(|| format!("reading {}", path.display()))
}

/// Writes a whole file.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, bytes).doing(|| format!("writing {}", path.display()))
}

/// All files below `folder`, as paths relative to it, sorted. A link is told as one and leads nowhere: a kernel's build folder has
/// one to its source, which the build folder is in.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(current) = open.pop() {
        let listing = fs::read_dir(&current).doing(|| format!("listing {}", current.display()))?;
        for entry in listing {
            let entry = entry.doing(|| format!("listing {}", current.display()))?;
            let path = entry.path();
            let kind = entry.file_type().doing(|| format!("looking at {}", path.display()))?;
            if kind.is_dir() {
                open.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                found.push(relative.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).doing(|| format!("opening {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut buffer).doing(|| format!("reading {}", path.display()))?;
        match buffer.get(..length) {
            Some(part) if !part.is_empty() => hash.update(part),
            _ => return Ok(hex(&hash.finalize())),
        }
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_folder_around_it_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let build = folder.path().join("build");
        fs::create_dir(&build).unwrap();
        fs::write(build.join("one.o"), "").unwrap();
        std::os::unix::fs::symlink(folder.path(), build.join("source")).unwrap();
        assert_eq!(files_below(&build).unwrap(), [Path::new("one.o"), Path::new("source")]);
    }
}
