//! `pf-prove` on disks that carry what seizures carry: dirty file systems, half a mirror, a volume group. Behind the guard, nothing
//! that mounts, trims, assembles, resets or finds the disk anew changes a bit; on writable disks `pf-prove` finds what each does.
//!
//! The disks are laid out by `pf-prove fill` in the guest, whose kernel has the file systems, with Debian's own mkfs programs from
//! the toolbox. That they came out dirty is judged on the host by those file systems' own programs.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, clippy::panic)]

mod attacked_disks;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use attacked_disks::{Attacked, TRANSPORTS, attack_all, await_serial};
use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{MIB, cut_out},
    guest::Guest,
    host_program::HostProgram,
    toolbox,
};
use serde_json::Value;

const SIZE: u64 = 416 * MIB;
/// Up to eight file systems made, mounted four times each, and 416 MiB written, on a busy host without hardware virtualisation.
const FILL_WITHIN: Duration = Duration::from_secs(900);
/// Those that must have been laid out, with Debian's programs and the guest's kernel.
const FILE_SYSTEMS: [&str; 5] = ["ext4", "xfs", "btrfs", "f2fs", "vfat"];
/// Those that are left out, by name, where they come out clean or have no program.
const PERHAPS: [&str; 3] = ["exfat", "ntfs3", "hfsplus"];
/// Of those, the ones that a mount read-only cleans up.
const REPLAYED: [&str; 4] = ["ext4", "xfs", "btrfs", "f2fs"];

/// What `pf-prove fill` made, and what it said.
struct LaidOut {
    image: PathBuf,
    said: Value,
}

/// Made once for all tests of this file.
fn laid_out() -> &'static LaidOut {
    static MADE: OnceLock<LaidOut> = OnceLock::new();
    MADE.get_or_init(|| {
        let artifacts = Artifacts::of_this_build();
        // Nothing that lives as long as the process is ever dropped: so no temporary folder, but one that each run empties.
        let logs = artifacts.log_folder("prove-lay-out").unwrap();
        let (image, tools) = (logs.join("master"), logs.join("toolbox"));
        File::create(&image).unwrap().set_len(SIZE).unwrap();
        toolbox::build(&tools).unwrap();
        let disk = Disk::new("master", Transport::VirtioScsi, &image);
        let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap()));
        let mut guest = Guest::boot(machine.disk(disk).toolbox(&tools), &logs).unwrap();
        guest.open_toolbox().unwrap();
        let name = await_serial(&mut guest, "MASTER");
        guest.allow(&name, "MASTER").unwrap();
        // The programs need their own root; what they work on is in memory.
        let fill = format!("/tmp/pf-prove fill /dev/{name} --serial MASTER --yes --file-systems --json");
        let said = guest
            .demand_within(
                &format!("cp $(which pf-prove) /run/tools/tmp/ && chroot /run/tools {fill} 2>/run/said || cat /run/said"),
                FILL_WITHIN,
            )
            .unwrap();
        guest.power_off().unwrap();
        let said = serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("{error}: {said}"));
        LaidOut { image, said }
    })
}

fn attack(run: &str, writable: bool, options: &str) -> Vec<Attacked> {
    let master = &laid_out().image;
    attack_all(run, writable, options, &|_, image| std::fs::copy(master, image).map(|_| ()).unwrap(), &|_| {
        Box::new(File::open(master).unwrap())
    })
}

/// Where `pf-prove` says that a partition lies.
fn partition<'a>(name: &str) -> &'a Value {
    let parts = laid_out().said["partitions"].as_array().unwrap();
    parts.iter().find(|part| part["name"] == name).unwrap_or_else(|| panic!("{name}: {}", laid_out().said))
}

fn is_there(name: &str) -> bool {
    laid_out().said["partitions"].as_array().unwrap().iter().any(|part| part["name"] == name)
}

fn cut(name: &str, folder: &Path) -> PathBuf {
    let part = partition(name);
    let file = folder.join(name);
    let number = |field: &str| part[field].as_u64().unwrap();
    cut_out(&laid_out().image, number("start"), number("length"), &file).unwrap();
    file
}

