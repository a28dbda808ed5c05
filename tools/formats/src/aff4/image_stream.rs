//! An image stream: chunks in bevies, each bevy with an index and, mostly, a hash of every chunk (AFF4 §3, §6.2).

use super::bevy_writer::{BLOCK_HASH, CHUNK, CHUNKS_IN_BEVY};
use super::compression::{Codec, Compression};
use super::hashes::Algorithm;
use super::vocabulary::member_name;
use super::volume::Volume;
use super::zip_layout::{Entry, Method};
use crate::FormatError;
use crate::little_endian::{u32_at, u64_at};
use crate::segment_files::SegmentFiles;
use std::num::NonZeroU64;
use std::path::PathBuf;

/// Length of an entry of a bevy's index.
pub(super) const INDEX_ENTRY: usize = 12;
/// Largest chunk read, in bytes.
const LARGEST_CHUNK: u64 = 16 << 20;
/// Most chunks in a bevy.
const MOST_CHUNKS: u64 = 1 << 18;
/// Index and hashes of a bevy at most, in bytes.
pub(super) const LARGEST_TABLE: u64 = MOST_CHUNKS * 64;

/// One image stream of a volume.
pub(super) struct ImageStream {
    pub(super) arn: String,
    /// Number of the volume that holds it.
    pub(super) volume: usize,
    pub(super) size: u64,
    chunk_size: NonZeroU64,
    chunks_in_bevy: NonZeroU64,
    /// What the names of its members begin with.
    folder: String,
    /// Algorithms of its block hashes, in their standard order.
    pub(super) algorithms: Vec<Algorithm>,
    /// Compares every block hash of a chunk and not the strongest alone.
    pub(super) thorough: bool,
    codec: Codec,
    bevy: Option<Bevy>,
    /// A bevy that is still being filled: its tables are in no volume yet.
    pub(super) unfinished: Option<Bevy>,
    /// The chunk last used, and a place for its stored form.
    cached: Option<u64>,
    chunk: Vec<u8>,
    stored: Vec<u8>,
    /// True once a chunk was read of which no hash is stated.
    pub(super) read_without_hash: bool,
}

/// A bevy and its tables.
#[derive(Clone)]
pub(super) struct Bevy {
    pub(super) number: u64,
    /// Where its data begins, and how long it is.
    pub(super) data: u64,
    pub(super) length: u64,
    pub(super) index: Vec<u8>,
    pub(super) hashes: Vec<(Algorithm, Vec<u8>)>,
}

/// Why bytes of a stream cannot be had.
pub(super) enum Fault {
    /// What is stored is damaged.
    Damaged {
        segment: PathBuf,
        offset: u64,
        what: String,
        /// First byte of the stream that is lost, and the one after the last.
        lost: (u64, u64),
    },
    /// The system could not read.
    Unreadable { error: FormatError, lost: (u64, u64) },
}

