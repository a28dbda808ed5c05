//! A recovery in several passes, from the first check to the last entry of its record.

mod place;
pub mod screen;
mod source;

use super::acquisition::{self, note};
use super::arguments::{Arguments, Format};
use super::ending::{close, outcome_of, record_early_end};
use super::failure::Failure;
use super::opening;
use super::reading_back::{read_back, record_leaves};
use super::records::{Records, put_aside};
use super::report::{FaultReport, Report};
use super::screen::{Screen, tell};
use super::signing::Signing;
use super::source::{self as sources, Protection, Source};
use super::unread_ranges::tell_what_the_table_lacks;
use acquire::medium::Medium;
use acquire::pipeline::{self, Imaged};
use acquire::progress::Progress;
use acquire::rescue::map_text::Heading;
use acquire::rescue::{
    Mapfile, Passes, RescuedMedium, Settings, Standing, Status, Store, recover, same_medium,
};
use device::DirectFile;
use evidence::{ByteCount, ExtentSet, HashAlgorithm};
use formats::{ImagePlan, Segment};
use place::{Earlier, Place};
use record::{EarlierRecord, Entry, ImageClosed, Outcome, Plan, RescueBegun, RescueEnded, SegmentFile};
use screen::RescueScreen;
use source::SickSource;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Carries out what the command line asks for.
pub fn run(
    arguments: &Arguments,
    algorithms: Vec<HashAlgorithm>,
    signing: Arc<Signing>,
) -> Result<Report, Failure> {
    let source = sources::identify(&arguments.source)?;
    let place = place::prepare(arguments, &source)?;
    let protection = source.protect(arguments.unguarded)?;
    let medium = DirectFile::open(&arguments.source)?;
    if medium.size() == ByteCount(0) {
        return Err(acquisition::empty(&source));
    }
    Rescue::begin(arguments, source, place, protection, medium, (algorithms, signing))?.carry_out()
}

/// A recovery whose record is open.
struct Rescue<'a> {
    arguments: &'a Arguments,
    source: Source,
    medium: SickSource,
    place: Place,
    algorithms: Vec<HashAlgorithm>,
    store: Store,
    passes: Passes,
    record: Records,
    hidden: Vec<String>,
    stop: Arc<AtomicBool>,
}

impl<'a> Rescue<'a> {
    fn begin(
        arguments: &'a Arguments,
        source: Source,
        place: Place,
        protection: Protection,
        medium: DirectFile,
        (algorithms, signing): (Vec<HashAlgorithm>, Arc<Signing>),
    ) -> Result<Self, Failure> {
        let stop = acquire::stop::at_signals();
        let size = medium.size();
        let granule = u64::from(medium.alignment());
        let reported = protection.report()?;
        let mut medium = SickSource::new(arguments, &source, protection, medium, Arc::clone(&stop));
        let (store, map, standing) = match place.earlier {
            Earlier::None => {
                (Store::create(&place.base, size, heading())?, Mapfile::new(size), Standing::START)
            }
            _ => Store::open(&place.base, size, heading())?,
        };
        let adopted = match place.earlier {
            Earlier::Stranger => Some(compare(arguments, &place, &mut medium, &map)?),
            _ => None,
        };
        let mut begun = RescueBegun {
            raw: file_name(&Store::raw_path(&place.base)),
            map: file_name(&Store::map_path(&place.base)),
            finished: map.total(Status::Finished),
            earlier: None,
            adopted_after_comparing: adopted,
            map_sha256: None,
            map_changed: None,
        };
        if !matches!(place.earlier, Earlier::None) {
            begun.map_sha256 = Some(Store::map_digest(&place.base)?);
        }
        if let Earlier::Own { head, map, .. } = &place.earlier {
            let name = put_aside(&place.base)?;
            begun.earlier = Some(EarlierRecord { name, chain_head: *head });
            begun.map_changed = Some(*map != begun.map_sha256);
        }
        let mut record = Records::create(std::iter::once(place.record.clone()), signing)?;
        let plan = Plan {
            format: arguments.format.word().to_owned(),
            chunk_size: ByteCount(granule),
            segment_size: arguments.segment_limit(),
            hashes: algorithms.clone(),
            destination: place.base.display().to_string(),
            second_destination: None,
        };
        opening::open(&mut record, arguments, &source, reported, plan)?;
        let hidden = acquisition::ask_of_itself(&source, &mut record)?;
        record.append(&Entry::FaultPolicy(arguments.faults.policy()))?;
        record.append(&Entry::RescueBegun(begun))?;
        let settings = Settings::for_medium(size, granule, arguments.faults.retries());
        let mut whole = map.clone();
        let reopened = whole.align(granule);
        if !reopened.is_empty() {
            let told = format!(
                "{} of sectors that the map had as recovered in part are read again: {granule} bytes are the least",
                reopened.total()
            );
            record.append(&note(&told))?;
        }
        let passes = Passes::new(map, standing, settings);
        Ok(Self { arguments, source, medium, place, algorithms, store, passes, record, hidden, stop })
    }

