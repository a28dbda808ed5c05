//! What the guard counted and saw, as the record has it. The rows are JSON of an unknown hand: what is not understood is
//! shown as it stands.

use crate::text;
use serde_json::Value;

/// Commands that are listed; a disk has some dozens.
const MOST_COMMANDS: usize = 400;

/// Events that are listed.
const MOST_EVENTS: usize = 100;

/// Characters of a cell.
const CELL: usize = 200;

/// The flight recorder's table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// A row for each command.
    pub rows: Vec<CommandRow>,
    /// How many more the record has.
    pub left_out: usize,
    /// Sums over all rows: passed, absorbed, refused.
    pub totals: Counts,
}

/// What became of commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sent to the device.
    pub passed: u64,
    /// Answered with success and not sent.
    pub absorbed: u64,
    /// Answered with an error and not sent.
    pub refused: u64,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRow {
    /// Command set.
    pub set: String,
    /// Opcode in hexadecimal, and what tells members of a family apart.
    pub code: String,
    /// Name; what is not understood as JSON.
    pub name: String,
    /// How often.
    pub counts: Counts,
}

impl Commands {
    /// Reads the rows of an entry.
    pub fn of(rows: &[Value]) -> Self {
        let mut commands = Self { left_out: rows.len().saturating_sub(MOST_COMMANDS), ..Self::default() };
        for row in rows {
            let counts = Counts {
                passed: number(row, "passed"),
                absorbed: number(row, "absorbed"),
                refused: number(row, "refused"),
            };
            commands.totals.add(counts);
            if commands.rows.len() < MOST_COMMANDS {
                commands.rows.push(CommandRow::of(row, counts));
            }
        }
        commands
    }
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.passed = self.passed.saturating_add(other.passed);
        self.absorbed = self.absorbed.saturating_add(other.absorbed);
        self.refused = self.refused.saturating_add(other.refused);
    }
}

impl CommandRow {
    fn of(row: &Value, counts: Counts) -> Self {
        const UNDERSTOOD: [&str; 7] = ["set", "opcode", "sub", "name", "passed", "absorbed", "refused"];
        let mut code = match row.get("opcode") {
            Some(Value::Number(opcode)) => match opcode.as_u64() {
                Some(opcode) => format!("{opcode:02X}h"),
                None => opcode.to_string(),
            },
            Some(other) => text::clipped(other, CELL),
            None => String::new(),
        };
        if let Some(sub) = row.get("sub").filter(|sub| !sub.is_null()) {
            code = format!("{code} / {}", word(sub));
        }
        let mut name = row.get("name").filter(|name| !name.is_null()).map(word).unwrap_or_default();
        let further = others(row, &UNDERSTOOD);
        if !further.is_empty() {
            name = format!("{name} {further}");
        }
        Self { set: row.get("set").map(word).unwrap_or_default(), code, name, counts }
    }
}

/// The guard's events of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Oldest first.
    pub rows: Vec<EventRow>,
    /// How many more there were, in the record and outside it.
    pub left_out: u64,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Number.
    pub number: String,
    /// Seconds since the machine was switched on.
    pub since_boot: String,
    /// What happened.
    pub what: String,
    /// All other fields.
    pub details: String,
}

impl Events {
    /// Reads the events of an entry; `omitted` are those that the record left out.
    pub fn of(events: &[Value], omitted: u64) -> Self {
        let further = events.len().saturating_sub(MOST_EVENTS);
        Self {
            rows: events.iter().take(MOST_EVENTS).map(EventRow::of).collect(),
            left_out: omitted.saturating_add(u64::try_from(further).unwrap_or(u64::MAX)),
        }
    }
}

impl EventRow {
    fn of(event: &Value) -> Self {
        let since_boot = match event.get("time_ns").and_then(Value::as_u64) {
            Some(time) => format!("{}.{:03}", time / 1_000_000_000, time / 1_000_000 % 1000),
            None => event.get("time_ns").map(word).unwrap_or_default(),
        };
        Self {
            number: event.get("seq").map(word).unwrap_or_default(),
            since_boot,
            what: event.get("event").map(word).unwrap_or_default(),
            details: others(event, &["seq", "time_ns", "event"]),
        }
    }
}

fn number(row: &Value, field: &str) -> u64 {
    row.get(field).and_then(Value::as_u64).unwrap_or(0)
}

/// A text without its quotes, anything else as JSON.
fn word(value: &Value) -> String {
    match value {
        Value::String(word) => text::clipped(word, CELL),
        other => text::clipped(other, CELL),
    }
}

/// All fields but those, `name=value`; the whole of what has no fields.
fn others(value: &Value, but: &[&str]) -> String {
    let Some(fields) = value.as_object() else { return text::clipped(value, CELL) };
    let shown = fields
        .iter()
        .filter(|(name, value)| !but.contains(&name.as_str()) && !value.is_null())
        .take(16)
        .map(|(name, value)| format!("{}={}", text::clipped(name, 40), word(value)));
    text::clipped(shown.collect::<Vec<_>>().join(", "), 2 * CELL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_summed_and_what_is_not_understood_is_shown() {
        let rows = [
            json!({"set": "ata", "opcode": 239, "sub": "03", "name": "SET FEATURES", "passed": 2, "absorbed": 0, "refused": 0}),
            json!({"set": "scsi", "opcode": 42, "passed": 0, "absorbed": 1, "refused": u64::MAX, "by": "sg"}),
            json!(["no", "row"]),
        ];
        let commands = Commands::of(&rows);
        assert_eq!(commands.totals, Counts { passed: 2, absorbed: 1, refused: u64::MAX });
        assert_eq!(commands.rows[0].code, "EFh / 03");
        assert_eq!(commands.rows[1].name, " by=sg");
        assert_eq!(commands.rows[2].name, r#" ["no","row"]"#);
    }

    #[test]
    fn rows_and_events_beyond_measure_are_counted_only() {
        let many = vec![json!({"set": "x", "passed": 1}); 1000];
        let commands = Commands::of(&many);
        assert_eq!((commands.rows.len(), commands.left_out, commands.totals.passed), (400, 600, 1000));
        let events = Events::of(&many, 5);
        assert_eq!((events.rows.len(), events.left_out), (100, 905));
    }

    #[test]
    fn an_event_keeps_all_its_fields() {
        let event = json!({"seq": 7, "time_ns": 12_345_678_901u64, "event": "refused", "op": "write", "sector": 0, "comm": "mount"});
        let row = EventRow::of(&event);
        assert_eq!((row.since_boot.as_str(), row.what.as_str()), ("12.345", "refused"));
        assert_eq!(row.details, "comm=mount, op=write, sector=0");
    }
}
