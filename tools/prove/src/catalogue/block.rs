//! The block layer's ways to change a disk, each by the system call or ioctl that Linux documents for it.

use crate::vector::{Effect, Row, Stake};
use Effect::{Configuration, Control, Write};
use Stake::Scratch;
use passthrough::block::{FallocateMode, RangeAction, WriteFlag};

/// What is done to a block node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockForm {
    /// write(2) through the page cache and fsync.
    Buffered,
    /// write(2) with `O_DIRECT`.
    Direct,
    /// `BLKROSET` 0, then a direct write.
    SetWritableThenDirect,
    /// pwritev2(2).
    Flagged(WriteFlag),
    /// A store to a shared mapping.
    Mapped,
    /// An ioctl on a range.
    Range(RangeAction),
    /// fallocate(2).
    Fallocate(FallocateMode),
    /// `BLKROSET` 0 alone.
    SetWritable,
    /// `BLKPG`, add a partition to the kernel's list.
    AddPartition,
    /// `BLKRRPART`.
    RereadPartitions,
    /// `BLKFLSBUF`.
    DropCache,
    /// fsync(2) with nothing written.
    Flush,
}

const fn row(name: &'static str, clause: &'static str, effect: Effect, form: BlockForm) -> Row<BlockForm> {
    Row { name, clause, effect, stake: Scratch, form }
}

/// Tried on the disk and on its first partition.
pub(crate) const ROWS: &[Row<BlockForm>] = &[
    row("write, direct", "open(2) O_DIRECT", Write, BlockForm::Direct),
    row("write, buffered", "write(2), fsync(2)", Write, BlockForm::Buffered),
    row("write, DSYNC", "pwritev2(2) RWF_DSYNC", Write, BlockForm::Flagged(WriteFlag::DataSync)),
    row("write, SYNC", "pwritev2(2) RWF_SYNC", Write, BlockForm::Flagged(WriteFlag::Sync)),
    row("write, polled", "pwritev2(2) RWF_HIPRI", Write, BlockForm::Flagged(WriteFlag::Polled)),
    row("write, atomic", "pwritev2(2) RWF_ATOMIC", Write, BlockForm::Flagged(WriteFlag::Atomic)),
    row("write by mapping", "mmap(2), msync(2)", Write, BlockForm::Mapped),
    row("BLKDISCARD", "linux/fs.h", Write, BlockForm::Range(RangeAction::Discard)),
    row("BLKSECDISCARD", "linux/fs.h", Write, BlockForm::Range(RangeAction::SecureDiscard)),
    row("BLKZEROOUT", "linux/fs.h", Write, BlockForm::Range(RangeAction::ZeroOut)),
    row("fallocate, punch hole", "fallocate(2)", Write, BlockForm::Fallocate(FallocateMode::PunchHole)),
    row(
        "fallocate, punch hole, no hide stale",
        "linux/falloc.h",
        Write,
        BlockForm::Fallocate(FallocateMode::PunchHoleNoHideStale),
    ),
    row("fallocate, zero range", "fallocate(2)", Write, BlockForm::Fallocate(FallocateMode::ZeroRange)),
    row(
        "fallocate, zero range, keep size",
        "fallocate(2)",
        Write,
        BlockForm::Fallocate(FallocateMode::ZeroRangeKeepSize),
    ),
    row("fallocate, allocate", "fallocate(2)", Write, BlockForm::Fallocate(FallocateMode::Allocate)),
    row("BLKROSET, clear", "linux/fs.h", Configuration, BlockForm::SetWritable),
    row("BLKROSET, clear, then write", "linux/fs.h", Write, BlockForm::SetWritableThenDirect),
    row("fsync, nothing written", "fsync(2)", Control, BlockForm::Flush),
    row("BLKFLSBUF", "linux/fs.h", Control, BlockForm::DropCache),
];

/// Tried on the whole disk only.
pub(crate) const DISK_ROWS: &[Row<BlockForm>] = &[
    row("BLKPG, add partition", "linux/blkpg.h", Control, BlockForm::AddPartition),
    row("BLKRRPART", "linux/fs.h", Control, BlockForm::RereadPartitions),
    row("BLKRESETZONE", "linux/blkzoned.h", Write, BlockForm::Range(RangeAction::ResetZone)),
    row("BLKOPENZONE", "linux/blkzoned.h", Configuration, BlockForm::Range(RangeAction::OpenZone)),
    row("BLKCLOSEZONE", "linux/blkzoned.h", Configuration, BlockForm::Range(RangeAction::CloseZone)),
    row("BLKFINISHZONE", "linux/blkzoned.h", Write, BlockForm::Range(RangeAction::FinishZone)),
];

/// Tried through a linear device of the device mapper on the disk.
pub(crate) const MAPPER_ROWS: &[Row<BlockForm>] = &[
    row("write through a mapped device, direct", "linux/dm-ioctl.h", Write, BlockForm::Direct),
    row("write through a mapped device, buffered", "linux/dm-ioctl.h", Write, BlockForm::Buffered),
    row(
        "BLKDISCARD through a mapped device",
        "linux/dm-ioctl.h",
        Write,
        BlockForm::Range(RangeAction::Discard),
    ),
    row(
        "BLKZEROOUT through a mapped device",
        "linux/dm-ioctl.h",
        Write,
        BlockForm::Range(RangeAction::ZeroOut),
    ),
];

/// Tried through a loop device on the disk.
pub(crate) const LOOP_ROWS: &[Row<BlockForm>] = &[
    row("write through a loop device, direct", "loop(4)", Write, BlockForm::Direct),
    row("write through a loop device, buffered", "loop(4)", Write, BlockForm::Buffered),
    row("BLKDISCARD through a loop device", "loop(4)", Write, BlockForm::Range(RangeAction::Discard)),
    row("BLKZEROOUT through a loop device", "loop(4)", Write, BlockForm::Range(RangeAction::ZeroOut)),
    row("fallocate through a loop device", "loop(4)", Write, BlockForm::Fallocate(FallocateMode::ZeroRange)),
];
