//! The examiner's console as a person has it: keys, and text on a screen. The text is read by nothing of ours: on the monitor
//! pixel by pixel against the font that Debian ships, in VGA's text mode from the card's memory, on a serial line by a terminal
//! emulator.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{Doing, HarnessError, Result, emulator::Emulator, screen::Picture};

/// Debian's package `unifont`.
const UNIFONT: &str = "/usr/share/unifont/unifont.hex";

/// Pixels of a glyph at scale 1.
const GLYPH: (usize, usize) = (8, 16);

/// Pixels of a row of a narrow glyph and of a wide one.
const NARROW: u16 = 0xff00;
const WIDE: u16 = 0xffff;

/// What the console says while it takes no keys.
const BUSY: [&str; 2] = ["Please wait", "请稍候"];

/// How often the screen is looked at while something is awaited.
const LOOK: Duration = Duration::from_millis(500);

/// VGA's text mode: 80 × 25 characters with their colours, from here on.
const TEXT_MEMORY: u64 = 0xb8000;
const TEXT_SIZE: (usize, usize) = (80, 25);

/// A terminal of the least size.
const SERIAL_SIZE: (u16, u16) = (24, 80);

/// Where a person sits.
pub enum Seat {
    /// Before the monitor, with a keyboard; letters so many times as large as the font's.
    Monitor {
        /// Scale of the letters.
        scale: usize,
        /// The font.
        font: Font,
    },
    /// Before the monitor, in VGA's text mode.
    Text,
    /// At the other end of the serial line.
    Serial(Box<vt100::Parser>),
}

impl Seat {
    /// Before the monitor.
    ///
    /// # Errors
    /// [`HarnessError::Missing`] without the font.
    pub fn at_the_monitor(scale: usize) -> Result<Self> {
        Ok(Seat::Monitor { scale, font: Font::read()? })
    }

    /// At the serial line.
    #[must_use]
    pub fn at_the_serial_line() -> Self {
        let (rows, columns) = SERIAL_SIZE;
        Seat::Serial(Box::new(vt100::Parser::new(rows, columns, 0)))
    }
}

/// A person at a seat of a machine.
pub struct Person<'a> {
    /// The machine.
    pub machine: &'a mut Emulator,
    seat: Seat,
    folder: PathBuf,
    pictures: u32,
}

impl<'a> Person<'a> {
    /// Sits down; pictures go to `folder`.
    pub fn new(machine: &'a mut Emulator, seat: Seat, folder: &Path) -> Self {
        Person { machine, seat, folder: folder.to_owned(), pictures: 0 }
    }

    /// What can be read now, a line for each row.
    ///
    /// # Errors
    /// When the emulator gives no picture or hangs up.
    pub fn reads(&mut self) -> Result<String> {
        match &mut self.seat {
            Seat::Monitor { scale, font } => {
                let picture = Picture::take(&mut self.machine.qmp, &self.folder)?;
                Ok(font.text_of(&picture, *scale))
            }
            Seat::Text => {
                let dump = self.folder.join("text-memory");
                let size = TEXT_SIZE.0 * TEXT_SIZE.1 * 2;
                let arguments = json!({ "val": TEXT_MEMORY, "size": size, "filename": dump });
                self.machine.qmp.execute("pmemsave", arguments)?;
                let bytes = std::fs::read(&dump).doing(|| format!("reading {}", dump.display()))?;
                let character = |pair: &[u8]| if pair[0].is_ascii_graphic() { pair[0] as char } else { ' ' };
                Ok(lines(bytes.chunks(2).map(character), TEXT_SIZE.0))
            }
            Seat::Serial(parser) => {
                parser.process(&self.machine.shell.hear(LOOK)?);
                Ok(parser.screen().contents())
            }
        }
    }

    /// Waits until all of `texts` can be read, and keeps a picture of that.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] with what can be read instead.
    pub fn awaits(&mut self, texts: &[&str], within: Duration) -> Result<String> {
        let is_there = |read: &str| texts.iter().all(|text| read.contains(text));
        self.awaits_that(&format!("{texts:?} on the screen"), within, is_there)
    }

    /// Waits until what can be read is as `wanted`, and keeps a picture of that.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] with what can be read instead.
    pub fn awaits_that(
        &mut self,
        awaited: &str,
        within: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let begun = Instant::now();
        loop {
            let read = self.reads()?;
            if wanted(&read) {
                self.keep_picture(&read)?;
                return Ok(read);
            }
            if begun.elapsed() > within {
                self.keep_picture(&read)?;
                return Err(HarnessError::Deadline { awaited: awaited.to_owned(), within, heard: read });
            }
            if !matches!(self.seat, Seat::Serial(_)) {
                std::thread::sleep(LOOK);
            }
        }
    }

