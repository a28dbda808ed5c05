//! A fast deflate (RFC 1951) for chunks of a disk: one look at one earlier place for each position, as LZ4 does, then
//! codes made to measure.
//!
//! Why own code: what a chunk of files costs to compress decides how fast an E01 is acquired. Every chunk is whole in
//! memory and stands alone, is a few tens of kilobytes long, and is not worth compressing at all when it hardly shrinks: what
//! a general library keeps for streams (windows that slide, states that go on, blocks in blocks) only costs here.

use super::huffman::{Codes, LONGEST};

/// Places remembered, by the hash of the four bytes that stand there.
const HASH_BITS: u32 = 13;
/// Farthest back that a match may lie.
const WINDOW: usize = 32_768;
/// Shortest match looked for; deflate would take three.
const SHORTEST: usize = 4;
/// Longest match.
const LONGEST_MATCH: usize = 258;
/// Misses in a row after which places are left out, ever more of them.
const PATIENCE: usize = 64;
/// Longest code of a literal: four of them are written at a time. Fifteen bits would save less than a thousandth.
const LONGEST_LITERAL: usize = 12;
/// Symbol that ends a block.
const END: usize = 256;
/// Positions at the end where eight bytes can't be read any more.
const MARGIN: usize = 8;
/// The order in which the lengths of the codes of lengths are written (section 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Some bytes as they are, then a match; without one at the end.
#[derive(Clone, Copy)]
struct Sequence {
    literals: u32,
    length: u16,
    /// Distance less one.
    back: u16,
}

/// Compresses chunk after chunk.
pub(super) struct Deflater {
    /// Where in this chunk the four bytes of that hash were last seen, the lowest sixteen bits of it: small enough to stay in
    /// the core's first cache beside the chunk. What it says is looked up before it is believed.
    heads: Box<[u16; 1 << HASH_BITS]>,
    sequences: Vec<Sequence>,
    literals: [u32; 286],
    distances: [u32; 30],
    /// Bits beside the symbols.
    extra: u64,
}

impl Deflater {
    pub(super) fn new() -> Self {
        Self {
            heads: Box::new([0; 1 << HASH_BITS]),
            sequences: Vec::new(),
            literals: [0; 286],
            distances: [0; 30],
            extra: 0,
        }
    }

