//! Encryption without a header looks like noise from its first byte on.

use super::table::Match;
use super::window::Window;
use super::{Kind, Signature};
use evidence::ByteOffset;

/// Bytes per test. A VeraCrypt volume begins with two header areas of this size, both indistinguishable from noise even when
/// the rest was not overwritten (VeraCrypt documentation, "VeraCrypt Volume Format Specification").
const SAMPLE: usize = 64 << 10;
/// Chi-square of 256 byte values has 255 degrees of freedom: mean 255, standard deviation √(2·255) ≈ 22.6. Noise falls outside
/// five deviations once in more than a million samples; compressed data and program code lie far above.
const LIKELY: std::ops::RangeInclusive<u64> = 142..=368;

/// Says "possible" where both header areas pass for noise. Wiping with random data looks the same.
pub(super) fn possible_encryption(window: &Window) -> Option<Signature> {
    let noise = [0u64, 65_536]
        .iter()
        .all(|&at| window.bytes(at, SAMPLE).is_some_and(|s| LIKELY.contains(&chi_square(s))));
    let Match { kind, label, note } = Match::of(Kind::PossibleEncryption)
        .note("the first 128 KiB look random; a wipe with random data looks the same".to_owned());
    let source = "VeraCrypt documentation, VeraCrypt Volume Format Specification; chi-square test";
    noise.then_some(Signature { kind, offset: ByteOffset(0), label, note, source })
}

/// Pearson's statistic of the byte values against equal frequency, rounded down. At most 255 × length, so no overflow.
fn chi_square(sample: &[u8]) -> u64 {
    let mut counts = [0u64; 256];
    for &byte in sample {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let length = u64::try_from(sample.len()).unwrap_or(u64::MAX).max(1);
    // Σ (n − e)² / e with e = length / 256 is (256 · Σ n²) / length − length.
    let squares = counts.iter().fold(0u64, |sum, n| sum.saturating_add(n.saturating_mul(*n)));
    (squares.saturating_mul(256) / length).saturating_sub(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator whose low bytes are uniform (xorshift64*), with a seed, so that failures repeat.
    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let mut state = seed;
        (0..length)
            .map(|_| {
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()[0]
            })
            .collect()
    }

    #[test]
    fn noise_passes_and_what_only_looks_dense_does_not() {
        for seed in 1..200 {
            let value = chi_square(&noise(seed, SAMPLE));
            assert!(LIKELY.contains(&value), "seed {seed}: {value}");
        }
        assert_eq!(chi_square(&vec![0u8; SAMPLE]), 255 * 65_536);
        let counting: Vec<u8> = (0..=255u8).cycle().take(SAMPLE).collect();
        assert_eq!(chi_square(&counting), 0, "too even to be noise");
        let mut slightly_biased = noise(7, SAMPLE);
        slightly_biased.iter_mut().step_by(40).for_each(|byte| *byte = b' ');
        assert!(!LIKELY.contains(&chi_square(&slightly_biased)));
    }
}
