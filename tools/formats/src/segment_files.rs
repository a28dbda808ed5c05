//! The segment files of an image being read: one is open at a time, however many there are.

use crate::{FormatError, Segment};
use evidence::ByteCount;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[derive(Default)]
pub(crate) struct SegmentFiles {
    segments: Vec<Segment>,
    open: Option<(usize, File)>,
}

impl SegmentFiles {
    /// Adds the next segment, whose file must be a regular one.
    pub(crate) fn add(&mut self, path: PathBuf) -> Result<usize, FormatError> {
        let file = File::open(&path).map_err(|error| FormatError::source(&path, 0, error))?;
        let metadata = file.metadata().map_err(|error| FormatError::source(&path, 0, error))?;
        if !metadata.is_file() {
            let why = "it is a folder or device; give the image's first segment file".to_owned();
            return Err(FormatError::NotAnImage { path, why });
        }
        let index = self.segments.len();
        self.segments.push(Segment { path, size: ByteCount(metadata.len()) });
        self.open = Some((index, file));
        Ok(index)
    }

    pub(crate) fn all(&self) -> &[Segment] {
        &self.segments
    }

    /// Path of a segment; of one that does not exist, the empty path.
    pub(crate) fn path(&self, index: usize) -> &Path {
        self.segments.get(index).map_or(Path::new(""), |segment| &segment.path)
    }

    /// Size of a segment when it was opened.
    pub(crate) fn size(&self, index: usize) -> u64 {
        self.segments.get(index).map_or(0, |segment| segment.size.0)
    }

    /// Fills `buffer` from `offset` of a segment.
    pub(crate) fn read(&mut self, index: usize, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        let outcome = self.file(index).and_then(|file| file.read_exact_at(buffer, offset));
        outcome.map_err(|error| FormatError::source(self.path(index), offset, error))
    }

    /// `length` bytes from `offset` of a segment; past its end, which is told before memory is taken, there are none.
    pub(crate) fn bytes(&mut self, index: usize, offset: u64, length: u64) -> Result<Vec<u8>, FormatError> {
        if offset.checked_add(length).is_none_or(|end| end > self.size(index)) {
            return Err(FormatError::source(self.path(index), offset, io::ErrorKind::UnexpectedEof.into()));
        }
        let mut buffer = vec![0; usize::try_from(length).unwrap_or(0)];
        self.read(index, offset, &mut buffer)?;
        Ok(buffer)
    }

    fn file(&mut self, index: usize) -> io::Result<&File> {
        if !matches!(self.open, Some((open, _)) if open == index) {
            self.open = Some((index, File::open(self.path(index))?));
        }
        match &self.open {
            Some((_, file)) => Ok(file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
