//! Compiles the kernel with the initramfs inside; what was compiled stays in the user's cache, keyed by its inputs.

use crate::error::{Doing, Result, XtaskError};
use crate::kernel_source::KernelSource;
use crate::kernel_tree::Hooks;
use crate::process::{Program, jobs};
use crate::{kernel_config, kernel_tree, workspace};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Changes when the recipe in this file does, so that older results are not taken for its own.
const RECIPE: &str = "1";

/// The time that stands in the kernel's version string, and on every file of the image: fixed, so that the same inputs
/// give the same bytes.
pub const BUILD_TIME: u64 = 1_793_491_200; // 2026-11-01 00:00 UTC

/// How many kernels the cache keeps; each takes about 1 GiB.
const KEPT: usize = 3;

/// In the build folder: that its objects are compiled.
const COMPILED_MARK: &str = "permafrost-compiled";

/// In the build folder: SHA-256 of the initramfs that is inside the finished kernel.
const LINKED_MARK: &str = "permafrost-linked";

/// In the build folder: that the same objects came out when they were compiled a second time, elsewhere.
const COMPARED_MARK: &str = "permafrost-compared";

/// Names the source package that a compiled tree was made from.
const SOURCE_MARK: &str = ".permafrost-source";

/// Where the fragments say the initramfs is.
const INITRAMFS: &str = "permafrost.cpio";

/// A kernel tree whose objects are compiled; only the initramfs is still to be put in.
pub struct CompiledKernel {
    /// Hash of everything the compiled objects depend on.
    pub key: String,
    /// SHA-256 of the finished `.config`.
    pub config_sha256: String,
    tree: PathBuf,
}

/// Compiles the kernel, or finds it compiled.
pub fn compile(source: &KernelSource) -> Result<CompiledKernel> {
    let key = input_hash(source)?;
    let tree = workspace::cache()?.join(format!("kernel-{}", key.get(..16).unwrap_or(&key)));
    let build = tree.join(kernel_tree::BUILD_FOLDER);
    let config = build.join(".config");
    let compiled_mark = build.join(COMPILED_MARK);

    if !compiled_mark.exists() {
        start_from_newest(&tree, source)?;
        // Something must be there to compile against; every build puts its own in afterwards.
        compile_in(&tree, source, &[])?;
        demand_same_inputs(&key, &input_hash(source)?)?;
        workspace::write(&compiled_mark, &key)?;
    }
    mark_as_used(&compiled_mark)?;
    remove_old(&tree)?;
    let config_sha256 = workspace::sha256_of_file(&config)?;
    Ok(CompiledKernel { key, config_sha256, tree })
}

/// Compiles in `tree`, a folder that is not there yet, with an initramfs inside, and returns where the objects are. Nothing
/// of it is kept for later builds.
pub fn compile_from_nothing(source: &KernelSource, tree: &Path, initramfs: &Path) -> Result<PathBuf> {
    compile_in(tree, source, &workspace::read(initramfs)?)?;
    Ok(tree.join(kernel_tree::BUILD_FOLDER))
}

fn compile_in(tree: &Path, source: &KernelSource, initramfs: &[u8]) -> Result<()> {
    let build = tree.join(kernel_tree::BUILD_FOLDER);
    kernel_tree::prepare(&source.tree, tree, Hooks::All)?;
    workspace::write(&tree.join(SOURCE_MARK), &source.sha256)?;
    workspace::make_folder(&build)?;
    workspace::write(&build.join(INITRAMFS), initramfs)?;
    configure(tree)?;
    eprintln!("    compiling with {} jobs; log: {}", jobs(), log_path()?.display());
    make(tree, &["bzImage"])
}

impl CompiledKernel {
    /// Where the objects are.
    pub fn build_folder(&self) -> PathBuf {
        self.tree.join(kernel_tree::BUILD_FOLDER)
    }

    /// True once a second compilation gave the same objects.
    pub fn was_compared(&self) -> bool {
        self.build_folder().join(COMPARED_MARK).exists()
    }

    /// Keeps in mind that a second compilation gave the same objects.
    pub fn mark_as_compared(&self) -> Result<()> {
        workspace::write(&self.build_folder().join(COMPARED_MARK), &self.key)
    }

    /// Puts the initramfs in and copies the finished kernel to `to`.
    pub fn link(&self, initramfs: &Path, to: &Path) -> Result<()> {
        let build = self.tree.join(kernel_tree::BUILD_FOLDER);
        let (inside, finished) = (build.join(INITRAMFS), build.join("arch/x86/boot/bzImage"));
        let mark = build.join(LINKED_MARK);
        let wanted = workspace::sha256_of_file(initramfs)?;
        if !mark.exists() || workspace::read_text(&mark)? != wanted {
            if mark.exists() {
                fs::remove_file(&mark).doing(|| format!("removing {}", mark.display()))?;
            }
            workspace::copy(initramfs, &inside)?;
            make(&self.tree, &["bzImage"])?;
            workspace::write(&mark, wanted)?;
        }
        workspace::copy(&finished, to)
    }
}

