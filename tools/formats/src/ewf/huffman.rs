//! Prefix codes of deflate (RFC 1951, section 3.2.2): lengths from frequencies, codes from lengths.

/// Most symbols of an alphabet: literals and lengths.
pub(super) const MOST_SYMBOLS: usize = 288;

/// Longest code of literals, lengths and distances.
pub(super) const LONGEST: usize = 15;

/// Code and length of each symbol: the bits to be written, first bit lowest, and their number.
#[derive(Clone, Debug)]
pub(super) struct Codes<const N: usize> {
    /// Length of each code; 0 for a symbol that does not occur.
    pub(super) lengths: [u8; N],
    /// Bits of each code.
    pub(super) bits: [u16; N],
}

impl<const N: usize> Codes<N> {
    /// The best codes of at most `longest` bits. At least two symbols get one: a code of one symbol is not complete, and
    /// some readers refuse it.
    pub(super) fn of(frequencies: &[u32; N], longest: usize) -> Self {
        let mut order = [0u32; MOST_SYMBOLS];
        let mut count = 0usize;
        for (symbol, frequency) in (0u32..).zip(frequencies) {
            if *frequency > 0 {
                set(&mut order, count, (frequency << 9) | symbol);
                count = count.wrapping_add(1);
            }
        }
        for symbol in 0..2 {
            let missing = frequencies.get(usize::try_from(symbol).unwrap_or(0)).is_none_or(|f| *f == 0);
            if count < 2 && missing {
                set(&mut order, count, (1 << 9) | symbol);
                count = count.wrapping_add(1);
            }
        }
        let order = order.get_mut(..count).unwrap_or_default();
        order.sort_unstable();
        let numbers = lengths_of(order, longest);

        let mut lengths = [0u8; N];
        // The rarest first, which get the longest.
        let mut symbols = order.iter();
        for (length, number) in (0u8..16).zip(numbers).rev() {
            for key in symbols.by_ref().take(usize::from(number)) {
                if let Some(place) = lengths.get_mut(usize::try_from(key & 0x1ff).unwrap_or(0)) {
                    *place = length;
                }
            }
        }
        Self { bits: bits_of(&lengths, numbers), lengths }
    }
}

fn get(values: &[u32], at: usize) -> u32 {
    values.get(at).copied().unwrap_or(0)
}

fn set(values: &mut [u32], at: usize, value: u32) {
    if let Some(place) = values.get_mut(at) {
        *place = value;
    }
}

fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// How many codes of each length there are, for `order`: frequencies (above the lowest nine bits) in ascending order.
///
/// Two queues, one of symbols and one of nodes, both of which grow: the two smallest weights are always at their heads
/// (Moffat and Katajainen, In-Place Calculation of Minimum-Redundancy Codes, 1995).
fn lengths_of(order: &[u32], longest: usize) -> [u16; LONGEST + 1] {
    let mut weights = [0u32; MOST_SYMBOLS];
    let mut parents = [0u32; MOST_SYMBOLS];
    let nodes = order.len().saturating_sub(1);
    let (mut leaf, mut root) = (0usize, 0usize);
    // For each node its leaves; each of its other children learns who its parent is.
    let mut leaves_below = [0u8; MOST_SYMBOLS];
    for node in 0..nodes {
        let mut weight = 0u32;
        for _ in 0..2 {
            let takes_leaf =
                leaf < order.len() && (root >= node || get(order, leaf) >> 9 <= get(&weights, root));
            if takes_leaf {
                weight = weight.wrapping_add(get(order, leaf) >> 9);
                leaf = leaf.wrapping_add(1);
                if let Some(below) = leaves_below.get_mut(node) {
                    *below = below.wrapping_add(1);
                }
            } else {
                weight = weight.wrapping_add(get(&weights, root));
                set(&mut parents, root, u32::try_from(node).unwrap_or(0));
                root = root.wrapping_add(1);
            }
        }
        set(&mut weights, node, weight);
    }
    // From the root down; the weights are not needed any more and make room for depths.
    let mut numbers = [0u16; LONGEST + 1];
    let mut depths = [0u32; MOST_SYMBOLS];
    for node in (0..nodes).rev() {
        let is_top = node.wrapping_add(1) == nodes;
        let depth = if is_top { 0 } else { get(&depths, index(get(&parents, node))).wrapping_add(1) };
        set(&mut depths, node, depth);
        let below = index(depth).wrapping_add(1).min(longest);
        let leaves = u16::from(leaves_below.get(node).copied().unwrap_or(0));
        if let Some(number) = numbers.get_mut(below) {
            *number = number.wrapping_add(leaves);
        }
    }
    shorten(&mut numbers, longest);
    numbers
}

