//! An interface down: its lease given back, its address gone, nothing kept running.

use crate::account::{self, Act, What};
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

/// Takes it down, and writes that down; `None` where it was down before and no lease of it was kept.
pub fn take_down(name: &str) -> Result<Option<Act>, Failure> {
    let interface = find(name)?;
    take_down_and_note(&interface.name, interface.up, Path::new(account::FOLDER), ip)
}

/// What is asked for is that the interface falls silent: whether that can be written down is seen to afterwards. Of one that was
/// silent the account would say that it had been up.
fn take_down_and_note(
    interface: &str,
    was_up: bool,
    folder: &Path,
    ip: impl Ip,
) -> Result<Option<Act>, Failure> {
    let ended = each_step(interface, folder, ip)?;
    if !was_up && ended == Keeper::None {
        return Ok(None);
    }
    account::note_afterwards(folder, What::Down { interface: interface.to_owned() }).map(Some)
}

/// Takes it down.
pub fn quietly(interface: &str) -> Result<(), Failure> {
    each_step(interface, Path::new(account::FOLDER), ip).map(drop)
}

/// `ip`, or what stands in for it.
trait Ip: Fn(&str, &[&str]) -> Result<String, Failure> {}

impl<T: Fn(&str, &[&str]) -> Result<String, Failure>> Ip for T {}

/// The udhcpc of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// It ran, and was ended.
    Ended,
    /// None ran.
    None,
}

/// Does what can be done, and tells the first thing that could not: an interface whose lease can't be given back must still fall
/// silent.
fn each_step(interface: &str, folder: &Path, ip: impl Ip) -> Result<Keeper, Failure> {
    let doing = format!("{interface}: taking it down");
    let keeper = end_lease(interface, folder);
    let flushed = ip(&doing, &["-4", "addr", "flush", "dev", interface]);
    let down = ip(&doing, &["link", "set", "dev", interface, "down"]);
    name_servers::remove(Path::new(name_servers::FILE), interface);
    let keeper = keeper?;
    flushed.and(down).map(|_| keeper)
}

/// Where udhcpc leaves its process number once it keeps a lease.
pub fn process_file(interface: &str, folder: &Path) -> PathBuf {
    folder.join(format!("udhcpc-{interface}.pid"))
}

/// Ends udhcpc, which gives the lease back first; nothing where none runs.
pub fn end_lease(interface: &str, folder: &Path) -> Result<Keeper, Failure> {
    let file = process_file(interface, folder);
    let Some(process) = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<i32>().ok())
    else {
        return Ok(Keeper::None);
    };
    let keeper = if keeps_the_lease(process, interface) { Keeper::Ended } else { Keeper::None };
    if keeper == Keeper::Ended {
        end(process, interface)?;
    }
    // udhcpc removes it itself unless it was killed.
    let _ = fs::remove_file(file);
    Ok(keeper)
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
pub mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    /// A shell that passes for the udhcpc of an interface, and its number where that one leaves it.
    pub fn keeper(interface: &str, folder: &Path) -> Child {
        let mut shell = Command::new("/bin/sh");
        shell.arg0("udhcpc").args(["-c", "for i in $(seq 400); do sleep 0.05; done", "-i", interface]);
        let keeper = shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let process = i32::try_from(keeper.id()).unwrap();
        fs::write(process_file(interface, folder), format!("{process}\n")).unwrap();
        let begun = Instant::now();
        while !keeps_the_lease(process, interface) {
            assert!(begun.elapsed() < ENDS_WITHIN, "the shell did not start");
        }
        keeper
    }

    #[test]
    fn each_step_down_is_tried_though_the_ones_before_failed() {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = keeper("eth9", folder.path());
        let said = RefCell::new(Vec::new());
        let failing = |doing: &str, words: &[&str]| {
            said.borrow_mut().push(words.join(" "));
            let said = words.join(" ");
            Err(Failure::Program { doing: doing.to_owned(), program: "ip", said })
        };
        let failure = each_step("eth9", folder.path(), failing).unwrap_err();
        assert!(failure.to_string().ends_with("ip failed: -4 addr flush dev eth9"), "{failure}");
        assert_eq!(*said.borrow(), ["-4 addr flush dev eth9", "link set dev eth9 down"]);
        assert!(!keeper.wait().unwrap().success() && !process_file("eth9", folder.path()).exists());
    }

    #[test]
    fn an_interface_falls_silent_though_that_cannot_be_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let done = RefCell::new(Vec::new());
        let ip = |_: &str, words: &[&str]| {
            done.borrow_mut().push(words.join(" "));
            Ok(String::new())
        };
        let failure = take_down_and_note("eth9", true, &file.join("below"), ip).unwrap_err();
        assert_eq!(done.borrow().last().unwrap(), "link set dev eth9 down");
        let told = failure.to_string();
        assert!(told.starts_with("eth9 down; but this is NOT written down: "), "{told}");
    }

    #[test]
    fn what_was_down_before_is_not_written_down_as_taken_down() {
        let folder = tempfile::tempdir().unwrap();
        let down = |was_up: bool| {
            let ip = |_: &str, _: &[&str]| Ok(String::new());
            take_down_and_note("eth7", was_up, folder.path(), ip).unwrap()
        };
        assert_eq!(down(false), None);
        assert!(!folder.path().join("network.json").exists(), "an account of nothing");
        fs::write(process_file("eth7", folder.path()), "1\n").unwrap();
        assert_eq!(down(false), None, "a number that udhcpc does not have any more");
        let is_down = |act: Option<Act>| act.is_some_and(|act| matches!(act.what, What::Down { .. }));
        assert!(is_down(down(true)));
        let mut keeper = keeper("eth7", folder.path());
        let noted = is_down(down(false));
        keeper.kill().unwrap();
        keeper.wait().unwrap();
        assert!(noted, "a lease was kept");
    }

    #[test]
    fn only_udhcpc_of_this_interface_is_ended() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(!keeps_the_lease(own, "eth0"));
        assert!(!keeps_the_lease(i32::MAX, "eth0"));
    }
}
