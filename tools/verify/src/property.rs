//! Properties of an image and its record, and the verdict on each.

use serde::Serialize;

/// What was found out about one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Holds,
    /// It is not.
    Fails,
    /// That could not be found out.
    NotChecked,
}

impl Verdict {
    /// The word printed.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Fails => "FAILS",
            Verdict::NotChecked => "not checked",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Verdict::Holds => "holds",
            Verdict::Fails => "fails",
            Verdict::NotChecked => "not-checked",
        })
    }
}

/// A property, its verdict, and what the verdict rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Property {
    /// Its name.
    pub property: &'static str,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Why, or why it was not checked.
    pub detail: String,
}

/// Whether a property holds, and why; `Err` tells why it does not.
pub(crate) type Finding = Result<String, String>;

impl Property {
    /// The verdict that a finding gives.
    pub(crate) fn found(property: &'static str, finding: Finding) -> Self {
        let (verdict, detail) = match finding {
            Ok(detail) => (Verdict::Holds, detail),
            Err(detail) => (Verdict::Fails, detail),
        };
        Self { property, verdict, detail }
    }

    /// Not checked, and why.
    pub(crate) fn not_checked(property: &'static str, reason: impl Into<String>) -> Self {
        Self { property, verdict: Verdict::NotChecked, detail: reason.into() }
    }
}
