//! The pipeline on media that can be made at will. The bad sectors here are made by a stand-in for a disk; a real
//! kernel with an emulated disk that fails takes its place in the tests in the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use acquire::BLOCK_SIZE;
use acquire::block_reader::{ReadFault, SourceLost, read_block};
use acquire::medium::{Medium, ReadFailure};
use acquire::pipeline::{self, Limits, Observer, PipelineError, Refusal};
use acquire::progress::Progress;
use evidence::{ByteCount, ByteOffset, CaseData, Digest, Extent, HashAlgorithm, SectorSize};
use formats::{
    ChunkEncoder, EncodedChunk, FormatError, ImageKind, ImagePlan, ImageSummary, ImageWriter, Segment,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A disk in memory, some of whose sectors can't be read.
struct BadDisk {
    data: Vec<u8>,
    sector: usize,
    bad: BTreeSet<usize>,
    gone_at: Option<usize>,
    /// What it says it holds, where that is more than it does.
    said: Option<usize>,
    /// Sets the flag at the read of that number.
    stop_at: Option<(usize, Arc<AtomicBool>)>,
    reads: usize,
}

impl BadDisk {
    fn new(data: Vec<u8>) -> Self {
        Self { data, sector: 512, bad: BTreeSet::new(), gone_at: None, said: None, stop_at: None, reads: 0 }
    }
}

impl Medium for BadDisk {
    fn size(&self) -> ByteCount {
        ByteCount(self.said.unwrap_or(self.data.len()) as u64)
    }

    fn granule(&self) -> usize {
        self.sector
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        self.reads += 1;
        if let Some((_, flag)) = self.stop_at.as_ref().filter(|(at, _)| *at == self.reads) {
            flag.store(true, Ordering::Relaxed);
        }
        let from = offset.0 as usize;
        assert!(
            from.is_multiple_of(self.sector) && buffer.len().is_multiple_of(self.sector),
            "misaligned read"
        );
        let from = from.min(self.data.len());
        let to = (from + buffer.len()).min(self.data.len());
        if self.gone_at.is_some_and(|gone| to > gone) {
            return Err(ReadFailure { error: "No such device".into(), gone: true });
        }
        // As a kernel does: an error for the whole read, whatever came before the bad sector.
        if (from / self.sector..to.div_ceil(self.sector)).any(|sector| self.bad.contains(&sector)) {
            return Err(ReadFailure { error: "Input/output error".into(), gone: false });
        }
        buffer[..to - from].copy_from_slice(&self.data[from..to]);
        Ok(to - from)
    }
}

#[derive(Default)]
struct Notes {
    faults: Vec<ReadFault>,
    refuse: bool,
    leaves: Vec<Digest>,
    failed: Vec<usize>,
}

impl Observer for Notes {
    fn fault(&mut self, fault: &ReadFault) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.faults.push(fault.clone());
        if self.refuse { Err("no room for the record".into()) } else { Ok(()) }
    }

    fn leaves(&mut self, first: u64, values: &[Digest]) -> Result<(), Refusal> {
        assert_eq!(first, self.leaves.len() as u64, "leaves out of order");
        self.leaves.extend_from_slice(values);
        Ok(())
    }

    fn image_failed(&mut self, image: usize, _: &FormatError) -> Result<(), Refusal> {
        self.failed.push(image);
        Ok(())
    }

    fn tick(&mut self, _: &Progress) {}
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| ((n * 31) ^ (n >> 9)) as u8).collect()
}

fn plan(folder: &std::path::Path, size: usize) -> ImagePlan {
    ImagePlan {
        base: folder.join("item"),
        media_size: ByteCount(size as u64),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: CaseData::default(),
        device: None,
        software: "test".into(),
        acquired_at: 0,
        medium: formats::MediumKind::Disk,
    }
}

