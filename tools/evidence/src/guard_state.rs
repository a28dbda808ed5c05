//! The states of a disk under the kernel's evidence guard.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// State of one disk, as `/sys/block/<disk>/guard/state` names it.
///
/// Allowed changes: `Blocked -> Evidence` (irrevocable until power-off), `Blocked -> Writable` (a destination) and
/// `Writable -> Blocked`. The kernel enforces them; [`GuardState::can_become`] lets a tool say so beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardState {
    /// Born so: nothing that could change the disk is passed to it.
    Blocked,
    /// Blocked, and irrevocably so until power-off.
    Evidence,
    /// A destination that the examiner named by its serial.
    Writable,
}

/// A word that names no guard state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a guard state: expected blocked, evidence or writable")]
pub struct UnknownGuardState(pub String);

impl GuardState {
    /// True when a disk in this state may be put into `next`.
    #[must_use]
    pub fn can_become(self, next: GuardState) -> bool {
        use GuardState::{Blocked, Evidence, Writable};
        match (self, next) {
            (Blocked, Blocked | Evidence | Writable) => true,
            (Evidence, Evidence) => true,
            (Writable, Writable | Blocked) => true,
            (Evidence, Blocked | Writable) | (Writable, Evidence) => false,
        }
    }

    /// True when the guard refuses everything that could change the disk.
    #[must_use]
    pub fn refuses_writes(self) -> bool {
        !matches!(self, GuardState::Writable)
    }
}

impl fmt::Display for GuardState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GuardState::Blocked => "blocked",
            GuardState::Evidence => "evidence",
            GuardState::Writable => "writable",
        })
    }
}

impl FromStr for GuardState {
    type Err = UnknownGuardState;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "blocked" => Ok(GuardState::Blocked),
            "evidence" => Ok(GuardState::Evidence),
            "writable" => Ok(GuardState::Writable),
            other => Err(UnknownGuardState(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::GuardState::{self, Blocked, Evidence, Writable};

    #[test]
    fn evidence_never_becomes_anything_else() {
        for next in [Blocked, Writable] {
            assert!(!Evidence.can_become(next));
        }
        assert!(Evidence.refuses_writes() && Blocked.refuses_writes() && !Writable.refuses_writes());
    }

    #[test]
    fn a_destination_goes_back_to_blocked_before_it_can_be_evidence() {
        assert!(Writable.can_become(Blocked) && !Writable.can_become(Evidence));
    }

    #[test]
    fn the_kernel_words_are_read_exactly() {
        for state in [Blocked, Evidence, Writable] {
            assert_eq!(state.to_string().parse::<GuardState>(), Ok(state));
        }
        assert!("Blocked".parse::<GuardState>().is_err());
    }
}
