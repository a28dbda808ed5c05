//! The fields of a case as a table: what each is called in a case file and in a record, and whether it must be given.

use crate::{Case, Investigator, Photo};

/// Whether a field must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Always,
    /// It must, unless this field says why not.
    Unless(&'static str),
    /// It must where this field is given.
    With(&'static str),
    /// Where it is known.
    Optional,
}

/// What stands in a field.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    /// One line.
    Line(Text),
    /// A text of several lines.
    Lines(Text),
    /// A moment, see [`Case::machine_time`].
    Moment(Text),
    /// SHA-256 in hexadecimal.
    Sha256(Text),
    /// [`Case::seal_numbers`].
    Seals,
    /// [`Case::investigators`].
    Investigators,
    /// [`Case::photos`].
    Photos,
}

/// Where in a [`Case`] a text stands.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// To read it.
    pub get: fn(&Case) -> &String,
    /// To change it.
    pub get_mut: fn(&mut Case) -> &mut String,
}

/// A field of a case.
#[derive(Clone, Copy, Debug)]
pub struct CaseField {
    /// Its key in a case file and in the `case` of a record.
    pub key: &'static str,
    /// Whether it must be given.
    pub need: Need,
    /// What it holds.
    pub holds: Holds,
}

/// A part of an entry of a list of the case file.
#[derive(Clone, Copy, Debug)]
pub struct PartField<T: 'static> {
    /// Its key.
    pub key: &'static str,
    /// Whether the entry is not whole without it.
    pub needed: bool,
    /// To read it.
    pub get: fn(&T) -> &String,
    /// To change it.
    pub get_mut: fn(&mut T) -> &mut String,
}

macro_rules! row {
    ($key:ident, $need:expr, $holds:ident) => {
        CaseField {
            key: stringify!($key),
            need: $need,
            holds: Holds::$holds(Text { get: |case| &case.$key, get_mut: |case| &mut case.$key }),
        }
    };
    ($key:ident, $need:expr, list $holds:ident) => {
        CaseField { key: stringify!($key), need: $need, holds: Holds::$holds }
    };
}

macro_rules! part {
    ($key:ident, $needed:expr) => {
        PartField {
            key: stringify!($key),
            needed: $needed,
            get: |part| &part.$key,
            get_mut: |part| &mut part.$key,
        }
    };
}

/// Every field of a case file, in the order of its questions; lists of entries last, where TOML wants them.
pub static CASE_FIELDS: [CaseField; 31] = [
    row!(case_number, Need::Always, Line),
    row!(cause, Need::Always, Line),
    row!(agency, Need::Always, Line),
    row!(legal_basis, Need::Always, Line),
    row!(purpose, Need::Optional, Line),
    row!(examiner, Need::Optional, Line),
    row!(holder, Need::Always, Line),
    row!(witness, Need::Unless("no_witness_because"), Line),
    row!(no_witness_because, Need::Optional, Line),
    row!(place, Need::Always, Line),
    row!(machine_time, Need::Unless("no_machine_time_because"), Moment),
    row!(reference_time, Need::Unless("no_machine_time_because"), Moment),
    row!(reference_source, Need::Unless("no_machine_time_because"), Line),
    row!(no_machine_time_because, Need::Optional, Line),
    row!(evidence_number, Need::Always, Line),
    row!(description, Need::Always, Line),
    row!(appearance, Need::Optional, Line),
    row!(kept_at, Need::Always, Line),
    row!(keeper, Need::Optional, Line),
    row!(not_seized_because, Need::Optional, Line),
    row!(seal_numbers, Need::Unless("no_seal_because"), list Seals),
    row!(seal_method, Need::Optional, Line),
    row!(seal_before, Need::Unless("no_seal_because"), Line),
    row!(seal_after, Need::Optional, Line),
    row!(no_seal_because, Need::Optional, Line),
    row!(video, Need::With("no_witness_because"), Line),
    row!(video_sha256, Need::Optional, Sha256),
    row!(notes, Need::Optional, Lines),
    row!(remarks, Need::Optional, Lines),
    row!(investigators, Need::Always, list Investigators),
    row!(photos, Need::Unless("no_seal_because"), list Photos),
];

