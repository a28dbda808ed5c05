//! What can go wrong with an image, told so that the next step is clear.

use evidence::{ByteCount, ByteOffset, Extent, Plain};
use std::io;
use std::path::{Path, PathBuf};

/// An error while an image is written or read. Every message is one line: what, which file, where, what next. Names and what
/// a container says are shown [`Plain`].
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The destination refused bytes, a create, or an fsync. The kind of the I/O error is kept.
    #[error("{}: writing at {offset} failed: {source}; {}", Plain(path.display()), advice(source))]
    Destination {
        /// The segment or folder.
        path: PathBuf,
        /// Where in it.
        offset: ByteOffset,
        /// What the system said.
        source: io::Error,
    },
    /// A file of that name is there already.
    #[error("{}: exists already and is never overwritten; choose another name or folder", Plain(.0.display()))]
    Exists(PathBuf),
    /// The plan, or a chunk that does not follow it, cannot be carried out.
    #[error("{}: {}", Plain(path.display()), Plain(why))]
    Plan {
        /// Base path of the image.
        path: PathBuf,
        /// The reason and the remedy.
        why: String,
    },
    /// `finish` was called before the whole medium was stored.
    #[error(
        "{}: closed after {stored} of {planned}; the image is incomplete and must not be used as a whole", Plain(path.display())
    )]
    IncompleteWrite {
        /// Base path of the image.
        path: PathBuf,
        /// Bytes of media stored.
        stored: ByteCount,
        /// Bytes of media planned.
        planned: ByteCount,
    },
    /// The compressor gave up; this is a defect of the program or the machine's memory.
    #[error("compressing a chunk failed: {0}; test the machine's memory and repeat the acquisition")]
    Compressor(String),
    /// The system could not read an image file.
    #[error("{}: reading at {offset} failed: {source}; check the medium the image lies on", Plain(path.display()))]
    Source {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: ByteOffset,
        /// The media range that could not be had, where the read was for media data.
        media: Option<Extent>,
        /// What the system said.
        source: io::Error,
    },
    /// Media data of one chunk, or of one table of chunks, cannot be had.
    #[error("{}: damaged at {offset}: {}; media lost: {media}; compare with another copy", Plain(segment.display()), Plain(what))]
    DamagedChunk {
        /// The segment that holds it.
        segment: PathBuf,
        /// Where in that segment.
        offset: ByteOffset,
        /// The range of the medium affected.
        media: Extent,
        /// What does not fit.
        what: String,
    },
    /// A part of the container around the media data does not fit its checksum or the rest.
    #[error("{}: {part} at {offset}: {}; compare with another copy", Plain(segment.display()), Plain(what))]
    DamagedStructure {
        /// The segment that holds it.
        segment: PathBuf,
        /// Where in that segment.
        offset: ByteOffset,
        /// Name of the part: `section descriptor`, `table`, `hash section` …
        part: &'static str,
        /// What does not fit.
        what: String,
    },
    /// A segment file is not there.
    #[error("{}: segment is missing ({}); put it beside the others", Plain(path.display()), Plain(why))]
    MissingSegment {
        /// Where it should be.
        path: PathBuf,
        /// How its absence shows.
        why: String,
    },
    /// A segment file that does not belong at its place in the set.
    #[error("{}: wrong segment: {}; find the file that belongs here", Plain(path.display()), Plain(why))]
    WrongSegment {
        /// The file.
        path: PathBuf,
        /// What gives it away.
        why: String,
    },
    /// A segment ends before its content does.
    #[error("{}: truncated: ends at {size} within {part}; find a complete copy", Plain(path.display()))]
    Truncated {
        /// The segment.
        path: PathBuf,
        /// Where the file ends.
        size: ByteOffset,
        /// What is cut.
        part: &'static str,
    },
    /// A format, or a variant of one, that is not read or written here.
    #[error("{}: {} is not supported; use the program it was made with", Plain(path.display()), Plain(what))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Name of what it is.
        what: String,
    },
    /// An unfinished image and its checkpoint do not belong together, or one of them is damaged.
    #[error("{}: can't be gone on with: {}", Plain(path.display()), Plain(why))]
    Unfinished {
        /// The segment, or the base path of the image.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The file is not an image at all, or its beginning is destroyed.
    #[error("{}: not an image: {}", Plain(path.display()), Plain(why))]
    NotAnImage {
        /// The file.
        path: PathBuf,
        /// What was seen and what to do.
        why: String,
    },
}

