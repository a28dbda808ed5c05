//! Reads the whole medium once, with one thread for each hash, and goes on past damage.

use crate::files::{self, FileHashes};
use crate::leaves::{Altered, Measuring, StatedLeaves};
use crate::progress::Progress;
use crate::ranges::Partial;
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet, HashAlgorithm, HashSet, Hasher};
use formats::{FormatError, ImageReader, Segment};
use serde::Serialize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;
/// Blocks that may wait for each hash.
const WAITING: usize = 4;
/// Damage told one by one; beyond it only ranges are kept.
const TOLD: usize = 10_000;

/// What reading the medium showed.
#[derive(Debug, Default)]
pub struct Measurement {
    /// Hash values over the whole medium; empty when a part of it could not be read.
    pub hashes: HashSet,
    /// Each damage met, up to ten thousand.
    pub damage: Vec<Damage>,
    /// All ranges of the medium that could not be had.
    pub damaged: ExtentSet,
    /// Which parts are others than those that were acquired, where the record states values for them.
    pub altered: Option<Altered>,
    /// The segment files byte for byte, where the record states their hash values.
    pub files: Option<FileHashes>,
    /// Where files were changed though all data read back.
    pub idle: Vec<String>,
    /// What was asked for and read, where that is not the whole medium.
    pub partial: Option<Partial>,
}

/// One damaged place.
#[derive(Clone, Debug, Serialize)]
pub struct Damage {
    /// The segment file.
    pub segment: String,
    /// Where in the segment.
    pub segment_offset: Option<ByteOffset>,
    /// The range of the medium that is lost.
    pub media: Extent,
    /// What does not fit.
    pub what: String,
}

/// Reads `image` from end to end, compares its parts with `leaves`, and hashes its `files` beside that, so that what one of
/// the two has read the other finds in memory.
///
/// # Errors
/// When a read fails in a way that tells no range to go on after.
pub fn measure(
    image: &mut dyn ImageReader,
    algorithms: &[HashAlgorithm],
    leaves: Option<&StatedLeaves>,
    files: Option<&[Segment]>,
) -> Result<Measurement, FormatError> {
    let size = image.media_size();
    std::thread::scope(|scope| {
        let files = files.map(|segments| scope.spawn(move || files::hash(segments)));
        let mut hashing = Hashing::default();
        let locating = leaves.map(|leaves| {
            let (sender, receiver) = sync_channel(WAITING);
            hashing.locating = Some(sender);
            scope.spawn(move || locate(leaves, size, &receiver))
        });
        for algorithm in algorithms {
            let (sender, receiver) = sync_channel::<Arc<Vec<u8>>>(WAITING);
            let hasher = Hasher::new(*algorithm);
            hashing.senders.push(sender);
            hashing.threads.push((*algorithm, scope.spawn(move || hash(hasher, &receiver))));
        }
        let mut measurement = Measurement::default();
        read(image, &mut measurement, &mut hashing)?;
        hashing.senders.clear();
        hashing.locating = None;
        measurement.files = files.and_then(|thread| thread.join().ok());
        measurement.altered = locating.and_then(|thread| thread.join().ok());
        for (algorithm, thread) in hashing.threads {
            if let Ok(hasher) = thread.join()
                && measurement.damaged.is_empty()
            {
                measurement.hashes.insert(algorithm, hasher.finish());
            }
        }
        Ok(measurement)
    })
}

fn locate(leaves: &StatedLeaves, size: ByteCount, blocks: &Receiver<(ByteOffset, Arc<Vec<u8>>)>) -> Altered {
    let mut measuring = Measuring::new(leaves.size, size);
    while let Ok((offset, block)) = blocks.recv() {
        measuring.take(offset, &block);
    }
    measuring.finish(leaves)
}

fn hash(mut hasher: Hasher, blocks: &Receiver<Arc<Vec<u8>>>) -> Hasher {
    while let Ok(block) = blocks.recv() {
        hasher.update(&block);
    }
    hasher
}

fn read(
    image: &mut dyn ImageReader,
    measurement: &mut Measurement,
    hashing: &mut Hashing<'_>,
) -> Result<(), FormatError> {
    let size = image.media_size().0;
    let mut progress = Progress::begin(ByteCount(size));
    let mut at = 0;
    while at < size {
        let length = usize::try_from(size.saturating_sub(at)).unwrap_or(BLOCK).min(BLOCK);
        let mut block = hashing.free_block();
        // Ours alone: `free_block` gives only blocks nobody else holds.
        let bytes = Arc::make_mut(&mut block);
        bytes.resize(length, 0);
        match image.read_at(ByteOffset(at), bytes) {
            Ok(0) => break,
            Ok(got) => {
                bytes.truncate(got);
                hashing.send(ByteOffset(at), &block, measurement);
                at = at.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
            }
            Err(error) => {
                let Some(lost) = error.media() else { return Err(error) };
                // The stretch before the damage was read and is sound. It is not needed any more, because no hash over the
                // whole medium can be had; what lies after may show more damage.
                at = lost.end().max(at.saturating_add(1));
                measurement.note(&error, lost);
            }
        }
        progress.at(at);
    }
    progress.end();
    Ok(())
}

impl Measurement {
    /// Keeps what is lost.
    pub fn note(&mut self, error: &FormatError, lost: Extent) {
        self.damaged.insert(lost);
        if self.damage.len() >= TOLD {
            return;
        }
        let (segment, segment_offset) = error.place().unwrap_or((std::path::Path::new(""), None));
        let what = match error {
            FormatError::DamagedChunk { what, .. } => what.clone(),
            FormatError::Source { source, .. } => format!("reading failed: {source}"),
            other => other.to_string(),
        };
        self.damage.push(Damage {
            segment: segment.display().to_string(),
            segment_offset,
            media: lost,
            what,
        });
    }
}

/// The threads that hash, and the blocks that travel to them.
#[derive(Default)]
struct Hashing<'scope> {
    senders: Vec<SyncSender<Arc<Vec<u8>>>>,
    /// To the thread that compares parts of the medium, which goes on past damage.
    locating: Option<SyncSender<(ByteOffset, Arc<Vec<u8>>)>>,
    threads: Vec<(HashAlgorithm, ScopedJoinHandle<'scope, Hasher>)>,
    blocks: Vec<Arc<Vec<u8>>>,
}

impl Hashing<'_> {
    /// A block that no thread holds any more. At most those that wait for the slowest hash, the one it works on and the
    /// one being filled are in use, so that few are ever made.
    fn free_block(&mut self) -> Arc<Vec<u8>> {
        let free = self.blocks.iter().position(|block| Arc::strong_count(block) == 1);
        free.map_or_else(|| Arc::new(Vec::with_capacity(BLOCK)), |index| self.blocks.swap_remove(index))
    }

    fn send(&mut self, offset: ByteOffset, block: &Arc<Vec<u8>>, measurement: &Measurement) {
        if let Some(locating) = &self.locating {
            // As below.
            let _ = locating.send((offset, Arc::clone(block)));
        }
        if measurement.damaged.is_empty() {
            for sender in &self.senders {
                // A hash thread ends only after its sender is dropped.
                let _ = sender.send(Arc::clone(block));
            }
        }
        self.blocks.push(Arc::clone(block));
    }
}
