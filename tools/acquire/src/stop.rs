//! The request to stop: Ctrl-C, SIGTERM, and a line that hangs up.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that Ctrl-C, a request to end, and a line that hangs up set from here on.
///
/// Under `nohup`, which is there for that, a line that hangs up ends nothing. Where a signal can't be watched it ends the
/// program at once; what was written then says itself that it is incomplete.
#[must_use]
pub fn at_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if signal != SIGHUP || !is_ignored(signal, &status) {
            let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
        }
    }
    stop
}

/// Whether the process that `status` tells of ignores `signal`: `SigIgn` is a hexadecimal mask whose lowest bit is signal 1
/// (proc_pid_status(5)).
fn is_ignored(signal: i32, status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    u32::try_from(signal - 1).ok().and_then(|bit| mask.checked_shr(bit)).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_ignores_stands_in_its_status() {
        // Of a process under nohup, and of one that a shell without job control put into the background.
        let (nohup, background) = ("Name:\tx\nSigIgn:\t0000000000001001\n", "SigIgn:\t0000000000000006\n");
        assert!(is_ignored(SIGHUP, nohup) && !is_ignored(SIGINT, nohup) && !is_ignored(SIGTERM, nohup));
        assert!(is_ignored(SIGINT, background) && !is_ignored(SIGHUP, background));
        for unreadable in ["", "SigIgn:", "SigIgn:\tno mask\n", "SigIgn:\t1ffffffffffffffff\n"] {
            assert!(!is_ignored(SIGHUP, unreadable), "{unreadable}");
        }
    }
}
