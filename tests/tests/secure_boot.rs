//! With Secure Boot on, a kernel that a lab has signed starts where its key is known, and no other does; and the firmware's
//! variables are as they were at the boot menu when the machine is off again.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use harness::artifacts::Artifacts;
use harness::disk_device::{Disk, Transport};
use harness::emulator::{Boot, Chipset, Emulator, Firmware, Machine};
use harness::guest::Guest;
use harness::host_program::HostProgram;
use harness::oracle::Oracle;
use harness::variable_store::{Keys, VariableStore, differences};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// From power-on to GRUB's menu.
const MENU_WITHIN: Duration = Duration::from_secs(900);
/// From the choice of a kernel to its refusal: shim computes its hashes, without any of the processor's help.
const REFUSAL_WITHIN: Duration = Duration::from_secs(900);

/// A small disk, so that its image fits into memory.
const EVIDENCE_BYTES: usize = 8 << 20;

/// What stands on the menu while it waits.
const MENU: &str = "automatically in";
/// The menu stays as soon as a key is pressed; this one has no entry.
const STAY: &str = "0";
const DEFAULT_ENTRY: &str = "1";
const CHECK_ENTRY: &str = "4";
const ENROLMENT_ENTRY: &str = "5";

/// A variable that differs at the boot menu, before anything of ours has run, and who writes it and why.
const BEFORE_THE_MENU: [(&str, &str); 10] = [
    (
        "MTC",
        "EDK II counts starts: the high half of the monotonic counter (UEFI Specification, GetNextHighMonotonicCount)",
    ),
    ("BootOrder", "EDK II lists what it can boot from"),
    ("Boot0000", "the same: an entry each for what it found"),
    ("Boot0001", "the same"),
    ("Boot0002", "the same"),
    ("Boot0003", "the same"),
    ("ConIn", "EDK II lists keyboards and serial ports"),
    ("ConOut", "EDK II lists screens and serial ports"),
    ("ErrOut", "the same"),
    ("SbatLevel", "shim raises the level below which it starts no boot loader any more (shim, SBAT.md)"),
];

/// What EDK II writes besides when the store is blank, as in a machine from the factory.
const FIRST_START: [(&str, &str); 19] = [
    ("Attempt 1", "EDK II's iSCSI: room for a target each (IScsiConfigNVDataStruc.h)"),
    ("Attempt 2", "the same"),
    ("Attempt 3", "the same"),
    ("Attempt 4", "the same"),
    ("Attempt 5", "the same"),
    ("Attempt 6", "the same"),
    ("Attempt 7", "the same"),
    ("Attempt 8", "the same"),
    ("InitialAttemptOrder", "their order"),
    ("CustomMode", "EDK II: whether a person at the machine may change keys"),
    ("VendorKeysNv", "EDK II: whether the keys are still the vendor's (UEFI Specification, VendorKeys)"),
    ("certdb", "EDK II: who may write which signed variable"),
    ("Key0000", "EDK II: keys that lead to its setup (UEFI Specification, Key####)"),
    ("Key0001", "the same"),
    ("Lang", "EDK II: the firmware's language, as EFI 1.10 has it"),
    ("PlatformLang", "EDK II: the firmware's language (UEFI Specification)"),
    ("Timeout", "EDK II: seconds in which a key leads to its setup (UEFI Specification)"),
    ("MemoryTypeInformation", "EDK II: how much memory of each type the last start took"),
    ("VarErrorFlag", "EDK II: whether the store was ever full"),
];

/// A lab's key, and an image that it signed.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Lab { folder: tempfile::tempdir().unwrap() };
        let made = HostProgram::new("openssl", "openssl").unwrap();
        made.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Test lab"])
            .args(["-addext", "extendedKeyUsage=codeSigning", "-addext", "basicConstraints=CA:FALSE"])
            .arg("-keyout")
            .arg(lab.key())
            .arg("-out")
            .arg(lab.certificate())
            .run()
            .unwrap();
        lab
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("lab.key")
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("lab.pem")
    }

    /// As a lab makes it: by the chore.
    fn signed_image(&self) -> PathBuf {
        let kernel = Artifacts::of_this_build().kernel().unwrap();
        fs::copy(kernel, self.folder.path().join("bzImage")).unwrap();
        self.chore().args(["--key".as_ref(), self.key().as_os_str()]).run().unwrap();
        self.folder.path().join("permafrost-signed.iso")
    }

    fn chore(&self) -> HostProgram {
        HostProgram::at(env!("CARGO"))
            .args(["run", "--quiet", "--locked", "--package", "xtask", "--", "sign", "--certificate"])
            .arg(self.certificate())
            .arg("--folder")
            .arg(self.folder.path())
    }

    /// A machine with the keys that PCs come with, to whose shim this lab's is known.
    fn enrolled_machine(&self, boot: Boot) -> (Machine, VariableStore) {
        let store = VariableStore::make(self.folder.path().join("variables"), Keys::Microsoft).unwrap();
        store.enrol_with_shim(&self.certificate()).unwrap();
        let machine = Machine::new(Chipset::Q35, boot).firmware(Firmware::SecureBoot).variables(&store);
        (machine, store)
    }
}

