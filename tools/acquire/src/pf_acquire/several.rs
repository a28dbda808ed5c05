//! Several sources at once: each has an acquisition of its own, with its own image, record, and reading back.
//!
//! What they share: the destinations, the memory in equal parts, and the cores, which the kernel deals out among equal sets of
//! threads, so that a source that waits for its disk leaves them to the others. What they don't share: an end. One that fails
//! ends alone; a signal ends all, each with its record closed.

use super::acquisition::{self, Prepared};
use super::arguments::{Arguments, Format};
use super::destination;
use super::failure::Failure;
use super::report::Report;
use super::screen::{self, tell};
use super::signing::Signing;
use acquire::pipeline::Limits;
use evidence::{ByteCount, HashAlgorithm, Plain};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

/// More than these at a time only wait for each other.
const MOST_SOURCES: usize = 16;

/// Exit codes from the worst on; `--help` has the same order.
const WORST_FIRST: [u8; 8] = [1, 6, 4, 5, 2, 7, 3, 0];

/// What came of one source.
#[derive(Debug, Serialize)]
struct OfSource {
    /// As if it had been the only one.
    exit_code: u8,
    #[serde(flatten)]
    result: SourceResult,
}

/// An image, or none that is verified.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum SourceResult {
    Imaged(Box<Report>),
    NotImaged { source: String, error: String },
}

/// What came of all of them, in the order in which they were named.
#[derive(Debug)]
pub struct Reports(Vec<OfSource>);

/// Carries out what the command line asks for.
///
/// # Errors
/// When one of them can't be begun: then none is.
pub fn run(arguments: &Arguments) -> Result<Reports, Failure> {
    let algorithms = acquisition::ready(arguments)?;
    let signing = Signing::obtain(arguments)?;
    let share = share_of_memory(arguments)?;
    let each = of_each(arguments, share)?;
    let prepared = prepare(&each, &algorithms)?;
    room_for_all(&prepared, arguments.format)?;
    let told =
        format!("one of {} sources imaged at once, each with {} of memory", prepared.len(), share.short());
    // One key for all, told once and of none of them in particular.
    signing.announce();
    let outcomes = thread::scope(|scope| {
        let started: Vec<_> = prepared
            .into_iter()
            .zip(&each)
            .map(|(prepared, own)| {
                let label = own.source.display().to_string();
                let (told, signing) = (&told, Arc::clone(&signing));
                let work = move || {
                    screen::speak_of(label);
                    let mut acquisition = prepared.begin(signing)?;
                    acquisition.note(told)?;
                    acquisition.carry_out()
                };
                thread::Builder::new().name("source".to_owned()).spawn_scoped(scope, work)
            })
            .collect();
        started.into_iter().map(outcome).collect::<Vec<_>>()
    });
    Ok(Reports(each.iter().zip(outcomes).map(|(own, outcome)| OfSource::of(&own.source, outcome)).collect()))
}

type Started<'scope> = io::Result<thread::ScopedJoinHandle<'scope, Result<Report, Failure>>>;

fn outcome(started: Started<'_>) -> Result<Report, Failure> {
    let defect = |what: String| Err(Failure::NotCarriedOut(what));
    match started.map(thread::ScopedJoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => defect("its thread ended unexpectedly".to_owned()),
        Err(error) => defect(format!("no thread could be had for it: {error}")),
    }
}

fn refuse<T>(why: String) -> Result<T, Failure> {
    Err(Failure::Sources(why))
}

/// Memory for each source.
fn share_of_memory(arguments: &Arguments) -> Result<ByteCount, Failure> {
    let count = arguments.others.len().saturating_add(1);
    if count > MOST_SOURCES {
        return refuse(format!("{count} sources are more than {MOST_SOURCES} at a time"));
    }
    let parts = u64::try_from(count).unwrap_or(u64::MAX);
    let least = ByteCount(Limits::LEAST_MEMORY.0.saturating_mul(parts));
    let memory = arguments.memory.unwrap_or(Limits::USUAL_MEMORY.max(least));
    if memory < least {
        return refuse(format!("{count} sources need --memory {}MiB or more", least.0 >> 20));
    }
    Ok(ByteCount(memory.0.checked_div(parts).unwrap_or(0)))
}

