//! Who did it, with what, on which machine.

use crate::account::Account;
use crate::case;
use crate::language::Language;
use crate::markup::{Cell, Markup};
use crate::network_words;
use crate::start;
use crate::text;

/// Words of a command line that are shown.
const MOST_WORDS: usize = 200;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let Some(opened) = &account.opened else {
        page.paragraph(language.pick("The record does not say.", "记录中没有相关内容。"));
        return;
    };
    let missing = || Cell::Words(language.pick("not in the record", "记录中没有").to_owned());
    let examiner = match opened.case.examiner.is_empty() {
        true => missing(),
        false => Cell::recorded(&opened.case.examiner),
    };
    let environment = &opened.environment;
    let words = opened.command_line.iter().take(MOST_WORDS).map(String::as_str).collect::<Vec<_>>();
    let mut facts = vec![
        ("Examiner", "取证人员", examiner),
        ("Tool", "工具", Cell::recorded(format!("{} {}", opened.software.name, opened.software.version))),
        ("Booted image", "启动镜像", environment.image.as_ref().map_or_else(missing, Cell::recorded)),
        ("Kernel", "内核", Cell::recorded(&environment.kernel)),
        ("Host name", "主机名", Cell::recorded(&environment.host)),
        ("Command line", "命令行", Cell::Recorded(text::clipped(words.join(" "), 2000))),
        ("Format of the image", "镜像格式", Cell::recorded(&opened.plan.format)),
        ("Destination", "目标位置", Cell::recorded(&opened.plan.destination)),
    ];
    if let Some(second) = &opened.plan.second_destination {
        facts.push(("Second destination", "第二目标位置", Cell::recorded(second)));
    }
    if let Some(firmware) = start::told(environment, language) {
        facts.push(("Firmware of the acquiring machine", "取证计算机固件", Cell::recorded(firmware)));
    }
    for (english, chinese, told) in [
        ("Network of the acquiring machine", "取证计算机网络", network_words::state(environment, language)),
        (
            "What was done with it in this boot",
            "本次启动中的网络操作",
            network_words::acts(environment, language),
        ),
        (
            "Network at the end",
            "取证结束时的网络",
            network_words::at_the_end(environment, account.closed.as_ref(), language),
        ),
        ("Time reference", "时间基准", network_words::time_reference(environment, language)),
    ] {
        facts.extend(told.map(|told| (english, chinese, Cell::Recorded(told))));
    }
    if !environment.hash_implementations.is_empty() {
        let by = environment.hash_implementations.iter().take(16).map(|(hash, by)| format!("{hash}: {by}"));
        let by = by.collect::<Vec<_>>().join(", ");
        facts.push(("Hashes computed by", "哈希计算指令", Cell::recorded(by)));
    }
    page.facts(
        language.pick("People, tools and place", "人员、工具与环境"),
        facts.into_iter().map(|(english, chinese, cell)| (language.pick(english, chinese).to_owned(), cell)),
    );
    let said = &opened.case;
    let mut stated: Vec<(String, Cell)> = case::facts(said)
        .map(|fact| {
            (fact.name(language).to_owned(), Cell::Recorded(text::lines(&fact.value(said, language), 8000)))
        })
        .collect();
    if let Some(missing) = case::missing(said, language) {
        let head = language.pick("Missing when it began", "开始时缺少的必填项");
        stated.push((head.to_owned(), Cell::Warning(missing)));
    }
    let heading =
        language.pick("Authority, people, place, clock and seals", "法律依据、人员、地点、时钟与封存");
    page.element("h3", &[], heading);
    if stated.is_empty() {
        page.paragraph(language.pick(
            "Nobody else is named: the version that wrote this record did not ask. It belongs into the forms that go with it.",
            "没有其他人员信息：写入本记录的版本不询问这些内容，应在配套笔录和清单中填写。",
        ));
    } else {
        page.facts(heading, stated);
        page.paragraph(language.pick(
            "This is what the examiner stated before the acquisition; the program can't check it.",
            "以上为取证人员在开始前填写的内容，程序无法核实。",
        ));
    }
}
