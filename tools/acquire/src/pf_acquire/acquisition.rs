//! One acquisition from the first check to the last entry of its record.

use super::arguments::Arguments;
use super::checkpoints::Checkpoints;
use super::clone;
use super::destination;
use super::ending::{close, outcome_of, record_early_end};
use super::failure::{Failure, LONGEST_ARGUMENTS};
use super::opening;
use super::pause::Pause;
use super::reading_back::{read_back, record_leaves};
use super::records::Records;
use super::report::{FaultReport, Report};
use super::rescue;
use super::rescue::screen::record_unstable;
use super::resume;
use super::screen::{Screen, tell};
use super::signing::Signing;
use super::source::{self, Protection, Source};
use super::unread_ranges::{keep_map, tell_what_the_table_lacks};
use acquire::medium::{Medium, ReadBack, Treated};
use acquire::pipeline::{self, Imaged, Limits, Passed};
use acquire::progress::{Progress, pause_switch};
use acquire::rescue::{RereadEnd, Share, reread};
use device::{DirectFile, NodeNumber, ReadMode, self_report};
use evidence::{ByteCount, Digest, ExtentSet, HashAlgorithm, LeafSize, Transport};
use formats::{ImagePlan, ImageWriter, Segment};
use record::{Entry, GuardReport, ImageClosed, Plan, ResumeBegun, SegmentFile};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Carries out what the command line asks for of one source.
pub fn run(arguments: &Arguments) -> Result<Report, Failure> {
    let algorithms = ready(arguments)?;
    let signing = Signing::obtain(arguments)?;
    if arguments.faults.rescue {
        return rescue::run(arguments, algorithms, signing);
    }
    if arguments.resume {
        return resume::run(arguments, signing);
    }
    if let Some(disk) = &arguments.clone.disk {
        return clone::run(arguments, disk, algorithms, signing);
    }
    prepare(arguments, algorithms)?.begin(signing)?.carry_out()
}

/// Proves the hashes that are wanted, before anything is looked at: a machine that computes wrongly must not say anything of
/// a disk.
pub fn ready(arguments: &Arguments) -> Result<Vec<HashAlgorithm>, Failure> {
    evidence::self_test()?;
    if let Some(wrong) = arguments.miscounted() {
        return Err(Failure::Sources(wrong));
    }
    let algorithms = arguments.algorithms();
    if algorithms.is_empty() {
        return Err(Failure::NoHash);
    }
    let given = std::env::args_os().map(|word| word.len()).fold(0, usize::saturating_add);
    if given > LONGEST_ARGUMENTS {
        return Err(Failure::TooMuchText(given));
    }
    Ok(algorithms)
}

/// Identifies the source, looks at the destinations, locks the source and opens it.
pub fn prepare(arguments: &Arguments, algorithms: Vec<HashAlgorithm>) -> Result<Prepared<'_>, Failure> {
    let source = source::identify(&arguments.source)?;
    let folders = destination::check(arguments, &source, source.disk.identity.capacity)?;
    let protection = source.protect(arguments.unguarded)?;
    let medium = DirectFile::open(&arguments.source)?;
    if medium.size() == ByteCount(0) {
        return Err(empty(&source));
    }
    Ok(Prepared { arguments, source, protection, medium, folders, algorithms })
}

/// An acquisition that can begin.
pub struct Prepared<'a> {
    arguments: &'a Arguments,
    source: Source,
    protection: Protection,
    medium: DirectFile,
    /// Where the images go.
    pub folders: Vec<PathBuf>,
    algorithms: Vec<HashAlgorithm>,
}

impl<'a> Prepared<'a> {
    /// Opens its record.
    pub fn begin(self, signing: Arc<Signing>) -> Result<Acquisition<'a>, Failure> {
        let Self { arguments, source, protection, medium, folders, algorithms } = self;
        // Before the first file is made: from then on a signal must end the run with its record closed.
        let stop = acquire::stop::at_signals();
        let bases: Vec<PathBuf> = folders.iter().map(|folder| folder.join(arguments.base_name())).collect();
        let passed = Passed::nothing(medium.size(), &algorithms, arguments.limits());
        let begin = |plan: &dyn Fn(&Path) -> ImagePlan| {
            let create = |base: &PathBuf| formats::create(arguments.format.kind(), &plan(base));
            let images = bases.iter().map(create).collect::<Result<Vec<_>, _>>()?;
            let chunk_size = images.first().map_or(0, |image| image.chunk_size());
            let chunk_size = ByteCount(u64::try_from(chunk_size).unwrap_or(u64::MAX));
            Ok(Beginning { images, chunk_size, passed, leaves: Vec::new(), resumed: None, whole: None })
        };
        Acquisition::begin(arguments, source, protection, medium, &bases, (stop, signing), begin)
    }

    /// Size of the source.
    pub fn size(&self) -> ByteCount {
        self.medium.size()
    }

    /// Number of the source's node, if it is a device.
    pub fn node(&self) -> Option<NodeNumber> {
        self.source.disk.node
    }
}

