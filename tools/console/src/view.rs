//! What is in view, drawn into cells: a head, a body that is scrolled to its marked line, and a foot with keys and the command
//! line. It fits 80 columns and 24 lines, and takes what there is.

mod body;

use crate::desk::{Desk, Notice, View};
use crate::disk::GuardStanding;
use crate::words;
use case_file::Language;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What is known beside the desk.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Version of the image.
    pub version: String,
    /// Date and time, UTC.
    pub clock: String,
    /// The last command line that was run.
    pub last_line: Option<String>,
}

/// Lines of a body, and which of them must be in sight.
pub(crate) struct Body {
    title: String,
    lines: Vec<(String, Style)>,
    marked: usize,
    scroll: usize,
}

impl Body {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lines: Vec::new(), marked: 0, scroll: 0 }
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.say_in(text, Style::new());
    }

    pub(crate) fn say_in(&mut self, text: impl Into<String>, style: Style) {
        self.lines.push((text.into(), style));
    }

    /// A line that can be marked.
    pub(crate) fn choice(&mut self, text: impl Into<String>, is_marked: bool) {
        let text = text.into();
        if is_marked {
            self.marked = self.lines.len();
            self.say_in(format!("> {text}"), MARKED);
        } else {
            self.say(format!("  {text}"));
        }
    }

    /// The lines in so many columns, and the number of the marked one: hash values and fingerprints must not lose their ends.
    fn fitted(&self, width: usize) -> (Vec<Line<'static>>, usize) {
        let mut fitted = Vec::new();
        let mut marked = 0;
        for (number, (text, style)) in self.lines.iter().enumerate() {
            if number == self.marked {
                marked = fitted.len();
            }
            fitted
                .extend(wrapped(text, width).into_iter().map(|part| Line::from(Span::styled(part, *style))));
        }
        (fitted, marked)
    }
}

/// Breaks a text where it is wider than the screen: behind the last space that fits, else anywhere.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.width() > width.max(2) {
        let mut columns = 0usize;
        let fits = |&(_, c): &(usize, char)| {
            columns = columns.saturating_add(c.width().unwrap_or(0));
            columns <= width.max(2)
        };
        let end =
            rest.char_indices().take_while(fits).last().map_or(0, |(at, c)| at.saturating_add(c.len_utf8()));
        let head = rest.get(..end).unwrap_or_default();
        let at = match head.trim_end().rfind(' ').map(|space| space.saturating_add(1)) {
            Some(space) if !head.get(..space).unwrap_or_default().trim().is_empty() => space,
            _ => end,
        };
        let (part, left) = rest.split_at_checked(at.max(1)).unwrap_or((rest, ""));
        parts.push(part.to_owned());
        rest = left;
    }
    parts.push(rest.to_owned());
    parts
}

pub(crate) const MARKED: Style = Style::new().add_modifier(Modifier::REVERSED);
pub(crate) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(crate) const ALARM: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
pub(crate) const DANGER: Style = Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD);
pub(crate) const GOOD: Style = Style::new().fg(Color::Green).add_modifier(Modifier::BOLD);
const BAR: Style = Style::new().fg(Color::White).bg(Color::Blue).add_modifier(Modifier::BOLD);

/// Rows for the command line: the least, and what a long one may take of the middle.
const LINE_HEIGHT: u16 = 2;
const HIGHEST_LINE: u16 = 4;

/// Draws the desk; returns how many lines there was no room for.
pub fn draw(desk: &Desk, around: &Around, frame: &mut Frame) -> usize {
    let language = desk.language;
    let told = line_of(desk, around).map(|line| format!("$ {line}")).unwrap_or_default();
    let told = wrapped(&told, usize::from(frame.area().width));
    // Help needs the whole middle.
    let highest = if desk.help { LINE_HEIGHT } else { HIGHEST_LINE };
    let line_height = u16::try_from(told.len()).unwrap_or(highest).clamp(LINE_HEIGHT, highest);
    let parts: [Rect; 5] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(2),
        Constraint::Length(line_height),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let [head, middle, notice, line, keys] = parts;
    frame.render_widget(Paragraph::new(head_of(desk, around)).style(BAR), head);
    let body = if desk.help { help(language) } else { body::of(desk) };
    let height = usize::from(middle.height).saturating_sub(1);
    let (fitted, marked) = body.fitted(usize::from(middle.width));
    let overhang = fitted.len().saturating_sub(height);
    // The screen may have grown since it was scrolled.
    let scroll = marked.saturating_sub(height.saturating_sub(2)).max(body.scroll.min(overhang));
    let more = match desk.view {
        View::Job { .. } if overhang > 0 && !desk.help => words::MORE.say(language),
        _ => "",
    };
    let mut lines = vec![Line::from(Span::styled(format!("── {} {more}", body.title), STRONG))];
    lines.extend(fitted.into_iter().skip(scroll).take(height));
    frame.render_widget(Paragraph::new(lines), middle);
    frame.render_widget(notice_of(desk), notice);
    let told: Vec<Line<'_>> = told.into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(told).style(Style::new().fg(Color::Cyan)), line);
    let keys_text = format!("{}  {}", words::KEYS_ALWAYS.say(language), keys_of(desk).say(language));
    frame.render_widget(Paragraph::new(keys_text).style(BAR), keys);
    overhang
}

