//! The examiner's console or a shell on each terminal, started again when it ends.

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
/// With this argument, and those for it behind it, it becomes the examiner's console.
pub(crate) const CONSOLE_ARGUMENT: &str = "--examiner-console";
/// The examiner's console.
const PF_CONSOLE: &str = "/bin/pf-console";
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
    become_program(&[BUSYBOX, "sh", "-l"])
}

/// Replaces this process by the examiner's console, as [`become_shell`] does by a shell.
pub(crate) fn become_console(arguments: &[String]) -> ExitCode {
    let words = arguments.iter().map(String::as_str);
    become_program(&[PF_CONSOLE].into_iter().chain(words).collect::<Vec<_>>())
}

fn become_program(words: &[&str]) -> ExitCode {
    if let Err(e) = SigSet::all().thread_unblock() {
        eprintln!("pf-init: signals cannot be released: {e}");
    }
    let failure = Command::new(BUSYBOX).args(["setsid", "-c"]).args(words).exec();
    eprintln!("pf-init: {BUSYBOX} cannot be started: {failure}");
    ExitCode::from(EXIT_NO_SHELL)
}

/// What the words of the kernel's command line ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// `pf.shell`: a shell in place of the examiner's console.
    pub(crate) shell: bool,
    /// `pf.serial`: the examiner's console opens on the serial lines, and waits for Enter on the screen.
    pub(crate) serial: bool,
    /// `pf.lang=zh`: Chinese.
    pub(crate) chinese: bool,
}

impl Wanted {
    /// Reads the command line.
    pub(crate) fn by(command_line: &str) -> Self {
        let has = |wanted: &str| command_line.split_whitespace().any(|word| word == wanted);
        Self { shell: has("pf.shell"), serial: has("pf.serial"), chinese: has("pf.lang=zh") }
    }
}

/// The shells of all consoles.
pub(crate) struct Shells<'a> {
    places: Vec<Place<'a>>,
    banner: &'a str,
    wanted: Wanted,
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
    pub(crate) fn new(consoles: &'a [Console], banner: &'a str, wanted: Wanted) -> Self {
        let now = Instant::now();
        let place = |console| Place { console, pid: None, started: now, pause: FIRST_PAUSE, due: now };
        Self { places: consoles.iter().map(place).collect(), banner, wanted }
    }

    /// Starts every shell whose time has come; gives the time of the next start.
    pub(crate) fn start_due(&mut self) -> Option<Instant> {
        let now = Instant::now();
        for place in self.places.iter_mut().filter(|place| place.pid.is_none() && place.due <= now) {
            place.started = now;
            match start(place.console, self.banner, &place.program(self.wanted)) {
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
    /// The words for this program that make it what belongs here. A console that ends at once gives way to a shell: something
    /// must be there to work with.
    fn program(&self, wanted: Wanted) -> Vec<&'static str> {
        if wanted.shell || self.console.is_second_screen() || self.pause > FIRST_PAUSE {
            return vec![STARTER_ARGUMENT];
        }
        let mut words = vec![CONSOLE_ARGUMENT];
        // Where nobody may be looking it waits for Enter; a failing disk is then not asked for nothing.
        words.extend((self.console.is_screen == wanted.serial).then_some("--wait"));
        if wanted.chinese {
            words.extend(["--language", "zh"]);
        }
        words
    }

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

fn start(console: &Console, banner: &str, words: &[&str]) -> io::Result<Pid> {
    let mut tty = open_terminal(&console.node)?;
    tty.write_all(banner.as_bytes())?;
    let home = if Path::new("/root").is_dir() { "/root" } else { "/" };
    let child = Command::new("/proc/self/exe")
        .args(words)
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
    fn the_console_opens_where_no_shell_was_asked_for_and_gives_way_to_one_where_it_cannot_live() {
        let now = Instant::now();
        let console = |node: &str, is_screen| Console { node: node.into(), is_screen };
        let (screen, second, line) =
            (console("/dev/tty1", true), console("/dev/tty2", true), console("/dev/ttyS0", false));
        let place = |console| Place { console, pid: None, started: now, pause: FIRST_PAUSE, due: now };
        let wanted = Wanted::by("console=ttyS0 pf.lang=zh");
        assert_eq!(place(&screen).program(wanted), [CONSOLE_ARGUMENT, "--language", "zh"]);
        assert_eq!(place(&line).program(Wanted::by("")), [CONSOLE_ARGUMENT, "--wait"]);
        let by_serial = Wanted::by("pf.serial");
        assert_eq!(place(&line).program(by_serial), [CONSOLE_ARGUMENT]);
        assert_eq!(place(&screen).program(by_serial), [CONSOLE_ARGUMENT, "--wait"]);
        assert_eq!(place(&second).program(wanted), [STARTER_ARGUMENT]);
        assert_eq!(place(&screen).program(Wanted::by("pf.shell quiet")), [STARTER_ARGUMENT]);
        assert_eq!(Wanted::by("xpf.shell pf.shells"), Wanted::default());
        let mut dying = place(&screen);
        dying.ended_at(now);
        assert_eq!(dying.program(Wanted::default()), [STARTER_ARGUMENT]);
    }

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