/// What an acquisition begins with.
pub struct Beginning {
    /// Images to be written, at their beginning or behind what an earlier run stored.
    pub images: Vec<Box<dyn ImageWriter>>,
    /// Media bytes in their chunks.
    pub chunk_size: ByteCount,
    /// What went through before.
    pub passed: Passed,
    /// Leaves of that which are whole.
    pub leaves: Vec<Digest>,
    /// What is gone on with.
    pub resumed: Option<ResumeBegun>,
    /// The images are whole, and are only read back.
    pub whole: Option<ImageClosed>,
}

/// An acquisition whose record is open.
pub struct Acquisition<'a> {
    arguments: &'a Arguments,
    source: Source,
    protection: Protection,
    reported: GuardReport,
    hidden: Vec<String>,
    medium: Treated,
    /// Folder and base name of each image.
    bases: Vec<PathBuf>,
    beginning: Beginning,
    record: Records,
    stop: Arc<AtomicBool>,
    limits: Limits,
}

impl<'a> Acquisition<'a> {
    /// Lets `begin` make the images by a plan, and opens the record.
    pub fn begin(
        arguments: &'a Arguments,
        source: Source,
        protection: Protection,
        medium: DirectFile,
        bases: &[PathBuf],
        (stop, signing): (Arc<AtomicBool>, Arc<Signing>),
        begin: impl FnOnce(&dyn Fn(&Path) -> ImagePlan) -> Result<Beginning, Failure>,
    ) -> Result<Self, Failure> {
        let (bases, algorithms) = (bases.to_vec(), arguments.algorithms());
        let plan = |base: &Path| ImagePlan {
            base: base.to_owned(),
            media_size: medium.size(),
            sector_size: source.disk.identity.logical_sector,
            segment_size: arguments.segment_limit(),
            case: arguments.case().data(),
            device: Some(source.disk.identity.clone()),
            software: format!("Permafrost {}", env!("CARGO_PKG_VERSION")),
            acquired_at: jiff::Timestamp::now().as_second(),
            medium: source.medium_kind(),
        };
        let beginning = begin(&plan)?;
        let mut destinations = bases.iter().map(|base| base.display().to_string());
        let mut record = Records::create(bases.iter().map(|base| destination::record_path(base)), signing)?;
        let reported = protection.report()?;
        let plan = Plan {
            format: arguments.format.word().to_owned(),
            chunk_size: beginning.chunk_size,
            segment_size: arguments.segment_limit(),
            hashes: algorithms.clone(),
            destination: destinations.next().unwrap_or_default(),
            second_destination: destinations.next(),
        };
        opening::open(&mut record, arguments, &source, reported.clone(), plan)?;
        let hidden = ask_of_itself(&source, &mut record)?;
        record.append(&Entry::FaultPolicy(arguments.faults.policy()))?;
        if let Some(resumed) = &beginning.resumed {
            record.append(&Entry::ResumeBegun(resumed.clone()))?;
        }
        if medium.mode() == ReadMode::Buffered {
            record.append(&note("no direct reads here: the source is read through the page cache"))?;
        }
        if medium.size() != source.disk.identity.capacity {
            let told = format!("sysfs says {}, the device {}", source.disk.identity.capacity, medium.size());
            record.append(&note(&told))?;
        }
        let limits = arguments.limits();
        let medium = Treated::new(medium, arguments.faults.treatment(source.disk.identity.logical_sector));
        Ok(Self {
            arguments,
            source,
            protection,
            reported,
            hidden,
            medium,
            bases,
            beginning,
            record,
            stop,
            limits,
        })
    }

