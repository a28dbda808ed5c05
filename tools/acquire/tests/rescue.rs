//! Recovery on media that are made up. Their faults follow a seed; real disk models that fail take their place in the tests
//! in the emulator, and a real reader of map files is GNU ddrescue in `ddrescue.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use acquire::medium::{Medium, ReadFailure};
use acquire::progress::Progress;
use acquire::rescue::{
    Attempt, Doing, Mapfile, Outcome, PassReport, Passes, RescueEnd, RescueObserver, RescueSource, Settings,
    Standing, Status, Store, Unstable, recover,
};
use evidence::{ByteCount, ByteOffset, Extent};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A disk whose sectors read, fail, fail so many times, or read slowly.
#[derive(Clone, Debug)]
struct SickDisk {
    size: u64,
    granule: u64,
    /// How often each sector fails before it reads; `u32::MAX` for ever.
    fails: Vec<u32>,
    slow: BTreeSet<u64>,
    /// Every so many failed reads, the next good sector behind goes bad.
    grows_every: Option<u64>,
    failed: u64,
    reads: Vec<Extent>,
    /// Gives at most so many bytes.
    most: u64,
    /// What the passes skip first, where the default for so small a disk would never need all of them.
    skip: Option<u64>,
}

impl SickDisk {
    fn sectors(&self, extent: Extent) -> std::ops::Range<usize> {
        (extent.offset.0 / self.granule) as usize..extent.end().div_ceil(self.granule) as usize
    }

    fn answer(&mut self, extent: Extent) -> Outcome {
        assert!(extent.offset.0.is_multiple_of(self.granule), "off the borders: {extent:?}");
        assert!(extent.end() == self.size || extent.length.0.is_multiple_of(self.granule), "{extent:?}");
        assert!(extent.length.0 > 0 && extent.end() <= self.size, "{extent:?}");
        self.reads.push(extent);
        let sectors = self.sectors(extent);
        let Some(bad) = sectors.clone().find(|sector| self.fails[*sector] > 0) else {
            let slow = sectors.into_iter().any(|sector| self.slow.contains(&(sector as u64)));
            return Outcome::Read { count: extent.length.0.min(self.most), slow };
        };
        self.failed += 1;
        if self.fails[bad] < u32::MAX {
            self.fails[bad] -= 1;
        }
        if self.grows_every.is_some_and(|every| self.failed.is_multiple_of(every)) {
            let next = (bad..self.fails.len()).find(|sector| self.fails[*sector] == 0);
            next.into_iter().for_each(|sector| self.fails[sector] = u32::MAX);
        }
        Outcome::Failed
    }
}

fn run(disk: &mut SickDisk, passes: &mut Passes, mut each: impl FnMut(&Passes, &Attempt)) {
    // Each sector is read at most thrice in large blocks, once alone, and once in each retry.
    let bound = disk.fails.len() as u64 * 20 + 1000;
    let mut attempts = 0;
    while let Some(attempt) = passes.next_attempt() {
        attempts += 1;
        assert!(attempts < bound, "it does not end: {attempt:?}");
        each(passes, &attempt);
        let outcome = disk.answer(attempt.extent);
        passes.settle(&attempt, outcome);
    }
}

fn assert_partition(map: &Mapfile) {
    let mut end = 0;
    let mut before = None;
    for area in map.areas() {
        assert_eq!(area.extent.offset.0, end, "a gap or overlap");
        assert!(area.extent.length.0 > 0 && before != Some(area.status));
        (end, before) = (area.extent.end(), Some(area.status));
    }
    assert_eq!(end, map.size().0);
}

