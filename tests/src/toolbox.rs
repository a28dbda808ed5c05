//! A disk with Debian's own disk programs, so that the guest's attempts to write are made by strangers.
//!
//! The image under test carries none of them. They come on a separate read-only disk, are mounted read-only and run
//! under chroot with the guest's own /dev, /proc and /sys.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    Doing, Result,
    host_program::{HostProgram, find},
};

/// Programs and the Debian packages they come from.
const PROGRAMS: &[(&str, &str)] = &[
    ("adjtimex", "adjtimex"),
    ("blkdiscard", "util-linux"),
    ("blockdev", "util-linux"),
    ("dd", "coreutils"),
    ("ddrescue", "gddrescue"),
    ("ddrescuelog", "gddrescue"),
    ("e2fsck", "e2fsprogs"),
    ("ethtool", "ethtool"),
    ("fallocate", "util-linux"),
    ("fstrim", "util-linux"),
    ("hdparm", "hdparm"),
    ("losetup", "mount"),
    ("lsblk", "util-linux"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("mkfs.exfat", "exfatprogs"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.f2fs", "f2fs-tools"),
    ("mkfs.ntfs", "ntfs-3g"),
    ("mkfs.vfat", "dosfstools"),
    ("mkfs.xfs", "xfsprogs"),
    ("mkswap", "util-linux"),
    ("mount", "mount"),
    ("nvme", "nvme-cli"),
    ("sfdisk", "fdisk"),
    ("sg_raw", "sg3-utils"),
    ("sg_reset", "sg3-utils"),
    ("sg_vpd", "sg3-utils"),
    ("sha256sum", "coreutils"),
    ("sync", "coreutils"),
    ("touch", "coreutils"),
    ("tune2fs", "e2fsprogs"),
    ("umount", "mount"),
    ("wipefs", "util-linux"),
];

/// Makes the toolbox disk at `image`.
///
/// # Errors
/// [`crate::HarnessError::Missing`] names the package of a program that is not on this host.
pub fn build(image: &Path) -> Result<()> {
    let staging = TempDir::new().doing(|| "making a folder".into())?;
    let root = staging.path();
    for folder in ["dev", "proc", "sys", "mnt", "tmp", "run", "bin"] {
        fs::create_dir(root.join(folder)).doing(|| format!("making {folder}"))?;
    }
    let mut libraries = BTreeSet::new();
    for (program, package) in PROGRAMS {
        let path = find(program, package)?;
        libraries.extend(libraries_of(&path)?);
        let target = root.join("bin").join(program);
        fs::copy(&path, &target).doing(|| format!("copying {}", path.display()))?;
    }
    libraries.insert(PathBuf::from("/etc/mke2fs.conf"));
    for library in &libraries {
        let target = root.join(library.strip_prefix("/").unwrap_or(library));
        fs::create_dir_all(target.parent().unwrap_or(root))
            .doing(|| format!("making room for {}", target.display()))?;
        fs::copy(library, &target).doing(|| format!("copying {}", library.display()))?;
    }
    let _ = fs::remove_file(image);
    // Without a journal there is nothing that a mount could want to replay.
    HostProgram::new("mke2fs", "e2fsprogs")?
        .args(["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-L", "toolbox", "-d"])
        .arg(root)
        .arg(image)
        .arg("64M")
        .run()
        .map(|_| ())
}

/// What the dynamic loader would load: the paths in ldd's lines "name => path (address)" and "path (address)".
fn libraries_of(program: &Path) -> Result<Vec<PathBuf>> {
    let listing = HostProgram::new("ldd", "libc-bin")?.arg(program).run()?;
    let paths = listing.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(PathBuf::from).collect())
}
