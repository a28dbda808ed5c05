//! The medium's bytes and nothing else, in one file or split over numbered ones.
//!
//! No case data, hash value or error table has room here: the record beside the image carries them.

mod reader;
mod writer;

pub use reader::RawReader;
pub(crate) use writer::names_from;
pub use writer::{PlainEncoder, RawWriter};

/// True for the extension of a part of a split image: exactly three digits.
pub(crate) fn is_split_extension(extension: &str) -> bool {
    extension.len() == 3 && extension.bytes().all(|b| b.is_ascii_digit())
}
