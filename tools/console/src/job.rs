//! An acquisition that the console began: how far it is, what it said, and how it ended.

use crate::disk::DiskId;
use evidence::Plain;
use serde_json::Value;

/// So many points of the curve of speed are kept.
const MOST_POINTS: usize = 240;

/// So many lines of what it said are kept.
const MOST_LINES: usize = 200;

/// Which of the acquisitions.
pub type JobId = usize;

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reached {
    /// What is being done: pf-acquire's word.
    pub deed: String,
    /// Bytes.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes that could not be read.
    pub unread: u64,
    /// Seconds since this deed began.
    pub seconds: u64,
}

/// How it stands with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Course {
    /// It runs.
    Running,
    /// It waits until it is told to go on.
    Paused,
    /// It was told to stop, and makes what is there durable.
    Stopping,
    /// It ended.
    Ended(Ending),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ending {
    /// The exit code, as `pf-acquire --help` lists them; `None` for a program that was killed.
    pub code: Option<i32>,
    /// What it printed, where it made an image.
    pub result: Option<Outcome>,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// Hash values: algorithm and value.
    pub hashes: Vec<(String, String)>,
    /// Fingerprint of the key that signed the record.
    pub fingerprint: String,
    /// Its twelve words.
    pub words: Vec<String>,
    /// The record.
    pub record: String,
    /// Hash of its last entry.
    pub chain_head: String,
    /// Files of the image.
    pub segments: usize,
    /// What could not be read.
    pub unread: Spread,
    /// What differed, or could not be read, when it was read again.
    pub unstable: Spread,
    /// Warnings: hidden areas, what did not match, what failed.
    pub warnings: Vec<String>,
}

/// So many bytes in so many ranges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spread {
    /// Bytes in all.
    pub bytes: u64,
    /// Ranges.
    pub ranges: usize,
}

impl Spread {
    /// True where there are no ranges.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.ranges == 0
    }

    /// Of a list of ranges as pf-acquire prints it; nothing where there is none.
    fn of(list: Option<&Value>) -> Self {
        let ranges = || list.and_then(Value::as_array).into_iter().flatten();
        let lengths = ranges().filter_map(|range| range.get("length").and_then(Value::as_u64));
        Self { bytes: lengths.fold(0, u64::saturating_add), ranges: ranges().count() }
    }
}

/// One acquisition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// The source.
    pub source: DiskId,
    /// Number of the item.
    pub evidence: String,
    /// The line that does the same in a shell.
    pub line: String,
    /// How far it is.
    pub reached: Reached,
    /// Bytes a second, at equal distances in time; the oldest first.
    pub curve: Vec<u64>,
    /// What it said.
    pub said: Vec<String>,
    /// How it stands.
    pub course: Course,
    /// It recovers in passes: begun again with the same number it goes on by itself.
    pub is_rescue: bool,
}

impl Job {
    /// One that was just begun.
    #[must_use]
    pub fn new(source: DiskId, evidence: String, line: String) -> Self {
        Self {
            source,
            evidence,
            line,
            reached: Reached::default(),
            curve: Vec::new(),
            said: Vec::new(),
            course: Course::Running,
            is_rescue: false,
        }
    }

    /// True until it has ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !matches!(self.course, Course::Ended(_))
    }

    /// Notes how far it is.
    pub fn advance(&mut self, reached: Reached) {
        if reached.deed == self.reached.deed {
            let seconds = reached.seconds.saturating_sub(self.reached.seconds).max(1);
            let bytes = reached.done.saturating_sub(self.reached.done);
            self.curve.push(bytes.checked_div(seconds).unwrap_or(0));
            if self.curve.len() > MOST_POINTS {
                self.curve.remove(0);
            }
        } else {
            self.curve.clear();
        }
        self.reached = reached;
    }

    /// Notes what it said.
    pub fn say(&mut self, line: &str) {
        self.said.push(Plain(line).to_string());
        if self.said.len() > MOST_LINES {
            self.said.remove(0);
        }
    }

    /// Seconds that are left of this deed at the mean of what was done of it.
    #[must_use]
    pub fn seconds_left(&self) -> Option<u64> {
        let left = u128::from(self.reached.total.saturating_sub(self.reached.done));
        let seconds = left.checked_mul(u128::from(self.reached.seconds.max(1)))?;
        u64::try_from(seconds.checked_div(u128::from(self.reached.done))?).ok()
    }
}

