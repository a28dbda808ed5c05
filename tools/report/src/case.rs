//! The case file: asked for, printed empty, checked.

mod interview;

use crate::arguments::{CaseArguments, LACKING, WHOLE};
use crate::failure::Failure;
use crate::language::Language;
use crate::output;
use crate::text::clipped;
use case_file::words::{self, Words};
use evidence::{CASE_FIELDS, Case, CaseField, Plain};
use interview::Interview;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// What `case --check` and `case -o` print with `--json`.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    tool: &'static str,
    version: &'static str,
    case_file: String,
    missing: &'a [String],
    clock_offset_seconds: Option<i64>,
}

/// Does what is asked of it; gives the exit code.
pub fn run(arguments: &CaseArguments, output: &mut impl Write) -> Result<u8, Failure> {
    let language = arguments.language.language();
    let (path, case) = match (&arguments.deed.check, &arguments.deed.output) {
        (Some(path), _) => (path, case_file::read(path)?),
        (None, Some(path)) => {
            output::must_not_exist(path)?;
            // Questions go where people look even when the answer is asked for as JSON.
            let mut screen = io::stderr().lock();
            let case = Interview::new(io::stdin().lock(), &mut screen, language).hold()?;
            output::create_at_once(path, &case_file::text_of(&case))?;
            (path, case)
        }
        (None, None) => {
            output.write_all(case_file::text_of(&Case::default()).as_bytes())?;
            return Ok(WHOLE);
        }
    };
    let missing = case.lacks();
    if arguments.json {
        let checked = Checked {
            tool: "pf-record",
            version: env!("CARGO_PKG_VERSION"),
            case_file: Plain(path.display()).to_string(),
            missing: &missing,
            clock_offset_seconds: case.clock_offset_seconds,
        };
        writeln!(output, "{}", serde_json::to_string(&checked)?)?;
    } else {
        tell(path, &case, &missing, language, output)?;
    }
    Ok(if missing.is_empty() { WHOLE } else { LACKING })
}

fn tell(
    path: &Path,
    case: &Case,
    missing: &[String],
    language: Language,
    output: &mut impl Write,
) -> io::Result<()> {
    let path = Plain(path.display());
    if let Some(offset) = case.clock_offset_seconds {
        writeln!(output, "{}", clock_offset(offset, language))?;
    }
    if missing.is_empty() {
        let whole = language.pick("everything that must be given is there", "必填项齐全");
        return writeln!(output, "{path}: {whole}");
    }
    writeln!(output, "{path}: {}", language.pick("must be given and is not:", "缺少下列必填项："))?;
    for key in missing {
        writeln!(output, "  {key}  {}", name(key, language))?;
    }
    Ok(())
}

/// What a key, or the place in a list, is called.
pub fn name(key: &str, language: Language) -> String {
    let mut parts = key.split('.');
    let field = parts.next().unwrap_or_default();
    let mut name = Words::of(field).map_or(field, |words| words.name(language)).to_owned();
    if let Some(number) = parts.next() {
        name.push_str(&format!(" {number}"));
    }
    if let Some(part) = parts.next() {
        name.push_str(&format!("{}{}", language.colon(), words::part(part, language)));
    }
    name
}

/// How far a machine's clock was from the reference.
pub fn clock_offset(seconds: i64, language: Language) -> String {
    let size = seconds.unsigned_abs();
    let clock = match (size.checked_div(3600), size.checked_rem(3600)) {
        (Some(hours), Some(rest)) => format!("{hours}:{:02}:{:02}", rest / 60, rest % 60),
        _ => String::new(),
    };
    match seconds {
        0 => language
            .pick("the machine's clock agreed with the reference", "原机时钟与标准时间一致")
            .to_owned(),
        1.. => language.pick(
            format!("the machine's clock was {size} s ({clock}) ahead of the reference"),
            format!("原机时钟比标准时间快 {size} 秒（{clock}）"),
        ),
        _ => language.pick(
            format!("the machine's clock was {size} s ({clock}) behind the reference"),
            format!("原机时钟比标准时间慢 {size} 秒（{clock}）"),
        ),
    }
}

/// Lines of a field that are shown on a terminal.
pub const MOST_LINES: usize = 50;

/// Something that a case states and an image does not carry.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    /// A field.
    Field(&'static CaseField),
    /// How far the machine's clock was from the reference.
    ClockOffset(i64),
}

