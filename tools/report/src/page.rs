//! The record as one HTML page that needs nothing beside itself: no network, no script, no other file.

mod by_hand;
mod chain;
mod curve;
mod device;
mod errors;
mod hashes;
mod limits;
mod map;
mod people;
mod protection;
pub mod style;
mod summary;
mod timeline;

use crate::account::Account;
use crate::language::{Language, Languages};
use crate::markup::Markup;
use crate::text;

/// A chapter of the page.
struct Section {
    id: &'static str,
    english: &'static str,
    chinese: &'static str,
    write: fn(&Account, Language, &mut Markup),
}

const SECTIONS: [Section; 10] = [
    Section { id: "summary", english: "Summary", chinese: "概要", write: summary::write },
    Section { id: "device", english: "Source device", chinese: "源存储介质", write: device::write },
    Section {
        id: "people",
        english: "People, tools and place",
        chinese: "人员、工具与环境",
        write: people::write,
    },
    Section { id: "hashes", english: "Hash values", chinese: "完整性校验值", write: hashes::write },
    Section { id: "protection", english: "Write protection", chinese: "写保护", write: protection::write },
    Section {
        id: "errors",
        english: "How the medium was read",
        chinese: "介质读取情况",
        write: errors::write,
    },
    Section { id: "timeline", english: "Timeline", chinese: "时间线", write: timeline::write },
    Section {
        id: "chain",
        english: "Is the record unaltered?",
        chinese: "记录是否完整",
        write: chain::write,
    },
    Section {
        id: "by-hand", english: "Check it yourself", chinese: "自行校验方法", write: by_hand::write
    },
    Section {
        id: "limits",
        english: "What this page can't prove",
        chinese: "本页面不能证明的事项",
        write: limits::write,
    },
];

/// The whole page.
pub fn page(account: &Account, languages: Languages) -> String {
    let mut page = Markup::default();
    let languages = languages.list();
    let main = languages.first().copied().unwrap_or(Language::English);
    page.open("html", &[("lang", main.tag())]);
    page.within("head", &[], |head| {
        head.void("meta", &[("charset", "utf-8")]);
        // Nothing is loaded, nothing is run, nothing is sent, whatever a record may hold.
        let policy = [("http-equiv", "Content-Security-Policy"), ("content", style::POLICY)];
        head.void("meta", &policy);
        head.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
        head.element("title", &[], title(account, main));
        head.style(&style::sheet(account.chain.head));
    });
    page.within("body", &[], |body| {
        body.within("header", &[], |header| {
            header.element("p", &[("class", "brand")], "Permafrost");
            navigation(languages, header);
        });
        body.within("main", &[], |main| {
            languages.iter().for_each(|language| article(account, *language, main));
        });
        body.within("footer", &[], |footer| {
            footer.within("p", &[], |line| {
                line.text(format_args!("pf-record {} · ", env!("CARGO_PKG_VERSION")));
                line.element("bdi", &[], text::clipped(&account.name, 120));
            });
            footer.within("p", &[], |line| {
                line.text(format_args!("{}{}", main.pick("Chain head", "链头值"), main.colon()));
                line.element("code", &[], account.chain.head);
            });
        });
    });
    page.close("html");
    format!("<!DOCTYPE html>\n{}", page.finish())
}

fn title(account: &Account, language: Language) -> String {
    let item = account.opened.as_ref().map(|opened| opened.case.evidence_number.as_str()).unwrap_or_default();
    let name = if item.is_empty() { account.name.as_str() } else { item };
    let words = language.pick("Acquisition record", "电子数据固定记录");
    format!("{words}{}{}", language.colon(), text::clipped(name, 80))
}

fn navigation(languages: &[Language], page: &mut Markup) {
    for language in languages {
        let label = language.pick("Contents", "目录");
        page.within("nav", &[("aria-label", label), ("lang", language.tag())], |nav| {
            nav.within("ul", &[], |list| {
                for section in &SECTIONS {
                    let target = format!("#{}", section.anchor(*language));
                    list.within("li", &[], |item| {
                        item.element("a", &[("href", &target)], section.title(*language));
                    });
                }
            });
        });
    }
}

fn article(account: &Account, language: Language, page: &mut Markup) {
    page.within("article", &[("lang", language.tag())], |article| {
        article.element("h1", &[], title(account, language));
        for section in &SECTIONS {
            let heading = format!("{}-heading", section.anchor(language));
            let anchor = section.anchor(language);
            article.within("section", &[("id", &anchor), ("aria-labelledby", &heading)], |part| {
                part.element("h2", &[("id", &heading)], section.title(language));
                (section.write)(account, language, part);
            });
        }
    });
}

impl Section {
    fn title(&self, language: Language) -> &'static str {
        language.pick(self.english, self.chinese)
    }

    /// Its place on the page, which may hold it once for each language.
    fn anchor(&self, language: Language) -> String {
        format!("{}-{}", self.id, language.pick("en", "zh"))
    }
}
