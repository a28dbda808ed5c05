//! Does a signed head vouch for the record, and is its key the one that was written down?

use crate::claims::Claims;
use crate::property::{Finding, Property};
use record::words::Half;
use record::{Fingerprint, Head, HeadError, HeadStatement, head_path};
use std::io;
use std::path::{Path, PathBuf};

pub const HEAD_SIGNED: &str = "record head signed";
pub const KEY_AS_WRITTEN: &str = "key as written down";

/// What somebody noted of the key while the acquisition ran.
#[derive(Clone, Copy, Debug)]
pub enum WrittenDown {
    Nothing,
    /// The words, or what they stand for.
    Words(Half),
    /// The whole fingerprint, or the key itself.
    Fingerprint(Fingerprint),
}

impl WrittenDown {
    fn is_of(&self, key: Fingerprint) -> bool {
        match self {
            WrittenDown::Nothing => false,
            WrittenDown::Words(half) => *half == key.half(),
            WrittenDown::Fingerprint(fingerprint) => *fingerprint == key,
        }
    }
}

/// The head beside a record, or none.
#[derive(Debug)]
pub struct FoundHead {
    pub path: PathBuf,
    /// What was found there.
    pub read: Option<Result<Head, HeadError>>,
}

impl FoundHead {
    /// Reads the head named, or the one beside `record`.
    ///
    /// # Errors
    /// [`HeadError::Read`] when a head that is there can't be read, and when the one that was named is not there.
    pub fn find(record: &Path, named: Option<&Path>) -> Result<Self, HeadError> {
        let path = named.map_or_else(|| head_path(record), Path::to_owned);
        match Head::read(&path) {
            Err(HeadError::Read { source, .. })
                if source.kind() == io::ErrorKind::NotFound && named.is_none() =>
            {
                Ok(Self { path, read: None })
            }
            Err(error @ HeadError::Read { .. }) => Err(error),
            read => Ok(Self { path, read: Some(read) }),
        }
    }

    fn head(&self) -> Option<&Head> {
        self.read.as_ref().and_then(|read| read.as_ref().ok())
    }

    /// The key that signed it, if its signature fits.
    pub fn signed_by(&self) -> Option<Fingerprint> {
        self.head().filter(|head| head.is_signed()).map(|head| head.key.fingerprint())
    }
}

/// The verdicts on head and key.
pub fn judge(claims: Option<&Claims>, found: &FoundHead, written_down: WrittenDown) -> [Property; 2] {
    [head_signed(claims, found, written_down), key_as_written(claims, found, written_down)]
}

fn head_signed(claims: Option<&Claims>, found: &FoundHead, written_down: WrittenDown) -> Property {
    let place = found.path.display();
    let Some(claims) = claims else {
        return match &found.read {
            None => Property::not_checked(HEAD_SIGNED, "no record and no head found"),
            Some(_) => {
                let why = format!("{place} is here, the record that it vouches for is not: it was removed");
                Property::found(HEAD_SIGNED, Err(why))
            }
        };
    };
    let finding = match (&found.read, &claims.signing_key) {
        (None, None) if claims.entries == 0 => {
            return Property::not_checked(HEAD_SIGNED, "no head, and no entry that would name its key");
        }
        (None, None) => {
            return Property::not_checked(
                HEAD_SIGNED,
                "no head, and the record names no key that would sign one: it is of a version that made none",
            );
        }
        (None, Some(_)) if !claims.ended => {
            return Property::not_checked(
                HEAD_SIGNED,
                "no head: it is made when the record is closed, and this one was not",
            );
        }
        (None, Some(notice)) => Err(format!(
            "no head at {place}, but the record names key {}, which signed one: it was removed, or the run was cut off \
             between its last entry and its head",
            notice.fingerprint
        )),
        (Some(Err(error)), _) => Err(error.to_string()),
        (Some(Ok(head)), _) => vouches(head, claims).map(|told| match written_down {
            WrittenDown::Nothing => format!("{told}; whose key that is was not checked"),
            _ => told,
        }),
    };
    Property::found(HEAD_SIGNED, finding)
}

/// Whether `head` vouches for the record, and if not, what it is instead.
fn vouches(head: &Head, claims: &Claims) -> Finding {
    let key = head.key.fingerprint();
    if !head.is_signed() {
        return Err(format!("the signature does not fit statement and key {key}: the head was altered"));
    }
    let HeadStatement { first_entry, entries, bytes, chain_head, sha256, .. } = &head.statement;
    if *first_entry != claims.first {
        return Err("it is the head of another record, or the first entry was altered".to_owned());
    }
    match &claims.signing_key {
        Some(notice) if notice.fingerprint != key => {
            return Err(format!(
                "forged: signed with key {key}, but the record names key {}",
                notice.fingerprint
            ));
        }
        Some(_) => {}
        None => return Err(format!("signed with key {key}, but the record names no key")),
    }
    if claims.entries < *entries {
        return Err(format!(
            "the record was cut, or altered behind entry {}: {entries} entries were signed",
            claims.entries
        ));
    }
    if claims.entries > *entries {
        return Err(format!("{entries} entries were signed, {} are here: others were added", claims.entries));
    }
    if *chain_head != claims.head {
        return Err(format!(
            "the chain head is {}, signed was {chain_head}: entries were altered",
            claims.head
        ));
    }
    if *bytes != claims.bytes || *sha256 != claims.sha256 || claims.chain.is_err() {
        return Err(format!("something was added behind the {bytes} bytes that were signed"));
    }
    Ok(format!("{entries} entries, signed with key {key}"))
}

fn key_as_written(claims: Option<&Claims>, found: &FoundHead, written_down: WrittenDown) -> Property {
    if matches!(written_down, WrittenDown::Nothing) {
        let why = match found.head() {
            Some(_) => {
                "no key given: anyone can sign a head with a key of their own. Give what was written down with --key-words, \
                 --fingerprint or --public-key"
            }
            None => "no head, and no key given",
        };
        return Property::not_checked(KEY_AS_WRITTEN, why);
    }
    let named = claims.and_then(|claims| claims.signing_key.as_ref()).map(|notice| notice.fingerprint);
    let of_head = found.head().map(|head| head.key.fingerprint());
    let another = |key: &Fingerprint| !written_down.is_of(*key);
    if let Some(key) = of_head.filter(another) {
        return Property::found(KEY_AS_WRITTEN, Err(format!("the head names key {key}, another one")));
    }
    if let Some(key) = named.filter(another) {
        return Property::found(KEY_AS_WRITTEN, Err(format!("the record names key {key}, another one")));
    }
    match (found.signed_by(), named) {
        (Some(key), _) => Property::found(KEY_AS_WRITTEN, Ok(format!("{key}, in words: {}", key.words()))),
        (None, Some(_)) => Property::not_checked(
            KEY_AS_WRITTEN,
            "the record names this key, but no signature shows that it was there",
        ),
        (None, None) if of_head.is_some() => {
            Property::not_checked(KEY_AS_WRITTEN, "the head names this key, but its signature does not fit")
        }
        (None, None) if claims.is_some_and(|claims| claims.entries == 0) => {
            Property::not_checked(KEY_AS_WRITTEN, "no head, and the record's first entry can't be read")
        }
        // Somebody saw the key when this was acquired.
        (None, None) => Property::found(
            KEY_AS_WRITTEN,
            Err("neither record nor head names a key: what was signed with it is not here".to_owned()),
        ),
    }
}