/// Those in which a case says anything, in the order of its table.
pub fn facts(case: &Case) -> impl Iterator<Item = Fact> {
    const CARRIED: [&str; 5] = ["case_number", "evidence_number", "examiner", "description", "notes"];
    let given = CASE_FIELDS.iter().filter(|field| !CARRIED.contains(&field.key) && field.is_given(case));
    // It stands behind the last that is given of the clocks.
    let clocks = ["machine_time", "reference_time", "reference_source"];
    let last = CASE_FIELDS.iter().rfind(|field| clocks.contains(&field.key) && field.is_given(case));
    let last = last.map(|field| field.key);
    let alone = case.clock_offset_seconds.filter(|_| last.is_none()).map(Fact::ClockOffset);
    let facts = given.flat_map(move |field| {
        let offset = case.clock_offset_seconds.filter(|_| last == Some(field.key));
        [Some(Fact::Field(field)), offset.map(Fact::ClockOffset)].into_iter().flatten()
    });
    facts.chain(alone)
}

impl Fact {
    /// What it is called.
    pub fn name(self, language: Language) -> &'static str {
        match self {
            Fact::Field(field) => Words::of(field.key).map_or(field.key, |words| words.name(language)),
            Fact::ClockOffset(_) => language.pick("Difference of the clocks", "时钟偏差"),
        }
    }

    /// What the case says of it.
    pub fn value(self, case: &Case, language: Language) -> String {
        match self {
            Fact::Field(field) => answer(field, case, language),
            Fact::ClockOffset(seconds) => clock_offset(seconds, language),
        }
    }
}

/// What was missing when the acquisition began; `None` where nothing was, or nobody asked.
pub fn missing(case: &Case, language: Language) -> Option<String> {
    let missing = case.missing.as_ref().filter(|missing| !missing.is_empty())?;
    let how = match case.case_file.is_empty() {
        true => language.pick("no case file was given; not stated are ", "没有提供案件文件；未填写："),
        false => language.pick("the case file was incomplete; not stated are ", "案件文件不完整；未填写："),
    };
    let names: Vec<String> =
        missing.iter().take(MOST_MISSING).map(|key| name(&clipped(key, 60), language)).collect();
    Some(format!("{how}{}", names.join(language.pick("; ", "；"))))
}

/// Keys that are named: a record of ours has fewer.
const MOST_MISSING: usize = 100;

/// What a field says, for people.
pub fn answer(field: &CaseField, case: &Case, language: Language) -> String {
    use evidence::Holds;
    match field.holds {
        Holds::Line(text) | Holds::Lines(text) | Holds::Moment(text) | Holds::Sha256(text) => {
            (text.get)(case).clone()
        }
        Holds::Seals => case.seal_numbers.join(language.comma()),
        Holds::Investigators => {
            let each = case.investigators.iter().map(|one| {
                let parts = [&one.name, &one.unit, &one.id].into_iter().filter(|part| !part.is_empty());
                parts.map(String::as_str).collect::<Vec<_>>().join(language.pick(", ", "，"))
            });
            each.collect::<Vec<_>>().join("\n")
        }
        Holds::Photos => photos(case, None, language).unwrap_or_default(),
    }
}

/// The photographs taken then, or all: one in a line.
pub fn photos(case: &Case, taken: Option<&str>, language: Language) -> Option<String> {
    let chosen = case.photos.iter().filter(|photo| match taken {
        None => true,
        // Where nobody said when, it stands with those from before rather than nowhere.
        Some("before") => photo.taken != "after",
        Some(taken) => photo.taken == taken,
    });
    let each = chosen.map(|photo| {
        let when = match photo.taken.as_str() {
            "before" if taken.is_none() => language.pick(" (before)", "（封存或拆封前）"),
            "after" if taken.is_none() => language.pick(" (after)", "（封存或拆封后）"),
            "before" | "after" => "",
            _ => language.pick(" (before or after not stated)", "（未注明拍摄时间）"),
        };
        format!("{}{when}{}SHA-256 {}", photo.file, language.pick(", ", "，"), photo.sha256)
    });
    let lines = each.collect::<Vec<_>>().join("\n");
    (!lines.is_empty()).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_says_its_direction_in_both_languages() {
        assert_eq!(
            clock_offset(3725, Language::English),
            "the machine's clock was 3725 s (1:02:05) ahead of the reference"
        );
        assert_eq!(clock_offset(-60, Language::Chinese), "原机时钟比标准时间慢 60 秒（0:01:00）");
        assert_eq!(clock_offset(0, Language::Chinese), "原机时钟与标准时间一致");
        assert!(clock_offset(i64::MIN, Language::English).contains("9223372036854775808 s"));
    }

    #[test]
    fn an_offset_is_shown_whatever_else_is_given_of_the_clocks() {
        for source in ["", "NTP"] {
            let case =
                Case { clock_offset_seconds: Some(1), reference_source: source.into(), ..Case::default() };
            assert_eq!(
                facts(&case).filter(|fact| matches!(fact, Fact::ClockOffset(1))).count(),
                1,
                "{source}"
            );
        }
    }

    #[test]
    fn places_in_lists_have_names() {
        assert_eq!(name("investigators.2.unit", Language::English), "Investigators 2: unit");
        assert_eq!(name("cause", Language::Chinese), "案由");
    }
}
