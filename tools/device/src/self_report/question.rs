//! Every command that this crate can send to a device. There are no others: the channels take nothing else, and the bytes
//! of each are made here. All of them ask and none changes anything, which their standards say in the clause of that name.

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// Of an ATA device, inside ATA PASS-THROUGH (16) (SAT-4).
    Ata(AtaQuestion),
    /// Of a SCSI device.
    Scsi(ScsiQuestion),
    /// Of an NVMe controller.
    Nvme(NvmeQuestion),
    /// Of an eMMC: SEND_EXT_CSD, CMD8 (JESD84-B51 §6.10.4).
    ExtCsd,
}

/// Commands of ACS-4, and of ATA8-ACS where ACS-4 has them no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AtaQuestion {
    /// IDENTIFY DEVICE.
    Identify,
    /// READ NATIVE MAX ADDRESS: 28 bits.
    NativeMax,
    /// READ NATIVE MAX ADDRESS EXT: 48 bits.
    NativeMaxExt,
    /// GET NATIVE MAX ADDRESS EXT.
    AccessibleNativeMax,
    /// DEVICE CONFIGURATION IDENTIFY.
    DeviceConfiguration,
    /// SMART RETURN STATUS.
    SmartStatus,
    /// SMART READ DATA.
    SmartData,
}

/// Commands of SPC-5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ScsiQuestion {
    /// LOG SENSE, Informational Exceptions page.
    InformationalExceptions,
    /// SECURITY PROTOCOL IN: list of protocols.
    SecurityProtocols,
    /// SECURITY PROTOCOL IN: TCG Level 0 Discovery.
    TcgDiscovery,
}

/// Admin commands of NVM Express 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NvmeQuestion {
    /// Identify Controller (CNS 01h).
    Controller,
    /// Identify Namespace (CNS 00h).
    Namespace(u32),
    /// Identify Namespace of one that may be allocated only (CNS 11h).
    AllocatedNamespace(u32),
    /// Namespace Identification Descriptor list (CNS 03h).
    Descriptors(u32),
    /// Active Namespace ID list (CNS 02h).
    ActiveList,
    /// Allocated Namespace ID list (CNS 10h).
    AllocatedList,
    /// Get Log Page: SMART / Health Information (02h).
    Health,
    /// Security Receive: list of protocols.
    SecurityProtocols,
    /// Security Receive: TCG Level 0 Discovery.
    TcgDiscovery,
}

/// A SCSI command block and how much it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommandBlock {
    pub(crate) bytes: [u8; 16],
    /// How many of the bytes are sent.
    pub(crate) length: u8,
    pub(crate) returns: usize,
}

/// What of an NVMe command is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AdminCommand {
    pub(crate) opcode: u8,
    pub(crate) namespace: u32,
    pub(crate) dword10: u32,
    pub(crate) dword11: u32,
    pub(crate) returns: usize,
}

/// Size of an ATA data block, and of all that is asked of ATA devices.
const BLOCK: usize = 512;
/// Size of what Identify returns.
const IDENTIFY_SIZE: usize = 4096;
/// Room for Level 0 Discovery: all features that exist together take less.
const SECURITY_SIZE: u16 = 2048;
/// LOG SENSE: the whole of the page is below.
const LOG_SIZE: u16 = 252;
/// The NVMe health log.
const HEALTH_SIZE: usize = 512;
/// All namespaces, or the controller itself.
const EVERY_NAMESPACE: u32 = u32::MAX;

/// SAT-4, PROTOCOL field.
const NON_DATA: u8 = 3;
const PIO_IN: u8 = 4;
/// CK_COND: hand the registers back in sense data.
const CK_COND: u8 = 0x20;
/// T_DIR from the device, BYT_BLOK, T_LENGTH in the count field.
const ONE_BLOCK_IN: u8 = 0x0E;