    fn carry_out(mut self) -> Result<Report, Failure> {
        let begun = Instant::now();
        let progress = Progress::new(Arc::clone(&self.stop));
        let recovered = {
            let mut screen = RescueScreen::new(self.medium.size(), &mut self.record);
            let done = recover(&mut self.medium, &mut self.passes, &mut self.store, &progress, &mut screen);
            done.map(|recovered| (recovered, screen.into_unstable()))
        };
        let (recovered, mut unstable) = match recovered {
            Ok(recovered) => recovered,
            Err(end) => {
                record_early_end(&end, self.medium.protection(), &mut self.record);
                return Err(Failure::Rescue { end, folder: self.place.folder });
            }
        };
        let unread = self.passes.map().unfinished();
        self.store.fill(&unread, &self.arguments.faults.fill, self.source.disk.identity.logical_sector)?;
        self.record.append(&Entry::RescueEnded(RescueEnded {
            recovered: recovered.bytes,
            abandoned: recovered.abandoned,
            map_sha256: Store::map_digest(&self.place.base)?,
        }))?;
        self.read_again(&unread, &mut unstable)?;
        self.pack(&unread, unstable, begun)
    }

    /// Compares what was kept with a second reading of the source, where that is asked for.
    fn read_again(&mut self, unread: &ExtentSet, unstable: &mut ExtentSet) -> Result<(), Failure> {
        let Some(share) = self.arguments.faults.reread else { return Ok(()) };
        let mut kept = self.rescued(unread)?;
        let progress = Progress::new(Arc::clone(&self.stop));
        let ended = acquisition::read_again(
            &mut self.medium,
            &mut kept,
            unread,
            share,
            &progress,
            &mut self.record,
            unstable,
        );
        ended.map_err(|error| {
            record_early_end(&error, self.medium.protection(), &mut self.record);
            Failure::Reread { error, folder: self.place.folder.clone() }
        })
    }

    /// Hashes the raw data, makes the image of them where another format is asked for, reads it back.
    fn pack(mut self, unread: &ExtentSet, unstable: ExtentSet, begun: Instant) -> Result<Report, Failure> {
        let media_size = self.medium.size();
        let mut rescued = self.rescued(unread)?;
        let progress = Progress::new(Arc::clone(&self.stop));
        let raw_path = Store::raw_path(&self.place.base);
        let image = match self.arguments.format {
            Format::Raw => None,
            format => Some(formats::create(format.kind(), &self.plan(media_size))?),
        };
        let deed = if image.is_some() { "packing" } else { "hashing" };
        let packed = {
            let mut screen = Screen::new(deed, media_size);
            pipeline::run(
                &mut rescued,
                image,
                &self.algorithms,
                self.arguments.limits(),
                &progress,
                &mut screen,
            )
        };
        let mut imaged = match packed {
            Ok(imaged) => imaged,
            Err(error) => {
                record_early_end(&error, self.medium.protection(), &mut self.record);
                return Err(Failure::Packing { error, folder: self.place.folder });
            }
        };
        if self.arguments.format == Format::Raw {
            imaged.images = vec![Some(vec![Segment { path: raw_path.clone(), size: media_size }])];
        }
        let segments = acquisition::segment_files(&imaged);
        record_leaves(&imaged, &mut self.record)?;
        self.record.append(&Entry::ImageClosed(ImageClosed {
            segments: segments.clone(),
            media_size,
            hashes: imaged.hashes.clone(),
            unread: unread.clone(),
            seconds: begun.elapsed().as_secs_f64(),
        }))?;
        tell_what_the_table_lacks(self.arguments.format, unread, &self.source, &mut self.record)?;
        let verified = match read_back(
            imaged.segments(),
            &imaged,
            media_size,
            self.arguments.limits(),
            &progress_of(&self.stop),
        ) {
            Ok((verified, _)) => verified,
            Err(error) => {
                record_early_end(&error, self.medium.protection(), &mut self.record);
                return Err(Failure::NotReadBack { error, folders: self.place.folder.display().to_string() });
            }
        };
        let outcome = outcome_of(verified.matches, unread);
        let mismatches = verified.mismatches.clone();
        self.record.append(&Entry::Verification(verified))?;
        let raw = self.settle_raw(outcome)?;
        close(&mut self.record, self.medium.protection(), outcome)?;
        Ok(self.report(outcome, segments, imaged, unread, unstable, mismatches, raw))
    }

