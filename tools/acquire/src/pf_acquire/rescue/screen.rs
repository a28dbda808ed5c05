//! What is seen of a recovery while it runs, and what goes into its record.

use super::super::records::Records;
use super::super::screen::{Screen, tell};
use acquire::rescue::{PassReport, Passes, RescueObserver, Status, Told, Unstable};
use evidence::{ByteCount, ByteOffset, ExtentSet};
use record::{Entry, RescuePass, Totals};
use std::time::{Duration, Instant};

/// How often a line is printed where there is no terminal to redraw it on.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Most unstable ranges recorded one by one.
const MOST_TOLD: usize = 10_000;

/// A line on standard error, and the record.
pub struct RescueScreen<'a> {
    line: Screen<'static>,
    last: Instant,
    record: &'a mut Records,
    unstable: ExtentSet,
}

impl<'a> RescueScreen<'a> {
    /// Begins a line about a medium of `size`.
    pub fn new(size: ByteCount, record: &'a mut Records) -> Self {
        Self { line: Screen::new("rescued", size), last: Instant::now(), record, unstable: ExtentSet::new() }
    }

    /// Ranges of which two readings differed.
    pub fn into_unstable(self) -> ExtentSet {
        self.unstable
    }
}

impl RescueObserver for RescueScreen<'_> {
    fn tick(&mut self, passes: &Passes) {
        let totals = totals(passes.map().areas().map(|area| (area.status, area.extent.length)));
        if self.line.tell_a_program(totals.finished.0, totals.bad.0) {
            return;
        }
        let words = format!("{}; {}", passes.standing().words(), left(&totals));
        if self.line.show(totals.finished.0, &words) || self.last.elapsed() < PLAIN_INTERVAL {
            return;
        }
        self.last = Instant::now();
        tell(format_args!("rescued {} of {}, {words}", totals.finished.short(), passes.map().size().short()));
    }

    fn pass_ended(&mut self, report: &PassReport) -> Told {
        let totals = totals(report.left.iter().copied());
        let told = format!(
            "{} ended: {} rescued; {}",
            report.standing.words(),
            totals.finished.short(),
            left(&totals)
        );
        tell(format_args!("{told}"));
        if report.abandoned > 0 {
            let told = format!("{} reads gave no answer in time and were given up on", report.abandoned);
            tell(format_args!("warning: {told}"));
        }
        self.record.append(&Entry::RescuePass(RescuePass {
            phase: report.standing.doing.word().to_owned(),
            pass: report.standing.pass,
            backwards: report.standing.backwards(),
            reads: report.reads,
            errors: report.errors,
            abandoned: report.abandoned,
            recovered: report.recovered,
            left: totals,
            seconds: report.seconds,
        }))?;
        Ok(())
    }

    fn unstable(&mut self, unstable: &Unstable) -> Told {
        record_unstable(unstable, self.record, &mut self.unstable)
    }

    fn lost(&mut self, at: ByteOffset, error: &str) -> Told {
        let told = format!("the source is gone at {at} ({error}); waiting for it: check cable and power");
        tell(format_args!("warning: {told}"));
        self.record.append(&Entry::SourceLost { offset: at, error: error.to_owned() })?;
        Ok(())
    }

    fn returned(&mut self, told: &str) -> Told {
        tell(format_args!("the source is {told}"));
        self.record.append(&Entry::SourceReturned { text: told.to_owned() })?;
        Ok(())
    }
}

/// Tells of a range that says something else the second time.
pub fn record_unstable(unstable: &Unstable, record: &mut Records, all: &mut ExtentSet) -> Told {
    all.insert(unstable.extent);
    if all.len() > MOST_TOLD {
        return Ok(());
    }
    let again = if unstable.second.is_some() { "differs when read again" } else { "could not be read again" };
    tell(format_args!("warning: {} {again}; the first reading is kept", unstable.extent));
    record.append(&Entry::Unstable(record::Unstable {
        extent: unstable.extent,
        kept_sha256: unstable.first.clone(),
        other_sha256: unstable.second.clone(),
    }))?;
    Ok(())
}

fn totals(areas: impl Iterator<Item = (Status, ByteCount)>) -> Totals {
    let mut totals = Totals::default();
    for (status, length) in areas {
        let total = match status {
            Status::Finished => &mut totals.finished,
            Status::NonTried => &mut totals.non_tried,
            Status::NonTrimmed => &mut totals.non_trimmed,
            Status::NonScraped => &mut totals.non_scraped,
            Status::Bad => &mut totals.bad,
        };
        total.0 = total.0.saturating_add(length.0);
    }
    totals
}

fn left(totals: &Totals) -> String {
    let named = [
        ("not tried", totals.non_tried),
        ("to be trimmed", totals.non_trimmed),
        ("to be scraped", totals.non_scraped),
        ("bad", totals.bad),
    ];
    let parts: Vec<String> = named
        .iter()
        .filter(|(_, total)| total.0 > 0)
        .map(|(name, total)| format!("{} {name}", total.short()))
        .collect();
    if parts.is_empty() { "nothing left".to_owned() } else { parts.join(", ") }
}
