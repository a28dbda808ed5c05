//! Hash values, segment files, and what reading the image back gave.

use crate::account::Account;
use crate::language::{Language, grouped};
use crate::markup::{Cell, Markup};
use crate::narrative;
use crate::text;
use record::{ImageClosed, Verification};

/// Segment files that are listed.
const MOST_SEGMENTS: usize = 12;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let Some(image) = &account.image else {
        page.paragraph(language.pick(
            "There are none: the image was not completed, as far as the record tells.",
            "没有校验值：据记录，镜像没有制作完成。",
        ));
        return;
    };
    let heads = [language.pick("Algorithm", "算法"), language.pick("Value", "校验值")];
    let values = image
        .hashes
        .iter()
        .map(|(algorithm, digest)| vec![Cell::Words(algorithm.to_string()), Cell::Code(digest.to_string())]);
    page.table(
        language.pick(
            "Over all bytes of the medium, from the first to the last",
            "对介质全部字节（从首字节到末字节）计算",
        ),
        &heads,
        values,
    );
    if !image.unread.is_empty() {
        let fill = account.fault_policy.as_ref().map_or("zeros", |policy| policy.fill.as_str());
        let fill = narrative::fill(fill, language);
        page.paragraph(language.pick(
            format!("What could not be read counts as {fill}."),
            format!("未能读取的部分按{fill}计算。"),
        ));
    }
    segments(image, language, page);
    page.element("h3", &[], language.pick("Read back", "回读校验"));
    if account.verifications.is_empty() {
        page.paragraph(
            language
                .pick("The record does not say that the image was read back.", "记录中没有回读校验的结果。"),
        );
    }
    for verification in &account.verifications {
        read_back(verification, language, page);
    }
}

fn segments(image: &ImageClosed, language: Language, page: &mut Markup) {
    page.element("h3", &[], language.pick("Files of the image", "镜像文件"));
    let heads = [language.pick("Name", "文件名"), language.pick("Bytes", "字节数")];
    let rows = image.segments.iter().take(MOST_SEGMENTS).map(|segment| {
        vec![Cell::Code(text::clipped(&segment.name, 200)), Cell::Number(grouped(segment.size.0))]
    });
    page.table(language.pick("In order", "按顺序"), &heads, rows);
    let left_out = image.segments.len().saturating_sub(MOST_SEGMENTS);
    if left_out > 0 {
        page.paragraph(language.pick(
            format!("Rows left out here: {left_out}. The record has them all."),
            format!("此处略去 {left_out} 行，完整内容见记录文件。"),
        ));
    }
}

fn read_back(verification: &Verification, language: Language, page: &mut Markup) {
    page.within("p", &[], |line| {
        if let Some(destination) = &verification.destination {
            line.element("bdi", &[], text::clipped(destination, 200));
            line.text(language.colon());
        }
        if verification.matches {
            line.text(language.pick(
                "All hash values read back from its medium are those of the acquisition.",
                "从目标介质回读，全部校验值与固定时一致。",
            ));
        } else {
            line.element(
                "strong",
                &[("class", "bad")],
                language.pick(
                    "What was read back from its medium is not what was acquired.",
                    "从目标介质回读，与固定时不一致。",
                ),
            );
        }
    });
    if !verification.mismatches.is_empty() {
        page.list(verification.mismatches.iter().take(20).map(text::field));
    }
}
