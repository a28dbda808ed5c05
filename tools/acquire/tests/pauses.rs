//! A run that is paused by a signal reads nothing until it is told to go on, says how far it is to a program, and has it in its
//! record.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// So long a sparse file that no machine reads it before the signals come; it takes no room.
const SOURCE: u64 = 200 << 30;

/// For what comes within a second or two on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Run {
    child: Child,
    lines: Receiver<String>,
}

impl Run {
    fn begin(folder: &Path) -> Self {
        Self::begin_with(folder, &["item"])
    }

    /// Images a source of each of these names.
    fn begin_with(folder: &Path, names: &[&str]) -> Self {
        let sources: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        for source in &sources {
            File::create(source).unwrap().set_len(SOURCE).unwrap();
        }
        let to = folder.join("to");
        std::fs::create_dir(&to).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
            .args(&sources)
            .arg("--to")
            .arg(&to)
            .args(["--unguarded", "--hash", "sha256", "--memory", "128MiB", "--json", "--json-progress"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(said).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// The next line of progress.
    fn progress(&self) -> serde_json::Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("no progress is told");
            if let Ok(told) = serde_json::from_str(&line) {
                return told;
            }
        }
    }

    /// How many bytes it says.
    fn done(&self) -> u64 {
        let told = self.progress();
        assert_eq!(
            (&told["progress"]["deed"], &told["progress"]["total"]),
            (&"imaging".into(), &SOURCE.into())
        );
        told["progress"]["done"].as_u64().unwrap()
    }

    fn await_line(&self, words: &str) {
        while !self.lines.recv_timeout(PATIENCE).expect(words).contains(words) {}
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_paused_run_reads_nothing_and_its_record_says_when() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::begin(folder.path());
    run.done();
    run.signal(Signal::SIGUSR1);
    run.await_line("paused by a signal");
    // What was being read then comes to its end.
    let (_, still) = (run.done(), run.done());
    assert_eq!((run.done(), run.done()), (still, still), "it reads on");
    run.signal(Signal::SIGUSR2);
    run.await_line("gone on after a pause");
    run.done();
    assert!(run.done() > still, "it does not go on");
    // A paused run can be stopped too.
    run.signal(Signal::SIGUSR1);
    run.await_line("paused by a signal");
    run.signal(Signal::SIGTERM);
    assert_eq!(run.child.wait().unwrap().code(), Some(5));
    let record = record::read(&folder.path().join("to/item.record.jsonl")).unwrap();
    let notes: Vec<&str> = record
        .known()
        .filter_map(|entry| match entry {
            Entry::Note { text } => Some(text.as_str()),
            _ => None,
        })
        .filter(|text| text.contains("pause"))
        .collect();
    assert_eq!(notes.len(), 3, "{notes:?}");
}

#[test]
fn the_progress_of_each_of_several_sources_can_be_read_by_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::begin_with(folder.path(), &["one", "a \"second\""]);
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        let told = run.progress();
        seen.insert(told["progress"]["source"].as_str().expect("it names no source").to_owned());
    }
    assert!(seen.iter().any(|source| source.contains("a \"second\"")), "{seen:?}");
}

#[test]
fn a_signal_at_the_very_beginning_ends_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::begin(folder.path());
    // Said before the source is asked anything.
    run.await_line("no --case-file");
    run.signal(Signal::SIGUSR1);
    run.signal(Signal::SIGUSR2);
    run.done();
}