impl AtaQuestion {
    /// Name of the command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            AtaQuestion::Identify => "IDENTIFY DEVICE",
            AtaQuestion::NativeMax => "READ NATIVE MAX ADDRESS",
            AtaQuestion::NativeMaxExt => "READ NATIVE MAX ADDRESS EXT",
            AtaQuestion::AccessibleNativeMax => "GET NATIVE MAX ADDRESS EXT",
            AtaQuestion::DeviceConfiguration => "DEVICE CONFIGURATION IDENTIFY",
            AtaQuestion::SmartStatus => "SMART RETURN STATUS",
            AtaQuestion::SmartData => "SMART READ DATA",
        }
    }

    /// Command and feature register, and whether a block of data comes back or registers.
    fn registers(self) -> (u8, u8, bool) {
        match self {
            AtaQuestion::Identify => (0xEC, 0x00, true),
            AtaQuestion::NativeMax => (0xF8, 0x00, false),
            AtaQuestion::NativeMaxExt => (0x27, 0x00, false),
            AtaQuestion::AccessibleNativeMax => (0x78, 0x00, false),
            AtaQuestion::DeviceConfiguration => (0xB1, 0xC2, true),
            AtaQuestion::SmartStatus => (0xB0, 0xDA, false),
            AtaQuestion::SmartData => (0xB0, 0xD0, true),
        }
    }

    /// ATA PASS-THROUGH (16), SAT-4 §12.2.2.
    pub(crate) fn command_block(self) -> CommandBlock {
        let (command, feature, has_data) = self.registers();
        let is_48_bit = matches!(self, AtaQuestion::NativeMaxExt | AtaQuestion::AccessibleNativeMax);
        let is_smart = command == 0xB0;
        let (protocol, transfer) = if has_data { (PIO_IN, ONE_BLOCK_IN) } else { (NON_DATA, CK_COND) };
        let mut bytes = [0u8; 16];
        bytes[0] = 0x85;
        bytes[1] = protocol << 1 | u8::from(is_48_bit);
        bytes[2] = transfer;
        bytes[4] = feature;
        bytes[6] = u8::from(has_data);
        // The signature that every SMART command carries, ACS-4 §7.48.
        (bytes[10], bytes[12]) = if is_smart { (0x4F, 0xC2) } else { (0, 0) };
        // LBA addressing: READ NATIVE MAX ADDRESS answers in cylinders, heads and sectors without it.
        bytes[13] = 0x40;
        bytes[14] = command;
        CommandBlock { bytes, length: 16, returns: if has_data { BLOCK } else { 0 } }
    }
}

impl ScsiQuestion {
    /// Name of the command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ScsiQuestion::InformationalExceptions => "LOG SENSE",
            ScsiQuestion::SecurityProtocols | ScsiQuestion::TcgDiscovery => "SECURITY PROTOCOL IN",
        }
    }

    pub(crate) fn command_block(self) -> CommandBlock {
        let mut bytes = [0u8; 16];
        let (length, size) = match self {
            ScsiQuestion::InformationalExceptions => {
                let [high, low] = LOG_SIZE.to_be_bytes();
                bytes[0] = 0x4D;
                // Page control 01b: cumulative values; SP stays 0, so that nothing is saved.
                bytes[2] = 0x40 | 0x2F;
                (bytes[7], bytes[8]) = (high, low);
                (10, LOG_SIZE)
            }
            ScsiQuestion::SecurityProtocols | ScsiQuestion::TcgDiscovery => {
                // In bytes: INC_512 stays 0, for translation layers that know no other form than whole blocks take both.
                let [high, low] = SECURITY_SIZE.to_be_bytes();
                bytes[0] = 0xA2;
                let is_tcg = self == ScsiQuestion::TcgDiscovery;
                // Protocol 01h with ComID 0001h is Level 0 Discovery, TCG Storage Core §3.3.6.
                (bytes[1], bytes[3]) = if is_tcg { (1, 1) } else { (0, 0) };
                (bytes[8], bytes[9]) = (high, low);
                (12, SECURITY_SIZE)
            }
        };
        CommandBlock { bytes, length, returns: usize::from(size) }
    }
}

impl NvmeQuestion {
    /// Name of the command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            NvmeQuestion::Controller => "Identify Controller",
            NvmeQuestion::Namespace(_) => "Identify Namespace",
            NvmeQuestion::AllocatedNamespace(_) => "Identify Allocated Namespace",
            NvmeQuestion::Descriptors(_) => "Identify, descriptors of a namespace",
            NvmeQuestion::ActiveList => "Identify, list of active namespaces",
            NvmeQuestion::AllocatedList => "Identify, list of allocated namespaces",
            NvmeQuestion::Health => "Get Log Page, health",
            NvmeQuestion::SecurityProtocols | NvmeQuestion::TcgDiscovery => "Security Receive",
        }
    }

    pub(crate) fn command(self) -> AdminCommand {
        let identify = |cns, namespace| AdminCommand {
            opcode: 0x06,
            namespace,
            dword10: cns,
            dword11: 0,
            returns: IDENTIFY_SIZE,
        };
        let security = |dword10| AdminCommand {
            opcode: 0x82,
            namespace: 0,
            dword10,
            dword11: u32::from(SECURITY_SIZE),
            returns: usize::from(SECURITY_SIZE),
        };
        match self {
            NvmeQuestion::Controller => identify(0x01, 0),
            NvmeQuestion::Namespace(id) => identify(0x00, id),
            NvmeQuestion::AllocatedNamespace(id) => identify(0x11, id),
            NvmeQuestion::Descriptors(id) => identify(0x03, id),
            // Both lists begin behind the number given here.
            NvmeQuestion::ActiveList => identify(0x02, 0),
            NvmeQuestion::AllocatedList => identify(0x10, 0),
            NvmeQuestion::Health => AdminCommand {
                opcode: 0x02,
                namespace: EVERY_NAMESPACE,
                // Number of dwords, less one, above the log's identifier.
                dword10: 127 << 16 | 0x02,
                dword11: 0,
                returns: HEALTH_SIZE,
            },
            NvmeQuestion::SecurityProtocols => security(0),
            // Security Protocol 01h in bits 31:24, its specific field 0001h in bits 23:08.
            NvmeQuestion::TcgDiscovery => security(0x0100_0100),
        }
    }
}

