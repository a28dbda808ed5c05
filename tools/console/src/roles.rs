//! Which disk may be what. A [`Candidate`] is the only thing that the command which lets a disk be written is made of, and a
//! [`Destination`] the only thing that whatever writes to a disk is made of; neither can be had of a disk that is, or ever was,
//! a source. That is all there is: no other module can make one.

use crate::disk::{Disk, DiskId, Standing};
use std::collections::BTreeSet;

/// What was decided of the machine's disks since the console began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles {
    sources: BTreeSet<DiskId>,
}

/// A disk that is imaged. It is locked as evidence before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a>(&'a Disk);

/// A blocked disk that nobody took as source: it may be asked for as destination.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a>(&'a Disk);

/// A disk that the guard lets be written, and that nobody took as source.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a>(&'a Disk);

impl Roles {
    /// Takes the disk as source, for as long as the console runs; `None` where it is a destination, or no guard holds it.
    pub fn take<'a>(&mut self, disk: &'a Disk) -> Option<Source<'a>> {
        let source = match disk.standing {
            Standing::Blocked | Standing::Evidence => Source(disk),
            Standing::Writable | Standing::NotGuarded => return None,
        };
        self.sources.insert(disk.id.clone());
        Some(source)
    }

    /// The disk as the source that it was taken for.
    #[must_use]
    pub fn source<'a>(&self, disk: &'a Disk) -> Option<Source<'a>> {
        let locked = disk.standing == Standing::Evidence;
        (locked && self.was_source(disk)).then_some(Source(disk))
    }

    /// The disk as one that may become a destination.
    #[must_use]
    pub fn candidate<'a>(&self, disk: &'a Disk) -> Option<Candidate<'a>> {
        let free = disk.standing == Standing::Blocked && !self.was_source(disk);
        (free && disk.id.serial.is_some()).then_some(Candidate(disk))
    }

    /// The disk as destination.
    #[must_use]
    pub fn destination<'a>(&self, disk: &'a Disk) -> Option<Destination<'a>> {
        let open = disk.standing == Standing::Writable && !self.was_source(disk);
        open.then_some(Destination(disk))
    }

    /// True where the disk, or another with its name or its serial number, was taken as source: a disk that comes back on
    /// another port is the same, and what stands where the source stood is not trusted either.
    fn was_source(&self, disk: &Disk) -> bool {
        self.sources.iter().any(|source| {
            source.name == disk.id.name || (source.serial.is_some() && source.serial == disk.id.serial)
        })
    }
}

impl<'a> Source<'a> {
    /// The disk.
    #[must_use]
    pub fn disk(self) -> &'a Disk {
        self.0
    }
}

impl<'a> Candidate<'a> {
    /// The disk.
    #[must_use]
    pub fn disk(self) -> &'a Disk {
        self.0
    }
}

impl<'a> Destination<'a> {
    /// The disk.
    #[must_use]
    pub fn disk(self) -> &'a Disk {
        self.0
    }
}
