//! How the page looks, on a screen and on paper.

use record::ChainHash;

/// Nothing is allowed but the style sheet within the page.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const SHEET: &str = include_str!("style.css");

/// The style sheet. Every printed page carries the chain head, which is 64 hexadecimal digits whatever the record holds.
pub fn sheet(head: ChainHash) -> String {
    format!(
        "{SHEET}@page{{size:A4;margin:16mm 14mm 18mm;@bottom-left{{content:\"{head}\";font:7pt monospace;color:#444}}\
         @bottom-right{{content:counter(page) \" / \" counter(pages);font:8pt sans-serif;color:#444}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::SHEET;

    /// Colours of text and of what is behind it, as they meet in the sheet.
    const PAIRS: [(&str, &str); 12] = [
        ("#1a1a1a", "#ffffff"),
        ("#444444", "#ffffff"),
        ("#1a1a1a", "#f1f3f5"),
        ("#0b4f8a", "#ffffff"),
        ("#a11212", "#ffffff"),
        ("#0d5227", "#e7f5ec"),
        ("#6b4200", "#fdf3dc"),
        ("#8a0f0f", "#fdeaea"),
        ("#1a1a1a", "#e7f5ec"),
        ("#1a1a1a", "#fdf3dc"),
        ("#1a1a1a", "#fdeaea"),
        ("#444444", "#f1f3f5"),
    ];

    /// WCAG 2.2, relative luminance.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    #[test]
    fn every_text_stands_out_from_what_is_behind_it() {
        for (text, behind) in PAIRS {
            let (a, b) = (luminance(text), luminance(behind));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{text} on {behind}: {contrast:.2}");
        }
    }

    #[test]
    fn no_colour_is_used_that_is_not_in_the_list() {
        let known: Vec<&str> = PAIRS.iter().flat_map(|(text, behind)| [*text, *behind]).collect();
        for (at, _) in SHEET.match_indices("color:#").chain(SHEET.match_indices("background:#")) {
            let colour = &SHEET[at..][SHEET[at..].find('#').unwrap()..][..7];
            assert!(known.contains(&colour), "{colour}");
        }
    }
}
