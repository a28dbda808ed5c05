//! Compression of chunks (AFF4 §3.2).

use super::vocabulary::aff4;
use flate2::{Compress, Compression as Level, Decompress, FlushCompress, FlushDecompress, Status};

/// How the chunks of an image stream are compressed. Whatever the method, a chunk that hardly shrinks is stored as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Stored,
    /// Snappy: fast, and what every AFF4 program reads, as the standard's reference images use nothing else.
    #[default]
    Snappy,
    /// LZ4 blocks.
    Lz4,
    /// zlib streams: slower, a third smaller than Snappy.
    Deflate,
}

/// IRIs by which methods are named; the first of each is written.
const NAMES: [(&str, Compression); 8] = [
    ("http://code.google.com/p/snappy/", Compression::Snappy),
    ("https://github.com/google/snappy", Compression::Snappy),
    ("https://code.google.com/p/lz4/", Compression::Lz4),
    ("https://github.com/lz4/lz4", Compression::Lz4),
    // The standard's table names RFC 1951, its programs write zlib streams and some name what they write.
    ("https://www.ietf.org/rfc/rfc1950.txt", Compression::Deflate),
    ("https://tools.ietf.org/html/rfc1951", Compression::Deflate),
    ("http://tools.ietf.org/html/rfc1951", Compression::Deflate),
    ("http://aff4.org/Schema#NullCompressor", Compression::Stored),
];

/// A chunk is stored compressed only where that saves more than this (AFF4 §3.2).
const LEAST_GAIN: usize = 16;

impl Compression {
    /// The method that an IRI names; without one, chunks are stored (AFF4 §3.3).
    pub(super) fn of(iri: Option<&str>) -> Option<Self> {
        let Some(iri) = iri else { return Some(Compression::Stored) };
        if iri == aff4("compression/stored") {
            return Some(Compression::Stored);
        }
        NAMES.iter().find(|(name, _)| *name == iri).map(|(_, method)| *method)
    }

    /// The IRI to write; none for stored chunks.
    pub(super) fn iri(self) -> Option<&'static str> {
        let named = NAMES.iter().find(|(_, method)| *method == self).map(|(name, _)| *name);
        named.filter(|_| self != Compression::Stored)
    }

    /// Most bytes that a stored chunk can have.
    pub(super) fn longest(chunk_size: usize) -> usize {
        // Snappy's own bound, the loosest of the three.
        chunk_size.saturating_add(chunk_size / 6).saturating_add(64)
    }
}

/// Compressors and decompressors with their tables, for reuse.
pub(super) struct Codec {
    method: Compression,
    snappy: snap::raw::Encoder,
    deflate: Compress,
    inflate: Decompress,
}

impl Codec {
    pub(super) fn new(method: Compression) -> Self {
        Self {
            method,
            snappy: snap::raw::Encoder::new(),
            deflate: Compress::new(Level::fast(), true),
            inflate: Decompress::new(true),
        }
    }

    /// Replaces the content of `stored` by the stored form of a whole chunk: shorter than the chunk where it is compressed,
    /// else the chunk.
    pub(super) fn compress(&mut self, chunk: &[u8], stored: &mut Vec<u8>) -> Result<(), String> {
        let length = match self.method {
            Compression::Stored => 0,
            Compression::Snappy => {
                stored.resize(snap::raw::max_compress_len(chunk.len()), 0);
                self.snappy.compress(chunk, stored).map_err(|error| error.to_string())?
            }
            Compression::Lz4 => {
                stored.resize(lz4_flex::block::get_maximum_output_size(chunk.len()), 0);
                lz4_flex::block::compress_into(chunk, stored).map_err(|error| error.to_string())?
            }
            Compression::Deflate => {
                stored.clear();
                stored.reserve_exact(chunk.len());
                let finish = FlushCompress::Finish;
                let status = self.deflate.compress_vec(chunk, stored, finish).map_err(|e| e.to_string())?;
                self.deflate.reset();
                if status == Status::StreamEnd { stored.len() } else { 0 }
            }
        };
        stored.truncate(length);
        if stored.is_empty() || stored.len() >= chunk.len().saturating_sub(LEAST_GAIN) {
            stored.clear();
            stored.extend_from_slice(chunk);
        }
        Ok(())
    }

    /// Replaces the content of `chunk`; never by more than `chunk_size` bytes.
    pub(super) fn decompress(
        &mut self,
        stored: &[u8],
        chunk_size: usize,
        chunk: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        const BROKEN: &str = "the compressed chunk does not unpack";
        chunk.clear();
        if stored.len() == chunk_size || self.method == Compression::Stored {
            if stored.len() > chunk_size {
                return Err("the stored chunk is longer than a chunk");
            }
            chunk.extend_from_slice(stored);
            return Ok(());
        }
        chunk.resize(chunk_size, 0);
        let length = match self.method {
            Compression::Stored => None,
            Compression::Snappy => snap::raw::Decoder::new().decompress(stored, chunk).ok(),
            Compression::Lz4 => lz4(stored, chunk),
            Compression::Deflate => self.inflate(stored, chunk),
        };
        chunk.truncate(length.unwrap_or(0));
        length.map(|_| ()).ok_or(BROKEN)
    }

