//! Random commands, near to valid ones, every one of them found again from the seed.
//!
//! Three sorts are mixed: rows of the catalogue with bytes altered that are neither operation code nor length nor address;
//! reads, whose length and data stay consistent, at random places; and operation codes that no table has, with random fields
//! and no data. Commands that read never come with another length than their data: some device models end on it.

use crate::catalogue::ata::Protocol;
use crate::catalogue::{ata, mmc, nvme, scsi};
use crate::command::{self, Aim, Carrier, Data, Taskfile, put};
use crate::pattern::Stream;
use crate::plan::{Action, Attempt};
use crate::target::Target;
use crate::vector::{Class, Door, Effect, Field, Payload, Stake};
use evidence::Transport;
use passthrough::nvme::{Command, Queue};

/// SCSI commands that only inform or read: never altered, never taken for unknown ones.
const SCSI_INFORMS: [u8; 30] = [
    0x00, 0x03, 0x08, 0x12, 0x1A, 0x1C, 0x23, 0x25, 0x28, 0x2F, 0x34, 0x37, 0x3C, 0x3E, 0x43, 0x44, 0x46,
    0x4A, 0x51, 0x52, 0x5A, 0x5C, 0x88, 0x8F, 0x90, 0x9E, 0xA0, 0xA3, 0xA8, 0xAF,
];
/// More of them whose opcodes are families or differ by device type.
const SCSI_FAMILIES: [u8; 13] =
    [0x4D, 0x5E, 0x7F, 0x84, 0x85, 0x95, 0x9B, 0xA1, 0xA2, 0xAB, 0xB7, 0xBE, 0xD8];
/// ATA commands that read or inform, SMART among them.
const ATA_INFORMS: [u8; 31] = [
    0x00, 0x08, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2F, 0x40,
    0x41, 0x42, 0x47, 0x4A, 0x5C, 0x5D, 0x60, 0x65, 0x90, 0xC4, 0xC7, 0xC8, 0xC9, 0xE4,
];
const ATA_INFORMS_MORE: [u8; 9] = [0xA0, 0xA1, 0xAB, 0xB0, 0xB1, 0xE5, 0xE9, 0xEC, 0xF8];

/// A maker of random attempts.
pub(crate) struct Maker<'a> {
    stream: Stream,
    target: &'a Target,
    aim: Aim,
    destructive: bool,
}

impl<'a> Maker<'a> {
    /// The commands that follow from `seed`; those that can cost the device only if `destructive`.
    pub(crate) fn new(seed: u64, target: &'a Target, aim: Aim, destructive: bool) -> Self {
        Maker { stream: Stream::keyed(seed, 0x52414E444F4D), target, aim, destructive }
    }

    /// The next attempt; `None` for a disk that takes no pass-through commands.
    pub(crate) fn next(&mut self) -> Option<Attempt> {
        self.aim.nonce = self.stream.next();
        match self.target.transport() {
            Transport::Nvme => Some(self.nvme()),
            Transport::Mmc => Some(self.mmc()),
            _ if self.target.takes_scsi() => {
                let ata = !self.target.optical && self.stream.below(2) == 0;
                Some(if ata { self.ata() } else { self.scsi() })
            }
            _ => None,
        }
    }

    fn door(&mut self, doors: &[Door]) -> Door {
        let there: Vec<Door> =
            doors.iter().copied().filter(|door| self.target.node(*door).is_some()).collect();
        let chosen = self.stream.below(u64::try_from(there.len()).unwrap_or(1));
        there.get(usize::try_from(chosen).unwrap_or(0)).copied().unwrap_or(Door::Disk)
    }