/// The value that a program of Debian's gives.
fn sum_of(program: &str, data: &[u8]) -> String {
    let mut words = program.split(' ');
    let mut command = Command::new(words.next().unwrap());
    let mut child = command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program} (Debian packages coreutils, openssl, b3sum): {e}"));
    child.stdin.take().unwrap().write_all(data).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn run(
    disk: &mut BadDisk,
    image: Option<Box<dyn ImageWriter>>,
    notes: &mut Notes,
) -> Result<pipeline::Imaged, PipelineError> {
    pipeline::run(disk, image, &HashAlgorithm::USUAL, Limits::default(), &Progress::default(), notes)
}

/// Programs that compute the algorithms, in the order of [`HashAlgorithm::ALL`].
const WITNESSES: [&str; 7] = [
    "md5sum",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "openssl dgst -r -sha3-256",
    "openssl dgst -r -sm3",
    "b3sum",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_size_is_imaged_and_hashed_as_other_programs_do(size in 1usize..3 * BLOCK_SIZE, whole_sectors: bool) {
        let size = if whole_sectors { size.next_multiple_of(512) } else { size };
        let data = pattern(size);
        let folder = tempfile::tempdir().unwrap();
        let image = formats::create(ImageKind::Raw, &plan(folder.path(), size)).unwrap();
        let (mut disk, mut notes) = (BadDisk::new(data.clone()), Notes::default());
        let limits = Limits::default();
        let imaged =
            pipeline::run(&mut disk, [image], &HashAlgorithm::ALL, limits, &Progress::default(), &mut notes).unwrap();
        prop_assert!(std::fs::read(&imaged.images[0].as_ref().unwrap()[0].path).unwrap() == data);
        for (program, algorithm) in WITNESSES.into_iter().zip(HashAlgorithm::ALL) {
            prop_assert_eq!(imaged.hashes.get(algorithm).unwrap().to_string(), sum_of(program, &data));
        }
        let leaves: Vec<String> = notes.leaves.iter().map(ToString::to_string).collect();
        let wanted: Vec<String> = data.chunks(1 << 20).map(|leaf| sum_of("b3sum", leaf)).collect();
        prop_assert_eq!(leaves, wanted);
        prop_assert_eq!(&imaged.leaves, &notes.leaves);
    }

    #[test]
    fn several_reads_at_a_time_give_what_one_gives(
        bad in prop::collection::btree_set(0usize..12 * 2048, 0..40), size in 11 * BLOCK_SIZE..12 * BLOCK_SIZE,
    ) {
        let data: Vec<u8> = pattern(size / 512 * 512).iter().map(|byte| byte | 1).collect();
        let bad: BTreeSet<usize> = bad.into_iter().filter(|sector| sector * 512 < data.len()).collect();
        let mut wanted = data.clone();
        bad.iter().for_each(|sector| wanted[sector * 512..(sector + 1) * 512].fill(0));
        let mut disk = ManyHeads::new(data, bad.clone());
        let folder = tempfile::tempdir().unwrap();
        let image = formats::create(ImageKind::Raw, &plan(folder.path(), wanted.len())).unwrap();
        let mut notes = Notes::default();
        let limits = Limits::default();
        let imaged =
            pipeline::run(&mut disk, [image], &[HashAlgorithm::Sha256], limits, &Progress::default(), &mut notes).unwrap();
        prop_assert!(std::fs::read(&imaged.images[0].as_ref().unwrap()[0].path).unwrap() == wanted);
        let sum = imaged.hashes.get(HashAlgorithm::Sha256).unwrap().to_string();
        prop_assert_eq!(sum, sum_of("sha256sum", &wanted));
        let told: Vec<u64> = notes.faults.iter().flat_map(|f| (f.extent.offset.0..f.extent.end()).step_by(512)).collect();
        prop_assert_eq!(told, bad.iter().map(|sector| *sector as u64 * 512).collect::<Vec<_>>());
        let most = disk.shared.most.load(Ordering::SeqCst);
        prop_assert!(most > 1, "never more than one read at a time");
    }

    #[test]
    fn exactly_the_bad_sectors_are_unread_and_zero(
        bad in prop::collection::btree_set(0usize..4100, 0..60), big_sectors: bool,
    ) {
        let sector = if big_sectors { 4096 } else { 512 };
        let data: Vec<u8> = pattern(4100 * 512).iter().map(|byte| byte | 1).collect();
        let mut disk = BadDisk::new(data.clone());
        disk.sector = sector;
        disk.bad = bad.into_iter().filter(|s| s * sector < data.len()).collect();
        let wanted: Vec<u8> = data.iter().enumerate()
            .map(|(at, byte)| if disk.bad.contains(&(at / sector)) { 0 } else { *byte }).collect();
        let folder = tempfile::tempdir().unwrap();
        let image = formats::create(ImageKind::Raw, &plan(folder.path(), data.len())).unwrap();
        let mut notes = Notes::default();
        let imaged = run(&mut disk, Some(image), &mut notes).unwrap();
        prop_assert!(std::fs::read(&imaged.images[0].as_ref().unwrap()[0].path).unwrap() == wanted);
        let unread: Vec<usize> = imaged.unread.iter().flat_map(|e| e.offset.0 as usize..e.end() as usize).collect();
        let bad: Vec<usize> = (0..data.len()).filter(|at| disk.bad.contains(&(at / sector))).collect();
        prop_assert!(unread == bad);
        let told: evidence::ExtentSet = notes.faults.iter().map(|fault| fault.extent).collect();
        prop_assert_eq!(told, imaged.unread);
    }
}