    /// A zlib stream, or, from programs that took the IRI at its word, a bare one.
    fn inflate(&mut self, stored: &[u8], chunk: &mut [u8]) -> Option<usize> {
        [true, false].into_iter().find_map(|zlib| {
            self.inflate.reset(zlib);
            let status = self.inflate.decompress(stored, chunk, FlushDecompress::Finish);
            let whole = matches!(status, Ok(Status::StreamEnd));
            whole.then(|| usize::try_from(self.inflate.total_out()).ok()).flatten()
        })
    }
}

/// An LZ4 block, or one behind its length, as Python's library writes it.
fn lz4(stored: &[u8], chunk: &mut [u8]) -> Option<usize> {
    if let Ok(length) = lz4_flex::block::decompress_into(stored, chunk) {
        return Some(length);
    }
    let (length, block) = stored.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let unpacked = lz4_flex::block::decompress_into(block, chunk).ok()?;
    (unpacked == length).then_some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const METHODS: [Compression; 4] =
        [Compression::Stored, Compression::Snappy, Compression::Lz4, Compression::Deflate];

    /// Into memory that held something longer or shorter before.
    fn compressed(codec: &mut Codec, chunk: &[u8]) -> Vec<u8> {
        let (mut long, mut short) = (vec![0x5a; 2 * chunk.len() + 100], vec![0x5a]);
        codec.compress(chunk, &mut long).unwrap();
        codec.compress(chunk, &mut short).unwrap();
        assert_eq!(long, short);
        long
    }

    #[test]
    fn every_method_is_known_by_the_name_it_writes() {
        for method in METHODS {
            assert_eq!(Compression::of(method.iri()), Some(method));
        }
        assert_eq!(Compression::of(Some("http://example.org/zstd")), None);
    }

    #[test]
    fn what_hardly_shrinks_is_stored_as_it_is() {
        let mut noise = 1u64;
        let chunk: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            noise.to_be_bytes()[0]
        })
        .take(4096)
        .collect();
        for method in METHODS {
            assert_eq!(compressed(&mut Codec::new(method), &chunk), chunk, "{method:?}");
        }
    }

    #[test]
    fn a_chunk_that_unpacks_to_more_than_a_chunk_is_refused() {
        for method in [Compression::Snappy, Compression::Lz4, Compression::Deflate] {
            let mut codec = Codec::new(method);
            let stored = compressed(&mut codec, &[7; 65_536]);
            let mut chunk = Vec::new();
            assert!(codec.decompress(&stored, 32_768, &mut chunk).is_err(), "{method:?}");
            assert!(chunk.capacity() <= 65_536);
        }
    }

    #[test]
    fn a_block_behind_its_length_and_a_bare_stream_are_read() {
        let chunk = vec![3; 4096];
        let mut stored = 4096u32.to_le_bytes().to_vec();
        stored.extend(lz4_flex::block::compress(&chunk));
        let mut read = Vec::new();
        Codec::new(Compression::Lz4).decompress(&stored, 4096, &mut read).unwrap();
        assert_eq!(read, chunk);
        let mut bare = Vec::with_capacity(4096);
        Compress::new(Level::fast(), false).compress_vec(&chunk, &mut bare, FlushCompress::Finish).unwrap();
        Codec::new(Compression::Deflate).decompress(&bare, 4096, &mut read).unwrap();
        assert_eq!(read, chunk);
    }

    proptest! {
        #[test]
        fn any_chunk_comes_back_as_it_was(
            seed in prop::collection::vec(any::<u8>(), 1..600),
            method in prop::sample::select(METHODS.to_vec()),
        ) {
            let chunk: Vec<u8> = seed.iter().copied().cycle().take(4096).collect();
            let mut codec = Codec::new(method);
            let stored = compressed(&mut codec, &chunk);
            prop_assert!(stored.len() == 4096 || stored.len() < 4096 - LEAST_GAIN);
            let mut read = Vec::new();
            codec.decompress(&stored, 4096, &mut read).unwrap();
            prop_assert_eq!(read, chunk);
        }

        #[test]
        fn any_bytes_are_unpacked_or_refused(
            stored in prop::collection::vec(any::<u8>(), 0..600),
            method in prop::sample::select(METHODS.to_vec()),
        ) {
            let mut chunk = Vec::new();
            let _ = Codec::new(method).decompress(&stored, 512, &mut chunk);
            prop_assert!(chunk.len() <= 512);
        }
    }
}
