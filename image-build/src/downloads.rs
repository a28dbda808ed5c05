//! Packages of Debian that are taken apart, not installed: fetched with apt once, and kept in the user's cache.

use crate::debian_packages;
use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use std::fs;
use std::path::{Path, PathBuf};

/// Finds the package in the cache or fetches it.
///
/// A version in the cache is used on as long as it is there: the same input gives the same output. Removing the file takes the
/// newest.
pub fn obtain(package: &str) -> Result<PathBuf> {
    let downloads = workspace::cache()?.join("downloads");
    workspace::make_folder(&downloads)?;
    match cached(&downloads, package)? {
        Some(file) => Ok(file),
        None => fetch(&downloads, package),
    }
}

/// Unpacks the files of a package to `folder`.
pub fn unpack(package: &Path, folder: &Path) -> Result<()> {
    Program::new("dpkg-deb").arg("-x").arg(package).arg(folder).run()
}

fn cached(downloads: &Path, package: &str) -> Result<Option<PathBuf>> {
    let files = workspace::files_below(downloads)?;
    Ok(files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "deb"))
        .filter(|path| path.to_string_lossy().starts_with(&format!("{package}_")))
        .map(|path| downloads.join(path))
        .next_back())
}

/// apt checks the package against the archive's signed index.
fn fetch(downloads: &Path, package: &str) -> Result<PathBuf> {
    let incoming =
        tempfile::tempdir_in(downloads).doing(|| format!("making a folder in {}", downloads.display()))?;
    let get = || -> Result<()> {
        let log = workspace::outputs()?.join("apt.log");
        let words = ["download", "-q", package];
        Program::new("apt-get").args(words).in_folder(incoming.path()).log_to(&log)?.run()
    };
    if get().is_err() {
        // The list of packages may be older than what the archive still keeps.
        debian_packages::refresh_lists()?;
        get()?;
    }
    let name = workspace::files_below(incoming.path())?
        .into_iter()
        .next()
        .ok_or_else(|| XtaskError::Unfit(format!("apt-get download {package} left no file")))?;
    let kept = downloads.join(&name);
    fs::rename(incoming.path().join(&name), &kept).doing(|| format!("keeping {}", kept.display()))?;
    Ok(kept)
}
