//! What an entry can say.

use crate::KeyNotice;
use crate::fault_entry::{FaultPolicy, Reread, RescueBegun, RescueEnded, RescuePass, Unstable};
use crate::leaves_entry::Leaves;
use crate::measured_boot_entry::MeasuredBoot;
use crate::network_state::Network;
use crate::resume_entry::{Checkpoint, ResumeBegun};
use evidence::{
    ByteCount, ByteOffset, Case, DeviceIdentity, Digest, Extent, ExtentSet, GuardState, HashAlgorithm,
    HashSet, SelfReport,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One entry, without its place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Entry {
    /// The first entry: everything that was known and decided before the first read.
    AcquisitionOpened(Box<AcquisitionOpened>),
    /// How the machine that acquires was started, as far as its TPM measured it.
    MeasuredBoot(Box<MeasuredBoot>),
    /// What the disk of the source said of itself before it was read: areas that the image doesn't hold, locks, health.
    HiddenAreas(Box<SelfReport>),
    /// A range of the source that could not be read.
    ReadError {
        /// Where.
        extent: Extent,
        /// What the system said.
        error: String,
        /// What was done about it, e.g. `filled with zeros`.
        action: String,
    },
    /// What the guard saw and refused on the source, from its discovery to the end of the acquisition.
    GuardEvents {
        /// Events, oldest first, as `pf-guard log --json` gives them.
        events: Vec<serde_json::Value>,
        /// How many more there were.
        omitted: u64,
    },
    /// The guard's flight recorder of the source: every command since its discovery, sent, absorbed or refused.
    GuardCommands {
        /// A row a command, as `pf-guard commands --json` gives them.
        commands: Vec<serde_json::Value>,
    },
    /// Anything else worth keeping.
    Note {
        /// Free text.
        text: String,
    },
    /// One of two destinations failed: the image there is not whole, the other goes on.
    DestinationFailed {
        /// Folder and base name of the image.
        destination: String,
        /// What happened.
        error: String,
    },
    /// The source is written onto another disk in place of an image.
    CloneDisk(Box<CloneDisk>),
    /// How faults of the source are met.
    FaultPolicy(FaultPolicy),
    /// A recovery in several passes begins, or goes on from what an earlier run left.
    RescueBegun(RescueBegun),
    /// A pass of it is over.
    RescuePass(RescuePass),
    /// All passes are over.
    RescueEnded(RescueEnded),
    /// Two readings of the same range differ.
    Unstable(Unstable),
    /// A part of the source was read again and compared with what was kept.
    Reread(Reread),
    /// The source did not answer any more.
    SourceLost {
        /// Where reading stopped.
        offset: ByteOffset,
        /// What the system said.
        error: String,
    },
    /// The same source is back.
    SourceReturned {
        /// Under which name, after how long, and what keeps it from being changed.
        text: String,
    },
    /// What was written so far is durable, and a later run can go on behind it.
    Checkpoint(Checkpoint),
    /// An acquisition that was cut off is gone on with.
    ResumeBegun(ResumeBegun),
    /// The acquisition ended before its time.
    Interrupted {
        /// Why.
        reason: String,
    },
    /// Hash values of equal parts of the medium, to find the place of a later change by.
    Leaves(Leaves),
    /// The image is complete and durable.
    ImageClosed(ImageClosed),
    /// The image was read back from its medium.
    Verification(Verification),
    /// The last entry.
    Closed(Closed),
}

impl Entry {
    /// The word that stands as `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Entry::AcquisitionOpened(_) => "acquisition-opened",
            Entry::MeasuredBoot(_) => "measured-boot",
            Entry::HiddenAreas(_) => "hidden-areas",
            Entry::ReadError { .. } => "read-error",
            Entry::GuardEvents { .. } => "guard-events",
            Entry::GuardCommands { .. } => "guard-commands",
            Entry::Note { .. } => "note",
            Entry::DestinationFailed { .. } => "destination-failed",
            Entry::CloneDisk(_) => "clone-disk",
            Entry::FaultPolicy(_) => "fault-policy",
            Entry::RescueBegun(_) => "rescue-begun",
            Entry::RescuePass(_) => "rescue-pass",
            Entry::RescueEnded(_) => "rescue-ended",
            Entry::Unstable(_) => "unstable",
            Entry::Reread(_) => "reread",
            Entry::SourceLost { .. } => "source-lost",
            Entry::SourceReturned { .. } => "source-returned",
            Entry::Checkpoint(_) => "checkpoint",
            Entry::ResumeBegun(_) => "resume-begun",
            Entry::Interrupted { .. } => "interrupted",
            Entry::Leaves(_) => "leaves",
            Entry::ImageClosed(_) => "image-closed",
            Entry::Verification(_) => "verification",
            Entry::Closed(_) => "closed",
        }
    }

    /// All words that [`Entry::kind`] can give.
    pub const KINDS: [&'static str; 24] = [
        "acquisition-opened",
        "measured-boot",
        "hidden-areas",
        "read-error",
        "guard-events",
        "guard-commands",
        "note",
        "destination-failed",
        "clone-disk",
        "fault-policy",
        "rescue-begun",
        "rescue-pass",
        "rescue-ended",
        "unstable",
        "reread",
        "source-lost",
        "source-returned",
        "checkpoint",
        "resume-begun",
        "interrupted",
        "leaves",
        "image-closed",
        "verification",
        "closed",
    ];
}

