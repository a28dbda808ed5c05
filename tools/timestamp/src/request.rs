//! What an authority is asked (RFC 3161 §2.4.1).

use crate::error::TimeStampError;
use crate::tst_info::{hash_of, positive, sha256_identifier};
use der::asn1::{Int, OctetString};
use der::{Decode, Encode};
use x509_tsp::{MessageImprint, TimeStampReq, TspVersion};

const WHAT: &str = "request";

/// A request for a time-stamp over a SHA-256, with a number that the answer has to repeat, and with the wish that the
/// authority's certificate comes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// SHA-256 of what is stamped.
    pub sha256: [u8; 32],
    /// The number, big-endian, without leading zeros; absent in requests of other programs that made none.
    pub nonce: Option<Vec<u8>>,
}

impl Request {
    /// A request over `sha256`; `random` are bytes that nobody can guess.
    #[must_use]
    pub fn new(sha256: [u8; 32], random: [u8; 8]) -> Self {
        let [first, rest @ ..] = random;
        // A positive number of eight bytes has one encoding only.
        let mut nonce = vec![first & 0x3f | 0x40];
        nonce.extend(rest);
        Self { sha256, nonce: Some(nonce) }
    }

    /// The request as DER.
    ///
    /// # Errors
    /// [`TimeStampError::NoMessage`] for a nonce that is no number.
    pub fn to_der(&self) -> Result<Vec<u8>, TimeStampError> {
        self.encode().map_err(|error| TimeStampError::message(WHAT, error))
    }

    fn encode(&self) -> der::Result<Vec<u8>> {
        let nonce = self.nonce.as_ref().map(|nonce| Int::new(nonce)).transpose()?;
        TimeStampReq {
            version: TspVersion::V1,
            message_imprint: MessageImprint {
                hash_algorithm: sha256_identifier(),
                hashed_message: OctetString::new(self.sha256)?,
            },
            req_policy: None,
            nonce,
            cert_req: true,
            extensions: None,
        }
        .to_der()
    }

    /// The request in a file, ours or of another program.
    ///
    /// # Errors
    /// [`TimeStampError::NoMessage`], [`TimeStampError::OtherHash`].
    pub fn read(der: &[u8]) -> Result<Self, TimeStampError> {
        let request = TimeStampReq::from_der(der).map_err(|error| TimeStampError::message(WHAT, error))?;
        let nonce = request.nonce.as_ref().map(|nonce| positive(nonce.as_bytes()));
        Ok(Self { sha256: hash_of(&request.message_imprint, WHAT)?, nonce })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(sha256: [u8; 32], random: [u8; 8]) {
            let request = Request::new(sha256, random);
            let nonce = request.nonce.clone().unwrap_or_default();
            prop_assert!(nonce.len() == 8 && (0x40..0x80).contains(&nonce[0]));
            prop_assert_eq!(Request::read(&request.to_der().unwrap()).unwrap(), request);
        }
    }
}
