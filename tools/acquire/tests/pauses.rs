//! A run that is paused by a signal reads nothing until it is told to go on, says how far it is to a program, and has it in its
//! record.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader};
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
    fn begin(folder: &std::path::Path) -> Self {
        let source = folder.join("source");
        File::create(&source).unwrap().set_len(SOURCE).unwrap();
        let to = folder.join("to");
        std::fs::create_dir(&to).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_pf-acquire"))
            .arg(&source)
            .arg("--to")
            .arg(&to)
            .args(["--unguarded", "--name", "item", "--hash", "sha256", "--json", "--json-progress"])
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

    /// How many bytes the next line of progress says.
    fn done(&self) -> u64 {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("no progress is told");
            let told: Option<serde_json::Value> = serde_json::from_str(&line).ok();
            if let Some(told) = told {
                assert_eq!(told["progress"]["deed"], "imaging");
                assert_eq!(told["progress"]["total"], SOURCE);
                return told["progress"]["done"].as_u64().unwrap();
            }
        }
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
fn a_signal_at_the_very_beginning_ends_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::begin(folder.path());
    // Said before the source is asked anything.
    run.await_line("no --case-file");
    run.signal(Signal::SIGUSR1);
    run.signal(Signal::SIGUSR2);
    run.done();
}
