//! Whom somebody trusts: the certificates in a file.

use crate::algorithms;
use crate::error::{SignatureError, TimeStampError};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// id-kp-timeStamping (RFC 3161 §2.3), 1.3.6.1.5.5.7.3.8 without tag and length.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// Certificates in a file: each is one that is trusted.
const MOST: usize = 1_000;

/// Certificates that are trusted.
#[derive(Clone, Debug)]
pub struct Authority {
    certificates: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// The certificates in a PEM, of which there may be several.
    ///
    /// # Errors
    /// [`TimeStampError::NoCertificate`] where there is none, or one that can't be read.
    pub fn of_pem(pem: &[u8]) -> Result<Self, TimeStampError> {
        let certificates = CertificateDer::pem_slice_iter(pem).take(MOST).collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Self { certificates }),
            _ => Err(TimeStampError::NoCertificate),
        }
    }

    pub(crate) fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(AsRef::as_ref)
    }

    /// Whether it vouches at that time for `signer` as one that stamps times, over `others` if need be.
    pub(crate) fn vouches(
        &self,
        signer: &EndEntityCert<'_>,
        others: &[CertificateDer<'_>],
        time: jiff::Timestamp,
    ) -> Result<(), SignatureError> {
        let anchors: Vec<_> = self
            .certificates
            .iter()
            .filter_map(|certificate| anchor_from_trusted_cert(certificate).ok())
            .collect();
        if anchors.is_empty() {
            return Err(SignatureError::unknown(
                "the certificates that are trusted are of a form that is not known",
            ));
        }
        let seconds =
            u64::try_from(time.as_second()).map_err(|_| SignatureError::wrong("its time is before 1970"))?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        // The signer has exactly one purpose, which must be this; who vouches for it may have none, and then has all.
        let usage = KeyUsage::required_if_present(TIME_STAMPING);
        let others: Vec<CertificateDer<'_>> = others.to_vec();
        match signer.verify_for_usage(&algorithms::ALL, &anchors, &others, time, usage, None, None) {
            Ok(_) => Ok(()),
            // That of a key which is not judged does not fit either.
            Err(Error::InvalidSignatureForPublicKey)
                if !self.certificates.iter().chain(&others).all(|one| algorithms::judge_key_of(one)) =>
            {
                let why =
                    "a key on the way from its signer is shorter or longer than those that are judged here";
                Err(SignatureError::unknown(why))
            }
            Err(error) => Err(told(&error)),
        }
    }
}

/// Errors that say what can't be judged are told from those that say that something does not hold.
fn told(error: &Error) -> SignatureError {
    match error {
        Error::UnknownIssuer => SignatureError::unknown(
            "its signer's certificate does not lead to one that is trusted: one between is missing, or it is not \
             trusted; add it to the file",
        ),
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => {
            SignatureError::wrong("a certificate on the way from its signer was not valid at that time")
        }
        Error::RequiredEkuNotFoundContext(_) => {
            SignatureError::wrong("its signer's certificate is not one for time-stamps")
        }
        Error::InvalidSignatureForPublicKey => {
            SignatureError::wrong("a certificate's signature does not hold")
        }
        Error::UnsupportedCriticalExtension
        | Error::UnsupportedCertVersion
        | Error::UnsupportedNameType
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => SignatureError::unknown(format!(
            "a certificate on the way from its signer can't be judged: {error:?}"
        )),
        other => SignatureError::wrong(format!("its signer's certificate does not hold: {other:?}")),
    }
}
