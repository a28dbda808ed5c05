//! The guard's policy, read from its C tables. What can't be read is an error: a row must not go missing here that the
//! kernel obeys.

use crate::error::{Result, XtaskError};
use crate::{kernel_tree, workspace};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

/// Kinds of SCSI devices: the table's word, and what the kernel adds to the name of the set.
const KINDS: &[(&str, &str)] = &[
    ("GUARD_ANY", ""),
    ("GUARD_DISK", "-disk"),
    ("GUARD_CD", "-cd"),
    ("GUARD_OTHER", "-other"),
    ("GUARD_DISK | GUARD_CD", "-disk-cd"),
];

/// Verdicts: the table's word and the kernel's.
const VERDICTS: &[(&str, &str)] = &[
    ("GUARD_REFUSE", "refuse"),
    ("GUARD_PASS", "pass"),
    ("GUARD_DRIVER", "driver"),
    ("GUARD_WRITE", "write"),
    ("GUARD_ABSORB", "absorb"),
];

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// First byte, command register, or number.
    pub opcode: u8,
    /// What tells members of a family apart; `None` for all of them.
    pub sub: Option<u16>,
    /// Suffix of the kind of device, empty for any.
    pub kind: &'static str,
    /// Title of the command's clause.
    pub name: String,
    /// The standard that has this clause.
    pub standard: String,
    /// `pass`, `driver`, `write`, `absorb` or `refuse`.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
}

/// All commands of one set.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Name of the set.
    pub set: String,
    /// Its rows, in the kernel's order.
    pub rows: Vec<Row>,
}

/// All tables, in the kernel's order.
pub struct Policy {
    /// The tables.
    pub tables: Vec<Table>,
}

/// Reads the tables of this working copy.
pub fn read() -> Result<Policy> {
    let folder = kernel_tree::guard().join("block/evidence-guard");
    let mut found = HashMap::new();
    for file in workspace::files_below(&folder)? {
        if is_table_file(&file) {
            let text = workspace::read_text(&folder.join(&file))?;
            let complain = |why: String| XtaskError::Unfit(format!("{}: {why}", file.display()));
            found.extend(parse_file(&text).map_err(complain)?);
        }
    }
    let order = parse_order(&workspace::read_text(&folder.join("policy.c"))?);
    let mut tables = Vec::new();
    for name in order {
        let table = found.remove(&name);
        tables.push(table.ok_or_else(|| XtaskError::Unfit(format!("no file defines {name}")))?);
    }
    if tables.is_empty() || !found.is_empty() {
        let left: Vec<&String> = found.keys().collect();
        return Err(XtaskError::Unfit(format!("policy.c lists {} tables, not: {left:?}", tables.len())));
    }
    Ok(Policy { tables })
}

fn is_table_file(file: &Path) -> bool {
    let name = file.to_string_lossy();
    name.starts_with("policy_") && name.ends_with(".c") && !name.ends_with("_test.c")
}

impl Policy {
    /// What the kernel shows in `evidence_guard/policy`: `show_rule` of control.c.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            for row in &table.rows {
                // Writing to a String cannot fail.
                let _ = writeln!(
                    text,
                    "{}{}\t{:02x}\t{}\t{}\t{}\t{}\t{}",
                    table.set,
                    row.kind,
                    row.opcode,
                    row.sub.map_or_else(|| "-".to_owned(), |sub| format!("{sub:02x}")),
                    row.name,
                    row.standard,
                    row.verdict,
                    row.reason
                );
            }
        }
        text
    }

    /// The hash that a record carries.
    pub fn sha256(&self) -> String {
        workspace::hex(&Sha256::digest(self.text().as_bytes()))
    }
}

/// The names of the tables, as `guard_tables[]` lists them.
fn parse_order(text: &str) -> Vec<String> {
    text.lines()
        .skip_while(|line| !line.contains("guard_tables[] = {"))
        .skip(1)
        .take_while(|line| *line != "};")
        .filter_map(|line| Some(line.trim().strip_prefix('&')?.strip_suffix(',')?.to_owned()))
        .collect()
}

