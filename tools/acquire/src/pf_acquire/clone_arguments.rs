//! What a clone onto a disk is told.

use clap::Args;
use std::path::PathBuf;

/// Options of a clone.
#[derive(Args, Clone, Debug)]
pub struct CloneArguments {
    /// Write the source onto this disk, sector by sector, in place of an image; its record goes to --to
    #[arg(long = "clone", value_name = "DISK", conflicts_with_all = ["format", "segment_size", "rescue", "reread", "resume"])]
    pub disk: Option<PathBuf>,

    /// Serial number of that disk, as pf-devices shows it, or none; needed where no guard is in force
    #[arg(long, value_name = "SERIAL", requires = "disk")]
    pub clone_serial: Option<String>,

    /// Take a disk that is smaller than the source: what does not fit is left out, and the record says so
    #[arg(long, requires = "disk")]
    pub truncate: bool,

    /// Put zeros behind the clone, to the end of its disk
    #[arg(long, requires = "disk")]
    pub wipe_rest: bool,
}
