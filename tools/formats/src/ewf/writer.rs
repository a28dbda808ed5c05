//! Writes E01 in the layout of EnCase 6.
//!
//! Everything is written from front to end but one thing: the descriptor of a `sectors` section, whose length is known
//! when it ends, is patched then. A power cut therefore costs at most the section that was open; a checkpoint closes it.

use super::chunk::EwfEncoder;
use super::layout::Layout;
use super::section::{DESCRIPTOR, Section, SectionKind};
use super::state::State;
use super::table::{self, ChunkPlace};
use super::volume::Geometry;
use super::{SIGNATURE, error_table, hash_sections, header, segment_names};
use crate::destination::{DestinationFile, refuse_existing, sync_folder_of, with_suffix};
use crate::state::remove_segments;
use crate::{
    ChunkEncoder, EncodedChunk, FormatError, ImagePlan, ImageSummary, ImageWriter, Segment, WhenFull,
};
use evidence::{ByteCount, ByteOffset, HashAlgorithm};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes one E01 image.
pub struct EwfWriter {
    base: PathBuf,
    media_size: u64,
    layout: Layout,
    encoder: Arc<EwfEncoder>,
    /// Content of the volume section and of its copies.
    geometry: Vec<u8>,
    file: DestinationFile,
    /// The `sectors` section being filled.
    open: Option<OpenSectors>,
    /// Index of the next chunk.
    next_chunk: u32,
    stored: u64,
    finished: Vec<Segment>,
    /// The name of the current segment is durable.
    named: bool,
}

/// A `sectors` section whose end is not known yet.
struct OpenSectors {
    start: u64,
    places: Vec<ChunkPlace>,
}

impl EwfWriter {
    /// Checks the plan and creates the first segment.
    ///
    /// # Errors
    /// As [`crate::create`].
    pub fn create(plan: &ImagePlan) -> Result<Self, FormatError> {
        let (headers, beginning) = beginning(plan)?;
        let layout = Layout::of(plan, beginning)?;
        // The one after the last as well: readers would take it for a part of the image.
        for number in 1..=layout.most_segments.saturating_add(1) {
            if let Some(extension) = segment_names::extension(number, b'E') {
                refuse_existing(with_suffix(&plan.base, &extension))?;
            }
        }
        let geometry = Geometry {
            chunk_count: layout.chunk_count,
            sectors_per_chunk: layout.sectors_per_chunk,
            bytes_per_sector: layout.sector_size.bytes(),
            sector_count: layout.sector_count,
            set_identifier: random_identifier()?,
            medium: Some(plan.medium),
        };
        let mut writer = Self {
            base: plan.base.clone(),
            media_size: plan.media_size.0,
            encoder: Arc::new(EwfEncoder::new(usize::try_from(layout.chunk_size).unwrap_or(usize::MAX))?),
            layout,
            geometry: geometry.encode(),
            file: segment_file(&plan.base, 1, DestinationFile::create)?,
            open: None,
            next_chunk: 0,
            stored: 0,
            finished: Vec::new(),
            named: false,
        };
        for (kind, content) in &headers {
            writer.section(*kind, content)?;
        }
        writer.geometry_section(SectionKind::Volume)?;
        Ok(writer)
    }

    /// Goes on behind a checkpoint.
    ///
    /// # Errors
    /// As [`crate::resume`].
    pub fn resume(plan: &ImagePlan, state: &str) -> Result<Self, FormatError> {
        let state = State::parse(state, &plan.base)?;
        let geometry = state.geometry(&plan.base)?;
        let (_, beginning) = beginning(plan)?;
        let layout = Layout::of(plan, beginning)?;
        let stated = Geometry::parse(&geometry);
        let same = |stated: &Geometry| {
            stated.chunk_count == layout.chunk_count
                && stated.sectors_per_chunk == layout.sectors_per_chunk
                && stated.bytes_per_sector == layout.sector_size.bytes()
                && stated.sector_count == layout.sector_count
        };
        if !stated.is_ok_and(|stated| same(&stated)) || state.chunks > layout.chunk_count {
            let why = "it is the image of another medium".to_owned();
            return Err(FormatError::Unfinished { path: plan.base.clone(), why });
        }
        let mut finished = Vec::new();
        for number in 1..state.segment {
            let path = State { segment: number, ..state }.path(&plan.base);
            let size = path.metadata().map_err(|error| FormatError::source(&path, 0, error))?.len();
            finished.push(Segment { path, size: ByteCount(size) });
        }
        let file = DestinationFile::reopen(state.path(&plan.base), state.length)?;
        remove_segments(&plan.base, names_from(u64::from(state.segment).saturating_add(1)))?;
        sync_folder_of(&plan.base)?;
        let before = u64::from(state.chunks).saturating_mul(u64::from(layout.chunk_size));
        Ok(Self {
            base: plan.base.clone(),
            media_size: plan.media_size.0,
            encoder: Arc::new(EwfEncoder::new(usize::try_from(layout.chunk_size).unwrap_or(usize::MAX))?),
            layout,
            geometry,
            file,
            open: None,
            next_chunk: state.chunks,
            stored: before.min(plan.media_size.0),
            finished,
            named: true,
        })
    }