/// One file's tables by the names of their variables.
fn parse_file(text: &str) -> std::result::Result<HashMap<String, Table>, String> {
    let text = text.replace("\\\n", " ");
    let constants = constants(&text);
    let row_macro = RowMacro::parse(&text)?;
    let mut arrays: HashMap<&str, Vec<Row>> = HashMap::new();
    let mut tables = HashMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = between(line, "static const struct guard_rule ", "[] = {") {
            let mut rows = Vec::new();
            for line in lines.by_ref().take_while(|line| *line != "};") {
                let arguments = between(line, "\tROW(", "),").ok_or_else(|| format!("no row: {line}"))?;
                rows.push(row_macro.expand(arguments, &constants).map_err(|why| format!("{why}: {line}"))?);
            }
            arrays.insert(name, rows);
        } else if let Some(name) = between(line, "const struct guard_table ", " = {") {
            let body: String = lines.by_ref().take_while(|line| *line != "};").collect();
            let fields = fields(&body)?;
            let field = |name: &str| fields.get(name).copied().ok_or_else(|| format!("no .{name}: {body}"));
            let rules = field("rules")?;
            if field("count")? != format!("ARRAY_SIZE({rules})") {
                return Err(format!("not all rows count: {body}"));
            }
            let set = string(field("set")?, &constants)?;
            let rows = arrays.remove(rules).ok_or_else(|| format!("no rows {rules}"))?;
            tables.insert(name.to_owned(), Table { set, rows });
        }
    }
    match arrays.keys().next() {
        Some(left) => Err(format!("no table has the rows {left}")),
        None => Ok(tables),
    }
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.strip_prefix(before)?.strip_suffix(after)
}

/// `#define NAME value`, a comment behind it left out.
fn constants(text: &str) -> HashMap<&str, &str> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.strip_prefix("#define ")?.split_once(char::is_whitespace)?;
            let value = value.split("/*").next().unwrap_or(value);
            (!name.contains('(')).then(|| (name, value.trim()))
        })
        .collect()
}

/// The file's macro for a row: parameters, and the fields made of them.
struct RowMacro<'a> {
    parameters: Vec<&'a str>,
    fields: HashMap<&'a str, &'a str>,
}

impl<'a> RowMacro<'a> {
    fn parse(text: &'a str) -> std::result::Result<Self, String> {
        let line = text.lines().find_map(|line| line.strip_prefix("#define ROW("));
        let (parameters, body) =
            line.and_then(|line| line.split_once(')')).ok_or_else(|| "no macro ROW".to_owned())?;
        let body = between(body.trim(), "{", "}").ok_or_else(|| format!("no initializer: {body}"))?;
        Ok(Self { parameters: split(parameters)?, fields: fields(body)? })
    }

    fn expand(&self, arguments: &str, constants: &HashMap<&str, &str>) -> std::result::Result<Row, String> {
        let arguments = split(arguments)?;
        if arguments.len() != self.parameters.len() {
            return Err(format!("{} arguments, not {}", arguments.len(), self.parameters.len()));
        }
        let value = |field: &str| -> std::result::Result<String, String> {
            let body = *self.fields.get(field).ok_or_else(|| format!("ROW sets no .{field}"))?;
            let (before, parameter) = body.split_once("##").unwrap_or(("", body));
            let argument = self.parameters.iter().position(|name| *name == parameter);
            let text = argument.and_then(|place| arguments.get(place)).copied().unwrap_or(parameter);
            Ok(format!("{before}{text}"))
        };
        let sub = number(&value("sub")?, constants)?;
        Ok(Row {
            opcode: u8::try_from(number(&value("opcode")?, constants)?).map_err(|e| e.to_string())?,
            sub: (sub != u16::MAX).then_some(sub),
            kind: word(&value("kinds")?, KINDS)?,
            name: string(&value("name")?, constants)?,
            standard: string(&value("standard")?, constants)?,
            verdict: word(&value("verdict")?, VERDICTS)?,
            reason: string(&value("reason")?, constants)?,
        })
    }
}

/// `.a = b, .c = d`
fn fields(body: &str) -> std::result::Result<HashMap<&str, &str>, String> {
    split(body)?
        .into_iter()
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field
                .strip_prefix('.')
                .and_then(|field| field.split_once(" = "))
                .ok_or_else(|| format!("no field: {field}"))?;
            Ok((name, value))
        })
        .collect()
}

/// Splits at commas outside of strings.
fn split(text: &str) -> std::result::Result<Vec<&str>, String> {
    let (mut parts, mut begun, mut quoted) = (Vec::new(), 0_usize, false);
    for (place, character) in text.char_indices() {
        match character {
            '\\' => return Err(format!("a backslash: {text}")),
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(text.get(begun..place).unwrap_or_default().trim());
                begun = place.saturating_add(1);
            }
            _ => {}
        }
    }
    if quoted {
        return Err(format!("a string without end: {text}"));
    }
    parts.push(text.get(begun..).unwrap_or_default().trim());
    Ok(parts)
}

