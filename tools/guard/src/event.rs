//! One line of the event stream.

use evidence::Plain;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum EventKind {
    /// A disk was discovered.
    Born {
        /// Its state from birth.
        state: String,
    },
    /// A disk was removed.
    Gone,
    /// An operation was refused.
    Refused {
        /// Name of the operation.
        op: String,
        /// First 512-byte sector from the start of the disk, where the operation has one.
        sector: Option<u64>,
        /// Length in bytes.
        bytes: u64,
        /// The command, where it was one on its way to the device.
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<RefusedCommand>,
    },
    /// A disk changed its state.
    State {
        /// Former state.
        from: String,
        /// New state.
        to: String,
    },
    /// A change of state was asked for and refused.
    Denied {
        /// The state asked for.
        to: String,
        /// The error number given.
        errno: i32,
    },
    /// The guard was sealed.
    Sealed,
    /// Events were overwritten before this reader came to them.
    Lost {
        /// How many.
        count: u64,
    },
    /// An event that a later guard added; its fields are among [`Event::other`].
    Unknown {
        /// Its name.
        word: String,
    },
}

/// A command that was not sent to the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedCommand {
    /// Its command set, e.g. `scsi`.
    pub set: String,
    /// Its opcode, in hexadecimal.
    pub opcode: String,
    /// What tells members of a family apart, in hexadecimal.
    pub sub: String,
    /// `driver` or `program`.
    pub asker: String,
}

/// One event of the guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Number of the event; without gaps but for `lost`.
    pub seq: u64,
    /// When, in nanoseconds since the machine was switched on (`CLOCK_BOOTTIME`).
    pub time_ns: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Name of the disk; `None` where the event concerns none.
    pub disk: Option<String>,
    /// Major and minor number of the disk.
    pub dev: Option<String>,
    /// Process that caused it. For writes from the page cache that is a kernel thread.
    pub pid: Option<u64>,
    /// Its command name, in printable form.
    pub comm: Option<String>,
    /// Fields that this version does not know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
}

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line '{line}' {problem}; use the tools of the same image as the kernel")]
pub struct EventError {
    line: String,
    problem: String,
}

impl FromStr for Event {
    type Err = EventError;

    fn from_str(line: &str) -> Result<Self, EventError> {
        let problem = |problem: String| EventError { line: line.escape_debug().to_string(), problem };
        // The kernel writes printable ASCII; whatever else comes must not reach a terminal either.
        let line = &Plain(line).to_string();
        let mut fields = Fields::default();
        for field in line.split_ascii_whitespace() {
            let (name, value) =
                field.split_once('=').ok_or_else(|| problem(format!("has '{field}', not name=value")))?;
            if fields.0.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(problem(format!("has two fields {name}")));
            }
        }
        fields.event().map_err(problem)
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn event(mut self) -> Result<Event, String> {
        let seq = self.number("seq")?;
        let time_ns = self.number("time_ns")?;
        let kind = self.kind()?;
        Ok(Event {
            seq,
            time_ns,
            kind,
            disk: self.given("disk"),
            dev: self.given("dev"),
            pid: if self.0.contains_key("pid") { Some(self.number("pid")?) } else { None },
            comm: self.given("comm").map(|comm| unescape(&comm)),
            other: self.0,
        })
    }

    fn kind(&mut self) -> Result<EventKind, String> {
        Ok(match self.word("event")?.as_str() {
            "born" => EventKind::Born { state: self.word("state")? },
            "gone" => EventKind::Gone,
            "refused" => EventKind::Refused {
                op: self.word("op")?,
                sector: match self.0.get("sector").map(String::as_str) {
                    Some("-") => self.given("sector").and(None),
                    _ => Some(self.number("sector")?),
                },
                bytes: self.number("bytes")?,
                command: self.command()?,
            },
            "state" => EventKind::State { from: self.word("from")?, to: self.word("to")? },
            "denied" => EventKind::Denied { to: self.word("to")?, errno: self.number("errno")? },
            "sealed" => EventKind::Sealed,
            "lost" => EventKind::Lost { count: self.number("count")? },
            other => EventKind::Unknown { word: other.to_owned() },
        })
    }

    fn command(&mut self) -> Result<Option<RefusedCommand>, String> {
        let Some(set) = self.given("set") else { return Ok(None) };
        let (opcode, sub, asker) = (self.word("opcode")?, self.word("sub")?, self.word("asker")?);
        Ok(Some(RefusedCommand { set, opcode, sub, asker }))
    }

    fn word(&mut self, name: &str) -> Result<String, String> {
        self.0.remove(name).ok_or_else(|| format!("has no field {name}"))
    }

    fn number<N: FromStr>(&mut self, name: &str) -> Result<N, String> {
        let word = self.word(name)?;
        word.parse().map_err(|_| format!("has {name}={word}, not a number"))
    }

    /// A field that may be absent or `-`.
    fn given(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| value != "-")
    }
}