    fn section(&mut self, kind: SectionKind, content: &[u8]) -> Result<(), FormatError> {
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        self.file.write(&Section::encode(kind, self.file.position(), size))?;
        self.file.write(content)
    }

    fn geometry_section(&mut self, kind: SectionKind) -> Result<(), FormatError> {
        let content = std::mem::take(&mut self.geometry);
        let outcome = self.section(kind, &content);
        self.geometry = content;
        outcome
    }

    /// Makes room for a chunk of `length` stored bytes: ends a full table, ends a full segment.
    fn make_room(&mut self, length: u64) -> Result<(), FormatError> {
        let position = self.file.position();
        let full = |open: &OpenSectors| {
            open.places.len() >= table::ENTRIES_WRITTEN
                || position.saturating_add(length).saturating_sub(open.start) > table::LARGEST_OFFSET
        };
        if self.open.as_ref().is_some_and(full) {
            self.close_sectors()?;
        }
        if !self.fits(length) {
            self.close_sectors()?;
            self.next_segment()?;
        }
        if self.open.is_none() {
            let start = self.file.position();
            self.file.write(&Section::encode_unfinished(SectionKind::Sectors, start))?;
            self.open = Some(OpenSectors { start, places: Vec::with_capacity(table::ENTRIES_WRITTEN) });
        }
        Ok(())
    }

    /// Whether a chunk, its tables and what follows them stay within the segment size.
    fn fits(&self, length: u64) -> bool {
        let (begin, entries) = match &self.open {
            Some(open) => (0, open.places.len()),
            None => (DESCRIPTOR, 0),
        };
        let tables =
            table::content_size(entries.saturating_add(1)).saturating_add(DESCRIPTOR).saturating_mul(2);
        let last = self.next_chunk.saturating_add(1) == self.layout.chunk_count;
        [begin, length, tables, self.layout.reserve(last)]
            .into_iter()
            .fold(self.file.position(), u64::saturating_add)
            <= self.layout.segment_size
    }

    fn close_sectors(&mut self) -> Result<(), FormatError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let content = self.file.position().saturating_sub(open.start).saturating_sub(DESCRIPTOR);
        self.file.patch(open.start, &Section::encode(SectionKind::Sectors, open.start, content))?;
        // Readers older than EnCase 6.7 do not know the base offset: it is used only where 31 bits do not reach.
        let base = match open.places.last() {
            Some(last) if last.offset > table::LARGEST_OFFSET => open.start,
            _ => 0,
        };
        let content = table::encode(base, &open.places);
        self.section(SectionKind::Table, &content)?;
        self.section(SectionKind::Table2, &content)
    }

    fn next_segment(&mut self) -> Result<(), FormatError> {
        self.section(SectionKind::Next, &[])?;
        // The current one is number finished + 1.
        let number = u64::try_from(self.finished.len()).unwrap_or(u64::MAX).saturating_add(2);
        let next = segment_file(&self.base, number, |path| self.file.create_next(path))?;
        self.named = false;
        self.finished.push(std::mem::replace(&mut self.file, next).close()?);
        self.geometry_section(SectionKind::Data)
    }

    fn tail(&mut self, summary: &ImageSummary) -> Result<(), FormatError> {
        if self.finished.is_empty() {
            // EnCase repeats the volume's content here in an image of one segment.
            self.geometry_section(SectionKind::Data)?;
        }
        if let Some(content) = error_table::encode(&summary.unread, self.layout.sector_size) {
            self.section(SectionKind::Error2, &content)?;
        }
        let md5 = summary.hashes.get(HashAlgorithm::Md5);
        if md5.is_some() || summary.hashes.get(HashAlgorithm::Sha1).is_some() {
            self.section(SectionKind::Digest, &hash_sections::encode_digest(&summary.hashes))?;
        }
        if let Some(md5) = md5 {
            self.section(SectionKind::Hash, &hash_sections::encode_hash(md5))?;
        }
        self.section(SectionKind::Done, &[])
    }
}

impl ImageWriter for EwfWriter {
    fn chunk_size(&self) -> usize {
        usize::try_from(self.layout.chunk_size).unwrap_or(usize::MAX)
    }

    fn encoder(&self) -> Arc<dyn ChunkEncoder> {
        let encoder: Arc<EwfEncoder> = Arc::clone(&self.encoder);
        encoder
    }