/// Switches on, and waits until the menu stays.
fn to_the_menu(machine: Machine, logs: &Path) -> Emulator {
    let mut emulator = machine.start(logs).unwrap();
    emulator.shell.await_text(MENU, MENU_WITHIN).unwrap();
    emulator.shell.press(STAY).unwrap();
    // The last of what the firmware wrote was written long before; the menu alone runs now.
    std::thread::sleep(Duration::from_secs(2));
    emulator
}

fn leaves_nvram_as_the_menu_found_it(
    run: &str,
    machine: Machine,
    store: &VariableStore,
    expected: &[&[(&str, &str)]],
) -> Guest {
    let logs = Artifacts::of_this_build().log_folder(run).unwrap();
    let within = machine.boots_within();
    let before = store.read().unwrap();
    let mut emulator = to_the_menu(machine, &logs);
    let at_the_menu = store.bytes().unwrap();
    let differing = differences(&before, &store.read().unwrap());
    eprintln!("{run}: differs at the menu: {}", differing.iter().cloned().collect::<Vec<_>>().join(" "));
    let known: BTreeSet<String> =
        expected.iter().flat_map(|list| list.iter()).map(|(name, _)| (*name).to_owned()).collect();
    let unknown: Vec<_> = differing.difference(&known).collect();
    assert!(unknown.is_empty(), "written before the menu, nobody knows why: {unknown:?}");

    emulator.shell.press(DEFAULT_ENTRY).unwrap();
    let mut guest = Guest::take_over(emulator, within).unwrap();
    assert!(store.bytes().unwrap() == at_the_menu, "the kernel's start wrote into the variable store");
    guest.demand("[ -d /sys/firmware/efi ]").unwrap();
    guest
}

fn powers_off_without_a_trace(mut guest: Guest, store: &VariableStore, at_prompt: &[u8], oracle: Oracle) {
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();
    assert!(store.bytes().unwrap() == at_prompt, "a variable was written between prompt and power-off");
}

/// `secure_boot` in the kernel's boot parameters: 3 is on (include/linux/efi.h).
fn secure_boot(guest: &mut Guest) -> String {
    let byte = "dd if=/sys/kernel/boot_params/data bs=1 skip=492 count=1 2>/dev/null | od -An -tu1";
    guest.demand(byte).unwrap().trim().to_owned()
}

/// The same machine with a disk that must stay as it is.
fn with_evidence(machine: Machine, folder: &Path) -> (Machine, Oracle) {
    let evidence = Disk::new("evidence", Transport::Ahci, folder.join("evidence"));
    fs::write(&evidence.image, vec![0x5a; EVIDENCE_BYTES]).unwrap();
    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
    (machine.disk(evidence), oracle)
}

/// What the record of an acquisition says of firmware and Secure Boot.
fn start_in_a_record(guest: &mut Guest) -> [String; 2] {
    let disk = guest.await_disk(u64::try_from(EVIDENCE_BYTES).unwrap()).unwrap();
    let acquire =
        format!("pf-acquire /dev/{disk} --to /run --case VM-1 --evidence 1 --examiner 'A. Examiner'");
    guest.demand_within(&acquire, REFUSAL_WITHIN).unwrap();
    let record = guest.demand("head -n 1 /run/1.record.jsonl").unwrap();
    let first: serde_json::Value = serde_json::from_str(&record).unwrap();
    ["firmware", "secure_boot"].map(|name| first["environment"][name].as_str().unwrap_or("").to_owned())
}

