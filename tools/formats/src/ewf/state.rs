//! What a checkpoint says of an E01. Its last `sectors` section is closed first, so that all else stands in the image itself:
//! other programs that look for sections find each of them whole.

use super::container::Container;
use super::section::SectionKind;
use super::segment_names::{self, MOST_WRITTEN};
use crate::FormatError;
use crate::destination::{shorter, with_suffix};
use crate::state::{StateLines, StateText};
use std::path::{Path, PathBuf};

/// The word that it begins with.
const FORMAT: &str = "e01";

/// How far an image has come.
pub(super) struct State {
    /// Chunks stored, all of them listed in tables.
    pub(super) chunks: u32,
    /// Number of the segment being written.
    pub(super) segment: u16,
    /// Its length.
    pub(super) length: u64,
}

impl State {
    pub(super) fn text(&self) -> String {
        let mut text = StateText::new(FORMAT);
        text.line("chunks", self.chunks);
        text.line("segment", self.segment);
        text.line("length", self.length);
        text.finish()
    }

    pub(super) fn parse(state: &str, base: &Path) -> Result<Self, FormatError> {
        let mut lines = StateLines::new(state, FORMAT, base)?;
        let chunks = lines.number("chunks")?;
        let segment: u16 = lines.number("segment")?;
        let length = lines.number("length")?;
        if segment == 0 || u64::from(segment) > MOST_WRITTEN {
            return Err(lines.unfit("it states a segment that has no name".to_owned()));
        }
        lines.end()?;
        Ok(Self { chunks, segment, length })
    }

    /// Path of the segment being written.
    pub(super) fn path(&self, base: &Path) -> PathBuf {
        with_suffix(base, &segment_names::extension(self.segment.into(), b'E').unwrap_or_default())
    }

    /// Walks what is vouched for, whose tables must list the chunks that are stated.
    pub(super) fn container(&self, base: &Path) -> Result<Container, FormatError> {
        let path = self.path(base);
        let there = path.metadata().map_err(|error| FormatError::source(&path, 0, error))?.len();
        if there < self.length {
            return Err(shorter(&path, there, self.length));
        }
        let container = Container::open_up_to(&with_suffix(base, "E01"), (self.segment, self.length))?;
        let segments = container.files.all().len();
        if container.chunks() != u64::from(self.chunks) || segments != usize::from(self.segment) {
            let why = format!(
                "its tables list {} chunks in {segments} segments, its checkpoint vouches for {} in {}",
                container.chunks(),
                self.chunks,
                self.segment
            );
            return Err(FormatError::Unfinished { path, why });
        }
        Ok(container)
    }

    /// The content of the volume section.
    pub(super) fn geometry(&self, base: &Path) -> Result<Vec<u8>, FormatError> {
        let mut container = self.container(base)?;
        let volume =
            container.sections.iter().find(|(_, section)| section.kind == SectionKind::Volume).copied();
        let content = match volume {
            Some((segment, section)) => container.content(segment, &section, 4096)?,
            None => Err("it is not there"),
        };
        content.map_err(|what| FormatError::structure(&with_suffix(base, "E01"), 0, "volume section", what))
    }
}
