//! The terminal: keys in, cells out, and a root shell in between. The loop that everything runs in is here.

use crate::desk::{Desk, Effect, Event, Key};
use crate::framebuffer::Framebuffer;
use crate::runner::Runner;
use crate::view::{self, Around};
use case_file::Language;
use crossbeam_channel::{Receiver, unbounded};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    self, Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
};
use ratatui::crossterm::terminal::{self as raw, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{cursor, execute};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::fs;
use std::io::{self, IsTerminal, Stdout, Write, stdin, stdout};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a serial line has where nobody told its size: the least that the console fits.
const SMALLEST: (u16, u16) = (80, 24);

/// The font that the image carries.
const FONT: &str = "/usr/share/permafrost/unifont.hex";

/// So long is waited for a key before what else happened is looked at.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often is looked whether a disk came or went, or changed its state.
const LOOK: Duration = Duration::from_secs(1);

/// How often room on destinations is looked at.
const MEASURE: Duration = Duration::from_secs(5);

/// Most things that are taken up before the screen is drawn again.
const MOST_AT_ONCE: usize = 500;

/// Runs the console until it is left or the machine ends.
///
/// # Errors
/// When standard input or output is no terminal, or stops being one.
pub fn run(language: Language, wait: bool) -> io::Result<()> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(io::Error::other(
            "pf-console needs a terminal; programs use pf-devices, pf-guard and pf-acquire",
        ));
    }
    if wait {
        await_key()?;
    }
    let (sender, events) = unbounded();
    let mut console = Console {
        desk: Desk::new(language),
        runner: Runner::new(sender),
        events,
        seen: None,
        looked: None,
        measured: Instant::now(),
        version: version(),
        is_left: false,
    };
    let mut screen = Screen::open()?;
    let ended = console.live(&mut screen);
    screen.close();
    ended
}

/// Waits for a key; until another one comes, `!` gives the terminal to a root shell.
fn await_key() -> io::Result<()> {
    loop {
        print!("\n{}: Enter opens the console, ! a root shell.\n", version());
        stdout().flush()?;
        enable_raw_mode()?;
        let key = loop {
            if let TerminalEvent::Key(pressed) = event::read()? {
                break pressed.code;
            }
        };
        disable_raw_mode()?;
        match key {
            KeyCode::Char('!') | KeyCode::F(9) => shell(),
            _ => return Ok(()),
        }
    }
}

struct Console {
    desk: Desk,
    runner: Runner,
    events: Receiver<Event>,
    /// Disks and their states, as they were seen last; none before the first look.
    seen: Option<Vec<(String, String)>>,
    looked: Option<Instant>,
    measured: Instant,
    version: String,
    is_left: bool,
}

impl Console {
    fn live(&mut self, screen: &mut Screen) -> io::Result<()> {
        let mut is_stale = true;
        let mut drawn = Instant::now();
        while !self.is_left {
            is_stale |= self.look();
            if is_stale || drawn.elapsed() >= LOOK {
                let around = self.around();
                self.desk.overhang = screen.draw(&self.desk, &around)?;
                (is_stale, drawn) = (false, Instant::now());
            }
            if event::poll(PATIENCE)? {
                match event::read()? {
                    TerminalEvent::Key(pressed) if pressed.kind != KeyEventKind::Release => {
                        is_stale = true;
                        if is_redraw(&pressed) {
                            screen.clear()?;
                        }
                        if let Some(key) = key_of(&pressed) {
                            self.take(Event::Key(key), screen)?;
                        }
                    }
                    _ => {
                        screen.fit()?;
                        is_stale = true;
                    }
                }
            }
            for event in self.events.clone().try_iter().take(MOST_AT_ONCE) {
                is_stale = true;
                self.take(event, screen)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Event, screen: &mut Screen) -> io::Result<()> {
        for effect in self.desk.take(event) {
            match effect {
                Effect::Shell => screen.lend(shell)?,
                Effect::Leave => self.is_left = true,
                effect => self.runner.carry_out(effect),
            }
        }
        Ok(())
    }

    /// Looks for disks that came or went and for destinations that fill up; true where the list is asked for again.
    fn look(&mut self) -> bool {
        if self.measured.elapsed() >= MEASURE {
            self.measured = Instant::now();
            self.desk.folders.keys().for_each(|folder| self.runner.measure(folder));
        }
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return false;
        }
        self.looked = Some(Instant::now());
        let is_news = take_in(&mut self.seen, disks_and_states(Path::new("/sys/block")));
        if is_news {
            self.runner.carry_out(Effect::List);
        }
        is_news
    }

    fn around(&self) -> Around {
        let clock = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        Around { version: self.version.clone(), clock, last_line: self.runner.last_line() }
    }
}

/// Keeps what was seen; true where it is news. The first look is, even if there is no disk: the guard is asked with the disks.
fn take_in(seen: &mut Option<Vec<(String, String)>>, now: Vec<(String, String)>) -> bool {
    let before = seen.replace(now);
    before != *seen
}

/// Names of disks with the guard's word for each; cheap, and without a question to any disk.
fn disks_and_states(block: &Path) -> Vec<(String, String)> {
    let Ok(disks) = fs::read_dir(block) else { return Vec::new() };
    let mut seen: Vec<(String, String)> = disks
        .filter_map(Result::ok)
        .map(|disk| {
            let read = |file: &str| fs::read_to_string(disk.path().join(file)).unwrap_or_default();
            let state = format!("{}{}", read("guard/state").trim(), read("size").trim());
            (disk.file_name().to_string_lossy().into_owned(), state)
        })
        .filter(|(name, _)| !name.starts_with("loop") && !name.starts_with("ram"))
        .collect();
    seen.sort();
    seen
}

fn version() -> String {
    let release = fs::read_to_string("/etc/permafrost-release").unwrap_or_default();
    let line = release.lines().next().unwrap_or_default();
    if line.is_empty() { format!("Permafrost {}", env!("CARGO_PKG_VERSION")) } else { line.to_owned() }
}

/// A root shell in place of the console, until it ends.
fn shell() {
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned());
    println!("A root shell; exit comes back.\r");
    if let Err(error) = Command::new(&shell).arg("-l").status() {
        println!("{shell} can't be started: {error}\r");
    }
}

