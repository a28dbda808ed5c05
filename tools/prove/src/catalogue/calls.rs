//! Ioctls that are no pass-through commands but make the kernel send one: reservations, Opal, controller resets, floppy
//! commands, usbfs. Named as the kernel's headers name them.

use crate::vector::{Class, Door, Effect, Row, Stake};
use Effect::{Configuration, Control, Write};
use Stake::{Device, Scratch};
use passthrough::nvme::ControllerAction;
use passthrough::opal::Action as Opal;
use passthrough::reservation::Action as Reserve;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallForm {
    /// A persistent reservation.
    Reservation(Reserve),
    /// An Opal request.
    Opal(Opal),
    /// A controller reset.
    Controller(ControllerAction),
    /// A raw floppy write.
    FloppyWrite,
    /// Formatting one track.
    FloppyFormat,
    /// `HDIO_DRIVE_CMD`: command, sector, feature, sectors returned.
    HdioCommand([u8; 4]),
    /// `HDIO_DRIVE_TASK`.
    HdioTask([u8; 7]),
    /// Assembling a degraded array of its one member and starting it.
    RaidStart,
    /// The same, then a write through the array.
    RaidWrite,
    /// Opening the USB device for writing.
    UsbOpen,
    /// Claiming the mass-storage interface.
    UsbClaim,
    /// A mass-storage class reset by a control transfer.
    UsbClassReset,
    /// Resetting the device's port.
    UsbReset,
    /// Taking the interface from its driver, sending a WRITE (10) over the bulk pipes, giving it back.
    UsbWrite,
}

/// A call, its class, and the door it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) class: Class,
    pub(crate) door: Door,
    pub(crate) row: Row<CallForm>,
}

const fn call(
    class: Class,
    door: Door,
    name: &'static str,
    effect: Effect,
    stake: Stake,
    form: CallForm,
) -> Call {
    let clause = match class {
        Class::Reservation => "linux/pr.h",
        Class::Opal => "linux/sed-opal.h",
        Class::Nvme => "linux/nvme_ioctl.h",
        Class::Floppy => "linux/fd.h",
        Class::Raid => "linux/raid/md_u.h",
        Class::Usb => "linux/usbdevice_fs.h",
        _ => "linux/hdreg.h",
    };
    Call { class, door, row: Row { name, clause, effect, stake, form } }
}

const fn reserve(name: &'static str, action: Reserve) -> Call {
    call(Class::Reservation, Door::Disk, name, Configuration, Scratch, CallForm::Reservation(action))
}

const fn opal(name: &'static str, effect: Effect, stake: Stake, action: Opal) -> Call {
    call(Class::Opal, Door::Disk, name, effect, stake, CallForm::Opal(action))
}

const fn usb(name: &'static str, effect: Effect, stake: Stake, form: CallForm) -> Call {
    call(Class::Usb, Door::UsbDevice, name, effect, stake, form)
}

const fn hdio(name: &'static str, effect: Effect, form: CallForm) -> Call {
    call(Class::Ata, Door::Disk, name, effect, Scratch, form)
}

