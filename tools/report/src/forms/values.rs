//! What of a record fills a field of a form.

use crate::account::Account;
use crate::case;
use crate::disk_words;
use crate::language::{Language, grouped};
use crate::narrative;
use crate::text::clipped;
use evidence::{Case, CaseField, FEWEST_INVESTIGATORS, Plain};
use record::{AcquisitionOpened, GuardReport, ImageClosed};

const CHINESE: Language = Language::Chinese;

/// Characters of a part of a value.
const PART: usize = 300;

/// Entries that a process is told in.
const MOST_STEPS: usize = 12;

/// Every word a template can use.
#[cfg(test)]
pub const WORDS: [&str; 49] = [
    "number",
    "case-number",
    "examiner",
    "began",
    "ended",
    "item",
    "make-and-model",
    "serial",
    "wwn",
    "firmware-and-transport",
    "capacity",
    "hidden-areas",
    "protection",
    "commands",
    "tool",
    "plan",
    "process",
    "unread",
    "outcome",
    "hashes",
    "verification",
    "chain-head",
    "files",
    "format",
    "category",
    "size",
    "source",
    "cause",
    "agency",
    "legal_basis",
    "investigators",
    "holder",
    "witness-or-reason",
    "place",
    "machine-clock",
    "purpose",
    "not_seized_because",
    "kept_at",
    "seals-before",
    "seals",
    "seal_method",
    "seal_after",
    "seal-states",
    "photos-before",
    "photos-after",
    "appearance",
    "keeper-and-place",
    "video-and-hash",
    "remarks",
];

/// The value by that word; `None` where the record does not have it.
pub fn value(word: &str, account: &Account) -> Option<String> {
    let opened = account.opened.as_deref();
    let image = account.image.as_deref();
    match word {
        "number" => Some("1".to_owned()),
        "category" => Some("存储介质镜像".to_owned()),
        "chain-head" => Some(account.chain.head.to_string()),
        "began" => account.period.as_ref().map(|(began, _)| CHINESE.time(began)),
        "ended" => account.closed.as_ref().and(account.period.as_ref()).map(|(_, ended)| CHINESE.time(ended)),
        "process" => process(account),
        "outcome" => {
            account.closed.as_ref().map(|closed| narrative::outcome(closed.outcome, CHINESE).to_owned())
        }
        "verification" => verification(account),
        "commands" => account.commands.as_ref().map(|commands| {
            let totals = commands.totals;
            format!(
                "放行 {} 条，吸收 {} 条，拒绝 {} 条；逐条见取证记录",
                grouped(totals.passed),
                grouped(totals.absorbed),
                grouped(totals.refused)
            )
        }),
        "hidden-areas" => hidden_areas(account),
        "unread" => image.map(unread),
        "hashes" => image.filter(|image| !image.hashes.is_empty()).map(hashes),
        "files" => image.and_then(files),
        "size" => image.map(|image| CHINESE.size(image.media_size)),
        _ => opened.and_then(|opened| of_the_opening(word, opened)),
    }
}