fn is_redraw(pressed: &KeyEvent) -> bool {
    pressed.code == KeyCode::Char('l') && pressed.modifiers.contains(KeyModifiers::CONTROL)
}

fn key_of(pressed: &KeyEvent) -> Option<Key> {
    if pressed.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    Some(match pressed.code {
        KeyCode::Char(c) => Key::Character(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Up => Key::Up,
        KeyCode::Down | KeyCode::Tab => Key::Down,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Insert => Key::Insert,
        KeyCode::F(1) => Key::Help,
        KeyCode::F(2) => Key::Language,
        KeyCode::F(9) => Key::Shell,
        _ => return None,
    })
}

/// A terminal that shows cells: by escape sequences, or, on the machine's own screen, by pixels.
enum Face {
    Cells(Terminal<CrosstermBackend<Stdout>>),
    Pixels(Box<Terminal<Framebuffer>>),
}

struct Screen {
    face: Face,
    size: (u16, u16),
}

impl Screen {
    fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        execute!(stdout(), raw::Clear(raw::ClearType::All), cursor::Hide)?;
        let size = size();
        let face = match framebuffer() {
            Some(framebuffer) => Face::Pixels(Box::new(Terminal::new(framebuffer)?)),
            None => Face::Cells(terminal_of(size)?),
        };
        Ok(Self { face, size })
    }

    /// Draws the desk; returns how many lines there was no room for.
    fn draw(&mut self, desk: &Desk, around: &Around) -> io::Result<usize> {
        let mut overhang = 0;
        match &mut self.face {
            Face::Cells(terminal) => {
                terminal.draw(|frame| overhang = view::draw(desk, around, frame)).map(drop)?;
            }
            Face::Pixels(terminal) => {
                terminal.draw(|frame| overhang = view::draw(desk, around, frame)).map(drop)?;
            }
        }
        Ok(overhang)
    }

    fn clear(&mut self) -> io::Result<()> {
        match &mut self.face {
            Face::Cells(terminal) => terminal.clear(),
            Face::Pixels(terminal) => terminal.clear(),
        }
    }

    /// Takes another size of the terminal over.
    fn fit(&mut self) -> io::Result<()> {
        let size = size();
        if size != self.size {
            self.size = size;
            if let Face::Cells(terminal) = &mut self.face {
                execute!(stdout(), raw::Clear(raw::ClearType::All))?;
                *terminal = terminal_of(size)?;
            }
        }
        Ok(())
    }

    /// Gives the terminal to `deed` and takes it back.
    fn lend(&mut self, deed: impl FnOnce()) -> io::Result<()> {
        self.close();
        deed();
        *self = Self::open()?;
        Ok(())
    }

    fn close(&mut self) {
        // Whoever gets the terminal next sees what went wrong with it.
        let _ = execute!(stdout(), raw::Clear(raw::ClearType::All), cursor::MoveTo(0, 0), cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// The frame buffer, where this is a virtual terminal of the machine's screen and there is one.
fn framebuffer() -> Option<Framebuffer> {
    let own = nix::unistd::ttyname(stdin()).ok()?;
    let own = own.file_name()?.to_string_lossy().into_owned();
    let is_screen = own.strip_prefix("tty").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    // Without one, in text mode for instance, the kernel's text console shows what it can.
    let open = || Framebuffer::open(Path::new("/sys"), Path::new("/dev"), Path::new(FONT), &own).ok();
    is_screen.then(open)?
}

fn terminal_of((columns, rows): (u16, u16)) -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
    Terminal::with_options(CrosstermBackend::new(stdout()), TerminalOptions { viewport })
}

/// A serial line does not know its size.
fn size() -> (u16, u16) {
    match raw::size() {
        Ok((columns, rows)) if columns > 0 && rows > 0 => (columns, rows),
        _ => SMALLEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_look_is_news_though_there_is_no_disk() {
        let mut seen = None;
        assert!(take_in(&mut seen, Vec::new()));
        assert!(!take_in(&mut seen, Vec::new()));
        assert!(take_in(&mut seen, vec![("sda".into(), "blocked".into())]));
    }
}
