//! Children that ended and children that must.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::thread;
use std::time::{Duration, Instant};

/// Time for programs to end by themselves, and then for the kernel to end them.
const UNTIL_KILLED: Duration = Duration::from_secs(5);
const UNTIL_GIVEN_UP: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

const EVERY_PROCESS: Pid = Pid::from_raw(-1);

/// Collects every child that has ended, own or inherited, without waiting.
pub(crate) fn reap() -> Vec<Pid> {
    let mut ended = Vec::new();
    while let Ok(status) = waitpid(EVERY_PROCESS, Some(WaitPidFlag::WNOHANG)) {
        match status {
            WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _) => ended.push(pid),
            WaitStatus::StillAlive => break,
            // Stopped or continued: not asked for, and no end.
            _ => {}
        }
    }
    ended
}

/// Asks every other process to end, then ends it. True when none is left.
pub(crate) fn end_all() -> bool {
    for (signal, patience) in [(Signal::SIGTERM, UNTIL_KILLED), (Signal::SIGKILL, UNTIL_GIVEN_UP)] {
        // kill(2): -1 means every process but the sender and process 1. ESRCH: there is none.
        if kill(EVERY_PROCESS, signal) == Err(Errno::ESRCH) {
            return true;
        }
        // Interactive shells ignore SIGTERM; the end of their line is what they heed.
        let _ = kill(EVERY_PROCESS, Signal::SIGHUP);
        // A stopped process ends only when it goes on.
        let _ = kill(EVERY_PROCESS, Signal::SIGCONT);
        let Some(deadline) = Instant::now().checked_add(patience) else { continue };
        while Instant::now() < deadline {
            reap();
            if waitpid(EVERY_PROCESS, Some(WaitPidFlag::WNOHANG)) == Err(Errno::ECHILD) {
                return true;
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }
    false
}
