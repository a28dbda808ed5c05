//! What a recovery is kept in: the raw data, written at random positions, and the map beside it, which never claims more
//! than what is on the medium.

use super::map_text::{self, Heading, MapError};
use super::mapfile::{Mapfile, Status};
use super::passes::Standing;
use crate::durable_text::{self, with_suffix};
use crate::treatment::Fill;
use evidence::{ByteCount, ByteOffset, Digest, ExtentSet, HashAlgorithm, Hasher, SectorSize};
use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Fills are written in pieces of this size.
const PIECE: usize = 1 << 20;

/// Raw data or map can't be used or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file of that name is there already.
    #[error("{}: exists already and is never overwritten; choose another name or folder", .0.display())]
    Exists(PathBuf),
    /// The destination refuses.
    #[error("{}: {deed} failed: {source}; what was recovered before stays, and the same command goes on from there", path.display())]
    Destination {
        /// The file.
        path: PathBuf,
        /// What was being done.
        deed: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The map can't be understood.
    #[error("{}: {source}", path.display())]
    Map {
        /// The map.
        path: PathBuf,
        /// The flaw.
        source: MapError,
    },
    /// Raw data and map don't belong together, or to this source.
    #[error("{}: {what}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        what: String,
    },
}

/// The two files.
#[derive(Debug)]
pub struct Store {
    raw: File,
    raw_path: PathBuf,
    map_path: PathBuf,
    heading: Heading,
}

impl Store {
    /// Where the raw data of an image with this base path is.
    #[must_use]
    pub fn raw_path(base: &Path) -> PathBuf {
        with_suffix(base, ".raw")
    }

    /// Where the map of an image with this base path is.
    #[must_use]
    pub fn map_path(base: &Path) -> PathBuf {
        with_suffix(base, ".map")
    }

    /// Begins: makes a raw file of the medium's size without data, and a map that says so.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for either, [`StoreError::Destination`].
    pub fn create(base: &Path, size: ByteCount, heading: Heading) -> Result<Self, StoreError> {
        let (raw_path, map_path) = (Self::raw_path(base), Self::map_path(base));
        if map_path.symlink_metadata().is_ok() {
            return Err(StoreError::Exists(map_path));
        }
        let raw = OpenOptions::new().read(true).write(true).create_new(true).open(&raw_path);
        let raw = raw.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Exists(raw_path.clone()),
            _ => failed(&raw_path, "creating it")(source),
        })?;
        raw.set_len(size.0).map_err(failed(&raw_path, "giving it the size of the source"))?;
        let store = Self { raw, raw_path, map_path, heading };
        store.lock()?;
        store.save(&Mapfile::new(size), Standing::START)?;
        Ok(store)
    }

    /// Goes on with raw data and map of an earlier run, of this program or of ddrescue.
    ///
    /// # Errors
    /// [`StoreError`] when one is missing, or they can't belong to a source of `size`.
    pub fn open(
        base: &Path,
        size: ByteCount,
        heading: Heading,
    ) -> Result<(Self, Mapfile, Standing), StoreError> {
        let (raw_path, map_path) = (Self::raw_path(base), Self::map_path(base));
        let map_file = File::open(&map_path).map_err(failed(&map_path, "opening it"))?;
        let (map, standing) = map_text::read(BufReader::new(map_file), size)
            .map_err(|source| StoreError::Map { path: map_path.clone(), source })?;
        let raw = OpenOptions::new().read(true).write(true).open(&raw_path);
        let raw = raw.map_err(failed(&raw_path, "opening it"))?;
        let length = raw.metadata().map_err(failed(&raw_path, "asking for its size"))?.len();
        let unfit = |what: String| StoreError::Unfit { path: raw_path.clone(), what };
        if length > size.0 {
            let what =
                format!("holds {}, more than the {size} of the source; is it another's?", ByteCount(length));
            return Err(unfit(what));
        }
        let claimed = map.previous(Status::Finished, size.0).map_or(0, |extent| extent.end());
        if claimed > length {
            let what = format!(
                "ends after {}, but {} says that it was recovered up to {}; they do not belong together",
                ByteCount(length),
                map_path.display(),
                ByteOffset(claimed)
            );
            return Err(unfit(what));
        }
        let store = Self { raw, raw_path, map_path, heading };
        store.lock()?;
        store.raw.set_len(size.0).map_err(failed(&store.raw_path, "giving it the size of the source"))?;
        Ok((store, map, standing))
    }

    /// Keeps data of the medium.
    ///
    /// # Errors
    /// [`StoreError::Destination`].
    pub fn write(&mut self, offset: ByteOffset, data: &[u8]) -> Result<(), StoreError> {
        self.raw.write_all_at(data, offset.0).map_err(failed(&self.raw_path, "writing to it"))
    }

    /// Makes the raw data durable and then the map that speaks of it: a map never knows more than the medium holds.
    ///
    /// # Errors
    /// [`StoreError::Destination`]; the map before stays.
    pub fn save(&self, map: &Mapfile, standing: Standing) -> Result<(), StoreError> {
        self.raw.sync_data().map_err(failed(&self.raw_path, "making it durable"))?;
        let heading = Heading { now: now(), ..self.heading.clone() };
        write_map(&self.map_path, map, standing, &heading)
    }

    /// Puts the fill in place of everything that was not recovered, and makes it durable.
    ///
    /// # Errors
    /// [`StoreError::Destination`].
    pub fn fill(&mut self, unread: &ExtentSet, fill: &Fill, sector: SectorSize) -> Result<(), StoreError> {
        let mut piece = vec![0; PIECE];
        for extent in unread.iter() {
            let span = i64::try_from(extent.offset.0).ok().zip(i64::try_from(extent.length.0).ok());
            let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            if *fill == Fill::Zeros
                && span.is_some_and(|(offset, length)| fallocate(&self.raw, hole, offset, length).is_ok())
            {
                continue;
            }
            let mut at = extent.offset.0;
            while at < extent.end() {
                let left = usize::try_from(extent.end().saturating_sub(at)).unwrap_or(usize::MAX).min(PIECE);
                let part = piece.get_mut(..left).unwrap_or_default();
                fill.apply(ByteOffset(at), sector, part);
                self.write(ByteOffset(at), part)?;
                at = at.saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
            }
        }
        self.raw.sync_all().map_err(failed(&self.raw_path, "making it durable"))
    }

    /// SHA-256 of the map as it lies there.
    ///
    /// # Errors
    /// [`StoreError::Destination`] when it can't be read.
    pub fn map_digest(base: &Path) -> Result<Digest, StoreError> {
        let path = Self::map_path(base);
        let text = std::fs::read(&path).map_err(failed(&path, "reading it"))?;
        Ok(Hasher::of(HashAlgorithm::Sha256, &text))
    }

    /// Writes the map of a medium that was read in one pass; nothing of that name may be there.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Destination`].
    pub fn keep_map_of_one_pass(
        base: &Path,
        size: ByteCount,
        unread: &ExtentSet,
        heading: &Heading,
    ) -> Result<PathBuf, StoreError> {
        let path = Self::map_path(base);
        if path.symlink_metadata().is_ok() {
            return Err(StoreError::Exists(path));
        }
        let standing = Standing { doing: super::Doing::Finished, ..Standing::START };
        let heading = Heading { now: now(), ..heading.clone() };
        write_map(&path, &Mapfile::of_one_pass(size, unread), standing, &heading)?;
        Ok(path)
    }

    /// Two runs on the same files would each write a map that the other's data does not follow.
    fn lock(&self) -> Result<(), StoreError> {
        self.raw.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => StoreError::Unfit {
                path: self.raw_path.clone(),
                what: "another program is working on it; wait for its end".to_owned(),
            },
            std::fs::TryLockError::Error(source) => failed(&self.raw_path, "locking it")(source),
        })
    }
}

