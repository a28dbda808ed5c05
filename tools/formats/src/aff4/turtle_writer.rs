//! Writes `information.turtle` in the shape of the reference images: a subject, its class, a property a line.

use super::vocabulary::{NAMESPACE, XSD};
use std::fmt::Write as _;

/// A text that grows by subjects.
pub(super) struct TurtleWriter {
    text: String,
}

/// What may stand as an object.
pub(super) enum Object<'a> {
    /// An IRI.
    Iri(&'a str),
    /// A plain text.
    Text(&'a str),
    /// A number, as `xsd:long`.
    Number(u64),
    /// A small number, as `xsd:int`.
    Small(u64),
    /// A moment, in seconds since 1970-01-01 UTC.
    Moment(i64),
    /// A hash value with the `aff4:` data type that names its algorithm.
    Hash(String, &'a str),
}

impl TurtleWriter {
    /// Begins with the prefixes; the empty one is the volume.
    pub(super) fn new(volume: &str) -> Self {
        let text = format!(
            "@prefix :      <{volume}> .\n@prefix rdf:   <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n\
             @prefix xsd:   <{XSD}> .\n@prefix aff4:  <{NAMESPACE}> .\n"
        );
        Self { text }
    }

    /// Adds all that is said of one subject.
    pub(super) fn subject(&mut self, iri: &str, classes: &[&str], properties: &[(&str, Object)]) {
        let classes: Vec<String> = classes.iter().map(|class| format!("aff4:{class}")).collect();
        let _ = write!(self.text, "\n<{iri}>\n        a  {}", classes.join(" , "));
        for (name, object) in properties {
            let _ = write!(self.text, " ;\n        aff4:{name}  ");
            self.object(object);
        }
        self.text.push_str(" .\n");
    }

    fn object(&mut self, object: &Object) {
        let _ = match object {
            Object::Iri(iri) => match iri.strip_prefix(NAMESPACE) {
                Some(name) => write!(self.text, "aff4:{name}"),
                None => write!(self.text, "<{iri}>"),
            },
            Object::Text(text) => {
                self.quoted(text);
                Ok(())
            }
            Object::Number(number) => write!(self.text, "\"{number}\"^^xsd:long"),
            Object::Small(number) => write!(self.text, "\"{number}\"^^xsd:int"),
            Object::Moment(seconds) => {
                let moment = jiff::Timestamp::from_second(*seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
                write!(self.text, "\"{moment}\"^^xsd:dateTime")
            }
            Object::Hash(digits, algorithm) => write!(self.text, "\"{digits}\"^^aff4:{algorithm}"),
        };
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for letter in text.chars() {
            match letter {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                control if control.is_control() => {
                    let _ = write!(self.text, "\\u{:04X}", u32::from(control));
                }
                plain => self.text.push(plain),
            }
        }
        self.text.push('"');
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::super::turtle_reader::Graph;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in any::<String>()) {
            let mut writer = TurtleWriter::new("aff4://v");
            let said = [("notes", Object::Text(&text)), ("size", Object::Number(u64::MAX))];
            writer.subject("aff4://i", &["CaseNotes"], &said);
            let graph = Graph::parse(&writer.finish()).unwrap();
            prop_assert_eq!(graph.first("aff4://i", "notes"), Some(text.as_str()));
            prop_assert_eq!(graph.number("aff4://i", "size"), Some(u64::MAX));
            prop_assert!(graph.is_a("aff4://i", "CaseNotes"));
        }
    }
}
