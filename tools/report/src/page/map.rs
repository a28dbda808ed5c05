//! The medium in a drawing: what was read, and what was not.

use crate::account::Account;
use crate::language::Language;
use crate::markup::Markup;
use crate::media_map::{COLUMNS, MediaMap, Places, Run, Status};
use evidence::{ByteCount, ExtentSet};

/// Width and height of a cell, and where the first one is.
const WIDTH: u64 = 9;
const HEIGHT: u64 = 16;
const LEFT: u64 = 84;
const TOP: u64 = 6;

/// Width of the drawing.
const WHOLE: u64 = LEFT + WIDTH * COLUMNS + 10;

/// Places that a reader of the drawing is told one by one.
const MOST_TITLES: usize = 300;

const LEGEND: [Status; 6] = [
    Status::Read,
    Status::Unread,
    Status::PartlyUnread,
    Status::Unstable,
    Status::ReadLater,
    Status::NotReached,
];

pub fn write(
    account: &Account,
    unread: &ExtentSet,
    unstable: &ExtentSet,
    language: Language,
    page: &mut Markup,
) {
    let source = account.opened.as_ref().map(|opened| &opened.source);
    let imaged = account.image.as_ref().map(|image| image.media_size.0);
    let capacity = imaged.or(source.map(|source| source.capacity.0)).unwrap_or(0);
    if capacity == 0 {
        page.paragraph(language.pick(
            "There is no map: the record does not tell the size of the medium.",
            "没有分布图：记录中没有介质容量。",
        ));
        return;
    }
    let sector = source.map_or(512, |source| u64::from(source.logical_sector.bytes()));
    let places = Places {
        unread: Some(unread),
        unstable: Some(unstable),
        errors: &account.read_errors,
        reached: account.reached(),
    };
    let map = MediaMap::new(capacity, sector, &places);
    page.within("figure", &[], |figure| {
        let label = language.pick("Map of the medium", "介质分布图");
        let frame = [("class", "wide"), ("role", "region"), ("aria-label", label), ("tabindex", "0")];
        figure.within("div", &frame, |frame| drawing(&map, language, frame));
        let cell = language.size(ByteCount(map.cell()));
        figure.element(
            "figcaption",
            &[],
            language.pick(
                format!(
                    "From the first byte, row by row; a cell stands for {cell} and shows the worst in it."
                ),
                format!("自首字节起逐行排列；每格代表 {cell}，显示其中最差的状态。"),
            ),
        );
    });
}

fn drawing(map: &MediaMap, language: Language, page: &mut Markup) {
    let bottom = TOP.saturating_add(map.rows().saturating_mul(HEIGHT));
    let view = format!("0 0 {WHOLE} {}", bottom.saturating_add(4 * HEIGHT + 4));
    let id = |what: &str| format!("map-{what}-{}", language.pick("en", "zh"));
    let (title, description) = (id("title"), id("description"));
    let labels = format!("{title} {description}");
    page.within("svg", &[("viewBox", &view), ("role", "img"), ("aria-labelledby", &labels)], |svg| {
        svg.element("title", &[("id", &title)], language.pick("Map of the medium", "介质分布图"));
        svg.element("desc", &[("id", &description)], describe(map, language));
        svg.within("defs", &[], |defs| patterns(language, defs));
        let runs = map.runs();
        let mut titled = 0usize;
        for run in &runs {
            let (x, y) = corner(run.first);
            let told = (run.status > Status::Read && titled < MOST_TITLES)
                .then(|| where_and_what(map, *run, language));
            titled = titled.saturating_add(usize::from(told.is_some()));
            block(svg, (x, y, run.cells.saturating_mul(WIDTH)), run.status, told.as_deref(), language);
        }
        grid(map, svg);
        for row in 0..map.rows() {
            let offset = row.saturating_mul(COLUMNS).saturating_mul(map.cell());
            let y = TOP.saturating_add(row.saturating_mul(HEIGHT)).saturating_add(12).to_string();
            let place = [("x", "78"), ("y", &y), ("text-anchor", "end")];
            svg.element("text", &place, ByteCount(offset).short());
        }
        legend(map.rows(), language, svg);
    });
}

/// The upper left corner of a cell.
fn corner(cell: u64) -> (u64, u64) {
    let (row, column) = (cell / COLUMNS, cell % COLUMNS);
    (LEFT.saturating_add(column.saturating_mul(WIDTH)), TOP.saturating_add(row.saturating_mul(HEIGHT)))
}

/// A block of one status. Not by colour alone: what is wrong is dark, hatched or half filled.
fn block(svg: &mut Markup, place: (u64, u64, u64), status: Status, told: Option<&str>, language: Language) {
    let (x, y, width) = place;
    let fill = match status {
        Status::Read => "#cfe3f3".to_owned(),
        Status::Unread => "#8a0f0f".to_owned(),
        other => format!("url(#{})", pattern_id(other, language)),
    };
    let (x, y, width, height) = (x.to_string(), y.to_string(), width.to_string(), HEIGHT.to_string());
    let place = [("x", x.as_str()), ("y", &y), ("width", &width), ("height", &height), ("fill", &fill)];
    match told {
        Some(told) => svg.within("rect", &place, |rect| rect.element("title", &[], told)),
        None => svg.void("rect", &place),
    }
}

