//! How fast the image grew, over the medium.

use crate::account::Account;
use crate::growth::Step;
use crate::language::Language;
use crate::markup::Markup;
use evidence::ByteCount;

const LEFT: u64 = 84;
const TOP: u64 = 10;
const WIDTH: u64 = 576;
const HEIGHT: u64 = 150;

pub fn write(account: &Account, language: Language, page: &mut Markup) {
    let steps = account.growth.steps();
    let capacity = account.image.as_ref().map(|image| image.media_size.0);
    let capacity = capacity.or(account.opened.as_ref().map(|opened| opened.source.capacity.0)).unwrap_or(0);
    let fastest = steps.iter().map(|step| step.bytes_per_second()).max().unwrap_or(0);
    if fastest == 0 || capacity == 0 {
        let checkpoints = account.growth.checkpoints();
        page.paragraph(language.pick(
            format!("There is no curve: it takes two checkpoints that tell when the image had grown how far. Here: {checkpoints}."),
            format!("没有速度曲线：至少需要两个检查点（记录镜像何时增长到何处），本记录有 {checkpoints} 个。"),
        ));
        mean(account, language, page);
        return;
    }
    page.within("figure", &[], |figure| {
        let label = language.pick("Speed over the medium", "速度曲线");
        let frame = [("class", "wide"), ("role", "region"), ("aria-label", label), ("tabindex", "0")];
        figure.within("div", &frame, |frame| drawing(&steps, capacity, fastest, language, frame));
        figure.element(
            "figcaption",
            &[],
            language.pick(
                "Means between the checkpoints of the record: reading, compressing and writing together.",
                "记录中相邻检查点之间的平均值，包含读取、压缩和写入。",
            ),
        );
    });
    mean(account, language, page);
}

/// What the record says of the whole.
fn mean(account: &Account, language: Language, page: &mut Markup) {
    let Some(image) = &account.image else { return };
    if !(image.seconds.is_finite() && image.seconds >= 0.0) {
        return;
    }
    let (seconds, size) = (format!("{:.1}", image.seconds), image.media_size.short());
    page.paragraph(language.pick(
        format!("The whole: {size} in {seconds} s, by the record."),
        format!("据记录，总计 {size}，用时 {seconds} 秒。"),
    ));
}

fn drawing(steps: &[Step], capacity: u64, fastest: u64, language: Language, page: &mut Markup) {
    let top_speed = rounded_up(fastest);
    let view = format!("0 0 {} {}", LEFT + WIDTH + 40, TOP + HEIGHT + 26);
    let id = |what: &str| format!("curve-{what}-{}", language.pick("en", "zh"));
    let (title, description) = (id("title"), id("description"));
    let labels = format!("{title} {description}");
    page.within("svg", &[("viewBox", &view), ("role", "img"), ("aria-labelledby", &labels)], |svg| {
        svg.element("title", &[("id", &title)], language.pick("Speed over the medium", "速度曲线"));
        svg.element("desc", &[("id", &description)], describe(steps, fastest, language));
        for line in 0..=4u64 {
            let y = TOP + HEIGHT - HEIGHT * line / 4;
            svg.void(
                "path",
                &[("d", &format!("M{LEFT} {y}h{WIDTH}")), ("stroke", "#9aa0a6"), ("stroke-width", "0.6")],
            );
            let speed = scaled(top_speed, line, 4);
            let place = [("x", "78".to_owned()), ("y", (y + 4).to_string())];
            let place: Vec<(&str, &str)> =
                place.iter().map(|(name, value)| (*name, value.as_str())).collect();
            svg.element(
                "text",
                &[&place[..], &[("text-anchor", "end")]].concat(),
                format!("{}/s", ByteCount(speed).short()),
            );
            let x = (LEFT + WIDTH * line / 4).to_string();
            let y = (TOP + HEIGHT + 18).to_string();
            let place = [("x", x.as_str()), ("y", &y), ("text-anchor", "middle")];
            svg.element("text", &place, ByteCount(scaled(capacity, line, 4)).short());
        }
        let path = path(steps, capacity, top_speed);
        svg.void("path", &[("d", &path), ("fill", "none"), ("stroke", "#0b4f8a"), ("stroke-width", "2")]);
    });
}

/// A level for each step, joined where they touch.
fn path(steps: &[Step], capacity: u64, top_speed: u64) -> String {
    let mut path = String::new();
    let mut end = None;
    for step in steps {
        let (from, to) = (LEFT + scaled(WIDTH, step.from, capacity), LEFT + scaled(WIDTH, step.to, capacity));
        let level = TOP + HEIGHT - scaled(HEIGHT, step.bytes_per_second(), top_speed);
        let joint = if end == Some(step.from) { 'L' } else { 'M' };
        path.push_str(&format!("{joint}{from} {level}H{to}"));
        end = Some(step.to);
    }
    path
}

/// `whole * part / of`, never more than the whole.
fn scaled(whole: u64, part: u64, of: u64) -> u64 {
    let scaled = u128::from(whole).saturating_mul(u128::from(part)) / u128::from(of.max(1));
    u64::try_from(scaled).unwrap_or(whole).min(whole)
}

/// The next of 1, 2, 4, 8 … times a power of 1024, so that the axis has short labels.
fn rounded_up(speed: u64) -> u64 {
    speed.max(1).checked_next_power_of_two().unwrap_or(u64::MAX)
}

fn describe(steps: &[Step], fastest: u64, language: Language) -> String {
    let slowest = steps.iter().map(|step| step.bytes_per_second()).min().unwrap_or(0);
    let (slowest, fastest) = (ByteCount(slowest).short(), ByteCount(fastest).short());
    language.pick(
        format!("Between {slowest}/s and {fastest}/s in {} steps.", steps.len()),
        format!("共 {} 段，介于 {slowest}/s 与 {fastest}/s 之间。", steps.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_stays_in_its_frame_and_joins_what_touches() {
        let step = |from, to, milliseconds| Step { from, to, milliseconds };
        let steps = [step(0, 500, 1000), step(500, 1000, 500), step(2000, u64::MAX, 1)];
        assert_eq!(path(&steps, 1000, 1000), "M84 85H372L372 10H660M660 10H660");
        assert_eq!(path(&[step(0, u64::MAX, 1)], u64::MAX, u64::MAX), "M84 10H660");
    }
}
