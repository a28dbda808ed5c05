//! How fast an acquisition can be at most: the slowest of source, sink, longest serial hash, and all processor time shared
//! by all cores. Each is measured in the same sitting, by our own parts, one at a time.

use super::Options;
use super::contestant::Makeup;
use crate::host_program::HostProgram;
use crate::{Doing, Result};
use serde_json::Value;
use std::path::Path;

/// What `parts` measured; seconds of processor time for a MiB.
pub struct Parts {
    /// With the machine to itself.
    alone: Value,
    /// By a copy on each core at the same time: cores that share a cache, or are two threads of one, are slower then, and in
    /// an acquisition all of them work.
    together: Vec<Value>,
}

impl Parts {
    /// Measures over `source`, with `folder` as destination.
    ///
    /// # Errors
    /// When the program fails.
    pub fn measure(options: &Options, source: &Path, folder: &Path) -> Result<Self> {
        let one = |number: usize| {
            let scratch = folder.join(format!("parts-{number}"));
            let doing = || format!("making and removing {}", scratch.display());
            std::fs::create_dir(&scratch).doing(doing)?;
            let mut program = HostProgram::at(&options.parts);
            if let Some(cores) = &options.cores {
                program = super::host("taskset")?.args(["-c", cores]).arg(&options.parts);
            }
            let said = program.arg(source).arg(&scratch).run()?;
            std::fs::remove_dir(&scratch).doing(doing)?;
            let told: std::io::Result<Value> = serde_json::from_str(&said).map_err(std::io::Error::from);
            told.doing(|| format!("reading what {} printed", options.parts.display()))
        };
        let alone = one(0)?;
        let copies = cores(options);
        let together = std::thread::scope(|scope| {
            let started: Vec<_> = (0..copies).map(|number| scope.spawn(move || one(number))).collect();
            started.into_iter().map(|copy| copy.join().expect("a copy that ends")).collect::<Result<_>>()
        })?;
        Ok(Self { alone, together })
    }

    fn alone(&self, path: &str) -> Option<f64> {
        self.alone.pointer(path).and_then(Value::as_f64)
    }

    /// What it costs while all cores work.
    fn cost(&self, path: &str) -> Option<f64> {
        let costs: Option<Vec<f64>> =
            self.together.iter().map(|copy| copy.pointer(path).and_then(Value::as_f64)).collect();
        let costs = costs?;
        Some(costs.iter().sum::<f64>() / costs.len() as f64)
    }

    /// MiB/s that can be reached at most with that format and those hashes, on the way of sharing the hashes out that
    /// allows most: each its own thread, or together on one, where they fit between each other's steps.
    pub fn limit(&self, makeup: Makeup, options: &Options) -> Option<f64> {
        let ways: &[&[&str]] = match makeup.hashes {
            "" => return None,
            "sha256" => &[&["sha256"]],
            "md5,sha256" => &[&["md5", "sha256"], &["md5+sha256"]],
            _ => &[
                &["md5", "sha1", "sha256"],
                &["md5", "sha1+sha256"],
                &["md5+sha1", "sha256"],
                &["md5+sha1+sha256"],
            ],
        };
        let limits = ways.iter().map(|lanes| self.limit_with(lanes, makeup.format, cores(options)));
        limits.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
    }

    fn limit_with(&self, lanes: &[&str], format: &str, cores: usize) -> Option<f64> {
        let hashes: Vec<String> = lanes.iter().map(|lane| format!("/hashes/{lane}")).collect();
        let of_format = |what: &str| format!("/formats/{format}/{what}");
        let others = ["/leaf".to_owned(), "/read".to_owned(), of_format("encode"), of_format("write")];
        let costs: Option<Vec<f64>> = hashes.iter().chain(&others).map(|part| self.cost(part)).collect();
        let chains: Option<Vec<f64>> = hashes.iter().map(|lane| self.alone(lane)).collect();
        let limits = [
            cores as f64 / costs?.iter().sum::<f64>(),
            1.0 / chains?.into_iter().fold(0.0, f64::max),
            self.alone("/source_mib_per_s")?,
            self.alone(&of_format("sink_mib_per_s"))?,
        ];
        Some(limits.into_iter().fold(f64::INFINITY, f64::min))
    }
}

/// Cores that may be used.
fn cores(options: &Options) -> usize {
    let named = options.cores.as_ref().map(|list| list.split(',').count());
    named.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}
