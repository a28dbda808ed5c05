//! ATA commands that change a disk: ACS-5, for obsolete ones ATA/ATAPI-7 (ATA-7) or the standard that last had them, CFA
//! for memory cards, ZAC-2 for zones. A row names its standard; the command's name is the clause's heading.

use crate::vector::Payload::{self, Blocks, FromDevice, TrimList, Zeros};
use crate::vector::{Effect, Row, Stake};
use Address::{Fixed, NativeMax, None as NoAddress, Target};
use Effect::{Configuration, Control, Miscellaneous, Write};
use Protocol::{Dma, Fpdma, NonData, PioOut};
use Stake::{Device, Scratch};

/// How data moves, SAT-4 "ATA PASS-THROUGH (16) command", field PROTOCOL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// No data.
    NonData,
    /// By the processor, from the device.
    PioIn,
    /// By the processor, to the device.
    PioOut,
    /// By DMA, in the payload's direction.
    Dma,
    /// Queued by DMA (NCQ): the count is in the feature field.
    Fpdma,
}

/// What goes into the LBA field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// Zero.
    None,
    /// The block under attack.
    Target,
    /// A value that the command demands.
    Fixed(u64),
    /// The last block of the disk: a new limit that changes nothing.
    NativeMax,
}

/// A taskfile and its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtaForm {
    /// Command register.
    pub(crate) command: u8,
    /// Feature field.
    pub(crate) feature: u16,
    /// Count field.
    pub(crate) count: u16,
    /// LBA field.
    pub(crate) address: Address,
    /// Protocol.
    pub(crate) protocol: Protocol,
    /// 48-bit command.
    pub(crate) extended: bool,
    /// Its data.
    pub(crate) payload: Payload,
}

const fn row(
    name: &'static str,
    clause: &'static str,
    effect: Effect,
    stake: Stake,
    form: AtaForm,
) -> Row<AtaForm> {
    Row { name, clause, effect, stake, form }
}

/// A 28-bit command.
const fn short(
    command: u8,
    feature: u16,
    count: u16,
    address: Address,
    protocol: Protocol,
    payload: Payload,
) -> AtaForm {
    AtaForm { command, feature, count, address, protocol, extended: false, payload }
}

/// A 48-bit command.
const fn ext(
    command: u8,
    feature: u16,
    count: u16,
    address: Address,
    protocol: Protocol,
    payload: Payload,
) -> AtaForm {
    AtaForm { command, feature, count, address, protocol, extended: true, payload }
}

const fn bare(command: u8, feature: u16, count: u16, address: Address) -> AtaForm {
    short(command, feature, count, address, NonData, Payload::None)
}

/// SMART wants C2h in LBA 23:16 and 4Fh in LBA 15:8.
const fn smart(feature: u16, count: u16, low: u8) -> AtaForm {
    bare(0xB0, feature, count, Fixed(0x00C2_4F00 | low_byte(low)))
}

#[allow(clippy::as_conversions, reason = "u64::from is not const; widening")]
const fn low_byte(low: u8) -> u64 {
    low as u64
}

