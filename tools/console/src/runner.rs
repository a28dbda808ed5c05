//! Runs commands and acquisitions beside the screen. This is the only place of the console that starts a program.

use crate::command::{CASE_FILE, Command, folder_of, in_one_line};
use crate::desk::{Effect, Event, Purpose};
use crate::disk::Inventory;
use crate::job::{self, JobId};
use crate::{mounts, processes};
use crossbeam_channel::Sender;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Most bytes of what a program prints that are kept.
const MOST_OUTPUT: u64 = 16 << 20;

/// Exit code of pf-acquire when it refuses to begin.
const NOT_BEGUN: i32 = 2;

/// The program that images, as the kernel calls its process.
const ACQUIRE: &str = "pf-acquire";

/// So long is waited for the node of a partition that was just made.
const NODE_WAIT: Duration = Duration::from_secs(10);

/// Starts what the desk asks for; what becomes of it comes back as events.
pub struct Runner {
    events: Sender<Event>,
    /// Process of each acquisition that runs. It is taken out before the process is waited for: no other gets a signal.
    running: Arc<Mutex<HashMap<JobId, Pid>>>,
    listing: Arc<Listing>,
    last_line: Option<String>,
    /// Why the case file is not what the form says.
    case_trouble: Option<String>,
}

impl Runner {
    /// One that tells `events`.
    #[must_use]
    pub fn new(events: Sender<Event>) -> Self {
        Self { events, running: Arc::default(), listing: Arc::default(), last_line: None, case_trouble: None }
    }

    /// The last line that was begun.
    #[must_use]
    pub fn last_line(&self) -> Option<String> {
        self.last_line.clone()
    }

    /// Does it. [`Effect::Shell`] and [`Effect::Leave`] are for who owns the terminal.
    pub fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::List => self.list(),
            Effect::Run(purpose, commands) => self.run(purpose, commands),
            Effect::Begin(job, command) => self.begin(job, &command),
            Effect::Pause(job) => self.signal(job, Signal::SIGUSR1),
            Effect::GoOn(job) => self.signal(job, Signal::SIGUSR2),
            Effect::Stop(job) => {
                self.signal(job, Signal::SIGTERM);
                self.signal(job, Signal::SIGUSR2);
            }
            Effect::WriteCase(text) => {
                self.case_trouble = write_case(&text).err();
                if let Some(trouble) = self.case_trouble.clone() {
                    self.tell(Event::Case(Err(trouble)));
                }
            }
            Effect::ReadCase(path) => {
                let read = case_file::read(Path::new(&path)).map(Box::new).map_err(|error| error.to_string());
                self.tell(Event::Case(read));
            }
            Effect::Shell | Effect::Leave => {}
        }
    }

    /// Tells how much room there is in a folder.
    pub fn measure(&self, folder: &str) {
        if let Ok(about) = nix::sys::statvfs::statvfs(folder) {
            let free = about.blocks_available().saturating_mul(about.fragment_size());
            self.tell(Event::Room(folder.to_owned(), free));
        }
    }

    fn tell(&self, event: Event) {
        // Nobody listens any more: the console ends.
        let _ = self.events.send(event);
    }

    /// One list at a time: what was asked for while one was made is made after it, for that one may not show what happened
    /// since, and is not told.
    fn list(&self) {
        if !self.listing.begin() {
            return;
        }
        let (events, listing, running) =
            (self.events.clone(), Arc::clone(&self.listing), Arc::clone(&self.running));
        thread::spawn(move || {
            loop {
                let is_imaged = !running.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
                let listed = output_of(&Command::list(is_imaged))
                    .and_then(|printed| crate::disk::read(&printed))
                    .map(|inventory| Inventory { mounted: mounted(), ..inventory });
                if listing.end() {
                    let _ = events.send(Event::Disks(listed));
                    return;
                }
            }
        });
    }

    fn run(&mut self, purpose: Purpose, commands: Vec<Command>) {
        // This console knows of its own acquisitions only.
        if would_cut_off(&purpose, Path::new("/proc")) {
            return self.tell(Event::RunsElsewhere);
        }
        self.last_line = Some(in_one_line(&commands));
        let events = self.events.clone();
        thread::spawn(move || {
            let outcome = commands.iter().try_for_each(|command| {
                await_node(command);
                output_of(command).map(drop)
            });
            let prepared = match (&outcome, &purpose) {
                (Ok(()), Purpose::Prepare(_, path)) => Some(folder_of(path)),
                _ => None,
            };
            let _ = events.send(Event::Done(purpose, outcome));
            if let Some(folder) = prepared {
                Runner::new(events).measure(&folder);
            }
        });
    }

    fn begin(&mut self, job: JobId, command: &Command) {
        self.last_line = Some(command.to_string());
        // With another case than the form's nothing is imaged.
        let begun = match self.case_trouble.clone() {
            Some(trouble) => Err(trouble),
            None => started(command, Stdio::piped()),
        };
        let mut child = match begun {
            Ok(child) => child,
            Err(trouble) => {
                self.tell(Event::Said(job, trouble));
                return self.tell(Event::Ended(job, Some(NOT_BEGUN), None));
            }
        };
        if let Ok(pid) = i32::try_from(child.id()) {
            self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(job, Pid::from_raw(pid));
        }
        let (said, printed) = (child.stderr.take(), child.stdout.take());
        let (events, running) = (self.events.clone(), Arc::clone(&self.running));
        let listener = events.clone();
        thread::spawn(move || {
            let Some(said) = said else { return };
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                let event = match job::reached(&line) {
                    Some(reached) => Event::Reached(job, reached),
                    None => Event::Said(job, line),
                };
                let _ = listener.send(event);
            }
        });
        thread::spawn(move || {
            let mut output = Vec::new();
            if let Some(printed) = printed {
                let _ = printed.take(MOST_OUTPUT).read_to_end(&mut output);
            }
            running.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
            let code = child.wait().ok().and_then(|status| status.code());
            let _ = events.send(Event::Ended(job, code, job::outcome(&output)));
        });
    }

    fn signal(&self, job: JobId, signal: Signal) {
        if let Some(pid) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&job) {
            // It may have ended this very moment; then its end is on its way.
            let _ = kill(*pid, signal);
        }
    }
}