impl Question {
    /// Name of the command.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Question::Ata(question) => question.name(),
            Question::Scsi(question) => question.name(),
            Question::Nvme(question) => question.name(),
            Question::ExtCsd => "SEND_EXT_CSD",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const ATA: [AtaQuestion; 7] = [
        AtaQuestion::Identify,
        AtaQuestion::NativeMax,
        AtaQuestion::NativeMaxExt,
        AtaQuestion::AccessibleNativeMax,
        AtaQuestion::DeviceConfiguration,
        AtaQuestion::SmartStatus,
        AtaQuestion::SmartData,
    ];
    const SCSI: [ScsiQuestion; 3] =
        [ScsiQuestion::InformationalExceptions, ScsiQuestion::SecurityProtocols, ScsiQuestion::TcgDiscovery];
    const NVME: [NvmeQuestion; 9] = [
        NvmeQuestion::Descriptors(1),
        NvmeQuestion::Controller,
        NvmeQuestion::Namespace(1),
        NvmeQuestion::AllocatedNamespace(2),
        NvmeQuestion::ActiveList,
        NvmeQuestion::AllocatedList,
        NvmeQuestion::Health,
        NvmeQuestion::SecurityProtocols,
        NvmeQuestion::TcgDiscovery,
    ];

    /// The verdict that the guard's own page gives a program's command on a disk.
    fn verdict(set: &str, opcode: u8, sub: u32) -> String {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../kernel-config/POLICY.md");
        let page = std::fs::read_to_string(page).unwrap();
        let table = page.split(&format!("\n## {set}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        let rows: Vec<Vec<&str>> =
            table.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
        let of_opcode = |sub_code: &str| {
            rows.iter()
                .find(|row| {
                    row.len() > 6
                        && row[1] == format!("{opcode:02X}")
                        && row[2] == sub_code
                        && ["any", "disk"].contains(&row[3])
                })
                .map(|row| row[6].to_owned())
        };
        of_opcode(&format!("{sub:02X}")).or_else(|| of_opcode("-")).unwrap_or_else(|| "refuse".to_owned())
    }

    #[test]
    fn the_guard_lets_a_program_send_every_question_to_a_blocked_disk() {
        for question in ATA {
            let block = question.command_block();
            assert_eq!(verdict("scsi", block.bytes[0], 0), "pass");
            assert_eq!(verdict("ata", block.bytes[14], block.bytes[4].into()), "pass", "{}", question.name());
        }
        for question in SCSI {
            let block = question.command_block();
            let sub = if block.bytes[0] == 0x4D { block.bytes[1] & 1 } else { block.bytes[1] };
            assert_eq!(verdict("scsi", block.bytes[0], sub.into()), "pass", "{}", question.name());
        }
        for question in NVME {
            let command = question.command();
            let sub = if command.opcode == 0x82 { command.dword10 >> 24 } else { 0 };
            assert_eq!(verdict("nvme-admin", command.opcode, sub), "pass", "{}", question.name());
        }
        assert_eq!(verdict("mmc", 8, 0), "pass");
        assert_eq!(verdict("ata", 0xF9, 0), "refuse", "the page is read as it stands");
    }

    #[test]
    fn the_command_blocks_are_those_of_the_standards() {
        // What hdparm -I, hdparm -N and smartctl -H send, byte for byte, but for the registers that are not used.
        let identify = AtaQuestion::Identify.command_block();
        assert_eq!(identify.bytes, [0x85, 8, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0xEC, 0]);
        let native = AtaQuestion::NativeMaxExt.command_block();
        assert_eq!(native.bytes, [0x85, 7, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x27, 0]);
        let smart = AtaQuestion::SmartStatus.command_block();
        assert_eq!(smart.bytes, [0x85, 6, 0x20, 0, 0xDA, 0, 0, 0, 0, 0, 0x4F, 0, 0xC2, 0x40, 0xB0, 0]);
        let health = NvmeQuestion::Health.command();
        assert_eq!((health.dword10, health.namespace), (0x007F_0002, 0xFFFF_FFFF));
        // Level 0 Discovery as sedutil asks for it: protocol 01h, ComID 0001h.
        assert_eq!(NvmeQuestion::TcgDiscovery.command().dword10, 0x0100_0100);
        let discovery = ScsiQuestion::TcgDiscovery.command_block();
        assert_eq!(discovery.bytes[..12], [0xA2, 1, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0]);
    }
}
