//! A run that is asked to stop ends, whatever its readers are at: many runs, each stopped at another read, by threads that
//! overtake each other as the system will have it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use acquire::block_reader::ReadFault;
use acquire::medium::{Medium, ReadFailure};
use acquire::pipeline::{self, Limits, Observer, PipelineError, Refusal};
use acquire::progress::Progress;
use evidence::{ByteCount, ByteOffset, HashAlgorithm};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// A medium of zeros that asks to stop at one of its reads, by whichever reader.
#[derive(Clone)]
struct StopsAt {
    read: usize,
    reads: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Medium for StopsAt {
    fn size(&self) -> ByteCount {
        ByteCount(1 << 30)
    }

    fn granule(&self) -> usize {
        512
    }

    fn read_at(&mut self, _: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        if self.reads.fetch_add(1, Ordering::SeqCst) == self.read {
            self.stop.store(true, Ordering::SeqCst);
        }
        Ok(buffer.len())
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        Some(Box::new(self.clone()))
    }
}

struct Nobody;

impl Observer for Nobody {
    fn fault(&mut self, _: &ReadFault) -> Result<(), Refusal> {
        Ok(())
    }

    fn tick(&mut self, _: &Progress) {}
}

#[test]
fn readers_that_are_asked_to_stop_don_t_wait_for_buffers_that_won_t_come() {
    for read in 0..1000 {
        let (told, outcome) = mpsc::channel();
        std::thread::spawn(move || {
            let stop = Arc::new(AtomicBool::new(false));
            let mut medium = StopsAt { read: read % 40, reads: Arc::default(), stop: Arc::clone(&stop) };
            let limits = Limits::within(Limits::LEAST_MEMORY);
            let (progress, hashes) = (Progress::new(stop), [HashAlgorithm::Blake3]);
            let run = pipeline::run(&mut medium, None, &hashes, limits, &progress, &mut Nobody);
            told.send(run.map(|_| ())).unwrap();
        });
        let outcome = outcome.recv_timeout(Duration::from_secs(60)).expect("the run ends");
        assert!(matches!(outcome, Err(PipelineError::Stopped(_))), "run {read}: {outcome:?}");
    }
}
