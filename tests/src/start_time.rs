//! How long a machine takes from power-on to the examiner's console, by each way of starting it.
//!
//! What it measures: what a person at the other end of the serial line sees, by the host's clock; and of that the part since
//! the kernel's clock began. The console counts as there when it shows the state of the guard, which it asks for together with
//! the disks. What it is not: a test; nothing fails
//! because it is slow. Who calls it: `cargo xtask start-time`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    HarnessError, Result,
    artifacts::Artifacts,
    emulator::{Boot, Chipset, Firmware, Machine},
};

/// What the menu shows as long as it waits, and the key of the entry that opens the console on the serial line.
const MENU: (&str, &str) = ("automatically in", "3");
/// The end of what process 1 says before it starts the console.
pub const SYSTEM_IS_UP: &str = "poweroff ends.";
/// What the console shows of the guard once that was asked.
pub const CONSOLE: &str = "guard in force";
/// For each of the two.
const WITHIN: Duration = Duration::from_secs(600);

/// One way of starting, and how long it took in each round.
#[derive(Debug, Clone)]
pub struct Row {
    /// Firmware and medium.
    pub way: &'static str,
    /// From power-on to the boot menu; none for the kernel that the emulator loads itself.
    pub menu: Vec<Duration>,
    /// From there, or from power-on where there is no menu, to the console.
    pub console: Vec<Duration>,
    /// By the kernel's own clock, which begins when it has unpacked itself, to the console.
    pub kernel: Vec<Duration>,
}

/// Starts a machine by every way in each of `rounds`.
///
/// # Errors
/// When one does not come up, or nothing is built.
pub fn measure(artifacts: &Artifacts, rounds: usize) -> Result<Vec<Row>> {
    let (kernel, iso) = (artifacts.kernel()?, artifacts.iso()?);
    let ways = [
        ("kernel alone, BIOS", Firmware::Bios, Boot::Kernel(kernel)),
        ("stick, BIOS", Firmware::Bios, Boot::UsbStick(iso.clone())),
        ("CD, BIOS", Firmware::Bios, Boot::Cd(iso.clone())),
        ("stick, UEFI", Firmware::Uefi, Boot::UsbStick(iso.clone())),
        ("CD, UEFI", Firmware::Uefi, Boot::Cd(iso)),
    ];
    let logs = artifacts.log_folder("start-time")?;
    let mut rows: Vec<Row> = Vec::new();
    for (way, ..) in &ways {
        rows.push(Row { way, menu: Vec::new(), console: Vec::new(), kernel: Vec::new() });
    }
    for _ in 0..rounds {
        for ((_, firmware, boot), row) in ways.iter().zip(&mut rows) {
            let started = start(*firmware, boot.clone(), &logs)?;
            row.menu.extend(started.menu);
            row.console.push(started.console);
            row.kernel.push(started.kernel);
        }
    }
    Ok(rows)
}

struct Started {
    menu: Option<Duration>,
    console: Duration,
    kernel: Duration,
}

fn start(firmware: Firmware, boot: Boot, logs: &Path) -> Result<Started> {
    let has_menu = !matches!(boot, Boot::Kernel(_));
    let machine =
        Machine::new(Chipset::Q35, boot).firmware(firmware).with_console().telling_kernel("pf.serial");
    let mut emulator = machine.start(logs)?;
    let mut begun = Instant::now();
    let mut menu = None;
    if has_menu {
        emulator.shell.await_text(MENU.0, WITHIN)?;
        menu = Some(begun.elapsed());
        begun = Instant::now();
        emulator.shell.press(MENU.1)?;
    }
    emulator.shell.await_text(SYSTEM_IS_UP, WITHIN)?;
    emulator.shell.await_text(CONSOLE, WITHIN)?;
    let (console, seen) = (begun.elapsed(), Instant::now());
    emulator.shell.press("!")?;
    emulator.shell.take_over(WITHIN)?;
    let told = emulator.shell.run("cat /proc/uptime", WITHIN)?.output;
    let since = seen.elapsed();
    let seconds = told.split_whitespace().next().and_then(|word| word.parse().ok());
    let seconds = seconds.ok_or_else(|| HarnessError::Unfit(format!("/proc/uptime holds {told:?}")))?;
    let kernel = Duration::from_secs_f64(seconds).saturating_sub(since);
    Ok(Started { menu, console, kernel })
}

/// The rows as a table: medians, and the longest in brackets.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<20}{:>20}{:>20}{:>20}\n",
        "start", "power-on to menu", "menu to console", "kernel to console"
    );
    for row in rows {
        let (menu, console, kernel) = (told(&row.menu), told(&row.console), told(&row.kernel));
        text += &format!("{:<20}{menu:>20}{console:>20}{kernel:>20}\n", row.way);
    }
    text + "Seconds, median (longest); for the kernel alone, from power-on to the console.\n"
}

fn told(durations: &[Duration]) -> String {
    let mut sorted = durations.to_vec();
    sorted.sort();
    let middle = sorted.get(sorted.len() / 2);
    let (Some(middle), Some(longest)) = (middle, sorted.last()) else { return "-".to_owned() };
    format!("{:.1} ({:.1})", middle.as_secs_f64(), longest.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_the_median_and_the_longest() {
        let durations = [3.0, 1.0, 9.5].map(Duration::from_secs_f64).to_vec();
        let kernel = vec![Duration::from_millis(2140)];
        let row = Row { way: "stick", menu: Vec::new(), console: durations, kernel };
        let table = table(&[row]);
        let line: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(line, ["stick", "-", "3.0", "(9.5)", "2.1", "(2.1)"]);
    }
}
