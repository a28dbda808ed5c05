//! Writes an image stream: chunks into bevies, and behind each bevy its index and its block hashes.

use super::hashes::{self, Algorithm, Running};
use super::state;
use super::vocabulary::member_name;
use super::zip_writer::{MemberName, ZipWriter};
use crate::FormatError;
use evidence::Digest;
use std::sync::Arc;

/// Bytes of a chunk: that of the reference images, and the largest that keeps small reads cheap for every reader.
pub(super) const CHUNK: u32 = 32_768;
/// Chunks in a bevy: 64 MiB of data, as in the reference images; readers that load whole bevies manage it.
pub(super) const CHUNKS_IN_BEVY: u32 = 2048;
/// What protects each chunk.
pub(super) const BLOCK_HASH: Algorithm = Algorithm::Sha256;
/// What everything above the block hashes is hashed with, as in the reference images.
pub(super) const TREE_HASH: Algorithm = Algorithm::Sha512;

/// An image stream being written.
pub(super) struct BevyWriter {
    folder: Arc<str>,
    /// Chunks written.
    chunks: u64,
    bevy: Option<OpenBevy>,
    block_hashes: Running,
    index_hash: Running,
}

struct OpenBevy {
    number: u64,
    length: u64,
    index: Vec<u8>,
    hashes: Vec<u8>,
}

/// A finished image stream.
pub(super) struct WrittenStream {
    /// Its length in bytes, always whole chunks.
    pub(super) size: u64,
    /// Hash over all block hashes.
    pub(super) block_hashes: Digest,
    /// Hash over all indexes.
    pub(super) index: Digest,
}

impl BevyWriter {
    pub(super) fn new(volume: &str, stream: &str) -> Self {
        Self {
            folder: member_name(volume, stream, "").into(),
            chunks: 0,
            bevy: None,
            block_hashes: TREE_HASH.begin(),
            index_hash: TREE_HASH.begin(),
        }
    }

    /// A stream that is gone on with. The tables of each complete bevy are told with [`BevyWriter::complete`].
    pub(super) fn reopen(volume: &str, stream: &str, bevies: u64, open: Option<&state::OpenBevy>) -> Self {
        let before = bevies.saturating_mul(CHUNKS_IN_BEVY.into());
        let within = open.map_or(0, |open| open.chunks.len());
        Self {
            chunks: before.saturating_add(u64::try_from(within).unwrap_or(u64::MAX)),
            bevy: open.map(|open| OpenBevy {
                number: bevies,
                length: open.length(),
                index: open.index(),
                hashes: open.hashes(),
            }),
            ..Self::new(volume, stream)
        }
    }

    /// Takes the tables of a bevy that an earlier process completed.
    pub(super) fn complete(&mut self, index: &[u8], hashes: &[u8]) {
        self.index_hash.update(index);
        self.block_hashes.update(hashes);
    }

    /// What is in the bevy that is being filled: stored length and hash of each chunk.
    pub(super) fn open_chunks(&self) -> Vec<(u32, [u8; 32])> {
        let Some(bevy) = &self.bevy else { return Vec::new() };
        let lengths = bevy
            .index
            .as_chunks::<12>()
            .0
            .iter()
            .map(|[.., a, b, c, d]| u32::from_le_bytes([*a, *b, *c, *d]));
        lengths.zip(bevy.hashes.as_chunks::<32>().0.iter().copied()).collect()
    }

    /// Where in the stream the next chunk begins.
    pub(super) fn position(&self) -> u64 {
        self.chunks.saturating_mul(CHUNK.into())
    }

    /// Adds a chunk in stored form.
    pub(super) fn add(
        &mut self,
        zip: &mut ZipWriter,
        stored: &[u8],
        hash: &[u8; 32],
    ) -> Result<(), FormatError> {
        let number = self.chunks.checked_div(CHUNKS_IN_BEVY.into()).unwrap_or(0);
        if self.bevy.as_ref().is_some_and(|bevy| bevy.number != number) {
            self.end_bevy(zip)?;
        }
        if self.bevy.is_none() {
            zip.begin(self.name(number, ""))?;
        }
        let bevy = self.bevy.get_or_insert_with(|| OpenBevy {
            number,
            length: 0,
            index: Vec::new(),
            hashes: Vec::new(),
        });
        zip.write(stored)?;
        bevy.index.extend(bevy.length.to_le_bytes());
        bevy.index.extend(u32::try_from(stored.len()).unwrap_or(u32::MAX).to_le_bytes());
        bevy.hashes.extend(hash);
        bevy.length = bevy.length.saturating_add(u64::try_from(stored.len()).unwrap_or(u64::MAX));
        self.chunks = self.chunks.saturating_add(1);
        Ok(())
    }

    fn end_bevy(&mut self, zip: &mut ZipWriter) -> Result<(), FormatError> {
        let Some(OpenBevy { number, index, hashes, .. }) = self.bevy.take() else { return Ok(()) };
        self.index_hash.update(&index);
        self.block_hashes.update(&hashes);
        zip.member(self.name(number, BLOCK_HASH.ending()), &hashes)?;
        zip.member(self.name(number, ".index"), &index)
    }

    pub(super) fn name(&self, number: u64, ending: &'static str) -> MemberName {
        MemberName::Bevy { folder: Arc::clone(&self.folder), number, ending }
    }

    /// Ends the last bevy.
    pub(super) fn finish(mut self, zip: &mut ZipWriter) -> Result<WrittenStream, FormatError> {
        self.end_bevy(zip)?;
        Ok(WrittenStream {
            size: self.position(),
            block_hashes: hashes::finish(self.block_hashes),
            index: hashes::finish(self.index_hash),
        })
    }
}