fn disks() -> impl Strategy<Value = SickDisk> {
    let faults = prop::collection::vec((any::<prop::sample::Index>(), 1u64..200, 0u32..5), 0..12);
    let slow = prop::collection::vec(any::<prop::sample::Index>(), 0..6);
    let most = prop::sample::select(vec![u64::MAX, 512, 4096, 70_000]);
    (
        1u64..2_000_000,
        prop::sample::select(vec![512u64, 4096]),
        faults,
        slow,
        prop::option::of(1u64..30),
        most,
        prop::option::of(prop::sample::select(vec![128u64 << 10, 300 << 12, 1 << 20])),
    )
        .prop_map(|(size, granule, faults, slow, grows_every, most, skip)| {
            let sectors = size.div_ceil(granule) as usize;
            let mut fails = vec![0; sectors];
            for (at, length, times) in faults {
                let start = at.index(sectors);
                // Half of them never read, single sectors among them.
                let times = if times > 2 { u32::MAX } else { times };
                let length = if length > 100 { 1 } else { length as usize };
                fails[start..(start + length).min(sectors)].fill(times);
            }
            let slow = slow.into_iter().map(|at| at.index(sectors) as u64).collect();
            SickDisk {
                size,
                granule,
                fails,
                slow,
                grows_every,
                failed: 0,
                reads: Vec::new(),
                most: most.max(granule),
                skip,
            }
        })
}

