//! What the disk said of itself, in both languages.

use crate::language::{Language, grouped};
use crate::text;
use evidence::{
    AfterTrim, AreaKind, AtaSecurity, Finding, Health, HiddenArea, SelfEncryption, SelfReport, ZoneModel,
};

/// Answers that are listed; an NVMe disk may have many namespaces.
const MOST_AREAS: usize = 64;

/// Counters of health that are listed.
const MOST_READINGS: usize = 40;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked for.
    pub what: String,
    /// What the disk said.
    pub said: String,
    /// The examiner must know it: something is not in the image, locked, or failing.
    pub warns: bool,
}

/// All answers, and how many are not listed.
pub fn answers(report: &SelfReport, language: Language) -> (Vec<Answer>, usize) {
    let mut answers = Vec::new();
    for area in report.areas.iter().take(MOST_AREAS) {
        answers.push(Answer {
            what: area_name(area.kind, language),
            said: said(&area.finding, language, language.pick("none", "无"), |found| {
                hidden(found, language)
            }),
            warns: area.finding.found().is_some(),
        });
    }
    let unsupported = language.pick("not supported", "不支持");
    answers.push(Answer {
        what: language.pick("ATA password", "ATA 密码").to_owned(),
        said: said(&report.ata_security, language, unsupported, |found| security(*found, language)),
        warns: report.ata_security.found().is_some_and(|security| security.locked),
    });
    answers.push(Answer {
        what: language.pick("Self-encryption (TCG)", "自加密（TCG）").to_owned(),
        said: said(&report.self_encryption, language, unsupported, |found| encryption(found, language)),
        warns: report.self_encryption.found().is_some_and(|tcg| tcg.locked || tcg.shadows_first_sectors()),
    });
    answers.push(Answer {
        what: "TRIM".to_owned(),
        said: said(&report.trim, language, unsupported, |trim| after_trim(trim.reads, language).to_owned()),
        warns: false,
    });
    answers.push(Answer {
        what: language.pick("Zones", "分区存储（ZBC/ZAC）").to_owned(),
        said: said(&report.zones, language, language.pick("none", "无"), |zones| {
            match zones.model {
                ZoneModel::DeviceManaged => language.pick("device-managed", "设备管理"),
                ZoneModel::HostAware => language.pick("host-aware", "主机感知"),
                ZoneModel::HostManaged => language.pick("host-managed", "主机管理"),
            }
            .to_owned()
        }),
        warns: false,
    });
    answers.push(Answer {
        what: language.pick("Health", "健康状况").to_owned(),
        said: said(&report.health, language, language.pick("not kept", "不提供"), |found| {
            health(found, language)
        }),
        warns: report
            .health
            .found()
            .is_some_and(|health| health.failing == Some(true) || !health.alarms.is_empty()),
    });
    (answers, report.areas.len().saturating_sub(MOST_AREAS))
}

fn said<T>(finding: &Finding<T>, language: Language, none: &str, words: impl Fn(&T) -> String) -> String {
    match finding {
        Finding::None => none.to_owned(),
        Finding::Found(found) => text::field(words(found)),
        Finding::Unknown { reason } => {
            text::field(format!("{}{}{reason}", language.pick("not known", "无法确定"), language.colon()))
        }
    }
}

fn area_name(kind: AreaKind, language: Language) -> String {
    let chinese = match kind {
        AreaKind::HostProtectedArea => "主机保护区（HPA）",
        AreaKind::DeviceConfigurationOverlay => "设备配置覆盖区（DCO）",
        AreaKind::AccessibleMaxAddress => "可访问最大地址（AMA）限制区",
        AreaKind::BeyondCapacity => "报告容量之外的区域",
        AreaKind::UnattachedNamespace => "未挂接的命名空间",
        AreaKind::UnallocatedCapacity => "未分配容量",
        AreaKind::BlockMetadata => "块附加元数据",
        AreaKind::ReplayProtectedBlock => "重放保护内存块（RPMB）",
        AreaKind::BootPartition => "启动分区",
        AreaKind::GeneralPurposePartition => "通用分区",
        AreaKind::CardProtectedArea => "存储卡保护区",
    };
    language.pick(kind.to_string(), chinese.to_owned())
}

fn hidden(area: &HiddenArea, language: Language) -> String {
    let mut told = text::clipped(&area.what, 300);
    if let Some(size) = area.size {
        told = format!("{told}{}{}", language.pick("; ", "；"), language.size(size));
    }
    if let Some(sectors) = area.sectors {
        told = format!(
            "{told}{}{} {}",
            language.comma(),
            grouped(sectors.0),
            language.pick("sectors", "个扇区")
        );
    }
    if let Some(device) = &area.device {
        told = format!(
            "{told}{}{}",
            language.pick("; a device of its own: ", "；独立设备："),
            text::clipped(device, 60)
        );
    }
    format!("{told}{}", language.pick(". Not in this image.", "。不包含在本镜像中。"))
}

