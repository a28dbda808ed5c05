//! What the guard's flight recorder costs: the same reads, in two kernels that differ in the recorder alone.
//!
//! Both are ordinary programs (user-mode Linux), so that they run as fast as the processor does, with a SCSI disk in
//! memory that answers inside the driver's `queuecommand`: no real device leaves the recorder so little time.

mod comparison;
mod kernels;

use crate::debian_packages::{self, Need};
use crate::error::{Result, XtaskError};
use crate::process::Program;
use crate::stages::Stages;
use crate::{initramfs, kernel_source, static_tools, workspace};
use comparison::{Figure, Round};
use kernels::Kernels;
use read_meter::{DONE, Data, PREFIX, Pattern, Reading};
use std::fmt::Write as _;
use std::path::Path;

/// 1 MiB is what pf-acquire reads; 64 KiB and 4 KiB are the sizes its retries and other programs have. The one that is
/// cut asks for 1 MiB and has the block layer make commands of 4 KiB: commands without a system call for each, which a
/// kernel for user mode pays dearly and which would hide what a command costs.
const PATTERNS: [(&str, Pattern); 7] = [
    ("1 MiB", reads(1 << 20, 0, Data::Unmoved, 8)),
    ("64 KiB", reads(64 << 10, 0, Data::Unmoved, 20)),
    ("4 KiB", reads(4 << 10, 0, Data::Unmoved, 20)),
    ("1 MiB cut by 4 KiB", reads(1 << 20, 4, Data::Unmoved, 2)),
    ("1 MiB, copied", reads(1 << 20, 0, Data::Copied, 2)),
    ("64 KiB, copied", reads(64 << 10, 0, Data::Copied, 10)),
    ("4 KiB, copied", reads(4 << 10, 0, Data::Copied, 20)),
];

/// The clock of a kernel for user mode counts in steps of 256 ns; a burst of some hundred microseconds is long enough for
/// it, and short enough to go uninterrupted.
const fn reads(read_bytes: usize, command_kib: u32, data: Data, reads: u32) -> Pattern {
    Pattern { read_bytes, command_kib, data, reads, bursts: 400 }
}

/// How long one kernel may take; it takes some seconds.
const SECONDS: &str = "180";

/// Builds both kernels, lets them read by turns, and prints what the recorder cost.
pub fn run(stages: &mut Stages, rounds: u16) -> Result<()> {
    stages.run("packages for the recorder's cost", || {
        debian_packages::ensure(&[Need::Build])?;
        debian_packages::ensure_static_target()
    })?;
    let folder = workspace::outputs()?.join("recorder-cost");
    workspace::make_folder(&folder)?;
    let kernels = {
        let _lock = workspace::lock_cache()?;
        let source = stages.run("kernel source", kernel_source::obtain)?;
        stages.run("two kernels, with and without the recorder", || Kernels::obtain(&source, &folder))?
    };
    let archive = folder.join("initramfs.cpio");
    stages.run("program that reads", || {
        let program = static_tools::build_one("read-meter")?;
        workspace::write(&archive, initramfs::bytes(&initramfs::only(&program)?)?)
    })?;
    let measured = stages.run("reads by turns", || {
        let cpu = last_allowed_cpu(&workspace::read_text(Path::new("/proc/self/status"))?)?;
        eprintln!("    {rounds} rounds on processor {cpu}; kernels and readings: {}", folder.display());
        let read = |kernel: &Path, name: String| readings(kernel, &archive, cpu, &folder.join(name));
        (1..=rounds)
            .map(|number| {
                // Twice without: what differs between those two is noise, and a steady drift cancels out.
                let round = Round {
                    before: read(&kernels.without, format!("round-{number}-without.log"))?,
                    with: read(&kernels.with, format!("round-{number}-with.log"))?,
                    after: read(&kernels.without, format!("round-{number}-without-again.log"))?,
                };
                comparison::check(&round).map_err(XtaskError::Unfit)?;
                Ok(round)
            })
            .collect::<Result<Vec<Round>>>()
    })?;
    let mut table = Figure::HEADING.to_owned();
    for (number, (name, _)) in PATTERNS.iter().enumerate() {
        let figure = comparison::figure(&measured, number).map_err(XtaskError::Unfit)?;
        // Writing to a String cannot fail.
        let _ = write!(table, "\n{name:<20}{figure}");
    }
    workspace::write(&folder.join("table.txt"), format!("{table}\n"))?;
    println!("{table}");
    Ok(())
}

