//! What is acquired.

use super::host;
use crate::{Doing, Result};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A kind of data.
pub struct Case {
    /// Its name in the table.
    pub name: &'static str,
    /// Makes a file of that size; the folder is for scratch.
    pub make: fn(&Path, u64, &Path) -> Result<()>,
}

/// All kinds: what compresses to nothing, what doesn't compress, what disks hold, and a disk that is half full.
pub const CASES: [Case; 4] = [
    Case { name: "zeros", make: zeros },
    Case { name: "random", make: random },
    Case { name: "files", make: files },
    Case { name: "mixed", make: mixed },
];

const MIB: u64 = 1 << 20;

/// Room on the file system is given out in blocks of this size.
const FS_BLOCK: u64 = 4096;

fn zeros(path: &Path, size: u64, _: &Path) -> Result<()> {
    // Written, not a hole: peers would read a hole faster than any disk.
    let mut file = File::create(path).doing(|| format!("making {}", path.display()))?;
    let block = vec![0; 1 << 20];
    (0..size / MIB).try_for_each(|_| file.write_all(&block)).doing(|| format!("filling {}", path.display()))
}

fn random(path: &Path, size: u64, _: &Path) -> Result<()> {
    let doing = || format!("filling {}", path.display());
    let mut noise = File::open("/dev/urandom").doing(doing)?.take(size);
    std::io::copy(&mut noise, &mut File::create(path).doing(doing)?).doing(doing)?;
    Ok(())
}

/// An ext4 file system with files of /usr, as many as fill four fifths of it.
fn files(path: &Path, size: u64, scratch: &Path) -> Result<()> {
    let tree = scratch.join("tree");
    let doing = || format!("copying files of /usr to {}", tree.display());
    fs::create_dir(&tree).doing(doing)?;
    let (mut left, mut number) = (size / 5 * 4, 0u32);
    let mut open = vec![PathBuf::from("/usr")];
    while let Some(folder) = open.pop() {
        let Ok(listing) = fs::read_dir(&folder) else { continue };
        let mut entries: Vec<_> = listing.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Ok(kind) = entry.metadata() else { continue };
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && kind.len().next_multiple_of(FS_BLOCK) <= left {
                left -= kind.len().next_multiple_of(FS_BLOCK);
                number += 1;
                fs::copy(entry.path(), tree.join(number.to_string())).doing(doing)?;
            }
        }
    }
    File::create(path).and_then(|file| file.set_len(size)).doing(doing)?;
    host("mke2fs")?
        // Small ones have no room for a journal, and an inode for each file, with some for the file system itself.
        .args(["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-b", &FS_BLOCK.to_string()])
        .args(["-N", &(number + 64).to_string(), "-d"])
        .arg(&tree)
        .arg(path)
        .run()?;
    fs::remove_dir_all(&tree).doing(doing)
}

/// A quarter files, a quarter noise, half zeros, in stretches of 16 MiB in turn.
fn mixed(path: &Path, size: u64, scratch: &Path) -> Result<()> {
    let (tree, noise) = (scratch.join("tree.bin"), scratch.join("noise.bin"));
    files(&tree, size / 4, scratch)?;
    random(&noise, size / 4, scratch)?;
    let doing = || format!("mixing {}", path.display());
    let mut file = File::create(path).doing(doing)?;
    let mut parts = [File::open(&tree).doing(doing)?, File::open(&noise).doing(doing)?];
    let stretch = 16 * MIB;
    for number in 0..size / stretch {
        match usize::try_from(number % 4).unwrap_or(0) {
            part @ (0 | 1) => {
                let at = number / 4 * stretch;
                parts[part].seek(SeekFrom::Start(at)).doing(doing)?;
                std::io::copy(&mut (&parts[part]).take(stretch), &mut file).doing(doing)?;
            }
            _ => file.write_all(&vec![0; 16 << 20]).doing(doing)?,
        }
    }
    [tree, noise].iter().try_for_each(fs::remove_file).doing(doing)
}
