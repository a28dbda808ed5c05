//! The oracle: did a disk change, and was it ever told to? Three witnesses that share no code with the guard.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::Read,
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{
    Doing, Result,
    command_tables::{CommandSet, Effect},
    disk_device::{Disk, Transport},
    emulator::Emulator,
    qmp::BlockStatistics,
    trace::{self, Address, Command, Sender},
};

/// SHA-256 of every byte of a file, in hexadecimal.
///
/// # Errors
/// [`crate::HarnessError::Host`] when it can't be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).doing(|| format!("opening {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut block).doing(|| format!("reading {}", path.display()))?;
        if count == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&block[..count]);
    }
}

/// What was known of some disks before the machine was switched on.
pub struct Oracle {
    watched: Vec<(Disk, String)>,
}

/// All that is known of one disk afterwards.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Its name.
    pub disk: String,
    /// Its model.
    pub transport: Transport,
    /// SHA-256 of the whole image before.
    pub before: String,
    /// SHA-256 of the whole image after.
    pub after: String,
    /// The block layer's counts; none for a disk that was pulled out.
    pub statistics: Option<BlockStatistics>,
    /// Every command that reached the disk model.
    pub commands: Vec<Command>,
}

impl Oracle {
    /// Hashes the disks; to be asked before the machine is switched on.
    ///
    /// # Errors
    /// [`crate::HarnessError::Host`] when an image can't be read.
    ///
    /// # Panics
    /// When two of them can't be told apart in the trace.
    pub fn watch(disks: &[Disk]) -> Result<Self> {
        let addresses: HashSet<Address> = disks.iter().map(Address::of).collect();
        assert_eq!(addresses.len(), disks.len(), "two watched disks share an address in the trace");
        let watched = disks.iter().map(|disk| Ok((disk.clone(), sha256_of(&disk.image)?)));
        Ok(Oracle { watched: watched.collect::<Result<_>>()? })
    }

    /// Asks for the statistics, ends the emulator, reads its trace and hashes the disks again.
    ///
    /// # Errors
    /// When the emulator or the files don't answer; never for what they say.
    pub fn judge(self, mut emulator: Emulator) -> Result<Vec<Verdict>> {
        let statistics: Vec<_> =
            self.watched.iter().map(|(disk, _)| emulator.qmp.block_statistics(&disk.name).ok()).collect();
        let commands = trace::read(&emulator.quit()?)?;
        let verdicts = self.watched.into_iter().zip(statistics).map(|((disk, before), statistics)| {
            let received = commands_for(&disk, &commands);
            Ok(Verdict {
                after: sha256_of(&disk.image)?,
                before,
                statistics,
                commands: received,
                transport: disk.transport,
                disk: disk.name,
            })
        });
        verdicts.collect()
    }
}

/// The commands of a trace that reached `disk`, in the set that its model obeys.
#[must_use]
pub fn commands_for(disk: &Disk, commands: &[Command]) -> Vec<Command> {
    let address = Address::of(disk);
    let reached = commands.iter().filter(|command| address.is_reached_by(command.address)).copied();
    let scsi = if disk.transport.is_optical() { CommandSet::Optical } else { CommandSet::Scsi };
    reached
        .map(|command| match command.set {
            CommandSet::Scsi => Command { set: scsi, ..command },
            _ => command,
        })
        .collect()
}

impl Verdict {
    /// First witness: every byte is as it was.
    #[must_use]
    pub fn bit_identical(&self) -> bool {
        self.before == self.after
    }

    /// Second witness: how many operations that change an image the block layer counted. An image written at all
    /// counts as one at least, for the SD model does not count its writes.
    #[must_use]
    pub fn changing_operations(&self) -> u64 {
        let Some(counted) = self.statistics else { return 0 };
        let told = counted.writes + counted.unmaps + counted.zone_appends;
        told.max(u64::from(counted.highest_written > 0))
    }

    /// Third witness: commands in the trace that change a disk, or that no table lists.
    #[must_use]
    pub fn changing_commands(&self) -> Vec<Command> {
        self.with_effect(&[Effect::Modifies, Effect::Unlisted])
    }

