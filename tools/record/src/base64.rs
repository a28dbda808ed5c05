//! Base64 (RFC 4648 §4), as PEM and the head of a record need it: few bytes, one spelling only.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes as text, padded.
pub fn encode(bytes: &[u8]) -> Zeroizing<String> {
    // With all its room from the beginning, nothing of a secret stays where it was moved away from.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4)));
    for group in bytes.chunks(3) {
        let padded = (0..3).map(|place| u32::from(group.get(place).copied().unwrap_or(0)));
        let bits = padded.fold(0u32, |bits, byte| bits << 8 | byte);
        for digit in 0..4 {
            let value = usize::try_from(bits >> (18 - 6 * digit) & 0x3f).unwrap_or(0);
            let letter = if digit <= group.len() { ALPHABET.get(value).copied() } else { None };
            text.push(char::from(letter.unwrap_or(b'=')));
        }
    }
    text
}

/// The bytes of a text that [`encode`] could have made, and of no other.
pub fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0u32, 0u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    (*encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(*encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap().as_slice(), bytes.as_bytes());
        }
    }

    #[test]
    fn another_spelling_of_the_same_bytes_is_refused() {
        for text in ["Zg", "Zg=", "Zh==", "Zm9v=", "Zm 9v", "Zm9v\n", "Zm9-", "Z", "é", "===="] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
