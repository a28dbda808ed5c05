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
use acquire::pipeline::{self, Limits, Observer, PipelineError};
use acquire::progress::Progress;
use evidence::{ByteCount, ByteOffset, CaseData, Extent, HashAlgorithm, SectorSize};
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
}

impl Observer for Notes {
    fn fault(&mut self, fault: &ReadFault) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.faults.push(fault.clone());
        if self.refuse { Err("no room for the record".into()) } else { Ok(()) }
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

/// The value that Debian's own program gives.
fn sum_of(program: &str, data: &[u8]) -> String {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("coreutils");
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_size_is_imaged_and_hashed_as_other_programs_do(size in 1usize..3 * BLOCK_SIZE, whole_sectors: bool) {
        let size = if whole_sectors { size.next_multiple_of(512) } else { size };
        let data = pattern(size);
        let folder = tempfile::tempdir().unwrap();
        let image = formats::create(ImageKind::Raw, &plan(folder.path(), size)).unwrap();
        let imaged = run(&mut BadDisk::new(data.clone()), Some(image), &mut Notes::default()).unwrap();
        prop_assert!(std::fs::read(&imaged.images[0].as_ref().unwrap()[0].path).unwrap() == data);
        for (program, algorithm) in ["md5sum", "sha1sum", "sha256sum"].into_iter().zip(HashAlgorithm::USUAL) {
            prop_assert_eq!(imaged.hashes.get(algorithm).unwrap().to_string(), sum_of(program, &data));
        }
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
        Ok(EncodedChunk { stored: media.to_vec(), media_length, compressed: false })
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
