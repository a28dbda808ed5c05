//! A TPM of the emulator: swtpm, a program of its own, whose log of every command and answer is the witness.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Doing, HarnessError, Result,
    host_program::{HostProgram, await_end, find},
};

/// Tag, length, and code of a command or an answer.
const HEADER: usize = 10;
const LISTENS_WITHIN: Duration = Duration::from_secs(20);
const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// A running TPM 2.0, new from the factory. Dropping it ends it.
pub struct SoftwareTpm {
    child: Child,
    folder: TempDir,
}

/// A command that the TPM received, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The command: tag, length, command code, and what belongs to it.
    pub command: Vec<u8>,
    /// The answer: tag, length, response code, and what belongs to it.
    pub answer: Vec<u8>,
}

impl Exchange {
    /// The command code (TPM 2.0 Library, part 2, `TPM_CC`).
    #[must_use]
    pub fn code(&self) -> u32 {
        number(&self.command, 6)
    }

    /// The response code; 0 is success. `None` where the log has no answer.
    #[must_use]
    pub fn response(&self) -> Option<u32> {
        (!self.answer.is_empty()).then(|| number(&self.answer, 6))
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

impl SoftwareTpm {
    /// Starts one, which waits for its emulator at [`SoftwareTpm::socket`].
    ///
    /// # Errors
    /// [`HarnessError::Missing`] without swtpm; [`HarnessError::Deadline`] when it does not listen.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pf-tpm-")
            .tempdir_in("/tmp")
            .doing(|| "making a folder".into())?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        let child = Command::new(find("setpriv", "util-linux")?)
            .args(["--pdeathsig", "KILL"])
            .arg(find("swtpm", "swtpm")?)
            .args(["socket", "--tpm2", "--tpmstate"])
            .arg(format!("dir={}", folder.path().display()))
            .args(["--ctrl", &format!("type=unixio,path={}", path("socket"))])
            // Level 20 writes down every byte.
            .args(["--log", &format!("file={},level=20", path("log"))])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .doing(|| "starting swtpm".into())?;
        let tpm = SoftwareTpm { child, folder };
        let begun = Instant::now();
        while !tpm.socket().exists() {
            if begun.elapsed() > LISTENS_WITHIN {
                return Err(HarnessError::Unfit(format!(
                    "swtpm does not listen at {}",
                    tpm.socket().display()
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(tpm)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Ends it in good order, so that its log is complete, and returns all that was said.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when it does not end or its log is not understood.
    pub fn exchanges(mut self) -> Result<Vec<Exchange>> {
        let id = self.child.id().to_string();
        HostProgram::new("kill", "procps")?.args(["-TERM", &id]).run()?;
        await_end(&mut self.child, "swtpm", ENDS_WITHIN)?;
        read(&self.folder.path().join("log"))
    }
}

impl Drop for SoftwareTpm {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(log: &Path) -> Result<Vec<Exchange>> {
    let text = std::fs::read_to_string(log).doing(|| format!("reading {}", log.display()))?;
    parse(&text).map_err(|why| HarnessError::Unfit(format!("{}: {why}", log.display())))
}

/// A packet is announced by a line with its length, its bytes follow in hexadecimal. Control packets are left out.
fn parse(log: &str) -> std::result::Result<Vec<Exchange>, String> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut lines = log.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let Some((kind, length)) = line.split_once(": length ") else { continue };
        let length: usize = length.trim().parse().map_err(|_| format!("no length: {line}"))?;
        let mut bytes: Vec<u8> = Vec::new();
        while bytes.len() < length {
            let line =
                lines.next().ok_or_else(|| format!("{kind} ends after {} of {length} bytes", bytes.len()))?;
            for pair in line.split_whitespace() {
                bytes.push(u8::from_str_radix(pair, 16).map_err(|_| format!("not hexadecimal: {line}"))?);
            }
        }
        match kind {
            "SWTPM_IO_Read" => {
                exchanges.push(Exchange { command: bytes, answer: Vec::new() });
            }
            "SWTPM_IO_Write" => {
                let last = exchanges.last_mut().filter(|last| last.answer.is_empty());
                last.ok_or("an answer to nothing")?.answer = bytes;
            }
            _ => {}
        }
    }
    let whole = |packet: &[u8]| packet.len() >= HEADER;
    // A command whose answer nobody waited for was a command.
    let answered = |answer: &[u8]| answer.is_empty() || whole(answer);
    match exchanges.iter().all(|exchange| whole(&exchange.command) && answered(&exchange.answer)) {
        true => Ok(exchanges),
        false => Err("a packet without a header".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_packet_by_packet() {
        let log = " Ctrl Cmd: length 5\n 00 00 00 05 00 \n Ctrl Rsp: length 4\n 00 00 00 00 \n \
                   SWTPM_IO_Read: length 12\n 80 01 00 00 00 0C 00 00 01 44 \n 00 00 \n \
                   SWTPM_IO_Write: length 10\n 80 01 00 00 00 0A 00 00 01 00 \n";
        let exchanges = parse(log).unwrap();
        assert_eq!(exchanges.len(), 1);
        assert_eq!((exchanges[0].code(), exchanges[0].response()), (0x144, Some(0x100)));
        assert_eq!(exchanges[0].command.len(), 12);
    }

    #[test]
    fn a_log_that_is_cut_off_is_an_error() {
        assert!(parse(" SWTPM_IO_Read: length 12\n 80 01 00\n").is_err());
        assert!(parse(" SWTPM_IO_Write: length 1\n 80\n").is_err());
        let unanswered = parse(" SWTPM_IO_Read: length 10\n 80 01 00 00 00 0A 00 00 01 45\n").unwrap();
        assert_eq!((unanswered[0].code(), unanswered[0].response()), (0x145, None));
    }
}
