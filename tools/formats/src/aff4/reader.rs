//! Reads AFF4: from a media offset through the map to a chunk, or to what stands for one.

use super::compression::Compression;
use super::container::Container;
use super::image_stream::Fault;
use super::map::{Entry, Target};
use super::state::State;
use super::volume::Volume;
use super::{case, examination};
use crate::{DeviceLabel, FormatError, ImageReader, Provenance, Segment};
use evidence::{ByteCount, ByteOffset, CaseData, Extent, ExtentSet, HashSet, SectorSize};
use std::path::Path;

/// Reads one AFF4 image.
pub struct Aff4Reader {
    pub(super) container: Container,
    case: CaseData,
    provenance: Provenance,
    sector_size: Option<SectorSize>,
    unread: ExtentSet,
}

impl Aff4Reader {
    /// Opens the image in the volume at `path`. Where its streams are spread over several volumes, the others are looked
    /// for among the `.aff4` files beside it.
    ///
    /// # Errors
    /// A volume without central directory, damaged metadata or a damaged map, a missing volume, a kind of AFF4 that is not
    /// read here.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        Self::of(Container::open(path)?)
    }

    /// Opens what a checkpoint vouches for.
    ///
    /// # Errors
    /// As [`crate::open_unfinished`].
    pub fn open_unfinished(base: &Path, compression: Compression, state: &str) -> Result<Self, FormatError> {
        Self::of(State::parse(state, base)?.container(base, compression)?)
    }

    fn of(container: Container) -> Result<Self, FormatError> {
        let volume = container.volumes.first();
        let case = volume.map(|volume| case::read(&volume.graph, &container.image)).unwrap_or_default();
        let block = volume.and_then(|volume| volume.graph.number(&container.image, "blockSize"));
        let sector_size = block.and_then(|block| SectorSize::new(block).ok());
        let provenance = volume.map(|volume| provenance(volume, &container.image)).unwrap_or_default();
        let unread = container.map.unread();
        Ok(Self { container, case, provenance, sector_size, unread })
    }

    /// Fills a part of `buffer`, at most to the end of a stretch or chunk.
    fn read_part(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, FormatError> {
        let Container { files, volumes, streams, map, filled, .. } = &mut self.container;
        let stretch = filled.as_ref().unwrap_or(map).at(offset);
        let left =
            usize::try_from(stretch.end().saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..left).unwrap_or_default();
        let from = stretch.from.saturating_add(offset.saturating_sub(stretch.offset));
        match stretch.target {
            Target::Symbol(symbol) => {
                symbol.fill(from, buffer);
                Ok(left)
            }
            Target::Stream(number) => {
                let Some(stream) = streams.get_mut(number) else { return Ok(0) };
                let read = stream.read(files, volumes, from).map_err(|fault| lost(fault, &stretch))?;
                if read.is_empty() {
                    let media = Extent {
                        offset: ByteOffset(offset),
                        length: ByteCount(stretch.end().saturating_sub(offset)),
                    };
                    let what = "the map leads beyond the end of the image stream".to_owned();
                    let segment = files.path(0).to_owned();
                    return Err(FormatError::DamagedChunk { segment, offset: ByteOffset(0), media, what });
                }
                let length = read.len().min(left);
                if let (Some(to), Some(bytes)) = (buffer.get_mut(..length), read.get(..length)) {
                    to.copy_from_slice(bytes);
                }
                Ok(length)
            }
        }
    }
}

/// Translates bytes lost of a stream into bytes lost of the medium, as far as a stretch leads to them.
fn lost(fault: Fault, stretch: &Entry) -> FormatError {
    let media = |(start, end): (u64, u64)| {
        let shift =
            |at: u64| stretch.offset.saturating_add(at.saturating_sub(stretch.from)).min(stretch.end());
        let start = shift(start);
        Extent { offset: ByteOffset(start), length: ByteCount(shift(end).saturating_sub(start)) }
    };
    match fault {
        Fault::Damaged { segment, offset, what, lost } => {
            FormatError::DamagedChunk { segment, offset: ByteOffset(offset), media: media(lost), what }
        }
        Fault::Unreadable { error, lost } => error.losing(media(lost)),
    }
}

/// What a volume says of how the image was made. Nothing tells what kind of medium it was.
fn provenance(volume: &Volume, image: &str) -> Provenance {
    let graph = &volume.graph;
    let word = |property| graph.first(image, property).unwrap_or_default();
    let model = [word("diskMake"), word("diskModel")].join(" ").trim().to_owned();
    let begun = graph.those_that_are("TimeStamps").find(|arn| graph.first(arn, "target") == Some(image));
    let begun = begun.and_then(|arn| graph.first(arn, "startTime"));
    Provenance {
        device: DeviceLabel { model, serial: word("diskSerial").to_owned() },
        software: volume.tool.clone(),
        acquired_at: begun.and_then(|time| time.parse().ok()).map(jiff::Timestamp::as_second),
        medium: None,
    }
}

impl ImageReader for Aff4Reader {
    fn format_name(&self) -> &'static str {
        "AFF4"
    }

    fn media_size(&self) -> ByteCount {
        ByteCount(self.container.map.size())
    }

    fn sector_size(&self) -> Option<SectorSize> {
        self.sector_size
    }

    fn segments(&self) -> &[Segment] {
        self.container.files.all()
    }

    fn case(&self) -> &CaseData {
        &self.case
    }

    fn provenance(&self) -> Provenance {
        self.provenance.clone()
    }

    fn stored_hashes(&self) -> &HashSet {
        &self.container.hashes
    }

    fn unread(&self) -> &ExtentSet {
        &self.unread
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, FormatError> {
        let size = self.container.map.size();
        let mut done = 0usize;
        loop {
            let at = offset.0.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            let rest = buffer.get_mut(done..).unwrap_or_default();
            if rest.is_empty() || at >= size {
                return Ok(done);
            }
            done = done.saturating_add(self.read_part(at, rest)?);
        }
    }

    fn compared_all_with_checksums(&self) -> bool {
        !self.container.streams.iter().any(|stream| stream.read_without_hash)
    }

    fn check(&mut self) -> Vec<FormatError> {
        examination::examine(&mut self.container)
    }
}
