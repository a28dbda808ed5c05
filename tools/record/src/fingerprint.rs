//! By what a person knows a key again.

use crate::words::{self, Half};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// SHA-256 over a public key as DER (SubjectPublicKeyInfo), as `openssl pkey -pubin -outform DER | sha256sum` gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// Text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no fingerprint of a key: 64 hexadecimal digits are", evidence::Plain(.0))]
pub struct FingerprintError(pub String);

impl Fingerprint {
    pub(crate) fn of_der(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// Its first 128 bits as twelve words of BIP-39.
    #[must_use]
    pub fn words(&self) -> String {
        words::write(&self.half())
    }

    /// What the words stand for.
    #[must_use]
    pub fn half(&self) -> Half {
        let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.0;
        half
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Digits of either case; blanks and colons between them don't matter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String =
            text.chars().filter(|letter| !(letter.is_whitespace() || *letter == ':')).collect();
        let digest: Option<evidence::Digest> = digits.parse().ok();
        let bytes = digest.and_then(|digest| <[u8; 32]>::try_from(digest.as_bytes()).ok());
        bytes.map(Self).ok_or_else(|| FingerprintError(text.to_owned()))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    /// One spelling only: 64 lower-case digits.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().ok().filter(|parsed: &Self| parsed.to_string() == text).ok_or(FingerprintError(text))
    }
}
