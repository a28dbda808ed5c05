//! TCG Opal by the kernel's own ioctls, linux/sed-opal.h.

use crate::answer::Answer;
use crate::node::{Node, Request};

/// What is asked of the drive, with an empty key: no drive that has an owner executes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Keep a key for resume.
    Save,
    /// Lock or unlock a range.
    LockUnlock,
    /// Take ownership.
    TakeOwnership,
    /// Activate the locking security provider.
    ActivateLocking,
    /// Set a password.
    SetPassword,
    /// Revert the trusted peripheral: erases.
    RevertTper,
    /// Set up a locking range.
    SetUpRange,
    /// Add a user to a locking range.
    AddUser,
    /// Enable the shadow MBR.
    EnableShadowMbr,
    /// Erase a range.
    EraseRange,
    /// Erase a range securely.
    SecureEraseRange,
    /// Revert with the physical presence id: erases.
    PsidRevert,
    /// Set or clear MBR Done.
    MbrDone,
    /// Write the shadow MBR.
    WriteShadowMbr,
    /// Write a table of a security provider.
    WriteTable,
}

/// The largest of the structures, `struct opal_new_pw`.
const LARGEST: usize = 0x220;

/// Asks for `action`, every field of its structure zero.
#[must_use]
pub fn ask(node: &Node, action: Action) -> Answer {
    let (number, size, step): (u8, usize, _) = match action {
        Action::Save => (220, 0x118, "IOC_OPAL_SAVE"),
        Action::LockUnlock => (221, 0x118, "IOC_OPAL_LOCK_UNLOCK"),
        Action::TakeOwnership => (222, 0x108, "IOC_OPAL_TAKE_OWNERSHIP"),
        Action::ActivateLocking => (223, 0x118, "IOC_OPAL_ACTIVATE_LSP"),
        Action::SetPassword => (224, 0x220, "IOC_OPAL_SET_PW"),
        Action::RevertTper => (226, 0x108, "IOC_OPAL_REVERT_TPR"),
        Action::SetUpRange => (227, 0x128, "IOC_OPAL_LR_SETUP"),
        Action::AddUser => (228, 0x118, "IOC_OPAL_ADD_USR_TO_LR"),
        Action::EnableShadowMbr => (229, 0x110, "IOC_OPAL_ENABLE_DISABLE_MBR"),
        Action::EraseRange => (230, 0x110, "IOC_OPAL_ERASE_LR"),
        Action::SecureEraseRange => (231, 0x110, "IOC_OPAL_SECURE_ERASE_LR"),
        Action::PsidRevert => (232, 0x108, "IOC_OPAL_PSID_REVERT_TPR"),
        Action::MbrDone => (233, 0x110, "IOC_OPAL_MBR_DONE"),
        Action::WriteShadowMbr => (234, 0x120, "IOC_OPAL_WRITE_SHADOW_MBR"),
        Action::WriteTable => (235, 0x138, "IOC_OPAL_GENERIC_TABLE_RW"),
    };
    let request: Request = nix::request_code_write!(b'p', number, size);
    let mut argument = [0u64; LARGEST.div_ceil(8)];
    // SAFETY: the requests read structures of at most `LARGEST` bytes; pointers in them are null here, lengths zero.
    Answer::from_status(step, &unsafe { node.ioctl_structure(request, &mut argument) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_no_owner_to_take() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let node = Node::open(file.path(), crate::Access::ReadOnly).unwrap();
        assert_eq!(ask(&node, Action::TakeOwnership).outcome(), crate::Outcome::Absent);
    }
}
