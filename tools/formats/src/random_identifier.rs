//! Names for new images that no other image bears.

use crate::FormatError;
use evidence::ByteOffset;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A random version 4 UUID (RFC 9562, section 5.4), in the byte order of a GUID: its first three fields little-endian.
pub(crate) fn random_identifier() -> Result<[u8; 16], FormatError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    File::open(source).and_then(|mut random| random.read_exact(&mut bytes)).map_err(|error| {
        FormatError::Source { path: source.to_owned(), offset: ByteOffset(0), media: None, source: error }
    })?;
    // The third field of a GUID is little-endian, so its version nibble is in the eighth byte; the variant follows.
    let [_, _, _, _, _, _, _, version, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    Ok(bytes)
}
