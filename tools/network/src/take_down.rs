//! An interface down: its lease given back, its address gone, nothing kept running.

use crate::account::{self, Act, Pen, What};
use crate::bring_up::find;
use crate::busybox::{ENDS_WITHIN, LOOK_EVERY, ip};
use crate::failure::Failure;
use crate::name_servers;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Takes it down, and writes that down.
pub fn take_down(name: &str) -> Result<Act, Failure> {
    let interface = find(name)?;
    let pen = Pen::take(Path::new(account::FOLDER))?;
    quietly(&interface.name)?;
    pen.note(What::Down { interface: interface.name })
}

/// Takes it down.
pub fn quietly(interface: &str) -> Result<(), Failure> {
    end_lease(interface)?;
    let doing = format!("{interface}: taking it down");
    ip(&doing, &["-4", "addr", "flush", "dev", interface])?;
    ip(&doing, &["link", "set", "dev", interface, "down"])?;
    name_servers::remove(Path::new(name_servers::FILE), interface);
    Ok(())
}

/// Where udhcpc leaves its process number once it keeps a lease.
pub fn process_file(interface: &str) -> PathBuf {
    Path::new(account::FOLDER).join(format!("udhcpc-{interface}.pid"))
}

/// Ends udhcpc, which gives the lease back first; nothing where none runs.
fn end_lease(interface: &str) -> Result<(), Failure> {
    let file = process_file(interface);
    let Some(process) = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<i32>().ok())
    else {
        return Ok(());
    };
    if keeps_the_lease(process, interface) {
        end(process, interface)?;
    }
    // udhcpc removes it itself unless it was killed.
    let _ = fs::remove_file(file);
    Ok(())
}

/// A number that stands in a file may belong to another program by now.
fn keeps_the_lease(process: i32, interface: &str) -> bool {
    let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let mut words = words.split(|byte| *byte == 0);
    words.next().is_some_and(|name| name.ends_with(b"udhcpc"))
        && words.any(|word| word == interface.as_bytes())
}

fn end(process: i32, interface: &str) -> Result<(), Failure> {
    let stays = |reason: String| Failure::KeeperStays { interface: interface.to_owned(), process, reason };
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        match kill(Pid::from_raw(process), signal) {
            Err(Errno::ESRCH) => return Ok(()),
            Err(e) => return Err(stays(e.to_string())),
            Ok(()) => {}
        }
        let begun = Instant::now();
        while begun.elapsed() < ENDS_WITHIN {
            if !keeps_the_lease(process, interface) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
    Err(stays("it does not answer".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_udhcpc_of_this_interface_is_ended() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(!keeps_the_lease(own, "eth0"));
        assert!(!keeps_the_lease(i32::MAX, "eth0"));
    }
}
