//! The font of the machine's own screen: GNU Unifont in its own text format, as the image carries it.

use std::fs;
use std::io;
use std::path::Path;

/// Height of every glyph.
pub const HEIGHT: usize = 16;

/// Width of a cell; a wide glyph covers two.
pub const CELL_WIDTH: usize = 8;

/// Glyphs by code point, sorted.
pub struct Glyphs(Vec<(u32, Glyph)>);

/// A glyph: the leftmost pixel is the highest bit of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyph {
    /// Rows from the top.
    pub rows: [u16; HEIGHT],
}

impl Glyphs {
    /// Reads a file of lines `XXXX:` and 32 or 64 hexadecimal digits, two or four for each row (unifont, "hex format").
    ///
    /// # Errors
    /// When it can't be read or holds no glyph. Lines that are none are passed over: a glyph less is no screen less.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let mut glyphs: Vec<(u32, Glyph)> = text.lines().filter_map(glyph_of).collect();
        if glyphs.is_empty() {
            return Err(io::Error::other(format!("{}: holds no glyph", path.display())));
        }
        glyphs.sort_by_key(|(code, _)| *code);
        Ok(Self(glyphs))
    }

    /// The glyph of a character; of one that the font lacks, a box.
    #[must_use]
    pub fn of(&self, character: char) -> Glyph {
        let code = u32::from(character);
        let found = self.0.binary_search_by_key(&code, |(code, _)| *code);
        found.ok().and_then(|place| self.0.get(place)).map_or(BOX, |(_, glyph)| *glyph)
    }
}

const BOX: Glyph = {
    let mut rows = [0x4200; HEIGHT];
    rows[0] = 0;
    rows[1] = 0x7e00;
    rows[14] = 0x7e00;
    rows[15] = 0;
    Glyph { rows }
};

fn glyph_of(line: &str) -> Option<(u32, Glyph)> {
    let (code, digits) = line.split_once(':')?;
    let code = u32::from_str_radix(code, 16).ok()?;
    let per_row = digits.len().checked_div(HEIGHT)?;
    if !digits.is_ascii() || ![2, 4].contains(&per_row) || digits.len() != per_row.saturating_mul(HEIGHT) {
        return None;
    }
    let mut rows = [0; HEIGHT];
    for (row, place) in rows.iter_mut().zip(0usize..) {
        let from = place.saturating_mul(per_row);
        let bits = u16::from_str_radix(digits.get(from..from.saturating_add(per_row))?, 16).ok()?;
        *row = if per_row == 2 { bits << 8 } else { bits };
    }
    Some((code, Glyph { rows }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_and_wide_glyphs_are_read_and_what_is_missing_is_a_box() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("font.hex");
        let wide = format!("4E2D:{}", "8001".repeat(16));
        fs::write(&path, format!("0041:{}\n{wide}\nnonsense\n0042:12\n", "81".repeat(16))).unwrap();
        let glyphs = Glyphs::read(&path).unwrap();
        assert_eq!(glyphs.of('A').rows[0], 0x8100);
        assert_eq!(glyphs.of('中').rows[15], 0x8001);
        assert_eq!(glyphs.of('B'), BOX);
        fs::write(&path, "nonsense").unwrap();
        assert!(Glyphs::read(&path).is_err());
    }
}
