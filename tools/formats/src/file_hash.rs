//! The hash of a segment as a file: it covers also what no media data depend on, such as headers, padding and the bits of a
//! compressed stream that no reader looks at.

use crate::FormatError;
use evidence::{Digest, HashAlgorithm, Hasher};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

/// BLAKE3 of the file at `path`, as `b3sum` prints it; `None` where `goes_on`, asked before every MiB, said no.
/// Memory: 1 MiB.
///
/// # Errors
/// [`FormatError::Source`] when the file can't be read to its end.
pub fn file_hash(path: &Path, goes_on: &dyn Fn() -> bool) -> Result<Option<Digest>, FormatError> {
    let mut offset = 0u64;
    let mut file = File::open(path).map_err(|error| FormatError::source(path, offset, error))?;
    let mut hasher = Hasher::new(HashAlgorithm::Blake3);
    let mut block = vec![0; BLOCK];
    while goes_on() {
        match file.read(&mut block) {
            Ok(0) => return Ok(Some(hasher.finish())),
            Ok(got) => {
                hasher.update(block.get(..got).unwrap_or_default());
                offset = offset.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FormatError::source(path, offset, error)),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_whole_file_or_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("item.E01");
        for length in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 77] {
            let bytes: Vec<u8> = (0..length).map(|at| (at >> 9).to_le_bytes()[0]).collect();
            std::fs::write(&path, &bytes).unwrap();
            let wanted = Hasher::of(HashAlgorithm::Blake3, &bytes);
            assert_eq!(file_hash(&path, &|| true).unwrap(), Some(wanted), "{length}");
            assert_eq!(file_hash(&path, &|| false).unwrap(), None);
        }
        let nothing = file_hash(&folder.path().join("item.E02"), &|| true).unwrap_err();
        assert!(nothing.to_string().contains("item.E02"), "{nothing}");
    }
}
