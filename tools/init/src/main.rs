//! `pf-init`: process 1 of the Permafrost image.
//!
//! Mounts what programs need, makes sure that the kernel's evidence guard holds every disk, loads a keyboard layout, starts
//! the examiner's console or a shell on each terminal, reaps, and ends the machine in order. Where the guard is missing or a disk is not blocked it starts
//! nothing and says so on every console. It opens no disk and mounts none; at the end it unmounts what an examiner mounted.
#![forbid(unsafe_code)]

mod announcement;
mod console;
mod keyboard;
mod mounts;
mod processes;
mod shell;
mod shutdown;
mod signals;
mod verdict;

use announcement::announce;
use console::Console;
use guard::Guard;
use shell::{Shells, Wanted};
use signals::{Request, Wish};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

const EXIT_USAGE: u8 = 2;

const HELP: &str = "\
pf-init: process 1 of the Permafrost image. The kernel starts it; it is not run by hand.

It takes no options. Signals (what busybox sends): SIGUSR2 powers off (poweroff), SIGTERM restarts (reboot), \
SIGUSR1 halts (halt). SIGINT, which is Ctrl-Alt-Del, ends nothing: the consoles say so, and how to power off.
Exit codes: it does not exit as process 1; 0 after --help, 2 when run by hand. Memory: below 8 MiB.";

/// How often the reason is shown again to whoever looks at a screen of a machine that was refused.
const REPEAT_REFUSAL: Duration = Duration::from_secs(60);

/// What the three keys do. It stands in the topmost line and leaves the cursor where it was: a screen that is drawn cell by cell
/// must not be scrolled.
const CTRL_ALT_DEL: &str = "\x1b7\x1b[1;1H\x1b[7m\x1b[2KCtrl-Alt-Del is ignored. To power off: p in the console, \
`poweroff` in a shell.\x1b[0m\x1b8";

fn main() -> ExitCode {
    // The kernel hands on what it does not know of its command line, whatever bytes those are: process 1 must not fall over them.
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let first_argument = arguments.first().cloned();
    if first_argument.as_deref() == Some(shell::CONSOLE_ARGUMENT) {
        return shell::become_console(arguments.get(1..).unwrap_or_default());
    }
    if first_argument.as_deref() == Some(shell::STARTER_ARGUMENT) {
        return shell::become_shell();
    }
    if std::process::id() != 1 {
        let asked = first_argument.as_deref() == Some("--help");
        eprintln!("{HELP}");
        return if asked { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) };
    }
    // Signals are held back from the first moment: a poweroff sent early is not lost.
    let signals = signals::Signals::take_over();
    let troubles = mounts::mount_all();
    let consoles = console::all(Path::new("/sys"), Path::new("/proc/cmdline"), Path::new("/dev"));
    for trouble in &troubles {
        announce(&consoles, trouble);
    }
    match (signals, verdict::reach(Path::new("/sys"), Guard::in_force())) {
        (Ok(signals), Ok(verdict)) => {
            let command_line = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
            let keyboard = keyboard::set_up(&command_line, Path::new(keyboard::MAPS));
            live(signals, &consoles, &format!("{}{keyboard}{verdict}", banner()), Wanted::by(&command_line))
        }
        (Err(trouble), Ok(_)) => refuse(&consoles, &[trouble]),
        (_, Err(problems)) => refuse(&consoles, &problems),
    }
}

/// Says why on all consoles, again and again. Process 1 must not end: the kernel would panic and show that instead.
fn refuse(consoles: &[Console], problems: &[String]) -> ! {
    let text = verdict::refusal(problems);
    loop {
        announce(consoles, &text);
        processes::reap();
        thread::sleep(REPEAT_REFUSAL);
    }
}

fn live(mut signals: signals::Signals, consoles: &[Console], banner: &str, wanted: Wanted) -> ! {
    if !wanted.shell {
        // The kernel's messages would stand in the middle of what the console shows; dmesg has them all.
        let _ = std::fs::write("/proc/sys/kernel/printk", "1");
    }
    let mut shells = Shells::new(consoles, banner, wanted);
    loop {
        let next_start = shells.start_due();
        let request = signals.wait(next_start);
        for pid in processes::reap() {
            shells.ended(pid);
        }
        match request {
            Some(Request::End(wish)) => end(wish, consoles),
            Some(Request::CtrlAltDel) => announce(consoles, CTRL_ALT_DEL),
            None => {}
        }
    }
}

fn end(wish: Wish, consoles: &[Console]) -> ! {
    shutdown::run(consoles, wish);
    let failure = shutdown::leave(wish);
    let text = format!(
        "\r\nThe machine does not {wish}: {failure}. Switch it off by its power button; all destinations are unmounted.\r\n"
    );
    loop {
        announce(consoles, &text);
        thread::sleep(REPEAT_REFUSAL);
    }
}

/// What stands above the first prompt.
fn banner() -> String {
    let release = std::fs::read_to_string("/etc/permafrost-release").unwrap_or_default();
    let line: String =
        release.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    let name = if line.is_empty() {
        "Permafrost, version unknown (/etc/permafrost-release is missing)"
    } else {
        &line
    };
    format!("\n{name}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ctrl_alt_del_says_names_both_ways_to_power_off_in_one_line() {
        assert!(CTRL_ALT_DEL.contains("p in the console") && CTRL_ALT_DEL.contains("`poweroff`"));
        let shown = CTRL_ALT_DEL.split("\x1b[2K").nth(1).and_then(|rest| rest.split('\x1b').next()).unwrap();
        assert!(shown.len() < 80 && !shown.contains('\n'), "{}: {shown}", shown.len());
    }
}
