//! Every way of booting reaches the root shell with every disk blocked, and leaves the disks as they were.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Firmware, Machine},
    evidence_disk::{FileSystem, Label, Layout, MIB},
    guest::Guest,
    host_program::HostProgram,
    oracle::Oracle,
    screen::Picture,
};

const EVIDENCE_BYTES: u64 = 24 * MIB;

fn comes_up_with_every_disk_blocked(run: &str, firmware: Firmware, boot: Boot) {
    let artifacts = Artifacts::of_this_build();
    let logs = artifacts.log_folder(run).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("evidence");
    let partitions = vec![(FileSystem::Fat, 6), (FileSystem::Ext4DirtyJournal, 12)];
    Layout { label: Label::Gpt, partitions }.build(&image, EVIDENCE_BYTES).unwrap();
    let evidence = Disk::new("evidence", Transport::Ahci, image);
    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
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
    // All of them: the evidence, and the stick or CD that was booted from.
    let states = guest.demand("cat /sys/block/*/guard/state").unwrap();
    assert!(!states.trim().is_empty() && states.split_whitespace().all(|word| word == "blocked"), "{states}");
    let mounted = guest.demand("cat /proc/mounts").unwrap();
    assert!(!mounted.contains("/dev/sd") && !mounted.contains("/dev/sr"), "something is mounted: {mounted}");

    // A text screen of the kernel or of the shell has thousands of lit pixels; a dead one has none.
    let lit = Picture::take(&mut guest.emulator.qmp, &logs).unwrap().lit_pixels();
    assert!(lit > 500, "the screen shows nothing: {lit} lit pixels");
    eprintln!("{run}: {} s from power-on to here, {lit} lit pixels", guest.emulator.running_for().as_secs());
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();
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

fn iso() -> std::path::PathBuf {
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
