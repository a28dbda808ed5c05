//! The middle of the screen, for each view.

use super::{ALARM, Body, DANGER, GOOD, STRONG};
use crate::desk::{Deed, Desk, Place, View, places};
use crate::disk::{Disk, DiskId, Standing};
use crate::job::{Course, Ending, Job, Outcome};
use crate::settings::{CHOICES, Choice, Reread};
use crate::words::{self, Text};
use case_file::Language;
use evidence::ByteCount;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// Rows of the curve of speed; each shows two levels.
const CURVE_ROWS: u64 = 4;
/// Columns of the curve.
const CURVE_COLUMNS: usize = 76;

pub(super) fn of(desk: &Desk) -> Body {
    let language = desk.language;
    match &desk.view {
        View::Disks => disks(desk),
        View::Disk { disk, row } => disk_view(desk, disk, *row),
        View::Serial { disk, typed } => serial(desk, disk, typed, words::TYPE_SERIAL),
        View::Format { disk, typed, .. } => serial(desk, disk, typed, words::TYPE_SERIAL_TO_FORMAT),
        View::Volumes { disk, row } => volumes(desk, disk, *row),
        View::Case { row, typing, .. } => case(desk, *row, *typing),
        View::CasePath { typed, .. } => {
            let mut body = Body::new(words::CASE.say(language));
            body.say(words::CASE_PATH.say(language));
            body.say_in(format!("  {typed}_"), STRONG);
            body
        }
        View::Settings { source, row, typing } => settings(desk, source, *row, *typing),
        View::Job { job, stopping, scroll } => match desk.jobs.get(*job) {
            Some(job) => {
                let mut body = acquisition(desk.disk(&job.source), job, *stopping, language);
                body.scroll = *scroll;
                body
            }
            None => Body::new(""),
        },
        View::PowerOff => {
            let mut body = Body::new("");
            body.say_in(words::SURE_TO_END.say(language), ALARM);
            body
        }
        View::Leave => {
            let mut body = Body::new("");
            body.say_in(words::SURE_TO_LEAVE.say(language), ALARM);
            body
        }
    }
}

/// Text in so many columns, cut with a tilde or filled with spaces.
fn column(text: &str, width: usize) -> String {
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if cut.width() > width {
            while cut.width() >= width {
                cut.pop();
            }
            cut.push('~');
            break;
        }
    }
    let fill = width.saturating_sub(cut.width());
    format!("{cut}{}", " ".repeat(fill))
}

fn state(standing: Standing, language: Language) -> &'static str {
    match standing {
        Standing::Blocked => words::BLOCKED,
        Standing::Evidence => words::EVIDENCE,
        Standing::Writable => words::WRITABLE,
        Standing::NotGuarded => words::NOT_GUARDED,
    }
    .say(language)
}

fn row_of(cells: [&str; 6]) -> String {
    let [name, size, bus, state, model, serial] = cells;
    format!(
        "{} {} {} {} {} {serial}",
        column(name, 8),
        column(size, 9),
        column(bus, 7),
        column(state, 9),
        column(model, 20)
    )
}

fn row_of_disk(disk: &Disk, language: Language) -> String {
    let mark = if disk.all_warnings().next().is_none() { "" } else { " !" };
    row_of([
        &disk.id.name,
        &disk.size(),
        &disk.transport,
        state(disk.standing, language),
        &disk.model,
        &format!("{}{mark}", disk.serial()),
    ])
}

fn disks(desk: &Desk) -> Body {
    let language = desk.language;
    let say = |text: Text| text.say(language);
    let mut body = Body::new(say(words::DISKS));
    for warning in &desk.machine_warnings {
        body.say_in(format!("{}: {warning}", say(words::WARNING)), ALARM);
    }
    if desk.disks.is_empty() {
        body.say(say(words::NO_DISKS));
    } else {
        let heads =
            [words::DISK, words::SIZE, words::BUS, words::STATE, words::MODEL, words::SERIAL].map(say);
        body.say_in(format!("  {}", row_of(heads)), STRONG);
    }
    for (number, disk) in desk.disks.iter().enumerate() {
        body.choice(row_of_disk(disk, language), number == desk.row);
    }
    if let Some(disk) = desk.disks.get(desk.row) {
        body.say("");
        content(disk, language, &mut body);
    }
    body.say("");
    body.say_in(say(words::DESTINATIONS), STRONG);
    if desk.folders.is_empty() {
        body.say(format!("  {}", say(words::NONE_YET)));
    }
    for (folder, about) in &desk.folders {
        let free = about.free.map_or_else(|| "?".to_owned(), |free| ByteCount(free).short());
        body.say(format!("  {folder}  {}  {free} {}", about.disk.name, say(words::FREE)));
    }
    if !desk.jobs.is_empty() {
        body.say("");
        body.say_in(say(words::ACQUISITIONS), STRONG);
    }
    for (number, job) in desk.jobs.iter().enumerate() {
        let (text, style) = one_line(job, language);
        body.say_in(
            format!("  {}  {}  {}  {text}", number.saturating_add(1), job.evidence, job.source.name),
            style,
        );
    }
    body
}

