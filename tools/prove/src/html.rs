//! The report as one printable page that needs nothing beside itself.

use crate::report::{Report, Row};
use crate::verdict::{CONTENT_REQUIREMENTS, STATE_REQUIREMENTS};
use std::fmt::Write;

const STYLE: &str = "\
body{font:10pt/1.35 sans-serif;margin:2em;color:#000}table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}\
th,td{border:1px solid #999;padding:.15em .4em;text-align:left;vertical-align:top;overflow-wrap:break-word}th{background:#eee}\
thead{display:table-header-group}tr{break-inside:avoid}.bad{font-weight:bold}.verdict{font-size:16pt;font-weight:bold;\
border:2px solid #000;padding:.3em .6em;display:inline-block}@page{size:A4 landscape;margin:12mm}";

/// The whole page. Every word that came from a device or a person is escaped.
pub(crate) fn page(report: &Report) -> String {
    let mut page = String::new();
    let verdict = if report.held { "The block held" } else { "The block did not hold" };
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Write block validation</title>\
         <style>{STYLE}</style></head><body><h1>Write block validation</h1><p class=\"verdict\">{verdict}</p>"
    );
    list(&mut page, &report.objections());
    facts(&mut page, report);
    content(&mut page, report);
    rows(&mut page, report);
    random(&mut page, report);
    page.push_str(
        "<h2>How to read this</h2><p>Blocked: ended with an error and nothing changed. Where the answer is one that the device \
         itself may have given (illegal request, invalid opcode, aborted), it shows that nothing changed, not who refused. \
         Accepted, nothing changed: the system reported a modifying command as executed; it is held against the block. \
         Control, passed: a command from which neither data nor a lasting setting can follow, such as a flush of an empty cache. \
         Requirements: NIST CFTT, hardware write blocker (HWB) and software write block (SWB); and GA/T 755-2008 by its subject, \
         the write protection of the medium. Its text was not at hand: no clause numbers are given, and nothing is said of what \
         it may ask beyond that. A mount with an option against replaying is what examiners use to look at a dirty file system: \
         it is a control command as long as nothing changes.</p><table><tbody><tr><th>Examiner</th><td>&nbsp;</td><th>Date</th><td>&nbsp;</td><th>Signature</th>\
         <td style=\"width:30%\">&nbsp;</td></tr></tbody></table></body></html>\n",
    );
    page
}

fn list(page: &mut String, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    page.push_str("<ul>");
    for sentence in sentences {
        let _ = write!(page, "<li>{}</li>", escaped(sentence));
    }
    page.push_str("</ul>");
}

