//! The hash that ties an entry to the one before it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 over one line's bytes without its line feed. The first entry carries [`ChainHash::START`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What stands in place of a hash before the first entry: 64 zeros.
    pub const START: ChainHash = ChainHash([0; 32]);

    /// The hash of a line, given without its line feed.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Self {
        Self(Sha256::digest(line).into())
    }

    /// A hash that was computed in parts.
    pub(crate) fn of_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> String {
        hash.to_string()
    }
}

impl From<ChainHash> for [u8; 32] {
    fn from(hash: ChainHash) -> [u8; 32] {
        hash.0
    }
}

impl TryFrom<String> for ChainHash {
    type Error = evidence::DigestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digest: evidence::Digest = text.parse()?;
        // One spelling only: 64 lower-case digits.
        match <[u8; 32]>::try_from(digest.as_bytes()) {
            Ok(bytes) if Self(bytes).to_string() == text => Ok(Self(bytes)),
            _ => Err(evidence::DigestError(text)),
        }
    }
}
