//! How a disk becomes a destination: its serial number is typed, a volume is chosen or made, and given back at the end.

use super::{Desk, Effect, Key, Purpose, View, moved, typed_into};
use crate::command::{Command, first_partition};
use crate::disk::{Disk, DiskId, FileSystem, NewFileSystem};
use crate::words;

/// A line of the list of volumes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A volume as it is.
    Volume(String, FileSystem),
    /// The whole disk, formatted anew.
    Format(NewFileSystem),
}

/// Where on a disk images can go.
#[must_use]
pub fn places(disk: &Disk) -> Vec<Place> {
    let volumes = disk.volumes.iter();
    volumes
        .filter_map(|volume| Some(Place::Volume(volume.path.clone(), volume.file_system?)))
        .chain(NewFileSystem::ALL.map(Place::Format))
        .collect()
}

impl Desk {
    pub(super) fn key_of_serial(&mut self, key: Key, id: DiskId, mut typed: String) -> Vec<Effect> {
        match key {
            Key::Escape => self.view = View::Disk { disk: id, row: 0 },
            Key::Enter => {
                let Some(disk) = self.disk(&id) else { return Vec::new() };
                if disk.serial() != typed.trim() {
                    return self.words(words::ANOTHER_SERIAL);
                }
                let Some(candidate) = self.roles.candidate(disk) else {
                    return self.words(words::NOT_A_DESTINATION);
                };
                let command = Command::allow(candidate, typed.trim());
                return self.run(Purpose::Allow(id), vec![command]);
            }
            _ => {
                typed_into(&mut typed, key);
                self.view = View::Serial { disk: id, typed };
            }
        }
        Vec::new()
    }

    pub(super) fn key_of_volumes(&mut self, key: Key, id: DiskId, row: usize) -> Vec<Effect> {
        let Some(disk) = self.disk(&id) else { return Vec::new() };
        let places = places(disk);
        match key {
            Key::Escape => self.view = View::Disks,
            Key::Up | Key::Down => self.view = View::Volumes { disk: id, row: moved(row, key, places.len()) },
            Key::Enter => {
                let Some(destination) = self.roles.destination(disk) else {
                    return self.words(words::NOT_A_DESTINATION);
                };
                match places.get(row) {
                    _ if self.folders.values().any(|folder| folder.disk == id) => {
                        return self.words(words::ALREADY_MOUNTED);
                    }
                    Some(Place::Volume(path, kind)) => {
                        let commands = Command::mount(destination, path, *kind);
                        return self.run(Purpose::Prepare(id, path.clone()), commands);
                    }
                    Some(Place::Format(kind)) => {
                        self.view = View::Format { disk: id, kind: *kind, typed: String::new() };
                    }
                    None => {}
                }
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn key_of_format(
        &mut self,
        key: Key,
        id: DiskId,
        kind: NewFileSystem,
        mut typed: String,
    ) -> Vec<Effect> {
        match key {
            Key::Escape => self.view = View::Volumes { disk: id, row: 0 },
            Key::Enter => {
                let Some(disk) = self.disk(&id) else { return Vec::new() };
                if disk.serial() != typed.trim() {
                    return self.words(words::ANOTHER_SERIAL);
                }
                let Some(destination) = self.roles.destination(disk) else {
                    return self.words(words::NOT_A_DESTINATION);
                };
                let path = first_partition(&disk.path);
                let commands = Command::format(destination, kind);
                return self.run(Purpose::Prepare(id, path), commands);
            }
            _ => {
                typed_into(&mut typed, key);
                self.view = View::Format { disk: id, kind, typed };
            }
        }
        Vec::new()
    }

    /// Unmounts what is mounted of a destination and blocks it.
    pub(super) fn release(&mut self, id: &DiskId) -> Vec<Effect> {
        if self.jobs.iter().any(super::Job::is_alive) {
            return self.words(words::STILL_RUNNING);
        }
        let Some(disk) = self.disk(id) else { return Vec::new() };
        let Some(destination) = self.roles.destination(disk) else {
            return self.words(words::NOT_A_DESTINATION);
        };
        let mounted = self.folders.iter().filter(|(_, folder)| folder.disk == *id);
        let mut commands: Vec<Command> = mounted.map(|(folder, _)| Command::unmount(folder)).collect();
        commands.push(Command::block(destination));
        self.run(Purpose::Release(id.clone()), commands)
    }
}
