//! A destination that is full while somebody sits at the terminal, which is a pseudo-terminal here: the run waits for an
//! answer, and goes on or stops as it was told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod interrupted;

use acquire::durable_text::{draft, draft_path, set_room_aside};
use interrupted::{FORMS, Form, Small, Source, Tally, go_on_and_judge, is_root, judge, pf_acquire};
use nix::pty::openpty;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A run at a terminal.
struct AtTheTerminal {
    run: Child,
    keyboard: File,
    screen: Receiver<u8>,
    seen: String,
}

impl AtTheTerminal {
    fn begin(source: &Source, to: &Path, form: Form) -> Self {
        let terminal = openpty(None, None).unwrap();
        let far = || File::from(terminal.slave.try_clone().unwrap());
        let run = pf_acquire(source, to, form, false).stdin(far()).stderr(far()).spawn().unwrap();
        let keyboard = File::from(terminal.master);
        let mut drawn = keyboard.try_clone().unwrap();
        let (shown, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut byte = [0];
            while drawn.read_exact(&mut byte).is_ok() && shown.send(byte[0]).is_ok() {}
        });
        Self { run, keyboard, screen, seen: String::new() }
    }

    fn await_words(&mut self, words: &str) {
        while !self.seen.contains(words) {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(byte) => self.seen.push(char::from(byte)),
                Err(_) => panic!("never said {words:?}: {}", self.seen),
            }
        }
    }

    fn type_in(&mut self, words: &str) {
        self.seen.clear();
        self.keyboard.write_all(words.as_bytes()).unwrap();
    }

    fn end(mut self) -> Option<i32> {
        self.run.wait().unwrap().code()
    }
}

impl Drop for AtTheTerminal {
    fn drop(&mut self) {
        let _ = self.run.kill();
        let _ = self.run.wait();
    }
}

#[test]
fn a_run_waits_until_there_is_room_and_goes_on_where_it_was() {
    if !is_root() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 12);
    for (form, name) in [(FORMS[2], "e01"), (FORMS[3], "aff4")] {
        let to = Small::mount(folder.path().join(name), "size=2m");
        let mut terminal = AtTheTerminal::begin(&source, &to.0, form);
        terminal.await_words("is FULL");
        terminal.await_words("press Enter to go on");
        // Who answers too early is asked again.
        terminal.type_in("\n");
        terminal.await_words("is FULL");
        assert!(terminal.run.try_wait().unwrap().is_none(), "it did not wait");
        to.resize("size=64m");
        terminal.type_in("\n");
        assert_eq!(terminal.end(), Some(0), "{form:?}");
        let record = fs::read_to_string(to.0.join("item.record.jsonl")).unwrap();
        assert!(!record.contains("resume-begun"), "it was another run");
        judge(&source, &to.0, form, "room was made");
    }
}

#[test]
fn a_run_that_is_told_to_stop_leaves_what_can_be_gone_on_with() {
    if !is_root() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = Source::make(folder.path().join("source.bin"), 12);
    let form = FORMS[2];
    let to = Small::mount(folder.path().join("e01"), "size=2m");
    let mut terminal = AtTheTerminal::begin(&source, &to.0, form);
    terminal.await_words("is FULL");
    terminal.type_in("q\n");
    assert_eq!(terminal.end(), Some(4));
    to.resize("size=64m");
    let mut tally = Tally::default();
    go_on_and_judge(&source, &to.0, form, &mut tally, "told to stop");
    assert_eq!(tally.from_checkpoint, 1, "{tally:?}");
}

#[test]
fn room_that_was_set_aside_for_a_checkpoint_is_there_when_all_else_is_full() {
    if !is_root() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = [b'x'; 60 << 10];
    for is_set_aside in [true, false] {
        let to = Small::mount(folder.path().join(is_set_aside.to_string()), "size=1m");
        let path = to.0.join("item.checkpoint");
        if is_set_aside {
            set_room_aside(&path, 64 << 10).unwrap();
        }
        let mut image = File::create(to.0.join("image")).unwrap();
        while image.write_all(&[1; 4096]).is_ok() {}
        assert_eq!(draft(&path, |output| output.write_all(&text)).is_ok(), is_set_aside);
        assert_eq!(fs::read(draft_path(&path)).is_ok_and(|found| found == text), is_set_aside);
    }
}
