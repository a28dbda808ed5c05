//! The ways of changing a disk that anyone with a shell has, tried one by one by Debian's own programs.
//!
//! Each must be refused by the system, and the words it must be refused with are part of the claim: a program that
//! fails because it crashed or does not exist proves nothing.

use crate::{HarnessError, Result, guest::Guest, serial_shell::Answer};

/// One way of changing a disk.
pub struct Attempt {
    /// What is tried, for a person to read.
    pub name: &'static str,
    /// The script; `$D` is the disk, `$P` its first partition, `$J` one with a dirty ext4 journal, `$E` one
    /// with an error in its journal, `$T` runs a program of the toolbox.
    script: &'static str,
    /// One of these the system must have answered.
    refusals: &'static [&'static str],
    /// Whether the guard must have counted it: a program that gives up at the read-only mark asks for nothing.
    pub counted: bool,
    /// The partition that it needs beside the first.
    needs: Needs,
}

/// A partition with a trap in it.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    DirtyJournal,
    JournalError,
}

const READ_ONLY: &[&str] = &["Read-only file system", "read-only", "read only"];

const fn attempt(name: &'static str, script: &'static str) -> Attempt {
    Attempt { name, script, refusals: READ_ONLY, counted: true, needs: Needs::Nothing }
}

/// Every attempt, the plainest first.
pub const ATTEMPTS: &[Attempt] = &[
    attempt("shell: open the disk for writing", "echo changed >$D"),
    attempt("dd to the disk", "${T}dd if=/dev/zero of=$D bs=512 count=1 conv=notrunc"),
    attempt(
        "dd to a partition, direct",
        "${T}dd if=/dev/zero of=$P bs=4096 count=1 oflag=direct conv=notrunc",
    ),
    Attempt {
        refusals: &["Operation not permitted"],
        ..attempt("blockdev --setrw, the disk", "${T}blockdev --setrw $D")
    },
    Attempt {
        refusals: &["Operation not permitted"],
        ..attempt("blockdev --setrw, a partition", "${T}blockdev --setrw $P")
    },
    attempt("blkdiscard", "${T}blkdiscard -f $D"),
    attempt("blkdiscard --zeroout, a partition", "${T}blkdiscard -f -z $P"),
    attempt("blkdiscard --secure", "${T}blkdiscard -f -s $D"),
    attempt("fallocate: punch a hole", "${T}fallocate -p -o 0 -l 4096 $D"),
    attempt("mkfs.ext4", "${T}mkfs.ext4 -q -F $P"),
    attempt("mkswap", "${T}mkswap -f $P"),
    attempt("wipefs --all", "${T}wipefs -a -f $D"),
    attempt("sfdisk: a new partition table", "echo 'label: dos' >/run/table; ${T}sfdisk -f $D </run/table"),
    Attempt { needs: Needs::DirtyJournal, ..attempt("e2fsck of the dirty ext4", "${T}e2fsck -fy $J") },
    Attempt { needs: Needs::DirtyJournal, ..attempt("tune2fs -L", "${T}tune2fs -L changed $J") },
    Attempt {
        counted: false,
        ..attempt(
            "mount -o rw",
            "${T}mount -o rw $P /mnt; ${T}touch /mnt/changed && exit 0; ${T}umount /mnt; exit 1",
        )
    },
    Attempt {
        counted: false,
        needs: Needs::DirtyJournal,
        refusals: &["read-only", "Read-only file system", "can't read superblock"],
        ..attempt(
            "mount -o ro of the dirty ext4",
            "${T}mount -t ext4 -o ro $J /mnt && { ${T}umount /mnt; exit 0; }; exit 1",
        )
    },
    Attempt {
        counted: false,
        refusals: &["Read-only file system", "read-only", "Operation not permitted"],
        ..attempt(
            "a loop device over the disk",
            "l=$(${T}losetup -f) && ${T}losetup $l $D && ${T}dd if=/dev/zero of=$l bs=512 count=1 conv=notrunc; \
             s=$?; ${T}losetup -d $l; exit $s",
        )
    },
    Attempt {
        needs: Needs::JournalError,
        refusals: &["can't read superblock", "Input/output error"],
        ..attempt(
            "mount -o ro of ext4 with an error",
            "${T}mount -t ext4 -o ro $E /mnt && { ${T}umount /mnt; exit 0; }; exit 1",
        )
    },
];

/// What became of one attempt.
pub struct Outcome {
    /// What the guest said and how it ended.
    pub answer: Answer,
    /// How much the guard's counter grew.
    pub refused: u64,
    /// All that speaks against "it was refused, and properly".
    pub objections: Vec<String>,
}

/// The disk that attempts are made on.
pub struct Target<'a> {
    /// Its name in /dev.
    pub disk: &'a str,
    /// Name of its first partition, or of the disk again where it has none.
    pub partition: String,
    /// Name of a partition with a dirty ext4 journal.
    pub dirty_journal: Option<String>,
    /// Name of a partition with an error in its ext4 journal.
    pub journal_error: Option<String>,
}

impl Attempt {
    /// Whether `target` has what this attempt needs.
    #[must_use]
    pub fn applies_to(&self, target: &Target) -> bool {
        match self.needs {
            Needs::Nothing => true,
            Needs::DirtyJournal => target.dirty_journal.is_some(),
            Needs::JournalError => target.journal_error.is_some(),
        }
    }

    /// Makes it, in a guest whose toolbox is open.
    ///
    /// # Errors
    /// When the guest does not answer.
    pub fn make(&self, guest: &mut Guest, target: &Target) -> Result<Outcome> {
        let before = guest.refused(target.disk)?;
        let dirty = target.dirty_journal.as_deref().unwrap_or("none");
        let error = target.journal_error.as_deref().unwrap_or("none");
        let answer = guest.run(&format!(
            "D=/dev/{} P=/dev/{} J=/dev/{dirty} E=/dev/{error} T='{}'\n{}",
            target.disk,
            target.partition,
            Guest::with_tool(""),
            self.script,
        ))?;
        let refused = guest.refused(target.disk)?.saturating_sub(before);
        let mut objections = Vec::new();
        if answer.succeeded() {
            objections.push(format!("{}: succeeded and said {:?}", self.name, answer.output));
        }
        if !self.refusals.iter().any(|words| answer.output.contains(words)) {
            objections.push(format!("{}: not refused as read-only, but with {:?}", self.name, answer.output));
        }
        if self.counted && refused == 0 {
            objections.push(format!("{}: the guard did not count it", self.name));
        }
        Ok(Outcome { answer, refused, objections })
    }
}

/// Makes every attempt that applies to `target` and returns all objections.
///
/// # Errors
/// [`HarnessError`] when the guest does not answer.
pub fn make_all(guest: &mut Guest, target: &Target) -> std::result::Result<Vec<String>, HarnessError> {
    let mut objections = Vec::new();
    for attempt in ATTEMPTS.iter().filter(|attempt| attempt.applies_to(target)) {
        objections.extend(attempt.make(guest, target)?.objections);
    }
    Ok(objections)
}
