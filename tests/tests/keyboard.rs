//! The machine's own keyboard: with each layout of the image its keys type what is printed on them, whichever way the layout was
//! chosen. What was typed is read in the guest as bytes; what is printed on the keys stands here.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use harness::{
    artifacts::Artifacts,
    emulator::{Boot, Chipset, Firmware, Machine},
    guest::Guest,
};
use std::time::Duration;

/// Keys pressed together, each called by what a US keyboard has on it.
type Keys<'a> = &'a [&'a str];

/// Those on which layouts differ most.
const TELLING: [Keys; 6] = [&["q"], &["y"], &["semicolon"], &["minus"], &["slash"], &["shift", "3"]];

/// What is printed on [`TELLING`] on the keyboards of each country.
const PRINTED: [(&str, &str); 20] = [
    ("be", "aym)=3"),
    ("br", "qyç-;#"),
    ("ch", "qzö'-*"),
    ("ch-fr", "qzé'-*"),
    ("cz", "qzů=-3"),
    ("de", "qzöß-§"),
    ("dk", "qyæ+-#"),
    ("es", "qyñ'-·"),
    ("fi", "qyö+-#"),
    ("fr", "aym)!3"),
    ("it", "qyò'-£"),
    ("jp106", "qy;-/#"),
    ("latam", "qyñ'-#"),
    ("no", "qyø+-#"),
    ("pl", "qy;-/#"),
    ("pt", "qyç'-#"),
    ("se", "qyö+-#"),
    ("tr", "qyş*.^"),
    ("uk", "qy;-/£"),
    ("us", "qy;-/#"),
];

/// Where those do not tell a layout from the kernel's own.
const PRINTED_ELSEWHERE: [(&str, Keys, &str); 2] =
    [("jp106", &["bracket_left"], "@"), ("pl", &["alt_r", "a"], "ą")];

/// A terminal of the machine's screen that nothing else reads.
const TERMINAL: &str = "9";

/// What arrives at a program when these keys are pressed.
fn typed(guest: &mut Guest, keys: &[Keys]) -> String {
    guest
        .demand(&format!(
            "rm -f /run/typed; exec 3</dev/tty{TERMINAL}; chvt {TERMINAL}; head -n 1 <&3 >/run/typed 2>/dev/null &"
        ))
        .unwrap();
    for together in keys.iter().chain(&[["ret"].as_slice()]) {
        guest.emulator.qmp.press_together(together).unwrap();
    }
    let line = guest.demand("until [ -s /run/typed ]; do sleep 0.1; done; cat /run/typed").unwrap();
    line.trim_end_matches(['\r', '\n']).to_owned()
}

fn machine_told(word: &'static str) -> Machine {
    Machine::new(Chipset::Q35, Boot::Kernel(Artifacts::of_this_build().kernel().unwrap()))
        .telling_kernel(word)
}

fn boot(run: &str, machine: Machine) -> Guest {
    Guest::boot(machine, &Artifacts::of_this_build().log_folder(run).unwrap()).unwrap()
}

#[test]
fn the_kernels_command_line_chooses_a_layout() {
    let mut guest = boot("keyboard-word", machine_told("pf.keys=de"));
    assert!(guest.boot_log.contains("Keyboard layout: de."), "{}", guest.boot_log);
    assert_eq!(typed(&mut guest, &TELLING), "qzöß-§");

    // The keys that restart other systems: here the next start could be that of the seized machine's own.
    guest.emulator.qmp.press_together(&["ctrl", "alt", "delete"]).unwrap();
    guest.emulator.shell.await_text("Ctrl-Alt-Del is ignored", BOOT_WITHIN).unwrap();
    assert_eq!(typed(&mut guest, &TELLING), "qzöß-§");
    guest.power_off().unwrap();
}

#[test]
fn a_name_that_is_a_path_is_refused_aloud_and_a_shell_has_every_layout() {
    let mut guest = boot("keyboard-all", machine_told("pf.keys=../keymaps/de"));
    assert!(guest.boot_log.contains("THE KEYBOARD STAYS US"), "{}", guest.boot_log);
    assert_eq!(typed(&mut guest, &TELLING), "qy;-/#");

    let unknown = guest.run("kbd xx").unwrap().output;
    let mut listed: Vec<&str> =
        unknown.split_whitespace().filter_map(|word| word.strip_suffix(".bmap")).collect();
    listed.sort_unstable();
    assert_eq!(listed, PRINTED.map(|(name, _)| name), "{unknown}");
    let total = guest.demand("cat /usr/share/permafrost/keymaps/* | wc -c").unwrap();
    assert!(total.trim().parse::<u32>().unwrap() < 64 << 10, "{total} bytes of maps");

    for (name, printed) in PRINTED {
        guest.demand(&format!("kbd {name}")).unwrap();
        assert_eq!(typed(&mut guest, &TELLING), printed, "{name}");
        for (_, keys, character) in PRINTED_ELSEWHERE.iter().filter(|(of, _, _)| *of == name) {
            assert_eq!(typed(&mut guest, &[keys]), *character, "{name}");
        }
        // The second shell is where it was.
        guest.emulator.qmp.press_together(&["alt", "f2"]).unwrap();
        guest.demand("until grep -qx tty2 /sys/class/tty/tty0/active; do sleep 0.1; done").unwrap();
    }
    guest.power_off().unwrap();
}

/// Firmware and boot loader under emulation, and from there to the shell.
const MENU_WITHIN: Duration = Duration::from_secs(900);
const BOOT_WITHIN: Duration = Duration::from_secs(180);

#[test]
fn the_menu_of_the_stick_chooses_a_layout() {
    const DOWN: &str = "\x1b[B";
    let stick = Boot::UsbStick(Artifacts::of_this_build().iso().unwrap());
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let run = format!("keyboard-menu-{}", firmware.name().to_lowercase());
        let logs = Artifacts::of_this_build().log_folder(&run).unwrap();
        let mut emulator = Machine::new(Chipset::Q35, stick.clone()).firmware(firmware).start(&logs).unwrap();
        emulator.shell.await_text("automatically in", MENU_WITHIN).unwrap();
        emulator.shell.press("6").unwrap();
        // The first; German is the second.
        emulator.shell.await_text("English (UK)", MENU_WITHIN).unwrap();
        emulator.shell.press(DOWN).unwrap();
        emulator.shell.press("\r").unwrap();
        let mut guest = Guest::take_over(emulator, BOOT_WITHIN).unwrap();
        let efi = guest.run("[ -d /sys/firmware/efi ]").unwrap().succeeded();
        assert_eq!(efi, firmware == Firmware::Uefi, "booted through the other firmware");
        assert!(guest.boot_log.contains("Keyboard layout: de."), "{}", guest.boot_log);
        assert_eq!(typed(&mut guest, &TELLING), "qzöß-§");
        guest.power_off().unwrap();
    }
}
