//! Does an authority vouch for the time of the record's head?

use crate::papers::is_no_file;
use crate::property::Property;
use record::ChainHash;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use timestamp::{Answer, Authority, LONGEST, Request, SignatureError, TimeStampError};

pub const TIME_STAMP: &str = "time-stamp";

/// Why a file that has to do with a time-stamp could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StampFileError {
    /// It could not be read.
    #[error("{path}: it could not be read: {source}", path = evidence::Plain(.path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificates that were given are none.
    #[error("{path}: {source}; give the authority's certificates in PEM", path = evidence::Plain(.path.display()))]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TimeStampError,
    },
}

/// The time-stamp beside a head, and whom somebody trusts.
#[derive(Debug)]
pub struct FoundStamp {
    path: PathBuf,
    head: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
    request: Option<Vec<u8>>,
    authority: Option<Authority>,
}

impl FoundStamp {
    /// Reads what lies beside the head at `head`, and the certificates at `authority`.
    ///
    /// # Errors
    /// [`StampFileError`] for a file that is there and can't be read, and for certificates that are none.
    pub fn find(head: &Path, authority: Option<&Path>) -> Result<Self, StampFileError> {
        let path = timestamp::answer_path(head);
        let authority = match authority {
            None => None,
            Some(path) => {
                let missing =
                    || StampFileError::Read { path: path.to_owned(), source: ErrorKind::NotFound.into() };
                let pem = read(path)?.ok_or_else(missing)?;
                let wrong = |source| StampFileError::Authority { path: path.to_owned(), source };
                Some(Authority::of_pem(&pem).map_err(wrong)?)
            }
        };
        let answer = read(&path)?;
        // Of other heads nothing is read that nobody asked about.
        let (head, request) = match answer {
            None => (None, None),
            Some(_) => (read(head)?, read(&timestamp::request_path(head))?),
        };
        Ok(Self { path, head, answer, request, authority })
    }

    /// The verdict; none where there is no time-stamp and nobody asked for one.
    pub fn judge(&self) -> Option<Property> {
        let Some(answer) = &self.answer else {
            let why = || format!("there is none at {}", self.path.display());
            return self.authority.as_ref().map(|_| Property::not_checked(TIME_STAMP, why()));
        };
        let Some(head) = &self.head else {
            let why = format!("{} is here, the head that it is about is not", self.path.display());
            return Some(Property::found(TIME_STAMP, Err(why)));
        };
        Some(match self.holds(answer, head) {
            Ok(told) => Property::found(TIME_STAMP, Ok(told)),
            Err(SignatureError::Wrong(why)) => {
                Property::found(TIME_STAMP, Err(format!("{}: {why}", self.path.display())))
            }
            Err(SignatureError::NotChecked(why)) => Property::not_checked(TIME_STAMP, why),
        })
    }

    fn holds(&self, answer: &[u8], head: &[u8]) -> Result<String, SignatureError> {
        let wrong = |error: &dyn ToString| SignatureError::Wrong(error.to_string());
        let answer = Answer::read(answer).map_err(|error| match error {
            // Another program may know the hash, or the encoding.
            TimeStampError::OtherHash(_) | TimeStampError::OtherForm { .. } => {
                SignatureError::NotChecked(error.to_string())
            }
            _ => wrong(&error),
        })?;
        let request = self.request.as_deref().map(Request::read).transpose();
        let request = request.map_err(|error| wrong(&format!("the request beside it: {error}")))?;
        answer.fits(ChainHash::of_line(head).into(), request.as_ref()).map_err(|misfit| wrong(&misfit))?;
        let accuracy = answer.accuracy().map_or_else(String::new, |off| format!(" ± {off:?}"));
        let time = format!("{}{accuracy}", answer.time());
        let Some(authority) = &self.authority else {
            return Err(SignatureError::NotChecked(format!(
                "it is over this head and says {time}; whose signature that is was not checked: give --authority"
            )));
        };
        match answer.signed_by(authority) {
            Ok(signer) => Ok(format!("{signer} says that the head was there on {time}")),
            Err(SignatureError::NotChecked(why)) => Err(SignatureError::NotChecked(format!(
                "it is over this head and says {time}, but {why}; openssl ts -verify may know it"
            ))),
            Err(error) => Err(error),
        }
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StampFileError> {
    let failed = |source| StampFileError::Read { path: path.to_owned(), source };
    if is_no_file(path) {
        return Err(failed(io::Error::other("it is no ordinary file")));
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    // One byte more than any has: what is longer is cut, and then none.
    file.take(LONGEST.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}