fn head_of(desk: &Desk, around: &Around) -> Line<'static> {
    let guard = match desk.guard {
        GuardStanding::InForce { sealed: false } => words::GUARD_IN_FORCE,
        GuardStanding::InForce { sealed: true } => words::GUARD_SEALED,
        GuardStanding::Absent => words::GUARD_ABSENT,
        GuardStanding::NotAsked => words::GUARD_NOT_ASKED,
    };
    let style = match desk.guard {
        GuardStanding::InForce { .. } => BAR,
        GuardStanding::Absent => DANGER,
        GuardStanding::NotAsked => ALARM,
    };
    Line::from(vec![
        Span::styled(format!(" {} │ ", around.version), BAR),
        Span::styled(guard.say(desk.language), style),
        Span::styled(format!(" │ {}", around.clock), BAR),
    ])
}

fn notice_of(desk: &Desk) -> Paragraph<'static> {
    let is_busy = desk.busy.is_some() || desk.is_settling;
    let (text, style) = match &desk.notice {
        Some(Notice::Trouble(line)) => (line.clone(), DANGER),
        _ if is_busy => (format!("{} ...", words::BUSY.say(desk.language)), ALARM),
        Some(Notice::Words(text)) => (text.say(desk.language).to_owned(), ALARM),
        None => (String::new(), Style::new()),
    };
    Paragraph::new(text).style(style).wrap(Wrap { trim: false })
}

/// The command that belongs to what is in view, or the last one that was run.
fn line_of(desk: &Desk, around: &Around) -> Option<String> {
    match &desk.view {
        View::Settings { source, .. } => desk.acquire_command(source).map(|command| command.to_string()),
        View::Job { job, .. } => desk.jobs.get(*job).map(|job| job.line.clone()),
        _ => None,
    }
    .or_else(|| around.last_line.clone())
}

fn keys_of(desk: &Desk) -> words::Text {
    match &desk.view {
        View::Disks => words::KEYS_DISKS,
        View::Serial { .. } | View::Format { .. } | View::CasePath { .. } => words::KEYS_TEXT,
        View::Case { typing: true, .. } | View::Settings { typing: true, .. } => words::KEYS_TEXT,
        View::Case { .. } => words::KEYS_CASE,
        View::Job { .. } => words::KEYS_JOB,
        View::Settings { .. } => words::KEYS_SETTINGS,
        View::Disk { .. } | View::Volumes { .. } | View::PowerOff | View::Leave => words::KEYS_LIST,
    }
}

