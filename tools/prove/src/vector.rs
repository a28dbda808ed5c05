//! The words of the catalogue: what a row is, what it does, through which door it goes.

use serde::Serialize;
use std::fmt;

/// Groups of vectors, as `--only` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Class {
    /// Writes, discards and settings of the block layer.
    Block,
    /// SCSI commands for disks and for any device.
    Scsi,
    /// SCSI commands for optical drives.
    Optical,
    /// ATA commands.
    Ata,
    /// NVMe commands and controller resets.
    Nvme,
    /// MMC and SD commands.
    Mmc,
    /// UFS queries.
    Ufs,
    /// usbfs.
    Usb,
    /// Persistent reservations by ioctl.
    Reservation,
    /// TCG Opal by ioctl.
    Opal,
    /// Raw floppy commands.
    Floppy,
    /// Mounts of what lies on the disk.
    Mount,
    /// Assembly of a Linux RAID array.
    Raid,
    /// Resets and re-discovery, with a write right behind them.
    Reset,
    /// Random commands.
    Random,
}

/// What a vector does to a disk that obeys it, in the categories of NIST's test assertions for write blockers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    /// Changes or removes data.
    Write,
    /// Changes a lasting setting, or what of the medium can be seen.
    Configuration,
    /// Vendor specific, obsolete or reserved: nobody can say, so it must not pass.
    Miscellaneous,
    /// Changes how the device spins or talks until it loses power, or flushes a cache that is empty: may pass.
    Control,
}

/// What is at stake when the vector gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stake {
    /// The scratch data, or a setting that can be undone.
    Scratch,
    /// The device: it may end locked, erased for hours, without firmware or off the bus. Only with `--destructive`.
    Device,
}

/// The way a vector takes into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Door {
    /// The block node of the disk.
    Disk,
    /// The block node of its first partition.
    Partition,
    /// A loop device on top of the disk.
    Loop,
    /// A linear device of the device mapper on top of the disk, as LVM makes them.
    Mapper,
    /// The block node of a member of a Linux RAID array.
    RaidMember,
    /// The SCSI generic node (`/dev/sg*`), SG_IO version 3.
    Generic,
    /// The bsg node, SG_IO version 4.
    Bsg,
    /// The NVMe controller's node.
    Controller,
    /// The NVMe generic node (`/dev/ng*`).
    NvmeGeneric,
    /// io_uring commands on the NVMe generic or controller node.
    Ring,
    /// The USB device's node.
    UsbDevice,
    /// The UFS host's bsg node.
    UfsHost,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Door::Disk => "disk",
            Door::Partition => "partition",
            Door::Loop => "loop",
            Door::Mapper => "dm",
            Door::RaidMember => "md",
            Door::Generic => "sg",
            Door::Bsg => "bsg",
            Door::Controller => "controller",
            Door::NvmeGeneric => "ng",
            Door::Ring => "io_uring",
            Door::UsbDevice => "usbfs",
            Door::UfsHost => "ufs-bsg",
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Block => "block",
            Class::Scsi => "scsi",
            Class::Optical => "optical",
            Class::Ata => "ata",
            Class::Nvme => "nvme",
            Class::Mmc => "mmc",
            Class::Ufs => "ufs",
            Class::Usb => "usb",
            Class::Reservation => "reservation",
            Class::Opal => "opal",
            Class::Floppy => "floppy",
            Class::Mount => "mount",
            Class::Raid => "raid",
            Class::Reset => "reset",
            Class::Random => "random",
        })
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Write => "write",
            Effect::Configuration => "configuration",
            Effect::Miscellaneous => "miscellaneous",
            Effect::Control => "control",
        })
    }
}

/// One row of the catalogue: a way to change a disk, written from its standard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<Form: 'static> {
    /// The name that the standard gives it, and what distinguishes this form.
    pub(crate) name: &'static str,
    /// Where the standard describes it.
    pub(crate) clause: &'static str,
    /// What it does.
    pub(crate) effect: Effect,
    /// What is at stake.
    pub(crate) stake: Stake,
    /// What is sent.
    pub(crate) form: Form,
}

/// A field of a command that is filled in when it is built: big-endian, `width` bytes from byte `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) at: usize,
    pub(crate) width: usize,
}

/// Data that goes with a command to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// None.
    None,
    /// So many logical blocks of fresh bytes.
    Blocks(u32),
    /// So many bytes, fresh.
    Fresh(usize),
    /// So many bytes, all zero: harmless as a password, a key or a parameter list.
    Zeros(usize),
    /// These bytes.
    Bytes(&'static [u8]),
    /// What the target block holds, then a fresh block: COMPARE AND WRITE.
    CompareThenWrite,
    /// UNMAP parameter list for eight blocks at the target, SBC-4.
    UnmapList,
    /// ATA DATA SET MANAGEMENT range entry for eight blocks at the target, ACS-5.
    TrimList,
    /// NVMe Dataset Management range for eight blocks at the target.
    DatasetRange,
    /// NVMe Copy descriptor: one block from the block after the target's eight.
    CopyRange,
    /// The other direction: so many bytes come from the device.
    FromDevice(usize),
}