/// A constant's value, through the names that stand for it.
fn resolve<'a>(word: &'a str, constants: &HashMap<&'a str, &'a str>) -> &'a str {
    let once = constants.get(word).copied().unwrap_or(word);
    constants.get(once).copied().unwrap_or(once)
}

fn number(word: &str, constants: &HashMap<&str, &str>) -> std::result::Result<u16, String> {
    let value = resolve(word, constants);
    let parsed = match value.strip_prefix("0x") {
        _ if value == "GUARD_ALL" => return Ok(u16::MAX),
        Some(hex) => u16::from_str_radix(hex, 16),
        None => value.parse(),
    };
    parsed.map_err(|_| format!("no number: {word}"))
}

fn string(word: &str, constants: &HashMap<&str, &str>) -> std::result::Result<String, String> {
    match between(resolve(word, constants), "\"", "\"") {
        Some(text) if !text.is_empty() && !text.contains('"') => Ok(text.to_owned()),
        _ => Err(format!("no string: {word}")),
    }
}

fn word(word: &str, known: &[(&'static str, &'static str)]) -> std::result::Result<&'static str, String> {
    known
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, shown)| *shown)
        .ok_or_else(|| format!("unknown word {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "#define ROW(_opcode, _kinds, _sub, _verdict, _name, _reason) {\t\t\\\n\t.opcode = _opcode, .kinds = GUARD_##_kinds, .sub = _sub,\t\\\n\
        \t.verdict = GUARD_##_verdict, .name = _name,\t\\\n\t.standard = STD, .reason = _reason }\n\
        #define ALL\tGUARD_ALL\n#define STD \"S-1\"\t/* its name */\n#define START\t0x01\n\
        static const struct guard_rule rules[] = {\n\tROW(0x1b, DISK, START, PASS, \"START, (1)\", \"spins up\"),\n\tROW(30, ANY, ALL, REFUSE, \"OTHER\", \"no\"),\n};\n\
        const struct guard_table guard_x_table = {\n\t.set = \"x\", .rules = rules,\n\t.count = ARRAY_SIZE(rules),\n};\n";

    #[test]
    fn rows_are_read_through_the_macro_and_its_constants() {
        let tables = parse_file(FILE).unwrap();
        let table = tables.get("guard_x_table").unwrap();
        assert_eq!(table.set, "x");
        let [first, second] = table.rows.as_slice() else { panic!("{table:?}") };
        assert_eq!((first.opcode, first.sub, first.kind, first.verdict), (0x1b, Some(1), "-disk", "pass"));
        assert_eq!((first.name.as_str(), first.standard.as_str()), ("START, (1)", "S-1"));
        assert_eq!((second.opcode, second.sub, second.kind, second.verdict), (30, None, "", "refuse"));
    }

    #[test]
    fn what_can_not_be_read_is_an_error() {
        for (what, instead) in [
            ("\tROW(30,", "\t/* gone */ ROW(30,"),
            ("\tROW(30, ANY,", "\tROW(30, ODD,"),
            ("REFUSE", "ALLOW"),
            ("ROW(30", "ROW(0x130"),
            ("ROW(30", "ROW(THIRTY"),
            ("\"no\"", "NO"),
            ("\"no\"", "\"no\", 1"),
            (", \"no\"", ""),
            ("ARRAY_SIZE(rules)", "1"),
            (".set = \"x\"", ".set = X"),
            ("guard_table guard_x_table", "guard_tablet guard_x_table"),
        ] {
            assert!(FILE.contains(what), "{what}");
            assert!(parse_file(&FILE.replace(what, instead)).is_err(), "{instead}");
        }
    }

    #[test]
    fn every_row_that_the_files_hold_is_in_the_policy() {
        let policy = read().unwrap();
        let folder = kernel_tree::guard().join("block/evidence-guard");
        let rows: usize = workspace::files_below(&folder)
            .unwrap()
            .iter()
            .filter(|file| is_table_file(file))
            .map(|file| workspace::read_text(&folder.join(file)).unwrap().matches("\tROW(").count())
            .sum();
        assert_eq!(policy.text().lines().count(), rows);
        assert!(policy.text().lines().all(|line| line.split('\t').count() == 7));
    }
}
