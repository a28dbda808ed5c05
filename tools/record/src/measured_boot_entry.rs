//! How the machine was started, as far as its TPM measured it.

use crate::base64;
use evidence::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What the machine's TPM holds of its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tpm", rename_all = "kebab-case")]
pub enum MeasuredBoot {
    /// None that can be read.
    None {
        /// Why.
        reason: String,
    },
    /// One that was asked.
    Present {
        /// Version of its specification, `1.2` or `2.0`.
        version: String,
        /// Values of the PCRs from number 0 on, `null` where one could not be read; a bank for each algorithm by its name.
        banks: BTreeMap<String, Vec<Option<Digest>>>,
        /// The firmware's log of what it measured.
        event_log: EventLog,
    },
}

/// The log of measured events, as the kernel hands it out (TCG PC Client Platform Firmware Profile, event logging).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventLog {
    /// The log.
    Kept {
        /// SHA-256 of its bytes.
        sha256: Digest,
        /// Its bytes in base64 (RFC 4648, clause 4).
        base64: String,
    },
    /// There is none.
    Missing {
        /// Why.
        reason: String,
    },
}

impl EventLog {
    /// A log that was read, or why none was.
    #[must_use]
    pub fn of(read: Result<Vec<u8>, String>) -> Self {
        match read {
            Ok(bytes) => Self::Kept {
                sha256: Digest::from_bytes(&Sha256::digest(&bytes)),
                base64: base64::encode(&bytes).to_string(),
            },
            Err(reason) => Self::Missing { reason },
        }
    }
}
