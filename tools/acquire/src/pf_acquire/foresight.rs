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
    fn a_folder_that_will_not_do_is_told_of_once() {
        let folder = std::env::temp_dir();
        let filled = free(&folder).unwrap_or(0).saturating_add(1 << 40);
        let past = Instant::now().checked_sub(INTERVAL).unwrap_or_else(Instant::now);
        let mut foresight = Foresight { folders: vec![(folder.clone(), filled)], from: 0, looked: past };
        // A TiB was taken by the first GiB; a thousand more are to come.
        let told = foresight.look(1 << 30, ByteCount(1 << 40));
        assert!(told.len() == 1 && told[0].contains(&folder.display().to_string()), "{told:?}");
        foresight.looked = past;
        assert_eq!(foresight.look(2 << 30, ByteCount(1 << 40)), [""; 0]);
        // Where hardly anything was taken there is room enough.
        let free = free(&folder).unwrap_or(0);
        let mut foresight = Foresight { folders: vec![(folder, free)], from: 0, looked: past };
        assert_eq!(foresight.look(1 << 30, ByteCount((1 << 30) + 1)), [""; 0]);
    }

    #[test]
    fn the_rest_is_expected_to_take_what_the_beginning_took() {
        assert_eq!(need(1 << 30, 2 << 30, 10 << 30), Some(5 << 30));
        assert_eq!(need(0, 2 << 30, 10 << 30), Some(0));
        assert_eq!(need(1 << 20, LEAST - 1, 1 << 40), None);
        assert_eq!(need(u64::MAX, LEAST, u64::MAX), None, "no such destination");
    }
}
