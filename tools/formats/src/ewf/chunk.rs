//! One chunk: from media bytes to stored bytes and back.
//!
//! Stored is a zlib stream, which ends in the Adler-32 of its content, or the bytes themselves followed by their
//! Adler-32, whichever is shorter.

use super::adler::{adler32, seal};
use super::deflate::Deflater;
use crate::little_endian::u32_at;
use crate::repeated::consists_of;
use crate::{ChunkEncoder, EncodedChunk, FormatError};
use evidence::ByteCount;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::sync::{Mutex, PoisonError};

/// Length of the checksum after an uncompressed chunk.
pub(super) const CHECKSUM: usize = 4;

/// Compresses chunks; compressors are kept for reuse, one for each thread that was ever busy at the same time.
pub(super) struct EwfEncoder {
    chunk_size: usize,
    /// The stored form of a whole chunk of zeros, which most disks hold many of.
    zeros: Vec<u8>,
    idle: Mutex<Vec<Deflater>>,
}

impl EwfEncoder {
    pub(super) fn new(chunk_size: usize) -> Result<Self, FormatError> {
        let mut thorough = Compress::new(Compression::best(), true);
        let mut zeros = Vec::with_capacity(chunk_size);
        thorough
            .compress_vec(&vec![0; chunk_size], &mut zeros, FlushCompress::Finish)
            .map_err(|error| FormatError::Compressor(error.to_string()))?;
        Ok(Self { chunk_size, zeros, idle: Mutex::default() })
    }
}

/// Header of a zlib stream (RFC 1950, section 2.2): deflate, a window of 32 KiB, the fastest level.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

/// Puts the shorter of the two stored forms into `chunk`.
fn store(media: &[u8], deflater: &mut Deflater, chunk: &mut EncodedChunk) {
    let uncompressed = media.len().saturating_add(CHECKSUM);
    let stored = &mut chunk.stored;
    stored.clear();
    stored.reserve_exact(uncompressed.saturating_add(CHECKSUM));
    stored.extend_from_slice(&ZLIB_HEADER);
    // A stream and its checksum must be shorter than the bytes themselves and theirs.
    let limit = media.len().saturating_sub(1);
    chunk.compressed = !is_noise(media) && deflater.compress(media, stored, limit);
    if chunk.compressed {
        stored.extend_from_slice(&adler32(media).to_be_bytes());
    } else {
        stored.clear();
        stored.extend_from_slice(media);
        seal(stored);
    }
    chunk.media_length = media_length(media);
}

/// Places in a chunk that are looked at, and the bytes at each.
const SAMPLES: usize = 8;
const SAMPLE: usize = 512;

/// Whether samples of the data hold every byte value about equally often, as encrypted and compressed data do: nothing would
/// come of compressing it, and to find that out takes ten times as long.
fn is_noise(media: &[u8]) -> bool {
    let stride = media.len().checked_div(SAMPLES).unwrap_or(0);
    if stride < SAMPLE {
        return false;
    }
    let mut counts = [0u32; 256];
    for sample in media.chunks(stride).take(SAMPLES) {
        for byte in sample.iter().take(SAMPLE) {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count = count.saturating_add(1);
            }
        }
    }
    // Of n bytes of noise the squares sum up to n + n²/256 on average, with a spread of half a hundredth of it; text has
    // ten times as much, programs twice.
    let squares = counts.iter().fold(0u32, |sum, count| sum.saturating_add(count.saturating_mul(*count)));
    squares < 71_500
}

fn media_length(media: &[u8]) -> ByteCount {
    ByteCount(u64::try_from(media.len()).unwrap_or(u64::MAX))
}

impl ChunkEncoder for EwfEncoder {
    fn encode(&self, media: &[u8]) -> Result<EncodedChunk, FormatError> {
        let mut chunk = EncodedChunk::default();
        self.encode_into(media, &mut chunk)?;
        Ok(chunk)
    }

    fn encode_into(&self, media: &[u8], chunk: &mut EncodedChunk) -> Result<(), FormatError> {
        if media.len() == self.chunk_size && consists_of(media, 0) {
            chunk.stored.clear();
            chunk.stored.extend_from_slice(&self.zeros);
            chunk.media_length = media_length(media);
            chunk.compressed = true;
            return Ok(());
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut deflater = idle.unwrap_or_else(Deflater::new);
        store(media, &mut deflater, chunk);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(deflater);
        Ok(())
    }
}

/// Turns stored bytes back into media bytes, with one decompressor for all chunks.
pub(super) struct Decoder {
    decompress: Decompress,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { decompress: Decompress::new(true) }
    }

    /// Replaces the content of `media` by the chunk's: `expected` bytes, or up to `chunk_size` where a program filled
    /// up the last chunk. `stored` may be longer than the chunk.
    pub(super) fn decode(
        &mut self,
        stored: &[u8],
        compressed: bool,
        expected: usize,
        chunk_size: usize,
        media: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        media.clear();
        if compressed {
            self.inflate(stored, chunk_size, media)?;
        } else {
            copy_checked(stored, expected, chunk_size, media)?;
        }
        if media.len() < expected {
            return Err("the chunk holds fewer bytes than it should");
        }
        media.truncate(expected);
        Ok(())
    }

