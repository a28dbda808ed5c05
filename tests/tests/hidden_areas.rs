//! What disks say of themselves: pf-devices agrees with other people's programs on the same disks, asks nothing that the guard
//! refuses and nothing that changes a disk; pf-acquire warns before it reads, and records it.
//!
//! The emulator has no disk with a host protected area, a configuration overlay, a password or a lock, and can't plug an
//! eMMC: those answers are tested as bytes of the standards beside the code that reads them.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{path::Path, time::Duration};

use harness::{
    artifacts::Artifacts,
    command_tables::{CommandSet, Effect},
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB, noise},
    guest::Guest,
    oracle::sha256_of,
    toolbox,
    trace::{Command, Sender},
};
use serde_json::{Value, json};

const AHCI: u64 = 35 * MIB;
const AHCI_WITHOUT_DISCARD: u64 = 36 * MIB;
const PLAIN_NAMESPACE: u64 = 37 * MIB;
const DETACHED_NAMESPACE: u64 = 38 * MIB;
const PROTECTED_NAMESPACE: u64 = 39 * MIB;
const METADATA_NAMESPACE: u64 = 40 * MIB;
const SCSI: u64 = 41 * MIB;
const USB: u64 = 42 * MIB;
const SD: u64 = 32 * MIB;
const DESTINATION: u64 = 256 * MIB;

fn disk(folder: &Path, name: &str, transport: Transport, bytes: u64) -> Disk {
    let image = folder.join(name);
    std::fs::write(&image, noise(usize::try_from(bytes).unwrap())).unwrap();
    Disk::new(name, transport, image)
}

/// A namespace behind the one NVMe controller; its image has room for the metadata too.
fn namespace(folder: &Path, name: &str, id: u32, bytes: u64) -> Disk {
    disk(folder, name, Transport::NvmeNamespace, bytes).behind("controller").with_property("nsid", id)
}

struct Bench {
    disks: Vec<Disk>,
    guest: Guest,
    _folder: tempfile::TempDir,
}

fn boot(run: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let destination = Disk::new("destination", Transport::UsbBot, path.join("destination")).on_port(2);
    let partitions = vec![(FileSystem::EmptyExt4, DESTINATION / MIB - 2)];
    Layout { label: Label::Mbr, partitions }.build(&destination.image, DESTINATION).unwrap();
    let disks = vec![
        disk(path, "ahci", Transport::Ahci, AHCI).with_property("discard_granularity", 512),
        disk(path, "old", Transport::Ahci, AHCI_WITHOUT_DISCARD)
            .on_port(2)
            .with_property("discard_granularity", 0),
        namespace(path, "plain", 1, PLAIN_NAMESPACE),
        namespace(path, "detached", 2, DETACHED_NAMESPACE).with_property("detached", true),
        namespace(path, "protected", 3, PROTECTED_NAMESPACE).with_property("ms", 8).with_property("pi", 1),
        namespace(path, "metadata", 4, METADATA_NAMESPACE).with_property("ms", 16),
        disk(path, "scsi", Transport::VirtioScsi, SCSI).with_property("discard_granularity", 4096),
        disk(path, "usb", Transport::UsbBot, USB),
        disk(path, "sd", Transport::Sd, SD),
    ];
    let tools = path.join("toolbox");
    toolbox::build(&tools).unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(Artifacts::of_this_build().kernel().unwrap()))
        .controller(json!({ "driver": "nvme-subsys", "id": "subsystem" }))
        .controller(json!({ "driver": "nvme", "id": "controller", "serial": "CTRL", "subsys": "subsystem" }))
        .toolbox(tools)
        .disk(destination);
    let machine = disks.iter().cloned().fold(machine, Machine::disk);
    let logs = Artifacts::of_this_build().log_folder(run).unwrap();
    let mut guest = Guest::boot(machine, &logs).unwrap();
    guest.open_toolbox().unwrap();
    Bench { disks, guest, _folder: folder }
}

impl Bench {
    fn tool(&mut self, command: &str) -> String {
        self.guest.demand(&Guest::with_tool(command)).unwrap()
    }

    fn list(&mut self) -> Vec<Value> {
        let text = self.guest.demand("pf-devices --json --no-content").unwrap();
        let report: Value = serde_json::from_str(&text).unwrap();
        report["disks"].as_array().unwrap().clone()
    }

    fn refusals(&mut self) -> String {
        let all = "grep -v '^0$' /sys/block/*/guard/refused";
        self.guest.run(all).unwrap().output.trim().to_string()
    }

    fn program_commands(&self) -> Vec<Command> {
        let mut commands = self.guest.emulator.trace_so_far().unwrap();
        commands.retain(|command| command.sender == Sender::Kernel);
        commands
    }
}

