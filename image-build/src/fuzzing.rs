//! The fuzz targets of `tests/fuzz`, run by libFuzzer with a stable toolchain.
//!
//! What cargo-fuzz would set is set here: coverage by LLVM's own pass, which needs no nightly compiler. The sanitizers do,
//! and are left out: the parsers are Rust without `unsafe`. Memory is bounded by the system: what asks for more than the
//! limit is a finding like a panic.

use crate::debian_packages::{self, Need};
use crate::error::{Doing, Result, XtaskError};
use crate::process::{Program, jobs};
use crate::stages::Stages;
use crate::workspace;
use fuzz::Target;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How long `cargo xtask test` fuzzes each target.
pub const SECONDS_IN_TESTS: u32 = 60;

/// The coverage that libFuzzer is guided by, and checks that the shipped build has or might have.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Coverflow-checks",
    "--cfg=fuzzing",
];

/// Coverage needs a target of its own, so that build scripts are compiled without it.
const HOST: &str = "x86_64-unknown-linux-gnu";

/// Address space of one run in KiB: the largest claim a reader makes (180 MiB), libFuzzer's tables, and the program.
const MEMORY_KIB: u32 = 640 << 10;

/// Seconds for one input.
const SLOWEST: u32 = 10;

/// Fuzzes `only`, or all targets, for that many seconds each, as many at a time as there are cores.
pub fn run(stages: &mut Stages, only: Option<&str>, seconds: u32) -> Result<()> {
    let targets = match only {
        None => fuzz::TARGETS.iter().collect(),
        Some(name) => vec![fuzz::find(name).ok_or_else(|| unknown(name))?],
    };
    stages.run("packages for the fuzzer", || debian_packages::ensure(&[Need::Build]))?;
    let engine = stages.run("fuzzer", build)?;
    stages.run(&format!("{} parsers fuzzed, {seconds} s each", targets.len()), || {
        fuzz_all(&engine, &targets, seconds)
    })
}

fn unknown(name: &str) -> XtaskError {
    let known: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
    XtaskError::Unfit(format!("there is no target {name}; there are {}", known.join(", ")))
}

fn build() -> Result<PathBuf> {
    let root = workspace::root();
    let folder = root.join("target/fuzz");
    Program::new(env!("CARGO"))
        .in_folder(&root)
        .args(["build", "--quiet", "--locked", "--profile", "fuzz", "--target", HOST, "--target-dir"])
        .arg(&folder)
        .args(["--package", "fuzz", "--features", "engine", "--bin", "fuzz-engine"])
        .env("RUSTFLAGS", FLAGS.join(" "))
        .run()?;
    Ok(folder.join(HOST).join("fuzz/fuzz-engine"))
}

fn fuzz_all(engine: &Path, targets: &[&Target], seconds: u32) -> Result<()> {
    let waiting = Mutex::new(targets.iter().copied().collect::<VecDeque<_>>());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let failures: Vec<XtaskError> = std::thread::scope(|scope| {
        let work = || {
            let mut failures = Vec::new();
            while let Some(target) = next() {
                match fuzz(engine, target, seconds) {
                    Ok(told) => eprintln!("    {:<16} {told}", target.name),
                    Err(failure) => {
                        eprintln!("    {:<16} FOUND SOMETHING: {failure}", target.name);
                        failures.push(failure);
                    }
                }
            }
            failures
        };
        let threads: Vec<_> = (0..jobs()).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    failures.into_iter().next().map_or(Ok(()), Err)
}

/// One target; tells how many inputs were tried.
fn fuzz(engine: &Path, target: &Target, seconds: u32) -> Result<String> {
    let folder = workspace::outputs()?.join("fuzz").join(target.name);
    let found = folder.join("found");
    // What was found interesting stays for the next run; what broke something is for a person.
    let corpus = folder.join("corpus");
    for folder in [&corpus, &found] {
        workspace::make_folder(folder)?;
    }
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory } else { &folder };
    let scratch = tempfile::tempdir_in(place).doing(|| format!("making a folder in {}", place.display()))?;
    let log = folder.join("log");
    let outcome = Program::new("sh")
        .args(["-c", "ulimit -v \"$0\" && exec \"$@\""])
        .arg(MEMORY_KIB.to_string())
        .arg(engine)
        .arg(&corpus)
        .arg(fuzz::corpus(target.name))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", target.longest))
        .arg(format!("-rss_limit_mb={}", MEMORY_KIB >> 10))
        .arg(format!("-timeout={SLOWEST}"))
        .args(["-print_final_stats=1", "-verbosity=1"])
        .env("PERMAFROST_FUZZ_TARGET", target.name)
        .env("PERMAFROST_FUZZ_SCRATCH", scratch.path())
        .log_to(&log)?
        .run();
    let said = String::from_utf8_lossy(&workspace::read(&log)?).into_owned();
    match outcome {
        Ok(()) => Ok(summary(&said)),
        Err(_) => {
            let input = newest(&found)
                .map_or_else(|| "no input was kept".to_owned(), |path| path.display().to_string());
            Err(XtaskError::Unfit(format!(
                "{} ({}): {}; input: {input}; log: {}. Mend it, and keep the input in tests/fuzz/corpus/{}",
                target.name,
                target.what,
                complaint(&said),
                log.display(),
                target.name
            )))
        }
    }
}

fn summary(log: &str) -> String {
    let number = |name: &str| log.lines().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim);
    format!(
        "{} inputs, {} MiB at most, nothing broke",
        number("stat::number_of_executed_units:"),
        number("stat::peak_rss_mb:")
    )
}

/// The line that says what broke.
fn complaint(log: &str) -> &str {
    let told = |line: &&str| {
        line.contains("panicked at")
            || line.contains("ERROR: libFuzzer")
            || line.contains("memory allocation")
    };
    log.lines().find(told).unwrap_or("the engine ended with an error").trim()
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten();
    files.max_by_key(|file| file.metadata().and_then(|about| about.modified()).ok()).map(|file| file.path())
}