/// What the first entry has.
fn of_the_opening(word: &str, opened: &AcquisitionOpened) -> Option<String> {
    let given = |text: &str| (!text.is_empty()).then(|| clipped(text, PART));
    let (case, source) = (&opened.case, &opened.source);
    match word {
        "case-number" => given(&case.case_number),
        "examiner" => given(&case.examiner),
        "item" => all([given(&case.evidence_number), given(&case.description)]),
        "make-and-model" => {
            all([source.make.as_deref().and_then(given), source.model.as_deref().and_then(given)])
        }
        "serial" => source.serial.as_deref().and_then(given),
        "wwn" => source.wwn.as_deref().and_then(given),
        "firmware-and-transport" => {
            all([source.firmware.as_deref().and_then(given), Some(source.transport.to_string())])
        }
        "capacity" => Some(format!(
            "{}，{} 个扇区，每扇区 {} 字节",
            CHINESE.size(source.capacity),
            grouped(source.logical_sector.sectors_in(source.capacity).0),
            source.logical_sector.bytes()
        )),
        "source" => all([
            source.make.as_deref().and_then(given),
            source.model.as_deref().and_then(given),
            source.serial.as_deref().and_then(given).map(|serial| format!("序列号 {serial}")),
        ]),
        "protection" => Some(match &opened.guard {
            GuardReport::InForce { .. } => {
                "内核写保护模块（evidence guard）：只放行规则表列明不会改动介质的命令，断电前不可撤销"
                    .to_owned()
            }
            GuardReport::NotADisk { reason } => {
                format!("写保护模块生效；源不是独立磁盘：{}", clipped(reason, PART))
            }
            GuardReport::Unguarded => "取证内核没有写保护；如使用其他写保护设备，请注明：".to_owned(),
        }),
        "tool" => all([
            Some(clipped(format!("{} {}", opened.software.name, opened.software.version), PART)),
            opened.environment.image.as_deref().and_then(given),
        ]),
        "plan" => all([given(&opened.plan.format), given(&opened.plan.destination)]),
        "format" => given(&opened.plan.format),
        _ => of_the_case(word, case),
    }
}

/// How many blanks a value leaves for what of it is not given.
pub fn left(word: &str, account: &Account) -> usize {
    let Some(case) = account.opened.as_deref().map(|opened| &opened.case) else { return 0 };
    match word {
        "investigators" => FEWEST_INVESTIGATORS.saturating_sub(case.investigators.len()),
        "machine-clock" => {
            let parts = [&case.machine_time, &case.reference_time, &case.reference_source];
            let compared = case.no_machine_time_because.is_empty();
            usize::from(compared && parts.iter().any(|part| part.is_empty()))
        }
        "video-and-hash" => usize::from(case.video.is_empty() || case.video_sha256.is_empty()),
        "keeper-and-place" => usize::from(case.keeper.is_empty() || case.kept_at.is_empty()),
        "seals-before" if case.no_seal_because.is_empty() => {
            usize::from(case.seal_numbers.is_empty() || case.seal_before.is_empty())
        }
        // When it was opened and by whom, nobody is asked.
        "seal-states" => [&case.seal_before, &case.seal_after]
            .into_iter()
            .filter(|state| state.is_empty())
            .count()
            .saturating_add(2),
        _ => 0,
    }
}

/// What the case file said: a field by its key, or several together.
fn of_the_case(word: &str, case: &Case) -> Option<String> {
    let given = |text: &str| (!text.is_empty()).then(|| clipped(text, PART));
    let named = |name: &str, text: &str| given(text).map(|text| format!("{name}：{text}"));
    let seals = |between: &str| {
        let seals: Vec<String> = case.seal_numbers.iter().map(|seal| clipped(seal, PART)).collect();
        (!seals.is_empty()).then(|| seals.join(between))
    };
    match word {
        "witness-or-reason" => {
            given(&case.witness).or_else(|| named("没有符合条件的见证人，原因", &case.no_witness_because))
        }
        "machine-clock" => machine_clock(case),
        "seals" => seals("\n").or_else(|| named("未封存，原因", &case.no_seal_because)),
        "seals-before" => {
            all([seals("、").map(|seals| format!("封条编号：{seals}")), given(&case.seal_before)])
                .or_else(|| named("未封存，原因", &case.no_seal_because))
        }
        "seal-states" => all([named("拆封前", &case.seal_before), named("重新封存后", &case.seal_after)]),
        "photos-before" => plain_lines(case::photos(case, Some("before"), CHINESE)?),
        "photos-after" => plain_lines(case::photos(case, Some("after"), CHINESE)?),
        "keeper-and-place" => all([given(&case.keeper), given(&case.kept_at)]),
        "video-and-hash" => all([given(&case.video), named("SHA-256", &case.video_sha256)]),
        key => {
            let field = CaseField::find(key).filter(|field| field.is_given(case))?;
            plain_lines(case::answer(field, case, CHINESE))
        }
    }
}

