//! The emulator's trace of what its disk models were told, read back as commands.
//!
//! One disk of each kind can be told apart in it (AHCI and virtio-scsi: one for each port and target). Where two share
//! an address, each is charged with the commands of both; a line that is misread adds a command that no table lists. So
//! what is unclear here speaks against the system under test, never for it.

use std::{fmt, path::Path};

use crate::{
    Doing, Result,
    command_tables::{CommandSet, Effect, look_up},
    disk_device::{Disk, Transport},
};

/// The events that are switched on.
pub const EVENTS: [&str; 19] = [
    "handle_cmd_fis_dump",
    "ide_ioport_write",
    "ide_bus_exec_cmd",
    "scsi_req_parsed",
    "scsi_disk_new_request",
    "usb_msd_cmd_submit",
    "usb_uas_command",
    "ufs_exec_scsi_cmd",
    "ufs_exec_query_cmd",
    "pci_nvme_admin_cmd",
    "pci_nvme_io_cmd",
    "pci_nvme_setfeat",
    "sdcard_normal_command",
    "sdcard_app_command",
    "virtio_blk_handle_read",
    "virtio_blk_handle_write",
    "virtio_blk_handle_zone_append",
    "virtio_blk_handle_zone_mgmt",
    "virtio_blk_handle_zone_reset_all",
];

/// Where in the machine a command arrived, as far as the trace tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// A port of the AHCI controller.
    AhciPort(u32),
    /// Parallel ATA.
    Ide,
    /// NVMe.
    Nvme,
    /// virtio-blk.
    VirtioBlk,
    /// A target of a SCSI host adapter.
    ScsiTarget(u32),
    /// A USB bulk-only device.
    UsbBot,
    /// A USB UAS device.
    Uas,
    /// UFS.
    Ufs,
    /// SD card.
    Sd,
}

impl Address {
    /// Where the commands for `disk` arrive.
    #[must_use]
    pub fn of(disk: &Disk) -> Self {
        match disk.transport {
            Transport::Ahci => Address::AhciPort(disk.port.into()),
            Transport::Ide => Address::Ide,
            Transport::Nvme => Address::Nvme,
            Transport::VirtioBlk => Address::VirtioBlk,
            Transport::VirtioScsi => Address::ScsiTarget(disk.port.into()),
            Transport::UsbBot => Address::UsbBot,
            Transport::Uas => Address::Uas,
            Transport::Sd => Address::Sd,
            Transport::Ufs => Address::Ufs,
        }
    }
}

/// One command that a disk model received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Command {
    /// Where it arrived.
    pub address: Address,
    /// The set its opcode belongs to.
    pub set: CommandSet,
    /// Its opcode.
    pub opcode: u8,
    /// What tells sub-commands of one opcode apart.
    pub selector: u8,
}

impl Command {
    /// What it does to the disk.
    #[must_use]
    pub fn effect(&self) -> Effect {
        look_up(self.set, self.opcode, self.selector).1
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = look_up(self.set, self.opcode, self.selector);
        write!(out, "{:?} {:02X}h/{:02X}h {name}", self.set, self.opcode, self.selector)
    }
}

/// Reads the trace at `path`.
///
/// # Errors
/// [`crate::HarnessError::Host`] when it can't be read.
pub fn read(path: &Path) -> Result<Vec<Command>> {
    let bytes = std::fs::read(path).doing(|| format!("reading the trace {}", path.display()))?;
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

/// All commands in the text of a trace, in order.
#[must_use]
pub fn parse(text: &str) -> Vec<Command> {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.line(line));
    reader.commands
}

