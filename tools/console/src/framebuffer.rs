//! The machine's own screen as cells, drawn into the kernel's frame buffer: its text console has no Chinese.
//!
//! Text rows that changed are drawn into memory and written at once. Nothing is drawn while another virtual terminal is in view.

use crate::glyphs::{CELL_WIDTH, Glyphs, HEIGHT};
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use unicode_width::UnicodeWidthStr;

/// Bytes of a pixel: blue, green, red, unused (`DRM_FORMAT_XRGB8888`).
const PIXEL: usize = 4;

/// The least that the console fits; letters grow as long as so many fit.
const FEWEST_COLUMNS: usize = 80;
const FEWEST_ROWS: usize = 25;

/// A frame buffer.
pub struct Framebuffer {
    file: File,
    glyphs: Glyphs,
    /// Bytes from one line of pixels to the next.
    stride: usize,
    scale: usize,
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
    dirty: Vec<bool>,
    /// Where the kernel says which virtual terminal is in view, and the name of ours.
    active: PathBuf,
    own: String,
    in_view: bool,
}

impl Framebuffer {
    /// The frame buffer `fb0` for the virtual terminal `own` (`tty1`).
    ///
    /// # Errors
    /// When there is none, its pixels are others, or the font is missing: then the text console must do.
    pub fn open(sys: &Path, dev: &Path, font: &Path, own: &str) -> io::Result<Self> {
        let of_fb = |name: &str| fs::read_to_string(sys.join("class/graphics/fb0").join(name));
        let number = |text: &str| text.trim().parse::<usize>().map_err(io::Error::other);
        if number(&of_fb("bits_per_pixel")?)? != PIXEL.saturating_mul(8) {
            return Err(io::Error::other("pixels of another size"));
        }
        let size = of_fb("virtual_size")?;
        let (width, height) = size.trim().split_once(',').ok_or_else(|| io::Error::other("no size"))?;
        let (width, height, stride) = (number(width)?, number(height)?, number(&of_fb("stride")?)?);
        let cells_at = |scale: usize| {
            let across =
                |pixels: usize, cell: usize| pixels.checked_div(cell.saturating_mul(scale)).unwrap_or(0);
            (across(width, CELL_WIDTH), across(height, HEIGHT))
        };
        let fits = |scale: &usize| {
            let (columns, rows) = cells_at(*scale);
            columns >= FEWEST_COLUMNS && rows >= FEWEST_ROWS
        };
        let scale = (1..=8).rev().find(fits).ok_or_else(|| io::Error::other("too small a screen"))?;
        let (columns, rows) = cells_at(scale);
        Ok(Self {
            file: OpenOptions::new().write(true).open(dev.join("fb0"))?,
            glyphs: Glyphs::read(font)?,
            stride,
            scale,
            columns,
            rows,
            cells: vec![Cell::default(); columns.saturating_mul(rows)],
            dirty: vec![true; rows],
            active: sys.join("class/tty/tty0/active"),
            own: own.to_owned(),
            in_view: false,
        })
    }

    /// Draws all of it again at the next occasion.
    pub fn forget(&mut self) {
        self.dirty.fill(true);
    }

    fn row_of_pixels(&self, row: usize) -> Vec<u8> {
        let lines = HEIGHT.saturating_mul(self.scale);
        let mut pixels = vec![0; lines.saturating_mul(self.stride)];
        let mut covered = false;
        for column in 0..self.columns {
            let Some(cell) = self.cells.get(row.saturating_mul(self.columns).saturating_add(column)) else {
                break;
            };
            // The second half of a wide character.
            if std::mem::take(&mut covered) {
                continue;
            }
            let symbol = cell.symbol();
            covered = symbol.width() > 1;
            self.draw_cell(cell, symbol.chars().next().unwrap_or(' '), column, covered, &mut pixels);
        }
        pixels
    }

    fn draw_cell(&self, cell: &Cell, character: char, column: usize, is_wide: bool, pixels: &mut [u8]) {
        let (mut ink, mut paper) = (colour(cell.fg, INK), colour(cell.bg, PAPER));
        if cell.modifier.contains(Modifier::REVERSED) {
            (ink, paper) = (paper, ink);
        }
        let glyph = self.glyphs.of(character);
        let width = if is_wide { CELL_WIDTH.saturating_mul(2) } else { CELL_WIDTH };
        let bold = cell.modifier.contains(Modifier::BOLD);
        let left = column.saturating_mul(CELL_WIDTH).saturating_mul(self.scale).saturating_mul(PIXEL);
        for (row, bits) in glyph.rows.iter().enumerate() {
            let bits = if bold { bits | (bits >> 1) } else { *bits };
            let line: Vec<u8> = (0..width)
                .flat_map(|x| {
                    let lit = bits.checked_shl(u32::try_from(x).unwrap_or(16)).unwrap_or(0) & 0x8000 != 0;
                    std::iter::repeat_n(if lit { ink } else { paper }, self.scale).flatten()
                })
                .collect();
            for copy in 0..self.scale {
                let at = row
                    .saturating_mul(self.scale)
                    .saturating_add(copy)
                    .saturating_mul(self.stride)
                    .saturating_add(left);
                if let Some(place) = pixels.get_mut(at..at.saturating_add(line.len())) {
                    place.copy_from_slice(&line);
                }
            }
        }
    }
}

type Pixel = [u8; PIXEL];

const fn pixel(red: u8, green: u8, blue: u8) -> Pixel {
    [blue, green, red, 0]
}

