//! What a read-only mark alone is worth: pf-prove's catalogue on a stock Debian kernel whose disks and partitions are
//! marked with `blockdev --setro`, and on ours, side by side. `cargo xtask compare` runs it and prints the table.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]

mod machine_of_all_transports;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use harness::{
    artifacts::Artifacts,
    command_tables::Effect,
    disk_device::{Disk, Transport},
    emulator::Boot,
    guest::Guest,
    oracle::{commands_for, sha256_of},
    prover,
};
use machine_of_all_transports::{Bench, EVERY_PCI, EVERY_PCI_EXPRESS, await_name};

/// Classes of pf-prove's catalogue, each judged by itself.
const CLASSES: [&str; 14] = [
    "block",
    "scsi",
    "optical",
    "ata",
    "nvme",
    "mmc",
    "ufs",
    "usb",
    "reservation",
    "opal",
    "floppy",
    "mount",
    "raid",
    // Last: on a stock kernel a disk that was found anew has lost its read-only mark.
    "reset",
];

/// What one class of attempts led to on one disk.
#[derive(Default, Clone)]
struct Cell {
    /// Attempts that the system took, by pf-prove's word; their names.
    accepted: Vec<String>,
    tried: usize,
    /// Commands that modify, by the emulator's trace.
    modifying: usize,
    /// Writes and discards, by the emulator's statistics.
    writes: u64,
    /// By SHA-256 of the whole image.
    changed: bool,
    /// The attack did not end, or the disk was gone.
    broken: bool,
}

impl Cell {
    fn leaked(&self) -> bool {
        self.changed || self.modifying > 0 || self.writes > 0
    }

    fn text(&self) -> String {
        match self {
            Cell { broken: true, .. } => "disk lost".into(),
            Cell { tried: 0, .. } => "–".into(),
            Cell { changed: true, .. } => {
                format!("**CHANGED** ({} of {} accepted)", self.accepted.len(), self.tried)
            }
            _ if self.leaked() => {
                format!("reached the disk ({} of {} accepted)", self.accepted.len(), self.tried)
            }
            _ if !self.accepted.is_empty() => format!("{} of {} accepted", self.accepted.len(), self.tried),
            _ => format!("{} blocked", self.tried),
        }
    }
}

type Table = BTreeMap<(usize, usize), Cell>;

/// Attacks every disk of both machines, class by class; the key is (class, transport).
fn attack_all(boot: &Boot, run: &str, mark_read_only: bool) -> Table {
    let mut table = Table::new();
    for (kind, machine) in [(EVERY_PCI_EXPRESS, "q35"), (EVERY_PCI, "pc")] {
        let bench = Bench::booting(boot.clone(), kind, &format!("{run}-{machine}"));
        let mut guest = Guest::boot(bench.machine, &bench.logs).unwrap();
        let names: Vec<String> = bench.disks.iter().map(|disk| await_name(&mut guest, disk)).collect();
        if mark_read_only {
            // As a udev rule does that knows about partitions too; many know only of whole disks.
            let mark =
                "for b in /sys/class/block/*; do blockdev --setro /dev/${b##*/} 2>/dev/null; done; true";
            guest.demand(mark).unwrap();
        }
        for (disk, name) in bench.disks.iter().zip(&names) {
            let target = prover::Target::find(&mut guest, name).unwrap();
            for (class, words) in CLASSES.iter().enumerate() {
                let cell = attack_one(&mut guest, disk, &target, words);
                let lost = cell.broken;
                table.insert((class, disk.transport as usize), cell);
                if lost {
                    break;
                }
            }
        }
    }
    table
}

