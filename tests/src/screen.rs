//! What the emulated monitor shows: kept as a picture for people, and checked for being more than a dark screen.

use std::path::Path;

use serde_json::json;

use crate::{Doing, HarnessError, Result, qmp::Qmp};

/// Brightness from which on a pixel counts as lit, of 255.
const LIT: u8 = 96;

/// A picture of the screen: rows of red, green and blue bytes.
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// Takes a picture; `folder` also gets it as `screen.png`.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`], or [`HarnessError::Unfit`] when the emulator wrote no picture.
    pub fn take(qmp: &mut Qmp, folder: &Path) -> Result<Self> {
        qmp.screen_shot(&folder.join("screen.png"))?;
        let portable = folder.join("screen.ppm");
        qmp.execute("screendump", json!({ "filename": portable }))?;
        let bytes = std::fs::read(&portable).doing(|| format!("reading {}", portable.display()))?;
        Picture::of_portable_pixmap(&bytes)
            .ok_or_else(|| HarnessError::Unfit(format!("{} is no portable pixmap", portable.display())))
    }

    /// The Netpbm format "P6": three numbers in text, one white space, the bytes.
    fn of_portable_pixmap(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes.splitn(4, |byte| byte.is_ascii_whitespace());
        if fields.next()? != b"P6" {
            return None;
        }
        let mut number = || -> Option<usize> { std::str::from_utf8(fields.next()?).ok()?.parse().ok() };
        let (width, height) = (number()?, number()?);
        let rest = fields.next()?;
        let pixels = rest.splitn(2, |byte| byte.is_ascii_whitespace()).nth(1)?.to_vec();
        (pixels.len() == width * height * 3).then_some(Picture { width, height, pixels })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Red, green and blue of a pixel; `None` outside.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let at = (y * self.width + x) * 3;
        (x < self.width).then(|| self.pixels.get(at..at + 3)?.try_into().ok())?
    }

    /// How many pixels are lit.
    #[must_use]
    pub fn lit_pixels(&self) -> usize {
        self.pixels.chunks_exact(3).filter(|pixel| pixel.iter().any(|part| *part >= LIT)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dark_screen_and_a_lit_pixel_are_told_apart() {
        let dark = Picture::of_portable_pixmap(b"P6\n2 1\n255\n\0\0\0\0\0\0").unwrap();
        assert_eq!(dark.lit_pixels(), 0);
        let lit = Picture::of_portable_pixmap(b"P6\n2 1\n255\n\0\0\0\xAA\xAA\xAA").unwrap();
        assert_eq!(lit.lit_pixels(), 1);
        assert!(Picture::of_portable_pixmap(b"P6\n2 1\n255\n\0").is_none());
    }
}
