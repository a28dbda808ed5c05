//! Names of the files beside a head.

use std::path::{Path, PathBuf};

/// In place of `.json`, of a request.
pub const REQUEST_SUFFIX: &str = "tsq";

/// In place of `.json`, of an answer.
pub const ANSWER_SUFFIX: &str = "tsr";

/// Longest answer, request or list of certificates that is read, in bytes. Authorities answer with a few KiB.
pub const LONGEST: u64 = 1 << 20;

/// `item.head.tsq` of `item.head.json`.
#[must_use]
pub fn request_path(head: &Path) -> PathBuf {
    head.with_extension(REQUEST_SUFFIX)
}

/// `item.head.tsr` of `item.head.json`.
#[must_use]
pub fn answer_path(head: &Path) -> PathBuf {
    head.with_extension(ANSWER_SUFFIX)
}
