//! What the system said to an attempt.

use device::Sense;
use serde::Serialize;
use std::fmt;
use std::io;

/// The answer to one attempt, as it came back, uninterpreted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Answer {
    /// A call that says no more than that it succeeded.
    Done,
    /// A call that failed.
    Errno {
        /// Which step of the attempt failed.
        step: &'static str,
        /// Its number.
        errno: i32,
    },
    /// A call that did not fail, but returned a status of its own that is not success: reservations and Opal do.
    Code {
        /// Which call.
        step: &'static str,
        /// What it returned.
        code: i32,
    },
    /// A SCSI command came back.
    Scsi {
        /// SCSI status, SAM-6 §5.3.
        status: u8,
        /// The kernel's host byte: 0, or why the command got no answer from a device.
        host: u32,
        /// Sense data.
        #[serde(skip_serializing_if = "Option::is_none")]
        sense: Option<Sense>,
    },
    /// An NVMe command came back.
    Nvme {
        /// Status field without the phase tag: type in bits 10:8, code in bits 7:0, DNR in bit 14.
        status: u16,
        /// Command-specific result, dword 0 (and 1).
        result: u64,
    },
    /// An MMC command came back.
    Mmc {
        /// The response, word 0 the card status for R1.
        response: [u32; 4],
    },
}

/// What an answer means for the question whether the command was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Reported as executed.
    Executed,
    /// Refused in words that a write block uses.
    Refused,
    /// Refused in words that the device itself may have used, because it doesn't have the command or not in this form.
    Unsupported,
    /// No such node, or no such operation on it.
    Absent,
    /// Ended otherwise: time-out, bus error, device gone.
    Failed,
}

impl Answer {
    /// The answer that a failed call of the standard library stands for.
    #[must_use]
    pub fn from_error(step: &'static str, error: &io::Error) -> Self {
        Answer::Errno { step, errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }

    /// The answer that the result of a call stands for.
    #[must_use]
    pub fn from_result<T>(step: &'static str, result: &io::Result<T>) -> Self {
        result.as_ref().map_or_else(|error| Self::from_error(step, error), |_| Answer::Done)
    }

    /// The answer of an ioctl whose return value is a status: 0 is success, a positive number is not.
    #[must_use]
    pub fn from_status(step: &'static str, result: &io::Result<i32>) -> Self {
        match result {
            Ok(0) => Answer::Done,
            Ok(code) => Answer::Code { step, code: *code },
            Err(error) => Self::from_error(step, error),
        }
    }

    /// What it means.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Answer::Done => Outcome::Executed,
            Answer::Errno { errno, .. } => of_errno(*errno),
            Answer::Code { .. } => Outcome::Unsupported,
            Answer::Scsi { status, host, sense } => of_scsi(*status, *host, sense.as_ref()),
            Answer::Nvme { status, .. } => of_nvme(*status),
            Answer::Mmc { response } => of_card_status(response[0]),
        }
    }
}

fn of_errno(errno: i32) -> Outcome {
    match errno {
        libc::EPERM | libc::EACCES | libc::EROFS => Outcome::Refused,
        libc::ENOENT | libc::ENXIO | libc::ENODEV | libc::ENOTTY | libc::ENOSYS | libc::EOPNOTSUPP => {
            Outcome::Absent
        }
        libc::EINVAL | libc::EBADF | libc::EBUSY | libc::EMSGSIZE => Outcome::Unsupported,
        _ => Outcome::Failed,
    }
}

fn of_scsi(status: u8, host: u32, sense: Option<&Sense>) -> Outcome {
    match (host, status, sense) {
        (0, 0x00, None) => Outcome::Executed,
        // RESERVATION CONFLICT: the device guards itself.
        (_, 0x18, _) => Outcome::Unsupported,
        (_, _, Some(sense)) => match sense.key {
            // ATA registers ride on a recovered error (SAT-4 §12.2.5); ERR or DF in the status register is a failure.
            0x0 | 0x1 if sense.ata.is_none_or(|ata| ata.status & 0x21 == 0) => Outcome::Executed,
            0x7 => Outcome::Refused,
            0x0 | 0x1 | 0x5 | 0x8 | 0xB | 0xE => Outcome::Unsupported,
            _ => Outcome::Failed,
        },
        // CONDITION MET ends PRE-FETCH.
        (0, 0x04, None) => Outcome::Executed,
        _ => Outcome::Failed,
    }
}

/// Status types and codes: NVM Express base 2.0, figures 93 to 97.
fn of_nvme(status: u16) -> Outcome {
    match status & 0x7FF {
        0 => Outcome::Executed,
        // Access denied, namespace is write protected (types 2 and 0).
        0x286 | 0x020 => Outcome::Refused,
        // Aborted by request, by queue deletion; host path error.
        0x007 | 0x008 | 0x300..=0x3FF => Outcome::Failed,
        _ => Outcome::Unsupported,
    }
}

