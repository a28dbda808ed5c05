//! What an authority signs: TSTInfo (RFC 3161 §2.4.2).
//!
//! The published structure is read here and not by x509-tsp, which knows no fractions of seconds; authorities give them.

use crate::error::TimeStampError;
use der::asn1::{Int, ObjectIdentifier};
use der::{Any, Decode, Sequence, Tag, Tagged};
use std::time::Duration;
use x509_cert::ext::Extensions;
use x509_cert::spki::AlgorithmIdentifier;
use x509_tsp::{Accuracy, MessageImprint};

const WHAT: &str = "time-stamp";

/// SHA-256 (NIST, RFC 5754 §2.2).
pub(crate) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
struct TstInfo {
    version: u8,
    policy: ObjectIdentifier,
    message_imprint: MessageImprint,
    serial_number: Int,
    gen_time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub sha256: [u8; 32],
    pub nonce: Option<Vec<u8>>,
    pub time: jiff::Timestamp,
    pub accuracy: Option<Duration>,
    /// As the authority wrote it.
    pub serial: Vec<u8>,
    pub policy: String,
    /// An extension that must be understood (RFC 5280 §4.2), and is not.
    pub critical: Option<String>,
}

impl Statement {
    pub(crate) fn read(der: &[u8]) -> Result<Self, TimeStampError> {
        let wrong = |error: &dyn ToString| TimeStampError::message(WHAT, error.to_string());
        let info = TstInfo::from_der(der).map_err(|error| TimeStampError::structure(WHAT, der, error))?;
        if info.version != 1 {
            return Err(wrong(&format!("it is of version {}", info.version)));
        }
        let time = time(&info.gen_time).ok_or_else(|| wrong(&"its time is none"))?;
        let critical = info.extensions.iter().flatten().find(|extension| extension.critical);
        Ok(Self {
            sha256: hash_of(&info.message_imprint, WHAT)?,
            nonce: info.nonce.as_ref().map(|nonce| positive(nonce.as_bytes())),
            time,
            accuracy: info.accuracy.as_ref().map(duration),
            serial: info.serial_number.as_bytes().to_vec(),
            policy: info.policy.to_string(),
            critical: critical.map(|extension| extension.extn_id.to_string()),
        })
    }
}

fn duration(accuracy: &Accuracy) -> Duration {
    let of = |part: Option<i16>| u64::try_from(part.unwrap_or(0)).unwrap_or(0);
    let parts = [Duration::from_millis(of(accuracy.millis)), Duration::from_micros(of(accuracy.micros))];
    let whole = Duration::from_secs(accuracy.seconds.unwrap_or(0));
    parts.into_iter().fold(whole, Duration::saturating_add)
}

/// `YYYYMMDDhhmmss[.s...]Z` (RFC 3161 §2.4.2).
fn time(value: &Any) -> Option<jiff::Timestamp> {
    let text = std::str::from_utf8(value.value()).ok().filter(|_| value.tag() == Tag::GeneralizedTime)?;
    let (whole, fraction) = match text.strip_suffix('Z')?.split_once('.') {
        None => (text.strip_suffix('Z')?, ""),
        Some((whole, fraction)) => (whole, fraction),
    };
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let (date, clock) = whole.split_at(8);
    format!("{date}T{clock}.{fraction:0<9}Z").parse().ok()
}

/// The SHA-256 that an imprint holds.
pub(crate) fn hash_of(imprint: &MessageImprint, what: &'static str) -> Result<[u8; 32], TimeStampError> {
    if imprint.hash_algorithm.oid != SHA_256 {
        return Err(TimeStampError::OtherHash(imprint.hash_algorithm.oid.to_string()));
    }
    let hash = imprint.hashed_message.as_bytes();
    hash.try_into()
        .map_err(|_| TimeStampError::message(what, format!("its SHA-256 has {} bytes", hash.len())))
}

/// A number without the zero that DER puts before a high bit.
pub(crate) fn positive(bytes: &[u8]) -> Vec<u8> {
    bytes.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(bytes).to_vec()
}

/// With the empty parameter that most authorities expect (RFC 5754 §2 allows either).
pub(crate) fn sha256_identifier() -> AlgorithmIdentifier<Any> {
    AlgorithmIdentifier { oid: SHA_256, parameters: Some(Any::null()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_fractions_or_none_and_nothing_else() {
        let read = |text: &str| time(&Any::new(Tag::GeneralizedTime, text.as_bytes()).unwrap());
        let told = |text| read(text).map(|time| time.to_string());
        assert_eq!(told("20261129081530Z").as_deref(), Some("2026-11-29T08:15:30Z"));
        assert_eq!(told("20261129081530.25Z").as_deref(), Some("2026-11-29T08:15:30.25Z"));
        for text in [
            "",
            "Z",
            "20261129081530",
            "2026112908153Z",
            "20261329081530Z",
            "20261129081530.1+Z",
            "2026112908153ßZ",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
        assert_eq!(time(&Any::new(Tag::Utf8String, b"20261129081530Z".as_slice()).unwrap()), None);
    }
}
