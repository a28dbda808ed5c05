//! The compression function of MD5 (RFC 1321, section 3.4).
//!
//! Why own code: MD5 is the longest serial hash of an acquisition, and its speed is nothing but the length of one chain of
//! dependent instructions: four a step in two of the rounds, five in the others. The compiler keeps it that short only if
//! it does not know the constants, which it else adds behind the step's function, inside the chain: 800 MB/s on a core
//! where the `md-5` crate has 600 and OpenSSL's assembly 770. In two halves, so that another hash can run in the shadow
//! of the chain; see [`interleaved`](crate::interleaved).

/// Initial state (section 3.3).
pub(crate) const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The integer part of 4294967296 times abs(sin(i)), i in radians (section 3.4).
pub(crate) const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// The constants, of which the compiler knows nothing.
pub(crate) fn opaque_sines() -> &'static [u32; 64] {
    std::hint::black_box(&SINES)
}

/// One step: a = b + ((a + F + X[k] + T[i]) <<< s). The part of F that waits for the step before comes last.
macro_rules! step {
    ($a:ident, $b:ident, $early:expr, $late:expr, $shift:expr) => {
        $a = $a.wrapping_add($early).wrapping_add($late).rotate_left($shift).wrapping_add($b)
    };
}

/// F(b,c,d) = b & c | !b & d, by fewer operations.
macro_rules! f {
    ($a:ident, $b:ident, $c:ident, $d:ident, $x:expr, $s:expr) => {
        step!($a, $b, $x, (($c ^ $d) & $b) ^ $d, $s)
    };
}

/// G(b,c,d) = b & d | c & !d: no bit is in both, so that each can be added by itself, and only one waits for b.
macro_rules! g {
    ($a:ident, $b:ident, $c:ident, $d:ident, $x:expr, $s:expr) => {
        step!($a, $b, $x.wrapping_add($c & !$d), $b & $d, $s)
    };
}

/// H(b,c,d) = b ^ c ^ d.
macro_rules! h {
    ($a:ident, $b:ident, $c:ident, $d:ident, $x:expr, $s:expr) => {
        step!($a, $b, $x, ($c ^ $d) ^ $b, $s)
    };
}

/// I(b,c,d) = c ^ (b | !d).
macro_rules! i {
    ($a:ident, $b:ident, $c:ident, $d:ident, $x:expr, $s:expr) => {
        step!($a, $b, $x, $c ^ ($b | !$d), $s)
    };
}

/// Sixteen steps with the words of the block in the given order, the constants from `$t` on, and four shifts in turn.
macro_rules! round {
    ($f:ident, $work:ident, $sines:ident, $t:expr, [$($k:expr),*], [$s0:expr, $s1:expr, $s2:expr, $s3:expr]) => {{
        let [mut a, mut b, mut c, mut d] = $work.state;
        let words = $work.words;
        let [k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15] = [$(words[$k]),*];
        $f!(a, b, c, d, k0.wrapping_add($sines[$t]), $s0);
        $f!(d, a, b, c, k1.wrapping_add($sines[$t + 1]), $s1);
        $f!(c, d, a, b, k2.wrapping_add($sines[$t + 2]), $s2);
        $f!(b, c, d, a, k3.wrapping_add($sines[$t + 3]), $s3);
        $f!(a, b, c, d, k4.wrapping_add($sines[$t + 4]), $s0);
        $f!(d, a, b, c, k5.wrapping_add($sines[$t + 5]), $s1);
        $f!(c, d, a, b, k6.wrapping_add($sines[$t + 6]), $s2);
        $f!(b, c, d, a, k7.wrapping_add($sines[$t + 7]), $s3);
        $f!(a, b, c, d, k8.wrapping_add($sines[$t + 8]), $s0);
        $f!(d, a, b, c, k9.wrapping_add($sines[$t + 9]), $s1);
        $f!(c, d, a, b, k10.wrapping_add($sines[$t + 10]), $s2);
        $f!(b, c, d, a, k11.wrapping_add($sines[$t + 11]), $s3);
        $f!(a, b, c, d, k12.wrapping_add($sines[$t + 12]), $s0);
        $f!(d, a, b, c, k13.wrapping_add($sines[$t + 13]), $s1);
        $f!(c, d, a, b, k14.wrapping_add($sines[$t + 14]), $s2);
        $f!(b, c, d, a, k15.wrapping_add($sines[$t + 15]), $s3);
        $work.state = [a, b, c, d];
    }};
}

/// A block on its way through the rounds.
pub(crate) struct Work {
    words: [u32; 16],
    state: [u32; 4],
}

impl Work {
    #[inline(always)]
    pub(crate) fn begin(state: &[u32; 4], block: &[u8; 64]) -> Self {
        let mut words = [0; 16];
        for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { words, state: *state }
    }

    /// Rounds 1 and 2.
    #[inline(always)]
    pub(crate) fn first_half(&mut self, sines: &[u32; 64]) {
        let work = self;
        round!(f, work, sines, 0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [7, 12, 17, 22]);
        round!(g, work, sines, 16, [1, 6, 11, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12], [5, 9, 14, 20]);
    }

    /// Rounds 3 and 4.
    #[inline(always)]
    pub(crate) fn second_half(&mut self, sines: &[u32; 64]) {
        let work = self;
        round!(h, work, sines, 32, [5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2], [4, 11, 16, 23]);
        round!(i, work, sines, 48, [0, 7, 14, 5, 12, 3, 10, 1, 8, 15, 6, 13, 4, 11, 2, 9], [6, 10, 15, 21]);
    }

    #[inline(always)]
    pub(crate) fn end(self, state: &mut [u32; 4]) {
        for (sum, word) in state.iter_mut().zip(self.state) {
            *sum = sum.wrapping_add(word);
        }
    }
}
