//! `pf-convert`: makes an image of another format, or in other segments, out of an image, and proves that it is the same.
//!
//! What it is: the imaging pipeline with an image as its source; what the container says travels along as far as the other
//! one has room, and what does not is told. What it is not: an acquisition; it touches no device and changes no image.
//! Who calls it: examiners and second laboratories; nothing links to it.
//!
//! ```text
//! pf-convert 3.E01 --to /mnt --format raw
//! pf-convert 3.001 --to /mnt --format e01 --segment-size 650MiB --json
//! ```
#![forbid(unsafe_code)]
// They abort where nobody reads any more; see `screen::tell`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod carried;
mod conversion;
mod failure;
mod report;
mod screen;

use clap::{CommandFactory, Parser};
use screen::tell;
use std::process::ExitCode;

/// Its command line, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    arguments::Arguments::command()
}

/// The program: does what the command line of this process says, and tells how it went.
#[must_use]
pub fn program() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match conversion::run(&arguments) {
        Ok(report) => {
            // The image is made: the exit code speaks of it, whoever reads.
            if let Err(error) = report.print(arguments.json, &mut std::io::stdout().lock()) {
                tell(format_args!("warning: the result could not be printed: {error}"));
            }
            report.exit_code()
        }
        Err(failure) => {
            tell(format_args!("error: {failure}"));
            failure.exit_code()
        }
    }
}
