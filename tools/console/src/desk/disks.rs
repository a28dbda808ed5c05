//! The list of disks, and what can be done with one of them.

use super::{Desk, Effect, Key, Purpose, View, moved};
use crate::command::Command;
use crate::disk::{DiskId, GuardStanding, Standing};
use crate::words;

/// What can be done with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Lock it and image it.
    TakeAsSource,
    /// Image it; it is locked already.
    Image,
    /// Let it be written.
    UseAsDestination,
    /// Choose where on it images go.
    ChooseVolume,
    /// Block it again.
    Release,
}

impl Desk {
    /// What can be done with a disk, as it stands now.
    #[must_use]
    pub fn deeds(&self, id: &DiskId) -> Vec<Deed> {
        let Some(disk) = self.disk(id) else { return Vec::new() };
        let mut deeds = Vec::new();
        match disk.standing {
            Standing::Blocked => deeds.push(Deed::TakeAsSource),
            Standing::Evidence => {
                deeds.push(if self.roles.source(disk).is_some() { Deed::Image } else { Deed::TakeAsSource });
            }
            Standing::Writable | Standing::NotGuarded => {}
        }
        let sealed = self.guard == GuardStanding::InForce { sealed: true };
        if !sealed && self.roles.candidate(disk).is_some() {
            deeds.push(Deed::UseAsDestination);
        }
        if self.roles.destination(disk).is_some() {
            deeds.extend([Deed::ChooseVolume, Deed::Release]);
        }
        deeds
    }

    pub(super) fn key_of_disks(&mut self, key: Key) -> Vec<Effect> {
        match key {
            Key::Up | Key::Down => self.row = moved(self.row, key, self.disks.len()),
            Key::Enter => {
                if let Some(disk) = self.disks.get(self.row) {
                    self.view = View::Disk { disk: disk.id.clone(), row: 0 };
                }
            }
            Key::Character('c') => self.view = View::Case { row: 0, back: None, typing: false },
            Key::Character('r') => return vec![Effect::List],
            Key::Character('p') => self.view = View::PowerOff,
            // Acquisitions would lose who shows how they end.
            Key::Character('q') if self.jobs.iter().any(super::Job::is_alive) => {
                return self.words(words::STILL_RUNNING);
            }
            Key::Character('q') if self.knows_something() => self.view = View::Leave,
            Key::Character('q') => return vec![Effect::Leave],
            Key::Character(digit) => {
                let number = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
                let job = number.and_then(|number| number.checked_sub(1));
                if let Some(job) = job.filter(|&job| job < self.jobs.len()) {
                    self.view = View::Job { job, stopping: false, scroll: 0 };
                }
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn key_of_disk(&mut self, key: Key, id: DiskId, row: usize) -> Vec<Effect> {
        let deeds = self.deeds(&id);
        match key {
            Key::Escape => self.view = View::Disks,
            Key::Up | Key::Down => self.view = View::Disk { disk: id, row: moved(row, key, deeds.len()) },
            Key::Enter => {
                if let Some(deed) = deeds.get(row) {
                    return self.begin(*deed, id);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn begin(&mut self, deed: Deed, id: DiskId) -> Vec<Effect> {
        match deed {
            Deed::TakeAsSource => self.take_as_source(&id),
            Deed::Image => {
                self.view = View::Settings { source: id, row: 0, typing: false };
                Vec::new()
            }
            Deed::UseAsDestination => {
                self.view = View::Serial { disk: id, typed: String::new() };
                Vec::new()
            }
            Deed::ChooseVolume => {
                self.view = View::Volumes { disk: id, row: 0 };
                Vec::new()
            }
            Deed::Release => self.release(&id),
        }
    }

    fn take_as_source(&mut self, id: &DiskId) -> Vec<Effect> {
        let Some(disk) = self.disks.iter().find(|disk| disk.id == *id) else { return Vec::new() };
        // From here on it is none of the disks that can be written, whatever becomes of the command.
        let Some(source) = self.roles.take(disk) else { return self.words(words::NOT_A_SOURCE) };
        let command = Command::lock(source);
        self.run(Purpose::Source(id.clone()), vec![command])
    }

    /// True where the end of the console would lose what it shows or what was typed.
    fn knows_something(&self) -> bool {
        !self.jobs.is_empty() || !self.folders.is_empty() || !self.form.is_empty()
    }

    pub(super) fn key_of_leave(&mut self, key: Key) -> Vec<Effect> {
        if key == Key::Character('y') {
            return vec![Effect::Leave];
        }
        self.view = View::Disks;
        Vec::new()
    }

    pub(super) fn key_of_power_off(&mut self, key: Key) -> Vec<Effect> {
        match key {
            Key::Character('y') if self.jobs.iter().all(|job| !job.is_alive()) => {
                return self.run(Purpose::PowerOff, vec![Command::power_off()]);
            }
            Key::Character('y') => return self.words(words::STILL_RUNNING),
            Key::Escape | Key::Character('n') => self.view = View::Disks,
            _ => {}
        }
        Vec::new()
    }
}
