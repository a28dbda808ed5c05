//! Why there is no time-stamp, and what is wrong with its signature.

use crate::ber;

/// What was given is no request, or no answer with a time-stamp in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeStampError {
    /// Not in the encoding that RFC 3161 asks for.
    #[error("it is no {what} of RFC 3161 in DER: {reason}")]
    NoMessage {
        /// What it had to be.
        what: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// A value of ASN.1 that can't be read here.
    #[error("it is a value of ASN.1, perhaps in BER, that is not read as {what} here: {reason}")]
    OtherForm {
        /// What it had to be.
        what: &'static str,
        /// What is not known, and where.
        reason: String,
    },
    /// The authority gave no time-stamp (RFC 3161 §2.4.2).
    #[error("the authority refused: {0}")]
    Refused(String),
    /// The time-stamp is over a hash other than SHA-256.
    #[error("it is a time-stamp over a hash of the algorithm {0}, not over SHA-256")]
    OtherHash(String),
    /// No certificate was found.
    #[error("there is no certificate in PEM in it")]
    NoCertificate,
}

impl TimeStampError {
    pub(crate) fn message(what: &'static str, reason: impl ToString) -> Self {
        TimeStampError::NoMessage { what, reason: reason.to_string() }
    }

    /// Of bytes that are not the structure in DER.
    pub(crate) fn structure(what: &'static str, bytes: &[u8], reason: impl ToString) -> Self {
        let reason = reason.to_string();
        match ber::is_one_value(bytes) {
            true => TimeStampError::OtherForm { what, reason },
            false => TimeStampError::NoMessage { what, reason },
        }
    }
}

/// Why a signature is not known to hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It does not hold.
    #[error("{0}")]
    Wrong(String),
    /// It is made in a way that this program does not know; another one may.
    #[error("{0}")]
    NotChecked(String),
}

impl SignatureError {
    pub(crate) fn wrong(what: impl ToString) -> Self {
        SignatureError::Wrong(what.to_string())
    }

    pub(crate) fn unknown(what: impl ToString) -> Self {
        SignatureError::NotChecked(what.to_string())
    }
}
