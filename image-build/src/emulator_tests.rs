//! The test programs that boot the built image, several at a time: most of them have few tests, and some wait for a disk
//! that does not answer, so that one program after the other would leave cores idle.

use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use serde_json::Value;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Machines at a time: each keeps one core busy while it does not wait.
const MACHINES: usize = 3;

/// Begun first, so that none of them runs alone at the end.
const LONGEST: [&str; 7] = [
    "guard_matrix",
    "guard_error_paths",
    "prove_file_systems",
    "bad_media",
    "interruptions",
    "prove",
    "flight_recorder",
];

/// A test program.
struct Suite {
    name: String,
    program: PathBuf,
}

/// Runs the suites `only`, or all. Each writes to `target/permafrost/logs/SUITE.txt`; what a failing one wrote is shown.
pub fn run(only: Option<&[&str]>) -> Result<()> {
    let mut suites = build()?;
    if let Some(only) = only {
        suites.retain(|suite| only.contains(&suite.name.as_str()));
        if suites.len() != only.len() {
            return Err(XtaskError::Unfit(format!("not all of these are suites: {}", only.join(", "))));
        }
    }
    let rank = |suite: &Suite| LONGEST.iter().position(|name| *name == suite.name).unwrap_or(LONGEST.len());
    suites.sort_by(|one, other| (rank(one), &one.name).cmp(&(rank(other), &other.name)));
    let waiting = Mutex::new(suites.into_iter().collect::<VecDeque<_>>());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut failed = Vec::new();
            while let Some(suite) = next() {
                if let Err(failure) = suite.run() {
                    eprintln!("    {:<20} FAILED: {failure}", suite.name);
                    failed.push(suite.name);
                }
            }
            failed
        };
        let threads: Vec<_> = (0..MACHINES).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    match failed.is_empty() {
        true => Ok(()),
        false => Err(XtaskError::Unfit(format!("failed: {}", failed.join(", ")))),
    }
}

impl Suite {
    fn run(&self) -> Result<()> {
        let logs = workspace::outputs()?.join("logs");
        workspace::make_folder(&logs)?;
        let log = logs.join(format!("{}.txt", self.name));
        let begun = Instant::now();
        let outcome = Program::new(&self.program)
            .in_folder(&workspace::root().join("tests"))
            .args(["--nocapture", "--test-threads", "1"])
            .log_to(&log)?
            .run();
        let said = String::from_utf8_lossy(&workspace::read(&log)?).into_owned();
        match outcome {
            Ok(()) => eprintln!("    {:<20} {}, {} s", self.name, passed(&said), begun.elapsed().as_secs()),
            Err(_) => eprintln!("{said}"),
        }
        outcome
    }
}

/// How many tests a program says that it ran.
fn passed(said: &str) -> &str {
    let told = said.lines().find_map(|line| line.strip_prefix("test result: ok. "));
    told.and_then(|told| told.split(';').next()).unwrap_or("no test")
}

/// Compiles the test programs and tells where they are.
fn build() -> Result<Vec<Suite>> {
    let told = Program::new(env!("CARGO"))
        .in_folder(&workspace::root())
        .args([
            "test",
            "--quiet",
            "--locked",
            "--package",
            "harness",
            "--features",
            "vm",
            "--tests",
            "--no-run",
        ])
        .arg("--message-format=json")
        .read()?;
    suites(&told).doing(|| "reading what cargo says of the tests".to_owned())
}

/// Test programs among cargo's messages, a JSON object a line.
fn suites(told: &str) -> std::io::Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for line in told.lines() {
        let message: Value = serde_json::from_str(line)?;
        let is_suite = message.pointer("/target/kind/0") == Some(&Value::from("test"));
        if let (true, Some(name), Some(program)) = (
            is_suite,
            message.pointer("/target/name").and_then(Value::as_str),
            message.get("executable").and_then(Value::as_str),
        ) {
            suites.push(Suite { name: name.to_owned(), program: Path::new(program).to_owned() });
        }
    }
    Ok(suites)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_cargo_built_only_test_programs_are_run() {
        let told = r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"harness"},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"harness"},"executable":"/t/harness-1"}
{"reason":"compiler-artifact","target":{"kind":["test"],"name":"boots"},"executable":"/t/boots-2"}
{"reason":"build-finished","success":true}"#;
        let suites = suites(told).unwrap();
        assert_eq!(suites.len(), 1);
        assert_eq!(
            (suites[0].name.as_str(), suites[0].program.as_path()),
            ("boots", Path::new("/t/boots-2"))
        );
    }

    #[test]
    fn a_program_that_ran_no_test_is_told_apart() {
        assert_eq!(passed("\ntest result: ok. 2 passed; 0 failed; 0 ignored"), "2 passed");
        assert_eq!(passed("killed"), "no test");
    }
}
