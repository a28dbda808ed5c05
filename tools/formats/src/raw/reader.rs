//! Reads one raw file, or finds the parts of a split one and reads them as one.

use super::is_split_extension;
use super::writer::State;
use crate::destination::shorter;
use crate::segment_files::SegmentFiles;
use crate::{FormatError, ImageReader, Segment};
use evidence::{ByteCount, ByteOffset, CaseData, Extent, ExtentSet, HashSet, SectorSize};
use std::path::{Path, PathBuf};

/// Reads a raw image.
pub struct RawReader {
    files: SegmentFiles,
    /// Media offset at which each segment begins.
    starts: Vec<u64>,
    media_size: u64,
    split: bool,
    case: CaseData,
    hashes: HashSet,
    unread: ExtentSet,
}

impl RawReader {
    /// Opens the image whose first file is `path`. A name that ends in `.000` or `.001` begins a split image.
    ///
    /// # Errors
    /// [`FormatError::MissingSegment`] where a number is left out. A part missing at the very end, or two of one size in
    /// each other's place, can be told by comparing with the record or a hash value only.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let mut reader = Self::empty();
        match split_number(path) {
            Some(first) => {
                reader.split = true;
                reader.add_split(path, first)?;
            }
            None => reader.add(path.to_owned())?,
        }
        Ok(reader)
    }

    /// Opens what a checkpoint vouches for.
    ///
    /// # Errors
    /// As [`crate::open_unfinished`].
    pub fn open_unfinished(base: &Path, state: &str) -> Result<Self, FormatError> {
        let state = State::parse(state, base)?;
        let mut reader = Self::empty();
        reader.split = state.segment_size.is_some();
        for (path, length) in state.segments(base) {
            let index = reader.files.add(path)?;
            let there = reader.files.size(index);
            if there < length {
                return Err(shorter(reader.files.path(index), there, length));
            }
            reader.starts.push(reader.media_size);
            reader.media_size = reader.media_size.saturating_add(length);
        }
        Ok(reader)
    }

    fn empty() -> Self {
        Self {
            files: SegmentFiles::default(),
            starts: Vec::new(),
            media_size: 0,
            split: false,
            case: CaseData::default(),
            hashes: HashSet::new(),
            unread: ExtentSet::new(),
        }
    }

    fn add_split(&mut self, path: &Path, first: u16) -> Result<(), FormatError> {
        if first > 1 {
            return Err(not_the_first(path));
        }
        let last = highest_number(path)?.max(first);
        for number in first..=last {
            let part = numbered(path, number);
            if !part.exists() {
                let why = format!("{} is there", numbered(path, last).display());
                return Err(FormatError::MissingSegment { path: part, why });
            }
            self.add(part)?;
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf) -> Result<(), FormatError> {
        let index = self.files.add(path)?;
        self.starts.push(self.media_size);
        self.media_size = self.media_size.saturating_add(self.files.size(index));
        Ok(())
    }

    /// Reads from the one segment that holds `offset`, as far as it reaches.
    fn read_part(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, FormatError> {
        let index = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let within = offset.saturating_sub(self.starts.get(index).copied().unwrap_or(0));
        let available = self.files.size(index).saturating_sub(within);
        let length = usize::try_from(available).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..length).unwrap_or_default();
        match self.files.read(index, within, part) {
            Ok(()) => Ok(length),
            Err(FormatError::Source { path, source, .. }) => {
                let length = ByteCount(u64::try_from(length).unwrap_or(u64::MAX));
                let media = Some(Extent { offset: ByteOffset(offset), length });
                Err(FormatError::Source { path, offset: ByteOffset(within), media, source })
            }
            Err(other) => Err(other),
        }
    }
}

impl ImageReader for RawReader {
    fn format_name(&self) -> &'static str {
        if self.split { "split raw" } else { "raw" }
    }

    fn media_size(&self) -> ByteCount {
        ByteCount(self.media_size)
    }

    fn sector_size(&self) -> Option<SectorSize> {
        None
    }

    fn segments(&self) -> &[Segment] {
        self.files.all()
    }

    fn case(&self) -> &CaseData {
        &self.case
    }

    fn stored_hashes(&self) -> &HashSet {
        &self.hashes
    }

    fn unread(&self) -> &ExtentSet {
        &self.unread
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, FormatError> {
        let mut done = 0usize;
        loop {
            let at = offset.0.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            let rest = buffer.get_mut(done..).unwrap_or_default();
            if rest.is_empty() || at >= self.media_size {
                return Ok(done);
            }
            // Of an unfinished image, more may be there than is vouched for.
            let left = usize::try_from(self.media_size.saturating_sub(at)).unwrap_or(usize::MAX);
            let within = left.min(rest.len());
            let rest = rest.get_mut(..within).unwrap_or_default();
            done = done.saturating_add(self.read_part(at, rest)?);
        }
    }

    /// Programs that split make all parts of one size but the last, which is no larger.
    fn check(&mut self) -> Vec<FormatError> {
        let Some((last, others)) = self.files.all().split_last().filter(|(_, others)| !others.is_empty())
        else {
            return Vec::new();
        };
        let usual = most_common(others.iter().map(|part| part.size));
        let odd = others.iter().filter(|part| part.size != usual);
        let too_large = Some(last).filter(|last| last.size > usual || last.size.0 == 0);
        odd.chain(too_large)
            .map(|part| {
                let why = format!(
                    "it has {} where {usual} are usual in this set; it was cut, swapped or altered",
                    part.size
                );
                FormatError::WrongSegment { path: part.path.clone(), why }
            })
            .collect()
    }
}

/// The size that most parts have; of two that are as common, the larger.
fn most_common(sizes: impl Iterator<Item = ByteCount>) -> ByteCount {
    let mut counts = std::collections::BTreeMap::new();
    for size in sizes {
        let count: &mut usize = counts.entry(size).or_default();
        *count = count.saturating_add(1);
    }
    counts.into_iter().max_by_key(|(size, count)| (*count, *size)).map_or(ByteCount(0), |(size, _)| size)
}

fn split_number(path: &Path) -> Option<u16> {
    let extension = path.extension()?.to_str()?;
    is_split_extension(extension).then(|| extension.parse().ok()).flatten()
}

fn numbered(path: &Path, number: u16) -> PathBuf {
    path.with_extension(format!("{number:03}"))
}

/// The highest number among the files of the same stem in the same folder.
fn highest_number(path: &Path) -> Result<u16, FormatError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |error| FormatError::source(folder, 0, error);
    let mut highest = 0;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = PathBuf::from(entry.map_err(failed)?.file_name());
        if name.file_stem() == path.file_stem() {
            highest = highest.max(split_number(&name).unwrap_or(0));
        }
    }
    Ok(highest)
}

fn not_the_first(path: &Path) -> FormatError {
    let first = numbered(path, 1);
    if first.exists() {
        let why = format!("it is a later part of a split image; give the first one, {}", first.display());
        FormatError::NotAnImage { path: path.to_owned(), why }
    } else {
        FormatError::MissingSegment { path: first, why: format!("{} is there", path.display()) }
    }
}
