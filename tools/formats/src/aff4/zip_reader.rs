//! Reads a ZIP volume: its central directory first, which says where everything is; then members, or parts of them.

use super::zip_layout::{self as layout, Directory, Entry, Method};
use crate::FormatError;
use crate::segment_files::SegmentFiles;
use evidence::ByteOffset;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::collections::HashMap;

/// Central directory at most: an image of 16 TiB has 70 MiB.
const LARGEST_DIRECTORY: u64 = 256 << 20;
/// Members at most: an image of 16 TiB has a million.
const MOST_MEMBERS: usize = 2 << 20;
/// The last record, and the longest comment.
const LONGEST_TAIL: u64 = layout::END_SIZE + 65_535;
/// Bytes compared with a checksum at a time.
const PIECE: usize = 1 << 20;

/// A volume of which the central directory was read.
pub(super) struct ZipVolume {
    /// Its number among the segment files.
    pub(super) segment: usize,
    /// The comment, without the NUL at its end.
    pub(super) comment: String,
    members: HashMap<Box<str>, Entry>,
    directory: Directory,
}

const PART: &str = "central directory";

impl ZipVolume {
    /// Reads the central directory of a segment.
    pub(super) fn open(files: &mut SegmentFiles, segment: usize) -> Result<Self, FormatError> {
        let size = files.size(segment);
        let tail_start = size.saturating_sub(LONGEST_TAIL);
        let tail = files.bytes(segment, tail_start, size.saturating_sub(tail_start))?;
        let Some(end) = layout::find_end(&tail) else {
            let part = "the volume: the central directory, which is written last, is missing, so the image was \
                        never finished or lost its end";
            let path = files.path(segment).to_owned();
            return Err(FormatError::Truncated { path, size: ByteOffset(size), part });
        };
        let end_offset = tail_start.saturating_add(u64::try_from(end).unwrap_or(u64::MAX));
        let end = tail.get(end..).unwrap_or_default();
        let directory = match layout::directory_of_end(end) {
            Some(directory) => directory,
            None => directory64(files, segment, end_offset)?,
        };
        let comment = end.get(22..).unwrap_or_default();
        let comment = comment.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut volume = Self {
            segment,
            comment: String::from_utf8_lossy(comment).into_owned(),
            members: HashMap::new(),
            directory,
        };
        volume.read_directory(files, end_offset)?;
        Ok(volume)
    }

    /// A volume that is still being written: its members as its writer knows them, and its length.
    pub(super) fn of(segment: usize, members: impl Iterator<Item = (String, Entry)>, length: u64) -> Self {
        let members: HashMap<Box<str>, Entry> = members.map(|(name, entry)| (name.into(), entry)).collect();
        let entries = u64::try_from(members.len()).unwrap_or(u64::MAX);
        let directory = Directory { entries, offset: length, size: 0 };
        Self { segment, comment: String::new(), members, directory }
    }

