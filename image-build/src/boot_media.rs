//! One hybrid ISO for BIOS and UEFI, USB stick and CD.
//!
//! On UEFI the firmware starts shim from the EFI system partition, shim starts Debian's signed GRUB, and that takes its
//! menu from the ISO file system of the very medium it came from: it searches no other disk.

use crate::boot_menu::{self, BIOS_MODULES, CHECKSUMS, HASHSUM, LEAD, MOK_MANAGER};
use crate::error::{Doing, Result};
use crate::kernel_build::BUILD_TIME;
use crate::process::Program;
use crate::workspace;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Room for shim and GRUB, in KiB.
const ESP_KIB: u64 = 8192;

/// Debian's MokManager, which shows a person the certificates on a medium and makes one known to shim.
const SIGNED_MOK_MANAGER: &str = "/usr/lib/shim/mmx64.efi.signed";

/// Where an image that is signed by a key of its own carries the certificate, on the EFI system partition: MokManager lists
/// files of FAT file systems, and takes those that end in `.cer`, `.crt` or `.der`.
const CERTIFICATE: &str = "PERMAFROST.CER";

/// Signed by Debian: file on this machine, place on the EFI system partition.
///
/// The GRUB is the one of installed systems, not `gcdx64`, the one of Debian's own CDs. Where its menu is not on its own
/// medium, `gcdx64` looks for `/.disk/info` on every disk and runs what it finds beside it. 2.12's `grubx64` has no such
/// search; 2.06's has it in both.
const SIGNED: [(&str, &str); 3] = [
    ("/usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
    ("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
    (SIGNED_MOK_MANAGER, "EFI/BOOT/mmx64.efi"),
];

/// Where the signed GRUB looks first, on the device that it was started from. On a stick that is the EFI system
/// partition, on a CD the ISO file system, so each of them carries [`LEAD`] here.
const LEAD_PATH: &str = "EFI/debian/grub.cfg";

/// Writes the ISO with this kernel to `iso`; with the DER file of the certificate by which the kernel is signed, if it is.
pub fn write(kernel: &Path, certificate: Option<&Path>, iso: &Path) -> Result<()> {
    let work = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;
    let esp = make_esp(work.path(), certificate)?;
    let tree = work.path().join("iso");
    workspace::make_folder(&tree.join("boot/grub"))?;
    workspace::copy(kernel, &tree.join("boot/bzImage"))?;
    workspace::write(&tree.join("boot/grub/grub.cfg"), boot_menu::text(certificate.is_some()))?;
    write_lead(&tree)?;
    let (module, place) = HASHSUM;
    copy_below(&tree, Path::new(module), place)?;
    if certificate.is_some() {
        copy_below(&tree, Path::new(SIGNED_MOK_MANAGER), MOK_MANAGER)?;
    }
    write_checksums(&tree)?;
    make_bios_loader(&tree.join("boot/grub/eltorito.img"))?;
    for file in workspace::files_below(&tree)? {
        fix_time(&tree.join(file))?;
    }
    run_xorriso(&tree, &esp, iso)
}

fn copy_below(root: &Path, from: &Path, place: &str) -> Result<()> {
    let to = root.join(place);
    workspace::make_folder(to.parent().unwrap_or(root))?;
    workspace::copy(from, &to)
}

/// Of all files so far: the loader for BIOS comes later, for the ISO's maker writes into it.
fn write_checksums(tree: &Path) -> Result<()> {
    let mut lines = String::new();
    for file in workspace::files_below(tree)? {
        lines += &format!("{}  {}\n", workspace::sha256_of_file(&tree.join(&file))?, file.display());
    }
    workspace::write(&tree.join(CHECKSUMS), lines)
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

fn make_esp(work: &Path, certificate: Option<&Path>) -> Result<PathBuf> {
    let (folder, image) = (work.join("esp"), work.join("esp.img"));
    for (from, place) in SIGNED {
        copy_below(&folder, Path::new(from), place)?;
    }
    if let Some(certificate) = certificate {
        copy_below(&folder, certificate, CERTIFICATE)?;
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
        .args(["-as", "mkisofs", "-quiet", "-r", "-J", "-V", "PERMAFROST"])
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
