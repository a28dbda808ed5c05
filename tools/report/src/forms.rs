//! The Chinese forms that go with an acquisition, filled as far as the record goes. What it does not have stays a blank line
//! for the hand.
//!
//! Forms are data: a template names its fields and what of the record fills them, and carries its version, because the rules
//! that ask for them get revised.

mod values;

use crate::account::Account;
use crate::failure::Failure;
use crate::language::Language;
use crate::markup::Markup;
use crate::page::style;
use crate::verdict::{Grade, Verdict};
use crate::{output, text};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

const TEMPLATES: [&str; 3] = [
    include_str!("../templates/extraction-record.json"),
    include_str!("../templates/fixing-list.json"),
    include_str!("../templates/sealing-list.json"),
];

const SHEET: &str = include_str!("forms/form.css");

/// Characters of a value.
const VALUE: usize = 1500;

/// A form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    file: String,
    title: String,
    version: String,
    basis: String,
    parts: Vec<Part>,
}

/// A part of a form.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Part {
    /// Names and values, one below the other.
    Fields { heading: Option<String>, fields: Vec<Field> },
    /// A table with one row for the item of the record, and blank ones.
    Table { heading: String, columns: Vec<String>, row: Vec<String>, blank: usize },
    /// Words that stand as they are.
    Note { note: String },
    /// Who signs.
    Signatures { signatures: Vec<String> },
}

/// A field of a form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    label: String,
    /// What of the record fills it, by the word in [`values::value`]; absent where the record never has it.
    value: Option<String>,
    /// Blank lines: below the value, or beyond the first where there is none.
    #[serde(default)]
    lines: usize,
}

/// A form that was made.
#[derive(Debug)]
pub struct Form {
    /// The file.
    pub path: PathBuf,
    /// What of it is left to the hand, by its labels.
    pub blanks: Vec<String>,
}

/// Makes all forms in `folder`, which is made where it is missing. Either all are made or none.
///
/// # Errors
/// [`Failure::Exists`] where one is there already, [`Failure::Write`], [`Failure::Json`].
pub fn write(account: &Account, folder: &Path) -> Result<Vec<Form>, Failure> {
    fs::create_dir_all(folder).map_err(|source| Failure::Write { path: folder.to_owned(), source })?;
    let mut made: Vec<Form> = Vec::new();
    for template in TEMPLATES {
        let template: Template = serde_json::from_str(template)?;
        let path = folder.join(&template.file);
        if let Err(failure) = output::create(&path, form(&template, account)) {
            made.iter().for_each(|form| drop(fs::remove_file(&form.path)));
            return Err(failure);
        }
        made.push(Form { path, blanks: blanks(&template, account) });
    }
    Ok(made)
}

/// What neither record nor case file fills.
fn blanks(template: &Template, account: &Account) -> Vec<String> {
    let mut blanks = Vec::new();
    for part in &template.parts {
        match part {
            Part::Fields { fields, .. } => {
                let empty = fields
                    .iter()
                    .filter(|field| field.value.as_deref().is_none_or(|word| leaves_room(word, account)));
                blanks.extend(empty.map(|field| field.label.clone()));
            }
            Part::Table { heading, columns, row, .. } => {
                let empty = columns.iter().zip(row).filter(|(_, word)| leaves_room(word, account));
                blanks.extend(empty.map(|(column, _)| format!("{heading}：{column}")));
            }
            Part::Note { .. } | Part::Signatures { .. } => {}
        }
    }
    blanks
}

/// Nothing of it is given, or not all.
fn leaves_room(word: &str, account: &Account) -> bool {
    values::value(word, account).is_none() || values::left(word, account) > 0
}

