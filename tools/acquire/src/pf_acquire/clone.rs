//! A clone: the source written onto another disk, sector by sector, and read back from there.

use super::acquisition::{self, note};
use super::arguments::Arguments;
use super::clone_disk::{self, Layout, Target};
use super::destination;
use super::ending::{close, outcome_of, record_early_end};
use super::failure::Failure;
use super::opening;
use super::reading_back::{differences, record_leaves, verification};
use super::records::Records;
use super::report::{FaultReport, Report};
use super::screen::{Screen, tell};
use super::signing::Signing;
use super::source::{self, Protection, Source};
use super::unread_ranges::keep_map;
use acquire::medium::{Medium, Treated};
use acquire::pipeline::{self, Imaged, PipelineError};
use acquire::progress::Progress;
use acquire::stretch::{Stretch, Zeros};
use device::{DirectFile, ReadMode};
use evidence::{ByteCount, Extent, HashAlgorithm};
use record::{CloneDisk, Entry, GuardReport, ImageClosed, Outcome, Plan, SegmentFile, Verification};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Carries out what the command line asks for.
pub fn run(
    arguments: &Arguments,
    disk: &Path,
    algorithms: Vec<HashAlgorithm>,
    signing: Arc<Signing>,
) -> Result<Report, Failure> {
    Cloning::begin(arguments, disk, algorithms, signing)?.carry_out()
}

/// Folder and base name of the record.
fn base_of(arguments: &Arguments, source: &Source) -> Result<PathBuf, Failure> {
    let [to] = arguments.to.as_slice() else {
        let folder = arguments.to.first().cloned().unwrap_or_default();
        let reason = "the record of a clone has one folder; copy it when it is done".to_owned();
        return Err(Failure::Destination { folder, reason });
    };
    let base = destination::fit_folder(to, arguments, source)?.join(arguments.base_name());
    destination::refuse_record_or_map(&base)?;
    Ok(base)
}

/// A clone whose record is open.
struct Cloning<'a> {
    arguments: &'a Arguments,
    source: Source,
    target: Target,
    protection: Protection,
    reported: GuardReport,
    hidden: Vec<String>,
    medium: Stretch,
    layout: Layout,
    entry: CloneDisk,
    base: PathBuf,
    algorithms: Vec<HashAlgorithm>,
    record: Records,
    stop: Arc<AtomicBool>,
}

impl<'a> Cloning<'a> {
    /// Identifies, checks, locks and opens; then opens the record.
    fn begin(
        arguments: &'a Arguments,
        disk: &Path,
        algorithms: Vec<HashAlgorithm>,
        signing: Arc<Signing>,
    ) -> Result<Self, Failure> {
        let source = source::identify(&arguments.source)?;
        let base = base_of(arguments, &source)?;
        let target = clone_disk::check(disk, arguments, &source)?;
        let protection = source.protect(arguments.unguarded)?;
        let medium = DirectFile::open(&arguments.source)?;
        if medium.size() == ByteCount(0) {
            return Err(acquisition::empty(&source));
        }
        let layout = target.lay_out(medium.size(), arguments.clone.truncate)?;
        let stop = acquire::stop::at_signals();
        let mut record = Records::create(std::iter::once(destination::record_path(&base)), signing)?;
        let reported = protection.report()?;
        let plan = Plan {
            format: "clone".to_owned(),
            chunk_size: ByteCount(u64::from(target.sector.bytes())),
            segment_size: None,
            hashes: algorithms.clone(),
            destination: target.path.display().to_string(),
            second_destination: None,
        };
        opening::open(&mut record, arguments, &source, reported.clone(), plan)?;
        let hidden = acquisition::ask_of_itself(&source, &mut record)?;
        record.append(&Entry::FaultPolicy(arguments.faults.policy()))?;
        let entry = target.entry(&layout, arguments.clone.wipe_rest);
        record.append(&Entry::CloneDisk(Box::new(entry.clone())))?;
        let sector = source.disk.identity.logical_sector;
        if sector != target.sector {
            let told = format!(
                "the source has sectors of {} bytes, the clone's disk of {}: its partition table may not be understood there",
                sector.bytes(),
                target.sector.bytes()
            );
            tell(format_args!("warning: {told}"));
            record.append(&note(&told))?;
        }
        if medium.mode() == ReadMode::Buffered {
            record.append(&note("no direct reads here: the source is read through the page cache"))?;
        }
        let medium = Stretch::new(Treated::new(medium, arguments.faults.treatment(sector)), layout.cloned);
        Ok(Self {
            arguments,
            source,
            target,
            protection,
            reported,
            hidden,
            medium,
            layout,
            entry,
            base,
            algorithms,
            record,
            stop,
        })
    }

