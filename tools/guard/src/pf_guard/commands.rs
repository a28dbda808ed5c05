//! The flight recorder of a disk, and the tables that it was judged by.

use super::Failure;
use crate::{CommandCount, Guard, GuardedDisk};
use std::io::Write;

pub(crate) fn show(disk: &GuardedDisk, json: bool) -> Result<(), Failure> {
    let commands = disk.commands()?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&commands)?)?;
        return Ok(());
    }
    writeln!(out, "{:<10} {:<6} {:>9} {:>8} {:>8}  NAME", "SET", "CODE", "PASSED", "ABSORBED", "REFUSED")?;
    for command in &commands {
        writeln!(out, "{}", line(command))?;
    }
    Ok(())
}

fn line(command: &CommandCount) -> String {
    let code = match &command.sub {
        Some(sub) => format!("{:02x}/{sub}", command.opcode),
        None => format!("{:02x}", command.opcode),
    };
    let name = command.name.as_deref().unwrap_or("(in no table)");
    format!(
        "{:<10} {code:<6} {:>9} {:>8} {:>8}  {name}",
        command.set, command.passed, command.absorbed, command.refused
    )
}

pub(crate) fn show_policy(guard: &Guard, json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if json {
        let policy =
            serde_json::json!({ "sha256": guard.policy_sha256()?, "rows": guard.policy()?.lines().count() });
        writeln!(out, "{policy}")?;
    } else {
        write!(out, "{}", guard.policy()?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_names_the_command() {
        let command = "ata ef 03 2 0 1 SET FEATURES: set transfer mode".parse().unwrap();
        assert_eq!(
            line(&command),
            "ata        ef/03          2        0        1  SET FEATURES: set transfer mode"
        );
        let unknown = "scsi c1 - 0 0 7 -".parse().unwrap();
        assert!(line(&unknown).ends_with("(in no table)"));
    }
}
