//! What a writer must know to go on after its process ended: a line a fact, in a fixed order, so that a person can read it
//! and a stranger's text can't lead anywhere but to a refusal.

use crate::FormatError;
use crate::destination::with_suffix;
use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};
use std::str::{FromStr, Lines};

/// A state being written down.
pub(crate) struct StateText(String);

impl StateText {
    /// Begins with the name of the format.
    pub(crate) fn new(format: &str) -> Self {
        Self(format!("{format}\n"))
    }

    /// Adds a fact.
    pub(crate) fn line(&mut self, name: &str, fact: impl Display) {
        // A string takes whatever is written to it.
        let _ = writeln!(self.0, "{name} {fact}");
    }

    /// The whole text; its last line shows that nothing is missing.
    pub(crate) fn finish(mut self) -> String {
        self.0.push_str("end\n");
        self.0
    }
}

/// A state being read.
pub(crate) struct StateLines<'a> {
    base: PathBuf,
    lines: std::iter::Peekable<Lines<'a>>,
    number: usize,
}

impl<'a> StateLines<'a> {
    /// Begins with the state of an image of that format, whose base path is `base`.
    pub(crate) fn new(state: &'a str, format: &str, base: &Path) -> Result<Self, FormatError> {
        let mut lines = Self { base: base.to_owned(), lines: state.lines().peekable(), number: 0 };
        match lines.next() {
            Some(found) if found == format => Ok(lines),
            _ => Err(lines.unfit(format!("it is not about an image of format {format}"))),
        }
    }

    /// The fact of that name, which must come next.
    pub(crate) fn fact(&mut self, name: &str) -> Result<&'a str, FormatError> {
        match self.optional(name) {
            Some(fact) => Ok(fact),
            None => Err(self.unfit(format!("'{name}' is missing after line {}", self.number))),
        }
    }

    /// The fact of that name, if it comes next.
    pub(crate) fn optional(&mut self, name: &str) -> Option<&'a str> {
        let fact = self.lines.peek()?.strip_prefix(name)?.strip_prefix(' ')?;
        self.next();
        Some(fact)
    }

    /// As [`StateLines::fact`], as a number.
    pub(crate) fn number<T: FromStr>(&mut self, name: &str) -> Result<T, FormatError> {
        let fact = self.fact(name)?;
        self.parsed(fact)
    }

    /// A word of a fact as a number.
    pub(crate) fn parsed<T: FromStr>(&self, word: &str) -> Result<T, FormatError> {
        word.parse().map_err(|_| self.unfit(format!("line {} does not hold what it should", self.number)))
    }

    /// Nothing may be missing, and nothing may follow.
    pub(crate) fn end(mut self) -> Result<(), FormatError> {
        match (self.next(), self.next()) {
            (Some("end"), None) => Ok(()),
            _ => Err(self.unfit(format!("it does not end after line {}", self.number))),
        }
    }

    /// What is wrong with the state, or with the image that it is about.
    pub(crate) fn unfit(&self, why: String) -> FormatError {
        FormatError::Unfinished { path: self.base.clone(), why }
    }

    fn next(&mut self) -> Option<&'a str> {
        self.number = self.number.saturating_add(1);
        self.lines.next()
    }
}

/// Removes segments that nothing vouches for. All names are tried: an earlier attempt may have ended half-way.
pub(crate) fn remove_segments(
    base: &Path,
    extensions: impl Iterator<Item = String>,
) -> Result<(), FormatError> {
    for extension in extensions {
        let path = with_suffix(base, &extension);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(FormatError::Destination { path, offset: evidence::ByteOffset(0), source });
            }
            _ => {}
        }
    }
    Ok(())
}
