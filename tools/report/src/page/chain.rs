//! How far the record can be trusted by itself.

use crate::account::Account;
use crate::language::{Language, grouped};
use crate::markup::{Cell, Markup};
use crate::text;
use crate::verdict;

/// Earlier records that are named.
const MOST_EARLIER: usize = 50;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let chain = &account.chain;
    let unbroken = match &chain.broken {
        None => Cell::Words(
            language
                .pick(
                    "unbroken: each entry carries the hash of the one before",
                    "完整：每条记录均包含前一条的哈希值",
                )
                .to_owned(),
        ),
        Some(broken) => Cell::Warning(format!(
            "{}{}",
            language.pick("BROKEN at ", "断裂："),
            verdict::place(broken, language)
        )),
    };
    let closed = match (chain.closed, chain.being_written) {
        (true, _) => Cell::Words(language.pick("yes", "是").to_owned()),
        (false, true) => {
            Cell::Warning(language.pick("no: a program is writing it now", "否：程序正在写入").to_owned())
        }
        (false, false) => Cell::Warning(
            language
                .pick("NO: the acquisition did not come to its end", "否：固定工作没有正常结束")
                .to_owned(),
        ),
    };
    let facts = [
        ("File", "文件", Cell::Code(text::clipped(&account.name, 200))),
        ("Entries", "条目数", Cell::Words(grouped(chain.entries))),
        ("Chain", "哈希链", unbroken),
        ("Closed", "是否关闭", closed),
        ("Chain head", "链头值", Cell::Code(chain.head.to_string())),
    ];
    let key = account.opened.as_ref().and_then(|opened| opened.signing_key.as_ref());
    let of_the_key = key.into_iter().flat_map(|key| {
        [
            ("Signing key", "签名密钥指纹", Cell::Code(key.fingerprint.to_string())),
            ("In words", "密钥助记词", Cell::Code(text::clipped(&key.words, 200))),
        ]
    });
    page.facts(
        language.pick("State of the record", "记录状态"),
        facts
            .into_iter()
            .chain(of_the_key)
            .map(|(english, chinese, cell)| (language.pick(english, chinese).to_owned(), cell)),
    );
    page.paragraph(language.pick(
        "The chain head is the SHA-256 of the last entry. Compare it with what was written down, signed or photographed when the \
         acquisition ended: if they are equal, the whole record is as it was then.",
        "链头值是最后一条记录的 SHA-256。请与固定结束时抄录、签名或拍照留存的数值比对：一致则说明整个记录与当时相同。",
    ));
    if key.is_some() {
        page.paragraph(language.pick(
            "The record says itself which key will sign it. Whether it did, pf-verify --key-words shows with the words that were written \
             down then; this page does not check it.",
            "密钥由记录自身声明。是否确由该密钥签名，请用当时抄录的助记词执行 pf-verify --key-words 核验；本页面不作核验。",
        ));
    }
    time_stamp(account, language, page);
    let Some(resumed) = &account.resumed else { return };
    let heads = [
        language.pick("Record of an earlier run", "此前运行的记录"),
        language.pick("Its chain head", "其链头值"),
    ];
    let rows = resumed.earlier.iter().take(MOST_EARLIER).map(|earlier| {
        vec![Cell::Code(text::clipped(&earlier.name, 200)), Cell::Code(earlier.chain_head.to_string())]
    });
    let caption = language
        .pick("This run goes on with earlier ones, oldest first", "本次运行接续此前的运行，按先后排列");
    page.table(caption, &heads, rows);
}

/// What an authority says of the head, where it was asked.
fn time_stamp(account: &Account, language: Language, page: &mut Markup) {
    let (Some(file), Some(stamped)) = (&account.beside.time_stamp, &account.beside.stamped) else { return };
    let name = text::clipped(&file.name, 200);
    match stamped {
        Ok(time) => page.paragraph(language.pick(
            format!(
                "Beside the record lies a time-stamp of its head, {name}: an authority says that the head was there on {time}. This \
                 page does not check the authority's signature; pf-verify --authority does, and so does openssl ts -verify."
            ),
            format!(
                "记录旁有其链头文件的可信时间戳 {name}：时间戳机构声明该文件在 {time} 已经存在。本页面不核验机构签名，\
                 请用 pf-verify --authority 或 openssl ts -verify 核验。"
            ),
        )),
        Err(why) => page.within("p", &[], |line| {
            let told = language.pick(
                format!("Beside the record lies {name}, which is no time-stamp of its head: "),
                format!("记录旁的 {name} 不是其链头文件的时间戳："),
            );
            line.element("strong", &[("class", "bad")], told);
            line.element("bdi", &[], text::field(why));
        }),
    }
}
