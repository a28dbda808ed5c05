//! The signed head of a record: a small file beside it that vouches for every byte.

use crate::{ChainHash, Fingerprint, PublicKey, SecretKey, base64};
use evidence::Plain;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What is put behind an image's base name to get the name of its record's head.
pub const HEAD_SUFFIX: &str = ".head.json";

/// Version of the head that is written.
pub const HEAD_VERSION: u32 = 1;

/// What a signed statement says first, so that a key which signs other things too can't have meant another one.
const MARK: &str = "permafrost-record-head";

/// Longest head.
const LONGEST: u64 = 16 << 10;

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyOrigin {
    /// Made for this boot of the live environment, and gone with it.
    Boot,
    /// Made for this run.
    Run,
    /// Read from a file of whoever acquires.
    File,
}

/// What the first entry says of the key that will sign the head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyNotice {
    /// SHA-256 of the public key.
    pub fingerprint: Fingerprint,
    /// The same as twelve words.
    pub words: String,
    /// Where the key comes from.
    pub origin: KeyOrigin,
}

impl KeyNotice {
    /// The notice of `key`.
    #[must_use]
    pub fn new(key: &SecretKey, origin: KeyOrigin) -> Self {
        let fingerprint = key.public().fingerprint();
        Self { fingerprint, words: fingerprint.words(), origin }
    }
}

/// What is signed of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadStatement {
    /// [`HEAD_VERSION`].
    pub format_version: u32,
    /// Hash of the first line: which record it is.
    pub first_entry: ChainHash,
    /// Number of entries.
    pub entries: u64,
    /// Size of the record in bytes.
    pub bytes: u64,
    /// Hash of the last line.
    pub chain_head: ChainHash,
    /// SHA-256 of the record as a file.
    pub sha256: ChainHash,
}

/// The statement with the word that tells it from everything else that a key may sign.
#[derive(Serialize, Deserialize)]
struct Marked {
    signed: String,
    #[serde(flatten)]
    statement: HeadStatement,
}

/// The file: the statement as the text that was signed, the key, the signature over the text's bytes.
#[derive(Debug, Serialize, Deserialize)]
struct HeadFile {
    statement: String,
    public_key: String,
    signature: String,
}

/// A head as it was read. Whether the signature fits says [`Head::is_signed`].
#[derive(Clone, Debug)]
pub struct Head {
    /// What it says of its record.
    pub statement: HeadStatement,
    /// The key that it names.
    pub key: PublicKey,
    text: String,
    signature: [u8; 64],
}

/// Why there is no head to be judged.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The file could not be opened or read.
    #[error("{path}: the record's head could not be read: {source}", path = Plain(.path.display()))]
    Read {
        /// The head.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not a head, or not as heads are written.
    #[error("{path}: is no head of a record: {}", Plain(.reason), path = Plain(.path.display()))]
    NoHead {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

/// Where the head of the record at `record` is: `item.head.json` beside `item.record.jsonl`, and `item.head-1.json` beside
/// `item.record-1.jsonl`, which an earlier run left.
#[must_use]
pub fn head_path(record: &Path) -> PathBuf {
    let name = record.file_name().unwrap_or_default().as_bytes();
    let stem = name.strip_suffix(b".jsonl").unwrap_or(name);
    let dot = stem.iter().rposition(|letter| *letter == b'.');
    let (base, last) = dot.and_then(|dot| stem.split_at_checked(dot)).unwrap_or((stem, b""));
    let run = last.strip_prefix(b".record").filter(|run| run.is_empty() || run.starts_with(b"-"));
    let mut head = if run.is_some() { base } else { name }.to_vec();
    head.extend_from_slice(b".head");
    head.extend_from_slice(run.unwrap_or_default());
    head.extend_from_slice(b".json");
    record.with_file_name(OsString::from_vec(head))
}

/// Writes the head at `path`, where no file may be, and waits until it is on its medium.
pub(crate) fn write(path: &Path, statement: HeadStatement, key: &SecretKey) -> io::Result<()> {
    let text = serde_json::to_string(&Marked { signed: MARK.to_owned(), statement })?;
    let signature = base64::encode(&key.sign(text.as_bytes())).to_string();
    let file = HeadFile { public_key: key.public().to_pem(), statement: text, signature };
    let bytes = file.bytes()?;
    let mut output = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = output.write_all(&bytes).and_then(|()| output.sync_all());
    if written.is_err() {
        // A part of a head would look as if someone had been at it.
        let _ = std::fs::remove_file(path);
    }
    written
}

impl HeadFile {
    fn bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Head {
    /// Reads the head at `path`.
    ///
    /// # Errors
    /// [`HeadError::Read`]; [`HeadError::NoHead`] for whatever is not a head byte for byte as it is written.
    pub fn read(path: &Path) -> Result<Self, HeadError> {
        let failed = |source| HeadError::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
        Self::of_bytes(&bytes).map_err(|reason| HeadError::NoHead { path: path.to_owned(), reason })
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self, String> {
        let file: HeadFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        // Whatever stands between the parts, or in another spelling, somebody put there.
        let written = file.bytes().map_err(|error| error.to_string())?;
        if written != bytes {
            let same = written.iter().zip(bytes).take_while(|(written, read)| written == read).count();
            return Err(format!("from byte {same} on it is not in the form in which heads are written"));
        }
        let key = PublicKey::of_pem(&file.public_key).filter(|key| key.to_pem() == file.public_key);
        let key = key.ok_or("its 'public_key' is no Ed25519 key as OpenSSL writes it")?;
        let signature = base64::decode(&file.signature).and_then(|bytes| bytes.as_slice().try_into().ok());
        let signature = signature.ok_or("its 'signature' is not 64 bytes in base64")?;
        let wrong = |error: serde_json::Error| format!("in its 'statement': {error}");
        let Marked { signed, statement } = serde_json::from_str(&file.statement).map_err(wrong)?;
        if signed != MARK {
            return Err(format!("its statement is about something else: '{signed}'"));
        }
        if statement.format_version != HEAD_VERSION {
            return Err(format!(
                "it is of format version {}; this program knows {HEAD_VERSION}",
                statement.format_version
            ));
        }
        Ok(Self { statement, key, text: file.statement, signature })
    }

    /// True when the key that the head names signed what the head says. Whose key that is, it can't tell.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.key.has_signed(self.text.as_bytes(), &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_head_lies_beside_its_record() {
        for (record, head) in [
            ("/d/item.1.record.jsonl", "/d/item.1.head.json"),
            ("item.record-12.jsonl", "item.head-12.json"),
            ("/d/copy", "/d/copy.head.json"),
            ("copy.jsonl", "copy.jsonl.head.json"),
            ("a.recorder.jsonl", "a.recorder.jsonl.head.json"),
        ] {
            assert_eq!(head_path(Path::new(record)), Path::new(head));
        }
        assert_eq!(
            head_path(Path::new(&format!("a{}", crate::FILE_SUFFIX))),
            Path::new(&format!("a{HEAD_SUFFIX}"))
        );
    }

    proptest! {
        #[test]
        fn no_input_stops_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(Head::of_bytes(&bytes).is_err());
        }

        #[test]
        fn no_parts_stop_the_reader(statement: String, public_key: String, signature: String) {
            let bytes = HeadFile { statement, public_key, signature }.bytes().unwrap();
            prop_assert!(Head::of_bytes(&bytes).is_err());
        }
    }
}