fn content(disk: &Disk, language: Language, body: &mut Body) {
    let what = if disk.content.is_empty() { words::NOTHING_RECOGNISED.say(language) } else { &disk.content };
    body.say(format!("  {}: {what}", disk.path));
    for volume in disk.volumes.iter().filter(|volume| volume.path != disk.path) {
        let what =
            if volume.content.is_empty() { words::NOTHING_RECOGNISED.say(language) } else { &volume.content };
        body.say(format!(
            "  {}  {}  {what}",
            column(&volume.path, 16),
            column(&ByteCount(volume.size).short(), 10)
        ));
    }
    warmth(disk, language, body);
    if disk.refused > 0 {
        body.say(format!("  {} {}", disk.refused, words::REFUSED.say(language)));
    }
    for warning in disk.all_warnings() {
        body.say_in(format!("  {}: {warning}", words::WARNING.say(language)), ALARM);
    }
}

/// How warm a disk is.
fn warmth(disk: &Disk, language: Language, body: &mut Body) {
    if let Some(celsius) = disk.celsius() {
        body.say(format!("  {celsius} °C {}", words::WARMTH.say(language)));
    }
}

/// A body that begins with the disk that it speaks of.
fn about(disk: &Disk, title: impl Into<String>, language: Language) -> Body {
    let mut body = Body::new(title);
    body.say(row_of_disk(disk, language));
    content(disk, language, &mut body);
    body.say("");
    body
}

fn disk_view(desk: &Desk, id: &DiskId, row: usize) -> Body {
    let language = desk.language;
    let Some(disk) = desk.disk(id) else { return Body::new("") };
    let mut body = about(disk, id.name.clone(), language);
    let deeds = desk.deeds(id);
    if deeds.is_empty() {
        body.say(words::NOTHING_TO_DO.say(language));
    }
    for (number, deed) in deeds.iter().enumerate() {
        let text = match deed {
            Deed::TakeAsSource => words::TAKE_AS_SOURCE,
            Deed::Image => words::IMAGE,
            Deed::UseAsDestination => words::USE_AS_DESTINATION,
            Deed::ChooseVolume => words::CHOOSE_VOLUME,
            Deed::Release => words::RELEASE,
        };
        body.choice(text.say(language), number == row);
    }
    body
}

fn serial(desk: &Desk, id: &DiskId, typed: &str, question: Text) -> Body {
    let language = desk.language;
    let Some(disk) = desk.disk(id) else { return Body::new("") };
    let mut body = about(disk, id.name.clone(), language);
    body.say_in(question.say(language), DANGER);
    body.say(format!("  {}: {}", words::SERIAL_IS.say(language), disk.serial()));
    body.say("");
    body.say_in(format!("  {typed}_"), STRONG);
    body
}

fn volumes(desk: &Desk, id: &DiskId, row: usize) -> Body {
    let language = desk.language;
    let Some(disk) = desk.disk(id) else { return Body::new("") };
    let mut body = about(disk, words::WHERE_TO.say(language), language);
    for (number, place) in places(disk).iter().enumerate() {
        let text = match place {
            Place::Volume(path, kind) => {
                format!("{} {path} ({})", words::USE_VOLUME.say(language), kind.name())
            }
            Place::Format(kind) => format!(
                "{} {} - {}",
                words::FORMAT_WITH.say(language),
                kind.file_system().name(),
                words::FORMAT_LOSES.say(language)
            ),
        };
        body.choice(text, number == row);
    }
    body
}

fn case(desk: &Desk, row: usize, typing: bool) -> Body {
    let language = desk.language;
    let lacks = desk.lacks();
    let title = if lacks.is_empty() {
        format!("{}: {}", words::CASE.say(language), words::COMPLETE.say(language))
    } else {
        format!("{}: {} {}", words::CASE.say(language), lacks.len(), words::MISSING.say(language))
    };
    let mut body = Body::new(title);
    for (number, line) in desk.form.lines().iter().enumerate() {
        let mark = if line.is_lacking(&lacks) { '*' } else { ' ' };
        let value = desk.form.value(line).replace('\n', " / ");
        let cursor = if typing && number == row { "_" } else { "" };
        body.choice(format!("{mark}{} {value}{cursor}", column(&line.name(language), 38)), number == row);
        let hint = line.hint(language);
        if number == row && !hint.is_empty() {
            body.say(format!("     ({hint})"));
        }
    }
    body
}

