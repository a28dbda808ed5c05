//! What an authority answered (RFC 3161 §2.4.2).

use crate::authority::Authority;
use crate::error::{SignatureError, TimeStampError};
use crate::request::Request;
use crate::signer;
use crate::tst_info::Statement;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode, Sequence};
use std::time::Duration;

const WHAT: &str = "answer";

/// id-signedData (RFC 5652 §5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// id-ct-TSTInfo (RFC 3161 §2.4.2).
pub(crate) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// The frame of an answer. The status is read loosely: what a refusal says is for people.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
struct Frame {
    status: Status,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
struct Status {
    status: u8,
    #[asn1(optional = "true")]
    text: Option<Vec<String>>,
    #[asn1(optional = "true")]
    fail_info: Option<Any>,
}

/// An answer with a time-stamp. Whether it is about a given file says [`Answer::fits`], who vouches for it
/// [`Answer::signed_by`].
#[derive(Clone, Debug)]
pub struct Answer {
    statement: Statement,
    signed: SignedData,
    /// The bytes that were signed about: TSTInfo as DER.
    content: Vec<u8>,
    /// True when the authority changed something of what was asked for (`grantedWithMods`).
    pub with_modifications: bool,
}

/// Why an answer is none to what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is about another file.
    #[error("the time-stamp is over another file: its SHA-256 is not that of the head")]
    Imprint,
    /// It answers another request.
    #[error("the time-stamp answers another request: it does not repeat the request's number")]
    Nonce,
    /// The request beside it is about another file.
    #[error("the request beside it is about another file: its SHA-256 is not that of the head")]
    Request,
}

impl Answer {
    /// The answer in a file.
    ///
    /// # Errors
    /// [`TimeStampError::NoMessage`] for what is no answer, [`TimeStampError::OtherForm`] for one that may be, in another
    /// encoding than DER, [`TimeStampError::Refused`] where the authority gave no
    /// time-stamp, [`TimeStampError::OtherHash`].
    pub fn read(der: &[u8]) -> Result<Self, TimeStampError> {
        let wrong = |error: der::Error| TimeStampError::structure(WHAT, der, error);
        let frame = Frame::from_der(der).map_err(wrong)?;
        let Status { status, text, .. } = frame.status;
        // granted, grantedWithMods (RFC 3161 §2.4.2).
        if status > 1 {
            let told = text.unwrap_or_default().join("; ");
            return Err(TimeStampError::Refused(format!("status {status} {told}").trim_end().to_owned()));
        }
        let token = frame.token.ok_or_else(|| TimeStampError::message(WHAT, "it holds no time-stamp"))?;
        if token.content_type != SIGNED_DATA {
            return Err(TimeStampError::message(WHAT, "its time-stamp is not signed"));
        }
        let signed: SignedData =
            token.content.to_der().and_then(|der| SignedData::from_der(&der)).map_err(wrong)?;
        if signed.encap_content_info.econtent_type != TST_INFO {
            return Err(TimeStampError::message(WHAT, "something other than a time-stamp was signed"));
        }
        let content = signed.encap_content_info.econtent.as_ref();
        let content = content.ok_or_else(|| TimeStampError::message(WHAT, "its time-stamp is empty"))?;
        let content = content.decode_as::<OctetString>().map_err(wrong)?.into_bytes();
        let statement = Statement::read(&content)?;
        Ok(Self { statement, signed, content, with_modifications: status == 1 })
    }

    /// When the authority says that what it stamped was there.
    #[must_use]
    pub fn time(&self) -> jiff::Timestamp {
        self.statement.time
    }

    /// By how much the time may be off, where the authority says it.
    #[must_use]
    pub fn accuracy(&self) -> Option<Duration> {
        self.statement.accuracy
    }

    /// The authority's number of this time-stamp, in hexadecimal.
    #[must_use]
    pub fn serial(&self) -> String {
        self.statement.serial.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The authority's policy, an object identifier.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.statement.policy
    }

    /// SHA-256 of what was stamped.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.statement.sha256
    }

    /// Whether it is about the file with this SHA-256, and answers the request, where there is one.
    ///
    /// # Errors
    /// [`Misfit`] where it is not.
    pub fn fits(&self, sha256: [u8; 32], request: Option<&Request>) -> Result<(), Misfit> {
        if self.statement.sha256 != sha256 {
            return Err(Misfit::Imprint);
        }
        let Some(request) = request else { return Ok(()) };
        if request.sha256 != sha256 {
            return Err(Misfit::Request);
        }
        if request.nonce.is_some() && request.nonce != self.statement.nonce {
            return Err(Misfit::Nonce);
        }
        Ok(())
    }

    /// Whether one signed it whom `authority` vouches for: the message's digest, the signature over it, the certificate that
    /// the signature names, its purpose, and its path to a trusted certificate at the time that is stated. Gives the signer's
    /// name. Whether a certificate was revoked is not asked.
    ///
    /// # Errors
    /// [`SignatureError::Wrong`] where something does not hold, [`SignatureError::NotChecked`] for what this program can't
    /// check: algorithms that it does not know, critical extensions.
    pub fn signed_by(&self, authority: &Authority) -> Result<String, SignatureError> {
        if let Some(extension) = &self.statement.critical {
            return Err(SignatureError::unknown(format!(
                "it has a critical extension that is not known: {extension}"
            )));
        }
        signer::check(&self.signed, &self.content, self.statement.time, authority)
    }
}
