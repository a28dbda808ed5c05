//! Writes one AFF4 volume from front to end.
//!
//! | member | holds |
//! |---|---|
//! | `container.description`, `version.txt` | the volume's ARN; version and program |
//! | `STREAM/00000000`, `.blockHash.sha256`, `.index`, and so on | chunks that are not of one byte; SHA-256 and place of each |
//! | `MAP/map`, `MAP/idx` | where each stretch of the medium lies; unread ranges as `aff4:UnreadableData` |
//! | `FILLED/map`, `FILLED/idx` | with unread ranges only: the same with zeros, which the hashes of the medium are about |
//! | `information.turtle` | the metadata |
//!
//! A power cut leaves a volume without central directory, which every reader refuses; a checkpoint keeps what that would say.

use super::bevy_writer::{BLOCK_HASH, BevyWriter, CHUNK};
use super::compression::Compression;
use super::description::{self, Names, Written};
use super::encoder::Aff4Encoder;
use super::image_stream::LARGEST_TABLE;
use super::map::{Entry, Map, Target};
use super::map_writer;
use super::state::{self, OpenBevy, Parts, State};
use super::vocabulary::{CONTAINER_DESCRIPTION, INFORMATION, Symbol, VERSION};
use super::zip_layout::DosTime;
use super::zip_writer::{MemberName, ZipWriter};
use crate::destination::{DestinationFile, sync_folder_of, with_suffix};
use crate::{
    ChunkEncoder, EncodedChunk, FormatError, ImagePlan, ImageSummary, ImageWriter, Segment, WhenFull,
};
use evidence::ByteCount;
use flate2::Crc;
use std::sync::Arc;

/// Stretches of the map held in memory, 40 bytes each; beyond them, chunks of one byte go into bevies like others.
const MOST_STRETCHES: usize = 1 << 20;

/// Writes one AFF4 image.
pub struct Aff4Writer {
    plan: ImagePlan,
    compression: Compression,
    names: Names,
    encoder: Arc<Aff4Encoder>,
    zip: ZipWriter,
    stream: BevyWriter,
    map: Map,
    stored: u64,
    most_stretches: usize,
    /// The name of the file is durable.
    named: bool,
}

impl Aff4Writer {
    /// Checks the plan and creates the file.
    ///
    /// # Errors
    /// As [`crate::create`].
    pub fn create(plan: &ImagePlan, compression: Compression) -> Result<Self, FormatError> {
        if plan.segment_size.is_some() {
            let why =
                "an AFF4 image is one file; leave the segment size out, or take another format".to_owned();
            return Err(FormatError::Plan { path: plan.base.clone(), why });
        }
        let names = Names::new()?;
        let file = DestinationFile::create(with_suffix(&plan.base, "aff4"))?;
        let mut zip = ZipWriter::new(file, DosTime::of(plan.acquired_at));
        zip.member(MemberName::Plain(CONTAINER_DESCRIPTION.into()), names.volume.as_bytes())?;
        zip.member(MemberName::Plain(VERSION.into()), description::version(&plan.software).as_bytes())?;
        Ok(Self {
            compression,
            encoder: Arc::new(Aff4Encoder::new(usize::try_from(CHUNK).unwrap_or(usize::MAX), compression)),
            zip,
            stream: BevyWriter::new(&names.volume, &names.stream),
            map: Map::new(plan.media_size.0, Symbol::Byte(0)),
            stored: 0,
            most_stretches: MOST_STRETCHES,
            named: false,
            names,
            plan: plan.clone(),
        })
    }

    /// Goes on behind a checkpoint.
    ///
    /// # Errors
    /// As [`crate::resume`].
    pub fn resume(plan: &ImagePlan, compression: Compression, state: &str) -> Result<Self, FormatError> {
        let state = State::parse(state, &plan.base)?;
        if plan.segment_size.is_some() || state.stored > plan.media_size.0 {
            let why = "its checkpoint is about an image of another plan".to_owned();
            return Err(FormatError::Unfinished { path: plan.base.clone(), why });
        }
        let (mut files, volume) = state.volume(&plan.base)?;
        let mut stream =
            BevyWriter::reopen(&state.names.volume, &state.names.stream, state.bevies(), state.open.as_ref());
        for number in 0..state.bevies() {
            let mut table =
                |ending| volume.read(&mut files, &stream.name(number, ending).text(), LARGEST_TABLE);
            let (index, hashes) = (table(".index")?, table(BLOCK_HASH.ending())?);
            stream.complete(&index, &hashes);
        }
        let open = match &state.open {
            Some(open) => {
                let (name, mut crc) = (state.open_name(), Crc::new());
                volume.content(&mut files, &name.text(), |piece| crc.update(piece))?;
                Some((name, open.header, open.length(), crc))
            }
            None => None,
        };
        let State { names, length, stored, members, map, .. } = state;
        let file = DestinationFile::reopen(with_suffix(&plan.base, "aff4"), length)?;
        sync_folder_of(&plan.base)?;
        Ok(Self {
            compression,
            encoder: Arc::new(Aff4Encoder::new(usize::try_from(CHUNK).unwrap_or(usize::MAX), compression)),
            zip: ZipWriter::reopen(file, DosTime::of(plan.acquired_at), members, open),
            stream,
            map: map.of_size(plan.media_size.0),
            stored,
            most_stretches: MOST_STRETCHES,
            named: true,
            names,
            plan: plan.clone(),
        })
    }

