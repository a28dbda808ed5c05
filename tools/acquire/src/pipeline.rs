//! Several reads in flight, put in order; threads that hash; a pool that encodes chunks and hashes leaves; a writer for each
//! image.
//!
//! ```text
//!                  +-> readers -> in order -+-> MD5, SHA-1 .............. hash values
//! free blocks -----+                        +-> SHA-256 .................
//!      ^                                    +-> pool (one per core) -+--> writer (in order) --> image
//!      |                                                |            +--> writer (in order) --> second image
//!      +------ a block that nobody needs any more ------+--> leaves of the hash tree (in order) --> observer
//! ```

use crate::block::{BLOCK_SIZE, Block, Buffers};
use crate::block_reader::{BlockEnd, ReadFault, SourceLost};
use crate::hashing;
use crate::leaves::Leaves;
use crate::medium::Medium;
use crate::progress::Progress;
use crate::reading::{Next, Reading};
use crate::storing::Storing;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use evidence::{ByteCount, ByteOffset, Digest, ExtentSet, HashAlgorithm, HashSet, LeafPart, LeafSize};
use formats::{FormatError, ImageSummary, ImageWriter, Segment};
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Most separate ranges that may be unreadable: what the memory holds and one entry of the record can name. Each of them
/// costs several failed reads, so that a disk has to be tried for days to come this far.
pub const MOST_RANGES: usize = 150_000;

/// What may wait for the observer; whoever has more to tell waits for it.
const WAITING: usize = 256;

/// How often the caller is given a turn.
const TICK: Duration = Duration::from_millis(200);

/// What a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Blocks in flight.
    blocks: usize,
    /// Reads in flight.
    reads: usize,
    /// Threads of the pool, and of the hashes.
    cores: usize,
}

impl Limits {
    /// What a run takes beside its blocks: stacks, write buffers, tables, leaves, compressors.
    const BESIDE: u64 = 24 << 20;

    /// The least memory that keeps all threads busy.
    pub const LEAST_MEMORY: ByteCount = ByteCount(64 << 20);

    /// Memory where nobody says how much. More makes no run faster whose disks keep up: blocks that wait longer leave the
    /// processor's cache, and must be fetched again for each hash.
    pub const USUAL_MEMORY: ByteCount = Self::LEAST_MEMORY;

    /// At most `memory` in all: each block takes its size twice, as it was read and as it is stored.
    #[must_use]
    pub fn within(memory: ByteCount) -> Self {
        let twice = u64::try_from(BLOCK_SIZE).unwrap_or(u64::MAX).saturating_mul(2);
        let memory = memory.max(Self::LEAST_MEMORY);
        let blocks = memory.0.saturating_sub(Self::BESIDE).checked_div(twice).unwrap_or(0);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { blocks: usize::try_from(blocks).unwrap_or(usize::MAX), reads: 4, cores }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::within(Self::USUAL_MEMORY)
    }
}

/// What came of a run through the whole medium.
#[derive(Clone, Debug)]
pub struct Imaged {
    /// Hash values over the media data, unread ranges taken as zeros.
    pub hashes: HashSet,
    /// What could not be read.
    pub unread: ExtentSet,
    /// Media bytes in a leaf of the hash tree.
    pub leaf_size: LeafSize,
    /// One value for all leaves.
    pub leaf_root: Digest,
    /// Segments of each image, in the order of the writers; `None` for one that failed.
    pub images: Vec<Option<Vec<Segment>>>,
}

impl Imaged {
    /// Segments of the first image that is whole; none when nothing was written.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        self.images.iter().flatten().next().map(Vec::as_slice).unwrap_or_default()
    }
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The source failed as a whole.
    #[error(transparent)]
    Source(#[from] SourceLost),
    /// No image could be written, or the last that could.
    #[error(transparent)]
    Image(#[from] FormatError),
    /// Somebody asked to stop.
    #[error("stopped at {0} as asked")]
    Stopped(ByteOffset),
    /// The caller could not keep what it was told.
    #[error(transparent)]
    Caller(Box<dyn std::error::Error + Send + Sync>),
    /// More ranges than can be told.
    #[error("more than {MOST_RANGES} separate ranges could not be read; such a medium needs recovery first")]
    TooManyRanges,
    /// No memory for the blocks, or no thread.
    #[error(
        "the machine has no room for the blocks and threads of the pipeline, try a smaller --memory: {0}"
    )]
    Resources(String),
}

