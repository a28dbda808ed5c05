//! pf-prove in the guest: its whole catalogue of ways to write, and random commands, against one disk.
//!
//! What it says about the outcome is its own business; here it only makes the attempts, and the oracle judges them.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{HarnessError, Result, guest::Guest, host_program::last_part};

/// Also what may lock a disk or take its firmware.
pub const EVERYTHING: &str = "--destructive";
/// How many random commands each disk gets where the environment doesn't say otherwise.
const RANDOM: u64 = 20_000;
/// Makes the random commands of a night other ones than those of the night before.
const SEED: u64 = 20_261_125;
/// The catalogue takes a minute on a slow host, its resets another; random commands some thousand a second.
const CATALOGUE_WITHIN: Duration = Duration::from_secs(480);
const SLOWEST_PER_SECOND: u64 = 200;

/// How many random commands to send to each disk: `PERMAFROST_RANDOM`, or enough for every change of the code.
#[must_use]
pub fn random_commands() -> u64 {
    from_environment("PERMAFROST_RANDOM", RANDOM)
}

/// Where the random commands start: `PERMAFROST_SEED`.
#[must_use]
pub fn seed() -> u64 {
    from_environment("PERMAFROST_SEED", SEED)
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")),
        Err(_) => otherwise,
    }
}

/// Attacks `disk` with the whole catalogue, or with what `options` leave of it, and with `random` random commands.
///
/// # Errors
/// [`HarnessError::Deadline`] when it does not end, [`HarnessError::Unfit`] when it leaves no report.
pub fn attack(guest: &mut Guest, target: &Target, options: &str, random: u64) -> Result<Report> {
    let report = carry_out(guest, target, options, random)?;
    if report.rows.is_empty() {
        return Err(HarnessError::Unfit(format!(
            "pf-prove tried nothing on {}: that proves nothing",
            target.name
        )));
    }
    Ok(report)
}

/// Attacks `disk` with one class of the catalogue, of which nothing may apply to it.
///
/// # Errors
/// As [`attack`].
pub fn attack_with_class(guest: &mut Guest, target: &Target, class: &str) -> Result<Report> {
    carry_out(guest, target, &format!("--only {class}"), 0)
}

fn carry_out(guest: &mut Guest, target: &Target, options: &str, random: u64) -> Result<Report> {
    let disk = &target.name;
    let within = CATALOGUE_WITHIN + Duration::from_secs(random / SLOWEST_PER_SECOND);
    let named = match &target.serial {
        Some(serial) => format!("--serial '{serial}'"),
        None => "--no-serial".to_string(),
    };
    // The report is long and the serial line is slow: only what is asked of it goes over it.
    let script = format!(
        "pf-prove attack /dev/{disk} {named} --yes --i-know --no-pattern --seed {} --random {random} \
         {options} --json >/run/prove.json 2>/run/prove.err; echo EXIT $?; tail -n 3 /run/prove.err; \
         sed -n 's/^ *//; /^\"\\(class\\|door\\|name\\|verdict\\|command\\|count\\|executed\\)\":/p' /run/prove.json",
        seed()
    );
    let said = guest.demand_within(&script, within)?;
    Report::parse(&said).ok_or_else(|| {
        HarnessError::Unfit(format!(
            "pf-prove did not carry out its attack on {disk}: {}",
            last_part(&said, 1000)
        ))
    })
}

/// A disk, and what pf-prove wants to be told of it before it attacks.
#[derive(Debug, Clone)]
pub struct Target {
    name: String,
    serial: Option<String>,
}

impl Target {
    /// Looks the disk `name` up as an examiner does.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when pf-devices fails.
    pub fn find(guest: &mut Guest, name: &str) -> Result<Self> {
        let listing =
            guest.demand(r#"pf-devices --json | sed -n 's/^ *"\(name\|serial\)": "\(.*\)",$/\1 \2/p'"#)?;
        Ok(Target { name: name.into(), serial: serial_of(&listing, name) })
    }
}

/// The serial stands before the name of its disk; one without a serial has a name only.
fn serial_of(listing: &str, disk: &str) -> Option<String> {
    let mut serial = None;
    for line in listing.lines() {
        match line.split_once(' ') {
            Some(("serial", value)) => serial = Some(value.to_string()),
            Some(("name", name)) if name == disk => return serial,
            _ => serial = None,
        }
    }
    None
}

/// What pf-prove reported.
#[derive(Debug, Default)]
pub struct Report {
    /// 0 when it believes that the block held, 1 when it saw a leak.
    pub exit_code: i32,
    /// The rows of its catalogue that it tried.
    pub rows: Vec<Row>,
    /// Random commands that it believes were executed, by kind.
    pub executed: Vec<String>,
    /// How many random commands it sent.
    pub random: u64,
}

/// One way of its catalogue.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its class.
    pub class: String,
    /// The node it went through.
    pub door: String,
    /// Its name.
    pub name: String,
    /// What pf-prove thinks of the outcome.
    pub verdict: String,
}

impl Report {
    /// Reads the lines that [`attack`] lets through: pf-prove's JSON has one field on each line, in a fixed order.
    fn parse(said: &str) -> Option<Self> {
        let mut report = Report::default();
        let mut lines = said.lines().map(str::trim);
        report.exit_code = lines.find_map(|line| line.strip_prefix("EXIT "))?.parse().ok()?;
        let mut row = Row::default();
        let mut command = String::new();
        for line in lines {
            let Some((field, value)) = line.trim_end_matches(',').split_once(": ") else { continue };
            let value: Value = serde_json::from_str(value).unwrap_or_default();
            let text = value.as_str().unwrap_or_default().to_string();
            match field {
                "\"class\"" => row.class = text,
                "\"door\"" => row.door = text,
                "\"name\"" => row.name = text,
                "\"verdict\"" => report.rows.push(Row { verdict: text, ..std::mem::take(&mut row) }),
                "\"command\"" => command = text,
                "\"count\"" => report.random += value.as_u64()?,
                "\"executed\"" if value == true => report.executed.push(command.clone()),
                _ => {}
            }
        }
        let carried_out = report.exit_code <= 1;
        carried_out.then_some(report)
    }

    /// How many rows have each verdict.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row.verdict.as_str()).or_insert(0) += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_belongs_to_the_name_behind_it() {
        let listing = "serial A 1\nname sda\nname sdb\nserial C\nname sdc\n";
        assert_eq!(serial_of(listing, "sda").as_deref(), Some("A 1"));
        assert_eq!(serial_of(listing, "sdb"), None);
        assert_eq!(serial_of(listing, "sdc").as_deref(), Some("C"));
        assert_eq!(serial_of(listing, "sdd"), None);
    }

    #[test]
    fn a_report_is_read_from_the_lines_that_came_through() {
        let said = "EXIT 1\n\"class\": \"scsi\",\n\"door\": \"sg\",\n\"name\": \"WRITE (10)\",\n\
                    \"verdict\": \"changed\",\n\"command\": \"SCSI C0h\",\n\"count\": 17,\n\"executed\": true,\n";
        let report = Report::parse(said).unwrap();
        assert_eq!((report.exit_code, report.random), (1, 17));
        assert_eq!(report.counts(), BTreeMap::from([("changed", 1)]));
        assert_eq!((report.rows[0].door.as_str(), report.rows[0].name.as_str()), ("sg", "WRITE (10)"));
        assert_eq!(report.executed, ["SCSI C0h"]);
        assert!(Report::parse("EXIT 2\npf-prove: no such disk\n").is_none());
        assert!(Report::parse("EXIT 0\n").unwrap().rows.is_empty());
    }
}