/// What is said of an investigator.
pub static INVESTIGATOR_FIELDS: [PartField<Investigator>; 3] =
    [part!(name, true), part!(unit, true), part!(id, false)];

/// What is said of a photograph.
pub static PHOTO_FIELDS: [PartField<Photo>; 3] =
    [part!(file, true), part!(sha256, true), part!(taken, false)];

/// What can't stand beside the reason for its absence.
const EXCLUSIVE: [&str; 3] = ["witness", "seal_numbers", "seal_before"];

/// So many investigators the rules ask for (法发〔2016〕22号 Article 7).
pub const FEWEST_INVESTIGATORS: usize = 2;

impl CaseField {
    /// The field with that key.
    #[must_use]
    pub fn find(key: &str) -> Option<&'static Self> {
        CASE_FIELDS.iter().find(|field| field.key == key)
    }

    /// Where its text stands; `None` for lists.
    #[must_use]
    pub fn text(&self) -> Option<Text> {
        match self.holds {
            Holds::Line(text) | Holds::Lines(text) | Holds::Moment(text) | Holds::Sha256(text) => Some(text),
            Holds::Seals | Holds::Investigators | Holds::Photos => None,
        }
    }

    /// True where `case` has anything in it.
    #[must_use]
    pub fn is_given(&self, case: &Case) -> bool {
        match self.holds {
            Holds::Line(text) | Holds::Lines(text) | Holds::Moment(text) | Holds::Sha256(text) => {
                !(text.get)(case).is_empty()
            }
            Holds::Seals => !case.seal_numbers.is_empty(),
            Holds::Investigators => !case.investigators.is_empty(),
            Holds::Photos => !case.photos.is_empty(),
        }
    }

    /// True where it must be given in this case.
    #[must_use]
    pub fn is_needed(&self, case: &Case) -> bool {
        let given = |key| Self::find(key).is_some_and(|field| field.is_given(case));
        match self.need {
            Need::Always => true,
            Need::Unless(reason) => !given(reason),
            Need::With(other) => given(other),
            Need::Optional => false,
        }
    }
}

impl Case {
    /// What must be given and is not, by key: `cause`, `investigators.2`, `photos.1.sha256`.
    #[must_use]
    pub fn lacks(&self) -> Vec<String> {
        let mut lacks = Vec::new();
        for field in &CASE_FIELDS {
            match field.holds {
                Holds::Investigators => {
                    incomplete(field.key, &self.investigators, &INVESTIGATOR_FIELDS, &mut lacks);
                    let there = self.investigators.len();
                    lacks.extend((there..FEWEST_INVESTIGATORS).map(|number| place(field.key, number)));
                }
                Holds::Photos => incomplete(field.key, &self.photos, &PHOTO_FIELDS, &mut lacks),
                _ => {}
            }
            if !matches!(field.holds, Holds::Investigators) && field.is_needed(self) && !field.is_given(self)
            {
                lacks.push(field.key.to_owned());
            }
        }
        lacks
    }

    /// The first field that is given here and is another in `other`.
    #[must_use]
    pub fn difference(&self, other: &Case) -> Option<&'static str> {
        let differs = |field: &&CaseField| match field.holds {
            Holds::Seals => self.seal_numbers != other.seal_numbers,
            Holds::Investigators => self.investigators != other.investigators,
            Holds::Photos => self.photos != other.photos,
            Holds::Line(text) | Holds::Lines(text) | Holds::Moment(text) | Holds::Sha256(text) => {
                (text.get)(self) != (text.get)(other)
            }
        };
        CASE_FIELDS.iter().filter(|field| field.is_given(self)).find(differs).map(|field| field.key)
    }

    /// A field that is given beside the one that says why it is not. Photographs of what is not sealed, and a clock that was read
    /// and could not be compared, are no contradictions.
    #[must_use]
    pub fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        CASE_FIELDS.iter().find_map(|field| match field.need {
            Need::Unless(reason)
                if EXCLUSIVE.contains(&field.key) && field.is_given(self) && !field.is_needed(self) =>
            {
                Some((field.key, reason))
            }
            _ => None,
        })
    }
}

