//! What each command of each transport does to a disk, written down from the standards.
//!
//! These tables share nothing with the evidence guard's: they are the second witness. They need not be complete, for
//! a command that no row names counts against the system under test as if it had changed the disk.

mod ata;
mod card;
mod nvme;
mod optical;
mod scsi;
mod small_sets;

pub(crate) use small_sets::UNNAMED_REQUEST;

/// Which set of commands an opcode belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CommandSet {
    /// ATA (ACS-5): opcode is the command register, selector the feature register, or the sub-command of a queued
    /// command that has some.
    Ata,
    /// SCSI (SPC-6, SBC-4) for disks: the selector is what `trace` takes from the command block, mostly byte 1.
    Scsi,
    /// SCSI (MMC-6) for optical drives, selector likewise: the same opcodes mean other things there.
    Optical,
    /// NVM Express 2.0 base, admin commands. Selector: feature identifier and save bit (bit 8) of Set Features, log
    /// identifier and specific field (bits 8 up) of Get Log Page.
    NvmeAdmin,
    /// NVM Express 2.0, NVM and zoned command sets.
    NvmeIo,
    /// SD 6.0 commands; the selector of GEN_CMD is its direction.
    Sd,
    /// SD 6.0 application commands, those after a CMD55.
    SdApplication,
    /// UFS 3.1 query requests.
    UfsQuery,
    /// UFS NOP OUT, the only one of its kind.
    UfsNop,
    /// Requests of virtio 1.2 block devices: opcode is the request type.
    VirtioBlk,
    /// Commands of the Intel 82078 floppy controller, without their option bits.
    Floppy,
}

/// What a command does to the disk that obeys it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Hands out data, information or status.
    Informs,
    /// Changes how the device talks or spins until it loses power, nothing that lasts.
    Controls,
    /// Makes durable what the device had accepted before.
    Flushes,
    /// Changes the medium, a lasting setting, who may write, or what of the medium can be seen.
    Modifies,
    /// In no table: held against the system under test.
    Unlisted,
}

/// One row: a command and its effect.
pub struct Row {
    set: CommandSet,
    opcode: u8,
    selector: Option<u16>,
    name: &'static str,
    effect: Effect,
}

const fn row(set: CommandSet, opcode: u8, name: &'static str, effect: Effect) -> Row {
    Row { set, opcode, selector: None, name, effect }
}

const fn sub(set: CommandSet, opcode: u8, selector: u16, name: &'static str, effect: Effect) -> Row {
    Row { set, opcode, selector: Some(selector), name, effect }
}

const TABLES: [&[Row]; 6] =
    [ata::TABLE, scsi::TABLE, optical::TABLE, nvme::TABLE, card::TABLE, small_sets::TABLE];

/// ATA PASS-THROUGH(16) and (12) (SAT-5 section 12.2): the selector holds the inner command and its feature register.
const PASS_THROUGH: [u8; 2] = [0x85, 0xA1];
/// ATA PACKET: what it does stands in its packet, which travels as data.
const PACKET: u8 = 0xA0;

/// Name and effect of a command.
#[must_use]
pub fn look_up(set: CommandSet, opcode: u8, selector: u16) -> (&'static str, Effect) {
    if set == CommandSet::Scsi && PASS_THROUGH.contains(&opcode) {
        let [inner, feature] = selector.to_be_bytes();
        return match inner {
            // A packet inside a pass-through can't be seen from here, so it is not believed to be harmless.
            PACKET => ("ATA PASS-THROUGH of a packet", Effect::Unlisted),
            _ => look_up(CommandSet::Ata, inner, feature.into()),
        };
    }
    let of_opcode =
        || TABLES.iter().flat_map(|table| table.iter()).filter(|row| row.set == set && row.opcode == opcode);
    of_opcode()
        .find(|row| row.selector == Some(selector))
        .or_else(|| of_opcode().find(|row| row.selector.is_none()))
        .map_or(("not in the tables", Effect::Unlisted), |row| (row.name, row.effect))
}

#[cfg(test)]
mod tests {
    use super::CommandSet::{
        Ata, Floppy, NvmeAdmin, NvmeIo, Optical, Scsi, Sd, SdApplication, UfsQuery, VirtioBlk,
    };
    use super::Effect::{Controls, Flushes, Informs, Modifies, Unlisted};
    use super::*;

