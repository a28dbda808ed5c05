//! Properties of an image and its record, and the verdict on each.

use serde::Serialize;

/// What was found out about one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Fails,
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
    pub property: &'static str,
    pub verdict: Verdict,
    pub detail: String,
}

/// Whether a property holds, and why; `Err` tells why it does not.
pub type Finding = Result<String, String>;

impl Property {
    pub fn found(property: &'static str, finding: Finding) -> Self {
        let (verdict, detail) = match finding {
            Ok(detail) => (Verdict::Holds, detail),
            Err(detail) => (Verdict::Fails, detail),
        };
        Self { property, verdict, detail }
    }

    pub fn not_checked(property: &'static str, reason: impl Into<String>) -> Self {
        Self { property, verdict: Verdict::NotChecked, detail: reason.into() }
    }
}
