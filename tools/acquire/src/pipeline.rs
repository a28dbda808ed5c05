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

use crate::block::{BLOCK_SIZE, Block, Buffers, offset_of};
use crate::block_reader::{BlockEnd, ReadFault, SourceLost};
use crate::checkpoint::{Checkpoint, Due, Interval};
use crate::hashing::{self, Hashed};
use crate::leaves::Leaves;
use crate::medium::Medium;
use crate::progress::Progress;
use crate::reading::{Next, Reading};
use crate::storing::Storing;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use evidence::{
    ByteCount, ByteOffset, Digest, Extent, ExtentSet, HashAlgorithm, HashSet, LeafPart, LeafSize,
};
use formats::{FormatError, ImageSummary, ImageWriter, Segment};
use std::collections::BTreeMap;
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
    /// Value of each leaf, in order.
    pub leaves: Vec<Digest>,
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

    /// All images that go on are durable up to a place. Leaves and unread ranges before it have been told.
    ///
    /// # Errors
    /// Ends the run.
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), Refusal> {
        let _ = checkpoint;
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
    /// That image is durable up to that block, and how it can be gone on with.
    Checkpoint(usize, u64, String),
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

    fn ended_early(&mut self) {
        self.storing.ended_early();
    }
}

/// What has gone through a run so far: the state of every hash, the leaves, and what could not be read.
pub struct Passed {
    hashes: Vec<Hashed>,
    leaves: Leaves,
    leaf_size: LeafSize,
    unread: ExtentSet,
}

impl Passed {
    /// The beginning of a medium of `size`.
    #[must_use]
    pub fn nothing(size: ByteCount, algorithms: &[HashAlgorithm], limits: Limits) -> Self {
        let leaf_size = LeafSize::of_medium(size);
        Self {
            hashes: hashing::begin(algorithms, limits.cores),
            leaves: Leaves::new(leaf_size),
            leaf_size,
            unread: ExtentSet::new(),
        }
    }

    /// The same, and what could not be read of it.
    #[must_use]
    pub fn with_unread(self, unread: ExtentSet) -> Self {
        Self { unread, ..self }
    }

    /// How much of the medium it is.
    #[must_use]
    pub fn offset(&self) -> ByteOffset {
        offset_of(self.leaves.due())
    }

