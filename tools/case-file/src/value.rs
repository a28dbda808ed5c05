//! Values of a case file: texts of bounded length without control characters, moments, hash values, lists.

use crate::clock;
use crate::{short, unknown};
use evidence::{Case, CaseField, Holds, PartField};
use toml::Spanned;
use toml::de::DeValue;

/// Longest text of a field, in characters.
pub const LONGEST_VALUE: usize = 4000;

/// Most seals, investigators or photographs.
pub const MOST_ENTRIES: usize = 200;

/// Byte offset, and what is wrong there.
type Wrong = (usize, String);

/// What the parser gives: a value with its place.
type Value<'i> = Spanned<DeValue<'i>>;

fn wrong<T>(value: &Value<'_>, key: &str, what: &str) -> Result<T, Wrong> {
    Err((value.span().start, format!("{key}: {what}")))
}

/// Takes the text of a field.
pub fn text(field: &CaseField, value: &Value<'_>, case: &mut Case) -> Result<(), Wrong> {
    let Some(place) = field.text() else { return Ok(()) };
    let given = match (value.get_ref(), field.holds) {
        (DeValue::Datetime(moment), Holds::Moment(_)) => moment.to_string(),
        _ => string(field.key, value)?,
    };
    let clean = match field.holds {
        Holds::Lines(_) => clean_lines(&given),
        Holds::Sha256(_) => clean_sha256(&given),
        Holds::Moment(_) => clock::clean(&given),
        _ => clean_line(&given),
    };
    *(place.get_mut)(case) = clean.or_else(|what| wrong(value, field.key, what))?;
    Ok(())
}

/// A list of texts.
pub fn lines(key: &str, value: &Value<'_>) -> Result<Vec<String>, Wrong> {
    let Some(list) = value.get_ref().as_array() else {
        return wrong(value, key, "a list is wanted, e.g. [\"4711\", \"4712\"]");
    };
    if list.len() > MOST_ENTRIES {
        return wrong(value, key, "more entries than a record has room for");
    }
    let mut all = Vec::new();
    for value in list.iter() {
        let line = clean_line(&string(key, value)?).or_else(|what| wrong(value, key, what))?;
        if !line.is_empty() {
            all.push(line);
        }
    }
    Ok(all)
}

/// A list of tables.
pub fn entries<T: Default>(
    key: &str,
    value: &Value<'_>,
    parts: &'static [PartField<T>],
) -> Result<Vec<T>, Wrong> {
    let tables =
        value.get_ref().as_array().filter(|list| list.iter().all(|entry| entry.get_ref().is_table()));
    let Some(list) = tables else {
        return wrong(value, key, &format!("a table for each is wanted, headed [[{key}]]"));
    };
    if list.len() > MOST_ENTRIES {
        return wrong(value, key, "more entries than a record has room for");
    }
    let mut all = Vec::new();
    for table in list.iter().filter_map(|entry| entry.get_ref().as_table()) {
        let mut entry = T::default();
        let mut blank = true;
        for (name, value) in table {
            let Some(part) = parts.iter().find(|part| part.key == name.get_ref()) else {
                return Err((name.span().start, unknown(&format!("{key}.{}", short(name.get_ref())))));
            };
            let whole = format!("{key}.{}", part.key);
            let given = string(&whole, value)?;
            let clean = match part.key {
                "sha256" => clean_sha256(&given),
                "taken" if !["", "before", "after"].contains(&given.trim()) => {
                    Err("before or after is wanted")
                }
                _ => clean_line(&given),
            };
            let clean = clean.or_else(|what| wrong(value, &whole, what))?;
            blank &= clean.is_empty();
            *(part.get_mut)(&mut entry) = clean;
        }
        // One of the template that nobody filled.
        if !blank {
            all.push(entry);
        }
    }
    Ok(all)
}

fn string(key: &str, value: &Value<'_>) -> Result<String, Wrong> {
    match value.get_ref().as_str() {
        Some(text) => Ok(text.to_owned()),
        None => wrong(value, key, "a text in quotation marks is wanted"),
    }
}

/// A text of one line as it is kept: without blanks at its ends.
///
/// # Errors
/// What is wrong with it: too long, or a character that is none.
pub fn clean_line(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        text if text.contains('\n') => Err("one line is wanted"),
        text => clean_lines(text),
    }
}

/// A text of several lines as it is kept.
///
/// # Errors
/// What is wrong with it: too long, or a character that is none.
pub fn clean_lines(text: &str) -> Result<String, &'static str> {
    let text = text.trim().replace("\r\n", "\n");
    if text.chars().nth(LONGEST_VALUE).is_some() {
        return Err("longer than 4000 characters");
    }
    match text.chars().any(|letter| letter.is_control() && letter != '\n') {
        true => Err("a control character (a tab, for instance) stands in it"),
        false => Ok(text),
    }
}

/// A SHA-256 as it is kept: 64 hexadecimal digits, small letters; or nothing.
///
/// # Errors
/// When it is something else.
pub fn clean_sha256(text: &str) -> Result<String, &'static str> {
    let text = text.trim().to_ascii_lowercase();
    match text.is_empty() || (text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())) {
        true => Ok(text),
        false => Err("SHA-256 in 64 hexadecimal digits is wanted, as sha256sum prints it"),
    }
}
