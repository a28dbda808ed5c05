//! The lines of the trace, one by one.

use super::{Address, Command, Sender};
use crate::command_tables::{CommandSet, UNNAMED_REQUEST};
use std::collections::{HashMap, HashSet};

/// Key of the kernel's image among what the configuration device offers, and of what belongs to it (QEMU
/// include/standard-headers/linux/qemu_fw_cfg.h): addresses, sizes and data of kernel, initial RAM disk, command line, setup.
const KERNEL_KEYS: std::ops::RangeInclusive<u32> = 0x07..=0x18;

/// Parameters that follow a command byte of the floppy controller (Intel 82078, section 5).
const FLOPPY_PARAMETERS: [(u8, usize); 17] = [
    (0x02, 8),
    (0x03, 2),
    (0x04, 1),
    (0x05, 8),
    (0x06, 8),
    (0x07, 1),
    (0x09, 8),
    (0x0A, 1),
    (0x0C, 8),
    (0x0D, 5),
    (0x0F, 2),
    (0x11, 8),
    (0x12, 1),
    (0x13, 3),
    (0x16, 8),
    (0x19, 8),
    (0x1D, 8),
];
/// CMD55 of SD cards: the next one is an application command.
const APP_CMD: u8 = 55;
/// DRIVE SPECIFICATION shares its low bits with DUMPREG; its parameters end with one that has bit 7 set.
const DRIVE_SPECIFICATION: u8 = 0x8E;

pub(super) fn parse(text: &str) -> Vec<Command> {
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
    /// Where the next packet arrives.
    packet_for: Option<Address>,
    /// What was last written to the feature register of parallel ATA.
    feature: u8,
    /// The transport that announced the next SCSI command.
    carrier: Option<Address>,
    /// The target that it is for, where the announcement names it: an adapter answers some commands itself, and the next
    /// one is another adapter's.
    target: Option<u32>,
    /// For each bus of parallel ATA, the drive that was spoken to first.
    first_drives: HashMap<u64, u64>,
    /// Requests of virtio-blk that a line has named.
    named: HashSet<String>,
    /// Parameters that the floppy controller still waits for.
    floppy_parameters: FloppyParameters,
}

