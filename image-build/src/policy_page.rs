//! The policy as a page for an auditor: kernel-config/POLICY.md, made from the tables that the kernel obeys.

use crate::error::Result;
use crate::policy_tables::{self, Policy, Row};
use crate::workspace;
use std::fmt::Write as _;
use std::path::PathBuf;

const INTRODUCTION: &str = "\
# What may reach a device

Made by `cargo xtask policy` from the tables in `guard/block/evidence-guard/policy_*.c`; a test fails when the two differ. What is on
no row is refused, to anyone, on every disk. Each command is defined in the clause of its standard that bears its name.

| verdict | blocked disk, program | blocked disk, driver of the kernel | writable disk |
|---|---|---|---|
| `pass` | sent | sent | sent |
| `driver` | refused | sent | as on a blocked one |
| `write` | refused | refused | sent |
| `absorb` | refused | success, not sent | sent |
| `refuse` | refused | refused | refused |

A device that has no disk (yet) counts as blocked. The sub-code tells members of a family apart; `-` means all that no other row names.
";

/// What the sub-code of a set is.
const SUB_CODES: &[(&str, &str)] = &[
    ("scsi", "Sub-code: service action, mode or protocol; BYTCHK, SP, or byte 4 of START STOP UNIT."),
    (
        "ata",
        "Sub-code: feature register, action, protocol, or sub-command of a queued command; 101: makes a log anew.",
    ),
    ("nvme-admin", "Sub-code: feature of Set Features, protocol of Security Receive; 100: makes a new log."),
    ("nvme-io", "I/O queues."),
    (
        "mmc",
        "Opcodes are hexadecimal. Sub-code of CMD6: the byte of EXT_CSD that is written; of an SD card 200 and 201.",
    ),
    ("mmc-app", "The command right after a CMD55 that the card accepted."),
    ("ufs-query", "Sub-code: the attribute or flag. FF stands for NOP OUT, which is no query."),
    ("virtio-blk", "Opcode: the request's type."),
    ("floppy", "Opcode: the low five bits of the first byte."),
    (
        "tpm2",
        "Of the command code, opcode: the low byte; sub-code: what is above it. Only the driver gets as far as this.",
    ),
    (
        "tpm1",
        "Of the ordinal, opcode: the low byte; sub-code: what is above it. Only the driver gets as far as this.",
    ),
];

/// Where the page lies.
fn path() -> PathBuf {
    workspace::root().join("kernel-config/POLICY.md")
}

/// Writes the page.
pub fn write() -> Result<()> {
    let policy = policy_tables::read()?;
    workspace::write(&path(), page(&policy))?;
    eprintln!("    {}: policy {}", path().display(), policy.sha256());
    Ok(())
}

fn page(policy: &Policy) -> String {
    let mut page = INTRODUCTION.to_owned();
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "\nThe running kernel shows the same rows in `/sys/kernel/security/evidence_guard/policy`. SHA-256 of that text, which each\n\
         record carries as `policy_sha256` and each build as the manifest's `kernel.policy_sha256`:\n\n    {}\n",
        policy.sha256()
    );
    for table in &policy.tables {
        let note = SUB_CODES.iter().find(|(set, _)| *set == table.set).map_or("", |(_, note)| note);
        let _ = write!(page, "\n## {}\n\n{note}\n\n", table.set);
        page.push_str("| opcode | sub-code | device | name | standard | verdict | reason |\n|---|---|---|---|---|---|---|\n");
        for row in &table.rows {
            page.push_str(&line(row));
        }
    }
    page
}

fn line(row: &Row) -> String {
    let device = match row.kind.strip_prefix('-') {
        Some(kinds) => kinds.replace('-', ", "),
        None => "any".to_owned(),
    };
    let cell = |text: &str| text.replace('|', "\\|");
    format!(
        "| {:02X} | {} | {device} | {} | {} | {} | {} |\n",
        row.opcode,
        row.sub.map_or_else(|| "-".to_owned(), |sub| format!("{sub:02X}")),
        cell(&row.name),
        cell(&row.standard),
        row.verdict,
        cell(&row.reason)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_that_of_the_tables() {
        let policy = policy_tables::read().unwrap();
        let fresh = workspace::read_text(&path()).unwrap() == page(&policy);
        assert!(fresh, "POLICY.md is not that of the tables; run: cargo xtask policy");
    }

    #[test]
    fn every_set_says_what_its_sub_codes_are() {
        let policy = policy_tables::read().unwrap();
        let told: Vec<&str> = SUB_CODES.iter().map(|(set, _)| *set).collect();
        let sets: Vec<&str> = policy.tables.iter().map(|table| table.set.as_str()).collect();
        assert_eq!(told, sets);
    }
}