fn settings(desk: &Desk, source: &DiskId, row: usize, typing: bool) -> Body {
    let language = desk.language;
    let say = |text: Text| text.say(language).to_owned();
    let mut body = Body::new(say(words::HOW_TO_IMAGE));
    let (Some(disk), Some(settings)) = (desk.disk(source), desk.settings.get(source)) else { return body };
    body.say(row_of_disk(disk, language));
    for warning in disk.all_warnings() {
        body.say_in(format!("  {}: {warning}", words::WARNING.say(language)), ALARM);
    }
    body.say("");
    let yes = |yes: bool| say(if yes { words::YES } else { words::NO });
    let lacks = desk.lacks().len();
    for (number, choice) in CHOICES.iter().enumerate() {
        let (name, value) = match choice {
            Choice::Evidence => (words::EVIDENCE_NUMBER, settings.evidence.clone()),
            Choice::Description => (words::DESCRIPTION, settings.description.clone()),
            Choice::Format => (words::FORMAT, settings.format.word().to_uppercase()),
            Choice::Hashes => (words::HASHES, settings.hashes.word().to_owned()),
            Choice::Rescue => (words::RESCUE, yes(settings.rescue)),
            Choice::Reread => (
                words::REREAD,
                say(match settings.reread {
                    Reread::Nothing => words::NO,
                    Reread::Hundredth => words::ONE_PERCENT,
                    Reread::All => words::ALL_OF_IT,
                }),
            ),
            Choice::Resume if settings.rescue => (words::RESUME, say(words::BY_ITSELF)),
            Choice::Resume => (words::RESUME, yes(settings.resume)),
            Choice::Case if lacks == 0 => (words::CASE_DATA, say(words::COMPLETE)),
            Choice::Case => (words::CASE_DATA, format!("{lacks} {}", say(words::MISSING))),
            Choice::Start => (words::START, String::new()),
        };
        let cursor = if typing && number == row { "_" } else { "" };
        body.choice(format!("{} {value}{cursor}", column(name.say(language), 36)), number == row);
    }
    body.say("");
    body.say_in(say(words::DESTINATIONS), STRONG);
    let used = desk.folders_of(settings);
    for folder in desk.newest_folders() {
        let Some(about) = desk.folders.get(folder) else { continue };
        if !used.contains(&folder) {
            body.say(format!("  {folder}  {}", say(words::NOT_USED)));
            continue;
        }
        let free = about.free.map_or_else(|| "?".to_owned(), |free| ByteCount(free).short());
        body.say(format!("  {folder}  {free} {}", say(words::FREE)));
        if about.free.is_some_and(|free| free < disk.id.capacity) {
            body.say_in(format!("  {}", say(words::ROOM)), ALARM);
        }
    }
    if desk.folders.is_empty() {
        body.say_in(format!("  {}", say(words::NO_DESTINATION)), ALARM);
    }
    body
}

fn one_line(job: &Job, language: Language) -> (String, Style) {
    match &job.course {
        Course::Running => (progress(job, language), Style::new()),
        Course::Paused => (format!("{}  {}", words::PAUSED.say(language), progress(job, language)), ALARM),
        Course::Stopping => (words::STOPPING.say(language).to_owned(), ALARM),
        Course::Ended(ending) => {
            let (text, style) = verdict(ending, job.is_rescue);
            (text.say(language).to_owned(), style)
        }
    }
}

fn progress(job: &Job, language: Language) -> String {
    let reached = &job.reached;
    let percent =
        u128::from(reached.done).saturating_mul(100).checked_div(u128::from(reached.total)).unwrap_or(0);
    let left = match job.seconds_left() {
        Some(left) => format!("{}:{:02}:{:02}", left / 3600, left / 60 % 60, left % 60),
        None => "?".to_owned(),
    };
    let rate = ByteCount(job.curve.last().copied().unwrap_or(0)).short();
    format!(
        "{} {percent}% {} / {}  {rate}/s  {} {left}",
        reached.deed,
        ByteCount(reached.done).short(),
        ByteCount(reached.total).short(),
        words::LEFT.say(language)
    )
}

