//! What a screen shows while the pipeline runs, and how it is told to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// Not 0 while all reading of this process is to wait; set once there is somebody who can say so.
static PAUSE: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// How often who waits looks whether it is to go on.
const LOOK: Duration = Duration::from_millis(50);

/// The switch of all readers of this process: they wait before their next read while it is not 0. A process that is stopped in
/// place of that (SIGSTOP) would take its reads for ones that hang when it goes on.
#[must_use]
pub fn pause_switch() -> Arc<AtomicUsize> {
    Arc::clone(PAUSE.get_or_init(Arc::default))
}

/// True while all reading is to wait.
#[must_use]
pub fn is_paused() -> bool {
    PAUSE.get().is_some_and(|pause| pause.load(Ordering::Relaxed) != 0)
}

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

    /// True once somebody asked to stop. While reading is to wait, it waits.
    pub fn stop_asked(&self) -> bool {
        if is_paused() {
            self.wait();
        }
        self.stop.load(Ordering::Relaxed)
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) {
        while is_paused() && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, bytes: u64, unread: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.unread.fetch_add(unread, Ordering::Relaxed);
    }
}
