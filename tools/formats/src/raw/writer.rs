//! Writes `.raw`, or `.001 .002 …`.

use crate::destination::{DestinationFile, refuse_existing, sync_folder_of, with_suffix};
use crate::state::{StateLines, StateText, remove_segments};
use crate::{
    ChunkEncoder, EncodedChunk, FormatError, ImagePlan, ImageSummary, ImageWriter, Segment, WhenFull,
};
use evidence::ByteCount;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Media bytes per chunk.
const CHUNK: usize = 1 << 20;
/// Three digits name at most these segments, counted from one.
const MOST_SEGMENTS: u64 = 999;
/// The word that its states begin with.
const FORMAT: &str = "raw";

/// Writes a raw image strictly from front to end.
pub struct RawWriter {
    base: PathBuf,
    media_size: u64,
    stored: u64,
    /// Size at which a segment is full; `None` for one file.
    segment_size: Option<u64>,
    current: DestinationFile,
    /// How much of the current segment is still free.
    room: u64,
    finished: Vec<Segment>,
    /// The name of the current segment is durable.
    named: bool,
}

/// What a checkpoint says of a raw image.
pub(super) struct State {
    pub(super) stored: u64,
    pub(super) segment_size: Option<u64>,
}

impl State {
    pub(super) fn parse(state: &str, base: &Path) -> Result<Self, FormatError> {
        let mut lines = StateLines::new(state, FORMAT, base)?;
        let stored: u64 = lines.number("stored")?;
        let segment_size = match lines.optional("segment-size") {
            Some(size) => Some(lines.parsed::<u64>(size)?),
            None => None,
        };
        if segment_size.is_some_and(|size| size == 0 || stored.div_ceil(size) > MOST_SEGMENTS) {
            return Err(lines.unfit("it states segments that no image has".to_owned()));
        }
        lines.end()?;
        Ok(Self { stored, segment_size })
    }

    /// Each segment's path and length; the last is the one that is gone on with.
    pub(super) fn segments(&self, base: &Path) -> Vec<(PathBuf, u64)> {
        let Some(size) = self.segment_size else { return vec![(with_suffix(base, "raw"), self.stored)] };
        let count = self.stored.div_ceil(size).max(1);
        let length = |number: u64| self.stored.saturating_sub(number.saturating_mul(size)).min(size);
        (0..count).map(|number| (numbered(base, number.saturating_add(1)), length(number))).collect()
    }
}

/// Extensions of the parts of a split image from that number on.
pub(crate) fn names_from(number: u64) -> impl Iterator<Item = String> {
    (number..=MOST_SEGMENTS).map(|number| format!("{number:03}"))
}

fn numbered(base: &Path, number: u64) -> PathBuf {
    with_suffix(base, &format!("{number:03}"))
}

impl RawWriter {
    /// Checks the plan and creates the first file.
    ///
    /// # Errors
    /// As [`crate::create`].
    pub fn create(plan: &ImagePlan) -> Result<Self, FormatError> {
        let segment_size = plan.segment_size.map(|size| size.0);
        if let Some(size) = segment_size
            && (size == 0 || plan.media_size.0.div_ceil(size) > MOST_SEGMENTS)
        {
            let least = ByteCount(plan.media_size.0.div_ceil(MOST_SEGMENTS).max(1));
            let why = format!(
                "{} in segments of {} needs more names than .001 to .999; take segments of at least {least}",
                plan.media_size,
                ByteCount(size)
            );
            return Err(FormatError::Plan { path: plan.base.clone(), why });
        }
        if segment_size.is_some() {
            // Readers take every number that is there for a part of the image.
            for number in 0..=MOST_SEGMENTS {
                refuse_existing(with_suffix(&plan.base, &format!("{number:03}")))?;
            }
        }
        let extension = if segment_size.is_some() { "001" } else { "raw" };
        Ok(Self {
            base: plan.base.clone(),
            media_size: plan.media_size.0,
            stored: 0,
            segment_size,
            current: DestinationFile::create(with_suffix(&plan.base, extension))?,
            room: segment_size.unwrap_or(u64::MAX),
            finished: Vec::new(),
            named: false,
        })
    }

