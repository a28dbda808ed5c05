//! NVMe commands that change a namespace or its controller: NVM Express base 2.0 ("Base"), NVM command set 1.0 ("NVM"), zoned
//! namespaces 1.1 ("ZNS"). A row names its standard; the command's name is the clause's heading.

use crate::vector::Payload::{self, Blocks, CopyRange, DatasetRange, Zeros};
use crate::vector::{Effect, Row, Stake};
use Effect::{Configuration, Control, Miscellaneous, Write};
use Namespace::{All, Own, Zero};
use Stake::{Device, Scratch};
use passthrough::nvme::Queue::{self, Admin, Io};

/// Which namespace a command names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// That of the disk.
    Own,
    /// None: 0.
    Zero,
    /// All: FFFFFFFFh.
    All,
}

/// A command and its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NvmeForm {
    pub(crate) queue: Queue,
    pub(crate) opcode: u8,
    pub(crate) namespace: Namespace,
    /// Command dwords 10 to 15.
    pub(crate) cdw: [u32; 6],
    /// Dwords 10 and 11 take the target's address.
    pub(crate) addressed: bool,
    pub(crate) payload: Payload,
}

const fn row(
    name: &'static str,
    clause: &'static str,
    effect: Effect,
    stake: Stake,
    form: NvmeForm,
) -> Row<NvmeForm> {
    Row { name, clause, effect, stake, form }
}

/// An I/O command on blocks: dword 12 holds their number less one.
const fn io(opcode: u8, cdw12: u32, payload: Payload) -> NvmeForm {
    NvmeForm { queue: Io, opcode, namespace: Own, cdw: [0, 0, cdw12, 0, 0, 0], addressed: true, payload }
}

/// An I/O command that is not about blocks.
const fn io_bare(opcode: u8, cdw10: u32, cdw11: u32, payload: Payload) -> NvmeForm {
    NvmeForm { queue: Io, opcode, namespace: Own, cdw: [cdw10, cdw11, 0, 0, 0, 0], addressed: false, payload }
}

const fn admin(opcode: u8, namespace: Namespace, cdw: [u32; 6], payload: Payload) -> NvmeForm {
    NvmeForm { queue: Admin, opcode, namespace, cdw, addressed: false, payload }
}

/// Set Features; bit 31 of dword 10 is Save.
const fn feature(namespace: Namespace, id: u32, cdw11: u32, payload: Payload) -> NvmeForm {
    admin(0x09, namespace, [id, cdw11, 0, 0, 0, 0], payload)
}

const SAVE: u32 = 1 << 31;
/// Queue number that no controller has.
const NO_QUEUE: u32 = 0x7FFF;