    fn append(&mut self, chunk: &EncodedChunk) -> Result<(), FormatError> {
        let length = u64::try_from(chunk.stored.len()).unwrap_or(u64::MAX);
        let expected = self.layout.chunk_length(self.next_chunk);
        let longest = expected.saturating_add(4);
        if expected == 0 || chunk.media_length.0 != expected || length == 0 || length > longest {
            let why = format!(
                "chunk {} holds {} of media where {} are due; nothing of it was stored",
                self.next_chunk,
                chunk.media_length,
                ByteCount(expected)
            );
            return Err(FormatError::Plan { path: self.base.clone(), why });
        }
        self.make_room(length)?;
        let place = ChunkPlace { offset: self.file.position(), compressed: chunk.compressed };
        self.file.write(&chunk.stored)?;
        if let Some(open) = &mut self.open {
            open.places.push(place);
        }
        self.next_chunk = self.next_chunk.saturating_add(1);
        self.stored = self.stored.saturating_add(expected);
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<Option<String>, FormatError> {
        self.close_sectors()?;
        self.file.sync()?;
        if !self.named {
            sync_folder_of(&self.base)?;
            self.named = true;
        }
        let segment = u16::try_from(self.finished.len().saturating_add(1)).unwrap_or(u16::MAX);
        Ok(Some(State { chunks: self.next_chunk, segment, length: self.file.position() }.text()))
    }

    fn ask_when_full(&mut self, when_full: Arc<dyn WhenFull>) {
        self.file.ask_when_full(when_full);
    }

    fn finish(mut self: Box<Self>, summary: &ImageSummary) -> Result<Vec<Segment>, FormatError> {
        if self.stored != self.media_size {
            return Err(FormatError::IncompleteWrite {
                path: self.base,
                stored: ByteCount(self.stored),
                planned: ByteCount(self.media_size),
            });
        }
        self.close_sectors()?;
        self.tail(summary)?;
        self.finished.push(self.file.close()?);
        sync_folder_of(&self.base)?;
        Ok(self.finished)
    }
}

/// Extensions of the segments from that number on.
pub(crate) fn names_from(number: u64) -> impl Iterator<Item = String> {
    let numbers = number..=segment_names::MOST_WRITTEN;
    numbers.filter_map(|number| segment_names::extension(number, b'E'))
}

/// A section's kind and content.
type Content = (SectionKind, Vec<u8>);

/// The header sections, and the bytes before the first chunk.
fn beginning(plan: &ImagePlan) -> Result<(Vec<Content>, u64), FormatError> {
    let compressor = |error: std::io::Error| FormatError::Compressor(error.to_string());
    let header2 = header::encode_header2(plan).map_err(compressor)?;
    let header = header::encode_header(plan).map_err(compressor)?;
    let headers = vec![
        (SectionKind::Header2, header2.clone()),
        (SectionKind::Header2, header2),
        (SectionKind::Header, header),
    ];
    let header_bytes = headers.iter().map(|(_, content)| content.len()).fold(0, usize::saturating_add);
    // File header and four descriptors, one of them the volume's.
    let fixed = 13 + 4 * DESCRIPTOR + 1052;
    Ok((headers, u64::try_from(header_bytes).unwrap_or(u64::MAX).saturating_add(fixed)))
}

/// Creates segment `number` with its file header.
fn segment_file(
    base: &Path,
    number: u64,
    create: impl FnOnce(PathBuf) -> Result<DestinationFile, FormatError>,
) -> Result<DestinationFile, FormatError> {
    let named = segment_names::extension(number, b'E').zip(u16::try_from(number).ok());
    let named = named.filter(|_| number <= segment_names::MOST_WRITTEN);
    let Some((extension, number)) = named else {
        let why = "no name is left for another segment; take larger segments".to_owned();
        return Err(FormatError::Plan { path: base.to_owned(), why });
    };
    let mut file = create(with_suffix(base, &extension))?;
    file.write(&SIGNATURE)?;
    file.write(&[0x01])?;
    file.write(&number.to_le_bytes())?;
    file.write(&[0x00, 0x00])?;
    Ok(file)
}

/// A random version 4 UUID (RFC 9562, section 5.4), in the byte order of a GUID: its first three fields little-endian.
pub(crate) fn random_identifier() -> Result<[u8; 16], FormatError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    File::open(source).and_then(|mut random| random.read_exact(&mut bytes)).map_err(|error| {
        FormatError::Source { path: source.to_owned(), offset: ByteOffset(0), media: None, source: error }
    })?;
    // The third field of a GUID is little-endian, so its version nibble is in the eighth byte; the variant follows.
    let [_, _, _, _, _, _, _, version, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    Ok(bytes)
}

#[cfg(test)]
mod limits;
