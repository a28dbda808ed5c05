//! The disk, as it reports itself.

use crate::account::Account;
use crate::disk_words;
use crate::language::{Language, grouped};
use crate::markup::{Cell, Markup};
use evidence::{DeviceIdentity, Transport};

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let Some(opened) = &account.opened else {
        page.paragraph(language.pick("The record does not name a source.", "记录中没有源介质信息。"));
        return;
    };
    page.facts(language.pick("Source device", "源存储介质"), identity(&opened.source, language));
    page.element("h3", &[], language.pick("Hidden areas, locks and health", "隐藏区域、锁定与健康状况"));
    let Some(report) = &account.disk_says else {
        page.paragraph(language.pick(
            "The record has no answers of the disk: what it hides is not known.",
            "记录中没有磁盘的自述信息：无法确定是否存在隐藏区域。",
        ));
        return;
    };
    let (answers, left_out) = disk_words::answers(report, language);
    let caption = language.pick("What the disk says of itself", "磁盘自述信息");
    page.facts(
        caption,
        answers.into_iter().map(|answer| {
            (answer.what, if answer.warns { Cell::Warning(answer.said) } else { Cell::Recorded(answer.said) })
        }),
    );
    if left_out > 0 {
        page.paragraph(language.pick(
            format!("Further areas that are not listed here: {left_out}."),
            format!("另有 {left_out} 处未在此列出。"),
        ));
    }
}

/// Make, model and all that tells the disk from others.
pub fn identity(source: &DeviceIdentity, language: Language) -> Vec<(String, Cell)> {
    let told = |text: &Option<String>| match text {
        Some(text) => Cell::recorded(text),
        None => Cell::Words(language.pick("the device does not say", "设备未提供").to_owned()),
    };
    let sector = u64::from(source.logical_sector.bytes());
    let sectors = source.logical_sector.sectors_in(source.capacity);
    let facts = [
        ("Make", "品牌", told(&source.make)),
        ("Model", "型号", told(&source.model)),
        ("Serial number", "序列号", told(&source.serial)),
        ("World-wide name", "全球唯一名称（WWN）", told(&source.wwn)),
        ("Firmware", "固件版本", told(&source.firmware)),
        ("Attached by", "接口", Cell::Words(transport(source.transport, language))),
        ("Device node", "设备节点", Cell::recorded(&source.path)),
        ("Capacity", "容量", Cell::Words(language.size(source.capacity))),
        ("Sectors", "扇区数", Cell::Words(grouped(sectors.0))),
        (
            "Sector size",
            "扇区大小",
            Cell::Words(language.pick(
                format!("logical {sector} bytes, physical {} bytes", source.physical_sector.bytes()),
                format!("逻辑 {sector} 字节，物理 {} 字节", source.physical_sector.bytes()),
            )),
        ),
    ];
    facts
        .into_iter()
        .map(|(english, chinese, cell)| (language.pick(english, chinese).to_owned(), cell))
        .collect()
}

fn transport(transport: Transport, language: Language) -> String {
    let chinese = match transport {
        Transport::Floppy => "软盘控制器",
        Transport::Loop => "环回设备（文件）",
        Transport::File => "普通文件",
        Transport::Other => "其他",
        _ => return transport.to_string(),
    };
    language.pick(transport.to_string(), chinese.to_owned())
}