fn area<'a>(disk: &'a Value, kind: &str) -> &'a Value {
    let areas = disk["self_report"]["areas"].as_array().unwrap();
    areas.iter().find(|area| area["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {areas:#?}"))
}

fn count(commands: &[Command], set: CommandSet, opcode: u8, selector: u16) -> usize {
    let is_it = |c: &&Command| (c.set, c.opcode, c.selector) == (set, opcode, selector);
    commands.iter().filter(is_it).count()
}

#[test]
fn what_disks_say_of_themselves_is_what_other_programs_read_and_no_disk_is_changed() {
    let mut bench = boot("hidden-areas");
    let before: Vec<String> = bench.disks.iter().map(|disk| sha256_of(&disk.image).unwrap()).collect();
    let name_of = |bench: &mut Bench, bytes| bench.guest.await_disk(bytes).unwrap();
    let (ahci, old) = (name_of(&mut bench, AHCI), name_of(&mut bench, AHCI_WITHOUT_DISCARD));
    let plain = name_of(&mut bench, PLAIN_NAMESPACE);
    let (scsi, usb, sd) = (name_of(&mut bench, SCSI), name_of(&mut bench, USB), name_of(&mut bench, SD));
    let refused_before = bench.refusals();
    let asked_before = bench.program_commands();
    let disks = bench.list();
    let asked = bench.program_commands();
    let named =
        |name: &str| disks.iter().find(|disk| disk["name"] == name).unwrap_or_else(|| panic!("{name}"));

    // The guard refused nothing of it, and nothing of it changes a disk in the oracle's own tables.
    assert_eq!(bench.refusals(), refused_before);
    let odd: Vec<&Command> =
        asked.iter().filter(|c| matches!(c.effect(), Effect::Modifies | Effect::Unlisted)).collect();
    assert!(odd.is_empty(), "{odd:?}");
    let more = |set, opcode, selector| {
        count(&asked, set, opcode, selector) - count(&asked_before, set, opcode, selector)
    };
    assert_eq!(more(CommandSet::Ata, 0xEC, 0), 2, "IDENTIFY DEVICE of two disks");
    assert_eq!(more(CommandSet::Ata, 0x27, 0), 2, "READ NATIVE MAX ADDRESS EXT of two disks");
    assert_eq!(more(CommandSet::Ata, 0xB0, 0xDA), 2, "SMART RETURN STATUS of two disks");
    assert!(more(CommandSet::NvmeAdmin, 0x06, 0) > 3, "Identify");

    ata_disks_agree_with_hdparm(&mut bench, named(&ahci), named(&old));
    namespaces_agree_with_nvme_cli(&mut bench, named(&plain), &disks);
    scsi_disks_agree_with_sg_vpd(&mut bench, named(&scsi), named(&usb));
    discards_agree_with_lsblk(&mut bench, &disks);
    assert_eq!(area(named(&sd), "card-protected-area")["finding"], "none");

    let screen = bench.guest.demand("pf-devices --no-content").unwrap();
    eprintln!("{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("WARNING: unattached namespaces: namespace 2 (38.0 MiB) is allocated"),
        "{screen}"
    );
    let silent = bench.guest.demand("pf-devices --no-content --no-questions").unwrap();
    assert!(!silent.contains("unknown:") && !silent.contains("namespace 2"), "{silent}");

    bench.guest.power_off().unwrap();
    bench.guest.emulator.quit().unwrap();
    let after: Vec<String> = bench.disks.iter().map(|disk| sha256_of(&disk.image).unwrap()).collect();
    assert_eq!(before, after);
}

fn ata_disks_agree_with_hdparm(bench: &mut Bench, ahci: &Value, old: &Value) {
    for (disk, bytes) in [(ahci, AHCI), (old, AHCI_WITHOUT_DISCARD)] {
        let node = disk["path"].as_str().unwrap();
        let native = bench.tool(&format!("hdparm -N {node}"));
        let sectors = bytes / 512;
        assert!(native.contains(&format!("max sectors   = {sectors}/{sectors}")), "{native}");
        assert_eq!(area(disk, "host-protected-area")["finding"], "none");
        // QEMU has neither of the other two sets, and says so.
        assert_eq!(area(disk, "device-configuration-overlay")["finding"], "none");
        assert_eq!(area(disk, "accessible-max-address")["finding"], "none");

        let told = bench.tool(&format!("hdparm -I {node}"));
        let report = &disk["self_report"];
        assert_eq!(report["ata_security"]["finding"] == "found", told.contains("Security:"), "{told}");
        // hdparm -I shows TRIM of newer standards only than QEMU claims; the words themselves have it.
        let words = identify_words(&bench.tool(&format!("hdparm --Istdout {node}")));
        let has = |word: usize, bit: u32| words[word] >> bit & 1 == 1;
        assert_eq!(report["trim"]["finding"] == "found", has(169, 0));
        assert_eq!(report["trim"]["reads"] == "zeros", has(169, 0) && has(69, 14) && has(69, 5));
        assert_eq!(u64::from(words[100]) | u64::from(words[101]) << 16, sectors);
        assert_eq!(area(disk, "beyond-capacity")["finding"], "none");
        assert_eq!(report["health"]["failing"], false);
    }
    assert_eq!(ahci["self_report"]["trim"]["finding"], "found");
    assert_eq!(old["self_report"]["trim"]["finding"], "none");
}

