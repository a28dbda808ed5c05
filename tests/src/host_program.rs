//! Programs of the host: found also for ordinary users, named with their Debian package when absent.

use std::{
    ffi::OsStr,
    io::Write,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{Doing, HarnessError, Result};

/// Debian keeps disk tools where an ordinary user's PATH does not look.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Where a program lies on this host.
///
/// # Errors
/// [`HarnessError::Missing`] with the `package` to install.
pub fn find(program: &str, package: &str) -> Result<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(SYSTEM_FOLDERS)
        .map(|folder| PathBuf::from(folder).join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| HarnessError::Missing { program: program.into(), package: package.into() })
}

/// One run of a program of the host.
pub struct HostProgram {
    command: Command,
    input: Vec<u8>,
}

impl HostProgram {
    /// Prepares `program` of Debian's `package`.
    ///
    /// # Errors
    /// [`HarnessError::Missing`].
    pub fn new(program: &str, package: &str) -> Result<Self> {
        Ok(Self::at(find(program, package)?))
    }

    /// Prepares the program at `path`.
    pub fn at(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        // Messages are compared and times are printed: neither may depend on the person's settings.
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        HostProgram { command, input: Vec::new() }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    /// What the program reads from its standard input.
    #[must_use]
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = text.into();
        self
    }

    /// Runs it and returns its output, whatever its exit status.
    ///
    /// # Errors
    /// [`HarnessError::Host`] when it could not be started.
    pub fn output(mut self) -> Result<Output> {
        let shown = format!("{:?}", self.command);
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .doing(|| format!("starting {shown}"))?;
        let mut stdin = child.stdin.take().expect("piped above");
        // A program that ends before it has read everything says why on its own.
        let _ = stdin.write_all(&self.input);
        drop(stdin);
        child.wait_with_output().doing(|| format!("waiting for {shown}"))
    }

    /// Runs it, demands success and returns its standard output.
    ///
    /// # Errors
    /// [`HarnessError::Program`] when it ended with an error.
    pub fn run(self) -> Result<String> {
        let shown = format!("{:?}", self.command);
        let output = self.output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let complaint = format!("{said}{}", String::from_utf8_lossy(&output.stderr));
        Err(HarnessError::Program {
            command: shown,
            status: output.status.to_string(),
            said: last_part(&complaint, 2000).into(),
        })
    }
}

/// Waits until `child`, which was told to end, has done so.
pub(crate) fn await_end(child: &mut Child, name: &str, within: Duration) -> Result<ExitStatus> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait().doing(|| format!("waiting for the end of {name}"))? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            return Err(HarnessError::Unfit(format!("{name} did not end within {} s", within.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The last `bytes` bytes of `text`, cut at a character.
#[must_use]
pub fn last_part(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}