/// Card status of R1, JESD84-B51 §6.13: error bits 31 to 19 without CARD_IS_LOCKED (25).
fn of_card_status(status: u32) -> Outcome {
    match status & 0xFDF8_0000 {
        0 => Outcome::Executed,
        // WP_VIOLATION
        errors if errors & 1 << 26 != 0 => Outcome::Refused,
        _ => Outcome::Unsupported,
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Done => f.write_str("success"),
            Answer::Errno { step, errno } => write!(f, "{step}: {}", errno_name(*errno)),
            Answer::Code { step, code } => write!(f, "{step}: status {code:02X}h"),
            Answer::Scsi { status: 0, host: 0, sense: None } => f.write_str("GOOD"),
            Answer::Scsi { sense: Some(sense), .. } => write!(f, "{sense}"),
            Answer::Scsi { status, host, sense: None } => {
                write!(f, "status {status:02X}h, host byte {host:02X}h")
            }
            Answer::Nvme { status, .. } => match status & 0x7FF {
                0 => f.write_str("successful completion"),
                0x001 => f.write_str("invalid opcode (001h)"),
                0x002 => f.write_str("invalid field (002h)"),
                0x00B => f.write_str("invalid namespace (00Bh)"),
                code => write!(f, "NVMe status {code:03X}h"),
            },
            Answer::Mmc { response } => write!(f, "card status {:08X}h", response[0]),
        }
    }
}

/// The name of an error number as C spells it, or the number.
#[must_use]
pub fn errno_name(errno: i32) -> String {
    match nix::errno::Errno::from_raw(errno) {
        nix::errno::Errno::UnknownErrno => format!("errno {errno}"),
        known => format!("{known:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sense(key: u8, asc: u8) -> Answer {
        let sense = Sense { key, asc, ascq: 0, ata: None };
        Answer::Scsi { status: 2, host: 0, sense: Some(sense) }
    }

    #[test]
    fn only_what_was_executed_counts_as_executed() {
        assert_eq!(Answer::Done.outcome(), Outcome::Executed);
        assert_eq!(Answer::Scsi { status: 0, host: 0, sense: None }.outcome(), Outcome::Executed);
        assert_eq!(sense(1, 0).outcome(), Outcome::Executed, "a recovered error is a success");
        assert_eq!(Answer::Nvme { status: 0, result: 7 }.outcome(), Outcome::Executed);
        assert_eq!(Answer::Mmc { response: [0x0000_0900, 0, 0, 0] }.outcome(), Outcome::Executed);
        assert_eq!(Answer::Scsi { status: 0, host: 3, sense: None }.outcome(), Outcome::Failed, "a time-out");
        assert_eq!(Answer::from_status("IOC_PR_CLEAR", &Ok(0)).outcome(), Outcome::Executed);
        assert_eq!(
            Answer::from_status("IOC_PR_CLEAR", &Ok(2)).outcome(),
            Outcome::Unsupported,
            "PR_STS_IOERR"
        );
        assert_eq!(Answer::Mmc { response: [1 << 22, 0, 0, 0] }.outcome(), Outcome::Unsupported);
    }

    #[test]
    fn a_write_blocks_words_are_told_from_a_devices() {
        assert_eq!(sense(7, 0x27).outcome(), Outcome::Refused);
        assert_eq!(Answer::Errno { step: "open", errno: libc::EROFS }.outcome(), Outcome::Refused);
        assert_eq!(sense(5, 0x20).outcome(), Outcome::Unsupported);
        assert_eq!(Answer::Nvme { status: 0x4001, result: 0 }.outcome(), Outcome::Unsupported);
        assert_eq!(Answer::Nvme { status: 0x4020, result: 0 }.outcome(), Outcome::Refused);
        assert_eq!(Answer::Errno { step: "open", errno: libc::ENOENT }.outcome(), Outcome::Absent);
    }

    #[test]
    fn an_ata_error_in_the_returned_registers_is_no_success() {
        let registers = device::AtaRegisters { error: 4, status: 0x51, ..Default::default() };
        let sense = Sense { key: 1, asc: 0, ascq: 0x1D, ata: Some(registers) };
        let answer = Answer::Scsi { status: 2, host: 0, sense: Some(sense) };
        assert_eq!(answer.outcome(), Outcome::Unsupported);
    }

    #[test]
    fn answers_are_printed_in_the_words_of_their_standard() {
        assert_eq!(sense(7, 0x27).to_string(), "data protect 7/27/00");
        assert_eq!(Answer::Errno { step: "write", errno: libc::EPERM }.to_string(), "write: EPERM");
        assert_eq!(Answer::Nvme { status: 0x4001, result: 0 }.to_string(), "invalid opcode (001h)");
    }
}
