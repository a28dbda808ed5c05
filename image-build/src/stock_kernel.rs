//! A stock Debian kernel of the same series, with its own modules and our pf-prove: what the guard is compared with.

use crate::cpio::Node;
use crate::downloads;
use crate::error::{Doing, Result, XtaskError};
use crate::kernel_build::BUILD_TIME;
use crate::process::Program;
use crate::workspace;
use std::fs;
use std::path::{Path, PathBuf};

/// The series that our own kernel is of.
const SERIES: &str = "linux-image-6.12.";
/// Debian's general flavour; others have another word before it.
const FLAVOUR: &str = "-amd64";
const OTHER_FLAVOURS: [&str; 3] = ["-cloud-", "-rt-", "-16k-"];

/// Drivers of every disk model that the tests plug in, and the file systems that lie on them.
const MODULES: [&str; 27] = [
    "ahci",
    "ata_piix",
    "ata_generic",
    "nvme",
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "xhci_pci",
    "ehci_pci",
    "usb-storage",
    "uas",
    "sd_mod",
    "sr_mod",
    "sg",
    "megaraid_sas",
    "mptsas",
    "sdhci_pci",
    "mmc_block",
    "ufshcd-pci",
    "floppy",
    "loop",
    "ext4",
    "vfat",
    "xfs",
    "btrfs",
    "f2fs",
    "ntfs3",
];

/// Loads every driver and gives a shell; the bench marks the disks read-only then, as udev rules of live systems do.
const INIT: &str = r#"#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /run /tmp /mnt
# In load order: each after those that it needs. Without multipath, a namespace is one disk, as in our kernel.
for module in $(cat /etc/modules); do
  case $module in */nvme-core.ko) insmod $module multipath=N ;; *) insmod $module 2>/dev/null ;; esac
done
exec setsid cttyhack sh
"#;

/// A kernel and the initial RAM disk that goes with it.
pub struct StockKernel {
    /// Name and version of the package.
    pub version: String,
    /// The kernel's image.
    pub kernel: PathBuf,
    /// Its initial RAM disk.
    pub initramfs: PathBuf,
}

/// Fetches the newest stock kernel of the series and makes an initial RAM disk with `tools`.
pub fn obtain(tools: &[PathBuf]) -> Result<StockKernel> {
    let package = downloads::obtain(&newest()?)?;
    let folder = workspace::outputs()?.join("stock");
    workspace::remove_folder(&folder)?;
    workspace::make_folder(&folder)?;
    let work = tempfile::tempdir_in(&folder).doing(|| format!("making a folder in {}", folder.display()))?;
    let root = work.path();
    downloads::unpack(&package, root)?;
    let release = only_entry(&root.join("lib/modules"))?;
    let kernel = folder.join("vmlinuz");
    workspace::copy(&root.join(format!("boot/vmlinuz-{release}")), &kernel)?;
    let initramfs = folder.join("initramfs.cpio");
    workspace::write(&initramfs, assemble(root, &release, tools)?)?;
    let version = package.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(StockKernel { version, kernel, initramfs })
}

/// Name of the newest package of the series.
fn newest() -> Result<String> {
    let names = Program::new("apt-cache").args(["pkgnames", SERIES]).read()?;
    let stock = names
        .lines()
        .filter(|name| name.ends_with(FLAVOUR) && !OTHER_FLAVOURS.iter().any(|other| name.contains(other)));
    stock
        .max_by_key(|name| patch_level(name))
        .map(str::to_owned)
        .ok_or_else(|| XtaskError::Unfit(format!("the archive has no package {SERIES}*{FLAVOUR}")))
}

fn patch_level(name: &str) -> u32 {
    let rest = name.strip_prefix(SERIES).unwrap_or_default();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn only_entry(folder: &Path) -> Result<String> {
    let mut entries = fs::read_dir(folder).doing(|| format!("listing {}", folder.display()))?;
    let first = entries.next().ok_or_else(|| XtaskError::Unfit(format!("{} is empty", folder.display())))?;
    let first = first.doing(|| format!("listing {}", folder.display()))?;
    Ok(first.file_name().to_string_lossy().into_owned())
}

fn assemble(root: &Path, release: &str, tools: &[PathBuf]) -> Result<Vec<u8>> {
    let mut archive = crate::initramfs::shell_and(tools)?;
    let modules = load_order(root, release)?;
    let mut paths = String::new();
    for module in &modules {
        let plain = module.with_extension("");
        // busybox loads what is not compressed.
        Program::new("xz").args(["--decompress", "--keep", "--force"]).arg(module).run()?;
        let inside = plain.strip_prefix(root).unwrap_or(&plain).to_string_lossy().into_owned();
        archive.put(&inside, Node::File { mode: 0o644, content: workspace::read(&plain)? });
        paths.push_str(&format!("/{inside}\n"));
    }
    archive.put("etc/modules", Node::File { mode: 0o644, content: paths.into_bytes() });
    archive.put("init", Node::File { mode: 0o755, content: INIT.as_bytes().to_vec() });
    let time = u32::try_from(BUILD_TIME)
        .map_err(|_| XtaskError::Unfit("the build time is after 2106".to_owned()))?;
    archive.to_bytes(time)
}

/// The files of all modules, each after those it needs.
fn load_order(root: &Path, release: &str) -> Result<Vec<PathBuf>> {
    Program::new("depmod").arg("-b").arg(root).arg(release).run()?;
    let mut order: Vec<PathBuf> = Vec::new();
    for module in MODULES {
        let shown = Program::new("modprobe")
            .arg("-d")
            .arg(root)
            .args(["-S", release, "--show-depends", module])
            .read()?;
        for path in shown.lines().filter_map(|line| line.strip_prefix("insmod ")) {
            let path = PathBuf::from(path.split_whitespace().next().unwrap_or_default());
            if !order.contains(&path) {
                order.push(path);
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_series_is_newest_by_number() {
        assert_eq!(patch_level("linux-image-6.12.117+deb12-amd64"), 117);
        assert!(
            patch_level("linux-image-6.12.95+deb12-amd64") < patch_level("linux-image-6.12.100+deb12-amd64")
        );
        assert_eq!(patch_level("linux-image-6.12-amd64"), 0);
    }
}
