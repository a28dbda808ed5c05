//! `pf-guard`: the examiner's hand on the kernel's evidence guard.

mod allow;
mod commands;
mod log;
mod status;
mod transition;

use crate::{Guard, GuardError, GuardedDisk};
use clap::{CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXIT_REFUSED: u8 = 1;
const EXIT_FAILED: u8 = 2;
const EXIT_NO_GUARD: u8 = 3;

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 refused by the guard or not confirmed; 2 wrong usage or could not be carried out; 3 no evidence guard \
is in force on this machine.
DISK is a whole disk, as sdb or /dev/sdb. Memory: below 8 MiB.";

/// Shows and changes what the kernel's evidence guard lets through.
///
/// Every disk is born blocked. It can become evidence (blocked until power-off) or, named by its serial, writable: a
/// destination.
#[derive(Parser)]
#[command(name = "pf-guard", version, after_help = AFTER_HELP)]
struct Cli {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the state of the guard and of each disk.
    Status,
    /// Make a disk writable, as a destination. Shows the disk and asks to type its serial back.
    Allow {
        /// The disk.
        disk: PathBuf,
        /// Its serial number, as pf-devices shows it and its label should.
        #[arg(long)]
        serial: String,
        /// Do not ask (for scripts).
        #[arg(long)]
        yes: bool,
    },
    /// Make a disk evidence: blocked, irrevocably until power-off.
    Lock {
        /// The disk.
        disk: PathBuf,
    },
    /// Put a destination back to blocked. Its cache is flushed first.
    Block {
        /// The disk.
        disk: PathBuf,
    },
    /// End, until power-off, that disks can become writable.
    Seal,
    /// Show the flight recorder of a disk: every command since its discovery, sent, absorbed and refused.
    Commands {
        /// The disk.
        disk: PathBuf,
    },
    /// Show the tables that commands are judged by; with --json their SHA-256.
    Policy,
    /// Show what the guard saw and refused.
    Log {
        /// Go on with new events as they happen.
        #[arg(long)]
        follow: bool,
    },
}

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(
        "no evidence guard is in force on this machine: nothing here keeps a disk from being written; boot the Permafrost image"
    )]
    NoGuard,
    #[error(transparent)]
    Guard(#[from] GuardError),
    #[error(transparent)]
    Device(#[from] device::DeviceError),
    #[error("{}: not a name of a disk; name it as pf-devices lists it, e.g. /dev/sdb", .0.display())]
    NotADiskName(PathBuf),
    #[error("{disk}: not made writable: {reason}")]
    NotConfirmed { disk: String, reason: &'static str },
    #[error(
        "standard input is no terminal, so nobody can type the serial back; give --yes if a script shall decide"
    )]
    NobodyToAsk,
    #[error("{0}")]
    Output(#[from] std::io::Error),
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::NoGuard => EXIT_NO_GUARD,
            Failure::Guard(GuardError::Denied { .. }) | Failure::NotConfirmed { .. } => EXIT_REFUSED,
            _ => EXIT_FAILED,
        }
    }
}

/// The command line.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Does what the command line of this process says, and tells how it went.
pub(crate) fn program() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` that has enough is no failure.
        Err(Failure::Output(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            // Whether anyone reads it or not, the exit code tells.
            let _ = writeln!(std::io::stderr(), "pf-guard: {}", evidence::Plain(&failure));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let guard = Guard::in_force()?.ok_or(Failure::NoGuard)?;
    match &cli.command {
        Command::Status => status::show(&guard, cli.json),
        Command::Allow { disk, serial, yes } => {
            let disk = guarded(&guard, disk)?;
            allow::confirm(&disk, serial, *yes)?;
            disk.allow(serial)?;
            transition::report(&disk, cli.json)
        }
        Command::Lock { disk } => {
            let disk = guarded(&guard, disk)?;
            disk.lock()?;
            transition::report(&disk, cli.json)
        }
        Command::Block { disk } => {
            let disk = guarded(&guard, disk)?;
            disk.block()?;
            transition::report(&disk, cli.json)
        }
        Command::Seal => {
            guard.seal()?;
            status::show(&guard, cli.json)
        }
        Command::Commands { disk } => commands::show(&guarded(&guard, disk)?, cli.json),
        Command::Policy => commands::show_policy(&guard, cli.json),
        Command::Log { follow } => log::show(&guard, *follow, cli.json),
    }
}

fn guarded(guard: &Guard, disk: &Path) -> Result<GuardedDisk, Failure> {
    let name = disk_name(disk).ok_or_else(|| Failure::NotADiskName(disk.to_owned()))?;
    Ok(guard.disk(&name)?)
}

/// `sdb`, `/dev/sdb` and links to it such as `/dev/disk/by-id/…` name the same disk; sysfs writes `/` in names as `!`.
fn disk_name(disk: &Path) -> Option<String> {
    if !disk.is_absolute() {
        return Some(disk.to_str()?.replace('/', "!"));
    }
    let node = disk.canonicalize().unwrap_or_else(|_| disk.to_owned());
    Some(node.strip_prefix("/dev").ok()?.to_str()?.replace('/', "!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_known_by_its_name_and_by_its_node() {
        assert_eq!(disk_name(Path::new("sdb")).as_deref(), Some("sdb"));
        assert_eq!(disk_name(Path::new("/dev/no-such-disk")).as_deref(), Some("no-such-disk"));
        assert_eq!(disk_name(Path::new("/dev/cciss/c0d9")).as_deref(), Some("cciss!c0d9"));
        assert_eq!(disk_name(Path::new("/etc/passwd")), None);
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
