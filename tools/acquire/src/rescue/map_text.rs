//! The map file of GNU ddrescue as text (manual, "Mapfile structure"): comments, a line that says what is going on, and a
//! line for each area.

use super::mapfile::{MOST_AREAS, Mapfile, Status, between};
use super::passes::{Doing, Standing};
use evidence::{ByteCount, ByteOffset};
use std::io::{self, BufRead, Read, Write};

/// Longest line that is read; comments carry command lines.
const LONGEST_LINE: u64 = 64 << 10;

/// Most lines that are read: an area each, and as many comments.
const MOST_LINES: u64 = 1_000_000;

/// A map file that can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// The system could not read it.
    #[error("reading failed: {0}")]
    Read(#[from] io::Error),
    /// It is not as the format wants it.
    #[error("line {line}: {what}; repair it by hand or with ddrescuelog, or begin anew under another name")]
    Line {
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}

/// What stands above the areas for people to read.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    /// Program and version.
    pub software: String,
    /// Its arguments.
    pub command_line: String,
    /// When it began.
    pub begun: String,
    /// When the file was written.
    pub now: String,
}

/// Writes a map file.
///
/// # Errors
/// When `output` refuses it.
pub fn write(
    map: &Mapfile,
    standing: Standing,
    heading: &Heading,
    output: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
    writeln!(output, "# Mapfile. Created by {}", plain(&heading.software))?;
    writeln!(output, "# Command line: {}", plain(&heading.command_line))?;
    writeln!(output, "# Start time:   {}", plain(&heading.begun))?;
    writeln!(output, "# Current time: {}", plain(&heading.now))?;
    writeln!(output, "# {}", standing.words())?;
    writeln!(output, "# current_pos  current_status  current_pass")?;
    let doing = standing.doing.character();
    writeln!(output, "0x{:08X}     {doing}               {}", standing.position.0, standing.pass)?;
    writeln!(output, "#      pos        size  status")?;
    for area in map.areas() {
        let character = character_of(area.status);
        writeln!(output, "0x{:08X}  0x{:08X}  {character}", area.extent.offset.0, area.extent.length.0)?;
    }
    Ok(())
}

/// Reads the map file of a medium of `size`. What lies before the first area and behind the last was not tried.
///
/// # Errors
/// [`MapError`], with the line. Memory is bounded whatever the file holds.
pub fn read(input: impl BufRead, size: ByteCount) -> Result<(Mapfile, Standing), MapError> {
    let mut lines = Lines { input, number: 0 };
    let standing = match lines.next_with_content()? {
        Some(line) => standing_of(&line).map_err(|what| lines.wrong(what))?,
        None => {
            return Err(lines.wrong("the file ends before the line that says what is going on".to_owned()));
        }
    };
    let mut map = Mapfile::new(size);
    let mut reached = None;
    let mut count = 0usize;
    while let Some(line) = lines.next_with_content()? {
        let (start, length, status) = area_of(&line).map_err(|what| lines.wrong(what))?;
        let end = start
            .checked_add(length)
            .filter(|end| *end <= size.0)
            .ok_or_else(|| lines.wrong(format!("the area ends behind the {size} of the source")))?;
        if reached.is_some_and(|reached| reached != start) {
            return Err(lines.wrong("the area does not begin where the one before it ends".to_owned()));
        }
        count = count.saturating_add(1);
        if count > MOST_AREAS {
            return Err(lines.wrong(format!("more than {MOST_AREAS} areas")));
        }
        map.mark(between(start, end), status);
        reached = Some(end);
    }
    Ok((map, standing))
}

struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line that has more than a comment.
    fn next_with_content(&mut self) -> Result<Option<String>, MapError> {
        loop {
            let mut bytes = Vec::new();
            let length = (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
            if length == 0 {
                return Ok(None);
            }
            self.number = self.number.saturating_add(1);
            if u64::try_from(length).unwrap_or(u64::MAX) >= LONGEST_LINE {
                return Err(self.wrong(format!("longer than {LONGEST_LINE} bytes")));
            }
            if self.number > MOST_LINES {
                return Err(self.wrong(format!("more than {MOST_LINES} lines")));
            }
            let text = String::from_utf8_lossy(&bytes);
            let content = without_comment(&text).trim();
            if !content.is_empty() {
                return Ok(Some(content.to_owned()));
            }
        }
    }

    fn wrong(&self, what: String) -> MapError {
        MapError::Line { line: self.number, what }
    }
}

/// A comment begins with `#` at the beginning of the line or behind white space.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or_default();
        }
        before = character;
    }
    line
}

fn standing_of(line: &str) -> Result<Standing, String> {
    let mut words = line.split_whitespace();
    let position = number(words.next().unwrap_or_default())?;
    let word = words.next().ok_or("no status behind the current position")?;
    let doing = single(word).and_then(Doing::of_character);
    let doing = doing.ok_or_else(|| format!("'{}' is no current status", shown(word)))?;
    // Files from before version 1.20 of ddrescue have no pass.
    let pass = match words.next() {
        Some(word) => word
            .parse()
            .ok()
            .filter(|pass| *pass > 0)
            .ok_or_else(|| format!("'{}' is no pass", shown(word)))?,
        None => 1,
    };
    match words.next() {
        Some(word) => Err(format!("'{}' behind the current pass", shown(word))),
        None => Ok(Standing { position: ByteOffset(position), doing, pass }),
    }
}

fn area_of(line: &str) -> Result<(u64, u64, Status), String> {
    let mut words = line.split_whitespace();
    let start = number(words.next().unwrap_or_default())?;
    let length = number(words.next().ok_or("no size")?)?;
    if length == 0 {
        return Err("an area of no bytes".to_owned());
    }
    let word = words.next().ok_or("no status")?;
    let status = single(word)
        .and_then(|given| Status::CHARACTERS.iter().find(|(_, character)| *character == given))
        .map(|(status, _)| *status)
        .ok_or_else(|| format!("'{}' is no status", shown(word)))?;
    match words.next() {
        Some(word) => Err(format!("'{}' behind the status", shown(word))),
        None => Ok((start, length, status)),
    }
}

/// An integer constant of C++: decimal, `0x` hexadecimal, `0` octal.
fn number(word: &str) -> Result<u64, String> {
    let wrong = || format!("'{}' is no number", shown(word));
    let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let (digits, radix) = match (hexadecimal, word.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (word, 10),
    };
    if digits.starts_with('+') {
        return Err(wrong());
    }
    u64::from_str_radix(digits, radix).map_err(|_| wrong())
}

fn single(word: &str) -> Option<char> {
    let mut characters = word.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// A word of a hostile file, fit for one line of a terminal.
fn shown(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_default).collect()
}

