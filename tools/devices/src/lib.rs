//! `pf-devices`: the disks of this machine, what they are and what lies on them.
#![forbid(unsafe_code)]

mod report;
mod screen;

use clap::{CommandFactory, Parser};
use device::self_report;
use std::io::Write;
use std::process::ExitCode;

const EXIT_FAILED: u8 = 2;

const AFTER_HELP: &str = "\
Each disk is asked what it says of itself: areas that an image doesn't hold (HPA, DCO, AMA, NVMe namespaces, capacity and
metadata, partitions of an eMMC), ATA password, TCG locking, what discarded sectors read as, zones, health. \"None\" stands only
where the disk said so. Every command sent only asks; nothing is unlocked. An ATA disk behind a USB bridge is asked only
where the bridge says that it translates ATA, for others may hang. A disk that does not answer within 30 seconds is said
to be unknown; the program may then end only when the kernel has given its command up.

Exit codes: 0 the list is complete; 2 wrong usage, or the list of disks cannot be read.
Content is recognised by the first and last 136 KiB of each disk and partition. Memory: below 8 MiB.";

/// Lists the disks of this machine: identity, capacity, sector sizes, partitions, file systems and encryption, hidden areas,
/// locks and health, and the state of each under the kernel's evidence guard.
///
/// Nothing is opened for writing. Without root, what cannot be read is said to be so.
#[derive(Parser)]
#[command(name = "pf-devices", version, after_help = AFTER_HELP)]
struct Cli {
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
    /// Read nothing from the disks themselves: no recognition of content.
    #[arg(long)]
    no_content: bool,
    /// Ask the disks nothing: no hidden areas, no locks, no health.
    #[arg(long)]
    no_questions: bool,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Device(#[from] device::DeviceError),
    #[error(transparent)]
    Output(#[from] std::io::Error),
    #[error("the list cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Its command line, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// The program: does what the command line of this process says, and tells how it went.
#[must_use]
pub fn program() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` that has enough is no failure.
        Err(Failure::Output(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            // Whether anyone reads it or not, the exit code tells.
            let _ = writeln!(std::io::stderr(), "pf-devices: {}", evidence::Plain(&failure));
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let mut disks = device::inventory::list()?;
    if !cli.no_content {
        for disk in &mut disks {
            disk.read_signatures();
        }
    }
    let said: Vec<_> = match cli.no_questions {
        true => disks.iter().map(|_| None).collect(),
        false => self_report::ask_all(&disks, self_report::PATIENCE).into_iter().map(Some).collect(),
    };
    let disks = disks.into_iter().zip(said).collect();
    let report = report::Report::new(disks, device::hidden_disks::hidden_disks(), guard::Guard::in_force());
    let mut out = std::io::stdout().lock();
    if cli.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        for line in screen::lines(&report) {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(())
}
