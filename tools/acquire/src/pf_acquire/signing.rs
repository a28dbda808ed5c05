//! The key that signs the heads of this run's records.

use super::arguments::Arguments;
use super::failure::Failure;
use super::screen::tell;
use record::{KeyNotice, KeyOrigin, SecretKey};
use std::path::Path;
use std::sync::{Arc, Once};

/// Where the live environment keeps the key of this boot: in memory.
const OF_THIS_BOOT: &str = "/run/permafrost";

/// What only the live environment has.
const LIVE: &str = "/etc/permafrost-release";

/// A key, and what is told of it.
pub struct Signing {
    key: SecretKey,
    notice: KeyNotice,
    told: Once,
}

impl Signing {
    /// The key that the command line names, or the one of this boot, or, on a machine that we did not boot, one for this run.
    pub fn obtain(arguments: &Arguments) -> Result<Arc<Self>, Failure> {
        let (key, origin) = match &arguments.key {
            Some(path) => (SecretKey::read(path)?, KeyOrigin::File),
            None if Path::new(LIVE).exists() => {
                (SecretKey::of_this_boot(Path::new(OF_THIS_BOOT))?, KeyOrigin::Boot)
            }
            None => (SecretKey::generate()?, KeyOrigin::Run),
        };
        let notice = KeyNotice::new(&key, origin);
        Ok(Arc::new(Self { key, notice, told: Once::new() }))
    }

    /// What the record's first entry says of it.
    pub fn notice(&self) -> &KeyNotice {
        &self.notice
    }

    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Tells by what the key is known again, once.
    pub fn announce(&self) {
        self.told.call_once(|| {
            let origin = match self.notice.origin {
                KeyOrigin::Boot => "made for this boot",
                KeyOrigin::Run => "made for this run",
                KeyOrigin::File => "from the key file",
            };
            tell(format_args!("signing key {}, {origin}, in words:", self.notice.fingerprint));
            for line in lines_of(&self.notice.words) {
                tell(format_args!("    {line}"));
            }
            tell(format_args!(
                "Write the words down, or photograph them: pf-verify --key-words shows by them that nobody replaced the record."
            ));
        });
    }
}

/// The words of a key in lines that fit every screen and every form.
pub fn lines_of(words: &str) -> Vec<String> {
    let words: Vec<&str> = words.split(' ').collect();
    words.chunks(6).map(|line| line.join(" ")).collect()
}