fn attack_one(guest: &mut Guest, disk: &Disk, target: &prover::Target, class: &str) -> Cell {
    let seen = |guest: &mut Guest| {
        let commands = commands_for(disk, &guest.emulator.trace_so_far().unwrap());
        let effects = commands.iter().map(harness::trace::Command::effect);
        let modifying =
            effects.filter(|effect| matches!(effect, Effect::Modifies | Effect::Unlisted)).count();
        let counted = guest.emulator.qmp.block_statistics(&disk.name).unwrap();
        (modifying, counted.writes + counted.unmaps + counted.zone_appends, sha256_of(&disk.image).unwrap())
    };
    let before = seen(guest);
    let report = prover::attack_with_class(guest, target, class);
    let after = seen(guest);
    let tried = |row: &&prover::Row| row.verdict != "not-applicable";
    let accepted = |row: &&prover::Row| row.verdict == "changed" || row.verdict == "accepted-nothing-changed";
    let rows = report.as_ref().map_or(&[][..], |report| &report.rows);
    Cell {
        accepted: rows.iter().filter(accepted).map(|row| format!("{} ({})", row.name, row.door)).collect(),
        tried: rows.iter().filter(tried).count(),
        modifying: after.0 - before.0,
        writes: after.1 - before.1,
        changed: after.2 != before.2,
        broken: report.is_err(),
    }
}

fn markdown(stock_name: &str, stock: &Table, ours: &Table) -> String {
    let mut text = format!(
        "pf-prove's catalogue against every disk, {stock_name} with `blockdev --setro` on every disk and partition, and \
         Permafrost with every disk blocked. Judged from outside, by the emulator's trace, its statistics and the hash of \
         the whole disk; \"accepted\" is pf-prove's own word.\n\n| attempts | disk | stock kernel, read-only | Permafrost |\n\
         |---|---|---|---|\n"
    );
    for ((class, transport), theirs) in stock {
        let own = ours.get(&(*class, *transport)).cloned().unwrap_or_default();
        if theirs.tried == 0 && own.tried == 0 && !theirs.broken {
            continue;
        }
        let disk = Transport::ALL[*transport].name();
        writeln!(text, "| {} | {disk} | {} | {} |", CLASSES[*class], theirs.text(), own.text()).unwrap();
    }
    text += "\nWays that the stock kernel took, and the disks on which it took them:\n\n| way | disks |\n|---|---|\n";
    let mut ways: BTreeMap<(usize, &str), Vec<&str>> = BTreeMap::new();
    for ((class, transport), cell) in stock {
        for way in &cell.accepted {
            ways.entry((*class, way)).or_default().push(Transport::ALL[*transport].name());
        }
    }
    for ((class, way), mut disks) in ways {
        disks.dedup();
        writeln!(text, "| {}: {way} | {} |", CLASSES[class], disks.join(", ")).unwrap();
    }
    text
}

fn from_environment(name: &str) -> PathBuf {
    std::env::var_os(name).expect("run cargo xtask compare").into()
}

#[test]
#[ignore = "needs a stock kernel: cargo xtask compare"]
fn a_read_only_mark_leaks_where_the_guard_does_not() {
    let stock = Boot::KernelWithInitramfs(
        from_environment("PERMAFROST_STOCK_KERNEL"),
        from_environment("PERMAFROST_STOCK_INITRAMFS"),
    );
    let own = Boot::Kernel(Artifacts::of_this_build().kernel().unwrap());
    let stock = attack_all(&stock, "compare-stock", true);
    let ours = attack_all(&own, "compare-permafrost", false);
    let name = from_environment("PERMAFROST_STOCK_NAME");
    let table = markdown(&name.display().to_string(), &stock, &ours);
    std::fs::write(from_environment("PERMAFROST_COMPARISON"), table).unwrap();

    // A comparison that finds nothing has not looked.
    let leaking = stock.values().filter(|cell| cell.changed).count();
    assert!(leaking > 0, "the stock kernel let nothing through");
    let leaks: Vec<_> = ours.iter().filter(|(_, cell)| cell.leaked() || cell.broken).collect();
    let named = leaks.iter().map(|((class, disk), cell)| {
        format!("{} on {}: {}", CLASSES[*class], Transport::ALL[*disk].name(), cell.text())
    });
    assert!(leaks.is_empty(), "Permafrost leaks:\n{}", named.collect::<Vec<_>>().join("\n"));
}
