//! The keyboard layout of the machine's own screen: the kernel's, US, or the one that its command line names.

use crate::shell::BUSYBOX;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Where the image has its maps, a file `NAME.bmap` for each.
pub(crate) const MAPS: &str = "/usr/share/permafrost/keymaps";
const ENDING: &str = ".bmap";

/// What the command line's word begins with.
const WORD: &str = "pf.keys=";

/// Loads the wanted layout, where one is wanted; gives what is to be said of it, a line.
pub(crate) fn set_up(command_line: &str, maps: &Path) -> String {
    match wanted(command_line) {
        None => String::new(),
        Some(name) => match load(name, maps) {
            Ok(()) => format!("Keyboard layout: {name}.\n"),
            Err(why) => format!("THE KEYBOARD STAYS US: {why}\n"),
        },
    }
}

/// The last one named, as with the kernel's own words.
fn wanted(command_line: &str) -> Option<&str> {
    command_line.split_whitespace().filter_map(|word| word.strip_prefix(WORD)).next_back()
}

fn load(name: &str, maps: &Path) -> Result<(), String> {
    if !is_name(name) {
        return Err(format!("{WORD} takes lower-case letters, digits and hyphens only, no path."));
    }
    let map = File::open(maps.join(format!("{name}{ENDING}"))).map_err(|failure| match failure.kind() {
        io::ErrorKind::NotFound => format!("there is no layout {name}. There are: {}.", names(maps)),
        _ => format!("the map of the layout {name} cannot be opened: {failure}."),
    })?;
    // It talks to the screen in view by itself.
    let ended = Command::new(BUSYBOX).arg("loadkmap").stdin(map).stdout(Stdio::null()).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("loadkmap of the layout {name} ended with {status}.")),
        Err(failure) => Err(format!("{BUSYBOX} cannot be started: {failure}.")),
    }
}

/// Whatever stands on the command line becomes no path.
fn is_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.bytes().all(is_plain)
}

/// Names of all layouts.
fn names(maps: &Path) -> String {
    let entries = fs::read_dir(maps).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        files.filter_map(|file| file.strip_suffix(ENDING).map(str::to_owned)).collect();
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_layout_on_the_command_line_counts_and_none_is_no_trouble() {
        assert_eq!(wanted("console=ttyS0 pf.keys=fr quiet pf.keys=de"), Some("de"));
        assert_eq!(wanted("xpf.keys=de pf.keysx=de pf.key=de"), None);
        assert_eq!(set_up("console=ttyS0", Path::new("/nonexistent")), "");
    }

    #[test]
    fn a_name_is_letters_digits_and_hyphens_and_leads_out_of_no_folder() {
        assert!(is_name("de") && is_name("ch-fr") && is_name("jp106"));
        let no_names = ["", "DE", "de.bmap", "../keymaps/de", "/etc/passwd", "d\u{e9}", "de\u{1b}[2J"];
        assert_eq!(no_names.map(is_name), [false; 7]);
    }

    #[test]
    fn what_cannot_be_loaded_is_said_with_what_can() {
        let maps = tempfile::tempdir().unwrap();
        for file in ["fr.bmap", "de.bmap", "README"] {
            fs::write(maps.path().join(file), "").unwrap();
        }
        let said = set_up("pf.keys=xx", maps.path());
        assert_eq!(said, "THE KEYBOARD STAYS US: there is no layout xx. There are: de, fr.\n");
        // The file is there: only its name keeps it from being taken.
        fs::write(maps.path().join("DE.bmap"), "").unwrap();
        for word in ["pf.keys=DE", "pf.keys=", "pf.keys=../de", "pf.keys=\u{1b}[2J"] {
            let said = set_up(word, maps.path());
            assert!(said.starts_with("THE KEYBOARD STAYS US: pf.keys= takes"), "{said}");
            assert!(said.bytes().all(|b| b == b'\n' || !b.is_ascii_control()), "{said:?}");
        }
    }
}
