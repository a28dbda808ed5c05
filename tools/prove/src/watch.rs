//! A cheap look, after each attempt, at whether the blocks that it aimed at have changed.

use crate::catalogue::calls::CallForm;
use crate::content::{self, Content};
use crate::failure::Failure;
use crate::pattern::Comparison;
use crate::plan::{Action, Attempt};
use crate::target::Target;
use device::{AlignedBuffer, DirectFile};
use evidence::ByteOffset;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes watched at the aim, the start and the end of the disk; each attempt aims at a stretch of its own.
pub(crate) const STRETCH: u64 = 32 * 1024;
/// How often a disk that can't be read is asked again, a second apart: a reset may be going on.
const PATIENCE: u32 = 5;

/// The watched stretches: what they held before the attempt.
pub(crate) struct Watch {
    path: PathBuf,
    file: Option<DirectFile>,
    places: [u64; 3],
    before: [Option<AlignedBuffer>; 3],
    /// The disk did not answer within all patience: from now on it is asked once each time, until it does.
    gone: bool,
}

impl Watch {
    /// A watch that has not looked yet.
    pub(crate) fn on(target: &Target) -> Self {
        let last = target.size().saturating_sub(STRETCH) / 4096 * 4096;
        Watch {
            path: PathBuf::from(&target.disk.identity.path),
            file: None,
            places: [0, 0, last],
            before: [None, None, None],
            gone: false,
        }
    }

    /// The disk has another name now.
    pub(crate) fn follow(&mut self, path: &str) {
        self.path = PathBuf::from(path);
        self.file = None;
        self.gone = false;
    }

    /// Notes what lies at the start, at the end and around `aim`.
    pub(crate) fn look(&mut self, aim: u64) -> Result<(), Failure> {
        let [_, place, _] = &mut self.places;
        *place = aim / STRETCH * STRETCH;
        let places = self.places;
        for (index, (place, slot)) in places.iter().zip(0..).enumerate() {
            let known = self.before.get(index).is_some_and(Option::is_some);
            // Start and end hold what the last comparison saw; the aim is new.
            if slot == 1 || !known {
                let now = self.read(*place)?;
                if let Some(before) = self.before.get_mut(index) {
                    *before = now;
                }
            }
        }
        Ok(())
    }

    /// Looks again: where something changed, in words. What is there now is what later attempts are compared with.
    pub(crate) fn changes(&mut self) -> Result<Vec<String>, Failure> {
        let mut changes = Vec::new();
        for (index, place) in self.places.into_iter().enumerate() {
            let now = self.read(place)?;
            let Some(before) = self.before.get_mut(index) else { continue };
            match (before.as_deref(), now.as_deref()) {
                (Some(old), Some(new)) => changes.extend(difference(old, new, place)),
                (Some(_), None) => changes.push(format!("bytes from {place} on can no longer be read")),
                (None, Some(_)) => changes.push(format!("bytes from {place} on can be read again")),
                (None, None) => {}
            }
            *before = now;
        }
        Ok(changes)
    }

    /// What the aimed-at block held before the attempt.
    pub(crate) fn held(&self, aim: u64, length: usize) -> Vec<u8> {
        let [_, place, _] = self.places;
        let [_, before, _] = &self.before;
        let from = usize::try_from(aim.saturating_sub(place)).unwrap_or(0);
        before
            .as_deref()
            .and_then(|bytes| bytes.get(from..from.saturating_add(length)))
            .map_or_else(|| vec![0; length], <[u8]>::to_vec)
    }

    fn read(&mut self, place: u64) -> Result<Option<AlignedBuffer>, Failure> {
        let mut buffer = AlignedBuffer::new(usize::try_from(STRETCH).unwrap_or(4096))?;
        let patience = if self.gone { 1 } else { PATIENCE };
        for attempt in 0..patience {
            if attempt > 0 {
                self.file = None;
                std::thread::sleep(Duration::from_secs(1));
            }
            if self.file.is_none() {
                self.file = DirectFile::open(&self.path).ok();
            }
            let Some(file) = &self.file else { continue };
            match file.read_at(ByteOffset(place), &mut buffer) {
                Ok(count) if count == buffer.len() => {
                    self.gone = false;
                    return Ok(Some(buffer));
                }
                // A stretch with unreadable sectors is compared as unreadable, without waiting.
                Ok(_) => return Ok(None),
                Err(error) if error.is_bad_range() && attempt > 0 => return Ok(None),
                Err(_) => {}
            }
        }
        self.gone = true;
        self.file = None;
        Ok(None)
    }
}

/// A look at a whole partition, for attempts after which changes may lie anywhere in it.
#[derive(Default)]
pub(crate) struct PartitionWatch {
    /// The partition that the last attempt was about, and what it held then.
    last: Option<(u64, Content)>,
}

/// The largest partition that is read as a whole after each attempt on it.
const LARGEST: u64 = 512 << 20;

impl PartitionWatch {
    /// Notes what a partition holds before an attempt on it, unless the attempt before was on the same.
    pub(crate) fn look(&mut self, attempt: &Attempt, target: &Target) -> Result<(), Failure> {
        let number = match &attempt.action {
            Action::Mount(mount) => mount.partition,
            Action::Call(CallForm::RaidStart | CallForm::RaidWrite) => target.raid_member(),
            _ => None,
        };
        match (number, &self.last) {
            (Some(number), Some((last, _))) if number == *last => Ok(()),
            (number, _) => {
                let now = number.map(|number| Self::read(target, number)).transpose()?.flatten();
                self.last = number.zip(now);
                Ok(())
            }
        }
    }

    /// What has changed since, in words. What is there now is what the next attempt is compared with.
    pub(crate) fn change(&mut self, target: &Target) -> Result<Option<String>, Failure> {
        let Some((number, before)) = &mut self.last else { return Ok(None) };
        let Some(now) = Self::read(target, *number)? else { return Ok(None) };
        let mut found = Comparison::default();
        before.compare(&now, &mut found);
        *before = now;
        Ok(content::in_words(&found))
    }

    fn read(target: &Target, number: u64) -> Result<Option<Content>, Failure> {
        let Some((start, length)) = target.range_of(number).filter(|(_, length)| *length <= LARGEST) else {
            return Ok(None);
        };
        Content::read(Path::new(&target.disk.identity.path), start, length).map(Some)
    }
}

/// First and last byte that differ.
fn difference(old: &[u8], new: &[u8], place: u64) -> Option<String> {
    let differs = |(_, (a, b)): &(u64, (&u8, &u8))| a != b;
    let pairs = || (0u64..).zip(old.iter().zip(new));
    let first = pairs().find(differs)?.0;
    let last = pairs().filter(differs).last()?.0;
    let kind = if new.iter().skip(usize::try_from(first).unwrap_or(0)).all(|b| *b == 0) {
        ", now zeros"
    } else {
        ""
    };
    Some(format!("bytes {} to {}{kind}", place.saturating_add(first), place.saturating_add(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_by_its_first_and_last_byte() {
        let old = [5u8; 16];
        let mut new = old;
        assert_eq!(difference(&old, &new, 100), None);
        (new[3], new[9]) = (1, 2);
        assert_eq!(difference(&old, &new, 100).as_deref(), Some("bytes 103 to 109"));
        new[3..].fill(0);
        assert_eq!(difference(&old, &new, 100).as_deref(), Some("bytes 103 to 115, now zeros"));
    }
}