fn starts_with_secure_boot_on(run: &str, boot: impl FnOnce(PathBuf) -> Boot) {
    let lab = Lab::new();
    let (machine, store) = lab.enrolled_machine(boot(lab.signed_image()));
    let (machine, oracle) = with_evidence(machine, lab.folder.path());
    let mut guest = leaves_nvram_as_the_menu_found_it(run, machine, &store, &[&BEFORE_THE_MENU]);
    let at_prompt = store.bytes().unwrap();
    assert_eq!(secure_boot(&mut guest), "3", "the kernel does not know that Secure Boot is on");
    assert_eq!(start_in_a_record(&mut guest), ["uefi", "on"]);
    assert_eq!(guest.demand("cat /sys/kernel/security/evidence_guard/version").unwrap().trim(), "2");
    powers_off_without_a_trace(guest, &store, &at_prompt, oracle);
}

#[test]
fn a_signed_kernel_starts_from_a_stick() {
    starts_with_secure_boot_on("secure-boot-usb", Boot::UsbStick);
}

#[test]
fn a_signed_kernel_starts_from_a_cd() {
    starts_with_secure_boot_on("secure-boot-cd", Boot::Cd);
}

/// Down, enter.
const NEXT: &str = "\x1b[B\r";
const ENTER: &str = "\r";

/// What MokManager shows and what is pressed then, as image-build/SECURE-BOOT.md has it.
const ENROLMENT: [(&str, &str); 7] = [
    ("Press any key", " "),
    ("Enroll hash from disk", NEXT),
    ("Select Key", ""),
    ("PERMAFROST", ENTER),
    ("PERMAFROST.CER", NEXT),
    ("View key 0", NEXT),
    ("Yes", NEXT),
];

/// The list of the machine's owner's keys.
const LIST_OF_KEYS: &str = "MokList";

#[test]
fn a_key_enrolled_by_hand_from_the_image_starts_it_and_leaves_one_variable() {
    let lab = Lab::new();
    let iso = lab.signed_image();
    let store = VariableStore::make(lab.folder.path().join("variables"), Keys::Microsoft).unwrap();
    let machine = || {
        let machine = Machine::new(Chipset::Q35, Boot::UsbStick(iso.clone())).firmware(Firmware::SecureBoot);
        machine.variables(&store)
    };
    let logs = |run: &str| Artifacts::of_this_build().log_folder(run).unwrap();
    let mut emulator = to_the_menu(machine(), &logs("secure-boot-enrolment"));
    let at_the_menu = store.read().unwrap();
    emulator.shell.press(ENROLMENT_ENTRY).unwrap();
    for (shown, keys) in ENROLMENT {
        emulator.shell.await_text(shown, MENU_WITHIN).unwrap();
        emulator.shell.press(keys).unwrap();
    }
    emulator.shell.await_text("Reboot", MENU_WITHIN).unwrap();
    emulator.quit().unwrap();
    let left = differences(&at_the_menu, &store.read().unwrap());
    assert_eq!(left, BTreeSet::from([LIST_OF_KEYS.to_owned()]));

    let mut guest = Guest::boot(machine(), &logs("secure-boot-enrolled")).unwrap();
    assert_eq!(secure_boot(&mut guest), "3");
    guest.power_off().unwrap();
}

fn leaves_nvram_without_secure_boot(run: &str, boot: impl FnOnce(PathBuf) -> Boot) {
    let folder = tempfile::tempdir().unwrap();
    let store = VariableStore::make(folder.path().join("variables"), Keys::None).unwrap();
    let iso = Artifacts::of_this_build().iso().unwrap();
    let machine = Machine::new(Chipset::Q35, boot(iso)).firmware(Firmware::Uefi).variables(&store);
    let (machine, oracle) = with_evidence(machine, folder.path());
    let mut guest =
        leaves_nvram_as_the_menu_found_it(run, machine, &store, &[&BEFORE_THE_MENU, &FIRST_START]);
    let at_prompt = store.bytes().unwrap();
    assert_eq!(secure_boot(&mut guest), "2", "the kernel does not know that Secure Boot is off");
    assert_eq!(start_in_a_record(&mut guest), ["uefi", "off"]);
    powers_off_without_a_trace(guest, &store, &at_prompt, oracle);
}

