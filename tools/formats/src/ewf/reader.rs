//! Reads E01: from a media offset to a table, a chunk, and its bytes.

use super::chunk::Decoder;
use super::container::{Container, TablePlace, read_table_header};
use super::section::{Section, SectionKind};
use super::state::State;
use super::table::{self, ChunkPlace};
use super::{error_table, examination, hash_sections, header, stored_form};
use crate::{FormatError, ImageReader, Provenance, Segment};
use evidence::{ByteCount, ByteOffset, CaseData, Extent, ExtentSet, HashAlgorithm, HashSet, SectorSize};
use std::num::NonZeroU64;
use std::path::Path;

/// Reads one E01 image.
pub struct EwfReader {
    pub(super) container: Container,
    case: CaseData,
    provenance: Provenance,
    hashes: HashSet,
    unread: ExtentSet,
    /// The table last used.
    loaded: Option<LoadedTable>,
    /// The chunk last used, and a place for its stored form.
    cached: Option<u64>,
    media: Vec<u8>,
    stored: Vec<u8>,
    decoder: Decoder,
}

struct LoadedTable {
    index: usize,
    places: Vec<ChunkPlace>,
}

impl EwfReader {
    /// Opens the image whose first segment is `path`, with all its segments.
    ///
    /// # Errors
    /// A missing, swapped, foreign or truncated segment, a damaged chain of sections, a damaged volume section.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        Self::of(Container::open(path)?)
    }

    /// Opens what a checkpoint vouches for.
    ///
    /// # Errors
    /// As [`crate::open_unfinished`].
    pub fn open_unfinished(base: &Path, state: &str) -> Result<Self, FormatError> {
        Self::of(State::parse(state, base)?.container(base)?)
    }

    fn of(container: Container) -> Result<Self, FormatError> {
        let mut reader = Self {
            container,
            case: CaseData::default(),
            provenance: Provenance::default(),
            hashes: HashSet::new(),
            unread: ExtentSet::new(),
            loaded: None,
            cached: None,
            media: Vec::new(),
            stored: Vec::new(),
            decoder: Decoder::new(),
        };
        reader.read_metadata()?;
        Ok(reader)
    }

    /// Takes what can be taken; the examination names what could not.
    fn read_metadata(&mut self) -> Result<(), FormatError> {
        let bytes_per_sector = self.container.geometry.bytes_per_sector;
        let mut case_from = None;
        for (segment, section) in self.container.sections.clone() {
            let Some(largest) = largest_content(section.kind) else { continue };
            let Ok(content) = self.container.content(segment, &section, largest)? else { continue };
            match section.kind {
                // The UTF-16 header loses nothing, so it comes first.
                SectionKind::Header | SectionKind::Header2 if case_from != Some(SectionKind::Header2) => {
                    if (case_from.is_none() || section.kind == SectionKind::Header2)
                        && let Ok(told) = header::parse(&content)
                    {
                        (self.case, self.provenance) = (told.case, told.provenance);
                        case_from = Some(section.kind);
                    }
                }
                SectionKind::Digest => {
                    for (algorithm, digest) in
                        hash_sections::parse_digest(&content).unwrap_or_default().iter()
                    {
                        self.hashes.insert(algorithm, digest.clone());
                    }
                }
                SectionKind::Hash => {
                    if let Ok(md5) = hash_sections::parse_hash(&content)
                        && self.hashes.get(HashAlgorithm::Md5).is_none()
                    {
                        self.hashes.insert(HashAlgorithm::Md5, md5);
                    }
                }
                // Only one is ever written; the examination names a second.
                SectionKind::Error2 if self.unread.is_empty() => {
                    self.unread = error_table::parse(&content, bytes_per_sector).unwrap_or_default();
                }
                _ => {}
            }
        }
        self.provenance.medium = self.container.geometry.medium;
        Ok(())
    }

    /// Reads the entries of one table section.
    pub(super) fn entries(
        &mut self,
        place: &TablePlace,
        section: &Section,
    ) -> Result<Result<Vec<ChunkPlace>, &'static str>, FormatError> {
        let (count, base) = match read_table_header(&mut self.container.files, place.segment, section)? {
            Ok(header) => header,
            Err(what) => return Ok(Err(what)),
        };
        if count != place.count {
            return Ok(Err("it and its mirror differ in the number of entries"));
        }
        let footer = if place.encase1 { 0 } else { 4 };
        let length = u64::from(count).saturating_mul(4).saturating_add(footer);
        if length.saturating_add(table::HEADER) > section.content_size() {
            return Ok(Err("it is too short for its entries"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let offset = section.content().saturating_add(table::HEADER);
        self.container.files.read(place.segment, offset, &mut bytes)?;
        Ok(table::parse_entries(&bytes, base, footer != 0).and_then(|places| within(places, place.region)))
    }

    /// Loads the table of a chunk, or its mirror where the table is damaged.
    fn load(&mut self, chunk: u64) -> Result<(TablePlace, usize), FormatError> {
        let tables = &self.container.tables;
        let index = tables.partition_point(|place| place.first_chunk <= chunk).saturating_sub(1);
        let Some(place) = tables.get(index).copied() else { return Err(self.no_table(chunk)) };
        let within = chunk.saturating_sub(place.first_chunk);
        if within >= u64::from(place.count) {
            return Err(self.no_table(chunk));
        }
        let within = usize::try_from(within).unwrap_or(usize::MAX);
        if matches!(&self.loaded, Some(loaded) if loaded.index == index) {
            return Ok((place, within));
        }
        let size = u64::from(self.container.geometry.chunk_size());
        let start = place.first_chunk.saturating_mul(size);
        let end = start.saturating_add(size.saturating_mul(u64::from(place.count)));
        let mut flaw = "";
        for section in [Some(place.table), place.mirror].into_iter().flatten() {
            let entries = self.entries(&place, &section);
            match entries.map_err(|error| error.losing(self.extent(start, end)))? {
                Ok(places) => {
                    self.loaded = Some(LoadedTable { index, places });
                    return Ok((place, within));
                }
                Err(what) => flaw = what,
            }
        }
        let what = format!("the table of these chunks cannot be used: {flaw}");
        Err(self.damaged(&place, place.table.offset, (start, end), what))
    }

    fn no_table(&self, chunk: u64) -> FormatError {
        let last = self.container.files.all().len().saturating_sub(1);
        let start = chunk.saturating_mul(u64::from(self.container.geometry.chunk_size()));
        FormatError::DamagedChunk {
            segment: self.container.files.path(last).to_owned(),
            offset: ByteOffset(self.container.files.size(last)),
            media: self.extent(start, u64::MAX),
            what: "no table lists the chunks from here to the end of the medium".to_owned(),
        }
    }

    fn damaged(
        &self,
        place: &TablePlace,
        offset: u64,
        (start, end): (u64, u64),
        what: String,
    ) -> FormatError {
        FormatError::DamagedChunk {
            segment: self.container.files.path(place.segment).to_owned(),
            offset: ByteOffset(offset),
            media: self.extent(start, end),
            what,
        }
    }

    /// A media range, cut at the end of the medium.
    pub(super) fn extent(&self, start: u64, end: u64) -> Extent {
        let end = end.min(self.container.geometry.media_size());
        Extent { offset: ByteOffset(start), length: ByteCount(end.saturating_sub(start)) }
    }

    /// The media bytes of a chunk, its stored bytes, and where they begin.
    pub(super) fn stored_chunk(&mut self, chunk: u64) -> Result<(&[u8], &[u8], u64), FormatError> {
        self.cached = None;
        self.chunk(chunk)?;
        let (_, within) = self.load(chunk)?;
        let place = self.loaded.as_ref().and_then(|loaded| loaded.places.get(within));
        Ok((&self.media, &self.stored, place.map_or(0, |place| place.offset)))
    }

    /// Has the media bytes of a chunk in `self.media`.
    fn chunk(&mut self, chunk: u64) -> Result<(), FormatError> {
        if self.cached == Some(chunk) {
            return Ok(());
        }
        self.cached = None;
        let (table, within) = self.load(chunk)?;
        let size = u64::from(self.container.geometry.chunk_size());
        let start = chunk.saturating_mul(size);
        let media = self.extent(start, start.saturating_add(size));
        let places = self.loaded.as_ref().map_or(&[][..], |loaded| &loaded.places);
        let Some(place) = places.get(within).copied() else { return Err(self.no_table(chunk)) };
        let end = places.get(within.saturating_add(1)).map_or(table.region.1, |next| next.offset);

        let chunk_size = usize::try_from(size).unwrap_or(usize::MAX);
        // A stored chunk is hardly longer than its media; a damaged neighbour must not make us read gigabytes.
        let longest = chunk_size.saturating_add(chunk_size / 8).saturating_add(4096);
        let length = usize::try_from(end.saturating_sub(place.offset)).unwrap_or(usize::MAX).min(longest);
        self.stored.resize(length, 0);
        if let Err(error) = self.container.files.read(table.segment, place.offset, &mut self.stored) {
            return Err(error.losing(media));
        }
        let expected = usize::try_from(media.length.0).unwrap_or(usize::MAX);
        self.decoder
            .decode(&self.stored, place.compressed, expected, chunk_size, &mut self.media)
            .map_err(|what| self.damaged(&table, place.offset, (start, media.end()), what.to_owned()))?;
        self.cached = Some(chunk);
        Ok(())
    }
}

impl ImageReader for EwfReader {
    fn format_name(&self) -> &'static str {
        "EWF (E01)"
    }

    fn media_size(&self) -> ByteCount {
        ByteCount(self.container.geometry.media_size())
    }

    fn sector_size(&self) -> Option<SectorSize> {
        SectorSize::new(u64::from(self.container.geometry.bytes_per_sector)).ok()
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
        &self.hashes
    }

    fn unread(&self) -> &ExtentSet {
        &self.unread
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, FormatError> {
        let chunk_size =
            NonZeroU64::new(u64::from(self.container.geometry.chunk_size())).unwrap_or(NonZeroU64::MIN);
        let media_size = self.container.geometry.media_size();
        let mut done = 0usize;
        loop {
            let at = offset.0.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            let rest = buffer.get_mut(done..).unwrap_or_default();
            if rest.is_empty() || at >= media_size {
                return Ok(done);
            }
            self.chunk(at / chunk_size)?;
            let within = usize::try_from(at % chunk_size).unwrap_or(usize::MAX);
            let available = self.media.get(within..).unwrap_or_default();
            let length = available.len().min(rest.len());
            let (Some(to), Some(from)) = (rest.get_mut(..length), available.get(..length)) else {
                return Ok(done);
            };
            to.copy_from_slice(from);
            done = done.saturating_add(length);
        }
    }

    fn stored_otherwise(&mut self, segment: usize) -> Option<Vec<(ByteOffset, Extent)>> {
        stored_form::unlike_ours(self, segment)
    }

    fn check(&mut self) -> Vec<FormatError> {
        examination::examine(self)
    }
}

/// Largest content read of sections that carry metadata; `None` for the others.
pub(super) fn largest_content(kind: SectionKind) -> Option<u64> {
    match kind {
        SectionKind::Header | SectionKind::Header2 => Some(header::LARGEST_STORED),
        SectionKind::Digest
        | SectionKind::Hash
        | SectionKind::Volume
        | SectionKind::Disk
        | SectionKind::Data => Some(4096),
        SectionKind::Error2 => Some(error_table::LARGEST),
        _ => None,
    }
}

/// Chunks must begin inside their region.
fn within(places: Vec<ChunkPlace>, (start, end): (u64, u64)) -> Result<Vec<ChunkPlace>, &'static str> {
    let first = places.first().is_none_or(|place| place.offset >= start);
    let last = places.last().is_none_or(|place| place.offset < end);
    if first && last { Ok(places) } else { Err("its offsets lie outside the chunk data") }
}