/// Whether a list is being made, and whether another was asked for meanwhile.
#[derive(Default)]
struct Listing(Mutex<Option<bool>>);

impl Listing {
    /// True where a list is to be begun; else the one under way is followed by another.
    fn begin(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = state.is_none();
        *state = Some(!is_first);
        is_first
    }

    /// True where the list that was made is to be told; else another is to be made.
    fn end(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last = *state != Some(true);
        *state = if is_last { None } else { Some(false) };
        is_last
    }
}

/// Programs get no terminal: what they say comes through pipes, and keys are the console's.
fn started(command: &Command, stdout: Stdio) -> Result<Child, String> {
    let Some((program, arguments)) = command.words().split_first() else {
        return Err("no program".to_owned());
    };
    let input = if command.input().is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = std::process::Command::new(program)
        .args(arguments)
        .stdin(input)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: can't be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read all says why by its exit code.
        let _ = stdin.write_all(command.input().as_bytes());
    }
    Ok(child)
}

/// What it printed.
///
/// # Errors
/// The last line that it said, with its name and exit code.
fn output_of(command: &Command) -> Result<Vec<u8>, String> {
    let child = started(command, Stdio::piped())?;
    let output = child.wait_with_output().map_err(|error| format!("{command}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it did not say why");
    let program = command.words().first().map_or("", String::as_str);
    Err(format!("{program}: {last} ({})", output.status))
}

/// Waits for the node that a command names last but one or last, where it is one of /dev: a partition that was just made has it
/// a moment later.
fn await_node(command: &Command) {
    let begun = Instant::now();
    for word in command.words().iter().filter(|word| word.starts_with("/dev/")) {
        while !Path::new(word).exists() && begun.elapsed() < NODE_WAIT {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// True for the end of the machine while anybody's acquisition runs.
fn would_cut_off(purpose: &Purpose, proc: &Path) -> bool {
    *purpose == Purpose::PowerOff && processes::is_running(proc, ACQUIRE)
}

fn mounted() -> Option<Vec<mounts::Mounted>> {
    fs::read_to_string("/proc/self/mounts").ok().map(|table| mounts::of_table(&table))
}

fn write_case(text: &str) -> Result<(), String> {
    let path = Path::new(CASE_FILE);
    let failed = |error| format!("{CASE_FILE}: can't be written: {error}");
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_does_not_end_under_an_acquisition_that_a_shell_began() {
        let proc = tempfile::tempdir().unwrap();
        assert!(!would_cut_off(&Purpose::PowerOff, proc.path()));
        fs::create_dir(proc.path().join("9")).unwrap();
        fs::write(proc.path().join("9/stat"), "9 (pf-acquire) S 1 9 9").unwrap();
        assert!(would_cut_off(&Purpose::PowerOff, proc.path()));
        let id = crate::disk::DiskId { name: "sda".into(), serial: None, capacity: 1 };
        assert!(!would_cut_off(&Purpose::Release(id), proc.path()), "other deeds harm no acquisition");
    }

    #[test]
    fn a_list_that_may_be_stale_is_made_again_and_not_told() {
        let listing = Listing::default();
        assert!(listing.begin());
        assert!(!listing.begin() && !listing.begin(), "two lists at a time");
        assert!(!listing.end(), "what was asked for meanwhile is not made");
        assert!(listing.end());
        assert!(listing.begin());
    }
}