/// The whole file or none of it: written beside, made durable, then put in the place of the one before.
fn write_map(path: &Path, map: &Mapfile, standing: Standing, heading: &Heading) -> Result<(), StoreError> {
    let written = || -> io::Result<()> {
        durable_text::draft(path, |output| map_text::write(map, standing, heading, output))?;
        durable_text::put_in_place(path)
    };
    written().map_err(failed(path, "saving it"))
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn failed(path: &Path, deed: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Destination { path, deed, source }
}

#[cfg(test)]
mod tests {
    use super::super::mapfile::between;
    use super::*;

    fn base() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("item");
        (folder, base)
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        for there in ["item.raw", "item.map"] {
            let (folder, base) = base();
            std::fs::write(folder.path().join(there), "mine").unwrap();
            let told = Store::create(&base, ByteCount(512), Heading::default()).unwrap_err();
            assert!(matches!(told, StoreError::Exists(_)), "{told}");
            assert_eq!(std::fs::read(folder.path().join(there)).unwrap(), b"mine");
        }
    }

    #[test]
    fn two_runs_do_not_work_on_the_same_files() {
        let (_folder, base) = base();
        let first = Store::create(&base, ByteCount(4096), Heading::default()).unwrap();
        let told = Store::open(&base, ByteCount(4096), Heading::default()).unwrap_err();
        assert!(told.to_string().contains("another program"), "{told}");
        drop(first);
        Store::open(&base, ByteCount(4096), Heading::default()).unwrap();
    }

    #[test]
    fn a_map_that_claims_more_than_the_raw_data_holds_is_refused() {
        let (_folder, base) = base();
        std::fs::write(Store::raw_path(&base), [7; 1024]).unwrap();
        std::fs::write(Store::map_path(&base), "0 ? 1\n0 2048 +\n").unwrap();
        let told = Store::open(&base, ByteCount(4096), Heading::default()).unwrap_err();
        assert!(told.to_string().contains("do not belong together"), "{told}");
        std::fs::write(Store::map_path(&base), "0 ? 1\n0 1024 +\n").unwrap();
        let (_, map, _) = Store::open(&base, ByteCount(4096), Heading::default()).unwrap();
        assert_eq!(map.total(Status::NonTried), ByteCount(3072));
        let told = Store::open(&base, ByteCount(512), Heading::default()).unwrap_err();
        assert!(told.to_string().contains("behind the"), "{told}");
    }

    #[test]
    fn unread_ranges_are_filled_whatever_stood_there() {
        let (_folder, base) = base();
        let mut store = Store::create(&base, ByteCount(8192), Heading::default()).unwrap();
        store.write(ByteOffset(0), &[9; 8192]).unwrap();
        let unread: ExtentSet = [between(512, 1024), between(4096, 8192)].into_iter().collect();
        for fill in [Fill::Pattern(vec![0xab]), Fill::Zeros] {
            store.fill(&unread, &fill, SectorSize::S512).unwrap();
            let raw = std::fs::read(Store::raw_path(&base)).unwrap();
            let filled = if fill == Fill::Zeros { 0 } else { 0xab };
            let expected = |at: usize| if (512..1024).contains(&at) || at >= 4096 { filled } else { 9 };
            assert!(
                raw.len() == 8192 && raw.iter().enumerate().all(|(at, byte)| *byte == expected(at)),
                "{fill}"
            );
        }
    }
}
