//! Signature algorithms of authorities: RSA (PKCS #1 v1.5) and ECDSA on P-256 and P-384, each with SHA-256, -384, -512.
//!
//! RustCrypto computes; here stands only what belongs together, in the form that rustls-webpki asks for.

use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Shortest RSA modulus in bits that vouches for anything (NIST SP 800-131A).
const SHORTEST: usize = 2048;

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
                let key = RsaPublicKey::from_pkcs1_der(key).ok().filter(|key| key.n().bits() >= SHORTEST)?;
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
