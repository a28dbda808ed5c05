//! Who signed a time-stamp, and whether they did: SignedData (RFC 5652 §5.4, §5.6) with the rules of RFC 3161 §2.4.2.

use crate::algorithms::{self, Hash};
use crate::answer::TST_INFO;
use crate::authority::Authority;
use crate::error::SignatureError;
use cms::cert::CertificateChoices;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString, SetOfVec};
use der::{Any, Decode, Encode, Sequence};
use rustls_pki_types::CertificateDer;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};
use x509_cert::spki::AlgorithmIdentifierOwned;

/// id-contentType, id-messageDigest (RFC 5652 §11.1, §11.2).
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// id-aa-signingCertificate (RFC 2634 §5.4) and id-aa-signingCertificateV2 (RFC 5035 §3).
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// Signatures and the hash that their name states: RSA (RFC 8017, which may leave the hash to the digest), ECDSA (RFC 5758).
const SIGNATURES: [(ObjectIdentifier, Option<Hash>); 7] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"), None),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Some(Hash::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), Some(Hash::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), Some(Hash::Sha512)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Some(Hash::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), Some(Hash::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), Some(Hash::Sha512)),
];
/// id-ce-extKeyUsage (RFC 5280 §4.2.1.12).
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// id-ce-keyUsage (RFC 5280 §4.2.1.3).
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");

/// Certificates of an answer that are looked at.
const MOST: usize = 100;

#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateHash>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// ESSCertID: the SHA-1 of a certificate.
#[derive(Sequence)]
struct CertificateHash {
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificateV2 {
    certificates: Vec<CertificateHashV2>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// ESSCertIDv2: the hash of a certificate, SHA-256 where none is named.
#[derive(Sequence)]
struct CertificateHashV2 {
    #[asn1(optional = "true")]
    algorithm: Option<AlgorithmIdentifierOwned>,
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer: Option<Any>,
}

/// Checks all of it; the signer's name.
pub(crate) fn check(
    signed: &SignedData,
    content: &[u8],
    time: jiff::Timestamp,
    authority: &Authority,
) -> Result<String, SignatureError> {
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(SignatureError::wrong("it is not signed by exactly one signer"));
    };
    let hash = hash(&signer.digest_alg.oid)?;
    // RFC 5652 §5.1: the digests of all signers are named before the content.
    if !signed.digest_algorithms.iter().any(|named| named.oid == signer.digest_alg.oid) {
        return Err(SignatureError::wrong("it names another digest than its signer"));
    }
    let attributes = signer.signed_attrs.as_ref();
    let attributes = attributes.ok_or_else(|| SignatureError::wrong("its signature covers no attributes"))?;
    let attributes_der = attributes.to_der().map_err(SignatureError::wrong)?;

    // What was signed is this content, and it is a time-stamp.
    let kind: ObjectIdentifier = value(attributes, CONTENT_TYPE)?;
    let digest: OctetString = value(attributes, MESSAGE_DIGEST)?;
    if kind != TST_INFO || digest.as_bytes() != hash.of(content) {
        return Err(SignatureError::wrong("what was signed is another time-stamp than the one it holds"));
    }

    // The certificate is the one that the signature itself names.
    let embedded = embedded(signed)?;
    let candidates = embedded.iter().map(Vec::as_slice).chain(authority.certificates());
    let mut found = None;
    for der in candidates {
        if names(signer, der)? && is_signing_certificate(attributes, der)? {
            found = Some(der);
            break;
        }
    }
    let der = found.ok_or_else(|| {
        SignatureError::unknown(
            "the signer's certificate is neither in the answer nor in the file of trusted ones",
        )
    })?;
    let certificate = Certificate::from_der(der).map_err(SignatureError::unknown)?;
    only_for_time_stamps(&certificate)?;
    for_signatures(&certificate)?;

    let encoded = CertificateDer::from(der);
    let end = EndEntityCert::try_from(&encoded).map_err(|error| {
        SignatureError::unknown(format!("its signer's certificate can't be judged: {error:?}"))
    })?;
    if !algorithms::judge_key_of(der) {
        return Err(SignatureError::unknown(
            "its signer's key is shorter or longer than those that are judged here",
        ));
    }
    signature_holds(&end, signer, hash, &attributes_der)?;
    let others: Vec<CertificateDer<'_>> =
        embedded.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    authority.vouches(&end, &others, time)?;
    Ok(certificate.tbs_certificate.subject.to_string())
}

fn hash(oid: &ObjectIdentifier) -> Result<Hash, SignatureError> {
    match *oid {
        crate::tst_info::SHA_256 => Ok(Hash::Sha256),
        SHA_384 => Ok(Hash::Sha384),
        SHA_512 => Ok(Hash::Sha512),
        other => Err(SignatureError::unknown(format!("it is signed over a hash that is not known: {other}"))),
    }
}

/// The value of an attribute that must be there once, with one value (RFC 5652 §11).
fn value<'a, T: der::Choice<'a> + der::DecodeValue<'a>>(
    attributes: &'a SetOfVec<Attribute>,
    oid: ObjectIdentifier,
) -> Result<T, SignatureError> {
    let wrong = || SignatureError::wrong(format!("its signature has no attribute {oid}, or more than one"));
    let any = attribute(attributes, oid)?.ok_or_else(wrong)?;
    any.decode_as::<T>()
        .map_err(|error| SignatureError::unknown(format!("its attribute {oid} can't be read: {error}")))
}

