//! What a run found, as it goes into JSON, HTML and onto the screen.

use crate::arguments::Attack;
use crate::pattern::Comparison;
use crate::plan::Attempt;
use crate::state::{Change, Property};
use crate::target::Target;
use crate::vector::{Class, Door, Effect};
use crate::verdict::Verdict;
use passthrough::Outcome;
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of the JSON's form.
const SCHEMA: &str = "permafrost-prove-1";

/// One attempt and what came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) class: Class,
    pub(crate) door: Door,
    pub(crate) name: String,
    pub(crate) standard: &'static str,
    pub(crate) effect: Effect,
    pub(crate) verdict: Verdict,
    pub(crate) answer: String,
    /// What kind of answer it was; none for a row that was not tried.
    pub(crate) outcome: Option<Outcome>,
    /// Where bytes changed.
    pub(crate) changes: Vec<String>,
    pub(crate) milliseconds: u64,
    pub(crate) requirements: &'static [&'static str],
}

/// Random commands of one kind with one answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RandomRow {
    pub(crate) command: String,
    pub(crate) answer: String,
    pub(crate) count: u64,
    /// Reported as executed although it is no read.
    pub(crate) executed: bool,
    /// Number of the first of them; the seed gives it again.
    pub(crate) first: u64,
    /// The first of them in full.
    pub(crate) example: String,
    pub(crate) changes: Vec<String>,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    pub(crate) tool: String,
    pub(crate) kernel: String,
    pub(crate) began: String,
    pub(crate) ended: String,
    pub(crate) disk: device::Disk,
    pub(crate) doors: Vec<String>,
    /// What the disk was filled with beside the pattern, in its order.
    pub(crate) laid_out: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) destructive: bool,
    pub(crate) only: Vec<Class>,
    /// The block held: nothing changed, and no modifying command was reported as executed.
    pub(crate) held: bool,
    pub(crate) counts: BTreeMap<String, usize>,
    /// Refusals that the device itself may have spoken: they show that nothing changed, not who refused.
    pub(crate) perhaps_the_devices_own: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) random: Vec<RandomRow>,
    /// The whole disk compared with its pattern at the end; none without a pattern.
    pub(crate) pattern: Option<Comparison>,
    /// Why it could not be compared.
    pub(crate) pattern_unreadable: Option<String>,
    pub(crate) state_before: Vec<Property>,
    pub(crate) state_after: Vec<Property>,
    pub(crate) state_changes: Vec<Change>,
}

impl Row {
    /// A row that was not tried yet.
    pub(crate) fn of(attempt: &Attempt) -> Self {
        Row {
            class: attempt.class,
            door: attempt.door,
            name: attempt.name.clone(),
            standard: attempt.clause,
            effect: attempt.effect,
            verdict: Verdict::NotApplicable,
            answer: String::new(),
            outcome: None,
            changes: Vec::new(),
            milliseconds: 0,
            requirements: &[],
        }
    }
}

impl Report {
    pub(crate) fn new(target: &Target, options: &Attack) -> Self {
        let uname = nix::sys::utsname::uname().ok();
        let kernel = uname.map_or_else(String::new, |name| {
            format!("{} {}", name.release().to_string_lossy(), name.version().to_string_lossy())
        });
        Report {
            schema: SCHEMA,
            tool: format!("pf-prove {}", env!("CARGO_PKG_VERSION")),
            kernel,
            began: now(),
            ended: String::new(),
            disk: target.disk.clone(),
            doors: target.doors().map(|(door, path)| format!("{door}: {}", path.display())).collect(),
            laid_out: Vec::new(),
            seed: options.seed,
            destructive: options.destructive,
            only: options.only.clone(),
            held: false,
            counts: BTreeMap::new(),
            perhaps_the_devices_own: 0,
            rows: Vec::new(),
            random: Vec::new(),
            pattern: None,
            pattern_unreadable: None,
            state_before: Vec::new(),
            state_after: Vec::new(),
            state_changes: Vec::new(),
        }
    }

    /// Counts and judges.
    pub(crate) fn end(&mut self) {
        self.ended = now();
        for row in &self.rows {
            let count = self.counts.entry(row.verdict.to_string()).or_default();
            *count = count.saturating_add(1);
        }
        let unsure = |row: &&Row| row.verdict == Verdict::Blocked && row.outcome != Some(Outcome::Refused);
        self.perhaps_the_devices_own = self.rows.iter().filter(unsure).count();
        self.held = self.objections().is_empty();
    }