#[derive(Default)]
enum FloppyParameters {
    #[default]
    None,
    Counted(usize),
    UntilMarked,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let (event, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (carrier, announced) = (self.carrier.take(), self.target.take());
        match event {
            "fw_cfg_select" => self.configuration(rest),
            "handle_cmd_fis_dump" => self.fis_of_port = number(after(rest, ")["), 10),
            "0x00:" => self.fis(rest),
            "ide_ioport_write" if rest.contains("(Features)") => {
                self.feature = byte(after(rest, "val 0x"), 16).unwrap_or(u8::MAX);
            }
            "ide_bus_exec_cmd" => {
                let opcode = byte(after(rest, "cmd 0x"), 16);
                if opcode.is_none() || self.told_by_ahci.take() != opcode {
                    let address = self.parallel_drive(rest);
                    self.packet_for = Some(address);
                    self.add(address, CommandSet::Ata, opcode, self.feature.into());
                }
            }
            "ide_atapi_cmd_packet" => self.packet(after(rest, "packet:")),
            "usb_msd_cmd_submit" => self.carrier = Some(Address::UsbBot),
            "usb_uas_command" => self.carrier = Some(Address::Uas),
            "megasas_handle_scsi" | "megasas_handle_io" | "mptsas_process_scsi_io_request" => {
                self.carrier = Some(Address::Sas);
                self.target = rest.split("dev ").find_map(target_of);
            }
            "ufs_exec_scsi_cmd" => {
                // Units below 80h hand most commands on to a SCSI disk, whose line tells of the same command again.
                let address = match number(after(rest, "lun 0x"), 16) {
                    Some(0..=0x7F) => Address::Ufs,
                    _ => Address::UfsWellKnown,
                };
                self.carrier = Some(address);
                self.hex(address, CommandSet::Scsi, after(rest, "opcode 0x"));
            }
            "ufs_exec_query_cmd" => self.hex(Address::Ufs, CommandSet::UfsQuery, after(rest, "opcode 0x")),
            "ufs_exec_nop_cmd" => self.add(Address::Ufs, CommandSet::UfsNop, Some(0), 0),
            "scsi_req_parsed" => {
                let target = number(after(rest, "target "), 10).unwrap_or(u32::MAX);
                let carrier = carrier.filter(|_| announced.is_none_or(|announced| announced == target));
                let opcode = byte(after(rest, "command "), 10);
                let told = self.commands.last().map(|last| last.opcode) == opcode;
                let by_unit = matches!(carrier, Some(Address::Ufs | Address::UfsWellKnown));
                if !(by_unit && told) {
                    self.add(carrier.unwrap_or(Address::ScsiTarget(target)), CommandSet::Scsi, opcode, 0);
                }
            }
            "scsi_disk_new_request" => self.command_block(after(rest, "data=")),
            "pci_nvme_admin_cmd" => self.hex(Address::Nvme, CommandSet::NvmeAdmin, after(rest, "opc 0x")),
            "pci_nvme_io_cmd" => {
                let namespace = number(after(rest, "nsid 0x"), 16).unwrap_or(u32::MAX);
                self.hex(Address::NvmeNamespace(namespace), CommandSet::NvmeIo, after(rest, "opc 0x"));
            }
            "pci_nvme_setfeat" => self.nvme_selector(0x09, rest, "fid 0x", "save 0x"),
            "pci_nvme_getfeat" => self.nvme_selector(0x0A, rest, "fid 0x", ""),
            "pci_nvme_get_log" => self.nvme_selector(0x02, rest, "lid 0x", "lsp 0x"),
            "sdcard_normal_command" => {
                let argument = number(after(rest, "arg 0x"), 16).unwrap_or(0);
                let opcode = byte(after(rest, "/ CMD"), 10);
                let selector = if opcode == Some(56) { (argument & 1) as u16 } else { 0 };
                self.add(Address::Sd, CommandSet::Sd, opcode, selector);
            }
            "sdcard_app_command" => {
                // The model keeps silent about the APP_CMD that each application command must follow.
                self.add(Address::Sd, CommandSet::Sd, Some(APP_CMD), 0);
                self.add(Address::Sd, CommandSet::SdApplication, byte(after(rest, "/ACMD"), 10), 0);
            }
            "virtio_blk_req_complete" => {
                if !self.named.remove(word(after(rest, "req "))) {
                    self.add(Address::VirtioBlk, CommandSet::VirtioBlk, Some(UNNAMED_REQUEST), 0);
                }
            }
            "fdc_ioport_write" => self.floppy(rest),
            _ => {
                if let Some((_, request)) = VIRTIO_REQUESTS.iter().find(|(name, _)| *name == event) {
                    self.named.insert(word(after(rest, "req ")).to_string());
                    self.add(Address::VirtioBlk, CommandSet::VirtioBlk, Some(*request), 0);
                }
            }
        }
    }

    /// The firmware fetches the kernel: all it had to say to disks has been said.
    fn configuration(&mut self, rest: &str) {
        if number(after(rest, "key 0x"), 16).is_some_and(|key| KERNEL_KEYS.contains(&key)) {
            self.commands.iter_mut().for_each(|command| command.sender = Sender::Firmware);
        }
    }

    /// The first drive of a bus lies before the second in the emulator's memory, and is spoken to first.
    fn parallel_drive(&mut self, rest: &str) -> Address {
        let pointer =
            |mark: &str| u64::from_str_radix(word(after(rest, mark)).trim_end_matches(';'), 16).ok();
        let (Some(bus), Some(state)) = (pointer("bus 0x"), pointer("state 0x")) else { return Address::Ide };
        let first = *self.first_drives.entry(bus).or_insert(state);
        if state > first { Address::IdeSecondDrive } else { Address::Ide }
    }

    /// A register FIS, host to device (Serial ATA 3.5 section 10.5.5): type 27h, C bit, command, feature.
    fn fis(&mut self, bytes: &str) {
        let Some(port) = self.fis_of_port.take() else { return };
        let bytes = hex_bytes(bytes);
        if let [0x27, flags, command, feature, ..] = bytes[..] {
            // Without the C bit it only sets the device control register (soft reset).
            if flags & 0x80 != 0 {
                self.told_by_ahci = Some(command);
                let selector = match command {
                    // Queued reads and writes carry their length in the feature register (ACS-5 section 7.15); packets
                    // how their data travels.
                    0x60 | 0x61 | 0xA0 => 0,
                    // Sub-command in bits 3:0 of the feature field, or 12:8 of the count field (ACS-5 sections 7.14 to 7.17).
                    0x63 => feature & 0x0F,
                    0x64 | 0x65 => bytes.get(13).map_or(u8::MAX, |count| count & 0x1F),
                    _ => feature,
                };
                let address = Address::AhciPort(port);
                self.packet_for = Some(address);
                self.add(address, CommandSet::Ata, Some(command), selector.into());
            }
        }
    }