fn settings(disk: &SickDisk, retries: u32) -> Settings {
    let settings = Settings::for_medium(ByteCount(disk.size), disk.granule, retries);
    match disk.skip {
        Some(skip) => Settings { first_skip: skip, most_skip: 4 * skip, ..settings },
        None => settings,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn it_ends_and_what_is_left_was_tried_alone(disk in disks(), retries in 0u32..4) {
        let mut disk = disk;
        let mut passes = Passes::new(Mapfile::new(ByteCount(disk.size)), Standing::START, settings(&disk, retries));
        run(&mut disk, &mut passes, |passes, attempt| {
            let first = passes.map().status_at(attempt.extent.offset.0).unwrap();
            assert_ne!(first, Status::Finished, "what is finished is read again: {attempt:?}");
            let whole = passes.map().area_at(attempt.extent.offset.0).unwrap().extent;
            assert!(whole.end() >= attempt.extent.end(), "a read across areas: {attempt:?}");
        });
        assert_partition(passes.map());
        prop_assert_eq!(passes.standing().doing, Doing::Finished);
        for area in passes.map().areas() {
            prop_assert!(matches!(area.status, Status::Finished | Status::Bad), "{:?} is left", area);
            if area.status == Status::Bad {
                for sector in disk.sectors(area.extent) {
                    let alone = disk.reads.iter().filter(|read| disk.sectors(**read) == (sector..sector + 1)).count();
                    prop_assert!(alone as u32 > retries, "sector {} was tried alone {} times", sector, alone);
                }
            }
        }
    }

    #[test]
    fn everything_that_can_be_read_is_recovered(disk in disks()) {
        let mut disk = SickDisk { grows_every: None, ..disk };
        disk.fails.iter_mut().filter(|times| **times < u32::MAX).for_each(|times| *times = 0);
        let bad: Vec<bool> = disk.fails.iter().map(|times| *times > 0).collect();
        let mut passes = Passes::new(Mapfile::new(ByteCount(disk.size)), Standing::START, settings(&disk, 0));
        run(&mut disk, &mut passes, |_, _| {});
        for (sector, bad) in bad.into_iter().enumerate() {
            let expected = if bad { Status::Bad } else { Status::Finished };
            prop_assert_eq!(passes.map().status_at(sector as u64 * disk.granule), Some(expected), "sector {}", sector);
        }
    }

    #[test]
    fn sectors_that_read_at_last_are_recovered_by_retries(disk in disks()) {
        let mut disk = SickDisk { grows_every: None, ..disk };
        let never: Vec<bool> = disk.fails.iter().map(|times| *times == u32::MAX).collect();
        let mut passes = Passes::new(Mapfile::new(ByteCount(disk.size)), Standing::START, settings(&disk, 5));
        run(&mut disk, &mut passes, |_, _| {});
        for (sector, never) in never.into_iter().enumerate() {
            let expected = if never { Status::Bad } else { Status::Finished };
            prop_assert_eq!(passes.map().status_at(sector as u64 * disk.granule), Some(expected), "sector {}", sector);
        }
    }

    #[test]
    fn a_run_that_is_cut_off_anywhere_goes_on_and_comes_to_the_same(disk in disks(), cut in any::<prop::sample::Index>()) {
        let mut whole = SickDisk { grows_every: None, ..disk };
        whole.fails.iter_mut().filter(|times| **times < u32::MAX).for_each(|times| *times = 0);
        let mut halves = whole.clone();
        let goal = settings(&whole, 2);
        let begin = || Passes::new(Mapfile::new(ByteCount(whole.size)), Standing::START, goal);
        let mut passes = begin();
        let mut uncut = whole.clone();
        run(&mut uncut, &mut passes, |_, _| {});
        let mut first = begin();
        for _ in 0..cut.index(uncut.reads.len().max(1)) {
            let Some(attempt) = first.next_attempt() else { break };
            let outcome = halves.answer(attempt.extent);
            first.settle(&attempt, outcome);
        }
        let finished = first.map().total(Status::Finished);
        // What a file carries, and nothing else.
        let mut text = Vec::new();
        acquire::rescue::map_text::write(first.map(), first.standing(), &Default::default(), &mut text).unwrap();
        let (map, standing) = acquire::rescue::map_text::read(text.as_slice(), ByteCount(whole.size)).unwrap();
        let mut second = Passes::new(map, standing, goal);
        prop_assert_eq!(second.map().total(Status::Finished), finished);
        run(&mut halves, &mut second, |passes, attempt| {
            assert_ne!(passes.map().status_at(attempt.extent.offset.0), Some(Status::Finished));
        });
        prop_assert_eq!(second.map(), passes.map());
    }
}

#[test]
fn the_good_parts_are_read_before_any_sector_is_tried_alone() {
    let size = 64 << 20;
    let mut fails = vec![0; size / 512];
    fails[20_000..30_000].fill(u32::MAX);
    let mut disk = SickDisk {
        size: size as u64,
        granule: 512,
        fails,
        slow: BTreeSet::new(),
        grows_every: None,
        failed: 0,
        reads: Vec::new(),
        most: u64::MAX,
        skip: None,
    };
    let mut passes = Passes::new(Mapfile::new(ByteCount(disk.size)), Standing::START, settings(&disk, 1));
    let mut copied = None;
    run(&mut disk, &mut passes, |passes, attempt| {
        if attempt.standing.doing == Doing::Trimming && copied.is_none() {
            copied = Some(passes.map().total(Status::Finished).0);
        }
    });
    let good = disk.size - 10_000 * 512;
    // All but two blocks of 64 KiB at the edges of the bad run.
    assert!(copied.unwrap() >= good - 2 * (64 << 10), "{copied:?} of {good}");
    assert_eq!(passes.map().total(Status::Finished), ByteCount(good));
    // Skipping finds the far side of a large fault by a few reads.
    let in_fault =
        disk.reads.iter().filter(|read| read.length.0 > 512 && disk.fails[disk.sectors(**read).start] > 0);
    assert!(in_fault.count() < 200);
}

/// A disk with data, for the loop that keeps what was read.
struct Source {
    disk: SickDisk,
    data: Vec<u8>,
    /// Gone at the read of that number, and how often it comes back.
    gone_at: Option<usize>,
    returns: usize,
    /// Data of each second reading differ in these sectors.
    unstable: BTreeSet<u64>,
    readings: u64,
    stop_at: Option<(usize, Arc<AtomicBool>)>,
}

impl Source {
    fn new(disk: SickDisk) -> Self {
        let data = (0..disk.size).map(|n| ((n * 31) ^ (n >> 9)) as u8).collect();
        let unstable = BTreeSet::new();
        Self { disk, data, gone_at: None, returns: 0, unstable, readings: 0, stop_at: None }
    }
}

impl Medium for Source {
    fn size(&self) -> ByteCount {
        ByteCount(self.disk.size)
    }

    fn granule(&self) -> usize {
        self.disk.granule as usize
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let length = (buffer.len() as u64).min(self.disk.size - offset.0);
        if self.gone_at.is_some_and(|at| at == self.disk.reads.len()) {
            return Err(ReadFailure { error: "No such device".into(), gone: true });
        }
        if let Some((_, flag)) = self.stop_at.as_ref().filter(|(at, _)| *at == self.disk.reads.len()) {
            flag.store(true, Ordering::Relaxed);
        }
        match self.disk.answer(Extent { offset, length: ByteCount(length) }) {
            Outcome::Read { count, .. } => {
                let (start, count) = (offset.0 as usize, count as usize);
                buffer[..count].copy_from_slice(&self.data[start..start + count]);
                if self.unstable.contains(&(offset.0 / self.disk.granule)) {
                    self.readings += 1;
                    buffer[3] ^= self.readings as u8;
                }
                Ok(count)
            }
            Outcome::Failed => Err(ReadFailure { error: "Input/output error".into(), gone: false }),
        }
    }
}

impl RescueSource for Source {
    fn abandoned(&self) -> u64 {
        0
    }

    fn await_return(&mut self, _: &ReadFailure, _: &Progress) -> Result<String, String> {
        if self.returns == 0 {
            return Err("it did not come back".into());
        }
        self.returns -= 1;
        self.gone_at = None;
        Ok("it is back".into())
    }
}

#[derive(Default)]
struct Notes {
    passes: Vec<PassReport>,
    unstable: Vec<Unstable>,
    lost: Vec<u64>,
    returned: usize,
}

impl RescueObserver for Notes {
    fn tick(&mut self, _: &Passes) {}

    fn pass_ended(&mut self, report: &PassReport) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.passes.push(report.clone());
        Ok(())
    }

    fn unstable(&mut self, unstable: &Unstable) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.unstable.push(unstable.clone());
        Ok(())
    }

    fn lost(&mut self, at: ByteOffset, _: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.lost.push(at.0);
        Ok(())
    }

    fn returned(&mut self, _: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.returned += 1;
        Ok(())
    }
}

