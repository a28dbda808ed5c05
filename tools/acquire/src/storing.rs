//! The pool that encodes and hashes leaves, and the threads that write images in order.

use crate::block::Block;
use crate::checkpoint::Due;
use crate::pipeline::Told;
use crossbeam_channel::{Receiver, Sender, bounded};
use evidence::{LeafPart, LeafSize};
use formats::{ChunkEncoder, EncodedChunk, FormatError, ImageWriter};
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

/// The chunks of one block. The last writer that lets go of them gives their memory back to the pool.
struct Batch {
    chunks: Vec<EncodedChunk>,
    home: Sender<Vec<EncodedChunk>>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Where the pool has enough of it, or has ended, the memory is freed.
        let _ = self.home.try_send(std::mem::take(&mut self.chunks));
    }
}

type Encoded = Result<Arc<Batch>, FormatError>;

/// A block for the pool, and where its chunks are waited for.
struct Task {
    block: Arc<Block>,
    done: Vec<Sender<Encoded>>,
}

/// The way of a block into the images.
pub(crate) struct Storing {
    tasks: Sender<Task>,
    /// A writer each, until it fails.
    writers: Vec<Option<Sender<Turn>>>,
    due: Due,
}

/// What a writer does next.
enum Turn {
    /// Waits for chunks and stores them.
    Store(Receiver<Encoded>),
    /// Makes durable what it stored, which is so many blocks from the beginning of the medium.
    Checkpoint(u64),
}

/// A thread that writes one image; it gives the writer back unless that failed.
pub(crate) type Writing<'scope> = ScopedJoinHandle<'scope, Option<Box<dyn ImageWriter>>>;

/// What the pool works with.
#[derive(Clone)]
struct Tools {
    encoder: Option<(Arc<dyn ChunkEncoder>, usize)>,
    leaf: LeafSize,
    told: Sender<Told>,
    spare: (Sender<Vec<EncodedChunk>>, Receiver<Vec<EncodedChunk>>),
}

impl Storing {
    /// Starts `threads` threads of the pool and one for each image. `blocks` is the number of all blocks there are.
    pub(crate) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        images: Vec<Box<dyn ImageWriter>>,
        leaf: LeafSize,
        due: Due,
        (blocks, threads): (usize, usize),
        told: &Sender<Told>,
    ) -> std::io::Result<(Self, Vec<Writing<'scope>>)> {
        let (tasks, incoming) = bounded::<Task>(blocks);
        let encoder = images.first().map(|image| (image.encoder(), image.chunk_size().max(1)));
        let tools = Tools { encoder, leaf, told: told.clone(), spare: bounded(blocks) };
        for _ in 0..threads {
            let (incoming, tools) = (incoming.clone(), tools.clone());
            let work = move || work(&incoming, &tools);
            thread::Builder::new().name("encode".to_owned()).spawn_scoped(scope, work)?;
        }
        let (mut storing, mut writing) = (Self { tasks, writers: Vec::new(), due }, Vec::new());
        for (number, image) in images.into_iter().enumerate() {
            let (order, ordered) = bounded(blocks);
            let told = told.clone();
            let write = move || write(number, image, &ordered, &told);
            writing.push(thread::Builder::new().name("write".to_owned()).spawn_scoped(scope, write)?);
            storing.writers.push(Some(order));
        }
        Ok((storing, writing))
    }

    /// False when there were images and the last of them has failed.
    pub(crate) fn block(&mut self, block: Arc<Block>) -> bool {
        let mut done = Vec::with_capacity(self.writers.len());
        for writer in &mut self.writers {
            let Some(order) = writer else { continue };
            let (sender, encoded) = bounded(1);
            match order.send(Turn::Store(encoded)) {
                Ok(()) => done.push(sender),
                Err(_) => *writer = None,
            }
        }
        if done.is_empty() && !self.writers.is_empty() {
            return false;
        }
        let (number, length) = (block.number, block.data().len());
        if self.tasks.send(Task { block, done }).is_err() {
            return false;
        }
        if let Some(blocks) = self.due.after(number, length) {
            self.checkpoint(blocks);
        }
        true
    }

    /// A last checkpoint, behind all that was stored.
    pub(crate) fn ended_early(&mut self) {
        if let Some(blocks) = self.due.at_the_end() {
            self.checkpoint(blocks);
        }
    }

    fn checkpoint(&mut self, blocks: u64) {
        for writer in self.writers.iter().flatten() {
            // One that has failed makes none.
            let _ = writer.send(Turn::Checkpoint(blocks));
        }
    }
}

fn work(tasks: &Receiver<Task>, tools: &Tools) {
    for Task { block, done } in tasks {
        let encoded = tools.encoder.as_ref().map(|encoder| tools.encode(encoder, block.data()));
        let part = LeafPart::of(block.offset(), block.data(), tools.leaf);
        let number = block.number;
        // The block's buffer is wanted back before its chunks are written.
        drop(block);
        // Whoever listens no more has ended the run already.
        let _ = tools.told.send(Told::Leaf(number, part));
        if let Some(encoded) = encoded {
            hand_out(encoded, &done);
        }
    }
}

impl Tools {
    fn encode(
        &self,
        (encoder, chunk_size): &(Arc<dyn ChunkEncoder>, usize),
        media: &[u8],
    ) -> Result<Batch, FormatError> {
        let (home, spare) = &self.spare;
        let mut batch = Batch { chunks: spare.try_recv().unwrap_or_default(), home: home.clone() };
        batch.chunks.resize_with(media.len().div_ceil(*chunk_size), EncodedChunk::default);
        for (chunk, part) in batch.chunks.iter_mut().zip(media.chunks(*chunk_size)) {
            encoder.encode_into(part, chunk)?;
        }
        Ok(batch)
    }
}

/// Gives every writer its share. A writer that has failed waits for nothing any more.
fn hand_out(encoded: Result<Batch, FormatError>, done: &[Sender<Encoded>]) {
    match encoded {
        Ok(batch) => {
            let batch = Arc::new(batch);
            for writer in done {
                let _ = writer.send(Ok(Arc::clone(&batch)));
            }
        }
        Err(error) => {
            let again = error.to_string();
            let mut first = Some(error);
            for writer in done {
                let error = first.take().unwrap_or_else(|| FormatError::Compressor(again.clone()));
                let _ = writer.send(Err(error));
            }
        }
    }
}

fn write(
    number: usize,
    mut image: Box<dyn ImageWriter>,
    ordered: &Receiver<Turn>,
    told: &Sender<Told>,
) -> Option<Box<dyn ImageWriter>> {
    for turn in ordered {
        let done = match turn {
            Turn::Store(encoded) => {
                // The reader stopped between announcing a block and sending it.
                let Ok(batch) = encoded.recv() else { break };
                let store = |batch: Arc<Batch>| batch.chunks.iter().try_for_each(|chunk| image.append(chunk));
                batch.and_then(store).map(|()| Some(Told::Stored(number)))
            }
            Turn::Checkpoint(blocks) => {
                let state = image.checkpoint();
                state.map(|state| state.map(|state| Told::Checkpoint(number, blocks, state)))
            }
        };
        match done {
            Ok(done) => done.into_iter().for_each(|done| drop(told.send(done))),
            Err(error) => {
                let _ = told.send(Told::Failed(number, error));
                return None;
            }
        }
    }
    Some(image)
}
