//! Progress on standard error: a bar on a terminal, else a line now and then.

use evidence::ByteCount;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Time between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

pub struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    last_line: Instant,
}

impl Progress {
    pub fn begin(total: ByteCount) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total.0);
            let template = "verifying {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} ETA {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, total: total.0, last_line: Instant::now() }
    }

    pub fn at(&mut self, done: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.last_line.elapsed() >= PAUSE => {
                self.last_line = Instant::now();
                // A reader that has gone must not end the check.
                let _ = writeln!(
                    stderr(),
                    "verified {} of {}",
                    ByteCount(done).short(),
                    ByteCount(self.total).short()
                );
            }
            None => {}
        }
    }

    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
