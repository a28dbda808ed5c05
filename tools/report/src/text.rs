//! Text of an unknown hand, kept short.

use evidence::Plain;
use std::fmt::Display;

/// Characters of a field that are shown.
pub const FIELD: usize = 600;

/// The beginning of a text, without what controls a screen, and how much is left out. Clipped before anything is done with
/// it, so that a line of a megabyte costs no more than its beginning.
pub fn clipped(text: impl Display, longest: usize) -> String {
    let text = text.to_string();
    let Some((end, _)) = text.char_indices().nth(longest) else { return Plain(text).to_string() };
    let (shown, rest) = text.split_at(end);
    format!("{} … (+{})", Plain(shown), rest.chars().count())
}

/// A text of several lines, as such.
pub fn lines(text: &str, longest: usize) -> String {
    let end = text.char_indices().nth(longest).map_or(text.len(), |(end, _)| end);
    let (shown, rest) = text.split_at(end);
    let shown: Vec<String> = shown.split('\n').map(|line| Plain(line).to_string()).collect();
    let left_out = if rest.is_empty() { String::new() } else { format!(" … (+{})", rest.chars().count()) };
    format!("{}{left_out}", shown.join("\n"))
}

/// A field, clipped at the usual length.
pub fn field(text: impl Display) -> String {
    clipped(text, FIELD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_hostile_texts_are_cut_and_cleaned() {
        assert_eq!(clipped("证据证据", 4), "证据证据");
        assert_eq!(clipped("证据证据盘", 4), "证据证据 … (+1)");
        assert_eq!(field("a\u{1b}[2J\u{202e}b\n"), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        assert_eq!(lines("a\nb\r\u{1b}c", 4), "a\nb\u{fffd} … (+2)");
        assert_eq!(field("x".repeat(1 << 20)).len(), FIELD + " … (+1047976)".len());
    }
}
