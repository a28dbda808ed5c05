//! Case fields in the metadata: `CaseDetails` and `CaseNotes`, as the reference images have them.

use super::turtle_reader::Graph;
use super::turtle_writer::{Object, TurtleWriter};
use evidence::CaseData;

/// Objects that carry the case.
pub(super) struct CaseNames<'a> {
    pub(super) details: &'a str,
    pub(super) notes: &'a str,
    pub(super) image: &'a str,
    pub(super) volume: &'a str,
    /// When it was written down, in seconds since 1970-01-01 UTC.
    pub(super) at: i64,
}

/// Writes the case; empty fields are left out.
pub(super) fn write<'a>(case: &'a CaseData, names: &CaseNames<'a>, turtle: &mut TurtleWriter) {
    let object = |fields: &[(&'static str, &'a str)]| {
        let mut said = vec![("target", Object::Iri(names.image)), ("stored", Object::Iri(names.volume))];
        let filled = fields.iter().filter(|(_, value)| !value.is_empty());
        said.extend(filled.map(|(name, value)| (*name, Object::Text(value))));
        said
    };
    let details = object(&[
        ("caseName", &case.case_number),
        ("caseDescription", &case.description),
        ("examiner", &case.examiner),
    ]);
    let mut notes = object(&[
        ("caseNumber", &case.case_number),
        ("evidenceNumber", &case.evidence_number),
        ("examiner", &case.examiner),
        ("notes", &case.notes),
    ]);
    notes.push(("timestamp", Object::Moment(names.at)));
    turtle.subject(names.details, &["CaseDetails"], &details);
    turtle.subject(names.notes, &["CaseNotes"], &notes);
}

/// Reads the case of `image`. Several notes are put below each other in the order of their time.
pub(super) fn read(graph: &Graph, image: &str) -> CaseData {
    let about = |class| {
        let all = graph.those_that_are(class);
        let mut about: Vec<&str> =
            all.filter(|arn| graph.all(arn, "target").any(|term| term.value() == image)).collect();
        about.sort_by_key(|arn| graph.first(arn, "timestamp"));
        about
    };
    let (details, notes) = (about("CaseDetails"), about("CaseNotes"));
    let first = |arns: &[&str], property| {
        arns.iter().find_map(|arn| graph.first(arn, property)).unwrap_or_default().to_owned()
    };
    let or = |one: String, other: String| if one.is_empty() { other } else { one };
    let texts: Vec<&str> = notes.iter().filter_map(|arn| graph.first(arn, "notes")).collect();
    CaseData {
        case_number: or(first(&notes, "caseNumber"), first(&details, "caseName")),
        evidence_number: first(&notes, "evidenceNumber"),
        examiner: or(first(&notes, "examiner"), first(&details, "examiner")),
        description: first(&details, "caseDescription"),
        notes: texts.join("\n"),
    }
}
