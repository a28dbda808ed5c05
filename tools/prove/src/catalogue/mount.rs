//! What is tried on each file system that lies on the disk: every way to mount it that examiners use, and what a program then does.

use crate::vector::{Effect, Row, Stake};
use Effect::{Control, Write};
use Stake::Scratch;

/// How it is mounted, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MountForm {
    /// The mount.
    pub(crate) first: First,
    /// What is done with it.
    pub(crate) then: Then,
}

/// The mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Read-only, with the file system's own option against replaying its log; only where it has one.
    Untouched,
    /// Read-only.
    ReadOnly,
    /// For writing, forced where the file system asks for that.
    Writable,
}

/// What is done with a mounted file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is unmounted.
    Nothing,
    /// A file is written and made durable.
    WriteFile,
    /// Every free block is discarded.
    Trim,
    /// It is mounted again for writing, and a file is written.
    Remount,
}

const fn row(
    name: &'static str,
    clause: &'static str,
    effect: Effect,
    first: First,
    then: Then,
) -> Row<MountForm> {
    Row { name, clause, effect, stake: Scratch, form: MountForm { first, then } }
}

/// Without consequence first: what a mount cleans up, it cleans up once.
pub(crate) const ROWS: &[Row<MountForm>] = &[
    row("read-only, nothing replayed", "mount(2)", Control, First::Untouched, Then::Nothing),
    row("read-only, nothing replayed, then FITRIM", "linux/fs.h", Write, First::Untouched, Then::Trim),
    row("read-only, nothing replayed, then for writing", "mount(2)", Write, First::Untouched, Then::Remount),
    row("read-only", "mount(2)", Control, First::ReadOnly, Then::Nothing),
    row("read-only, then write a file", "write(2), fsync(2)", Write, First::ReadOnly, Then::WriteFile),
    row("read-only, then FITRIM", "linux/fs.h", Write, First::ReadOnly, Then::Trim),
    row("read-only, then for writing", "mount(2)", Write, First::ReadOnly, Then::Remount),
    row("for writing", "mount(2)", Write, First::Writable, Then::Nothing),
    row("for writing, then write a file", "write(2), fsync(2)", Write, First::Writable, Then::WriteFile),
    row("for writing, then FITRIM", "linux/fs.h", Write, First::Writable, Then::Trim),
];
