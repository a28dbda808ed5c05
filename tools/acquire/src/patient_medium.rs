//! A medium whose reads may hang: each is made by a thread that is given up on when no answer comes in time.
//!
//! A read of a block device can't be taken back; the thread stays where it is until the kernel gives the command up. It
//! touches nothing but its own buffer, and ends when the read does. How many may hang at once is bounded.

use crate::medium::{Medium, ReadFailure};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use device::{AlignedBuffer, DirectFile};
use evidence::{ByteCount, ByteOffset};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Most reads that may hang at once; each holds a thread and a buffer of the largest read.
pub const MOST_STUCK: usize = 8;

/// How often is looked whether to stop, while an answer is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// What several threads may read at once.
pub trait SharedMedium: Send + Sync {
    /// As [`Medium::size`].
    fn size(&self) -> ByteCount;
    /// As [`Medium::granule`].
    fn granule(&self) -> usize;
    /// As [`Medium::read_at`].
    ///
    /// # Errors
    /// As [`Medium::read_at`].
    fn read_shared(&self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure>;
}

impl SharedMedium for DirectFile {
    fn size(&self) -> ByteCount {
        DirectFile::size(self)
    }

    fn granule(&self) -> usize {
        usize::try_from(self.alignment()).unwrap_or(usize::MAX)
    }

    fn read_shared(&self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        crate::medium::read_direct(self, offset, buffer)
    }
}

struct Request {
    offset: ByteOffset,
    buffer: AlignedBuffer,
    length: usize,
}

type Answer = (AlignedBuffer, Result<usize, ReadFailure>);

/// A thread that reads, and the buffer that goes to and fro.
struct Reader {
    requests: Sender<Request>,
    answers: Receiver<Answer>,
    buffer: Option<AlignedBuffer>,
}

/// A medium with patience.
pub struct PatientMedium {
    medium: Arc<dyn SharedMedium>,
    patience: Option<Duration>,
    largest: usize,
    reader: Option<Reader>,
    stuck: Arc<AtomicUsize>,
    abandoned: u64,
    stop: Arc<AtomicBool>,
}

impl PatientMedium {
    /// Reads `medium`, each read at most `patience` long, if there is an end to it, and at most `largest` bytes. `stop`
    /// ends the waiting.
    #[must_use]
    pub fn new(
        medium: Arc<dyn SharedMedium>,
        patience: Option<Duration>,
        largest: usize,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self { medium, patience, largest, reader: None, stuck: Arc::default(), abandoned: 0, stop }
    }

    /// Goes on with the same disk by another handle. Reads that hang in the old one still count.
    pub fn replace(&mut self, medium: Arc<dyn SharedMedium>) {
        self.medium = medium;
        self.reader = None;
    }

    /// How many reads were given up on.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned
    }

    /// How many of them hang still.
    #[must_use]
    pub fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Acquire)
    }

    fn reader(&mut self) -> Result<Reader, ReadFailure> {
        if let Some(reader) = self.reader.take() {
            return Ok(reader);
        }
        let begun = Instant::now();
        while self.stuck() >= MOST_STUCK {
            let patience = self.patience.unwrap_or(Duration::MAX);
            if begun.elapsed() >= patience || self.stop.load(Ordering::Relaxed) {
                let error = format!("{MOST_STUCK} reads hang, none comes back");
                return Err(ReadFailure { error, gone: true });
            }
            thread::sleep(LOOK);
        }
        let failed = |error: String| ReadFailure { error, gone: true };
        let buffer = AlignedBuffer::new(self.largest).map_err(|error| failed(error.to_string()))?;
        let (requests, work) = bounded::<Request>(1);
        // Without room: an answer is either taken or known to be unwanted.
        let (answer, answers) = bounded::<Answer>(0);
        let (medium, stuck) = (Arc::clone(&self.medium), Arc::clone(&self.stuck));
        thread::Builder::new()
            .name("patient".to_owned())
            .spawn(move || serve(medium.as_ref(), &work, &answer, &stuck))
            .map_err(|error| failed(error.to_string()))?;
        Ok(Reader { requests, answers, buffer: Some(buffer) })
    }

    /// Waits for the answer; `None` when it does not come in time or nobody wants it any more.
    fn wait(&self, answers: &Receiver<Answer>) -> Option<Answer> {
        let begun = Instant::now();
        loop {
            match answers.recv_timeout(LOOK) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    let late = self.patience.is_some_and(|patience| begun.elapsed() >= patience);
                    if late || self.stop.load(Ordering::Relaxed) {
                        return None;
                    }
                }
            }
        }
    }
}

