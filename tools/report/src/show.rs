//! The record as text for a terminal.

use crate::account::Account;
use crate::case;
use crate::disk_words;
use crate::language::{Language, grouped};
use crate::narrative;
use crate::network_words;
use crate::start;
use crate::text::{clipped, field};
use crate::verdict::Verdict;
use evidence::{Case, ExtentSet};
use record::GuardReport;
use std::io::{self, Write};

const ENGLISH: Language = Language::English;

/// Ranges that are listed.
const MOST_RANGES: usize = 20;

/// Prints it.
pub fn print(account: &Account, output: &mut impl Write) -> io::Result<()> {
    let verdict = Verdict::of(account);
    writeln!(output, "{}", verdict.headline(ENGLISH))?;
    for sentence in verdict.sentences(account, ENGLISH) {
        writeln!(output, "  {sentence}")?;
    }
    head(account, output)?;
    source(account, output)?;
    protection(account, output)?;
    image(account, output)?;
    timeline(account, output)?;
    writeln!(output, "\nChain head  {}", account.chain.head)?;
    writeln!(output, "            Compare it with the one that was written down when the acquisition ended.")
}

fn line(output: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(output, "{name:<12}{value}")
}

fn head(account: &Account, output: &mut impl Write) -> io::Result<()> {
    let chain = &account.chain;
    writeln!(output)?;
    let state = match (&chain.broken, chain.closed) {
        (Some(_), _) => "chain BROKEN",
        (None, true) => "chain unbroken, closed",
        (None, false) => "chain unbroken, NOT closed",
    };
    line(
        output,
        "Record",
        &format!("{}: {} entries, {state}", field(&account.name), grouped(chain.entries)),
    )?;
    let Some(opened) = &account.opened else { return Ok(()) };
    let said = &opened.case;
    for (name, value) in [
        ("Case", &said.case_number),
        ("Evidence", &said.evidence_number),
        ("Examiner", &said.examiner),
        ("Item", &said.description),
        ("Notes", &said.notes),
    ] {
        if !value.is_empty() {
            line(output, name, &field(value))?;
        }
    }
    line(output, "Tool", &field(format!("{} {}", opened.software.name, opened.software.version)))?;
    if let Some(image) = &opened.environment.image {
        line(output, "Booted", &field(image))?;
    }
    if let Some(firmware) = start::told(&opened.environment, ENGLISH) {
        line(output, "Firmware", &field(firmware))?;
    }
    for (name, told) in [
        ("Network", network_words::state(&opened.environment, ENGLISH)),
        ("", network_words::acts(&opened.environment, ENGLISH)),
        ("", network_words::at_the_end(&opened.environment, account.closed.as_ref(), ENGLISH)),
        ("Clock", network_words::time_reference(&opened.environment, ENGLISH)),
    ] {
        if let Some(told) = told {
            line(output, name, &told)?;
        }
    }
    if let Some((began, ended)) = &account.period {
        line(output, "From, to", &format!("{}, {}", ENGLISH.time(began), ENGLISH.time(ended)))?;
    }
    case_file(said, output)
}

/// What was stated beside the five fields that an image carries, and what was missing.
fn case_file(said: &Case, output: &mut impl Write) -> io::Result<()> {
    writeln!(output)?;
    for fact in case::facts(said) {
        let value = fact.value(said, ENGLISH);
        for part in value.lines().take(case::MOST_LINES) {
            writeln!(output, "{}: {}", fact.name(ENGLISH), field(part))?;
        }
    }
    match case::missing(said, ENGLISH) {
        Some(missing) => line(output, "WARNING", &missing),
        None => Ok(()),
    }
}

