//! The booted system in the emulator, spoken to in its own words: disks, states, events, programs of the toolbox.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    HarnessError, Result,
    emulator::{Emulator, Machine},
    serial_shell::Answer,
};

/// For a command that does little.
pub const COMMAND_WITHIN: Duration = Duration::from_secs(60);
/// From `poweroff` to the end of the machine.
pub const POWER_OFF_WITHIN: Duration = Duration::from_secs(60);
/// From an event in the kernel to its line in the log of events, on a busy host.
pub const EVENTS_TOLD_WITHIN: Duration = Duration::from_secs(120);

/// Where the toolbox is mounted in the guest.
const TOOLS: &str = "/run/tools";
/// Where the guard's event stream is collected in the guest.
const EVENT_LOG: &str = "/run/guard-events";

/// What the kernel says when something in it went wrong, whatever the cause.
const COMPLAINTS: [&str; 7] =
    ["WARNING:", "BUG:", "Oops", "Call Trace", "blocked for more than", "rcu.*(stall|detected)", TIMED_OUT];
/// What it says of a device that did not answer.
const TIMED_OUT: &str = "timed out";
/// What it says at each reset.
const RESETS: [&str; 5] = [
    "hard resetting",
    "soft resetting",
    "resetting controller",
    "Resetting",
    "reset high-speed|reset SuperSpeed",
];
/// Bring-up stays below.
const MOST_RESETS: u32 = 20;
/// One that was asked for is told as often by the drivers of the longest path: adapter, link, device.
const TOLD_PER_RESET: u32 = 3;

/// A machine that has come up to its root shell.
pub struct Guest {
    /// The machine it runs on.
    pub emulator: Emulator,
    /// What came over the serial line before the prompt.
    pub boot_log: String,
}

impl Guest {
    /// Switches `machine` on and waits for the root shell.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] when no prompt comes.
    pub fn boot(machine: Machine, logs: &Path) -> Result<Self> {
        let within = machine.boots_within();
        Self::take_over(machine.start(logs)?, within)
    }

    /// Waits for the root shell of a machine that was switched on before, and may have been at its boot menu since.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] when no prompt comes.
    pub fn take_over(mut emulator: Emulator, within: Duration) -> Result<Self> {
        let boot_log = emulator.shell.take_over(within)?;
        let mut guest = Guest { emulator, boot_log };
        // A reader of its own holds every event from the first on, and waits for the next without polling.
        let stream = "/sys/kernel/security/evidence_guard/events";
        guest.demand(&format!("mkdir -p /run; cat {stream} >>{EVENT_LOG} 2>/dev/null &"))?;
        Ok(guest)
    }

    /// Runs `script` and returns how it ended.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] after a minute.
    pub fn run(&mut self, script: &str) -> Result<Answer> {
        self.emulator.shell.run(script, COMMAND_WITHIN)
    }

    /// Runs `script`, which must succeed, and returns what it printed.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when it ended with an error.
    pub fn demand(&mut self, script: &str) -> Result<String> {
        self.demand_within(script, COMMAND_WITHIN)
    }

    /// As [`Guest::demand`], for what takes longer.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when it ended with an error.
    pub fn demand_within(&mut self, script: &str, within: Duration) -> Result<String> {
        let answer = self.emulator.shell.run(script, within)?;
        if answer.succeeded() {
            return Ok(answer.output);
        }
        Err(HarnessError::Guest { command: script.into(), status: answer.status, output: answer.output })
    }

    /// Waits until one disk of `bytes` bytes is there, and no other, and returns its name in /dev. Tests give each disk a
    /// size of its own, for not every model can be given a serial.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when none turns up within 30 s, or more than one stay.
    pub fn await_disk(&mut self, bytes: u64) -> Result<String> {
        let sectors = bytes / 512;
        let look = format!("{{ set -- $(grep -lx {sectors} /sys/block/*/size); [ $# = 1 ] && echo $1; }}");
        let name = self.await_in_guest(&look)?;
        let name = name.trim().trim_start_matches("/sys/block/").trim_end_matches("/size").to_string();
        self.await_file(&format!("/dev/{name}"))?;
        Ok(name)
    }

    /// Waits until the kernel has noticed that the disk `name` was pulled out.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when it is still there after 30 s.
    pub fn await_no_disk(&mut self, name: &str) -> Result<()> {
        self.await_in_guest(&format!("[ ! -e /sys/block/{name} ]")).map(|_| ())
    }

    /// Waits until the file `path` is there.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when it is not within 30 s.
    pub fn await_file(&mut self, path: &str) -> Result<()> {
        self.await_in_guest(&format!("[ -e {path} ]")).map(|_| ())
    }

    /// Repeats `condition`, one command or a group, in the guest until it holds, 30 s long. Returns what it printed; not
    /// what it complained of before: a pattern matches no file until there is one.
    fn await_in_guest(&mut self, condition: &str) -> Result<String> {
        let script = format!(
            "n=0; until {condition} 2>/dev/null; do n=$((n+1)); [ $n -lt 300 ] || {{ echo never: '{}'; exit 1; }}; sleep 0.1; done",
            condition.replace('\'', "")
        );
        self.demand(&script)
    }