    /// Keeps a remark in the record.
    pub fn note(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.record.append(&note(text))?)
    }

    /// Images, reads back, and closes the record.
    pub fn carry_out(mut self) -> Result<Report, Failure> {
        let begun = Instant::now();
        let imaged = match self.beginning.whole.take() {
            Some(closed) => whole(&closed, &self.bases, self.medium.size()),
            None => self.image()?,
        };
        self.finish(imaged, begun.elapsed().as_secs_f64())
    }

    /// Reads the source and writes the images.
    fn image(&mut self) -> Result<Imaged, Failure> {
        let media_size = self.medium.size();
        let progress = Progress::new(Arc::clone(&self.stop));
        let nothing = Passed::nothing(media_size, &[], self.limits);
        let passed = std::mem::replace(&mut self.beginning.passed, nothing);
        let mut images = std::mem::take(&mut self.beginning.images);
        let leaves = std::mem::take(&mut self.beginning.leaves);
        let mut checkpoints = Checkpoints::new(&self.bases, media_size, leaves);
        // With two destinations the other goes on, and waits for nobody; several sources would ask at once.
        let pause = Pause::at_the_terminal(&self.stop)
            .filter(|_| images.len() == 1 && !self.arguments.one_of_several);
        if let (Some(pause), Some(image)) = (&pause, images.first_mut()) {
            let pause: Arc<Pause> = Arc::clone(pause);
            image.ask_when_full(pause);
        }
        let mut screen = Screen::new("imaging", media_size)
            .recording(&mut self.record, &self.bases)
            .keeping(&mut checkpoints, passed.offset().0)
            .pausing(pause);
        screen.name_fill(&self.arguments.faults.fill);
        let interval = self.arguments.interval();
        let medium = &mut self.medium;
        let imaged = pipeline::go_on(passed, medium, images, interval, self.limits, &progress, &mut screen);
        drop(screen);
        imaged.map_err(|error| {
            record_early_end(&error, &self.protection, &mut self.record);
            Failure::EndedEarly { error, folders: self.folders() }
        })
    }

    /// What follows when the images are whole.
    fn finish(mut self, imaged: Imaged, seconds: f64) -> Result<Report, Failure> {
        let media_size = self.medium.size();
        let segments = segment_files(&imaged);
        record_leaves(&imaged, &mut self.record)?;
        self.record.append(&Entry::ImageClosed(ImageClosed {
            segments: segments.clone(),
            media_size,
            hashes: imaged.hashes.clone(),
            unread: imaged.unread.clone(),
            seconds,
        }))?;
        tell_what_the_table_lacks(self.arguments.format, &imaged.unread, &self.source, &mut self.record)?;
        let map = self.keep_maps(media_size, &imaged)?;
        let Verified { whole, failed, mismatches } = self.verify(&imaged, media_size)?;
        let outcome = outcome_of(!whole.is_empty(), &imaged.unread);
        let unstable = self.compare_again(&imaged)?;
        Checkpoints::remove(&self.bases);
        close(&mut self.record, &self.protection, outcome)?;
        let mut folders = if whole.is_empty() { failed.iter() } else { whole.iter() };
        Ok(Report {
            outcome,
            source: self.source.disk.identity.path,
            protection: self.protection.report().unwrap_or(self.reported),
            folder: folders.next().cloned().unwrap_or_default(),
            second_folder: whole.get(1).cloned(),
            failed: if whole.is_empty() { Vec::new() } else { failed },
            segments,
            clone: None,
            media_size,
            hashes: imaged.hashes,
            unread: imaged.unread,
            faults: FaultReport { fill: self.arguments.faults.fill.to_string(), map, raw: None, unstable },
            mismatches,
            hidden: self.hidden,
            record: self.record.paths().next().unwrap_or_else(|| Path::new("")).to_owned(),
            chain_head: self.record.head(),
            signing_key: self.record.notice().clone(),
        })
    }

    /// Reads back what is whole.
    fn verify(&mut self, imaged: &Imaged, media_size: ByteCount) -> Result<Verified, Failure> {
        let Verified { mut whole, mut failed, mut mismatches } = Verified::default();
        for (base, segments) in self.bases.iter().zip(&imaged.images) {
            let folder = base.parent().unwrap_or(Path::new("")).to_owned();
            let Some(segments) = segments else {
                failed.push(folder);
                continue;
            };
            let progress = Progress::new(Arc::clone(&self.stop));
            let (mut verified, read) = match read_back(segments, imaged, media_size, self.limits, &progress) {
                Ok(done) => done,
                Err(error) => {
                    record_early_end(&error, &self.protection, &mut self.record);
                    return Err(Failure::NotReadBack { error, folders: self.folders() });
                }
            };
            verified.destination = (self.bases.len() > 1).then(|| base.display().to_string());
            mismatches.extend(verified.mismatches.iter().cloned());
            // Of an image that an earlier run finished, only reading it back gives them.
            if let Some(read) =
                read.filter(|_| verified.matches && imaged.leaves.is_empty() && whole.is_empty())
            {
                record_leaves(&read, &mut self.record)?;
            }
            if verified.matches {
                whole.push(folder)
            } else {
                failed.push(folder)
            }
            self.record.append(&Entry::Verification(verified))?;
        }
        Ok(Verified { whole, failed, mismatches })
    }

    /// Keeps a map of what was unread beside each image, where an earlier run did not; says how it is called.
    fn keep_maps(&mut self, size: ByteCount, imaged: &Imaged) -> Result<Option<String>, Failure> {
        let mut name = None;
        for (base, _) in self.bases.iter().zip(&imaged.images).filter(|(_, segments)| segments.is_some()) {
            name = keep_map(base, size, &imaged.unread, &mut self.record)?.or(name);
        }
        Ok(name)
    }

    /// Reads the source again, as much as asked for, and compares it with the image.
    fn compare_again(&mut self, imaged: &Imaged) -> Result<ExtentSet, Failure> {
        let mut unstable = ExtentSet::new();
        let (Some(share), Some(first)) = (self.arguments.faults.reread, imaged.segments().first()) else {
            return Ok(unstable);
        };
        let mut image = ReadBack::new(formats::open(&first.path)?);
        let progress = Progress::new(Arc::clone(&self.stop));
        let (source, record) = (&mut self.medium, &mut self.record);
        // The image is whole and verified: what ends the comparison is told and takes nothing from it.
        if let Err(end) =
            read_again(source, &mut image, &imaged.unread, share, &progress, record, &mut unstable)
        {
            tell(format_args!("warning: the source was not read again to its end: {end}"));
        }
        Ok(unstable)
    }

    fn folders(&self) -> String {
        let folders = self.bases.iter().filter_map(|base| base.parent());
        folders.map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" and ")
    }
}

