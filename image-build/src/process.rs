//! The one place where other programs are started.

use crate::error::{Doing, Result, XtaskError};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One run of another program, whose failure is an error that names it.
pub struct Program {
    command: Command,
    log: Option<PathBuf>,
}

impl Program {
    /// Prepares `program`, with messages in English and times in UTC whoever runs it.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("PATH", search_path()).stdin(Stdio::null());
        Self { command, log: None }
    }

    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds several arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in `folder`.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Lets it read the terminal.
    pub fn interactive(mut self) -> Self {
        self.command.stdin(Stdio::inherit());
        self
    }

    /// Keeps its output in the file at `path` instead of showing it.
    pub fn log_to(mut self, path: &Path) -> Result<Self> {
        let log = File::create(path).doing(|| format!("making {}", path.display()))?;
        let both = log.try_clone().doing(|| format!("opening {}", path.display()))?;
        self.command.stdout(log).stderr(both);
        self.log = Some(path.to_owned());
        Ok(self)
    }

    /// Feeds it the file at `path`.
    pub fn input_from(mut self, path: &Path) -> Result<Self> {
        self.command.stdin(File::open(path).doing(|| format!("opening {}", path.display()))?);
        Ok(self)
    }

    /// Runs it with its output on the terminal or in the log, and demands success.
    pub fn run(mut self) -> Result<()> {
        let status = self.command.status().map_err(|e| self.failed(&format!("could not be started: {e}")))?;
        if status.success() { Ok(()) } else { Err(self.failed(&format!("ended with {status}"))) }
    }

    /// Runs it, demands success and returns what it wrote to standard output.
    pub fn read(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.read_bytes()?).into_owned())
    }

    /// The same where that is no text.
    pub fn read_bytes(mut self) -> Result<Vec<u8>> {
        let output = self.command.output().map_err(|e| self.failed(&format!("could not be started: {e}")))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(self.failed(&format!("ended with {}: {}", output.status, said.trim())))
    }

    fn failed(&self, ended: &str) -> XtaskError {
        let words: Vec<_> = std::iter::once(self.command.get_program())
            .chain(self.command.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        XtaskError::Program { command: words.join(" "), ended: ended.to_owned(), log: self.log.clone() }
    }
}

/// Where programs are found: as for the caller, and then where Debian keeps what only root's own path has (losetup, depmod).
fn search_path() -> OsString {
    let mut folders = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    for folder in [":/usr/sbin", ":/sbin"] {
        folders.push(folder);
    }
    folders
}

/// How many jobs a build may run at once.
pub fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
