//! The source of a recovery: read with patience, and found again when it vanishes.

use super::super::arguments::Arguments;
use super::super::identity::difference;
use super::super::source::{self as sources, Protection, Source};
use acquire::medium::{Medium, ReadFailure};
use acquire::patient_medium::PatientMedium;
use acquire::progress::Progress;
use acquire::rescue::RescueSource;
use device::{AlignedBuffer, DirectFile, inventory};
use evidence::{ByteCount, ByteOffset, DeviceIdentity, Transport};
use record::GuardReport;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

/// Largest read, with what a granule more takes at the end.
const LARGEST: usize = (1 << 20) + (64 << 10);

/// How often is looked for a source that is gone.
const LOOK: Duration = Duration::from_millis(500);

/// A source that may hang or vanish.
pub struct SickSource {
    medium: PatientMedium,
    protection: Protection,
    /// The source when the run began.
    identity: DeviceIdentity,
    /// Its whole disk and the number of the partition, where it is one.
    partition: Option<(DeviceIdentity, u64)>,
    unguarded: bool,
    wait: Duration,
}

impl SickSource {
    /// Takes over an open source and what keeps it from being changed.
    pub fn new(
        arguments: &Arguments,
        source: &Source,
        protection: Protection,
        medium: DirectFile,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            medium: PatientMedium::new(Arc::new(medium), arguments.faults.patience(), LARGEST, stop),
            protection,
            identity: source.disk.identity.clone(),
            partition: partition_of(source),
            unguarded: arguments.unguarded,
            wait: arguments.faults.wait(),
        }
    }

    /// What keeps the source from being changed; after a return, the new one.
    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// The node under which the same source is attached now.
    fn find(&self) -> Option<PathBuf> {
        if matches!(self.identity.transport, Transport::File | Transport::Loop) {
            return Some(PathBuf::from(&self.identity.path));
        }
        let wanted = self.partition.as_ref().map_or(&self.identity, |(whole, _)| whole);
        let disks = inventory::list().unwrap_or_default();
        let disk = disks.into_iter().find(|disk| difference(wanted, &disk.identity).is_none())?;
        match &self.partition {
            None => Some(PathBuf::from(disk.identity.path)),
            Some((_, number)) => {
                let same = disk.partitions.into_iter().find(|partition| partition.number == *number)?;
                Some(PathBuf::from(same.path))
            }
        }
    }

    /// Takes the source at `path`: `Ok(None)` while it does not answer yet, an error when it must not be read.
    fn take(&mut self, path: &Path) -> Result<Option<String>, String> {
        let Ok(source) = sources::identify(path) else { return Ok(None) };
        if source.disk.identity.capacity != self.identity.capacity {
            return Ok(None);
        }
        let protection = match source.protect(self.unguarded) {
            Ok(protection) => protection,
            // Its files may not be there yet, or no more.
            Err(_) if !path.exists() => return Ok(None),
            Err(refused) => return Err(format!("it is back as {}, but {refused}", path.display())),
        };
        let Ok(file) = DirectFile::open(path) else { return Ok(None) };
        if file.size() != self.medium.size() || !file.is_present() {
            return Ok(None);
        }
        self.medium.replace(Arc::new(file));
        let granule = self.medium.granule();
        let mut sector = AlignedBuffer::new(granule).map_err(|error| error.to_string())?;
        if matches!(self.medium.read_at(ByteOffset(0), &mut sector), Err(failure) if failure.gone) {
            return Ok(None);
        }
        let kept = match protection.report() {
            Ok(GuardReport::InForce { state, .. }) => format!("the guard holds it as {state}"),
            Ok(GuardReport::NotADisk { reason }) => format!("it is {reason}"),
            Ok(GuardReport::Unguarded) => "no guard is in force".to_owned(),
            Err(failure) => return Err(failure.to_string()),
        };
        self.protection = protection;
        Ok(Some(format!("{}; {kept}", path.display())))
    }
}

impl Medium for SickSource {
    fn size(&self) -> ByteCount {
        self.medium.size()
    }

    fn granule(&self) -> usize {
        self.medium.granule()
    }

    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        self.medium.read_at(offset, buffer)
    }
}

impl RescueSource for SickSource {
    fn abandoned(&self) -> u64 {
        self.medium.abandoned()
    }

    fn await_return(&mut self, failure: &ReadFailure, progress: &Progress) -> Result<String, String> {
        let begun = Instant::now();
        while begun.elapsed() < self.wait && !progress.stop_asked() {
            thread::sleep(LOOK);
            let Some(path) = self.find() else { continue };
            if let Some(told) = self.take(&path)? {
                return Ok(format!("back after {} s as {told}", begun.elapsed().as_secs()));
            }
        }
        Err(format!("{}; it was waited for {} s", failure.error, begun.elapsed().as_secs()))
    }
}

fn partition_of(source: &Source) -> Option<(DeviceIdentity, u64)> {
    let parent = source.disk.parent.as_ref()?;
    let whole = inventory::identify(&Path::new("/dev").join(parent)).ok()?;
    let number = whole.partitions.iter().find(|part| {
        sources::node_of(Path::new(&part.path)).is_some_and(|node| Some(node) == source.disk.node)
    })?;
    let number = number.number;
    Some((whole.identity, number))
}
