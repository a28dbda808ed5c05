//! Kernel trees beside the image's: one to run the policy's tests in, one to check the guard's C in, two to measure the
//! recorder with. Kept in the user's cache, brought up to date by make.

use crate::error::{Doing, Result};
use crate::kernel_build::{show_end_of, tool_version};
use crate::kernel_config::{self, Wish};
use crate::kernel_source::KernelSource;
use crate::kernel_tree::{self, Hooks};
use crate::process::{Program, jobs};
use crate::workspace;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Changes when the recipe in this file does.
const RECIPE: &str = "1";

/// What a tree is for.
pub struct Purpose {
    /// Begins the tree's name in the cache.
    pub name: &'static str,
    /// The kernel's name of the architecture.
    pub arch: &'static str,
    /// What of ours it gets.
    pub hooks: Hooks,
    /// Its configuration, on top of `allnoconfig`.
    pub wishes: Vec<Wish>,
}

/// A tree that is configured.
pub struct SideTree {
    tree: PathBuf,
    arch: &'static str,
    log: PathBuf,
}

impl SideTree {
    /// Makes the tree, or brings the one in the cache up to date with the guard's files. Those are not part of its
    /// name: make compiles anew what they change.
    pub fn obtain(source: &KernelSource, purpose: &Purpose) -> Result<Self> {
        let name = format!("{}-{}", purpose.name, key(source, purpose)?);
        remove_others(purpose.name, &name)?;
        let this = Self {
            tree: workspace::cache()?.join(name),
            arch: purpose.arch,
            log: workspace::outputs()?.join(format!("{}-build.log", purpose.name)),
        };
        kernel_tree::prepare(&source.tree, &this.tree, purpose.hooks)?;
        let mark = this.build().join("permafrost-configured");
        if !mark.exists() {
            this.configure(&purpose.wishes)?;
            workspace::write(&mark, [])?;
        }
        Ok(this)
    }

    /// Where compiling happens.
    pub fn build(&self) -> PathBuf {
        self.tree.join(kernel_tree::BUILD_FOLDER)
    }

    /// The sources.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Runs make; its output is in the log that is returned.
    pub fn make(&self, words: &[&str]) -> Result<PathBuf> {
        let outcome = Program::new("make")
            .arg("-C")
            .arg(&self.tree)
            .arg(format!("O={}", kernel_tree::BUILD_FOLDER))
            .arg(format!("ARCH={}", self.arch))
            .arg(format!("-j{}", jobs().saturating_add(1)))
            .args(words)
            .log_to(&self.log)?
            .run();
        if outcome.is_err() {
            show_end_of(&self.log)?;
        }
        outcome?;
        Ok(self.log.clone())
    }

    fn configure(&self, wishes: &[Wish]) -> Result<()> {
        let path = self.build().join(".config");
        workspace::make_folder(&self.build())?;
        self.make(&["allnoconfig"])?;
        let base = workspace::read_text(&path)?;
        workspace::write(&path, kernel_config::apply(&base, wishes))?;
        self.make(&["olddefconfig"])?;
        kernel_config::compare(&workspace::read_text(&path)?, wishes)
    }
}

/// What a tree can't be brought up to date with by make.
fn key(source: &KernelSource, purpose: &Purpose) -> Result<String> {
    let mut hash = Sha256::new();
    let wishes: String = purpose.wishes.iter().map(|wish| format!("{wish}\n")).collect();
    for part in [RECIPE, purpose.arch, &source.sha256, &tool_version("gcc")?, &wishes] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hex = workspace::hex(&hash.finalize());
    Ok(hex.get(..16).unwrap_or(&hex).to_owned())
}

/// One tree for each purpose is enough.
fn remove_others(purpose: &str, kept: &str) -> Result<()> {
    let cache = workspace::cache()?;
    let listing = fs::read_dir(&cache).doing(|| format!("listing {}", cache.display()))?;
    for entry in listing {
        let name = entry.doing(|| format!("listing {}", cache.display()))?.file_name();
        let name = name.to_string_lossy();
        if name.strip_prefix(purpose).is_some_and(|rest| rest.starts_with('-')) && name != kept {
            workspace::remove_folder(&cache.join(name.as_ref()))?;
        }
    }
    Ok(())
}
