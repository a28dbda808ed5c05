//! The guard's event stream, line by line.

use crate::{Event, GuardError};
use nix::fcntl::OFlag;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A read gives whole lines only, as many as fit.
const READ_SIZE: usize = 64 << 10;

/// What to do at the end of the events that the kernel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// End the iteration.
    End,
    /// Wait for the next event, for ever.
    Follow,
}

/// Events, oldest first. Memory: one buffer of 64 KiB and the events parsed from it.
#[derive(Debug)]
pub struct EventStream {
    file: File,
    path: PathBuf,
    pending: VecDeque<Result<Event, GuardError>>,
    ended: bool,
}

impl EventStream {
    pub(crate) fn open(path: &Path, wait: Wait) -> Result<Self, GuardError> {
        let flags = match wait {
            Wait::End => OFlag::O_NONBLOCK.bits(),
            Wait::Follow => 0,
        };
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)
            .map_err(|source| GuardError::Read { path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned(), pending: VecDeque::new(), ended: false })
    }

    fn fill(&mut self) {
        let mut buffer = vec![0u8; READ_SIZE];
        match self.file.read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                let text = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()).into_owned();
                self.pending.extend(text.lines().map(|line| line.parse().map_err(GuardError::Event)));
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.ended = true,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                self.ended = true;
                self.pending.push_back(Err(GuardError::Read { path: self.path.clone(), source }));
            }
        }
    }
}

impl Iterator for EventStream {
    type Item = Result<Event, GuardError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.pending.is_empty() && !self.ended {
            self.fill();
        }
        self.pending.pop_front()
    }
}
