//! The guard's flight recorder, held against the emulator's trace: every command that reached a disk, counted by two
//! who do not know of each other.
//!
//! What is compared is what was *sent*: the recorder's `passed` column. What it absorbed or refused must not be in the
//! trace at all, and isn't counted there.

use std::{collections::BTreeMap, fmt};

use crate::{
    HarnessError, Result,
    command_tables::{CommandSet, UNNAMED_REQUEST, look_up},
    disk_device::{Disk, Transport},
    emulator::Emulator,
    guest::Guest,
    oracle::commands_for,
    trace::{Address, Command, Sender},
};

/// Bytes in a row of `guard/commands`.
const ROW: usize = 96;
/// How often the record is read anew when commands arrived meanwhile.
const READINGS: u32 = 5;

/// One row of `/sys/block/<disk>/guard/commands`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Command set, e.g. `nvme-admin`.
    pub set: String,
    /// Opcode.
    pub opcode: u8,
    /// Sub-code, where the guard tells one.
    pub sub: Option<u32>,
    /// Sent to the device.
    pub passed: u64,
    /// Answered with success without sending.
    pub absorbed: u64,
    /// Ended with an error.
    pub refused: u64,
    /// Its name, or `-`.
    pub name: String,
}

/// Reads the text of `guard/commands`.
///
/// # Errors
/// [`HarnessError::Unfit`] for a row that is not as the interface says.
pub fn parse(text: &str) -> Result<Vec<Row>> {
    text.lines().map(|line| row(line).ok_or_else(|| unfit(line))).collect()
}

fn unfit(line: &str) -> HarnessError {
    HarnessError::Unfit(format!("guard/commands holds {line:?}: no row of {ROW} bytes with seven fields"))
}

fn row(line: &str) -> Option<Row> {
    if line.len() + 1 != ROW {
        return None;
    }
    let mut words = line.split_whitespace();
    let set = words.next()?.to_string();
    let opcode = u8::from_str_radix(words.next()?, 16).ok()?;
    let sub = match words.next()? {
        "-" => None,
        sub => Some(u32::from_str_radix(sub, 16).ok()?),
    };
    let mut count = || words.next()?.parse().ok();
    let (passed, absorbed, refused) = (count()?, count()?, count()?);
    let name = words.collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(Row { set, opcode, sub, passed, absorbed, refused, name })
}

/// The record of one disk and the trace up to the same instant.
pub struct Snapshot {
    /// The guard's rows.
    pub rows: Vec<Row>,
    /// What the disk received from the kernel, by the trace.
    pub received: Vec<Command>,
}

impl Snapshot {
    /// Reads the record of `disk`, named `name` in the guest, with the trace before and after: when nothing arrived in
    /// between, they are of one instant.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when commands keep arriving at a disk that nobody uses.
    pub fn take(guest: &mut Guest, disk: &Disk, name: &str) -> Result<Self> {
        for _ in 0..READINGS {
            let before = received_by(disk, &guest.emulator)?;
            let text = guest.demand(&format!("cat /sys/block/{name}/guard/commands"))?;
            let received = received_by(disk, &guest.emulator)?;
            if before.len() == received.len() {
                return Ok(Snapshot { rows: parse(&text)?, received });
            }
        }
        Err(HarnessError::Unfit(format!("{name} keeps receiving commands though nobody uses it")))
    }

    /// Where the two differ, one line each.
    #[must_use]
    pub fn differences(&self, transport: Transport) -> Vec<String> {
        let recorded = self.recorded(transport);
        let traced = self.traced(transport);
        let mut keys: Vec<&Key> = recorded.keys().chain(traced.keys()).collect();
        keys.sort();
        keys.dedup();
        let count = |of: &BTreeMap<Key, u64>, key| of.get(key).copied().unwrap_or(0);
        keys.iter()
            .map(|key| (key, count(&recorded, key), count(&traced, key)))
            .filter(|(key, recorded, traced)| !agree(transport, key, *recorded, *traced))
            .map(|(key, recorded, traced)| {
                format!("{}: {key}: recorder {recorded}, trace {traced}", transport.name())
            })
            .collect()
    }

    /// The recorder's counts of what was sent, for the sets that the disk itself receives.
    fn recorded(&self, transport: Transport) -> BTreeMap<Key, u64> {
        let mut counts = BTreeMap::new();
        for row in
            self.rows.iter().filter(|row| row.passed > 0 && !is_answered_by_libata(transport, &row.set))
        {
            let (set, opcode) = as_traced(transport, &row.set, row.opcode);
            let key = Key { set: set.into(), opcode, sub: row.sub.filter(|_| is_told_by_the_trace(set)) };
            *counts.entry(key).or_insert(0) += row.passed;
        }
        counts
    }

    /// The trace's counts, told apart by sub-code exactly where the recorder does.
    fn traced(&self, transport: Transport) -> BTreeMap<Key, u64> {
        let has_subs = |set: &str, opcode: u8| {
            is_told_by_the_trace(set)
                && self.rows.iter().any(|row| row.set == set && row.opcode == opcode && row.sub.is_some())
        };
        let mut counts = BTreeMap::new();
        for command in self.received.iter().filter(|command| is_of_this_disk_alone(transport, command)) {
            let set = name_of(command.set);
            let sub = has_subs(set, command.opcode).then(|| sub_of(command));
            let (set, opcode) = as_traced(transport, set, command.opcode);
            *counts.entry(Key { set: set.into(), opcode, sub }).or_insert(0) += 1;
        }
        counts
    }
}

