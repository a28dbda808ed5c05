//! Bytes onto the disk, and back from the medium.

use crate::error::{Doing, Result, XtaskError};
use crate::workspace;
use device::{AlignedBuffer, DirectFile, Disk, NodeNumber, ReadMode};
use evidence::{ByteCount, ByteOffset};
use nix::fcntl::OFlag;
use nix::sys::stat::{major, minor};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Read and written at once. What is written is synced in stretches of sixteen, so that the end is no long silence.
const BLOCK: usize = 1 << 20;
const BLOCKS_IN_A_STRETCH: u32 = 16;

/// Entries of a GPT: 128 of 128 bytes (UEFI 2.10, 5.3.2).
const GPT_ENTRIES: u64 = 16_384;

/// How a GPT header begins.
const GPT_SIGNATURE: &[u8] = b"EFI PART";

/// A disk that this program alone has open for writing.
pub struct Stick {
    file: File,
    path: PathBuf,
    sector: u64,
    capacity: u64,
}

impl Stick {
    /// Opens the disk; as long as it is open, no file system on it can be mounted.
    pub fn open(disk: &Disk) -> Result<Self> {
        let path = PathBuf::from(&disk.identity.path);
        let open = File::options().read(true).write(true).custom_flags(OFlag::O_EXCL.bits()).open(&path);
        let file = open.map_err(|error| {
            let advice = match error.kind() {
                io::ErrorKind::ResourceBusy => {
                    "; it is in use: unmount it, and end what holds it (see lsblk)"
                }
                io::ErrorKind::PermissionDenied => "; run as root, or put yourself into the group disk",
                io::ErrorKind::ReadOnlyFilesystem => "; it is read-only",
                _ => "",
            };
            XtaskError::Unfit(format!("{}: cannot be opened for writing: {error}{advice}", path.display()))
        })?;
        let opened = file.metadata().doing(|| format!("looking at {}", path.display()))?;
        let number = NodeNumber { major: major(opened.rdev()), minor: minor(opened.rdev()) };
        if !opened.file_type().is_block_device() || Some(number) != disk.node {
            return Err(XtaskError::Unfit(format!("{}: another device has taken its place", path.display())));
        }
        let sector = u64::from(disk.identity.logical_sector.bytes());
        Ok(Self { file, path, sector, capacity: disk.identity.capacity.0 })
    }

    /// Writes `size` bytes of `image` to its beginning, onto the medium. Returns the SHA-256 of what was written.
    pub fn write(&self, image: &Path, size: u64) -> Result<String> {
        let source = File::open(image).doing(|| format!("opening {}", image.display()))?;
        let mut source = source.take(size);
        let mut hash = Sha256::new();
        let mut block = Vec::with_capacity(BLOCK);
        let mut at = 0;
        loop {
            for _ in 0..BLOCKS_IN_A_STRETCH {
                block.clear();
                let wanted = source.by_ref().take(as_u64(BLOCK));
                let count =
                    { wanted }.read_to_end(&mut block).doing(|| format!("reading {}", image.display()))?;
                hash.update(&block);
                self.file.write_all_at(&block, at).doing(|| self.doing("writing to", at))?;
                at = at.saturating_add(as_u64(count));
            }
            self.file.sync_all().doing(|| self.doing("writing to", at))?;
            eprintln!("    {} of {}", ByteCount(at).short(), ByteCount(size).short());
            match at {
                at if at == size => return Ok(workspace::hex(&hash.finalize())),
                _ if source.limit() > 0 && !block.is_empty() => {}
                _ => return Err(XtaskError::Unfit(format!("{} became shorter meanwhile", image.display()))),
            }
        }
    }

    /// Overwrites a backup of a GPT at the end of the disk, behind the image; false where there is none. The image
    /// carries its own, at its own end.
    pub fn clear_old_partition_table(&self, size: u64) -> Result<bool> {
        let last = self.capacity.saturating_sub(self.sector);
        let area = self.sector.saturating_add(GPT_ENTRIES);
        let start = self.capacity.saturating_sub(area).max(size);
        let mut begin = [0; GPT_SIGNATURE.len()];
        self.file.read_exact_at(&mut begin, last).doing(|| self.doing("reading", last))?;
        if begin != GPT_SIGNATURE || last < size {
            return Ok(false);
        }
        let zeros = vec![0; usize::try_from(self.capacity.saturating_sub(start)).unwrap_or_default()];
        self.file.write_all_at(&zeros, start).doing(|| self.doing("writing to", start))?;
        self.file.sync_all().doing(|| self.doing("writing to", start))?;
        Ok(true)
    }

    /// Reads `size` bytes back from the medium, past the page cache, and compares them with `image` and its hash value.
    pub fn verify(&self, image: &Path, size: u64, sha256: &str) -> Result<()> {
        let medium = DirectFile::open(&self.path).map_err(|error| XtaskError::Unfit(error.to_string()))?;
        if medium.mode() == ReadMode::Buffered {
            return Err(XtaskError::Unfit(format!(
                "{}: written, but cannot be read back past the page cache, so that nothing is proven; try another port or reader",
                self.path.display()
            )));
        }
        let mut buffer = AlignedBuffer::new(BLOCK).map_err(|error| XtaskError::Unfit(error.to_string()))?;
        let mut source = File::open(image).doing(|| format!("opening {}", image.display()))?;
        let mut expected = Vec::with_capacity(BLOCK);
        let mut hash = Sha256::new();
        let mut at = 0;
        while at < size {
            let count = medium
                .read_at(ByteOffset(at), &mut buffer)
                .map_err(|error| XtaskError::Unfit(format!("{error}; the stick is bad: take another")))?;
            let left = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
            let read = buffer.get(..count.min(left)).unwrap_or_default();
            expected.clear();
            source
                .by_ref()
                .take(as_u64(read.len()))
                .read_to_end(&mut expected)
                .doing(|| format!("reading {}", image.display()))?;
            if let Some(wrong) = first_difference(read, &expected) {
                return Err(self.differs(at.saturating_add(as_u64(wrong))));
            }
            hash.update(read);
            at = at.saturating_add(as_u64(read.len()));
        }
        match workspace::hex(&hash.finalize()) {
            found if found == sha256 => Ok(()),
            found => Err(XtaskError::Unfit(format!(
                "{}: read back with SHA-256 {found}, written with {sha256}: the image changed meanwhile; write it again",
                self.path.display()
            ))),
        }
    }

    fn differs(&self, at: u64) -> XtaskError {
        XtaskError::Unfit(format!(
            "{}: what is read back differs from what was written, first at byte {at}; do not boot from it: write it once more, \
             and if it differs again take another stick",
            self.path.display()
        ))
    }

    fn doing(&self, deed: &str, at: u64) -> String {
        format!("{deed} {} at byte {at} (a bad stick? take another)", self.path.display())
    }
}

/// Where two stretches part; the shorter one's end, when it is the beginning of the other. An empty stretch of the medium
/// always differs: it ended too early.
fn first_difference(read: &[u8], expected: &[u8]) -> Option<usize> {
    if read.is_empty() {
        return Some(0);
    }
    let parts = read.iter().zip(expected).position(|(a, b)| a != b);
    parts.or_else(|| (read.len() != expected.len()).then(|| read.len().min(expected.len())))
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