impl ImageStream {
    /// Takes the description of `arn` from the metadata of its volume.
    pub(super) fn describe(volume: &Volume, number: usize, arn: &str) -> Result<Self, String> {
        let graph = &volume.graph;
        let number_of =
            |property| graph.number(arn, property).ok_or_else(|| format!("{arn} states no {property}"));
        let within = |property, least: u64, most: u64| match number_of(property)? {
            value if (least..=most).contains(&value) => {
                NonZeroU64::new(value).ok_or_else(|| format!("{arn} states a {property} of 0"))
            }
            value => Err(format!("{arn} states a {property} of {value}; {least} to {most} are read")),
        };
        let method = graph.first(arn, "compressionMethod");
        let Some(compression) = Compression::of(method) else {
            return Err(format!("{arn} is compressed by {}", method.unwrap_or_default()));
        };
        let mut stream = Self {
            arn: arn.to_owned(),
            volume: number,
            size: number_of("size")?,
            chunk_size: within("chunkSize", 512, LARGEST_CHUNK)?,
            chunks_in_bevy: within("chunksInSegment", 1, MOST_CHUNKS)?,
            folder: member_name(&volume.arn, arn, ""),
            algorithms: Vec::new(),
            thorough: false,
            codec: Codec::new(compression),
            bevy: None,
            unfinished: None,
            cached: None,
            chunk: Vec::new(),
            stored: Vec::new(),
            read_without_hash: false,
        };
        let raw = format!("{arn}/");
        if !volume.zip.holds(&stream.member(0, "")) && volume.zip.holds(&format!("{raw}00000000")) {
            stream.folder = raw;
        }
        stream.algorithms = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| {
                graph.all(&stream.block_hashes_arn(*algorithm), "hash").next().is_some()
                    || volume.zip.holds(&stream.member(0, algorithm.ending()))
            })
            .collect();
        Ok(stream)
    }

    /// A stream that is still being written here, as its writer lays it out.
    pub(super) fn unfinished(volume: &str, arn: &str, size: u64, compression: Compression) -> Self {
        Self {
            arn: arn.to_owned(),
            volume: 0,
            size,
            chunk_size: NonZeroU64::MIN.saturating_add(u64::from(CHUNK).saturating_sub(1)),
            chunks_in_bevy: NonZeroU64::MIN.saturating_add(u64::from(CHUNKS_IN_BEVY).saturating_sub(1)),
            folder: member_name(volume, arn, ""),
            algorithms: vec![BLOCK_HASH],
            thorough: false,
            codec: Codec::new(compression),
            bevy: None,
            unfinished: None,
            cached: None,
            chunk: Vec::new(),
            stored: Vec::new(),
            read_without_hash: false,
        }
    }

    /// Name of a member of bevy `number`.
    pub(super) fn member(&self, number: u64, ending: &str) -> String {
        format!("{}{number:08}{ending}", self.folder)
    }

    /// The ARN that stands for all block hashes of an algorithm.
    pub(super) fn block_hashes_arn(&self, algorithm: Algorithm) -> String {
        format!("{}/blockhash.{}", self.arn, algorithm.word())
    }

    /// How many bevies the stream has.
    pub(super) fn bevies(&self) -> u64 {
        self.size.div_ceil(self.chunk_size.get()).div_ceil(self.chunks_in_bevy.get())
    }

    /// The stream's bytes from `offset` to the end of the chunk that holds it; none past the end.
    pub(super) fn read(
        &mut self,
        files: &mut SegmentFiles,
        volumes: &[Volume],
        offset: u64,
    ) -> Result<&[u8], Fault> {
        if offset >= self.size {
            return Ok(&[]);
        }
        let number = offset / self.chunk_size;
        if self.cached != Some(number) {
            self.cached = None;
            self.load(files, volumes, number)?;
            self.cached = Some(number);
        }
        let within = usize::try_from(offset % self.chunk_size).unwrap_or(usize::MAX);
        Ok(self.chunk.get(within..).unwrap_or_default())
    }

    /// Has a chunk in `self.chunk`, cut at the end of the stream.
    fn load(&mut self, files: &mut SegmentFiles, volumes: &[Volume], number: u64) -> Result<(), Fault> {
        let bevy_number = number / self.chunks_in_bevy;
        let lost = self.range(number, 1);
        let Some(volume) = volumes.get(self.volume) else {
            return Err(damaged(PathBuf::new(), 0, "its volume is not open", lost));
        };
        if self.bevy.as_ref().is_none_or(|bevy| bevy.number != bevy_number) {
            self.bevy = None;
            let first = bevy_number.saturating_mul(self.chunks_in_bevy.get());
            let all = self.range(first, self.chunks_in_bevy.get());
            self.bevy = Some(self.bevy(files, volume, bevy_number, all)?);
        }
        let Some(bevy) = &self.bevy else { return Ok(()) };
        let path = files.path(volume.zip.segment).to_owned();
        let slot = usize::try_from(number % self.chunks_in_bevy).unwrap_or(usize::MAX);
        let entry = slot.saturating_mul(INDEX_ENTRY);
        let place = u64_at(&bevy.index, entry).zip(u32_at(&bevy.index, entry.saturating_add(8)));
        let Some((start, length)) = place else {
            return Err(damaged(path, bevy.data, "the index of the bevy ends before this chunk", lost));
        };
        let at = bevy.data.saturating_add(start);
        let full = usize::try_from(self.chunk_size.get()).unwrap_or(usize::MAX);
        let longest = u64::try_from(Compression::longest(full)).unwrap_or(u64::MAX);
        let length = u64::from(length);
        if start.checked_add(length).is_none_or(|end| end > bevy.length) || length > longest || length == 0 {
            return Err(damaged(path, bevy.data, "the index places the chunk outside its bevy", lost));
        }
        self.stored.resize(usize::try_from(length).unwrap_or(0), 0);
        if let Err(error) = files.read(volume.zip.segment, at, &mut self.stored) {
            return Err(Fault::Unreadable { error, lost });
        }
        let unpacked = self.codec.decompress(&self.stored, full, &mut self.chunk);
        unpacked.map_err(|what| damaged(path.clone(), at, what, lost))?;
        let expected = usize::try_from(lost.1.saturating_sub(lost.0)).unwrap_or(usize::MAX);
        if self.chunk.len() < expected {
            return Err(damaged(path, at, "the chunk holds fewer bytes than it should", lost));
        }
        for (algorithm, hashes) in &bevy.hashes {
            let begin = slot.saturating_mul(algorithm.length());
            let Some(stated) = hashes.get(begin..begin.saturating_add(algorithm.length())) else {
                return Err(damaged(path, at, "the block hashes end before that of this chunk", lost));
            };
            // Programs differ on whether the padding of the last chunk takes part.
            let cut = self.chunk.get(..expected).unwrap_or_default();
            let fits = [cut, &self.chunk].into_iter().any(|bytes| algorithm.of(bytes).as_bytes() == stated);
            if !fits {
                let what = format!("the {} of the chunk is another than stated", algorithm.name());
                return Err(damaged(path, at, what, lost));
            }
        }
        self.read_without_hash |= bevy.hashes.is_empty();
        self.chunk.truncate(expected);
        Ok(())
    }

    /// Reads the tables of a bevy.
    fn bevy(
        &self,
        files: &mut SegmentFiles,
        volume: &Volume,
        number: u64,
        lost: (u64, u64),
    ) -> Result<Bevy, Fault> {
        if let Some(bevy) = self.unfinished.as_ref().filter(|bevy| bevy.number == number) {
            return Ok(bevy.clone());
        }
        let name = self.member(number, "");
        let path = files.path(volume.zip.segment).to_owned();
        let Some(entry) = volume.zip.find(&name) else {
            let what = format!("the volume has no bevy {name}");
            return Err(damaged(path, volume.zip.directory_offset(), what, lost));
        };
        if entry.method != Method::Stored {
            return Err(damaged(path, entry.header, "the bevy as a whole is compressed", lost));
        }
        let told = |error| fault(error, lost);
        let data = volume.zip.data(files, &name, &entry).map_err(told)?;
        let index = volume.zip.read(files, &self.member(number, ".index"), LARGEST_TABLE).map_err(told)?;
        let mut hashes = Vec::new();
        for algorithm in self.compared() {
            let table = self.member(number, algorithm.ending());
            // A table that is missing is told by the examination; the chunks are no worse for it.
            if volume.zip.holds(&table) {
                hashes.push((algorithm, volume.zip.read(files, &table, LARGEST_TABLE).map_err(told)?));
            }
        }
        Ok(Bevy { number, data, length: entry.stored, index, hashes })
    }

    fn compared(&self) -> Vec<Algorithm> {
        if self.thorough {
            return self.algorithms.clone();
        }
        Algorithm::strongest(&self.algorithms).into_iter().collect()
    }

    /// True when nothing but the checksum of the ZIP member protects a bevy's chunks.
    pub(super) fn rests_on_checksum(&self, volume: &Volume, bevy: u64) -> Option<(String, Entry)> {
        let hashed =
            self.algorithms.iter().any(|algorithm| volume.zip.holds(&self.member(bevy, algorithm.ending())));
        let name = self.member(bevy, "");
        let entry = volume.zip.find(&name).filter(|entry| !hashed && entry.method == Method::Stored)?;
        Some((name, entry))
    }

    /// The bytes of the stream in some chunks.
    fn range(&self, first: u64, count: u64) -> (u64, u64) {
        let size = self.chunk_size.get();
        let start = first.saturating_mul(size);
        (start, start.saturating_add(count.saturating_mul(size)).min(self.size))
    }

    /// Lets go of what was read, so that the next read reads anew.
    pub(super) fn forget(&mut self) {
        (self.bevy, self.cached) = (None, None);
    }
}

fn damaged(segment: PathBuf, offset: u64, what: impl Into<String>, lost: (u64, u64)) -> Fault {
    Fault::Damaged { segment, offset, what: what.into(), lost }
}

/// What is wrong with a member makes its bevy unusable.
fn fault(error: FormatError, lost: (u64, u64)) -> Fault {
    match error {
        FormatError::DamagedStructure { segment, offset, part, what } => {
            damaged(segment, offset.0, format!("{part}: {what}"), lost)
        }
        error => Fault::Unreadable { error, lost },
    }
}
