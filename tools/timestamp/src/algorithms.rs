//! Signature algorithms of authorities: RSA (PKCS #1 v1.5) and ECDSA on P-256 and P-384, each with SHA-256, -384, -512.
//!
//! RustCrypto computes; here stands only what belongs together, in the form that rustls-webpki asks for.

use der::Decode;
use der::asn1::ObjectIdentifier;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::ops::RangeInclusive;
use x509_cert::Certificate;

/// rsaEncryption (RFC 3279 §2.3.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// RSA moduli in bits that are judged: shorter ones vouch for nothing (NIST SP 800-131A), longer ones take too long.
const RSA_BITS: RangeInclusive<usize> = 2048..=16_384;

/// The key in PKCS #1, if it is one that is judged.
fn rsa_key(der: &[u8]) -> Option<RsaPublicKey> {
    let key = rsa::pkcs1::RsaPublicKey::from_der(der).ok()?;
    let [modulus, exponent] =
        [key.modulus, key.public_exponent].map(|number| BigUint::from_bytes_be(number.as_bytes()));
    let key = RsaPublicKey::new_with_max_size(modulus, exponent, *RSA_BITS.end()).ok()?;
    RSA_BITS.contains(&key.n().bits()).then_some(key)
}

/// False of a certificate for an RSA key that is not judged: a signature by it does not fit, but not because of an alteration.
pub(crate) fn judge_key_of(certificate: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else { return true };
    let key = certificate.tbs_certificate.subject_public_key_info;
    key.algorithm.oid != RSA_ENCRYPTION || rsa_key(key.subject_public_key.raw_bytes()).is_some()
}

/// A hash of the SHA-2 family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(crate) fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha384 => Sha384::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Rsa,
    P256,
    P384,
}

/// A key and a hash.
#[derive(Debug)]
pub(crate) struct Algorithm {
    key: Key,
    hash: Hash,
    signature: AlgorithmIdentifier,
}

const fn row(key: Key, hash: Hash, signature: AlgorithmIdentifier) -> Algorithm {
    Algorithm { key, hash, signature }
}

const ALGORITHMS: [Algorithm; 9] = [
    row(Key::Rsa, Hash::Sha256, alg_id::RSA_PKCS1_SHA256),
    row(Key::Rsa, Hash::Sha384, alg_id::RSA_PKCS1_SHA384),
    row(Key::Rsa, Hash::Sha512, alg_id::RSA_PKCS1_SHA512),
    row(Key::P256, Hash::Sha256, alg_id::ECDSA_SHA256),
    row(Key::P256, Hash::Sha384, alg_id::ECDSA_SHA384),
    row(Key::P256, Hash::Sha512, alg_id::ECDSA_SHA512),
    row(Key::P384, Hash::Sha256, alg_id::ECDSA_SHA256),
    row(Key::P384, Hash::Sha384, alg_id::ECDSA_SHA384),
    row(Key::P384, Hash::Sha512, alg_id::ECDSA_SHA512),
];

/// All of them.
pub(crate) static ALL: [&dyn SignatureVerificationAlgorithm; 9] = {
    static ROWS: [Algorithm; 9] = ALGORITHMS;
    let [a, b, c, d, e, f, g, h, i] = &ROWS;
    [a, b, c, d, e, f, g, h, i]
};

/// Those that sign over such a hash.
pub(crate) fn with(hash: Hash) -> impl Iterator<Item = Algorithm> {
    ALGORITHMS.into_iter().filter(move |algorithm| algorithm.hash == hash)
}

impl Algorithm {
    fn holds(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
        let hash = self.hash.of(message);
        match self.key {
            Key::Rsa => {
                let key = rsa_key(key)?;
                let padding = match self.hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.verify(padding, &hash, signature).ok()
            }
            Key::P256 => {
                use p256::ecdsa::signature::hazmat::PrehashVerifier;
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
                let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
                key.verify_prehash(&hash, &signature).ok()
            }
            Key::P384 => {
                use p384::ecdsa::signature::hazmat::PrehashVerifier;
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
                let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
                key.verify_prehash(&hash, &signature).ok()
            }
        }
    }
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.holds(key, message, signature).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.key {
            Key::Rsa => alg_id::RSA_ENCRYPTION,
            Key::P256 => alg_id::ECDSA_P256,
            Key::P384 => alg_id::ECDSA_P384,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}
