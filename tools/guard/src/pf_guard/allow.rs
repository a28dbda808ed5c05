//! The last look before a disk becomes writable.

use super::Failure;
use crate::{Denial, GuardError, GuardedDisk};
use device::Disk;
use evidence::GuardState;
use std::io::{BufRead, IsTerminal, Write};

/// Shows the disk and has the serial typed back. All of it goes to stderr, so that stdout holds the result only. The kernel
/// checks everything again; what is refused here is refused early and in words.
pub(crate) fn confirm(disk: &GuardedDisk, serial: &str, yes: bool) -> Result<(), Failure> {
    if disk.state()? == GuardState::Evidence {
        let denied = GuardError::Denied {
            disk: disk.name().to_owned(),
            wish: GuardState::Writable,
            denial: Denial::IsEvidence,
        };
        return Err(denied.into());
    }
    let mut shown = look_up(disk.name())?;
    shown.read_signatures();
    for line in device::description::describe(&shown, &disk.state()?.to_string()) {
        eprintln!("{line}");
    }
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    ask(disk.name(), serial, &mut std::io::stdin().lock(), &mut std::io::stderr().lock())
}

fn look_up(name: &str) -> Result<Disk, Failure> {
    device::inventory::list()?
        .into_iter()
        .find(|disk| disk.name == name)
        .ok_or_else(|| Failure::Guard(GuardError::NoSuchDisk { disk: name.to_owned() }))
}

fn ask(name: &str, serial: &str, answer: &mut dyn BufRead, screen: &mut dyn Write) -> Result<(), Failure> {
    writeln!(screen, "\nThis disk will become WRITABLE: any program can then change what is on it.")?;
    write!(screen, "Type its serial number to go on, or only Enter to leave it blocked: ")?;
    screen.flush()?;
    let mut typed = String::new();
    answer.read_line(&mut typed)?;
    let reason = match typed.trim() {
        "" => "no serial was typed",
        typed if typed != serial.trim() => "what was typed is not the serial given on the command line",
        _ => return Ok(()),
    };
    Err(Failure::NotConfirmed { disk: name.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(typed: &str) -> Result<(), Failure> {
        ask("sdb", "WD-1234", &mut typed.as_bytes(), &mut Vec::new())
    }

    #[test]
    fn only_the_very_serial_confirms() {
        assert!(answered("WD-1234\n").is_ok());
        assert!(answered("  WD-1234 \n").is_ok());
        for typed in ["", "\n", "y\n", "yes\n", "wd-1234\n", "WD-123\n", "WD-12345\n"] {
            assert_eq!(answered(typed).unwrap_err().exit_code(), crate::pf_guard::EXIT_REFUSED, "{typed:?}");
        }
    }
}
