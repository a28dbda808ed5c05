//! The threads that read, several blocks at a time, and the place where their blocks are put in order again.

use crate::block::{Block, Buffers, offset_of};
use crate::block_reader::{BlockEnd, ReadFault, read_block_beside_others};
use crate::medium::Medium;
use crate::progress::Progress;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Takes blocks in their order.
pub(crate) trait Next: Send {
    /// Takes what could not be read of the block that comes next. False when nobody listens any more.
    fn fault(&mut self, fault: ReadFault) -> bool;

    /// Takes the next block. False when nobody needs those that follow.
    fn block(&mut self, block: Arc<Block>) -> bool;

    /// No further block comes, although the medium has some.
    fn ended_early(&mut self) {}
}

/// What the readers share.
pub(crate) struct Reading<'a, N> {
    size: u64,
    buffers: Buffers,
    progress: &'a Progress,
    /// The block that nobody reads yet.
    next: AtomicU64,
    ended: AtomicBool,
    turn: RwLock<()>,
    order: Mutex<Order<N>>,
}

/// Blocks that came before their turn.
struct Order<N> {
    due: u64,
    early: BTreeMap<u64, Read>,
    /// Dropped as soon as the last block went through it.
    onward: Option<N>,
    end: Option<BlockEnd>,
}

/// What became of one block.
struct Read {
    faults: Vec<ReadFault>,
    outcome: Result<Block, BlockEnd>,
}

impl<'a, N: Next> Reading<'a, N> {
    /// Reads `size` bytes, from the block `first` on.
    pub(crate) fn new(size: u64, first: u64, buffers: Buffers, progress: &'a Progress, onward: N) -> Self {
        let something = offset_of(first).0 < size;
        let (ended, turn) = (AtomicBool::new(!something), RwLock::new(()));
        let onward = something.then_some(onward);
        let order = Mutex::new(Order { due: first, early: BTreeMap::new(), onward, end: None });
        Self { size, buffers, progress, next: AtomicU64::new(first), ended, turn, order }
    }

    /// Reads blocks until there are no more; several threads do so at the same time.
    pub(crate) fn read(&self, medium: &mut dyn Medium) {
        let _guard = EndOnPanic(self);
        while !self.ended.load(Ordering::Acquire) {
            // First a buffer, then a number: whoever has a number that others wait for can go on.
            let Some(mut buffer) = self.buffers.take() else { break };
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let offset = offset_of(number);
            if offset.0 >= self.size || self.ended.load(Ordering::Acquire) {
                break;
            }
            let mut faults = Vec::new();
            let read =
                read_block_beside_others(medium, offset, &mut buffer, self.progress, &mut faults, &self.turn);
            let outcome = read.map(|length| self.buffers.block(number, buffer, length));
            // What comes behind a block that ends the run is not wanted; who read on would use up all buffers.
            let is_last = outcome.is_err();
            self.put_in_order(number, Read { faults, outcome });
            if is_last {
                break;
            }
        }
    }

    /// Why the reading ended before the end of the medium, if it did so by itself.
    pub(crate) fn end(&self) -> Option<BlockEnd> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner).end.take()
    }

    fn put_in_order(&self, number: u64, read: Read) {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.early.insert(number, read);
        while let Some(read) = order.take_due() {
            if !order.pass_on(read, self.progress) || offset_of(order.due).0 >= self.size {
                self.finish(&mut order);
            }
        }
    }

    fn finish(&self, order: &mut Order<N>) {
        self.ended.store(true, Ordering::Release);
        self.buffers.close();
        order.close();
    }
}

/// A reader that panicked is a defect; the others must not wait for its block.
struct EndOnPanic<'a, 'b, N: Next>(&'a Reading<'b, N>);

impl<N: Next> Drop for EndOnPanic<'_, '_, N> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.finish(&mut self.0.order.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl<N: Next> Order<N> {
    fn take_due(&mut self) -> Option<Read> {
        let read = self.early.remove(&self.due)?;
        self.due = self.due.saturating_add(1);
        Some(read)
    }

    fn close(&mut self) {
        self.early.clear();
        self.onward = None;
    }

    fn pass_on(&mut self, read: Read, progress: &Progress) -> bool {
        let Some(next) = &mut self.onward else { return false };
        let unread = read.faults.iter().fold(0u64, |sum, fault| sum.saturating_add(fault.extent.length.0));
        if !read.faults.into_iter().all(|fault| next.fault(fault)) {
            return false;
        }
        match read.outcome {
            Ok(block) => {
                let length = u64::try_from(block.data().len()).unwrap_or(u64::MAX);
                let wanted = next.block(Arc::new(block));
                if wanted {
                    progress.advance(length, unread);
                }
                wanted
            }
            Err(end) => {
                next.ended_early();
                self.end = Some(end);
                false
            }
        }
    }
}