/// Everything that decides what the compiler puts out.
fn input_hash(source: &KernelSource) -> Result<String> {
    let mut hash = Sha256::new();
    for part in [RECIPE, &source.sha256, &tool_version("gcc")?, &tool_version("ld")?, &BUILD_TIME.to_string()]
    {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let folder = workspace::root().join("kernel-config");
    for part in ["config", "guard", "patches"] {
        for file in workspace::files_below(&folder.join(part))? {
            let path = folder.join(part).join(&file);
            hash.update(file.to_string_lossy().as_bytes());
            hash.update([0]);
            hash.update(workspace::sha256_of_file(&path)?.as_bytes());
        }
    }
    Ok(workspace::hex(&hash.finalize()))
}

/// Refuses what was compiled while its inputs changed: it would be kept under a key that is not its own.
fn demand_same_inputs(before: &str, after: &str) -> Result<()> {
    if before == after {
        return Ok(());
    }
    Err(XtaskError::Unfit(
        "files below kernel-config changed while the kernel was compiled; run it again".to_owned(),
    ))
}

/// The first line of what a program says of its version.
pub fn tool_version(program: &str) -> Result<String> {
    let said = Program::new(program).arg("--version").read()?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

/// Copies the newest compiled tree of the same source, so that make recompiles only what a change of the guard touches.
fn start_from_newest(tree: &Path, source: &KernelSource) -> Result<()> {
    workspace::remove_folder(tree)?;
    let same_source = |tree: &PathBuf| {
        fs::read_to_string(tree.join(SOURCE_MARK)).is_ok_and(|sha256| sha256 == source.sha256)
    };
    let Some(newest) = compiled_trees()?.into_iter().find(same_source) else { return Ok(()) };
    eprintln!("    starting from {}", newest.display());
    let draft = tree.with_extension("draft");
    workspace::remove_folder(&draft)?;
    Program::new("cp").arg("-a").arg(&newest).arg(&draft).run()?;
    let build = draft.join(kernel_tree::BUILD_FOLDER);
    // What the copy is made into holds no initramfs yet, whatever its origin held.
    let marks = [COMPILED_MARK, LINKED_MARK, COMPARED_MARK].map(|mark| build.join(mark));
    for mark in marks.iter().filter(|mark| mark.exists()) {
        fs::remove_file(mark).doing(|| format!("removing {}", mark.display()))?;
    }
    fs::rename(&draft, tree).doing(|| format!("naming {}", tree.display()))
}

fn configure(tree: &Path) -> Result<()> {
    let path = tree.join(kernel_tree::BUILD_FOLDER).join(".config");
    let wishes = kernel_config::read_fragments(&kernel_config::fragments())?;
    make(tree, &["allnoconfig"])?;
    let base = workspace::read_text(&path)?;
    workspace::write(&path, kernel_config::apply(&base, &wishes))?;
    make(tree, &["olddefconfig"])?;
    kernel_config::compare(&workspace::read_text(&path)?, &wishes)
}

fn make(tree: &Path, targets: &[&str]) -> Result<()> {
    let log = log_path()?;
    let outcome = Program::new("make")
        .arg("-C")
        .arg(tree)
        .arg(format!("O={}", kernel_tree::BUILD_FOLDER))
        .arg(format!("-j{}", jobs().saturating_add(1)))
        .args(targets)
        .env("KBUILD_BUILD_TIMESTAMP", format!("@{BUILD_TIME}"))
        .env("KBUILD_BUILD_USER", "permafrost")
        .env("KBUILD_BUILD_HOST", "permafrost")
        .env("KBUILD_BUILD_VERSION", "1")
        .log_to(&log)?
        .run();
    if outcome.is_err() {
        show_end_of(&log)?;
    }
    outcome
}

/// Shows the last lines of a log.
pub fn show_end_of(log: &Path) -> Result<()> {
    let text = workspace::read_text(log)?;
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(30)) {
        eprintln!("    | {line}");
    }
    Ok(())
}

fn log_path() -> Result<PathBuf> {
    Ok(workspace::outputs()?.join("kernel-build.log"))
}

fn mark_as_used(mark: &Path) -> Result<()> {
    let file = fs::File::options().append(true).open(mark).doing(|| format!("opening {}", mark.display()))?;
    file.set_modified(SystemTime::now()).doing(|| format!("marking {}", mark.display()))
}

/// Compiled trees, the last used first.
fn compiled_trees() -> Result<Vec<PathBuf>> {
    let cache = workspace::cache()?;
    let listing = fs::read_dir(&cache).doing(|| format!("listing {}", cache.display()))?;
    let mut trees: Vec<(SystemTime, PathBuf)> = listing
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let mark = path.join(kernel_tree::BUILD_FOLDER).join(COMPILED_MARK);
            Some((fs::metadata(mark).ok()?.modified().ok()?, path))
        })
        .collect();
    trees.sort();
    Ok(trees.into_iter().rev().map(|(_, path)| path).collect())
}

fn remove_old(current: &Path) -> Result<()> {
    for old in compiled_trees()?.into_iter().filter(|tree| tree != current).skip(KEPT.saturating_sub(1)) {
        workspace::remove_folder(&old)?;
    }
    Ok(())
}

/// The version of the compiled kernel, e.g. `6.12.117-permafrost`.
pub fn release(kernel: &CompiledKernel) -> Result<String> {
    let path = kernel.tree.join(kernel_tree::BUILD_FOLDER).join("include/config/kernel.release");
    let text = workspace::read_text(&path)?;
    match text.trim() {
        "" => Err(XtaskError::Unfit(format!("{} is empty", path.display()))),
        release => Ok(release.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_whose_inputs_changed_meanwhile_is_not_kept() {
        demand_same_inputs("1f", "1f").unwrap();
        let refused = demand_same_inputs("1f", "20").unwrap_err().to_string();
        assert_eq!(refused, "files below kernel-config changed while the kernel was compiled; run it again");
    }
}