    #[test]
    fn no_command_has_two_rows_that_say_different_things() {
        let rows: Vec<&Row> = TABLES.iter().flat_map(|table| table.iter()).collect();
        for (at, one) in rows.iter().enumerate() {
            for other in &rows[at + 1..] {
                let same = (one.set, one.opcode, one.selector) == (other.set, other.opcode, other.selector);
                assert!(!same, "{} and {} are the same command", one.name, other.name);
            }
        }
    }

    #[test]
    fn a_sub_command_is_judged_by_its_own_row_first() {
        for (set, opcode, selector, effect) in [
            (Ata, 0xB0, 0xDA, Informs),
            (Ata, 0xB0, 0xD6, Modifies),
            (Ata, 0xB1, 0xC2, Informs),
            (Ata, 0xB1, 0xC3, Modifies),
            (Ata, 0xEF, 0x03, Controls),
            (Ata, 0xEF, 0x82, Modifies),
            (Ata, 0x63, 0x00, Controls),
            (Ata, 0x63, 0x05, Modifies),
            (NvmeAdmin, 0x09, 0x00E, Controls),
            (NvmeAdmin, 0x09, 0x10E, Modifies),
            (NvmeAdmin, 0x09, 0x006, Modifies),
            (NvmeAdmin, 0x02, 0x007, Informs),
            (NvmeAdmin, 0x02, 0x107, Modifies),
            (Scsi, 0x9E, 0x10, Informs),
            (Scsi, 0x9E, 0x14, Unlisted),
            (Scsi, 0x1B, 0x01, Controls),
            (Scsi, 0x1B, 0x00, Flushes),
            (Scsi, 0x4D, 0x01, Modifies),
            (Sd, 56, 0, Modifies),
            (Sd, 56, 1, Informs),
        ] {
            assert_eq!(look_up(set, opcode, selector).1, effect, "{set:?} {opcode:#x}/{selector:#x}");
        }
    }

    #[test]
    fn one_opcode_means_another_thing_on_an_optical_drive() {
        assert_eq!(look_up(Scsi, 0x42, 0).1, Modifies);
        assert_eq!(look_up(Optical, 0x42, 0).1, Informs);
        assert_eq!(look_up(Optical, 0xA1, 0).1, Modifies);
    }

    #[test]
    fn an_ata_command_inside_a_scsi_one_is_judged_as_itself() {
        assert_eq!(look_up(Scsi, 0x85, 0xEC00).1, Informs);
        assert_eq!(look_up(Scsi, 0xA1, 0xCA00).1, Modifies);
        assert_eq!(look_up(Scsi, 0x85, 0xB0D9).1, Modifies);
        assert_eq!(look_up(Scsi, 0x85, 0xA000).1, Unlisted);
    }

    #[test]
    fn what_no_row_names_is_not_taken_for_harmless() {
        for (set, opcode) in
            [(Ata, 0x80), (Scsi, 0xC0), (Optical, 0xF0), (NvmeIo, 0x90), (NvmeAdmin, 0xC1), (Sd, 60)]
        {
            assert_eq!(look_up(set, opcode, 0).1, Unlisted, "{set:?} {opcode:#x}");
        }
    }

    #[test]
    fn every_plain_write_is_known_as_one() {
        let writes = [
            (Ata, &[0xCA, 0x35, 0x61, 0x30, 0x34, 0x06][..]),
            (Scsi, &[0x2A, 0x8A, 0x42, 0x0A, 0x41, 0x93]),
            (Optical, &[0x2A, 0xAA, 0x04]),
            (NvmeIo, &[0x01, 0x08, 0x09, 0x19]),
            (NvmeAdmin, &[0x80, 0x84, 0x10]),
            (Sd, &[24, 25, 38]),
            (SdApplication, &[23]),
            (UfsQuery, &[2]),
            (VirtioBlk, &[1]),
            (Floppy, &[0x05, 0x09, 0x0D]),
        ];
        for (set, opcodes) in writes {
            for opcode in opcodes {
                assert_eq!(look_up(set, *opcode, 0).1, Modifies, "{set:?} {opcode:#x}");
            }
        }
    }
}