/// Reads a line of `--json-progress`; `None` where it is something else that the program says.
#[must_use]
pub fn reached(line: &str) -> Option<Reached> {
    let told: Value = serde_json::from_str(line).ok()?;
    let told = told.get("progress")?;
    let number = |key: &str| told.get(key).and_then(Value::as_u64);
    Some(Reached {
        deed: told.get("deed")?.as_str()?.to_owned(),
        done: number("done")?,
        total: number("total")?,
        unread: number("unread")?,
        seconds: number("seconds")?,
    })
}

/// Reads what `pf-acquire --json` printed; `None` where it made nothing.
#[must_use]
pub fn outcome(json: &[u8]) -> Option<Outcome> {
    let told: Value = serde_json::from_slice(json).ok()?;
    let text =
        |pointer: &str| Plain(told.pointer(pointer).and_then(Value::as_str).unwrap_or("-")).to_string();
    let list = |key: &str| -> Vec<String> {
        let entries = told.get(key).and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(Value::as_str).map(|text| Plain(text).to_string()).collect()
    };
    let hashes = told.get("hashes")?.as_object()?;
    let mut warnings = list("mismatches");
    warnings.extend(list("failed").into_iter().map(|folder| format!("{folder}: not to be used")));
    warnings.extend(list("hidden"));
    Some(Outcome {
        hashes: hashes
            .iter()
            .map(|(algorithm, value)| (algorithm.clone(), value.as_str().unwrap_or("-").to_owned()))
            .collect(),
        fingerprint: text("/signing_key/fingerprint"),
        words: text("/signing_key/words").split_whitespace().map(str::to_owned).collect(),
        record: text("/record"),
        chain_head: text("/chain_head"),
        segments: told.get("segments").and_then(Value::as_array).map_or(0, Vec::len),
        unread: Spread::of(told.get("unread")),
        unstable: Spread::of(told.pointer("/faults/unstable")),
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_from_other_lines() {
        let line = r#"{"progress":{"deed":"imaging","done":5,"total":20,"unread":0,"seconds":2}}"#;
        let reached = reached(line).unwrap();
        assert_eq!((reached.done, reached.total, reached.deed.as_str()), (5, 20, "imaging"));
        assert_eq!(super::reached("warning: a sector"), None);
        assert_eq!(super::reached("{\"progress\":{}}"), None);
    }

    #[test]
    fn what_was_not_read_and_what_differed_is_summed_up() {
        let json = br#"{"hashes":{"md5":"0"},"unread":[{"offset":0,"length":512},{"offset":4096,"length":1024}],
            "faults":{"fill":"zeros","unstable":[{"offset":8192,"length":512}]},"mismatches":[],"hidden":["HPA"]}"#;
        let told = outcome(json).unwrap();
        assert_eq!(told.unread, Spread { bytes: 1536, ranges: 2 });
        assert_eq!(told.unstable, Spread { bytes: 512, ranges: 1 });
        assert_eq!(told.warnings, ["HPA"]);
        assert!(outcome(br#"{"hashes":{}}"#).unwrap().unread.is_empty());
    }

    #[test]
    fn the_curve_and_what_was_said_are_bounded_and_a_new_deed_begins_a_new_curve() {
        let id = DiskId { name: "sda".into(), serial: None, capacity: 1 };
        let mut job = Job::new(id, "1".into(), "pf-acquire".into());
        for second in 0..1000 {
            job.advance(Reached {
                deed: "imaging".into(),
                done: second * 10,
                total: 20_000,
                unread: 0,
                seconds: second,
            });
            job.say("a line");
        }
        assert_eq!((job.curve.len(), job.said.len()), (MOST_POINTS, MOST_LINES));
        assert_eq!(job.curve.last(), Some(&10));
        assert_eq!(job.seconds_left(), Some(1001));
        job.advance(Reached { deed: "reading back".into(), ..Reached::default() });
        assert!(job.curve.is_empty());
        assert_eq!(job.seconds_left(), None, "nothing is known at the beginning");
    }
}
