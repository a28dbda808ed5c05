//! What is seen while it runs: a line on standard error, and each part of the source that cannot be had.

use acquire::block_reader::ReadFault;
use acquire::pipeline::Observer;
use acquire::progress::Progress;
use evidence::{ByteCount, Plain};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt;
use std::io::Write;

/// Prints a line on standard error, if there is anyone left to read it. What it quotes of an image can't move a cursor.
pub fn tell(line: fmt::Arguments) {
    let _ = writeln!(std::io::stderr(), "{}", Plain(line));
}

/// A progress line; hidden where standard error is no terminal.
pub struct Screen {
    bar: ProgressBar,
    /// Whether a part that cannot be had ends the run.
    strict: bool,
}

/// A part of the source that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{0}; copy what can be had with --despite-damage")]
struct Unreadable(String);

impl Screen {
    /// Begins a line that says what is being done to how much.
    pub fn new(deed: &'static str, size: ByteCount, strict: bool) -> Self {
        let bar = ProgressBar::new(size.0).with_message(deed);
        let line = "{msg} {percent:>3}% {bytes}/{total_bytes} {binary_bytes_per_sec} left {eta}";
        if let Ok(style) = ProgressStyle::with_template(line) {
            bar.set_style(style);
        }
        Self { bar, strict }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Screen {
    fn fault(&mut self, fault: &ReadFault) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.strict {
            return Err(Box::new(Unreadable(fault.error.clone())));
        }
        self.bar.suspend(|| tell(format_args!("warning: {}; filled with zeros", fault.error)));
        Ok(())
    }

    fn tick(&mut self, progress: &Progress) {
        self.bar.set_position(progress.done());
    }
}