/// What was known and decided before the first read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcquisitionOpened {
    /// Version of this format.
    pub format_version: u32,
    /// The program that acquires.
    pub software: Software,
    /// Where it runs.
    pub environment: Environment,
    /// Its arguments, word by word.
    pub command_line: Vec<String>,
    /// The case, its people and papers, and what of them was missing.
    pub case: Case,
    /// The source, as it reports itself.
    pub source: DeviceIdentity,
    /// What kept the source from being changed.
    pub guard: GuardReport,
    /// What is to be made.
    pub plan: Plan,
    /// The key that will sign the head; absent in records of versions that made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<KeyNotice>,
}

/// Name and version of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// Name, e.g. `pf-acquire`.
    pub name: String,
    /// Version.
    pub version: String,
}

/// Where an acquisition ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// What `/etc/permafrost-release` says, where there is one: the image that was booted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Kernel name, release and version.
    pub kernel: String,
    /// Host name.
    pub host: String,
    /// Firmware that started the machine, [`Environment::BIOS`] or [`Environment::UEFI`]; absent where it is not known, and
    /// in records of versions that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Whether UEFI started only what is signed: `on`, `off` or `unknown`; absent where the firmware has no Secure Boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure_boot: Option<String>,
    /// The network when the acquisition began; absent where the kernel does not show it, and in records of versions that did not
    /// ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Instructions that the processor computes each hash with, by the algorithm's word; each passed its self-test.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hash_implementations: BTreeMap<String, String>,
}

impl Environment {
    /// Firmware as PCs had it from 1981 on, or what passes for it in newer ones.
    pub const BIOS: &'static str = "bios";
    /// Firmware as the UEFI Specification has it.
    pub const UEFI: &'static str = "uefi";
}

/// What kept the source from being changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "kebab-case")]
pub enum GuardReport {
    /// The kernel's evidence guard, which had the source in this state.
    InForce {
        /// Guarded disk, e.g. `sda`.
        disk: String,
        /// Its state once the source was locked.
        state: GuardState,
        /// Operations refused on it since it was discovered.
        refused: u64,
        /// SHA-256 of the tables that commands are judged by, in hexadecimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy_sha256: Option<String>,
    },
    /// A guard is in force, but the source is no disk of its own.
    NotADisk {
        /// Why, e.g. `an ordinary file`.
        reason: String,
    },
    /// No guard was in force, and whoever ran this said that they know.
    Unguarded,
}

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Container format: `raw`, `e01` or `aff4`; `clone` for a disk.
    pub format: String,
    /// Media bytes in one chunk.
    pub chunk_size: ByteCount,
    /// Largest segment, if the image is to be split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_size: Option<ByteCount>,
    /// Hash algorithms.
    pub hashes: Vec<HashAlgorithm>,
    /// Where the image goes: folder and base name.
    pub destination: String,
    /// Where the same image goes as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_destination: Option<String>,
}

/// The disk that a source is cloned onto, and how it is laid out there: from the first sector on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneDisk {
    /// The disk, as it reports itself.
    pub disk: DeviceIdentity,
    /// Its state under the guard; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard_state: Option<GuardState>,
    /// How much of the source is written.
    pub cloned: ByteCount,
    /// How much at the end of the source has no room and is left out, as was asked for.
    pub truncated: ByteCount,
    /// How much of the disk lies behind the clone.
    pub excess: ByteCount,
    /// What becomes of that.
    pub rest: CloneRest,
}

/// What becomes of a disk behind the clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloneRest {
    /// It keeps what it held.
    Left,
    /// It is filled with zeros.
    Zeros,
}

/// The finished image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageClosed {
    /// Segment files in order.
    pub segments: Vec<SegmentFile>,
    /// Size of the medium that was imaged.
    pub media_size: ByteCount,
    /// Hash values over the media data, unread ranges filled as the fault policy says, with zeros where there is none.
    pub hashes: HashSet,
    /// Ranges that could not be read.
    pub unread: ExtentSet,
    /// How long reading and writing took.
    pub seconds: f64,
}

/// A segment file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFile {
    /// File name without folder.
    pub name: String,
    /// Its size.
    pub size: ByteCount,
}

/// What reading the image back gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Folder and base name of the image read, where there are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Hash values over the media data read back.
    pub hashes: HashSet,
    /// True when all of them are those of the acquisition and nothing in the container is damaged.
    pub matches: bool,
    /// What did not match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<String>,
    /// BLAKE3 of each segment as a file, in the order of the segments of [`ImageClosed`]: of containers that match. The
    /// media data vouch for every byte of a raw image; a container has some that no media data depend on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Digest>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Result.
    pub outcome: Outcome,
    /// State of the source under the guard at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard_state: Option<GuardState>,
    /// Operations refused on the source since it was discovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<u64>,
    /// The network at the end, as [`Environment::network`] tells of the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// How an acquisition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All read, written and verified.
    Complete,
    /// As complete, but some sectors could not be read.
    CompleteWithUnreadSectors,
    /// The image read back is not what was written.
    VerificationFailed,
    /// Ended early; what was written stays.
    Interrupted,
    /// Ended early by a failure; what was written stays.
    Failed,
}
