//! Where a build leaves what is tested, and what lasts longer than a build.

use std::path::{Path, PathBuf};

use crate::{HarnessError, Result};

/// The outputs of a build, all below one folder.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    /// The outputs below `folder`, normally `target/permafrost`.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Artifacts { folder: folder.into() }
    }

    /// The outputs of this working copy; the environment variable `PERMAFROST_ARTIFACTS` names another folder.
    #[must_use]
    pub fn of_this_build() -> Self {
        match std::env::var_os("PERMAFROST_ARTIFACTS") {
            Some(folder) => Self::in_folder(folder),
            None => Self::in_folder(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/permafrost")),
        }
    }

    /// Where all of them lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The hybrid image for USB stick and CD.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when it has not been built.
    pub fn iso(&self) -> Result<PathBuf> {
        self.existing("permafrost.iso")
    }

    /// The kernel with its initramfs inside.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when it has not been built.
    pub fn kernel(&self) -> Result<PathBuf> {
        self.existing("bzImage")
    }

    /// One of the static binaries, for example `pf-verify`.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when it has not been built.
    pub fn binary(&self, name: &str) -> Result<PathBuf> {
        self.existing(&format!("bin/{name}"))
    }

    /// What the build says of itself.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when it has not been built or can't be read.
    pub fn manifest(&self) -> Result<serde_json::Value> {
        let path = self.existing("manifest.json")?;
        let unfit = |why: String| HarnessError::Unfit(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|e| unfit(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| unfit(e.to_string()))
    }

    /// A fresh, empty folder for what a run leaves to be read afterwards: serial logs, traces, screen shots.
    ///
    /// # Errors
    /// [`HarnessError::Host`] when it can't be made.
    pub fn log_folder(&self, run: &str) -> Result<PathBuf> {
        use crate::Doing;
        let folder = self.folder.join("logs").join(run);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).doing(|| format!("emptying {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).doing(|| format!("making {}", folder.display()))?;
        folder.canonicalize().doing(|| format!("finding {}", folder.display()))
    }

    fn existing(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        path.canonicalize().map_err(|_| {
            HarnessError::Unfit(format!("{} has not been built; run: cargo xtask image", path.display()))
        })
    }
}

/// The user's cache folder of this project, made if need be: `$XDG_CACHE_HOME/permafrost` or `~/.cache/permafrost`.
///
/// # Errors
/// [`HarnessError::Unfit`] without a home folder, [`HarnessError::Host`] when it can't be made.
pub fn cache_folder() -> Result<PathBuf> {
    use crate::Doing;
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| HarnessError::Unfit("neither XDG_CACHE_HOME nor a home folder is known".to_owned()))?;
    let folder = base.join("permafrost");
    std::fs::create_dir_all(&folder).doing(|| format!("making {}", folder.display()))?;
    Ok(folder)
}
