//! The case as a form: a line for each field, from the table that case files and records share.

use case_file::words::{self, Words};
use case_file::{Language, MOST_ENTRIES, clean_line, clean_lines, clean_moment, clean_sha256};
use evidence::{
    CASE_FIELDS, Case, CaseField, FEWEST_INVESTIGATORS, Holds, INVESTIGATOR_FIELDS, Investigator,
    PHOTO_FIELDS, PartField, Photo,
};
use std::collections::BTreeMap;

/// Said of each source by its own settings, so that one case file serves several.
const OF_THE_SOURCE: [&str; 2] = ["evidence_number", "description"];

/// What stands between two seals, as where pf-record asks for them. A blank or a comma may be part of a number.
const SEAL_ENDS: [char; 3] = [';', '；', '\n'];

/// A line of the form.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    field: &'static CaseField,
    /// Number of the entry, from 0, and the key of its part.
    part: Option<(usize, &'static str)>,
}

/// What was filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Form {
    values: BTreeMap<String, String>,
    more_investigators: usize,
    photos: usize,
    /// The seals of a case file. While their line is not changed they are these, whatever characters a number has.
    read_seals: Vec<String>,
}

impl Form {
    /// The lines, in their order.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for field in CASE_FIELDS.iter().filter(|field| !OF_THE_SOURCE.contains(&field.key)) {
            let mut entries = |count: usize, parts: &[&'static str]| {
                for number in 0..count {
                    lines.extend(parts.iter().map(|&key| Line { field, part: Some((number, key)) }));
                }
            };
            match field.holds {
                Holds::Investigators => entries(
                    FEWEST_INVESTIGATORS.saturating_add(self.more_investigators),
                    &INVESTIGATOR_FIELDS.each_ref().map(|part| part.key),
                ),
                Holds::Photos => entries(self.photos.max(1), &PHOTO_FIELDS.each_ref().map(|part| part.key)),
                _ => lines.push(Line { field, part: None }),
            }
        }
        lines
    }

    /// What stands in a line.
    #[must_use]
    pub fn value(&self, line: &Line) -> &str {
        self.values.get(&line.key()).map_or("", String::as_str)
    }

    /// The text of a line, to be typed into.
    pub fn value_mut(&mut self, line: &Line) -> &mut String {
        self.values.entry(line.key()).or_default()
    }

    /// One more entry of the list that the line belongs to.
    pub fn add_entry(&mut self, line: &Line) {
        match line.field.holds {
            Holds::Investigators
                if self.more_investigators < MOST_ENTRIES.saturating_sub(FEWEST_INVESTIGATORS) =>
            {
                self.more_investigators = self.more_investigators.saturating_add(1);
            }
            Holds::Photos if self.photos < MOST_ENTRIES => self.photos = self.photos.max(1).saturating_add(1),
            _ => {}
        }
    }

    /// The case that is filled in.
    ///
    /// # Errors
    /// The number of the first line that can't be meant, and why.
    pub fn case(&self) -> Result<Case, (usize, String)> {
        let mut case = Case::default();
        for (number, line) in self.lines().iter().enumerate() {
            let typed = self.value(line).trim();
            if !typed.is_empty() {
                line.put(typed, &mut case).map_err(|reason| (number, reason.to_owned()))?;
            }
            if matches!(line.field.holds, Holds::Seals) && typed == joined(&self.read_seals) {
                case.seal_numbers.clone_from(&self.read_seals);
            }
        }
        case.investigators.retain(|one| !(one.name.is_empty() && one.unit.is_empty() && one.id.is_empty()));
        case.photos.retain(|one| !(one.file.is_empty() && one.sha256.is_empty() && one.taken.is_empty()));
        // The reader of case files judges what contradicts what.
        case_file::parse(&case_file::text_of(&case)).map_err(|fault| (self.line_of(&fault.what), fault.what))
    }

    /// Number of the line that a fault names: its key stands before the first colon.
    fn line_of(&self, fault: &str) -> usize {
        let key = fault.split(':').next().unwrap_or_default();
        self.lines().iter().position(|line| line.key() == key).unwrap_or(0)
    }

    /// True where nothing was filled in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.values().all(|value| value.trim().is_empty())
    }

    /// Fills the form in: a line for every entry, for what has none would be missing in the record.
    pub fn fill(&mut self, case: &Case) {
        *self = Self {
            more_investigators: case.investigators.len().saturating_sub(FEWEST_INVESTIGATORS),
            photos: case.photos.len(),
            read_seals: case.seal_numbers.clone(),
            ..Self::default()
        };
        for line in self.lines() {
            let value = line.get(case);
            if !value.is_empty() {
                *self.value_mut(&line) = value;
            }
        }
    }
}

