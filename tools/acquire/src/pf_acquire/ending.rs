//! How an acquisition ends: with an outcome, or before its time; and the last entries of its record.

use super::acquisition::note;
use super::failure::Failure;
use super::network;
use super::records::Records;
use super::screen::tell;
use super::source::Protection;
use acquire::pipeline::PipelineError;
use acquire::rescue::{RereadEnd, RescueEnd};
use device::DirectError;
use evidence::ExtentSet;
use record::{Closed, Entry, Outcome};

/// How an acquisition ended that came to its end.
pub fn outcome_of(matches: bool, unread: &ExtentSet) -> Outcome {
    match (matches, unread.is_empty()) {
        (false, _) => Outcome::VerificationFailed,
        (true, true) => Outcome::Complete,
        (true, false) => Outcome::CompleteWithUnreadSectors,
    }
}

/// What ended an acquisition before its time.
pub trait EarlyEnd: std::fmt::Display {
    /// Somebody asked for it.
    fn was_asked_for(&self) -> bool;
}

impl EarlyEnd for PipelineError {
    fn was_asked_for(&self) -> bool {
        matches!(self, PipelineError::Stopped(_))
    }
}

impl EarlyEnd for DirectError {
    fn was_asked_for(&self) -> bool {
        false
    }
}

impl EarlyEnd for RescueEnd {
    fn was_asked_for(&self) -> bool {
        matches!(self, RescueEnd::Stopped(_))
    }
}

impl EarlyEnd for RereadEnd {
    fn was_asked_for(&self) -> bool {
        matches!(self, RereadEnd::Stopped(_))
    }
}

/// Puts into the record why the acquisition ended early. The record itself may be what failed: then the first failure is
/// the one to tell.
pub fn record_early_end(error: &dyn EarlyEnd, protection: &Protection, record: &mut Records) {
    let outcome = if error.was_asked_for() { Outcome::Interrupted } else { Outcome::Failed };
    let told = record
        .append(&Entry::Interrupted { reason: error.to_string() })
        .map_err(Failure::from)
        .and_then(|()| close(record, protection, outcome));
    match told {
        Ok(()) => record.tell_head(),
        Err(failure) => tell(format_args!("warning: {failure}")),
    }
}

/// Ends a record with what the guard saw and did, what became of the network, and with its signed head.
pub fn close(record: &mut Records, protection: &Protection, outcome: Outcome) -> Result<(), Failure> {
    match protection.events() {
        Ok(Some(events)) => record.append(&events)?,
        Ok(None) => {}
        // What the guard did stands in its counter as well; the record is closed all the same.
        Err(failure) => record.append(&note(&format!("the guard's events could not be read: {failure}")))?,
    }
    match protection.commands() {
        Ok(Some(commands)) => record.append(&commands)?,
        Ok(None) => {}
        Err(failure) => {
            record.append(&note(&format!("the guard's flight recorder could not be read: {failure}")))?;
        }
    }
    let (guard_state, refused) = protection.at_the_end();
    record.append(&Entry::Closed(Closed {
        outcome,
        guard_state,
        refused,
        network: network::of_this_machine(),
    }))?;
    Ok(record.sign()?)
}
