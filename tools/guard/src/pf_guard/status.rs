//! The guard and its disks at a glance.

use super::Failure;
use crate::{Guard, GuardError, Identifier};
use device::description::{single_spaced, wrap};
use evidence::GuardState;
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Status {
    interface_version: &'static str,
    /// Absent for a user who may not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<bool>,
    disks: Vec<DiskStatus>,
    /// Identifiers of all disks that were evidence in this boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_memory: Option<Vec<Identifier>>,
}

#[derive(Serialize)]
struct DiskStatus {
    disk: String,
    state: GuardState,
    refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Vec<Identifier>>,
}

pub(crate) fn show(guard: &Guard, json: bool) -> Result<(), Failure> {
    let status = collect(guard)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&status)?)?;
    } else {
        for line in lines(&status) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn collect(guard: &Guard) -> Result<Status, GuardError> {
    let mut disks = Vec::new();
    for name in guard.disks()? {
        // Unplugged while we look: it is no longer there to have a state.
        let Ok(disk) = guard.disk(&name) else { continue };
        disks.push(DiskStatus {
            state: disk.state()?,
            refused: disk.refused()?,
            identity: root_only(disk.identity())?,
            disk: name,
        });
    }
    Ok(Status {
        interface_version: guard.version(),
        sealed: root_only(guard.sealed())?,
        disks,
        evidence_memory: root_only(guard.evidence_memory())?,
    })
}

/// Some files are for root alone; for anybody else the rest is worth showing.
fn root_only<T>(answer: Result<T, GuardError>) -> Result<Option<T>, GuardError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(GuardError::Read { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

fn lines(status: &Status) -> Vec<String> {
    let seal = match status.sealed {
        Some(true) => "sealed: no disk becomes writable until power-off",
        Some(false) => "not sealed",
        None => "seal unknown (run as root)",
    };
    let mut lines =
        vec![format!("Evidence guard: in force (interface {}), {seal}", status.interface_version)];
    lines.push(format!("{:<12} {:<9} {:>8}  KNOWN BY", "DISK", "STATE", "REFUSED"));
    for disk in &status.disks {
        let known = match disk.identity.as_deref() {
            None => "(run as root)".to_owned(),
            Some([]) => "nothing: cannot become a destination".to_owned(),
            Some(identity) => identity.iter().map(shown).collect::<Vec<_>>().join(", "),
        };
        let state = disk.state.to_string();
        lines.extend(wrap(&format!("{:<12} {state:<9} {:>8}  {known}", disk.disk, disk.refused)));
    }
    if status.disks.is_empty() {
        lines.push("(no disks)".to_owned());
    }
    lines
}

/// A serial exactly, because it is what must be typed; the others so that they can be read.
fn shown(identifier: &Identifier) -> String {
    if identifier.is_serial() { identifier.to_string() } else { single_spaced(&identifier.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IdentifierKind;

    #[test]
    fn the_screen_shows_state_refusals_and_names() {
        let status = Status {
            interface_version: "2",
            sealed: Some(false),
            disks: vec![
                DiskStatus {
                    disk: "sda".into(),
                    state: GuardState::Evidence,
                    refused: 12,
                    identity: Some(vec![Identifier {
                        kind: IdentifierKind::Serial,
                        value: "QM00001".into(),
                    }]),
                },
                DiskStatus {
                    disk: "fd0".into(),
                    state: GuardState::Blocked,
                    refused: 0,
                    identity: Some(vec![]),
                },
            ],
            evidence_memory: None,
        };
        let text = lines(&status).join("\n");
        assert!(text.contains("in force (interface 2), not sealed"), "{text}");
        assert!(text.contains("sda          evidence        12  serial QM00001"), "{text}");
        assert!(text.contains("cannot become a destination"), "{text}");
        assert!(serde_json::to_string(&status).unwrap().contains(r#""state":"evidence","refused":12"#));
    }
}
