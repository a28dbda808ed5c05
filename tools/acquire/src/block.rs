//! Blocks of media data, whose buffers go round and round.

use crossbeam_channel::{Receiver, Sender, bounded};
use device::{AlignedBuffer, BufferError};
use evidence::ByteOffset;

/// Size of a block; a multiple of every chunk size in use, and a leaf of the hash tree where the medium is small.
pub const BLOCK_SIZE: usize = 1 << 20;

/// A block of media data. The last thread that lets go of it gives its buffer back to the readers.
pub(crate) struct Block {
    /// Its place among all blocks.
    pub(crate) number: u64,
    buffer: Option<AlignedBuffer>,
    length: usize,
    home: Sender<AlignedBuffer>,
}

impl Block {
    pub(crate) fn data(&self) -> &[u8] {
        self.buffer.as_ref().and_then(|buffer| buffer.get(..self.length)).unwrap_or_default()
    }

    pub(crate) fn offset(&self) -> ByteOffset {
        offset_of(self.number)
    }
}

/// Where a block begins.
pub(crate) fn offset_of(number: u64) -> ByteOffset {
    ByteOffset(number.saturating_mul(u64::try_from(BLOCK_SIZE).unwrap_or(u64::MAX)))
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            // No reader any more: the buffer is freed.
            let _ = self.home.send(buffer);
        }
    }
}

/// All buffers there are.
pub(crate) struct Buffers {
    free: Receiver<AlignedBuffer>,
    home: Sender<AlignedBuffer>,
}

impl Buffers {
    pub(crate) fn new(count: usize) -> Result<Self, BufferError> {
        let (home, free) = bounded(count);
        for _ in 0..count {
            // Room for exactly this many.
            let _ = home.send(AlignedBuffer::new(BLOCK_SIZE)?);
        }
        Ok(Self { free, home })
    }

    /// Waits for one. Every buffer comes back, also from a thread that has ended.
    pub(crate) fn take(&self) -> Option<AlignedBuffer> {
        self.free.recv().ok()
    }

    /// Fills it as a block.
    pub(crate) fn block(&self, number: u64, buffer: AlignedBuffer, length: usize) -> Block {
        Block { number, buffer: Some(buffer), length, home: self.home.clone() }
    }
}