    fn read_directory(&mut self, files: &mut SegmentFiles, before: u64) -> Result<(), FormatError> {
        let Directory { entries, offset, size } = self.directory;
        let path = files.path(self.segment).to_owned();
        let wrong = |what: &str| FormatError::structure(&path, offset, PART, what);
        if offset.checked_add(size).is_none_or(|end| end > before) {
            return Err(wrong("it reaches beyond its end record"));
        }
        if size > LARGEST_DIRECTORY || entries > u64::try_from(MOST_MEMBERS).unwrap_or(u64::MAX) {
            return Err(wrong("it is larger than that of any image"));
        }
        let bytes = files.bytes(self.segment, offset, size)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (name, entry, length) = layout::parse_entry(rest).map_err(wrong)?;
            let end = entry
                .header
                .checked_add(layout::LOCAL_HEADER_SIZE)
                .and_then(|at| at.checked_add(entry.stored));
            if end.is_none_or(|end| end > offset) {
                return Err(wrong(&format!("it places {name} outside the file")));
            }
            if self.members.insert(name.into(), entry).is_some() {
                return Err(wrong(&format!("it names {name} twice")));
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        if u64::try_from(self.members.len()).ok() != Some(entries) {
            return Err(wrong("it has another number of entries than its end record says"));
        }
        Ok(())
    }

    /// The entry of a member.
    pub(super) fn find(&self, name: &str) -> Option<Entry> {
        self.members.get(name).copied()
    }

    /// True when there is such a member.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Every member, in the order of the file.
    pub(super) fn in_order(&self) -> Vec<(&str, Entry)> {
        let mut members: Vec<(&str, Entry)> =
            self.members.iter().map(|(name, entry)| (name.as_ref(), *entry)).collect();
        members.sort_unstable_by_key(|(_, entry)| entry.header);
        members
    }

    /// Where the central directory begins.
    pub(super) fn directory_offset(&self) -> u64 {
        self.directory.offset
    }

    /// Where the data of a member begins, once its local header bears its name.
    pub(super) fn data(
        &self,
        files: &mut SegmentFiles,
        name: &str,
        entry: &Entry,
    ) -> Result<u64, FormatError> {
        let header = files.bytes(self.segment, entry.header, layout::LOCAL_HEADER_SIZE)?;
        let path = files.path(self.segment).to_owned();
        let wrong = |what: &str| {
            let what = format!("{what} {name}");
            FormatError::structure(&path, entry.header, "local header", what)
        };
        let Some((name_length, extra_length)) = layout::local_lengths(&header) else {
            return Err(wrong("there is none for"));
        };
        let start = entry.header.saturating_add(layout::LOCAL_HEADER_SIZE);
        let data = start.saturating_add(name_length.into()).saturating_add(extra_length.into());
        if data.checked_add(entry.stored).is_none_or(|end| end > self.directory.offset) {
            return Err(wrong("the central directory is in the place of the data of"));
        }
        if files.bytes(self.segment, start, name_length.into())? != name.as_bytes() {
            return Err(wrong("another name stands in the place of"));
        }
        Ok(data)
    }

    /// The whole content of a member no longer than `largest`, with its checksum compared.
    pub(super) fn read(
        &self,
        files: &mut SegmentFiles,
        name: &str,
        largest: u64,
    ) -> Result<Vec<u8>, FormatError> {
        let path = files.path(self.segment).to_owned();
        let Some(entry) = self.find(name) else {
            let what = format!("there is no member {name}");
            return Err(FormatError::structure(&path, self.directory.offset, PART, what));
        };
        let wrong = |what: String| FormatError::structure(&path, entry.header, "member", what);
        if entry.size > largest || entry.stored > largest {
            return Err(wrong(format!("{name} is longer than any program makes it")));
        }
        let data = self.data(files, name, &entry)?;
        let stored = files.bytes(self.segment, data, entry.stored)?;
        let content = match entry.method {
            Method::Stored => stored,
            Method::Deflated => {
                inflate(&stored, entry.size).ok_or_else(|| wrong(format!("{name} does not unpack")))?
            }
        };
        let mut crc = Crc::new();
        crc.update(&content);
        if crc.sum() != entry.crc {
            return Err(wrong(format!("the checksum of {name} does not fit")));
        }
        Ok(content)
    }

    /// Compares the checksum of a stored member of any length.
    pub(super) fn checksum_fits(
        &self,
        files: &mut SegmentFiles,
        name: &str,
        entry: &Entry,
    ) -> Result<bool, FormatError> {
        let mut crc = Crc::new();
        self.content(files, name, |piece| crc.update(piece))?;
        Ok(crc.sum() == entry.crc)
    }

    /// Hands out a stored member of any length, piece by piece.
    pub(super) fn content(
        &self,
        files: &mut SegmentFiles,
        name: &str,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), FormatError> {
        let Some(entry) = self.find(name) else { return Ok(()) };
        let mut at = self.data(files, name, &entry)?;
        let mut left = entry.stored;
        while left > 0 {
            let length = left.min(u64::try_from(PIECE).unwrap_or(u64::MAX));
            each(&files.bytes(self.segment, at, length)?);
            at = at.saturating_add(length);
            left = left.saturating_sub(length);
        }
        Ok(())
    }
}

/// Reads the ZIP64 record that the locator before the last record points at.
fn directory64(files: &mut SegmentFiles, segment: usize, end: u64) -> Result<Directory, FormatError> {
    let locator_offset = end.saturating_sub(layout::LOCATOR_SIZE);
    let path = files.path(segment).to_owned();
    let wrong = |what: &str| FormatError::structure(&path, locator_offset, "ZIP64 end of the volume", what);
    let locator = files.bytes(segment, locator_offset, layout::LOCATOR_SIZE.min(end))?;
    let Some(target) = layout::locator_target(&locator) else { return Err(wrong("there is none")) };
    if target.checked_add(layout::END64_SIZE).is_none_or(|after| after > locator_offset) {
        return Err(wrong("it is said to be outside the file"));
    }
    let record = files.bytes(segment, target, layout::END64_SIZE)?;
    layout::directory_of_end64(&record).ok_or_else(|| wrong("it has not its signature"))
}

/// Unpacks to exactly `size` bytes, or not at all.
fn inflate(stored: &[u8], size: u64) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok()?;
    // One byte more, so that a stream that goes on shows.
    let mut content = Vec::with_capacity(size.checked_add(1)?);
    let status = Decompress::new(false).decompress_vec(stored, &mut content, FlushDecompress::Finish);
    (matches!(status, Ok(Status::StreamEnd)) && content.len() == size).then_some(content)
}
