//! The hash algorithms of AFF4: over the medium, over chunks, and over those (AFF4 §6).

use super::turtle_reader::{Graph, Term};
use super::vocabulary::NAMESPACE;
use evidence::{Digest, HashAlgorithm, HashSet};
use sha2::Digest as _;
use sha2::digest::DynDigest;

/// An algorithm of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Blake2b,
}

/// A running hash.
pub(super) type Running = Box<dyn DynDigest + Send>;

impl Algorithm {
    /// In the order in which their block hashes enter the block map hash (AFF4 §6.2).
    pub(super) const ALL: [Algorithm; 5] =
        [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512, Algorithm::Blake2b];

    /// The strongest of some, for checking each chunk that is read.
    pub(super) fn strongest(of: &[Algorithm]) -> Option<Algorithm> {
        use Algorithm::{Blake2b, Md5, Sha1, Sha256, Sha512};
        [Sha256, Sha512, Blake2b, Sha1, Md5].into_iter().find(|algorithm| of.contains(algorithm))
    }

    /// The name of its data type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
            Algorithm::Blake2b => "Blake2b",
        }
    }

    /// The ending of members with its block hashes, as the reference images spell it.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Algorithm::Md5 => ".blockHash.md5",
            Algorithm::Sha1 => ".blockHash.sha1",
            Algorithm::Sha256 => ".blockHash.sha256",
            Algorithm::Sha512 => ".blockHash.sha512",
            Algorithm::Blake2b => ".blockHash.blake2b",
        }
    }

    /// The last part of [`Algorithm::ending`].
    pub(super) fn word(self) -> &'static str {
        self.ending().trim_start_matches(".blockHash.")
    }

    /// Length of its value in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 | Algorithm::Blake2b => 64,
        }
    }

    /// The algorithm that a data type names; texts and images differ in how they spell Blake2b.
    pub(super) fn of_datatype(iri: &str) -> Option<Algorithm> {
        let name = iri.strip_prefix(NAMESPACE)?;
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The one of the same name among those computed over whole media.
    fn over_media(self) -> Option<HashAlgorithm> {
        HashAlgorithm::ALL.into_iter().find(|algorithm| algorithm.word() == self.word())
    }

    /// A hash over nothing yet.
    pub(super) fn begin(self) -> Running {
        match self {
            Algorithm::Md5 => Box::new(md5::Md5::new()),
            Algorithm::Sha1 => Box::new(sha1::Sha1::new()),
            Algorithm::Sha256 => Box::new(sha2::Sha256::new()),
            Algorithm::Sha512 => Box::new(sha2::Sha512::new()),
            Algorithm::Blake2b => Box::new(blake2::Blake2b512::new()),
        }
    }

    /// The hash of `bytes`.
    pub(super) fn of(self, bytes: &[u8]) -> Digest {
        let mut hash = self.begin();
        hash.update(bytes);
        finish(hash)
    }
}

/// Ends a running hash.
pub(super) fn finish(hash: Running) -> Digest {
    Digest::from_bytes(&hash.finalize())
}

/// The name of the data type of a hash over media, where the standard has one.
pub(super) fn datatype(algorithm: HashAlgorithm) -> Option<&'static str> {
    let known = Algorithm::ALL.into_iter().find(|known| known.over_media() == Some(algorithm));
    known.map(Algorithm::name)
}

/// Algorithm and value of a hash property; `None` for other data types and values out of form.
pub(super) fn parse(term: &Term) -> Option<(Algorithm, Digest)> {
    let Term::Literal { value, datatype } = term else { return None };
    let algorithm = Algorithm::of_datatype(datatype)?;
    let digest: Digest = value.parse().ok()?;
    (digest.as_bytes().len() == algorithm.length()).then_some((algorithm, digest))
}

/// The hashes over a whole stream that are stated of `subject` and can be computed here.
pub(super) fn linear(graph: &Graph, subject: &str) -> HashSet {
    let stated = graph.all(subject, "hash").filter_map(parse);
    stated.filter_map(|(algorithm, digest)| Some((algorithm.over_media()?, digest))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_known_by_its_data_type_and_length() {
        for algorithm in Algorithm::ALL {
            let iri = format!("{NAMESPACE}{}", algorithm.name());
            assert_eq!(Algorithm::of_datatype(&iri), Some(algorithm));
            assert_eq!(algorithm.of(b"abc").as_bytes().len(), algorithm.length());
        }
        assert_eq!(Algorithm::of_datatype("http://aff4.org/Schema#blake2b"), Some(Algorithm::Blake2b));
        // RFC 7693, appendix A.
        assert!(Algorithm::Blake2b.of(b"abc").to_string().starts_with("ba80a53f981c4d0d6a2797b69f12f6e9"));
        // FIPS 180-4, example of SHA-512.
        assert!(Algorithm::Sha512.of(b"abc").to_string().starts_with("ddaf35a193617abacc417349ae204131"));
    }

    #[test]
    fn every_hash_over_media_of_the_first_three_has_a_data_type() {
        for algorithm in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
            assert!(datatype(algorithm).is_some(), "{algorithm}");
        }
    }
}
