//! Every way of booting reaches the root shell with every disk blocked, and leaves the disks as they were.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Emulator, Firmware, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB},
    guest::Guest,
    host_program::HostProgram,
    oracle::Oracle,
    screen::Picture,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const EVIDENCE_BYTES: u64 = 24 * MIB;
/// A stick is found seconds after the shell is there.
const DISKS_WITHIN: Duration = Duration::from_secs(30);

fn comes_up_with_every_disk_blocked(run: &str, firmware: Firmware, boot: Boot) {
    let artifacts = Artifacts::of_this_build();
    let logs = artifacts.log_folder(run).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("evidence");
    let partitions = vec![(FileSystem::Fat, 6), (FileSystem::Ext4DirtyJournal, 12)];
    Layout { label: Label::Gpt, partitions }.build(&image, EVIDENCE_BYTES).unwrap();
    let evidence = Disk::new("evidence", Transport::Ahci, image);
    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
    // The evidence, and the stick or CD that is booted from.
    let disks = if matches!(boot, Boot::Kernel(_)) { 1 } else { 2 };
    let machine = Machine::new(Chipset::Q35, boot).firmware(firmware).disk(evidence);
    let mut guest = Guest::boot(machine, &logs).unwrap();

    assert_eq!(guest.demand("cat /sys/kernel/security/evidence_guard/version").unwrap().trim(), "2");
    // The kernel's tables are those that were read from its sources, and published.
    let policy = guest.demand("sha256sum < /sys/kernel/security/evidence_guard/policy").unwrap();
    let published = artifacts.manifest().unwrap();
    assert_eq!(policy.split_whitespace().next(), published["kernel"]["policy_sha256"].as_str());
    let efi = guest.run("[ -d /sys/firmware/efi ]").unwrap().succeeded();
    assert_eq!(efi, firmware == Firmware::Uefi, "booted through the other firmware");
    guest.await_disk(EVIDENCE_BYTES).unwrap();
    let states = states_of_all_disks(&mut guest, disks);
    assert!(states.iter().all(|state| state == "blocked"), "{states:?}");
    let mounted = guest.demand("cat /proc/mounts").unwrap();
    assert!(!mounted.contains("/dev/sd") && !mounted.contains("/dev/sr"), "something is mounted: {mounted}");

    let lit = lit_pixels(&mut guest, &logs);
    assert!(lit > LEAST_LIT, "the screen shows nothing: {lit} lit pixels");
    eprintln!("{run}: {} s from power-on to here, {lit} lit pixels", guest.emulator.running_for().as_secs());
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();
}

