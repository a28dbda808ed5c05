//! A disk in words, in lines that fit the 80 columns of a text console.

use crate::inventory::{Disk, Partition};
use crate::signature::SignatureReport;
use evidence::Plain;

/// Width of the narrowest screen that the lines must fit: a VGA text console.
const WIDTH: usize = 80;
/// Where details start, right of the device's name.
const INDENT: &str = "             ";

/// Describes a disk: one line that names it, then what identifies it, what lies on it, its partitions and warnings.
/// `state` is the word to show beside its name, such as the guard's state of it.
#[must_use]
pub fn describe(disk: &Disk, state: &str) -> Vec<String> {
    let identity = &disk.identity;
    let name: Vec<&str> =
        [&identity.make, &identity.model].into_iter().flatten().map(String::as_str).collect();
    let name = if name.is_empty() { "(no make or model given)".to_owned() } else { name.join(" ") };
    let transport = identity.transport.to_string();
    let size = identity.capacity.short();
    let mut lines = wrap(&format!("{:<12} {state:<9} {size:>10}  {transport:<8}  {name}", identity.path));
    lines.extend(wrap(&format!("{INDENT}{}", details(disk).join(", "))));
    lines.extend(on_medium("", &disk.signatures));
    lines.extend(disk.partitions.iter().flat_map(describe_partition));
    lines.extend(disk.warnings.iter().flat_map(|warning| wrap(&format!("{INDENT}WARNING: {warning}"))));
    lines
}

fn details(disk: &Disk) -> Vec<String> {
    let identity = &disk.identity;
    let (logical, physical) = (identity.logical_sector.bytes(), identity.physical_sector.bytes());
    let mut details = vec![match &identity.serial {
        Some(serial) => format!("serial {serial}"),
        None => "no serial".to_owned(),
    }];
    details.extend(disk.usb_serial.as_ref().map(|serial| format!("serial of the USB device {serial}")));
    details.extend(identity.wwn.as_ref().map(|wwn| format!("WWN {}", single_spaced(wwn))));
    details.extend(identity.firmware.as_ref().map(|firmware| format!("firmware {firmware}")));
    details.extend(disk.backing_file.as_ref().map(|file| format!("file {file}")));
    details.push(format!("{} bytes", identity.capacity.0));
    details.push(match logical == physical {
        true => format!("sectors of {logical}"),
        false => format!("sectors of {logical} ({physical} physical)"),
    });
    details.extend(disk.removable.then(|| "removable".to_owned()));
    details
}

/// T10 designators pad their fields with many spaces, which only tear the screen apart.
#[must_use]
pub fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn describe_partition(partition: &Partition) -> Vec<String> {
    let name = partition.label.as_ref().map(|label| format!("  [{label}]")).unwrap_or_default();
    let head =
        format!("  {:<9} {:>10}  at {}{name}", partition.path, partition.size.short(), partition.start);
    let mut lines = wrap(&head);
    lines.extend(on_medium(INDENT, &partition.signatures));
    lines
}

fn on_medium(extra_indent: &str, report: &SignatureReport) -> Vec<String> {
    match report {
        SignatureReport::NotRead => Vec::new(),
        SignatureReport::Unreadable { reason } => {
            wrap(&format!("{INDENT}{extra_indent}content not read: {reason}"))
        }
        SignatureReport::Read { found, unreadable } => {
            let mut lines: Vec<String> = found
                .iter()
                .flat_map(|signature| wrap(&format!("{INDENT}{extra_indent}{signature}")))
                .collect();
            if found.is_empty() && !extra_indent.is_empty() {
                lines.push(format!("{INDENT}{extra_indent}nothing recognised"));
            }
            if !unreadable.is_empty() {
                let bad = unreadable.total();
                lines.extend(wrap(&format!(
                    "{INDENT}{extra_indent}READ ERRORS: {bad} of the first or last sectors"
                )));
            }
            lines
        }
    }
}

/// Breaks a line at spaces; what goes on is indented like the line but at least by the indent. Words are never cut, because a
/// cut serial number is a wrong one. What a disk or a file system is called can't move a cursor.
#[must_use]
pub fn wrap(line: &str) -> Vec<String> {
    let line = &Plain(line).to_string();
    let own = line.chars().take_while(|c| *c == ' ').count();
    let indent = " ".repeat(own.max(INDENT.len()));
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in line.split_inclusive(' ') {
        let length = current.chars().count().saturating_add(word.trim_end().chars().count());
        if length > WIDTH && !current.trim().is_empty() {
            lines.push(current.trim_end().to_owned());
            current = indent.clone();
            current.push_str(word.trim_start());
        } else {
            current.push_str(word);
        }
    }
    lines.push(current.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_the_console_and_lose_no_word() {
        let serial = "S".repeat(90);
        let long = format!("{INDENT}serial {serial}, {}", "firmware 1.0, ".repeat(20));
        let lines = wrap(&long);
        for line in &lines {
            assert!(line.chars().count() <= WIDTH || line.trim() == format!("{serial},"), "{line}");
            assert!(line.starts_with(INDENT));
        }
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&lines.join(" ")), words(&long));
    }

    #[test]
    fn a_label_that_holds_controls_stays_in_its_line() {
        assert_eq!(wrap("ext4 \"a\u{1b}[2J\nb\u{202e}c\""), ["ext4 \"a\u{fffd}[2J\u{fffd}b\u{fffd}c\""]);
    }

    #[test]
    fn columns_of_a_line_that_fits_stay_where_they_are() {
        assert_eq!(wrap("/dev/sda    blocked    1.0 GiB  ATA"), ["/dev/sda    blocked    1.0 GiB  ATA"]);
    }
}
