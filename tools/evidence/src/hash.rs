//! Hash algorithms and their values.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// A hash algorithm that can be computed during acquisition and verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// MD5, RFC 1321. Kept for old tools; collisions can be made at will, so never the only value.
    Md5,
    /// SHA-1, FIPS 180-4. Kept for old tools; collisions have been shown.
    Sha1,
    /// SHA-256, FIPS 180-4.
    Sha256,
    /// SHA-512, FIPS 180-4.
    Sha512,
    /// SHA3-256, FIPS 202.
    #[serde(rename = "sha3-256")]
    Sha3,
    /// SM3, GM/T 0004-2012 and ISO/IEC 10118-3.
    Sm3,
    /// BLAKE3 with 32 bytes of output, as `b3sum` prints it.
    Blake3,
}

/// A word that names no algorithm known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a known hash algorithm: expected md5, sha1, sha256, sha512, sha3-256, sm3 or blake3")]
pub struct UnknownAlgorithm(pub String);

/// Word on the command line and in the record, name for people, length of the value in bytes.
struct Row(&'static str, &'static str, usize);

impl HashAlgorithm {
    /// Every algorithm, in the order in which values are printed.
    pub const ALL: [HashAlgorithm; 7] = [
        HashAlgorithm::Md5,
        HashAlgorithm::Sha1,
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha512,
        HashAlgorithm::Sha3,
        HashAlgorithm::Sm3,
        HashAlgorithm::Blake3,
    ];

    /// Those that other programs print and compare: computed where nobody says which are wanted.
    pub const USUAL: [HashAlgorithm; 3] = [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Sha256];

    fn row(self) -> Row {
        match self {
            HashAlgorithm::Md5 => Row("md5", "MD5", 16),
            HashAlgorithm::Sha1 => Row("sha1", "SHA-1", 20),
            HashAlgorithm::Sha256 => Row("sha256", "SHA-256", 32),
            HashAlgorithm::Sha512 => Row("sha512", "SHA-512", 64),
            HashAlgorithm::Sha3 => Row("sha3-256", "SHA3-256", 32),
            HashAlgorithm::Sm3 => Row("sm3", "SM3", 32),
            HashAlgorithm::Blake3 => Row("blake3", "BLAKE3", 32),
        }
    }

    /// The word used on the command line and in the record.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().0
    }

    /// Length of the value in bytes.
    #[must_use]
    pub fn digest_len(self) -> usize {
        self.row().2
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().1)
    }
}

impl FromStr for HashAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        HashAlgorithm::ALL
            .into_iter()
            .find(|a| a.word() == word)
            .ok_or_else(|| UnknownAlgorithm(word.to_owned()))
    }
}

/// A hash value; its length fits its algorithm wherever it came out of a [`Hasher`] or a [`HashSet`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest(Vec<u8>);

/// Text that is not a hash value in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a hash value: expected an even number of hexadecimal digits")]
pub struct DigestError(pub String);

impl Digest {
    /// Wraps raw bytes, e.g. those of an EWF `hash` section.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || DigestError(text.to_owned());
        if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        (0..text.len())
            .step_by(2)
            .map(|at| {
                text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(wrong)
            })
            .collect::<Result<Vec<u8>, _>>()
            .map(Self)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Values of several algorithms over the same bytes, in the order of [`HashAlgorithm::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HashSet {
    values: BTreeMap<HashAlgorithm, Digest>,
}

impl HashSet {
    /// A set without values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts in a value, replacing one of the same algorithm.
    pub fn insert(&mut self, algorithm: HashAlgorithm, digest: Digest) {
        self.values.insert(algorithm, digest);
    }

    /// The value of `algorithm`, if it was computed.
    #[must_use]
    pub fn get(&self, algorithm: HashAlgorithm) -> Option<&Digest> {
        self.values.get(&algorithm)
    }

    /// All values, in the order of [`HashAlgorithm::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (HashAlgorithm, &Digest)> {
        self.values.iter().map(|(algorithm, digest)| (*algorithm, digest))
    }

    /// True when there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl FromIterator<(HashAlgorithm, Digest)> for HashSet {
    fn from_iter<I: IntoIterator<Item = (HashAlgorithm, Digest)>>(values: I) -> Self {
        Self { values: values.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hasher;

    #[test]
    fn a_word_names_its_algorithm_on_the_command_line_and_in_json() {
        for algorithm in HashAlgorithm::ALL {
            let word = algorithm.word();
            assert_eq!(word.parse::<HashAlgorithm>().unwrap(), algorithm);
            assert_eq!(serde_json::to_string(&algorithm).unwrap(), format!("\"{word}\""));
            assert_eq!(Hasher::of(algorithm, b"").as_bytes().len(), algorithm.digest_len());
        }
        let error = "crc".parse::<HashAlgorithm>().unwrap_err().to_string();
        assert!(HashAlgorithm::ALL.iter().all(|algorithm| error.contains(algorithm.word())), "{error}");
    }

    #[test]
    fn text_that_is_no_hexadecimal_is_refused() {
        for wrong in ["a", "zz", "+1", "é0", " 1"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_set_prints_its_values_in_a_fixed_order() {
        let set: HashSet = HashAlgorithm::ALL.into_iter().rev().map(|a| (a, Hasher::of(a, b"abc"))).collect();
        let order: Vec<_> = set.iter().map(|(algorithm, _)| algorithm).collect();
        assert_eq!(order, HashAlgorithm::ALL);
        let json = serde_json::to_string(&set).unwrap();
        assert!(json.starts_with(r#"{"md5":"900150983cd24fb0"#), "{json}");
        assert_eq!(serde_json::from_str::<HashSet>(&json).unwrap(), set);
    }
}
