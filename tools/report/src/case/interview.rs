//! The questions of a case file, one after the other; at the end what was answered, to be corrected before it is written.

use super::{answer, name};
use crate::failure::Failure;
use crate::language::Language;
use case_file::words::{self, Words};
use case_file::{LONGEST_FILE, MOST_ENTRIES, clean_line, clean_moment, clean_sha256};
use evidence::{
    CASE_FIELDS, Case, CaseField, FEWEST_INVESTIGATORS, Holds, INVESTIGATOR_FIELDS, Need, PHOTO_FIELDS,
    PartField, Plain, Text,
};
use std::io::{BufRead, Read, Write};

/// Longest line of an answer in bytes.
const LONGEST_LINE: u64 = 32 << 10;

/// A conversation: who answers, where questions are shown, and in which language.
pub struct Interview<'a, I, O> {
    input: I,
    screen: &'a mut O,
    language: Language,
}

impl<'a, I: BufRead, O: Write> Interview<'a, I, O> {
    pub fn new(input: I, screen: &'a mut O, language: Language) -> Self {
        Self { input, screen, language }
    }

    /// Asks everything, then for corrections, until an empty line.
    ///
    /// # Errors
    /// [`Failure::EndOfAnswers`] when the answers end before that, [`Failure::Output`].
    pub fn hold(mut self) -> Result<Case, Failure> {
        let mut case = Case::default();
        self.say(self.language.pick(
            "Fields marked * must be given. An empty line leaves a field out.",
            "带 * 的为必填项。直接回车表示不填。",
        ))?;
        let mut excused: Vec<&str> = Vec::new();
        for field in &CASE_FIELDS {
            let reasons = |field: &CaseField| match field.need {
                Need::Unless(reason) => Some(reason),
                _ => None,
            };
            // Where one of several was left out, the reason is asked for in place of the others.
            // But photographs are asked for wherever there are seals.
            let sealed = matches!(field.holds, Holds::Photos) && !case.seal_numbers.is_empty();
            if !sealed && reasons(field).is_some_and(|reason| excused.contains(&reason)) {
                continue;
            }
            // A reason is asked for only where something needs it.
            let explains = CASE_FIELDS.iter().any(|other| reasons(other) == Some(field.key));
            if explains && !excused.contains(&field.key) {
                continue;
            }
            self.ask(field, &mut case)?;
            if let Some(reason) = reasons(field).filter(|_| !field.is_given(&case)) {
                excused.push(reason);
            }
        }
        self.correct(&mut case)?;
        Ok(case)
    }

    /// Shows all and takes the number of one to be asked again.
    fn correct(&mut self, case: &mut Case) -> Result<(), Failure> {
        loop {
            self.show(case)?;
            self.prompt(self.language.pick(
                "Number of an answer to correct, or an empty line to write the file",
                "输入要更正的序号；直接回车则写入文件",
            ))?;
            let line = self.line()?;
            if line.trim().is_empty() {
                let text = case_file::text_of(case);
                let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
                match case.contradiction() {
                    None if length > LONGEST_FILE => self.say(&format!(
                        "{length} > {LONGEST_FILE}: {}",
                        self.language.pick(
                            "a case file can't have so many bytes; shorten an answer",
                            "案件文件字节数超限，请缩短某项内容",
                        )
                    ))?,
                    None => match case_file::parse(&text) {
                        Ok(_) => return Ok(()),
                        Err(fault) => self.say(&fault.what)?,
                    },
                    Some((key, reason)) => self.say(&format!("{key} + {reason}: {}", self.language.pick(
                        "one of them must be cleared, by -",
                        "二者只能填一项，请用 - 清除其中一项",
                    )))?,
                }
                continue;
            }
            let number = line.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            match number.and_then(|number| CASE_FIELDS.get(number)) {
                Some(field) => self.ask(field, case)?,
                None => self.say(self.language.pick("There is no such number.", "没有这个序号。"))?,
            }
        }
    }

    fn show(&mut self, case: &Case) -> Result<(), Failure> {
        self.say("")?;
        for (number, field) in (1..).zip(&CASE_FIELDS) {
            let mark = if field.is_needed(case) && !field.is_given(case) { "*" } else { " " };
            let said = answer(field, case, self.language);
            let said = said.lines().map(|line| Plain(line).to_string()).collect::<Vec<_>>().join("; ");
            let line = format!("{number:>3}{mark} {}{}{said}", self.name_of(field), self.language.colon());
            self.say(line.trim_end())?;
        }
        let lacks = case.lacks();
        if !lacks.is_empty() {
            let names = lacks.iter().map(|key| name(key, self.language)).collect::<Vec<_>>();
            let words = self.language.pick("Still missing", "尚缺");
            self.say(&format!(
                "{words}{}{}",
                self.language.colon(),
                names.join(self.language.pick("; ", "；"))
            ))?;
        }
        Ok(())
    }

    /// Asks for one field until the answer can be meant. When it has one already, an empty line keeps it.
    fn ask(&mut self, field: &CaseField, case: &mut Case) -> Result<(), Failure> {
        match field.holds {
            Holds::Line(text) | Holds::Lines(text) => self.ask_text(field, text, case, clean_line),
            Holds::Moment(text) => self.ask_text(field, text, case, clean_moment),
            Holds::Sha256(text) => self.ask_text(field, text, case, clean_sha256),
            Holds::Seals => self.ask_seals(field, case),
            Holds::Investigators => {
                let fewest = FEWEST_INVESTIGATORS;
                let given =
                    self.entries(field, &INVESTIGATOR_FIELDS, fewest, !case.investigators.is_empty())?;
                case.investigators = given.unwrap_or_else(|| std::mem::take(&mut case.investigators));
                Ok(())
            }
            Holds::Photos => {
                let given = self.entries(field, &PHOTO_FIELDS, 1, !case.photos.is_empty())?;
                case.photos = given.unwrap_or_else(|| std::mem::take(&mut case.photos));
                Ok(())
            }
        }
    }