impl FormatError {
    /// The range of the medium that cannot be had because of this error; reading on at its end works.
    #[must_use]
    pub fn media(&self) -> Option<Extent> {
        match self {
            FormatError::DamagedChunk { media, .. } => Some(*media),
            FormatError::Source { media, .. } => *media,
            _ => None,
        }
    }

    /// The file the error is about, and the offset in it where one applies.
    #[must_use]
    pub fn place(&self) -> Option<(&Path, Option<ByteOffset>)> {
        match self {
            FormatError::Destination { path, offset, .. } | FormatError::Source { path, offset, .. } => {
                Some((path, Some(*offset)))
            }
            FormatError::DamagedChunk { segment, offset, .. }
            | FormatError::DamagedStructure { segment, offset, .. } => Some((segment, Some(*offset))),
            FormatError::Truncated { path, size, .. } => Some((path, Some(*size))),
            FormatError::Exists(path)
            | FormatError::Plan { path, .. }
            | FormatError::IncompleteWrite { path, .. }
            | FormatError::MissingSegment { path, .. }
            | FormatError::WrongSegment { path, .. }
            | FormatError::Unsupported { path, .. }
            | FormatError::Unfinished { path, .. }
            | FormatError::NotAnImage { path, .. } => Some((path, None)),
            FormatError::Compressor(_) => None,
        }
    }

    /// True when the destination has no room left: disk full, quota reached, or the largest file size of its file
    /// system.
    #[must_use]
    pub fn is_destination_full(&self) -> bool {
        matches!(self, FormatError::Destination { source, .. } if is_full(source))
    }

    pub(crate) fn source(path: &Path, offset: u64, source: io::Error) -> Self {
        FormatError::Source { path: path.to_owned(), offset: ByteOffset(offset), media: None, source }
    }

    /// An I/O error while media data was read, with the range that is lost.
    pub(crate) fn losing(self, media: Extent) -> Self {
        match self {
            FormatError::Source { path, offset, source, .. }
                if source.kind() == io::ErrorKind::UnexpectedEof =>
            {
                let what = "the segment became shorter while it was read".to_owned();
                FormatError::DamagedChunk { segment: path, offset, media, what }
            }
            FormatError::Source { path, offset, source, .. } => {
                FormatError::Source { path, offset, media: Some(media), source }
            }
            other => other,
        }
    }

    pub(crate) fn structure(
        segment: &Path,
        offset: u64,
        part: &'static str,
        what: impl Into<String>,
    ) -> Self {
        let offset = ByteOffset(offset);
        FormatError::DamagedStructure { segment: segment.to_owned(), offset, part, what: what.into() }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::FileTooLarge => "the file system allows no larger file: choose a smaller segment size",
        _ if is_full(error) => "the destination is full: make room or choose another one",
        io::ErrorKind::NotFound => "the folder is not there: create it first",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "it may not be written to: choose a writable destination"
        }
        _ => "check the destination and its cable, then repeat the acquisition",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_destination_is_recognised_and_named() {
        // 28 is ENOSPC, 122 EDQUOT, 27 EFBIG, 5 EIO on Linux.
        for (code, full) in [(28, true), (122, true), (27, true), (5, false)] {
            let error = FormatError::Destination {
                path: "/mnt/dest/a.E03".into(),
                offset: ByteOffset(4096),
                source: io::Error::from_raw_os_error(code),
            };
            assert_eq!(error.is_destination_full(), full, "errno {code}");
            let line = error.to_string();
            assert!(line.starts_with("/mnt/dest/a.E03: writing at byte 4 096 failed"), "{line}");
            assert!(!line.contains('\n'));
        }
    }
}
