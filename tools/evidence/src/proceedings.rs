//! What the rules ask of a case beside the number of an item: who acted by which authority, where, before whom, under which
//! seals, and by which clock.

use crate::CaseData;
use serde::{Deserialize, Serialize};

/// A case as a case file states it and a record keeps it: the five fields that images carry, and those of the Chinese record
/// forms (法发〔2016〕22号 Articles 7, 8 and 14 to 16; 公通字〔2018〕41号 Articles 11 to 14, 18 to 21 and 46 to 48). An empty
/// field is left out. [`CASE_FIELDS`](crate::CASE_FIELDS) names them all and says which must be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Case number, as the agency files it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case_number: String,
    /// What the case is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// The agency that acts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agency: String,
    /// The law and the document that allow it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub legal_basis: String,
    /// What the acquisition is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// The investigators present: two at least.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub investigators: Vec<Investigator>,
    /// The person who runs the acquisition.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub examiner: String,
    /// Who held the medium, or hands it over.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub holder: String,
    /// Who witnesses.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub witness: String,
    /// Why nobody does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub no_witness_because: String,
    /// Where the acquisition takes place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What the clock of the machine that the medium is of showed: RFC 3339, or local time without the offset from UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine_time: String,
    /// What the reference showed at the same moment, in the same form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference_time: String,
    /// Which clock that is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference_source: String,
    /// Why no clock was compared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub no_machine_time_because: String,
    /// By how many seconds the machine's clock is ahead of the reference; less than zero where it is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_seconds: Option<i64>,
    /// Number of this item of evidence within the case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence_number: String,
    /// One line that says what the item is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How it looks and what state it is in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub appearance: String,
    /// Anything else to be kept with the image.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Where the original is kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kept_at: String,
    /// Who keeps it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keeper: String,
    /// Why the original could not be seized.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub not_seized_because: String,
    /// Numbers of its seals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seal_numbers: Vec<String>,
    /// How it is sealed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal_method: String,
    /// State of the seals before they were opened.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal_before: String,
    /// State of the seals after it was sealed again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal_after: String,
    /// Why it is not sealed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub no_seal_because: String,
    /// Photographs of it and its seals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<Photo>,
    /// Name of the video file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub video: String,
    /// Its SHA-256, in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub video_sha256: String,
    /// Anything else that the forms are to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remarks: String,
    /// Name of the case file; empty where there was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case_file: String,
    /// What must be given and was not when the acquisition began, by key; absent in records of versions that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
}

/// An investigator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Investigator {
    /// Name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Unit that they serve in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Number of their badge or card.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
}

/// A photograph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// File name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// SHA-256 of the file, in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// When it was taken: `before` the item was sealed or its seal opened, or `after`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub taken: String,
}

impl Case {
    /// The fields that an image carries.
    #[must_use]
    pub fn data(&self) -> CaseData {
        CaseData {
            case_number: self.case_number.clone(),
            evidence_number: self.evidence_number.clone(),
            examiner: self.examiner.clone(),
            description: self.description.clone(),
            notes: self.notes.clone(),
        }
    }
}

impl From<CaseData> for Case {
    fn from(data: CaseData) -> Self {
        let CaseData { case_number, evidence_number, examiner, description, notes } = data;
        Self { case_number, evidence_number, examiner, description, notes, ..Self::default() }
    }
}
