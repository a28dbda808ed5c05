//! One verification from the first file to the report.

use crate::arguments::Arguments;
use crate::papers::Papers;
use crate::partitions::PartitionTable;
use crate::ranges::Sector;
use crate::report::Report;
use crate::{claims, files, judgement, measurement, ranges, table};
use evidence::ExtentSet;
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
    /// The part of the medium that was asked for.
    #[error(transparent)]
    Range(#[from] ranges::RangeError),
    /// What a time-stamp is checked with.
    #[error(transparent)]
    Stamp(#[from] crate::time_stamp::StampFileError),
    /// What asks for an image, or for another record, beside a record in the place of the image.
    #[error("{0} goes with an image, and a record was given: give the image's first segment")]
    NoImage(&'static str),
    /// What must be an ordinary file is none.
    #[error("{}: it is no ordinary file: move it away, or name another", evidence::Plain(.0.display()))]
    NoFile(std::path::PathBuf),
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
    arguments.are_of_one_kind()?;
    let papers = Papers::find(arguments)?;
    if arguments.is_of_a_record() {
        return Ok(Report::of_a_record(&papers));
    }
    match formats::open(&arguments.image) {
        Ok(mut image) => {
            let claims = papers.claims.as_ref();
            let size = image.media_size();
            let sector = Sector::of(&*image, claims.and_then(|claims| claims.logical_sector));
            let asked = arguments.ranges.iter().map(|range| range.of(size, sector.size));
            let asked = asked.collect::<Result<ExtentSet, _>>()?;
            let leaves = claims.map(|claims| &claims.leaves).filter(|leaves| leaves.cover(size));
            let (flaws, measurement) = if asked.is_empty() {
                let flaws = image.check();
                let algorithms = judgement::algorithms(&*image, claims);
                let segments = image.segments().to_vec();
                let hashed = image.is_container() && claims.is_some_and(|claims| !claims.copies.is_empty());
                let files = hashed.then_some(segments.as_slice());
                let mut measurement = measurement::measure(&mut *image, &algorithms, leaves, files)?;
                if let (Some(claims), Some(hashes)) = (claims, &measurement.files)
                    && flaws.is_empty()
                    && measurement.damaged.is_empty()
                {
                    measurement.idle = files::locate(&mut *image, &files::altered(claims, hashes));
                }
                (flaws, measurement)
            } else {
                let in_sectors = arguments.ranges.iter().any(|range| range.is_in_sectors());
                let sector = in_sectors.then_some(sector);
                (Vec::new(), ranges::measure(&mut *image, (asked, sector), leaves)?)
            };
            let table = PartitionTable::read(&mut *image, sector.size);
            Ok(Report::of(&*image, &papers, flaws, measurement, table))
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
