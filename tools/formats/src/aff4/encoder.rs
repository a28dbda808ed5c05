//! Turns chunks of the medium into stored form, on any thread: finds chunks of one repeated byte, hashes the others and
//! compresses them.

use super::compression::{Codec, Compression};
use crate::repeated::consists_of;
use crate::{ChunkEncoder, EncodedChunk, FormatError};
use evidence::ByteCount;
use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};

/// Encodes chunks; compressors are kept for reuse, one for each thread that was ever busy at the same time.
pub(super) struct Aff4Encoder {
    chunk_size: usize,
    compression: Compression,
    idle: Mutex<Vec<Codec>>,
}

impl Aff4Encoder {
    pub(super) fn new(chunk_size: usize, compression: Compression) -> Self {
        Self { chunk_size, compression, idle: Mutex::default() }
    }

    /// The form that goes into a bevy, padded with zeros to a whole chunk (AFF4 1.0a §3.2).
    pub(super) fn encode_data(&self, media: &[u8], stored: &mut EncodedChunk) -> Result<(), FormatError> {
        let mut padded = Vec::new();
        let chunk = if media.len() < self.chunk_size {
            padded.extend_from_slice(media);
            padded.resize(self.chunk_size, 0);
            padded.as_slice()
        } else {
            media
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut codec = idle.unwrap_or_else(|| Codec::new(self.compression));
        let outcome = codec.compress(chunk, &mut stored.stored);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(codec);
        outcome.map_err(FormatError::Compressor)?;
        stored.compressed = stored.stored.len() < self.chunk_size;
        stored.media_length = length(media);
        stored.block_hash = Some(Sha256::digest(chunk).into());
        Ok(())
    }
}

impl ChunkEncoder for Aff4Encoder {
    fn encode(&self, media: &[u8]) -> Result<EncodedChunk, FormatError> {
        let mut chunk = EncodedChunk::default();
        self.encode_into(media, &mut chunk)?;
        Ok(chunk)
    }

    fn encode_into(&self, media: &[u8], chunk: &mut EncodedChunk) -> Result<(), FormatError> {
        let Some(byte) = repeated(media) else { return self.encode_data(media, chunk) };
        // The map will say it: such a chunk takes no room in a bevy.
        chunk.stored.clear();
        chunk.stored.push(byte);
        chunk.media_length = length(media);
        chunk.compressed = true;
        chunk.block_hash = None;
        Ok(())
    }
}

fn length(media: &[u8]) -> ByteCount {
    ByteCount(u64::try_from(media.len()).unwrap_or(u64::MAX))
}

/// The byte that a chunk consists of.
fn repeated(bytes: &[u8]) -> Option<u8> {
    let byte = *bytes.first()?;
    consists_of(bytes, byte).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_of_one_byte_costs_that_byte_and_no_hash() {
        let encoder = Aff4Encoder::new(32_768, Compression::Snappy);
        for (media, byte) in [(vec![0; 32_768], 0), (vec![0xff; 32_768], 0xff), (vec![7; 512], 7)] {
            let chunk = encoder.encode(&media).unwrap();
            assert_eq!((chunk.stored, chunk.block_hash), (vec![byte], None));
        }
        let mut almost = vec![0; 32_768];
        almost[32_767] = 1;
        assert!(encoder.encode(&almost).unwrap().block_hash.is_some());
    }

    #[test]
    fn the_last_chunk_is_padded_before_it_is_hashed() {
        let encoder = Aff4Encoder::new(4096, Compression::Stored);
        let chunk = encoder.encode(&[1, 2, 3]).unwrap();
        let mut padded = vec![1, 2, 3];
        padded.resize(4096, 0);
        assert_eq!(chunk.block_hash, Some(Sha256::digest(&padded).into()));
        assert_eq!((chunk.stored, chunk.media_length), (padded, ByteCount(3)));
    }
}
