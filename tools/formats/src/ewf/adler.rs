//! Adler-32 (RFC 1950, section 8.2), the checksum of every EWF structure and of uncompressed chunks.

use crate::little_endian::u32_at;

/// The checksum of `bytes`.
pub(super) fn adler32(bytes: &[u8]) -> u32 {
    let mut sums = simd_adler32::Adler32::new();
    sums.write(bytes);
    sums.finish()
}

/// Appends the checksum of everything in `bytes` so far.
pub(super) fn seal(bytes: &mut Vec<u8>) {
    let checksum = adler32(bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
}

/// The bytes before a checksum in the last four, if it fits.
pub(super) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (content, _) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    (u32_at(bytes, content.len())? == adler32(content)).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    /// What zlib puts at the end of a stream (RFC 1950, section 2.2: big-endian).
    fn zlibs_own(bytes: &[u8]) -> u32 {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
        encoder.write_all(bytes).unwrap();
        let stream = encoder.finish().unwrap();
        u32::from_be_bytes(*stream.last_chunk().unwrap())
    }

    #[test]
    fn the_sums_do_not_overflow_on_the_largest_bytes() {
        let bytes = vec![0xff; 1 << 18];
        assert_eq!(adler32(&bytes), zlibs_own(&bytes));
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(b""), 1);
    }

    proptest! {
        #[test]
        fn it_equals_what_zlib_computes(bytes in prop::collection::vec(any::<u8>(), 0..12_000)) {
            prop_assert_eq!(adler32(&bytes), zlibs_own(&bytes));
        }
    }
}
