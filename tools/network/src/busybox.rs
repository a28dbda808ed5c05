//! The programs that do the work: `ip`, `arping` and `udhcpc`, as the image's busybox has them.

use crate::failure::Failure;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Characters of what a program said that are passed on.
const MOST_SAID: usize = 200;

/// For a lease. udhcpc gives up by itself where nobody answers, but counts anew after each refusal of a server and each address
/// that another machine has.
const LEASE_WITHIN: Duration = Duration::from_secs(60);

/// For udhcpc to give a lease back and end.
pub const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// How often it is looked for.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs `ip` and returns what it printed.
pub fn ip(doing: &str, words: &[&str]) -> Result<String, Failure> {
    let output = run(doing, "ip", words)?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(doing, "ip", &output)),
    }
}

/// IPv4 addresses of an interface, with the lengths of their prefixes.
pub fn addresses(interface: &str) -> Result<Vec<String>, Failure> {
    let words = ["-4", "-o", "addr", "show", "dev", interface];
    Ok(addresses_in(&ip(&format!("{interface}: asking for its addresses"), &words)?))
}

/// The word behind each `inet`.
fn addresses_in(text: &str) -> Vec<String> {
    let of_line =
        |line: &str| line.split_whitespace().skip_while(|word| *word != "inet").nth(1).map(str::to_owned);
    text.lines().filter_map(of_line).collect()
}

/// Whether another machine answers for `address`, asked twice (RFC 5227, clause 2.1).
pub fn is_taken(interface: &str, address: &str) -> Result<bool, Failure> {
    let doing = format!("{interface}: asking who has {address}");
    let output = run(&doing, "arping", &["-D", "-q", "-c", "2", "-w", "2", "-I", interface, address])?;
    match output.status.code() {
        Some(0) => Ok(false),
        Some(1) if output.stderr.is_empty() => Ok(true),
        _ => Err(failed(&doing, "arping", &output)),
    }
}

/// How asking for a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// udhcpc has one, and keeps it in the background.
    Kept,
    /// udhcpc gave up.
    GivenUp,
    /// It went on asking, and was stopped: where nobody answers it gives up sooner.
    Stopped,
}

/// Runs `udhcpc` until it has a lease, or has given up or was stopped.
pub fn ask_for_lease(interface: &str, script: &str, process_file: &str) -> Result<Asked, Failure> {
    // Five requests, three seconds apart. Neither a vendor nor the name of this machine is told, and asked for is what is used:
    // subnet mask (RFC 2132, clause 3.3), router (3.5), domain name server (3.8). The address offered is looked for first.
    let words = [
        "-i",
        interface,
        "-s",
        script,
        "-p",
        process_file,
        "-t",
        "5",
        "-T",
        "3",
        "-n",
        "-R",
        "-a",
        "-V",
        "",
        "-o",
        "-O",
        "subnet",
        "-O",
        "router",
        "-O",
        "dns",
    ];
    // Nothing of it is read: who keeps the lease would hold a pipe open.
    let mut command = Command::new("udhcpc");
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = run_within(&mut command, LEASE_WITHIN, ENDS_WITHIN).map_err(|e| Failure::Program {
        doing: format!("{interface}: asking for a lease"),
        program: "udhcpc",
        said: e.to_string(),
    })?;
    Ok(asked(status))
}

fn asked(status: Option<ExitStatus>) -> Asked {
    match status {
        Some(status) if status.success() => Asked::Kept,
        Some(_) => Asked::GivenUp,
        None => Asked::Stopped,
    }
}

/// Runs a program and tells how it ended; `None` where it took too long and was ended, in good manners first. What it ends with
/// then tells nothing: udhcpc says success.
fn run_within(
    command: &mut Command,
    within: Duration,
    ends_within: Duration,
) -> io::Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    let ended = await_end(&mut child, within)?;
    if ended.is_some() {
        return Ok(ended);
    }
    // It is still to be waited for, so that the number is of no other process.
    if let Ok(process) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(process), Signal::SIGTERM);
    }
    if await_end(&mut child, ends_within)?.is_none() {
        child.kill()?;
        child.wait()?;
    }
    Ok(None)
}

fn await_end(child: &mut Child, within: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        let ended = child.try_wait()?;
        if ended.is_some() || begun.elapsed() >= within {
            return Ok(ended);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn run(doing: &str, program: &'static str, words: &[&str]) -> Result<Output, Failure> {
    Command::new(program).args(words).stdin(Stdio::null()).output().map_err(|e| Failure::Program {
        doing: doing.to_owned(),
        program,
        said: e.to_string(),
    })
}

fn failed(doing: &str, program: &'static str, output: &Output) -> Failure {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    Failure::Program { doing: doing.to_owned(), program, said: said.chars().take(MOST_SAID).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_busybox_and_iproute2_print() {
        let busybox = "2: eth0    inet 10.0.2.15/24 scope global eth0\n2: eth0    inet 192.0.2.1/32 scope global eth0\n";
        assert_eq!(addresses_in(busybox), ["10.0.2.15/24", "192.0.2.1/32"]);
        let iproute2 =
            "2: ens4    inet 10.1.0.3/32 metric 100 scope global dynamic ens4\\       valid_lft 3092sec\n";
        assert_eq!(addresses_in(iproute2), ["10.1.0.3/32"]);
        assert!(addresses_in("").is_empty());
        assert!(addresses_in("inet").is_empty());
    }

    /// What a shell's `script` ends with where it has a second, and as long again to end.
    fn ran(script: &str) -> Option<i32> {
        let second = Duration::from_secs(1);
        let status = run_within(Command::new("sh").args(["-c", script]), second, second).unwrap();
        status.map(|status| status.code().unwrap())
    }

    #[test]
    fn who_was_stopped_is_told_from_who_gave_up() {
        use std::os::unix::process::ExitStatusExt;
        let ended = |code: i32| Some(ExitStatus::from_raw(code << 8));
        assert_eq!([ended(0), ended(1), None].map(asked), [Asked::Kept, Asked::GivenUp, Asked::Stopped]);
    }

    #[test]
    fn who_asks_for_a_lease_without_end_is_ended_and_killed_where_it_does_not_listen() {
        assert_eq!(ran("exit 0"), Some(0));
        assert_eq!(ran("exit 1"), Some(1));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("process");
        let for_ever = format!("echo $$ > {}; for i in $(seq 100); do sleep 0.1; done", file.display());
        // As udhcpc does: it ends with success, though it has no lease.
        let asked = folder.path().join("asked");
        let ends = format!("trap 'echo > {}; exit 0' TERM; {for_ever}", asked.display());
        assert_eq!(ran(&ends), None);
        assert!(asked.exists(), "killed, not asked");
        assert_eq!(ran(&format!("trap '' TERM; {for_ever}")), None);
        let process = std::fs::read_to_string(&file).unwrap();
        let stays = std::path::Path::new("/proc").join(process.trim());
        assert!(!stays.exists(), "it still runs, or was not waited for");
    }
}
