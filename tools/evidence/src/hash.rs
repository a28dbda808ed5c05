//! Hash algorithms and their values.

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
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
}

/// A word that names no algorithm known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a known hash algorithm: expected md5, sha1 or sha256")]
pub struct UnknownAlgorithm(pub String);

impl HashAlgorithm {
    /// Every algorithm, in the order in which values are printed.
    pub const ALL: [HashAlgorithm; 3] = [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Sha256];

    /// The word used on the command line and in the record.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            HashAlgorithm::Md5 => "md5",
            HashAlgorithm::Sha1 => "sha1",
            HashAlgorithm::Sha256 => "sha256",
        }
    }

    /// Length of the value in bytes.
    #[must_use]
    pub fn digest_len(self) -> usize {
        match self {
            HashAlgorithm::Md5 => 16,
            HashAlgorithm::Sha1 => 20,
            HashAlgorithm::Sha256 => 32,
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HashAlgorithm::Md5 => "MD5",
            HashAlgorithm::Sha1 => "SHA-1",
            HashAlgorithm::Sha256 => "SHA-256",
        })
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

/// A running hash of one algorithm. Clone it to save the state at a point.
#[derive(Clone, Debug)]
pub struct Hasher(State);

#[derive(Clone, Debug)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl Hasher {
    /// Starts a hash over nothing.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self(match algorithm {
            HashAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            HashAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            HashAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
        })
    }

    /// The algorithm this hash was started with.
    #[must_use]
    pub fn algorithm(&self) -> HashAlgorithm {
        match self.0 {
            State::Md5(_) => HashAlgorithm::Md5,
            State::Sha1(_) => HashAlgorithm::Sha1,
            State::Sha256(_) => HashAlgorithm::Sha256,
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Md5(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
        }
    }

    /// Ends the hash.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(match self.0 {
            State::Md5(state) => state.finalize().to_vec(),
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
        })
    }

    /// Hashes `bytes` in one go.
    #[must_use]
    pub fn of(algorithm: HashAlgorithm, bytes: &[u8]) -> Digest {
        let mut hasher = Self::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1321 A.5 and FIPS 180-4 example values for "abc".
    const ABC: [(HashAlgorithm, &str); 3] = [
        (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ];

    #[test]
    fn known_answers_of_the_standards_hold() {
        for (algorithm, answer) in ABC {
            let digest = Hasher::of(algorithm, b"abc");
            assert_eq!(digest.to_string(), answer);
            assert_eq!(digest.as_bytes().len(), algorithm.digest_len());
            assert_eq!(answer.parse::<Digest>().unwrap(), digest);
        }
    }

    #[test]
    fn text_that_is_no_hexadecimal_is_refused() {
        for wrong in ["a", "zz", "+1", "é0", " 1"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_set_prints_its_values_in_a_fixed_order() {
        let set: HashSet =
            ABC.iter().rev().map(|(algorithm, _)| (*algorithm, Hasher::of(*algorithm, b"abc"))).collect();
        let order: Vec<_> = set.iter().map(|(algorithm, _)| algorithm).collect();
        assert_eq!(order, HashAlgorithm::ALL);
        let json = serde_json::to_string(&set).unwrap();
        assert!(json.starts_with(r#"{"md5":"900150983cd24fb0"#), "{json}");
        assert_eq!(serde_json::from_str::<HashSet>(&json).unwrap(), set);
    }
}
