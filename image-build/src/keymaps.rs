//! Keyboard layouts for the machine's own keyboard, in the form that busybox's `loadkmap` reads.
//!
//! What the keys mean is xkeyboard-config's, by Debian's package `xkb-data`. Debian's `ckbcomp` translates it for the kernel's
//! own keyboard driver and `loadkeys` writes it down in binary. `ckbcomp` is run out of its package, which is not installed: that
//! would ask for a layout and set the building machine's own.

use crate::downloads;
use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use std::path::Path;

/// Debian's package with the layouts.
pub const PACKAGE: &str = "xkb-data";

/// Where its files are. `ckbcomp` would look at the machine's own settings first.
const LAYOUT_DATA: &str = "/usr/share/X11/xkb";

/// Debian's package with the translator, and its place in there.
const TRANSLATOR: (&str, &str) = ("console-setup", "usr/bin/ckbcomp");

/// Where pf-init and people look for them.
pub const FOLDER: &str = "usr/share/permafrost/keymaps";

/// How the file of a map begins (busybox, `console-tools/loadkmap.c`): this word, a byte for each of 256 tables that tells
/// whether it follows, and the tables, each with a number of 16 bits for each of 128 keys.
const MAGIC: &[u8] = b"bkeymap";
const TABLES: usize = 256;
const KEYS: usize = 128;

/// Tables by the keys that are held (linux/keyboard.h, `KG_SHIFT` and so on, as bits).
const PLAIN: usize = 0;
const ALT_GR: usize = 2;

/// Kinds of a key's number, its upper byte (linux/keyboard.h): a character of Latin-1, and a letter, which Caps Lock changes.
/// Other characters stand as their code, turned round in the upper four bits.
const KT_LATIN: u16 = 0;
const KT_LETTER: u16 = 11;
const FIRST_UNICODE: u16 = 0x1000;
const UNICODE_BITS: u16 = 0xf000;