/// What earlier lines said about the next one.
#[derive(Default)]
struct Reader {
    commands: Vec<Command>,
    /// Port of a register FIS whose bytes are on the next line.
    fis_of_port: Option<u32>,
    /// The AHCI command that the next `ide_bus_exec_cmd` tells a second time.
    told_by_ahci: Option<u8>,
    /// What was last written to the feature register of parallel ATA.
    feature: u8,
    /// The transport that announced the next SCSI command.
    carrier: Option<Address>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let (event, rest) = line.split_once(' ').unwrap_or((line, ""));
        let carrier = self.carrier.take();
        match event {
            "handle_cmd_fis_dump" => self.fis_of_port = number(after(rest, ")["), 10),
            "0x00:" => self.fis(rest),
            "ide_ioport_write" if rest.contains("(Features)") => {
                self.feature = byte(after(rest, "val 0x"), 16).unwrap_or(u8::MAX);
            }
            "ide_bus_exec_cmd" => {
                let opcode = byte(after(rest, "cmd 0x"), 16);
                if opcode.is_none() || self.told_by_ahci.take() != opcode {
                    self.add(Address::Ide, CommandSet::Ata, opcode, self.feature);
                }
            }
            "usb_msd_cmd_submit" => self.carrier = Some(Address::UsbBot),
            "usb_uas_command" => self.carrier = Some(Address::Uas),
            "ufs_exec_scsi_cmd" => {
                // Well-known units (80h and up) answer by themselves; the others hand the command to a SCSI disk.
                match number(after(rest, "lun 0x"), 16) {
                    Some(0..=0x7F) => self.carrier = Some(Address::Ufs),
                    _ => self.add(Address::Ufs, CommandSet::Scsi, byte(after(rest, "opcode 0x"), 16), 0),
                }
            }
            "ufs_exec_query_cmd" => {
                self.add(Address::Ufs, CommandSet::UfsQuery, byte(after(rest, "opcode 0x"), 16), 0);
            }
            "scsi_req_parsed" => {
                let target = number(after(rest, "target "), 10).unwrap_or(u32::MAX);
                let address = carrier.unwrap_or(Address::ScsiTarget(target));
                self.add(address, CommandSet::Scsi, byte(after(rest, "command "), 10), 0);
            }
            "scsi_disk_new_request" => self.command_block(after(rest, "data=")),
            "pci_nvme_admin_cmd" => {
                self.add(Address::Nvme, CommandSet::NvmeAdmin, byte(after(rest, "opc 0x"), 16), 0);
            }
            "pci_nvme_io_cmd" => {
                self.add(Address::Nvme, CommandSet::NvmeIo, byte(after(rest, "opc 0x"), 16), 0)
            }
            "pci_nvme_setfeat" => {
                let save = byte(after(rest, "save 0x"), 16).unwrap_or(u8::MAX);
                self.add(Address::Nvme, CommandSet::NvmeFeature, byte(after(rest, "fid 0x"), 16), save);
            }
            "sdcard_normal_command" => {
                self.add(Address::Sd, CommandSet::Sd, byte(after(rest, "/ CMD"), 10), 0)
            }
            "sdcard_app_command" => {
                self.add(Address::Sd, CommandSet::SdApplication, byte(after(rest, "/ACMD"), 10), 0);
            }
            "virtio_blk_handle_read" => self.add(Address::VirtioBlk, CommandSet::VirtioBlk, Some(0), 0),
            "virtio_blk_handle_write" => self.add(Address::VirtioBlk, CommandSet::VirtioBlk, Some(1), 0),
            "virtio_blk_handle_zone_append" => {
                self.add(Address::VirtioBlk, CommandSet::VirtioBlk, Some(15), 0)
            }
            "virtio_blk_handle_zone_mgmt" => self.add(Address::VirtioBlk, CommandSet::VirtioBlk, Some(18), 0),
            "virtio_blk_handle_zone_reset_all" => {
                self.add(Address::VirtioBlk, CommandSet::VirtioBlk, Some(26), 0);
            }
            _ => {}
        }
    }

    /// A register FIS, host to device (Serial ATA 3.5 section 10.5.5): type 27h, C bit, command, feature.
    fn fis(&mut self, bytes: &str) {
        let Some(port) = self.fis_of_port.take() else { return };
        let bytes = hex_bytes(bytes);
        if let [0x27, flags, command, feature, ..] = bytes[..] {
            // Without the C bit it only sets the device control register (soft reset).
            if flags & 0x80 != 0 {
                self.told_by_ahci = Some(command);
                // Queued reads and writes carry their length in the feature register (ACS-5 section 7.15).
                let selector = if matches!(command, 0x60 | 0x61) { 0 } else { feature };
                self.add(Address::AhciPort(port), CommandSet::Ata, Some(command), selector);
            }
        }
    }

    /// The whole command block of the SCSI command that the line before named.
    fn command_block(&mut self, bytes: &str) {
        let bytes = hex_bytes(bytes);
        let Some(last) = self.commands.last_mut() else { return };
        if last.set != CommandSet::Scsi || bytes.first() != Some(&last.opcode) {
            return;
        }
        last.selector = match (bytes[0], bytes.get(1), bytes.get(9)) {
            (0x7F, _, Some(action)) => *action,
            (_, Some(second), _) => second & 0x1F,
            _ => 0,
        };
    }

    /// An opcode that could not be read becomes FFh, which no table lists.
    fn add(&mut self, address: Address, set: CommandSet, opcode: Option<u8>, selector: u8) {
        self.commands.push(Command { address, set, opcode: opcode.unwrap_or(u8::MAX), selector });
    }
}

fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or("", |(_, rest)| rest)
}

fn number(text: &str, radix: u32) -> Option<u32> {
    let end = text.find(|letter: char| !letter.is_digit(radix)).unwrap_or(text.len());
    u32::from_str_radix(&text[..end], radix).ok()
}

fn byte(text: &str, radix: u32) -> Option<u8> {
    number(text, radix).and_then(|number| u8::try_from(number).ok())
}

