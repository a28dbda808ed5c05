//! Adler-32 (RFC 1950, section 8.2), the checksum of every EWF structure and of uncompressed chunks.

use crate::little_endian::u32_at;

/// Largest prime below 65 536.
const MODULUS: u32 = 65_521;
const LARGE_MODULUS: u64 = 65_521;
/// Columns summed side by side, which the compiler turns into vector instructions.
const LANE: usize = 16;
/// Lanes between two reductions: 346 × 16 = 5536 bytes keep the sums below 2^32 (zlib's bound is 5552).
const LANES: usize = 346;

/// The checksum of `bytes`.
pub(super) fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for stretch in bytes.chunks(LANE.saturating_mul(LANES)) {
        let (lanes, rest) = stretch.as_chunks::<LANE>();
        // Each column by itself: the sum of its bytes, and the sum of what that was before each lane.
        let (mut sums, mut before) = ([0u32; LANE], [0u32; LANE]);
        for lane in lanes {
            for ((sum, before), byte) in sums.iter_mut().zip(&mut before).zip(lane) {
                *before = before.wrapping_add(*sum);
                *sum = sum.wrapping_add(u32::from(*byte));
            }
        }
        // A byte counts once for itself and once for each byte behind it: all those of later lanes, and within its own lane
        // more for earlier columns.
        let bytes_in_lanes = u64::try_from(lanes.len().saturating_mul(LANE)).unwrap_or(0);
        let weighted =
            sums.iter().zip(&before).zip((1..=16u64).rev()).fold(0u64, |all, ((sum, before), weight)| {
                all.wrapping_add(u64::from(*before).wrapping_mul(16))
                    .wrapping_add(u64::from(*sum).wrapping_mul(weight))
            });
        let all =
            u64::from(high).wrapping_add(u64::from(low).wrapping_mul(bytes_in_lanes)).wrapping_add(weighted);
        high = u32::try_from(all % LARGE_MODULUS).unwrap_or(0);
        low = sums.iter().fold(low, |low, sum| low.wrapping_add(*sum));
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
