//! Doors around the command gates: none of them is there, or it is shut, for root too.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use harness::{
    HarnessError,
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Firmware, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB},
    guest::Guest,
    oracle::Oracle,
    toolbox,
};
use serde_json::json;

const BYTES: u64 = 24 * MIB;

/// Nodes and files by which other kernels let root at hardware, firmware or another kernel.
const ABSENT: [&str; 16] = [
    "/dev/mem",
    "/dev/kmem",
    "/dev/port",
    "/dev/nvram",
    "/dev/cpu",
    "/dev/vfio",
    "/dev/uio0",
    "/dev/tpm0",
    "/dev/bsg",
    "/dev/mapper",
    "/sys/module/scsi_mod/parameters/default_dev_flags",
    "/dev/efi_capsule_loader",
    "/proc/kcore",
    "/proc/modules",
    "/proc/scsi",
    "/sys/bus/nvmem/devices",
];

/// What a script does that must fail, and one of the words that it must fail with.
const SHUT: [(&str, &[&str], &str); 14] = [
    ("set the clock chip", &["not permitted"], "hwclock -w"),
    ("set an alarm", &["not permitted"], "echo +3600 >/sys/class/rtc/rtc0/wakealarm"),
    ("mount the firmware's variables", &["No such device"], "mount -t efivarfs none /mnt"),
    ("mount debugfs", &["No such device"], "mount -t debugfs none /mnt"),
    ("load a module", &["does not support"], "echo x >/run/m.ko; insmod /run/m.ko"),
    (
        "write a PCI device's configuration",
        &["not permitted"],
        "for d in /sys/bus/pci/devices/*; do printf '\\0' | dd of=$d/config bs=1 seek=60 conv=notrunc || exit 1; done",
    ),
    (
        "write a PCI device's registers",
        &["not permitted", "Input/output error", "Permission denied", "nvalid argument"],
        "for r in /sys/bus/pci/devices/*/resource[0-5]; do dd if=/dev/zero of=$r bs=4 count=1 conv=notrunc || exit 1; done",
    ),
    (
        "switch a disk's cache",
        &["nvalid argument", "not permitted", "Input/output error", "Remote I/O error"],
        "for c in /sys/class/scsi_disk/*/cache_type; do echo 'write through' >$c || exit 1; done",
    ),
    (
        "drive a USB device",
        &["not permitted"],
        "for u in $(find /dev/bus/usb -type c); do : <$u || exit 1; done",
    ),
    (
        "give a USB driver devices that are not its own",
        &["not permitted"],
        "for d in /sys/bus/usb/drivers/*/new_id; do echo dead beef >$d || exit 1; done",
    ),
    (
        "give a PCI driver devices that are not its own",
        &["not permitted"],
        "for d in /sys/bus/pci/drivers/*/new_id; do echo dead beef >$d || exit 1; done",
    ),
    ("watch with the kernel's tracer", &["No such device"], "mount -t tracefs none /mnt"),
    (
        "start another kernel",
        &["CONFIG_KEXEC is not set"],
        "zcat /proc/config.gz | grep -E 'CONFIG_KEXEC(_FILE)?[= ]'; zcat /proc/config.gz | grep -q '^CONFIG_KEXEC'",
    ),
    (
        "lift the lockdown",
        &["Permission denied", "not permitted", "[integrity]"],
        "cat /sys/kernel/security/lockdown; echo none >/sys/kernel/security/lockdown",
    ),
];

/// How long a kernel that sets the clock chip behind NTP takes to do it, twice over.
const CLOCK_IS_SET_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn what_drivers_do_for_others_is_shut_as_well() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("toolbox");
    toolbox::build(&tools).unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap()))
        .toolbox(&tools)
        .controller(json!({ "driver": "e1000e" }));
    let mut guest = Guest::boot(machine, &artifacts.log_folder("doors-of-drivers").unwrap()).unwrap();
    guest.open_toolbox().unwrap();
    let tool = |words: &str| Guest::with_tool(words);

    // The adapter's memory can be read: the way there works, only not for writing.
    let read = tool("ethtool -e eth0 offset 0 length 6");
    let before = guest.demand(&read).unwrap();
    let magic =
        guest.demand("cd /sys/class/net/eth0/device && echo $(cat device)$(cut -c3- vendor)").unwrap();
    for words in [
        format!("ethtool -E eth0 magic {} offset 0 value 0x55", magic.trim()),
        "ethtool -f eth0 firmware".to_owned(),
    ] {
        let answer = guest.run(&tool(&words)).unwrap();
        assert!(!answer.succeeded() && answer.output.contains("not permitted"), "{words}: {answer:?}");
    }
    assert_eq!(guest.demand(&read).unwrap(), before);

    // A clock that is told to be in step with NTP's is written into the chip by other kernels.
    guest.demand(&tool("adjtimex --status 1 --maxerror 1000")).unwrap();
    let status = guest.demand(&tool("adjtimex --print")).unwrap();
    assert!(status.contains("status: 1\n"), "the clock is not in step: {status}");
    let set = guest.emulator.qmp.await_event("RTC_CHANGE", CLOCK_IS_SET_WITHIN, |_| true);
    assert!(matches!(set, Err(HarnessError::Deadline { .. })), "the clock chip was set: {set:?}");

    let told = guest.demand("cat /run/guard-events").unwrap();
    for door in ["op=ethtool-eeprom ", "op=ethtool-flash "] {
        assert!(told.contains(door), "no event tells of {door}: {told}");
    }
    guest.power_off().unwrap();
}

#[test]
fn every_door_around_the_gates_is_shut() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("evidence");
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::Fat, 12)] }.build(&image, BYTES).unwrap();
    let evidence = Disk::new("evidence", Transport::UsbBot, image);
    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
    // UEFI, so that its variables are there to be asked for.
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap()))
        .firmware(Firmware::Uefi)
        .disk(evidence);
    let mut guest = Guest::boot(machine, &artifacts.log_folder("doors").unwrap()).unwrap();
    guest.await_disk(BYTES).unwrap();

    let mut open = Vec::new();
    for path in ABSENT {
        // /dev is made by the kernel; an empty folder leads nowhere.
        if guest.run(&format!("[ -n \"$(ls -A {path} 2>/dev/null)\" ]")).unwrap().succeeded() {
            open.push(format!("{path} is there"));
        }
    }
    for (deed, words, script) in SHUT {
        let answer = guest.run(script).unwrap();
        if answer.succeeded() || !words.iter().any(|word| answer.output.contains(word)) {
            open.push(format!("{deed}: ended with {} and said {:?}", answer.status, answer.output));
        }
    }
    let told = guest.demand("cat /run/guard-events").unwrap();
    for door in ["op=rtc-time ", "op=rtc-alarm ", "op=usbfs ", "op=usb-new-id ", "op=pci-new-id "] {
        if !told.contains(door) {
            open.push(format!("no event tells of {door}"));
        }
    }
    guest.power_off().unwrap();
    for verdict in oracle.judge(guest.emulator).unwrap() {
        verdict.assert_untouched();
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}
