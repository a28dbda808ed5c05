//! A shell on each console, started again when it ends.

use crate::console::Console;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::SigSet;
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// With this argument the program becomes the shell of the terminal it was given.
pub(crate) const STARTER_ARGUMENT: &str = "--console-shell";
/// The one program that the image has besides ours.
pub(crate) const BUSYBOX: &str = "/bin/busybox";
const EXIT_NO_SHELL: u8 = 2;

/// A shell that lived shorter than this did not end because somebody left it.
const TOO_SHORT: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Replaces this process, a child of process 1, by the shell. The child must do this itself: it has inherited the signals that
/// process 1 holds back, and a shell that never sees SIGTERM or Ctrl-C is no shell.
pub(crate) fn become_shell() -> ExitCode {
    if let Err(e) = SigSet::all().thread_unblock() {
        eprintln!("pf-init: signals cannot be released: {e}");
    }
    let failure = Command::new(BUSYBOX).args(["setsid", "-c", BUSYBOX, "sh", "-l"]).exec();
    eprintln!("pf-init: {BUSYBOX} cannot be started: {failure}");
    ExitCode::from(EXIT_NO_SHELL)
}

/// The shells of all consoles.
pub(crate) struct Shells<'a> {
    places: Vec<Place<'a>>,
    banner: &'a str,
}

/// One console and its shell.
struct Place<'a> {
    console: &'a Console,
    pid: Option<Pid>,
    started: Instant,
    pause: Duration,
    due: Instant,
}

impl<'a> Shells<'a> {
    pub(crate) fn new(consoles: &'a [Console], banner: &'a str) -> Self {
        let now = Instant::now();
        let place = |console| Place { console, pid: None, started: now, pause: FIRST_PAUSE, due: now };
        Self { places: consoles.iter().map(place).collect(), banner }
    }

    /// Starts every shell whose time has come; gives the time of the next start.
    pub(crate) fn start_due(&mut self) -> Option<Instant> {
        let now = Instant::now();
        for place in self.places.iter_mut().filter(|place| place.pid.is_none() && place.due <= now) {
            place.started = now;
            match start(place.console, self.banner) {
                Ok(pid) => place.pid = Some(pid),
                // A line without hardware behind its node gives an error; it is tried again, more and more seldom.
                Err(_) => place.ended_at(now),
            }
        }
        self.places.iter().filter(|place| place.pid.is_none()).map(|place| place.due).min()
    }

    /// Notes that a process ended; it may be none of the shells.
    pub(crate) fn ended(&mut self, pid: Pid) {
        if let Some(place) = self.places.iter_mut().find(|place| place.pid == Some(pid)) {
            place.ended_at(Instant::now());
        }
    }
}

impl Place<'_> {
    fn ended_at(&mut self, now: Instant) {
        self.pid = None;
        let lived = now.saturating_duration_since(self.started);
        if lived >= TOO_SHORT {
            self.pause = FIRST_PAUSE;
            self.due = now;
        } else {
            self.due = now.checked_add(self.pause).unwrap_or(now);
            self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }
}

fn start(console: &Console, banner: &str) -> io::Result<Pid> {
    let mut tty = open_terminal(&console.node)?;
    tty.write_all(banner.as_bytes())?;
    let home = if Path::new("/root").is_dir() { "/root" } else { "/" };
    let child = Command::new("/proc/self/exe")
        .arg(STARTER_ARGUMENT)
        .env_clear()
        .env("PATH", "/bin")
        .env("HOME", "/root")
        .env("USER", "root")
        .env("LOGNAME", "root")
        .env("SHELL", "/bin/sh")
        .env("TERM", console.terminal_type())
        .current_dir(home)
        .stdin(tty.try_clone()?)
        .stdout(tty.try_clone()?)
        .stderr(tty)
        .spawn()?;
    i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
}

/// Without O_NONBLOCK the open of a serial line would wait for a modem's carrier; without taking it off again, the shell would
/// find no input and end. O_NOCTTY: the terminal becomes the shell's, not ours.
fn open_terminal(node: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let tty = OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(node)?;
    fcntl(&tty, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(tty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_that_ends_at_once_is_started_ever_more_seldom_and_one_that_was_left_at_once() {
        let console = Console { node: "/dev/ttyS0".into(), is_screen: false };
        let now = Instant::now();
        let mut place = Place { console: &console, pid: None, started: now, pause: FIRST_PAUSE, due: now };
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            place.ended_at(now);
            assert_eq!(place.due.duration_since(now), Duration::from_secs(seconds));
        }
        let later = now + TOO_SHORT;
        place.ended_at(later);
        assert_eq!((place.due, place.pause), (later, FIRST_PAUSE));
    }
}