fn plain_lines(text: String) -> Option<String> {
    Some(text.lines().map(|line| Plain(line).to_string()).collect::<Vec<_>>().join("\n"))
}

fn machine_clock(case: &Case) -> Option<String> {
    let Some(offset) = case.clock_offset_seconds else {
        let reason = &case.no_machine_time_because;
        let shown = [("原机", &case.machine_time), ("标准时间", &case.reference_time)];
        let shown =
            shown.map(|(name, time)| (!time.is_empty()).then(|| format!("{name} {}", clipped(time, 40))));
        let reason = (!reason.is_empty()).then(|| clipped(format!("未核对，原因：{reason}"), PART));
        let [machine, reference] = shown;
        return all([machine, reference, reason]);
    };
    let (machine, reference) = (clipped(&case.machine_time, 40), clipped(&case.reference_time, 40));
    let source = clipped(&case.reference_source, PART);
    let source = if source.is_empty() { source } else { format!("（{source}）") };
    Some(format!("原机 {machine}，标准时间 {reference}{source}；{}", case::clock_offset(offset, CHINESE)))
}

/// Those that there are.
fn all<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let there: Vec<String> = parts.into_iter().flatten().collect();
    (!there.is_empty()).then(|| there.join("，"))
}

/// The entries that tell the course of it; ranges and checkpoints stand in the record.
fn process(account: &Account) -> Option<String> {
    const TOLD: [&str; 9] = [
        "acquisition-opened",
        "resume-begun",
        "rescue-begun",
        "rescue-ended",
        "destination-failed",
        "interrupted",
        "image-closed",
        "verification",
        "closed",
    ];
    let rows = account.timeline.rows.iter().filter(|row| TOLD.contains(&row.kind.as_str())).take(MOST_STEPS);
    let steps: Vec<String> = rows
        .map(|row| format!("{} {}", CHINESE.time(&row.time), clipped(row.sentence(CHINESE), 160)))
        .collect();
    (!steps.is_empty()).then(|| steps.join("\n"))
}

fn verification(account: &Account) -> Option<String> {
    let matches =
        !account.verifications.is_empty() && account.verifications.iter().all(|result| result.matches);
    match (account.verifications.is_empty(), matches) {
        (true, _) => None,
        (false, true) => Some("从目标介质回读，全部校验值与固定时一致".to_owned()),
        (false, false) => Some("从目标介质回读，与固定时不一致".to_owned()),
    }
}

fn hidden_areas(account: &Account) -> Option<String> {
    let report = account.disk_says.as_ref()?;
    let (answers, _) = disk_words::answers(report, CHINESE);
    let areas = answers.iter().take(report.areas.len()).take(8);
    let told: Vec<String> =
        areas.map(|answer| format!("{}：{}", answer.what, clipped(&answer.said, 150))).collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

fn unread(image: &ImageClosed) -> String {
    if image.unread.is_empty() {
        return "全部扇区均已读取".to_owned();
    }
    format!("未能读取 {}，共 {} 处", CHINESE.size(image.unread.total()), image.unread.len())
}

fn hashes(image: &ImageClosed) -> String {
    let values = image.hashes.iter().map(|(algorithm, digest)| format!("{algorithm}：{digest}"));
    values.collect::<Vec<_>>().join("\n")
}

fn files(image: &ImageClosed) -> Option<String> {
    match image.segments.as_slice() {
        [] => None,
        [one] => Some(clipped(&one.name, PART)),
        [first, .., last] => Some(format!(
            "{} 至 {}，共 {} 个文件",
            clipped(&first.name, 100),
            clipped(&last.name, 100),
            image.segments.len()
        )),
    }
}