/// Runs one kernel and takes its readings, in the order of the patterns.
fn readings(kernel: &Path, archive: &Path, cpu: u16, log: &Path) -> Result<Vec<Reading>> {
    let patterns = PATTERNS.map(|(_, pattern)| pattern.to_string());
    Program::new("timeout")
        .args(["--kill-after=5", SECONDS, "taskset", "--cpu-list", &cpu.to_string()])
        .arg(kernel)
        .args(["mem=128M", "con0=null,fd:1", "con=null", "console=tty0", "quiet"])
        .arg(format!("initrd={}", archive.display()))
        // The smallest disk fits into the processor's cache; no delay means: answered before queuecommand returns. The
        // driver copies sector by sector, so large ones make it faster.
        .args(["scsi_debug.dev_size_mb=8", "scsi_debug.delay=0", "scsi_debug.sector_size=4096"])
        .arg(format!("{}={}", read_meter::PATTERNS, patterns.join(",")))
        .log_to(log)?
        .run()?;
    let unfit = |complaint: String| XtaskError::Unfit(format!("{complaint}: {}", log.display()));
    let readings = read_log(&workspace::read_text(log)?).map_err(unfit)?;
    if readings.iter().map(|reading| reading.pattern).eq(PATTERNS.iter().map(|(_, pattern)| *pattern)) {
        return Ok(readings);
    }
    Err(unfit("not the readings that were asked for".to_owned()))
}

/// Readings among what a kernel wrote.
fn read_log(text: &str) -> std::result::Result<Vec<Reading>, String> {
    let mut readings = Vec::new();
    for line in text.lines().filter_map(|line| line.trim_end().strip_prefix(PREFIX)) {
        if line == DONE {
            return Ok(readings);
        }
        readings.push(line.parse::<Reading>().map_err(|e| e.to_string())?);
    }
    Err("the program that reads did not come to its end".to_owned())
}

/// The last processor that this process may use, from its `/proc/self/status`: the first has more interrupts.
fn last_allowed_cpu(status: &str) -> Result<u16> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .and_then(|list| list.trim().rsplit([',', '-']).next()?.parse().ok())
        .ok_or_else(|| XtaskError::Unfit("/proc/self/status names no allowed processor".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_found_among_the_kernels_messages() {
        let text = "Linux version 6.12\r\nread-meter: reading 4096:0:copied:2:2 4 4 10 20\r\nsd 0:0:0:0: x\r\n\
            read-meter: reading 4096:4:unmoved:2:2 4 - 30 40\r\nread-meter: done\r\nreboot: Power down\r\n";
        let readings = read_log(text).unwrap();
        let bursts: Vec<_> = readings.iter().map(|reading| reading.bursts.as_slice()).collect();
        assert_eq!(bursts, [[10, 20], [30, 40]]);
        assert_eq!((readings[0].recorded, readings[1].recorded), (Some(4), None));
    }

    #[test]
    fn a_program_that_fails_or_ends_early_is_an_error() {
        let told = read_log("read-meter: failed: /dev/sda: a short read at 0\n").unwrap_err();
        assert!(told.contains("short read"), "{told}");
        assert!(read_log("read-meter: reading 4096:0:copied:2:2 4 4 10 20\nKernel panic\n").is_err());
        assert!(read_log("").is_err());
    }

    #[test]
    fn the_last_processor_of_every_form_of_list_is_taken() {
        for (list, last) in [("0-7", 7), ("3", 3), ("0,2,4-5", 5), ("0-3,9", 9)] {
            assert_eq!(last_allowed_cpu(&format!("Name:\tx\nCpus_allowed_list:\t{list}\n")).unwrap(), last);
        }
        assert!(last_allowed_cpu("Name:\tx\n").is_err());
    }
}
