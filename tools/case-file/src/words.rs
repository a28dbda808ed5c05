//! What each field of a case is called when people are asked for it, and which rules ask for it.
//!
//! Articles are those of 法发〔2016〕22号 and of 公通字〔2018〕41号. Clauses are those of ISO/IEC 27037:2012, principles those of the
//! ACPO Good Practice Guide for Digital Evidence, version 5: neither has forms, but both ask that this be documented.

use crate::Language;

/// The words of a field.
#[derive(Debug)]
pub struct Words {
    /// Its key.
    pub key: &'static str,
    english: &'static str,
    chinese: &'static str,
    hint: (&'static str, &'static str),
    /// Articles of 法发〔2016〕22号.
    pub provisions: &'static str,
    /// Articles of 公通字〔2018〕41号.
    pub rules: &'static str,
    /// Clauses of ISO/IEC 27037:2012 and principles of ACPO.
    pub elsewhere: &'static str,
}

impl Words {
    /// The words of the field with that key.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Self> {
        WORDS.iter().find(|words| words.key == key)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self, language: Language) -> &'static str {
        language.pick(self.english, self.chinese)
    }

    /// What helps to answer; may be empty.
    #[must_use]
    pub fn hint(&self, language: Language) -> &'static str {
        language.pick(self.hint.0, self.hint.1)
    }
}

/// What a part of an entry of a list is called.
#[must_use]
pub fn part(key: &str, language: Language) -> &'static str {
    match key {
        "name" => language.pick("name", "姓名"),
        "unit" => language.pick("unit", "单位"),
        "id" => language.pick("number of badge or card", "证件号"),
        "file" => language.pick("file name", "文件名"),
        "sha256" => language.pick("SHA-256 of the file", "文件的 SHA-256"),
        _ => language.pick(
            "taken before or after sealing or opening: before, after",
            "拍摄时间：封存（拆封）前填 before，后填 after",
        ),
    }
}

