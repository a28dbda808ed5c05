//! Proves that an unfinished image still holds what was stored in it, and computes the hashes of that on the way.

use super::super::failure::Failure;
use super::super::screen::Screen;
use acquire::block_reader::ReadFault;
use acquire::medium::Unfinished;
use acquire::pipeline::{self, Limits, Observer, Passed, PipelineError, Refusal};
use acquire::progress::Progress;
use acquire::sidecar::Sidecar;
use evidence::{ByteCount, ByteOffset, Digest, Extent};
use formats::ImageKind;
use record::Checkpoint;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Reads the image back up to the checkpoint, adds it to `passed`, and compares leaf by leaf.
pub fn prefix(
    passed: Passed,
    kind: ImageKind,
    base: &Path,
    (checkpoint, sidecar): (&Checkpoint, &Sidecar),
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<Passed, Failure> {
    let differs = |extent: Option<Extent>, why: &str| Failure::PrefixDiffers {
        base: base.to_owned(),
        place: extent.map(|extent| extent.to_string()).unwrap_or_default(),
        why: why.to_owned(),
    };
    let size = ByteCount(checkpoint.offset.0);
    let mut image = match Unfinished::open(kind, base, &sidecar.state, size) {
        Ok(image) => image,
        Err(error) => return Err(differs(None, &error.to_string())),
    };
    let mut comparison = Comparison {
        screen: Screen::new("reading back what is stored", size),
        sidecar,
        size,
        different: None,
    };
    let progress = Progress::new(Arc::clone(stop));
    let read = pipeline::pass(passed, &mut image, limits, &progress, &mut comparison);
    if let Some((extent, why)) = comparison.different {
        return Err(differs(Some(extent), &why));
    }
    let passed = read.map_err(|error| match error {
        PipelineError::Source(lost) => differs(None, &lost.to_string()),
        error => Failure::NotProven { error, base: base.to_owned() },
    })?;
    let (root, begun) = passed.leaf_root();
    if root == checkpoint.leaf_root {
        return Ok(passed);
    }
    // All whole leaves agreed.
    let last = u64::try_from(sidecar.leaves.len().saturating_sub(1)).unwrap_or(u64::MAX);
    Err(differs(begun.map(|_| extent_of(sidecar, last, size)), "the last leaf has another value"))
}

struct Comparison<'a> {
    screen: Screen<'static>,
    sidecar: &'a Sidecar,
    size: ByteCount,
    /// Where the image is not what it was, and how that shows.
    different: Option<(Extent, String)>,
}

impl Observer for Comparison<'_> {
    fn fault(&mut self, fault: &ReadFault) -> Result<(), Refusal> {
        self.different = Some((fault.extent, fault.error.clone()));
        Err(fault.error.clone().into())
    }

    fn leaves(&mut self, first: u64, values: &[Digest]) -> Result<(), Refusal> {
        for (number, value) in (first..).zip(values) {
            let place = usize::try_from(number).unwrap_or(usize::MAX);
            if self.sidecar.leaves.get(place) != Some(value) {
                let why = "its leaf of the hash tree has another value".to_owned();
                self.different = Some((extent_of(self.sidecar, number, self.size), why.clone()));
                return Err(why.into());
            }
        }
        Ok(())
    }

    fn tick(&mut self, progress: &Progress) {
        self.screen.tick(progress);
    }
}

/// The part of the medium that leaf `number` stands for.
fn extent_of(sidecar: &Sidecar, number: u64, size: ByteCount) -> Extent {
    let offset = number.saturating_mul(sidecar.leaf_size.0).min(size.0);
    let length = sidecar.leaf_size.0.min(size.0.saturating_sub(offset));
    Extent { offset: ByteOffset(offset), length: ByteCount(length) }
}
