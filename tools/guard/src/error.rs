//! What can go wrong between a tool and the guard, and what to do next.

use evidence::{GuardState, Plain};
use nix::errno::Errno;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// A question or wish to the guard that failed.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The guard speaks another version of the interface.
    #[error("{path}: the guard's interface has version '{}', this tool knows 2; use the tools of the same image as the kernel", Plain(version), path = .path.display())]
    UnknownVersion {
        /// The version file.
        path: PathBuf,
        /// What it says.
        version: String,
    },
    /// Something else than securityfs is mounted where the guard's files are looked for.
    #[error("{path}: holds files like the guard's but is not the kernel's securityfs; do not trust this machine's set-up", path = .path.display())]
    NotTheKernels {
        /// Where securityfs should be.
        path: PathBuf,
    },
    /// No disk of this name.
    #[error("{disk}: no such disk; name a whole disk as pf-devices lists it, e.g. sda")]
    NoSuchDisk {
        /// The name.
        disk: String,
    },
    /// The name is a partition's.
    #[error("{disk}: is a partition; the guard holds whole disks, name {whole}")]
    Partition {
        /// The name.
        disk: String,
        /// Name of the disk it is part of.
        whole: String,
    },
    /// A virtual disk.
    #[error(
        "{disk}: is not guarded, because it is virtual; what lies below it is guarded where it has hardware"
    )]
    NotGuarded {
        /// The name.
        disk: String,
    },
    /// A file of the guard cannot be read.
    #[error("{path}: cannot be read: {source}{advice}", path = .path.display(), advice = advice(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A file of the guard cannot be written.
    #[error("{path}: cannot be written: {source}{advice}", path = .path.display(), advice = advice(.source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A file of the guard says something that is not in its interface.
    #[error("{path}: says '{}', which is not in the guard's interface; use the tools of the same image as the kernel", Plain(text), path = .path.display())]
    Unintelligible {
        /// The file.
        path: PathBuf,
        /// What it says.
        text: String,
    },
    /// A table that never stands still.
    #[error("{path}: gains rows faster than it can be read; try again when less is going on", path = .path.display())]
    Restless {
        /// The file.
        path: PathBuf,
    },
    /// A line of the event stream that cannot be understood.
    #[error("event stream: {0}")]
    Event(#[from] crate::EventError),
    /// A serial that cannot be handed to the guard.
    #[error(
        "'{serial}' cannot be a serial: it must be one to 127 printable characters; copy it from pf-devices"
    )]
    ImpossibleSerial {
        /// What was given.
        serial: String,
    },
    /// The guard refused to change a disk's state.
    #[error("{disk}: the guard refuses to make it {wish}: {denial}")]
    Denied {
        /// The disk.
        disk: String,
        /// The state that was asked for.
        wish: GuardState,
        /// Why.
        denial: Denial,
    },
}

/// Why the guard refused to change a disk's state.
#[derive(Debug)]
pub enum Denial {
    /// EPERM, and the disk is evidence.
    IsEvidence,
    /// EPERM, and the guard is sealed.
    Sealed,
    /// EPERM, and an identifier of the disk was evidence in this boot.
    WasEvidence,
    /// EPERM for another reason, or EACCES: the caller is not root.
    NotAllowed,
    /// EKEYREJECTED: the serial is none of the disk's.
    WrongSerial,
    /// ENOKEY: the disk has no serial.
    NoSerial,
    /// EBUSY: it, or a partition of it, is open or mounted.
    InUse,
    /// EBUSY, asked to make it evidence: a disk that shares an identifier with it is a destination.
    IsDestination,
    /// EINVAL: not a change the guard knows.
    NoSuchChange,
    /// EIO: going back to blocked, the flush of the disk's cache failed.
    FlushFailed,
    /// Anything else.
    Other(io::Error),
}

impl Denial {
    /// The meaning of an errno; for EPERM the caller finds out which of its reasons holds.
    pub(crate) fn from_errno(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EPERM | Errno::EACCES) => Denial::NotAllowed,
            Some(Errno::EKEYREJECTED) => Denial::WrongSerial,
            Some(Errno::ENOKEY) => Denial::NoSerial,
            Some(Errno::EBUSY) => Denial::InUse,
            Some(Errno::EINVAL) => Denial::NoSuchChange,
            Some(Errno::EIO) => Denial::FlushFailed,
            _ => Denial::Other(error),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Denial::IsEvidence => "it is evidence, and stays so until power-off; use another disk",
            Denial::Sealed => "the guard is sealed until power-off; to get a destination, boot again and choose it before sealing",
            Denial::WasEvidence => "a disk with one of its identifiers was evidence in this boot; use another disk",
            Denial::NotAllowed => "it is not permitted to this user or disk; run as root, and see pf-guard status",
            Denial::WrongSerial => "the serial given is not this disk's; compare with pf-devices and the label on the disk",
            Denial::NoSerial => "it has no serial and so cannot be named; use a disk that has one",
            Denial::InUse => "it is in use; unmount it and end the programs that have it or a partition of it open",
            Denial::IsDestination => "a disk with one of its identifiers is a destination: the same disk on another path, another area of it, or one of the same serial; put that back with pf-guard block first",
            Denial::NoSuchChange => "there is no such change from its present state; put a writable disk back with pf-guard block first",
            Denial::FlushFailed => "its cache could not be flushed, so what was written last may be lost; check the disk and its cable, verify the image",
            Denial::Other(source) => return write!(f, "{source}; see the kernel's messages (dmesg)"),
        })
    }
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "; run as root",
        io::ErrorKind::NotFound => "; the disk may have been unplugged",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::as_conversions)]
    use super::*;

    #[test]
    fn each_errno_of_the_interface_has_a_meaning_and_an_advice() {
        let meaning =
            |errno: Errno| Denial::from_errno(io::Error::from_raw_os_error(errno as i32)).to_string();
        for (errno, word) in [
            (Errno::EPERM, "run as root"),
            (Errno::EKEYREJECTED, "compare with pf-devices"),
            (Errno::ENOKEY, "use a disk that has one"),
            (Errno::EBUSY, "unmount it"),
            (Errno::EINVAL, "pf-guard block first"),
            (Errno::EIO, "verify the image"),
            (Errno::ENODEV, "dmesg"),
        ] {
            assert!(meaning(errno).contains(word), "{errno}: {}", meaning(errno));
        }
    }
}