    /// Puts a chunk of one byte into the map, unless the map has grown too long for it.
    fn add_repeated(&mut self, byte: u8, length: u64) -> Result<(), FormatError> {
        let target = Target::Symbol(Symbol::Byte(byte));
        if self.map.entries().len() < self.most_stretches || self.map.continues(target) {
            self.map.push(Entry { offset: self.stored, length, from: self.stored, target });
            return Ok(());
        }
        let media = vec![byte; usize::try_from(length).unwrap_or(0)];
        let mut chunk = EncodedChunk::default();
        self.encoder.encode_data(&media, &mut chunk)?;
        self.add_data(&chunk, length)
    }

    fn add_data(&mut self, chunk: &EncodedChunk, length: u64) -> Result<(), FormatError> {
        let Some(hash) = &chunk.block_hash else { return Err(self.misfit(chunk, length)) };
        let from = self.stream.position();
        self.stream.add(&mut self.zip, &chunk.stored, hash)?;
        self.map.push(Entry { offset: self.stored, length, from, target: Target::Stream(0) });
        Ok(())
    }

    fn misfit(&self, chunk: &EncodedChunk, expected: u64) -> FormatError {
        let why = format!(
            "a chunk at {} holds {} of media where {} are due; nothing of it was stored",
            self.stored,
            chunk.media_length,
            ByteCount(expected)
        );
        FormatError::Plan { path: self.plan.base.clone(), why }
    }
}

impl ImageWriter for Aff4Writer {
    fn chunk_size(&self) -> usize {
        usize::try_from(CHUNK).unwrap_or(usize::MAX)
    }

    fn encoder(&self) -> Arc<dyn ChunkEncoder> {
        let encoder: Arc<Aff4Encoder> = Arc::clone(&self.encoder);
        encoder
    }

    fn append(&mut self, chunk: &EncodedChunk) -> Result<(), FormatError> {
        let expected = self.plan.media_size.0.saturating_sub(self.stored).min(CHUNK.into());
        if expected == 0 || chunk.media_length.0 != expected || chunk.stored.len() > self.chunk_size() {
            return Err(self.misfit(chunk, expected));
        }
        match (&chunk.stored[..], &chunk.block_hash) {
            ([byte], None) => self.add_repeated(*byte, expected)?,
            _ => self.add_data(chunk, expected)?,
        }
        self.stored = self.stored.saturating_add(expected);
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<Option<String>, FormatError> {
        self.zip.file().sync()?;
        if !self.named {
            sync_folder_of(&self.plan.base)?;
            self.named = true;
        }
        let length = self.zip.file().position();
        let (members, open) = self.zip.members();
        let open = open.map(|header| OpenBevy { header, chunks: self.stream.open_chunks() });
        let (names, stored, map) = (&self.names, self.stored, &self.map);
        Ok(Some(state::text(&Parts { names, length, stored, members, open, map })))
    }

    fn ask_when_full(&mut self, when_full: Arc<dyn WhenFull>) {
        self.zip.file().ask_when_full(when_full);
    }

    fn finish(self: Box<Self>, summary: &ImageSummary) -> Result<Vec<Segment>, FormatError> {
        let Self { plan, compression, names, mut zip, stream, map, stored, .. } = *self;
        if stored != plan.media_size.0 {
            let (stored, planned) = (ByteCount(stored), plan.media_size);
            return Err(FormatError::IncompleteWrite { path: plan.base, stored, planned });
        }
        let stream = stream.finish(&mut zip)?;
        let (laid_out, filled) = if summary.unread.is_empty() {
            (map_writer::write(&mut zip, names.of_map(&names.map), &map)?, None)
        } else {
            let marked = map.overlaid(&summary.unread, Symbol::Unreadable);
            let laid_out = map_writer::write(&mut zip, names.of_map(&names.map), &marked)?;
            (laid_out, Some(map_writer::write(&mut zip, names.of_map(&names.filled), &map)?))
        };
        let written = Written { compression, stream, map: laid_out, filled };
        let metadata = description::metadata(&plan, &names, &written, &summary.hashes);
        zip.member(MemberName::Plain(INFORMATION.into()), metadata.as_bytes())?;
        // Evimetry ends the comment with a NUL, and others expect it.
        let segment = zip.close(format!("{}\0", names.volume).as_bytes())?;
        sync_folder_of(&plan.base)?;
        Ok(vec![segment])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ImageReader, MediumKind, aff4::Aff4Reader};
    use evidence::{ByteOffset, CaseData, SectorSize};

    #[test]
    fn a_map_that_has_grown_too_long_takes_no_more_stretches() {
        let folder = tempfile::tempdir().unwrap();
        let chunk = usize::try_from(CHUNK).unwrap();
        let media: Vec<u8> =
            (0..40 * chunk).map(|at| u8::from((at / chunk) % 2 == 0 && at % 2 == 0)).collect();
        let plan = ImagePlan {
            base: folder.path().join("item"),
            media_size: ByteCount(u64::try_from(media.len()).unwrap()),
            sector_size: SectorSize::S512,
            segment_size: None,
            case: CaseData::default(),
            device: None,
            software: "Permafrost".into(),
            acquired_at: 0,
            medium: MediumKind::Disk,
        };
        let mut writer = Box::new(Aff4Writer::create(&plan, Compression::Snappy).unwrap());
        writer.most_stretches = 10;
        let encoder = writer.encoder();
        for part in media.chunks(chunk) {
            writer.append(&encoder.encode(part).unwrap()).unwrap();
        }
        assert!(writer.map.entries().len() <= 11, "{} stretches", writer.map.entries().len());
        let path = writer.finish(&ImageSummary::default()).unwrap()[0].path.clone();
        let mut reader = Aff4Reader::open(&path).unwrap();
        let mut read = vec![0; media.len()];
        reader.read_at(ByteOffset(0), &mut read).unwrap();
        assert!(read == media);
        assert!(reader.check().is_empty());
    }
}
