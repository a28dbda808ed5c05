//! Persistent reservations by the block layer's ioctls, linux/pr.h.

use crate::answer::Answer;
use crate::node::{Node, Request};

/// What is asked of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Register a key.
    Register,
    /// Reserve, write-exclusive.
    Reserve,
    /// Release.
    Release,
    /// Preempt another's reservation.
    Preempt,
    /// Preempt it and abort its commands.
    PreemptAbort,
    /// Clear all registrations.
    Clear,
}

const WRITE_EXCLUSIVE: u32 = 1;

/// Asks for `action` with `key`.
#[must_use]
pub fn ask(node: &Node, action: Action, key: u64) -> Answer {
    let [low, high] = halves(key);
    // Each is three or fewer of: two keys, a type, flags; as 32-bit words, low half first.
    let (number, step, words): (u8, _, [u32; 6]) = match action {
        Action::Register => (200, "IOC_PR_REGISTER", [0, 0, low, high, 0, 0]),
        Action::Reserve => (201, "IOC_PR_RESERVE", [low, high, WRITE_EXCLUSIVE, 0, 0, 0]),
        Action::Release => (202, "IOC_PR_RELEASE", [low, high, WRITE_EXCLUSIVE, 0, 0, 0]),
        Action::Preempt => (203, "IOC_PR_PREEMPT", [low, high, low, high, WRITE_EXCLUSIVE, 0]),
        Action::PreemptAbort => (204, "IOC_PR_PREEMPT_ABORT", [low, high, low, high, WRITE_EXCLUSIVE, 0]),
        Action::Clear => (205, "IOC_PR_CLEAR", [low, high, 0, 0, 0, 0]),
    };
    let request: Request = match action {
        Action::Register | Action::Preempt | Action::PreemptAbort => {
            nix::request_code_write!(b'p', number, 24_usize)
        }
        Action::Reserve | Action::Release | Action::Clear => nix::request_code_write!(b'p', number, 16_usize),
    };
    let mut argument = words;
    // SAFETY: these requests read 16 or 24 bytes of numbers; the argument has 24.
    Answer::from_status(step, &unsafe { node.ioctl_structure(request, &mut argument) })
}

fn halves(number: u64) -> [u32; 2] {
    let bytes = number.to_ne_bytes();
    let [a, b, c, d, e, f, g, h] = bytes;
    [u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_no_reservations() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let node = Node::open(file.path(), crate::Access::ReadOnly).unwrap();
        for action in [Action::Register, Action::Reserve, Action::Clear] {
            assert_eq!(ask(&node, action, 1).outcome(), crate::Outcome::Absent);
        }
        assert_eq!(halves(0x1122_3344_5566_7788), [0x5566_7788, 0x1122_3344]);
    }
}
