//! Finds the segments of an image and the sections in them, and follows every chain to its end.
//!
//! What makes later data unreachable (a missing, swapped or cut segment, a damaged descriptor) is an error here; what
//! does not is left to the examination, which lists it.

use super::section::{DESCRIPTOR, Section, SectionKind};
use super::volume::Geometry;
use super::{FILE_HEADER, SIGNATURE, segment_names, table};
use crate::FormatError;
use crate::segment_files::SegmentFiles;
use evidence::ByteOffset;
use std::path::{Path, PathBuf};

/// Sections of one image at most: a 16 TiB image in one segment has a tenth of that.
const MOST_SECTIONS: usize = 1 << 20;
/// Sections of one segment that hold neither chunks nor tables: seven are usual.
const MOST_METADATA: usize = 64;
/// Header sections at most: three are usual. Each may unpack to megabytes, so their number bounds the work.
const MOST_HEADERS: usize = 16;

/// Segments, sections and tables of an image.
pub(super) struct Container {
    pub(super) files: SegmentFiles,
    pub(super) geometry: Geometry,
    /// All sections that are not tables or chunk data, in order.
    pub(super) sections: Vec<(usize, Section)>,
    pub(super) tables: Vec<TablePlace>,
}

/// A table, its mirror, and the chunks it lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct TablePlace {
    pub(super) segment: usize,
    pub(super) table: Section,
    pub(super) mirror: Option<Section>,
    /// Index of the first chunk listed, and how many there are.
    pub(super) first_chunk: u64,
    pub(super) count: u32,
    /// Where the chunks lie.
    pub(super) region: (u64, u64),
    /// EnCase 1 has the chunks inside the table section and no checksum after the entries.
    pub(super) encase1: bool,
}

/// A container while it is walked.
struct Walk {
    files: SegmentFiles,
    geometry: Option<Geometry>,
    sections: Vec<(usize, Section)>,
    tables: Vec<TablePlace>,
    chunks: u64,
    count: usize,
    headers: usize,
}

impl Container {
    /// Walks the image whose first segment is `path`.
    pub(super) fn open(path: &Path) -> Result<Self, FormatError> {
        Self::walk(path, None)
    }

    /// Walks an image that is not finished, up to `end`: the number of a segment, and where in it.
    pub(super) fn open_up_to(path: &Path, end: (u16, u64)) -> Result<Self, FormatError> {
        Self::walk(path, Some(end))
    }

    /// How many chunks the tables list.
    pub(super) fn chunks(&self) -> u64 {
        self.tables.last().map_or(0, |last| last.first_chunk.saturating_add(u64::from(last.count)))
    }

    fn walk(path: &Path, end: Option<(u16, u64)>) -> Result<Self, FormatError> {
        let mut walk = Walk {
            files: SegmentFiles::default(),
            geometry: None,
            sections: Vec::new(),
            tables: Vec::new(),
            chunks: 0,
            count: 0,
            headers: 0,
        };
        let mut number = 1u16;
        let mut segment = path.to_owned();
        let until = |number| end.filter(|(last, _)| *last == number).map(|(_, end)| end);
        while walk.segment(&segment, number, until(number))? == SectionKind::Next {
            let next = number.checked_add(1).and_then(|n| Some((n, segment_path(path, n)?)));
            let Some((next, next_path)) = next else {
                let why = "it calls for a segment beyond the last possible name".to_owned();
                return Err(FormatError::WrongSegment { path: segment, why });
            };
            if !next_path.exists() {
                let why = format!("{} is not the last one", segment.display());
                return Err(FormatError::MissingSegment { path: next_path, why });
            }
            (number, segment) = (next, next_path);
        }
        let geometry = walk.geometry.ok_or_else(|| {
            FormatError::structure(path, FILE_HEADER, "volume section", "there is none in the first segment")
        })?;
        Ok(Self { files: walk.files, geometry, sections: walk.sections, tables: walk.tables })
    }

    /// Path of the segment that would follow the last one.
    pub(super) fn path_after_last(&self) -> Option<PathBuf> {
        let count = self.files.all().len();
        segment_path(self.files.path(0), u16::try_from(count.checked_add(1)?).ok()?)
    }

    /// Reads a section's content, which must not be longer than `largest`.
    pub(super) fn content(
        &mut self,
        segment: usize,
        section: &Section,
        largest: u64,
    ) -> Result<Result<Vec<u8>, &'static str>, FormatError> {
        read_content(&mut self.files, segment, section, largest)
    }
}

