//! The case file and what the options say beside it, before anything is touched.

use super::arguments::Arguments;
use super::failure::Failure;
use super::screen::tell;
use evidence::{CaseField, Plain};
use std::path::Path;

/// The arguments with what the case file says; a warning where there is none.
///
/// # Errors
/// When it can't be read, when an option contradicts it, or when it lacks what must be given and nobody said to go on.
pub fn stated(mut arguments: Arguments) -> Result<Arguments, Failure> {
    let Some(path) = arguments.case_file.clone() else {
        // What is gone on with has its case.
        if !arguments.resume {
            let lacks = arguments.case().lacks().join(", ");
            tell(format_args!(
                "warning: no --case-file: the record will say for ever that these are missing: {lacks}"
            ));
        }
        return Ok(arguments);
    };
    arguments.stated = case_file::read(&path)?;
    if arguments.miscounted().is_none() {
        agree(&arguments, &path)?;
        demand(&arguments, &path)?;
    }
    Ok(arguments)
}

fn agree(arguments: &Arguments, path: &Path) -> Result<(), Failure> {
    let file = Plain(path.display());
    let stated = &arguments.stated;
    for (key, value, option) in [
        ("evidence_number", &stated.evidence_number, "evidence"),
        ("description", &stated.description, "description"),
    ] {
        if !arguments.others.is_empty() && !value.is_empty() {
            return Err(Failure::Sources(format!(
                "{file}: {key} is that of one item; with several sources take it out, and give --{option} once for each"
            )));
        }
    }
    for (option, key, value) in arguments.of_the_case() {
        let said = CaseField::find(key).and_then(CaseField::text).map(|text| (text.get)(stated));
        if let Some(said) = said.filter(|said| !value.is_empty() && !said.is_empty() && *said != value) {
            return Err(Failure::Sources(format!(
                "--{option} {}: {file} says {key} = \"{}\"; leave one of them out",
                Plain(value),
                Plain(said)
            )));
        }
    }
    Ok(())
}

fn demand(arguments: &Arguments, path: &Path) -> Result<(), Failure> {
    let (file, lacks) = (Plain(path.display()), arguments.case().lacks().join(", "));
    match (lacks.is_empty(), arguments.incomplete) {
        (true, _) => {}
        (false, true) => {
            tell(format_args!("warning: {file} lacks {lacks}; the record says so for ever"));
        }
        (false, false) => {
            return Err(Failure::Sources(format!(
                "{file}: lacks {lacks}; fill it in (pf-record case --check says what each is), or go on with --incomplete: \
                 the record will say so for ever"
            )));
        }
    }
    Ok(())
}
