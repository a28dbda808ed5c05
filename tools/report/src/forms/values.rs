//! What of a record fills a field of a form.

use crate::account::Account;
use crate::disk_words;
use crate::language::{Language, grouped};
use crate::narrative;
use crate::text::clipped;
use record::{AcquisitionOpened, GuardReport, ImageClosed};

const CHINESE: Language = Language::Chinese;

/// Characters of a part of a value.
const PART: usize = 300;

/// Entries that a process is told in.
const MOST_STEPS: usize = 12;

/// Every word a template can use.
#[cfg(test)]
pub const WORDS: [&str; 27] = [
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
        _ => None,
    }
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
