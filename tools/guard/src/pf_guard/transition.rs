//! What a disk is after a change.

use super::Failure;
use crate::GuardedDisk;
use evidence::GuardState;
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Now<'a> {
    disk: &'a str,
    state: GuardState,
}

/// Says the state that the kernel gives now, not the one that was asked for.
pub(crate) fn report(disk: &GuardedDisk, json: bool) -> Result<(), Failure> {
    let now = Now { disk: disk.name(), state: disk.state()? };
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&now)?)?;
        return Ok(());
    }
    let meaning = match now.state {
        GuardState::Blocked => "nothing can write to it",
        GuardState::Evidence => "nothing can write to it until the machine is powered off",
        GuardState::Writable => "a destination; anything can write to it. pf-guard block puts it back",
    };
    writeln!(out, "{}: {} ({meaning})", now.disk, now.state)?;
    Ok(())
}