    /// The root over its leaves, the last as far as it came, and that leaf's value.
    #[must_use]
    pub fn leaf_root(&self) -> (Digest, Option<Digest>) {
        self.leaves.root_here()
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
    let passed = Passed::nothing(medium.size(), algorithms, limits);
    go_on(passed, medium, images, Interval::Never, limits, progress, observer)
}

/// As [`run`], behind what has gone through before, which all `images` hold. They are made durable every `interval`.
///
/// # Errors
/// As [`run`].
pub fn go_on(
    passed: Passed,
    medium: &mut dyn Medium,
    images: impl IntoIterator<Item = Box<dyn ImageWriter>>,
    interval: Interval,
    limits: Limits,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Imaged, PipelineError> {
    let images: Vec<Box<dyn ImageWriter>> = images.into_iter().collect();
    progress.advance(passed.offset().0, passed.unread.total().0);
    let (mut passed, writers) = through(passed, medium, images, interval, limits, progress, observer)?;
    if let Some((number, value)) = passed.leaves.last() {
        observer.leaves(number, &[value]).map_err(PipelineError::Caller)?;
    }
    let Passed { hashes, leaves, leaf_size, unread } = passed;
    let hashes: Vec<HashSet> = hashes.into_iter().map(Hashed::finish).collect();
    let values = |set: &HashSet| set.iter().map(|(a, d)| (a, d.clone())).collect::<Vec<_>>();
    let hashes: HashSet = hashes.iter().flat_map(values).collect();
    let summary = ImageSummary { hashes: hashes.clone(), unread: unread.clone() };
    let images = finish(writers, &summary, observer)?;
    Ok(Imaged { hashes, unread, leaf_size, leaves: leaves.into_values(), images })
}

/// Reads all of `medium`, the beginning of a larger one or the next part of it, and adds it to what has gone through before.
///
/// # Errors
/// As [`run`].
pub fn pass(
    passed: Passed,
    medium: &mut dyn Medium,
    limits: Limits,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Passed, PipelineError> {
    through(passed, medium, Vec::new(), Interval::Never, limits, progress, observer).map(|(passed, _)| passed)
}

/// The writers of all images; none of one that failed.
type Writers = Vec<Option<Box<dyn ImageWriter>>>;

/// Everything but the end: what came of it is not finished yet, neither hashes nor images.
fn through(
    mut passed: Passed,
    medium: &mut dyn Medium,
    images: Vec<Box<dyn ImageWriter>>,
    interval: Interval,
    limits: Limits,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<(Passed, Writers), PipelineError> {
    let (size, first) = (medium.size(), passed.leaves.due());
    let hashes = std::mem::take(&mut passed.hashes);
    passed.leaves.begin(images.len());
    let mut seen = Seen { passed, checkpoints: BTreeMap::new() };
    let leaf_size = seen.passed.leaf_size;
    let buffers = Buffers::new(limits.blocks).map_err(|e| PipelineError::Resources(e.to_string()))?;
    let (told, telling) = bounded(WAITING);

    let (hashes, writers) = thread::scope(|scope| {
        let lanes = hashing::start(scope, hashes).map_err(no_thread)?;
        let (hashes, hashing): (Vec<_>, Vec<_>) = lanes.into_iter().unzip();
        let (pool, due) = ((limits.blocks, limits.cores), Due::new(interval, size, first));
        let (storing, writing) =
            Storing::start(scope, images, leaf_size, due, pool, &told).map_err(no_thread)?;
        let onward = Onward { hashes, storing, told };
        let reading = Arc::new(Reading::new(size.0, first, buffers, progress, onward));
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
        Ok::<_, PipelineError>((hashes, writers))
    })?;
    Ok((Passed { hashes, ..seen.passed }, writers))
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
    writers: Writers,
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
    passed: Passed,
    /// What images have told of checkpoints that others have not come to, by the number of blocks.
    checkpoints: BTreeMap<u64, Vec<Option<String>>>,
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
        let Passed { leaves, unread, .. } = &mut self.passed;
        match told {
            Told::Fault(fault) => {
                unread.insert(fault.extent);
                observer.fault(&fault).map_err(PipelineError::Caller)?;
                if unread.len() > MOST_RANGES {
                    return Err(PipelineError::TooManyRanges);
                }
            }
            Told::Leaf(block, part) => leaves.part(block, part),
            Told::Stored(image) => leaves.stored(image),
            Told::Checkpoint(image, blocks, state) => {
                let states = self.checkpoints.entry(blocks).or_default();
                states.resize(states.len().max(image.saturating_add(1)), None);
                if let Some(place) = states.get_mut(image) {
                    *place = Some(state);
                }
            }
            Told::Failed(image, error) if leaves.failed(image) => {
                observer.image_failed(image, &error).map_err(PipelineError::Caller)?;
            }
            Told::Failed(_, error) => return Err(error.into()),
        }
        while let Some((number, value)) = self.passed.leaves.next() {
            observer.leaves(number, &[value]).map_err(PipelineError::Caller)?;
        }
        self.tell_checkpoint(observer)
    }

    /// Tells of a checkpoint that every image has come to which goes on.
    fn tell_checkpoint(&mut self, observer: &mut dyn Observer) -> Result<(), PipelineError> {
        let Some(first) = self.checkpoints.first_entry() else { return Ok(()) };
        let leaves = &self.passed.leaves;
        let told = |image: usize| first.get().get(image).is_some_and(Option::is_some);
        if (0..leaves.images()).any(|image| leaves.goes_on(image) && !told(image)) {
            return Ok(());
        }
        let (blocks, mut states) = first.remove_entry();
        // Where an image failed on the way there, the other may be far ahead; its next one counts.
        if leaves.due() != blocks {
            return Ok(());
        }
        states.resize(leaves.images(), None);
        for (image, state) in states.iter_mut().enumerate() {
            *state = state.take().filter(|_| leaves.goes_on(image));
        }
        let (leaf_root, begun_leaf) = leaves.root_here();
        let offset = offset_of(blocks);
        let unread = before(&self.passed.unread, offset);
        let checkpoint = Checkpoint { offset, leaf_root, begun_leaf, unread, states };
        observer.checkpoint(&checkpoint).map_err(PipelineError::Caller)
    }
}

/// The part of some ranges that lies before `end`.
fn before(ranges: &ExtentSet, end: ByteOffset) -> ExtentSet {
    let clipped = |extent: Extent| {
        let length = extent.length.0.min(end.0.saturating_sub(extent.offset.0));
        Extent { length: ByteCount(length), ..extent }
    };
    ranges.iter().take_while(|extent| extent.offset < end).map(clipped).collect()
}