/// The guard's word for each disk that is backed by a device, "none" where it has none; waits until so many are there.
fn states_of_all_disks(guest: &mut Guest, disks: usize) -> Vec<String> {
    let look = "for device in /sys/block/*/device; do disk=${device%/device}; \
                cat $disk/guard/state 2>/dev/null || echo none; done";
    let begun = Instant::now();
    loop {
        let said = guest.demand(look).unwrap();
        let states: Vec<String> = said.split_whitespace().map(str::to_owned).collect();
        if states.len() == disks {
            return states;
        }
        assert!(
            begun.elapsed() < DISKS_WITHIN,
            "{disks} disks are attached, but of this many is told: {states:?}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// An initramfs beside the built-in one, unpacked over it, could put anything into the system, process 1 too.
fn takes_no_initramfs_of_the_boot_loader(run: &str, firmware: Firmware) {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let script = format!(
        "cd {} && echo planted > planted && echo planted | busybox cpio -o -H newc > {}",
        folder.path().display(),
        archive.display()
    );
    HostProgram::new("sh", "dash").unwrap().args(["-c", &script]).run().unwrap();
    let boot = Boot::KernelWithInitramfs(artifacts.kernel().unwrap(), archive);
    let machine = Machine::new(Chipset::Q35, boot).firmware(firmware);
    let mut guest = Guest::boot(machine, &artifacts.log_folder(run).unwrap()).unwrap();
    let efi = guest.run("[ -d /sys/firmware/efi ]").unwrap().succeeded();
    assert_eq!(efi, firmware == Firmware::Uefi, "booted through the other firmware");
    // A kernel that looks for it and fails says so; it takes memory for it that is not its own any more, too.
    for complaint in ["Initramfs", "BUG:"] {
        assert!(!guest.boot_log.contains(complaint), "{}", guest.boot_log);
    }
    assert!(!guest.run("[ -e /planted ]").unwrap().succeeded(), "the boot loader's initramfs was unpacked");
    // Under BIOS the kernel sees that there was one; under UEFI it does not ask.
    if firmware == Firmware::Bios {
        let log = guest.demand("dmesg").unwrap();
        assert!(log.contains("boot loader's initramfs not taken"), "none was handed over: {log}");
    }
    guest.power_off().unwrap();
}

#[test]
fn an_initramfs_of_the_boot_loader_is_not_taken_under_bios() {
    takes_no_initramfs_of_the_boot_loader("boot-initramfs-bios", Firmware::Bios);
}

#[test]
fn an_initramfs_of_the_boot_loader_is_not_taken_under_uefi() {
    takes_no_initramfs_of_the_boot_loader("boot-initramfs-uefi", Firmware::Uefi);
}

fn iso() -> PathBuf {
    Artifacts::of_this_build().iso().unwrap()
}

#[test]
fn the_bare_kernel_boots() {
    let kernel = Artifacts::of_this_build().kernel().unwrap();
    comes_up_with_every_disk_blocked("boot-kernel", Firmware::Bios, Boot::Kernel(kernel));
}

#[test]
fn a_usb_stick_boots_under_bios() {
    comes_up_with_every_disk_blocked("boot-bios-usb", Firmware::Bios, Boot::UsbStick(iso()));
}

#[test]
fn a_cd_boots_under_bios() {
    comes_up_with_every_disk_blocked("boot-bios-cd", Firmware::Bios, Boot::Cd(iso()));
}

#[test]
fn a_usb_stick_boots_under_uefi() {
    comes_up_with_every_disk_blocked("boot-uefi-usb", Firmware::Uefi, Boot::UsbStick(iso()));
}

#[test]
fn a_cd_boots_under_uefi() {
    comes_up_with_every_disk_blocked("boot-uefi-cd", Firmware::Uefi, Boot::Cd(iso()));
}

/// A screen with text has thousands of lit pixels, a dead one none.
const LEAST_LIT: usize = 500;

/// How many pixels are lit, once the console has drawn itself: the serial line may be first.
fn lit_pixels(guest: &mut Guest, logs: &Path) -> usize {
    let begun = Instant::now();
    loop {
        let lit = Picture::take(&mut guest.emulator.qmp, logs).unwrap().lit_pixels();
        if lit > LEAST_LIT || begun.elapsed() > Duration::from_secs(30) {
            return lit;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// From the menu to the shell.
const BOOT_WITHIN: Duration = Duration::from_secs(180);
/// What the menu shows as long as it waits, and how long the way to it may take.
const MENU: (&str, Duration) = ("automatically in", Duration::from_secs(900));

/// A machine whose menu waits.
fn at_the_menu(logs: &Path, firmware: Firmware) -> Emulator {
    let machine = Machine::new(Chipset::Q35, Boot::UsbStick(iso())).firmware(firmware);
    let mut emulator = machine.start(logs).unwrap();
    emulator.shell.await_text(MENU.0, MENU.1).unwrap();
    emulator
}

/// The size of the picture that the kernel has by the menu's entry with this key, empty for text.
fn picture_of_entry(run: &str, firmware: Firmware, entry: &str) -> String {
    let logs = Artifacts::of_this_build().log_folder(run).unwrap();
    let mut emulator = at_the_menu(&logs, firmware);
    emulator.shell.press(entry).unwrap();
    let mut guest = Guest::take_over(emulator, BOOT_WITHIN).unwrap();
    let size = guest.run("cat /sys/class/graphics/fb0/virtual_size").unwrap();
    assert_eq!(size.succeeded(), guest.run("[ -e /dev/fb0 ]").unwrap().succeeded());
    let lit = lit_pixels(&mut guest, &logs);
    assert!(lit > LEAST_LIT, "the screen shows nothing: {lit} lit pixels");
    guest.power_off().unwrap();
    if size.succeeded() { size.output.trim().to_owned() } else { String::new() }
}

#[test]
fn under_bios_the_default_is_a_picture_and_the_second_entry_is_text() {
    assert_eq!(picture_of_entry("entry-bios-default", Firmware::Bios, "1"), "1024,768");
    assert_eq!(picture_of_entry("entry-bios-text", Firmware::Bios, "2"), "");
}

#[test]
fn the_third_entry_opens_the_console_on_the_serial_port() {
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let run = format!("entry-serial-{}", firmware.name().to_lowercase());
        let logs = Artifacts::of_this_build().log_folder(&run).unwrap();
        let mut emulator = at_the_menu(&logs, firmware);
        emulator.shell.press("3").unwrap();
        // Without a key on the line; the prompt of the others is not passed. What stands before are process 1's own words.
        emulator.shell.await_text(harness::start_time::SYSTEM_IS_UP, MENU.1).unwrap();
        let before = emulator.shell.await_text(harness::start_time::CONSOLE, MENU.1).unwrap();
        assert!(!before.contains("Enter opens the console"), "{before}");
        emulator.quit().unwrap();
    }
}

#[test]
fn under_uefi_the_picture_is_the_firmwares_and_no_entry_promises_another() {
    assert_eq!(picture_of_entry("entry-uefi-default", Firmware::Uefi, "1"), "1280,800");
    let heard =
        fs::read(Artifacts::of_this_build().folder().join("logs/entry-uefi-default/serial.log")).unwrap();
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.contains("console on the first serial port") && !heard.contains("text screen"), "{heard}");
}

/// What the menu's check says of `iso`, in the line that begins with one of its two verdicts.
fn verdict_of_the_check(run: &str, firmware: Firmware, iso: PathBuf) -> String {
    const VERDICTS: [&str; 2] = ["WHOLE:", "DAMAGED:"];
    let logs = Artifacts::of_this_build().log_folder(run).unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::UsbStick(iso)).firmware(firmware);
    let mut emulator = machine.start(&logs).unwrap();
    emulator.shell.await_text(MENU.0, MENU.1).unwrap();
    emulator.shell.press("4").unwrap();
    let said = emulator.shell.await_text("Back to the menu", MENU.1).unwrap();
    let verdicts: Vec<&str> = VERDICTS.into_iter().filter(|verdict| said.contains(verdict)).collect();
    assert_eq!(verdicts.len(), 1, "{said}");
    verdicts[0].to_owned()
}

#[test]
fn the_menu_tells_a_whole_medium_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.iso");
    let mut bytes = fs::read(iso()).unwrap();
    let kernel = fs::read(Artifacts::of_this_build().kernel().unwrap()).unwrap();
    // ISO 9660 keeps a file in one piece that begins at a sector of 2048 bytes.
    let at = (0..bytes.len()).step_by(2048).find(|at| bytes[*at..].starts_with(&kernel[..4096])).unwrap();
    bytes[at + 9_000_000] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let run = |iso: &str| format!("check-{iso}-{}", firmware.name().to_lowercase());
        assert_eq!(verdict_of_the_check(&run("whole"), firmware, iso()), "WHOLE:");
        assert_eq!(verdict_of_the_check(&run("damaged"), firmware, damaged.clone()), "DAMAGED:");
    }
}

/// Debian's signed GRUB takes a disk with this file for its own medium if it must search for one.
const MARK_OF_A_MEDIUM: &str = ".disk/info";

#[test]
fn a_disk_that_passes_for_a_boot_medium_is_not_asked() {
    let artifacts = Artifacts::of_this_build();
    let logs = artifacts.log_folder("boot-uefi-decoy").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("decoy");
    Layout { label: Label::Mbr, partitions: vec![(FileSystem::EmptyFat, 6)] }
        .build(&image, EVIDENCE_BYTES)
        .unwrap();
    let partition = format!("{}@@{MIB}", image.display());
    let mtool = |program: &str| HostProgram::new(program, "mtools").unwrap().args(["-i", &partition]);
    mtool("mmd").args(["::.disk", "::boot", "::boot/grub", "::EFI", "::EFI/debian"]).run().unwrap();
    for path in [MARK_OF_A_MEDIUM, "boot/grub/grub.cfg", "EFI/debian/grub.cfg"] {
        let put = mtool("mcopy").args(["-", &format!("::{path}")]);
        put.input("serial --unit=0\nterminal_output console serial\necho led astray\nhalt\n").run().unwrap();
    }
    let decoy = Disk::new("decoy", Transport::Ahci, image).bootable();
    let oracle = Oracle::watch(std::slice::from_ref(&decoy)).unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::UsbStick(iso())).firmware(Firmware::Uefi).disk(decoy);

    let mut guest = Guest::boot(machine, &logs).unwrap();
    guest.await_disk(EVIDENCE_BYTES).unwrap();
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();
}