fn table(page: &mut String, heads: &[&str], rows: impl Iterator<Item = (bool, Vec<String>)>) {
    page.push_str("<table><thead><tr>");
    for head in heads {
        let _ = write!(page, "<th>{}</th>", escaped(head));
    }
    page.push_str("</tr></thead><tbody>");
    for (bad, cells) in rows {
        page.push_str(if bad { "<tr class=\"bad\">" } else { "<tr>" });
        for cell in cells {
            let _ = write!(page, "<td>{}</td>", escaped(&cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table>");
}

fn facts(page: &mut String, report: &Report) {
    let identity = &report.disk.identity;
    let words = |text: &Option<String>| text.clone().unwrap_or_else(|| "not told".to_owned());
    let facts = [
        ("Disk", identity.path.clone()),
        ("Make", words(&identity.make)),
        ("Model", words(&identity.model)),
        ("Serial", words(&identity.serial)),
        ("Firmware", words(&identity.firmware)),
        ("Attached by", identity.transport.to_string()),
        ("Capacity", identity.capacity.to_string()),
        ("Doors tried", report.doors.join("; ")),
        ("Kernel", report.kernel.clone()),
        ("Tool", report.tool.clone()),
        ("Began, ended", format!("{}, {}", report.began, report.ended)),
        (
            "Laid out beside the pattern",
            if report.laid_out.is_empty() { "nothing".to_owned() } else { report.laid_out.join("; ") },
        ),
        ("Seed", report.seed.to_string()),
        ("What can cost the device", if report.destructive { "tried" } else { "not tried" }.to_owned()),
    ];
    page.push_str("<h2>What was tested</h2>");
    let facts = facts.into_iter().map(|(name, value)| (false, vec![name.to_owned(), value]));
    table(page, &["Fact", "Value"], facts);
    let counts =
        report.counts.iter().map(|(verdict, count)| (false, vec![verdict.clone(), count.to_string()]));
    table(page, &["Verdict", "Attempts"], counts);
}

fn content(page: &mut String, report: &Report) {
    let _ = write!(page, "<h2>Content and settings at the end ({})</h2>", CONTENT_REQUIREMENTS.join(", "));
    if let Some(reason) = &report.pattern_unreadable {
        let _ = write!(page, "<p class=\"bad\">The disk can no longer be read: {}</p>", escaped(reason));
    }
    match &report.pattern {
        None if report.pattern_unreadable.is_some() => {}
        None => page.push_str("<p>The disk carried no pattern: something else compared its content.</p>"),
        Some(found) => {
            let _ = write!(
                page,
                "<p>{} blocks of 512 bytes no longer hold what they held.</p>",
                found.changed_blocks
            );
            let runs = found.deviations.iter();
            let cells = runs
                .map(|run| (true, vec![run.start.to_string(), run.length.to_string(), run.holds.to_owned()]));
            if !found.deviations.is_empty() {
                table(page, &["From byte", "Bytes", "Holds"], cells);
            }
        }
    }
    let _ = write!(page, "<h3>Properties ({})</h3>", STATE_REQUIREMENTS.join(", "));
    let changed = |name: &str| report.state_changes.iter().find(|change| change.name == name);
    let cells = report.state_before.iter().map(|property| {
        let after = changed(&property.name).map_or("the same".to_owned(), |change| change.after.clone());
        (changed(&property.name).is_some(), vec![property.name.clone(), property.value.clone(), after])
    });
    table(page, &["Property", "Before", "After"], cells);
}

fn rows(page: &mut String, report: &Report) {
    page.push_str("<h2>Attempts</h2>");
    let heads = [
        "Class",
        "Way",
        "Attempt",
        "Standard",
        "Category",
        "Answer",
        "Disk changed",
        "Verdict",
        "Requirements",
    ];
    // What failed comes first.
    let mut ordered: Vec<&Row> = report.rows.iter().collect();
    ordered.sort_by_key(|row| row.verdict);
    let cells = ordered.into_iter().map(|row| {
        let changed = match (row.changes.is_empty(), row.outcome) {
            (false, _) => row.changes.join("; "),
            (true, None) => "not tried".to_owned(),
            (true, Some(_)) => "no".to_owned(),
        };
        let cells = vec![
            row.class.to_string(),
            row.door.to_string(),
            row.name.clone(),
            row.standard.to_owned(),
            row.effect.to_string(),
            row.answer.clone(),
            changed,
            row.verdict.to_string(),
            row.requirements.join(", "),
        ];
        (row.verdict.fails(), cells)
    });
    table(page, &heads, cells);
}

fn random(page: &mut String, report: &Report) {
    if report.random.is_empty() {
        return;
    }
    page.push_str("<h2>Random commands</h2>");
    let cells = report.random.iter().map(|row| {
        let bad = row.executed || !row.changes.is_empty();
        (bad, vec![row.command.clone(), row.answer.clone(), row.count.to_string(), row.changes.join("; ")])
    });
    table(page, &["Command", "Answer", "Count", "Disk changed"], cells);
}

/// The five characters that mean something in HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::empty;
    use crate::verdict::Verdict;

    #[test]
    fn what_a_device_calls_itself_cannot_become_markup() {
        let page = page(&empty());
        assert!(page.contains("&lt;b&gt;Model &amp; Söhne&lt;/b&gt;"));
        assert!(!page.contains("<b>"));
        assert!(!page.contains("http"), "needs nothing from outside");
    }

    #[test]
    fn failing_rows_come_first_and_stand_out() {
        let mut report = empty();
        let catalogue = crate::plan::catalogue();
        report.rows.push(Row {
            verdict: Verdict::Blocked,
            name: "held row".into(),
            ..Row::of(&catalogue[0])
        });
        report.rows.push(Row {
            verdict: Verdict::Changed,
            name: "leaky row".into(),
            ..Row::of(&catalogue[1])
        });
        report.end();
        let page = page(&report);
        assert!(page.find("leaky row").unwrap() < page.find("held row").unwrap());
        assert!(page.contains("<tr class=\"bad\">"));
        assert!(page.contains("The block did not hold"));
    }
}