    /// Flushes and stand-by commands from the kernel: they change nothing where nothing was accepted before, and the
    /// command gates let none through.
    #[must_use]
    pub fn flushes(&self) -> Vec<Command> {
        let mut flushes = self.with_effect(&[Effect::Flushes]);
        flushes.retain(|command| command.sender == Sender::Kernel);
        flushes
    }

    /// What the kernel sent, without what firmware had to say before it.
    #[must_use]
    pub fn from_kernel(&self) -> Vec<Command> {
        self.commands.iter().filter(|command| command.sender == Sender::Kernel).copied().collect()
    }

    /// How many flushes the block layer counted, whoever asked for them.
    #[must_use]
    pub fn counted_flushes(&self) -> u64 {
        self.statistics.map_or(0, |counted| counted.flushes)
    }

    /// All that speaks against "no command outside the allow-list reached this disk": what [`Verdict::objections`]
    /// finds, and flushes, which must be absorbed.
    #[must_use]
    pub fn objections_to_the_gates(&self) -> Vec<String> {
        let mut objections = self.objections();
        let name = format!("{} ({})", self.disk, self.transport.name());
        for (command, count) in tally(&self.flushes()) {
            objections.push(format!("{name}: received {count} × {command}"));
        }
        if self.counted_flushes() > 0 {
            objections.push(format!("{name}: the block layer counted {} flushes", self.counted_flushes()));
        }
        objections
    }

    /// All that speaks against "this disk was left as it was", one line each.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        let mut objections = Vec::new();
        let name = format!("{} ({})", self.disk, self.transport.name());
        if !self.bit_identical() {
            objections.push(format!("{name}: SHA-256 was {} and is {}", self.before, self.after));
        }
        if self.changing_operations() > 0 {
            objections.push(format!("{name}: the block layer counted {:?}", self.statistics));
        }
        for (command, count) in tally(&self.changing_commands()) {
            objections.push(format!("{name}: received {count} × {command}"));
        }
        // A witness who heard nothing at all has not listened: the disk was identified and read.
        if self.with_effect(&[Effect::Informs]).is_empty() {
            objections.push(format!("{name}: the trace holds no command for it at all"));
        }
        objections
    }

    /// Panics with all objections, if there are any.
    ///
    /// # Panics
    /// When the disk was changed, or told to change.
    pub fn assert_untouched(&self) {
        let objections = self.objections();
        assert!(objections.is_empty(), "evidence was touched:\n{}", objections.join("\n"));
    }

    fn with_effect(&self, effects: &[Effect]) -> Vec<Command> {
        self.commands.iter().filter(|command| effects.contains(&command.effect())).copied().collect()
    }
}

/// How often each command occurs, by its words.
#[must_use]
pub fn tally(commands: &[Command]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for command in commands {
        *counts.entry(command.to_string()).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    fn quiet() -> Verdict {
        let read = Command {
            address: Address::NvmeNamespace(1),
            sender: Sender::Kernel,
            set: CommandSet::NvmeIo,
            opcode: 2,
            selector: 0,
        };
        Verdict {
            disk: "evidence".into(),
            transport: Transport::Nvme,
            before: "aa".into(),
            after: "aa".into(),
            statistics: Some(BlockStatistics { reads: 7, ..BlockStatistics::default() }),
            commands: vec![read],
        }
    }

    #[test]
    fn a_disk_that_was_only_read_has_no_objection_against_it() {
        assert_eq!(quiet().objections(), Vec::<String>::new());
    }

    #[test]
    fn each_witness_alone_is_enough() {
        let changed = Verdict { after: "bb".into(), ..quiet() };
        assert_eq!(changed.objections().len(), 1);

        let unmapped = BlockStatistics { unmaps: 1, ..BlockStatistics::default() };
        assert_eq!(Verdict { statistics: Some(unmapped), ..quiet() }.objections().len(), 1);

        let uncounted = BlockStatistics { highest_written: 512, ..BlockStatistics::default() };
        assert_eq!(Verdict { statistics: Some(uncounted), ..quiet() }.objections().len(), 1);

        let mut told = quiet();
        told.commands.push(Command { opcode: 1, ..told.commands[0] });
        assert_eq!(told.objections().len(), 1);
    }

    #[test]
    fn a_witness_who_heard_nothing_does_not_count_as_one() {
        assert_eq!(Verdict { commands: Vec::new(), ..quiet() }.objections().len(), 1);
    }
}