/// A disk in memory that several threads read at the same time.
struct ManyHeads {
    shared: Arc<Heads>,
}

struct Heads {
    data: Vec<u8>,
    bad: BTreeSet<usize>,
    gone_at: Option<usize>,
    /// Reads going on, and the most that ever were.
    reading: AtomicUsize,
    most: AtomicUsize,
}

impl ManyHeads {
    fn new(data: Vec<u8>, bad: BTreeSet<usize>) -> Self {
        let (reading, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { shared: Arc::new(Heads { data, bad, gone_at: None, reading, most }) }
    }
}

impl Medium for ManyHeads {
    fn size(&self) -> ByteCount {
        ByteCount(self.shared.data.len() as u64)
    }

    fn granule(&self) -> usize {
        512
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let heads = &self.shared;
        let now = heads.reading.fetch_add(1, Ordering::SeqCst) + 1;
        heads.most.fetch_max(now, Ordering::SeqCst);
        let from = offset.0 as usize;
        let to = (from + buffer.len()).min(heads.data.len());
        let whole = from.is_multiple_of(BLOCK_SIZE) && to == (from + BLOCK_SIZE).min(heads.data.len());
        // Every third block is slow, so that others overtake it.
        let slow = if (from / BLOCK_SIZE).is_multiple_of(3) { 3 } else { 1 };
        std::thread::sleep(std::time::Duration::from_micros(if whole { 700 * slow } else { 1 }));
        let alone = whole || heads.reading.load(Ordering::SeqCst) == 1;
        heads.reading.fetch_sub(1, Ordering::SeqCst);
        assert!(alone, "another read while an error is dealt with");
        if heads.gone_at.is_some_and(|gone| to > gone) {
            return Err(ReadFailure { error: "No such device".into(), gone: true });
        }
        if (from / 512..to.div_ceil(512)).any(|sector| heads.bad.contains(&sector)) {
            return Err(ReadFailure { error: "Input/output error".into(), gone: false });
        }
        buffer[..to - from].copy_from_slice(&heads.data[from..to]);
        Ok(to - from)
    }

