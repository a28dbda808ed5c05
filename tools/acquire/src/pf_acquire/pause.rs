//! What happens when the destination is full and somebody sits at the terminal: the run waits until there is room.

use formats::WhenFull;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{IsTerminal, stdin};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How often is looked whether the run is to stop.
const LOOK: u16 = 200;

/// Waits for a line on standard input.
pub struct Pause {
    stop: Arc<AtomicBool>,
    /// What the screen is to say.
    line: Mutex<Option<String>>,
}

impl Pause {
    /// For whom can answer: `None` where standard input is no terminal.
    pub fn at_the_terminal(stop: &Arc<AtomicBool>) -> Option<Arc<Self>> {
        stdin().is_terminal().then(|| Arc::new(Self { stop: Arc::clone(stop), line: Mutex::default() }))
    }

    /// What is to be said, once.
    pub fn line(&self) -> Option<String> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn say(&self, line: String) {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }

    /// The next line that is typed; `None` when the run is to stop, or nobody can type any more.
    fn answer(&self) -> Option<String> {
        let input = stdin();
        while !self.stop.load(Ordering::Relaxed) {
            let mut ready = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, PollTimeout::from(LOOK)) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => {
                    let mut line = String::new();
                    let read = input.read_line(&mut line).ok()?;
                    return (read > 0).then(|| line.trim().to_owned());
                }
                Err(_) => return None,
            }
        }
        None
    }
}

impl WhenFull for Pause {
    fn room_was_made(&self, path: &Path) -> bool {
        self.say(format!(
            "{}: the destination is FULL. Nothing is lost: make room there and press Enter to go on. Or type q and press Enter \
             to stop: copy what is there to a larger disk, and go on with --resume --to FOLDER",
            path.display()
        ));
        match self.answer() {
            Some(word) if word.eq_ignore_ascii_case("q") => false,
            Some(_) => true,
            None => false,
        }
    }
}
