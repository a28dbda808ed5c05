//! The results as JSON.

use crate::account::Account;
use crate::failure::Failure;
use crate::forms::Form;
use crate::language::Language;
use crate::timeline::Row;
use evidence::{ExtentSet, Plain, SelfReport};
use record::{
    AcquisitionOpened, ChainHash, Closed, FaultPolicy, ImageClosed, Reread, ResumeBegun, Verification,
};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// How far the record can be trusted by itself.
#[derive(Debug, Serialize)]
struct State<'a> {
    tool: &'static str,
    version: &'static str,
    record: &'a str,
    entries: u64,
    chain_head: ChainHash,
    /// Line, offset and flaw of the first place where the chain breaks.
    broken: Option<Broken>,
    closed: bool,
    being_written: bool,
}

#[derive(Debug, Serialize)]
struct Broken {
    line: u64,
    offset: u64,
    flaw: String,
}

impl<'a> State<'a> {
    fn of(account: &'a Account) -> Self {
        let chain = &account.chain;
        Self {
            tool: "pf-record",
            version: env!("CARGO_PKG_VERSION"),
            record: &account.name,
            entries: chain.entries,
            chain_head: chain.head,
            broken: chain.broken.as_ref().map(|broken| Broken {
                line: broken.line,
                offset: broken.offset,
                flaw: broken.flaw.to_string(),
            }),
            closed: chain.closed,
            being_written: chain.being_written,
        }
    }
}

/// What `show` prints with `--json`: the record condensed. The whole of it is JSON already.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    #[serde(flatten)]
    state: State<'a>,
    opened: Option<&'a AcquisitionOpened>,
    disk_says: Option<&'a SelfReport>,
    fault_policy: Option<&'a FaultPolicy>,
    resumed: Option<&'a ResumeBegun>,
    /// Sums over all commands to the source.
    commands: Option<Counts>,
    interrupted: Option<&'a str>,
    image: Option<&'a ImageClosed>,
    /// Ranges that are not in the image, or were not read so far.
    unread: ExtentSet,
    unstable: ExtentSet,
    reread: Option<&'a Reread>,
    verifications: &'a [Verification],
    end: Option<&'a Closed>,
    timeline: Vec<Entry<'a>>,
    left_out: u64,
}

#[derive(Debug, Serialize)]
struct Counts {
    passed: u64,
    absorbed: u64,
    refused: u64,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    seq: u64,
    time: &'a str,
    kind: &'a str,
    says: &'a str,
}

impl<'a> Entry<'a> {
    fn of(row: &'a Row) -> Self {
        Self { seq: row.seq, time: &row.time, kind: &row.kind, says: row.sentence(Language::English) }
    }
}

impl<'a> Summary<'a> {
    /// What there is to say.
    pub fn of(account: &'a Account) -> Self {
        let left_out = account.timeline.left_out();
        Self {
            state: State::of(account),
            opened: account.opened.as_deref(),
            disk_says: account.disk_says.as_deref(),
            fault_policy: account.fault_policy.as_ref(),
            resumed: account.resumed.as_ref(),
            commands: account.commands.as_ref().map(|commands| Counts {
                passed: commands.totals.passed,
                absorbed: commands.totals.absorbed,
                refused: commands.totals.refused,
            }),
            interrupted: account.interrupted.as_deref(),
            image: account.image.as_deref(),
            unread: account.unread(),
            unstable: account.unstable(),
            reread: account.reread.as_ref(),
            verifications: &account.verifications,
            end: account.closed.as_ref(),
            timeline: account.timeline.rows.iter().map(Entry::of).collect(),
            left_out: left_out.iter().fold(0, |sum, kind| sum.saturating_add(kind.count)),
        }
    }

    /// Prints it.
    pub fn print(&self, output: &mut impl Write) -> Result<(), Failure> {
        Ok(writeln!(output, "{}", serde_json::to_string(self)?)?)
    }
}

/// What was made of a record.
#[derive(Debug, Serialize)]
pub struct Made<'a> {
    #[serde(flatten)]
    state: State<'a>,
    made: Vec<String>,
    /// Labels of forms that are left to the hand, in the order of the files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_blank: Vec<&'a [String]>,
}

impl<'a> Made<'a> {
    /// These files.
    pub fn of(account: &'a Account, files: &[&Path]) -> Self {
        let made = files.iter().map(|file| Plain(file.display()).to_string()).collect();
        Self { state: State::of(account), made, left_blank: Vec::new() }
    }

    /// And what of these forms is left to the hand.
    pub fn with_blanks(mut self, forms: &'a [Form]) -> Self {
        self.left_blank = forms.iter().map(|form| form.blanks.as_slice()).collect();
        self
    }

    /// Prints it.
    pub fn print(&self, output: &mut impl Write) -> Result<(), Failure> {
        Ok(writeln!(output, "{}", serde_json::to_string(self)?)?)
    }
}
