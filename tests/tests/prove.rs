//! `pf-prove` finds that the guard holds, and finds what gets through where a disk is writable; what it says agrees with
//! witnesses outside: the emulator's own counts and the bytes of the image.
//!
//! The pattern on the disks is made here, from its description and not by the code of `pf-prove`: a run that starts shows that
//! both mean the same. What the tool counts as changed in the end must be what differs in the image file.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, clippy::panic)]

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::MIB,
    guest::Guest,
    oracle::{Oracle, Verdict},
};
use serde_json::Value;

const TRANSPORTS: [Transport; 4] =
    [Transport::Ahci, Transport::Nvme, Transport::VirtioScsi, Transport::UsbBot];
/// A catalogue of some thousand attempts, on a busy host without hardware virtualisation.
const ATTACK_WITHIN: Duration = Duration::from_secs(900);
const SEED: u64 = 7;

fn size_of(transport: Transport) -> u64 {
    (33 + transport as u64) * MIB
}

/// SplitMix64, keyed and laid out as the head of `tools/prove/src/pattern.rs` describes it.
fn patterned(bytes: u64, seed: u64) -> Vec<u8> {
    const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(GAMMA);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    let key = next(&mut seed.clone());
    let mut image = Vec::new();
    for number in 0..bytes / 512 {
        let mut state = key ^ number.wrapping_mul(GAMMA).rotate_left(17);
        let mut block: Vec<u8> = (0..64).flat_map(|_| next(&mut state).to_le_bytes()).collect();
        block[..8].copy_from_slice(b"PFPROVE1");
        block[8..16].copy_from_slice(&number.to_le_bytes());
        block[16..24].copy_from_slice(&seed.to_le_bytes());
        block[504..].copy_from_slice(&(!number).to_le_bytes());
        image.extend(block);
    }
    image
}

fn blocks_that_differ(image: &Path, original: &[u8]) -> u64 {
    let now = std::fs::read(image).unwrap();
    assert_eq!(now.len(), original.len(), "the image has another size");
    now.chunks(512).zip(original.chunks(512)).filter(|(now, then)| now != then).count() as u64
}

/// What one disk went through.
struct Attacked {
    transport: Transport,
    /// The report of `pf-prove`.
    report: Value,
    /// Its exit status.
    status: i64,
    /// Counted on the host, after power-off.
    blocks_changed: u64,
    verdict: Verdict,
}

/// Attacks a patterned disk on each transport, all on one machine, blocked as it was born or as a destination.
fn attack_all(run: &str, writable: bool, options: &str) -> Vec<Attacked> {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let disks: Vec<Disk> = TRANSPORTS
        .iter()
        .map(|transport| {
            let name = format!("scratch{}", *transport as u64);
            let image = folder.path().join(&name);
            std::fs::write(&image, patterned(size_of(*transport), SEED)).unwrap();
            Disk::new(&name, *transport, image)
        })
        .collect();
    let oracle = Oracle::watch(&disks).unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap()));
    let machine = disks.iter().cloned().fold(machine, Machine::disk);
    let logs = artifacts.log_folder(run).unwrap();
    let mut guest = Guest::boot(machine, &logs).unwrap();
    let mut reports = Vec::new();
    for disk in &disks {
        let name = guest.await_disk(size_of(disk.transport)).unwrap();
        if writable {
            guest.allow(&name, &disk.serial).unwrap();
        }
        let attack = format!(
            "pf-prove attack {name} --serial {} --yes --json {options} >/run/report 2>/run/said; s=$?; \
             echo $s; [ $s -le 1 ] || cat /run/said; gzip -c /run/report | base64",
            disk.serial
        );
        let answer = guest.demand_within(&attack, ATTACK_WITHIN).unwrap();
        let (status, packed) = answer.trim_start().split_once('\n').unwrap();
        let status: i64 = status.trim().parse().unwrap();
        assert!(status <= 1, "{}: could not run: {packed}", disk.transport.name());
        let text = unpacked(packed);
        std::fs::write(logs.join(format!("{}.json", disk.transport.name())), &text).unwrap();
        reports.push((status, serde_json::from_str(&text).unwrap()));
    }
    guest.power_off().unwrap();
    let verdicts = oracle.judge(guest.emulator).unwrap();
    disks
        .into_iter()
        .zip(reports)
        .zip(verdicts)
        .map(|((disk, (status, report)), verdict)| Attacked {
            transport: disk.transport,
            report,
            status,
            blocks_changed: blocks_that_differ(&disk.image, &patterned(size_of(disk.transport), SEED)),
            verdict,
        })
        .collect()
}

