//! `pf-verify`: checks an image and its record.
//!
//! ```text
//! pf-verify /mnt/dest/item-1.E01
//! pf-verify --key-words "legal winner thank …" --json /mnt/copy/item-1.E01
//! ```
#![forbid(unsafe_code)]
// They abort where nobody reads any more.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use clap::Parser;
use evidence::Plain;
use std::io::Write;
use std::process::ExitCode;
use verify::{Arguments, VerifyError};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run(&arguments).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "error: {}", Plain(error));
        ExitCode::from(verify::COULD_NOT_CHECK)
    })
}

fn run(arguments: &Arguments) -> Result<ExitCode, VerifyError> {
    let report = verify::verify(arguments)?;
    match verify::print(&report, arguments.json, &mut std::io::stdout().lock()) {
        // What does not hold must not look like wrong usage because nobody read it.
        Err(error) if report.exit == verify::FAILS => {
            let _ = writeln!(std::io::stderr(), "error: the image or its record FAILS; {}", Plain(error));
        }
        printed => printed?,
    }
    Ok(ExitCode::from(report.exit))
}
