//! The guard's event stream on the screen or as JSON Lines.

use super::Failure;
use crate::{Guard, Wait};
use std::io::Write;

pub(crate) fn show(guard: &Guard, follow: bool, json: bool) -> Result<(), Failure> {
    let wait = if follow { Wait::Follow } else { Wait::End };
    let mut out = std::io::stdout().lock();
    for event in guard.events(wait)? {
        let event = event?;
        if json {
            writeln!(out, "{}", serde_json::to_string(&event)?)?;
        } else {
            writeln!(out, "{event}")?;
        }
        out.flush()?;
    }
    Ok(())
}