    /// Goes on behind a checkpoint.
    ///
    /// # Errors
    /// As [`crate::resume`].
    pub fn resume(plan: &ImagePlan, state: &str) -> Result<Self, FormatError> {
        let State { stored, segment_size } = State::parse(state, &plan.base)?;
        if segment_size != plan.segment_size.map(|size| size.0) || stored > plan.media_size.0 {
            let why = "its checkpoint is about an image of another plan".to_owned();
            return Err(FormatError::Unfinished { path: plan.base.clone(), why });
        }
        let mut segments = State { stored, segment_size }.segments(&plan.base);
        let (path, length) = segments.pop().unwrap_or_default();
        let mut finished = Vec::new();
        for (path, size) in segments {
            finished.push(Segment { path, size: ByteCount(size) });
        }
        let current = DestinationFile::reopen(path, length)?;
        if segment_size.is_some() {
            let next = u64::try_from(finished.len()).unwrap_or(u64::MAX).saturating_add(2);
            remove_segments(&plan.base, names_from(next))?;
        }
        sync_folder_of(&plan.base)?;
        Ok(Self {
            base: plan.base.clone(),
            media_size: plan.media_size.0,
            stored,
            segment_size,
            current,
            room: segment_size.unwrap_or(u64::MAX).saturating_sub(length),
            finished,
            named: true,
        })
    }

    fn next_segment(&mut self) -> Result<(), FormatError> {
        // The current one is number finished + 1.
        let number = u64::try_from(self.finished.len()).unwrap_or(u64::MAX).saturating_add(2);
        let next = self.current.create_next(numbered(&self.base, number))?;
        self.named = false;
        self.finished.push(std::mem::replace(&mut self.current, next).close()?);
        self.room = self.segment_size.unwrap_or(u64::MAX);
        Ok(())
    }
}

impl ImageWriter for RawWriter {
    fn chunk_size(&self) -> usize {
        CHUNK
    }

    fn encoder(&self) -> Arc<dyn ChunkEncoder> {
        Arc::new(PlainEncoder)
    }

    fn append(&mut self, chunk: &EncodedChunk) -> Result<(), FormatError> {
        let length = u64::try_from(chunk.stored.len()).unwrap_or(u64::MAX);
        let left = self.media_size.saturating_sub(self.stored);
        if chunk.compressed || chunk.media_length.0 != length || length > left {
            let why =
                format!("a chunk of {} does not fit a plan with {} left", ByteCount(length), ByteCount(left));
            return Err(FormatError::Plan { path: self.base.clone(), why });
        }
        let mut rest = chunk.stored.as_slice();
        while !rest.is_empty() {
            if self.room == 0 {
                self.next_segment()?;
            }
            let fits = usize::try_from(self.room).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at(fits);
            self.current.write(now)?;
            self.room = self.room.saturating_sub(u64::try_from(fits).unwrap_or(u64::MAX));
            rest = later;
        }
        self.stored = self.stored.saturating_add(length);
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<Option<String>, FormatError> {
        self.current.sync()?;
        if !self.named {
            sync_folder_of(&self.base)?;
            self.named = true;
        }
        let mut state = StateText::new(FORMAT);
        state.line("stored", self.stored);
        if let Some(size) = self.segment_size {
            state.line("segment-size", size);
        }
        Ok(Some(state.finish()))
    }

    fn ask_when_full(&mut self, when_full: Arc<dyn WhenFull>) {
        self.current.ask_when_full(when_full);
    }

    fn finish(mut self: Box<Self>, _summary: &ImageSummary) -> Result<Vec<Segment>, FormatError> {
        if self.stored != self.media_size {
            return Err(FormatError::IncompleteWrite {
                path: self.base,
                stored: ByteCount(self.stored),
                planned: ByteCount(self.media_size),
            });
        }
        self.finished.push(self.current.close()?);
        sync_folder_of(&self.base)?;
        Ok(self.finished)
    }
}

/// Stores media data as they are, for whatever keeps them without a container.
#[derive(Clone, Copy, Debug)]
pub struct PlainEncoder;

impl ChunkEncoder for PlainEncoder {
    fn encode(&self, media: &[u8]) -> Result<EncodedChunk, FormatError> {
        let mut chunk = EncodedChunk::default();
        self.encode_into(media, &mut chunk)?;
        Ok(chunk)
    }

    fn encode_into(&self, media: &[u8], chunk: &mut EncodedChunk) -> Result<(), FormatError> {
        chunk.stored.clear();
        chunk.stored.extend_from_slice(media);
        chunk.media_length = ByteCount(u64::try_from(media.len()).unwrap_or(u64::MAX));
        chunk.compressed = false;
        Ok(())
    }
}