    /// The node of a disk's partition: `sda` and 1 make `sda1`, `nvme0n1` and 1 make `nvme0n1p1`.
    #[must_use]
    pub fn partition(disk: &str, number: usize) -> String {
        let separator = if disk.ends_with(|last: char| last.is_ascii_digit()) { "p" } else { "" };
        format!("{disk}{separator}{number}")
    }

    /// The word in a disk's `guard/state`.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when the guard does not know the disk.
    pub fn state(&mut self, disk: &str) -> Result<String> {
        Ok(self.demand(&format!("cat /sys/block/{disk}/guard/state"))?.trim().to_string())
    }

    /// How many operations the guard has refused on a disk.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when the guard does not know the disk.
    pub fn refused(&mut self, disk: &str) -> Result<u64> {
        let count = self.demand(&format!("cat /sys/block/{disk}/guard/refused"))?;
        count
            .trim()
            .parse()
            .map_err(|_| HarnessError::Unfit(format!("guard/refused of {disk} holds {count:?}")))
    }

    /// All events of the guard so far that name `disk`, oldest first.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn events_of(&mut self, disk: &str) -> Result<Vec<String>> {
        let answer = self.run(&format!("grep 'disk={disk} ' {EVENT_LOG}"))?;
        Ok(answer.output.lines().filter(|line| !line.is_empty()).map(str::to_string).collect())
    }

    /// The same as soon as they are `enough`: they are copied into the log a little later than they happen. After two minutes
    /// they are returned as they are.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn await_events(&mut self, disk: &str, enough: impl Fn(&[String]) -> bool) -> Result<Vec<String>> {
        let deadline = Instant::now() + EVENTS_TOLD_WITHIN;
        loop {
            let events = self.events_of(disk)?;
            if enough(&events) || Instant::now() > deadline {
                return Ok(events);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Forgets the events so far: a million refusals would fill the memory that holds them.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn forget_events(&mut self) -> Result<()> {
        self.demand(&format!(": >{EVENT_LOG}")).map(|_| ())
    }

    /// What the kernel complains of: lines that no refused command may lead to, and resets when there are so many that
    /// error handling went round in circles.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn kernel_complaints(&mut self) -> Result<Vec<String>> {
        self.complaints_of(&COMPLAINTS, 0)
    }

    /// The same where a test itself asks for resets.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn kernel_complaints_beside_resets(&mut self, asked_for: u32) -> Result<Vec<String>> {
        self.complaints_of(&COMPLAINTS, asked_for)
    }

    /// The same where a test itself lets devices fall silent.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn kernel_complaints_beside_silence(&mut self) -> Result<Vec<String>> {
        let others: Vec<&str> = COMPLAINTS.into_iter().filter(|pattern| *pattern != TIMED_OUT).collect();
        self.complaints_of(&others, 0)
    }

    fn complaints_of(&mut self, patterns: &[&str], resets_asked_for: u32) -> Result<Vec<String>> {
        let grep = format!("dmesg | grep -E '{}' | tail -n 20", patterns.join("|"));
        let complaints = self.run(&grep)?.output;
        let mut complaints: Vec<String> = complaints
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| format!("kernel: {line}"))
            .collect();
        let resets = self.run(&format!("dmesg | grep -c -E '{}'", RESETS.join("|")))?.output;
        let resets: u32 = resets.trim().parse().unwrap_or(0);
        if resets > MOST_RESETS + resets_asked_for * TOLD_PER_RESET {
            complaints.push(format!("kernel: {resets} resets of links, devices or controllers"));
        }
        Ok(complaints)
    }

    /// Mounts the toolbox disk, read-only, with the guest's own device nodes in it.
    ///
    /// # Errors
    /// [`HarnessError::Guest`].
    pub fn open_toolbox(&mut self) -> Result<()> {
        let look = "grep -lx TOOLBOX /sys/block/vd*/serial";
        let name = self.await_in_guest(look)?;
        let name = name.trim().trim_start_matches("/sys/block/").trim_end_matches("/serial").to_string();
        self.demand(&format!(
            "mkdir -p {TOOLS} && mount -t ext4 -o ro /dev/{name} {TOOLS} && \
             for d in dev proc sys; do mount --bind /$d {TOOLS}/$d || exit 1; done && mount -t tmpfs none {TOOLS}/tmp"
        ))?;
        Ok(())
    }

    /// `command` as it must be written to run the toolbox's program: under chroot.
    #[must_use]
    pub fn with_tool(command: &str) -> String {
        format!("chroot {TOOLS} /bin/{command}")
    }

    /// Makes a disk a destination, as an examiner's script does.
    ///
    /// # Errors
    /// [`HarnessError::Guest`] when it is refused.
    pub fn allow(&mut self, disk: &str, serial: &str) -> Result<()> {
        self.demand(&format!("pf-guard allow /dev/{disk} --serial '{serial}' --yes")).map(|_| ())
    }

    /// Powers off and waits for the machine's end.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] when it does not come.
    pub fn power_off(&mut self) -> Result<()> {
        self.emulator.shell.send("poweroff")?;
        self.emulator.await_power_off(POWER_OFF_WITHIN)
    }
}

/// The first line that is not empty, for reports of one line each.
#[must_use]
pub fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
}
