//! The report as lines of text.

use crate::fill::Filled;
use crate::report::{Report, Row};
use crate::verdict::Verdict;
use std::io::{self, Write};

/// One attempt in one line.
pub(crate) fn line(row: &Row) -> String {
    let changes =
        if row.changes.is_empty() { String::new() } else { format!("; {}", row.changes.join("; ")) };
    format!(
        "{:<26} {:<10} {:<8} {}: {}{changes}",
        row.verdict.to_string(),
        row.door.to_string(),
        row.class.to_string(),
        row.name,
        row.answer
    )
}

/// What a disk was filled with.
pub(crate) fn filled(filled: &Filled, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {} bytes hold the pattern with seed {}", filled.disk, filled.bytes, filled.seed)?;
    for part in &filled.partitions {
        write!(out, "  partition {}: {}, {} bytes from {}", part.number, part.name, part.length, part.start)?;
        match &part.dirty {
            None => writeln!(out)?,
            Some(proof) => writeln!(
                out,
                "; dirty: {}; blocks of 512 bytes that a mount of a copy changes: {} read-only, {} for writing",
                proof.sign.or(proof.refused.as_deref()).unwrap_or("by what a mount read-only cleans up"),
                proof.changed_by_mount_read_only,
                proof.changed_by_mount_for_writing
            )?,
        }
    }
    filled.left_out.iter().try_for_each(|one| writeln!(out, "  LEFT OUT: {}: {}", one.name, one.reason))
}

/// The end of a run.
pub(crate) fn summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    for change in &report.state_changes {
        writeln!(out, "{}: was {}, is {}", change.name, change.before, change.after)?;
    }
    if let Some(reason) = &report.pattern_unreadable {
        writeln!(out, "pattern: {reason}")?;
    }
    if let Some(pattern) = &report.pattern {
        writeln!(out, "the whole disk: {} blocks of 512 bytes differ", pattern.changed_blocks)?;
        for run in pattern.deviations.iter().take(20) {
            writeln!(out, "  {} bytes from {}: {}", run.length, run.start, run.holds)?;
        }
    }
    let random: u64 = report.random.iter().map(|row| row.count).sum();
    if random > 0 {
        writeln!(out, "random commands: {random}, seed {}", report.seed)?;
        for row in report.random.iter().filter(|row| row.executed || !row.changes.is_empty()) {
            writeln!(out, "  {} × {}: {} {}", row.count, row.command, row.answer, row.changes.join("; "))?;
        }
    }
    for (verdict, count) in &report.counts {
        writeln!(out, "{count:>6}  {verdict}")?;
    }
    let unsure = report.perhaps_the_devices_own;
    if unsure > 0 {
        let blocked = report.counts.get(&Verdict::Blocked.to_string()).copied().unwrap_or(0);
        writeln!(
            out,
            "Of the {blocked} blocked, {unsure} ended in words that the device itself may have used, because it does not have \
             the command: they show that nothing changed, not who refused."
        )?;
    }
    writeln!(out)?;
    if report.held {
        return writeln!(out, "THE BLOCK HELD.");
    }
    writeln!(out, "THE BLOCK DID NOT HOLD:")?;
    report.objections().iter().try_for_each(|objection| writeln!(out, "  {objection}"))
}
