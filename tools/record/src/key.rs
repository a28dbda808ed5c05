//! Keys that sign records: the secret one, made here or read, and the public one that vouches later.

use crate::{Fingerprint, pem};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use evidence::Plain;
use nix::unistd::geteuid;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where the kernel gives random bytes; it waits until it has gathered enough for them, which /dev/urandom does not.
const RANDOM: &str = "/dev/random";

/// Name of the key that all acquisitions of one boot share.
const BOOT_KEY: &str = "record-key.pem";

/// Longest file that is looked into for a key.
const LONGEST_FILE: u64 = 16 << 10;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be opened or read.
    #[error("{path}: the key could not be read: {source}", path = Plain(.path.display()))]
    Read {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not what signs a record.
    #[error(
        "{path}: holds no secret Ed25519 key in PEM (PKCS#8): {found}. Make one with: openssl genpkey -algorithm ed25519 -out FILE",
        path = Plain(.path.display())
    )]
    NotSecret {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// Not what a record is checked with.
    #[error(
        "{path}: holds no public Ed25519 key in PEM: {found}. Take it out of a secret key with: openssl pkey -in FILE -pubout",
        path = Plain(.path.display())
    )]
    NotPublic {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// The key of this boot is not ours alone.
    #[error("{path}: others can read this key, or own it; remove it, and a new one is made", path = Plain(.0.display()))]
    Exposed(PathBuf),
    /// A key could not be made or kept.
    #[error("{path}: a key could not be {deed}: {source}; name one with --key", path = Plain(.path.display()))]
    Make {
        /// The file.
        path: PathBuf,
        /// What was being done.
        deed: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A key that signs. It is wiped from memory when it goes, and shows nothing of itself.
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {}", self.public().fingerprint())
    }
}

impl SecretKey {
    /// A new key of the kernel's random bytes.
    ///
    /// # Errors
    /// [`KeyError::Make`] where there are none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        File::open(RANDOM)
            .and_then(|mut random| random.read_exact(bytes.as_mut()))
            .map_err(|source| KeyError::Make { path: RANDOM.into(), deed: "made", source })?;
        Ok(Self(SigningKey::from_bytes(&bytes)))
    }

    /// The key in a file as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`KeyError::Read`], or [`KeyError::NotSecret`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Read { path: path.to_owned(), source };
        let text = text_of(File::open(path).map_err(failed)?).map_err(failed)?;
        Self::of_pem(&text)
            .ok_or_else(|| KeyError::NotSecret { path: path.to_owned(), found: pem::guess(&text) })
    }

    fn of_pem(text: &str) -> Option<Self> {
        pem::SECRET.read(text).map(|key| Self(SigningKey::from_bytes(&key)))
    }

    /// The key that lies in `folder` for as long as this machine runs; made when it is asked for first, also by several
    /// programs at a time. `folder` must be in memory: what is on a disk outlives the boot.
    ///
    /// # Errors
    /// [`KeyError::Exposed`] where others could have read it; else as [`SecretKey::read`] and [`SecretKey::generate`].
    pub fn of_this_boot(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(BOOT_KEY);
        let failed = |source| KeyError::Make { path: path.clone(), deed: "kept", source };
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return Self::own(opened, &path),
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let key = Self::generate()?;
        // Whole before it has its name; of two programs the first to give it the name wins.
        let draft = folder.join(format!("{BOOT_KEY}.{}", key.public().fingerprint()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let linked = file
            .and_then(|mut file| file.write_all(pem::SECRET.write(key.0.as_bytes()).as_bytes()))
            .and_then(|()| fs::hard_link(&draft, &path));
        let _ = fs::remove_file(&draft);
        match linked {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::own(File::open(&path), &path),
            Err(error) => Err(failed(error)),
        }
    }

    /// A key that nobody else can have read.
    fn own(opened: io::Result<File>, path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Read { path: path.to_owned(), source };
        let file = opened.map_err(failed)?;
        let held = file.metadata().map_err(failed)?;
        if held.mode() & 0o077 != 0 || held.uid() != geteuid().as_raw() {
            return Err(KeyError::Exposed(path.to_owned()));
        }
        let text = text_of(file).map_err(failed)?;
        Self::of_pem(&text)
            .ok_or_else(|| KeyError::NotSecret { path: path.to_owned(), found: pem::guess(&text) })
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs exactly these bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

/// What a small file holds; what is no text holds no key either.
fn text_of(file: File) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST_FILE).unwrap_or(0)));
    file.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(std::str::from_utf8(&bytes).unwrap_or("").to_owned()))
}

/// A key that checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key in a file as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`KeyError::Read`], or [`KeyError::NotPublic`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Read { path: path.to_owned(), source };
        let text = text_of(File::open(path).map_err(failed)?).map_err(failed)?;
        Self::of_pem(&text)
            .ok_or_else(|| KeyError::NotPublic { path: path.to_owned(), found: pem::guess(&text) })
    }

    pub(crate) fn of_pem(text: &str) -> Option<Self> {
        VerifyingKey::from_bytes(&*pem::PUBLIC.read(text)?).ok().map(Self)
    }

    /// The key as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::PUBLIC.write(self.0.as_bytes()).to_string()
    }

    /// By what it is known again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_der(&pem::PUBLIC.der(self.0.as_bytes()))
    }

    /// True when the holder of the secret half signed exactly these bytes.
    pub(crate) fn has_signed(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(bytes, &Signature::from_bytes(signature)).is_ok()
    }
}