pub(crate) const ROWS: &[Row<NvmeForm>] = &[
    row("Flush", "Base", Control, Scratch, NvmeForm { addressed: false, ..io(0x00, 0, Payload::None) }),
    row("Write", "NVM", Write, Scratch, io(0x01, 0, Blocks(1))),
    row("Write, FUA", "NVM", Write, Scratch, io(0x01, 1 << 30, Blocks(1))),
    row("Write, eight blocks", "NVM", Write, Scratch, io(0x01, 7, Blocks(8))),
    row("Write Uncorrectable", "NVM", Write, Scratch, io(0x04, 0, Payload::None)),
    row("Write Zeroes", "NVM", Write, Scratch, io(0x08, 7, Payload::None)),
    row("Write Zeroes, deallocate", "NVM", Write, Scratch, io(0x08, 7 | 1 << 25, Payload::None)),
    row("Dataset Management, deallocate", "NVM", Write, Scratch, io_bare(0x09, 0, 4, DatasetRange)),
    row(
        "Dataset Management, integral write hint",
        "NVM",
        Miscellaneous,
        Scratch,
        io_bare(0x09, 0, 2, DatasetRange),
    ),
    row("Reservation Register", "Base", Configuration, Scratch, io_bare(0x0D, 0, 0, Zeros(16))),
    row("Reservation Acquire", "Base", Configuration, Scratch, io_bare(0x11, 1 << 8, 0, Zeros(16))),
    row("Reservation Release", "Base", Configuration, Scratch, io_bare(0x15, 1, 0, Zeros(8))),
    row("I/O Management Send", "Base", Configuration, Scratch, io_bare(0x1D, 0, 0, Zeros(8))),
    row("Copy", "NVM", Write, Scratch, io(0x19, 0, CopyRange)),
    row(
        "Zone Management Send, reset",
        "ZNS",
        Write,
        Scratch,
        NvmeForm { cdw: [0, 0, 0, 4, 0, 0], ..io(0x79, 0, Payload::None) },
    ),
    row(
        "Zone Management Send, finish",
        "ZNS",
        Write,
        Scratch,
        NvmeForm { cdw: [0, 0, 0, 2, 0, 0], ..io(0x79, 0, Payload::None) },
    ),
    row("Zone Append", "ZNS", Write, Scratch, io(0x7D, 0, Blocks(1))),
    row("vendor I/O command 81h", "Base", Miscellaneous, Scratch, io_bare(0x81, 0, 0, Zeros(512))),
    row("vendor I/O command C0h", "Base", Miscellaneous, Scratch, io_bare(0xC0, 0, 0, Payload::None)),
    row("reserved I/O command 71h", "Base", Miscellaneous, Scratch, io_bare(0x71, 0, 0, Zeros(512))),
    row("Fabrics command on the I/O queue", "Base", Configuration, Scratch, io_bare(0x7F, 0, 0, Zeros(512))),
    row(
        "Set Features, arbitration (01h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x01, 0x0707_0700, Payload::None),
    ),
    row(
        "Set Features, power management (02h)",
        "Base",
        Control,
        Scratch,
        feature(Zero, 0x02, 0, Payload::None),
    ),
    row(
        "Set Features, power management (02h), saved",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x02 | SAVE, 0, Payload::None),
    ),
    row(
        "Set Features, LBA range type (03h)",
        "NVM",
        Configuration,
        Scratch,
        feature(Own, 0x03, 0, Zeros(4096)),
    ),
    row(
        "Set Features, temperature threshold (04h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x04, 0x0160, Payload::None),
    ),
    row(
        "Set Features, temperature threshold (04h), saved",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x04 | SAVE, 0x0160, Payload::None),
    ),
    row(
        "Set Features, error recovery (05h)",
        "NVM",
        Configuration,
        Scratch,
        feature(Own, 0x05, 1, Payload::None),
    ),
    row(
        "Set Features, volatile write cache off (06h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x06, 0, Payload::None),
    ),
    row(
        "Set Features, volatile write cache off (06h), saved",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x06 | SAVE, 0, Payload::None),
    ),
    row(
        "Set Features, volatile write cache on (06h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x06, 1, Payload::None),
    ),
    row(
        "Set Features, number of queues (07h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x07, 0, Payload::None),
    ),
    row(
        "Set Features, interrupt coalescing (08h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x08, 0, Payload::None),
    ),
    row(
        "Set Features, interrupt vector (09h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x09, 0, Payload::None),
    ),
    row(
        "Set Features, write atomicity (0Ah)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x0A, 1, Payload::None),
    ),
    row(
        "Set Features, asynchronous event (0Bh)",
        "Base",
        Control,
        Scratch,
        feature(Zero, 0x0B, 0, Payload::None),
    ),
    row(
        "Set Features, power state transition (0Ch)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x0C, 0, Zeros(256)),
    ),
    row("Set Features, timestamp (0Eh)", "Base", Configuration, Scratch, feature(Zero, 0x0E, 0, Zeros(8))),
    row(
        "Set Features, keep alive timer (0Fh)",
        "Base",
        Control,
        Scratch,
        feature(Zero, 0x0F, 0, Payload::None),
    ),
    row(
        "Set Features, thermal management (10h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x10, 0, Payload::None),
    ),
    row(
        "Set Features, non-operational power (11h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x11, 0, Payload::None),
    ),
    row(
        "Set Features, read recovery level (12h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x12, 0, Payload::None),
    ),
    row(
        "Set Features, predictable latency (13h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x13, 1, Zeros(512)),
    ),
    row(
        "Set Features, host behaviour (16h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x16, 0, Zeros(512)),
    ),
    row(
        "Set Features, sanitize config (17h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x17, 0, Payload::None),
    ),
    row(
        "Set Features, endurance group event (18h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x18, 1, Payload::None),
    ),
    row(
        "Set Features, I/O command set profile (19h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x19, 0, Payload::None),
    ),
    row(
        "Set Features, spinup control (1Ah)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x1A, 0, Payload::None),
    ),
    row(
        "Set Features, flexible data placement (1Dh)",
        "Base",
        Configuration,
        Device,
        feature(Zero, 0x1D, 0, Payload::None),
    ),
    row(
        "Set Features, namespace metadata (7Fh)",
        "Base",
        Configuration,
        Scratch,
        feature(Own, 0x7F, 0, Zeros(4096)),
    ),
    row(
        "Set Features, controller metadata (7Eh)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x7E, 0, Zeros(4096)),
    ),
    row(
        "Set Features, software progress marker (80h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x80, 0, Payload::None),
    ),
    row(
        "Set Features, host identifier (81h)",
        "Base",
        Configuration,
        Scratch,
        feature(Zero, 0x81, 0, Zeros(8)),
    ),
    row(
        "Set Features, reservation notification mask (82h)",
        "Base",
        Configuration,
        Scratch,
        feature(Own, 0x82, 0, Payload::None),
    ),
    row(
        "Set Features, reservation persistence (83h)",
        "Base",
        Configuration,
        Scratch,
        feature(Own, 0x83, 1, Payload::None),
    ),
    row(
        "Set Features, namespace write protection (84h), none",
        "Base",
        Configuration,
        Scratch,
        feature(Own, 0x84, 0, Payload::None),
    ),
    row(
        "Set Features, namespace write protection (84h), protect",
        "Base",
        Configuration,
        Scratch,
        feature(Own, 0x84, 1, Payload::None),
    ),
    row(
        "Set Features, namespace write protection (84h), permanent",
        "Base",
        Configuration,
        Device,
        feature(Own, 0x84, 3, Payload::None),
    ),
    row(
        "Set Features, vendor (C0h), saved",
        "Base",
        Miscellaneous,
        Scratch,
        feature(Zero, 0xC0 | SAVE, 0, Payload::None),
    ),
    row(
        "Delete I/O Submission Queue, no such queue",
        "Base",
        Control,
        Scratch,
        admin(0x00, Zero, [NO_QUEUE, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Create I/O Submission Queue, no such queue",
        "Base",
        Control,
        Scratch,
        admin(0x01, Zero, [NO_QUEUE, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Get Log Page, host-initiated telemetry, create",
        "Base",
        Configuration,
        Scratch,
        admin(0x02, All, [0x007F_0107, 0, 0, 0, 0, 0], Payload::FromDevice(512)),
    ),
    row(
        "Get Log Page, persistent event, establish context",
        "Base",
        Configuration,
        Scratch,
        admin(0x02, All, [0x007F_010D, 0, 0, 0, 0, 0], Payload::FromDevice(512)),
    ),
    row(
        "Get Log Page, persistent event, release context",
        "Base",
        Configuration,
        Scratch,
        admin(0x02, All, [0x007F_020D, 0, 0, 0, 0, 0], Payload::FromDevice(512)),
    ),
    row(
        "Firmware Commit, activate slot 1 now",
        "Base",
        Configuration,
        Device,
        admin(0x10, Zero, [1 | 3 << 3, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Firmware Commit, download, no activation",
        "Base",
        Configuration,
        Device,
        admin(0x10, Zero, [1, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Firmware Commit, replace boot partition",
        "Base",
        Configuration,
        Device,
        admin(0x10, Zero, [6 << 3, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Firmware Image Download",
        "Base",
        Configuration,
        Device,
        admin(0x11, Zero, [127, 0, 0, 0, 0, 0], Zeros(512)),
    ),
    row(
        "Device Self-test, short",
        "Base",
        Configuration,
        Scratch,
        admin(0x14, Own, [1, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Device Self-test, abort",
        "Base",
        Control,
        Scratch,
        admin(0x14, Own, [0xF, 0, 0, 0, 0, 0], Payload::None),
    ),
    row("Keep Alive", "Base", Control, Scratch, admin(0x18, Zero, [0; 6], Payload::None)),
    row(
        "Directive Send, enable streams",
        "Base",
        Configuration,
        Scratch,
        admin(0x19, Own, [0, 0x0000_0001, 1 | 1 << 8, 0, 0, 0], Payload::None),
    ),
    row(
        "Directive Receive, allocate stream resources",
        "Base",
        Configuration,
        Scratch,
        admin(0x1A, Own, [7, 0x0000_0103, 1, 0, 0, 0], Payload::FromDevice(32)),
    ),
    row(
        "Virtualization Management",
        "Base",
        Configuration,
        Scratch,
        admin(0x1C, Zero, [8, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "NVMe-MI Send, configuration set",
        "Base",
        Configuration,
        Scratch,
        admin(0x1D, Zero, [0x0300_0000, 0x03, 0, 0, 0, 0], Payload::None),
    ),
    row("Capacity Management", "Base", Configuration, Device, admin(0x20, Zero, [0; 6], Payload::None)),
    row(
        "Discovery Information Management",
        "Base",
        Configuration,
        Scratch,
        admin(0x21, Zero, [0; 6], Zeros(512)),
    ),
    row("Lockdown", "Base", Configuration, Device, admin(0x24, Zero, [0x10, 0, 0, 0, 0, 0], Payload::None)),
    row("Migration Send", "Base 2.1", Configuration, Scratch, admin(0x41, Zero, [0; 6], Zeros(512))),
    row(
        "Controller Data Queue, create",
        "Base 2.1",
        Configuration,
        Scratch,
        admin(0x45, Zero, [0; 6], Payload::None),
    ),
    row(
        "Doorbell Buffer Config, no buffers",
        "Base",
        Control,
        Device,
        admin(0x7C, Zero, [0; 6], Payload::None),
    ),
    row("Fabrics command, Connect", "Base", Configuration, Scratch, admin(0x7F, Zero, [0; 6], Zeros(1024))),
    row(
        "Security Send, TCG",
        "Base",
        Configuration,
        Scratch,
        admin(0x81, Zero, [0x0100_0100, 512, 0, 0, 0, 0], Zeros(512)),
    ),
    row("vendor admin command C1h", "Base", Miscellaneous, Scratch, admin(0xC1, Zero, [0; 6], Zeros(512))),
    row("vendor admin command D0h", "Base", Miscellaneous, Scratch, admin(0xD0, Zero, [0; 6], Payload::None)),
    row(
        "reserved admin command 30h",
        "Base",
        Miscellaneous,
        Scratch,
        admin(0x30, Zero, [0; 6], Payload::None),
    ),
    row(
        "Sanitize, exit failure mode",
        "Base",
        Configuration,
        Scratch,
        admin(0x84, Zero, [1, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Namespace Attachment, detach",
        "Base",
        Configuration,
        Device,
        admin(0x15, Own, [1, 0, 0, 0, 0, 0], Payload::Bytes(&CONTROLLER_LIST)),
    ),
    row(
        "Namespace Management, create",
        "Base",
        Configuration,
        Device,
        admin(0x0D, Zero, [0; 6], Zeros(4096)),
    ),
    row("Format NVM", "Base", Write, Device, admin(0x80, Own, [0; 6], Payload::None)),
    row(
        "Format NVM, user data erase",
        "Base",
        Write,
        Device,
        admin(0x80, Own, [1 << 9, 0, 0, 0, 0, 0], Payload::None),
    ),
    row("Sanitize, block erase", "Base", Write, Device, admin(0x84, Zero, [2, 0, 0, 0, 0, 0], Payload::None)),
    row(
        "Sanitize, overwrite",
        "Base",
        Write,
        Device,
        admin(0x84, Zero, [3 | 1 << 4, 0xA5A5_A5A5, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Sanitize, crypto erase",
        "Base",
        Write,
        Device,
        admin(0x84, Zero, [4, 0, 0, 0, 0, 0], Payload::None),
    ),
    row(
        "Namespace Management, delete",
        "Base",
        Write,
        Device,
        admin(0x0D, Own, [1, 0, 0, 0, 0, 0], Payload::None),
    ),
];

/// One controller, number 0 (Base, "Controller List Format").
const CONTROLLER_LIST: [u8; 4096] = {
    let mut list = [0; 4096];
    list[0] = 1;
    list
};
