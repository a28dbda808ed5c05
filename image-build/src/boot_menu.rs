//! The boot loader's menu, and what leads to it.
//!
//! The kernel's own command line names screen and first serial port. Of what a menu adds it takes `console=` and `pf.`
//! words only, so what a picture looks like is settled before the kernel starts. The digit before an entry starts it.

use crate::keymaps::{BUILT_IN, LAYOUTS};

/// Leads GRUB to the menu in the ISO file system of its own medium. GRUB itself has put the device it was started from
/// into `$prefix`: `(hd0,gpt2)/EFI/debian` on a stick and `(cd0)/EFI/debian` on a CD both begin with the medium's name.
/// `$cmdpath` would tell the same in Debian's 2.06 only; their 2.12 sets `$fw_path` in its place.
pub const LEAD: &str = "\
regexp --set=1:medium '^\\(([^,)]+)' \"$prefix\"
set root=$medium
set prefix=($medium)/boot/grub
configfile ($medium)/boot/grub/grub.cfg
";

/// Files of the ISO file system with their SHA-256, as `sha256sum` and GRUB's `hashsum` write and read them.
pub const CHECKSUMS: &str = "boot/SHA256SUMS";

/// MokManager, in the ISO file system of an image that carries a certificate: a CD's GRUB sees no other.
pub const MOK_MANAGER: &str = "boot/mmx64.efi";

/// GRUB's module that checks files. The signed GRUB has all it rests on, but not the module itself; without Secure Boot
/// it takes it from here.
pub const HASHSUM: (&str, &str) =
    ("/usr/lib/grub/x86_64-efi/hashsum.mod", "boot/grub/x86_64-efi/hashsum.mod");

/// Modules of GRUB for BIOS; the signed GRUB for UEFI has its own set.
pub const BIOS_MODULES: [&str; 17] = [
    "biosdisk",
    "iso9660",
    "part_gpt",
    "part_msdos",
    "normal",
    "configfile",
    "linux",
    "echo",
    "serial",
    "terminal",
    "test",
    "regexp",
    "video",
    "vbe",
    "hashsum",
    "gcry_sha256",
    "sleep",
];

/// On UEFI the firmware itself starts the kernel (`chainloader`), as on Secure Boot: Debian's GRUB 2.06 would go past the
/// kernel's EFI entry else, and only from there on the firmware's log of what it measured can be had.
///
/// A BIOS leaves a picture only if GRUB asks it for one (`gfxpayload`). UEFI has one already, and the kernel takes it as it is:
/// nothing between them has a say, so there is no entry for another. GRUB's graphical terminal would set a mode, but by a
/// driver of its own for some adapters, past the firmware, which then tells the kernel of the mode before.
const BEGIN: &str = "\
if [ \"$grub_platform\" = efi ]; then set start=chainloader; else set start=linux; fi
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=3
set default=0
menuentry '1  Permafrost: every disk write-blocked' --hotkey=1 {
  set gfxpayload=1024x768x32,1024x768,auto
  $start /boot/bzImage
}
if [ \"$grub_platform\" != efi ]; then
menuentry '2  Permafrost, text screen (if the picture stays black)' --hotkey=2 {
  set gfxpayload=text
  $start /boot/bzImage
}
fi
menuentry '3  Permafrost, its console on the first serial port' --hotkey=3 {
  set gfxpayload=1024x768x32,1024x768,auto
  $start /boot/bzImage pf.serial
}
menuentry '4  Check this medium: is it whole?' --hotkey=4 {
  if [ \"$lockdown\" = y ]; then
    echo 'Secure Boot is on: the kernel is checked by its signature whenever it is started.'
  else
    if [ \"$grub_platform\" = efi ]; then insmod hashsum; fi
    echo 'Reading all files of this medium ...'
    if hashsum --hash sha256 --prefix / --check /boot/SHA256SUMS; then
      echo 'WHOLE: kernel and menu are as they were written; the boot loader itself was not looked at.'
    else
      echo 'DAMAGED: do not use this medium.'
    fi
  fi
  echo 'Back to the menu in 30 seconds, or at once with Escape.'
  sleep --interruptible 30
}
";

/// For images with a key of their own.
const ENROLMENT: &str = "\
if [ \"$grub_platform\" = efi ]; then
menuentry \"5  Enrol this image's key on this machine (changes its NVRAM)\" --hotkey=5 {
  chainloader /boot/mmx64.efi
}
fi
";

/// What a submenu's entries are begun with must be exported: it sees no other variables.
const LAYOUTS_BEGIN: &str = "\
export start
submenu '6  Keyboard layout, where it is not US' --hotkey=6 {
";

/// The default by each layout but the kernel's own.
fn layouts() -> String {
    let entries = LAYOUTS.iter().filter(|layout| layout.name != BUILT_IN).map(|layout| {
        let (name, title) = (layout.name, layout.title);
        format!(
            "menuentry '{title}  {name}' {{\n  set gfxpayload=1024x768x32,1024x768,auto\n  \
             $start /boot/bzImage pf.keys={name}\n}}\n"
        )
    });
    format!("{LAYOUTS_BEGIN}{}}}\n", entries.collect::<String>())
}

/// The menu, with an entry for MokManager where the medium carries a certificate.
pub fn text(with_certificate: bool) -> String {
    format!("{BEGIN}{}{}", if with_certificate { ENROLMENT } else { "" }, layouts())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_starts_one_entry_and_stands_before_it() {
        for (with_certificate, digits) in [(false, "12346"), (true, "123456")] {
            let menu = text(with_certificate);
            let keys = menu.lines().filter_map(|line| line.split_once(" --hotkey="));
            let keys: String = keys
                .map(|(title, key)| {
                    assert_eq!(title.split(['\'', '"']).nth(1).unwrap()[..1], key[..1]);
                    &key[..1]
                })
                .collect();
            let mut sorted: Vec<char> = keys.chars().collect();
            sorted.sort_unstable();
            assert_eq!(sorted.into_iter().collect::<String>(), digits);
        }
    }

    #[test]
    fn the_check_claims_no_more_than_it_looked_at() {
        let said = "echo 'WHOLE: kernel and menu are as they were written; the boot loader itself was not looked at.'";
        assert_eq!(text(false).matches(said).count(), 1);
    }

    #[test]
    fn every_layout_but_the_kernels_own_has_an_entry_that_a_boot_loader_can_show() {
        let menu = text(false);
        assert!(menu.is_ascii());
        for layout in &LAYOUTS {
            let word = format!("$start /boot/bzImage pf.keys={}\n", layout.name);
            assert_eq!(menu.matches(&word).count(), usize::from(layout.name != BUILT_IN), "{word}");
            assert!(!layout.title.contains(['\'', '$', '\\']), "{}", layout.title);
        }
        assert_eq!(menu.matches('{').count(), menu.matches('}').count());
    }
}
