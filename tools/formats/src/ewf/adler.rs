//! Adler-32 (RFC 1950, section 8.2), the checksum of every EWF structure and of uncompressed chunks.

use crate::little_endian::u32_at;

/// Largest prime below 65 536.
const MODULUS: u32 = 65_521;
/// Bytes summed side by side, a width the compiler turns into vector instructions.
const LANE: usize = 32;
/// Lanes between two reductions: 173 × 32 = 5536 bytes keep both sums below 2^32 (zlib's bound is 5552).
const LANES: usize = 173;

/// The checksum of `bytes`.
pub(super) fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for stretch in bytes.chunks(LANE.saturating_mul(LANES)) {
        let (lanes, rest) = stretch.as_chunks::<LANE>();
        for lane in lanes {
            let (mut sum, mut weighted) = (0u32, 0u32);
            for (byte, weight) in lane.iter().zip((1..=32u32).rev()) {
                sum = sum.wrapping_add(u32::from(*byte));
                weighted = weighted.wrapping_add(u32::from(*byte).wrapping_mul(weight));
            }
            high = high.wrapping_add(low.wrapping_mul(32)).wrapping_add(weighted);
            low = low.wrapping_add(sum);
        }
        for byte in rest {
            low = low.wrapping_add(u32::from(*byte));
            high = high.wrapping_add(low);
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    (high << 16) | low
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
