//! Tells from a file's first bytes and its name what it is, and opens it.

use crate::{FormatError, ImageReader, aff4, ewf, raw};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Beginnings of containers that are known but not read here.
const OTHERS: [(&[u8], &str); 10] = [
    (b"LVF\x09\x0d\x0a\xff\x00", "a logical evidence file (EWF-L01)"),
    (b"EVF2\x0d\x0a\x81\x00", "EnCase 7 Ex01 (EWF2)"),
    (b"LEF2\x0d\x0a\x81\x00", "EnCase 7 Lx01 (EWF2)"),
    (b"ADCRYPT\x00", "an image encrypted by AccessData"),
    (b"AFF10\x0d\x0a\x00", "AFF version 1"),
    (b"QFI\xfb", "a QEMU qcow image"),
    (b"KDMV", "a VMware VMDK image"),
    (b"# Disk DescriptorFile", "a VMware VMDK descriptor"),
    (b"vhdxfile", "a VHDX image"),
    (b"conectix", "a VHD image"),
];

/// Extensions under which plain media bytes are expected; three digits (`.001`) are a split raw image's.
const RAW_EXTENSIONS: [&str; 6] = ["raw", "dd", "img", "bin", "iso", "dsk"];

/// Opens the image whose first segment is `path`; finds and checks the others.
///
/// # Errors
/// [`FormatError::NotAnImage`] and [`FormatError::Unsupported`] by the file's beginning and name; whatever else the
/// reader of the format found: a missing, wrong or truncated segment, a damaged section.
pub fn open(path: &Path) -> Result<Box<dyn ImageReader>, FormatError> {
    let beginning = beginning(path)?;
    // An E01 may have lost its extension, but a medium whose image is named raw may begin with anything, and with an E01 too,
    // where someone wrote one to the bare disk.
    if beginning.starts_with(&ewf::SIGNATURE) && (path.extension().is_none() || !is_named_raw(path)) {
        return Ok(Box::new(ewf::EwfReader::open(path)?));
    }
    if is_named_raw(path) {
        return Ok(Box::new(raw::RawReader::open(path)?));
    }
    if beginning.starts_with(&aff4::SIGNATURE) {
        return Ok(Box::new(aff4::Aff4Reader::open(path)?));
    }
    if let Some((_, name)) = OTHERS.iter().find(|(signature, _)| beginning.starts_with(signature)) {
        return Err(FormatError::Unsupported { path: path.to_owned(), what: (*name).to_owned() });
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("aff4")) {
        let what =
            "it has not the signature of a ZIP file: the beginning is damaged, or it is another kind of file";
        return Err(FormatError::structure(path, 0, "first member", what));
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("E01")) {
        let what = "it has not the signature of E01: the beginning is damaged, or it is another kind of file";
        return Err(FormatError::structure(path, 0, "file header", what));
    }
    let why = "no known signature at its beginning; if it holds plain media bytes, name it .raw".to_owned();
    Err(FormatError::NotAnImage { path: path.to_owned(), why })
}

/// The first bytes, as many as the longest signature needs.
fn beginning(path: &Path) -> Result<Vec<u8>, FormatError> {
    let failed = |error| FormatError::source(path, 0, error);
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        let why = "it is a folder or device; give the image's first segment file".to_owned();
        return Err(FormatError::NotAnImage { path: path.to_owned(), why });
    }
    let mut bytes = Vec::new();
    file.take(32).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Has an extension of plain media bytes, or none.
fn is_named_raw(path: &Path) -> bool {
    let Some(extension) = path.extension().and_then(|e| e.to_str()) else {
        return path.extension().is_none();
    };
    RAW_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
        || raw::is_split_extension(extension)
}
