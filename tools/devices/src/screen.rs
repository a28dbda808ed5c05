//! The list for a text console of 80 columns.

use crate::report::{DiskState, GuardReport, Report};
use device::description::{describe, wrap};
use evidence::Transport;

/// Where details stand, as those that [`describe`] gives.
const INDENT: &str = "             ";

pub(crate) fn lines(report: &Report) -> Vec<String> {
    let mut lines = match &report.guard {
        GuardReport::InForce { interface_version, sealed } => {
            let seal = match sealed {
                Some(true) => ", sealed: no disk becomes writable until power-off",
                Some(false) => ", not sealed",
                None => "",
            };
            wrap(&format!("Evidence guard: in force (interface {interface_version}){seal}"))
        }
        GuardReport::Absent => {
            wrap("NO EVIDENCE GUARD is in force: nothing here keeps a disk from being written.")
        }
        GuardReport::Unknown { reason } => wrap(&format!("EVIDENCE GUARD UNKNOWN: {reason}")),
    };
    for controller in &report.hidden {
        lines.extend(wrap(&format!("WARNING: {controller}")));
    }
    for entry in &report.disks {
        lines.push(String::new());
        lines.extend(describe(&entry.disk, &word(&entry.guard_state)));
        // What is made of files and of other disks has nothing to say of its own.
        let is_made = matches!(entry.disk.identity.transport, Transport::Loop | Transport::Other);
        if let Some(said) = entry.self_report.as_ref().filter(|_| !is_made) {
            let warnings = said.warnings().into_iter().map(|warning| format!("WARNING: {warning}"));
            let remarks = said.remarks();
            lines.extend(warnings.chain(remarks).flat_map(|line| wrap(&format!("{INDENT}{line}"))));
        }
        if let Some(refused) = entry.refused.filter(|&refused| refused > 0) {
            lines.push(format!("             {refused} operations refused by the guard; see pf-guard log"));
        }
    }
    if report.disks.is_empty() {
        lines.push("No disks.".to_owned());
    }
    lines
}

fn word(state: &DiskState) -> String {
    match state {
        DiskState::Guarded(state) => state.to_string(),
        DiskState::Virtual => "virtual".to_owned(),
        DiskState::Unguarded => "UNGUARDED".to_owned(),
        DiskState::NoGuard => "no guard".to_owned(),
        DiskState::Unknown => "unknown".to_owned(),
    }
}