impl Walk {
    /// Walks one segment; tells which kind of section ends it. One that is being written ends at `until`.
    fn segment(&mut self, path: &Path, number: u16, until: Option<u64>) -> Result<SectionKind, FormatError> {
        let index = self.files.add(path.to_owned())?;
        self.file_header(index, number)?;
        let mut offset = FILE_HEADER;
        let mut sectors = None;
        let mut geometry_seen = false;
        let before = self.sections.len();
        loop {
            if self.sections.len().saturating_sub(before) > MOST_METADATA {
                let what = "the segment has more sections beside the chunks than any program writes";
                return Err(FormatError::structure(path, offset, "section descriptor", what));
            }
            if until.is_some_and(|until| offset >= until) {
                self.tables_complete(index)?;
                return Ok(SectionKind::Incomplete);
            }
            let section = self.descriptor(index, offset)?;
            match section.kind {
                SectionKind::Next | SectionKind::Done => {
                    self.tables_complete(index)?;
                    self.sections.push((index, section));
                    return Ok(section.kind);
                }
                SectionKind::Sectors => sectors = Some(section),
                SectionKind::Table => self.table(index, section, sectors)?,
                SectionKind::Table2 => self.mirror(index, section)?,
                SectionKind::Logical => {
                    let what = "a logical evidence file".to_owned();
                    return Err(FormatError::Unsupported { path: path.to_owned(), what });
                }
                SectionKind::Volume | SectionKind::Disk | SectionKind::Data => {
                    if !geometry_seen {
                        self.geometry(index, &section)?;
                        geometry_seen = true;
                    }
                    self.sections.push((index, section));
                }
                SectionKind::Header | SectionKind::Header2 => {
                    self.headers = self.headers.saturating_add(1);
                    if self.headers > MOST_HEADERS {
                        let what = "the image has more header sections than any program writes";
                        return Err(FormatError::structure(path, section.offset, "header section", what));
                    }
                    self.sections.push((index, section));
                }
                SectionKind::Other => {}
                _ => self.sections.push((index, section)),
            }
            offset = section.end;
        }
    }

    fn file_header(&mut self, index: usize, number: u16) -> Result<(), FormatError> {
        let path = self.files.path(index).to_owned();
        if self.files.size(index) < FILE_HEADER {
            let size = ByteOffset(self.files.size(index));
            return Err(FormatError::Truncated { path, size, part: "the file header" });
        }
        let mut header = [0; 13];
        self.files.read(index, 0, &mut header)?;
        let [.., start, low, high, 0, 0] = header else {
            return Err(FormatError::structure(&path, 11, "file header", "its last two bytes are not zero"));
        };
        if !header.starts_with(&SIGNATURE) || start != 1 {
            return Err(FormatError::structure(&path, 0, "file header", "it has not the signature of E01"));
        }
        let found = u16::from_le_bytes([low, high]);
        if found == number {
            return Ok(());
        }
        if number == 1 && segment_path(&path, found).is_some_and(|named| named == path) {
            let first = segment_path(&path, 1).unwrap_or_default();
            let why = format!("it is segment {found} of its set; give the first one, {}", first.display());
            return Err(FormatError::NotAnImage { path, why });
        }
        let why = format!(
            "it says it is number {found} where {number} belongs; it was renamed, swapped or altered"
        );
        Err(FormatError::WrongSegment { path, why })
    }

    fn descriptor(&mut self, index: usize, offset: u64) -> Result<Section, FormatError> {
        const PART: &str = "section descriptor";
        let path = self.files.path(index).to_owned();
        let size = self.files.size(index);
        let cut = |part| FormatError::Truncated { path: path.clone(), size: ByteOffset(size), part };
        if offset.checked_add(DESCRIPTOR).is_none_or(|end| end > size) {
            return Err(cut("the chain of sections, whose last one is missing"));
        }
        self.count = self.count.saturating_add(1);
        if self.count > MOST_SECTIONS {
            return Err(FormatError::structure(
                &path,
                offset,
                PART,
                "the image has more than a million sections",
            ));
        }
        let mut bytes = [0; 76];
        self.files.read(index, offset, &mut bytes)?;
        let section = Section::parse(&bytes, offset)
            .map_err(|what| FormatError::structure(&path, offset, PART, what))?;
        // Each section ends after it begins, so the chain cannot loop.
        if section.end > size {
            return Err(cut("a section"));
        }
        Ok(section)
    }

