//! The source, and what keeps it from being changed.

use super::failure::Failure;
use super::mounts;
use device::{Disk, NodeNumber, inventory};
use evidence::{GuardState, Transport};
use formats::{DeviceLabel, MediumKind};
use guard::{Guard, GuardedDisk, Wait};
use record::{Entry, GuardReport};
use std::path::Path;

/// A source that may be read.
pub struct Source {
    /// What was named.
    pub disk: Disk,
    /// Numbers of all nodes of its whole disk, and of what is built on them: volumes, RAID, encryption.
    pub nodes: Vec<NodeNumber>,
}

/// What keeps a source from being changed.
pub struct Protection {
    guarded: Option<(Guard, GuardedDisk)>,
    reason: Option<String>,
}

/// Most events of the guard that go into the record; they stand in one entry.
const MOST_EVENTS: usize = 2000;

/// Finds out what was named as source.
pub fn identify(path: &Path) -> Result<Source, Failure> {
    let disk = inventory::identify(path)?;
    let whole = match &disk.parent {
        Some(parent) => inventory::identify(&Path::new("/dev").join(parent))?,
        None => disk.clone(),
    };
    let mut nodes: Vec<NodeNumber> = disk.node.into_iter().chain(whole.node).collect();
    nodes.extend(whole.partitions.iter().filter_map(|partition| node_of(Path::new(&partition.path))));
    let built: Vec<NodeNumber> = nodes.iter().flat_map(|node| inventory::built_on(*node)).collect();
    nodes.extend(built);
    Ok(Source { disk, nodes })
}

/// Number of the device node at `path`, if it is one.
pub fn node_of(path: &Path) -> Option<NodeNumber> {
    inventory::identify(path).ok()?.node
}

impl Source {
    /// What the image is said to be made of.
    pub fn medium_kind(&self) -> MediumKind {
        // Of the device mapper and of RAID are volumes, of loop devices files.
        let is_made = ["dm-", "md", "loop"].iter().any(|made| self.disk.name.starts_with(made));
        let is_part = self.disk.parent.is_some() || self.disk.node.is_none() || is_made;
        match (is_part, self.disk.removable) {
            (true, _) => MediumKind::Part,
            (false, true) => MediumKind::RemovableDisk,
            (false, false) => MediumKind::Disk,
        }
    }

    /// What the device says it is, for the image's own header.
    pub fn label(&self) -> DeviceLabel {
        let identity = &self.disk.identity;
        let words: Vec<&str> =
            [&identity.make, &identity.model].into_iter().flatten().map(String::as_str).collect();
        DeviceLabel { model: words.join(" "), serial: identity.serial.clone().unwrap_or_default() }
    }

    /// Locks it as evidence where a guard is in force; else wants to hear that the user knows.
    pub fn protect(&self, unguarded: bool) -> Result<Protection, Failure> {
        let Some(guard) = Guard::in_force()? else {
            if !unguarded {
                return Err(Failure::NoGuard { source_path: self.disk.identity.path.clone() });
            }
            self.refuse_if_mounted_for_writing()?;
            return Ok(Protection { guarded: None, reason: None });
        };
        let virtual_source = match (self.disk.node, self.disk.identity.transport) {
            (None, _) => Some("an ordinary file; the disk that holds it is guarded"),
            (Some(_), Transport::Loop) => Some("a loop device; the disk that holds its file is guarded"),
            _ => None,
        };
        if let Some(reason) = virtual_source {
            return Ok(Protection { guarded: None, reason: Some(reason.to_owned()) });
        }
        let name = self.disk.parent.as_deref().unwrap_or(&self.disk.name);
        let guarded = guard.disk(name)?;
        let state = guarded.state()?;
        if !state.refuses_writes() {
            return Err(Failure::NotBlocked { disk: name.to_owned(), state });
        }
        guarded.lock()?;
        Ok(Protection { guarded: Some((guard, guarded)), reason: None })
    }

    fn refuse_if_mounted_for_writing(&self) -> Result<(), Failure> {
        let mounts = mounts::mounts().map_err(Failure::Mounts)?;
        for mount in mounts.iter().filter(|mount| mount.writable) {
            if self.nodes.contains(&mount.node)
                || node_of(&mount.source).is_some_and(|n| self.nodes.contains(&n))
            {
                return Err(Failure::MountedForWriting {
                    device: mount.source.display().to_string(),
                    mount_point: mount.point.display().to_string(),
                });
            }
        }
        Ok(())
    }
}

impl Protection {
    /// How it stands now, for the record.
    pub fn report(&self) -> Result<GuardReport, Failure> {
        Ok(match (&self.guarded, &self.reason) {
            (Some((guard, disk)), _) => GuardReport::InForce {
                disk: disk.name().to_owned(),
                state: disk.state()?,
                refused: disk.refused()?,
                policy_sha256: Some(guard.policy_sha256()?),
            },
            (None, Some(reason)) => GuardReport::NotADisk { reason: reason.clone() },
            (None, None) => GuardReport::Unguarded,
        })
    }

    /// What the guard saw on the source so far, for the record; `None` where there is no guard.
    pub fn events(&self) -> Result<Option<Entry>, Failure> {
        let Some((guard, disk)) = &self.guarded else { return Ok(None) };
        let mut events = Vec::new();
        let mut omitted = 0u64;
        for event in guard.events(Wait::End)? {
            let event = event?;
            // Events of no disk (sealed, lost) concern every disk, but for those of a device that has none yet: of the
            // source's own, the flight recorder tells.
            let of_another = event.disk.as_deref().is_some_and(|name| name != disk.name());
            if of_another || event.other.contains_key("device") {
                continue;
            }
            match serde_json::to_value(&event) {
                Ok(event) if events.len() < MOST_EVENTS => events.push(event),
                _ => omitted = omitted.saturating_add(1),
            }
        }
        Ok(Some(Entry::GuardEvents { events, omitted }))
    }

    /// The flight recorder of the source so far, for the record; `None` where there is no guard.
    pub fn commands(&self) -> Result<Option<Entry>, Failure> {
        let Some((_, disk)) = &self.guarded else { return Ok(None) };
        let commands = disk.commands()?;
        let rows = commands.iter().filter_map(|command| serde_json::to_value(command).ok()).collect();
        Ok(Some(Entry::GuardCommands { commands: rows }))
    }

    /// State and count of refusals at the end; `None` where there is no guard, or the disk is gone.
    pub fn at_the_end(&self) -> (Option<GuardState>, Option<u64>) {
        match &self.guarded {
            Some((_, disk)) => (disk.state().ok(), disk.refused().ok()),
            None => (None, None),
        }
    }
}
