//! What is read: a source, or an image read back.

use crate::treatment::Treatment;
use device::DirectFile;
use evidence::{ByteCount, ByteOffset};
use formats::{FormatError, ImageKind, ImageReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Media data by offset.
pub trait Medium: Send {
    /// How many bytes there are.
    fn size(&self) -> ByteCount;

    /// What offsets, lengths and buffer addresses of reads must be a multiple of; also the smallest part that is worth
    /// reading alone after an error.
    fn granule(&self) -> usize;

    /// Fills the buffer from `offset`; fewer bytes at the end, or before a part that cannot be read.
    ///
    /// # Errors
    /// [`ReadFailure`] when not even the first byte could be read.
    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure>;

    /// The same medium once more, to be read at the same time by another thread; `None` where it can't be.
    fn another(&self) -> Option<Box<dyn Medium>> {
        None
    }

    /// What is done about parts that can't be read.
    fn treatment(&self) -> &Treatment {
        const { &Treatment::PLAIN }
    }
}

/// Why a read gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFailure {
    /// What the system said.
    pub error: String,
    /// The whole medium is gone: reading on makes no sense.
    pub gone: bool,
}

impl Medium for DirectFile {
    fn size(&self) -> ByteCount {
        DirectFile::size(self)
    }

    fn granule(&self) -> usize {
        usize::try_from(self.alignment()).unwrap_or(usize::MAX)
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        read_direct(self, offset, buffer)
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        Some(Box::new(self.try_clone().ok()?))
    }
}

/// Reads a device or file, and tells one that is gone from a part of it that is bad.
///
/// # Errors
/// [`ReadFailure`].
pub fn read_direct(file: &DirectFile, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
    match file.read_at(offset, buffer) {
        // Of a disk that was pulled the kernel says that it ends at its beginning, or that nothing of it can be read.
        Ok(0) if offset.0 < file.size().0 && !file.is_present() => {
            Err(ReadFailure { error: "the device was removed".to_owned(), gone: true })
        }
        Ok(count) => Ok(count),
        Err(error) => Err(ReadFailure {
            gone: !error.is_bad_range() || !file.is_present(),
            error: match &error {
                // Offset and length are told beside it; the system's word is what is new.
                device::DirectError::Read { source, .. } => source.to_string(),
                other => other.to_string(),
            },
        }),
    }
}

/// A medium whose unread parts are treated in another way than plainly.
pub struct Treated {
    medium: Box<dyn Medium>,
    treatment: Treatment,
}

impl Treated {
    /// Joins them.
    pub fn new(medium: impl Medium + 'static, treatment: Treatment) -> Self {
        Self { medium: Box::new(medium), treatment }
    }
}

impl Medium for Treated {
    fn size(&self) -> ByteCount {
        self.medium.size()
    }

    fn granule(&self) -> usize {
        self.medium.granule()
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        self.medium.read_at(offset, buffer)
    }

    fn treatment(&self) -> &Treatment {
        &self.treatment
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        Some(Box::new(Self { medium: self.medium.another()?, treatment: self.treatment.clone() }))
    }
}

/// A finished image, read back to be verified.
pub struct ReadBack(Box<dyn ImageReader>);

impl ReadBack {
    /// Wraps an opened image.
    #[must_use]
    pub fn new(image: Box<dyn ImageReader>) -> Self {
        Self(image)
    }
}

impl Medium for ReadBack {
    fn size(&self) -> ByteCount {
        self.0.media_size()
    }

    fn granule(&self) -> usize {
        self.0.sector_size().and_then(|size| usize::try_from(size.bytes()).ok()).unwrap_or(512)
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        self.0.read_at(offset, buffer).map_err(|error| ReadFailure { error: error.to_string(), gone: false })
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        let again = formats::open(&self.0.segments().first()?.path).ok()?;
        Some(Box::new(ReadBack(again)))
    }
}

/// What an unfinished image holds up to a checkpoint, read back to be proven.
pub struct Unfinished {
    image: ReadBack,
    kind: ImageKind,
    base: PathBuf,
    state: Arc<str>,
    size: ByteCount,
}

impl Unfinished {
    /// Opens the image with that base path by the state that its writer gave when it had stored `size` bytes of the medium.
    ///
    /// # Errors
    /// As [`formats::open_unfinished`].
    pub fn open(kind: ImageKind, base: &Path, state: &str, size: ByteCount) -> Result<Self, FormatError> {
        let image = ReadBack(formats::open_unfinished(kind, base, state)?);
        Ok(Self { image, kind, base: base.to_owned(), state: state.into(), size })
    }
}

impl Medium for Unfinished {
    fn size(&self) -> ByteCount {
        self.size
    }

    fn granule(&self) -> usize {
        self.image.granule()
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        self.image.read_at(offset, buffer)
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        let image = ReadBack(formats::open_unfinished(self.kind, &self.base, &self.state).ok()?);
        let (kind, base, state, size) = (self.kind, self.base.clone(), Arc::clone(&self.state), self.size);
        Some(Box::new(Self { image, kind, base, state, size }))
    }
}
