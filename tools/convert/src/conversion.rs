//! One conversion from opening the source to comparing the copy with it.

use crate::arguments::Arguments;
use crate::carried::{self, WithUnread};
use crate::failure::Failure;
use crate::report::{Outcome, Report, segment_files};
use crate::screen::{Screen, tell};
use acquire::medium::ReadBack;
use acquire::pipeline::{self, Imaged, Limits, PipelineError};
use acquire::progress::Progress;
use evidence::{CaseData, ExtentSet, HashAlgorithm, HashSet};
use formats::{FormatError, ImagePlan, ImageReader, ImageWriter, MediumKind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Carries out what the command line asks for.
pub fn run(arguments: &Arguments) -> Result<Report, Failure> {
    if arguments.name_is_no_name() {
        return Err(Failure::Name);
    }
    let stop = acquire::stop::at_signals();
    let mut source = formats::open(&arguments.source)?;
    let flaws = source.check();
    if !flaws.is_empty() && !arguments.despite_damage {
        return Err(damaged(flaws));
    }
    for flaw in &flaws {
        tell(format_args!("warning: {flaw}"));
    }
    let algorithms = arguments.algorithms(&*source);
    if algorithms.is_empty() {
        return Err(Failure::NoHash);
    }
    let writer = formats::create(arguments.format.kind(), &plan(arguments, &*source))?;
    let writer = Box::new(WithUnread { inner: writer, unread: source.unread().clone() });
    // Another reader of the same image goes through the pipeline; this one is asked what it says.
    let read = formats::open(&arguments.source)?;
    let strict = !arguments.despite_damage;
    let imaged =
        pass(read, Some(writer), &algorithms, Screen::new("converting", source.media_size(), strict), &stop)
            .map_err(|error| Failure::EndedEarly { error, folder: arguments.to.clone() })?;
    compare(&*source, &imaged, &flaws, &algorithms, &stop)
}

fn damaged(flaws: Vec<FormatError>) -> Failure {
    let others = flaws.len().saturating_sub(1);
    match flaws.into_iter().next() {
        Some(first) => Failure::Damaged { first: Box::new(first), others },
        None => Failure::Name,
    }
}

fn plan(arguments: &Arguments, source: &dyn ImageReader) -> ImagePlan {
    let mut plan = ImagePlan {
        base: arguments.base(),
        media_size: source.media_size(),
        sector_size: arguments.sector_size,
        segment_size: arguments.segment_limit(),
        case: CaseData::default(),
        device: None,
        software: format!("Permafrost {}", env!("CARGO_PKG_VERSION")),
        acquired_at: jiff::Timestamp::now().as_second(),
        medium: MediumKind::Part,
    };
    carried::put_into(&mut plan, source, arguments.sector_size);
    plan
}

fn pass(
    image: Box<dyn ImageReader>,
    writer: Option<Box<dyn ImageWriter>>,
    algorithms: &[HashAlgorithm],
    mut screen: Screen,
    stop: &Arc<AtomicBool>,
) -> Result<Imaged, PipelineError> {
    let progress = Progress::new(Arc::clone(stop));
    pipeline::run(&mut ReadBack::new(image), writer, algorithms, Limits::default(), &progress, &mut screen)
}

/// Reads the copy back and compares all that both say.
fn compare(
    source: &dyn ImageReader,
    imaged: &Imaged,
    flaws: &[FormatError],
    algorithms: &[HashAlgorithm],
    stop: &Arc<AtomicBool>,
) -> Result<Report, Failure> {
    let first = imaged.segments().first().map(|segment| segment.path.clone()).unwrap_or_default();
    let mut copy = formats::open(&first).map_err(Failure::Copy)?;
    let mut mismatches: Vec<String> = copy.check().iter().map(|flaw| format!("the copy: {flaw}")).collect();
    let again = formats::open(&first).map_err(Failure::Copy)?;
    let screen = Screen::new("reading back", copy.media_size(), false);
    let read_back = pass(again, None, algorithms, screen, stop).map_err(Failure::NotReadBack)?;
    if !read_back.unread.is_empty() || copy.media_size() != source.media_size() {
        mismatches.push("the copy can't be read back as a whole".to_owned());
    }
    // Parts that could not be had are zeros in the copy; what the source states is of the whole.
    let stated = if imaged.unread.is_empty() { source.stored_hashes() } else { &HashSet::new() };
    for (who, hashes) in [
        ("the source states", stated),
        ("the copy read back has", &read_back.hashes),
        ("the copy states", copy.stored_hashes()),
    ] {
        mismatches.extend(different(who, hashes, &imaged.hashes));
    }
    let outcome = match (mismatches.is_empty(), imaged.unread.is_empty() && flaws.is_empty()) {
        (false, _) => Outcome::Different,
        (true, true) => Outcome::Same,
        (true, false) => Outcome::SameButForDamage,
    };
    Ok(Report {
        outcome,
        source_format: source.format_name(),
        source_segments: segment_files(source.segments()),
        copy_format: copy.format_name(),
        copy_segments: segment_files(imaged.segments()),
        media_size: source.media_size(),
        hashes: imaged.hashes.clone(),
        stated_by_source: source.stored_hashes().clone(),
        unread: union(source.unread(), &imaged.unread),
        damaged: imaged.unread.clone(),
        flaws: flaws.iter().map(ToString::to_string).collect(),
        not_carried: carried::losses(source, &*copy),
        mismatches,
    })
}

fn different(who: &str, stated: &HashSet, computed: &HashSet) -> Vec<String> {
    stated
        .iter()
        .filter_map(|(algorithm, value)| {
            let computed = computed.get(algorithm)?;
            (computed != value)
                .then(|| format!("{algorithm}: {who} {value}, the medium's bytes as read have {computed}"))
        })
        .collect()
}

fn union(one: &ExtentSet, other: &ExtentSet) -> ExtentSet {
    one.iter().chain(other.iter()).collect()
}
