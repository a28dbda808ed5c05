//! The last screen: at most 24 lines of 80 columns, a column for each exhibit.

use std::{fmt::Write, time::Duration};

use super::{Exhibit, shortened};
use crate::{
    evidence_disk::{FileSystem, MIB},
    image_check::ImageCheck,
    oracle::Verdict,
};

const WIDTH: usize = 80;
const LABEL: usize = 20;
const COLUMN: usize = 29;
/// How many objections fit below the table.
const SHOWN_OBJECTIONS: usize = 4;

pub(super) fn screen(
    how: &str,
    took: Duration,
    exhibits: &[Exhibit],
    verdicts: &[Verdict],
    checks: &[ImageCheck],
    objections: &[String],
) -> String {
    let title = format!("PERMAFROST  boot, block, image, verify        {how}, {} s", took.as_secs());
    let mut screen = format!("\n{}\n{}\n", shortened(&title, WIDTH), "─".repeat(WIDTH));
    let mut row = |label: &str, cells: Vec<String>| {
        let cells: String =
            cells.iter().map(|cell| format!(" {:<COLUMN$}", shortened(cell, COLUMN))).collect();
        writeln!(screen, "{}", format!("{label:<LABEL$}{cells}").trim_end())
            .expect("a string takes everything");
    };
    let about = |tell: &dyn Fn(&Exhibit) -> String| exhibits.iter().map(tell).collect::<Vec<_>>();
    row(
        "evidence",
        about(&|it| format!("/dev/{} {} {} MiB", it.node, it.disk.transport.name(), it.bytes / MIB)),
    );
    row("carries", about(&|it| file_systems(it)));
    row("state at birth", about(&|it| it.state_at_birth.clone()));
    row(
        "attempts to write",
        about(&|it| format!("{} made, {} refused", it.made_attempts, it.refused_attempts)),
    );
    row("guard's own count", about(&|it| format!("{} operations refused", it.refused)));

    let judged = |tell: &dyn Fn(&Verdict) -> String| verdicts.iter().map(tell).collect::<Vec<_>>();
    row("SHA-256 before", judged(&|it| it.before[..28].to_string()));
    row("SHA-256 after", judged(&|it| format!("{} {}", &it.after[..19], same(it.bit_identical()))));
    row("device statistics", judged(&statistics));
    row(
        "trace of the device",
        judged(&|it| format!("{} commands, {} modify", it.commands.len(), it.changing_commands().len())),
    );
    row("flush, standby", judged(&|it| format!("{} (from the kernel)", it.flushes().len())));

    let checked = |tell: &dyn Fn(&ImageCheck) -> String| checks.iter().map(tell).collect::<Vec<_>>();
    let speed = exhibits.iter().zip(checks).map(|(exhibit, check)| {
        format!("{:.1} MiB in {:.1} s", check.stored as f64 / MIB as f64, exhibit.imaging.as_secs_f64())
    });
    row("E01 taken", speed.collect());
    row("MD5 of the disk", checked(&|it| it.md5_of_disk[..28.min(it.md5_of_disk.len())].to_string()));
    row(
        "MD5 by ewfverify",
        checked(&|it| {
            format!("{:.19} {}", it.md5_of_image, same(it.ewfverify && it.md5_of_image == it.md5_of_disk))
        }),
    );
    row(
        "fls: disk, image",
        checked(&|it| format!("{} files, {} files", it.files_on_disk, it.files_in_image)),
    );
    row(
        "pf-verify",
        checked(&|it| match it.pf_verify.0 {
            0 => "everything holds".to_string(),
            code => format!("exit code {code}"),
        }),
    );
    finish(screen, objections)
}

fn finish(mut screen: String, objections: &[String]) -> String {
    screen += &format!("{}\n", "─".repeat(WIDTH));
    for objection in objections.iter().take(SHOWN_OBJECTIONS) {
        screen += &format!("{}\n", shortened(&objection.replace('\n', " "), WIDTH));
    }
    screen += &match objections.len() {
        0 => "Everything is as it should be.\n".to_string(),
        count => format!("NOT AS IT SHOULD BE: {count} objections; logs: target/permafrost/logs/demo\n"),
    };
    screen
}

fn statistics(verdict: &Verdict) -> String {
    match verdict.statistics {
        Some(counted) => {
            format!("{} writes, {} discards", counted.writes + counted.zone_appends, counted.unmaps)
        }
        None => "none".to_string(),
    }
}

fn same(is: bool) -> &'static str {
    if is { "the same" } else { "DIFFERS" }
}

fn file_systems(exhibit: &Exhibit) -> String {
    let names = exhibit.layout.partitions.iter().map(|(file_system, _)| match file_system {
        FileSystem::Ntfs => "NTFS",
        FileSystem::Ext4 | FileSystem::EmptyExt4 => "ext4",
        FileSystem::Ext4DirtyJournal | FileSystem::Ext4JournalError => "ext4 (dirty)",
        FileSystem::Fat | FileSystem::EmptyFat => "FAT",
    });
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        disk_device::{Disk, Transport},
        evidence_disk::{Label, Layout},
        qmp::BlockStatistics,
    };

    fn exhibit() -> Exhibit {
        Exhibit {
            disk: Disk::new("item1", Transport::Ahci, "/nowhere"),
            bytes: 96 * MIB,
            layout: Layout {
                label: Label::Gpt,
                partitions: vec![(FileSystem::Ntfs, 1), (FileSystem::Ext4DirtyJournal, 1)],
            },
            node: "nvme0n1".into(),
            state_at_birth: "blocked".into(),
            refused_attempts: 17,
            made_attempts: 18,
            refused: 1234,
            imaging: Duration::from_secs(12),
        }
    }

    fn verdict() -> Verdict {
        Verdict {
            disk: "item1".into(),
            transport: Transport::Ahci,
            before: "a".repeat(64),
            after: "b".repeat(64),
            statistics: Some(BlockStatistics { reads: 123_456, ..BlockStatistics::default() }),
            commands: Vec::new(),
        }
    }

    fn check() -> ImageCheck {
        ImageCheck {
            image: "/nowhere".into(),
            stored: 1 << 30,
            md5_of_image: "none".into(),
            md5_of_disk: "c".repeat(32),
            ewfverify: false,
            files_in_image: 0,
            files_on_disk: 100,
            pf_verify: (2, String::new()),
        }
    }

    fn shown(objections: &[String]) -> String {
        let twice = (exhibit(), exhibit());
        let took = Duration::from_secs(90);
        screen(
            "Uefi, USB stick",
            took,
            &[twice.0, twice.1],
            &[verdict(), verdict()],
            &[check(), check()],
            objections,
        )
    }

    #[test]
    fn even_a_bad_end_fits_one_screen() {
        let objections: Vec<String> = (0..40).map(|_| "words ".repeat(100)).collect();
        let screen = shown(&objections);
        assert!(screen.lines().count() <= 24, "{} lines", screen.lines().count());
        let widest = screen.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(WIDTH), "{widest:?} columns:\n{screen}");
        assert!(screen.contains("NOT AS IT SHOULD BE: 40"));
    }

    #[test]
    fn what_differs_is_called_so() {
        let screen = shown(&[]);
        assert!(screen.contains("SHA-256 after") && screen.matches("DIFFERS").count() == 4, "{screen}");
    }
}
