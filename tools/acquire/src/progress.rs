//! What a screen shows while the pipeline runs, and how it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters that the reader keeps and any thread may look at.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    unread: AtomicU64,
    stop: Arc<AtomicBool>,
}

impl Progress {
    /// Counters at zero; setting `stop` ends the reading after the block in hand.
    #[must_use]
    pub fn new(stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..Self::default() }
    }

    /// Bytes of the medium that are behind the reader, read or not.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Bytes that could not be read.
    pub fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    /// True once somebody asked to stop.
    pub fn stop_asked(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, bytes: u64, unread: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.unread.fetch_add(unread, Ordering::Relaxed);
    }
}