fn serve(medium: &dyn SharedMedium, work: &Receiver<Request>, answer: &Sender<Answer>, stuck: &AtomicUsize) {
    for Request { offset, mut buffer, length } in work {
        let read = medium.read_shared(offset, buffer.get_mut(..length).unwrap_or_default());
        if answer.send((buffer, read)).is_err() {
            stuck.fetch_sub(1, Ordering::AcqRel);
            return;
        }
    }
}

impl Medium for PatientMedium {
    fn size(&self) -> ByteCount {
        self.medium.size()
    }

    fn granule(&self) -> usize {
        self.medium.granule()
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let mut reader = self.reader()?;
        let gone = || ReadFailure { error: "the reading thread ended".to_owned(), gone: true };
        let length = buffer.len().min(self.largest);
        let own = reader.buffer.take().ok_or_else(gone)?;
        reader.requests.send(Request { offset, buffer: own, length }).map_err(|_| gone())?;
        // It counts as hanging before its answer is refused: the thread takes it off the count.
        if let Some((filled, read)) = self.wait(&reader.answers) {
            if let Ok(count) = &read {
                buffer
                    .iter_mut()
                    .zip(filled.get(..*count).unwrap_or_default())
                    .for_each(|(to, from)| *to = *from);
            }
            reader.buffer = Some(filled);
            self.reader = Some(reader);
            return read;
        }
        self.stuck.fetch_add(1, Ordering::AcqRel);
        drop(reader);
        self.abandoned = self.abandoned.saturating_add(1);
        let seconds = self.patience.unwrap_or_default().as_secs();
        Err(ReadFailure { error: format!("no answer within {seconds} s; not waited for"), gone: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Reads of the first granule hang until they are let go.
    struct Hanging {
        gate: Mutex<Option<Receiver<()>>>,
    }

    impl SharedMedium for Hanging {
        fn size(&self) -> ByteCount {
            ByteCount(1 << 20)
        }

        fn granule(&self) -> usize {
            512
        }

        fn read_shared(&self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
            if offset.0 == 0 {
                let gate = self.gate.lock().unwrap().clone();
                // Ends when the test drops the other end.
                let _ = gate.unwrap().recv();
            }
            buffer.fill(7);
            Ok(buffer.len())
        }
    }

    fn hanging() -> (PatientMedium, Sender<()>, Arc<AtomicBool>) {
        let (open, gate) = bounded(0);
        let stop = Arc::new(AtomicBool::new(false));
        let medium = Arc::new(Hanging { gate: Mutex::new(Some(gate)) });
        let patience = Some(Duration::from_millis(150));
        (PatientMedium::new(medium, patience, 4096, Arc::clone(&stop)), open, stop)
    }

    #[test]
    fn a_read_that_hangs_is_given_up_on_and_the_next_one_works() {
        let (mut medium, open, _) = hanging();
        let mut buffer = [0; 512];
        let failure = medium.read_at(ByteOffset(0), &mut buffer).unwrap_err();
        assert!(!failure.gone && failure.error.contains("no answer within"), "{failure:?}");
        assert_eq!((medium.abandoned(), medium.stuck()), (1, 1));
        // What answers at once is waited for however busy the machine is.
        medium.patience = Some(Duration::from_secs(20));
        assert_eq!(medium.read_at(ByteOffset(512), &mut buffer).unwrap(), 512);
        assert_eq!(buffer, [7; 512]);
        drop(open);
        let deadline = Instant::now() + Duration::from_secs(20);
        while medium.stuck() > 0 {
            assert!(Instant::now() < deadline, "the thread did not end with its read");
            thread::yield_now();
        }
    }

    #[test]
    fn no_more_than_the_bound_hang_at_once() {
        let (mut medium, open, _) = hanging();
        let mut buffer = [0; 512];
        for _ in 0..MOST_STUCK {
            assert!(!medium.read_at(ByteOffset(0), &mut buffer).unwrap_err().gone);
        }
        let failure = medium.read_at(ByteOffset(512), &mut buffer).unwrap_err();
        assert!(failure.gone && failure.error.contains("8 reads hang"), "{failure:?}");
        assert_eq!(medium.stuck(), MOST_STUCK);
        drop(open);
    }

    #[test]
    fn a_wish_to_stop_ends_the_waiting() {
        let (medium, open, stop) = hanging();
        let mut medium = PatientMedium { patience: None, ..medium };
        stop.store(true, Ordering::Relaxed);
        assert!(medium.read_at(ByteOffset(0), &mut [0; 512]).is_err());
        drop(open);
    }
}