/// The 256 words that hdparm prints as they came.
fn identify_words(text: &str) -> Vec<u16> {
    let word = |word: &str| (word.len() == 4).then(|| u16::from_str_radix(word, 16).ok()).flatten();
    let words: Vec<u16> = text
        .lines()
        .filter(|line| !line.contains('/'))
        .flat_map(str::split_whitespace)
        .filter_map(word)
        .collect();
    assert_eq!(words.len(), 256, "{text}");
    words
}

/// The number that stands behind `field` in a line of nvme-cli's text.
fn number_after(text: &str, field: &str) -> u64 {
    let line = text.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
    let value = line.split_once(':').unwrap().1.trim();
    match value.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None => value.split_whitespace().next().unwrap().replace(',', "").parse().unwrap(),
    }
}

fn namespaces_agree_with_nvme_cli(bench: &mut Bench, plain: &Value, disks: &[Value]) {
    let ids = |text: &str| -> Vec<u64> {
        let value = |line: &str| u64::from_str_radix(line.rsplit_once(":0x")?.1.trim(), 16).ok();
        text.lines().filter_map(value).collect()
    };
    let (active, all) = (bench.tool("nvme list-ns /dev/nvme0"), bench.tool("nvme list-ns /dev/nvme0 --all"));
    assert_eq!((ids(&active), ids(&all)), (vec![1, 3, 4], vec![1, 2, 3, 4]), "{active}{all}");
    let hidden = area(plain, "unattached-namespace");
    assert_eq!(hidden["finding"], "found");
    assert_eq!(hidden["size"], DETACHED_NAMESPACE);
    assert!(hidden["what"].as_str().unwrap().starts_with("namespace 2 "), "{hidden}");
    let detached = bench.tool("nvme id-ns /dev/nvme0 --namespace-id=2 --force");
    assert_eq!(number_after(&detached, "nsze"), DETACHED_NAMESPACE / 512, "{detached}");

    assert_eq!(area(plain, "block-metadata")["finding"], "none");
    let with_metadata = |bytes: u64| {
        let is_it = |disk: &&Value| {
            disk["name"].as_str().is_some_and(|name| name.starts_with("nvme"))
                && area(disk, "block-metadata")["what"]
                    .as_str()
                    .is_some_and(|what| what.starts_with(&format!("{bytes} bytes beside each block of 512")))
        };
        disks.iter().find(is_it).unwrap_or_else(|| panic!("none with {bytes} bytes"))
    };
    for (metadata, id) in [(8, 3), (16, 4)] {
        let disk = with_metadata(metadata);
        let said = bench.tool(&format!("nvme id-ns /dev/nvme0 --namespace-id={id}"));
        let in_use = said.lines().find(|line| line.contains("(in use)")).unwrap();
        assert!(in_use.contains(&format!("ms:{metadata} ")), "{in_use}");
        assert_eq!(area(disk, "block-metadata")["size"], number_after(&said, "nsze") * metadata);
        // The kernel strips protection information, and has no use for a namespace with other metadata.
        let is_readable = disk["capacity"].as_u64().unwrap() > 0;
        let what = area(disk, "block-metadata")["what"].as_str().unwrap().to_string();
        assert_eq!((is_readable, what.contains("can't read")), (metadata == 8, metadata != 8), "{what}");
    }

    let controller = bench.tool("nvme id-ctrl /dev/nvme0");
    let (total, free) = (number_after(&controller, "tnvmcap"), number_after(&controller, "unvmcap"));
    let unallocated = area(plain, "unallocated-capacity");
    match (total, free) {
        (0, _) => assert_eq!(unallocated["finding"], "unknown", "{controller}"),
        (_, 0) => assert_eq!(unallocated["finding"], "none", "{controller}"),
        (_, free) => assert_eq!(unallocated["size"], free, "{controller}"),
    }
    let namespace = bench.tool("nvme id-ns /dev/nvme0 --namespace-id=1");
    let reads = match number_after(&namespace, "dlfeat") & 7 {
        1 => "zeros",
        2 => "ones",
        _ => "unspecified",
    };
    assert_eq!(plain["self_report"]["trim"]["reads"], reads, "{namespace}");
    let smart = bench.tool("nvme smart-log /dev/nvme0");
    let health = &plain["self_report"]["health"];
    for (field, reading) in [
        ("available_spare", "spare-percent"),
        ("percentage_used", "used-percent"),
        ("media_errors", "media-errors"),
    ] {
        let line = smart.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
        let value: i64 = line.split_once(':').unwrap().1.trim().trim_end_matches('%').parse().unwrap();
        assert_eq!(health["readings"][reading], value, "{smart}");
    }
    assert_eq!(health["failing"], number_after(&smart, "critical_warning") != 0, "{smart}");
}