impl Line {
    /// The key in a case file; of a part of a list with its number, as [`Case::lacks`] names it.
    #[must_use]
    pub fn key(&self) -> String {
        match self.part {
            Some((number, part)) => format!("{}.{}.{part}", self.field.key, number.saturating_add(1)),
            None => self.field.key.to_owned(),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self, language: Language) -> String {
        let name = Words::of(self.field.key).map_or(self.field.key, |words| words.name(language));
        match self.part {
            Some((number, part)) => {
                format!("{name} {}: {}", number.saturating_add(1), words::part(part, language))
            }
            None => name.to_owned(),
        }
    }

    /// What helps to fill it in.
    #[must_use]
    pub fn hint(&self, language: Language) -> &'static str {
        if matches!(self.field.holds, Holds::Seals) {
            return crate::words::SEVERAL_SEALS.say(language);
        }
        Words::of(self.field.key).map_or("", |words| words.hint(language))
    }

    /// True where one of `lacks` means this line.
    #[must_use]
    pub fn is_lacking(&self, lacks: &[String]) -> bool {
        let key = self.key();
        lacks.iter().any(|lack| {
            *lack == key || key.strip_prefix(lack.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    fn put(&self, typed: &str, case: &mut Case) -> Result<(), &'static str> {
        match (self.field.holds, self.part) {
            (Holds::Line(text), _) => *(text.get_mut)(case) = clean_line(typed)?,
            (Holds::Lines(text), _) => *(text.get_mut)(case) = clean_lines(typed)?,
            (Holds::Moment(text), _) => *(text.get_mut)(case) = clean_moment(typed)?,
            (Holds::Sha256(text), _) => *(text.get_mut)(case) = clean_sha256(typed)?,
            (Holds::Seals, _) => {
                let numbers = typed.split(SEAL_ENDS).map(str::trim).filter(|number| !number.is_empty());
                case.seal_numbers = numbers.map(clean_line).collect::<Result<_, _>>()?;
            }
            (Holds::Investigators, Some((number, part))) => {
                put_part(&mut case.investigators, number, &INVESTIGATOR_FIELDS, part, clean_line(typed)?);
            }
            (Holds::Photos, Some((number, part))) => {
                let value = if part == "sha256" { clean_sha256(typed)? } else { clean_line(typed)? };
                put_part(&mut case.photos, number, &PHOTO_FIELDS, part, value);
            }
            (Holds::Investigators | Holds::Photos, None) => {}
        }
        Ok(())
    }

    fn get(&self, case: &Case) -> String {
        match (self.field.holds, self.part) {
            (Holds::Seals, _) => joined(&case.seal_numbers),
            (Holds::Investigators, Some((number, part))) => {
                get_part::<Investigator>(&case.investigators, number, &INVESTIGATOR_FIELDS, part)
            }
            (Holds::Photos, Some((number, part))) => {
                get_part::<Photo>(&case.photos, number, &PHOTO_FIELDS, part)
            }
            _ => self.field.text().map(|text| (text.get)(case).clone()).unwrap_or_default(),
        }
    }
}

/// Seals in one line.
fn joined(seals: &[String]) -> String {
    seals.join("; ")
}

fn put_part<T: Default + Clone>(
    entries: &mut Vec<T>,
    number: usize,
    parts: &[PartField<T>],
    key: &str,
    value: String,
) {
    if entries.len() <= number {
        entries.resize(number.saturating_add(1), T::default());
    }
    if let (Some(entry), Some(part)) = (entries.get_mut(number), parts.iter().find(|part| part.key == key)) {
        *(part.get_mut)(entry) = value;
    }
}

fn get_part<T>(entries: &[T], number: usize, parts: &[PartField<T>], key: &str) -> String {
    match (entries.get(number), parts.iter().find(|part| part.key == key)) {
        (Some(entry), Some(part)) => (part.get)(entry).clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(form: &Form, key: &str) -> Line {
        *form.lines().iter().find(|line| line.key() == key).unwrap()
    }

    #[test]
    fn what_is_filled_in_is_the_case_and_fills_the_form_again() {
        let mut form = Form::default();
        for (key, value) in [
            ("case_number", "2026-17"),
            ("seal_numbers", "沪公 4711；A,12; 4712"),
            ("machine_time", "2026-03-17 09:12:04"),
            ("reference_time", "2026-03-17 09:10:00"),
            ("investigators.1.name", "A"),
            ("investigators.2.unit", "U"),
        ] {
            let line = line(&form, key);
            *form.value_mut(&line) = value.to_owned();
        }
        let case = form.case().unwrap();
        assert_eq!(case.case_number, "2026-17");
        assert_eq!(case.seal_numbers, ["沪公 4711", "A,12", "4712"]);
        assert_eq!(case.clock_offset_seconds, Some(124));
        assert_eq!((case.investigators[0].name.as_str(), case.investigators[1].unit.as_str()), ("A", "U"));
        let lacks = case.lacks();
        assert!(
            line(&form, "cause").is_lacking(&lacks) && line(&form, "investigators.2.name").is_lacking(&lacks)
        );
        assert!(!line(&form, "case_number").is_lacking(&lacks));
        let mut again = Form::default();
        again.fill(&case);
        assert_eq!(again.case().unwrap(), case);
    }

    #[test]
    fn a_case_file_with_long_lists_loses_nothing_on_its_way_through_the_form() {
        let numbered = |what: &str, number: usize| format!("{what} {number}");
        let case = Case {
            investigators: (0..MOST_ENTRIES)
                .map(|number| Investigator { name: numbered("N", number), ..Investigator::default() })
                .collect(),
            photos: (0..MOST_ENTRIES)
                .map(|number| Photo { file: numbered("P", number), ..Photo::default() })
                .collect(),
            seal_numbers: vec!["沪公 4711".into(), "4712, left".into(), "a;b".into()],
            ..Case::default()
        };
        let read = case_file::parse(&case_file::text_of(&case)).unwrap();
        let mut form = Form::default();
        form.fill(&read);
        assert_eq!(form.case().unwrap(), read);
        let seals = line(&form, "seal_numbers");
        form.value_mut(&seals).push_str("; 4713");
        assert_eq!(form.case().unwrap().seal_numbers, ["沪公 4711", "4712, left", "a", "b", "4713"]);
        form.value_mut(&seals).clear();
        assert!(form.case().unwrap().seal_numbers.is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_its_line() {
        let mut form = Form::default();
        let moment = line(&form, "machine_time");
        *form.value_mut(&moment) = "half past nine".to_owned();
        let (number, _) = form.case().unwrap_err();
        assert_eq!(form.lines()[number].key(), "machine_time");
    }

    #[test]
    fn what_contradicts_another_line_is_told_with_its_own() {
        let mut form = Form::default();
        for key in ["witness", "no_witness_because"] {
            let line = line(&form, key);
            *form.value_mut(&line) = "x".to_owned();
        }
        let (number, reason) = form.case().unwrap_err();
        assert_eq!(form.lines()[number].key(), "no_witness_because", "{reason}");
    }

    #[test]
    fn a_list_grows_up_to_its_bound() {
        let mut form = Form::default();
        let photo = line(&form, "photos.1.file");
        (0..MOST_ENTRIES * 2).for_each(|_| form.add_entry(&photo));
        assert_eq!(form.lines().iter().filter(|line| line.key().ends_with(".file")).count(), MOST_ENTRIES);
    }
}
