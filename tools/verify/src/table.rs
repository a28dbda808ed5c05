//! The report as a table of 80 columns, the verdict on its last line.

use crate::partitions::Partition;
use crate::property::Verdict;
use crate::report::{Place, Report};
use evidence::Plain;
use std::io::{self, Write};

const WIDTH: usize = 80;
/// Width of the property's name and of the verdict.
const NAME: usize = 26;
const WORD: usize = 12;
/// Damaged places and flaws printed; `--json` has all.
const PRINTED: usize = 20;

/// Prints the report.
pub fn print(report: &Report, output: &mut impl Write) -> io::Result<()> {
    heading(report, output)?;
    writeln!(output, "\n{:NAME$}{:WORD$}BECAUSE", "PROPERTY", "VERDICT")?;
    for property in &report.properties {
        let lines = wrap(&property.detail, WIDTH - NAME - WORD);
        let (first, rest) = lines.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        writeln!(output, "{:NAME$}{:WORD$}{first}", property.property, property.verdict.word())?;
        for line in rest {
            writeln!(output, "{:indent$}{line}", "", indent = NAME + WORD)?;
        }
    }
    if !report.computed.is_empty() {
        writeln!(output, "\nCOMPUTED OVER THE WHOLE MEDIUM")?;
        for (algorithm, digest) in report.computed.iter() {
            line(output, &algorithm.to_string(), &digest.to_string())?;
        }
    }
    list(output, "FLAWS OF THE CONTAINER", report.flaws.iter().cloned(), report.flaws.len())?;
    let damage = report.damage.iter().map(|damage| {
        let place = damage.segment_offset.map_or_else(String::new, |offset| format!(", {offset}"));
        format!("media {}: {}{place}: {}", damage.media, damage.segment, damage.what)
    });
    list(output, "DAMAGE", damage, report.damage.len())?;
    if let Some(ranges) = &report.ranges {
        let read = ranges.read.iter().map(|extent| format!("media {extent}"));
        list(output, "READ", read, ranges.read.len())?;
        writeln!(output, "- not read: the other {}", ranges.not_read)?;
        if let Some(sector) = ranges.sector {
            let told = match sector.stated_by {
                "nobody" => "as neither image nor record states it".to_owned(),
                who => format!("as the {who} states"),
            };
            writeln!(output, "- a sector was taken to have {} bytes, {told}", sector.size.bytes())?;
        }
    }
    let altered = report.altered.iter().map(|extent| format!("media {extent}"));
    list(output, "NOT WHAT WAS ACQUIRED", altered, report.altered.len())?;
    partitions(report, output)?;
    writeln!(output, "\nVERDICT: {}", verdict(report))
}

fn heading(report: &Report, output: &mut impl Write) -> io::Result<()> {
    let image = &report.image;
    line(output, "image", &image.path)?;
    if let (Some(format), Some(size)) = (image.format, image.media_size) {
        let segments = match image.segments.len() {
            1 => "1 segment".to_owned(),
            count => format!("{count} segments"),
        };
        line(output, "format", &format!("{format}, {segments}"))?;
        let sectors =
            image.sector_size.map_or_else(String::new, |s| format!(", sectors of {} bytes", s.bytes()));
        line(output, "medium", &format!("{size}{sectors}"))?;
    }
    let case = &image.case;
    for (name, value) in [
        ("case", &case.case_number),
        ("evidence", &case.evidence_number),
        ("examiner", &case.examiner),
        ("item", &case.description),
    ] {
        if !value.is_empty() {
            line(output, name, value)?;
        }
    }
    match &report.record {
        Some(record) => {
            line(output, "record", &format!("{}, {} entries", record.path, record.entries))?;
            line(output, "its head", &record.chain_head.to_string())
        }
        None => line(output, "record", "none"),
    }
}

/// Where in the disk's partitions lies what was told above, and what was not read from the source.
fn partitions(report: &Report, output: &mut impl Write) -> io::Result<()> {
    let Some(table) = report.partition_table.as_ref().filter(|_| !report.places.is_empty()) else {
        return Ok(());
    };
    let one = |partition: &Partition| {
        let name = match partition.name.as_str() {
            "" => String::new(),
            name => format!(" \"{name}\""),
        };
        format!("partition {}{name}, type {}: {}", partition.number, partition.kind, partition.media)
    };
    let title = format!("PARTITIONS, BY THE {} IN THE IMAGE", table.scheme);
    list(output, &title, table.partitions.iter().map(one), table.partitions.len())?;
    let place = |place: &Place| {
        let what = if place.what == "unread" { "unread at the source" } else { place.what };
        format!("{what}: media {}, {}", place.media, place.whereabouts.words())
    };
    list(output, "WHERE THAT IS", report.places.iter().map(place), report.places.len())
}

fn line(output: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    for (number, part) in wrap(value, WIDTH - 10).iter().enumerate() {
        writeln!(output, "{:10}{part}", if number == 0 { name } else { "" })?;
    }
    Ok(())
}

fn list(
    output: &mut impl Write,
    title: &str,
    entries: impl Iterator<Item = String>,
    count: usize,
) -> io::Result<()> {
    if count == 0 {
        return Ok(());
    }
    writeln!(output, "\n{title}")?;
    for entry in entries.take(PRINTED) {
        for (number, part) in wrap(&entry, WIDTH - 2).iter().enumerate() {
            writeln!(output, "{}{part}", if number == 0 { "- " } else { "  " })?;
        }
    }
    if count > PRINTED {
        writeln!(output, "- and {} more; --json lists them", count.saturating_sub(PRINTED))?;
    }
    Ok(())
}

fn verdict(report: &Report) -> String {
    let named = |wanted: Verdict| -> Vec<&str> {
        report.properties.iter().filter(|p| p.verdict == wanted).map(|p| p.property).collect()
    };
    let skipped = named(Verdict::NotChecked).len();
    match report.verdict {
        Verdict::Holds if report.ranges.is_some() => {
            format!(
                "HOLDS for what was read: {} properties checked, {skipped} not",
                named(Verdict::Holds).len()
            )
        }
        Verdict::Holds if skipped == 0 => "HOLDS: every property was checked and holds".to_owned(),
        Verdict::Holds => {
            format!("HOLDS: {} properties checked, {skipped} not checked", named(Verdict::Holds).len())
        }
        Verdict::Fails => format!("FAILS: {}", named(Verdict::Fails).join(", ")),
        Verdict::NotChecked => "NOT CHECKED: there is nothing to compare the data with".to_owned(),
    }
}

/// Breaks text into lines of at most `width` characters, between words where there are any; what could
/// disturb the terminal is replaced.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let clean = Plain(text).to_string();
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0usize;
    for word in clean.split(' ') {
        let mut letters: Vec<char> = word.chars().collect();
        let gap = usize::from(length > 0);
        if length.saturating_add(gap).saturating_add(letters.len()) > width && length > 0 {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        while letters.len() > width {
            lines.push(letters.drain(..width).collect());
        }
        if length > 0 {
            line.push(' ');
            length = length.saturating_add(1);
        }
        length = length.saturating_add(letters.len());
        line.extend(letters);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn long_text_breaks_between_words_and_loses_nothing() {
        let text = "a hash is d41d8cd98f00b204e9800998ecf8427e, stated is 00000000000000000000000000000000";
        let lines = wrap(text, 30);
        assert!(lines.iter().all(|line| line.chars().count() <= 30), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrap("short", 30), ["short"]);
        assert_eq!(wrap("", 30), [""]);
        assert_eq!(wrap("a\u{1b}[2Jb", 30), ["a\u{fffd}[2Jb"]);
    }
}