fn form(template: &Template, account: &Account) -> String {
    let mut page = Markup::default();
    let language = Language::Chinese;
    page.open("html", &[("lang", language.tag())]);
    page.within("head", &[], |head| {
        head.void("meta", &[("charset", "utf-8")]);
        head.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", style::POLICY)]);
        head.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
        head.element("title", &[], &template.title);
        head.style(&format!("{}{SHEET}", style::sheet(account.chain.head)));
    });
    page.within("body", &[], |body| {
        body.within("main", &[("class", "form")], |main| {
            main.element("h1", &[], &template.title);
            let verdict = Verdict::of(account);
            // Whoever signs must not overlook it.
            if verdict.grade == Grade::Poor {
                main.element("p", &[("class", "verdict poor")], verdict.headline(language));
            }
            template.parts.iter().for_each(|part| write_part(part, account, main));
        });
        body.within("footer", &[], |footer| {
            footer.paragraph(format_args!("模板版本 {}。{}", template.version, &template.basis));
            footer.paragraph("由取证记录自动填写；空白处由经办人手工填写。本表不是统一印制的式样，办案单位另有式样的，以其为准。");
            let blanks = blanks(template, account);
            if !blanks.is_empty() {
                footer.paragraph(format_args!("待手工填写：{}；签名和日期。", blanks.join("；")));
            }
            footer.within("p", &[], |line| {
                line.text("取证记录：");
                line.element("bdi", &[], text::clipped(&account.name, 120));
            });
        });
    });
    page.close("html");
    format!("<!DOCTYPE html>\n{}", page.finish())
}

fn write_part(part: &Part, account: &Account, page: &mut Markup) {
    match part {
        Part::Fields { heading, fields } => {
            if let Some(heading) = heading {
                page.element("h2", &[], heading);
            }
            let label = heading.as_deref().unwrap_or("基本情况");
            page.within("table", &[("class", "facts"), ("aria-label", label)], |table| {
                table.within("tbody", &[], |body| {
                    fields.iter().for_each(|field| write_field(field, account, body));
                });
            });
        }
        Part::Table { heading, columns, row, blank } => {
            page.element("h2", &[], heading);
            page.within("table", &[("aria-label", heading)], |table| {
                table.within("thead", &[], |head| {
                    head.within("tr", &[], |row| {
                        columns.iter().for_each(|column| row.element("th", &[("scope", "col")], column));
                    });
                });
                table.within("tbody", &[], |body| {
                    body.within("tr", &[], |line| {
                        row.iter().for_each(|word| {
                            write_value(values::value(word, account), values::left(word, account), line)
                        });
                    });
                    for _ in 0..*blank {
                        body.within("tr", &[("class", "empty")], |line| {
                            row.iter().for_each(|_| line.element("td", &[], ""));
                        });
                    }
                });
            });
        }
        Part::Note { note } => page.paragraph(note),
        Part::Signatures { signatures } => page.within("div", &[("class", "signatures")], |block| {
            for signature in signatures {
                block.within("p", &[], |line| {
                    line.text(format_args!("{signature}（签名或者盖章）："));
                    line.element("span", &[("class", "blank")], "");
                });
            }
            block.paragraph("　　　　年　　月　　日");
        }),
    }
}

fn write_field(field: &Field, account: &Account, page: &mut Markup) {
    page.within("tr", &[], |row| {
        row.element("th", &[("scope", "row")], &field.label);
        let value = field.value.as_deref().and_then(|word| values::value(word, account));
        // A value that is not there leaves a blank of its own.
        let left =
            field.value.as_deref().filter(|_| value.is_some()).map_or(0, |word| values::left(word, account));
        write_value(value, field.lines.saturating_add(left), row);
    });
}

/// A value, or a line to write on.
fn write_value(value: Option<String>, lines: usize, row: &mut Markup) {
    row.within("td", &[], |cell| {
        let blank = match value {
            Some(value) => {
                cell.element("bdi", &[], text::lines(&value, VALUE));
                lines
            }
            None => lines.saturating_add(1),
        };
        for _ in 0..blank {
            cell.element("span", &[("class", "blank")], "");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_sound_and_names_only_what_there_is() {
        for template in TEMPLATES {
            let template: Template = serde_json::from_str(template).unwrap();
            let mut words = Vec::new();
            for part in &template.parts {
                match part {
                    Part::Fields { fields, .. } => {
                        words.extend(fields.iter().filter_map(|field| field.value.clone()))
                    }
                    Part::Table { columns, row, .. } => {
                        assert_eq!(columns.len(), row.len(), "{}", template.title);
                        words.extend(row.iter().filter(|word| !word.is_empty()).cloned());
                    }
                    Part::Note { .. } | Part::Signatures { .. } => {}
                }
            }
            for word in words {
                assert!(values::WORDS.contains(&word.as_str()), "{}: {word}", template.title);
            }
        }
    }

    #[test]
    fn of_an_empty_record_everything_is_left_to_the_hand() {
        for word in values::WORDS {
            let value = values::value(word, &Account::default());
            assert!(
                value.is_none() || ["number", "chain-head", "category"].contains(&word),
                "{word}: {value:?}"
            );
        }
    }
}
