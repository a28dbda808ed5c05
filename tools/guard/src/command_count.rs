//! One line of the flight recorder, `/sys/block/<disk>/guard/commands`.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How often one command was sent to a device, absorbed and refused since the device's discovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandCount {
    /// Command set: `scsi`, `ata`, `nvme-admin`, …
    pub set: String,
    /// Opcode.
    pub opcode: u8,
    /// What tells members of a family apart, in hexadecimal; `None` for a row that stands for all that remain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Name, which is the title of the clause that defines it; `None` for a command that is in no table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Sent to the device.
    pub passed: u64,
    /// Answered with success and not sent.
    pub absorbed: u64,
    /// Answered with an error and not sent.
    pub refused: u64,
}

impl FromStr for CommandCount {
    /// Nothing to tell but that it is no such line.
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let mut words = line.split_ascii_whitespace();
        let mut word = || words.next().ok_or(());
        let set = word()?.to_owned();
        let opcode = u8::from_str_radix(word()?, 16).map_err(drop)?;
        let sub = given(word()?);
        let mut count = || word()?.parse::<u64>().map_err(drop);
        let (passed, absorbed, refused) = (count()?, count()?, count()?);
        let name: Vec<&str> = words.collect();
        if name.is_empty() {
            return Err(());
        }
        Ok(Self { set, opcode, sub, name: given(&name.join(" ")), passed, absorbed, refused })
    }
}

fn given(word: &str) -> Option<String> {
    (word != "-").then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_name() {
        let count: CommandCount = "ata ef 03 2 0 0 SET FEATURES: set transfer mode      ".parse().unwrap();
        assert_eq!((count.set.as_str(), count.opcode, count.sub.as_deref()), ("ata", 0xEF, Some("03")));
        assert_eq!((count.passed, count.absorbed, count.refused), (2, 0, 0));
        assert_eq!(count.name.as_deref(), Some("SET FEATURES: set transfer mode"));
    }

    #[test]
    fn a_command_of_no_table_has_no_name() {
        let count: CommandCount = "scsi c1 - 0 0 18446744073709551615 -".parse().unwrap();
        assert_eq!((count.sub, count.name, count.refused), (None, None, u64::MAX));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in
            ["", "scsi", "scsi zz - 0 0 0 x", "scsi 00 - 0 0 -1 x", "scsi 00 - 0 0 0", "scsi 100 - 0 0 0 x"]
        {
            assert_eq!(line.parse::<CommandCount>(), Err(()), "{line}");
        }
    }
}