    fn another(&self) -> Option<Box<dyn Medium>> {
        Some(Box::new(Self { shared: Arc::clone(&self.shared) }))
    }
}

#[test]
fn the_first_place_where_a_source_vanished_is_named_however_many_read() {
    for gone in [0, 7, 39] {
        let mut disk = ManyHeads::new(vec![1; 40 * BLOCK_SIZE], BTreeSet::new());
        Arc::get_mut(&mut disk.shared).unwrap().gone_at = Some(gone * BLOCK_SIZE);
        let (limits, mut notes) = (Limits::default(), Notes::default());
        let error =
            pipeline::run(&mut disk, None, &[HashAlgorithm::Md5], limits, &Progress::default(), &mut notes)
                .unwrap_err();
        assert!(
            matches!(&error, PipelineError::Source(SourceLost::Gone { offset, .. }) if offset.0 as usize == gone * BLOCK_SIZE),
            "{error}"
        );
        // What came before it was read, stored and told.
        assert_eq!(notes.leaves.len(), gone);
    }
}

#[test]
fn one_bad_sector_costs_few_reads() {
    let mut disk = BadDisk::new(pattern(BLOCK_SIZE));
    disk.bad = [1000].into();
    let mut buffer = vec![0; BLOCK_SIZE];
    let mut faults = Vec::new();
    read_block(&mut disk, ByteOffset(0), &mut buffer, &Progress::default(), &mut faults).unwrap();
    assert_eq!(faults[0].extent, Extent { offset: ByteOffset(512_000), length: ByteCount(512) });
    // The block, its 16 pieces, and the 128 sectors of one piece.
    assert!(disk.reads <= 1 + 16 + 128, "{} reads", disk.reads);
}

#[test]
fn a_source_that_vanishes_ends_the_run_and_names_the_place() {
    let mut disk = BadDisk::new(pattern(5 * BLOCK_SIZE));
    disk.gone_at = Some(3 * BLOCK_SIZE);
    let error = run(&mut disk, None, &mut Notes::default()).unwrap_err();
    assert!(
        matches!(&error, PipelineError::Source(SourceLost::Gone { offset, .. }) if offset.0 == 3 << 20),
        "{error}"
    );
}

#[test]
fn a_stop_ends_the_run() {
    let stop = Arc::new(AtomicBool::new(true));
    let mut disk = BadDisk::new(pattern(BLOCK_SIZE));
    let progress = Progress::new(stop);
    let error = pipeline::run(
        &mut disk,
        None,
        &HashAlgorithm::USUAL,
        Limits::default(),
        &progress,
        &mut Notes::default(),
    )
    .unwrap_err();
    assert!(matches!(error, PipelineError::Stopped(ByteOffset(0))));
}

#[test]
fn a_stop_is_heard_within_a_block_of_bad_sectors_and_what_was_found_is_told() {
    let stop = Arc::new(AtomicBool::new(false));
    let mut disk = BadDisk::new(pattern(2 * BLOCK_SIZE));
    disk.bad = (0..2048).collect();
    disk.stop_at = Some((50, Arc::clone(&stop)));
    let mut notes = Notes::default();
    let error = pipeline::run(
        &mut disk,
        None,
        &HashAlgorithm::USUAL,
        Limits::default(),
        &Progress::new(stop),
        &mut notes,
    );
    assert!(matches!(error, Err(PipelineError::Stopped(_))), "{error:?}");
    assert_eq!(disk.reads, 50);
    // The whole block and the first piece came before the sectors.
    assert_eq!(notes.faults[0].extent, Extent { offset: ByteOffset(0), length: ByteCount(48 * 512) });
}

#[test]
fn a_source_that_shrank_is_told_as_such_whatever_its_new_size() {
    for size in [0, 777, 4096, BLOCK_SIZE + 4096 + 777] {
        let mut disk = BadDisk::new(pattern(size));
        (disk.sector, disk.said) = (4096, Some(3 * BLOCK_SIZE));
        let error = run(&mut disk, None, &mut Notes::default()).unwrap_err();
        assert!(
            matches!(&error, PipelineError::Source(SourceLost::Shorter { offset, .. }) if offset.0 == size as u64),
            "{size}: {error}"
        );
    }
}

/// Ones; a bad byte ends each read before it, and a read that begins in its granule fails behind it.
struct FileWithBadByte(u64);

impl Medium for FileWithBadByte {
    fn size(&self) -> ByteCount {
        ByteCount(1 << 20)
    }