fn help(language: Language) -> Body {
    let mut body = Body::new(words::HELP.say(language));
    words::help(language).iter().for_each(|line| body.say(*line));
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Event;
    use crate::disk::{Disk, DiskId, Inventory, Standing};
    use crate::job::{Course, Ending, Job};
    use crate::mounts::Mounted;
    use crate::settings::Settings;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    #[test]
    fn long_lines_are_broken_and_lose_nothing() {
        for text in [
            "a",
            "",
            "word after word after word",
            &"f".repeat(50),
            "检材编号检材编号检材编号",
            "  检 材 a b c d e f",
        ] {
            let parts = wrapped(text, 11);
            assert_eq!(parts.concat(), text);
            assert!(parts.iter().all(|part| part.width() <= 11), "{parts:?}");
        }
        assert_eq!(wrapped("one two three", 9), ["one two ", "three"]);
    }

    #[test]
    fn a_guard_that_was_not_asked_yet_is_not_called_absent() {
        let mut desk = Desk::new(Language::English);
        assert!(seen(&desk).0[0].contains("not asked yet"), "{:?}", seen(&desk).0);
        desk.take(Event::Disks(Err("pf-devices: no such file".into())));
        assert!(seen(&desk).0[0].contains("not asked yet"), "{:?}", seen(&desk).0);
    }

    #[test]
    fn a_long_command_line_is_shown_whole() {
        let last_line = Some(format!("mkfs {} && mount /dev/sda1 /mnt/END", "-o nodev ".repeat(25)));
        let around = Around { last_line, ..Around::default() };
        let mut terminal = Terminal::new(TestBackend::new(80, 25)).unwrap();
        let desk = Desk::new(Language::English);
        terminal
            .draw(|frame| {
                draw(&desk, &around, frame);
            })
            .unwrap();
        let cells = terminal.backend().buffer().content();
        let text: String = cells.iter().map(|cell| cell.symbol()).collect();
        assert!(text.contains("$ mkfs") && text.contains("/mnt/END"), "{text}");
    }

    fn seen(desk: &Desk) -> (Vec<String>, usize) {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut overhang = 0;
        terminal.draw(|frame| overhang = draw(desk, &Around::default(), frame)).unwrap();
        let cells = terminal.backend().buffer().content();
        let lines = cells.chunks(80).map(|row| {
            let line: String = row.iter().map(|cell| cell.symbol()).collect();
            line.trim_end().to_owned()
        });
        (lines.collect(), overhang)
    }

    fn with_result(code: i32, result: &str, is_rescue: bool) -> Desk {
        let mut desk = Desk::new(Language::English);
        let id = DiskId { name: "sda".into(), serial: None, capacity: 1 };
        let mut job = Job::new(id, "7".into(), "pf-acquire".into());
        job.course =
            Course::Ended(Ending { code: Some(code), result: crate::job::outcome(result.as_bytes()) });
        job.is_rescue = is_rescue;
        desk.jobs.push(job);
        desk.view = View::Job { job: 0, stopping: false, scroll: 0 };
        desk
    }

    #[test]
    fn what_is_wrong_with_an_image_stands_under_its_verdict() {
        let range = r#"{"offset":0,"length":512}"#;
        let told = format!(
            r#"{{"hashes":{{"md5":"0"}},"unread":[{range},{range}],"faults":{{"unstable":[{range}]}}}}"#
        );
        let (lines, _) = seen(&with_result(3, &told, false));
        assert_eq!(lines[2], "IMAGED AND VERIFIED, BUT NOT ALL COULD BE READ: see the warnings");
        assert!(lines[3].starts_with("WARNING: ") && lines[3].ends_with(" unread in 2 ranges"), "{lines:?}");
        assert!(
            lines[4].starts_with("WARNING: ") && lines[4].contains("differ when read again"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_second_reading_that_differs_is_not_called_unread() {
        let told = r#"{"hashes":{"md5":"0"},"unread":[],"faults":{"unstable":[{"offset":0,"length":512}]}}"#;
        for language in [Language::English, Language::Chinese] {
            let mut desk = with_result(3, told, false);
            desk.language = language;
            let text = seen(&desk).0.concat().replace(' ', "");
            assert!(!text.contains("NOTALLCOULDBEREAD") && !text.contains("未读出"), "{text}");
        }
    }

    #[test]
    fn a_result_that_is_longer_than_the_screen_is_scrolled_to_its_end() {
        let told = r#"{"hashes":{"md5":"0"},"hidden":["a","b","c","d","e","f","g","h","i","j","k","l","last"],
            "signing_key":{"words":"one two three four"}}"#;
        let mut desk = with_result(0, told, false);
        let (lines, overhang) = seen(&desk);
        assert!(overhang > 0 && lines[1].contains("Up, Down"), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("FOUR")));
        // Further than there is: the screen may have grown meanwhile.
        desk.view = View::Job { job: 0, stopping: false, scroll: overhang + 9 };
        assert!(seen(&desk).0.iter().any(|line| line.contains("FOUR")));
    }

    #[test]
    fn how_a_recovery_in_passes_goes_on_is_not_told_as_of_others() {
        for code in [4, 5] {
            let (others, _) = seen(&with_result(code, "", false));
            assert!(others.concat().contains("Go on with one that was cut off"), "{others:?}");
            let (lines, _) = seen(&with_result(code, "", true));
            let text = lines.concat();
            assert!(text.contains("START") && !text.contains("Go on with one"), "{lines:?}");
        }
    }

    #[test]
    fn a_destination_that_is_not_used_is_listed_as_such() {
        let mut desk = Desk::new(Language::English);
        let disk = |name: &str, standing| Disk {
            id: DiskId { name: name.into(), serial: None, capacity: 1 },
            path: format!("/dev/{name}"),
            model: "-".into(),
            transport: "-".into(),
            standing,
            refused: 0,
            volumes: Vec::new(),
            content: String::new(),
            warnings: Vec::new(),
            says: None,
        };
        let names = ["sdb", "sdc", "sdd"];
        let mut disks = vec![disk("sda", Standing::Evidence)];
        disks.extend(names.map(|name| disk(name, Standing::Writable)));
        let mounted = names.map(|name| Mounted {
            device: format!("/dev/{name}"),
            folder: format!("/mnt/{name}"),
            is_writable: true,
        });
        let guard = GuardStanding::InForce { sealed: false };
        let mounted = Some(mounted.to_vec());
        desk.take(Event::Disks(Ok(Inventory { guard, disks, warnings: Vec::new(), mounted })));
        let source = desk.disks[0].id.clone();
        desk.settings.insert(source.clone(), Settings::default());
        desk.view = View::Settings { source, row: 0, typing: false };
        let (lines, _) = seen(&desk);
        let of = |folder: &str| lines.iter().find(|line| line.contains(folder)).unwrap().clone();
        assert!(of("/mnt/sdb").contains("not used"), "{lines:?}");
        assert!(!of("/mnt/sdc").contains("not used") && !of("/mnt/sdd").contains("not used"), "{lines:?}");
    }
}
