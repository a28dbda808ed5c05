//! One reader, one thread per hash, a pool that encodes chunks, and one writer; blocks go through in order.
//!
//! ```text
//! free blocks -> reader -+-> MD5 ...................... hash values
//!      ^                 +-> SHA-256 ..................
//!      |                 +-> encoders (one per core) -> writer (in order)
//!      +------ a block that nobody needs any more ------+
//! ```

use crate::block_reader::{BlockEnd, ReadFault, SourceLost, read_block};
use crate::medium::Medium;
use crate::progress::Progress;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use device::AlignedBuffer;
use evidence::{ByteOffset, ExtentSet, HashAlgorithm, HashSet, Hasher};
use formats::{ChunkEncoder, EncodedChunk, FormatError, ImageSummary, ImageWriter, Segment};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Blocks in flight.
pub const BLOCKS: usize = 32;

/// Size of a block; a multiple of every chunk size in use.
pub const BLOCK_SIZE: usize = 1 << 20;

/// Most separate ranges that may be unreadable: what the memory holds and one entry of the record can name. Each of them
/// costs several failed reads, so that a disk has to be tried for days to come this far.
pub const MOST_RANGES: usize = 150_000;

/// Faults that may wait for the observer; a reader that meets more waits for it.
const WAITING_FAULTS: usize = 256;

/// How often the caller is given a turn.
const TICK: Duration = Duration::from_millis(200);