    fn carry_out(mut self) -> Result<Report, Failure> {
        let begun = Instant::now();
        let imaged = self.write()?;
        let path = self.target.path.display().to_string();
        let segments = vec![SegmentFile { name: path, size: self.layout.cloned.length }];
        record_leaves(&imaged, &mut self.record)?;
        self.record.append(&Entry::ImageClosed(ImageClosed {
            segments: segments.clone(),
            media_size: self.layout.cloned.length,
            hashes: imaged.hashes.clone(),
            unread: imaged.unread.clone(),
            seconds: begun.elapsed().as_secs_f64(),
        }))?;
        let map = keep_map(&self.base, self.layout.cloned.length, &imaged.unread, &mut self.record)?;
        let wiped = self.wipe_rest()?;
        let mut verified = self.read_back("reading back", self.layout.cloned, &imaged)?;
        if let Some(zeros) = wiped {
            let rest = self.read_back("reading zeros back", self.layout.excess, &zeros)?;
            let behind = rest.mismatches.iter().map(|mismatch| format!("behind the clone: {mismatch}"));
            verified.mismatches.extend(behind);
            verified.matches = verified.mismatches.is_empty();
        }
        let outcome = outcome_of(verified.matches, &imaged.unread);
        let mismatches = verified.mismatches.clone();
        self.record.append(&Entry::Verification(verified))?;
        close(&mut self.record, &self.protection, outcome)?;
        Ok(self.report(outcome, segments, imaged, map, mismatches))
    }

    fn write(&mut self) -> Result<Imaged, Failure> {
        let progress = Progress::new(Arc::clone(&self.stop));
        let images = [self.target.path.clone()];
        let writer = self.writer(self.layout.cloned);
        let limits = self.arguments.limits();
        let written = writer.map_err(PipelineError::from).and_then(|writer| {
            let mut screen =
                Screen::new("cloning", self.layout.cloned.length).recording(&mut self.record, &images);
            screen.name_fill(&self.arguments.faults.fill);
            pipeline::run(&mut self.medium, [writer], &self.algorithms, limits, &progress, &mut screen)
        });
        written.map_err(|error| self.ended_early(error))
    }

    fn writer(&self, extent: Extent) -> Result<Box<dyn formats::ImageWriter>, formats::FormatError> {
        let Target { path, disk, .. } = &self.target;
        match disk.writer(extent) {
            Ok(writer) => Ok(Box::new(writer)),
            Err(source) => {
                Err(formats::FormatError::Destination { path: path.clone(), offset: extent.offset, source })
            }
        }
    }

    /// Puts zeros behind the clone, where that was asked for; gives what was written.
    fn wipe_rest(&mut self) -> Result<Option<Imaged>, Failure> {
        let excess = self.layout.excess;
        if !self.arguments.clone.wipe_rest || excess.length.0 == 0 {
            return Ok(None);
        }
        let progress = Progress::new(Arc::clone(&self.stop));
        let limits = self.arguments.limits();
        let written = self.writer(excess).map_err(PipelineError::from).and_then(|writer| {
            let mut screen = Screen::new("wiping the rest", excess.length);
            pipeline::run(
                &mut Zeros(excess.length),
                [writer],
                &self.algorithms,
                limits,
                &progress,
                &mut screen,
            )
        });
        match written {
            Ok(imaged) => {
                self.record.append(&note("zeros were written behind the clone, to the end of its disk"))?;
                Ok(Some(imaged))
            }
            Err(error) => Err(self.ended_early(error)),
        }
    }

    /// Reads a stretch of the clone's disk past the page cache and compares.
    fn read_back(
        &mut self,
        deed: &'static str,
        extent: Extent,
        written: &Imaged,
    ) -> Result<Verification, Failure> {
        let disk = DirectFile::open(&self.target.path).map_err(|error| {
            record_early_end(&error, &self.protection, &mut self.record);
            Failure::from(error)
        })?;
        if disk.mode() == ReadMode::Buffered {
            self.record
                .append(&note("no direct reads here: the clone is read back through the page cache"))?;
        }
        let mut medium = Stretch::new(disk, extent);
        let progress = Progress::new(Arc::clone(&self.stop));
        let mut screen = Screen::new(deed, extent.length);
        let limits = self.arguments.limits();
        let read = pipeline::run(&mut medium, [], &self.algorithms, limits, &progress, &mut screen);
        drop(screen);
        let read = read.map_err(|error| {
            record_early_end(&error, &self.protection, &mut self.record);
            Failure::CloneNotReadBack { error, disk: self.target.path.display().to_string() }
        })?;
        let mut mismatches = differences(written, &read, extent);
        if medium.size() != extent.length {
            mismatches.push(format!("the disk gives {} of {extent}", medium.size()));
        }
        Ok(verification(read.hashes, mismatches))
    }

    fn ended_early(&mut self, error: PipelineError) -> Failure {
        record_early_end(&error, &self.protection, &mut self.record);
        Failure::EndedEarly { error, folders: self.target.path.display().to_string() }
    }

    fn report(
        self,
        outcome: Outcome,
        segments: Vec<SegmentFile>,
        imaged: Imaged,
        map: Option<String>,
        mismatches: Vec<String>,
    ) -> Report {
        Report {
            outcome,
            source: self.source.disk.identity.path.clone(),
            protection: self.protection.report().unwrap_or(self.reported),
            folder: self.base.parent().unwrap_or(Path::new("")).to_owned(),
            second_folder: None,
            failed: Vec::new(),
            segments,
            clone: Some(self.entry),
            media_size: self.layout.cloned.length,
            hashes: imaged.hashes,
            unread: imaged.unread,
            faults: FaultReport {
                fill: self.arguments.faults.fill.to_string(),
                map,
                raw: None,
                unstable: evidence::ExtentSet::new(),
            },
            mismatches,
            hidden: self.hidden,
            record: self.record.paths().next().unwrap_or(Path::new("")).to_owned(),
            chain_head: self.record.head(),
            signing_key: self.record.notice().clone(),
        }
    }
}
