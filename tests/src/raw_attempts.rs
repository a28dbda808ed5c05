//! Commands that pass around the block layer, sent by Debian's own programs: `sg_raw` and `nvme`.
//!
//! A handful only, to see in passing that a disk is still blocked after something happened to it. The catalogue of all
//! ways is pf-prove's; these are made by strangers.

use crate::{
    Result,
    disk_device::Transport,
    guest::{Guest, first_line},
};

/// Whose commands a disk understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Scsi,
    /// ATA, through the pass-through of SAT.
    Ata,
    Nvme,
}

/// One command.
struct RawAttempt {
    name: &'static str,
    language: Language,
    /// `$D` is the disk, `$C` the controller's node, `$T` runs a program of the toolbox.
    script: &'static str,
}

const fn attempt(language: Language, name: &'static str, script: &'static str) -> RawAttempt {
    RawAttempt { name, language, script }
}

use Language::{Ata, Nvme, Scsi};

// sg_raw opens the disk for reading only: root may send any command through such a node.
const ATTEMPTS: &[RawAttempt] = &[
    attempt(Scsi, "WRITE(10)", "${T}sg_raw -R -s 512 -i /dev/urandom $D 2a 00 00 00 00 40 00 00 01 00"),
    attempt(
        Scsi,
        "WRITE(16)",
        "${T}sg_raw -R -s 512 -i /dev/urandom $D 8a 00 00 00 00 00 00 00 00 41 00 00 00 01 00 00",
    ),
    attempt(Scsi, "WRITE SAME(10)", "${T}sg_raw -R -s 512 -i /dev/urandom $D 41 00 00 00 00 42 00 00 08 00"),
    attempt(Scsi, "MODE SELECT(6)", "${T}sg_raw -R -s 24 -i /dev/zero $D 15 11 00 00 18 00"),
    attempt(
        Ata,
        "WRITE DMA EXT",
        "${T}sg_raw -R -s 512 -i /dev/urandom $D 85 0d 06 00 00 00 01 00 40 00 00 00 00 40 35 00",
    ),
    attempt(
        Ata,
        "WRITE SECTORS",
        "${T}sg_raw -R -s 512 -i /dev/urandom $D 85 0a 06 00 00 00 01 00 41 00 00 00 00 40 30 00",
    ),
    attempt(
        Ata,
        "SET FEATURES: write cache off",
        "${T}sg_raw -R $D 85 06 00 00 82 00 00 00 00 00 00 00 00 40 ef 00",
    ),
    attempt(Ata, "FLUSH CACHE", "${T}sg_raw -R $D 85 06 00 00 00 00 00 00 00 00 00 00 00 40 e7 00"),
    attempt(
        Nvme,
        "Write",
        "${T}nvme io-passthru $D --opcode=1 --namespace-id=1 --data-len=512 --write --cdw10=64 --input-file=/dev/urandom",
    ),
    attempt(
        Nvme,
        "Write Zeroes",
        "${T}nvme write-zeroes $D --namespace-id=1 --start-block=65 --block-count=0",
    ),
    attempt(Nvme, "Dataset Management", "${T}nvme dsm $D --namespace-id=1 --ad --slbs=66 --blocks=1"),
    attempt(
        Nvme,
        "Set Features: volatile write cache",
        "${T}nvme admin-passthru $C --opcode=9 --cdw10=6 --cdw11=0",
    ),
    attempt(Nvme, "Format NVM", "${T}nvme admin-passthru $C --opcode=0x80 --namespace-id=1"),
];

/// Sends each command that the disk `name` on `transport` understands, and returns one line for each that did not end
/// in an error.
///
/// # Errors
/// When the guest does not answer.
pub fn make_all(guest: &mut Guest, transport: Transport, name: &str) -> Result<Vec<String>> {
    let Some(language) = language_of(transport) else { return Ok(Vec::new()) };
    // nvme0n1 is a namespace of nvme0.
    let controller = name.rsplit_once('n').map_or(name, |(controller, _)| controller);
    let mut accepted = Vec::new();
    for attempt in ATTEMPTS.iter().filter(|attempt| attempt.language == language) {
        let answer = guest.run(&format!(
            "D=/dev/{name} C=/dev/{controller} T='{}'\n{}",
            Guest::with_tool(""),
            attempt.script
        ))?;
        let missing = answer.output.contains("not found") || answer.output.contains("No such file");
        if answer.succeeded() || missing {
            accepted.push(format!(
                "{} on {}: not refused: {}",
                attempt.name,
                transport.name(),
                first_line(&answer.output)
            ));
        }
    }
    Ok(accepted)
}

/// None where no program of Debian sends raw commands.
fn language_of(transport: Transport) -> Option<Language> {
    match transport {
        Transport::Ahci | Transport::Ide => Some(Ata),
        Transport::Nvme => Some(Nvme),
        Transport::VirtioScsi
        | Transport::UsbBot
        | Transport::Uas
        | Transport::Ufs
        | Transport::MegaRaid
        | Transport::Fusion => Some(Scsi),
        _ => None,
    }
}
