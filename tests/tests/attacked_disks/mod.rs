//! Scratch disks that pf-prove attacks in the guest, on one machine, and what witnesses outside say of them afterwards.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    guest::Guest,
    oracle::{Oracle, Verdict},
};
use serde_json::Value;

/// The transports that every claim about pf-prove is checked on.
pub const TRANSPORTS: [Transport; 4] =
    [Transport::Ahci, Transport::Nvme, Transport::VirtioScsi, Transport::UsbBot];
/// A catalogue of some thousand attempts, on a busy host without hardware virtualisation.
const ATTACK_WITHIN: Duration = Duration::from_secs(1500);

/// How many blocks of 512 bytes of an image are not what they were in `original`.
pub fn blocks_that_differ(image: &Path, original: &mut dyn Read) -> u64 {
    let mut now = std::fs::File::open(image).unwrap();
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut count = 0;
    loop {
        let read = now.read(&mut left).unwrap();
        if read == 0 {
            assert_eq!(original.read(&mut right).unwrap(), 0, "the image has another size");
            return count;
        }
        original.read_exact(&mut right[..read]).unwrap();
        let pairs = left[..read].chunks(512).zip(right[..read].chunks(512));
        count += pairs.filter(|(now, then)| now != then).count() as u64;
    }
}

/// What one disk went through.
pub struct Attacked {
    pub transport: Transport,
    /// The report of `pf-prove`.
    pub report: Value,
    /// Its exit status.
    pub status: i64,
    /// Counted on the host, after power-off.
    pub blocks_changed: u64,
    pub verdict: Verdict,
}

impl Attacked {
    /// Names of the rows of a class that came out so.
    pub fn rows(&self, class: &str, verdict: &str) -> BTreeSet<&str> {
        let rows = self.report["rows"].as_array().unwrap().iter();
        rows.filter(|row| row["class"] == class && row["verdict"] == verdict)
            .map(|row| row["name"].as_str().unwrap())
            .collect()
    }

    /// Its report says that the block held, and no witness outside has seen anything else.
    pub fn assert_held(&self) {
        let (name, report) = (self.transport.name(), &self.report);
        assert_eq!((self.status, &report["held"]), (0, &Value::Bool(true)), "{name}: {}", self.objections());
        assert_eq!(report["pattern"]["changed_blocks"], 0, "{name}");
        assert_eq!(self.blocks_changed, 0, "{name}: blocks that differ in the image");
        assert!(self.verdict.bit_identical(), "{name}: the oracle's hash");
        assert_eq!(self.verdict.changing_operations(), 0, "{name}: the oracle's statistics");
    }

    /// It says that the block did not hold, and counts as many changed blocks as differ in the image.
    pub fn assert_leaked_as_told(&self) {
        let (name, report) = (self.transport.name(), &self.report);
        assert_eq!((self.status, &report["held"]), (1, &Value::Bool(false)), "{name}");
        let told = report["pattern"]["changed_blocks"].as_u64().unwrap();
        assert_eq!(told, self.blocks_changed, "{name}: blocks told and blocks that differ in the image");
        assert!(!self.verdict.bit_identical(), "{name}: the oracle's hash");
        assert!(self.verdict.changing_operations() > 0, "{name}: the oracle's statistics");
    }

    fn objections(&self) -> String {
        let rows = self.report["rows"].as_array().unwrap().iter();
        let failing =
            rows.filter(|row| row["verdict"] == "changed" || row["verdict"] == "accepted-nothing-changed");
        let rows: Vec<String> =
            failing.map(|row| format!("{}: {} {}", row["name"], row["answer"], row["changes"])).collect();
        format!("{} {} {}", self.report["counts"], rows.join("; "), self.report["state_changes"])
    }
}

/// Attacks a disk on each transport, all on one machine, blocked as it was born or as a destination. `fill` puts into the image
/// what `original` gives again afterwards.
pub fn attack_all(
    run: &str,
    writable: bool,
    options: &str,
    fill: &dyn Fn(Transport, &Path),
    original: &dyn Fn(Transport) -> Box<dyn Read>,
) -> Vec<Attacked> {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let disks: Vec<Disk> = TRANSPORTS
        .iter()
        .map(|transport| {
            let name = format!("scratch{}", *transport as u64);
            let image = folder.path().join(&name);
            fill(*transport, &image);
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
        let name = await_serial(&mut guest, &disk.serial);
        if writable {
            guest.allow(&name, &disk.serial).unwrap();
        }
        let attack = format!(
            "pf-prove attack {name} --serial {} --yes --json {options} >/run/report 2>/run/said; s=$?; \
             echo $s; [ $s -le 1 ] || cat /run/said; gzip -c /run/report | base64",
            disk.serial
        );
        let begun = std::time::Instant::now();
        let answer = guest.demand_within(&attack, ATTACK_WITHIN).unwrap();
        eprintln!("{}: {} s", disk.transport.name(), begun.elapsed().as_secs());
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
            blocks_changed: blocks_that_differ(&disk.image, &mut original(disk.transport)),
            verdict,
        })
        .collect()
}

/// The name of the disk with this serial; disks of one size can't be told apart otherwise.
pub fn await_serial(guest: &mut Guest, serial: &str) -> String {
    let look = r#"pf-devices --json | sed -n 's/^ *"\(name\|serial\)": "\(.*\)",$/\1 \2/p'"#;
    for _ in 0..60 {
        let listing = guest.demand(look).unwrap();
        let mut lines = listing.lines().skip_while(|line| line.trim() != format!("serial {serial}"));
        if let Some(name) = lines.nth(1).and_then(|line| line.trim().strip_prefix("name ")) {
            return name.into();
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("no disk with the serial {serial} turned up");
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