    fn granule(&self) -> usize {
        4096
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        assert!(offset.0.is_multiple_of(4096) && buffer.len().is_multiple_of(4096), "misaligned read");
        let given = match self.0.checked_sub(offset.0) {
            Some(before) => buffer.len().min(before as usize),
            None => buffer.len(),
        };
        buffer[..given].fill(1);
        Ok(given)
    }
}

#[test]
fn a_part_of_a_granule_is_kept_and_its_rest_told() {
    for bad in [1536, 81_920 + 1, (1 << 20) - 4096 + 777] {
        let folder = tempfile::tempdir().unwrap();
        let image = formats::create(ImageKind::Raw, &plan(folder.path(), 1 << 20)).unwrap();
        let imaged = pipeline::run(
            &mut FileWithBadByte(bad),
            Some(image),
            &[HashAlgorithm::Md5],
            Limits::default(),
            &Progress::default(),
            &mut Notes::default(),
        );
        let imaged = imaged.unwrap();
        let rest = bad.next_multiple_of(4096);
        let lost = Extent { offset: ByteOffset(bad), length: ByteCount(rest - bad) };
        assert_eq!(imaged.unread.iter().collect::<Vec<_>>(), [lost]);
        let data = std::fs::read(&imaged.images[0].as_ref().unwrap()[0].path).unwrap();
        let is_lost = |at: u64| (bad..rest).contains(&at);
        assert!(data.iter().zip(0..).all(|(byte, at)| *byte == u8::from(!is_lost(at))), "{bad}");
    }
}

/// Every other sector can't be read.
struct CombedDisk;

impl Medium for CombedDisk {
    fn size(&self) -> ByteCount {
        ByteCount(1 << 30)
    }

    fn granule(&self) -> usize {
        512
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        if buffer.len() > 512 || offset.0.is_multiple_of(1024) {
            return Err(ReadFailure { error: "Input/output error".into(), gone: false });
        }
        Ok(buffer.len())
    }
}

#[test]
fn more_unreadable_ranges_than_can_be_told_end_the_run() {
    let progress = Progress::default();
    let error = pipeline::run(
        &mut CombedDisk,
        None,
        &[HashAlgorithm::Md5],
        Limits::default(),
        &progress,
        &mut Notes::default(),
    );
    assert!(matches!(error, Err(PipelineError::TooManyRanges)), "{error:?}");
    assert!(progress.done() < CombedDisk.size().0 / 2, "it went on to {}", progress.done());
}

/// Zeros as far as anyone reads, after a first sector that can't be read.
struct LongDisk;

impl Medium for LongDisk {
    fn size(&self) -> ByteCount {
        ByteCount(2 << 30)
    }

    fn granule(&self) -> usize {
        512
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        if offset.0 == 0 {
            return Err(ReadFailure { error: "Input/output error".into(), gone: false });
        }
        Ok(buffer.len())
    }
}

#[test]
fn a_record_that_cannot_be_kept_ends_the_run_at_once() {
    let progress = Progress::default();
    let mut notes = Notes { refuse: true, ..Notes::default() };
    let error =
        pipeline::run(&mut LongDisk, None, &HashAlgorithm::USUAL, Limits::default(), &progress, &mut notes)
            .unwrap_err();
    assert!(matches!(error, PipelineError::Caller(_)), "{error}");
    assert!(progress.done() < LongDisk.size().0, "it went on to the end of the disk");
}

/// A destination that fails after some chunks.
struct FailingWriter {
    left: Arc<AtomicUsize>,
}

struct Copy;

impl ChunkEncoder for Copy {
    fn encode(&self, media: &[u8]) -> Result<EncodedChunk, FormatError> {
        let media_length = ByteCount(media.len() as u64);
        Ok(EncodedChunk { stored: media.to_vec(), media_length, compressed: false, block_hash: None })
    }
}

impl ImageWriter for FailingWriter {
    fn chunk_size(&self) -> usize {
        32_768
    }

