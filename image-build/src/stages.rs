//! Stages of a chore, each printed with the time it took.

use crate::error::Result;
use std::time::{Duration, Instant};

/// Runs stages and remembers how long each took.
#[derive(Default)]
pub struct Stages {
    done: Vec<(String, Duration, bool)>,
}

impl Stages {
    /// Runs one stage under a heading.
    pub fn run<T>(&mut self, name: &str, stage: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("==> {name}");
        let begun = Instant::now();
        let outcome = stage();
        let took = begun.elapsed();
        eprintln!("    {name}: {}, {}", if outcome.is_ok() { "done" } else { "FAILED" }, seconds(took));
        self.done.push((name.to_owned(), took, outcome.is_ok()));
        outcome
    }

    /// Prints all stages and their times.
    pub fn summary(&self) {
        let total: Duration = self.done.iter().map(|(_, took, _)| *took).sum();
        eprintln!("\n{:<52}{:>10}", "stage", "time");
        for (name, took, good) in &self.done {
            eprintln!("{name:<52}{:>10}{}", seconds(*took), if *good { "" } else { "  FAILED" });
        }
        eprintln!("{:<52}{:>10}", "total", seconds(total));
    }
}

fn seconds(took: Duration) -> String {
    format!("{}.{} s", took.as_secs(), took.subsec_millis() / 100)
}
