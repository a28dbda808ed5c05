//! One hybrid ISO for BIOS and UEFI, USB stick and CD.
//!
//! On UEFI the firmware starts shim from the EFI system partition, shim starts Debian's signed GRUB, and that takes its
//! menu from the ISO file system of the very medium it came from: it searches no other disk.

use crate::error::{Doing, Result};
use crate::kernel_build::BUILD_TIME;
use crate::process::Program;
use crate::workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Room for shim and GRUB, in KiB.
const ESP_KIB: u64 = 8192;

/// Signed by Debian: file on this machine, place on the EFI system partition.
///
/// The GRUB is the one of installed systems, not `gcdx64`, the one of Debian's own CDs. Where its menu is not on its own
/// medium, `gcdx64` looks for `/.disk/info` on every disk and runs what it finds beside it. 2.12's `grubx64` has no such
/// search; 2.06's has it in both.
const SIGNED: [(&str, &str); 3] = [
    ("/usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
    ("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
    ("/usr/lib/shim/mmx64.efi.signed", "EFI/BOOT/mmx64.efi"),
];

/// Where the signed GRUB looks first, on the device that it was started from. On a stick that is the EFI system
/// partition, on a CD the ISO file system, so each of them carries [`LEAD`] here.
const LEAD_PATH: &str = "EFI/debian/grub.cfg";

/// Leads GRUB to the menu in the ISO file system of its own medium. GRUB itself has put the device it was started from
/// into `$prefix`: `(hd0,gpt2)/EFI/debian` on a stick and `(cd0)/EFI/debian` on a CD both begin with the medium's name.
/// `$cmdpath` would tell the same in Debian's 2.06 only; their 2.12 sets `$fw_path` in its place.
const LEAD: &str = "\
regexp --set=1:medium '^\\(([^,)]+)' \"$prefix\"
set root=$medium
set prefix=($medium)/boot/grub
configfile ($medium)/boot/grub/grub.cfg
";

/// The kernel's own command line names screen and first serial port; the menu only adds to it.
///
/// On UEFI the firmware itself starts the kernel (`chainloader`), as on Secure Boot: Debian's GRUB 2.06 would go past the
/// kernel's EFI entry else, and only from there on the firmware's log of what it measured can be had.
const GRUB_CFG: &str = "\
if [ \"$grub_platform\" = efi ]; then set start=chainloader; else set start=linux; fi
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=3
set default=0
menuentry 'Permafrost: every disk write-blocked' {
  $start /boot/bzImage
}
menuentry 'Permafrost, plain text screen (if the picture stays black)' {
  set gfxpayload=text
  $start /boot/bzImage
}
menuentry 'Permafrost, messages on the first serial port only' {
  $start /boot/bzImage console=ttyS0,115200
}
";

/// Modules of GRUB for BIOS; the signed GRUB for UEFI has its own set.
const BIOS_MODULES: [&str; 12] = [
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
];

/// Writes the ISO with this kernel to `iso`.
pub fn write(kernel: &Path, iso: &Path) -> Result<()> {
    let work = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;
    let esp = make_esp(work.path())?;
    let tree = work.path().join("iso");
    workspace::make_folder(&tree.join("boot/grub"))?;
    workspace::copy(kernel, &tree.join("boot/bzImage"))?;
    workspace::write(&tree.join("boot/grub/grub.cfg"), GRUB_CFG)?;
    write_lead(&tree)?;
    make_bios_loader(&tree.join("boot/grub/eltorito.img"))?;
    for file in workspace::files_below(&tree)? {
        fix_time(&tree.join(file))?;
    }
    run_xorriso(&tree, &esp, iso)
}

fn make_bios_loader(to: &Path) -> Result<()> {
    Program::new("grub-mkimage")
        .args(["-O", "i386-pc-eltorito", "-p", "/boot/grub", "-o"])
        .arg(to)
        .args(BIOS_MODULES)
        .run()
}

fn write_lead(root: &Path) -> Result<()> {
    let path = root.join(LEAD_PATH);
    workspace::make_folder(path.parent().unwrap_or(root))?;
    workspace::write(&path, LEAD)
}

fn make_esp(work: &Path) -> Result<PathBuf> {
    let (folder, image) = (work.join("esp"), work.join("esp.img"));
    for (from, place) in SIGNED {
        let to = folder.join(place);
        workspace::make_folder(to.parent().unwrap_or(&folder))?;
        workspace::copy(Path::new(from), &to)?;
    }
    write_lead(&folder)?;

    let mtools = |program: &str| Program::new(program).env("SOURCE_DATE_EPOCH", BUILD_TIME.to_string());
    mtools("mformat")
        .args(["-C", "-T", &ESP_KIB.saturating_mul(2).to_string(), "-h", "16", "-s", "63"])
        .args(["-N", "50465243", "-v", "PERMAFROST", "-i"])
        .arg(&image)
        .arg("::")
        .run()?;
    for directory in ["EFI", "EFI/BOOT", "EFI/debian"] {
        mtools("mmd").arg("-i").arg(&image).arg(format!("::{directory}")).run()?;
    }
    for file in workspace::files_below(&folder)? {
        let path = folder.join(&file);
        fix_time(&path)?;
        mtools("mcopy")
            .args(["-m", "-i"])
            .arg(&image)
            .arg(&path)
            .arg(format!("::{}", file.display()))
            .run()?;
    }
    Ok(image)
}

fn fix_time(path: &Path) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(BUILD_TIME);
    let file = fs::File::options().append(true).open(path).doing(|| format!("opening {}", path.display()))?;
    file.set_modified(time).doing(|| format!("setting the time of {}", path.display()))
}

fn run_xorriso(tree: &Path, esp: &Path, iso: &Path) -> Result<()> {
    if iso.exists() {
        fs::remove_file(iso).doing(|| format!("removing {}", iso.display()))?;
    }
    let stamp =
        Program::new("date").args(["-u", "-d", &format!("@{BUILD_TIME}"), "+%Y%m%d%H%M%S00"]).read()?;
    let stamp = stamp.trim();
    Program::new("xorriso")
        .env("SOURCE_DATE_EPOCH", BUILD_TIME.to_string())
        .args(["-as", "mkisofs", "-quiet", "-R", "-J", "-V", "PERMAFROST"])
        .arg(format!("--modification-date={stamp}"))
        .args(["--set_all_file_dates", stamp])
        .args(["--gpt_disk_guid", "modification-date"])
        .args(["-b", "boot/grub/eltorito.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"])
        .args(["--grub2-boot-info", "--grub2-mbr", "/usr/lib/grub/i386-pc/boot_hybrid.img"])
        .args(["-partition_offset", "16", "--mbr-force-bootable", "-append_partition", "2", "0xef"])
        .arg(esp)
        .args(["-appended_part_as_gpt", "-c", "boot/boot.catalog", "-eltorito-alt-boot"])
        .args(["-e", "--interval:appended_partition_2:all::", "-no-emul-boot", "-o"])
        .arg(iso)
        .arg(tree)
        .run()
}
