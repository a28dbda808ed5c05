//! The signals that mean something to process 1, read one after another instead of interrupting it.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::reboot::set_cad_enabled;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How the machine shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    PowerOff,
    Restart,
    Halt,
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wish::PowerOff => "power off",
            Wish::Restart => "restart",
            Wish::Halt => "halt",
        })
    }
}

/// What process 1 is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The machine shall end.
    End(Wish),
    /// The three keys. They end nothing: a hand that does not know this system, or a habit, would start the seized machine's
    /// own system in the middle of an acquisition, and that one writes to the evidence.
    CtrlAltDel,
}

impl Request {
    /// What busybox's `poweroff`, `reboot` and `halt` send to process 1 (init/halt.c), and the kernel for Ctrl-Alt-Del.
    fn of(signal: Signal) -> Option<Self> {
        match signal {
            Signal::SIGUSR2 => Some(Request::End(Wish::PowerOff)),
            Signal::SIGTERM => Some(Request::End(Wish::Restart)),
            Signal::SIGUSR1 => Some(Request::End(Wish::Halt)),
            Signal::SIGINT => Some(Request::CtrlAltDel),
            _ => None,
        }
    }

    /// The one that counts of two that came together: the keys hide no command.
    fn before(self, later: Self) -> Self {
        match self {
            Request::CtrlAltDel => later,
            Request::End(_) => self,
        }
    }
}

/// The signals of process 1.
pub(crate) struct Signals(SignalFd);

impl Signals {
    /// Holds the signals back and makes them readable; Ctrl-Alt-Del becomes a signal instead of a reset.
    pub(crate) fn take_over() -> Result<Self, String> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGCHLD, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGTERM, Signal::SIGINT] {
            set.add(signal);
        }
        // Refused inside a container, where there is no such key; then nothing depends on it either.
        let _ = set_cad_enabled(false);
        set.thread_block().map_err(|e| format!("signals cannot be held back: {e}"))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        SignalFd::with_flags(&set, flags).map(Self).map_err(|e| format!("signals cannot be read: {e}"))
    }

    /// Waits for a signal, but not beyond `until`. `None`: time is up, or a child ended.
    pub(crate) fn wait(&mut self, until: Option<Instant>) -> Option<Request> {
        let timeout = until.map_or(PollTimeout::NONE, |instant| {
            let left =
                instant.saturating_duration_since(Instant::now()).saturating_add(Duration::from_millis(1));
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        // Whatever poll says, reading does not block; an error of poll shows as nothing to read.
        let _ = poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], timeout);
        let mut request: Option<Request> = None;
        while let Ok(Some(info)) = self.0.read_signal() {
            let signal = i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
            if let Some(next) = signal.and_then(Request::of) {
                request = Some(request.map_or(next, |earlier| earlier.before(next)));
            }
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_of_busybox_has_its_wish() {
        assert_eq!(Request::of(Signal::SIGUSR2), Some(Request::End(Wish::PowerOff)));
        assert_eq!(Request::of(Signal::SIGTERM), Some(Request::End(Wish::Restart)));
        assert_eq!(Request::of(Signal::SIGUSR1), Some(Request::End(Wish::Halt)));
        assert_eq!(Request::of(Signal::SIGCHLD), None);
    }

    #[test]
    fn ctrl_alt_del_ends_nothing_and_hides_no_command() {
        assert_eq!(Request::of(Signal::SIGINT), Some(Request::CtrlAltDel));
        let power_off = Request::End(Wish::PowerOff);
        assert_eq!(Request::CtrlAltDel.before(power_off), power_off);
        assert_eq!(power_off.before(Request::CtrlAltDel), power_off);
        assert_eq!(power_off.before(Request::End(Wish::Restart)), power_off, "the first command counts");
    }
}