impl From<BlockEnd> for PipelineError {
    fn from(end: BlockEnd) -> Self {
        match end {
            BlockEnd::Lost(lost) => PipelineError::Source(lost),
            BlockEnd::Stopped(at) => PipelineError::Stopped(at),
        }
    }
}

/// What an observer could not keep.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// Takes part in a run from the calling thread. An error of any of its methods ends the run.
pub trait Observer {
    /// A range could not be read.
    ///
    /// # Errors
    /// Ends the run.
    fn fault(&mut self, fault: &ReadFault) -> Result<(), Refusal>;

    /// Leaves of the hash tree from number `first` on, in order and without gaps. Their data has been handed to the system
    /// by the writer of every image that has not failed, which does not mean that it is on the medium.
    ///
    /// # Errors
    /// Ends the run.
    fn leaves(&mut self, first: u64, values: &[Digest]) -> Result<(), Refusal> {
        let _ = (first, values);
        Ok(())
    }

    /// An image failed and will not be whole, while another goes on.
    ///
    /// # Errors
    /// Ends the run.
    fn image_failed(&mut self, image: usize, error: &FormatError) -> Result<(), Refusal> {
        let _ = (image, error);
        Ok(())
    }

    /// Called several times a second.
    fn tick(&mut self, progress: &Progress);
}

/// What the threads tell the caller's.
pub(crate) enum Told {
    /// A range could not be read.
    Fault(ReadFault),
    /// The part of a leaf that the block of that number makes.
    Leaf(u64, LeafPart),
    /// That image holds one block more.
    Stored(usize),
    /// That image failed.
    Failed(usize, FormatError),
}

/// Where each block goes, in order.
struct Onward {
    hashes: Vec<Sender<Arc<Block>>>,
    storing: Storing,
    told: Sender<Told>,
}

impl Next for Onward {
    fn fault(&mut self, fault: ReadFault) -> bool {
        self.told.send(Told::Fault(fault)).is_ok()
    }

    fn block(&mut self, block: Arc<Block>) -> bool {
        self.storing.block(Arc::clone(&block))
            && self.hashes.iter().all(|hash| hash.send(Arc::clone(&block)).is_ok())
    }
}

/// Reads `medium` from end to end, hashes it, and writes it to each of `images`, which are of one format and chunk size. An
/// image that fails does not stop the others.
///
/// # Errors
/// [`PipelineError`]; every thread has ended by then, and what was written stays.
pub fn run(
    medium: &mut dyn Medium,
    images: impl IntoIterator<Item = Box<dyn ImageWriter>>,
    algorithms: &[HashAlgorithm],
    limits: Limits,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Imaged, PipelineError> {
    let images: Vec<Box<dyn ImageWriter>> = images.into_iter().collect();
    let leaf_size = LeafSize::of_medium(medium.size());
    let mut seen = Seen { unread: ExtentSet::new(), leaves: Leaves::new(images.len(), leaf_size) };
    let buffers = Buffers::new(limits.blocks).map_err(|e| PipelineError::Resources(e.to_string()))?;
    let (told, telling) = bounded(WAITING);

    let (hashes, writers) = thread::scope(|scope| {
        let lanes = hashing::start(scope, algorithms, limits.cores).map_err(no_thread)?;
        let (hashes, hashing): (Vec<_>, Vec<_>) = lanes.into_iter().unzip();
        let pool = (limits.blocks, limits.cores);
        let (storing, writing) = Storing::start(scope, images, leaf_size, pool, &told).map_err(no_thread)?;
        let onward = Onward { hashes, storing, told };
        let reading = Arc::new(Reading::new(medium.size().0, buffers, progress, onward));
        let readers = start_readers(scope, medium, &reading, limits.reads).map_err(no_thread)?;

        let observed = seen.observe(telling, progress, observer);
        if observed.is_err() {
            progress.ask_to_stop();
        }
        readers.into_iter().try_for_each(join)?;
        let hashes = hashing.into_iter().map(join).collect::<Result<Vec<_>, _>>()?;
        let writers = writing.into_iter().map(join).collect::<Result<Vec<_>, _>>()?;
        // An observer, or the last image that failed, makes the readers end early: their reasons come first.
        observed?;
        reading.end().map_or(Ok(()), |end| Err(PipelineError::from(end)))?;
        let values = |set: &HashSet| set.iter().map(|(a, d)| (a, d.clone())).collect::<Vec<_>>();
        Ok::<_, PipelineError>((hashes.iter().flat_map(values).collect::<HashSet>(), writers))
    })?;

    if let Some((number, value)) = seen.leaves.last() {
        observer.leaves(number, &[value]).map_err(PipelineError::Caller)?;
    }
    let summary = ImageSummary { hashes: hashes.clone(), unread: seen.unread.clone() };
    let images = finish(writers, &summary, observer)?;
    Ok(Imaged { hashes, unread: seen.unread, leaf_size, leaf_root: seen.leaves.root(), images })
}

fn no_thread(error: std::io::Error) -> PipelineError {
    PipelineError::Resources(error.to_string())
}

/// A thread that panicked is a defect; it is told as an error rather than torn through the caller.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T, PipelineError> {
    thread.join().map_err(|_| PipelineError::Resources("a thread ended unexpectedly".to_owned()))
}

