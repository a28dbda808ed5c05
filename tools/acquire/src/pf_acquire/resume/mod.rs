//! An acquisition that was cut off, gone on with: what is there is found and proven first, and only then touched.

mod found;
mod plan;
mod prove;

use super::acquisition::{Acquisition, Beginning};
use super::arguments::Arguments;
use super::checkpoints::Checkpoints;
use super::destination;
use super::failure::Failure;
use super::identity::difference;
use super::records::put_aside;
use super::report::Report;
use super::screen::tell;
use super::signing::Signing;
use super::source;
use acquire::pipeline::Passed;
use device::DirectFile;
use evidence::{ByteCount, HashAlgorithm};
use formats::{ImageKind, ImagePlan, ImageWriter};
use found::{CutOff, Stands};
use record::ResumeBegun;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Goes on with what lies in the folders.
pub fn run(arguments: &Arguments, signing: Arc<Signing>) -> Result<Report, Failure> {
    let source = source::identify(&arguments.source)?;
    let mut bases = Vec::new();
    for to in &arguments.to {
        bases.push(destination::fit_folder(to, arguments, &source)?.join(arguments.base_name()));
    }
    let cut_off = CutOff::find(&bases)?;
    let record = destination::record_path(bases.first().map_or(Path::new(""), PathBuf::as_path));
    if let Some(difference) = difference(&cut_off.opened.source, &source.disk.identity) {
        let reason = format!("it is about another source: {difference}; nothing was changed");
        return Err(Failure::Another { path: record, reason });
    }
    let arguments = plan::taken_over(arguments, &cut_off, &record)?;
    let algorithms = arguments.algorithms();
    let protection = source.protect(arguments.unguarded)?;
    let medium = DirectFile::open(&arguments.source)?;
    if medium.size() != cut_off.opened.source.capacity {
        let size = cut_off.opened.source.capacity;
        let reason =
            format!("it is about a source of {size}, this one has {}; nothing was changed", medium.size());
        return Err(Failure::Another { path: record, reason });
    }
    let stop = acquire::stop::at_signals();
    let going_on = GoingOn { arguments: &arguments, bases: &bases, cut_off, algorithms };
    let prefix = going_on.prove(medium.size(), &stop)?;
    Acquisition::begin(&arguments, source, protection, medium, &bases, (stop, signing), |plan| {
        going_on.begin(prefix, plan)
    })?
    .carry_out()
}

struct GoingOn<'a> {
    arguments: &'a Arguments,
    bases: &'a [PathBuf],
    cut_off: CutOff,
    algorithms: Vec<HashAlgorithm>,
}

impl GoingOn<'_> {
    /// Reads back what the checkpoint vouches for. Nothing is changed.
    fn prove(&self, size: ByteCount, stop: &Arc<AtomicBool>) -> Result<Passed, Failure> {
        let limits = self.arguments.limits();
        let mut first = None;
        if let Stands::Partly { checkpoint, sidecars } = &self.cut_off.stands {
            for (base, sidecar) in self.bases.iter().zip(sidecars) {
                // The images are alike: what the medium's hashes go through is the first.
                let algorithms = if first.is_none() { self.algorithms.as_slice() } else { &[] };
                let passed = Passed::nothing(size, algorithms, limits).with_unread(sidecar.unread.clone());
                let kind = self.arguments.format.kind();
                let proven = prove::prefix(passed, kind, base, (checkpoint, sidecar), limits, stop)?;
                first.get_or_insert(proven);
            }
        }
        Ok(first.unwrap_or_else(|| Passed::nothing(size, &self.algorithms, limits)))
    }

    /// Takes the images up again. From here on what was not vouched for is gone.
    fn begin(&self, passed: Passed, plan: &dyn Fn(&Path) -> ImagePlan) -> Result<Beginning, Failure> {
        let kind = self.arguments.format.kind();
        let plans: Vec<ImagePlan> = self
            .bases
            .iter()
            .map(|base| ImagePlan { acquired_at: self.cut_off.opened_at, ..plan(base) })
            .collect();
        let mut images: Vec<Box<dyn ImageWriter>> = Vec::new();
        let (mut leaves, mut whole, mut from) = (Vec::new(), None, None);
        let text = match &self.cut_off.stands {
            Stands::Whole(closed) => {
                whole = Some(closed.clone());
                "the image was whole; it is read back".to_owned()
            }
            Stands::Nothing => {
                discard(self.bases, kind, plans.first())?;
                for plan in &plans {
                    images.push(formats::create(kind, plan)?);
                }
                "nothing of the image was vouched for; it was removed and begun anew".to_owned()
            }
            Stands::Partly { checkpoint, sidecars } => {
                for (plan, sidecar) in plans.iter().zip(sidecars) {
                    found::put_in_place(&plan.base, checkpoint)?;
                    images.push(formats::resume(kind, plan, &sidecar.state)?);
                }
                let begun = passed.leaf_root().1.is_some();
                leaves = sidecars.first().map(|sidecar| sidecar.leaves.clone()).unwrap_or_default();
                leaves.truncate(leaves.len().saturating_sub(usize::from(begun)));
                from = Some(checkpoint.clone());
                format!(
                    "what was stored up to {} was read back and is as it was; what followed was cut off",
                    checkpoint.offset
                )
            }
        };
        tell(format_args!("going on: {text}"));
        let mut earlier = self.cut_off.records.clone();
        for base in self.bases {
            let record = destination::record_path(base);
            if record.symlink_metadata().is_err() {
                // An earlier attempt ended right here.
                continue;
            }
            let (was, is) = (file_name(&record), put_aside(base)?);
            earlier
                .iter_mut()
                .filter(|earlier| earlier.name == was)
                .for_each(|earlier| earlier.name.clone_from(&is));
        }
        let resumed = ResumeBegun { earlier, from, whole: whole.is_some(), text };
        let chunk_size = self.cut_off.opened.plan.chunk_size;
        Ok(Beginning { images, chunk_size, passed, leaves, resumed: Some(resumed), whole })
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Removes what is left of an image of which nothing is vouched for.
fn discard(bases: &[PathBuf], kind: ImageKind, plan: Option<&ImagePlan>) -> Result<(), Failure> {
    Checkpoints::remove(bases);
    for base in bases {
        formats::discard(kind, base, plan.is_some_and(|plan| plan.segment_size.is_some()))?;
    }
    Ok(())
}
