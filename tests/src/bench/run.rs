//! One run, watched from outside through /proc.

use super::{Contestant, Options};
use crate::{Doing, HarnessError, Result};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(3);

/// Clock ticks a second in /proc/PID/stat: a constant of the kernel's interface on all common machines.
const TICKS: f64 = 100.0;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Until the image was closed.
    pub seconds: f64,
    /// Processor time until then, of user and system.
    pub cpu_seconds: f64,
    /// Peak of resident memory until the program ended.
    pub peak_kib: u64,
    /// Bytes of the image.
    pub bytes_out: u64,
}

/// Lets `contestant` image `source` into the empty `folder`.
///
/// # Errors
/// When it can't be started or fails.
pub fn once(contestant: &Contestant, options: &Options, source: &Path, folder: &Path) -> Result<Run> {
    let command = contestant.command(options, source, folder)?;
    let (program, words) = command.split_first().expect("a program");
    let shown = || format!("{command:?}");
    let complaints = fs::File::create(folder.join("stderr.txt")).doing(shown)?;
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(words)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(complaints)
        .spawn()
        .doing(shown)?;
    let mut run = Run { seconds: 0.0, cpu_seconds: 0.0, peak_kib: 0, bytes_out: 0 };
    let record = folder.join("image.record.jsonl");
    let mut closed = false;
    loop {
        let seen = Seen::of(&child);
        // Ours reads back then, which takes memory, but is no part of imaging.
        run.peak_kib = run.peak_kib.max(seen.peak_kib);
        if !closed {
            run.cpu_seconds = run.cpu_seconds.max(seen.cpu_seconds);
            run.seconds = begun.elapsed().as_secs_f64();
            closed = contestant.ours
                && fs::read_to_string(&record).is_ok_and(|text| text.contains("\"kind\":\"image-closed\""));
        }
        if seen.ended {
            break;
        }
        std::thread::sleep(LOOK);
    }
    let status = child.wait().doing(shown)?;
    if !status.success() {
        let said = fs::read_to_string(folder.join("stderr.txt")).unwrap_or_default();
        return Err(HarnessError::Program { command: shown(), status: status.to_string(), said });
    }
    run.bytes_out = image_size(folder)?;
    Ok(run)
}

/// What the kernel says of a process.
struct Seen {
    /// It waits to be collected.
    ended: bool,
    peak_kib: u64,
    cpu_seconds: f64,
}

impl Seen {
    fn of(child: &Child) -> Self {
        let folder = format!("/proc/{}", child.id());
        let status = fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak_kib = peak.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0);
        // proc_pid_stat(5): after the name in brackets come state (3), …, utime (14) and stime (15).
        let stat = fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok()).map_or(0.0, f64::from);
        let ended = fields.first().is_none_or(|state| *state == "Z");
        Self { ended, peak_kib, cpu_seconds: (ticks(11) + ticks(12)) / TICKS }
    }
}

/// Bytes of all segments, or of the one file.
fn image_size(folder: &Path) -> Result<u64> {
    let listing = fs::read_dir(folder).doing(|| format!("listing {}", folder.display()))?;
    let is_image = |name: &str| name.starts_with("image.E") || ["image.raw", "image.aff4"].contains(&name);
    Ok(listing
        .flatten()
        .filter(|entry| is_image(&entry.file_name().to_string_lossy()))
        .filter_map(|entry| entry.metadata().ok())
        .map(|file| file.len())
        .sum())
}
