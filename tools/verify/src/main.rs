//! `pf-verify`: re-reads an image, recomputes its hash values, compares it with its record, and says property by
//! property what holds.
//!
//! What it is: the check anybody can repeat years later, on any machine, without the original disk.
//! What it is not: it repairs nothing, writes nothing, and does not judge the acquisition, only what it left behind.
//! Who calls it: examiners, second laboratories, the test harness; nothing links to it.
//!
//! ```text
//! pf-verify /mnt/dest/item-1.E01
//! pf-verify --json --record /mnt/dest/item-1.record.jsonl /mnt/copy/item-1.E01
//! ```
#![forbid(unsafe_code)]
// They abort where nobody reads any more.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod claims;
mod judgement;
mod measurement;
mod progress;
mod property;
mod report;
mod table;

use arguments::Arguments;
use clap::Parser;
use evidence::Plain;
use formats::FormatError;
use report::Report;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run(&arguments).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "error: {}", Plain(error));
        ExitCode::from(arguments::COULD_NOT_CHECK)
    })
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(transparent)]
    SelfTest(#[from] evidence::SelfTestError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Record(#[from] claims::ClaimsError),
    #[error("writing the report to standard output failed: {0}")]
    Output(#[from] std::io::Error),
    #[error("making the JSON report failed: {0}")]
    Json(#[from] serde_json::Error),
}

fn run(arguments: &Arguments) -> Result<ExitCode, VerifyError> {
    evidence::self_test()?;
    let claims = claims::find(&arguments.image, arguments.record.as_deref())?;
    let report = match formats::open(&arguments.image) {
        Ok(mut image) => {
            let flaws = image.check();
            let algorithms = judgement::algorithms(&*image, claims.as_ref());
            let measurement = measurement::measure(&mut *image, &algorithms)?;
            Report::of(&*image, claims.as_ref(), flaws, measurement)
        }
        Err(error) if judgement::speaks_against_the_image(&error) => {
            Report::of_unreadable(&arguments.image, claims.as_ref(), &error)
        }
        Err(error) => return Err(error.into()),
    };
    match print(&report, arguments.json) {
        // What does not hold must not look like wrong usage because nobody read it.
        Err(error) if report.exit == arguments::FAILS => {
            let _ = writeln!(std::io::stderr(), "error: the image or its record FAILS; {}", Plain(error));
        }
        printed => printed?,
    }
    Ok(ExitCode::from(report.exit))
}

fn print(report: &Report, json: bool) -> Result<(), VerifyError> {
    let mut output = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut output, report)?;
        output.write_all(b"\n")?;
    } else {
        table::print(report, &mut output)?;
    }
    Ok(output.flush()?)
}
