//! Re-reads an image, recomputes its hash values, compares it with its record, and says property by property what holds.
//!
//! What it is: the check anybody can repeat years later, on any machine, without the original disk.
//! What it is not: it repairs nothing, writes nothing, and does not judge the acquisition, only what it left behind.
//! Who calls it: `pf-verify`, and the test that alters images and records in thousands of ways.
//!
//! ```no_run
//! use clap::Parser;
//! let arguments = verify::Arguments::parse_from(["pf-verify", "/mnt/dest/item-1.E01"]);
//! let report = verify::verify(&arguments)?;
//! assert_eq!(report.exit, 0);
//! # Ok::<(), verify::VerifyError>(())
//! ```
#![forbid(unsafe_code)]
// They abort where nobody reads any more.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod claims;
mod earlier;
mod files;
mod judgement;
mod leaves;
mod making;
mod measurement;
mod papers;
mod partitions;
mod progress;
mod property;
mod ranges;
mod report;
mod signature;
mod table;
mod time_stamp;
mod verification;

pub use arguments::{Arguments, COULD_NOT_CHECK, FAILS, HOLDS};
pub use partitions::{Partition, PartitionTable, Whereabouts};
pub use property::{Property, Verdict};
pub use report::Report;
pub use verification::{VerifyError, print, verify};

/// The command line of `pf-verify`, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