/// Images that an earlier run finished.
fn whole(closed: &ImageClosed, bases: &[PathBuf], size: ByteCount) -> Imaged {
    let segments = |base: &PathBuf| {
        let folder = base.parent().unwrap_or(Path::new(""));
        let segment = |file: &SegmentFile| Segment { path: folder.join(&file.name), size: file.size };
        Some(closed.segments.iter().map(segment).collect())
    };
    Imaged {
        hashes: closed.hashes.clone(),
        unread: closed.unread.clone(),
        leaf_size: LeafSize::of_medium(size),
        leaves: Vec::new(),
        images: bases.iter().map(segments).collect(),
    }
}

/// What reading back showed.
#[derive(Default)]
struct Verified {
    /// Folders that hold a sound image.
    whole: Vec<PathBuf>,
    /// Folders that don't.
    failed: Vec<PathBuf>,
    mismatches: Vec<String>,
}

/// Asks the source's disk what of it an image will not hold and what is wrong with it, records the answers and tells what
/// the examiner must know before the read begins. Gives what was told.
pub fn ask_of_itself(source: &Source, record: &mut Records) -> Result<Vec<String>, Failure> {
    let said = self_report::ask(&source.disk, self_report::PATIENCE);
    let warnings = said.warnings();
    for warning in &warnings {
        tell(format_args!("warning: {}: {warning}", source.disk.identity.path));
    }
    // Behind a file there is a disk, but it is not the source.
    let is_disk = !matches!(source.disk.identity.transport, Transport::File | Transport::Loop);
    for unknown in said.unknown_areas().iter().filter(|_| is_disk) {
        tell(format_args!("note: {}: {unknown}", source.disk.identity.path));
    }
    record.append(&Entry::HiddenAreas(Box::new(said)))?;
    Ok(warnings)
}

/// Reads `share` of the source again, compares it with what was kept, and puts into the record what came of it.
pub fn read_again(
    source: &mut dyn Medium,
    kept: &mut dyn Medium,
    unread: &ExtentSet,
    share: Share,
    progress: &Progress,
    record: &mut Records,
    unstable: &mut ExtentSet,
) -> Result<(), RereadEnd> {
    let ended =
        reread(source, kept, unread, share, progress, &mut |found| record_unstable(found, record, unstable));
    let entry = record::Reread {
        compared: ByteCount(progress.done()),
        unstable: unstable.total(),
        ended_early: ended.as_ref().err().map(ToString::to_string),
    };
    record.append(&Entry::Reread(entry)).map_err(|error| RereadEnd::Caller(Box::new(error)))?;
    ended.map(|_| ())
}

/// A source without data, with the reason where one is known.
pub fn empty(source: &Source) -> Failure {
    match device::foreign_sectors::reason_of(&source.disk.name) {
        Some(reason) => Failure::NoCapacity { path: source.disk.identity.path.clone(), reason },
        None => Failure::Empty(source.disk.identity.path.clone()),
    }
}

/// The segments by name.
pub fn segment_files(imaged: &Imaged) -> Vec<SegmentFile> {
    let name = |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Where there are two that are whole, they are alike.
    imaged.segments().iter().map(|s| SegmentFile { name: name(&s.path), size: s.size }).collect()
}

/// An entry of free text.
pub fn note(text: &str) -> Entry {
    Entry::Note { text: text.to_owned() }
}

/// From here on SIGUSR1 has all reading wait, SIGUSR2 go on. To be called first of all: without it these signals end a program.
pub fn pause_at_signals() {
    for (signal, paused) in [(signal_hook::consts::SIGUSR1, 1), (signal_hook::consts::SIGUSR2, 0)] {
        let _ = signal_hook::flag::register_usize(signal, pause_switch(), paused);
    }
}
