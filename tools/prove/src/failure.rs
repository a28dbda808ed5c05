//! Why a run ended without a verdict.

use std::io;
use std::path::PathBuf;

/// Why a run ended without a verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Device(#[from] device::DeviceError),
    #[error(transparent)]
    Read(#[from] device::DirectError),
    #[error(transparent)]
    Memory(#[from] device::BufferError),
    #[error("{}: is no disk; name a whole disk as pf-devices lists it, e.g. /dev/sdb", .path.display())]
    NoDisk { path: PathBuf },
    #[error("{}: is a partition; name its disk, /dev/{parent}", .path.display())]
    Partition { path: PathBuf, parent: String },
    #[error("{disk}: has the serial {has:?}, not {named:?}; check which disk is the scratch disk")]
    OtherSerial { disk: String, has: String, named: String },
    #[error("{disk}: reports no serial; give --no-serial if it is the scratch disk all the same")]
    NoSerial { disk: String },
    #[error("{disk}: reports the serial {has:?}; give --serial instead of --no-serial")]
    HasSerial { disk: String, has: String },
    #[error("give the scratch disk's serial with --serial, or --no-serial for a disk that reports none")]
    NobodyNamed,
    #[error("{disk}: not confirmed: {reason}")]
    NotConfirmed { disk: String, reason: &'static str },
    #[error(
        "standard input is no terminal, so nobody can type the serial back; give --yes if a script shall decide"
    )]
    NobodyToAsk,
    #[error("{disk}: carries {what}; only a scratch disk may be used. If it is one, give --i-know")]
    InUse { disk: String, what: String },
    #[error(
        "{disk}: is too small or its sectors are too large: at least 1 MiB and sectors of 4096 bytes or less"
    )]
    Geometry { disk: String },
    #[error("{disk}: is too small for file systems; at least {needed} MiB, or leave --file-systems out")]
    TooSmall { disk: String, needed: u64 },
    #[error(
        "{disk}: writing the pattern at byte {offset} failed: {source}; fill a disk where it is not protected"
    )]
    Fill { disk: String, offset: u64, source: io::Error },
    #[error(
        "{disk}: does not carry the pattern ({what}); fill it first, where it is not protected: pf-prove fill"
    )]
    NoPattern { disk: String, what: String },
    #[error("the report cannot be written to {}: {source}", .path.display())]
    Report { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Output(#[from] io::Error),
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// 2 for a wrong or refused request, 3 for what could not be carried out.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::NoDisk { .. }
            | Failure::Partition { .. }
            | Failure::OtherSerial { .. }
            | Failure::NoSerial { .. }
            | Failure::HasSerial { .. }
            | Failure::NobodyNamed
            | Failure::NotConfirmed { .. }
            | Failure::NobodyToAsk
            | Failure::InUse { .. }
            | Failure::TooSmall { .. }
            | Failure::Geometry { .. } => crate::EXIT_REFUSED,
            _ => crate::EXIT_COULD_NOT,
        }
    }
}
