//! Fields that a later version put into entries of kinds this version knows. A reader drops them; a face shows them.

use crate::text;
use record::{Content, Entry};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest line: that of a closed image.
const LONGEST: u64 = 16 << 20;

/// Fields of an entry that are shown.
const MOST: usize = 20;

/// Characters of a value.
const VALUE: usize = 200;

/// The lines of a record as they stand, beside its entries.
pub struct RawLines {
    /// `None` once there is nothing more to be had.
    input: Option<BufReader<File>>,
    line: Vec<u8>,
}

impl RawLines {
    /// The lines of the file at `path`; none where it can't be opened, which whoever reads its entries says.
    pub fn open(path: &Path) -> Self {
        Self { input: File::open(path).ok().map(BufReader::new), line: Vec::new() }
    }

    /// The next line.
    pub fn next(&mut self) -> Option<&[u8]> {
        self.line.clear();
        let input = self.input.as_mut()?;
        let read = input.take(LONGEST.saturating_add(1)).read_until(b'\n', &mut self.line);
        if read.is_ok_and(|length| length > 0) {
            Some(&self.line)
        } else {
            self.input = None;
            None
        }
    }
}

/// What every line has beside its entry.
const ENVELOPE: [&str; 4] = ["seq", "time", "prev", "kind"];

/// The fields of a closed image, which is not put into JSON again: it may hold 150 000 ranges.
const IMAGE_CLOSED: &str = r#"{"segments":0,"media_size":0,"hashes":0,"unread":0,"seconds":0}"#;

/// Those of values of parts of the medium, which are thousands.
const LEAVES: &str = r#"{"leaf_size":0,"first":0,"values":0}"#;

/// Names and values of the fields in `line` that its entry, as this version understands it, does not have.
pub fn fields(line: &[u8], entry: &Content) -> Vec<(String, String)> {
    let Content::Known(entry) = entry else { return Vec::new() };
    let known = match entry {
        Entry::ImageClosed(_) => Ok(IMAGE_CLOSED.to_owned()),
        Entry::Leaves(_) => Ok(LEAVES.to_owned()),
        other => serde_json::to_string(other),
    };
    let mut found = Vec::new();
    if let (Ok(line), Ok(known)) = (std::str::from_utf8(line), known) {
        compare("", line, &known, &mut found);
    }
    found
}

/// Fields of `raw` that `known` lacks, and those of the objects in both.
fn compare(path: &str, raw: &str, known: &str, found: &mut Vec<(String, String)>) {
    type Fields<'a> = BTreeMap<String, &'a RawValue>;
    let (Ok(fields), Ok(known)) =
        (serde_json::from_str::<Fields<'_>>(raw), serde_json::from_str::<Fields<'_>>(known))
    else {
        return;
    };
    for (name, value) in fields {
        if found.len() >= MOST {
            return;
        }
        match known.get(&name) {
            Some(inner) if inner.get().starts_with('{') => {
                compare(&format!("{path}{name}."), value.get(), inner.get(), found);
            }
            Some(_) => {}
            None if path.is_empty() && ENVELOPE.contains(&name.as_str()) => {}
            // What is left out where it is empty may stand there empty, too.
            None if ["null", "[]", "{}", "\"\""].contains(&value.get()) => {}
            None => {
                found
                    .push((text::clipped(format!("{path}{name}"), VALUE), text::clipped(value.get(), VALUE)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_later_version_is_found_wherever_it_stands() {
        let line = br#"{"seq":3,"time":"t","prev":"0","kind":"closed","outcome":"complete","witness":{"name":"W"},"refused":null}"#;
        let entry: Entry = serde_json::from_slice(line).unwrap();
        assert_eq!(
            fields(line, &Content::Known(entry)),
            [("witness".to_owned(), r#"{"name":"W"}"#.to_owned())]
        );
        let line = br#"{"kind":"verification","hashes":{},"matches":true,"mismatches":[],"by":"x\u001b"}"#;
        let entry: Entry = serde_json::from_slice(line).unwrap();
        assert_eq!(fields(line, &Content::Known(entry)), [("by".to_owned(), r#""x\u001b""#.to_owned())]);
    }

    #[test]
    fn a_field_within_a_known_one_is_found_too() {
        let line = br#"{"kind":"reread","compared":1,"unstable":0}"#;
        let entry: Entry = serde_json::from_slice(line).unwrap();
        assert!(fields(line, &Content::Known(entry)).is_empty());
        let mut found = Vec::new();
        compare("", r#"{"case":{"examiner":"A","witness":"B"}}"#, r#"{"case":{"examiner":"A"}}"#, &mut found);
        assert_eq!(found, [("case.witness".to_owned(), "\"B\"".to_owned())]);
    }
}