    /// The first segment states the medium's shape; the others must agree.
    fn geometry(&mut self, index: usize, section: &Section) -> Result<(), FormatError> {
        let content = read_content(&mut self.files, index, section, 4096)?;
        let stated = content.and_then(|content| Geometry::parse(&content));
        let path = self.files.path(index);
        match (stated, self.geometry) {
            (Ok(stated), None) if index == 0 => self.geometry = Some(stated),
            (Err(what), None) => {
                return Err(FormatError::structure(path, section.offset, "volume section", what));
            }
            (Ok(stated), Some(first)) => {
                if let Some(why) = first.conflict(&stated) {
                    let why = why.to_owned();
                    return Err(FormatError::WrongSegment { path: path.to_owned(), why });
                }
            }
            // A damaged copy in a later segment keeps nothing from being read; the examination names it.
            (Err(_), Some(_)) | (Ok(_), None) => {}
        }
        Ok(())
    }

    fn table(&mut self, index: usize, table: Section, sectors: Option<Section>) -> Result<(), FormatError> {
        self.tables_complete(index)?;
        let count = self.table_header(index, &table)?.map_or(UNKNOWN, |(count, _)| count);
        let entries = u64::from(count).saturating_mul(4).saturating_add(table::HEADER);
        let (region, encase1) = match sectors {
            Some(sectors) => ((sectors.content(), sectors.end), false),
            None => ((table.content().saturating_add(entries), table.end), true),
        };
        self.tables.push(TablePlace {
            segment: index,
            table,
            mirror: None,
            first_chunk: self.chunks,
            count,
            region,
            encase1,
        });
        if count != UNKNOWN {
            self.chunks = self.chunks.saturating_add(u64::from(count));
        }
        Ok(())
    }

    fn mirror(&mut self, index: usize, mirror: Section) -> Result<(), FormatError> {
        let header = self.table_header(index, &mirror)?;
        if let Some(place) = self.tables.last_mut()
            && place.segment == index
            && place.mirror.is_none()
        {
            place.mirror = Some(mirror);
            if place.count == UNKNOWN
                && let Ok((count, _)) = header
            {
                place.count = count;
                self.chunks = self.chunks.saturating_add(u64::from(count));
            }
        }
        Ok(())
    }

    /// A table whose own header and mirror are both damaged leaves the numbers of all later chunks unknown.
    fn tables_complete(&self, index: usize) -> Result<(), FormatError> {
        match self.tables.last() {
            Some(place) if place.count == UNKNOWN => {
                let what = "its header and that of its mirror are damaged, so the chunks after it cannot be numbered";
                Err(FormatError::structure(self.files.path(index), place.table.offset, "table", what))
            }
            _ => Ok(()),
        }
    }

    fn table_header(
        &mut self,
        index: usize,
        table: &Section,
    ) -> Result<Result<(u32, u64), &'static str>, FormatError> {
        read_table_header(&mut self.files, index, table)
    }
}

/// Stands for a count that could not be read; [`table::parse_header`] never gives it.
const UNKNOWN: u32 = u32::MAX;

/// Count and base offset of a table.
pub(super) fn read_table_header(
    files: &mut SegmentFiles,
    segment: usize,
    table: &Section,
) -> Result<Result<(u32, u64), &'static str>, FormatError> {
    let room = table.content_size();
    if room < table::HEADER {
        return Ok(Err("it is too short for its header"));
    }
    let mut header = [0; 24];
    files.read(segment, table.content(), &mut header)?;
    Ok(table::parse_header(&header, room))
}

/// The whole content of a section no longer than `largest`.
fn read_content(
    files: &mut SegmentFiles,
    segment: usize,
    section: &Section,
    largest: u64,
) -> Result<Result<Vec<u8>, &'static str>, FormatError> {
    let length = match usize::try_from(section.content_size()) {
        Ok(length) if section.content_size() <= largest => length,
        _ => return Ok(Err("it is longer than any program makes it")),
    };
    let mut content = vec![0; length];
    files.read(segment, section.content(), &mut content)?;
    Ok(Ok(content))
}

/// Path of segment `number` of the set that begins with `first`, in the same spelling.
fn segment_path(first: &Path, number: u16) -> Option<PathBuf> {
    let like = *first.extension()?.as_encoded_bytes().first()?;
    segment_names::extension(u64::from(number), like).map(|extension| first.with_extension(extension))
}
