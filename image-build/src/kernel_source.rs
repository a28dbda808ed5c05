//! Debian's kernel source: fetched, checked and unpacked once into the user's cache.

use crate::downloads;
use crate::error::{Doing, Result};
use crate::process::Program;
use crate::workspace;
use std::fs;
use std::path::{Path, PathBuf};

/// The series; the archive drops single versions in time.
pub const PACKAGE: &str = "linux-source-6.12";

/// Debian's source package, unpacked and unchanged.
pub struct KernelSource {
    /// Package version, e.g. `6.12.117-1~deb12u1`.
    pub version: String,
    /// SHA-256 of the package file.
    pub sha256: String,
    /// The unpacked tree; never built in, never changed.
    pub tree: PathBuf,
}

/// Finds the source in the cache or fetches it with apt.
///
/// A version in the cache is used on as long as it is there: the same input gives the same kernel. Removing the cache
/// folder takes the newest of the series.
pub fn obtain() -> Result<KernelSource> {
    let package = downloads::obtain(PACKAGE)?;
    let version = version_of(&package)?;
    let sha256 = workspace::sha256_of_file(&package)?;
    let tree = unpack(&package, &sha256)?;
    Ok(KernelSource { version, sha256, tree })
}

fn version_of(package: &Path) -> Result<String> {
    let said = Program::new("dpkg-deb").arg("-f").arg(package).arg("Version").read()?;
    Ok(said.trim().to_owned())
}

fn unpack(package: &Path, sha256: &str) -> Result<PathBuf> {
    let short = sha256.get(..16).unwrap_or(sha256);
    let tree = workspace::cache()?.join(format!("source-{short}"));
    if tree.exists() {
        return Ok(tree);
    }
    let cache = workspace::cache()?;
    let work = tempfile::tempdir_in(&cache).doing(|| format!("making a folder in {}", cache.display()))?;
    downloads::unpack(package, &work.path().join("deb"))?;
    let archive = work.path().join(format!("deb/usr/src/{PACKAGE}.tar.xz"));
    let unpacked = work.path().join("tree");
    workspace::make_folder(&unpacked)?;
    Program::new("tar").arg("xf").arg(&archive).args(["--strip-components=1", "-C"]).arg(&unpacked).run()?;
    // Last, so that a folder of this name is always a whole tree.
    fs::rename(&unpacked, &tree).doing(|| format!("keeping {}", tree.display()))?;
    Ok(tree)
}
