//! Words to every console, without ever waiting for one of them.

use crate::console::Console;
use nix::fcntl::OFlag;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A serial line at 9600 baud takes a second for 960 characters; one that is held by flow control takes for ever.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Writes to the screen in view and every serial console; to the kernel's console where there is none of these.
pub(crate) fn announce(consoles: &[Console], text: &str) {
    let serials = consoles.iter().filter(|console| !console.is_screen).map(|console| console.node.as_path());
    let mut reached =
        consoles.iter().any(|console| console.is_screen) && write_to(Path::new("/dev/tty0"), text);
    for node in serials {
        reached |= write_to(node, text);
    }
    if !reached {
        // Nothing is left to tell a failure to.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// True when all of the text was taken.
fn write_to(node: &Path, text: &str) -> bool {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let Ok(mut tty) = OpenOptions::new().write(true).custom_flags(flags.bits()).open(node) else {
        return false;
    };
    let deadline = Instant::now().checked_add(PATIENCE);
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match tty.write(rest) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock && deadline.is_some_and(|d| Instant::now() < d) => {
                thread::sleep(BETWEEN_TRIES);
            }
            Err(_) => return false,
        }
    }
    true
}
