//! The contract between containers and those who fill or read them.

use crate::state::remove_segments;
use crate::{FormatError, aff4, ewf, raw};
use evidence::{ByteCount, ByteOffset, CaseData, DeviceIdentity, Extent, ExtentSet, HashSet, SectorSize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What kind of medium is imaged, as far as containers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumKind {
    /// A whole disk that stays in its machine.
    Disk,
    /// A whole disk made to be taken out.
    RemovableDisk,
    /// A partition, a volume or an ordinary file.
    Part,
}

/// What is printed on the device that is imaged; empty where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceLabel {
    /// Make and model.
    pub model: String,
    /// Serial number.
    pub serial: String,
}

impl DeviceLabel {
    /// What a device says of itself, as it would be printed.
    #[must_use]
    pub fn of(device: &DeviceIdentity) -> Self {
        let words: Vec<&str> =
            [&device.make, &device.model].into_iter().flatten().map(String::as_str).collect();
        Self { model: words.join(" "), serial: device.serial.clone().unwrap_or_default() }
    }
}

/// What a container says of its own making, beside the case fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The device that was imaged.
    pub device: DeviceLabel,
    /// Program that made the image, or its version alone.
    pub software: String,
    /// When the acquisition began, in seconds since 1970-01-01 UTC; `None` also where the time has no zone.
    pub acquired_at: Option<i64>,
    /// What was imaged.
    pub medium: Option<MediumKind>,
}

/// What a writer must know before the first chunk.
#[derive(Clone, Debug)]
pub struct ImagePlan {
    /// Path without extension: segments are this plus `.E01`, `.001`, …
    pub base: PathBuf,
    /// Size of the medium.
    pub media_size: ByteCount,
    /// Sector size of the medium.
    pub sector_size: SectorSize,
    /// Largest size of a segment file; `None` for one file.
    pub segment_size: Option<ByteCount>,
    /// Case fields carried inside the container where the format has room for them.
    pub case: CaseData,
    /// What the device says it is, carried inside the container where the format has room for it.
    pub device: Option<DeviceIdentity>,
    /// Name and version of the acquiring program.
    pub software: String,
    /// When the acquisition began, in seconds since 1970-01-01 UTC.
    pub acquired_at: i64,
    /// What is imaged.
    pub medium: MediumKind,
}

/// One chunk, ready to be stored. Made by a [`ChunkEncoder`] on any thread, written in order by an [`ImageWriter`].
#[derive(Clone, Debug, Default)]
pub struct EncodedChunk {
    /// Bytes as stored in the container.
    pub stored: Vec<u8>,
    /// Length of the medium's data in it.
    pub media_length: ByteCount,
    /// True when `stored` is a compressed stream.
    pub compressed: bool,
    /// SHA-256 of the chunk, for containers that keep one of each.
    pub block_hash: Option<[u8; 32]>,
}

/// Turns media data into stored form; shared by the threads of the compression pool.
pub trait ChunkEncoder: Send + Sync {
    /// Encodes one chunk: `chunk_size` bytes of media, fewer only at the end of the medium.
    ///
    /// # Errors
    /// When the compressor fails.
    fn encode(&self, media: &[u8]) -> Result<EncodedChunk, FormatError>;

    /// As [`ChunkEncoder::encode`], into a chunk that was written already: its memory is used again, for fresh pages cost.
    ///
    /// # Errors
    /// As [`ChunkEncoder::encode`]; the chunk's content is then of no use.
    fn encode_into(&self, media: &[u8], chunk: &mut EncodedChunk) -> Result<(), FormatError> {
        *chunk = self.encode(media)?;
        Ok(())
    }
}

/// What is known once the whole medium was read.
#[derive(Clone, Debug, Default)]
pub struct ImageSummary {
    /// Hash values over the media data as stored (unread ranges filled with zeros).
    pub hashes: HashSet,
    /// Ranges that could not be read from the source.
    pub unread: ExtentSet,
}

/// A finished segment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size: ByteCount,
}

/// Is asked when a destination has no room left.
pub trait WhenFull: Send + Sync {
    /// Waits until somebody says that there is room again. False when nobody does: then the write has failed.
    fn room_was_made(&self, path: &Path) -> bool;
}

/// Writes one image. Chunks come in ascending order without gaps.
pub trait ImageWriter: Send {
    /// How many bytes of media make a chunk.
    fn chunk_size(&self) -> usize;
    /// The encoder that fits this writer.
    fn encoder(&self) -> Arc<dyn ChunkEncoder>;
    /// Stores the next chunk.
    ///
    /// # Errors
    /// When the destination refuses the bytes; the error names the file and offset.
    fn append(&mut self, chunk: &EncodedChunk) -> Result<(), FormatError>;
    /// Makes all that was appended durable and gives what [`resume`] needs to go on behind it, as text; `None` from a writer
    /// that can't be gone on with.
    ///
    /// # Errors
    /// When the destination fails.
    fn checkpoint(&mut self) -> Result<Option<String>, FormatError> {
        Ok(None)
    }
    /// Says who is to be asked when the destination is full. Without one, a write that finds no room fails.
    fn ask_when_full(&mut self, when_full: Arc<dyn WhenFull>) {
        drop(when_full);
    }
    /// Closes the container, makes it durable (fsync of each segment and of its folder) and lists its segments.
    ///
    /// # Errors
    /// When data is missing (fewer bytes than the plan's media size) or the destination fails.
    fn finish(self: Box<Self>, summary: &ImageSummary) -> Result<Vec<Segment>, FormatError>;
}