fn faulty(size: u64, bad: &[(usize, u32)]) -> SickDisk {
    let mut fails = vec![0; size.div_ceil(512) as usize];
    bad.iter().for_each(|(sector, times)| fails[*sector] = *times);
    SickDisk {
        size,
        granule: 512,
        fails,
        slow: BTreeSet::new(),
        grows_every: None,
        failed: 0,
        reads: Vec::new(),
        most: u64::MAX,
        skip: None,
    }
}

fn kept(
    source: &mut Source,
    base: &std::path::Path,
    notes: &mut Notes,
    stop: Arc<AtomicBool>,
) -> Result<Passes, RescueEnd> {
    let heading = Default::default();
    let size = source.size();
    let (mut store, map, standing) = if Store::map_path(base).exists() {
        Store::open(base, size, heading).unwrap()
    } else {
        (Store::create(base, size, heading).unwrap(), Mapfile::new(size), Standing::START)
    };
    let mut passes = Passes::new(map, standing, Settings::for_medium(size, 512, 2));
    recover(source, &mut passes, &mut store, &Progress::new(stop), notes)?;
    Ok(passes)
}

fn assert_raw(source: &Source, passes: &Passes, base: &std::path::Path) {
    let raw = std::fs::read(Store::raw_path(base)).unwrap();
    assert_eq!(raw.len(), source.data.len());
    for area in passes.map().areas() {
        let range = area.extent.offset.0 as usize..area.extent.end() as usize;
        if area.status == Status::Finished {
            assert!(raw[range.clone()] == source.data[range], "recovered data differ in {area:?}");
        } else {
            assert!(raw[range].iter().all(|byte| *byte == 0), "something was written to {area:?}");
        }
    }
}

#[test]
fn what_was_recovered_stands_at_its_place_and_each_pass_is_told() {
    recovered_at_its_place(u64::MAX);
}

#[test]
fn reads_that_give_less_than_asked_for_are_kept_as_far_as_they_go() {
    recovered_at_its_place(70_000);
}

