//! `pf-acquire`: images a disk, and leaves a record of it.
#![forbid(unsafe_code)]

#[path = "pf_acquire/acquisition.rs"]
mod acquisition;
#[path = "pf_acquire/arguments.rs"]
mod arguments;
#[path = "pf_acquire/destination.rs"]
mod destination;
#[path = "pf_acquire/failure.rs"]
mod failure;
#[path = "pf_acquire/mounts.rs"]
mod mounts;
#[path = "pf_acquire/report.rs"]
mod report;
#[path = "pf_acquire/screen.rs"]
mod screen;
#[path = "pf_acquire/source.rs"]
mod source;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match acquisition::run(&arguments) {
        Ok(report) => {
            report.print(arguments.json);
            report.exit_code()
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}