/// The command line of each source as if it were the only one.
fn of_each(arguments: &Arguments, share: ByteCount) -> Result<Vec<Arguments>, Failure> {
    let alone = [(arguments.faults.rescue, "a rescue"), (arguments.clone.disk.is_some(), "a clone")];
    if let Some((_, what)) = alone.into_iter().find(|(asked, _)| *asked) {
        return refuse(format!("{what} takes one source at a time"));
    }
    if arguments.resume {
        return refuse(
            "--resume takes one source at a time; give --evidence or --name as it was then".to_owned(),
        );
    }
    let sources = std::iter::once(&arguments.source).chain(&arguments.others);
    let mut each: Vec<Arguments> = Vec::new();
    for (number, source) in sources.enumerate() {
        let own = arguments.of_source(number, source, share);
        let name = own.base_name();
        // Some file systems don't tell capitals from small letters.
        if let Some(other) = each.iter().find(|other| other.base_name().to_lowercase() == name.to_lowercase())
        {
            return refuse(format!(
                "{} and {} would both be called {name}; give --evidence or --name once for each, in their order",
                other.source.display(),
                source.display()
            ));
        }
        each.push(own);
    }
    Ok(each)
}

/// Identifies, checks, locks and opens every source.
fn prepare<'a>(each: &'a [Arguments], algorithms: &[HashAlgorithm]) -> Result<Vec<Prepared<'a>>, Failure> {
    let mut seen = BTreeSet::new();
    let mut prepared = Vec::new();
    for own in each {
        let next = acquisition::prepare(own, algorithms.to_vec())?;
        let file = || own.source.canonicalize().unwrap_or_default().display().to_string();
        if !seen.insert(next.node().map_or_else(file, |node| node.to_string())) {
            return refuse(format!("{} is named twice", own.source.display()));
        }
        prepared.push(next);
    }
    Ok(prepared)
}

/// Each was looked at alone; together they may be too much for the destination.
fn room_for_all(prepared: &[Prepared<'_>], format: Format) -> Result<(), Failure> {
    let all = ByteCount(prepared.iter().map(|one| one.size().0).fold(0, u64::saturating_add));
    let Some(first) = prepared.first() else { return Ok(()) };
    for folder in &first.folders {
        let free = destination::free_space(folder)?;
        if free >= all {
            continue;
        }
        let told = format!("{} are free for sources of {} together", free.short(), all.short());
        if format == Format::Raw {
            let reason = format!("{told}; take a larger destination, or --format e01");
            return Err(Failure::Destination { folder: folder.clone(), reason });
        }
        tell(format_args!("warning: {}: {told}; compressed, they may or may not fit", folder.display()));
    }
    Ok(())
}

impl OfSource {
    fn of(source: &Path, outcome: Result<Report, Failure>) -> Self {
        match outcome {
            Ok(report) => {
                Self { exit_code: report.exit_number(), result: SourceResult::Imaged(Box::new(report)) }
            }
            Err(failure) => {
                let (source, error) = (source.display().to_string(), failure.to_string());
                Self { exit_code: failure.exit_number(), result: SourceResult::NotImaged { source, error } }
            }
        }
    }
}

impl Reports {
    /// Prints them: one JSON array with an object for each, or one below the other.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn print(&self, json: bool, output: &mut impl Write) -> io::Result<()> {
        if json {
            serde_json::to_writer(&mut *output, &self.0)?;
            writeln!(output)?;
            return output.flush();
        }
        for (number, one) in self.0.iter().enumerate() {
            if number > 0 {
                writeln!(output)?;
            }
            match &one.result {
                SourceResult::Imaged(report) => report.print(false, output)?,
                SourceResult::NotImaged { source, error } => {
                    writeln!(output, "Source      {}", Plain(source))?;
                    writeln!(output, "Result      NOT IMAGED: {}", Plain(error))?;
                }
            }
        }
        output.flush()
    }

    /// That of the source that fared worst.
    pub fn exit_code(&self) -> ExitCode {
        let worst = WORST_FIRST.into_iter().find(|code| self.0.iter().any(|one| one.exit_code == *code));
        ExitCode::from(worst.unwrap_or(2))
    }
}
