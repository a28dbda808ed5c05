//! Every entry of the record, in order.

use crate::account::Account;
use crate::language::{Language, grouped};
use crate::markup::{Cell, Markup};
use crate::text;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    page.paragraph(language.pick(
        "Times are those of the acquiring machine's clock, in UTC. Words of the record stand as they were written.",
        "时间取自取证机时钟，为协调世界时（UTC）。记录中的原文按原样显示。",
    ));
    let heads = [
        language.pick("No.", "序号"),
        language.pick("Time", "时间"),
        language.pick("Kind", "类型"),
        language.pick("What it says", "内容"),
    ];
    let rows = account.timeline.rows.iter().map(|row| {
        let mut said = row.sentence(language).to_owned();
        for (name, value) in &row.further {
            said = format!("{said}{}{name} = {value}", language.pick("; ", "；"));
        }
        vec![
            Cell::Number(row.seq.to_string()),
            Cell::Short(language.time(&row.time).replace(' ', "\u{a0}")),
            Cell::Short(row.kind.clone()),
            Cell::Recorded(text::clipped(said, 1200)),
        ]
    });
    page.table(language.pick("Entries of the record", "记录条目"), &heads, rows);
    page.list(account.timeline.left_out().into_iter().map(|left_out| {
        let (count, first, last) = (grouped(left_out.count), left_out.first, left_out.last);
        let kind = left_out.kind.unwrap_or_else(|| language.pick("of unknown kinds", "未知类型"));
        language.pick(
            format!("Left out here, {kind}: {count} entries, between no. {first} and no. {last}."),
            format!("此处略去 {kind} 条目 {count} 条，序号在 {first} 至 {last} 之间。"),
        )
    }));
    let unknown = account.timeline.unknown();
    if unknown > 0 {
        let unknown = grouped(unknown);
        page.paragraph(language.pick(
            format!("Entries of kinds that this version does not know, shown as they stand: {unknown}."),
            format!("本版本不认识的条目类型共 {unknown} 条，按原样显示。"),
        ));
    }
}
