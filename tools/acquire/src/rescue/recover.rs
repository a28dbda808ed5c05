//! The loop that carries the passes out: reads, keeps, tells, saves the map.

use super::passes::{Attempt, Doing, Outcome, Passes, Standing};
use super::reread::{Unstable, differing};
use super::store::{Store, StoreError};
use super::{MOST_AREAS, Status, Told};
use crate::block_reader::SourceLost;
use crate::medium::{Medium, ReadFailure};
use crate::progress::Progress;
use device::{AlignedBuffer, BufferError};
use evidence::{ByteCount, ByteOffset, Extent};
use std::time::{Duration, Instant};

/// Largest read, and what a granule more takes at the end of a medium of odd size.
const BUFFER: usize = (1 << 20) + (64 << 10);

/// A read that takes longer gave its data, but the drive had to try hard: what follows is left for later.
const SLOW: Duration = Duration::from_secs(1);

/// How often the map is saved; ddrescue's interval for maps of common size.
const SAVE_EVERY: Duration = Duration::from_secs(30);

/// How often the caller is given a turn.
const TICK: Duration = Duration::from_millis(200);

/// A medium that comes back and gives no data is given up after so many times.
const MOST_RETURNS_WITHOUT_DATA: u32 = 3;

/// A source that may hang or vanish.
pub trait RescueSource: Medium {
    /// How many reads were given up on because no answer came.
    fn abandoned(&self) -> u64;

    /// Waits for a source that is gone, makes sure that it is the same and may be read, and goes on with it. Returns
    /// what is to be told about it.
    ///
    /// # Errors
    /// Why it is given up.
    fn await_return(&mut self, failure: &ReadFailure, progress: &Progress) -> Result<String, String>;
}

/// What a pass came to.
#[derive(Clone, Debug, PartialEq)]
pub struct PassReport {
    /// Which one; the position is where it ended.
    pub standing: Standing,
    /// Reads that were tried.
    pub reads: u64,
    /// Reads that failed or gave less than was asked for.
    pub errors: u64,
    /// Those of them that were given up on because no answer came.
    pub abandoned: u64,
    /// Bytes that it recovered.
    pub recovered: ByteCount,
    /// Bytes of each status at its end.
    pub left: Vec<(Status, ByteCount)>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What all passes came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Bytes recovered in this run.
    pub bytes: ByteCount,
    /// Reads that were given up on.
    pub abandoned: u64,
}

/// Told of what happens, from the thread that reads.
pub trait RescueObserver {
    /// Called several times a second while reads come back.
    fn tick(&mut self, passes: &Passes);

    /// A pass is over.
    ///
    /// # Errors
    /// Ends the run.
    fn pass_ended(&mut self, report: &PassReport) -> Told;

    /// Two readings of the same range differ.
    ///
    /// # Errors
    /// Ends the run.
    fn unstable(&mut self, unstable: &Unstable) -> Told;

    /// The source is gone.
    ///
    /// # Errors
    /// Ends the run.
    fn lost(&mut self, at: ByteOffset, error: &str) -> Told;

    /// The source is back.
    ///
    /// # Errors
    /// Ends the run.
    fn returned(&mut self, told: &str) -> Told;
}

/// Why the passes ended early. The map was saved, as far as the destination took it: a later run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RescueEnd {
    /// The source failed as a whole.
    #[error(transparent)]
    Source(#[from] SourceLost),
    /// Raw data or map could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    #[error("stopped at {0} as asked")]
    Stopped(ByteOffset),
    /// The caller could not keep what it was told.
    #[error(transparent)]
    Caller(Box<dyn std::error::Error + Send + Sync>),
    /// More areas than a map may have.
    #[error(
        "the map has more than {MOST_AREAS} areas; go on with ddrescue, which takes raw data and map as they are"
    )]
    TooManyAreas,
    /// No memory.
    #[error(transparent)]
    Memory(#[from] BufferError),
}

/// Carries the passes out to their end.
///
/// # Errors
/// [`RescueEnd`]; the map is saved first.
pub fn recover(
    source: &mut dyn RescueSource,
    passes: &mut Passes,
    store: &mut Store,
    progress: &Progress,
    observer: &mut dyn RescueObserver,
) -> Result<Recovered, RescueEnd> {
    let recovery = Recovery {
        buffer: AlignedBuffer::new(BUFFER)?,
        second: AlignedBuffer::new(BUFFER)?,
        tally: Tally::new(source.abandoned()),
        recovered: Recovered::default(),
        returns: 0,
        source,
        store,
        progress,
        observer,
    };
    recovery.run(passes)
}

struct Recovery<'a> {
    source: &'a mut dyn RescueSource,
    store: &'a mut Store,
    progress: &'a Progress,
    observer: &'a mut dyn RescueObserver,
    buffer: AlignedBuffer,
    second: AlignedBuffer,
    tally: Tally,
    recovered: Recovered,
    /// How often the source came back since it last gave data.
    returns: u32,
}

/// Counts of the pass in hand.
struct Tally {
    pass: Option<Standing>,
    begun: Instant,
    reads: u64,
    errors: u64,
    recovered: u64,
    abandoned_before: u64,
}

impl Tally {
    fn new(abandoned_before: u64) -> Self {
        Self { pass: None, begun: Instant::now(), reads: 0, errors: 0, recovered: 0, abandoned_before }
    }
}