fn scsi_disks_agree_with_sg_vpd(bench: &mut Bench, scsi: &Value, usb: &Value) {
    let node = scsi["path"].as_str().unwrap();
    let page = bench.tool(&format!("sg_vpd --page=lbpv {node}"));
    let zeros = page.lines().find(|line| line.contains("LBPRZ")).unwrap();
    assert!(page.contains("LBPU): 1"), "{page}");
    assert_eq!(scsi["self_report"]["trim"]["finding"], "found");
    assert_eq!(scsi["self_report"]["trim"]["reads"] == "zeros", zeros.trim_end().ends_with('1'), "{page}");
    assert_eq!(area(scsi, "beyond-capacity")["finding"], "unknown");
    assert_eq!(area(scsi, "block-metadata")["finding"], "none");
    // A bridge that says nothing of ATA: not asked, and not taken for a disk that hides nothing.
    let finding = area(usb, "beyond-capacity");
    assert_eq!(finding["finding"], "unknown");
    assert!(finding["reason"].as_str().unwrap().contains("IDENTIFY DEVICE"), "{finding}");
    assert_eq!(usb["self_report"]["ata_security"]["finding"], "unknown");
}

/// lsblk takes what the kernel made of the same answers.
fn discards_agree_with_lsblk(bench: &mut Bench, disks: &[Value]) {
    let listing = bench.tool("lsblk -b -d -n -o NAME,DISC-MAX");
    let mut compared = 0;
    for line in listing.lines() {
        let Some((name, most)) = line.trim().split_once(char::is_whitespace) else { continue };
        let Some(disk) = disks.iter().find(|disk| disk["name"] == name) else { continue };
        let trim = &disk["self_report"]["trim"]["finding"];
        if trim == "unknown" || disk["capacity"] == 0 {
            continue;
        }
        assert_eq!(trim == "found", most.trim() != "0", "{name}: {listing}");
        compared += 1;
    }
    assert!(compared >= 5, "{compared} of {listing}");
}

#[test]
fn an_acquisition_warns_of_what_the_image_will_not_hold_and_records_it() {
    let mut bench = boot("hidden-acquire");
    let source = bench.guest.await_disk(PLAIN_NAMESPACE).unwrap();
    let target = bench.guest.await_disk(DESTINATION).unwrap();
    bench.guest.allow(&target, "DESTINATION").unwrap();
    let partition = Guest::partition(&target, 1);
    bench.guest.demand(&format!("mkdir -p /mnt/d && mount -t ext4 /dev/{partition} /mnt/d")).unwrap();
    let acquire = format!("pf-acquire /dev/{source} --to /mnt/d --hash md5 --name ns 2>&1");
    let told = bench.guest.demand_within(&acquire, Duration::from_secs(180)).unwrap();
    let warning =
        "unattached namespaces: namespace 2 (38.0 MiB) is allocated, but not attached: not in an image";
    let (warned, imaged) = (told.find(warning), told.find("imaging"));
    assert!(warned.is_some(), "{told}");
    assert!(imaged.is_none_or(|imaged| warned.unwrap() < imaged), "before the read begins: {told}");
    assert!(told.contains(&format!("WARNING     {warning}")), "and in the result: {told}");

    let record = bench.guest.demand("cat /mnt/d/ns.record.jsonl").unwrap();
    let entries: Vec<Value> = record.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    // What the machine and the disk say stands before anything that was done.
    let kinds: Vec<&Value> = entries.iter().take(3).map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["acquisition-opened", "measured-boot", "hidden-areas"]);
    let hidden =
        entries[2]["areas"].as_array().unwrap().iter().find(|a| a["kind"] == "unattached-namespace").unwrap();
    assert_eq!((&hidden["finding"], &hidden["size"]), (&json!("found"), &json!(DETACHED_NAMESPACE)));
    bench.guest.demand("pf-verify /mnt/d/ns.E01").unwrap();
}
