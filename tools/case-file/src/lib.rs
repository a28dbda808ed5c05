//! The case file: TOML in which an examiner states who acts, by which authority, where, before whom, under which seals and by
//! which clock, before an acquisition begins.
//!
//! What it is: a strict reader of such a file. A key that it does not know, a value that can't be meant, a field and the reason
//! for its absence side by side are errors that name line and key; and the text of such a file, with what each field is
//! called in English and Chinese ([`words`]). What it is not: it asks nothing, writes no file, and does not demand anything:
//! what is missing is told by [`evidence::Case::lacks`], and whether that matters is for the caller.
//! Who calls it: `pf-acquire`, which keeps the case in its record, `pf-record` and `pf-console`, which ask for it.
//!
//! ```
//! let case = case_file::parse("case_number = \"2026-17\"\nmachine_time = 2026-03-17 09:12:04\nreference_time = 2026-03-17 09:10:00\n")?;
//! assert_eq!((case.case_number.as_str(), case.clock_offset_seconds), ("2026-17", Some(124)));
//! assert_eq!(case_file::parse("# empty\ncase = 7").unwrap_err().to_string(), "line 2: case: no such field; pf-record case --template lists all");
//! # Ok::<(), case_file::Fault>(())
//! ```
#![forbid(unsafe_code)]

mod clock;
mod file_text;
mod language;
mod value;
pub mod words;

pub use clock::{ClockError, clean as clean_moment, offset_seconds};
pub use file_text::of as text_of;
pub use language::{Language, grouped};
pub use value::{LONGEST_VALUE, MOST_ENTRIES, clean_line, clean_lines, clean_sha256};

use evidence::{Case, CaseField, Holds, INVESTIGATOR_FIELDS, PHOTO_FIELDS, Plain};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Largest case file in bytes. What it says gets into the first entry of a record, which has room for 1 MiB.
pub const LONGEST_FILE: u64 = 64 << 10;

/// Why a case file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CaseFileError {
    /// It could not be read.
    #[error("{path}: the case file can't be read: {source}", path = Plain(.path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than [`LONGEST_FILE`].
    #[error("{path}: a case file has at most {LONGEST_FILE} bytes; is it the right file?", path = Plain(.0.display()))]
    TooLong(PathBuf),
    /// It is no text.
    #[error("{path}: line {line}: not UTF-8; save the file as UTF-8", path = Plain(.path.display()))]
    NoText {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// Something in it is wrong.
    #[error("{path}: {fault}", path = Plain(.path.display()))]
    Fault {
        /// The file.
        path: PathBuf,
        /// What.
        fault: Fault,
    },
}

/// What is wrong in a case file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Key, and what is wrong with it; one line.
    pub what: String,
}

/// Reads the case file at `path`. Memory: a few times its size, which is bounded.
///
/// # Errors
/// [`CaseFileError`], which names file, line and key.
pub fn read(path: &Path) -> Result<Case, CaseFileError> {
    let failed = |source| CaseFileError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let limit = LONGEST_FILE.saturating_add(1);
    let length =
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
    if u64::try_from(length).unwrap_or(u64::MAX) > LONGEST_FILE {
        return Err(CaseFileError::TooLong(path.to_owned()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| CaseFileError::NoText {
        path: path.to_owned(),
        line: line_at(&bytes, error.valid_up_to()),
    })?;
    let mut case = parse(text).map_err(|fault| CaseFileError::Fault { path: path.to_owned(), fault })?;
    case.case_file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(case)
}

/// Reads the text of a case file.
///
/// # Errors
/// The first [`Fault`] in it.
pub fn parse(text: &str) -> Result<Case, Fault> {
    let fault = |at: usize, what: String| Fault { line: line_at(text.as_bytes(), at), what };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        fault(at, Plain(error.message()).to_string())
    })?;
    let mut case = Case::default();
    let mut first: Option<(usize, String)> = None;
    let mut found = |at: usize, what: String| {
        if first.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
            first = Some((at, what));
        }
    };
    for (key, value) in table.get_ref() {
        let at = key.span().start;
        let Some(field) = CaseField::find(key.get_ref()) else {
            found(at, unknown(key.get_ref()));
            continue;
        };
        let taken = match field.holds {
            Holds::Line(_) | Holds::Lines(_) | Holds::Moment(_) | Holds::Sha256(_) => {
                value::text(field, value, &mut case)
            }
            Holds::Seals => value::lines(field.key, value).map(|seals| case.seal_numbers = seals),
            Holds::Investigators => value::entries(field.key, value, &INVESTIGATOR_FIELDS)
                .map(|investigators| case.investigators = investigators),
            Holds::Photos => {
                value::entries(field.key, value, &PHOTO_FIELDS).map(|photos| case.photos = photos)
            }
        };
        if let Err((at, what)) = taken {
            found(at, what);
        }
    }
    let place = |wanted: &str| {
        table.get_ref().iter().find(|(key, _)| key.get_ref() == wanted).map_or(0, |(key, _)| key.span().start)
    };
    if let Some((key, reason)) = case.contradiction() {
        found(place(reason), format!("{reason}: {key} is given too; leave one of them out"));
    }
    match clock::offset_seconds(&case.machine_time, &case.reference_time) {
        Ok(offset) => case.clock_offset_seconds = offset,
        Err(error) => found(place("reference_time"), format!("reference_time: {error}")),
    }
    match first {
        Some((at, what)) => Err(fault(at, what)),
        None => Ok(case),
    }
}

fn unknown(key: &str) -> String {
    format!("{}: no such field; pf-record case --template lists all", short(key))
}

/// A key of an unknown hand, fit for one line.
fn short(key: &str) -> String {
    Plain(key.chars().take(60).collect::<String>()).to_string()
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    bytes.iter().take(offset).filter(|byte| **byte == b'\n').count().saturating_add(1)
}
