//! The command line.

use crate::vector::Class;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes: 0 the block held, or done; 1 a change or a modifying command got through; 2 wrong usage or refused; 3 could not \
be carried out.
DISK is a whole disk, as sdb or /dev/sdb. Fill it where it is not protected, then attach it behind the block under test.
Memory: below 16 MiB, whatever the disk, and 48 bytes for each 512 bytes in use in file systems that were laid out. Each pass-through command is given 10 s; writes of the block layer take what the \
kernel's drivers give them.
Without --destructive nothing is sent that could lock the disk, erase it for hours or take its firmware; with --random, \
vendor specific commands are among what is sent: use disks that you can lose. Resets reach what shares a bus or a controller \
with the disk.";

/// Validates a write block on a scratch disk: tries every known way to change it and says what got through.
#[derive(Debug, Parser)]
#[command(name = "pf-prove", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fill a scratch disk with a pattern in which every 512 bytes say where they belong. ERASES THE DISK.
    Fill(Fill),
    /// Try every known way to change the disk, and say what got through. ENDANGERS ALL DATA ON IT.
    Attack(Attack),
    /// List the catalogue of ways.
    List,
}

/// Which disk, and that it is meant.
#[derive(Debug, Args)]
pub(crate) struct Scratch {
    /// The scratch disk.
    pub(crate) disk: PathBuf,
    /// Its serial number, as pf-devices shows it and its label should.
    #[arg(long, conflicts_with = "no_serial")]
    pub(crate) serial: Option<String>,
    /// It reports no serial number.
    #[arg(long)]
    pub(crate) no_serial: bool,
    /// Do not ask (for scripts).
    #[arg(long)]
    pub(crate) yes: bool,
    /// Also a disk with partitions or recognised content, or one that is in use.
    #[arg(long)]
    pub(crate) i_know: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fill {
    #[command(flatten)]
    pub(crate) scratch: Scratch,
    /// Seed of the pattern.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also a partition table with one dirty file system of each kind, half a mirror (md) and a volume group (LVM): what a mount
    /// or an automatic assembly writes to. Takes the system's own mkfs programs, root and loop devices.
    #[arg(long)]
    pub(crate) file_systems: bool,
    /// Where the file systems are made; what is in use of them must fit twice. The folder for temporary files if not given.
    #[arg(long, requires = "file_systems")]
    pub(crate) work: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Attack {
    #[command(flatten)]
    pub(crate) scratch: Scratch,
    /// Seed of what is written and of the random commands.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many random commands to send after the catalogue.
    #[arg(long, default_value_t = 0)]
    pub(crate) random: u64,
    /// Only these classes.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<Class>,
    /// Also what may lock the disk, erase it for hours, or take its firmware.
    #[arg(long)]
    pub(crate) destructive: bool,
    /// The disk carries no pattern: something else compares its content.
    #[arg(long)]
    pub(crate) no_pattern: bool,
    /// Write pf-prove.json and pf-prove.html into this folder.
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn classes_are_named_in_a_list() {
        let line = ["pf-prove", "attack", "sdb", "--serial", "S", "--only", "scsi,ata", "--random", "5"];
        let Command::Attack(attack) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        assert_eq!((attack.only, attack.random), (vec![Class::Scsi, Class::Ata], 5));
        let both = ["pf-prove", "attack", "sdb", "--serial", "S", "--no-serial"];
        assert!(Cli::try_parse_from(both).is_err());
        let fill = ["pf-prove", "fill", "sdb", "--serial", "S"];
        let with = |more: &[&'static str]| Cli::try_parse_from(fill.iter().chain(more).copied());
        assert!(with(&["--file-systems", "--work", "/var/tmp"]).is_ok());
        assert!(with(&["--work", "/var/tmp"]).is_err(), "nothing is made there");
        assert!(Cli::try_parse_from(["pf-prove", "attack", "sdb", "--only", "nonsense"]).is_err());
    }
}
