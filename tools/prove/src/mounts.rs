//! Mounts carried out: what a user or a desktop does to a disk that is plugged in.

use crate::catalogue::mount::{First, MountForm, Then};
use crate::layout::file_systems::FileSystem;
use passthrough::Answer;
use passthrough::mounted::{Mode, Mounted};
use std::path::Path;

/// A file system on the disk, and how it is mounted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mount {
    pub(crate) file_system: &'static FileSystem,
    pub(crate) form: MountForm,
    /// The partition's number; none for the disk itself.
    pub(crate) partition: Option<u64>,
}

/// Mounts, does what follows, unmounts.
pub(crate) fn carry_out(mount: &Mount, device: &Path) -> Answer {
    let Mount { file_system, form, .. } = mount;
    let (mode, options) = match form.first {
        First::Untouched => (Mode::ReadOnly, file_system.untouched.first().copied().unwrap_or_default()),
        First::ReadOnly => (Mode::ReadOnly, ""),
        First::Writable => (Mode::Writable, file_system.force),
    };
    let place = std::env::temp_dir().join("pf-prove-mount");
    let mounted = match Mounted::mount(device, file_system.kind, mode, options, &place) {
        Ok(mounted) => mounted,
        Err(error) => return Answer::from_error("mount", &error),
    };
    let write = || mounted.write_file("pf-prove", b"pf-prove");
    match form.then {
        Then::Nothing => Answer::Done,
        Then::WriteFile => write(),
        Then::Trim => mounted.trim(),
        Then::Remount => match mounted.remount_writable() {
            Answer::Done => write(),
            refused => refused,
        },
    }
}
