//! What an image was made from and what is in it, as JSON.

use crate::cpio::Archive;
use crate::disk_programs::DiskProgram;
use crate::error::{Doing, Result};
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
    commit: String,
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
    let git = |words: &[&str]| Program::new("git").in_folder(&workspace::root()).args(words).read();
    match (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain"])) {
        (Ok(commit), Ok(changes)) if changes.is_empty() => commit.trim().to_owned(),
        (Ok(commit), Ok(_)) => format!("{} with uncommitted changes", commit.trim()),
        _ => "unknown".to_owned(),
    }
}

/// Writes `manifest.json` beside the outputs.
pub fn write(
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
        commit: commit(),
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
    workspace::write(&folder.join("manifest.json"), serde_json::to_string_pretty(&manifest)? + "\n")
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