/// One layout.
#[derive(Debug)]
pub struct Layout {
    /// Its name here: in `pf.keys=` and as file.
    pub name: &'static str,
    /// What the boot menu calls it.
    pub title: &'static str,
    /// Its keyboard model, layout and variant in xkeyboard-config.
    xkb: [&'static str; 3],
    /// Table, key (linux/input-event-codes.h) and character by which it is known.
    witness: (usize, usize, char),
}

const fn layout(
    name: &'static str,
    title: &'static str,
    xkb: [&'static str; 3],
    witness: (usize, usize, char),
) -> Layout {
    Layout { name, title, xkb, witness }
}

const KEY_Q: usize = 16;
const KEY_Y: usize = 21;
const KEY_MINUS: usize = 12;
const KEY_LEFTBRACE: usize = 26;
const KEY_A: usize = 30;
const KEY_SEMICOLON: usize = 39;
const KEY_BACKSLASH: usize = 43;
const KEY_SLASH: usize = 53;

/// The layout that the kernel has by itself; as a file it leads back.
pub const BUILT_IN: &str = "us";

/// The usual layouts on which the letters of ASCII can be typed.
pub const LAYOUTS: [Layout; 20] = [
    layout(BUILT_IN, "English (US)", ["pc105", "us", ""], (PLAIN, KEY_LEFTBRACE, '[')),
    layout("uk", "English (UK)", ["pc105", "gb", ""], (PLAIN, KEY_BACKSLASH, '#')),
    layout("de", "German", ["pc105", "de", ""], (PLAIN, KEY_Y, 'z')),
    layout("ch", "German (Switzerland)", ["pc105", "ch", ""], (PLAIN, KEY_MINUS, '\'')),
    layout("fr", "French", ["pc105", "fr", ""], (PLAIN, KEY_Q, 'a')),
    layout("be", "French (Belgium)", ["pc105", "be", ""], (PLAIN, KEY_SLASH, '=')),
    layout("ch-fr", "French (Switzerland)", ["pc105", "ch", "fr"], (PLAIN, KEY_SEMICOLON, 'é')),
    layout("es", "Spanish", ["pc105", "es", ""], (PLAIN, KEY_SEMICOLON, 'ñ')),
    layout("latam", "Spanish (Latin America)", ["pc105", "latam", ""], (PLAIN, KEY_SEMICOLON, 'ñ')),
    layout("it", "Italian", ["pc105", "it", ""], (PLAIN, KEY_SEMICOLON, 'ò')),
    layout("pt", "Portuguese", ["pc105", "pt", ""], (PLAIN, KEY_SEMICOLON, 'ç')),
    layout("br", "Portuguese (Brazil, ABNT2)", ["abnt2", "br", ""], (PLAIN, KEY_SEMICOLON, 'ç')),
    layout("dk", "Danish", ["pc105", "dk", ""], (PLAIN, KEY_SEMICOLON, 'æ')),
    layout("fi", "Finnish", ["pc105", "fi", ""], (PLAIN, KEY_SEMICOLON, 'ö')),
    layout("no", "Norwegian", ["pc105", "no", ""], (PLAIN, KEY_SEMICOLON, 'ø')),
    layout("se", "Swedish", ["pc105", "se", ""], (PLAIN, KEY_SEMICOLON, 'ö')),
    layout("cz", "Czech", ["pc105", "cz", ""], (PLAIN, KEY_SEMICOLON, 'ů')),
    layout("pl", "Polish (for programmers)", ["pc105", "pl", ""], (ALT_GR, KEY_A, 'ą')),
    layout("tr", "Turkish (Q)", ["pc105", "tr", ""], (PLAIN, KEY_SEMICOLON, 'ş')),
    layout("jp106", "Japanese (106 keys)", ["jp106", "jp", ""], (PLAIN, KEY_LEFTBRACE, '@')),
];

/// Makes all maps, each with its place in the image.
pub fn make() -> Result<Vec<(String, Vec<u8>)>> {
    let work = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;
    let (package, inside) = TRANSLATOR;
    downloads::unpack(&downloads::obtain(package)?, work.path())?;
    let translator = work.path().join(inside);
    let maps = LAYOUTS.iter().map(|layout| {
        let map = layout.make(&translator, &work.path().join("text"))?;
        Ok((format!("{FOLDER}/{}.bmap", layout.name), map))
    });
    maps.collect()
}

impl Layout {
    fn make(&self, translator: &Path, text: &Path) -> Result<Vec<u8>> {
        let [model, layout, variant] = self.xkb;
        let translated = Program::new("perl")
            .arg(translator)
            // Ten tables in place of 128, the same for each layout, so that each replaces all of another.
            .arg("-compact")
            .arg(format!("-I{LAYOUT_DATA}"))
            .args(["-model", model, "-layout", layout, "-variant", variant])
            .read()?;
        workspace::write(text, translated)?;
        let map =
            Program::new("loadkeys").args(["--quiet", "--unicode", "--bkeymap"]).arg(text).read_bytes()?;
        let (table, key, expected) = self.witness;
        if character(&map, table, key) != Some(expected) {
            return Err(XtaskError::Unfit(format!(
                "the keyboard layout {} does not have {expected:?} on key {key} in table {table}: it is another one",
                self.name
            )));
        }
        Ok(map)
    }
}

/// The character that a key gives by a map; nothing where it gives none, or the map is none.
fn character(map: &[u8], table: usize, key: usize) -> Option<char> {
    let rest = map.strip_prefix(MAGIC)?;
    let (flags, tables) = rest.split_at_checked(TABLES)?;
    if flags.get(table) != Some(&1) || key >= KEYS {
        return None;
    }
    let before = flags.get(..table)?.iter().filter(|flag| **flag == 1).count();
    let (numbers, _) = tables.as_chunks::<2>();
    let number = u16::from_le_bytes(*numbers.get(before.checked_mul(KEYS)?.checked_add(key)?)?);
    match number.to_be_bytes() {
        [kind, code] if [KT_LATIN, KT_LETTER].contains(&kind.into()) => Some(char::from(code)),
        _ if number >= FIRST_UNICODE => char::from_u32((number ^ UNICODE_BITS).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of two tables, plain and AltGr, with one key in each.
    fn map(plain: (usize, u16), alt_gr: (usize, u16)) -> Vec<u8> {
        let mut map = b"bkeymap".to_vec();
        map.extend((0..256).map(|table| u8::from(table == 0 || table == 2)));
        for (at, number) in [plain, alt_gr] {
            let keys = (0..128).map(|key| if key == at { number } else { 0x0200 });
            map.extend(keys.flat_map(u16::to_le_bytes));
        }
        map
    }

    #[test]
    fn a_key_is_found_at_its_place_in_its_table() {
        let map = map((21, 0x0b7a), (30, 0xf105));
        assert_eq!(character(&map, PLAIN, KEY_Y), Some('z'));
        assert_eq!(character(&map, ALT_GR, KEY_A), Some('ą'));
        assert_eq!(character(&map, PLAIN, KEY_A), None, "a key without a character");
        assert_eq!(character(&map, 1, KEY_Y), None, "a table that is not there");
        assert_eq!(character(&map, PLAIN, 128), None, "the first key of the next table");
        assert_eq!(character(&map[..570], ALT_GR, KEY_A), None, "a map cut short");
        assert_eq!(character(&map[1..], PLAIN, KEY_Y), None, "no map");
    }

    #[test]
    fn names_are_such_as_the_booted_system_takes_and_each_stands_for_one_layout() {
        for (at, layout) in LAYOUTS.iter().enumerate() {
            let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(!layout.name.is_empty() && layout.name.bytes().all(is_plain), "{}", layout.name);
            assert!(!LAYOUTS[..at].iter().any(|other| other.name == layout.name || other.xkb == layout.xkb));
        }
    }

    /// Made of what every build installs.
    #[test]
    fn every_map_that_is_made_has_the_keys_of_its_keyboard() {
        let maps = make().unwrap();
        let plain = |name: &str, keys: [usize; 4]| -> String {
            let place = format!("{FOLDER}/{name}.bmap");
            let (_, map) = maps.iter().find(|(of, _)| *of == place).unwrap();
            keys.iter().filter_map(|key| character(map, PLAIN, *key)).collect()
        };
        let keys = [KEY_Q, KEY_Y, KEY_SEMICOLON, KEY_SLASH];
        assert_eq!(plain("us", keys), "qy;/");
        assert_eq!(plain("de", keys), "qzö-");
        assert_eq!(plain("fr", keys), "aym!");
        assert_eq!(plain("cz", keys), "qzů-");
        for (place, map) in &maps {
            assert_eq!(map.len(), 7 + 256 + 10 * 128 * 2, "{place}");
        }
    }
}
