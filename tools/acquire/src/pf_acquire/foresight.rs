//! Foresees that a destination will not do, from what has been stored so far.

use evidence::ByteCount;
use nix::sys::statvfs::statvfs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often is looked.
const INTERVAL: Duration = Duration::from_secs(5);

/// So much of the medium must have been stored before anything is said of the rest.
const LEAST: u64 = 256 << 20;

/// Looks at the room that is left.
pub struct Foresight {
    /// Each folder that was not told of, and what was free there at the beginning.
    folders: Vec<(PathBuf, u64)>,
    /// Where in the medium it began.
    from: u64,
    looked: Instant,
}

impl Foresight {
    /// For images in those folders, whose first byte to come is at `from` of the medium.
    pub fn new(folders: impl Iterator<Item = PathBuf>, from: u64) -> Self {
        let folders = folders.filter_map(|folder| free(&folder).map(|free| (folder, free))).collect();
        Self { folders, from, looked: Instant::now() }
    }

    /// What is to be said of each folder that will not do, once.
    pub fn look(&mut self, done: u64, size: ByteCount) -> Vec<String> {
        if self.looked.elapsed() < INTERVAL {
            return Vec::new();
        }
        self.looked = Instant::now();
        let (stored, left) = (done.saturating_sub(self.from), size.0.saturating_sub(done));
        let mut told = Vec::new();
        self.folders.retain(|(folder, before)| {
            let Some(free) = free(folder) else { return true };
            let Some(need) = need(before.saturating_sub(free), stored, left).filter(|need| *need > free) else {
                return true;
            };
            told.push(format!(
                "{}: {} are free, but at this rate {} are still to come. Make room there in time; if it fills up, nothing is \
                 lost: the run can go on, here or elsewhere",
                folder.display(),
                ByteCount(free).short(),
                ByteCount(need).short()
            ));
            false
        });
        told
    }
}

fn free(folder: &PathBuf) -> Option<u64> {
    statvfs(folder).ok().map(|fs| fs.blocks_available().saturating_mul(fs.fragment_size()))
}

/// What the rest of the medium will take, where `stored` bytes of it took `taken`; `None` while that is too little to tell.
fn need(taken: u64, stored: u64, left: u64) -> Option<u64> {
    if stored < LEAST {
        return None;
    }
    let need = u128::from(taken).saturating_mul(left.into()).checked_div(stored.into())?;
    u64::try_from(need).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_expected_to_take_what_the_beginning_took() {
        assert_eq!(need(1 << 30, 2 << 30, 10 << 30), Some(5 << 30));
        assert_eq!(need(0, 2 << 30, 10 << 30), Some(0));
        assert_eq!(need(1 << 20, LEAST - 1, 1 << 40), None);
        assert_eq!(need(u64::MAX, LEAST, u64::MAX), None, "no such destination");
    }
}
