//! Blocks of media data, whose buffers go round and round.

use device::{AlignedBuffer, BufferError};
use evidence::ByteOffset;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Size of a block; a multiple of every chunk size in use, and a leaf of the hash tree where the medium is small.
pub const BLOCK_SIZE: usize = 1 << 20;

/// A block of media data. The last thread that lets go of it gives its buffer back to the readers.
pub(crate) struct Block {
    /// Its place among all blocks.
    pub(crate) number: u64,
    buffer: Option<AlignedBuffer>,
    length: usize,
    home: Arc<Free>,
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
            self.home.give_back(buffer);
        }
    }
}

/// All buffers there are.
pub(crate) struct Buffers(Arc<Free>);

/// Those that nobody has. Who came back last goes first: it lies in the cache still, and memory that a run can do without
/// is never touched.
struct Free {
    /// `None` when no more will be given out.
    buffers: Mutex<Option<Vec<AlignedBuffer>>>,
    came_back: Condvar,
}

impl Free {
    fn give_back(&self, buffer: AlignedBuffer) {
        if let Some(buffers) = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            buffers.push(buffer);
        }
        self.came_back.notify_one();
    }
}

impl Buffers {
    pub(crate) fn new(count: usize) -> Result<Self, BufferError> {
        let buffers = std::iter::repeat_with(|| AlignedBuffer::new(BLOCK_SIZE)).take(count);
        let buffers = Mutex::new(Some(buffers.collect::<Result<Vec<_>, _>>()?));
        Ok(Self(Arc::new(Free { buffers, came_back: Condvar::new() })))
    }

    /// Waits for one; `None` when no more is given out.
    pub(crate) fn take(&self) -> Option<AlignedBuffer> {
        let mut buffers = self.0.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(buffer) = buffers.as_mut()?.pop() {
                return Some(buffer);
            }
            buffers = self.0.came_back.wait(buffers).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody waits for a buffer any more: readers that end keep theirs, so none may come back.
    pub(crate) fn close(&self) {
        *self.0.buffers.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.came_back.notify_all();
    }

    /// Fills it as a block.
    pub(crate) fn block(&self, number: u64, buffer: AlignedBuffer, length: usize) -> Block {
        Block { number, buffer: Some(buffer), length, home: Arc::clone(&self.0) }
    }
}