/// One reader, and others as far as the medium can be read by several at a time.
fn start_readers<'scope>(
    scope: &'scope Scope<'scope, '_>,
    medium: &'scope mut dyn Medium,
    reading: &Arc<Reading<'scope, Onward>>,
    reads: usize,
) -> std::io::Result<Vec<ScopedJoinHandle<'scope, ()>>> {
    let builder = || thread::Builder::new().name("read".to_owned());
    let others: Vec<_> = std::iter::repeat_with(|| medium.another()).take(reads.saturating_sub(1)).collect();
    let shared = Arc::clone(reading);
    let mut readers = vec![builder().spawn_scoped(scope, move || shared.read(medium))?];
    for mut other in others.into_iter().flatten() {
        let shared = Arc::clone(reading);
        // Where there is no room for more threads, fewer do.
        readers.extend(builder().spawn_scoped(scope, move || shared.read(other.as_mut())));
    }
    Ok(readers)
}

/// Closes the images that have not failed.
fn finish(
    writers: Vec<Option<Box<dyn ImageWriter>>>,
    summary: &ImageSummary,
    observer: &mut dyn Observer,
) -> Result<Vec<Option<Vec<Segment>>>, PipelineError> {
    let mut failed = Vec::new();
    let mut images = Vec::new();
    for (number, writer) in writers.into_iter().enumerate() {
        images.push(match writer.map(|writer| writer.finish(summary)) {
            Some(Ok(segments)) => Some(segments),
            Some(Err(error)) => {
                failed.push((number, error));
                None
            }
            None => None,
        });
    }
    if images.iter().all(Option::is_none)
        && let Some((_, error)) = failed.pop()
    {
        return Err(error.into());
    }
    for (number, error) in &failed {
        observer.image_failed(*number, error).map_err(PipelineError::Caller)?;
    }
    Ok(images)
}

/// What the calling thread gathers.
struct Seen {
    unread: ExtentSet,
    leaves: Leaves,
}

impl Seen {
    /// Tells the observer what the threads tell, until all of them have ended.
    fn observe(
        &mut self,
        telling: Receiver<Told>,
        progress: &Progress,
        observer: &mut dyn Observer,
    ) -> Result<(), PipelineError> {
        let mut ticked = Instant::now();
        loop {
            match telling.recv_timeout(TICK) {
                Ok(told) => self.take(told, observer)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if ticked.elapsed() >= TICK {
                observer.tick(progress);
                ticked = Instant::now();
            }
        }
    }

    fn take(&mut self, told: Told, observer: &mut dyn Observer) -> Result<(), PipelineError> {
        match told {
            Told::Fault(fault) => {
                self.unread.insert(fault.extent);
                observer.fault(&fault).map_err(PipelineError::Caller)?;
                if self.unread.len() > MOST_RANGES {
                    return Err(PipelineError::TooManyRanges);
                }
            }
            Told::Leaf(block, part) => self.leaves.part(block, part),
            Told::Stored(image) => self.leaves.stored(image),
            Told::Failed(image, error) if self.leaves.failed(image) => {
                observer.image_failed(image, &error).map_err(PipelineError::Caller)?;
            }
            Told::Failed(_, error) => return Err(error.into()),
        }
        while let Some((number, value)) = self.leaves.next() {
            observer.leaves(number, &[value]).map_err(PipelineError::Caller)?;
        }
        Ok(())
    }
}