#[test]
fn without_secure_boot_a_stick_leaves_nvram_as_the_menu_found_it() {
    leaves_nvram_without_secure_boot("nvram-usb", Boot::UsbStick);
}

#[test]
fn without_secure_boot_a_cd_leaves_nvram_as_the_menu_found_it() {
    leaves_nvram_without_secure_boot("nvram-cd", Boot::Cd);
}

fn is_refused(run: &str, lab: &Lab, iso: PathBuf) {
    let logs = Artifacts::of_this_build().log_folder(run).unwrap();
    let (machine, _store) = lab.enrolled_machine(Boot::UsbStick(iso));
    let mut emulator = to_the_menu(machine, &logs);
    // The module that checks files is not signed, so the menu leaves that to the signature.
    emulator.shell.press(CHECK_ENTRY).unwrap();
    emulator.shell.await_text("Secure Boot is on: the kernel is checked", MENU_WITHIN).unwrap();
    emulator.shell.await_text("Back to the menu", MENU_WITHIN).unwrap();
    emulator.shell.press("\x1b").unwrap();
    emulator.shell.await_text("Check this medium", MENU_WITHIN).unwrap();
    emulator.shell.press(DEFAULT_ENTRY).unwrap();
    let heard = emulator.shell.await_text("bad shim signature", REFUSAL_WITHIN).unwrap();
    // GRUB goes back to its menu.
    emulator.shell.await_text("every disk write-blocked", MENU_WITHIN).unwrap();
    assert!(
        !heard.contains("Permafrost 0") && !heard.contains("Linux version"),
        "something of it ran: {heard}"
    );
}

#[test]
fn a_kernel_without_a_signature_is_refused() {
    is_refused("secure-boot-unsigned", &Lab::new(), Artifacts::of_this_build().iso().unwrap());
}

#[test]
fn a_kernel_with_one_other_byte_is_refused() {
    let lab = Lab::new();
    let iso = lab.signed_image();
    let altered = fs::read(&iso).unwrap();
    // Behind the first 64 KiB of the kernel, whose bytes are found in the image: ISO 9660 keeps a file in one piece.
    let kernel = fs::read(Artifacts::of_this_build().kernel().unwrap()).unwrap();
    let piece = &kernel[0x10_0000..0x10_0040];
    let places: Vec<usize> =
        (0..altered.len() / 16).map(|row| row * 16).filter(|at| altered[*at..].starts_with(piece)).collect();
    assert_eq!(places.len(), 1, "the kernel is not once in the image");
    let file = fs::File::options().write(true).open(&iso).unwrap();
    file.write_all_at(&[altered[places[0]] ^ 1], u64::try_from(places[0]).unwrap()).unwrap();
    is_refused("secure-boot-altered", &lab, iso);
}

#[test]
fn a_kernel_signed_by_another_key_is_refused() {
    let other = Lab::new();
    is_refused("secure-boot-other-key", &Lab::new(), other.signed_image());
}

#[test]
fn a_signature_made_elsewhere_makes_the_same_image_as_the_key() {
    let lab = Lab::new();
    let by_key = fs::read(lab.signed_image()).unwrap();
    let folder = lab.folder.path();
    let elsewhere = |signed_by: &Lab, file: &str| {
        let signature = folder.join(file);
        let date = HostProgram::new("openssl", "openssl").unwrap().args(["x509", "-noout", "-startdate"]);
        let date = date.args(["-dateopt", "iso_8601", "-in"]).arg(signed_by.certificate()).run().unwrap();
        let date = date.trim().trim_start_matches("notBefore=").trim_end_matches('Z').to_owned();
        HostProgram::new("datefudge", "datefudge")
            .unwrap()
            .args(["--static", &date, "sbsign", "--detached", "--key"])
            .arg(signed_by.key())
            .arg("--cert")
            .arg(signed_by.certificate())
            .arg("--output")
            .args([&signature, &folder.join("bzImage")])
            .run()
            .unwrap();
        signature
    };
    let signature = elsewhere(&lab, "bzImage.p7");
    lab.chore().arg("--signature").arg(signature).run().unwrap();
    assert!(fs::read(folder.join("permafrost-signed.iso")).unwrap() == by_key);

    let foreign = elsewhere(&Lab::new(), "foreign.p7");
    let refused = lab.chore().arg("--signature").arg(foreign).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(said.contains("foreign.p7 is no signature of this bzImage by the key of"), "{said}");
}