pub(crate) const CALLS: &[Call] = &[
    hdio("HDIO_DRIVE_CMD, write cache off", Configuration, CallForm::HdioCommand([0xEF, 0, 0x82, 0])),
    hdio("HDIO_DRIVE_CMD, SMART disable", Configuration, CallForm::HdioCommand([0xB0, 0, 0xD9, 0])),
    hdio("HDIO_DRIVE_CMD, SMART enable", Configuration, CallForm::HdioCommand([0xB0, 0, 0xD8, 0])),
    hdio("HDIO_DRIVE_CMD, security freeze lock", Configuration, CallForm::HdioCommand([0xF5, 0, 0, 0])),
    hdio("HDIO_DRIVE_CMD, standby immediate", Control, CallForm::HdioCommand([0xE0, 0, 0, 0])),
    hdio(
        "HDIO_DRIVE_TASK, SET MAX freeze lock",
        Configuration,
        CallForm::HdioTask([0xF9, 0x04, 0, 0, 0, 0, 0x40]),
    ),
    hdio("HDIO_DRIVE_TASK, CFA erase sectors", Write, CallForm::HdioTask([0xC0, 0, 1, 1, 0, 0, 0x40])),
    reserve("IOC_PR_REGISTER", Reserve::Register),
    reserve("IOC_PR_RESERVE", Reserve::Reserve),
    reserve("IOC_PR_RELEASE", Reserve::Release),
    reserve("IOC_PR_PREEMPT", Reserve::Preempt),
    reserve("IOC_PR_PREEMPT_ABORT", Reserve::PreemptAbort),
    reserve("IOC_PR_CLEAR", Reserve::Clear),
    // Kept in the kernel's memory until a resume from suspend.
    opal("IOC_OPAL_SAVE", Control, Scratch, Opal::Save),
    opal("IOC_OPAL_LOCK_UNLOCK", Configuration, Scratch, Opal::LockUnlock),
    opal("IOC_OPAL_SET_PW", Configuration, Device, Opal::SetPassword),
    opal("IOC_OPAL_LR_SETUP", Configuration, Device, Opal::SetUpRange),
    opal("IOC_OPAL_ADD_USR_TO_LR", Configuration, Device, Opal::AddUser),
    opal("IOC_OPAL_ENABLE_DISABLE_MBR", Configuration, Device, Opal::EnableShadowMbr),
    opal("IOC_OPAL_MBR_DONE", Configuration, Device, Opal::MbrDone),
    opal("IOC_OPAL_WRITE_SHADOW_MBR", Write, Device, Opal::WriteShadowMbr),
    opal("IOC_OPAL_GENERIC_TABLE_RW", Configuration, Device, Opal::WriteTable),
    opal("IOC_OPAL_ACTIVATE_LSP", Configuration, Device, Opal::ActivateLocking),
    opal("IOC_OPAL_TAKE_OWNERSHIP", Configuration, Device, Opal::TakeOwnership),
    opal("IOC_OPAL_ERASE_LR", Write, Device, Opal::EraseRange),
    opal("IOC_OPAL_SECURE_ERASE_LR", Write, Device, Opal::SecureEraseRange),
    opal("IOC_OPAL_PSID_REVERT_TPR", Write, Device, Opal::PsidRevert),
    opal("IOC_OPAL_REVERT_TPR", Write, Device, Opal::RevertTper),
    call(Class::Raid, Door::RaidMember, "assemble and RUN_ARRAY", Write, Scratch, CallForm::RaidStart),
    call(Class::Raid, Door::RaidMember, "assemble, RUN_ARRAY and write", Write, Scratch, CallForm::RaidWrite),
    call(Class::Floppy, Door::Disk, "FDRAWCMD, write data", Write, Scratch, CallForm::FloppyWrite),
    call(Class::Floppy, Door::Disk, "FDFMTTRK", Write, Scratch, CallForm::FloppyFormat),
    call(
        Class::Nvme,
        Door::Controller,
        "NVME_IOCTL_RESCAN",
        Control,
        Scratch,
        CallForm::Controller(ControllerAction::Rescan),
    ),
    call(
        Class::Nvme,
        Door::Controller,
        "NVME_IOCTL_RESET",
        Control,
        Scratch,
        CallForm::Controller(ControllerAction::Reset),
    ),
    call(
        Class::Nvme,
        Door::Controller,
        "NVME_IOCTL_SUBSYS_RESET",
        Control,
        Device,
        CallForm::Controller(ControllerAction::SubsystemReset),
    ),
    usb("open the USB device for writing", Control, Scratch, CallForm::UsbOpen),
    usb("USBDEVFS_CLAIMINTERFACE", Control, Scratch, CallForm::UsbClaim),
    usb("USBDEVFS_CONTROL, mass-storage reset", Control, Scratch, CallForm::UsbClassReset),
    usb("USBDEVFS_RESET", Control, Device, CallForm::UsbReset),
    usb("USBDEVFS_BULK, WRITE (10) over the bulk pipes", Write, Device, CallForm::UsbWrite),
];
