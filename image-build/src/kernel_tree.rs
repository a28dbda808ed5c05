//! The tree that is compiled: Debian's, with the guard's files copied in and the hook lines applied.
//!
//! Only what differs is touched, so that a change to one file of the guard recompiles what depends on it, not
//! everything.

use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the files of the tree that are not Debian's own.
const CHANGED_LIST: &str = ".permafrost-changed";

/// Where compiling happens, inside the tree so that no absolute path gets into the kernel.
pub const BUILD_FOLDER: &str = "build";

/// What of ours a tree gets, besides the guard's files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hooks {
    /// Every hook line.
    All,
    /// Every hook line, and in a kernel for user mode the locked instructions that the image's kernel has.
    Measured,
    /// Only what lets the guard be configured and built: its policy knows nothing of drivers.
    BuildAlone,
}

impl Hooks {
    /// The patches, in the order in which they are applied.
    fn patches(self) -> Result<Vec<PathBuf>> {
        let mut all: Vec<PathBuf> =
            workspace::files_below(&patches())?.iter().map(|name| patches().join(name)).collect();
        match self {
            Self::All => {}
            Self::Measured => all.push(user_mode().join(LOCK_PATCH)),
            Self::BuildAlone => all.retain(|patch| patch.ends_with(BUILD_PATCH)),
        }
        Ok(all)
    }
}

/// The patch that `Hooks::BuildAlone` means.
const BUILD_PATCH: &str = "0001-build.patch";

/// The patch that `Hooks::Measured` has besides.
const LOCK_PATCH: &str = "locked-instructions.patch";

/// Where the hook lines lie.
pub fn patches() -> PathBuf {
    workspace::root().join("kernel-config/patches")
}

/// Where what concerns kernels for user mode alone lies.
pub fn user_mode() -> PathBuf {
    workspace::root().join("kernel-config/user-mode")
}

/// Where the guard's files lie.
pub fn guard() -> PathBuf {
    workspace::root().join("kernel-config/guard")
}

/// Makes `tree` from `pristine`, or brings it up to date.
pub fn prepare(pristine: &Path, tree: &Path, hooks: Hooks) -> Result<()> {
    if !tree.exists() {
        // Hard links: 80 000 files in seconds and nearly no space. Nothing here writes into a linked file.
        Program::new("cp").arg("-al").arg(pristine).arg(tree).run()?;
    }
    let wanted = overlay(pristine, hooks)?;
    let wanted_files: BTreeSet<PathBuf> = workspace::files_below(wanted.path())?.into_iter().collect();
    for stale in changed_files(tree)?.difference(&wanted_files) {
        restore(pristine, tree, stale)?;
    }
    for file in &wanted_files {
        replace_if_different(&wanted.path().join(file), &tree.join(file))?;
    }
    let list: String = wanted_files.iter().map(|file| format!("{}\n", file.display())).collect();
    workspace::write(&tree.join(CHANGED_LIST), list)
}

/// All files that differ from Debian's, in a folder of their own.
fn overlay(pristine: &Path, hooks: Hooks) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;

    for patch in hooks.patches()? {
        for file in patched_files(&workspace::read_text(&patch)?) {
            let to = folder.path().join(&file);
            if !to.exists() {
                copy_into(&pristine.join(&file), &to)?;
            }
        }
        Program::new("patch")
            .args(["-p1", "--no-backup-if-mismatch", "--fuzz=2", "--quiet"])
            .in_folder(folder.path())
            .input_from(&patch)?
            .run()?;
    }

    let guard = guard();
    for file in workspace::files_below(&guard)? {
        if pristine.join(&file).exists() {
            return Err(XtaskError::Unfit(format!(
                "kernel-config/guard/{} would replace a file of the kernel: use a patch",
                file.display()
            )));
        }
        copy_into(&guard.join(&file), &folder.path().join(&file))?;
    }
    Ok(folder)
}

fn patched_files(patch: &str) -> impl Iterator<Item = PathBuf> + '_ {
    patch.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(|name| PathBuf::from(name.trim()))
}

fn changed_files(tree: &Path) -> Result<BTreeSet<PathBuf>> {
    let list = tree.join(CHANGED_LIST);
    if !list.exists() {
        return Ok(BTreeSet::new());
    }
    Ok(workspace::read_text(&list)?.lines().map(PathBuf::from).collect())
}

fn restore(pristine: &Path, tree: &Path, file: &Path) -> Result<()> {
    let (original, changed) = (pristine.join(file), tree.join(file));
    fs::remove_file(&changed).doing(|| format!("removing {}", changed.display()))?;
    if original.exists() { workspace::copy(&original, &changed) } else { Ok(()) }
}

fn replace_if_different(wanted: &Path, place: &Path) -> Result<()> {
    if place.exists() {
        if workspace::read(place)? == workspace::read(wanted)? {
            return Ok(());
        }
        // The file may be a link to Debian's own: out with the name, not the content.
        fs::remove_file(place).doing(|| format!("removing {}", place.display()))?;
    }
    copy_into(wanted, place)
}

fn copy_into(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        workspace::make_folder(folder)?;
    }
    workspace::copy(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_patch_is_found() {
        let patch =
            "Why.\n\n--- a/block/bdev.c\n+++ b/block/bdev.c\n@@ -1 +1 @@\n-a\n+b\n+++ b/block/ioctl.c\t\n";
        let files: Vec<_> = patched_files(patch).collect();
        assert_eq!(files, [PathBuf::from("block/bdev.c"), PathBuf::from("block/ioctl.c")]);
    }

    #[test]
    fn a_file_that_stays_the_same_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (wanted, place) = (folder.path().join("a"), folder.path().join("sub/b"));
        fs::write(&wanted, "one").unwrap();
        replace_if_different(&wanted, &place).unwrap();
        let before = fs::metadata(&place).unwrap().modified().unwrap();
        replace_if_different(&wanted, &place).unwrap();
        assert_eq!(fs::metadata(&place).unwrap().modified().unwrap(), before);
        fs::write(&wanted, "two").unwrap();
        replace_if_different(&wanted, &place).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "two");
    }
}