/// Reads one image.
pub trait ImageReader: Send {
    /// Name of the format: `raw`, `split raw`, `EWF (E01)`, `AFF4`.
    fn format_name(&self) -> &'static str;
    /// True of a format that has a structure of its own; false of raw images, whose files hold the medium's bytes alone.
    fn is_container(&self) -> bool {
        !matches!(self.format_name(), "raw" | "split raw")
    }
    /// Size of the medium.
    fn media_size(&self) -> ByteCount;
    /// Sector size of the medium where the container states it.
    fn sector_size(&self) -> Option<SectorSize>;
    /// Segment files in order.
    fn segments(&self) -> &[Segment];
    /// Case fields the container carries; empty for raw.
    fn case(&self) -> &CaseData;
    /// What the container says of its own making; nothing for raw.
    fn provenance(&self) -> Provenance {
        Provenance::default()
    }
    /// Hash values the container carries. A damaged hash section carries none: see [`ImageReader::check`].
    fn stored_hashes(&self) -> &HashSet;
    /// Ranges the container marks as not read from the source. A damaged error table marks none: see
    /// [`ImageReader::check`].
    fn unread(&self) -> &ExtentSet;
    /// Fills `buffer` from `offset`; shorter only at the end of the medium.
    ///
    /// # Errors
    /// When a chunk is damaged, its checksum does not fit or the file ends early; the error names the segment, the
    /// offset in it and the media range affected ([`FormatError::media`]). Reading on beyond that range works.
    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, FormatError>;
    /// False once [`ImageReader::read_at`] has given bytes that it compared with no checksum of their own. Of AFF4 a bevy may
    /// lack its hash values: the checksum of the whole bevy is then compared by [`ImageReader::check`] alone.
    fn compared_all_with_checksums(&self) -> bool {
        self.is_container()
    }
    /// Chunks in the segment of that number, from 0, that read back but are not stored as this program stores their data:
    /// where they begin in the file, and what of the medium they hold. `None` where that can't be told, or where there are so
    /// many that another program or version wrote the image. It takes as long as compressing the segment anew.
    fn stored_otherwise(&mut self, segment: usize) -> Option<Vec<(ByteOffset, Extent)>> {
        let _ = segment;
        None
    }
    /// Examines what reading the media data does not touch: every copy of headers and tables, hash values, the error
    /// table, counts, bytes after the end, segments after the last. Lists the flaws found, up to ten thousand; of raw
    /// images, parts of an unlikely size.
    fn check(&mut self) -> Vec<FormatError> {
        Vec::new()
    }
}

/// The containers that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// The medium's bytes and nothing else: `.raw`, or `.001 .002 …` when split.
    Raw,
    /// EWF-E01 in the layout of EnCase 6: `.E01 .E02 …`.
    Ewf,
    /// AFF4 in the layout of the standard's reference images, in one file: `.aff4`.
    Aff4(aff4::Compression),
}

/// Begins an image: refuses a plan that cannot be carried out, creates the first segment, and never opens a file that
/// exists already.
///
/// # Errors
/// [`FormatError::Plan`] before anything is written, [`FormatError::Exists`], or [`FormatError::Destination`].
pub fn create(kind: ImageKind, plan: &ImagePlan) -> Result<Box<dyn ImageWriter>, FormatError> {
    Ok(match kind {
        ImageKind::Raw => Box::new(raw::RawWriter::create(plan)?),
        ImageKind::Ewf => Box::new(ewf::EwfWriter::create(plan)?),
        ImageKind::Aff4(compression) => Box::new(aff4::Aff4Writer::create(plan, compression)?),
    })
}

/// Opens what an unfinished image holds up to a checkpoint, to be read. Its size is that of the medium, as far as the format
/// knows it; what lies behind the checkpoint can't be read. Nothing is changed.
///
/// # Errors
/// [`FormatError::Unfinished`] when `state`, which [`ImageWriter::checkpoint`] gave, does not fit the files at `base`; what
/// the reader of the format finds.
pub fn open_unfinished(
    kind: ImageKind,
    base: &Path,
    state: &str,
) -> Result<Box<dyn ImageReader>, FormatError> {
    Ok(match kind {
        ImageKind::Raw => Box::new(raw::RawReader::open_unfinished(base, state)?),
        ImageKind::Ewf => Box::new(ewf::EwfReader::open_unfinished(base, state)?),
        ImageKind::Aff4(compression) => {
            Box::new(aff4::Aff4Reader::open_unfinished(base, compression, state)?)
        }
    })
}

/// Goes on with an image behind a checkpoint. What was written after it, and later segments, are removed: nothing vouches
/// for them.
///
/// # Errors
/// As [`open_unfinished`], and [`create`].
pub fn resume(kind: ImageKind, plan: &ImagePlan, state: &str) -> Result<Box<dyn ImageWriter>, FormatError> {
    Ok(match kind {
        ImageKind::Raw => Box::new(raw::RawWriter::resume(plan, state)?),
        ImageKind::Ewf => Box::new(ewf::EwfWriter::resume(plan, state)?),
        ImageKind::Aff4(compression) => Box::new(aff4::Aff4Writer::resume(plan, compression, state)?),
    })
}

/// Removes what is left of an image that was begun and of which nothing is vouched for.
///
/// # Errors
/// [`FormatError::Destination`] when a file can't be removed.
pub fn discard(kind: ImageKind, base: &Path, split: bool) -> Result<(), FormatError> {
    match kind {
        ImageKind::Raw if split => remove_segments(base, raw::names_from(1)),
        ImageKind::Raw => remove_segments(base, ["raw".to_owned()].into_iter()),
        ImageKind::Ewf => remove_segments(base, ewf::names_from(1)),
        ImageKind::Aff4(_) => remove_segments(base, ["aff4".to_owned()].into_iter()),
    }
}
