//! Writes HTML that is well-formed XML as well. Whatever comes from a record passes [`escaped`]: there is no other way in.

use crate::text;
use std::fmt::Display;

/// HTML being written.
#[derive(Debug, Default)]
pub struct Markup(String);

/// What stands in a cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Words of ours.
    Words(String),
    /// Words of ours that must not be overlooked.
    Warning(String),
    /// Text from the record.
    Recorded(String),
    /// Hash values, names of files and other things to be compared letter by letter.
    Code(String),
    /// A word or two that stay together: times, kinds.
    Short(String),
    /// A number, set to the right.
    Number(String),
}

/// An element's attributes.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Markup {
    /// The text so far.
    pub fn finish(self) -> String {
        self.0
    }

    /// Begins an element.
    pub fn open(&mut self, tag: &str, attributes: Attributes<'_>) {
        self.tag(tag, attributes, ">");
    }

    /// Ends an element.
    pub fn close(&mut self, tag: &str) {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push_str(">\n");
    }

    /// An element without content.
    pub fn void(&mut self, tag: &str, attributes: Attributes<'_>) {
        self.tag(tag, attributes, "/>");
    }

    /// An element with text.
    pub fn element(&mut self, tag: &str, attributes: Attributes<'_>, text: impl Display) {
        self.open(tag, attributes);
        self.text(text);
        self.close(tag);
    }

    /// An element around others.
    pub fn within(&mut self, tag: &str, attributes: Attributes<'_>, content: impl FnOnce(&mut Self)) {
        self.open(tag, attributes);
        content(self);
        self.close(tag);
    }

    /// Text.
    pub fn text(&mut self, text: impl Display) {
        escaped(&text.to_string(), &mut self.0);
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: impl Display) {
        self.element("p", &[], text);
    }

    /// A list of sentences.
    pub fn list(&mut self, items: impl IntoIterator<Item = String>) {
        self.within("ul", &[], |list| items.into_iter().for_each(|item| list.element("li", &[], item)));
    }

    /// The style sheet, which is our own and is not escaped: HTML reads it as it stands.
    pub fn style(&mut self, sheet: &str) {
        self.open("style", &[]);
        self.0.push_str(sheet);
        self.close("style");
    }

    /// Names and values.
    pub fn facts(&mut self, label: &str, rows: impl IntoIterator<Item = (String, Cell)>) {
        self.within("table", &[("class", "facts"), ("aria-label", label)], |table| {
            table.within("tbody", &[], |body| {
                for (name, cell) in rows {
                    body.within("tr", &[], |row| {
                        row.element("th", &[("scope", "row")], name);
                        row.cell(&cell);
                    });
                }
            });
        });
    }

    /// A table with a head, in a frame that scrolls by itself on a narrow screen.
    pub fn table(&mut self, caption: &str, heads: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) {
        let frame = [("class", "wide"), ("role", "region"), ("aria-label", caption), ("tabindex", "0")];
        let mut rows = rows.into_iter().peekable();
        let first = rows.peek().cloned().unwrap_or_default();
        self.within("div", &frame, |frame| {
            let class = if heads.len() > 3 { "many" } else { "few" };
            frame.within("table", &[("class", class)], |table| {
                table.element("caption", &[], caption);
                table.within("thead", &[], |head| {
                    head.within("tr", &[], |row| {
                        for (column, head) in heads.iter().enumerate() {
                            // Over numbers, where the numbers are.
                            match first.get(column) {
                                Some(Cell::Number(_)) => {
                                    row.element("th", &[("scope", "col"), ("class", "number")], head);
                                }
                                _ => row.element("th", &[("scope", "col")], head),
                            }
                        }
                    });
                });
                table.within("tbody", &[], |body| {
                    for cells in rows {
                        body.within("tr", &[], |row| cells.iter().for_each(|cell| row.cell(cell)));
                    }
                });
            });
        });
    }

    fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Words(words) => self.element("td", &[], words),
            Cell::Warning(words) => {
                self.within("td", &[], |td| td.element("strong", &[("class", "bad")], words))
            }
            // Isolated: letters of a script that runs the other way must not move what stands around them.
            Cell::Recorded(recorded) => self.within("td", &[], |td| td.element("bdi", &[], recorded)),
            Cell::Code(code) => self.within("td", &[], |td| td.element("code", &[], code)),
            Cell::Short(word) => {
                self.within("td", &[("class", "short")], |td| td.element("bdi", &[], word));
            }
            Cell::Number(number) => self.element("td", &[("class", "number")], number),
        }
    }

    fn tag(&mut self, tag: &str, attributes: Attributes<'_>, end: &str) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escaped(value, &mut self.0);
            self.0.push('"');
        }
        self.0.push_str(end);
    }
}

impl Cell {
    /// A field of the record, clipped and cleaned.
    pub fn recorded(text: impl Display) -> Self {
        Cell::Recorded(text::field(text))
    }
}

/// The characters that mean something in HTML stand as references; those that no document may hold, and all controls but the
/// line feed of our own code blocks, as U+FFFD.
fn escaped(text: &str, into: &mut String) {
    for character in text.chars() {
        match character {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            '\n' => into.push('\n'),
            '\u{fffe}' | '\u{ffff}' => into.push(char::REPLACEMENT_CHARACTER),
            control if control.is_control() => into.push(char::REPLACEMENT_CHARACTER),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_no_document_may_hold_is_replaced_in_texts_and_in_attributes() {
        let mut page = Markup::default();
        page.element("p", &[("title", "\u{1b}\"\t")], "a\u{0}\u{85}\r\nb\u{ffff}");
        assert_eq!(
            page.finish(),
            "<p title=\"\u{fffd}&quot;\u{fffd}\">a\u{fffd}\u{fffd}\u{fffd}\nb\u{fffd}</p>\n"
        );
    }

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in any::<String>(), name in any::<String>()) {
            let mut page = Markup::default();
            page.within("div", &[("title", &name)], |div| div.facts("c", [(name.clone(), Cell::recorded(&text))]));
            let page = page.finish();
            let tree = roxmltree::Document::parse(&page).expect("well-formed");
            prop_assert_eq!(tree.descendants().filter(|node| node.is_element()).count(), 7);
            let shown = tree.descendants().find(|node| node.has_tag_name("bdi")).and_then(|bdi| bdi.text());
            let clean = text::field(&text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
            prop_assert_eq!(shown.unwrap_or_default(), clean);
        }
    }
}
