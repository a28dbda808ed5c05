//! Ed25519 keys in the two files that OpenSSL writes: PKCS#8 for the secret one, SubjectPublicKeyInfo for the public one.
//!
//! RFC 8410 gives both a fixed length, so that everything before the 32 bytes of the key is always the same.

use crate::base64;
use zeroize::Zeroizing;

/// Of `openssl genpkey -algorithm ed25519`.
pub const SECRET: Form = Form {
    label: "PRIVATE KEY",
    before: &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20],
};

/// Of `openssl pkey -pubout`.
pub const PUBLIC: Form =
    Form { label: "PUBLIC KEY", before: &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0] };

/// A kind of key file.
pub struct Form {
    label: &'static str,
    /// DER before the key's bytes.
    before: &'static [u8],
}

/// Letters in a line of PEM.
const LINE: usize = 64;

impl Form {
    /// The key as DER.
    pub fn der(&self, key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
        let mut der = Zeroizing::new(Vec::with_capacity(self.before.len() + key.len()));
        der.extend_from_slice(self.before);
        der.extend_from_slice(key);
        der
    }

    /// The key as PEM.
    pub fn write(&self, key: &[u8; 32]) -> Zeroizing<String> {
        let letters = base64::encode(&self.der(key));
        debug_assert!(letters.len() <= LINE);
        let mut text = Zeroizing::new(String::with_capacity(letters.len() + 80));
        for part in ["-----BEGIN ", self.label, "-----\n", &letters, "\n-----END ", self.label, "-----\n"] {
            text.push_str(part);
        }
        text
    }

    /// The key in a text; what stands before and behind it is passed over, as in every PEM.
    pub fn read(&self, text: &str) -> Option<Zeroizing<[u8; 32]>> {
        let begin = format!("-----BEGIN {}-----", self.label);
        let end = format!("-----END {}-----", self.label);
        let (_, from) = text.split_once(&begin)?;
        let (inside, _) = from.split_once(&end)?;
        let mut letters = Zeroizing::new(String::with_capacity(inside.len()));
        letters.extend(inside.chars().filter(|letter| !letter.is_ascii_whitespace()));
        let der = base64::decode(&letters)?;
        let key = der.strip_prefix(self.before)?;
        Some(Zeroizing::new(key.try_into().ok()?))
    }
}

/// What a text that holds no such key holds instead, for the person who named the file.
pub fn guess(text: &str) -> &'static str {
    const KNOWN: [(&str, &str); 6] = [
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "it is locked with a passphrase, which is not asked for"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "it is a key of OpenSSH"),
        ("-----BEGIN PRIVATE KEY-----", "its secret key is of another kind, or damaged"),
        (
            "-----BEGIN PUBLIC KEY-----",
            "its public key is of another kind, damaged, or not what is wanted here",
        ),
        ("-----BEGIN CERTIFICATE-----", "it is a certificate"),
        ("-----BEGIN ", "it holds something else"),
    ];
    KNOWN.iter().find(|(mark, _)| text.contains(mark)).map_or("it is no PEM", |(_, told)| told)
}