impl Recovery<'_> {
    fn run(mut self, passes: &mut Passes) -> Result<Recovered, RescueEnd> {
        let outcome = self.go_through(passes);
        let told = self.end_pass(passes);
        let saved = self.store.save(passes.map(), passes.standing());
        // What ended the passes is the first to tell.
        outcome?;
        told?;
        saved?;
        self.recovered.abandoned = self.source.abandoned();
        Ok(self.recovered)
    }

    fn go_through(&mut self, passes: &mut Passes) -> Result<(), RescueEnd> {
        let (mut saved, mut ticked) = (Instant::now(), Instant::now());
        while let Some(attempt) = passes.next_attempt() {
            if self.progress.stop_asked() {
                return Err(RescueEnd::Stopped(attempt.extent.offset));
            }
            let same =
                |pass: Standing| (pass.doing, pass.pass) == (attempt.standing.doing, attempt.standing.pass);
            if !self.tally.pass.is_some_and(same) {
                self.end_pass(passes)?;
                self.tally = Tally::new(self.source.abandoned());
                self.tally.pass = Some(attempt.standing);
            }
            if let Some(outcome) = self.attempt(&attempt)? {
                passes.settle(&attempt, outcome);
            }
            if passes.map().len() > MOST_AREAS {
                return Err(RescueEnd::TooManyAreas);
            }
            if saved.elapsed() >= SAVE_EVERY {
                self.store.save(passes.map(), passes.standing())?;
                saved = Instant::now();
            }
            if ticked.elapsed() >= TICK {
                self.observer.tick(passes);
                ticked = Instant::now();
            }
        }
        Ok(())
    }

    /// Tries one read; `None` when it says nothing about the medium.
    fn attempt(&mut self, attempt: &Attempt) -> Result<Option<Outcome>, RescueEnd> {
        let (offset, length) = (attempt.extent.offset, attempt.extent.length.0);
        let begun = Instant::now();
        let read = read(self.source, attempt.extent, &mut self.buffer);
        if self.progress.stop_asked() && read.is_err() {
            return Err(RescueEnd::Stopped(offset));
        }
        self.tally.reads = self.tally.reads.saturating_add(1);
        let count = match read {
            Ok(count) => count,
            Err(failure) if failure.gone => {
                self.wait(offset, &failure)?;
                return Ok(None);
            }
            Err(_) => 0,
        };
        if u64::try_from(count).unwrap_or(u64::MAX) < length {
            self.tally.errors = self.tally.errors.saturating_add(1);
        }
        if count == 0 {
            return Ok(Some(Outcome::Failed));
        }
        self.returns = 0;
        let granule = self.source.granule().max(1);
        let whole = if u64::try_from(count).unwrap_or(u64::MAX) < length {
            count.saturating_sub(count.checked_rem(granule).unwrap_or(0))
        } else {
            count
        };
        self.store.write(offset, self.buffer.get(..whole).unwrap_or_default())?;
        if attempt.standing.doing == Doing::Retrying {
            self.read_twice(attempt.extent, whole)?;
        }
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        self.tally.recovered = self.tally.recovered.saturating_add(whole);
        self.recovered.bytes.0 = self.recovered.bytes.0.saturating_add(whole);
        Ok(Some(Outcome::Read { count: whole, slow: begun.elapsed() >= SLOW }))
    }

    /// A sector that failed before and was read now is read once more: whether it says the same is worth knowing. The
    /// first reading is kept.
    fn read_twice(&mut self, extent: Extent, count: usize) -> Result<(), RescueEnd> {
        if let Ok(again) = read(self.source, extent, &mut self.second) {
            let first = self.buffer.get(..count).unwrap_or_default();
            let second = self.second.get(..again.min(count)).unwrap_or_default();
            for unstable in differing(extent.offset, self.source.granule(), first, second) {
                self.observer.unstable(&unstable).map_err(RescueEnd::Caller)?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, at: ByteOffset, failure: &ReadFailure) -> Result<(), RescueEnd> {
        let gone = |error: String| SourceLost::Gone { offset: at, error };
        self.observer.lost(at, &failure.error).map_err(RescueEnd::Caller)?;
        if self.returns >= MOST_RETURNS_WITHOUT_DATA {
            let error = format!("{}; it came back {} times without giving data", failure.error, self.returns);
            return Err(gone(error).into());
        }
        self.returns = self.returns.saturating_add(1);
        match self.source.await_return(failure, self.progress) {
            Ok(told) => self.observer.returned(&told).map_err(RescueEnd::Caller),
            Err(_) if self.progress.stop_asked() => Err(RescueEnd::Stopped(at)),
            Err(error) => Err(gone(error).into()),
        }
    }

    fn end_pass(&mut self, passes: &Passes) -> Result<(), RescueEnd> {
        let Some(pass) = self.tally.pass.take() else { return Ok(()) };
        let left = Status::CHARACTERS.map(|(status, _)| (status, passes.map().total(status))).to_vec();
        let report = PassReport {
            standing: pass,
            reads: self.tally.reads,
            errors: self.tally.errors,
            abandoned: self.source.abandoned().saturating_sub(self.tally.abandoned_before),
            recovered: ByteCount(self.tally.recovered),
            left,
            seconds: self.tally.begun.elapsed().as_secs_f64(),
        };
        self.observer.pass_ended(&report).map_err(RescueEnd::Caller)
    }
}

/// Reads `extent` to the front of `buffer`; at the end of a medium of odd size a whole granule is asked for.
pub(super) fn read<M: Medium + ?Sized>(
    medium: &mut M,
    extent: Extent,
    buffer: &mut [u8],
) -> Result<usize, ReadFailure> {
    let length = usize::try_from(extent.length.0).unwrap_or(usize::MAX);
    let asked = length.next_multiple_of(medium.granule().max(1)).min(buffer.len());
    let part = buffer.get_mut(..asked).unwrap_or_default();
    match medium.read_at(extent.offset, part) {
        Ok(0) => Err(ReadFailure { error: "no data where there should be some".to_owned(), gone: false }),
        Ok(count) => Ok(count.min(length)),
        Err(failure) => Err(failure),
    }
}
