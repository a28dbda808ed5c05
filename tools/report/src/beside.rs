//! What lies beside a record: its head, and the time-stamp of that.

use crate::account::ChainState;
use crate::failure::Failure;
use record::{ChainHash, Head};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use timestamp::{Answer, LONGEST};

/// A file that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallFile {
    /// Its name without folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: ChainHash,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// `NAME.head.json`.
    pub head: Option<SmallFile>,
    /// What the head was found to be; `Err` says why it does not vouch for this record.
    pub signed: Option<Result<(), String>>,
    /// `NAME.head.tsr`.
    pub time_stamp: Option<SmallFile>,
    /// The time that it states for this head, or why it states none. Its signature was not checked.
    pub stamped: Option<Result<String, String>>,
}

impl Beside {
    /// Looks beside the record at `path`.
    ///
    /// # Errors
    /// [`Failure::Beside`] for a file that is there and can't be read, or is too large to be what its name says.
    pub fn find(path: &Path, chain: &ChainState) -> Result<Self, Failure> {
        let place = record::head_path(path);
        let head = small_file(&place)?.map(|(file, _)| file);
        let signed = head.as_ref().map(|_| signed(&place, chain));
        let answer = small_file(&timestamp::answer_path(&place))?;
        let stamped = answer.as_ref().map(|(_, bytes)| stamped(bytes, head.as_ref()));
        Ok(Self { head, signed, time_stamp: answer.map(|(file, _)| file), stamped })
    }

    /// What the exports say of the head and of its time-stamp: no more than was looked at.
    pub fn papers(&self) -> impl Iterator<Item = (&'static str, &SmallFile, String)> {
        let head = self.head.as_ref().zip(self.signed.as_ref()).map(|(file, signed)| {
            let told = match signed {
                Ok(()) => {
                    "Signed head of the record (Ed25519); whose key signed it was not checked".to_owned()
                }
                Err(why) => {
                    format!("File beside the record that does not belong to this record as its head: {why}")
                }
            };
            ("head", file, told)
        });
        let stamp = self.time_stamp.as_ref().zip(self.stamped.as_ref()).map(|(file, stamped)| {
            let told = match stamped {
                Ok(time) if matches!(self.signed, Some(Ok(()))) => {
                    format!(
                        "Time-stamp of the head (RFC 3161), {time}; the authority's signature was not checked"
                    )
                }
                Ok(_) => "Time-stamp (RFC 3161) of a head that does not belong to this record".to_owned(),
                Err(why) => format!(
                    "File beside the record that does not belong to this record as its time-stamp: {why}"
                ),
            };
            ("time-stamp", file, told)
        });
        head.into_iter().chain(stamp)
    }
}

/// Whether the head is signed and about exactly this record.
fn signed(place: &Path, chain: &ChainState) -> Result<(), String> {
    // The reason without the path, which the document names anyway.
    let head = Head::read(place).map_err(|error| match error {
        record::HeadError::Read { source, .. } => source.to_string(),
        record::HeadError::NoHead { reason, .. } => reason,
    })?;
    if !head.is_signed() {
        return Err("its signature does not fit".to_owned());
    }
    let said = &head.statement;
    let same = said.chain_head == chain.head && said.sha256 == chain.sha256 && said.bytes == chain.bytes;
    match same && said.entries == chain.entries {
        true => Ok(()),
        false => Err("it is the head of another record, or of another state of this one".to_owned()),
    }
}

fn stamped(answer: &[u8], head: Option<&SmallFile>) -> Result<String, String> {
    let answer = Answer::read(answer).map_err(|error| error.to_string())?;
    let head = head.ok_or("there is no head for it to be about")?;
    answer.fits(head.sha256.into(), None).map_err(|misfit| misfit.to_string())?;
    Ok(answer.time().to_string())
}

/// The bytes of an ordinary file that is no longer than any of these is. A pipe or a device would be waited for.
pub fn small_bytes(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST.saturating_add(1)).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= LONGEST => Ok(bytes),
        _ => Err(ErrorKind::FileTooLarge.into()),
    }
}

fn small_file(path: &Path) -> Result<Option<(SmallFile, Vec<u8>)>, Failure> {
    let bytes = match small_bytes(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|source| Failure::Beside { path: path.to_owned(), source })?,
    };
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Some((SmallFile { name, size, sha256: ChainHash::of_line(&bytes) }, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_not_waited_for_and_nothing_is_read_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("3.head.tsr");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let length = usize::try_from(LONGEST).unwrap();
        let file = folder.path().join("3.head.json");
        std::fs::write(&file, vec![b' '; length]).unwrap();
        assert_eq!(small_bytes(&file).unwrap().len(), length);
        std::fs::write(&file, vec![b' '; length + 1]).unwrap();
        assert_eq!(small_bytes(&file).unwrap_err().kind(), ErrorKind::FileTooLarge);
        for other in [pipe.as_path(), folder.path()] {
            assert!(small_bytes(other).unwrap_err().to_string().contains("no ordinary file"));
        }
    }
}
