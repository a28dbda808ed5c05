//! The command line and the exit codes.

use crate::ranges::WantedRange;
use crate::signature::WrittenDown;
use crate::verification::VerifyError;
use clap::Parser;
use record::{Fingerprint, KeyError, PublicKey, words};
use std::path::PathBuf;

/// Everything that could be checked holds.
pub const HOLDS: u8 = 0;
/// Something does not hold.
pub const FAILS: u8 = 1;
/// Nothing could be checked.
pub const COULD_NOT_CHECK: u8 = 2;

/// Checks a forensic image and its record: re-reads the whole medium, recomputes the hash values, and says property by
/// property what holds.
#[derive(Debug, Parser)]
#[command(name = "pf-verify", version, after_help = AFTER)]
pub struct Arguments {
    /// The image's first segment: .E01, .aff4, .raw, .dd, .img, or .001 of a split raw image. Where there is no image, its
    /// record (.record.jsonl): then chain, head, key and earlier records are checked.
    pub image: PathBuf,
    /// The record; by default the one beside the image, named like it with .record.jsonl.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The record's signed head; by default the one beside the record, named like it with .head.json.
    #[arg(long, value_name = "FILE")]
    pub head: Option<PathBuf>,
    /// The twelve words that were written down when the record was made; four letters of each are enough.
    #[arg(long, value_name = "WORDS", value_parser = words::read, group = "written down")]
    pub key_words: Option<words::Half>,
    /// The fingerprint that was written down when the record was made.
    #[arg(long, value_name = "HEX", group = "written down")]
    pub fingerprint: Option<Fingerprint>,
    /// The public key that must have signed the record, in PEM.
    #[arg(long, value_name = "FILE", group = "written down")]
    pub public_key: Option<PathBuf>,
    /// Check this part of the medium alone, without reading the rest: OFFSET+LENGTH in bytes, or in sectors with an s
    /// behind (2048s+16s). May be given several times. A sector is as long as the container or the record states; where
    /// neither does, it has 512 bytes.
    #[arg(long = "range", value_name = "OFFSET+LENGTH")]
    pub ranges: Vec<WantedRange>,
    /// Certificates, in PEM, that are trusted to lead to that of the authority which stamped the head, NAME.head.tsr.
    #[arg(long, value_name = "FILE")]
    pub authority: Option<PathBuf>,
    /// Print the result as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

impl Arguments {
    /// True where a record stands in the place of the image: there is no image.
    pub(crate) fn is_of_a_record(&self) -> bool {
        self.image.extension().is_some_and(|extension| extension == "jsonl")
    }

    /// Whether what was given beside a record can be asked of it.
    pub(crate) fn are_of_one_kind(&self) -> Result<(), VerifyError> {
        match self.is_of_a_record() {
            true if !self.ranges.is_empty() => Err(VerifyError::NoImage("--range")),
            true if self.record.is_some() => Err(VerifyError::NoImage("--record")),
            _ => Ok(()),
        }
    }

    /// What is known of the key.
    pub(crate) fn written_down(&self) -> Result<WrittenDown, KeyError> {
        Ok(match (self.key_words, self.fingerprint, &self.public_key) {
            (Some(half), ..) => WrittenDown::Words(half),
            (_, Some(fingerprint), _) => WrittenDown::Fingerprint(fingerprint),
            (.., Some(path)) => WrittenDown::Fingerprint(PublicKey::read(path)?.fingerprint()),
            (None, None, None) => WrittenDown::Nothing,
        })
    }
}

const AFTER: &str = "\
Properties: container sound, segments complete, hash values in container, hash
values in record, parts as recorded, files as recorded, record chain unbroken,
record closed, record head signed, key as written down, earlier records as named
(where the record names any), metadata as recorded, unread ranges as recorded,
time-stamp (where one lies beside the head). Each holds, FAILS, or was not
checked, with reason. The parts (of a MiB, on large media of more) have hash
values of their own in the record: they tell where a medium is not what was
acquired, and the partition table in the image tells in which partition that is.

--range reads the parts that hold the range and compares them with the record.
Without values of parts it reads the chunks of the container that hold it, and
compares their checksums; an AFF4 may have none. Record, head and key are checked as ever; hash values
and files are not, for they need all of the image.

A signature shows that record and head belong together. That nobody replaced
both, with the image, shows only the key: give the words or the fingerprint that
were written down when the image was made, or the agency's public key.

Every hash that the container or the record states is computed: MD5, SHA-1,
SHA-256, SHA-512, SHA3-256, SM3, BLAKE3; the first three where none is stated.

Exit codes:
  0  everything that could be checked holds
  1  something does not hold: the image or its record is not as it should be
  2  nothing could be checked: wrong usage, a range beyond the medium, a file
     that is not there or cannot be read, no image, a raw image for which no
     record states a hash value, a machine on which a hash does not give its
     known values

Reads only. Memory: about 30 MiB and one thread for each hash, whatever the size
of the image; up to 40 MiB more for large chunks and tables of other programs,
up to 160 MiB more for images and records that were made to do harm. The map of
an AFF4 by other programs takes its own size, up to 448 MiB, twice at times.";
