//! Case files: what examiners, or whoever had the stick before them, wrote.

use crate::images::one_line;
use evidence::{CASE_FIELDS, Case};
use std::path::Path;

/// The text of a case file.
pub fn case_file(input: &[u8], scratch: &Path) {
    let path = scratch.join("case.toml");
    std::fs::write(&path, input).unwrap();
    let case = match case_file::read(&path) {
        Ok(case) => case,
        Err(error) => return one_line(&error.to_string()),
    };
    assert_eq!(case.contradiction(), None);
    assert!(case.clock_offset_seconds.is_none() || !case.reference_time.is_empty());
    for field in &CASE_FIELDS {
        let Some(text) = field.text().map(|text| (text.get)(&case)) else { continue };
        assert!(text.chars().count() <= case_file::LONGEST_VALUE, "{}", field.key);
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{}", field.key);
        assert!(!case.lacks().contains(&field.key.to_owned()) || text.is_empty(), "{}", field.key);
    }
    // It fits into the first entry of a record, and comes back out of it.
    let json = serde_json::to_string(&case).unwrap();
    assert!(json.len() < 256 << 10, "{}", json.len());
    assert_eq!(serde_json::from_str::<Case>(&json).unwrap(), case);
}