fn hex_bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().map_while(|word| u8::from_str_radix(word, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Command {
        let commands = parse(text);
        assert_eq!(commands.len(), 1, "{commands:?}");
        commands[0]
    }

    #[test]
    fn an_ahci_command_is_counted_once_though_two_lines_tell_of_it() {
        let text = "handle_cmd_fis_dump ahci(0x55cad4c44b30)[1]: FIS:\n\
                    0x00: 27 80 ef 03 00 00 00 00 00 00 00 00 45 00 00 00 \n\
                    0x10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \n\n\
                    ide_bus_exec_cmd IDE exec cmd: bus 0x55cad4c47a40; state 0x55cad4c47ac8; cmd 0xef\n";
        let command = only(text);
        assert_eq!(command.address, Address::AhciPort(1));
        assert_eq!((command.opcode, command.selector, command.effect()), (0xEF, 3, Effect::Controls));
    }

    #[test]
    fn a_queued_write_on_ahci_is_a_modification() {
        let text = "handle_cmd_fis_dump ahci(0x55cad4c44b30)[2]: FIS:\n\
                    0x00: 27 80 61 08 00 00 00 40 00 00 00 00 78 00 00 08 \n";
        let command = only(text);
        assert_eq!((command.address, command.effect()), (Address::AhciPort(2), Effect::Modifies));
    }

    #[test]
    fn a_soft_reset_is_no_command() {
        let text = "handle_cmd_fis_dump ahci(0x55cad4c44b30)[1]: FIS:\n\
                    0x00: 27 00 00 00 00 00 00 00 00 00 00 00 00 00 00 04 \n";
        assert!(parse(text).is_empty());
    }

    #[test]
    fn a_parallel_ata_write_stands_alone() {
        let command = only("ide_bus_exec_cmd IDE exec cmd: bus 0x55; state 0x56; cmd 0xca");
        assert_eq!((command.address, command.effect()), (Address::Ide, Effect::Modifies));
        let text = "ide_ioport_write IDE PIO wr @ 0x1f1 (Features); val 0x03; bus 0x55; IDEState 0x56\n\
                    ide_bus_exec_cmd IDE exec cmd: bus 0x55; state 0x56; cmd 0xef";
        assert_eq!((only(text).selector, only(text).effect()), (3, Effect::Controls));
    }

    #[test]
    fn scsi_commands_belong_to_the_transport_that_announced_them() {
        let text = "usb_msd_cmd_submit lun 0, tag 0x3e7, flags 0x00000000, len 12, data-len 0\n\
                    scsi_req_parsed target 0 lun 0 tag 999 command 42 dir 2 length 4096\n\
                    scsi_disk_new_request Command: lun=0 tag=0x3e7 data=2a 00 00 00 00 00 00 00 08 00\n\
                    scsi_req_parsed target 3 lun 0 tag 0 command 158 dir 1 length 32\n\
                    scsi_disk_new_request Command: lun=0 tag=0x0 data=9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00\n\
                    ufs_exec_scsi_cmd slot 16, lun 0xd0, opcode 0x12\n";
        let commands = parse(text);
        let seen: Vec<_> = commands.iter().map(|one| (one.address, one.opcode, one.effect())).collect();
        assert_eq!(
            seen,
            [
                (Address::UsbBot, 0x2A, Effect::Modifies),
                (Address::ScsiTarget(3), 0x9E, Effect::Informs),
                (Address::Ufs, 0x12, Effect::Informs),
            ]
        );
    }

    #[test]
    fn nvme_sd_and_virtio_lines_are_read() {
        let text = "pci_nvme_admin_cmd cid 0 sqid 0 opc 0x6 opname 'NVME_ADM_CMD_IDENTIFY'\n\
                    pci_nvme_io_cmd cid 384 nsid 0x1 sqid 1 opc 0x9 opname 'NVME_NVM_CMD_DSM'\n\
                    pci_nvme_setfeat cid 6 nsid 0x0 fid 0xe save 0x1 cdw11 0x0\n\
                    sdcard_normal_command SD  WRITE_MULTIPLE_BLOCK/ CMD25 arg 0x00000000 (state transfer)\n\
                    sdcard_app_command SD            SEND_OP_COND/ACMD41 arg 0x00000000 (state idle)\n\
                    virtio_blk_handle_write vdev 0x55cad4f587f0 req 0x55cad40daac0 sector 0 nsectors 8\n";
        let effects: Vec<_> = parse(text).iter().map(Command::effect).collect();
        use Effect::{Controls, Informs, Modifies, Unlisted};
        assert_eq!(effects, [Informs, Modifies, Unlisted, Modifies, Controls, Modifies]);
    }

    #[test]
    fn a_garbled_opcode_is_held_against_the_system() {
        assert_eq!(only("pci_nvme_io_cmd cid 384 nsid 0x1 sqid 1 opc garbled").effect(), Effect::Unlisted);
    }
}