fn pattern_id(status: Status, language: Language) -> String {
    let word = match status {
        Status::PartlyUnread => "partly",
        Status::Unstable => "unstable",
        Status::ReadLater => "later",
        Status::NotReached => "beyond",
        Status::Read | Status::Unread => "plain",
    };
    format!("map-{word}-{}", language.pick("en", "zh"))
}

fn patterns(language: Language, defs: &mut Markup) {
    // Half of each cell dark; stripes; dots; empty.
    let drawn: [(Status, &str, &str, &str); 4] = [
        (Status::PartlyUnread, "#f2b8b5", "M0 16V8H9V16Z", "#8a0f0f"),
        (
            Status::Unstable,
            "#ffffff",
            "M-1 5L10 -3V0L-1 8ZM-1 13L10 5V8L-1 16ZM-1 21L10 13V16L-1 24Z",
            "#6b4200",
        ),
        (Status::ReadLater, "#cfe3f3", "M3 3H6V6H3ZM3 10H6V13H3Z", "#0b4f8a"),
        (Status::NotReached, "#ffffff", "M4 7H5V9H4Z", "#5f6368"),
    ];
    let (width, height) = (WIDTH.to_string(), HEIGHT.to_string());
    let (x, y) = (LEFT.to_string(), TOP.to_string());
    for (status, behind, path, colour) in drawn {
        let id = pattern_id(status, language);
        let place = [
            ("id", id.as_str()),
            ("x", &x),
            ("y", &y),
            ("width", &width),
            ("height", &height),
            ("patternUnits", "userSpaceOnUse"),
        ];
        defs.within("pattern", &place, |pattern| {
            pattern.void("rect", &[("width", &width), ("height", &height), ("fill", behind)]);
            pattern.void("path", &[("d", path), ("fill", colour)]);
        });
    }
}

/// Lines between the cells, and a frame around what there is of the medium.
fn grid(map: &MediaMap, svg: &mut Markup) {
    let mut path = String::new();
    for row in 0..map.rows() {
        let first = row.saturating_mul(COLUMNS);
        let cells = map.cells().saturating_sub(first).min(COLUMNS);
        let (x, y) = corner(first);
        let width = cells.saturating_mul(WIDTH);
        path.push_str(&format!("M{x} {y}h{width}v{HEIGHT}h-{width}z"));
        for column in 1..cells {
            path.push_str(&format!("M{} {y}v{HEIGHT}", x.saturating_add(column.saturating_mul(WIDTH))));
        }
    }
    svg.void("path", &[("d", &path), ("fill", "none"), ("stroke", "#ffffff"), ("stroke-width", "0.6")]);
    let (x, y) = (LEFT.to_string(), TOP.to_string());
    let (width, height) =
        ((WIDTH.saturating_mul(COLUMNS)).to_string(), map.rows().saturating_mul(HEIGHT).to_string());
    let frame = [("x", x.as_str()), ("y", &y), ("width", &width), ("height", &height)];
    svg.void("rect", &[&frame[..], &[("fill", "none"), ("stroke", "#5f6368")]].concat());
}

/// On the raster of the cells, so that a pattern shows as it does there.
fn legend(rows: u64, language: Language, svg: &mut Markup) {
    for (number, status) in (0u64..).zip(LEGEND) {
        let x = LEFT.saturating_add((number % 3).saturating_mul(21 * WIDTH));
        let line = rows.saturating_add(1).saturating_add((number / 3).saturating_mul(2));
        let y = TOP.saturating_add(line.saturating_mul(HEIGHT));
        block(svg, (x, y, 2 * WIDTH), status, None, language);
        let (left, top) = (x.to_string(), y.to_string());
        let frame = [("x", left.as_str()), ("y", &top), ("width", "18"), ("height", "16")];
        svg.void("rect", &[&frame[..], &[("fill", "none"), ("stroke", "#5f6368")]].concat());
        let (x, y) = (x.saturating_add(24).to_string(), y.saturating_add(12).to_string());
        svg.element("text", &[("x", &x), ("y", &y)], words(status, language));
    }
}

fn words(status: Status, language: Language) -> &'static str {
    match status {
        Status::Read => language.pick("read", "已读取"),
        Status::Unread => language.pick("not read at all", "全部未能读取"),
        Status::PartlyUnread => language.pick("partly not read", "部分未能读取"),
        Status::Unstable => language.pick("second reading differs", "两次读取不一致"),
        Status::ReadLater => language.pick("read error, then read", "先出错，后读取成功"),
        Status::NotReached => language.pick("not known to be imaged", "不确定是否已成像"),
    }
}

fn where_and_what(map: &MediaMap, run: Run, language: Language) -> String {
    let (from, to) = map.bytes(run);
    format!(
        "{} – {}{}{}",
        ByteCount(from).short(),
        ByteCount(to).short(),
        language.colon(),
        words(run.status, language)
    )
}

fn describe(map: &MediaMap, language: Language) -> String {
    let runs = map.runs();
    let cells = |status: Status| {
        runs.iter().filter(|run| run.status == status).fold(0u64, |sum, run| sum.saturating_add(run.cells))
    };
    let counted: Vec<String> = LEGEND
        .into_iter()
        .filter(|status| cells(*status) > 0)
        .map(|status| format!("{}{}{}", words(status, language), language.colon(), cells(status)))
        .collect();
    let all = map.cells();
    language.pick(
        format!("The medium in {all} cells, from its beginning. Cells {}.", counted.join(", ")),
        format!("将介质自起始处分为 {all} 格。格数：{}。", counted.join("，")),
    )
}