fn security(security: AtaSecurity, language: Language) -> String {
    let mut words = vec![if security.enabled {
        language.pick("password set", "已设置密码")
    } else {
        language.pick("no password set", "未设置密码")
    }];
    words.extend(security.locked.then_some(language.pick("LOCKED", "已锁定")));
    words.extend(security.frozen.then_some(language.pick("frozen until power-off", "断电前冻结")));
    words.extend(
        security.count_expired.then_some(language.pick("takes no more passwords", "密码尝试次数已用尽")),
    );
    words.join(language.comma())
}

fn encryption(tcg: &SelfEncryption, language: Language) -> String {
    let states = [
        (tcg.locking_enabled, language.pick("locking enabled", "已启用锁定功能")),
        (tcg.locked, language.pick("LOCKED", "已锁定")),
        (tcg.shadows_first_sectors(), language.pick("shadow MBR shown", "显示影子 MBR")),
        (tcg.media_encryption, language.pick("medium encrypted by the disk", "介质由磁盘自身加密")),
    ];
    let states: Vec<&str> = states.into_iter().filter_map(|(holds, word)| holds.then_some(word)).collect();
    let classes: Vec<String> = tcg.classes.iter().take(8).map(|class| text::clipped(class, 40)).collect();
    let states = match states.is_empty() {
        true => language.pick("locking not enabled", "未启用锁定功能").to_owned(),
        false => states.join(language.comma()),
    };
    format!("{}{}{states}", classes.join(language.comma()), language.colon())
}

fn after_trim(reads: AfterTrim, language: Language) -> &'static str {
    match reads {
        AfterTrim::Zeros => language.pick("discarded sectors read as zeros", "已丢弃的扇区读为零"),
        AfterTrim::Ones => language.pick("discarded sectors read as ones", "已丢弃的扇区读为全 1"),
        AfterTrim::Deterministic => {
            language.pick("discarded sectors read the same each time", "已丢弃的扇区每次读取内容相同")
        }
        AfterTrim::Unspecified => {
            language.pick("what discarded sectors read as is not promised", "已丢弃的扇区读取内容没有保证")
        }
    }
}

fn health(health: &Health, language: Language) -> String {
    let conclusion = match health.failing {
        Some(true) => language.pick("FAILING by its own account", "磁盘自报即将失效"),
        Some(false) => language.pick("good by its own account", "磁盘自报良好"),
        None => language.pick("no conclusion of its own", "磁盘未给出结论"),
    };
    let alarms = health.alarms.iter().take(8).map(|alarm| text::clipped(alarm, 100));
    let readings = health
        .readings
        .iter()
        .take(MOST_READINGS)
        .map(|(name, value)| format!("{} {value}", text::clipped(name, 40)));
    let words: Vec<String> = std::iter::once(conclusion.to_owned()).chain(alarms).chain(readings).collect();
    words.join(language.comma())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_unknown_and_absent_is_told_apart() {
        let report: SelfReport = serde_json::from_value(serde_json::json!({
            "areas": [
                {"kind": "host-protected-area", "finding": "found", "what": "HPA set", "size": 1024, "sectors": 2},
                {"kind": "device-configuration-overlay", "finding": "unknown", "reason": "frozen"},
                {"kind": "accessible-max-address", "finding": "none"},
            ],
            "ata_security": {"finding": "none"}, "self_encryption": {"finding": "none"},
            "trim": {"finding": "found", "reads": "zeros"}, "zones": {"finding": "none"},
            "health": {"finding": "found", "failing": true, "readings": {"power-on-hours": 12}},
        }))
        .unwrap();
        let (told, left_out) = answers(&report, Language::English);
        assert_eq!(left_out, 0);
        assert_eq!(told[0].said, "HPA set; 1 024 bytes (1.0 KiB), 2 sectors. Not in this image.");
        assert_eq!(told[1].said, "not known: frozen");
        assert_eq!(told[2].said, "none");
        assert_eq!(told[7].said, "FAILING by its own account, power-on-hours 12");
        let warns: Vec<bool> = told.iter().map(|answer| answer.warns).collect();
        assert_eq!(warns, [true, false, false, false, false, false, false, true]);
        let (told, _) = answers(&report, Language::Chinese);
        assert_eq!(told[1].said, "无法确定：frozen");
    }
}
