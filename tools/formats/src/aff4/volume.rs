//! One volume: a ZIP file with metadata about the objects in it.

use super::turtle_reader::{self, Graph};
use super::vocabulary::{CONTAINER_DESCRIPTION, INFORMATION, LEGACY_NAMESPACE, VERSION, member_name};
use super::zip_reader::ZipVolume;
use crate::FormatError;
use crate::segment_files::SegmentFiles;
use std::path::Path;

/// Longest small text read: description and version.
const LONGEST_TEXT: u64 = 64 << 10;

/// A volume and what it says.
pub(super) struct Volume {
    pub(super) zip: ZipVolume,
    pub(super) arn: String,
    /// The program that made it.
    pub(super) tool: String,
    pub(super) graph: Graph,
}

impl Volume {
    /// Opens a file as the next segment.
    pub(super) fn open(files: &mut SegmentFiles, path: &Path) -> Result<Self, FormatError> {
        let segment = files.add(path.to_owned())?;
        let zip = ZipVolume::open(files, segment)?;
        let arn = match text(&zip, files, CONTAINER_DESCRIPTION)? {
            Some(described) => described,
            None => zip.comment.clone(),
        };
        if !arn.starts_with("aff4://") {
            let why = "it is a ZIP file that names no AFF4 volume; unpack it by other means".to_owned();
            return Err(FormatError::NotAnImage { path: path.to_owned(), why });
        }
        let version = text(&zip, files, VERSION)?.unwrap_or_default();
        let said = |name| version.lines().find_map(|line| line.trim().strip_prefix(name));
        let unsupported =
            |what: &str| FormatError::Unsupported { path: path.to_owned(), what: what.to_owned() };
        match said("major=") {
            Some("1") => {}
            Some(other) => return Err(unsupported(&format!("AFF4 of version {other}"))),
            None => return Err(unsupported("an AFF4 volume from before the standard")),
        }
        let graph = graph(&zip, files, path)?;
        if graph.speaks(LEGACY_NAMESPACE) {
            return Err(unsupported("an AFF4 volume from before the standard"));
        }
        let tool = said("tool=").unwrap_or_default().to_owned();
        Ok(Self { zip, arn, tool, graph })
    }

    /// Name of the member that holds a part of an object, in the spelling that this volume uses.
    pub(super) fn member(&self, arn: &str, part: &str) -> String {
        let escaped = member_name(&self.arn, arn, part);
        let raw = format!("{arn}/{part}");
        if !self.zip.holds(&escaped) && self.zip.holds(&raw) { raw } else { escaped }
    }
}

fn graph(zip: &ZipVolume, files: &mut SegmentFiles, path: &Path) -> Result<Graph, FormatError> {
    let bytes = zip.read(files, INFORMATION, turtle_reader::LARGEST)?;
    let offset = zip.find(INFORMATION).map_or(0, |entry| entry.header);
    let wrong = |what: String| FormatError::structure(path, offset, INFORMATION, what);
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    Graph::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// A short text member, if there is one.
fn text(zip: &ZipVolume, files: &mut SegmentFiles, name: &str) -> Result<Option<String>, FormatError> {
    if !zip.holds(name) {
        return Ok(None);
    }
    let bytes = zip.read(files, name, LONGEST_TEXT)?;
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').trim().to_owned()))
}
