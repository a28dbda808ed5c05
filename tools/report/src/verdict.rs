//! What is to be thought of an acquisition, as far as its record tells.

use crate::account::Account;
use crate::language::Language;
use crate::text::field;
use record::{Break, Flaw, GuardReport, Outcome};

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// All read, written and verified, and the record whole.
    Good,
    /// As good, but something has to be known of it.
    Fair,
    /// Not an image to rely on, or not a record to rely on.
    Poor,
}

/// What the verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ground {
    Broken,
    Empty,
    BeingWritten,
    Unclosed,
    Ended(Outcome),
}

/// The verdict.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The grade of all of it.
    pub grade: Grade,
    ground: Ground,
}

impl Verdict {
    /// Judges a record.
    pub fn of(account: &Account) -> Self {
        let ground = match (&account.chain.broken, &account.closed) {
            (Some(_), _) => Ground::Broken,
            (None, _) if account.chain.entries == 0 => Ground::Empty,
            (None, Some(closed)) if account.chain.closed => Ground::Ended(closed.outcome),
            (None, _) if account.chain.being_written => Ground::BeingWritten,
            (None, _) => Ground::Unclosed,
        };
        let grade = match ground {
            Ground::Ended(Outcome::Complete) => Grade::Good,
            Ground::Ended(Outcome::CompleteWithUnreadSectors) | Ground::BeingWritten => Grade::Fair,
            _ => Grade::Poor,
        };
        let reservations = unguarded(account) || !account.unstable.is_empty() || !account.repeated.is_empty();
        Self { grade: if reservations { grade.max(Grade::Fair) } else { grade }, ground }
    }

    /// The verdict in a few words.
    pub fn headline(&self, language: Language) -> &'static str {
        match self.ground {
            Ground::Broken => language.pick("The record is damaged or was altered", "记录已损坏或被改动"),
            Ground::Empty => language.pick("The record is empty", "记录为空"),
            Ground::BeingWritten => language.pick("The acquisition is under way", "固定工作正在进行"),
            Ground::Unclosed => {
                language.pick("The acquisition did not come to its end", "固定工作没有正常结束")
            }
            Ground::Ended(Outcome::Complete) => {
                language.pick("Imaged, read back and verified", "镜像已制作，回读校验一致")
            }
            Ground::Ended(Outcome::CompleteWithUnreadSectors) => language.pick(
                "Imaged but for unread sectors, read back and verified",
                "镜像已制作（有未能读取的扇区），回读校验一致",
            ),
            Ground::Ended(Outcome::VerificationFailed) => language.pick(
                "Verification failed: the image is not what was acquired",
                "校验失败：镜像与固定内容不一致",
            ),
            Ground::Ended(Outcome::Interrupted) => {
                language.pick("The acquisition was interrupted", "固定工作被中断")
            }
            Ground::Ended(Outcome::Failed) => language.pick("The acquisition failed", "固定工作失败"),
        }
    }

    /// What has to be known beside it.
    pub fn sentences(&self, account: &Account, language: Language) -> Vec<String> {
        let mut told = Vec::new();
        if let Some(broken) = &account.chain.broken {
            told.push(language.pick(
                format!(
                    "Its chain breaks at {}. Only what stands before that is shown here.",
                    place(broken, language)
                ),
                format!("哈希链断裂于{}。本页仅显示断裂处之前的内容。", place(broken, language)),
            ));
        }
        if self.ground == Ground::Unclosed {
            told.push(
                language
                    .pick(
                        "No entry closes the record: power was lost, or the program was killed.",
                        "记录没有关闭条目：可能断电，或程序被强制结束。",
                    )
                    .to_owned(),
            );
        }
        if let Some(reason) = &account.interrupted {
            told.push(field(format!("{}{}{reason}", language.pick("Reason", "原因"), language.colon())));
        }
        if unguarded(account) {
            told.push(
                language
                    .pick(
                        "No write protection of this kernel was in force: the record says so for ever.",
                        "固定时本内核没有写保护；此事实永久记录在案。",
                    )
                    .to_owned(),
            );
        }
        if !account.unstable.is_empty() {
            let unstable = language.size(account.unstable().total());
            told.push(language.pick(
                format!(
                    "{unstable} were read differently the second time; the first reading is in the image."
                ),
                format!("有 {unstable}两次读取结果不一致；镜像中保留第一次读取的内容。"),
            ));
        }
        if !account.repeated.is_empty() {
            let kinds = account.repeated.join(", ");
            told.push(language.pick(
                format!("The record has more than one entry of a kind that stands once: {kinds}. The first is shown."),
                format!("记录中本应唯一的条目出现多次：{kinds}。本页显示第一条。"),
            ));
        }
        told
    }
}

/// Where and how the chain breaks.
pub fn place(broken: &Break, language: Language) -> String {
    let chinese = match &broken.flaw {
        Flaw::Chain => "与前一行不衔接，前一行被改动，或有行被删除、插入".to_owned(),
        Flaw::Sequence { expected } => format!("序号应为 {expected}"),
        Flaw::NoEntry(reason) => format!("不是记录条目（{}）", field(reason)),
        Flaw::Truncated => "文件在该行中间结束".to_owned(),
        Flaw::AfterClosed => "位于关闭条目之后".to_owned(),
        Flaw::TooLong => "超过条目的最大长度".to_owned(),
        Flaw::TooMany => "超过记录的最大条目数".to_owned(),
    };
    language.pick(field(broken), format!("第 {} 行（字节偏移 {}）：{chinese}", broken.line, broken.offset))
}

fn unguarded(account: &Account) -> bool {
    matches!(account.opened.as_ref().map(|opened| &opened.guard), Some(GuardReport::Unguarded))
}