    fn pick<'r, Row>(&mut self, rows: &[&'r Row]) -> Option<&'r Row> {
        let chosen = self.stream.below(u64::try_from(rows.len()).unwrap_or(0));
        rows.get(usize::try_from(chosen).unwrap_or(0)).copied()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.stream.below(256)).unwrap_or(0)
    }

    fn attempt(&self, class_of_command: &str, door: Door, action: Action) -> Attempt {
        Attempt {
            class: Class::Random,
            door,
            name: class_of_command.to_owned(),
            clause: "random",
            effect: Effect::Miscellaneous,
            stake: Stake::Scratch,
            action,
        }
    }

    fn scsi(&mut self) -> Attempt {
        let door = self.door(&[Door::Disk, Door::Generic, Door::Bsg]);
        let (cdb, data) = match self.stream.below(10) {
            0..=5 => self.altered_scsi(),
            6..=7 => self.scsi_read(),
            _ => self.unknown_scsi(),
        };
        let opcode = cdb.first().copied().unwrap_or(0);
        self.attempt(&format!("SCSI {opcode:02X}h"), door, Action::RawScsi(cdb, data))
    }

    fn altered_scsi(&mut self) -> (Vec<u8>, Data) {
        let destructive = self.destructive;
        let table = if self.target.optical { crate::catalogue::optical::ROWS } else { scsi::ROWS };
        let rows: Vec<_> = table
            .iter()
            .filter(|row| destructive || row.stake == Stake::Scratch)
            .filter(|row| !row.form.cdb.first().is_some_and(|opcode| is_family(*opcode)))
            .collect();
        let Some(row) = self.pick(&rows) else { return self.unknown_scsi() };
        let (mut cdb, data) = command::scsi(&row.form, &self.aim);
        // Byte 1 holds the sub-code or flags; a service action may turn one command into a more dangerous one.
        if destructive || matches!(row.effect, Effect::Write) && !matches!(cdb.first(), Some(0x48 | 0x04)) {
            let flags = self.byte();
            if let Some(byte) = cdb.get_mut(1) {
                *byte ^= flags & 0xE0 | if destructive { flags & 0x1F } else { 0 };
            }
        }
        if self.stream.below(4) == 0 {
            let control = self.byte();
            if let Some(last) = cdb.last_mut() {
                *last = control & 0x04;
            }
        }
        (cdb, data)
    }

    fn scsi_read(&mut self) -> (Vec<u8>, Data) {
        let count = self.stream.below(8).saturating_add(1);
        let length = usize::try_from(count).unwrap_or(1).saturating_mul(self.aim.sector);
        let lba = self.stream.below(self.aim.last.saturating_sub(count).max(1));
        match self.stream.below(3) {
            0 => {
                let mut cdb = vec![0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                put(&mut cdb, Field { at: 2, width: 4 }, lba);
                put(&mut cdb, Field { at: 7, width: 2 }, count);
                (cdb, Data::In(length))
            }
            1 if !self.target.optical => {
                let mut cdb = vec![0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                put(&mut cdb, Field { at: 2, width: 8 }, lba);
                put(&mut cdb, Field { at: 10, width: 4 }, count);
                (cdb, Data::In(length))
            }
            _ => (vec![0x12, 0, 0, 0, 96, 0], Data::In(96)),
        }
    }

    fn unknown_scsi(&mut self) -> (Vec<u8>, Data) {
        let known = |opcode: u8| {
            SCSI_INFORMS.contains(&opcode)
                || is_family(opcode)
                || scsi::ROWS
                    .iter()
                    .chain(crate::catalogue::optical::ROWS)
                    .any(|row| row.form.cdb.first() == Some(&opcode))
        };
        let mut opcode = self.byte();
        while known(opcode) {
            opcode = self.byte();
        }
        let length = match opcode >> 5 {
            0 => 6,
            4 => 16,
            5 => 12,
            _ => 10,
        };
        let mut cdb = vec![0; length];
        self.stream.fill(&mut cdb);
        if let Some(first) = cdb.first_mut() {
            *first = opcode;
        }
        let data = if self.stream.below(2) == 0 { Data::None } else { Data::Out(vec![0x5A; 512]) };
        (cdb, data)
    }

    fn ata(&mut self) -> Attempt {
        let door = self.door(&[Door::Disk, Door::Generic, Door::Bsg]);
        let (mut file, data) = match self.stream.below(10) {
            0..=5 => self.altered_ata(),
            6..=7 => self.ata_read(),
            _ => self.unknown_ata(),
        };
        let carrier = match self.stream.below(3) {
            0 if !file.extended => Carrier::Short,
            1 => Carrier::ThirtyTwo,
            _ => Carrier::Sixteen,
        };
        // Bits of the device field that no command uses.
        file.device |= if self.stream.below(2) == 0 { 0xA0 } else { 0 };
        let cdb = command::ata_passthrough(&file, &data, self.aim.sector, carrier, self.stream.below(2) == 0);
        self.attempt(&format!("ATA {:02X}h", file.command), door, Action::RawScsi(cdb, data))
    }

    fn altered_ata(&mut self) -> (Taskfile, Data) {
        let destructive = self.destructive;
        let rows: Vec<_> = ata::ROWS
            .iter()
            .filter(|row| destructive || row.stake == Stake::Scratch)
            .filter(|row| !ATA_INFORMS.contains(&row.form.command) && row.form.command != 0xA0)
            .collect();
        let Some(row) = self.pick(&rows) else { return self.unknown_ata() };
        let (mut file, data) = command::taskfile(&row.form, &self.aim);
        // Sub-codes of SET FEATURES are safe to draw; those of the other families can cost the device.
        let family = matches!(file.command, 0xB0 | 0xB1 | 0xB4 | 0xF9 | 0x92 | 0x93 | 0x37 | 0x78);
        if file.command == 0xEF {
            file.feature = u16::from(self.byte());
            // Power-up in standby and extended power conditions outlive a power cycle.
            while !destructive && matches!(file.feature, 0x06 | 0x4A) {
                file.feature = u16::from(self.byte());
            }
            file.count = u16::from(self.byte());
        } else if (destructive || !family)
            && data == Data::None
            && file.command != 0xB0
            && file.command != 0xB1
        {
            file.feature ^= u16::from(self.byte() & 0x3F);
        } else if file.protocol != Protocol::Fpdma && data != Data::None && !family {
            file.feature = u16::from(self.byte() & 0x03);
        }
        (file, data)
    }

    fn ata_read(&mut self) -> (Taskfile, Data) {
        let count = u16::try_from(self.stream.below(8).saturating_add(1)).unwrap_or(1);
        let length = usize::from(count).saturating_mul(self.aim.sector);
        let lba = self.stream.below(self.aim.last.saturating_sub(u64::from(count)).max(1)) & 0x00FF_FFFF;
        let read = |command, extended, protocol| Taskfile {
            command,
            feature: 0,
            count,
            lba,
            device: 0x40,
            extended,
            protocol,
        };
        let file = match self.stream.below(5) {
            0 => read(0x20, false, Protocol::PioIn),
            1 => read(0x24, true, Protocol::PioIn),
            2 => read(0x25, true, Protocol::Dma),
            3 => read(0xC8, false, Protocol::Dma),
            _ => return (Taskfile { count: 1, lba: 0, ..read(0xEC, false, Protocol::PioIn) }, Data::In(512)),
        };
        (file, Data::In(length))
    }

    fn unknown_ata(&mut self) -> (Taskfile, Data) {
        let known = |command: u8| {
            ATA_INFORMS.contains(&command)
                || ATA_INFORMS_MORE.contains(&command)
                || ata::ROWS.iter().any(|row| row.form.command == command)
        };
        let mut command = self.byte();
        while known(command) {
            command = self.byte();
        }
        let with_data = self.stream.below(2) == 0;
        let file = Taskfile {
            command,
            feature: u16::from(self.byte()),
            count: if with_data { 1 } else { u16::from(self.byte()) },
            lba: self.stream.below(1 << 24),
            device: 0x40,
            extended: self.stream.below(2) == 0,
            protocol: if with_data { Protocol::PioOut } else { Protocol::NonData },
        };
        (file, if with_data { Data::Out(vec![0x5A; 512]) } else { Data::None })
    }

    fn nvme(&mut self) -> Attempt {
        let door = self.door(&[Door::Disk, Door::Controller, Door::NvmeGeneric, Door::Ring]);
        let (queue, command, data) = match self.stream.below(10) {
            0..=5 => self.altered_nvme(),
            6..=7 => self.nvme_read(),
            _ => self.unknown_nvme(),
        };
        let name = if queue == Queue::Admin { "admin" } else { "I/O" };
        let name = format!("NVMe {name} {:02X}h", command.opcode);
        self.attempt(&name, door, Action::RawNvme(queue, command, data))
    }

    fn altered_nvme(&mut self) -> (Queue, Command, Data) {
        let destructive = self.destructive;
        let rows: Vec<_> =
            nvme::ROWS.iter().filter(|row| destructive || row.stake == Stake::Scratch).collect();
        let Some(row) = self.pick(&rows) else { return self.unknown_nvme() };
        let (mut command, data) = command::nvme(&row.form, &self.aim);
        let word = usize::try_from(self.stream.below(3)).unwrap_or(0).saturating_add(3);
        let flags = u32::try_from(self.stream.next() & 0xFFFF_FFFF).unwrap_or(0);
        // Reads keep their lengths, and what chooses an action stays as it is in the tables.
        if !matches!(data, Data::In(_))
            && let Some(cdw) = command.cdw10_15.get_mut(word)
        {
            *cdw ^= if row.form.addressed { 0 } else { flags };
        }
        // Write protection (84h) has a value that is for ever.
        let [feature, ..] = row.form.cdw;
        let may_draw =
            row.form.opcode == 0x09 && row.form.queue == Queue::Admin && (destructive || feature != 0x84);
        if may_draw && self.stream.below(2) == 0 {
            let [_, value, ..] = &mut command.cdw10_15;
            *value = if destructive { flags } else { flags & 0xFFFF };
        }
        (row.form.queue, command, data)
    }

    fn nvme_read(&mut self) -> (Queue, Command, Data) {
        if self.stream.below(3) == 0 {
            let cns = u32::try_from(self.stream.below(4)).unwrap_or(0);
            let command = Command {
                opcode: 0x06,
                namespace: self.aim.namespace,
                cdw10_15: [cns, 0, 0, 0, 0, 0],
                ..Command::default()
            };
            return (Queue::Admin, command, Data::In(4096));
        }
        let count = self.stream.below(8).saturating_add(1);
        let lba = self.stream.below(self.aim.last.saturating_sub(count).max(1));
        let low = |number: u64| u32::try_from(number & 0xFFFF_FFFF).unwrap_or(0);
        let cdw10_15 = [low(lba), low(lba >> 32), low(count.saturating_sub(1)), 0, 0, 0];
        let command = Command { opcode: 0x02, namespace: self.aim.namespace, cdw10_15, ..Command::default() };
        let length = usize::try_from(count).unwrap_or(1).saturating_mul(self.aim.sector);
        (Queue::Io, command, Data::In(length))
    }

    fn unknown_nvme(&mut self) -> (Queue, Command, Data) {
        let queue = if self.stream.below(2) == 0 { Queue::Admin } else { Queue::Io };
        let known = |opcode: u8| {
            // Queue deletion and creation, reads, logs, abort, asynchronous events, compare, verify, reports.
            matches!(opcode, 0x00..=0x0E | 0x12 | 0x18 | 0x1A | 0x1E | 0x7A | 0x7C | 0x7F | 0x80..=0x86)
                || nvme::ROWS.iter().any(|row| row.form.queue == queue && row.form.opcode == opcode)
        };
        let mut opcode = self.byte();
        // Without data from the device: bit 1 of the opcode says so.
        while known(opcode) || opcode & 2 != 0 {
            opcode = self.byte();
        }
        let mut cdw10_15 = [0; 6];
        for word in &mut cdw10_15 {
            *word = u32::try_from(self.stream.next() & 0xFFFF_FFFF).unwrap_or(0);
        }
        let command = Command { opcode, namespace: self.aim.namespace, cdw10_15, ..Command::default() };
        let data = if opcode & 1 == 1 { Data::Out(vec![0x5A; 512]) } else { Data::None };
        (queue, command, data)
    }

    fn mmc(&mut self) -> Attempt {
        let destructive = self.destructive;
        let rows: Vec<_> = mmc::rows_for(self.target.card_kind())
            .filter(|row| destructive || row.stake == Stake::Scratch)
            .collect();
        let index = u8::try_from(self.stream.below(64)).unwrap_or(0);
        let drawn = u32::try_from(self.stream.next() & 0xFFFF_FFFF).unwrap_or(0);
        let is_listed = mmc::ROWS.iter().any(|row| row.form.index == index);
        // Selection, reset, tuning and reads are left alone: without their data they take the card off the bus.
        let left_alone = matches!(index, 0..=19 | 21 | 22 | 30 | 41 | 43..=46 | 48 | 51..=53 | 58);
        let row = self.pick(&rows).filter(|_| is_listed || left_alone);
        let mut command = passthrough::mmc::Command {
            index,
            argument: drawn,
            application: self.stream.below(4) == 0,
            response: passthrough::mmc::Response::R1,
            block_size: 512,
        };
        let mut data = if self.stream.below(2) == 0 { Data::Out(vec![0x5A; 512]) } else { Data::None };
        if let Some(row) = row {
            command.index = row.form.index;
            command.application = row.form.application;
            // A switch or a lock with another argument is another command.
            if let (mmc::Argument::Constant(value), false) = (row.form.argument, destructive) {
                command.argument = value;
            }
            if let Payload::FromDevice(length) = row.form.payload {
                command.block_size = u32::try_from(length).unwrap_or(512);
                data = Data::In(length);
            }
        }
        if command.index == 56 {
            // Bit 0 would turn the general command into a read.
            command.argument &= !1;
        }
        self.attempt(&format!("MMC CMD{}", command.index), Door::Disk, Action::RawMmc(command, data))
    }
}

fn is_family(opcode: u8) -> bool {
    SCSI_FAMILIES.contains(&opcode) || SCSI_INFORMS.contains(&opcode)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 20_000;

    fn drawn(transport: Transport, seed: u64, destructive: bool) -> Vec<Attempt> {
        let target = Target::pretended(transport, &[Door::Disk, Door::Generic]);
        let aim = Aim { lba: 4096, last: 65_535, sector: 512, namespace: 1, held: Vec::new(), nonce: 0 };
        let mut maker = Maker::new(seed, &target, aim, destructive);
        (0..DRAWS).map(|_| maker.next().unwrap()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_commands_again_and_another_one_others() {
        for transport in [Transport::Ata, Transport::Nvme, Transport::Mmc] {
            let words = |seed| format!("{:?}", drawn(transport, seed, false));
            assert_eq!(words(1), words(1));
            assert_ne!(words(1), words(2));
        }
    }

    /// Length of the data that a descriptor block asks for, for the reads that are drawn.
    fn asked_for(cdb: &[u8]) -> Option<usize> {
        let be = |bytes: &[u8]| bytes.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        Some(match cdb[0] {
            0x12 => usize::from(cdb[4]),
            0x28 => be(&cdb[7..9]) * 512,
            0x88 => be(&cdb[10..14]) * 512,
            0x4D => be(&cdb[7..9]),
            0x9E => be(&cdb[10..14]),
            // ATA PASS-THROUGH: the count, or for NCQ the feature, by T_LENGTH.
            0xA1 => usize::from(cdb[if cdb[2] & 3 == 1 { 3 } else { 4 }]) * 512,
            0x85 => be(if cdb[2] & 3 == 1 { &cdb[3..5] } else { &cdb[5..7] }) * 512,
            0x7F => be(if cdb[11] & 3 == 1 { &cdb[20..22] } else { &cdb[22..24] }) * 512,
            _ => return None,
        })
    }

    #[test]
    fn what_is_read_has_the_length_that_its_command_asks_for() {
        let mut reads = 0;
        for attempt in drawn(Transport::Ata, 3, true) {
            let Action::RawScsi(cdb, data) = attempt.action else { panic!() };
            if let Data::In(length) = data {
                assert_eq!(asked_for(&cdb), Some(length), "{cdb:02X?}");
                reads += 1;
            } else {
                assert!(!SCSI_INFORMS.contains(&cdb[0]) || cdb[0] == 0x9E, "a read without room: {cdb:02X?}");
            }
        }
        assert!(reads > 1000, "{reads}");
        for attempt in drawn(Transport::Nvme, 3, true) {
            let Action::RawNvme(queue, command, data) = attempt.action else { panic!() };
            let room = if let Data::In(length) = data { length } else { 0 };
            if queue == Queue::Io && command.opcode == 2 {
                assert_eq!(room, (usize::try_from(command.cdw10_15[2] & 0xFFFF).unwrap() + 1) * 512);
            }
            assert!(command.opcode & 3 != 2 || room > 0, "{command:?}");
        }
    }

    /// Command register and feature of a taskfile inside a descriptor block.
    fn taskfile(cdb: &[u8]) -> Option<(u8, u8)> {
        match cdb[0] {
            0xA1 => Some((cdb[9], cdb[3])),
            0x85 => Some((cdb[14], cdb[4])),
            0x7F if cdb[8..10] == [0x1F, 0xF0] => Some((cdb[25], cdb[21])),
            _ => None,
        }
    }

    #[test]
    fn without_leave_nothing_is_drawn_that_can_cost_the_device() {
        for attempt in drawn(Transport::Ata, 4, false) {
            let Action::RawScsi(cdb, _) = attempt.action else { panic!() };
            if let Some((command, feature)) = taskfile(&cdb) {
                let costly = match command {
                    0xF1 | 0xF4 | 0x92 | 0x93 | 0xB2 | 0x7C | 0x7D | 0x96 => true,
                    0xB1 => feature != 0xC1,
                    0xB4 => !matches!(feature, 0x20 | 0x40),
                    0xEF => matches!(feature, 0x06 | 0x4A),
                    0xF9 => feature == 0x01,
                    _ => false,
                };
                assert!(!costly, "ATA {command:02X}h/{feature:02X}h");
                continue;
            }
            let costly = match cdb[0] {
                0x04 | 0x38 => true,
                0x48 => cdb[1] & 0x1F != 0x1F,
                0x3B => matches!(cdb[1] & 0x1F, 4..=7 | 0x0D..=0x0F),
                0xB5 => cdb[1] == 0xEF,
                _ => false,
            };
            assert!(!costly, "SCSI {cdb:02X?}");
        }
        for attempt in drawn(Transport::Nvme, 4, false) {
            let Action::RawNvme(queue, command, _) = attempt.action else { panic!() };
            let [first, second, ..] = command.cdw10_15;
            let costly = queue == Queue::Admin
                && match command.opcode {
                    0x0D | 0x10 | 0x11 | 0x15 | 0x20 | 0x24 | 0x7C | 0x80 => true,
                    0x84 => first & 7 != 1,
                    0x09 => first & 0xFF == 0x84 && second & 7 > 1,
                    _ => false,
                };
            assert!(!costly, "{command:02X?}");
        }
        for attempt in drawn(Transport::Mmc, 4, false) {
            let Action::RawMmc(command, _) = attempt.action else { panic!() };
            assert!(!matches!(command.index, 26 | 27 | 42) || command.application, "CMD{}", command.index);
        }
    }
}
