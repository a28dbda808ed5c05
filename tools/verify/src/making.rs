//! What a container says of the case and of its own making, field by field against the record.

use crate::claims::Claims;
use crate::judgement::{EWF, NO_RECORD};
use crate::property::Property;
use formats::{ImageReader, ewf};

pub const METADATA: &str = "metadata as recorded";

const COMPARED: &str = "case, evidence, examiner, description, notes, model, serial";

/// A container is begun shortly before the record is.
const BEFORE: i64 = 600;

/// A field in the form in which the container carries it.
fn carried_text(image: &dyn ImageReader, recorded: &str) -> String {
    match image.format_name() {
        EWF => ewf::carried_text(recorded),
        _ => recorded.to_owned(),
    }
}

fn carried_version(image: &dyn ImageReader, recorded: &str) -> String {
    match image.format_name() {
        EWF => ewf::carried_version(recorded),
        _ => recorded.to_owned(),
    }
}

/// Compares every field that both have.
pub fn judge(image: &dyn ImageReader, claims: Option<&Claims>) -> Property {
    if !image.is_container() {
        return Property::not_checked(METADATA, "raw images carry no case fields");
    }
    let Some(claims) = claims else { return Property::not_checked(METADATA, NO_RECORD) };
    let Some(recorded) = &claims.case else {
        return Property::not_checked(METADATA, "the record states no case fields");
    };
    let (carried, provenance) = (image.case(), image.provenance());
    let device = claims.making.device.clone().unwrap_or_default();
    let differing = [
        ("case number", &carried.case_number, &recorded.case_number),
        ("evidence number", &carried.evidence_number, &recorded.evidence_number),
        ("examiner", &carried.examiner, &recorded.examiner),
        ("description", &carried.description, &recorded.description),
        ("notes", &carried.notes, &recorded.notes),
        ("model of the device", &provenance.device.model, &device.model),
        ("serial number of the device", &provenance.device.serial, &device.serial),
    ]
    .into_iter()
    .filter(|(_, carried, recorded)| **carried != carried_text(image, recorded))
    .map(|(name, carried, recorded)| format!("{name} is \"{carried}\", recorded is \"{recorded}\""));
    let mut differing: Vec<String> = differing.collect();
    // A container has the name of the program before its version, or the version alone.
    let software = &provenance.software;
    if let Some(version) = &claims.making.version
        && software.rsplit(' ').next() != Some(&carried_version(image, version))
    {
        differing.push(format!("program is \"{software}\", recorded is version \"{version}\""));
    }
    let made = provenance.acquired_at.and_then(|at| jiff::Timestamp::from_second(at).ok());
    let early = |at: i64| claims.making.begun.is_some_and(|begun| at < begun.saturating_sub(BEFORE));
    let late = |at: i64| claims.making.ended.is_some_and(|ended| at > ended);
    match made {
        Some(made) if early(made.as_second()) || late(made.as_second()) => {
            differing.push(format!("time of the acquisition is {made}, which is not that of the record"));
        }
        Some(_) => {}
        None => differing.push("time of the acquisition is missing".to_owned()),
    }
    let finding = match &differing[..] {
        [] if claims.making.version.is_none() => {
            Ok(format!("{COMPARED}, time; not the program, for an earlier run began it"))
        }
        [] => Ok(format!("{COMPARED}, program, time")),
        differing => Err(differing.join("; ")),
    };
    Property::found(METADATA, finding)
}
