//! Who did it, with what, on which machine.

use crate::account::Account;
use crate::language::Language;
use crate::markup::{Cell, Markup};
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
    if !environment.hash_implementations.is_empty() {
        let by = environment.hash_implementations.iter().take(16).map(|(hash, by)| format!("{hash}: {by}"));
        let by = by.collect::<Vec<_>>().join(", ");
        facts.push(("Hashes computed by", "哈希计算指令", Cell::recorded(by)));
    }
    page.facts(
        language.pick("People, tools and place", "人员、工具与环境"),
        facts.into_iter().map(|(english, chinese, cell)| (language.pick(english, chinese).to_owned(), cell)),
    );
    page.paragraph(language.pick(
        "Nobody else is named: this version of the record has no fields for further investigators, holder, witness, \
         authority or place. They belong into the forms that go with it.",
        "除上述人员外没有其他人员信息：本版本的记录不含其他侦查人员、持有人、见证人、法律依据和地点等字段，应在配套笔录和清单中填写。",
    ));
}
