//! What is mounted where, from /proc/self/mountinfo (proc_pid_mountinfo(5)).

use device::NodeNumber;
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Device number of the files in it.
    pub node: NodeNumber,
    /// Where it is mounted.
    pub point: PathBuf,
    /// What is mounted: a device node, or a word.
    pub source: PathBuf,
    /// The file system itself is open for writing.
    pub writable: bool,
}

/// All mounts this process sees.
pub fn mounts() -> std::io::Result<Vec<Mount>> {
    Ok(std::fs::read_to_string("/proc/self/mountinfo")?.lines().filter_map(parse).collect())
}

/// `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sdb1 rw,errors=continue`
fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(2);
    let (major, minor) = fields.next()?.split_once(':')?;
    let point = fields.nth(1)?;
    let mut after = after.split(' ').skip(1);
    let source = after.next()?;
    let options = after.next()?;
    Some(Mount {
        node: NodeNumber { major: major.parse().ok()?, minor: minor.parse().ok()? },
        point: PathBuf::from(unescaped(point)),
        source: PathBuf::from(unescaped(source)),
        writable: options.split(',').any(|option| option == "rw"),
    })
}

/// Blanks, tabs, line feeds and backslashes stand as three octal digits.
fn unescaped(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

/// The mount that holds `folder`, an absolute path without links: the last of the longest mount points above it.
pub fn holding<'a>(mounts: &'a [Mount], folder: &Path) -> Option<&'a Mount> {
    mounts
        .iter()
        .filter(|mount| folder.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "\
22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 8:17 / /mnt/my\\040disk rw,relatime - btrfs /dev/sdb1 ro,space_cache
31 22 8:33 / /mnt/b ro - ntfs3 /dev/sdc1 rw,uid=0";

    fn parsed() -> Vec<Mount> {
        LINES.lines().filter_map(parse).collect()
    }

    #[test]
    fn what_counts_is_whether_the_file_system_writes_not_the_mount() {
        let writable: Vec<bool> = parsed().iter().map(|mount| mount.writable).collect();
        assert_eq!(writable, [true, false, true]);
    }

    #[test]
    fn the_longest_mount_point_holds_a_folder() {
        let mounts = parsed();
        assert_eq!(holding(&mounts, Path::new("/mnt/my disk/case")).unwrap().source, Path::new("/dev/sdb1"));
        assert_eq!(holding(&mounts, Path::new("/mnt/b2")).unwrap().source, Path::new("/dev/root"));
    }
}
