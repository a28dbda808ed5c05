//! The test programs that boot the built image, several at a time: most of them have few tests, and some wait for a disk
//! that does not answer, so that one program after the other would leave cores idle.

use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use serde_json::Value;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Machines at a time. Each keeps one core busy while it does not wait, and of three one often waits.
const MACHINES: usize = 3;

/// By far the longest. Its three machines wait for resets so often that they take the places of two.
const MATRIX: &str = "guard_matrix";

/// Begun first, so that none of them runs alone at the end.
const LONGEST: [&str; 9] = [
    "guard_matrix",
    "guard_error_paths",
    "secure_boot",
    "prove_file_systems",
    "console",
    "bad_media",
    "interruptions",
    "prove",
    "flight_recorder",
];

/// Its one test is for `cargo xtask compare`.
const ON_REQUEST: &str = "stock_comparison";

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
    if suites.is_empty() {
        return Err(XtaskError::Unfit("cargo built no test of the emulator".to_owned()));
    }
    let names: Vec<String> = suites.iter().map(|suite| suite.name.clone()).collect();
    let waiting = Mutex::new(suites.into_iter().collect::<VecDeque<_>>());
    let places = Places::default();
    // In their order: whoever is next keeps the others from taking the places that it waits for.
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let suite = waiting.pop_front()?;
        let taken = places.take(suite.places());
        Some((suite, taken))
    };
    // Failed until it has passed, whatever becomes of the thread that runs it.
    let failed = Mutex::new(names);
    let passed = |name: &str| {
        failed.lock().unwrap_or_else(PoisonError::into_inner).retain(|failed| failed != name);
    };
    std::thread::scope(|scope| {
        let work = || {
            while let Some((suite, _taken)) = next() {
                match suite.run() {
                    Ok(()) => passed(&suite.name),
                    Err(failure) => eprintln!("    {:<20} FAILED: {failure}", suite.name),
                }
            }
        };
        for _ in 0..MACHINES {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed.is_empty() {
        true => Ok(()),
        false => Err(XtaskError::Unfit(format!("failed: {}", failed.join(", ")))),
    }
}

/// Places for machines, each taken or free.
#[derive(Default)]
struct Places {
    taken: Mutex<usize>,
    given_back: Condvar,
}

/// Places that are given back when this goes.
struct Taken<'a> {
    places: &'a Places,
    machines: usize,
}

impl Places {
    /// Waits until so many are free, and takes them.
    fn take(&self, machines: usize) -> Taken<'_> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let too_many = |taken: &mut usize| taken.saturating_add(machines) > MACHINES;
        let mut taken = self.given_back.wait_while(taken, too_many).unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_add(machines);
        Taken { places: self, machines }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(self.machines);
        drop(taken);
        self.places.given_back.notify_all();
    }
}

impl Suite {
    /// How many tests it runs at a time, each with a machine of its own.
    fn machines(&self) -> usize {
        if self.name == MATRIX { 3 } else { 1 }
    }

    /// How many of the places it takes.
    fn places(&self) -> usize {
        if self.name == MATRIX { 2 } else { 1 }
    }

    fn run(&self) -> Result<()> {
        let logs = workspace::outputs()?.join("logs");
        workspace::make_folder(&logs)?;
        let log = logs.join(format!("{}.txt", self.name));
        let begun = Instant::now();
        let outcome = Program::new(&self.program)
            .in_folder(&workspace::root().join("tests"))
            .args(["--nocapture", "--test-threads", &self.machines().to_string()])
            .log_to(&log)?
            .run();
        let said = String::from_utf8_lossy(&workspace::read(&log)?).into_owned();
        if outcome.is_err() {
            eprintln!("{said}");
            return outcome;
        }
        let passed = passed(&said).filter(|passed| *passed != "0 passed" || self.name == ON_REQUEST);
        let passed =
            passed.ok_or_else(|| XtaskError::Unfit(format!("no test ran; log: {}", log.display())))?;
        eprintln!("    {:<20} {passed}, {} s", self.name, begun.elapsed().as_secs());
        Ok(())
    }
}

/// How many tests a program says that it ran.
fn passed(said: &str) -> Option<&str> {
    let told = said.lines().find_map(|line| line.strip_prefix("test result: ok. "));
    told.and_then(|told| told.split(';').next())
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
        .arg("--message-format=json-render-diagnostics")
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
    fn no_suite_runs_where_there_is_no_image_yet() {
        let folder = workspace::root().join("tests");
        let manifest = workspace::read_text(&folder.join("Cargo.toml")).unwrap();
        let mut suites = 0;
        for file in std::fs::read_dir(folder.join("tests")).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            let Some(name) = file.strip_suffix(".rs") else { continue };
            let said = format!("name = \"{name}\"\nrequired-features = [\"vm\"]\n");
            assert!(manifest.contains(&said), "{name} would run among the unit tests as well");
            suites += 1;
        }
        assert!(suites > 20, "only {suites}");
    }

    #[test]
    fn whoever_finds_no_place_waits_until_one_is_given_back() {
        let places = Places::default();
        let both = places.take(2);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _also = places.take(2);
                tell.send(()).unwrap();
            });
            assert!(told.recv_timeout(std::time::Duration::from_millis(200)).is_err(), "four of three");
            drop(both);
            told.recv().unwrap();
        });
        drop(places.take(MACHINES));
    }

    #[test]
    fn a_program_that_ran_no_test_is_told_apart() {
        assert_eq!(passed("\ntest result: ok. 2 passed; 0 failed; 0 ignored"), Some("2 passed"));
        assert_eq!(passed("killed"), None);
    }
}
