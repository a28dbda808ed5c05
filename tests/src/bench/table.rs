//! Rows, and their table.

use super::Contestant;
use super::run::Run;
use serde_json::{Value, json};

/// What one program did with one kind of data: medians of all rounds.
#[derive(Clone, Debug)]
pub struct Row {
    /// Kind of data.
    pub case: &'static str,
    /// Program and settings.
    pub tool: &'static str,
    /// Whether it is ours.
    pub ours: bool,
    /// Media data a second.
    pub mib_per_s: f64,
    /// Processor seconds.
    pub cpu_s: f64,
    /// Peak of memory.
    pub peak_mib: f64,
    /// Size of the image.
    pub bytes_out: u64,
    /// What ours can reach at most with these settings.
    pub limit_mib_per_s: Option<f64>,
}

impl Row {
    pub(super) fn of(
        case: &'static str,
        who: &Contestant,
        runs: &[Run],
        size: u64,
        limit: Option<f64>,
    ) -> Self {
        let median = |of: fn(&Run) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let mib = size as f64 / f64::from(1 << 20);
        Self {
            case,
            tool: who.name,
            ours: who.ours,
            mib_per_s: mib / median(|run| run.seconds),
            cpu_s: median(|run| run.cpu_seconds),
            peak_mib: median(|run| run.peak_kib as f64 / 1024.0),
            bytes_out: median(|run| run.bytes_out as f64) as u64,
            limit_mib_per_s: limit,
        }
    }

    /// As `--json` writes it.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "case": self.case, "tool": self.tool, "mib_per_s": self.mib_per_s, "cpu_s": self.cpu_s,
            "peak_mib": self.peak_mib, "bytes_out": self.bytes_out, "limit_mib_per_s": self.limit_mib_per_s,
        })
    }
}

pub(super) fn print(rows: &[Row]) {
    println!(
        "{:<7} {:<29} {:>7} {:>7} {:>6} {:>8} {:>7} {:>8}",
        "CASE", "PROGRAM", "MiB/s", "CPU s", "MiB", "OUT MiB", "LIMIT", "REACHED"
    );
    for row in rows {
        let limit = row.limit_mib_per_s.filter(|_| row.ours);
        println!(
            "{:<7} {:<29} {:>7.0} {:>7.2} {:>6.0} {:>8.1} {:>7} {:>8}",
            row.case,
            row.tool,
            row.mib_per_s,
            row.cpu_s,
            row.peak_mib,
            row.bytes_out as f64 / f64::from(1 << 20),
            limit.map_or(String::new(), |limit| format!("{limit:.0}")),
            limit.map_or(String::new(), |limit| format!("{:.0}%", row.mib_per_s / limit * 100.0)),
        );
    }
}