/// What came of a run through the whole medium.
#[derive(Clone, Debug)]
pub struct Imaged {
    /// Hash values over the media data, unread ranges taken as zeros.
    pub hashes: HashSet,
    /// What could not be read.
    pub unread: ExtentSet,
    /// Segments of the image; none when nothing was written.
    pub segments: Vec<Segment>,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The source failed as a whole.
    #[error(transparent)]
    Source(#[from] SourceLost),
    /// The image could not be written.
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
        "the machine has no room for {BLOCKS} blocks of {BLOCK_SIZE} bytes and a thread for each task: {0}"
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

/// Takes part in a run from the calling thread.
pub trait Observer {
    /// A range could not be read.
    ///
    /// # Errors
    /// Ends the run.
    fn fault(&mut self, fault: &ReadFault) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

    /// Called several times a second.
    fn tick(&mut self, progress: &Progress);
}

/// A block of media data. The last thread that lets go of it gives its buffer back to the reader.
struct Block {
    buffer: Option<AlignedBuffer>,
    length: usize,
    home: Sender<AlignedBuffer>,
}

impl Block {
    fn data(&self) -> &[u8] {
        self.buffer.as_ref().and_then(|buffer| buffer.get(..self.length)).unwrap_or_default()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            // No reader any more: the buffer is freed.
            let _ = self.home.send(buffer);
        }
    }
}

type Encoded = Result<Vec<EncodedChunk>, FormatError>;

/// A block to be encoded, and where its chunks are waited for.
struct Job {
    block: Arc<Block>,
    done: Sender<Encoded>,
}

/// Where the reader sends each block.
struct Sinks {
    hashes: Vec<Sender<Arc<Block>>>,
    image: Option<(Sender<Job>, Sender<Receiver<Encoded>>)>,
}

impl Sinks {
    /// False when the writer has ended, which it does early only by an error.
    fn send(&self, block: Arc<Block>) -> bool {
        if let Some((jobs, order)) = &self.image {
            let (done, encoded) = bounded(1);
            if order.send(encoded).is_err() || jobs.send(Job { block: Arc::clone(&block), done }).is_err() {
                return false;
            }
        }
        self.hashes.iter().all(|hash| hash.send(Arc::clone(&block)).is_ok())
    }
}

/// Reads `medium` from end to end, hashes it, and writes it to `image` if there is one.
///
/// # Errors
/// [`PipelineError`]; every thread has ended by then, and what was written stays.
pub fn run(
    medium: &mut dyn Medium,
    image: Option<Box<dyn ImageWriter>>,
    algorithms: &[HashAlgorithm],
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Imaged, PipelineError> {
    let (home, free) = bounded(BLOCKS);
    for _ in 0..BLOCKS {
        let buffer = AlignedBuffer::new(BLOCK_SIZE).map_err(|e| PipelineError::Resources(e.to_string()))?;
        // Room for exactly this many.
        let _ = home.send(buffer);
    }
    let no_thread = |e: std::io::Error| PipelineError::Resources(e.to_string());

    thread::scope(|scope| {
        let mut sinks = Sinks { hashes: Vec::new(), image: None };
        let mut hashing = Vec::new();
        for algorithm in algorithms {
            let (blocks, incoming) = unbounded::<Arc<Block>>();
            sinks.hashes.push(blocks);
            let hash = move || hash_blocks(*algorithm, &incoming);
            hashing.push(
                thread::Builder::new()
                    .name(algorithm.word().to_owned())
                    .spawn_scoped(scope, hash)
                    .map_err(no_thread)?,
            );
        }
        let mut writing = None;
        if let Some(image) = image {
            let (jobs, work) = bounded::<Job>(BLOCKS);
            let (order, ordered) = bounded(BLOCKS);
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                let (work, encoder, chunk_size) = (work.clone(), image.encoder(), image.chunk_size());
                let encode = move || encode_blocks(&work, encoder.as_ref(), chunk_size);
                thread::Builder::new()
                    .name("encode".to_owned())
                    .spawn_scoped(scope, encode)
                    .map_err(no_thread)?;
            }
            sinks.image = Some((jobs, order));
            let write = move || write_chunks(image, &ordered);
            writing = Some(
                thread::Builder::new()
                    .name("write".to_owned())
                    .spawn_scoped(scope, write)
                    .map_err(no_thread)?,
            );
        }
        let (faults, told) = bounded(WAITING_FAULTS);
        let read = move || read_blocks(medium, &free, home, &sinks, progress, &faults);
        let reading =
            thread::Builder::new().name("read".to_owned()).spawn_scoped(scope, read).map_err(no_thread)?;

        let mut unread = ExtentSet::new();
        let observed = observe(&told, progress, observer, &mut unread);
        if observed.is_err() {
            progress.ask_to_stop();
        }
        drop(told);
        let read = join(reading.join());
        let hashes: HashSet = hashing.into_iter().filter_map(|thread| thread.join().ok()).collect();
        let written = writing.map(|thread| join(thread.join())).transpose();

        // A writer that failed, or an observer, makes the reader end early: their reasons come first.
        let image = written?;
        observed?;
        read?;
        let summary = ImageSummary { hashes: hashes.clone(), unread: unread.clone() };
        let segments = image.map(|image| image.finish(&summary)).transpose()?.unwrap_or_default();
        Ok(Imaged { hashes, unread, segments })
    })
}

/// A thread that panicked is a defect; it is told as an error rather than torn through the caller.
fn join<T>(ended: thread::Result<Result<T, PipelineError>>) -> Result<T, PipelineError> {
    ended.unwrap_or_else(|_| Err(PipelineError::Resources("a thread ended unexpectedly".to_owned())))
}

fn read_blocks(
    medium: &mut dyn Medium,
    free: &Receiver<AlignedBuffer>,
    home: Sender<AlignedBuffer>,
    sinks: &Sinks,
    progress: &Progress,
    faults: &Sender<ReadFault>,
) -> Result<(), PipelineError> {
    let size = medium.size().0;
    let mut offset = 0u64;
    let mut found = Vec::new();
    while offset < size {
        // Every block comes back, also from a thread that has ended.
        let Ok(mut buffer) = free.recv() else { break };
        let read = read_block(medium, ByteOffset(offset), &mut buffer, progress, &mut found);
        let unread =
            found.iter().fold(0u64, |sum, fault: &ReadFault| sum.saturating_add(fault.extent.length.0));
        for fault in found.drain(..) {
            if faults.send(fault).is_err() {
                return Ok(());
            }
        }
        let length = read?;
        if !sinks.send(Arc::new(Block { buffer: Some(buffer), length, home: home.clone() })) {
            return Ok(());
        }
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        progress.advance(length, unread);
        offset = offset.saturating_add(length);
    }
    Ok(())
}

fn hash_blocks(algorithm: HashAlgorithm, blocks: &Receiver<Arc<Block>>) -> (HashAlgorithm, evidence::Digest) {
    let mut hasher = Hasher::new(algorithm);
    for block in blocks {
        hasher.update(block.data());
    }
    (algorithm, hasher.finish())
}

fn encode_blocks(jobs: &Receiver<Job>, encoder: &dyn ChunkEncoder, chunk_size: usize) {
    for job in jobs {
        let chunks = job.block.data().chunks(chunk_size.max(1)).map(|chunk| encoder.encode(chunk)).collect();
        // The block's buffer is wanted back before the chunks are written.
        drop(job.block);
        // A writer that has failed waits for nothing any more.
        let _ = job.done.send(chunks);
    }
}

fn write_chunks(
    mut image: Box<dyn ImageWriter>,
    ordered: &Receiver<Receiver<Encoded>>,
) -> Result<Box<dyn ImageWriter>, PipelineError> {
    for encoded in ordered {
        // The reader stopped between announcing a block and sending it.
        let Ok(chunks) = encoded.recv() else { break };
        for chunk in chunks? {
            image.append(&chunk)?;
        }
    }
    Ok(image)
}

/// Tells the observer of faults as they come, until the reader has ended.
fn observe(
    faults: &Receiver<ReadFault>,
    progress: &Progress,
    observer: &mut dyn Observer,
    unread: &mut ExtentSet,
) -> Result<(), PipelineError> {
    loop {
        match faults.recv_timeout(TICK) {
            Ok(fault) => {
                unread.insert(fault.extent);
                observer.fault(&fault).map_err(PipelineError::Caller)?;
                if unread.len() > MOST_RANGES {
                    return Err(PipelineError::TooManyRanges);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        observer.tick(progress);
    }
}
