//! The outcome, and what one wants to know first.

use crate::account::Account;
use crate::language::{Language, grouped};
use crate::markup::{Cell, Markup};
use crate::narrative;
use crate::text;
use crate::verdict::{Grade, Verdict};
use evidence::HashAlgorithm;
use record::GuardReport;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let verdict = Verdict::of(account);
    let class = match verdict.grade {
        Grade::Good => "verdict good",
        Grade::Fair => "verdict fair",
        Grade::Poor => "verdict poor",
    };
    page.within("div", &[("class", class)], |banner| {
        banner.element("strong", &[], verdict.headline(language));
        for sentence in verdict.sentences(account, language) {
            banner.paragraph(sentence);
        }
    });
    page.facts(language.pick("Summary", "概要"), facts(account, language));
}

fn facts(account: &Account, language: Language) -> Vec<(String, Cell)> {
    let mut facts = Vec::new();
    let mut fact = |english: &str, chinese: &str, cell: Cell| {
        facts.push((language.pick(english, chinese).to_owned(), cell));
    };
    let missing = || Cell::Words(language.pick("not in the record", "记录中没有").to_owned());
    let given = |text: &str| if text.is_empty() { missing() } else { Cell::recorded(text) };
    if let Some(opened) = &account.opened {
        fact("Case number", "案件编号", given(&opened.case.case_number));
        fact("Evidence number", "检材编号", given(&opened.case.evidence_number));
        fact("Examiner", "取证人员", given(&opened.case.examiner));
        fact("Description", "检材描述", given(&opened.case.description));
        if !opened.case.notes.is_empty() {
            fact("Notes", "备注", Cell::Recorded(text::lines(&opened.case.notes, 4000)));
        }
    }
    if let Some((began, ended)) = &account.period {
        fact("First entry", "首条记录时间", Cell::Words(language.time(began)));
        fact("Last entry", "末条记录时间", Cell::Words(language.time(ended)));
    }
    if let Some(closed) = &account.closed {
        fact("Outcome", "结果", Cell::Words(narrative::outcome(closed.outcome, language).to_owned()));
    }
    if let Some(image) = &account.image {
        fact("Medium", "介质容量", Cell::Words(language.size(image.media_size)));
        if let Some(digest) = image.hashes.get(HashAlgorithm::Sha256) {
            fact("SHA-256", "SHA-256", Cell::Code(digest.to_string()));
        }
        fact("Not read", "未能读取", unread(account, language));
    }
    fact("Write protection", "写保护", protection(account, language));
    fact("Chain head", "链头值", Cell::Code(account.chain.head.to_string()));
    facts
}

fn unread(account: &Account, language: Language) -> Cell {
    let unread = account.unread();
    if unread.is_empty() {
        return Cell::Words(
            language.pick("nothing: every sector was read", "无：全部扇区均已读取").to_owned(),
        );
    }
    let ranges = u64::try_from(unread.len()).unwrap_or(u64::MAX);
    Cell::Warning(format!(
        "{}{}{}",
        language.size(unread.total()),
        language.pick(", ", "，共 "),
        language.count(ranges, "range", "ranges", "处")
    ))
}

fn protection(account: &Account, language: Language) -> Cell {
    match account.opened.as_ref().map(|opened| &opened.guard) {
        Some(GuardReport::InForce { .. }) => {
            let refused = account.closed.as_ref().and_then(|closed| closed.refused);
            let refused = refused.map_or_else(String::new, |refused| {
                language.pick(
                    format!("; operations refused: {}", grouped(refused)),
                    format!("；拒绝操作 {} 次", grouped(refused)),
                )
            });
            Cell::Words(format!(
                "{}{refused}",
                language
                    .pick("the kernel's evidence guard, in force", "内核写保护模块（evidence guard）生效")
            ))
        }
        Some(GuardReport::NotADisk { reason }) => Cell::recorded(format!(
            "{}{}{reason}",
            language
                .pick("guard in force; the source is no disk of its own", "写保护模块生效；源不是独立磁盘"),
            language.colon()
        )),
        Some(GuardReport::Unguarded) => Cell::Warning(
            language.pick("NONE: no write protection by this kernel", "无：本内核没有写保护").to_owned(),
        ),
        None => Cell::Words(language.pick("not in the record", "记录中没有").to_owned()),
    }
}
