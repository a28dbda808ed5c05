//! What `read-meter` is asked and what it answers, as one line of text each.
//!
//! What it is: the two values that pass between `cargo xtask recorder-cost` and the program that it starts as process 1
//! of a measuring kernel. What it is not: part of any image. Who calls it: both sides.
//!
//! ```
//! let pattern: read_meter::Pattern = "65536:0:copied:32:250".parse()?;
//! assert_eq!((pattern.read_bytes, pattern.reads, pattern.bursts), (65536, 32, 250));
//! assert_eq!(pattern.to_string(), "65536:0:copied:32:250");
//! # Ok::<(), read_meter::Unreadable>(())
//! ```
#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;

/// Begins every line that the program writes; the kernel's own messages go to the same terminal.
pub const PREFIX: &str = "read-meter: ";

/// The environment variable that holds the patterns, separated by commas. The kernel passes it on from its command line;
/// arguments would not do, for user-mode Linux adds one of its own.
pub const PATTERNS: &str = "read_meter";

/// The last line after all patterns were read.
pub const DONE: &str = "done";

/// What the disk in memory does with the data of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Copies it, as a processor must that is a disk as well.
    Copied,
    /// Nothing: it answers at once (`fake_rw`). A real disk moves data without the processor.
    Unmoved,
}

/// How to read: `<bytes a read>:<KiB a command>:<copied|unmoved>:<reads a burst>:<bursts>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Bytes that one system call asks for.
    pub read_bytes: usize,
    /// The largest command the block layer may make, in KiB; 0 leaves what the driver set.
    pub command_kib: u32,
    /// What becomes of the data.
    pub data: Data,
    /// Reads that are timed as one.
    pub reads: u32,
    /// How many times.
    pub bursts: u32,
}

/// What was measured: `reading <pattern> <commands> <recorded> <nanoseconds of each burst>...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What was asked.
    pub pattern: Pattern,
    /// SCSI commands that the SCSI layer says it gave to the driver meanwhile (`iorequest_cnt`).
    pub commands: u64,
    /// Commands that the flight recorder says passed meanwhile; `None` where its file is empty, written `-`.
    pub recorded: Option<u64>,
    /// Nanoseconds of each burst.
    pub bursts: Vec<u64>,
}

/// A line that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no {1}")]
pub struct Unreadable(String, &'static str);

const COPIED: &str = "copied";
const UNMOVED: &str = "unmoved";

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = match self.data {
            Data::Copied => COPIED,
            Data::Unmoved => UNMOVED,
        };
        write!(f, "{}:{}:{data}:{}:{}", self.read_bytes, self.command_kib, self.reads, self.bursts)
    }
}

impl FromStr for Pattern {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parse = || {
            let mut fields = text.split(':');
            let pattern = Self {
                read_bytes: fields.next()?.parse().ok()?,
                command_kib: fields.next()?.parse().ok()?,
                data: match fields.next()? {
                    COPIED => Data::Copied,
                    UNMOVED => Data::Unmoved,
                    _ => return None,
                },
                reads: fields.next()?.parse().ok()?,
                bursts: fields.next()?.parse().ok()?,
            };
            let whole = fields.next().is_none();
            (whole && pattern.read_bytes > 0 && pattern.reads > 0 && pattern.bursts > 0).then_some(pattern)
        };
        parse().ok_or_else(|| Unreadable(text.to_owned(), "pattern of reads"))
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading {} {} ", self.pattern, self.commands)?;
        match self.recorded {
            Some(recorded) => write!(f, "{recorded}")?,
            None => write!(f, "-")?,
        }
        self.bursts.iter().try_for_each(|nanoseconds| write!(f, " {nanoseconds}"))
    }
}

impl FromStr for Reading {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parse = || {
            let mut words = text.strip_prefix("reading ")?.split_whitespace();
            let reading = Self {
                pattern: words.next()?.parse().ok()?,
                commands: words.next()?.parse().ok()?,
                recorded: match words.next()? {
                    "-" => None,
                    number => Some(number.parse().ok()?),
                },
                bursts: words.map(str::parse).collect::<Result<_, _>>().ok()?,
            };
            // A terminal that loses characters must not shorten the measurement unseen.
            (usize::try_from(reading.pattern.bursts) == Ok(reading.bursts.len())).then_some(reading)
        };
        parse().ok_or_else(|| Unreadable(text.chars().take(60).collect(), "whole reading"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(recorded: Option<u64>) -> Reading {
        let pattern = Pattern { read_bytes: 4096, command_kib: 0, data: Data::Copied, reads: 10, bursts: 3 };
        Reading { pattern, commands: 30, recorded, bursts: vec![71, 72, 73] }
    }

    #[test]
    fn what_one_side_writes_the_other_reads() {
        for recorded in [Some(30), None] {
            let written = reading(recorded).to_string();
            assert_eq!(written.parse(), Ok(reading(recorded)), "{written}");
        }
        assert_eq!(reading(None).to_string(), "reading 4096:0:copied:10:3 30 - 71 72 73");
    }

    #[test]
    fn a_line_with_a_burst_too_few_or_too_many_is_refused() {
        for line in ["reading 4096:0:copied:10:3 30 - 71 72", "reading 4096:0:copied:10:3 30 - 71 72 73 74"] {
            assert!(line.parse::<Reading>().is_err(), "{line}");
        }
    }

    #[test]
    fn a_pattern_that_reads_nothing_is_refused() {
        "1:0:unmoved:1:1".parse::<Pattern>().unwrap();
        for text in [
            "0:0:unmoved:1:1",
            "1:0:unmoved:0:1",
            "1:0:unmoved:1:0",
            "1:0:unmoved:1",
            "1:0:unmoved:1:1:1",
            "1:0:moved:1:1",
            "a:0:unmoved:1:1",
            "",
        ] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