fn source(account: &Account, output: &mut impl Write) -> io::Result<()> {
    let Some(opened) = &account.opened else { return Ok(()) };
    let source = &opened.source;
    writeln!(output)?;
    line(output, "Source", &field(format!("{}, {}", source.path, source.transport)))?;
    for (name, value) in [
        ("Make", &source.make),
        ("Model", &source.model),
        ("Serial", &source.serial),
        ("WWN", &source.wwn),
        ("Firmware", &source.firmware),
    ] {
        if let Some(value) = value {
            line(output, name, &field(value))?;
        }
    }
    let sectors = source.logical_sector.sectors_in(source.capacity);
    line(
        output,
        "Capacity",
        &format!("{}, {sectors} of {}", source.capacity, source.logical_sector.bytes()),
    )?;
    let Some(report) = &account.disk_says else { return Ok(()) };
    for answer in disk_words::answers(report, ENGLISH).0 {
        let mark = if answer.warns { "WARNING" } else { "" };
        line(output, mark, &format!("{}: {}", answer.what, answer.said))?;
    }
    Ok(())
}

fn protection(account: &Account, output: &mut impl Write) -> io::Result<()> {
    let guard = account.opened.as_ref().map(|opened| &opened.guard);
    let told = match guard {
        None => return Ok(()),
        Some(GuardReport::InForce { disk, state, .. }) => format!("in force, {} is {state}", field(disk)),
        Some(GuardReport::NotADisk { reason }) => format!("in force; the source is {}", field(reason)),
        Some(GuardReport::Unguarded) => "NONE: nothing in this kernel kept the source from change".to_owned(),
    };
    writeln!(output)?;
    line(output, "Guard", &told)?;
    if let Some(commands) = &account.commands {
        let t = commands.totals;
        let sum = format!("{} passed, {} absorbed, {} refused", t.passed, t.absorbed, t.refused);
        line(output, "Commands", &sum)?;
        for row in &commands.rows {
            let c = row.counts;
            writeln!(
                output,
                "            {:<10} {:<12} {:>10} {:>8} {:>8}  {}",
                row.set, row.code, c.passed, c.absorbed, c.refused, row.name
            )?;
        }
    }
    if let Some(events) = &account.events {
        for row in &events.rows {
            line(output, "Event", &format!("{} s {} {}", row.since_boot, row.what, row.details))?;
        }
        if events.left_out > 0 {
            line(output, "", &format!("{} more are left out", grouped(events.left_out)))?;
        }
    }
    Ok(())
}

fn image(account: &Account, output: &mut impl Write) -> io::Result<()> {
    writeln!(output)?;
    match &account.image {
        None => line(output, "Image", "not completed, as far as the record tells")?,
        Some(image) => {
            let files = match image.segments.as_slice() {
                [] => "no files".to_owned(),
                [one] => clipped(&one.name, 200),
                [first, .., last] => {
                    format!(
                        "{} … {}, {} files",
                        clipped(&first.name, 200),
                        clipped(&last.name, 200),
                        image.segments.len()
                    )
                }
            };
            line(output, "Image", &format!("{files}; medium {}", image.media_size))?;
            for (algorithm, digest) in image.hashes.iter() {
                line(output, &algorithm.to_string(), &digest.to_string())?;
            }
        }
    }
    ranges("Unread", &account.unread(), output)?;
    ranges("Unstable", &account.unstable(), output)
}

fn ranges(name: &str, set: &ExtentSet, output: &mut impl Write) -> io::Result<()> {
    if set.is_empty() {
        return Ok(());
    }
    line(output, name, &format!("{} in {} ranges", set.total(), set.len()))?;
    for extent in set.iter().take(MOST_RANGES) {
        line(output, "", &narrative::place(extent, ENGLISH))?;
    }
    match set.len().saturating_sub(MOST_RANGES) {
        0 => Ok(()),
        more => line(output, "", &format!("and {more} more")),
    }
}

fn timeline(account: &Account, output: &mut impl Write) -> io::Result<()> {
    writeln!(output)?;
    for row in &account.timeline.rows {
        writeln!(
            output,
            "{:>5}  {}  {}: {}",
            row.seq,
            ENGLISH.time(&row.time),
            row.kind,
            row.sentence(ENGLISH)
        )?;
        for (name, value) in &row.further {
            writeln!(output, "       {name} = {value}")?;
        }
    }
    for left_out in account.timeline.left_out() {
        let kind = left_out.kind.unwrap_or("of unknown kinds");
        writeln!(
            output,
            "       {kind}: {} more, between no. {} and no. {}",
            grouped(left_out.count),
            left_out.first,
            left_out.last
        )?;
    }
    Ok(())
}
