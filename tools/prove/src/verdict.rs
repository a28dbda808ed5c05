//! What the outcome of an attempt means for the write block, and which published requirement it bears on.

use crate::vector::Effect;
use passthrough::Outcome;
use serde::Serialize;
use std::fmt;

/// The verdict on one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// The disk was changed.
    Changed,
    /// The system says that the command was executed; no change was seen. Held against the block.
    AcceptedNothingChanged,
    /// Ended with an error, and nothing changed.
    Blocked,
    /// Executed, but neither data nor a lasting setting can follow from it.
    ControlPassed,
    /// This disk or kernel has no such door, or it was not to be tried.
    NotApplicable,
}

impl Verdict {
    /// From what came back and what was seen.
    pub(crate) fn of(effect: Effect, outcome: Outcome, changed: bool) -> Self {
        match (changed, outcome, effect) {
            (true, _, _) => Verdict::Changed,
            (_, Outcome::Executed, Effect::Control) => Verdict::ControlPassed,
            (_, Outcome::Executed, _) => Verdict::AcceptedNothingChanged,
            (_, Outcome::Absent, _) => Verdict::NotApplicable,
            (_, Outcome::Refused | Outcome::Unsupported | Outcome::Failed, _) => Verdict::Blocked,
        }
    }

    /// Speaks against the write block.
    pub(crate) fn fails(self) -> bool {
        matches!(self, Verdict::Changed | Verdict::AcceptedNothingChanged)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Changed => "CHANGED",
            Verdict::AcceptedNothingChanged => "accepted, nothing changed",
            Verdict::Blocked => "blocked",
            Verdict::ControlPassed => "control, passed",
            Verdict::NotApplicable => "not applicable",
        })
    }
}

/// GA/T 755-2008 by its subject, which its title says: the medium is protected from writing. Its text was not at hand, so no
/// clause number is given, and nothing that its clauses are only presumed to ask.
const GAT_755: &str = "GA/T 755-2008 (write protection)";

/// Requirements that a row bears on: NIST CFTT for hardware write blockers (HWB) and software write blocks (SWB), and GA/T 755.
pub(crate) fn requirements(effect: Effect) -> &'static [&'static str] {
    match effect {
        Effect::Write => &["HWB-RM-01", "SWB-RM-01 (write)", GAT_755],
        Effect::Configuration => &["HWB-RM-01", "HWB-RM-03", "SWB-RM-01 (configuration)", GAT_755],
        Effect::Miscellaneous => &["HWB-RM-01", "SWB-RM-01 (miscellaneous)", GAT_755],
        Effect::Control => &["SWB-RM-02 (control)"],
    }
}

/// Requirements that the final re-reading of pattern, identity and settings bears on.
pub(crate) const CONTENT_REQUIREMENTS: &[&str] =
    &["HWB-RM-01", "HWB-RM-02", "SWB-RM-01", "SWB-RM-02", GAT_755];
/// The same for identity, size and settings.
pub(crate) const STATE_REQUIREMENTS: &[&str] = &["HWB-RM-01", "HWB-RM-03", GAT_755];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_is_reported_done_is_a_failure_even_if_no_change_is_seen() {
        let verdict = |effect| Verdict::of(effect, Outcome::Executed, false);
        assert!(verdict(Effect::Write).fails());
        assert!(verdict(Effect::Configuration).fails());
        assert!(verdict(Effect::Miscellaneous).fails(), "an unknown command must not pass");
        assert!(!verdict(Effect::Control).fails(), "an empty flush may pass");
    }

    #[test]
    fn a_change_is_a_failure_whatever_the_answer_was() {
        for outcome in [Outcome::Executed, Outcome::Refused, Outcome::Failed, Outcome::Absent] {
            assert_eq!(Verdict::of(Effect::Control, outcome, true), Verdict::Changed);
        }
    }

    #[test]
    fn whatever_may_change_the_medium_bears_on_each_standard() {
        for effect in [Effect::Write, Effect::Configuration, Effect::Miscellaneous] {
            for standard in ["HWB-RM-01", "SWB-RM-01", "GA/T 755-2008"] {
                assert!(
                    requirements(effect).iter().any(|words| words.starts_with(standard)),
                    "{effect} {standard}"
                );
            }
        }
        assert!(
            !requirements(Effect::Control).contains(&GAT_755),
            "what may pass is no matter of write protection"
        );
    }

    #[test]
    fn refusals_hold_and_what_is_absent_says_nothing() {
        assert_eq!(Verdict::of(Effect::Write, Outcome::Refused, false), Verdict::Blocked);
        assert_eq!(Verdict::of(Effect::Write, Outcome::Unsupported, false), Verdict::Blocked);
        assert_eq!(Verdict::of(Effect::Write, Outcome::Absent, false), Verdict::NotApplicable);
    }
}
