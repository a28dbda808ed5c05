//! How the machine was started, as far as its TPM measured it.

use crate::base64;
use evidence::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Values of PCRs from number 0 on, `null` where one could not be read; a bank for each algorithm by its name.
pub type PcrBanks = BTreeMap<String, Vec<Option<Digest>>>;

/// What the machine's TPM holds of its start. Made by [`MeasuredBoot::absent`] or [`MeasuredBoot::present`]; one type for
/// both, because what reads alternatives out of a line takes 50 KiB of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredBoot {
    /// Whether one was asked.
    pub tpm: TpmPresence,
    /// Why none can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Version of its specification, `1.2` or `2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its PCRs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banks: Option<PcrBanks>,
    /// The firmware's log of what it measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_log: Option<EventLog>,
}

/// Whether there is a TPM that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TpmPresence {
    /// None that can be read.
    None,
    /// One that was asked.
    Present,
}

/// The log of measured events, as the kernel hands it out (TCG PC Client Platform Firmware Profile, event logging): its
/// bytes and their hash, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLog {
    /// SHA-256 of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Its bytes in base64 (RFC 4648, clause 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl MeasuredBoot {
    /// None can be read, for this reason.
    #[must_use]
    pub fn absent(reason: String) -> Self {
        Self { tpm: TpmPresence::None, reason: Some(reason), version: None, banks: None, event_log: None }
    }

    /// What one of this version said; of its log the bytes, or why there are none.
    #[must_use]
    pub fn present(version: &str, banks: PcrBanks, log: Result<Vec<u8>, String>) -> Self {
        let event_log = match log {
            Ok(bytes) => EventLog {
                sha256: Some(Digest::from_bytes(&Sha256::digest(&bytes))),
                base64: Some(base64::encode(&bytes).to_string()),
                reason: None,
            },
            Err(reason) => EventLog { sha256: None, base64: None, reason: Some(reason) },
        };
        Self {
            tpm: TpmPresence::Present,
            reason: None,
            version: Some(version.to_owned()),
            banks: Some(banks),
            event_log: Some(event_log),
        }
    }
}