    fn inflate(&mut self, stored: &[u8], chunk_size: usize, media: &mut Vec<u8>) -> Result<(), &'static str> {
        self.decompress.reset(true);
        media.reserve_exact(chunk_size);
        // The checksum at the end of the stream is compared by the decompressor before it reports the end.
        match self.decompress.decompress_vec(stored, media, FlushDecompress::Finish) {
            Ok(Status::StreamEnd) if media.len() <= chunk_size => Ok(()),
            Ok(Status::StreamEnd) => Err("the chunk unpacks to more than a chunk"),
            Ok(_) => Err("the compressed chunk has no end within its bounds"),
            Err(_) => Err("the compressed chunk does not unpack or its checksum does not fit"),
        }
    }
}

/// Takes an uncompressed chunk whose checksum fits: of the expected length or, in the last chunk, of the full one where
/// a program filled it up, or of all that is stored where the source ended within a sector.
fn copy_checked(
    stored: &[u8],
    expected: usize,
    full: usize,
    media: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let all = stored.len().saturating_sub(CHECKSUM);
    for length in [expected, full, all.min(full).max(expected)] {
        if let (Some(content), Some(checksum)) = (stored.get(..length), u32_at(stored, length))
            && adler32(content) == checksum
        {
            media.extend_from_slice(content);
            return Ok(());
        }
    }
    Err("the chunk's checksum does not fit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noise(length: usize, mut state: u64) -> Vec<u8> {
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            })
            .collect()
    }

    fn there_and_back(media: &[u8], chunk_size: usize) -> EncodedChunk {
        let chunk = EwfEncoder::new(chunk_size).unwrap().encode(media).unwrap();
        let mut read = Vec::new();
        Decoder::new().decode(&chunk.stored, chunk.compressed, media.len(), chunk_size, &mut read).unwrap();
        assert_eq!(read, media);
        chunk
    }

    #[test]
    fn what_does_not_shrink_is_stored_with_its_checksum() {
        let chunk = there_and_back(&noise(32_768, 1), 32_768);
        assert!(!chunk.compressed);
        assert_eq!(chunk.stored.len(), 32_772);
    }

    #[test]
    fn noise_is_told_from_what_can_be_compressed() {
        for seed in 0..50 {
            assert!(is_noise(&noise(32_768, seed)), "{seed}");
        }
        // One byte in eight is a zero, or one bit is always set.
        let some: Vec<u8> =
            noise(32_768, 3).iter().zip(0..).map(|(b, at)| if at % 8 == 0 { 0 } else { *b }).collect();
        assert!(!is_noise(&some));
        assert!(!is_noise(&noise(32_768, 3).iter().map(|byte| byte | 1).collect::<Vec<u8>>()));
        assert!(!is_noise(&noise(4095, 3)), "too short to tell");
    }

    #[test]
    fn zeros_are_compressed_once() {
        let encoder = EwfEncoder::new(32_768).unwrap();
        let chunk = encoder.encode(&[0; 32_768]).unwrap();
        assert!(chunk.compressed && chunk.stored == encoder.zeros && chunk.stored.len() < 100);
        there_and_back(&[0; 32_768], 32_768);
        there_and_back(&[0; 512], 32_768);
        let mut almost = vec![0; 32_768];
        almost[32_767] = 1;
        there_and_back(&almost, 32_768);
    }

    #[test]
    fn a_chunk_that_unpacks_to_more_than_a_chunk_is_refused() {
        let stored = EwfEncoder::new(65_536).unwrap().encode(&[7; 65_536]).unwrap().stored;
        let mut media = Vec::new();
        assert!(Decoder::new().decode(&stored, true, 32_768, 32_768, &mut media).is_err());
        assert!(media.capacity() <= 65_536, "memory grew to {}", media.capacity());
    }

    #[test]
    fn every_changed_byte_of_a_stored_chunk_is_found() {
        let (encoder, mut decoder, mut read) = (EwfEncoder::new(4096).unwrap(), Decoder::new(), Vec::new());
        let text: Vec<u8> = b"All work is recorded. ".iter().copied().cycle().take(4096).collect();
        for media in [text, noise(4096, 9)] {
            let chunk = encoder.encode(&media).unwrap();
            for at in 0..chunk.stored.len() {
                let mut stored = chunk.stored.clone();
                stored[at] ^= 0xff;
                let outcome = decoder.decode(&stored, chunk.compressed, 4096, 4096, &mut read);
                assert!(outcome.is_err(), "byte {at} of {}", stored.len());
            }
        }
    }

    proptest! {
        #[test]
        fn any_chunk_comes_back_as_it_was(
            media in prop_oneof![
                prop::collection::vec(any::<u8>(), 1..4096),
                prop::collection::vec(0u8..3, 1..4096),
                (1usize..4096).prop_map(|n| vec![0; n]),
            ]
        ) {
            there_and_back(&media, 4096);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(stored in prop::collection::vec(any::<u8>(), 0..600), compressed: bool) {
            let mut media = Vec::new();
            if Decoder::new().decode(&stored, compressed, 512, 512, &mut media).is_ok() {
                prop_assert_eq!(media.len(), 512);
            }
        }
    }
}