#[test]
fn a_disk_is_laid_out_with_file_systems_that_their_own_programs_call_dirty() {
    for name in FILE_SYSTEMS {
        eprintln!("{name}: {}", partition(name)["dirty"]);
    }
    let left_out = laid_out().said["left_out"].to_string();
    eprintln!("left out: {left_out}");
    for name in PERHAPS {
        assert_ne!(
            is_there(name),
            left_out.contains(name),
            "{name} must be laid out or named as left out: {left_out}"
        );
    }
    for name in REPLAYED {
        assert!(partition(name)["dirty"]["changed_by_mount_read_only"].as_u64().unwrap() > 0, "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let asked = |program: &str, package: &str, arguments: &[&str], name: &str| {
        HostProgram::new(program, package)
            .unwrap()
            .args(arguments)
            .arg(cut(name, folder.path()))
            .run()
            .unwrap()
    };
    assert!(asked("dumpe2fs", "e2fsprogs", &["-h"], "ext4").contains("needs_recovery"));
    assert!(asked("xfs_logprint", "xfsprogs", &["-t"], "xfs").contains("<DIRTY>"));
    let btrfs = asked("btrfs", "btrfs-progs", &["inspect-internal", "dump-super"], "btrfs");
    assert!(btrfs.contains("log_root") && !btrfs.contains("log_root\t\t0\n"), "{btrfs}");
    let table =
        HostProgram::new("sfdisk", "fdisk").unwrap().arg("--dump").arg(&laid_out().image).run().unwrap();
    let laid_out_too = PERHAPS.into_iter().filter(|name| is_there(name)).count();
    assert_eq!(
        table.lines().filter(|line| line.contains("start=")).count(),
        FILE_SYSTEMS.len() + laid_out_too + 3,
        "{table}"
    );
}

#[test]
fn behind_the_guard_no_mount_assembly_reset_or_rediscovery_changes_a_bit() {
    for attacked in attack("prove-file-systems-held", false, "--destructive --only mount,raid,reset,block") {
        let name = attacked.transport.name();
        eprintln!("{name}: {}", attacked.report["counts"]);
        attacked.assert_held();
        let blocked = attacked.rows("mount", "blocked");
        for file_system in FILE_SYSTEMS {
            let row = format!("mount {file_system} on partition");
            let tried =
                blocked.iter().filter(|name| name.starts_with(&row) && name.contains("for writing")).count();
            assert!(tried >= 3, "{name}: {file_system}: {blocked:?}");
        }
        let resets = attacked.rows("reset", "blocked");
        for reset in resets_of(attacked.transport) {
            let rows = resets.iter().filter(|row| row.starts_with(reset)).count();
            assert_eq!(rows, 3, "{name}: {reset}, then each write: {resets:?}");
        }
    }
}

/// Resets that each of these models takes.
fn resets_of(transport: Transport) -> &'static [&'static str] {
    match transport {
        Transport::Nvme => &["NVME_IOCTL_RESET", "reset_controller", "PCI remove and rescan"],
        Transport::UsbBot => &["SG_SCSI_RESET, device", "delete and host scan"],
        _ => &["SG_SCSI_RESET, device", "SG_SCSI_RESET, host", "host scan", "delete and host scan"],
    }
}

#[test]
fn on_a_destination_every_dirty_file_system_is_found_to_change_and_counted_as_the_image_has_it() {
    let attacked = attack("prove-file-systems-leak", true, "--only mount,raid,reset");
    assert_eq!(attacked.len(), TRANSPORTS.len());
    for attacked in attacked {
        let name = attacked.transport.name();
        eprintln!("{name}: {}", attacked.report["counts"]);
        attacked.assert_leaked_as_told();
        let changed = attacked.rows("mount", "changed");
        let found = |file_system: &str, how: &str| {
            changed.iter().any(|row| row.starts_with(&format!("mount {file_system} ")) && row.ends_with(how))
        };
        // A file that an earlier row has written is written the same once more, and may leave no trace.
        for file_system in FILE_SYSTEMS {
            let written = [", for writing, then write a file", ", then for writing"];
            assert!(written.iter().any(|how| found(file_system, how)), "{name}: {file_system}: {changed:?}");
        }
        for file_system in REPLAYED {
            let quietly = found(file_system, ", read-only") || found(file_system, ", nothing replayed");
            assert!(quietly, "{name}: {file_system} read-only: {changed:?}");
        }
        // The documented surprise: orphans are deleted even where the journal is not replayed.
        assert!(found("ext4", "read-only, nothing replayed"), "{name}: {changed:?}");
        let resets = attacked.rows("reset", "changed");
        let written = resets.iter().any(|row| row.contains("RESET") || row.contains("reset"));
        assert!(written, "{name}: a write behind a reset: {resets:?}");
    }
}
