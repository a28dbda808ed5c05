//! Hash values over the medium: `digest` (MD5 and SHA-1, since EnCase 6.12) and `hash` (MD5, every version).
//!
//! Neither has room for SHA-256; that value lives in the record.

use super::adler::{seal, unseal};
use crate::little_endian::bytes_at;
use evidence::{Digest, HashAlgorithm, HashSet};

/// Content lengths (EWF, "Digest section" and "Hash section").
pub(super) const DIGEST: usize = 80;
pub(super) const HASH: usize = 36;

/// Content of a `digest` section; a value that was not computed stays zero.
pub(super) fn encode_digest(hashes: &HashSet) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(DIGEST);
    for (algorithm, end) in [(HashAlgorithm::Md5, 16), (HashAlgorithm::Sha1, 36)] {
        bytes.extend_from_slice(hashes.get(algorithm).map_or(&[][..], Digest::as_bytes));
        bytes.resize(end, 0);
    }
    bytes.resize(DIGEST - 4, 0);
    seal(&mut bytes);
    bytes
}

/// Content of a `hash` section.
pub(super) fn encode_hash(md5: &Digest) -> Vec<u8> {
    let mut bytes = md5.as_bytes().to_vec();
    bytes.resize(HASH - 4, 0);
    seal(&mut bytes);
    bytes
}

/// Values of a `digest` section.
pub(super) fn parse_digest(content: &[u8]) -> Result<HashSet, &'static str> {
    let content = unseal(content).ok_or("its checksum does not fit")?;
    let md5 = bytes_at::<16>(content, 0).ok_or("it is cut")?;
    let sha1 = bytes_at::<20>(content, 16).ok_or("it is cut")?;
    Ok([(HashAlgorithm::Md5, &md5[..]), (HashAlgorithm::Sha1, &sha1[..])]
        .into_iter()
        .filter(|(_, value)| value.iter().any(|byte| *byte != 0))
        .map(|(algorithm, value)| (algorithm, Digest::from_bytes(value)))
        .collect())
}

/// Value of a `hash` section.
pub(super) fn parse_hash(content: &[u8]) -> Result<Digest, &'static str> {
    let content = unseal(content).ok_or("its checksum does not fit")?;
    bytes_at::<16>(content, 0).map(|md5| Digest::from_bytes(&md5)).ok_or("it is cut")
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::Hasher;

    #[test]
    fn values_read_back_and_absent_ones_stay_absent() {
        let both: HashSet =
            [HashAlgorithm::Md5, HashAlgorithm::Sha1].map(|a| (a, Hasher::of(a, b"x"))).into_iter().collect();
        assert_eq!(parse_digest(&encode_digest(&both)).unwrap(), both);
        let one: HashSet =
            [(HashAlgorithm::Sha1, Hasher::of(HashAlgorithm::Sha1, b"x"))].into_iter().collect();
        assert_eq!(parse_digest(&encode_digest(&one)).unwrap(), one);
        let md5 = both.get(HashAlgorithm::Md5).unwrap();
        assert_eq!(parse_hash(&encode_hash(md5)).unwrap(), *md5);
        assert_eq!(encode_digest(&both).len(), DIGEST);
        assert_eq!(encode_hash(md5).len(), HASH);
    }
}
