//! The orderly end: programs ended, destinations written and unmounted, the guard's count told.

use crate::announcement::announce;
use crate::console::Console;
use crate::mounts::{self, Unmounted};
use crate::processes;
use crate::shell::BUSYBOX;
use crate::signals::Wish;
use evidence::GuardState;
use guard::{Guard, GuardError, GuardedDisk};
use nix::errno::Errno;
use nix::sys::reboot::{RebootMode, reboot};
use std::convert::Infallible;
use std::path::Path;
use std::process::Command;

/// Everything but the end itself.
pub(crate) fn run(consoles: &[Console], wish: Wish) {
    announce(consoles, &format!("\r\nPermafrost: the machine will {wish}. Ending programs ...\r\n"));
    if !processes::end_all() {
        announce(consoles, "Some programs do not end; going on without them.\r\n");
    }
    let mounted = mounts::disk_mounts();
    if !mounted.is_empty() {
        announce(consoles, "Writing what is still in memory to the destinations; do not unplug them ...\r\n");
    }
    nix::unistd::sync();
    // One that is mounted detaches itself when its file system is unmounted below.
    for name in mounts::attached_loop_devices(Path::new("/sys")) {
        let detached =
            Command::new(BUSYBOX).args(["losetup", "-d"]).arg(Path::new("/dev").join(&name)).status();
        if !detached.is_ok_and(|status| status.success()) {
            announce(consoles, &format!("{name}: cannot be detached from its file\r\n"));
        }
    }
    for mount in &mounted {
        announce(consoles, &outcome(&mount.target.to_string_lossy(), &mounts::unmount(mount)));
    }
    if let Ok(Some(guard)) = Guard::in_force() {
        for line in guard_summary(&guard) {
            announce(consoles, &line);
        }
    }
}

/// Ends the machine. Comes back only with the reason why it did not.
pub(crate) fn leave(wish: Wish) -> Errno {
    let mode = match wish {
        Wish::PowerOff => RebootMode::RB_POWER_OFF,
        Wish::Restart => RebootMode::RB_AUTOBOOT,
        Wish::Halt => RebootMode::RB_HALT_SYSTEM,
    };
    let result: Result<Infallible, Errno> = reboot(mode);
    match result {
        Err(e) => e,
    }
}

fn outcome(target: &str, result: &Unmounted) -> String {
    match result {
        Unmounted::Clean => format!("{target}: unmounted\r\n"),
        Unmounted::ReadOnly(e) => {
            format!("{target}: NOT unmounted ({e}), but all is written and it is now read-only\r\n")
        }
        Unmounted::Not(e) => {
            format!("{target}: NOT UNMOUNTED ({e}): check the file system on it before you trust it\r\n")
        }
    }
}

/// One line for each disk. A destination is put back to blocked, which flushes its cache, so that power may go at any moment.
fn guard_summary(guard: &Guard) -> Vec<String> {
    let names = match guard.disks() {
        Ok(names) => names,
        Err(e) => return vec![format!("{e}\r\n")],
    };
    let line = |name: &String| match guard.disk(name).and_then(|disk| disk_summary(&disk)) {
        Ok(summary) => format!("{name}: {summary}\r\n"),
        Err(e) => format!("{e}\r\n"),
    };
    names.iter().map(line).collect()
}

fn disk_summary(disk: &GuardedDisk) -> Result<String, GuardError> {
    let state = disk.state()?;
    let refused = disk.refused()?;
    if state != GuardState::Writable {
        return Ok(format!("{state}, {refused} operations refused"));
    }
    disk.block()?;
    Ok(format!("was writable, cache flushed, now {}, {refused} operations refused", disk.state()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn each_disk_is_told_with_its_count_and_a_destination_is_put_back() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write("evidence_guard/version", "2\n");
        for (name, state, refused) in
            [("sda", "evidence", "17"), ("sdb", "writable", "0"), ("sdc", "blocked", "x")]
        {
            write(&format!("block/{name}/guard/state"), &format!("{state}\n"));
            write(&format!("block/{name}/guard/refused"), &format!("{refused}\n"));
        }
        let guard = Guard::in_force_at(root.path(), root.path()).unwrap().unwrap();
        let lines = guard_summary(&guard);
        assert_eq!(lines[0], "sda: evidence, 17 operations refused\r\n");
        assert_eq!(lines[1], "sdb: was writable, cache flushed, now blocked, 0 operations refused\r\n");
        assert!(lines[2].contains("says 'x'"), "{}", lines[2]);
    }

    #[test]
    fn an_unmount_that_fails_is_not_called_clean() {
        assert!(outcome("/mnt", &Unmounted::Not(Errno::EBUSY)).contains("NOT UNMOUNTED"));
        assert!(outcome("/mnt", &Unmounted::ReadOnly(Errno::EBUSY)).contains("NOT unmounted"));
    }
}