    /// Appends one final block with all of `data` to `out`, if that makes it no longer than `limit`; false, and `out` as it
    /// was, if it does not fit.
    pub(super) fn compress(&mut self, data: &[u8], out: &mut Vec<u8>, limit: usize) -> bool {
        self.find(data);
        let literals = Codes::of(&self.literals, LONGEST_LITERAL);
        let distances = Codes::of(&self.distances, LONGEST);
        let header = Header::of(&literals, &distances);
        let bits = self.bits(&literals, &distances).wrapping_add(header.bits());
        let needed = out.len().saturating_add(usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX));
        if needed > limit {
            return false;
        }
        let at = out.len();
        out.resize(needed.saturating_add(MARGIN), 0);
        let mut sink = Bits::new(out, at);
        header.write(&mut sink);
        self.write(data, &literals, &distances, &mut sink);
        sink.flush();
        out.truncate(needed);
        true
    }

    /// Cuts the data into sequences and counts symbols.
    fn find(&mut self, data: &[u8]) {
        // The same chunk gives the same bytes, whatever came before it.
        self.heads.fill(0);
        self.sequences.clear();
        self.literals.fill(0);
        self.distances.fill(0);
        self.extra = 0;
        let last = data.len().saturating_sub(MARGIN);
        let (mut at, mut done, mut missed) = (0usize, 0usize, 0usize);
        while at < last {
            let Some(word) = four(data, at) else { break };
            let Some(from) = self.look(data, word, at) else {
                self.count_literal(word & 0xff);
                at = at.wrapping_add(1);
                missed = missed.wrapping_add(1);
                if missed >= PATIENCE {
                    // Where nothing matched for long, little will.
                    let end = at.wrapping_add(missed / PATIENCE).min(data.len());
                    data.get(at..end)
                        .unwrap_or_default()
                        .iter()
                        .for_each(|byte| self.count_literal(u32::from(*byte)));
                    at = end;
                }
                continue;
            };
            let length = matching(data, from, at);
            self.count_match(at.wrapping_sub(done), length, at.wrapping_sub(from).wrapping_sub(1));
            // What stands within a match is seen before long: its second place is enough.
            self.remember(data, at.wrapping_add(1));
            at = at.wrapping_add(length);
            (done, missed) = (at, 0);
        }
        data.get(at..).unwrap_or_default().iter().for_each(|byte| self.count_literal(u32::from(*byte)));
        let literals = u32::try_from(data.len().saturating_sub(done)).unwrap_or(u32::MAX);
        self.sequences.push(Sequence { literals, length: 0, back: 0 });
        if let Some(count) = self.literals.get_mut(END) {
            *count = 1;
        }
    }

    /// An earlier place where the four bytes of `word` stand, which are those at `at`.
    #[inline(always)]
    fn look(&mut self, data: &[u8], word: u32, at: usize) -> Option<usize> {
        let head = self.heads.get_mut(hash(word))?;
        let now = low_bits(at);
        let back = usize::from(now.wrapping_sub(std::mem::replace(head, now)));
        let from = at.checked_sub(back).filter(|_| back.wrapping_sub(1) < WINDOW)?;
        (four(data, from)? == word).then_some(from)
    }

    #[inline(always)]
    fn remember(&mut self, data: &[u8], at: usize) {
        if let Some(word) = four(data, at)
            && let Some(head) = self.heads.get_mut(hash(word))
        {
            *head = low_bits(at);
        }
    }

    #[inline(always)]
    fn count_literal(&mut self, byte: u32) {
        if let Some(count) = usize::try_from(byte).ok().and_then(|byte| self.literals.get_mut(byte)) {
            *count = count.wrapping_add(1);
        }
    }

    /// So many bytes as they are, then a match.
    #[inline(always)]
    fn count_match(&mut self, literals: usize, length: usize, back: usize) {
        let (length, back) = (u16::try_from(length).unwrap_or(0), u16::try_from(back).unwrap_or(0));
        let (symbol, bits, _) = length_symbol(length);
        if let Some(count) = self.literals.get_mut(usize::from(symbol)) {
            *count = count.wrapping_add(1);
        }
        let (symbol, more_bits, _) = distance_symbol(back);
        if let Some(count) = self.distances.get_mut(symbol) {
            *count = count.wrapping_add(1);
        }
        self.extra = self.extra.wrapping_add(u64::from(bits.wrapping_add(more_bits)));
        let literals = u32::try_from(literals).unwrap_or(u32::MAX);
        self.sequences.push(Sequence { literals, length, back });
    }

    /// Bits of all sequences and the end.
    fn bits(&self, literals: &Codes<286>, distances: &Codes<30>) -> u64 {
        let of = |frequencies: &[u32], lengths: &[u8]| {
            frequencies.iter().zip(lengths).fold(0u64, |sum, (frequency, length)| {
                sum.wrapping_add(u64::from(*frequency).wrapping_mul(u64::from(*length)))
            })
        };
        of(&self.literals, &literals.lengths)
            .wrapping_add(of(&self.distances, &distances.lengths))
            .wrapping_add(self.extra)
    }

    fn write(&self, data: &[u8], literals: &Codes<286>, distances: &Codes<30>, sink: &mut Bits) {
        let mut packed = [0u32; 286];
        for ((place, bits), length) in packed.iter_mut().zip(literals.bits).zip(literals.lengths) {
            *place = (u32::from(bits) << 8) | u32::from(length);
        }
        let put = |sink: &mut Bits, symbol: usize| {
            let code = packed.get(symbol).copied().unwrap_or(0);
            sink.put(u64::from(code >> 8), code & 0xff);
        };
        let mut rest = data;
        for sequence in &self.sequences {
            let (as_they_are, behind) =
                rest.split_at_checked(usize::try_from(sequence.literals).unwrap_or(0)).unwrap_or((rest, &[]));
            // At most 4 × 12 bits; a branch on how many there are would be foreseen by nobody.
            let (fours, few) = as_they_are.as_chunks::<4>();
            for four in fours {
                four.iter().for_each(|byte| put(sink, usize::from(*byte)));
                sink.flush();
            }
            few.iter().for_each(|byte| put(sink, usize::from(*byte)));
            sink.flush();
            rest = behind;
            if sequence.length == 0 {
                continue;
            }
            // At most 12 + 5 + 15 + 13 bits.
            let (symbol, bits, extra) = length_symbol(sequence.length);
            put(sink, usize::from(symbol));
            sink.put(u64::from(extra), bits);
            let (symbol, bits, extra) = distance_symbol(sequence.back);
            let length = distances.lengths.get(symbol).copied().unwrap_or(0);
            sink.put(u64::from(distances.bits.get(symbol).copied().unwrap_or(0)), u32::from(length));
            sink.put(u64::from(extra), bits);
            sink.flush();
            rest = rest.get(usize::from(sequence.length)..).unwrap_or_default();
        }
        put(sink, END);
    }
}

