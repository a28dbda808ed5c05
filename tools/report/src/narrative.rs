//! What an entry says, as a sentence.

use crate::language::{Language, grouped};
use crate::protection::Commands;
use crate::text::{self, field};
use evidence::{ByteCount, DeviceIdentity, Extent, Finding, SelfReport};
use record::{
    Content, Entry, FaultPolicy, MeasuredBoot, Outcome, RescuePass, ResumeBegun, TpmPresence, Verification,
};

/// Characters of a part of a sentence: the sentence stays bounded too.
const PART: usize = 200;

/// What the entry says.
pub fn sentence(content: &Content, language: Language) -> String {
    match content {
        Content::Known(entry) => known(entry, language),
        // As it stands, but for its kind, which has a place of its own.
        Content::Unknown(value) => match value.as_object() {
            Some(fields) => {
                let shown = fields.iter().filter(|(name, _)| *name != "kind").take(20);
                let shown = shown.map(|(name, value)| format!("{}={}", part(name), part(value)));
                field(shown.collect::<Vec<_>>().join(", "))
            }
            None => field(value),
        },
    }
}

fn measured_boot(boot: &MeasuredBoot, language: Language) -> String {
    let words = |text: &Option<String>| part(text.as_deref().unwrap_or_default());
    if boot.tpm == TpmPresence::None {
        let reason = words(&boot.reason);
        return language.pick(
            format!("How the machine was started could not be read: {reason}"),
            format!("未能读取启动过程的 TPM 度量值：{reason}"),
        );
    }
    let banks = boot.banks.iter().flatten().filter(|(_, values)| values.iter().any(Option::is_some));
    let banks = part(banks.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
    let version = words(&boot.version);
    let (english, chinese) = match banks.is_empty() {
        true => ("no PCR value could be read".to_owned(), "未能读取 PCR 值".to_owned()),
        false => (format!("PCR values of {banks}"), format!("已记录 PCR 值（{banks}）")),
    };
    let sha256 = boot.event_log.as_ref().and_then(|log| log.sha256.as_ref());
    let log = match sha256 {
        Some(sha256) => {
            language.pick(format!("event log with SHA-256 {sha256}"), format!("事件日志的 SHA-256：{sha256}"))
        }
        None => {
            let reason = boot.event_log.as_ref().map(|log| words(&log.reason)).unwrap_or_default();
            language.pick(format!("no event log: {reason}"), format!("没有事件日志：{reason}"))
        }
    };
    language.pick(
        format!("TPM {version} of the machine: {english}; {log}"),
        format!("本机 TPM {version}：{chinese}；{log}"),
    )
}

fn part(text: impl std::fmt::Display) -> String {
    text::clipped(text, PART)
}

fn known(entry: &Entry, language: Language) -> String {
    let pick = |english: String, chinese: String| language.pick(english, chinese);
    match entry {
        Entry::AcquisitionOpened(opened) => {
            let disk = disk(&opened.source, language);
            let tool = part(format!("{} {}", opened.software.name, opened.software.version));
            let format = part(&opened.plan.format);
            pick(
                format!("Acquisition of {disk} begun with {tool}; format of the image: {format}"),
                format!("开始固定源介质 {disk}；工具：{tool}；镜像格式：{format}"),
            )
        }
        Entry::MeasuredBoot(boot) => measured_boot(boot, language),
        Entry::HiddenAreas(said) => hidden(said, language),
        Entry::ReadError { extent, error, action } => {
            let (place, error, action) = (place(*extent, language), part(error), part(action));
            pick(
                format!("{place} could not be read: {error}; {action}"),
                format!("{place}读取失败：{error}；处理方式：{action}"),
            )
        }
        Entry::GuardEvents { events, omitted } => {
            let (kept, left_out) =
                (grouped(u64::try_from(events.len()).unwrap_or(u64::MAX)), grouped(*omitted));
            pick(
                format!("Events of the guard on the source: {kept} kept, {left_out} left out"),
                format!("写保护模块在源介质上的事件：保留 {kept} 条，略去 {left_out} 条"),
            )
        }
        Entry::GuardCommands { commands } => {
            let counted = Commands::of(commands);
            let kinds = grouped(u64::try_from(commands.len()).unwrap_or(u64::MAX));
            let t = counted.totals;
            let (passed, absorbed, refused) = (grouped(t.passed), grouped(t.absorbed), grouped(t.refused));
            pick(
                format!(
                    "Commands to the source, {kinds} kinds: {passed} passed, {absorbed} absorbed, {refused} refused"
                ),
                format!("发往源介质的命令共 {kinds} 种：放行 {passed}，吸收 {absorbed}，拒绝 {refused}"),
            )
        }
        Entry::Note { text } => field(text),
        Entry::DestinationFailed { destination, error } => {
            let (destination, error) = (part(destination), part(error));
            pick(
                format!("The image at {destination} will not be whole: {error}"),
                format!("目标位置 {destination} 的镜像不完整：{error}"),
            )
        }
        Entry::CloneDisk(clone) => {
            let (disk, cloned) = (disk(&clone.disk, language), language.size(clone.cloned));
            let left_out = language.size(clone.truncated);
            pick(
                format!("The source is cloned onto {disk}: {cloned}; without room and left out: {left_out}"),
                format!("将源介质复制到 {disk}：{cloned}；因空间不足未复制：{left_out}"),
            )
        }
        Entry::Leaves(leaves) => {
            let count = grouped(u64::try_from(leaves.values.len()).unwrap_or(u64::MAX));
            let size = language.size(leaves.leaf_size);
            pick(
                format!(
                    "Hash values of parts of the medium, to find the place of a change by: {count}, each of {size}"
                ),
                format!("介质分块哈希值（用于定位改动）：{count} 个，每块 {size}"),
            )
        }
        Entry::FaultPolicy(policy) => fault_policy(policy, language),
        Entry::RescueBegun(begun) => {
            let (raw, map, before) = (part(&begun.raw), part(&begun.map), language.size(begun.finished));
            pick(
                format!("Recovery into {raw} with map {map}; recovered before: {before}"),
                format!("开始多轮恢复读取，数据文件 {raw}，映射文件 {map}；此前已恢复 {before}"),
            )
        }
        Entry::RescuePass(pass) => rescue_pass(pass, language),
        Entry::RescueEnded(ended) => {
            let (recovered, abandoned) = (language.size(ended.recovered), grouped(ended.abandoned));
            pick(
                format!("Recovery over: {recovered} recovered, {abandoned} reads given up on"),
                format!("恢复读取结束：恢复 {recovered}，放弃无应答的读取 {abandoned} 次"),
            )
        }
        Entry::Unstable(unstable) => {
            let place = place(unstable.extent, language);
            match &unstable.other_sha256 {
                Some(_) => pick(
                    format!("{place}: the second reading differs; the first is in the image"),
                    format!("{place}两次读取结果不一致；镜像中保留第一次读取的内容"),
                ),
                None => pick(
                    format!("{place}: could not be read a second time; the first reading is in the image"),
                    format!("{place}第二次读取失败；镜像中保留第一次读取的内容"),
                ),
            }
        }
        Entry::Reread(reread) => {
            let (compared, unstable) = (language.size(reread.compared), language.size(reread.unstable));
            let early = reread.ended_early.as_ref().map(|why| {
                let why = part(why);
                pick(format!("; ended early: {why}"), format!("；提前结束：{why}"))
            });
            let told = pick(
                format!("Read again and compared: {compared}; different: {unstable}"),
                format!("重新读取并比对 {compared}；不一致 {unstable}"),
            );
            format!("{told}{}", early.unwrap_or_default())
        }
        Entry::SourceLost { offset, error } => {
            let (offset, error) = (grouped(offset.0), part(error));
            pick(
                format!("The source did not answer any more at byte {offset}: {error}"),
                format!("源介质在偏移 {offset} 处失去响应：{error}"),
            )
        }
        Entry::SourceReturned { text } => {
            let text = part(text);
            pick(format!("The same source is back: {text}"), format!("同一源介质恢复连接：{text}"))
        }
        Entry::Checkpoint(checkpoint) => {
            let offset = language.size(ByteCount(checkpoint.offset.0));
            pick(
                format!("The image is durable for the first {offset} of the medium"),
                format!("介质前 {offset}的镜像数据已落盘"),
            )
        }
        Entry::ResumeBegun(begun) => resume(begun, language),
        Entry::Interrupted { reason } => {
            let reason = part(reason);
            pick(format!("Ended before its time: {reason}"), format!("提前终止：{reason}"))
        }
        Entry::ImageClosed(image) => {
            let (size, unread) = (language.size(image.media_size), language.size(image.unread.total()));
            let segments = grouped(u64::try_from(image.segments.len()).unwrap_or(u64::MAX));
            pick(
                format!("Image complete: {size} of the medium; segment files: {segments}; unread: {unread}"),
                format!("镜像制作完成：介质 {size}；分段文件 {segments} 个；未能读取 {unread}"),
            )
        }
        Entry::Verification(verification) => self::verification(verification, language),
        Entry::Closed(closed) => {
            let outcome = outcome(closed.outcome, language);
            pick(format!("Record closed: {outcome}"), format!("记录关闭：{outcome}"))
        }
    }
}

/// How an acquisition ended.
pub fn outcome(outcome: Outcome, language: Language) -> &'static str {
    match outcome {
        Outcome::Complete => language.pick("complete", "完成"),
        Outcome::CompleteWithUnreadSectors => {
            language.pick("complete, but for unread sectors", "完成，但有未能读取的扇区")
        }
        Outcome::VerificationFailed => language.pick(
            "verification failed: the image read back is not what was written",
            "校验失败：回读的镜像与写入内容不一致",
        ),
        Outcome::Interrupted => language.pick("interrupted", "中断"),
        Outcome::Failed => language.pick("failed", "失败"),
    }
}

