//! Oracles from PyPI: pinned packages in a virtual environment below the user's cache, made once and kept.
//!
//! A list of pins names its environment, so that another list, or another Python, makes another one. Several test
//! programs may ask at the same time: the first makes it, the others wait.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::artifacts::cache_folder;
use crate::host_program::HostProgram;
use crate::{Doing, HarnessError, Result};

/// What an environment holds.
#[derive(Debug, Clone, Copy)]
pub struct VenvPlan<'a> {
    /// What it is for, as part of its folder's name.
    pub name: &'a str,
    /// Every package with its version, `package==1.2`, dependencies too: pip resolves nothing by itself.
    pub packages: &'a [&'a str],
    /// Modules of our own beside them: path below `site-packages` and text. For what a package imports without need.
    pub modules: &'a [(&'a str, &'a str)],
}

/// An environment that holds what its plan says.
#[derive(Debug)]
pub struct PythonVenv {
    interpreter: PathBuf,
}

impl PythonVenv {
    /// The environment of `plan`, made from PyPI where the cache has none.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] for a package without a version, [`HarnessError::Missing`] without `python3`,
    /// [`HarnessError::Program`] when `venv` or `pip` refuse, [`HarnessError::Host`] for the cache.
    pub fn obtain(plan: &VenvPlan) -> Result<Self> {
        if let Some(loose) = plan.packages.iter().find(|package| !package.contains("==")) {
            return Err(HarnessError::Unfit(format!("{loose} has no version: write {loose}==…")));
        }
        let cache = cache_folder()?;
        let folder = cache.join(format!("venv-{}-{}", plan.name, identity(plan)?));
        let venv = Self { interpreter: folder.join("bin/python3") };
        let complete = folder.join("complete");

        let path = cache.join(format!("venv-{}.lock", plan.name));
        let lock = File::create(&path).doing(|| format!("making {}", path.display()))?;
        lock.lock().doing(|| format!("locking {}", path.display()))?;
        if complete.exists() {
            return Ok(venv);
        }
        eprintln!("making {}: {}", folder.display(), plan.packages.join(", "));
        venv.make(&folder, plan)?;
        fs::write(&complete, "").doing(|| format!("writing {}", complete.display()))?;
        Ok(venv)
    }

    /// A run of the Python program `source`.
    #[must_use]
    pub fn program(&self, source: &str) -> HostProgram {
        // -I: neither the person's packages nor the current folder take part.
        HostProgram::at(&self.interpreter).args(["-I", "-X", "utf8", "-c", source])
    }

    /// A run of a program that a package brought.
    #[must_use]
    pub fn tool(&self, name: &str) -> HostProgram {
        HostProgram::at(self.interpreter.with_file_name(name))
    }

    fn make(&self, folder: &Path, plan: &VenvPlan) -> Result<()> {
        // What an interrupted run left is not worth mending.
        if folder.exists() {
            fs::remove_dir_all(folder).doing(|| format!("emptying {}", folder.display()))?;
        }
        HostProgram::new("python3", "python3-venv")?.args(["-m", "venv"]).arg(folder).run()?;
        if !plan.packages.is_empty() {
            HostProgram::at(&self.interpreter)
                .args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"])
                .args(plan.packages)
                .run()?;
        }
        let site = self.program("import sysconfig; print(sysconfig.get_path('purelib'))").run()?;
        for (path, text) in plan.modules {
            let path = Path::new(site.trim()).join(path);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).doing(|| format!("making {}", parent.display()))?;
            fs::write(&path, text).doing(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

/// Twelve digits that change with the plan and with the host's Python.
fn identity(plan: &VenvPlan) -> Result<String> {
    let version = HostProgram::new("python3", "python3-venv")?.arg("--version").run()?;
    let mut hash = Sha256::new();
    let modules = plan.modules.iter().flat_map(|(path, text)| [*path, *text]);
    for part in std::iter::once(version.as_str()).chain(plan.packages.iter().copied()).chain(modules) {
        hash.update(part);
        hash.update([0]);
    }
    Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_a_version_is_refused() {
        let plan = VenvPlan { name: "loose", packages: &["pytsk3"], modules: &[] };
        assert!(PythonVenv::obtain(&plan).unwrap_err().to_string().contains("no version"));
    }

    #[test]
    fn an_environment_holds_its_modules_and_is_made_once() {
        let plan = VenvPlan {
            name: "self-test",
            packages: &[],
            modules: &[("of_our_own/__init__.py", ""), ("of_our_own/words.py", "SAID = 'é'\n")],
        };
        for _ in 0..2 {
            let venv = PythonVenv::obtain(&plan).unwrap();
            let said = venv.program("from of_our_own import words; print(words.SAID)").run().unwrap();
            assert_eq!(said, "é\n");
        }
        let other = VenvPlan { packages: &["x==1"], ..plan };
        assert_ne!(identity(&plan).unwrap(), identity(&other).unwrap());
    }
}