    fn ask_seals(&mut self, field: &CaseField, case: &mut Case) -> Result<(), Failure> {
        let several = self.language.pick("; several with ; between", "；多个用分号隔开");
        loop {
            self.question(field, several, case)?;
            let line = self.line()?;
            let numbers = line.split([';', '；']).map(str::trim).filter(|number| !number.is_empty());
            let numbers: Result<Vec<_>, _> = numbers.take(MOST_ENTRIES).map(clean_line).collect();
            match (line.as_str(), numbers) {
                ("", _) => return Ok(()),
                ("-", _) => {
                    case.seal_numbers.clear();
                    return Ok(());
                }
                (_, Ok(numbers)) => {
                    case.seal_numbers = numbers;
                    return Ok(());
                }
                (_, Err(what)) => self.say(&format!("  {what}"))?,
            }
        }
    }

    fn ask_text(
        &mut self,
        field: &CaseField,
        text: Text,
        case: &mut Case,
        clean: fn(&str) -> Result<String, &'static str>,
    ) -> Result<(), Failure> {
        loop {
            self.question(field, "", case)?;
            let line = self.line()?;
            let before = (text.get)(case).clone();
            match line.as_str() {
                "" => return Ok(()),
                "-" => (text.get_mut)(case).clear(),
                line => match clean(line) {
                    Ok(clean) => *(text.get_mut)(case) = clean,
                    Err(what) => {
                        self.say(&format!("  {what}"))?;
                        continue;
                    }
                },
            }
            match case_file::offset_seconds(&case.machine_time, &case.reference_time) {
                Ok(offset) => {
                    case.clock_offset_seconds = offset;
                    return Ok(());
                }
                Err(error) => {
                    *(text.get_mut)(case) = before;
                    self.say(&format!("  {error}"))?;
                }
            }
        }
    }

    /// Entries of a list, each part of each; an empty first part ends it. `None` keeps what there was.
    fn entries<T: Default>(
        &mut self,
        field: &CaseField,
        parts: &'static [PartField<T>],
        fewest: usize,
        had: bool,
    ) -> Result<Option<Vec<T>>, Failure> {
        let mut all: Vec<T> = Vec::new();
        while all.len() < MOST_ENTRIES {
            let mut entry = T::default();
            for (place, part) in parts.iter().enumerate() {
                let mark = if part.needed && all.len() < fewest { "*" } else { "" };
                let number = all.len().saturating_add(1);
                let colon = self.language.colon();
                let asked = format!(
                    "{} {number}{colon}{}{mark}",
                    self.name_of(field),
                    words::part(part.key, self.language)
                );
                let said = loop {
                    self.prompt(&asked)?;
                    let line = self.line()?;
                    // Before the first part it clears the list, elsewhere it is an empty answer.
                    let line = if place > 0 && line == "-" { String::new() } else { line };
                    match accepted(part.key, &line) {
                        Ok(said) => break said,
                        Err(what) => self.say(&format!("  {what}"))?,
                    }
                };
                if place == 0 && (said.is_empty() || said == "-") {
                    let cleared = said == "-" || !had || number > 1;
                    return Ok(cleared.then_some(all));
                }
                *(part.get_mut)(&mut entry) = said;
            }
            all.push(entry);
        }
        Ok(Some(all))
    }

    fn question(&mut self, field: &CaseField, further: &str, case: &Case) -> Result<(), Failure> {
        let hint = Words::of(field.key).map_or("", |words| words.hint(self.language));
        let hint = match hint {
            "" => String::new(),
            hint => self.language.pick(format!(" ({hint})"), format!("（{hint}）")),
        };
        let mark = if field.is_needed(case) { "*" } else { "" };
        let had = match answer(field, case, self.language) {
            had if had.is_empty() => String::new(),
            had => format!(" [{}; - {}]", Plain(had), self.language.pick("clears it", "清除")),
        };
        self.prompt(&format!("{}{mark}{hint}{further}{had}", self.name_of(field)))
    }

    fn name_of(&self, field: &CaseField) -> &'static str {
        Words::of(field.key).map_or(field.key, |words| words.name(self.language))
    }

    fn say(&mut self, words: &str) -> Result<(), Failure> {
        Ok(writeln!(self.screen, "{words}")?)
    }

    fn prompt(&mut self, words: &str) -> Result<(), Failure> {
        write!(self.screen, "{words}{}", self.language.colon())?;
        Ok(self.screen.flush()?)
    }

    /// A line without its end and the blanks around it.
    fn line(&mut self) -> Result<String, Failure> {
        loop {
            let mut bytes = Vec::new();
            let length = (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
            match bytes.last() {
                Some(b'\n') => {}
                _ if u64::try_from(length).is_ok_and(|length| length == LONGEST_LINE) => {
                    return Err(Failure::LongAnswer);
                }
                _ => return Err(Failure::EndOfAnswers),
            }
            if let Ok(line) = String::from_utf8(bytes) {
                return Ok(line.trim().to_owned());
            }
            self.prompt(self.language.pick(
                "  not UTF-8, so it was not taken; answer again",
                "  不是 UTF-8 编码，未采用；请重新回答",
            ))?;
        }
    }
}

fn accepted(key: &str, line: &str) -> Result<String, &'static str> {
    match (key, line) {
        (_, "") => Ok(String::new()),
        ("sha256", line) => clean_sha256(line),
        ("taken", "before" | "after") => Ok(line.to_owned()),
        ("taken", _) => Err("before / after"),
        (_, line) => clean_line(line),
    }
}