/// A range of the medium: length and place.
pub fn place(extent: Extent, language: Language) -> String {
    let (length, offset) = (language.size(extent.length), grouped(extent.offset.0));
    language.pick(format!("{length} at byte {offset}"), format!("偏移 {offset} 处 {length}"))
}

fn disk(source: &DeviceIdentity, language: Language) -> String {
    let words = [Some(&source.path), source.make.as_ref(), source.model.as_ref()];
    let mut told = part(words.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "));
    if let Some(serial) = &source.serial {
        told = format!("{told}{}{}", language.pick(", serial ", "，序列号 "), part(serial));
    }
    format!("{told}{}{}", language.pick(", ", "，"), language.size(source.capacity))
}

fn hidden(said: &SelfReport, language: Language) -> String {
    let count = |wanted: fn(&Finding<_>) -> bool| {
        said.areas.iter().filter(|area| wanted(&area.finding)).count().to_string()
    };
    let found = count(|finding| matches!(finding, Finding::Found(_)));
    let unknown = count(|finding| matches!(finding, Finding::Unknown { .. }));
    language.pick(
        format!("The disk was asked what it hides: areas found {found}, not known {unknown}"),
        format!("已询问磁盘的隐藏区域：存在 {found} 处，无法确定 {unknown} 处"),
    )
}

fn fault_policy(policy: &FaultPolicy, language: Language) -> String {
    let method = match policy.method.as_str() {
        "one-pass" => language.pick("in one pass", "单轮顺序读取").to_owned(),
        "rescue" => language.pick("in several passes", "多轮恢复读取").to_owned(),
        other => part(other),
    };
    let (fill, retries) = (fill(&policy.fill, language), policy.retries);
    let mut told = language.pick(
        format!("Reading {method}; bad sectors tried again: {retries}; unread data stand as {fill}"),
        format!("读取方式：{method}；坏扇区重试次数：{retries}；未能读取处填充：{fill}"),
    );
    if let Some(percent) = policy.reread {
        told.push_str(&language.pick(
            format!("; {percent}% are read again and compared"),
            format!("；抽取 {percent}% 重新读取比对"),
        ));
    }
    told
}

/// What stands in place of unread data.
pub fn fill(fill: &str, language: Language) -> String {
    match fill {
        "zeros" => language.pick("zeros", "零字节").to_owned(),
        "text" => language.pick("the words BAD SECTOR with the LBA", "“BAD SECTOR”字样及 LBA").to_owned(),
        pattern => language.pick(
            format!("bytes {} (hexadecimal)", part(pattern)),
            format!("十六进制字节 {}", part(pattern)),
        ),
    }
}

fn rescue_pass(pass: &RescuePass, language: Language) -> String {
    let phase = match pass.phase.as_str() {
        "copying" => language.pick("copying", "复制").to_owned(),
        "trimming" => language.pick("trimming", "修边").to_owned(),
        "scraping" => language.pick("scraping", "刮取").to_owned(),
        "retrying" => language.pick("retrying", "重试").to_owned(),
        other => part(other),
    };
    let (number, reads, errors) = (pass.pass, grouped(pass.reads), grouped(pass.errors));
    let (recovered, bad) = (language.size(pass.recovered), language.size(pass.left.bad));
    language.pick(
        format!(
            "Pass {number} of {phase}: {reads} reads, {errors} failed, {recovered} recovered; bad: {bad}"
        ),
        format!("{phase}第 {number} 轮：读取 {reads} 次，失败 {errors} 次，恢复 {recovered}；坏区 {bad}"),
    )
}

fn resume(begun: &ResumeBegun, language: Language) -> String {
    let text = part(&begun.text);
    let earlier =
        part(begun.earlier.iter().take(20).map(|record| record.name.as_str()).collect::<Vec<_>>().join(", "));
    let from = match &begun.from {
        Some(from) => {
            let offset = grouped(from.offset.0);
            language.pick(format!("at byte {offset}"), format!("从偏移 {offset} 处继续"))
        }
        None if begun.whole => language.pick("the image was whole", "镜像已完整，仅需回读校验").to_owned(),
        None => language.pick("from the beginning", "从头开始").to_owned(),
    };
    language.pick(
        format!("Goes on with an earlier run ({earlier}), {from}: {text}"),
        format!("接续此前的运行（{earlier}），{from}：{text}"),
    )
}

fn verification(verification: &Verification, language: Language) -> String {
    let place = verification.destination.as_ref().map(|place| format!(" ({})", part(place)));
    let place = place.unwrap_or_default();
    if verification.matches {
        return language.pick(
            format!("Image read back{place}: all hash values are those of the acquisition"),
            format!("镜像回读校验{place}：全部校验值与固定时一致"),
        );
    }
    let why = verification.mismatches.iter().take(10).map(part).collect::<Vec<_>>().join("; ");
    let why = field(why);
    language.pick(
        format!("Image read back{place}: NOT what was acquired: {why}"),
        format!("镜像回读校验{place}：与固定时不一致：{why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(entry: serde_json::Value, language: Language) -> String {
        sentence(&Content::Known(serde_json::from_value(entry).unwrap()), language)
    }

    #[test]
    fn sentences_are_in_their_language() {
        let entry = json!({"kind": "read-error", "extent": {"offset": 1024, "length": 512}, "error": "EIO", "action": "zeros"});
        assert_eq!(
            told(entry.clone(), Language::English),
            "512 bytes at byte 1\u{a0}024 could not be read: EIO; zeros"
        );
        assert_eq!(
            told(entry, Language::Chinese),
            "偏移 1\u{a0}024 处 512 字节读取失败：EIO；处理方式：zeros"
        );
    }

    #[test]
    fn what_could_not_be_read_of_a_tpm_is_not_claimed() {
        let none = json!({"kind": "measured-boot", "tpm": "none", "reason": "no TPM"});
        assert_eq!(told(none, Language::English), "How the machine was started could not be read: no TPM");
        let empty = json!({"kind": "measured-boot", "tpm": "present", "version": "2.0", "banks": {"sha1": [], "sha256": [null]}, "event_log": {"reason": "none"}});
        assert!(told(empty.clone(), Language::English).contains("no PCR value could be read"));
        assert!(told(empty, Language::Chinese).contains("未能读取 PCR 值"));
    }

    #[test]
    fn an_entry_of_a_later_version_stands_as_it_is() {
        let value = json!({"kind": "signed", "key": "ab\u{1b}", "x": [1]});
        assert_eq!(sentence(&Content::Unknown(value), Language::English), r#"key="ab\u001b", x=[1]"#);
    }

    #[test]
    fn no_sentence_grows_with_what_the_record_holds() {
        let long = "长".repeat(300_000);
        for entry in [
            json!({"kind": "note", "text": long}),
            json!({"kind": "verification", "hashes": {}, "matches": false, "mismatches": vec![long.clone(); 3]}),
            json!({"kind": "resume-begun", "earlier": [], "text": long}),
            json!({"kind": "fault-policy", "method": long, "retries": 1, "fill": long}),
        ] {
            for language in [Language::English, Language::Chinese] {
                assert!(told(entry.clone(), language).chars().count() < 1000);
            }
        }
    }
}
