//! How fast an acquisition can be at most: the slowest of source, sink, longest serial hash, and all processor time shared
//! by all cores. Each is measured in the same sitting, by our own parts, one at a time on one core.

use super::Options;
use super::contestant::Makeup;
use crate::host_program::HostProgram;
use crate::{Doing, Result};
use serde_json::Value;
use std::path::Path;

/// What `parts` measured; seconds of processor time for a MiB.
pub struct Parts(Value);

impl Parts {
    /// Measures over `source`, with `folder` as destination.
    ///
    /// # Errors
    /// When the program fails.
    pub fn measure(options: &Options, source: &Path, folder: &Path) -> Result<Self> {
        let said = HostProgram::at(&options.parts).arg(source).arg(folder).run()?;
        let told = serde_json::from_str(&said).map_err(std::io::Error::from);
        Ok(Self(told.doing(|| format!("reading what {} printed", options.parts.display()))?))
    }

    fn number(&self, path: &str) -> Option<f64> {
        self.0.pointer(path).and_then(Value::as_f64)
    }

    /// MiB/s that our pipeline can reach at most with that format and those hashes.
    pub fn limit(&self, makeup: Makeup, options: &Options) -> Option<f64> {
        let cores = cores(options);
        // As the pipeline shares them out: one thread a core, SHA-1 with MD5.
        let lanes: &[&str] = match (makeup.hashes, cores > 1.0) {
            ("", _) => return None,
            ("md5,sha256", true) => &["md5", "sha256"],
            ("md5,sha256", false) => &["md5+sha256"],
            (_, true) => &["md5+sha1", "sha256"],
            (_, false) => &["md5+sha1+sha256"],
        };
        let lanes: Option<Vec<f64>> =
            lanes.iter().map(|lane| self.number(&format!("/hashes/{lane}"))).collect();
        let lanes = lanes?;
        let of_format = |what: &str| self.number(&format!("/formats/{}/{what}", makeup.format));
        let cpu: f64 = lanes.iter().sum::<f64>()
            + self.number("/leaf")?
            + self.number("/read")?
            + of_format("encode")?
            + of_format("write")?;
        let longest = lanes.iter().copied().fold(0.0, f64::max);
        let limits =
            [cores / cpu, 1.0 / longest, self.number("/source_mib_per_s")?, of_format("sink_mib_per_s")?];
        Some(limits.into_iter().fold(f64::INFINITY, f64::min))
    }
}

/// Cores that may be used.
fn cores(options: &Options) -> f64 {
    let named = options.cores.as_ref().map(|list| list.split(',').count());
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    f64::from(u32::try_from(named.unwrap_or_else(all)).unwrap_or(1))
}
