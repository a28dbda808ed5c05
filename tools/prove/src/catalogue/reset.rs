//! Resets and re-discovery, each with a write right behind it: a block that is set up once, when a disk appears, may be gone by
//! then, and one that is set up by a program comes too late.

use crate::vector::{Class, Effect, Row, Stake};
use Stake::{Device, Scratch};
use passthrough::scsi::Reset;

/// What happens first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResetForm {
    /// `SG_SCSI_RESET`.
    Scsi(Reset),
    /// `NVME_IOCTL_RESET`.
    NvmeIoctl,
    /// `reset_controller` of the NVMe controller in sysfs.
    NvmeSysfs,
    /// `USBDEVFS_RESET`.
    Usb,
    /// `scan` of the SCSI host in sysfs: links are looked at again.
    Scan,
    /// `delete` of the SCSI device in sysfs, then `scan` of its host: the disk is found anew.
    Rediscovery,
    /// `remove` of the PCI function in sysfs, then `rescan` of the bus. Only where no other disk hangs on it.
    Pci,
}

/// The write that follows at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FollowUp {
    /// A direct write.
    Write,
    /// The read-only mark cleared, then a direct write.
    ClearMarkThenWrite,
    /// A write command past the block layer.
    RawWrite,
}

impl FollowUp {
    /// All of them, and their names.
    pub(crate) const ALL: [(FollowUp, &'static str); 3] = [
        (FollowUp::Write, "then write, direct"),
        (FollowUp::ClearMarkThenWrite, "then BLKROSET, clear, and write"),
        (FollowUp::RawWrite, "then a raw write command"),
    ];
}

const fn row(name: &'static str, clause: &'static str, stake: Stake, form: ResetForm) -> Row<ResetForm> {
    Row { name, clause, effect: Effect::Write, stake, form }
}

/// The class of all these rows.
pub(crate) const CLASS: Class = Class::Reset;

pub(crate) const ROWS: &[Row<ResetForm>] = &[
    row("SG_SCSI_RESET, device", "scsi/sg.h", Scratch, ResetForm::Scsi(Reset::Device)),
    row("SG_SCSI_RESET, target", "scsi/sg.h", Scratch, ResetForm::Scsi(Reset::Target)),
    row("SG_SCSI_RESET, bus", "scsi/sg.h", Scratch, ResetForm::Scsi(Reset::Bus)),
    row("SG_SCSI_RESET, host", "scsi/sg.h", Scratch, ResetForm::Scsi(Reset::Host)),
    row("NVME_IOCTL_RESET", "linux/nvme_ioctl.h", Scratch, ResetForm::NvmeIoctl),
    row("reset_controller", "sysfs, nvme", Scratch, ResetForm::NvmeSysfs),
    row("host scan", "sysfs, scsi_host", Scratch, ResetForm::Scan),
    row("delete and host scan", "sysfs, scsi_device", Scratch, ResetForm::Rediscovery),
    row("USBDEVFS_RESET", "linux/usbdevice_fs.h", Device, ResetForm::Usb),
    row("PCI remove and rescan", "sysfs, pci", Device, ResetForm::Pci),
];
