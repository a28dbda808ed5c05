//! Where the medium could not be read, and how fast the image grew.

use super::{curve, map};
use crate::account::Account;
use crate::language::{Language, grouped};
use crate::markup::{Cell, Markup};
use crate::narrative;
use evidence::{ExtentSet, SectorSize};

/// Ranges that are listed.
const MOST_RANGES: usize = 100;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let unread = account.unread();
    let unstable = account.unstable();
    page.list(findings(account, &unread, &unstable, language));
    page.element("h3", &[], language.pick("Map of the medium", "介质分布图"));
    map::write(account, &unread, &unstable, language, page);
    let sector = account.opened.as_ref().map(|opened| opened.source.logical_sector);
    let not_read = match account.image {
        Some(_) => language.pick("Ranges that are not in the image", "未能读取的区域"),
        None => language.pick("Ranges that could not be read so far", "目前未能读取的区域"),
    };
    ranges(not_read, &unread, sector, language, page);
    ranges(
        language.pick("Ranges that were read differently the second time", "两次读取结果不一致的区域"),
        &unstable,
        sector,
        language,
        page,
    );
    page.element("h3", &[], language.pick("Speed", "速度"));
    curve::write(account, language, page);
}

fn findings(account: &Account, unread: &ExtentSet, unstable: &ExtentSet, language: Language) -> Vec<String> {
    let amount = |set: &ExtentSet| {
        let ranges = u64::try_from(set.len()).unwrap_or(u64::MAX);
        format!(
            "{}{}{}",
            language.size(set.total()),
            language.pick(", ", "，共 "),
            language.count(ranges, "range", "ranges", "处")
        )
    };
    let mut told = Vec::new();
    told.push(match (account.image.is_some(), unread.is_empty()) {
        (true, true) => language.pick("Every sector was read.", "全部扇区均已读取。").to_owned(),
        (false, true) => language
            .pick("No read error up to the end of the record.", "截至记录末尾没有读取错误。")
            .to_owned(),
        (_, false) => {
            let amount = amount(unread);
            language.pick(format!("Not read: {amount}."), format!("未能读取：{amount}。"))
        }
    });
    if let Some(reached) = account.reached() {
        let reached = language.size(evidence::ByteCount(reached));
        told.push(language.pick(
            format!("The image was not completed; the record says it is durable for the first {reached}."),
            format!("镜像没有制作完成；据记录，介质前 {reached}的数据已落盘。"),
        ));
    }
    if !unstable.is_empty() {
        let amount = amount(unstable);
        told.push(language.pick(
            format!("Read differently the second time: {amount}."),
            format!("两次读取不一致：{amount}。"),
        ));
    }
    match &account.reread {
        Some(reread) => {
            let compared = language.size(reread.compared);
            told.push(language.pick(
                format!("Read again and compared: {compared}."),
                format!("重新读取并比对：{compared}。"),
            ));
        }
        None => told.push(
            language
                .pick(
                    "Nothing was read a second time, so that unstable sectors could not show.",
                    "没有进行第二次读取，因此无法发现读取不稳定的扇区。",
                )
                .to_owned(),
        ),
    }
    if let Some(policy) = &account.fault_policy {
        let fill = narrative::fill(&policy.fill, language);
        told.push(language.pick(
            format!("What can't be read stands in the image as {fill}."),
            format!("未能读取的部分在镜像中填充：{fill}。"),
        ));
    }
    told
}

fn ranges(caption: &str, set: &ExtentSet, sector: Option<SectorSize>, language: Language, page: &mut Markup) {
    if set.is_empty() {
        return;
    }
    let heads = [
        language.pick("First byte", "起始偏移"),
        language.pick("Bytes", "字节数"),
        language.pick("First sector (LBA)", "起始扇区（LBA）"),
        language.pick("Sectors", "扇区数"),
    ];
    let rows = set.iter().take(MOST_RANGES).map(|extent| {
        let (lba, sectors) = match sector {
            Some(sector) => {
                let first = sector.lba_of(extent.offset).0;
                let end = extent.end().div_ceil(u64::from(sector.bytes()));
                (grouped(first), grouped(end.saturating_sub(first)))
            }
            None => (String::new(), String::new()),
        };
        [grouped(extent.offset.0), grouped(extent.length.0), lba, sectors].map(Cell::Number).to_vec()
    });
    page.table(caption, &heads, rows);
    let left_out = set.len().saturating_sub(MOST_RANGES);
    if left_out > 0 {
        let left_out = grouped(u64::try_from(left_out).unwrap_or(u64::MAX));
        page.paragraph(language.pick(
            format!("Rows left out here: {left_out}. The map shows them all, the record has them all."),
            format!("此处略去 {left_out} 行；分布图包含全部区域，完整内容见记录文件。"),
        ));
    }
}
