//! Why nothing was imaged, or not all, and the exit code that says so.

use acquire::pipeline::PipelineError;
use acquire::rescue::{RereadEnd, RescueEnd, StoreError};
use device::{BufferError, DeviceError, DirectError};
use evidence::{GuardState, SelfTestError};
use formats::FormatError;
use guard::GuardError;
use record::{KeyError, RecordError};
use std::path::PathBuf;
use std::process::ExitCode;

/// The acquisition did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No write block, and nobody said that they know.
    #[error(
        "{source_path}: no evidence guard is in force in this kernel, so nothing keeps this machine from changing the source. \
         Boot Permafrost, or repeat with --unguarded behind a hardware write blocker; the record will say so"
    )]
    NoGuard {
        /// The source.
        source_path: String,
    },
    /// A destination taken for a source.
    #[error(
        "{disk}: is {state} under the guard: a destination can't be a source. Put it back with: pf-guard block {disk}"
    )]
    NotBlocked {
        /// The disk.
        disk: String,
        /// Its state.
        state: GuardState,
    },
    /// Without a guard, a mounted source changes while it is read.
    #[error("{device}: is mounted for writing at {mount_point}; unmount it first")]
    MountedForWriting {
        /// Disk or partition.
        device: String,
        /// Where.
        mount_point: String,
    },
    /// The image would go onto the disk that it is made of.
    #[error("{folder}: lies on the source itself; name a folder on another disk", folder = .0.display())]
    DestinationOnSource(PathBuf),
    /// Not a folder one can write to.
    #[error("{folder}: {reason}", folder = .folder.display())]
    Destination {
        /// The folder.
        folder: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A hash gives wrong values on this machine.
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
    /// Nothing to hash with.
    #[error("--hash names no algorithm; give at least one, e.g. md5,sha256")]
    NoHash,
    /// A disk that no clone may be written onto.
    #[error("{disk}: {reason}")]
    CloneDisk {
        /// The disk.
        disk: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The clone was finished, the reading back was not.
    #[error(
        "{error}. The clone on {disk} was written to its end but not read back: compare it with the record's hash values"
    )]
    CloneNotReadBack {
        /// Why.
        error: PipelineError,
        /// The disk.
        disk: String,
    },
    /// Sources that don't go together, or what is said of them.
    #[error("{0}")]
    Sources(String),
    /// A defect, or a machine without room for a thread.
    #[error("could not be imaged: {0}; image it by itself")]
    NotCarriedOut(String),
    /// An empty source.
    #[error("{0}: has no data (a drive without a medium?)")]
    Empty(String),
    /// The list of mounts can't be read.
    #[error("/proc/self/mountinfo: {0}; is /proc mounted?")]
    Mounts(std::io::Error),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Opening the source.
    #[error(transparent)]
    Open(#[from] DirectError),
    /// The image could not be begun.
    #[error(transparent)]
    Image(#[from] FormatError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The case file.
    #[error(transparent)]
    CaseFile(#[from] case_file::CaseFileError),
    /// The key that signs it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It had begun and ended early.
    #[error(
        "{error}. What was written stays in {folders}, but it is not a whole image: the same command with --resume goes on with it"
    )]
    EndedEarly {
        /// Why.
        error: PipelineError,
        /// Each destination.
        folders: String,
    },
    /// The image was finished, the reading back was not.
    #[error(
        "{error}. The image in {folders} is whole but was not read back to its end: the same command with --resume reads it back"
    )]
    NotReadBack {
        /// Why.
        error: PipelineError,
        /// Each destination.
        folders: String,
    },
    /// An unfinished image is not what was stored.
    #[error("{base}: the image can't be gone on with, it is not what was stored: {place}{colon}{why}. Nothing was changed; what lies before that is \
             as it was. Image again under another --name, and check the disk that it lies on", base = .base.display(),
            colon = if .place.is_empty() { "" } else { ": " })]
    PrefixDiffers {
        /// Base path of the image.
        base: PathBuf,
        /// Which range of the medium, where that is known.
        place: String,
        /// How it shows.
        why: String,
    },
    /// An unfinished image could not be read back.
    #[error("{error}. What is stored as {base} was not read back to its end, and nothing was changed", base = .base.display())]
    NotProven {
        /// Why.
        error: PipelineError,
        /// Base path of the image.
        base: PathBuf,
    },
    /// A disk whose sectors the kernel can't give.
    #[error("{path}: {reason}")]
    NoCapacity {
        /// The disk.
        path: String,
        /// What is known about it, and what to do.
        reason: String,
    },
    /// Raw data and map, or what an earlier run left.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No memory for a buffer.
    #[error(transparent)]
    Memory(#[from] BufferError),
    /// What lies there is not proven to be this source's.
    #[error("{path}: {reason}", path = .path.display())]
    Another {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// Raw data could not be compared with the source before going on with them.
    #[error("the raw data could not be compared with the source: {0}")]
    NotCompared(#[from] RereadEnd),
    /// The passes ended early.
    #[error("{end}. Raw data and map in {folder} hold what was recovered: the same command goes on from there", folder = .folder.display())]
    Rescue {
        /// Why.
        end: RescueEnd,
        /// Destination.
        folder: PathBuf,
    },
    /// The passes are done, what follows is not.
    #[error("{error}. The raw data in {folder} are whole, no image was made of them: the same command goes on, once what it left of one is moved away", folder = .folder.display())]
    Packing {
        /// Why.
        error: PipelineError,
        /// Destination.
        folder: PathBuf,
    },
    /// The passes are done, the comparison is not.
    #[error("{error}. The raw data in {folder} are whole: the same command compares again", folder = .folder.display())]
    Reread {
        /// Why.
        error: RereadEnd,
        /// Destination.
        folder: PathBuf,
    },
    /// What was given for the record does not fit into it.
    #[error("{0} bytes of arguments do not fit into the record; shorten the case fields to {most} bytes in all", most = LONGEST_ARGUMENTS)]
    TooMuchText(usize),
}

/// Most bytes of arguments. They stand in the record's first entry twice, where a byte may become six, and the entry takes 1 MiB.
pub const LONGEST_ARGUMENTS: usize = 64 << 10;

impl Failure {
    /// As `--help` lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_number())
    }

    /// The exit code as a number.
    pub fn exit_number(&self) -> u8 {
        match self {
            Failure::EndedEarly { error, .. }
            | Failure::NotReadBack { error, .. }
            | Failure::CloneNotReadBack { error, .. }
            | Failure::NotProven { error, .. }
            | Failure::Packing { error, .. } => match error {
                PipelineError::Stopped(_) => 5,
                PipelineError::Source(_) | PipelineError::TooManyRanges => 6,
                PipelineError::Image(_) | PipelineError::Caller(_) => 4,
                PipelineError::Resources(_) => 2,
            },
            Failure::Rescue { end, .. } => match end {
                RescueEnd::Stopped(_) => 5,
                RescueEnd::Source(_) | RescueEnd::TooManyAreas => 6,
                RescueEnd::Store(_) | RescueEnd::Caller(_) => 4,
                RescueEnd::Memory(_) => 2,
            },
            Failure::Reread { error, .. } => match error {
                RereadEnd::Stopped(_) => 5,
                RereadEnd::Source(_) => 6,
                RereadEnd::Kept(_) | RereadEnd::Caller(_) => 4,
                RereadEnd::Memory(_) => 2,
            },
            Failure::PrefixDiffers { .. } => 1,
            Failure::Store(StoreError::Destination { .. }) => 4,
            Failure::Record(RecordError::Write { .. } | RecordError::Head { .. })
            | Failure::Image(FormatError::Destination { .. }) => 4,
            _ => 2,
        }
    }
}
