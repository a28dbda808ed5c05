//! The report on a disk that is not there, from answers that it would give.
//!
//! Nothing is sent and no device is opened. Who calls it: the fuzzer, which answers what no disk should.

use super::channel::{Ask, Reply, Silence};
use super::question::Question;
use super::{ata, mmc, nvme, scsi};
use crate::sense::AtaRegisters;
use evidence::{ByteCount, SectorCount, SelfReport};
use std::path::Path;

/// Whose questions are answered.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// An ATA disk of which the kernel shows so much.
    Ata(ByteCount),
    /// A SCSI disk of so many sectors, with what sysfs keeps of it in a folder.
    Scsi(&'a Path, SectorCount),
    /// The first namespace of an NVMe controller.
    Nvme,
    /// An eMMC, with what sysfs keeps of it in a folder.
    Mmc(&'a Path),
    /// An SD card, likewise.
    Sd(&'a Path),
}

/// What is said of the disk. `answer` gets the name of each command that would be sent, in order; `None` stands for one that
/// the disk does not know.
pub fn replay(
    kind: Kind<'_>,
    mut answer: impl FnMut(&'static str) -> Option<(Vec<u8>, AtaRegisters)>,
) -> SelfReport {
    let mut door = |question: Question| {
        let given = answer(question.name()).ok_or(Silence::NotKnown(question.name()))?;
        Ok(Reply { data: given.0, registers: Some(given.1) })
    };
    match kind {
        Kind::Ata(shown) => ata::ask(&mut door, shown),
        Kind::Scsi(folder, sectors) => scsi::ask(&mut door, &scsi::KeptPages::of(folder, sectors)),
        Kind::Nvme => nvme::ask(&mut door, &nvme::Namespace { id: 1, has_size: true, shown: vec![1] }),
        Kind::Mmc(folder) => mmc::ask(&mut door, &mmc::Card::of(folder, "mmcblk0")),
        Kind::Sd(folder) => mmc::of_sd(&mmc::Card::of(folder, "mmcblk0")),
    }
}

impl<F: FnMut(Question) -> Result<Reply, Silence>> Ask for F {
    fn ask(&mut self, question: Question) -> Result<Reply, Silence> {
        self(question)
    }
}