fn character_of(status: Status) -> char {
    Status::CHARACTERS.iter().find(|(listed, _)| *listed == status).map_or('?', |(_, character)| *character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::Extent;
    use proptest::prelude::*;

    /// The example of the manual.
    const EXAMPLE: &str = "\
# Mapfile. Created by GNU ddrescue version 1.27
# Command line: ddrescue -d -c18 /dev/fd0 fdimage mapfile
# current_pos  current_status  current_pass
0x00120000     ?               1
#      pos        size  status
0x00000000  0x00117000  +
0x00117000  0x00000200  -
0x00117200  0x00001000  /
0x00118200  0x00007E00  *
0x00120000  0x00048000  ?
";
    const FLOPPY: ByteCount = ByteCount(0x168000);

    fn taken(text: &str) -> Result<(Mapfile, Standing), MapError> {
        read(text.as_bytes(), FLOPPY)
    }

    #[test]
    fn the_example_of_the_manual_is_understood() {
        let (map, standing) = taken(EXAMPLE).unwrap();
        assert_eq!(
            (standing.position, standing.doing, standing.pass),
            (ByteOffset(0x120000), Doing::Copying, 1)
        );
        assert_eq!(map.total(Status::Finished), ByteCount(0x117000));
        assert_eq!(
            map.next(Status::NonTrimmed, 0),
            Some(Extent { offset: ByteOffset(0x118200), length: ByteCount(0x7E00) })
        );
    }

    #[test]
    fn numbers_are_read_as_in_c_and_comments_end_a_line() {
        let (map, _) = taken("0 + 1 # done\n# nothing\n0 010 - # octal\n8 0X8 + #\n").unwrap();
        assert_eq!(map.total(Status::Bad), ByteCount(8));
        assert_eq!(map.total(Status::Finished), ByteCount(8));
        assert_eq!(map.total(Status::NonTried), ByteCount(FLOPPY.0 - 16), "what is not listed was not tried");
    }

    #[test]
    fn each_flaw_is_told_with_its_line() {
        for (text, line, words) in [
            ("", 0, "ends before"),
            ("# only\n", 1, "ends before"),
            ("0x0 ? 0\n", 1, "no pass"),
            ("0x0 x 1\n", 1, "no current status"),
            ("zero ? 1\n", 1, "no number"),
            ("+5 ? 1\n", 1, "no number"),
            ("0 ? 1 1\n", 1, "behind the current pass"),
            ("0 ? 1\n0 0x200 F\n", 2, "no status"),
            ("0 ? 1\n0 0x200\n", 2, "no status"),
            ("0 ? 1\n0 0 +\n", 2, "no bytes"),
            ("0 ? 1\n0 512 +\n\n600 512 -\n", 4, "where the one before it ends"),
            ("0 ? 1\n0 512 +\n0 512 -\n", 3, "where the one before it ends"),
            ("0 ? 1\n0 0x168200 +\n", 2, "behind the"),
            ("0 ? 1\n1 0xFFFFFFFFFFFFFFFF +\n", 2, "behind the"),
            ("0 ? 1\n0 0x1FFFFFFFFFFFFFFFF +\n", 2, "no number"),
            ("0 ? 1\n0 512 \u{1b}[2J\n", 2, "\\u{1b}"),
        ] {
            match taken(text) {
                Err(MapError::Line { line: told, what }) => {
                    assert_eq!(told, line, "{text:?}: {what}");
                    assert!(what.contains(words), "{text:?}: {what}");
                }
                other => panic!("{text:?} was taken: {other:?}"),
            }
        }
    }

    #[test]
    fn a_file_without_end_is_given_up() {
        let endless = io::BufReader::new(io::repeat(b'7'));
        assert!(matches!(read(endless, FLOPPY), Err(MapError::Line { line: 1, .. })));
        let many: String =
            (0..=MOST_AREAS).map(|n| format!("{n} 1 {}\n", if n % 2 == 0 { '+' } else { '-' })).collect();
        let told = read(format!("0 ? 1\n{many}").as_bytes(), ByteCount(1 << 40)).unwrap_err();
        assert!(told.to_string().contains("more than 300000 areas"), "{told}");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            marks in prop::collection::vec((0u64..5000, 1u64..900, 0usize..5), 0..40), size in 1u64..5000,
            position in any::<u64>(), doing in 0usize..7, pass in 1u32..9,
        ) {
            let mut map = Mapfile::new(ByteCount(size));
            for (start, length, status) in marks {
                map.mark(between(start, start + length), Status::CHARACTERS[status].0);
            }
            let doing = Doing::of_character(['?', '*', '/', '-', 'F', 'G', '+'][doing]).unwrap();
            let standing = Standing { position: ByteOffset(position), doing, pass };
            let mut text = Vec::new();
            let heading = Heading { command_line: "a\nb 0x0 \u{1b}".into(), ..Heading::default() };
            write(&map, standing, &heading, &mut text).unwrap();
            prop_assert_eq!(read(text.as_slice(), ByteCount(size)).unwrap(), (map, standing));
        }

        #[test]
        fn no_text_makes_the_parser_fail_in_another_way(text in "[0-9a-fx?*/+\\- #\n]{0,200}") {
            let _ = taken(&text);
        }
    }
}