    /// Removes the raw data where that was asked for and an image stands for them; says which file stays.
    fn settle_raw(&mut self, outcome: Outcome) -> Result<Option<String>, Failure> {
        let path = Store::raw_path(&self.place.base);
        let verified = matches!(outcome, Outcome::Complete | Outcome::CompleteWithUnreadSectors);
        if self.arguments.format == Format::Raw || !self.arguments.faults.remove_raw || !verified {
            return Ok(Some(path.display().to_string()));
        }
        match std::fs::remove_file(&path) {
            Ok(()) => {
                self.record
                    .append(&note("the raw data were removed as asked, once the image was verified"))?;
                Ok(None)
            }
            Err(error) => {
                tell(format_args!("warning: {}: could not be removed: {error}", path.display()));
                Ok(Some(path.display().to_string()))
            }
        }
    }

    fn rescued(&self, unread: &ExtentSet) -> Result<RescuedMedium, Failure> {
        let raw = DirectFile::open(&Store::raw_path(&self.place.base))?;
        let treatment = self.arguments.faults.treatment(self.source.disk.identity.logical_sector);
        Ok(RescuedMedium::new(raw, self.medium.granule(), unread, treatment)?)
    }

    fn plan(&self, media_size: ByteCount) -> ImagePlan {
        ImagePlan {
            base: self.place.base.clone(),
            media_size,
            sector_size: self.source.disk.identity.logical_sector,
            segment_size: self.arguments.segment_limit(),
            case: self.arguments.case().data(),
            device: Some(self.source.disk.identity.clone()),
            software: format!("Permafrost {}", env!("CARGO_PKG_VERSION")),
            acquired_at: jiff::Timestamp::now().as_second(),
            medium: self.source.medium_kind(),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the report")]
    fn report(
        self,
        outcome: Outcome,
        segments: Vec<SegmentFile>,
        imaged: Imaged,
        unread: &ExtentSet,
        unstable: ExtentSet,
        mismatches: Vec<String>,
        raw: Option<String>,
    ) -> Report {
        Report {
            outcome,
            source: self.source.disk.identity.path.clone(),
            protection: self.medium.protection().report().unwrap_or(record::GuardReport::Unguarded),
            folder: self.place.folder,
            second_folder: None,
            failed: Vec::new(),
            segments,
            clone: None,
            media_size: self.passes.map().size(),
            hashes: imaged.hashes,
            unread: unread.clone(),
            faults: FaultReport {
                fill: self.arguments.faults.fill.to_string(),
                map: Some(file_name(&Store::map_path(&self.place.base))),
                raw,
                unstable,
            },
            mismatches,
            hidden: self.hidden,
            record: self.place.record,
            chain_head: self.record.head(),
            signing_key: self.record.notice().clone(),
        }
    }
}

/// Raw data that another program made must be this source's: pieces of them are compared.
fn compare(
    arguments: &Arguments,
    place: &Place,
    medium: &mut SickSource,
    map: &Mapfile,
) -> Result<u64, Failure> {
    let raw_path = Store::raw_path(&place.base);
    let unread = map.unfinished();
    let raw = DirectFile::open(&raw_path)?;
    let sector = evidence::SectorSize::S512;
    let mut kept = RescuedMedium::new(raw, medium.granule(), &unread, arguments.faults.treatment(sector))?;
    match same_medium(medium, &mut kept, &unread)? {
        (_, Some(different)) => {
            Err(Failure::Another { path: raw_path, reason: format!("it differs at {different}") })
        }
        (0, None) if !map.total(Status::Finished).0.eq(&0) => {
            Err(Failure::Another { path: raw_path, reason: "no piece of it could be compared".to_owned() })
        }
        (agree, None) => Ok(agree),
    }
}

fn heading() -> Heading {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    Heading {
        software: format!("Permafrost pf-acquire version {}", env!("CARGO_PKG_VERSION")),
        command_line: words.join(" "),
        begun: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        now: String::new(),
    }
}

fn progress_of(stop: &Arc<AtomicBool>) -> Progress {
    Progress::new(Arc::clone(stop))
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