/// Whether the two counts may stand beside each other. They must be equal but for two models.
fn agree(transport: Transport, key: &Key, recorded: u64, traced: u64) -> bool {
    const TEST_UNIT_READY: u8 = 0x00;
    match transport {
        // A floppy has no flight recorder.
        Transport::Floppy => recorded == 0,
        // The emulated adapter answers these itself, without its disk.
        Transport::MegaRaid if key.opcode == TEST_UNIT_READY => traced <= recorded,
        _ => recorded == traced,
    }
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    set: String,
    opcode: u8,
    sub: Option<u32>,
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {:02X}h", self.set, self.opcode)?;
        self.sub.map_or(Ok(()), |sub| write!(out, "/{sub:02X}h"))
    }
}

fn received_by(disk: &Disk, emulator: &Emulator) -> Result<Vec<Command>> {
    let mut commands = emulator.trace_so_far()?;
    commands.retain(|command| command.sender == Sender::Kernel);
    Ok(commands_for(disk, &commands))
}

/// What the kernel's SCSI layer asks of a disk on libata is translated there; the disk receives ATA commands.
fn is_answered_by_libata(transport: Transport, set: &str) -> bool {
    matches!(transport, Transport::Ahci | Transport::Ide | Transport::AhciCd) && set == "scsi"
}

/// The trace holds the packet beside the PACKET command, and the well-known units beside the disk; the recorder has
/// the command that carries the packet, and those units are devices of their own.
fn is_of_this_disk_alone(transport: Transport, command: &Command) -> bool {
    let packet = transport == Transport::AhciCd && command.set == CommandSet::Optical;
    !packet && !matches!(command.address, Address::UfsWellKnown | Address::IdeSecondDrive)
}

/// Neither which UFS attribute or flag is meant nor the argument of an SD command is in the trace.
fn is_told_by_the_trace(set: &str) -> bool {
    !matches!(set, "ufs-query" | "mmc")
}

/// Opcodes that the two sides must give different names, brought to one.
fn as_traced(transport: Transport, set: &str, opcode: u8) -> (&str, u8) {
    const READ_10: u8 = 0x28;
    const READ_16: u8 = 0x88;
    const NOP_OUT: u8 = 0xFF;
    match (set, opcode) {
        // The trace has no line that names them.
        ("virtio-blk", _) if look_up(CommandSet::VirtioBlk, opcode, 0).0 == "not in the tables" => {
            (set, UNNAMED_REQUEST)
        }
        // A NOP OUT has no query opcode; the guard files it among the queries.
        ("ufs-query", NOP_OUT) => ("ufs-nop", 0),
        // A read goes to a RAID adapter as a frame without a command block; the adapter chooses the opcode.
        ("scsi", READ_10 | READ_16) if transport == Transport::MegaRaid => (set, READ_16),
        _ => (set, opcode),
    }
}

/// The interface's word for a command set.
fn name_of(set: CommandSet) -> &'static str {
    match set {
        CommandSet::Ata => "ata",
        CommandSet::Scsi | CommandSet::Optical => "scsi",
        CommandSet::NvmeAdmin => "nvme-admin",
        CommandSet::NvmeIo => "nvme-io",
        CommandSet::Sd => "mmc",
        CommandSet::SdApplication => "mmc-app",
        CommandSet::UfsQuery => "ufs-query",
        CommandSet::UfsNop => "ufs-nop",
        CommandSet::VirtioBlk => "virtio-blk",
        CommandSet::Floppy => "floppy",
    }
}

/// The sub-code as the interface gives it: without the bits that the bench adds for its own tables.
fn sub_of(command: &Command) -> u32 {
    match command.set {
        CommandSet::NvmeAdmin => u32::from(command.selector) & 0xFF,
        _ => command.selector.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        format!("{text:<95}\n")
    }

    fn read(times: usize) -> Vec<Command> {
        let command = Command {
            address: Address::NvmeNamespace(1),
            sender: Sender::Kernel,
            set: CommandSet::NvmeIo,
            opcode: 2,
            selector: 0,
        };
        vec![command; times]
    }

    #[test]
    fn rows_are_read_as_the_interface_says() {
        let text = line("nvme-admin 09 07 1 0 2 Set Features, Number of Queues") + &line("scsi d4 - 0 0 3 -");
        let rows = parse(&text).unwrap();
        assert_eq!((rows[0].sub, rows[0].passed, rows[0].refused), (Some(7), 1, 2));
        assert_eq!(rows[0].name, "Set Features, Number of Queues");
        assert_eq!((rows[1].opcode, rows[1].sub), (0xD4, None));
        assert!(parse("scsi 28 - 1 0 0 READ(10)\n").is_err(), "a row that is not padded");
        assert!(parse(&line("scsi 28 - one 0 0 READ(10)")).is_err());
    }

    #[test]
    fn one_command_more_or_less_is_a_difference() {
        let rows = parse(&line("nvme-io 02 - 7 0 0 Read")).unwrap();
        let at = |times| Snapshot { rows: rows.clone(), received: read(times) };
        assert_eq!(at(7).differences(Transport::Nvme), Vec::<String>::new());
        assert_eq!(at(6).differences(Transport::Nvme), ["NVMe: nvme-io 02h: recorder 7, trace 6"]);
        assert_eq!(at(8).differences(Transport::Nvme).len(), 1);
    }

    #[test]
    fn what_was_refused_or_absorbed_must_not_have_arrived() {
        let rows = parse(&(line("nvme-io 02 - 1 0 0 Read") + &line("nvme-io 01 - 0 0 5 Write"))).unwrap();
        let mut received = read(1);
        assert!(
            Snapshot { rows: rows.clone(), received: received.clone() }
                .differences(Transport::Nvme)
                .is_empty()
        );
        received.push(Command { opcode: 1, ..received[0] });
        assert_eq!(Snapshot { rows, received }.differences(Transport::Nvme).len(), 1);
    }
}
