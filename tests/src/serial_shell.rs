//! The root shell on the guest's serial port, driven by framed lines.
//!
//! Nothing runs in the guest for this: the shell prints a unique line before and after each command, and what stands
//! between them is the command's output. The kernel's messages are kept off the line once the shell is taken over.

use std::time::Duration;

use crate::{
    HarnessError, Result,
    socket::{Socket, take_through},
};

/// The shell reads a line of at most 1023 bytes (busybox), the terminal keeps 4095 that nobody has read yet.
const LONGEST_LINE: usize = 1000;
const LONGEST_SCRIPT: usize = 3500;

/// The serial port, before and after the shell is taken over.
pub struct SerialShell {
    socket: Socket,
    frames: u32,
}

/// What a command in the guest printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Standard output and standard error.
    pub output: String,
    /// Exit status as the shell counts: 128 + n for signal n.
    pub status: i32,
}

impl Answer {
    /// Whether it ended with status 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status == 0
    }

    /// The line that tells most: the first that names the refusal, else the last that is not empty.
    #[must_use]
    pub fn telling_line(&self) -> &str {
        let mut lines = self.output.lines().map(str::trim).filter(|line| !line.is_empty());
        let refusal = lines.clone().find(|line| {
            ["Read-only", "read-only", "read only", "not permitted", "superblock"]
                .iter()
                .any(|words| line.contains(words))
        });
        refusal.or_else(|| lines.next_back()).unwrap_or("")
    }
}

impl SerialShell {
    pub(crate) fn new(socket: Socket) -> Self {
        SerialShell { socket, frames: 0 }
    }

    /// Waits for the shell's first prompt, then silences echo, prompts and kernel messages. Returns what came
    /// over the line until then.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] when no prompt comes.
    pub fn take_over(&mut self, within: Duration) -> Result<String> {
        let awaited = "the root shell's prompt on ttyS0";
        let mut boot = self.socket.read_until(awaited, within, |unread| {
            let has_come = ends_with_prompt(unread) || ends_with_offer(unread);
            has_come.then(|| std::mem::take(unread))
        })?;
        if ends_with_offer(&boot) {
            self.socket.send(b"!")?;
            boot.extend(self.socket.read_until(awaited, within, |unread| {
                ends_with_prompt(unread).then(|| std::mem::take(unread))
            })?);
        }
        // What is typed is echoed this once; the quotes keep the echo from looking like the answer.
        self.socket.send(b"stty -echo -opost; PS1=; PS2=; dmesg -n 1; printf '%s\\n' PF-'SHELL-READY'\n")?;
        self.socket.read_until("the shell's answer", within, |unread| {
            take_through(unread, b"PF-SHELL-READY\n").or_else(|| take_through(unread, b"PF-SHELL-READY\r\n"))
        })?;
        Ok(String::from_utf8_lossy(&boot).into_owned())
    }

    /// Waits until the line `text` goes by, before the shell is taken over. Returns what stood before it.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn await_text(&mut self, text: &str, within: Duration) -> Result<String> {
        let before = self.socket.read_until(&format!("{text:?} on ttyS0"), within, |unread| {
            take_through(unread, text.as_bytes())
        })?;
        Ok(String::from_utf8_lossy(&before).into_owned())
    }

    /// Sends keys to whatever reads the line before the shell is taken over: firmware, boot loader, the examiner's console.
    ///
    /// # Errors
    /// [`HarnessError::Host`] when the line is gone.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.socket.send(keys.as_bytes())
    }

    /// What comes over the line for so long, before the shell is taken over.
    ///
    /// # Errors
    /// [`HarnessError::HungUp`].
    pub fn hear(&mut self, during: Duration) -> Result<Vec<u8>> {
        let heard = self.socket.read_until("nothing", during, |_| None::<()>);
        match heard {
            Err(HarnessError::Deadline { .. }) | Ok(()) => Ok(std::mem::take(&mut self.socket.unread)),
            Err(error) => Err(error),
        }
    }

    /// Runs `script`, one or several lines, in a shell of its own with nothing on its standard input.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] when it does not end in time.
    pub fn run(&mut self, script: &str, within: Duration) -> Result<Answer> {
        assert!(script.len() <= LONGEST_SCRIPT, "too long for the terminal's buffer: {script}");
        assert!(
            script.lines().all(|line| line.len() <= LONGEST_LINE),
            "a line is too long for the shell: {script}"
        );
        self.send(script)?;
        self.answer(script, within)
    }

    /// Sends `script` without waiting for its end; [`SerialShell::answer`] does. Nothing else may be sent meanwhile.
    ///
    /// # Errors
    /// [`HarnessError::Host`] when the line is gone.
    pub fn send(&mut self, script: &str) -> Result<()> {
        self.frames += 1;
        let frame = self.frames;
        let framed = format!(
            "printf '\\n%s\\n' PF{frame:05}-'BEGIN'\n(\n{script}\n) </dev/null 2>&1\n\
             printf '\\n%s %d.\\n' PF{frame:05}-'END' $?\n"
        );
        self.socket.send(framed.as_bytes())
    }

    /// Waits for the end of what [`SerialShell::send`] sent.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn answer(&mut self, script: &str, within: Duration) -> Result<Answer> {
        let begin = format!("\nPF{:05}-BEGIN\n", self.frames);
        let end = format!("\nPF{:05}-END ", self.frames);
        let awaited = format!("the end of `{script}` in the guest");
        self.socket.read_until(&awaited, within, |unread| take_through(unread, begin.as_bytes()))?;
        let output =
            self.socket.read_until(&awaited, within, |unread| take_through(unread, end.as_bytes()))?;
        let status = self.socket.read_until(&awaited, within, |unread| take_through(unread, b".\n"))?;
        let status = String::from_utf8_lossy(&status);
        let status = status
            .parse()
            .map_err(|_| HarnessError::Unfit(format!("the serial line was garbled: status {status:?}")))?;
        Ok(Answer { output: String::from_utf8_lossy(&output).into_owned(), status })
    }
}

/// The examiner's console, which offers a shell, waits for a key.
fn ends_with_offer(unread: &[u8]) -> bool {
    // The line is the terminal's own, which may put one more carriage return before its end.
    unread.trim_ascii_end().ends_with(b"! a root shell.")
}

/// A prompt of a root shell ends in "# "; busybox then asks the terminal where its cursor is (ECMA-48 DSR).
fn ends_with_prompt(unread: &[u8]) -> bool {
    let shown = unread.strip_suffix(b"\x1b[6n").unwrap_or(unread);
    shown.ends_with(b"# ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_known_with_and_without_the_cursor_question() {
        assert!(ends_with_prompt(b"built-in shell (ash)\r\n\r\n/ # "));
        assert!(ends_with_prompt(b"~ # \x1b[6n"));
        assert!(!ends_with_prompt(b"# comment of a boot loader"));
    }

    #[test]
    fn the_offer_of_a_shell_is_known_however_its_line_ends() {
        assert!(ends_with_offer(b"Permafrost 0.1.0: Enter opens the console, ! a root shell.\r\r\n"));
        assert!(!ends_with_offer(b"Enter opens the console, ! a root"));
    }

    #[test]
    fn the_telling_line_is_the_refusal_or_else_the_last_one() {
        let answer = Answer { output: "mke2fs 1.47\nsda: Read-only file system\nbye\n".into(), status: 1 };
        assert_eq!(answer.telling_line(), "sda: Read-only file system");
        assert!(!answer.succeeded());
        let answer = Answer { output: "first\nlast\n\n".into(), status: 0 };
        assert_eq!(answer.telling_line(), "last");
    }
}
