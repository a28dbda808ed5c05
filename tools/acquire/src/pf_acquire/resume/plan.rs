//! The plan of an acquisition that is gone on with: what its record says, and nothing that contradicts it.

use super::super::arguments::{Arguments, Format};
use super::super::failure::Failure;
use super::found::CutOff;
use acquire::treatment::Fill;
use clap::ValueEnum;
use std::path::Path;

/// The arguments with what the record says in place of what was not given. What was given must be the same.
pub fn taken_over(given: &Arguments, cut_off: &CutOff, record: &Path) -> Result<Arguments, Failure> {
    let plan = &cut_off.opened.plan;
    let case = &cut_off.opened.case;
    let refused = |option: &str, was: &str| Failure::Another {
        path: record.to_owned(),
        reason: format!(
            "it was begun with --{option} {was}: leave --{option} out, or give the same; nothing was changed"
        ),
    };
    let mut arguments = given.clone();
    // The names of the files stay, whatever the evidence number was.
    arguments.names = vec![given.base_name()];

    let format = Format::from_str(&plan.format, false).map_err(|_| refused("format", &plan.format))?;
    if given.has("format") && given.format != format {
        return Err(refused("format", &plan.format));
    }
    arguments.format = format;

    let words: Vec<&str> = plan.hashes.iter().map(|algorithm| algorithm.word()).collect();
    if given.has("hashes") && given.algorithms() != plan.hashes {
        return Err(refused("hash", &words.join(",")));
    }
    arguments.hashes.clone_from(&plan.hashes);

    if given.has("segment_size") && given.segment_limit() != plan.segment_size {
        let was = plan.segment_size.map_or("none".to_owned(), |size| size.0.to_string());
        return Err(refused("segment-size", &was));
    }
    arguments.segment_size = plan.segment_size;

    let fill: Fill = cut_off.fill.parse().map_err(|_| refused("fill", &cut_off.fill))?;
    if given.has("fill") && given.faults.fill != fill {
        return Err(refused("fill", &cut_off.fill));
    }
    arguments.faults.fill = fill;

    let now = given.case();
    for (id, option, now, was) in [
        ("case_number", "case", &now.case_number, &case.case_number),
        ("evidence_numbers", "evidence", &now.evidence_number, &case.evidence_number),
        ("examiner", "examiner", &now.examiner, &case.examiner),
        ("descriptions", "description", &now.description, &case.description),
        ("notes", "notes", &now.notes, &case.notes),
    ] {
        if given.has(id) && now != was {
            return Err(refused(option, was));
        }
    }
    // What the options say was compared above; without a case file nothing is stated.
    if let Some(key) = given.stated.difference(case) {
        let reason = format!(
            "the case file says something else of {key} than this record: leave --case-file out; nothing was changed"
        );
        return Err(Failure::Another { path: record.to_owned(), reason });
    }
    arguments.stated = case.clone();
    arguments.case_number.clone_from(&case.case_number);
    arguments.evidence_numbers = vec![case.evidence_number.clone()];
    arguments.examiner.clone_from(&case.examiner);
    arguments.descriptions = vec![case.description.clone()];
    arguments.notes.clone_from(&case.notes);
    Ok(arguments)
}