/// Codes that were too long were counted as the longest possible, and take more room than there is: others make way, each by
/// becoming one bit longer.
fn shorten(numbers: &mut [u16; LONGEST + 1], longest: usize) {
    let room = 1u32 << longest;
    let taken = |numbers: &[u16; LONGEST + 1]| {
        (0..=longest).zip(numbers).skip(1).fold(0u32, |sum, (length, number)| {
            sum.wrapping_add(u32::from(*number) << longest.wrapping_sub(length))
        })
    };
    let mut over = taken(numbers).saturating_sub(room);
    while over > 0 {
        let Some(length) = (1..longest).rev().find(|length| numbers.get(*length).is_some_and(|n| *n > 0))
        else {
            return;
        };
        // One code one bit longer, together with one of the longest that becomes its neighbour.
        for (at, change) in [(length, u16::MAX), (length.wrapping_add(1), 2), (longest, u16::MAX)] {
            if let Some(number) = numbers.get_mut(at) {
                *number = number.wrapping_add(change);
            }
        }
        over = over.wrapping_sub(1);
    }
}

/// Codes of the same length count upwards with the symbols; written from their first bit on, which is the highest.
fn bits_of<const N: usize>(lengths: &[u8; N], numbers: [u16; LONGEST + 1]) -> [u16; N] {
    let mut next = [0u16; LONGEST + 1];
    let mut code = 0u16;
    for (place, number) in next.iter_mut().skip(1).zip(numbers.iter().skip(1)) {
        *place = code;
        code = code.wrapping_add(*number) << 1;
    }
    let mut bits = [0u16; N];
    for (place, length) in bits.iter_mut().zip(lengths) {
        if let Some(next) = next.get_mut(usize::from(*length)).filter(|_| *length > 0) {
            *place = next.reverse_bits() >> 16u32.wrapping_sub(u32::from(*length));
            *next = next.wrapping_add(1);
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Kraft's sum in units of the longest code.
    fn filled<const N: usize>(codes: &Codes<N>) -> u32 {
        codes.lengths.iter().filter(|length| **length > 0).map(|length| 1 << (15 - length)).sum()
    }

    proptest! {
        #[test]
        fn codes_are_complete_and_short_enough_whatever_the_frequencies(
            mut frequencies in prop::array::uniform30(0u32..40_000), longest in 7usize..=15, skewed: bool,
        ) {
            if skewed {
                // Fibonacci numbers make the deepest trees.
                let (mut a, mut b) = (1, 1);
                for frequency in &mut frequencies {
                    *frequency = a;
                    (a, b) = (b, a + b);
                }
            }
            let codes = Codes::of(&frequencies, longest);
            prop_assert!(codes.lengths.iter().all(|length| usize::from(*length) <= longest));
            prop_assert_eq!(filled(&codes), 1 << 15);
            if frequencies.iter().filter(|f| **f > 0).count() > 1 {
                prop_assert!(frequencies.iter().zip(codes.lengths).all(|(f, length)| (*f > 0) == (length > 0)));
            }
        }
    }

    #[test]
    fn frequent_symbols_get_short_codes_as_huffman_says() {
        let codes = Codes::of(&[45, 13, 12, 16, 9, 5], 15);
        assert_eq!(codes.lengths, [1, 3, 3, 3, 4, 4]);
        assert_eq!(Codes::of(&[0, 0, 0], 15).lengths, [1, 1, 0]);
        assert_eq!(Codes::of(&[0, 0, 7], 15).lengths, [1, 0, 1]);
    }
}