    /// What speaks against the block, one sentence each.
    pub(crate) fn objections(&self) -> Vec<String> {
        let mut objections = Vec::new();
        let failing = |verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let mut say = |count: usize, words: &str| {
            if count > 0 {
                objections.push(format!("{count} {words}"));
            }
        };
        say(failing(Verdict::Changed), "attempt(s) changed the disk");
        say(
            failing(Verdict::AcceptedNothingChanged),
            "modifying command(s) reported as executed, no change seen",
        );
        say(
            self.random.iter().filter(|row| row.executed).count(),
            "kinds of random commands were reported as executed",
        );
        say(
            self.random.iter().filter(|row| !row.changes.is_empty()).count(),
            "kinds of random commands changed the disk",
        );
        if let Some(pattern) = &self.pattern {
            let changed = usize::try_from(pattern.changed_blocks).unwrap_or(usize::MAX);
            say(changed, "blocks of 512 bytes no longer hold what they held");
        }
        say(usize::from(self.pattern_unreadable.is_some()), "disk can no longer be read as a whole");
        say(self.state_changes.len(), "properties of the disk are not what they were");
        objections
    }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::plan;

    /// A report without a machine: what its judgement looks at is set by each test.
    pub(crate) fn empty() -> Report {
        let mut disk = device::inventory::identify(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").as_path(),
        )
        .unwrap();
        disk.identity.model = Some("<b>Model & Söhne</b>".to_owned());
        Report {
            schema: SCHEMA,
            tool: "pf-prove".into(),
            kernel: String::new(),
            began: String::new(),
            ended: String::new(),
            disk,
            doors: Vec::new(),
            laid_out: Vec::new(),
            seed: 1,
            destructive: false,
            only: Vec::new(),
            held: false,
            counts: BTreeMap::new(),
            perhaps_the_devices_own: 0,
            rows: Vec::new(),
            random: Vec::new(),
            pattern: Some(Comparison::default()),
            pattern_unreadable: None,
            state_before: Vec::new(),
            state_after: Vec::new(),
            state_changes: Vec::new(),
        }
    }

    fn judged(change: impl FnOnce(&mut Report)) -> bool {
        let mut report = empty();
        let row = Row { verdict: Verdict::Blocked, ..Row::of(&plan::catalogue()[0]) };
        report.rows.push(row);
        change(&mut report);
        report.end();
        report.held
    }

    #[test]
    fn each_sign_of_a_leak_alone_fails_the_block() {
        assert!(judged(|_| ()));
        assert!(judged(|report| report.rows[0].verdict = Verdict::ControlPassed));
        assert!(!judged(|report| report.rows[0].verdict = Verdict::Changed));
        assert!(!judged(|report| report.rows[0].verdict = Verdict::AcceptedNothingChanged));
        assert!(!judged(|report| report.pattern.as_mut().unwrap().changed_blocks = 1));
        assert!(!judged(|report| report.pattern_unreadable = Some("gone".into())));
        assert!(!judged(|report| {
            let words = |text: &str| text.to_owned();
            report.state_changes.push(Change { name: words("size"), before: words("1"), after: words("2") });
        }));
        let random = RandomRow {
            command: "SCSI C0h".into(),
            answer: "GOOD".into(),
            count: 1,
            executed: true,
            first: 0,
            example: String::new(),
            changes: Vec::new(),
        };
        assert!(!judged(|report| report.random.push(random.clone())));
        let refused = RandomRow { executed: false, ..random.clone() };
        assert!(judged(|report| report.random.push(refused)));
        let changed = RandomRow { executed: false, changes: vec!["bytes".into()], ..random };
        assert!(!judged(|report| report.random.push(changed)));
    }

    #[test]
    fn a_refusal_that_may_be_the_devices_own_is_counted_as_such() {
        let mut report = empty();
        let row = Row { verdict: Verdict::Blocked, ..Row::of(&plan::catalogue()[0]) };
        report.rows.push(Row { outcome: Some(Outcome::Unsupported), ..row.clone() });
        report.rows.push(Row { outcome: Some(Outcome::Refused), ..row });
        report.end();
        assert_eq!((report.perhaps_the_devices_own, report.counts["blocked"]), (1, 2));
    }
}
