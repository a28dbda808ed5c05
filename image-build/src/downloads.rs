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
/// newest. Each time the file is held against the SHA-256 that the archive's index had for it, which is kept beside it.
pub fn obtain(package: &str) -> Result<PathBuf> {
    let downloads = workspace::cache()?.join("downloads");
    workspace::make_folder(&downloads)?;
    match cached(&downloads, package)? {
        Some(file) if is_vouched_for(&file, package)? => Ok(file),
        _ => fetch(&downloads, package),
    }
}

/// Unpacks the files of a package to `folder`.
pub fn unpack(package: &Path, folder: &Path) -> Result<()> {
    Program::new("dpkg-deb").arg("-x").arg(package).arg(folder).run()
}

fn cached(downloads: &Path, package: &str) -> Result<Option<PathBuf>> {
    let files = workspace::files_below(downloads)?;
    let files = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "deb"))
        .filter(|path| path.to_string_lossy().starts_with(&format!("{package}_")))
        .map(|path| downloads.join(path));
    let mut newest: Option<PathBuf> = None;
    for file in files {
        if newest.as_deref().is_none_or(|newest| is_newer(&version_in_name(&file), &version_in_name(newest)))
        {
            newest = Some(file);
        }
    }
    Ok(newest)
}

/// The version as apt writes it into the name of a package's file, with its colon as `%3a`.
fn version_in_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.split('_').nth(1).unwrap_or_default().replace("%3a", ":")
}

/// By Debian's order of versions, in which 1.10 comes after 1.9, and 1~rc before 1.
fn is_newer(version: &str, than: &str) -> bool {
    Program::new("dpkg").args(["--compare-versions", version, "gt", than]).read().is_ok()
}

/// Where the SHA-256 of a package's file is kept, in the form of `sha256sum`.
fn sum_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

/// True when the file is what the archive's index says; false where the index knows that version no more and no sum was kept.
/// A file of other bytes is an error.
fn is_vouched_for(file: &Path, package: &str) -> Result<bool> {
    let kept = sum_file(file);
    if kept.exists() {
        demand_sum(file, &[workspace::read_text(&kept)?])?;
        return Ok(true);
    }
    let known = sums_of_index(package, &version_in_name(file));
    if known.is_empty() {
        return Ok(false);
    }
    keep_sum(file, &demand_sum(file, &known)?)?;
    Ok(true)
}

/// What apt's lists, which it checked by the archive's key, say of one version, without the network.
fn sums_of_index(package: &str, version: &str) -> Vec<String> {
    let said = Program::new("apt-cache").arg("show").arg(format!("{package}={version}")).read();
    let said = said.unwrap_or_default();
    said.lines().filter_map(|line| line.strip_prefix("SHA256: ")).map(str::to_owned).collect()
}

/// The SHA-256 of the file, which one of the lines in `known` begins with.
fn demand_sum(file: &Path, known: &[String]) -> Result<String> {
    let sha256 = workspace::sha256_of_file(file)?;
    if known.iter().any(|line| line.split_whitespace().next() == Some(&sha256)) {
        return Ok(sha256);
    }
    Err(XtaskError::Unfit(format!(
        "{0} is not the file that Debian's archive has (SHA-256 {sha256}); remove it and {1}, and run it again",
        file.display(),
        sum_file(file).display()
    )))
}

fn keep_sum(file: &Path, sha256: &str) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    workspace::write(&sum_file(file), format!("{sha256}  {name}\n"))
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
    let (came, kept) = (incoming.path().join(&name), downloads.join(&name));
    // Before the file, so that no file is ever there with the sum of an older one.
    keep_sum(&kept, &demand_sum(&came, &sums_of_index(package, &version_in_name(&came)))?)?;
    fs::rename(&came, &kept).doing(|| format!("keeping {}", kept.display()))?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_whose_bytes_changed_in_the_cache_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("thing_1_all.deb");
        fs::write(&file, "as it came").unwrap();
        keep_sum(&file, &workspace::sha256_of_file(&file).unwrap()).unwrap();
        assert!(is_vouched_for(&file, "thing").unwrap());
        fs::write(&file, "as it is now").unwrap();
        let refused = is_vouched_for(&file, "thing").unwrap_err().to_string();
        assert!(refused.contains("thing_1_all.deb is not the file that Debian's archive has"), "{refused}");
    }

    #[test]
    fn a_version_that_nobody_knows_is_fetched_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("permafrost-no-such-package_1_all.deb");
        fs::write(&file, "").unwrap();
        assert!(!is_vouched_for(&file, "permafrost-no-such-package").unwrap());
    }

    #[test]
    fn of_two_versions_the_newer_is_taken_not_the_later_in_the_alphabet() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["thing_1.10-1_all.deb", "thing_1.9-1_all.deb", "thing_1.10~rc1-1_all.deb", "things_2_all.deb"]
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let newest = cached(folder.path(), "thing").unwrap().unwrap();
        assert_eq!(newest.file_name().unwrap(), "thing_1.10-1_all.deb");
        assert_eq!(version_in_name(Path::new("thing_1%3a2-3_all.deb")), "1:2-3");
    }
}
