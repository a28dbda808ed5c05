//! Keeps the checkpoints of a run: beside each image what is needed to go on with it, in the record what vouches for that.

use super::records::Records;
use super::screen::tell;
use acquire::checkpoint::Checkpoint;
use acquire::durable_text::{draft, draft_path, put_in_place, remove_empty_draft, set_room_aside};
use acquire::sidecar;
use evidence::{ByteCount, Digest, HashAlgorithm, Hasher, LeafSize};
use record::{Entry, RecordError};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a checkpoint beside its leaves, as a rule: what the format's writer needs to go on.
const STATE_ROOM: u64 = 64 << 10;

/// Bytes of the line of a leaf: `leaf`, 64 hexadecimal digits, and what separates them.
const LEAF_ROOM: u64 = 70;

/// Leaves that have come, and where checkpoints are kept.
pub struct Checkpoints {
    /// Folder and base name of each image.
    bases: Vec<PathBuf>,
    leaf_size: LeafSize,
    leaves: Vec<Digest>,
    /// Bytes set aside for the next one.
    room: u64,
    refused: Refused,
}

impl Checkpoints {
    /// For images of a medium of `size`, of which those leaves are there already. Room for the next one is set aside: the
    /// destination may be full when it is needed most.
    pub fn new(bases: &[PathBuf], size: ByteCount, leaves: Vec<Digest>) -> Self {
        let leaf_size = LeafSize::of_medium(size);
        let most_leaves = size.0.div_ceil(leaf_size.bytes().0.max(1));
        let room = STATE_ROOM.saturating_add(LEAF_ROOM.saturating_mul(most_leaves));
        let bases = bases.to_vec();
        let checkpoints = Self { bases, leaf_size, leaves, room, refused: Refused::default() };
        checkpoints.bases.iter().for_each(|base| checkpoints.set_room_aside(&sidecar::path_of(base)));
        checkpoints
    }

    /// Where there is none to be had, the next one is written all the same if it can be then.
    fn set_room_aside(&self, path: &Path) {
        let _ = set_room_aside(path, self.room);
    }

    /// Takes the next leaves.
    pub fn leaves(&mut self, values: &[Digest]) {
        self.leaves.extend_from_slice(values);
    }

    /// Keeps one. First the new version is written beside the old one, then the record vouches for it, then it takes the
    /// old one's place: whenever the power goes, the record vouches for one of the two. Where it can't be kept, the
    /// acquisition goes on without.
    pub fn keep(&mut self, checkpoint: &Checkpoint, record: &mut Records) -> Result<(), RecordError> {
        let (mut kept, mut states) = (Vec::new(), Vec::new());
        for (base, state) in self.bases.iter().zip(&checkpoint.states) {
            let Some(state) = state else { continue };
            let path = sidecar::path_of(base);
            match self.write(checkpoint, state, &path) {
                Ok(digest) => {
                    states.push(digest);
                    kept.push(path);
                }
                Err(error) => self.refused.tell(&path, &error),
            }
        }
        if kept.is_empty() {
            return Ok(());
        }
        record.append(&Entry::Checkpoint(record::Checkpoint {
            offset: checkpoint.offset,
            leaf_size: self.leaf_size.bytes(),
            leaves: checkpoint.offset.0.div_ceil(self.leaf_size.bytes().0.max(1)),
            leaf_root: checkpoint.leaf_root.clone(),
            states,
        }))?;
        for path in kept {
            match put_in_place(&path) {
                Ok(()) => self.set_room_aside(&path),
                Err(error) => self.refused.tell(&path, &error),
            }
        }
        Ok(())
    }

    fn write(&self, checkpoint: &Checkpoint, state: &str, path: &Path) -> io::Result<Digest> {
        let mut bytes = Vec::new();
        let whole = checkpoint.offset.0 / self.leaf_size.bytes().0.max(1);
        let leaves = self.leaves.get(..usize::try_from(whole).unwrap_or(usize::MAX)).unwrap_or_default();
        sidecar::write(checkpoint, self.leaf_size, leaves, state, &mut bytes)?;
        draft(path, |output| output.write_all(&bytes))?;
        Ok(Hasher::of(HashAlgorithm::Sha256, &bytes))
    }

    /// Removes them: the images are finished, or are begun anew.
    pub fn remove(bases: &[PathBuf]) {
        for path in bases.iter().map(|base| sidecar::path_of(base)) {
            for path in [draft_path(&path), path] {
                // One that stays does no harm: no record vouches for it any more that is not closed.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl Drop for Checkpoints {
    /// Room that was not needed leaves no file.
    fn drop(&mut self) {
        self.bases.iter().for_each(|base| remove_empty_draft(&sidecar::path_of(base)));
    }
}

/// Tells once that a checkpoint could not be kept.
#[derive(Default)]
struct Refused(bool);

impl Refused {
    fn tell(&mut self, path: &Path, error: &io::Error) {
        if !std::mem::replace(&mut self.0, true) {
            let path = path.display();
            tell(format_args!(
                "warning: {path}: {error}; a later run could go on only from an earlier place"
            ));
        }
    }
}
