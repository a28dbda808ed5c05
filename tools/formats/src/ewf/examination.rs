//! Looks at every part of a container that reading the media data does not touch, and lists what does not fit.

use super::container::TablePlace;
use super::reader::{EwfReader, largest_content};
use super::section::{Section, SectionKind};
use super::table::ChunkPlace;
use super::volume::Geometry;
use super::{error_table, hash_sections, header};
use crate::FormatError;
use evidence::{Digest, HashAlgorithm};

/// Most flaws listed; an image with more of them is made up.
const MOST_FLAWS: usize = 10_000;

/// All flaws found, up to ten thousand.
pub(super) fn examine(reader: &mut EwfReader) -> Vec<FormatError> {
    let mut examination = Examination { flaws: Vec::new(), md5: None, headers: Vec::new(), error_tables: 0 };
    for (segment, section) in reader.container.sections.clone() {
        examination.section(reader, segment, &section);
    }
    let mut tables = 0..reader.container.tables.len();
    while let Some(place) = tables.next().and_then(|index| reader.container.tables.get(index).copied()) {
        examination.table(reader, &place);
    }
    examination.counts(reader);
    examination.extra_segment(reader);
    examination.flaws
}

struct Examination {
    flaws: Vec<FormatError>,
    /// The MD5 value first met, with the section that states it.
    md5: Option<Digest>,
    /// One content of each kind of header.
    headers: Vec<(SectionKind, Vec<u8>)>,
    /// How many error tables were met.
    error_tables: u32,
}

impl Examination {
    fn flaw(&mut self, reader: &EwfReader, segment: usize, offset: u64, part: &'static str, what: &str) {
        self.add(FormatError::structure(reader.container.files.path(segment), offset, part, what));
    }

    fn add(&mut self, flaw: FormatError) {
        if self.flaws.len() < MOST_FLAWS {
            self.flaws.push(flaw);
        }
    }

    fn section(&mut self, reader: &mut EwfReader, segment: usize, section: &Section) {
        let part = part_name(section.kind);
        if section.kind.is_last() {
            let size = reader.container.files.size(segment);
            if size > section.end {
                let what =
                    format!("{} bytes follow it, which belong to nothing", size.saturating_sub(section.end));
                self.flaw(reader, segment, section.offset, part, &what);
            }
            return;
        }
        if section.kind == SectionKind::Incomplete {
            self.flaw(reader, segment, section.offset, part, "the acquisition was cut off");
        }
        let Some(largest) = largest_content(section.kind) else { return };
        match reader.container.content(segment, section, largest) {
            Ok(Ok(content)) => {
                if let Err(what) = self.content(&reader.container.geometry, section.kind, content) {
                    self.flaw(reader, segment, section.offset, part, what);
                }
            }
            Ok(Err(what)) => self.flaw(reader, segment, section.offset, part, what),
            Err(error) => self.add(error),
        }
    }

    fn content(
        &mut self,
        geometry: &Geometry,
        kind: SectionKind,
        content: Vec<u8>,
    ) -> Result<(), &'static str> {
        match kind {
            SectionKind::Header | SectionKind::Header2 => {
                header::parse(&content)?;
                match self.headers.iter().find(|(known, _)| *known == kind) {
                    Some((_, first)) if *first != content => return Err("its two copies differ"),
                    Some(_) => {}
                    None => self.headers.push((kind, content)),
                }
                Ok(())
            }
            SectionKind::Volume | SectionKind::Disk | SectionKind::Data => {
                let stated = Geometry::parse(&content)?;
                geometry.conflict(&stated).map_or(Ok(()), Err)
            }
            SectionKind::Digest => {
                let hashes = hash_sections::parse_digest(&content)?;
                hashes.get(HashAlgorithm::Md5).map_or(Ok(()), |md5| self.same_md5(md5))
            }
            SectionKind::Hash => self.same_md5(&hash_sections::parse_hash(&content)?),
            SectionKind::Error2 => {
                self.error_tables = self.error_tables.saturating_add(1);
                if self.error_tables > 1 {
                    return Err("it is the second one, and only one can be true");
                }
                error_table::parse(&content, geometry.bytes_per_sector).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn same_md5(&mut self, md5: &Digest) -> Result<(), &'static str> {
        let first = self.md5.get_or_insert_with(|| md5.clone());
        if first == md5 { Ok(()) } else { Err("its MD5 differs from the one in another section") }
    }

    fn table(&mut self, reader: &mut EwfReader, place: &TablePlace) {
        let table = self.entries(reader, place, &place.table);
        let mirror = place.mirror.and_then(|mirror| self.entries(reader, place, &mirror));
        if let (Some(table), Some(mirror)) = (table, mirror)
            && table != mirror
        {
            self.flaw(reader, place.segment, place.table.offset, "table", "it and its mirror differ");
        }
    }

    fn entries(
        &mut self,
        reader: &mut EwfReader,
        place: &TablePlace,
        section: &Section,
    ) -> Option<Vec<ChunkPlace>> {
        match reader.entries(place, section) {
            Ok(Ok(entries)) => return Some(entries),
            Ok(Err(what)) => self.flaw(reader, place.segment, section.offset, part_name(section.kind), what),
            Err(error) => self.add(error),
        }
        None
    }

    /// Volume section and tables must tell the same number of chunks.
    fn counts(&mut self, reader: &EwfReader) {
        let geometry = &reader.container.geometry;
        let needed = geometry.chunks_needed();
        let listed = reader
            .container
            .tables
            .iter()
            .fold(0u64, |sum, place| sum.saturating_add(u64::from(place.count)));
        if u64::from(geometry.chunk_count) != needed || listed != needed {
            let what = format!(
                "the medium's size calls for {needed} chunks, the volume section states {}, the tables list {listed}",
                geometry.chunk_count
            );
            self.flaw(reader, 0, super::FILE_HEADER, "count of chunks", &what);
        }
    }

    fn extra_segment(&mut self, reader: &EwfReader) {
        if let Some(path) = reader.container.path_after_last().filter(|path| path.exists()) {
            let why = "it stands after the segment that says it is the last".to_owned();
            self.add(FormatError::WrongSegment { path, why });
        }
    }
}

fn part_name(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Header => "header section",
        SectionKind::Header2 => "header2 section",
        SectionKind::Volume => "volume section",
        SectionKind::Disk => "disk section",
        SectionKind::Data => "data section",
        SectionKind::Sectors => "sectors section",
        SectionKind::Table => "table",
        SectionKind::Table2 => "table2",
        SectionKind::Digest => "digest section",
        SectionKind::Hash => "hash section",
        SectionKind::Error2 => "error2 section",
        SectionKind::Incomplete => "incomplete section",
        SectionKind::Next => "next section",
        SectionKind::Done => "done section",
        SectionKind::Logical | SectionKind::Other => "section",
    }
}
