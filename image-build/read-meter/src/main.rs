//! `read-meter`: process 1 of a measuring kernel. Reads a disk in sequence and tells how long that took.
//!
//! `cargo xtask recorder-cost` starts it, with patterns in its environment. It reads past the page cache, with the code that
//! pf-acquire reads with. Opens nothing for writing but a setting of the disk's queue and one of its driver.
#![forbid(unsafe_code)]

use device::{AlignedBuffer, DirectFile, ReadMode};
use evidence::ByteOffset;
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use read_meter::{DONE, Data, PATTERNS, PREFIX, Pattern, Reading};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

const DISK: &str = "/dev/sda";
const LARGEST_COMMAND: &str = "/sys/block/sda/queue/max_sectors_kb";
const ANSWER_WITHOUT_DATA: &str = "/sys/bus/pseudo/drivers/scsi_debug/fake_rw";
const COMMANDS: &str = "/sys/block/sda/device/iorequest_cnt";
const RECORDER: &str = "/sys/block/sda/guard/commands";

fn main() {
    if std::process::id() != 1 {
        eprintln!("read-meter is process 1 of a measuring kernel: cargo xtask recorder-cost starts it");
        std::process::exit(2);
    }
    match measure_all() {
        Ok(()) => println!("{PREFIX}{DONE}"),
        Err(error) => println!("{PREFIX}failed: {error}"),
    }
    // Process 1 must not end by itself: the kernel would panic.
    let Err(error) = reboot(RebootMode::RB_POWER_OFF);
    println!("{PREFIX}failed: powering off: {error}");
}

fn measure_all() -> Outcome<()> {
    for (kind, target) in [("devtmpfs", "/dev"), ("sysfs", "/sys")] {
        mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)
            .map_err(|e| format!("mounting {target}: {e}"))?;
    }
    let disk = DirectFile::open(Path::new(DISK))?;
    if disk.mode() != ReadMode::Direct {
        return Err(format!("{DISK} has no direct reads").into());
    }
    let largest_command = read(LARGEST_COMMAND)?;
    let patterns = std::env::var(PATTERNS).map_err(|e| format!("{PATTERNS} on the command line: {e}"))?;
    for pattern in patterns.split(',') {
        let pattern: Pattern = pattern.parse()?;
        let limit = match pattern.command_kib {
            0 => largest_command.clone(),
            limit => limit.to_string(),
        };
        set(LARGEST_COMMAND, &limit)?;
        set(ANSWER_WITHOUT_DATA, if pattern.data == Data::Unmoved { "1" } else { "0" })?;
        println!("{PREFIX}{}", measure(&disk, pattern)?);
    }
    Ok(())
}

fn measure(disk: &DirectFile, pattern: Pattern) -> Outcome<Reading> {
    let mut buffer = AlignedBuffer::new(pattern.read_bytes)?;
    let step = u64::try_from(pattern.read_bytes)?;
    // Whole reads only, from the start again after the last.
    let end = disk.size().0 / step * step;
    let mut offset = 0;
    let mut bursts = Vec::with_capacity(usize::try_from(pattern.bursts)?);
    let (commands, recorded) = (commands()?, recorded()?);
    for _ in 0..pattern.bursts {
        let begun = Instant::now();
        for _ in 0..pattern.reads {
            if disk.read_at(ByteOffset(offset), &mut buffer)? != pattern.read_bytes {
                return Err(format!("{DISK}: a short read at {offset}").into());
            }
            offset = if offset + step < end { offset + step } else { 0 };
        }
        bursts.push(u64::try_from(begun.elapsed().as_nanos())?);
    }
    let recorded = match (recorded, self::recorded()?) {
        (Some(before), Some(after)) => Some(after.saturating_sub(before)),
        (None, None) => None,
        _ => return Err(format!("{RECORDER} came or went meanwhile").into()),
    };
    Ok(Reading { pattern, commands: self::commands()?.saturating_sub(commands), recorded, bursts })
}

/// Commands that the SCSI layer gave to the driver so far.
fn commands() -> Outcome<u64> {
    let text = read(COMMANDS)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    Ok(u64::from_str_radix(digits, 16).map_err(|e| format!("{COMMANDS}: {text}: {e}"))?)
}

/// Commands that passed so far, of all kinds; `None` when there is no recorder.
fn recorded() -> Outcome<Option<u64>> {
    let text = read(RECORDER)?;
    if text.is_empty() {
        return Ok(None);
    }
    let mut passed = 0u64;
    for line in text.lines() {
        let count = line.split_whitespace().nth(3).and_then(|field| field.parse::<u64>().ok());
        passed += count.ok_or_else(|| format!("{RECORDER}: not a line of it: {line}"))?;
    }
    Ok(Some(passed))
}

fn set(path: &str, value: &str) -> Outcome<()> {
    Ok(fs::write(path, value).map_err(|e| format!("writing {value} to {path}: {e}"))?)
}

fn read(path: &str) -> Outcome<String> {
    Ok(fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?.trim().to_owned())
}
