//! A Unix socket that the emulator connects to, read with deadlines.

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::Child,
    sync::mpsc,
    time::{Duration, Instant},
};

use crate::{Doing, HarnessError, Result, host_program::last_part};

/// How often a wait looks whether the emulator is still alive.
const LIFE_CHECK: Duration = Duration::from_millis(200);

/// One connected socket and what has been read from it but not been used.
pub(crate) struct Socket {
    stream: UnixStream,
    pub(crate) unread: Vec<u8>,
}

impl Socket {
    /// Waits until the emulator `child` connects to `listener`.
    pub(crate) fn accept(
        listener: UnixListener,
        path: &Path,
        child: &mut Child,
        within: Duration,
    ) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(listener.accept().map(|(stream, _)| stream)));
        let start = Instant::now();
        loop {
            if let Ok(stream) = receiver.recv_timeout(LIFE_CHECK) {
                let stream = stream.doing(|| format!("accepting on {}", path.display()))?;
                return Ok(Socket { stream, unread: Vec::new() });
            }
            let gone = child.try_wait().doing(|| "looking after the emulator".into())?.is_some();
            if gone || start.elapsed() > within {
                // Lets the waiting thread go.
                let _ = UnixStream::connect(path);
                let awaited = format!("the emulator's connection to {}", path.display());
                return Err(match gone {
                    true => HarnessError::HungUp { awaited, said: String::new() },
                    false => HarnessError::Deadline { awaited, within, heard: String::new() },
                });
            }
        }
    }

    /// Sends all of `bytes`.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).doing(|| "sending to the emulator".into())
    }

    /// Reads until `wanted` finds what it looks for in the unread bytes, and returns that.
    pub(crate) fn read_until<T>(
        &mut self,
        awaited: &str,
        within: Duration,
        mut wanted: impl FnMut(&mut Vec<u8>) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = wanted(&mut self.unread) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let heard = || last_part(&String::from_utf8_lossy(&self.unread), 600).to_string();
            if left.is_zero() {
                return Err(HarnessError::Deadline { awaited: awaited.into(), within, heard: heard() });
            }
            self.stream.set_read_timeout(Some(left)).doing(|| "setting a deadline".into())?;
            let mut block = [0; 16384];
            match self.stream.read(&mut block) {
                Ok(0) => return Err(HarnessError::HungUp { awaited: awaited.into(), said: heard() }),
                Ok(count) => self.unread.extend_from_slice(&block[..count]),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    ErrorKind::ConnectionReset => {
                        return Err(HarnessError::HungUp { awaited: awaited.into(), said: heard() });
                    }
                    _ => return Err(error).doing(|| format!("waiting for {awaited}")),
                },
            }
        }
    }
}

/// Takes everything up to and with `pattern` out of `bytes`; returns what stood before it.
pub(crate) fn take_through(bytes: &mut Vec<u8>, pattern: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.windows(pattern.len()).position(|window| window == pattern)?;
    let before = bytes[..at].to_vec();
    bytes.drain(..at + pattern.len());
    Some(before)
}
