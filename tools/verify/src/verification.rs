//! One verification from the first file to the report.

use crate::arguments::Arguments;
use crate::papers::Papers;
use crate::report::Report;
use crate::{claims, judgement, measurement, table};
use formats::FormatError;
use std::io::Write;

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A hash gives wrong values on this machine.
    #[error(transparent)]
    SelfTest(#[from] evidence::SelfTestError),
    /// The image.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The record.
    #[error(transparent)]
    Record(#[from] claims::ClaimsError),
    /// The record's head.
    #[error(transparent)]
    Head(#[from] record::HeadError),
    /// The key that was given.
    #[error(transparent)]
    Key(#[from] record::KeyError),
    /// What a time-stamp is checked with.
    #[error(transparent)]
    Stamp(#[from] crate::time_stamp::StampFileError),
    /// Nobody could read the result.
    #[error("writing the report to standard output failed: {0}")]
    Output(#[from] std::io::Error),
    /// The result could not be put into JSON.
    #[error("making the JSON report failed: {0}")]
    Json(#[from] serde_json::Error),
}

/// Checks what the command line names.
///
/// # Errors
/// [`VerifyError`] where nothing could be checked; what does not hold is no error and stands in the report.
pub fn verify(arguments: &Arguments) -> Result<Report, VerifyError> {
    evidence::self_test()?;
    let papers = Papers::find(arguments)?;
    match formats::open(&arguments.image) {
        Ok(mut image) => {
            let flaws = image.check();
            let algorithms = judgement::algorithms(&*image, papers.claims.as_ref());
            let leaves = papers.claims.as_ref().map(|claims| &claims.leaves);
            let leaves = leaves.filter(|leaves| leaves.cover(image.media_size()));
            let measurement = measurement::measure(&mut *image, &algorithms, leaves)?;
            Ok(Report::of(&*image, &papers, flaws, measurement))
        }
        Err(error) if judgement::speaks_against_the_image(&error) => {
            Ok(Report::of_unreadable(&arguments.image, &papers, &error))
        }
        Err(error) => Err(error.into()),
    }
}

/// Prints a report as a table, or as JSON.
///
/// # Errors
/// [`VerifyError::Output`] or [`VerifyError::Json`].
pub fn print(report: &Report, json: bool, output: &mut impl Write) -> Result<(), VerifyError> {
    if json {
        serde_json::to_writer_pretty(&mut *output, report)?;
        output.write_all(b"\n")?;
    } else {
        table::print(report, output)?;
    }
    Ok(output.flush()?)
}