    /// Waits while the console says that it takes no keys.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn waits_until_keys_are_taken(&mut self, within: Duration) -> Result<()> {
        let takes_keys = |read: &str| !BUSY.iter().any(|busy| read.contains(busy));
        self.awaits_that("the console to take keys", within, takes_keys).map(drop)
    }

    fn keep_picture(&mut self, read: &str) -> Result<()> {
        self.pictures += 1;
        let name = format!("{:02}", self.pictures);
        if !matches!(self.seat, Seat::Serial(_)) {
            self.machine.qmp.screen_shot(&self.folder.join(format!("{name}.png")))?;
        }
        let text = self.folder.join(format!("{name}.txt"));
        std::fs::write(&text, read).doing(|| format!("writing {}", text.display()))
    }

    /// Types characters.
    ///
    /// # Errors
    /// When the emulator takes no keys.
    pub fn types(&mut self, text: &str) -> Result<()> {
        text.chars().try_for_each(|character| self.presses(&character.to_string()))
    }

    /// Presses one key: a character, or `ret`, `esc`, `up`, `down`, `f1`, `f2`.
    ///
    /// # Errors
    /// When the emulator takes no keys.
    pub fn presses(&mut self, key: &str) -> Result<()> {
        if let Seat::Serial(_) = self.seat {
            let bytes = match key {
                "ret" => "\r",
                "esc" => "\x1b",
                "up" => "\x1b[A",
                "down" => "\x1b[B",
                "f1" => "\x1bOP",
                "f2" => "\x1bOQ",
                other => other,
            };
            self.machine.shell.press(bytes)?;
            // An escape sequence is told from the key Escape by what follows at once.
            std::thread::sleep(Duration::from_millis(if key == "esc" { 400 } else { 50 }));
            return Ok(());
        }
        let is_upper = key.len() == 1 && key.chars().all(|c| c.is_ascii_uppercase());
        let code = match key {
            "-" => "minus".to_owned(),
            " " => "spc".to_owned(),
            other => other.to_ascii_lowercase(),
        };
        let keys: &[&str] = if is_upper { &["shift", &code] } else { &[&code] };
        self.machine.qmp.press_together(keys)
    }

    /// Moves the mark until it stands on a line with `text`, waits until keys are taken, and presses Enter.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] when it gets there in no way.
    pub fn chooses(&mut self, text: &str, within: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut read = self.awaits(&[text], within)?;
        let is_marked = |read: &str| {
            let marked = read.lines().any(|line| line.trim_start().starts_with("> ") && line.contains(text));
            marked && !BUSY.iter().any(|busy| read.contains(busy))
        };
        while !is_marked(&read) {
            if begun.elapsed() > within {
                let awaited = format!("the mark on {text:?}");
                return Err(HarnessError::Deadline { awaited, within, heard: read });
            }
            let marked = read.lines().position(|line| line.trim_start().starts_with("> "));
            let wanted = read.lines().position(|line| line.contains(text));
            if marked != wanted {
                self.presses(if marked > wanted { "up" } else { "down" })?;
            }
            std::thread::sleep(LOOK);
            read = self.reads()?;
        }
        self.presses("ret")
    }
}

/// Glyphs by their pixels.
pub struct Font(HashMap<Vec<u16>, char>);

impl Font {
    fn read() -> Result<Self> {
        let text = std::fs::read_to_string(UNIFONT)
            .map_err(|_| HarnessError::Missing { program: UNIFONT.into(), package: "unifont".into() })?;
        let mut glyphs = HashMap::new();
        let mut bold: Vec<(Vec<u16>, char)> = Vec::new();
        for (code, digits) in text.lines().filter_map(|line| line.split_once(':')) {
            let character = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            let per_row = digits.len() / GLYPH.1;
            let rows = (0..GLYPH.1).filter_map(|row| {
                let bits = u16::from_str_radix(&digits[row * per_row..(row + 1) * per_row], 16).ok()?;
                Some(if per_row == 2 { bits << 8 } else { bits })
            });
            let rows: Vec<u16> = rows.collect();
            if let (Some(character), true) = (character, matches!(per_row, 2 | 4)) {
                let width = if per_row == 2 { NARROW } else { WIDE };
                // Printed bold, a pixel to the right is lit as well.
                bold.push((rows.iter().map(|bits| (bits | (bits >> 1)) & width).collect(), character));
                // Of several that look the same the first is the common one.
                glyphs.entry(rows).or_insert(character);
            }
        }
        for (rows, character) in bold {
            glyphs.entry(rows).or_insert(character);
        }
        Ok(Font(glyphs))
    }

    fn text_of(&self, picture: &Picture, scale: usize) -> String {
        let (columns, rows) = (picture.width() / (GLYPH.0 * scale), picture.height() / (GLYPH.1 * scale));
        let mut text = String::new();
        for row in 0..rows {
            let mut column = 0;
            while column < columns {
                let at = |width: usize| self.glyph_at(picture, scale, (column, row), width);
                let narrow = at(GLYPH.0);
                let wide = if narrow.is_none() { at(GLYPH.0 * 2) } else { None };
                text.push(narrow.or(wide).unwrap_or('?'));
                column += if wide.is_some() { 2 } else { 1 };
            }
            text.push('\n');
        }
        text
    }

    /// The character whose pixels stand there, light on dark or dark on light.
    fn glyph_at(&self, picture: &Picture, scale: usize, cell: (usize, usize), width: usize) -> Option<char> {
        let (left, top) = (cell.0 * GLYPH.0 * scale, cell.1 * GLYPH.1 * scale);
        let paper = picture.pixel(left, top)?;
        let rows = |inverted: bool| -> Vec<u16> {
            (0..GLYPH.1)
                .map(|y| {
                    (0..width).fold(0, |bits, x| {
                        let is_ink = picture.pixel(left + x * scale, top + y * scale) != Some(paper);
                        bits | (u16::from(is_ink != inverted) << (15 - x))
                    })
                })
                .collect()
        };
        let full = if width == GLYPH.0 { NARROW } else { WIDE };
        let flip = |rows: Vec<u16>| rows.into_iter().map(|bits| bits & full).collect::<Vec<u16>>();
        self.0.get(&flip(rows(false))).or_else(|| self.0.get(&flip(rows(true)))).copied()
    }
}

fn lines(characters: impl Iterator<Item = char>, width: usize) -> String {
    let characters: Vec<char> = characters.collect();
    let rows =
        characters.chunks(width).map(|row| row.iter().collect::<String>().trim_end().to_owned() + "\n");
    rows.collect()
}