fn place(key: &str, number: usize) -> String {
    format!("{key}.{}", number.saturating_add(1))
}

fn incomplete<T>(key: &str, entries: &[T], parts: &[PartField<T>], lacks: &mut Vec<String>) {
    for (number, entry) in entries.iter().enumerate() {
        let empty = parts.iter().filter(|part| part.needed && (part.get)(entry).is_empty());
        lacks.extend(empty.map(|part| format!("{}.{}", place(key, number), part.key)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With everything that can be asked of it.
    fn whole() -> Case {
        let mut case = Case::default();
        for field in &CASE_FIELDS {
            if let Some(text) = field.text().filter(|_| field.need == Need::Always || field.is_needed(&case))
            {
                *(text.get_mut)(&mut case) = "x".into();
            }
        }
        case.seal_numbers = vec!["4711".into()];
        case.investigators = vec![
            Investigator { name: "A".into(), unit: "U".into(), id: String::new() };
            FEWEST_INVESTIGATORS
        ];
        case.photos = vec![Photo { file: "1.jpg".into(), sha256: "0".repeat(64), taken: String::new() }];
        case
    }

    #[test]
    fn every_key_is_that_of_the_field_in_the_record() {
        let mut case = whole();
        for field in &CASE_FIELDS {
            if let Some(text) = field.text() {
                *(text.get_mut)(&mut case) = field.key.to_owned();
                assert_eq!((text.get)(&case), field.key);
            }
        }
        let json = serde_json::to_value(&case).unwrap();
        for field in &CASE_FIELDS {
            let value = json.get(field.key).unwrap_or_else(|| panic!("no {}", field.key));
            assert!(value.is_array() || value == field.key, "{}", field.key);
        }
        assert_eq!(json.as_object().unwrap().len(), CASE_FIELDS.len(), "a field without a row");
        assert_eq!(serde_json::from_value::<Case>(json).unwrap(), case);
    }

    #[test]
    fn what_is_missing_is_named_all_at_once_and_a_reason_stands_in_for_it() {
        assert_eq!(whole().lacks(), [""; 0]);
        assert_eq!(
            Case::default().lacks(),
            [
                "case_number",
                "cause",
                "agency",
                "legal_basis",
                "holder",
                "witness",
                "place",
                "machine_time",
                "reference_time",
                "reference_source",
                "evidence_number",
                "description",
                "kept_at",
                "seal_numbers",
                "seal_before",
                "investigators.1",
                "investigators.2",
                "photos"
            ]
        );
        let mut case = whole();
        case.witness.clear();
        case.no_witness_because = "nobody could be had".into();
        assert_eq!(case.lacks(), ["video"], "without a witness there is a video");
        case.video = "1.mp4".into();
        case.investigators[1].unit.clear();
        case.photos[0].sha256.clear();
        assert_eq!(case.lacks(), ["investigators.2.unit", "photos.1.sha256"]);
        let bare = Case {
            no_seal_because: "a disk on a shelf".into(),
            seal_numbers: Vec::new(),
            seal_before: String::new(),
            photos: Vec::new(),
            ..whole()
        };
        assert_eq!(bare.lacks(), [""; 0]);
    }

    #[test]
    fn a_reason_for_what_is_there_is_a_contradiction() {
        assert_eq!(whole().contradiction(), None);
        let case = Case { no_seal_because: "none".into(), ..whole() };
        assert_eq!(case.contradiction(), Some(("seal_numbers", "no_seal_because")));
        let case = Case { seal_numbers: Vec::new(), ..case };
        assert_eq!(case.contradiction(), Some(("seal_before", "no_seal_because")));
        let case =
            Case { seal_before: String::new(), no_machine_time_because: "no reference".into(), ..case };
        assert!(!case.photos.is_empty() && !case.machine_time.is_empty());
        assert_eq!(case.contradiction(), None);
    }
}