#[inline(always)]
fn low_bits(at: usize) -> u16 {
    u16::try_from(at & 0xffff).unwrap_or(0)
}

/// Length of what is alike from `from` and `at` on; four bytes are known to be.
#[inline(always)]
fn matching(data: &[u8], from: usize, at: usize) -> usize {
    let mut length = SHORTEST;
    while length < LONGEST_MATCH {
        let (Some(a), Some(b)) =
            (eight(data, from.wrapping_add(length)), eight(data, at.wrapping_add(length)))
        else {
            return length;
        };
        let other = a ^ b;
        if other != 0 {
            let same = usize::try_from(other.trailing_zeros() / 8).unwrap_or(0);
            return length.wrapping_add(same).min(LONGEST_MATCH);
        }
        length = length.wrapping_add(8);
    }
    LONGEST_MATCH
}

#[inline(always)]
fn eight(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

#[inline(always)]
fn four(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

#[inline(always)]
fn hash(word: u32) -> usize {
    usize::try_from(word.wrapping_mul(0x9e37_79b1) >> 32u32.wrapping_sub(HASH_BITS)).unwrap_or(0)
}

/// Symbol of a length, number of extra bits and their value (section 3.2.5).
#[inline(always)]
fn length_symbol(length: u16) -> (u16, u32, u16) {
    let over = length.wrapping_sub(3);
    match over {
        255 => (285, 0, 0),
        0..8 => (over.wrapping_add(257), 0, 0),
        _ => {
            // Four symbols for each number of extra bits.
            let bits = 13u32.wrapping_sub(over.leading_zeros());
            let symbol =
                u16::try_from(bits.wrapping_mul(4)).unwrap_or(0).wrapping_add(257).wrapping_add(over >> bits);
            (symbol, bits, over & (1u16 << bits).wrapping_sub(1))
        }
    }
}

/// Symbol of a distance less one, number of extra bits and their value (section 3.2.5).
#[inline(always)]
fn distance_symbol(back: u16) -> (usize, u32, u16) {
    if back < 2 {
        return (usize::from(back), 0, 0);
    }
    // Two symbols for each number of extra bits.
    let bits = 14u32.wrapping_sub(back.leading_zeros());
    let symbol = usize::try_from(bits.wrapping_mul(2)).unwrap_or(0).wrapping_add(usize::from(back >> bits));
    (symbol, bits, back & (1u16 << bits).wrapping_sub(1))
}

/// What stands before the data: the lengths of all codes, themselves run-length coded and in codes.
struct Header {
    literals: usize,
    distances: usize,
    /// Symbol, extra bits, their value.
    runs: Vec<(u8, u32, u8)>,
    codes: Codes<19>,
    written: usize,
}

impl Header {
    fn of(literals: &Codes<286>, distances: &Codes<30>) -> Self {
        let used = |lengths: &[u8], least: usize| {
            lengths
                .iter()
                .rposition(|length| *length > 0)
                .map_or(least, |last| least.max(last.wrapping_add(1)))
        };
        let (literals_used, distances_used) = (used(&literals.lengths, 257), used(&distances.lengths, 1));
        let lengths: Vec<u8> = literals
            .lengths
            .iter()
            .take(literals_used)
            .chain(distances.lengths.iter().take(distances_used))
            .copied()
            .collect();
        let runs = runs(&lengths);
        let mut frequencies = [0u32; 19];
        for (symbol, _, _) in &runs {
            if let Some(count) = frequencies.get_mut(usize::from(*symbol)) {
                *count = count.wrapping_add(1);
            }
        }
        let codes = Codes::of(&frequencies, 7);
        let length = |place: &usize| codes.lengths.get(*place).copied().unwrap_or(0);
        let written =
            ORDER.iter().rposition(|place| length(place) > 0).map_or(4, |last| last.wrapping_add(1).max(4));
        Self { literals: literals_used, distances: distances_used, runs, codes, written }
    }

    fn bits(&self) -> u64 {
        let runs = self.runs.iter().fold(0u64, |sum, (symbol, bits, _)| {
            let length = self.codes.lengths.get(usize::from(*symbol)).copied().unwrap_or(0);
            sum.wrapping_add(u64::from(length)).wrapping_add(u64::from(*bits))
        });
        let written = u64::try_from(self.written).unwrap_or(0).wrapping_mul(3);
        runs.wrapping_add(written).wrapping_add(3 + 5 + 5 + 4)
    }

    fn write(&self, sink: &mut Bits) {
        let less = |number: usize, least: usize| u64::try_from(number.wrapping_sub(least)).unwrap_or(0);
        // The last block, with codes of its own.
        sink.put(0b101, 3);
        sink.put(less(self.literals, 257), 5);
        sink.put(less(self.distances, 1), 5);
        sink.put(less(self.written, 4), 4);
        sink.flush();
        for place in ORDER.iter().take(self.written) {
            sink.put(u64::from(self.codes.lengths.get(*place).copied().unwrap_or(0)), 3);
            sink.flush();
        }
        for (symbol, bits, extra) in &self.runs {
            let symbol = usize::from(*symbol);
            let length = self.codes.lengths.get(symbol).copied().unwrap_or(0);
            sink.put(u64::from(self.codes.bits.get(symbol).copied().unwrap_or(0)), u32::from(length));
            sink.put(u64::from(*extra), *bits);
            sink.flush();
        }
    }
}

/// Lengths of codes by the symbols of section 3.2.7: repeated ones as 16, zeros as 17 and 18.
fn runs(lengths: &[u8]) -> Vec<(u8, u32, u8)> {
    let mut found = Vec::with_capacity(lengths.len());
    for same in lengths.chunk_by(|a, b| a == b) {
        let value = same.first().copied().unwrap_or(0);
        let mut left = same.len();
        if value > 0 {
            found.push((value, 0, 0));
            left = left.wrapping_sub(1);
        }
        while left > 0 {
            let (symbol, bits, least, most) = match (value, left) {
                (0, 11..) => (18, 7, 11, 138),
                (0, 3..) => (17, 3, 3, 10),
                (1.., 3..) => (16, 2, 3, 6),
                _ => (value, 0, 1, 1),
            };
            let taken = left.min(most);
            found.push((symbol, bits, u8::try_from(taken.wrapping_sub(least)).unwrap_or(0)));
            left = left.wrapping_sub(taken);
        }
    }
    found
}

/// Bits, the first in the lowest place, into memory that is there already.
struct Bits<'a> {
    out: &'a mut [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// From `at` on. Whole words are written: some bytes behind the end are overwritten again and again.
    fn new(out: &'a mut [u8], at: usize) -> Self {
        Self { out, at, held: 0, count: 0 }
    }

    /// Up to 57 bits between two calls of [`Bits::flush`].
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        self.held |= bits << (self.count & 63);
        self.count = self.count.wrapping_add(count);
    }

    #[inline(always)]
    fn flush(&mut self) {
        if let Some(place) = self.out.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = self.held.to_le_bytes();
        }
        let bytes = self.count / 8;
        self.at = self.at.wrapping_add(usize::try_from(bytes).unwrap_or(0));
        self.held >>= bytes.wrapping_mul(8) & 63;
        self.count &= 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Decompress, FlushDecompress, Status};
    use proptest::prelude::*;

    fn there_and_back(deflater: &mut Deflater, data: &[u8]) -> usize {
        let mut stream = b"before".to_vec();
        assert!(deflater.compress(data, &mut stream, usize::MAX - 64), "no limit, and yet too long");
        let mut read = Vec::with_capacity(data.len() + 1);
        let mut inflate = Decompress::new(false);
        let status = inflate.decompress_vec(&stream[6..], &mut read, FlushDecompress::Finish).unwrap();
        assert!(
            status == Status::StreamEnd && read == data,
            "{} bytes came back, not {}",
            read.len(),
            data.len()
        );
        assert_eq!(inflate.total_in(), u64::try_from(stream.len()).unwrap() - 6, "bytes behind the end");
        stream.len() - 6
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn zlib_unpacks_any_bytes_to_what_they_were(
            kinds in prop::collection::vec((0u8..5, 1usize..9000, any::<u64>()), 1..6), again: bool,
        ) {
            let mut data = Vec::new();
            for (kind, length, seed) in kinds {
                let mut state = seed | 1;
                let mut next = || {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    state.to_be_bytes()[0]
                };
                for at in 0..length {
                    let byte = match kind {
                        0 => next(),
                        1 => next() % 3,
                        2 => 0,
                        3 => (at % (1 + usize::from(seed.to_be_bytes()[0]))).to_le_bytes()[0],
                        _ => if next() < 200 && data.len() > 777 { data[data.len() - 777] } else { next() },
                    };
                    data.push(byte);
                }
            }
            let mut deflater = Deflater::new();
            let first = there_and_back(&mut deflater, &data);
            if again {
                // What the chunk before left behind changes nothing.
                prop_assert_eq!(there_and_back(&mut deflater, &data), first);
            }
        }
    }

    #[test]
    fn matches_at_the_border_of_the_window_and_of_the_length_come_back() {
        let mut deflater = Deflater::new();
        for gap in [1, 2, 3, 4, 32_760, 32_764, 32_767, 32_768, 32_769, 40_000] {
            for length in [3, 4, 5, 257, 258, 259, 600] {
                let word: Vec<u8> = (0..length).map(|n: usize| (n * 7 % 251).to_le_bytes()[0] | 1).collect();
                let mut data = word.clone();
                data.resize(gap.max(length), 0);
                data.extend(&word);
                data.extend([9; 20]);
                there_and_back(&mut deflater, &data);
            }
        }
        there_and_back(&mut deflater, b"");
        there_and_back(&mut deflater, b"a");
    }

    /// Frequencies that grow as Fibonacci's numbers make the longest codes.
    #[test]
    fn the_rarest_literals_come_back_also_where_they_stand_together() {
        let (mut data, mut rare, mut next, mut state) = (Vec::new(), 1usize, 1usize, 1u64);
        for symbol in 0u8..20 {
            data.extend(std::iter::repeat_n(symbol, rare));
            (rare, next) = (next, rare + next);
        }
        for at in (1..data.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            data.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        data.extend((0..8).chain(0..3).chain(7..9));
        there_and_back(&mut Deflater::new(), &data);
    }

    #[test]
    fn what_does_not_fit_leaves_everything_as_it_was() {
        let text: Vec<u8> = (0u32..9000).flat_map(|n| n.to_string().into_bytes()).collect();
        let mut deflater = Deflater::new();
        let mut stream = Vec::new();
        assert!(deflater.compress(&text, &mut stream, usize::MAX - 64));
        let (mut kept, needed) = (vec![1, 2, 3], stream.len());
        assert!(!deflater.compress(&text, &mut kept, needed + 2) && kept == [1, 2, 3]);
        assert!(deflater.compress(&text, &mut kept, needed + 3) && kept[3..] == stream);
    }
}