fn recovered_at_its_place(most: u64) {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("item");
    let mut source = Source::new(faulty(
        (5 << 20) + 100,
        &[(0, u32::MAX), (3000, u32::MAX), (5000, 3), (10240, u32::MAX)],
    ));
    source.disk.most = most;
    let mut notes = Notes::default();
    let passes = kept(&mut source, &base, &mut notes, Arc::default()).unwrap();
    assert_eq!(passes.map().total(Status::Bad), ByteCount(512 + 512 + 100));
    assert_raw(&source, &passes, &base);
    let told: Vec<(Doing, u32)> =
        notes.passes.iter().map(|pass| (pass.standing.doing, pass.standing.pass)).collect();
    assert_eq!(told.first(), Some(&(Doing::Copying, 1)));
    assert_eq!(told.last(), Some(&(Doing::Retrying, 2)));
    let recovered: u64 = notes.passes.iter().map(|pass| pass.recovered.0).sum();
    assert_eq!(ByteCount(recovered), passes.map().total(Status::Finished));
    let reads: u64 = notes.passes.iter().map(|pass| pass.reads).sum();
    // Sector 5000 is read twice when it comes at last.
    assert_eq!(reads, source.disk.reads.len() as u64 - 1);
    assert!(notes.unstable.is_empty());
}

#[test]
fn a_sector_that_says_something_else_the_second_time_is_told_and_the_first_reading_kept() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("item");
    // Fails in a large read, in one of 64 KiB and alone, and reads in the first retry pass.
    let mut source = Source::new(faulty(1 << 20, &[(700, 3)]));
    source.unstable.insert(700);
    let mut notes = Notes::default();
    kept(&mut source, &base, &mut notes, Arc::default()).unwrap();
    let [unstable] = &notes.unstable[..] else { panic!("{:?}", notes.unstable) };
    assert_eq!(unstable.extent, Extent { offset: ByteOffset(700 * 512), length: ByteCount(512) });
    let mut first = source.data[700 * 512..701 * 512].to_vec();
    first[3] ^= 1;
    assert!(std::fs::read(Store::raw_path(&base)).unwrap()[700 * 512..701 * 512] == first);
    assert_eq!(unstable.first, evidence::Hasher::of(evidence::HashAlgorithm::Sha256, &first));
}

#[test]
fn a_source_that_vanishes_and_comes_back_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("item");
    let mut source = Source::new(faulty(3 << 20, &[(2000, u32::MAX)]));
    (source.gone_at, source.returns) = (Some(9), 1);
    let mut notes = Notes::default();
    let passes = kept(&mut source, &base, &mut notes, Arc::default()).unwrap();
    assert_eq!((notes.lost.len(), notes.returned), (1, 1));
    assert_eq!(passes.map().total(Status::Bad), ByteCount(512), "nothing is bad because the cable was");
    assert_raw(&source, &passes, &base);
}

#[test]
fn a_source_that_stays_away_leaves_a_map_to_go_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("item");
    let mut source = Source::new(faulty(3 << 20, &[(2000, u32::MAX)]));
    source.gone_at = Some(9);
    let mut notes = Notes::default();
    let end = kept(&mut source, &base, &mut notes, Arc::default()).unwrap_err();
    assert!(end.to_string().contains("did not come back"), "{end}");
    let before = source.disk.reads.len();
    source.gone_at = None;
    let passes = kept(&mut source, &base, &mut notes, Arc::default()).unwrap();
    assert_raw(&source, &passes, &base);
    let twice = source.disk.reads[..before].iter().filter(|read| {
        source.disk.reads[before..].contains(read)
            && source.disk.fails[source.disk.sectors(**read).start] == 0
    });
    assert_eq!(
        twice.filter(|read| read.length.0 > 512 && read.end() < 2000 * 512).count(),
        0,
        "read again what was kept"
    );
}

#[test]
fn a_stop_leaves_raw_data_and_map_that_agree() {
    for at in [1, 7, 30, 100] {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("item");
        let flag = Arc::new(AtomicBool::new(false));
        let mut source = Source::new(faulty(3 << 20, &[(2000, u32::MAX), (2100, u32::MAX)]));
        source.stop_at = Some((at, Arc::clone(&flag)));
        let mut notes = Notes::default();
        let end = kept(&mut source, &base, &mut notes, flag);
        assert!(matches!(end, Err(RescueEnd::Stopped(_))), "{at}: {end:?}");
        let (_, map, standing) = Store::open(&base, source.size(), Default::default()).unwrap();
        assert_raw(&source, &Passes::new(map, standing, Settings::for_medium(source.size(), 512, 0)), &base);
    }
}