/// The serial line is slow: reports come over it compressed.
fn unpacked(packed: &str) -> String {
    let mut unpack = Command::new("sh")
        .args(["-c", "base64 -d | gzip -dc"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    unpack.stdin.take().unwrap().write_all(packed.as_bytes()).unwrap();
    let output = unpack.wait_with_output().unwrap();
    assert!(output.status.success(), "the serial line was garbled");
    String::from_utf8(output.stdout).unwrap()
}

/// Names of the rows of a class that came out so.
fn rows<'r>(report: &'r Value, class: &str, verdict: &str) -> BTreeSet<&'r str> {
    let rows = report["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["class"] == class && row["verdict"] == verdict)
        .map(|row| row["name"].as_str().unwrap())
        .collect()
}

/// Commands past the block layer that write, and go through to a destination.
fn writes_of(transport: Transport) -> (&'static str, &'static [&'static str]) {
    match transport {
        Transport::Ahci => {
            ("ata", &["WRITE SECTOR(S)", "WRITE DMA EXT", "WRITE FPDMA QUEUED", "WRITE MULTIPLE"])
        }
        Transport::Nvme => ("nvme", &["Write", "Write Zeroes", "NVME_IOCTL_SUBMIT_IO, Write"]),
        _ => ("scsi", &["WRITE (6)", "WRITE (10)", "WRITE (16)", "WRITE AND VERIFY (10)", "WRITE SAME (16)"]),
    }
}

#[test]
fn the_guard_is_found_to_hold() {
    for attacked in attack_all("prove-holds", false, "--destructive --random 2000") {
        let (name, report) = (attacked.transport.name(), &attacked.report);
        eprintln!("{name}: {}", report["counts"]);
        assert_eq!(
            (attacked.status, &report["held"]),
            (0, &Value::Bool(true)),
            "{name}: {}",
            report["counts"]
        );
        let (class, expected) = writes_of(attacked.transport);
        let blocked = rows(report, class, "blocked");
        for command in expected {
            assert!(blocked.contains(command), "{name}: {command} was not even tried: {blocked:?}");
        }
        assert_eq!(report["pattern"]["changed_blocks"], 0, "{name}");
        assert_eq!(attacked.blocks_changed, 0, "{name}: blocks that differ in the image");
        assert!(attacked.verdict.bit_identical(), "{name}: the oracle's hash");
        assert_eq!(attacked.verdict.changing_operations(), 0, "{name}: the oracle's statistics");
    }
}

#[test]
fn what_gets_through_to_a_destination_is_found_and_counted_as_the_image_has_it() {
    for attacked in attack_all("prove-leaks", true, "") {
        let (name, report) = (attacked.transport.name(), &attacked.report);
        let (class, expected) = writes_of(attacked.transport);
        let changed = rows(report, class, "changed");
        eprintln!("{name}: {}; {class} changed: {changed:?}", report["counts"]);
        assert_eq!((attacked.status, &report["held"]), (1, &Value::Bool(false)), "{name}");
        for command in expected {
            assert!(changed.contains(command), "{name}: {command} was not found to write: {changed:?}");
        }
        assert!(!rows(report, "block", "changed").is_empty(), "{name}: plain writes");
        let told = report["pattern"]["changed_blocks"].as_u64().unwrap();
        assert_eq!(told, attacked.blocks_changed, "{name}: blocks told and blocks that differ in the image");
        assert!(!attacked.verdict.bit_identical(), "{name}: the oracle's hash");
        assert!(attacked.verdict.changing_operations() > 0, "{name}: the oracle's statistics");
    }
}

#[test]
fn a_disk_is_filled_with_the_pattern_and_refused_when_it_is_not_the_one_named() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let size = size_of(Transport::VirtioBlk);
    let image = folder.path().join("scratch");
    std::fs::File::create(&image).unwrap().set_len(size).unwrap();
    let disk = Disk::new("scratch", Transport::VirtioBlk, &image);
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())).disk(disk);
    let mut guest = Guest::boot(machine, &artifacts.log_folder("prove-fill").unwrap()).unwrap();
    let name = guest.await_disk(size).unwrap();
    let mut ends_with = |command: &str, status: i32| {
        let answer = guest.run(command).unwrap();
        assert_eq!(answer.status, status, "{command}: {}", answer.output);
        answer.output
    };
    ends_with(&format!("pf-prove fill {name} --serial OTHER --yes"), 2);
    ends_with(&format!("pf-prove fill {name} --serial SCRATCH"), 2);
    ends_with(&format!("pf-prove fill {name} --serial SCRATCH --yes"), 3);
    ends_with(&format!("pf-prove attack {name} --serial SCRATCH --yes"), 3);
    ends_with(&format!("pf-guard allow {name} --serial SCRATCH --yes"), 0);
    ends_with(&format!("pf-prove fill {name} --serial SCRATCH --yes --seed 9"), 0);
    guest.power_off().unwrap();
    drop(guest);
    assert_eq!(blocks_that_differ(&image, &patterned(size, 9)), 0);
}
