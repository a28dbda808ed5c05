//! The emulator's trace of what its disk models were told, read back as commands.
//!
//! One disk of each kind can be told apart in it (AHCI, virtio-scsi and NVMe: one for each port, target and namespace).
//! Where two share an address, each is charged with the commands of both; a line that is misread adds a command that
//! no table lists. So what is unclear here speaks against the system under test, never for it.
//!
//! Firmware talks to disks too. A machine that boots by `-kernel` reads the kernel and its command line from the
//! emulator's configuration device after all other work of the firmware, and our kernel has no driver for that device:
//! what stands before the last such line of the trace is the firmware's, what stands behind it the kernel's.

mod reader;

use std::{fmt, path::Path};

use crate::{
    Doing, Result,
    command_tables::{CommandSet, Effect, look_up},
    disk_device::{Disk, Transport},
};

/// The events that are switched on.
pub const EVENTS: [&str; 29] = [
    "fw_cfg_select",
    "handle_cmd_fis_dump",
    "ide_ioport_write",
    "ide_bus_exec_cmd",
    "ide_atapi_cmd_packet",
    "scsi_req_parsed",
    "scsi_disk_new_request",
    "usb_msd_cmd_submit",
    "usb_uas_command",
    "megasas_handle_scsi",
    "megasas_handle_io",
    "mptsas_process_scsi_io_request",
    "ufs_exec_nop_cmd",
    "ufs_exec_scsi_cmd",
    "ufs_exec_query_cmd",
    "pci_nvme_admin_cmd",
    "pci_nvme_io_cmd",
    "pci_nvme_setfeat",
    "pci_nvme_getfeat",
    "pci_nvme_get_log",
    "sdcard_normal_command",
    "sdcard_app_command",
    "virtio_blk_handle_read",
    "virtio_blk_handle_write",
    "virtio_blk_handle_zone_append",
    "virtio_blk_handle_zone_mgmt",
    "virtio_blk_handle_zone_reset_all",
    "virtio_blk_req_complete",
    "fdc_ioport_write",
];

/// Where in the machine a command arrived, as far as the trace tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// A port of the AHCI controller.
    AhciPort(u32),
    /// The first drive on a bus of parallel ATA.
    Ide,
    /// The second one on a bus. The bench plugs in none: what a driver asks there, nobody obeys.
    IdeSecondDrive,
    /// The NVMe controller: what concerns all its namespaces.
    Nvme,
    /// A namespace of the NVMe controller.
    NvmeNamespace(u32),
    /// virtio-blk.
    VirtioBlk,
    /// A target of a SCSI host adapter.
    ScsiTarget(u32),
    /// The disk behind a SAS or RAID adapter.
    Sas,
    /// A USB bulk-only device.
    UsbBot,
    /// A USB UAS device.
    Uas,
    /// UFS.
    Ufs,
    /// A well-known unit of the UFS device, which holds no data: it speaks for the device as a whole.
    UfsWellKnown,
    /// SD card.
    Sd,
    /// The floppy controller.
    Floppy,
}

impl Address {
    /// Where the commands for `disk` arrive.
    #[must_use]
    pub fn of(disk: &Disk) -> Self {
        match disk.transport {
            Transport::Ahci | Transport::AhciCd => Address::AhciPort(disk.port.into()),
            Transport::Ide => Address::Ide,
            Transport::Nvme => Address::NvmeNamespace(1),
            Transport::NvmeNamespace => Address::NvmeNamespace(2),
            Transport::VirtioBlk => Address::VirtioBlk,
            Transport::VirtioScsi | Transport::ScsiCd => Address::ScsiTarget(disk.port.into()),
            Transport::MegaRaid | Transport::Fusion => Address::Sas,
            Transport::UsbBot => Address::UsbBot,
            Transport::Uas => Address::Uas,
            Transport::Sd => Address::Sd,
            Transport::Ufs => Address::Ufs,
            Transport::Floppy => Address::Floppy,
        }
    }

    /// Whether what arrived at `arrived` may have changed the disk here: what an NVMe controller is told concerns each
    /// of its namespaces, and what a UFS device is told each of its units. A second drive is held against the first.
    #[must_use]
    pub fn is_reached_by(self, arrived: Address) -> bool {
        match (self, arrived) {
            (Address::NvmeNamespace(_), Address::Nvme)
            | (Address::Ufs, Address::UfsWellKnown)
            | (Address::Ide, Address::IdeSecondDrive) => true,
            // 0 and FFFFFFFFh stand for none and for all of them.
            (Address::NvmeNamespace(_), Address::NvmeNamespace(0 | u32::MAX)) => true,
            _ => self == arrived,
        }
    }
}

/// Who sent a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The machine's firmware, before the kernel ran.
    Firmware,
    /// The kernel, or whoever ran when the trace does not tell.
    Kernel,
}

/// One command that a disk model received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Command {
    /// Where it arrived.
    pub address: Address,
    /// Who sent it.
    pub sender: Sender,
    /// The set its opcode belongs to.
    pub set: CommandSet,
    /// Its opcode.
    pub opcode: u8,
    /// What tells sub-commands of one opcode apart; see [`CommandSet`].
    pub selector: u16,
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
    reader::parse(text)
}