pub(crate) const ROWS: &[Row<AtaForm>] = &[
    row("WRITE SECTOR(S)", "ACS-5", Write, Scratch, short(0x30, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE SECTOR(S), no retry", "ATA-4", Write, Scratch, short(0x31, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE SECTOR(S) EXT", "ACS-5", Write, Scratch, ext(0x34, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE DMA", "ACS-5", Write, Scratch, short(0xCA, 0, 1, Target, Dma, Blocks(1))),
    row("WRITE DMA, no retry", "ATA-4", Write, Scratch, short(0xCB, 0, 1, Target, Dma, Blocks(1))),
    row("WRITE DMA EXT", "ACS-5", Write, Scratch, ext(0x35, 0, 1, Target, Dma, Blocks(1))),
    row("WRITE DMA FUA EXT", "ACS-5", Write, Scratch, ext(0x3D, 0, 1, Target, Dma, Blocks(1))),
    row("WRITE DMA QUEUED", "ATA-7", Write, Scratch, short(0xCC, 1, 0, Target, Dma, Blocks(1))),
    row("WRITE DMA QUEUED EXT", "ATA-7", Write, Scratch, ext(0x36, 1, 0, Target, Dma, Blocks(1))),
    row("WRITE DMA QUEUED FUA EXT", "ATA-7", Write, Scratch, ext(0x3E, 1, 0, Target, Dma, Blocks(1))),
    row("WRITE MULTIPLE", "ACS-5", Write, Scratch, short(0xC5, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE MULTIPLE EXT", "ACS-5", Write, Scratch, ext(0x39, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE MULTIPLE FUA EXT", "ACS-3", Write, Scratch, ext(0xCE, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE STREAM EXT", "ACS-5", Write, Scratch, ext(0x3B, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE STREAM DMA EXT", "ACS-5", Write, Scratch, ext(0x3A, 0, 1, Target, Dma, Blocks(1))),
    row("WRITE FPDMA QUEUED", "ACS-5", Write, Scratch, ext(0x61, 1, 0, Target, Fpdma, Blocks(1))),
    row("WRITE VERIFY", "ATA-3", Write, Scratch, short(0x3C, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE SAME", "ATA-2", Write, Scratch, short(0xE9, 0x22, 1, Target, PioOut, Blocks(1))),
    row("WRITE LONG", "ATA-7", Write, Scratch, short(0x32, 0, 1, Target, PioOut, Blocks(1))),
    row("WRITE LONG, no retry", "ATA-3", Write, Scratch, short(0x33, 0, 1, Target, PioOut, Blocks(1))),
    row("FORMAT TRACK", "ATA-3", Write, Scratch, short(0x50, 0, 1, Target, PioOut, Zeros(512))),
    row(
        "WRITE UNCORRECTABLE EXT, pseudo with logging",
        "ACS-5",
        Write,
        Scratch,
        ext(0x45, 0x55, 1, Target, NonData, Payload::None),
    ),
    row(
        "WRITE UNCORRECTABLE EXT, flagged with logging",
        "ACS-5",
        Write,
        Scratch,
        ext(0x45, 0xAA, 1, Target, NonData, Payload::None),
    ),
    row("DATA SET MANAGEMENT, TRIM", "ACS-5", Write, Scratch, ext(0x06, 1, 1, NoAddress, Dma, TrimList)),
    row("DATA SET MANAGEMENT XL", "ACS-5", Write, Scratch, ext(0x07, 1, 1, NoAddress, Dma, TrimList)),
    row("SEND FPDMA QUEUED, TRIM", "ACS-5", Write, Scratch, ext(0x64, 1, 0, NoAddress, Fpdma, TrimList)),
    row(
        "NCQ NON-DATA, abort queue",
        "ACS-5",
        Control,
        Scratch,
        ext(0x63, 0, 0, NoAddress, Fpdma, Payload::None),
    ),
    row(
        "NCQ NON-DATA, set features",
        "ACS-5",
        Configuration,
        Scratch,
        ext(0x63, 0x05, 0, NoAddress, Fpdma, Payload::None),
    ),
    row("NCQ NON-DATA, zero ext", "ACS-5", Write, Scratch, ext(0x63, 0x06, 0, Target, Fpdma, Payload::None)),
    row(
        "NCQ NON-DATA, ZAC management out",
        "ZAC-2",
        Write,
        Scratch,
        ext(0x63, 0x07, 0, Target, Fpdma, Payload::None),
    ),
    row(
        "RECEIVE FPDMA QUEUED, unknown sub-command",
        "ACS-5",
        Miscellaneous,
        Scratch,
        ext(0x65, 1, 0x1F00, NoAddress, Fpdma, FromDevice(512)),
    ),
    row("ZERO EXT", "ACS-5", Write, Scratch, ext(0x44, 0, 1, Target, NonData, Payload::None)),
    row("WRITE LOG EXT", "ACS-5", Configuration, Scratch, ext(0x3F, 0, 1, Fixed(0x80), PioOut, Zeros(512))),
    row("WRITE LOG DMA EXT", "ACS-5", Configuration, Scratch, ext(0x57, 0, 1, Fixed(0x80), Dma, Zeros(512))),
    row("WRITE BUFFER", "ACS-5", Configuration, Scratch, short(0xE8, 0, 1, NoAddress, PioOut, Zeros(512))),
    row("WRITE BUFFER DMA", "ACS-5", Configuration, Scratch, short(0xEB, 0, 1, NoAddress, Dma, Zeros(512))),
    row("SMART ENABLE OPERATIONS", "ACS-5", Configuration, Scratch, smart(0xD8, 0, 0)),
    row("SMART DISABLE OPERATIONS", "ACS-3", Configuration, Scratch, smart(0xD9, 0, 0)),
    row("SMART ENABLE OPERATIONS, again", "ACS-5", Configuration, Scratch, smart(0xD8, 0, 0)),
    row("SMART ATTRIBUTE AUTOSAVE, disable", "ACS-3", Configuration, Scratch, smart(0xD2, 0, 0)),
    row("SMART ATTRIBUTE AUTOSAVE, enable", "ACS-3", Configuration, Scratch, smart(0xD2, 0xF1, 0)),
    row("SMART SAVE ATTRIBUTE VALUES", "ATA-5", Configuration, Scratch, smart(0xD3, 0, 0)),
    row("SMART EXECUTE OFF-LINE IMMEDIATE, off-line", "ACS-5", Configuration, Scratch, smart(0xD4, 0, 0)),
    row("SMART EXECUTE OFF-LINE IMMEDIATE, abort", "ACS-5", Control, Scratch, smart(0xD4, 0, 0x7F)),
    row("SMART EXECUTE OFF-LINE IMMEDIATE, vendor", "ACS-5", Miscellaneous, Scratch, smart(0xD4, 0, 0x40)),
    row(
        "SMART WRITE LOG",
        "ACS-5",
        Configuration,
        Scratch,
        short(0xB0, 0xD6, 1, Fixed(0x00C2_4F80), PioOut, Zeros(512)),
    ),
    row(
        "SMART WRITE ATTRIBUTE THRESHOLDS",
        "SFF-8035i",
        Configuration,
        Scratch,
        short(0xB0, 0xD7, 1, Fixed(0x00C2_4F00), PioOut, Zeros(512)),
    ),
    row("SMART AUTO OFF-LINE", "SFF-8035i", Configuration, Scratch, smart(0xDB, 0xF8, 0)),
    row("SMART vendor sub-command E0h", "ACS-5", Miscellaneous, Scratch, smart(0xE0, 0, 0)),
    row(
        "SET FEATURES, write cache on (02h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x02, 0, NoAddress),
    ),
    row(
        "SET FEATURES, write cache off (82h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x82, 0, NoAddress),
    ),
    row("SET FEATURES, transfer mode (03h)", "ACS-5", Control, Scratch, bare(0xEF, 0x03, 0x45, NoAddress)),
    row(
        "SET FEATURES, automatic reassignment off (04h)",
        "ATA-7",
        Configuration,
        Scratch,
        bare(0xEF, 0x04, 0, NoAddress),
    ),
    row("SET FEATURES, APM on (05h)", "ACS-5", Configuration, Scratch, bare(0xEF, 0x05, 0xFE, NoAddress)),
    row("SET FEATURES, APM off (85h)", "ACS-5", Configuration, Scratch, bare(0xEF, 0x85, 0, NoAddress)),
    row(
        "SET FEATURES, power-up in standby on (06h)",
        "ACS-5",
        Configuration,
        Device,
        bare(0xEF, 0x06, 0, NoAddress),
    ),
    row(
        "SET FEATURES, power-up in standby off (86h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x86, 0, NoAddress),
    ),
    row(
        "SET FEATURES, power-up in standby spin-up (07h)",
        "ACS-5",
        Control,
        Scratch,
        bare(0xEF, 0x07, 0, NoAddress),
    ),
    row(
        "SET FEATURES, CFA power mode 1 (0Ah)",
        "CFA",
        Configuration,
        Scratch,
        bare(0xEF, 0x0A, 0, NoAddress),
    ),
    row(
        "SET FEATURES, write-read-verify on (0Bh)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x0B, 0, NoAddress),
    ),
    row(
        "SET FEATURES, write-read-verify off (8Bh)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x8B, 0, NoAddress),
    ),
    row(
        "SET FEATURES, device life control on (0Ch)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x0C, 0, NoAddress),
    ),
    row(
        "SET FEATURES, SATA feature on (10h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x10, 0x06, NoAddress),
    ),
    row(
        "SET FEATURES, SATA feature off (90h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x90, 0x06, NoAddress),
    ),
    row(
        "SET FEATURES, HIPM/DIPM partial (16h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x16, 0, NoAddress),
    ),
    row(
        "SET FEATURES, Time Limited Read/Write (20h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x20, 0, NoAddress),
    ),
    row("SET FEATURES, EPC (4Ah)", "ACS-5", Configuration, Device, bare(0xEF, 0x4A, 0x04, NoAddress)),
    row("SET FEATURES, max rate (43h)", "ACS-5", Configuration, Scratch, bare(0xEF, 0x43, 0, NoAddress)),
    row("SET FEATURES, ABO control (50h)", "ACS-5", Configuration, Scratch, bare(0xEF, 0x50, 0, NoAddress)),
    row(
        "SET FEATURES, read look-ahead off (55h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0x55, 0, NoAddress),
    ),
    row(
        "SET FEATURES, read look-ahead on (AAh)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0xAA, 0, NoAddress),
    ),
    row(
        "SET FEATURES, release interrupt on (5Dh)",
        "ATA-7",
        Configuration,
        Scratch,
        bare(0xEF, 0x5D, 0, NoAddress),
    ),
    row(
        "SET FEATURES, sense data reporting on (C3h)",
        "ACS-5",
        Configuration,
        Scratch,
        bare(0xEF, 0xC3, 0x01, NoAddress),
    ),
    row(
        "SET FEATURES, revert to defaults off (66h)",
        "ATA-7",
        Configuration,
        Scratch,
        bare(0xEF, 0x66, 0, NoAddress),
    ),
    row(
        "SET FEATURES, revert to defaults on (CCh)",
        "ATA-7",
        Configuration,
        Scratch,
        bare(0xEF, 0xCC, 0, NoAddress),
    ),
    row(
        "SET FEATURES, automatic acoustic management (42h)",
        "ATA-7",
        Configuration,
        Scratch,
        bare(0xEF, 0x42, 0x80, NoAddress),
    ),
    row("SET FEATURES, vendor (D5h)", "ACS-5", Miscellaneous, Scratch, bare(0xEF, 0xD5, 0, NoAddress)),
    row("SET MULTIPLE MODE", "ACS-5", Control, Scratch, bare(0xC6, 0, 1, NoAddress)),
    row("INITIALIZE DEVICE PARAMETERS", "ATA-5", Configuration, Scratch, bare(0x91, 0, 63, NoAddress)),
    row(
        "SET MAX ADDRESS, volatile, same size",
        "ATA-7",
        Configuration,
        Scratch,
        bare(0xF9, 0x00, 0, NativeMax),
    ),
    row("SET MAX ADDRESS, kept, same size", "ATA-7", Configuration, Scratch, bare(0xF9, 0x00, 1, NativeMax)),
    row("SET MAX ADDRESS, kept, smaller", "ATA-7", Configuration, Device, bare(0xF9, 0x00, 1, Target)),
    row(
        "SET MAX ADDRESS EXT, volatile, same size",
        "ATA-7",
        Configuration,
        Scratch,
        ext(0x37, 0, 0, NativeMax, NonData, Payload::None),
    ),
    row(
        "SET MAX ADDRESS EXT, kept, smaller",
        "ATA-7",
        Configuration,
        Device,
        ext(0x37, 0, 1, Target, NonData, Payload::None),
    ),
    row(
        "SET MAX SET PASSWORD",
        "ATA-7",
        Configuration,
        Device,
        short(0xF9, 0x01, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row("SET MAX LOCK", "ATA-7", Configuration, Scratch, bare(0xF9, 0x02, 0, NoAddress)),
    row(
        "SET MAX UNLOCK",
        "ATA-7",
        Configuration,
        Scratch,
        short(0xF9, 0x03, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row("SET MAX FREEZE LOCK", "ATA-7", Configuration, Scratch, bare(0xF9, 0x04, 0, NoAddress)),
    row(
        "ACCESSIBLE MAX ADDRESS, set, same size",
        "ACS-5",
        Configuration,
        Scratch,
        ext(0x78, 0x01, 0, NativeMax, NonData, Payload::None),
    ),
    row(
        "ACCESSIBLE MAX ADDRESS, set, smaller",
        "ACS-5",
        Configuration,
        Device,
        ext(0x78, 0x01, 0, Target, NonData, Payload::None),
    ),
    row(
        "ACCESSIBLE MAX ADDRESS, freeze",
        "ACS-5",
        Configuration,
        Scratch,
        ext(0x78, 0x02, 0, NoAddress, NonData, Payload::None),
    ),
    row("DEVICE CONFIGURATION RESTORE", "ATA-8", Configuration, Device, bare(0xB1, 0xC0, 0, NoAddress)),
    row("DEVICE CONFIGURATION FREEZE LOCK", "ATA-8", Configuration, Scratch, bare(0xB1, 0xC1, 0, NoAddress)),
    row(
        "DEVICE CONFIGURATION SET",
        "ATA-8",
        Configuration,
        Device,
        short(0xB1, 0xC3, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row(
        "DEVICE CONFIGURATION SET DMA",
        "ATA-8",
        Configuration,
        Device,
        short(0xB1, 0xC5, 1, NoAddress, Dma, Zeros(512)),
    ),
    row(
        "SECURITY UNLOCK, empty password",
        "ACS-5",
        Configuration,
        Scratch,
        short(0xF2, 0, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row("SECURITY ERASE PREPARE", "ACS-5", Configuration, Scratch, bare(0xF3, 0, 0, NoAddress)),
    row("SECURITY FREEZE LOCK", "ACS-5", Configuration, Scratch, bare(0xF5, 0, 0, NoAddress)),
    row(
        "SECURITY DISABLE PASSWORD, empty password",
        "ACS-5",
        Configuration,
        Scratch,
        short(0xF6, 0, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row(
        "SECURITY SET PASSWORD",
        "ACS-5",
        Configuration,
        Device,
        short(0xF1, 0, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row("SECURITY ERASE UNIT", "ACS-5", Write, Device, short(0xF4, 0, 1, NoAddress, PioOut, Zeros(512))),
    row(
        "SANITIZE DEVICE, freeze lock ext",
        "ACS-5",
        Configuration,
        Scratch,
        ext(0xB4, 0x20, 0, Fixed(0x4672_4C6B), NonData, Payload::None),
    ),
    row(
        "SANITIZE DEVICE, antifreeze lock ext",
        "ACS-5",
        Configuration,
        Scratch,
        ext(0xB4, 0x40, 0, Fixed(0x416E_7469), NonData, Payload::None),
    ),
    row(
        "SANITIZE DEVICE, overwrite ext",
        "ACS-5",
        Write,
        Device,
        ext(0xB4, 0x14, 1, Fixed(0x4F57_0000_0000), NonData, Payload::None),
    ),
    row(
        "SANITIZE DEVICE, block erase ext",
        "ACS-5",
        Write,
        Device,
        ext(0xB4, 0x12, 0, Fixed(0x426B_4572), NonData, Payload::None),
    ),
    row(
        "SANITIZE DEVICE, crypto scramble ext",
        "ACS-5",
        Write,
        Device,
        ext(0xB4, 0x11, 0, Fixed(0x4372_7970), NonData, Payload::None),
    ),
    row(
        "DOWNLOAD MICROCODE, save",
        "ACS-5",
        Configuration,
        Device,
        short(0x92, 0x07, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row(
        "DOWNLOAD MICROCODE, offsets and save",
        "ACS-5",
        Configuration,
        Device,
        short(0x92, 0x03, 1, NoAddress, PioOut, Zeros(512)),
    ),
    row("DOWNLOAD MICROCODE, activate", "ACS-5", Configuration, Device, bare(0x92, 0x0F, 0, NoAddress)),
    row(
        "DOWNLOAD MICROCODE DMA",
        "ACS-5",
        Configuration,
        Device,
        short(0x93, 0x03, 1, NoAddress, Dma, Zeros(512)),
    ),
    row("TRUSTED SEND", "ACS-5", Configuration, Scratch, short(0x5E, 0x01, 1, NoAddress, PioOut, Zeros(512))),
    row(
        "TRUSTED SEND DMA",
        "ACS-5",
        Configuration,
        Scratch,
        short(0x5F, 0x01, 1, NoAddress, Dma, Zeros(512)),
    ),
    row("TRUSTED NON-DATA", "ACS-5", Configuration, Scratch, bare(0x5B, 0x01, 0, NoAddress)),
    row(
        "SET DATE AND TIME EXT",
        "ACS-5",
        Configuration,
        Scratch,
        ext(0x77, 0, 0, Fixed(0x0100), NonData, Payload::None),
    ),
    row(
        "SET SECTOR CONFIGURATION EXT",
        "ACS-5",
        Configuration,
        Device,
        ext(0xB2, 0, 0, NoAddress, NonData, Payload::None),
    ),
    row(
        "CONFIGURE STREAM",
        "ACS-4",
        Configuration,
        Scratch,
        ext(0x51, 0, 0, NoAddress, NonData, Payload::None),
    ),
    row(
        "REMOVE ELEMENT AND TRUNCATE",
        "ACS-5",
        Configuration,
        Device,
        ext(0x7C, 0, 0xFF, NativeMax, NonData, Payload::None),
    ),
    row(
        "RESTORE ELEMENTS AND REBUILD",
        "ACS-5",
        Configuration,
        Device,
        ext(0x7D, 0, 0, NoAddress, NonData, Payload::None),
    ),
    row("MUTATE EXT", "ACS-5", Configuration, Device, ext(0x96, 0, 0, NoAddress, NonData, Payload::None)),
    row(
        "ZAC MANAGEMENT OUT, reset write pointer, all",
        "ZAC-2",
        Write,
        Scratch,
        ext(0x9F, 0x0104, 0, NoAddress, NonData, Payload::None),
    ),
    row(
        "ZAC MANAGEMENT OUT, finish zone",
        "ZAC-2",
        Write,
        Scratch,
        ext(0x9F, 0x0002, 0, Target, NonData, Payload::None),
    ),
    row(
        "ZAC MANAGEMENT OUT, open zone",
        "ZAC-2",
        Configuration,
        Scratch,
        ext(0x9F, 0x0003, 0, Target, NonData, Payload::None),
    ),
    row("CFA ERASE SECTORS", "CFA", Write, Scratch, bare(0xC0, 0, 1, Target)),
    row(
        "CFA WRITE SECTORS WITHOUT ERASE",
        "CFA",
        Write,
        Scratch,
        short(0x38, 0, 1, Target, PioOut, Blocks(1)),
    ),
    row(
        "CFA WRITE MULTIPLE WITHOUT ERASE",
        "CFA",
        Write,
        Scratch,
        short(0xCD, 0, 1, Target, PioOut, Blocks(1)),
    ),
    row("CFA WEAR LEVEL", "CFA", Configuration, Scratch, bare(0xF5, 0x01, 0, NoAddress)),
    row("MEDIA LOCK", "ATA-7", Control, Scratch, bare(0xDE, 0, 0, NoAddress)),
    row("MEDIA UNLOCK", "ATA-7", Control, Scratch, bare(0xDF, 0, 0, NoAddress)),
    row(
        "NV CACHE, flush",
        "ACS-2",
        Configuration,
        Scratch,
        ext(0xB6, 0x14, 0, NoAddress, NonData, Payload::None),
    ),
    row(
        "NV CACHE, add LBAs to pinned set",
        "ACS-2",
        Configuration,
        Scratch,
        ext(0xB6, 0x10, 1, NoAddress, Dma, Zeros(512)),
    ),
    row("PACKET", "ACS-3", Miscellaneous, Scratch, short(0xA0, 0, 0, NoAddress, PioOut, Zeros(512))),
    row("FLUSH CACHE", "ACS-5", Control, Scratch, bare(0xE7, 0, 0, NoAddress)),
    row("FLUSH CACHE EXT", "ACS-5", Control, Scratch, ext(0xEA, 0, 0, NoAddress, NonData, Payload::None)),
    row("STANDBY IMMEDIATE", "ACS-5", Control, Scratch, bare(0xE0, 0, 0, NoAddress)),
    row("IDLE IMMEDIATE", "ACS-5", Control, Scratch, bare(0xE1, 0, 0, NoAddress)),
    row("STANDBY, with a timer", "ACS-5", Configuration, Scratch, bare(0xE2, 0, 0xF0, NoAddress)),
    row("IDLE, with a timer", "ACS-5", Configuration, Scratch, bare(0xE3, 0, 0xF0, NoAddress)),
    row("IDLE, timer off", "ACS-5", Control, Scratch, bare(0xE3, 0, 0, NoAddress)),
    row("SLEEP", "ACS-5", Control, Device, bare(0xE6, 0, 0, NoAddress)),
    row("vendor command 80h", "ACS-5", Miscellaneous, Scratch, bare(0x80, 0, 0, NoAddress)),
    row("vendor command 9Ah", "ACS-5", Miscellaneous, Scratch, bare(0x9A, 0, 0, NoAddress)),
    row("vendor command F0h", "ACS-5", Miscellaneous, Scratch, bare(0xF0, 0, 0, NoAddress)),
    row("vendor command FFh", "ACS-5", Miscellaneous, Scratch, bare(0xFF, 0, 0, NoAddress)),
    row("reserved command 11h", "ACS-5", Miscellaneous, Scratch, bare(0x11, 0, 0, NoAddress)),
];
