//! What a disk says of itself beyond identity and size: what of it an image doesn't hold, what locks it, and how it is.
//!
//! Three answers are told apart everywhere: the disk said that there is something, it said that there is nothing, or it
//! is not known, with the reason. Silence is never taken for "nothing".

mod words;

use crate::{ByteCount, SectorCount};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An answer of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding<T> {
    /// The disk says that there is none.
    None,
    /// The disk says this.
    Found(T),
    /// The disk didn't say, or was not asked.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl<T> Finding<T> {
    /// Not known, for this reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Finding::Unknown { reason: reason.into() }
    }

    /// What was found, if anything was.
    #[must_use]
    pub fn found(&self) -> Option<&T> {
        match self {
            Finding::Found(found) => Some(found),
            Finding::None | Finding::Unknown { .. } => None,
        }
    }
}

/// All that a disk said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfReport {
    /// What reading the disk from its first to its last sector doesn't reach. A kind may stand more than once.
    pub areas: Vec<Area>,
    /// Password of the ATA Security feature set.
    pub ata_security: Finding<AtaSecurity>,
    /// Locking by TCG Opal, Pyrite or their kin.
    pub self_encryption: Finding<SelfEncryption>,
    /// What discarded sectors read as; none where the disk takes no discards.
    pub trim: Finding<Trim>,
    /// Zones to be written in order.
    pub zones: Finding<Zones>,
    /// State of health; none where the disk keeps no such account.
    pub health: Finding<Health>,
}

/// One kind of area that an image of the disk doesn't hold, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// Which.
    pub kind: AreaKind,
    /// What is known.
    #[serde(flatten)]
    pub finding: Finding<HiddenArea>,
}

/// Kinds of areas outside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AreaKind {
    /// Sectors behind a maximum address set by the host (ATA8-ACS, Host Protected Area feature set).
    HostProtectedArea,
    /// Sectors behind the capacity that the maker or a tool set (ATA8-ACS, Device Configuration Overlay feature set).
    DeviceConfigurationOverlay,
    /// Sectors behind an accessible maximum address (ACS-3 and later), the successor of both.
    AccessibleMaxAddress,
    /// Capacity behind what the disk reports, where its command set has no means to tell of it.
    BeyondCapacity,
    /// An NVMe namespace that is allocated but attached to no controller that this machine sees.
    UnattachedNamespace,
    /// NVMe capacity that belongs to no namespace.
    UnallocatedCapacity,
    /// Bytes beside each block: NVMe metadata, SCSI protection information.
    BlockMetadata,
    /// Replay protected memory block: hands out data to anyone, takes it from the owner of its key.
    ReplayProtectedBlock,
    /// A boot partition of an eMMC, a device of its own.
    BootPartition,
    /// A general purpose partition of an eMMC, a device of its own.
    GeneralPurposePartition,
    /// Protected area of an SD card.
    CardProtectedArea,
}

/// An area that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenArea {
    /// Its size, where the disk tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<ByteCount>,
    /// Its size in logical sectors, where it has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sectors: Option<SectorCount>,
    /// The device node that holds it, when it can be imaged by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What it is, in words.
    pub what: String,
}

/// State of the ATA Security feature set (ACS-4, IDENTIFY DEVICE words 92 and 128).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtaSecurity {
    /// A user password is set.
    pub enabled: bool,
    /// Reads and writes are refused until it is given.
    pub locked: bool,
    /// Security commands are refused until power-off.
    pub frozen: bool,
    /// Too many wrong passwords: none is taken until power-off.
    pub count_expired: bool,
    /// Enhanced erase is supported.
    pub enhanced_erase: bool,
    /// Level "maximum": the master password can erase the disk but not unlock it.
    pub maximum: bool,
    /// Identifier of the master password; FFFEh is the maker's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_password_id: Option<u16>,
}

/// State of a self-encrypting disk (TCG Storage Core, Level 0 Discovery).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfEncryption {
    /// Security subsystem classes, e.g. `Opal 2.0`.
    pub classes: Vec<String>,
    /// The medium is encrypted by the disk itself.
    pub media_encryption: bool,
    /// Locking is switched on: somebody took the disk into possession.
    pub locking_enabled: bool,
    /// At least one range is locked now.
    pub locked: bool,
    /// A shadow MBR is switched on.
    pub mbr_shadowing: bool,
    /// The shadow MBR is done with, so that the true sectors are shown.
    pub mbr_done: bool,
}

impl SelfEncryption {
    /// The first sectors read are those of the shadow MBR, not the disk's own.
    #[must_use]
    pub fn shadows_first_sectors(&self) -> bool {
        self.mbr_shadowing && !self.mbr_done
    }
}

/// What a discard does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trim {
    /// What a discarded sector reads as.
    pub reads: AfterTrim,
}

/// What a discarded sector reads as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterTrim {
    /// Always zeros (ATA RZAT, SCSI LBPRZ 1, NVMe DLFEAT 1).
    Zeros,
    /// Always ones (NVMe DLFEAT 2).
    Ones,
    /// Always the same, whatever that is (ATA DRAT, SCSI LBPRZ 2).
    Deterministic,
    /// The disk doesn't promise anything: two reads may differ.
    Unspecified,
}

/// Zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zones {
    /// Who minds them.
    pub model: ZoneModel,
}

/// Who minds the zones of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneModel {
    /// The disk itself; to the host it is like any other.
    DeviceManaged,
    /// Host and disk: random writes are taken too.
    HostAware,
    /// The host alone.
    HostManaged,
}

/// State of health.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What the disk itself concludes: true when it expects to fail. Absent where it gives numbers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<bool>,
    /// What it warns of, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// Its counters, by names that carry the unit, such as `power-on-hours`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub readings: BTreeMap<String, i64>,
}

impl SelfReport {
    /// A report of a disk that could not be asked at all.
    #[must_use]
    pub fn not_asked(reason: &str) -> Self {
        let kind = AreaKind::BeyondCapacity;
        Self {
            areas: vec![Area { kind, finding: Finding::unknown(reason) }],
            ata_security: Finding::unknown(reason),
            self_encryption: Finding::unknown(reason),
            trim: Finding::unknown(reason),
            zones: Finding::unknown(reason),
            health: Finding::unknown(reason),
        }
    }

    /// The first finding of a kind.
    #[must_use]
    pub fn area(&self, kind: AreaKind) -> Option<&Finding<HiddenArea>> {
        self.areas.iter().find(|area| area.kind == kind).map(|area| &area.finding)
    }
}
