//! The text of a case file: every field with what it is, and its value or nothing.

use crate::Language::{Chinese, English};
use crate::words::Words;
use evidence::{
    CASE_FIELDS, Case, FEWEST_INVESTIGATORS, Holds, INVESTIGATOR_FIELDS, Need, PHOTO_FIELDS, PartField,
};
use std::fmt::Write;
use toml_writer::ToTomlValue;

const HEAD: &str = "\
# Case file of Permafrost, TOML in UTF-8. Give it to pf-acquire with --case-file; pf-record case --check says what is missing.
# 取证案件文件（TOML，UTF-8）。用 pf-acquire --case-file 读入；pf-record case --check 列出缺少的必填项。
# Each field names the articles of 法发〔2016〕22号 and 公通字〔2018〕41号 that it serves, and where others ask for the same.
# \"\" is no answer. 空引号表示未填写。
";

/// All of it. Reading it gives the same case again.
#[must_use]
pub fn of(case: &Case) -> String {
    let mut text = HEAD.to_owned();
    for field in &CASE_FIELDS {
        text.push('\n');
        if let Some(words) = Words::of(field.key) {
            comment(words, field.need, &mut text);
        }
        match field.holds {
            Holds::Line(place) | Holds::Lines(place) | Holds::Moment(place) | Holds::Sha256(place) => {
                value(field.key, (place.get)(case), &mut text);
            }
            Holds::Seals => {
                let numbers: Vec<String> =
                    case.seal_numbers.iter().map(|seal| seal.to_toml_value()).collect();
                let _ = writeln!(text, "{} = [{}]", field.key, numbers.join(", "));
            }
            Holds::Investigators => {
                list(field.key, &case.investigators, FEWEST_INVESTIGATORS, &INVESTIGATOR_FIELDS, &mut text);
            }
            Holds::Photos => list(field.key, &case.photos, 1, &PHOTO_FIELDS, &mut text),
        }
    }
    text
}

fn comment(words: &Words, need: Need, text: &mut String) {
    let (english, chinese) = match need {
        Need::Always => (" - must be given".to_owned(), "（必填）".to_owned()),
        Need::Unless(reason) => {
            (format!(" - must be given, or {reason}"), format!("（必填，或填 {reason}）"))
        }
        Need::With(other) => (format!(" - must be given with {other}"), format!("（填写 {other} 时必填）")),
        Need::Optional => (String::new(), String::new()),
    };
    for (language, need) in [(English, english), (Chinese, chinese)] {
        let (name, hint) = (words.name(language), words.hint(language));
        let hint =
            if hint.is_empty() { String::new() } else { format!("{}{hint}", language.pick(": ", "：")) };
        let _ = writeln!(text, "# {name}{need}{hint}");
    }
    let Words { provisions, rules, elsewhere, .. } = words;
    let _ = writeln!(text, "#   法发〔2016〕22号 {provisions}; 公通字〔2018〕41号 {rules}; {elsewhere}");
}

fn value(key: &str, value: &str, text: &mut String) {
    let _ = writeln!(text, "{key} = {}", value.to_toml_value());
}

/// The entries, and empty ones up to that many.
fn list<T: Default>(key: &str, entries: &[T], fewest: usize, parts: &[PartField<T>], text: &mut String) {
    let empty = T::default();
    let blanks = (entries.len()..fewest).map(|_| &empty);
    for entry in entries.iter().chain(blanks) {
        let _ = writeln!(text, "[[{key}]]");
        parts.iter().for_each(|part| value(part.key, (part.get)(entry), text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{Investigator, Photo};
    use proptest::prelude::*;

    #[test]
    fn the_empty_file_states_nothing_and_lacks_everything() {
        let read = crate::parse(&of(&Case::default())).unwrap();
        assert_eq!(read, Case::default());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(texts in proptest::collection::vec("[^\\p{Cc}]{0,30}", 8), lines in "([^\\p{Cc}]|\n){0,60}") {
            let texts: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).collect();
            let case = Case {
                cause: texts[0].clone(),
                agency: texts[1].clone(),
                witness: texts[2].clone(),
                remarks: lines.trim().to_owned(),
                seal_numbers: vec![format!("x{}", texts[3]), format!("y{}", texts[4])],
                investigators: vec![Investigator { name: format!("n{}", texts[5]), unit: texts[6].clone(), id: "\"'\\".into() }],
                photos: vec![Photo { file: format!("f{}", texts[7]), sha256: "ab".repeat(32), taken: "after".into() }],
                ..Case::default()
            };
            prop_assert_eq!(crate::parse(&of(&case)).unwrap(), case);
        }
    }
}
