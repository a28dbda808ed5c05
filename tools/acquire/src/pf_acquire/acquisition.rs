//! One acquisition from the first check to the last entry of its record.

use super::arguments::Arguments;
use super::destination;
use super::failure::{Failure, LONGEST_ARGUMENTS};
use super::records::Records;
use super::report::Report;
use super::screen::{Screen, tell};
use super::source::{self, Protection, Source};
use acquire::medium::ReadBack;
use acquire::pipeline::{self, Imaged, Limits, PipelineError};
use acquire::progress::Progress;
use device::{DirectFile, ReadMode, self_report};
use evidence::{ByteCount, HashAlgorithm, HashSet, Transport};
use formats::{ImagePlan, ImageWriter, Segment};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::utsname::uname;
use record::{
    AcquisitionOpened, Closed, Entry, Environment, GuardReport, ImageClosed, Outcome, Plan, SegmentFile,
    Software, Verification,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Carries out what the command line asks for.
pub fn run(arguments: &Arguments) -> Result<Report, Failure> {
    // Before anything is looked at: a machine that computes wrongly must not say anything of a disk.
    evidence::self_test()?;
    let algorithms = arguments.algorithms();
    if algorithms.is_empty() {
        return Err(Failure::NoHash);
    }
    let given = std::env::args_os().map(|word| word.len()).fold(0, usize::saturating_add);
    if given > LONGEST_ARGUMENTS {
        return Err(Failure::TooMuchText(given));
    }
    let source = source::identify(&arguments.source)?;
    let folders = destination::check(arguments, &source, source.disk.identity.capacity)?;
    let protection = source.protect(arguments.unguarded)?;
    let medium = DirectFile::open(&arguments.source)?;
    if medium.size() == ByteCount(0) {
        return Err(Failure::Empty(source.disk.identity.path.clone()));
    }
    Acquisition::begin(arguments, source, protection, medium, &folders, algorithms)?.carry_out()
}

/// An acquisition whose record is open.
struct Acquisition {
    source: Source,
    protection: Protection,
    reported: GuardReport,
    hidden: Vec<String>,
    medium: DirectFile,
    /// Folder and base name of each image.
    bases: Vec<PathBuf>,
    algorithms: Vec<HashAlgorithm>,
    images: Vec<Box<dyn ImageWriter>>,
    record: Records,
    stop: Arc<AtomicBool>,
    limits: Limits,
}

impl Acquisition {
    fn begin(
        arguments: &Arguments,
        source: Source,
        protection: Protection,
        medium: DirectFile,
        folders: &[PathBuf],
        algorithms: Vec<HashAlgorithm>,
    ) -> Result<Self, Failure> {
        // Before the first file is made: from then on a signal must end the run with its record closed.
        let stop = stop_flag();
        let bases: Vec<PathBuf> = folders.iter().map(|folder| folder.join(arguments.base_name())).collect();
        let plan = |base: &PathBuf| ImagePlan {
            base: base.clone(),
            media_size: medium.size(),
            sector_size: source.disk.identity.logical_sector,
            segment_size: arguments.segment_limit(),
            case: arguments.case(),
            device: Some(source.disk.identity.clone()),
            software: format!("Permafrost {}", env!("CARGO_PKG_VERSION")),
            acquired_at: jiff::Timestamp::now().as_second(),
            medium: source.medium_kind(),
        };
        let create = |base: &PathBuf| formats::create(arguments.format.kind(), &plan(base));
        let images = bases.iter().map(create).collect::<Result<Vec<_>, _>>()?;
        let chunk_size = images.first().map_or(0, |image| image.chunk_size());
        let mut destinations = bases.iter().map(|base| base.display().to_string());
        let mut record = Records::create(bases.iter().map(|base| destination::record_path(base)))?;
        let reported = protection.report()?;
        record.append(&Entry::AcquisitionOpened(Box::new(AcquisitionOpened {
            format_version: record::FORMAT_VERSION,
            software: Software {
                name: "pf-acquire".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            environment: environment(&algorithms),
            command_line: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
            case: arguments.case(),
            source: source.disk.identity.clone(),
            guard: reported.clone(),
            plan: Plan {
                format: arguments.format.word().to_owned(),
                chunk_size: ByteCount(u64::try_from(chunk_size).unwrap_or(u64::MAX)),
                segment_size: arguments.segment_limit(),
                hashes: algorithms.clone(),
                destination: destinations.next().unwrap_or_default(),
                second_destination: destinations.next(),
            },
        })))?;
        let hidden = ask_of_itself(&source, &mut record)?;
        if medium.mode() == ReadMode::Buffered {
            record.append(&note("no direct reads here: the source is read through the page cache"))?;
        }
        if medium.size() != source.disk.identity.capacity {
            let told = format!("sysfs says {}, the device {}", source.disk.identity.capacity, medium.size());
            record.append(&note(&told))?;
        }
        let limits = arguments.limits();
        Ok(Self {
            source,
            protection,
            reported,
            hidden,
            medium,
            bases,
            algorithms,
            images,
            record,
            stop,
            limits,
        })
    }

    fn carry_out(mut self) -> Result<Report, Failure> {
        let media_size = self.medium.size();
        let progress = Progress::new(Arc::clone(&self.stop));
        let begun = Instant::now();
        let imaged = {
            let images = std::mem::take(&mut self.images);
            let mut screen = Screen::new("imaging", media_size).recording(&mut self.record, &self.bases);
            pipeline::run(&mut self.medium, images, &self.algorithms, self.limits, &progress, &mut screen)
        };
        let imaged = match imaged {
            Ok(imaged) => imaged,
            Err(error) => {
                record_early_end(&error, &self.protection, &mut self.record);
                return Err(Failure::EndedEarly { error, folders: self.folders() });
            }
        };
        let segments = segment_files(&imaged);
        self.record.append(&Entry::ImageClosed(ImageClosed {
            segments: segments.clone(),
            media_size,
            hashes: imaged.hashes.clone(),
            unread: imaged.unread.clone(),
            seconds: begun.elapsed().as_secs_f64(),
        }))?;
        let Verified { whole, failed, mismatches } = self.verify(&imaged, media_size)?;
        let outcome = match (whole.is_empty(), imaged.unread.is_empty()) {
            (true, _) => Outcome::VerificationFailed,
            (false, true) => Outcome::Complete,
            (false, false) => Outcome::CompleteWithUnreadSectors,
        };
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
            media_size,
            hashes: imaged.hashes,
            unread: imaged.unread,
            mismatches,
            hidden: self.hidden,
            record: self.record.paths().next().unwrap_or_else(|| Path::new("")).to_owned(),
            chain_head: self.record.head(),
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
            let mut verified = match read_back(segments, &imaged.hashes, media_size, self.limits, &progress) {
                Ok(verified) => verified,
                Err(error) => {
                    record_early_end(&error, &self.protection, &mut self.record);
                    return Err(Failure::NotReadBack { error, folders: self.folders() });
                }
            };
            verified.destination = (self.bases.len() > 1).then(|| base.display().to_string());
            mismatches.extend(verified.mismatches.iter().cloned());
            if verified.matches {
                whole.push(folder)
            } else {
                failed.push(folder)
            }
            self.record.append(&Entry::Verification(verified))?;
        }
        Ok(Verified { whole, failed, mismatches })
    }

    fn folders(&self) -> String {
        let folders = self.bases.iter().filter_map(|base| base.parent());
        folders.map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" and ")
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
fn ask_of_itself(source: &Source, record: &mut Records) -> Result<Vec<String>, Failure> {
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

/// Reads the image back from its medium, past the page cache, and compares.
fn read_back(
    segments: &[Segment],
    hashes: &HashSet,
    media_size: ByteCount,
    limits: Limits,
    progress: &Progress,
) -> Result<Verification, PipelineError> {
    for segment in segments {
        // The segments are on their medium already, so their pages can go; where they stay, the read is less of a proof
        // but no less of a comparison.
        if let Ok(file) = File::open(&segment.path) {
            let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
        }
    }
    let failed = |mismatch: String| Verification {
        destination: None,
        hashes: HashSet::new(),
        matches: false,
        mismatches: vec![mismatch],
    };
    let Some(first) = segments.first() else { return Ok(failed("there is no segment".to_owned())) };
    let mut image = match formats::open(&first.path) {
        Ok(image) => image,
        Err(error) => return Ok(failed(error.to_string())),
    };
    let mut mismatches: Vec<String> = image.check().iter().map(ToString::to_string).collect();
    if image.media_size() != media_size {
        mismatches.push(format!("the image holds {}, the source {media_size}", image.media_size()));
    }
    let algorithms: Vec<HashAlgorithm> = hashes.iter().map(|(algorithm, _)| algorithm).collect();
    let mut screen = Screen::new("reading back", media_size);
    let read = pipeline::run(&mut ReadBack::new(image), [], &algorithms, limits, progress, &mut screen)?;
    mismatches.extend(read.unread.iter().map(|extent| format!("damaged in the image: {extent}")));
    for (algorithm, digest) in hashes.iter() {
        if read.hashes.get(algorithm) != Some(digest) {
            mismatches.push(format!("{algorithm} of the image read back is another"));
        }
    }
    Ok(Verification { destination: None, hashes: read.hashes, matches: mismatches.is_empty(), mismatches })
}

/// Puts into the record why the acquisition ended early. The record itself may be what failed: then the first failure is
/// the one to tell.
fn record_early_end(error: &PipelineError, protection: &Protection, record: &mut Records) {
    let outcome =
        if matches!(error, PipelineError::Stopped(_)) { Outcome::Interrupted } else { Outcome::Failed };
    let told = record
        .append(&Entry::Interrupted { reason: error.to_string() })
        .map_err(Failure::from)
        .and_then(|()| close(record, protection, outcome));
    if let Err(failure) = told {
        tell(format_args!("warning: {failure}"));
    }
}

fn close(record: &mut Records, protection: &Protection, outcome: Outcome) -> Result<(), Failure> {
    match protection.events() {
        Ok(Some(events)) => record.append(&events)?,
        Ok(None) => {}
        // What the guard did stands in its counter as well; the record is closed all the same.
        Err(failure) => record.append(&note(&format!("the guard's events could not be read: {failure}")))?,
    }
    match protection.commands() {
        Ok(Some(commands)) => record.append(&commands)?,
        Ok(None) => {}
        Err(failure) => {
            record.append(&note(&format!("the guard's flight recorder could not be read: {failure}")))?;
        }
    }
    let (guard_state, refused) = protection.at_the_end();
    Ok(record.append(&Entry::Closed(Closed { outcome, guard_state, refused }))?)
}

fn segment_files(imaged: &Imaged) -> Vec<SegmentFile> {
    let name = |path: &std::path::Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Where there are two that are whole, they are alike.
    imaged.segments().iter().map(|s| SegmentFile { name: name(&s.path), size: s.size }).collect()
}

fn environment(algorithms: &[HashAlgorithm]) -> Environment {
    let said = uname().ok();
    let word = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    Environment {
        image: std::fs::read_to_string("/etc/permafrost-release").ok(),
        kernel: said
            .as_ref()
            .map(|u| format!("{} {} {}", word(u.sysname()), word(u.release()), word(u.version())))
            .unwrap_or_default(),
        host: said.as_ref().map(|u| word(u.nodename())).unwrap_or_default(),
        hash_implementations: algorithms
            .iter()
            .map(|algorithm| (algorithm.word().to_owned(), algorithm.implementation().to_owned()))
            .collect(),
    }
}

fn note(text: &str) -> Entry {
    Entry::Note { text: text.to_owned() }
}

/// Set by Ctrl-C, by a request to end, and by a line that hangs up.
fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        // Without it the signal ends the program at once, which the record shows as well.
        let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
    }
    stop
}
