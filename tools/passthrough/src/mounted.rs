//! A mounted file system: mounting, what a program does to it, and what the kernel does to the disk below for it.

use crate::answer::Answer;
use crate::node::{Request, checked};
use nix::mount::{MntFlags, MsFlags, umount2};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// `FITRIM`, linux/fs.h.
const FITRIM: Request = nix::request_code_readwrite!(b'X', 121, size_of::<TrimRange>());

/// `struct fstrim_range`.
#[repr(C)]
struct TrimRange {
    start: u64,
    length: u64,
    shortest: u64,
}

/// Whether a file system is mounted for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Read-only.
    ReadOnly,
    /// For reading and writing.
    Writable,
}

/// A mounted file system, which is unmounted when dropped.
#[derive(Debug)]
pub struct Mounted {
    place: PathBuf,
}

impl Mounted {
    /// Mounts `device` as `kind` with the file system's own `options` at a new folder `place`.
    ///
    /// # Errors
    /// As the kernel answers; `NoDevice` (ENODEV) where it has no such file system.
    pub fn mount(device: &Path, kind: &str, mode: Mode, options: &str, place: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(place)?;
        let flags = if mode == Mode::Writable { MsFlags::empty() } else { MsFlags::MS_RDONLY };
        let flags = flags | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let options = (!options.is_empty()).then_some(options);
        match nix::mount::mount(Some(device), place, Some(kind), flags, options) {
            Ok(()) => Ok(Self { place: place.to_owned() }),
            Err(errno) => {
                let _ = std::fs::remove_dir(place);
                Err(errno.into())
            }
        }
    }

    /// Where it is mounted.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Asks for the same file system for writing.
    #[must_use]
    pub fn remount_writable(&self) -> Answer {
        let result =
            nix::mount::mount(None::<&str>, &self.place, None::<&str>, MsFlags::MS_REMOUNT, None::<&str>);
        Answer::from_result("remount", &result.map_err(io::Error::from))
    }

    /// Creates the file `name`, writes `data` to it and makes it durable.
    #[must_use]
    pub fn write_file(&self, name: &str, data: &[u8]) -> Answer {
        let opened = OpenOptions::new().write(true).create(true).truncate(true).open(self.place.join(name));
        let written = opened.and_then(|mut file| file.write_all(data).and_then(|()| file.sync_all()));
        Answer::from_result("write a file", &written)
    }

    /// Has every free block discarded, as fstrim does.
    #[must_use]
    pub fn trim(&self) -> Answer {
        let folder = match File::open(&self.place) {
            Ok(folder) => folder,
            Err(error) => return Answer::from_error("open", &error),
        };
        let mut range = TrimRange { start: 0, length: u64::MAX, shortest: 0 };
        let range: *mut TrimRange = &raw mut range;
        // SAFETY: FITRIM reads and writes this structure; the descriptor is open.
        Answer::from_result("FITRIM", &checked(unsafe { libc::ioctl(folder.as_raw_fd(), FITRIM, range) }))
    }

    /// Makes all that was written so far durable.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn sync(&self) -> io::Result<()> {
        let folder = File::open(&self.place)?;
        // SAFETY: syncfs takes a descriptor, which is open.
        checked(unsafe { libc::syncfs(folder.as_raw_fd()) }).map(|_| ())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ =
            umount2(&self.place, MntFlags::empty()).or_else(|_| umount2(&self.place, MntFlags::MNT_DETACH));
        let _ = std::fs::remove_dir(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_the_kernels_number() {
        assert_eq!(format!("{FITRIM:08x}"), "c0185879");
    }

    #[test]
    fn what_cannot_be_mounted_leaves_no_folder_behind() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("here");
        let nothing = Path::new("/nonexistent");
        assert!(Mounted::mount(nothing, "ext4", Mode::ReadOnly, "", &place).is_err());
        assert!(!place.exists());
    }
}
