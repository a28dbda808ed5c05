//! A fingerprint as words that a person can write down, and type in again years later.
//!
//! The words are those of BIP-39, whose list has no two words with the same first four letters. Twelve of them carry the
//! first 128 bits of the fingerprint and 4 bits by which a slip of the pen shows. Who wants to pass off another key must
//! find one with the same 128 bits: that takes 2^128 keys on average, as many as breaking Ed25519 itself. That somebody can
//! make two keys with the same words, in 2^64 steps, doesn't matter: both are then their own.

use sha2::{Digest, Sha256};

/// One word a line, in the order of their numbers.
const LIST: &str = include_str!("word_list.txt");

/// Words of a fingerprint.
pub const COUNT: usize = 12;

/// Bits of a word.
const BITS: u32 = 11;

/// What the words say: the first half of a fingerprint.
pub type Half = [u8; 16];

/// Words that nobody can have written down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too few or too many.
    #[error("{0} words were given, a key has {COUNT}")]
    Count(usize),
    /// Not in the list.
    #[error(
        "word {number}, '{}', is not in the list of words (BIP-39, English); look at what was written down again",
        evidence::Plain(word)
    )]
    Unknown {
        /// Its place, from 1.
        number: usize,
        /// The word.
        word: String,
    },
    /// All are in the list, but not in this combination.
    #[error(
        "these words don't belong together: one is another word of the list, or two changed places; look at what was written down again"
    )]
    Checksum,
}

/// The words, with blanks between them.
pub fn write(half: &Half) -> String {
    let mut words: Vec<&str> = Vec::with_capacity(COUNT);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in half.iter().copied().chain([checksum(half) << 4]) {
        bits = (bits << 8 | u32::from(byte)) & 0xf_ffff;
        count += 8;
        if count >= BITS {
            count -= BITS;
            let number = usize::try_from(bits >> count & 0x7ff).unwrap_or(0);
            words.push(LIST.lines().nth(number).unwrap_or(""));
        }
    }
    words.join(" ")
}

/// What the words say. Letters of either case; the first four of a word are enough; numbers, commas and line ends between
/// them don't matter.
///
/// # Errors
/// [`WordsError`] for anything that [`write`] can't have made.
pub fn read(text: &str) -> Result<Half, WordsError> {
    let typed: Vec<String> = text
        .split(|letter: char| !letter.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    if typed.len() != COUNT {
        return Err(WordsError::Count(typed.len()));
    }
    let mut bytes = Vec::with_capacity(17);
    let (mut bits, mut count) = (0u32, 0u32);
    for (number, word) in (1..).zip(&typed) {
        let value = number_of(word).ok_or_else(|| WordsError::Unknown { number, word: word.clone() })?;
        bits = (bits << BITS | value) & 0x3f_ffff;
        count += BITS;
        while count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    let half = Half::try_from(bytes.as_slice()).map_err(|_| WordsError::Checksum)?;
    if u32::from(checksum(&half)) == bits & 0xf { Ok(half) } else { Err(WordsError::Checksum) }
}

fn number_of(typed: &str) -> Option<u32> {
    let found = LIST.lines().position(|word| word == typed || (typed.len() >= 4 && word.starts_with(typed)));
    found.and_then(|number| u32::try_from(number).ok())
}

/// The first four bits of SHA-256 over the half.
fn checksum(half: &Half) -> u8 {
    Sha256::digest(half).first().map_or(0, |byte| byte >> 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_is_the_published_one_and_four_letters_tell_its_words_apart() {
        let published = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda";
        assert_eq!(crate::ChainHash::of_line(LIST.as_bytes()).to_string(), published);
        let beginnings: BTreeSet<&str> = LIST.lines().map(|word| &word[..word.len().min(4)]).collect();
        assert_eq!(beginnings.len(), 2048);
    }

    #[test]
    fn the_values_that_were_published_with_the_list() {
        for (byte, words) in [
            (
                0x00,
                "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
            ),
            (0x7f, "legal winner thank year wave sausage worth useful legal winner thank yellow"),
            (0x80, "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"),
            (0xff, "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"),
        ] {
            assert_eq!(write(&[byte; 16]), words);
            assert_eq!(read(words), Ok([byte; 16]));
        }
    }

    #[test]
    fn words_are_read_as_people_write_them() {
        let written = " 1. Legal, 2. WINN\n3. than 4. year\twave saus-wort usef lega winner thank; yell.";
        assert_eq!(read(written), Ok([0x7f; 16]));
    }

    #[test]
    fn what_nobody_can_have_written_down_is_told_word_by_word() {
        assert_eq!(read(""), Err(WordsError::Count(0)));
        assert_eq!(read(&"zoo ".repeat(13)), Err(WordsError::Count(13)));
        let unknown = "zoo zoo permafrost zoo zoo zoo zoo zoo zoo zoo zoo wrong";
        assert_eq!(read(unknown), Err(WordsError::Unknown { number: 3, word: "permafrost".into() }));
        assert_eq!(
            read(&unknown.replace("permafrost", "zo")).unwrap_err().to_string().matches("'zo'").count(),
            1
        );
        assert_eq!(read(&"zoo ".repeat(12)), Err(WordsError::Checksum));
        // Two that changed places.
        let swapped = "winner legal thank year wave sausage worth useful legal winner thank yellow";
        assert_eq!(read(swapped), Err(WordsError::Checksum));
    }

    proptest! {
        #[test]
        fn every_fingerprint_comes_back(half in any::<Half>()) {
            prop_assert_eq!(read(&write(&half)), Ok(half));
        }

        #[test]
        fn no_text_stops_the_reader(text in any::<String>()) {
            prop_assert!(read(&text).is_err());
        }
    }
}