const INK: Pixel = pixel(0xd8, 0xd8, 0xd8);
const PAPER: Pixel = pixel(0, 0, 0);

fn colour(colour: Color, otherwise: Pixel) -> Pixel {
    match colour {
        Color::White => pixel(0xff, 0xff, 0xff),
        Color::Yellow => pixel(0xff, 0xd7, 0x3c),
        Color::Green => pixel(0x5f, 0xe0, 0x6f),
        Color::Cyan => pixel(0x6f, 0xd8, 0xe8),
        Color::Red => pixel(0xa8, 0, 0x10),
        Color::Blue => pixel(0x10, 0x30, 0x80),
        _ => otherwise,
    }
}

impl Backend for Framebuffer {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            let (x, y) = (usize::from(x), usize::from(y));
            let place = y.saturating_mul(self.columns).saturating_add(x);
            if let (true, Some(there)) = (x < self.columns, self.cells.get_mut(place)) {
                there.clone_from(cell);
                // As a terminal has it: what lay under the second half of a wide character is gone.
                let is_wide = there.symbol().width() > 1;
                if let (true, Some(second)) = (is_wide, self.cells.get_mut(place.saturating_add(1))) {
                    second.reset();
                }
                if let Some(dirty) = self.dirty.get_mut(y) {
                    *dirty = true;
                }
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _position: P) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.cells.fill(Cell::default());
        self.forget();
        Ok(())
    }

    fn clear_region(&mut self, _region: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        let side = |cells: usize| u16::try_from(cells).unwrap_or(u16::MAX);
        Ok(Size::new(side(self.columns), side(self.rows)))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        let size = self.size()?;
        Ok(WindowSize { columns_rows: size, pixels: size })
    }

    fn flush(&mut self) -> io::Result<()> {
        let was_in_view = self.in_view;
        self.in_view = fs::read_to_string(&self.active).is_ok_and(|active| active.trim() == self.own);
        if !self.in_view {
            return Ok(());
        }
        if !was_in_view {
            self.forget();
        }
        let height = HEIGHT.saturating_mul(self.scale).saturating_mul(self.stride);
        for row in 0..self.rows {
            if self.dirty.get_mut(row).is_some_and(std::mem::take) {
                let at = u64::try_from(row.saturating_mul(height)).map_err(io::Error::other)?;
                self.file.write_all_at(&self.row_of_pixels(row), at)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::widgets::Paragraph;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new(width: usize, height: usize) -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            for (path, content) in [
                ("sys/class/graphics/fb0/bits_per_pixel", "32\n".to_owned()),
                ("sys/class/graphics/fb0/virtual_size", format!("{width},{height}\n")),
                ("sys/class/graphics/fb0/stride", format!("{}\n", width * 4)),
                ("sys/class/tty/tty0/active", "tty1\n".to_owned()),
                (
                    "font",
                    format!(
                        "0041:{}\n4E2D:{}\n0020:{}\n",
                        "FF".repeat(16),
                        "FFFF".repeat(16),
                        "00".repeat(16)
                    ),
                ),
                ("dev/fb0", String::new()),
            ] {
                let path = machine.0.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            machine
        }

        fn open(&self) -> Framebuffer {
            let root = self.0.path();
            Framebuffer::open(&root.join("sys"), &root.join("dev"), &root.join("font"), "tty1").unwrap()
        }

        /// Lit pixels in a line of pixels.
        fn lit(&self, width: usize, line: usize) -> usize {
            let bytes = fs::read(self.0.path().join("dev/fb0")).unwrap();
            let line = bytes.get(line * width * 4..(line + 1) * width * 4).unwrap_or_default();
            line.chunks(4).filter(|pixel| pixel[1] > 0x80).count()
        }
    }

    #[test]
    fn letters_grow_with_the_screen() {
        for ((width, height), (columns, rows)) in [
            ((640, 480), (80, 30)),
            ((1024, 768), (128, 48)),
            ((1920, 1080), (120, 33)),
            ((3840, 2160), (96, 27)),
        ] {
            let size = Machine::new(width, height).open().size().unwrap();
            assert_eq!((size.width, size.height), (columns, rows), "{width}x{height}");
        }
    }

    #[test]
    fn nothing_comes_back_from_under_a_wide_character() {
        let machine = Machine::new(640, 480);
        let mut terminal = Terminal::new(machine.open()).unwrap();
        for text in ["AAAA", "A中A", "A"] {
            terminal.draw(|frame| frame.render_widget(Paragraph::new(text), frame.area())).unwrap();
        }
        assert_eq!(machine.lit(640, 0), 8);
    }

    #[test]
    fn wide_characters_take_two_cells_and_another_terminal_in_view_is_not_drawn_over() {
        let machine = Machine::new(640, 480);
        let mut terminal = Terminal::new(machine.open()).unwrap();
        terminal.draw(|frame| frame.render_widget(Paragraph::new("A中A"), frame.area())).unwrap();
        assert_eq!((machine.lit(640, 0), machine.lit(640, 16)), (32, 0));
        fs::write(machine.0.path().join("sys/class/tty/tty0/active"), "tty2\n").unwrap();
        terminal.draw(|frame| frame.render_widget(Paragraph::new("AAAAAA"), frame.area())).unwrap();
        assert_eq!(machine.lit(640, 0), 32, "the screen was another's");
        fs::write(machine.0.path().join("sys/class/tty/tty0/active"), "tty1\n").unwrap();
        terminal.draw(|frame| frame.render_widget(Paragraph::new("AAAAAA"), frame.area())).unwrap();
        assert_eq!(machine.lit(640, 0), 48);
    }
}
