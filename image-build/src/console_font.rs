//! The font of the examiner's console: GNU Unifont by Debian's package `unifont`, the glyphs that the screen may need.

use crate::error::Result;
use crate::workspace;
use std::ops::RangeInclusive;
use std::path::Path;

/// Debian's package.
pub const PACKAGE: &str = "unifont";

/// A line for each character: its code, a colon, its rows in hexadecimal.
const UNIFONT: &str = "/usr/share/unifont/unifont.hex";

/// Where the console looks for it.
pub const PLACE: &str = "usr/share/permafrost/unifont.hex";

/// Latin, Greek and Cyrillic; punctuation; arrows, lines and blocks; what Chinese is written with. Labels of disks and file
/// systems can hold any of it.
const RANGES: [RangeInclusive<u32>; 6] =
    [0x0020..=0x007e, 0x00a0..=0x052f, 0x2010..=0x25ff, 0x3000..=0x303f, 0x4e00..=0x9fff, 0xff01..=0xff5e];

/// The lines of the font that are kept.
pub fn read() -> Result<Vec<u8>> {
    let text = workspace::read(Path::new(UNIFONT))?;
    let text = String::from_utf8_lossy(&text);
    let kept = text.lines().filter(|line| is_wanted(line));
    Ok(kept.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes())
}

fn is_wanted(line: &str) -> bool {
    let code = line.split(':').next().and_then(|code| u32::from_str_radix(code, 16).ok());
    // U+FFFD stands for what can't be shown.
    code.is_some_and(|code| code == 0xfffd || RANGES.iter().any(|range| range.contains(&code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_kept_and_what_no_screen_needs_is_not() {
        assert!(is_wanted("4E2D:00") && is_wanted("0041:00") && is_wanted("2588:00") && is_wanted("FFFD:00"));
        assert!(!is_wanted("0000:00") && !is_wanted("AC00:00") && !is_wanted("nonsense"));
    }
}
