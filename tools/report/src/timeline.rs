//! All entries in order, one sentence each, as many as there is room for.

use crate::language::Language;
use crate::{narrative, text};
use record::{Content, StoredEntry};
use std::collections::BTreeMap;

/// Entries of one kind that are shown. The rest is counted: a failing disk has 50 000 read errors.
const MOST_OF_A_KIND: u64 = 100;

/// What all kinds that this version does not know are counted as.
const UNKNOWN: &str = "";

/// The entries that are shown, and how many are not.
#[derive(Debug, Default)]
pub struct Timeline {
    /// In order.
    pub rows: Vec<Row>,
    counts: BTreeMap<&'static str, Count>,
}

#[derive(Debug, Default)]
struct Count {
    seen: u64,
    /// Numbers of the first and the last entry that is not shown.
    left_out: Option<(u64, u64)>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub seq: u64,
    /// When, as it says.
    pub time: String,
    /// Its kind, as it stands in the record.
    pub kind: String,
    english: String,
    chinese: String,
    /// Fields that this version does not know.
    pub further: Vec<(String, String)>,
}

/// Entries of a kind that are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Their kind; `None` for kinds that this version does not know.
    pub kind: Option<&'static str>,
    /// How many.
    pub count: u64,
    /// Number of the first.
    pub first: u64,
    /// Number of the last.
    pub last: u64,
}

impl Row {
    /// What it says.
    pub fn sentence(&self, language: Language) -> &str {
        language.pick(&self.english, &self.chinese)
    }
}

impl Timeline {
    /// Adds an entry.
    pub fn take(&mut self, stored: &StoredEntry, further: Vec<(String, String)>) {
        let known = match &stored.content {
            Content::Known(entry) => entry.kind(),
            Content::Unknown(_) => UNKNOWN,
        };
        let count = self.counts.entry(known).or_default();
        count.seen = count.seen.saturating_add(1);
        if count.seen > MOST_OF_A_KIND {
            let first = count.left_out.map_or(stored.seq, |(first, _)| first);
            count.left_out = Some((first, stored.seq));
            return;
        }
        let kind = match &stored.content {
            Content::Known(entry) => entry.kind().to_owned(),
            Content::Unknown(value) => match value.get("kind") {
                Some(serde_json::Value::String(kind)) => text::clipped(kind, 40),
                _ => String::new(),
            },
        };
        self.rows.push(Row {
            seq: stored.seq,
            time: text::clipped(&stored.time, 60),
            kind,
            english: narrative::sentence(&stored.content, Language::English),
            chinese: narrative::sentence(&stored.content, Language::Chinese),
            further,
        });
    }

    /// What is not shown.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let left_out = self.counts.iter().filter_map(|(kind, count)| {
            let (first, last) = count.left_out?;
            Some(LeftOut {
                kind: (*kind != UNKNOWN).then_some(*kind),
                count: count.seen.saturating_sub(MOST_OF_A_KIND),
                first,
                last,
            })
        });
        left_out.collect()
    }

    /// How many entries are of kinds that this version does not know.
    pub fn unknown(&self) -> u64 {
        self.counts.get(UNKNOWN).map_or(0, |count| count.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Entry;

    #[test]
    fn what_there_is_no_room_for_is_counted_with_its_place() {
        let mut timeline = Timeline::default();
        for seq in 0..250 {
            let content = if seq % 2 == 0 {
                Content::Known(Entry::Note { text: "n".to_owned() })
            } else {
                Content::Unknown(serde_json::json!({"kind": format!("later-{seq}"), "x": 1}))
            };
            timeline.take(&StoredEntry { seq, time: "t".to_owned(), content }, Vec::new());
        }
        assert_eq!(timeline.rows.len(), 200);
        assert_eq!(timeline.unknown(), 125);
        assert_eq!(timeline.rows[1].kind, "later-1");
        assert_eq!(
            timeline.left_out(),
            [
                LeftOut { kind: None, count: 25, first: 201, last: 249 },
                LeftOut { kind: Some("note"), count: 25, first: 200, last: 248 },
            ]
        );
    }
}
