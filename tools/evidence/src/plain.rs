//! Text of an unknown hand, fit for a terminal.

use std::fmt::{self, Write};

/// Shows a text so that it stays in its line and moves no cursor: what controls a terminal, breaks lines or turns the
/// direction of reading round stands as `U+FFFD`. Names of files, fields of containers and answers of devices are printed
/// through it.
///
/// ```
/// assert_eq!(evidence::Plain("3\u{1b}[2J.E01").to_string(), "3\u{fffd}[2J.E01");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plain<T>(pub T);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Sieve(f), "{}", self.0)
    }
}

struct Sieve<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Sieve<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|letter| self.write_char(letter))
    }

    fn write_char(&mut self, letter: char) -> fmt::Result {
        self.0.write_char(if disturbs(letter) { char::REPLACEMENT_CHARACTER } else { letter })
    }
}

/// Controls of both sets (ECMA-48), line and paragraph separators, and the marks of the bidirectional algorithm (UAX #9),
/// by which a name can be shown as another.
fn disturbs(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_a_cursor_or_turns_the_line_round_is_replaced_and_the_rest_is_kept() {
        for (hostile, shown) in [
            ("a\u{1b}[2Jb", "a\u{fffd}[2Jb"),
            ("\u{9b}2J", "\u{fffd}2J"),
            ("two\nlines\r\tand\u{7f}", "two\u{fffd}lines\u{fffd}\u{fffd}and\u{fffd}"),
            ("10E\u{202e}.3", "10E\u{fffd}.3"),
            ("Jörg 证据 💾", "Jörg 证据 💾"),
        ] {
            assert_eq!(Plain(hostile).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_gets_a_control_character_through(text in any::<String>()) {
            let shown = Plain(&text).to_string();
            prop_assert!(!shown.contains(disturbs));
            prop_assert_eq!(shown.chars().count(), text.chars().count());
        }
    }
}