/// As `pf-acquire --help` tells its exit codes.
fn verdict(ending: &Ending, is_rescue: bool) -> (Text, Style) {
    match ending.code {
        Some(4) if is_rescue => (words::RESCUE_DESTINATION_FAILED, DANGER),
        Some(5) if is_rescue => (words::RESCUE_INTERRUPTED, ALARM),
        None if is_rescue => (words::RESCUE_KILLED, DANGER),
        Some(0) => (words::VERIFIED, GOOD),
        Some(1) => (words::NOT_VERIFIED, DANGER),
        Some(3) => match &ending.result {
            Some(result) if result.unread.is_empty() && !result.unstable.is_empty() => {
                (words::VERIFIED_BUT_UNSTABLE, ALARM)
            }
            _ => (words::VERIFIED_WITH_GAPS, ALARM),
        },
        Some(4) => (words::DESTINATION_FAILED, DANGER),
        Some(5) => (words::INTERRUPTED, ALARM),
        Some(6) => (words::SOURCE_FAILED, DANGER),
        Some(7) => (words::ONE_OF_TWO, ALARM),
        None => (words::KILLED, DANGER),
        _ => (words::REFUSED_TO_START, DANGER),
    }
}

fn acquisition(source: Option<&Disk>, job: &Job, stopping: bool, language: Language) -> Body {
    let mut body = Body::new(format!("{}  {}", job.evidence, job.source.name));
    let (text, style) = one_line(job, language);
    body.say_in(text, style);
    if stopping {
        body.say_in(words::SURE_TO_STOP.say(language), DANGER);
    }
    if let Course::Ended(Ending { result: Some(result), .. }) = &job.course {
        // First what is wrong with it: on a small screen the end of a long result is out of sight.
        warnings(result, language, &mut body);
        for (algorithm, value) in &result.hashes {
            body.say_in(format!("{:<8} {value}", algorithm.to_uppercase()), STRONG);
        }
        body.say(format!("{}: {}", words::RECORD.say(language), result.record));
        body.say(format!("{}:", words::FINGERPRINT.say(language)));
        body.say_in(format!("  {}", result.fingerprint), STRONG);
        body.say_in(words::PHOTOGRAPH.say(language), ALARM);
        for words in result.words.chunks(4) {
            let words: Vec<String> =
                words.iter().map(|word| format!("{:<14}", word.to_uppercase())).collect();
            body.say_in(format!("    {}", words.join("  ")), STRONG);
        }
    } else {
        if job.reached.unread > 0 {
            let unread = ByteCount(job.reached.unread).short();
            body.say_in(format!("{unread} {}", words::UNREAD.say(language)), ALARM);
        }
        if let Some(source) = source {
            warmth(source, language, &mut body);
        }
        curve(job, language, &mut body);
    }
    body.say("");
    let newest = job.said.len().saturating_sub(8);
    job.said.iter().skip(newest).for_each(|line| body.say(line.clone()));
    body
}

/// What an examiner must know of the result.
fn warnings(result: &Outcome, language: Language, body: &mut Body) {
    let mut warn = |text: String| body.say_in(format!("{}: {text}", words::WARNING.say(language)), ALARM);
    for (spread, what) in [(result.unread, words::UNREAD_IN), (result.unstable, words::UNSTABLE_IN)] {
        if !spread.is_empty() {
            warn(format!(
                "{} {} {} {}",
                ByteCount(spread.bytes).short(),
                what.say(language),
                spread.ranges,
                words::RANGES.say(language)
            ));
        }
    }
    result.warnings.iter().for_each(|warning| warn(warning.clone()));
}

/// The curve of speed by half blocks, which every font of a text console has.
fn curve(job: &Job, language: Language, body: &mut Body) {
    let points = job.curve.get(job.curve.len().saturating_sub(CURVE_COLUMNS)..).unwrap_or_default();
    let most = points.iter().copied().max().unwrap_or(0).max(1);
    body.say("");
    body.say(format!("{}  (max {}/s)", words::SPEED.say(language), ByteCount(most).short()));
    let steps = CURVE_ROWS.saturating_mul(2);
    for row in (0..CURVE_ROWS).rev() {
        let line: String = points
            .iter()
            .map(|&point| {
                let level = u128::from(point).saturating_mul(u128::from(steps)).div_ceil(u128::from(most));
                match level.saturating_sub(u128::from(row).saturating_mul(2)) {
                    0 => ' ',
                    1 => '▄',
                    _ => '█',
                }
            })
            .collect();
        body.say_in(format!("  {line}"), GOOD);
    }
}
