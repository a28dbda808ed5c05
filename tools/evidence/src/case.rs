//! Who asks for the acquisition and what the item is called.

use serde::{Deserialize, Serialize};

/// The case fields that an image container and the record carry. All are free text; an empty field is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseData {
    /// Case number, as the agency files it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case_number: String,
    /// Number of this item of evidence within the case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence_number: String,
    /// The person who runs the acquisition.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub examiner: String,
    /// One line that says what the item is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Anything else the examiner wants kept with the image.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
}
