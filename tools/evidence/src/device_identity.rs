//! What a device says it is.

use crate::{ByteCount, SectorSize};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a disk is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Serial or parallel ATA behind libata.
    Ata,
    /// NVM Express.
    Nvme,
    /// Parallel SCSI, SAS, or a host adapter that presents SCSI disks.
    Scsi,
    /// USB mass storage, bulk-only or UAS.
    Usb,
    /// SD card or eMMC.
    Mmc,
    /// Universal Flash Storage.
    Ufs,
    /// FireWire (SBP-2).
    Firewire,
    /// virtio block device.
    Virtio,
    /// Floppy controller.
    Floppy,
    /// A loop device: a file seen as a disk.
    Loop,
    /// An ordinary file taken as a source.
    File,
    /// Attached in a way that is not in this list.
    Other,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Ata => "ATA",
            Transport::Nvme => "NVMe",
            Transport::Scsi => "SCSI",
            Transport::Usb => "USB",
            Transport::Mmc => "MMC",
            Transport::Ufs => "UFS",
            Transport::Firewire => "FireWire",
            Transport::Virtio => "virtio",
            Transport::Floppy => "floppy",
            Transport::Loop => "loop",
            Transport::File => "file",
            Transport::Other => "other",
        })
    }
}

/// The identity of a source or destination as the device itself reports it. `None` means the device does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceIdentity {
    /// Device node or file, e.g. `/dev/sda`.
    pub path: String,
    /// Make (vendor).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// World-wide name: NAA, EUI-64, NGUID or T10 designator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wwn: Option<String>,
    /// Firmware revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// How it is attached.
    pub transport: Transport,
    /// Visible capacity.
    pub capacity: ByteCount,
    /// Size of the sectors it is addressed in.
    pub logical_sector: SectorSize,
    /// Size of the sectors it writes internally.
    pub physical_sector: SectorSize,
}