    /// The command block of an ATA PACKET command.
    fn packet(&mut self, bytes: &str) {
        let bytes = hex_bytes(bytes);
        let address = self.packet_for.unwrap_or(Address::Ide);
        self.add(address, CommandSet::Optical, bytes.first().copied(), selector_of(&bytes));
    }

    /// The whole command block of the SCSI command that the line before named.
    fn command_block(&mut self, bytes: &str) {
        let bytes = hex_bytes(bytes);
        let Some(last) = self.commands.last_mut() else { return };
        if last.set == CommandSet::Scsi && bytes.first() == Some(&last.opcode) {
            last.selector = selector_of(&bytes);
        }
    }

    /// A line that tells more of the admin command before it.
    fn nvme_selector(&mut self, opcode: u8, rest: &str, low: &str, high: &str) {
        let low = byte(after(rest, low), 16).unwrap_or(u8::MAX);
        let high = if high.is_empty() { 0 } else { byte(after(rest, high), 16).unwrap_or(u8::MAX) };
        if let Some(last) = self.commands.last_mut()
            && (last.set, last.opcode) == (CommandSet::NvmeAdmin, opcode)
        {
            last.selector = u16::from_be_bytes([high, low]);
        }
    }

    /// A byte written to the controller: register 5 takes commands and their parameters.
    fn floppy(&mut self, rest: &str) {
        if number(after(rest, "reg 0x"), 16) != Some(5) {
            return;
        }
        let value = byte(after(rest, "val 0x"), 16).unwrap_or(u8::MAX);
        match &mut self.floppy_parameters {
            FloppyParameters::Counted(left) if *left > 0 => *left -= 1,
            FloppyParameters::UntilMarked => {
                if value & 0x80 != 0 {
                    self.floppy_parameters = FloppyParameters::None;
                }
            }
            _ => {
                let opcode = value & 0x1F;
                let count =
                    FLOPPY_PARAMETERS.iter().find(|(of, _)| *of == opcode).map_or(0, |(_, count)| *count);
                self.floppy_parameters = match value {
                    DRIVE_SPECIFICATION => FloppyParameters::UntilMarked,
                    _ => FloppyParameters::Counted(count),
                };
                self.add(Address::Floppy, CommandSet::Floppy, Some(opcode), 0);
            }
        }
    }

    fn hex(&mut self, address: Address, set: CommandSet, opcode: &str) {
        self.add(address, set, byte(opcode, 16), 0);
    }

    /// An opcode that could not be read becomes FFh, which no table lists.
    fn add(&mut self, address: Address, set: CommandSet, opcode: Option<u8>, selector: u16) {
        let opcode = opcode.unwrap_or(u8::MAX);
        self.commands.push(Command { address, sender: Sender::Kernel, set, opcode, selector });
    }
}

/// Lines that name a virtio-blk request, and its type (virtio 1.2 section 5.2.6; the zone commands share one line).
const VIRTIO_REQUESTS: [(&str, u8); 5] = [
    ("virtio_blk_handle_read", 0),
    ("virtio_blk_handle_write", 1),
    ("virtio_blk_handle_zone_append", 15),
    ("virtio_blk_handle_zone_mgmt", 18),
    ("virtio_blk_handle_zone_reset_all", 26),
];

/// What tells the sub-commands of a command block apart: the service action of long ones, the inner command of an ATA
/// pass-through, the bits that start and stop a unit, else what byte 1 holds below the bits that no opcode uses as such.
fn selector_of(block: &[u8]) -> u16 {
    let at = |index: usize| block.get(index).copied().unwrap_or(0);
    match at(0) {
        0x7F => u16::from_be_bytes([at(8), at(9)]),
        // SAT-5 tables 150 and 149: command in byte 14 or 9, the low byte of features in byte 4 or 3.
        0x85 => u16::from_be_bytes([at(14), at(4)]),
        0xA1 if block.len() >= 12 => u16::from_be_bytes([at(9), at(3)]),
        0x1B => (at(4) & 0xF3).into(),
        _ => (at(1) & 0x1F).into(),
    }
}

fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or("", |(_, rest)| rest)
}

fn word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("")
}

fn number(text: &str, radix: u32) -> Option<u32> {
    let end = text.find(|letter: char| !letter.is_digit(radix)).unwrap_or(text.len());
    u32::from_str_radix(&text[..end], radix).ok()
}

/// The second of bus, target and unit, as MegaRAID (`1/2/0`) and Fusion (`0:2:0`) name them.
fn target_of(text: &str) -> Option<u32> {
    let numbers: Vec<&str> = word(text).split(['/', ':']).collect();
    let [_, target, _] = numbers[..] else { return None };
    u32::from_str_radix(target, 16).ok()
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
    use crate::command_tables::Effect;

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
                (Address::UfsWellKnown, 0x12, Effect::Informs),
            ]
        );
    }

    #[test]
    fn nvme_sd_and_virtio_lines_are_read() {
        let text = "pci_nvme_admin_cmd cid 0 sqid 0 opc 0x6 opname 'NVME_ADM_CMD_IDENTIFY'\n\
                    pci_nvme_io_cmd cid 384 nsid 0x1 sqid 1 opc 0x9 opname 'NVME_NVM_CMD_DSM'\n\
                    pci_nvme_admin_cmd cid 6 sqid 0 opc 0x9 opname 'NVME_ADM_CMD_SET_FEATURES'\n\
                    pci_nvme_setfeat cid 6 nsid 0x0 fid 0xe save 0x1 cdw11 0x0\n\
                    sdcard_normal_command SD  WRITE_MULTIPLE_BLOCK/ CMD25 arg 0x00000000 (state transfer)\n\
                    sdcard_app_command SD            SEND_OP_COND/ACMD41 arg 0x00000000 (state idle)\n\
                    virtio_blk_handle_write vdev 0x55cad4f587f0 req 0x55cad40daac0 sector 0 nsectors 8\n";
        let effects: Vec<_> = parse(text).iter().map(Command::effect).collect();
        use Effect::{Controls, Informs, Modifies};
        assert_eq!(effects, [Informs, Modifies, Modifies, Modifies, Controls, Controls, Modifies]);
    }

    #[test]
    fn a_garbled_opcode_is_held_against_the_system() {
        assert_eq!(only("pci_nvme_io_cmd cid 384 nsid 0x1 sqid 1 opc garbled").effect(), Effect::Unlisted);
    }

    #[test]
    fn what_stands_before_the_firmware_fetches_the_kernel_is_the_firmwares() {
        let text = "pci_nvme_admin_cmd cid 0 sqid 0 opc 0x6 opname 'NVME_ADM_CMD_IDENTIFY'\n\
                    fw_cfg_select 0x55 key 0x0011 'kernel_data', ret: 1\n\
                    fw_cfg_select 0x55 key 0x0015 'cmdline_data', ret: 1\n\
                    pci_nvme_admin_cmd cid 0 sqid 0 opc 0x2 opname 'NVME_ADM_CMD_GET_LOG_PAGE'\n\
                    fw_cfg_select 0x55 key 0x0019 'file_dir', ret: 1\n";
        let senders: Vec<_> = parse(text).iter().map(|command| command.sender).collect();
        assert_eq!(senders, [Sender::Firmware, Sender::Kernel]);
    }

    #[test]
    fn nvme_commands_arrive_at_a_namespace_or_at_the_controller() {
        let text = "pci_nvme_io_cmd cid 1 nsid 0x2 sqid 1 opc 0x2 opname 'NVME_NVM_CMD_READ'\n\
                    pci_nvme_admin_cmd cid 9 sqid 0 opc 0x9 opname 'NVME_ADM_CMD_SET_FEATURES'\n\
                    pci_nvme_setfeat cid 9 nsid 0x0 fid 0xe save 0x0 cdw11 0x0\n\
                    pci_nvme_admin_cmd cid 9 sqid 0 opc 0x2 opname 'NVME_ADM_CMD_GET_LOG_PAGE'\n\
                    pci_nvme_get_log cid 9 lid 0x7 lsp 0x1 rae 0x0 len 512 off 0\n";
        let seen: Vec<_> = parse(text).iter().map(|one| (one.address, one.selector, one.effect())).collect();
        assert_eq!(
            seen,
            [
                (Address::NvmeNamespace(2), 0, Effect::Informs),
                (Address::Nvme, 0x0E, Effect::Controls),
                (Address::Nvme, 0x107, Effect::Modifies),
            ]
        );
        assert!(Address::NvmeNamespace(1).is_reached_by(Address::Nvme));
        assert!(Address::NvmeNamespace(1).is_reached_by(Address::NvmeNamespace(u32::MAX)));
        assert!(!Address::NvmeNamespace(1).is_reached_by(Address::NvmeNamespace(2)));
    }

    #[test]
    fn a_packet_is_a_command_of_its_own() {
        let text = "handle_cmd_fis_dump ahci(0x55)[2]: FIS:\n\
                    0x00: 27 80 a0 01 00 24 00 a0 00 00 00 00 00 00 00 08 \n\
                    ide_bus_exec_cmd IDE exec cmd: bus 0x55; state 0x56; cmd 0xa0\n\
                    ide_atapi_cmd_packet IDEState: 0x56; limit=0x24 packet: a1 01 00 00 00 00 00 00 00 00 00 00\n";
        let seen: Vec<_> = parse(text).iter().map(|one| (one.address, one.set, one.effect())).collect();
        let port = Address::AhciPort(2);
        assert_eq!(
            seen,
            [(port, CommandSet::Ata, Effect::Controls), (port, CommandSet::Optical, Effect::Modifies)]
        );
    }

    #[test]
    fn an_ata_write_inside_a_scsi_command_is_found() {
        let text = "megasas_handle_scsi LD SCSI dev 1/2/0 sdev 0x55 xfer 512\n\
                    scsi_req_parsed target 2 lun 0 tag 0 command 133 dir 2 length 512\n\
                    scsi_disk_new_request Command: lun=0 tag=0x0 data=85 0b 06 00 00 00 01 00 00 00 00 00 00 40 35 00";
        let command = only(text);
        assert_eq!((command.address, command.effect()), (Address::Sas, Effect::Modifies));
    }

    #[test]
    fn what_an_adapter_answers_itself_takes_no_command_from_another_one() {
        let text = "megasas_handle_scsi LD SCSI dev 1/2/0 sdev 0x55 xfer 0\n\
                    scsi_req_parsed target 1 lun 0 tag -2116677328 command 26 dir 1 length 32\n\
                    megasas_handle_scsi LD SCSI dev 1/2/0 sdev 0x55 xfer 4\n\
                    scsi_req_parsed target 2 lun 0 tag 1 command 26 dir 1 length 4\n";
        let seen: Vec<_> = parse(text).iter().map(|one| one.address).collect();
        assert_eq!(seen, [Address::ScsiTarget(1), Address::Sas]);
        let text = "mptsas_process_scsi_io_request dev 0x5577 dev 0:2:0 length 0\n\
                    scsi_req_parsed target 0 lun 0 tag 1 command 0 dir 0 length 0\n\
                    mptsas_process_scsi_io_request dev 0x5577 dev 0:2:0 length 4\n\
                    scsi_req_parsed target 2 lun 0 tag 1 command 26 dir 1 length 4\n";
        let seen: Vec<_> = parse(text).iter().map(|one| one.address).collect();
        assert_eq!(seen, [Address::ScsiTarget(0), Address::Sas]);
    }

    #[test]
    fn a_virtio_request_that_no_line_names_is_still_counted() {
        let text = "virtio_blk_handle_read vdev 0x1 req 0x2 sector 0 nsectors 8\n\
                    virtio_blk_req_complete vdev 0x1 req 0x2 status 0\n\
                    virtio_blk_req_complete vdev 0x1 req 0x2 status 0\n";
        let opcodes: Vec<_> = parse(text).iter().map(|one| one.opcode).collect();
        assert_eq!(opcodes, [0, UNNAMED_REQUEST]);
    }

    #[test]
    fn parameters_of_the_floppy_controller_are_no_commands() {
        // SPECIFY with two parameters, then WRITE DATA with the multi-track and double-density bits and eight.
        let bytes = [0x03, 0x05, 0x0D, 0xC5, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF, 0x08];
        let lines: Vec<String> =
            bytes.iter().map(|byte| format!("fdc_ioport_write write reg 0x05 val 0x{byte:02x}")).collect();
        let seen: Vec<_> = parse(&lines.join("\n")).iter().map(|one| (one.opcode, one.effect())).collect();
        assert_eq!(seen, [(0x03, Effect::Controls), (0x05, Effect::Modifies), (0x08, Effect::Informs)]);
    }
}
