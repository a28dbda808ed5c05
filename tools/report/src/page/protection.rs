//! What kept the source from being changed, and what it was sent, command by command.

use crate::account::Account;
use crate::language::{Language, grouped};
use crate::markup::{Cell, Markup};
use crate::protection::{Commands, Counts, Events};
use crate::text;
use evidence::GuardState;
use record::GuardReport;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    match account.opened.as_ref().map(|opened| &opened.guard) {
        None => page.paragraph(language.pick("The record does not say.", "记录中没有相关内容。")),
        Some(GuardReport::Unguarded) => page.element(
            "p",
            &[("class", "bad")],
            language.pick(
                "No guard was in force. Nothing in this kernel kept the source from being changed, and nothing was counted.",
                "没有写保护模块生效。本内核没有任何机制防止源介质被改动，也没有命令计数。",
            ),
        ),
        Some(GuardReport::NotADisk { reason }) => page.within("p", &[], |line| {
            line.text(language.pick(
                "A guard was in force, but the source is no disk of its own, so that no commands were counted for it: ",
                "写保护模块生效，但源不是独立磁盘，因此没有命令计数：",
            ));
            line.element("bdi", &[], text::field(reason));
        }),
        Some(guard @ GuardReport::InForce { .. }) => in_force(account, guard, language, page),
    }
    if let Some(commands) = &account.commands {
        table(commands, language, page);
    } else if matches!(account.opened.as_ref().map(|opened| &opened.guard), Some(GuardReport::InForce { .. }))
    {
        page.paragraph(language.pick(
            "The record has no table of commands: it ends before the guard was asked for it.",
            "记录中没有命令计数表：记录在读取该表之前已经结束。",
        ));
    }
    if let Some(found) = &account.events {
        events(found, language, page);
    }
}

fn in_force(account: &Account, guard: &GuardReport, language: Language, page: &mut Markup) {
    let GuardReport::InForce { disk, state, refused, policy_sha256 } = guard else { return };
    let mut facts = vec![
        ("Disk", "磁盘", Cell::recorded(disk)),
        ("State when reading began", "开始读取时的状态", Cell::Words(guard_state(*state, language))),
        ("Operations refused until then", "此前拒绝的操作", Cell::Words(grouped(*refused))),
    ];
    if let Some(closed) = &account.closed {
        if let Some(state) = closed.guard_state {
            facts.push(("State at the end", "结束时的状态", Cell::Words(guard_state(state, language))));
        }
        if let Some(refused) = closed.refused {
            facts.push(("Operations refused in all", "拒绝的操作总数", Cell::Words(grouped(refused))));
        }
    }
    if let Some(policy) = policy_sha256 {
        facts.push(("SHA-256 of its tables", "规则表 SHA-256", Cell::Code(text::clipped(policy, 64))));
    }
    page.facts(
        language.pick("Evidence guard", "写保护模块"),
        facts.into_iter().map(|(english, chinese, cell)| (language.pick(english, chinese).to_owned(), cell)),
    );
}

fn guard_state(state: GuardState, language: Language) -> String {
    let words = match state {
        GuardState::Blocked => language
            .pick("blocked: nothing that could change it is passed", "阻断：不放行任何可能改动介质的命令"),
        GuardState::Evidence => language
            .pick("evidence: blocked, and irrevocably so until power-off", "证据：阻断，断电前不可撤销"),
        GuardState::Writable => language.pick("WRITABLE", "可写"),
    };
    words.to_owned()
}

fn table(commands: &Commands, language: Language, page: &mut Markup) {
    page.element("h3", &[], language.pick("What the disk was sent", "磁盘收到的命令"));
    page.paragraph(language.pick(
        "The guard counts every command on its way to the disk, from the disk's discovery to the end of the acquisition. Passed: \
         sent to the disk; by the guard's tables such a command can't change it. Absorbed: answered with success and not sent. \
         Refused: answered with an error and not sent.",
        "写保护模块对发往磁盘的每条命令计数，自发现磁盘起至固定结束。放行：已下发磁盘，按规则表此类命令不会改动介质。\
         吸收：直接应答成功而不下发。拒绝：应答错误而不下发。",
    ));
    let heads = [
        language.pick("Command set", "命令集"),
        language.pick("Opcode", "操作码"),
        language.pick("Command", "命令"),
        language.pick("Passed", "放行"),
        language.pick("Absorbed", "吸收"),
        language.pick("Refused", "拒绝"),
    ];
    let counts = |Counts { passed, absorbed, refused }: Counts| {
        [passed, absorbed, refused].map(|count| Cell::Number(grouped(count)))
    };
    let rows = commands.rows.iter().map(|row| {
        let name = match row.name.is_empty() {
            true => Cell::Words(language.pick("in no table", "不在规则表中").to_owned()),
            false => Cell::Recorded(row.name.clone()),
        };
        let cells = [Cell::Short(row.set.clone()), Cell::Code(row.code.clone()), name];
        cells.into_iter().chain(counts(row.counts)).collect::<Vec<_>>()
    });
    let sum = [
        Cell::Words(language.pick("All", "合计").to_owned()),
        Cell::Words(String::new()),
        Cell::Words(String::new()),
    ];
    let sum = sum.into_iter().chain(counts(commands.totals)).collect();
    let caption =
        language.pick("Commands to the disk, by the guard's flight recorder", "写保护模块记录的磁盘命令计数");
    page.table(caption, &heads, rows.chain([sum]));
    left_out(u64::try_from(commands.left_out).unwrap_or(u64::MAX), language, page);
}

fn events(found: &Events, language: Language, page: &mut Markup) {
    page.element("h3", &[], language.pick("What the guard saw", "写保护模块的事件"));
    let heads = [
        language.pick("No.", "序号"),
        language.pick("Seconds since boot", "开机后秒数"),
        language.pick("Event", "事件"),
        language.pick("Details", "详情"),
    ];
    let rows = found.rows.iter().map(|row| {
        vec![
            Cell::Number(row.number.clone()),
            Cell::Number(row.since_boot.clone()),
            Cell::Short(row.what.clone()),
            Cell::Recorded(row.details.clone()),
        ]
    });
    page.table(language.pick("Events of the source, oldest first", "源介质的事件，按时间先后"), &heads, rows);
    left_out(found.left_out, language, page);
}

fn left_out(rows: u64, language: Language, page: &mut Markup) {
    if rows > 0 {
        let rows = grouped(rows);
        page.paragraph(language.pick(format!("Rows left out: {rows}."), format!("略去 {rows} 行。")));
    }
}