    fn encoder(&self) -> Arc<dyn ChunkEncoder> {
        Arc::new(Copy)
    }

    fn append(&mut self, _: &EncodedChunk) -> Result<(), FormatError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(FormatError::Destination {
                path: "item.raw".into(),
                offset: ByteOffset(0),
                source: std::io::ErrorKind::StorageFull.into(),
            });
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: &ImageSummary) -> Result<Vec<Segment>, FormatError> {
        panic!("an image that failed was finished");
    }
}

#[test]
fn a_destination_that_fails_anywhere_ends_the_run_with_its_reason() {
    for chunks in [0, 1, 31, 32, 33, 1500] {
        let image = FailingWriter { left: Arc::new(AtomicUsize::new(chunks)) };
        let mut disk = BadDisk::new(vec![7; 64 * BLOCK_SIZE]);
        let error = run(&mut disk, Some(Box::new(image)), &mut Notes::default()).unwrap_err();
        assert!(matches!(&error, PipelineError::Image(e) if e.is_destination_full()), "{chunks}: {error}");
    }
}

fn failing_after(chunks: usize) -> Box<dyn ImageWriter> {
    Box::new(FailingWriter { left: Arc::new(AtomicUsize::new(chunks)) })
}

/// A destination that works, for data copied in chunks of the same size.
struct Keeping(Arc<AtomicUsize>);

impl ImageWriter for Keeping {
    fn chunk_size(&self) -> usize {
        32_768
    }

    fn encoder(&self) -> Arc<dyn ChunkEncoder> {
        Arc::new(Copy)
    }

    fn append(&mut self, chunk: &EncodedChunk) -> Result<(), FormatError> {
        self.0.fetch_add(chunk.stored.len(), Ordering::Relaxed);
        Ok(())
    }

    fn finish(self: Box<Self>, _: &ImageSummary) -> Result<Vec<Segment>, FormatError> {
        Ok(vec![Segment { path: "kept".into(), size: ByteCount(self.0.load(Ordering::Relaxed) as u64) }])
    }
}

#[test]
fn a_destination_that_fails_does_not_stop_the_other() {
    for chunks in [0, 1, 31, 32, 1500] {
        for first_fails in [true, false] {
            let kept = Arc::new(AtomicUsize::new(0));
            let mut images: Vec<Box<dyn ImageWriter>> =
                vec![failing_after(chunks), Box::new(Keeping(Arc::clone(&kept)))];
            if !first_fails {
                images.reverse();
            }
            let mut disk = BadDisk::new(vec![7; 64 * BLOCK_SIZE]);
            let mut notes = Notes::default();
            let (limits, progress) = (Limits::default(), Progress::default());
            let imaged =
                pipeline::run(&mut disk, images, &[HashAlgorithm::Md5], limits, &progress, &mut notes)
                    .unwrap();
            assert_eq!(kept.load(Ordering::Relaxed), 64 * BLOCK_SIZE);
            assert_eq!(notes.failed, [usize::from(!first_fails)]);
            assert_eq!(
                imaged.images.iter().map(Option::is_some).collect::<Vec<_>>(),
                [!first_fails, first_fails]
            );
            assert_eq!(notes.leaves.len(), 64);
        }
    }
}

#[test]
fn two_destinations_that_both_fail_end_the_run() {
    let mut disk = BadDisk::new(vec![7; 64 * BLOCK_SIZE]);
    let mut notes = Notes::default();
    let (limits, progress) = (Limits::within(Limits::LEAST_MEMORY), Progress::default());
    let images = [failing_after(70), failing_after(500)];
    let error =
        pipeline::run(&mut disk, images, &[HashAlgorithm::Md5], limits, &progress, &mut notes).unwrap_err();
    assert!(matches!(&error, PipelineError::Image(e) if e.is_destination_full()), "{error}");
    assert_eq!(notes.failed, [0]);
    assert!(progress.done() < 64 << 20, "it went on to the end of the disk");
}