fn attribute(
    attributes: &SetOfVec<Attribute>,
    oid: ObjectIdentifier,
) -> Result<Option<&Any>, SignatureError> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => match one.values.as_slice() {
            [value] => Ok(Some(value)),
            _ => Err(SignatureError::wrong(format!("its attribute {oid} has not exactly one value"))),
        },
        _ => Err(SignatureError::wrong(format!("its signature has the attribute {oid} twice"))),
    }
}

/// The certificates in the answer.
fn embedded(signed: &SignedData) -> Result<Vec<Vec<u8>>, SignatureError> {
    let certificates = signed.certificates.iter().flat_map(|set| set.0.iter());
    let certificates = certificates.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate.to_der()),
        CertificateChoices::Other(_) => None,
    });
    certificates.take(MOST).collect::<der::Result<_>>().map_err(SignatureError::unknown)
}

fn names(signer: &SignerInfo, der: &[u8]) -> Result<bool, SignatureError> {
    let Ok(certificate) = Certificate::from_der(der) else { return Ok(false) };
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(named) => Ok(named.issuer
            == certificate.tbs_certificate.issuer
            && named.serial_number == certificate.tbs_certificate.serial_number),
        SignerIdentifier::SubjectKeyIdentifier(_) => {
            Err(SignatureError::unknown("its signer is named by a key identifier, which is not known here"))
        }
    }
}

/// The first certificate that the signed attribute names by its hash is this one: without that, another certificate of the
/// same name and number could be put in its place (RFC 3161 §2.4.1, RFC 5816).
fn is_signing_certificate(attributes: &SetOfVec<Attribute>, der: &[u8]) -> Result<bool, SignatureError> {
    let wrong = |error| {
        SignatureError::unknown(format!("the certificate that its signature names can't be read: {error}"))
    };
    if let Some(value) = attribute(attributes, SIGNING_CERTIFICATE_V2)? {
        let named = value.to_der().and_then(|der| SigningCertificateV2::from_der(&der)).map_err(wrong)?;
        let first = named.certificates.first();
        let first = first.ok_or_else(|| SignatureError::wrong("its signature names no certificate"))?;
        let hash = match &first.algorithm {
            None => Sha256::digest(der).to_vec(),
            Some(algorithm) => hash(&algorithm.oid)?.of(der),
        };
        return Ok(first.hash.as_bytes() == hash);
    }
    if let Some(value) = attribute(attributes, SIGNING_CERTIFICATE)? {
        let named = value.to_der().and_then(|der| SigningCertificate::from_der(&der)).map_err(wrong)?;
        let first = named.certificates.first();
        let first = first.ok_or_else(|| SignatureError::wrong("its signature names no certificate"))?;
        return Ok(first.hash.as_bytes() == Sha1::digest(der).as_slice());
    }
    Err(SignatureError::wrong("its signature does not name its certificate"))
}

/// The purpose is stated, must be heeded, and is the only one (RFC 3161 §2.3).
fn only_for_time_stamps(certificate: &Certificate) -> Result<(), SignatureError> {
    let mut extensions = certificate.tbs_certificate.extensions.iter().flatten();
    let usage = extensions.find(|extension| extension.extn_id == EXTENDED_KEY_USAGE);
    let purposes = usage
        .filter(|usage| usage.critical)
        .and_then(|usage| ExtendedKeyUsage::from_der(usage.extn_value.as_bytes()).ok())
        .map_or(0, |usage| usage.0.len());
    // Which one it is, is asked on the way to the trusted certificate.
    if purposes == 1 {
        return Ok(());
    }
    Err(SignatureError::wrong("its signer's certificate is not one for time-stamps alone"))
}

/// Where it says what its key is for, that is signatures, and nothing else (RFC 5280 §4.2.1.12).
fn for_signatures(certificate: &Certificate) -> Result<(), SignatureError> {
    let mut extensions = certificate.tbs_certificate.extensions.iter().flatten();
    let Some(usage) = extensions.find(|extension| extension.extn_id == KEY_USAGE) else { return Ok(()) };
    let KeyUsage(usage) = KeyUsage::from_der(usage.extn_value.as_bytes()).map_err(SignatureError::unknown)?;
    let signatures = KeyUsages::DigitalSignature | KeyUsages::NonRepudiation;
    match !usage.is_empty() && signatures.contains(usage) {
        true => Ok(()),
        false => Err(SignatureError::wrong(
            "its signer's certificate is for a key that is not one for signatures alone",
        )),
    }
}

fn signature_holds(
    certificate: &EndEntityCert<'_>,
    signer: &SignerInfo,
    hash: Hash,
    attributes: &[u8],
) -> Result<(), SignatureError> {
    let named = signer.signature_algorithm.oid;
    let stated = SIGNATURES.iter().find(|(oid, _)| *oid == named).map(|(_, hash)| *hash);
    match stated {
        Some(stated) if stated.is_none_or(|stated| stated == hash) => {}
        Some(_) => return Err(SignatureError::wrong("its signature and its digest are of two hashes")),
        None => {
            let what = format!("it is signed in a way that is not known here: {named}");
            return Err(SignatureError::unknown(what));
        }
    }
    let mut known = false;
    for algorithm in algorithms::with(hash) {
        match certificate.verify_signature(&algorithm, attributes, signer.signature.as_bytes()) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::InvalidSignatureForPublicKey) => known = true,
            Err(_) => {}
        }
    }
    match known {
        true => Err(SignatureError::wrong(
            "its signature does not hold: it was altered, or made with another key",
        )),
        false => Err(SignatureError::unknown("its signer's key is of a kind that is not known here")),
    }
}
