//! What an image was made from and what is in it, as JSON.

use crate::cpio::Archive;
use crate::disk_programs::DiskProgram;
use crate::error::{Doing, Result, XtaskError};
use crate::kernel_build::CompiledKernel;
use crate::kernel_source::KernelSource;
use crate::policy_tables;
use crate::process::Program;
use crate::workspace;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// Debian packages whose files get into the image, as they are or as something that is made of them.
pub const PACKAGES_IN_IMAGE: [&str; 8] = [
    "busybox-static",
    "grub-pc-bin",
    "grub-efi-amd64-bin",
    "grub-efi-amd64-signed",
    "shim-signed",
    "shim-helpers-amd64-signed",
    crate::console_font::PACKAGE,
    crate::keymaps::PACKAGE,
];

#[derive(Serialize)]
struct Manifest<'a> {
    version: &'static str,
    commit: &'a str,
    kernel: Kernel,
    debian_packages: Vec<Package>,
    disk_programs: &'a [DiskProgram],
    outputs: Vec<FileEntry>,
    initramfs: Vec<FileEntry>,
}

#[derive(Serialize)]
struct Kernel {
    release: String,
    source_package: String,
    source_sha256: String,
    config_sha256: String,
    input_hash: String,
    /// SHA-256 of the guard's policy as the running kernel shows it.
    policy_sha256: String,
}

#[derive(Serialize)]
struct Package {
    name: &'static str,
    version: String,
}

#[derive(Serialize)]
struct FileEntry {
    path: String,
    size: u64,
    sha256: String,
}

/// Version of the project.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that is built, or that it isn't one.
pub fn commit() -> String {
    commit_of(&workspace::root())
}

/// New files count, whatever this user's git is set to show.
fn commit_of(folder: &Path) -> String {
    let git = |words: &[&str]| Program::new("git").in_folder(folder).args(words).read();
    match (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain", "--untracked-files=all"])) {
        (Ok(commit), Ok(changes)) if changes.is_empty() => commit.trim().to_owned(),
        (Ok(commit), Ok(_)) => format!("{} with uncommitted changes", commit.trim()),
        _ => "unknown".to_owned(),
    }
}

/// Refuses an image that names another commit than the one that is there once it is built.
pub fn demand_same_commit(before: &str, after: &str) -> Result<()> {
    if before == after {
        return Ok(());
    }
    Err(XtaskError::Unfit("the working copy changed while the image was built; run it again".to_owned()))
}

/// SHA-256 that the `manifest.json` in `folder` has for the output `name`; nothing where there is no manifest.
pub fn sha256_of_output(folder: &Path, name: &str) -> Result<Option<String>> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let unfit = |what: &str| XtaskError::Unfit(format!("{} {what}; run: cargo xtask image", path.display()));
    let manifest: serde_json::Value = serde_json::from_str(&workspace::read_text(&path)?)
        .map_err(|e| unfit(&format!("is no JSON ({e})")))?;
    let outputs = manifest.get("outputs").and_then(serde_json::Value::as_array);
    let output =
        outputs.into_iter().flatten().find(|output| output.get("path").is_some_and(|path| path == name));
    let sha256 = output.and_then(|output| output.get("sha256")?.as_str());
    Ok(Some(sha256.ok_or_else(|| unfit(&format!("does not tell the SHA-256 of {name}")))?.to_owned()))
}

/// Its name, beside the outputs.
pub const FILE: &str = "manifest.json";

/// Writes `manifest.json` beside the outputs.
pub fn write(
    commit: &str,
    source: &KernelSource,
    kernel: &CompiledKernel,
    release: &str,
    disk_programs: &[DiskProgram],
    archive: &Archive,
) -> Result<()> {
    let folder = workspace::outputs()?;
    let mut outputs = Vec::new();
    for name in ["permafrost.iso", "bzImage"] {
        outputs.push(entry_of_file(&folder, name)?);
    }
    for (_, name) in crate::static_tools::TOOLS {
        outputs.push(entry_of_file(&folder, &format!("bin/{name}"))?);
    }
    let mut debian_packages = Vec::new();
    for name in PACKAGES_IN_IMAGE {
        let version = Program::new("dpkg-query").args(["-W", "-f", "${Version}", name]).read()?;
        debian_packages.push(Package { name, version });
    }
    let manifest = Manifest {
        version: VERSION,
        commit,
        kernel: Kernel {
            release: release.to_owned(),
            source_package: source.version.clone(),
            source_sha256: source.sha256.clone(),
            config_sha256: kernel.config_sha256.clone(),
            input_hash: kernel.key.clone(),
            policy_sha256: policy_tables::read()?.sha256(),
        },
        debian_packages,
        disk_programs,
        outputs,
        initramfs: archive.files().map(|(path, content)| entry(path, content)).collect(),
    };
    workspace::write(&folder.join(FILE), serde_json::to_string_pretty(&manifest)? + "\n")
}

fn entry(path: &str, content: &[u8]) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        size: u64::try_from(content.len()).unwrap_or(u64::MAX),
        sha256: workspace::hex(&Sha256::digest(content)),
    }
}

fn entry_of_file(folder: &Path, name: &str) -> Result<FileEntry> {
    let path = folder.join(name);
    let size = fs::metadata(&path).doing(|| format!("looking at {}", path.display()))?.len();
    Ok(FileEntry { path: name.to_owned(), size, sha256: workspace::sha256_of_file(&path)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_an_uncommitted_change_even_where_git_shows_none() {
        let folder = tempfile::tempdir().unwrap();
        let git = |words: &[&str]| {
            // A hook of git, which may run these tests, names its own working copy.
            let mine = ["-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "git"];
            let name = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgSign=false"];
            Program::new("env").in_folder(folder.path()).args(mine).args(name).args(words).read().unwrap()
        };
        git(&["init", "--quiet"]);
        git(&["config", "status.showUntrackedFiles", "no"]);
        git(&["commit", "--quiet", "--allow-empty", "-m", "first"]);
        let head = git(&["rev-parse", "HEAD"]).trim().to_owned();
        assert_eq!(commit_of(folder.path()), head);
        fs::write(folder.path().join("new"), "").unwrap();
        assert_eq!(commit_of(folder.path()), format!("{head} with uncommitted changes"));
    }

    #[test]
    fn an_image_whose_working_copy_changed_is_refused() {
        demand_same_commit("1f", "1f").unwrap();
        let refused = demand_same_commit("1f", "1f with uncommitted changes").unwrap_err().to_string();
        assert_eq!(refused, "the working copy changed while the image was built; run it again");
    }
}
