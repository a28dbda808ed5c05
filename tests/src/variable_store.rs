//! UEFI's variable store (NVRAM): made for a machine, read before and after, and what differs, by another's reader.
//!
//! The reader is virt-firmware, which knows the store's layout from EDK II and shares no code with the machine's firmware.

use crate::python_venv::{PythonVenv, VenvPlan};
use crate::{Doing, HarnessError, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Without keys: Secure Boot is off and can't be switched on.
const BLANK: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// With the keys that PCs come with, so Secure Boot is on.
const MICROSOFT: &str = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";

/// The owner's name that goes with a key of these tests.
const OWNER: &str = "7ad6ff12-52d4-4b6a-8c80-9bb4b3a1f0a5";

const READER: VenvPlan<'static> = VenvPlan {
    name: "virt-firmware",
    packages: &[
        "virt-firmware==26.10",
        "cryptography==50.0.2",
        "cffi==2.1.1",
        "pycparser==3.12",
        "pefile==2024.8.26",
        "PyYAML==6.0.4",
        "requests==2.34.2",
        "certifi==2026.10.19.post1",
        "charset-normalizer==3.5.3",
        "idna==3.20",
        "urllib3==2.8.0",
    ],
    modules: &[],
};

/// Whose keys a store holds when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Nobody's.
    None,
    /// Those that PCs come with.
    Microsoft,
}

/// A store in a file, as the emulator's flash chip has it.
#[derive(Debug, Clone)]
pub struct VariableStore {
    path: PathBuf,
}

/// All variables: value and attributes, in the reader's words, by vendor and name.
pub type Variables = BTreeMap<(String, String), Value>;

impl VariableStore {
    /// A new one at `path`.
    ///
    /// # Errors
    /// [`HarnessError::Missing`] without Debian's firmware, [`HarnessError::Host`].
    pub fn make(path: impl Into<PathBuf>, keys: Keys) -> Result<Self> {
        let (path, template) = (path.into(), if keys == Keys::None { BLANK } else { MICROSOFT });
        if !Path::new(template).is_file() {
            return Err(HarnessError::Missing { program: template.into(), package: "ovmf".into() });
        }
        std::fs::copy(template, &path).doing(|| format!("copying {template}"))?;
        Ok(VariableStore { path })
    }

    /// Makes the key of the certificate `pem` known to shim, as MokManager does.
    ///
    /// # Errors
    /// [`HarnessError::Program`].
    pub fn enrol_with_shim(&self, pem: &Path) -> Result<()> {
        self.change(&["--add-mok", OWNER, &pem.display().to_string()])
    }

    /// Makes the key of the certificate `pem` known to the firmware itself.
    ///
    /// # Errors
    /// [`HarnessError::Program`].
    pub fn enrol_with_firmware(&self, pem: &Path) -> Result<()> {
        self.change(&["--add-db", OWNER, &pem.display().to_string()])
    }

    fn change(&self, words: &[&str]) -> Result<()> {
        let tool = PythonVenv::obtain(&READER)?.tool("virt-fw-vars");
        tool.arg("--inplace").arg(&self.path).args(words).run().map(|_| ())
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its bytes, with what is deleted and not yet cleared away.
    ///
    /// # Errors
    /// [`HarnessError::Host`].
    pub fn bytes(&self) -> Result<Vec<u8>> {
        std::fs::read(&self.path).doing(|| format!("reading {}", self.path.display()))
    }

    /// What stands in it.
    ///
    /// # Errors
    /// [`HarnessError::Program`], [`HarnessError::Unfit`] when the reader says something unknown.
    pub fn read(&self) -> Result<Variables> {
        let told = tempfile::NamedTempFile::new().doing(|| "making a file".into())?;
        let tool = PythonVenv::obtain(&READER)?.tool("virt-fw-vars");
        tool.arg("-i").arg(&self.path).arg("--output-json").arg(told.path()).run()?;
        let text = std::fs::read_to_string(told.path()).doing(|| "reading what virt-fw-vars wrote".into())?;
        let unfit = || HarnessError::Unfit(format!("virt-fw-vars wrote no list of variables: {text}"));
        let mut document: Value = serde_json::from_str(&text).map_err(|_| unfit())?;
        let mut variables = Variables::new();
        for variable in document["variables"].as_array_mut().ok_or_else(unfit)? {
            let word = |field: &str| variable[field].as_str().map(str::to_owned).ok_or_else(unfit);
            variables.insert((word("guid")?, word("name")?), variable.take());
        }
        Ok(variables)
    }
}

/// Names of what is new, gone or changed.
#[must_use]
pub fn differences(before: &Variables, after: &Variables) -> BTreeSet<String> {
    let keys = before.keys().chain(after.keys());
    keys.filter(|key| before.get(*key) != after.get(*key)).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_in_a_store_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let store = VariableStore::make(folder.path().join("variables"), Keys::Microsoft).unwrap();
        let (bytes, before) = (store.bytes().unwrap(), store.read().unwrap());
        assert!(before.keys().any(|(_, name)| name == "dbx"));
        assert!(differences(&before, &store.read().unwrap()).is_empty());
        store.change(&["--set-true", "SHIM_VERBOSE"]).unwrap();
        assert_ne!(bytes, store.bytes().unwrap());
        assert_eq!(differences(&before, &store.read().unwrap()), BTreeSet::from(["SHIM_VERBOSE".to_owned()]));
    }
}