const fn words(
    key: &'static str,
    english: &'static str,
    chinese: &'static str,
    hint: (&'static str, &'static str),
    [provisions, rules, elsewhere]: [&'static str; 3],
) -> Words {
    Words { key, english, chinese, hint, provisions, rules, elsewhere }
}

#[rustfmt::skip]
static WORDS: [Words; 31] = [
    words("case_number", "Case number", "案件编号",
        ("as your agency files it", "按本单位案卷编号"), ["14", "18–21, 46–48", "ISO/IEC 27037 6.1; ACPO 3"]),
    words("cause", "Cause", "案由",
        ("what the case is about", ""), ["14", "18–21, 46–48", "ISO/IEC 27037 6.1; ACPO 3"]),
    words("agency", "Agency that acts", "办案单位",
        ("", ""), ["7", "18–21", "ISO/IEC 27037 6.1, 6.3; ACPO 4"]),
    words("legal_basis", "Legal basis", "法律依据及文书文号",
        ("law, and kind and number of the document, e.g. search warrant 2026-17", "如：搜查证〔2026〕17号"), ["7", "18–21", "ISO/IEC 27037 6.1; ACPO 4"]),
    words("purpose", "Purpose of the acquisition", "事由和目的",
        ("", ""), ["9", "18–21", "ISO/IEC 27037 6.1; ACPO 3"]),
    words("examiner", "Who runs the acquisition", "取证操作人员",
        ("empty: the first investigator", "不填则为第一名侦查人员"), ["7", "18–21", "ISO/IEC 27037 6.3, 6.4; ACPO 2"]),
    words("holder", "Holder", "电子数据持有人（提供人）",
        ("who held the medium or hands it over", ""), ["14", "18–21, 46–48", "ISO/IEC 27037 6.1; ACPO 3"]),
    words("witness", "Witness", "见证人",
        ("", ""), ["15", "18–21", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("no_witness_because", "Why there is no witness", "没有见证人的原因",
        ("then a video is made", "此时应当录像"), ["15", "18–21", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("place", "Place of the acquisition", "提取地点",
        ("", ""), ["14", "18–21, 46–48", "ISO/IEC 27037 6.1; ACPO 3"]),
    words("machine_time", "Time that the machine of the medium showed", "原机显示的系统时间",
        ("e.g. 2026-03-17 09:12:04 or 2026-03-17T09:12:04+08:00", "如：2026-03-17 09:12:04 或 2026-03-17T09:12:04+08:00"), ["14", "18–21, 46–48", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("reference_time", "Time of the reference at the same moment", "同一时刻的标准时间",
        ("in the same form", "格式同上"), ["14", "18–21, 46–48", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("reference_source", "Source of the reference time", "标准时间来源",
        ("e.g. NTP server of the agency", "如：本单位授时服务器"), ["14", "18–21, 46–48", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("no_machine_time_because", "Why no clock of a machine was compared", "未核对原机时间的原因",
        ("e.g. a bare disk", "如：仅有硬盘"), ["14", "18–21, 46–48", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("evidence_number", "Number of the item of evidence", "检材编号",
        ("with several sources leave it out and give --evidence", "多个检材时留空，由 --evidence 给出"), ["14", "18–21, 46–48", "ISO/IEC 27037 6.1; ACPO 3"]),
    words("description", "What the item is", "检材描述",
        ("one line", "一行"), ["8", "11–14", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("appearance", "How the item looks, and its state", "外观特征及状态",
        ("", ""), ["8", "11–14", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("kept_at", "Where the original is kept", "原始存储介质的存放地点",
        ("", ""), ["9", "18–21", "ISO/IEC 27037 6.1, 6.9; ACPO 3"]),
    words("keeper", "Who keeps the original", "保管人",
        ("", ""), ["8", "11–14", "ISO/IEC 27037 6.1, 6.9; ACPO 3"]),
    words("not_seized_because", "Why the original was not seized", "不能扣押原始存储介质的原因",
        ("only where it was not", "仅在未扣押时填写"), ["9", "18–21", "ISO/IEC 27037 5.4; ACPO 3"]),
    words("seal_numbers", "Numbers of the seals", "封条编号",
        ("", ""), ["8", "11–14", "ISO/IEC 27037 6.9; ACPO 3"]),
    words("seal_method", "How the item is sealed", "封存方式",
        ("", ""), ["8", "11–14", "ISO/IEC 27037 6.9; ACPO 3"]),
    words("seal_before", "State of the seals before they were opened", "拆封前封条状态",
        ("", ""), ["8", "11–14", "ISO/IEC 27037 6.9; ACPO 3"]),
    words("seal_after", "State of the seals after it was sealed again", "重新封存后封条状态",
        ("leave it empty where that is still to come", "尚未重新封存的留空"), ["8", "11–14", "ISO/IEC 27037 6.9; ACPO 3"]),
    words("no_seal_because", "Why the item is not sealed", "未封存的原因",
        ("", ""), ["8", "11–14", "ISO/IEC 27037 6.9; ACPO 3"]),
    words("video", "Name of the video file", "录像文件名",
        ("must be given where there is no witness", "没有见证人的必须填写"), ["14, 15", "18–21", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("video_sha256", "SHA-256 of the video file", "录像文件的 SHA-256",
        ("64 digits, as sha256sum prints; empty where it is still being made", "64 位十六进制；录像未结束的留空"), ["14, 15", "18–21", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("notes", "Notes that are kept in the image too", "备注（同时写入镜像）",
        ("", ""), ["14", "18–21, 46–48", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("remarks", "Other remarks for the forms", "其他情况",
        ("", ""), ["14", "18–21, 46–48", "ISO/IEC 27037 6.6; ACPO 3"]),
    words("investigators", "Investigators", "侦查人员（二人以上）",
        ("two or more", ""), ["7", "18–21", "ISO/IEC 27037 6.3; ACPO 2, 4"]),
    words("photos", "Photographs of item and seals", "照片",
        ("", ""), ["8", "11–14", "ISO/IEC 27037 6.6, 6.9; ACPO 3"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{CASE_FIELDS, Need};

    #[test]
    fn every_field_has_words_in_its_place() {
        let fields: Vec<&str> = CASE_FIELDS.iter().map(|field| field.key).collect();
        assert_eq!(WORDS.iter().map(|words| words.key).collect::<Vec<_>>(), fields);
    }

    #[test]
    fn the_table_of_the_format_has_every_field_with_its_rules() {
        let table = include_str!("../FORMAT.md");
        for (field, words) in CASE_FIELDS.iter().zip(&WORDS) {
            let need = match field.need {
                Need::Always => "yes".to_owned(),
                Need::Unless(reason) => format!("or `{reason}`"),
                Need::With(other) => format!("with `{other}`"),
                Need::Optional => "no".to_owned(),
            };
            let row = format!(
                "| `{}` | {need} | {} | {} | {} | {} | {} |",
                words.key, words.english, words.chinese, words.provisions, words.rules, words.elsewhere
            );
            assert!(table.lines().any(|line| line == row), "no row: {row}");
        }
    }
}
