//! That the disk is a scratch disk, and that it is meant: checked before anything is sent to it.

use crate::arguments::Scratch;
use crate::failure::Failure;
use crate::target::Target;
use device::{Kind, SignatureReport};
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

/// Smallest disk: room for the watched stretches.
const SMALLEST: u64 = 1 << 20;

/// Looks the disk up, checks it, and has it confirmed. `carries_pattern`: it may look like anything if it is ours.
pub(crate) fn select(scratch: &Scratch, is_ours: impl Fn(&Path) -> bool) -> Result<Target, Failure> {
    let target = Target::find(&scratch.disk)?;
    let disk = target.disk.name.clone();
    check_serial(&disk, target.disk.identity.serial.as_deref(), scratch)?;
    if target.size() < SMALLEST || target.sector() > 4096 {
        return Err(Failure::Geometry { disk });
    }
    if !scratch.i_know {
        if let Some(what) = in_use(&target) {
            return Err(Failure::InUse { disk, what });
        }
        if !is_ours(Path::new(&target.disk.identity.path))
            && let Some(what) = content(&target)
        {
            return Err(Failure::InUse { disk, what });
        }
    }
    confirm(&target, scratch)?;
    Ok(target)
}

fn check_serial(disk: &str, has: Option<&str>, scratch: &Scratch) -> Result<(), Failure> {
    let disk = disk.to_owned();
    match (has.map(str::trim), scratch.serial.as_deref().map(str::trim)) {
        (Some(has), Some(named)) if has == named => Ok(()),
        (Some(has), Some(named)) => {
            Err(Failure::OtherSerial { disk, has: has.to_owned(), named: named.to_owned() })
        }
        (None, Some(_)) => Err(Failure::NoSerial { disk }),
        (Some(has), None) if scratch.no_serial => Err(Failure::HasSerial { disk, has: has.to_owned() }),
        (None, None) if scratch.no_serial => Ok(()),
        (_, None) => Err(Failure::NobodyNamed),
    }
}

/// What a disk with data looks like. Random content is what the disk's own encryption or an older seed may leave: no sign.
fn content(target: &Target) -> Option<String> {
    if !target.disk.partitions.is_empty() {
        return Some(format!("{} partition(s)", target.disk.partitions.len()));
    }
    match &target.disk.signatures {
        SignatureReport::Read { found, .. } => {
            found.iter().find(|sign| sign.kind != Kind::PossibleEncryption).map(ToString::to_string)
        }
        SignatureReport::Unreadable { reason } => Some(format!("what cannot be read ({reason})")),
        SignatureReport::NotRead => None,
    }
}

fn in_use(target: &Target) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let partitions = target.disk.partitions.iter().map(|partition| partition.path.as_str());
    let mut nodes = partitions.chain([target.disk.identity.path.as_str()]);
    let mounted = |node: &str| mounts.lines().any(|line| line.split(' ').next() == Some(node));
    if let Some(node) = nodes.find(|node| mounted(node)) {
        return Some(format!("a mounted file system ({node})"));
    }
    let holders = std::fs::read_dir(target.folder.join("holders")).ok()?;
    let holder = holders.filter_map(Result::ok).next()?;
    Some(format!("the device {} on top of it", holder.file_name().to_string_lossy()))
}

fn confirm(target: &Target, scratch: &Scratch) -> Result<(), Failure> {
    for line in device::description::describe(&target.disk, "scratch") {
        eprintln!("{line}");
    }
    if scratch.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    let wanted = scratch.serial.clone().unwrap_or_else(|| target.size().to_string());
    let what = if scratch.serial.is_some() { "serial number" } else { "size in bytes" };
    ask(&target.disk.name, what, &wanted, &mut std::io::stdin().lock(), &mut std::io::stderr().lock())
}

fn ask(
    disk: &str,
    what: &str,
    wanted: &str,
    answer: &mut dyn BufRead,
    screen: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(screen, "\nALL DATA ON THIS DISK IS AT STAKE.")?;
    write!(screen, "Type its {what} to go on, or only Enter to leave: ")?;
    screen.flush()?;
    let mut typed = String::new();
    answer.read_line(&mut typed)?;
    let reason = match typed.trim() {
        "" => "nothing was typed",
        typed if typed != wanted.trim() => "what was typed is something else",
        _ => return Ok(()),
    };
    Err(Failure::NotConfirmed { disk: disk.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(serial: Option<&str>, no_serial: bool) -> Scratch {
        Scratch { disk: "sdb".into(), serial: serial.map(str::to_owned), no_serial, yes: true, i_know: false }
    }

    #[test]
    fn only_the_very_serial_selects_a_disk() {
        assert!(check_serial("sdb", Some("S1 "), &named(Some(" S1"), false)).is_ok());
        assert!(check_serial("sdb", None, &named(None, true)).is_ok());
        let refused = [
            (Some("S1"), named(Some("S2"), false)),
            (Some("S1"), named(Some("s1"), false)),
            (Some("S1"), named(Some(""), false)),
            (Some("S1"), named(None, true)),
            (Some("S1"), named(None, false)),
            (None, named(Some("S1"), false)),
            (None, named(None, false)),
        ];
        for (has, scratch) in refused {
            let failure = check_serial("sdb", has, &scratch).unwrap_err();
            assert_eq!(failure.exit_code(), crate::EXIT_REFUSED, "{has:?} {scratch:?}");
        }
    }

    #[test]
    fn only_the_very_words_confirm() {
        let answered =
            |typed: &str| ask("sdb", "serial number", "S1", &mut typed.as_bytes(), &mut Vec::new());
        assert!(answered("S1\n").is_ok());
        for typed in ["", "\n", "y\n", "yes\n", "s1\n", "S\n", "S12\n"] {
            assert!(answered(typed).is_err(), "{typed:?}");
        }
    }
}