/// Takes `\xHH` back where it stands for a printable character; others stay escaped, so that a program's name cannot move
/// the cursor of the examiner's terminal.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        out.push_str(before);
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, after.get(2..)) {
            (Some(byte), Some(remainder)) if byte.is_ascii_graphic() || byte == b' ' => {
                out.push(char::from(byte));
                rest = remainder;
            }
            _ => {
                out.push_str("\\x");
                rest = after;
            }
        }
    }
    out + rest
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.time_ns / 1_000_000_000, self.time_ns / 1000 % 1_000_000);
        write!(f, "[{seconds:>6}.{micros:06}] {:<8} ", self.disk.as_deref().unwrap_or("-"))?;
        match &self.kind {
            EventKind::Born { state } => write!(f, "discovered, {state}")?,
            EventKind::Gone => f.write_str("removed")?,
            EventKind::Refused { op, sector, bytes, command } => {
                write!(f, "REFUSED {op}")?;
                if let Some(RefusedCommand { set, opcode, sub, asker }) = command {
                    write!(f, " {set} {opcode}h/{sub}h of a {asker}")?;
                }
                if let Some(sector) = sector {
                    write!(f, " of {bytes} bytes at sector {sector}")?;
                }
            }
            EventKind::State { from, to } => write!(f, "{from} -> {to}")?,
            EventKind::Denied { to, errno } => {
                write!(f, "DENIED change to {to} ({})", nix::errno::Errno::from_raw(*errno))?;
            }
            EventKind::Sealed => f.write_str("guard sealed")?,
            EventKind::Lost { count } => write!(f, "{count} older events were overwritten")?,
            EventKind::Unknown { word } => write!(f, "{word}")?,
        }
        for (name, value) in &self.other {
            write!(f, " {name}={value}")?;
        }
        match (&self.comm, self.pid) {
            (Some(comm), Some(pid)) => write!(f, "  by {comm} ({pid})"),
            (None, Some(pid)) if pid > 0 => write!(f, "  by process {pid}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_refusal_is_read_with_its_place_and_its_program() {
        let line = r"seq=17 time_ns=12345678901 event=refused disk=sda dev=8:0 op=write sector=2048 bytes=4096 pid=93 comm=a\x20b\\x1b\x5cc";
        let event: Event = line.parse().unwrap();
        assert_eq!(
            event.kind,
            EventKind::Refused { op: "write".into(), sector: Some(2048), bytes: 4096, command: None }
        );
        assert_eq!((event.seq, event.pid, event.disk.as_deref()), (17, Some(93), Some("sda")));
        assert_eq!(event.comm.as_deref(), Some(r"a b\\x1b\c"), "what is not printable stays escaped");
        assert_eq!(
            event.to_string(),
            r"[    12.345678] sda      REFUSED write of 4096 bytes at sector 2048  by a b\\x1b\c (93)"
        );
    }

    #[test]
    fn every_event_of_the_interface_is_known() {
        let common = "seq=0 time_ns=5 disk=- dev=- pid=1 comm=init";
        let cases = [
            ("event=born state=blocked", EventKind::Born { state: "blocked".into() }),
            ("event=gone", EventKind::Gone),
            (
                "event=refused op=open-write sector=- bytes=0",
                EventKind::Refused { op: "open-write".into(), sector: None, bytes: 0, command: None },
            ),
            (
                "event=refused op=command set=ata opcode=ef sub=82 asker=program sector=- bytes=0",
                EventKind::Refused {
                    op: "command".into(),
                    sector: None,
                    bytes: 0,
                    command: Some(RefusedCommand {
                        set: "ata".into(),
                        opcode: "ef".into(),
                        sub: "82".into(),
                        asker: "program".into(),
                    }),
                },
            ),
            (
                "event=state from=blocked to=evidence",
                EventKind::State { from: "blocked".into(), to: "evidence".into() },
            ),
            ("event=denied to=writable errno=129", EventKind::Denied { to: "writable".into(), errno: 129 }),
            ("event=sealed", EventKind::Sealed),
            ("event=lost count=12", EventKind::Lost { count: 12 }),
        ];
        for (fields, kind) in cases {
            let event: Event = format!("{common} {fields}").parse().unwrap();
            assert_eq!((event.kind, event.disk, event.other.len()), (kind, None, 0), "{fields}");
        }
    }

    #[test]
    fn what_a_later_guard_adds_is_kept() {
        let event: Event = "colour=red seq=1 event=painted time_ns=2 disk=sdb".parse().unwrap();
        assert_eq!(event.kind, EventKind::Unknown { word: "painted".into() });
        assert_eq!(event.other.get("colour").map(String::as_str), Some("red"));
        let json = serde_json::to_string(&event).unwrap();
        assert!(json.contains(r#""colour":"red""#) && json.contains(r#""word":"painted""#), "{json}");
    }

    #[test]
    fn a_damaged_line_is_an_error_that_shows_it() {
        for line in [
            "",
            "nonsense",
            "seq=1 time_ns=x event=gone",
            "seq=1 seq=2 time_ns=1 event=gone",
            "seq=1 time_ns=1 event=refused op=write sector=1",
        ] {
            let error = line.parse::<Event>().unwrap_err();
            assert!(error.to_string().contains(line), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_fail(line in r"(seq=[0-9-]{1,30} )?(time_ns=[0-9]* )?event=(refused|lost|born|denied)?.{0,60}") {
            if let Ok(event) = line.parse::<Event>() {
                prop_assert!(!event.to_string().is_empty());
            }
        }

        #[test]
        fn no_name_reaches_the_terminal_raw(comm in r"[!-~]{0,40}") {
            prop_assert!(unescape(&comm).bytes().all(|b| b.is_ascii_graphic() || b == b' '));
        }
    }
}
