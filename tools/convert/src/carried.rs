//! What a container says beside the medium's bytes: how it gets into the copy, and what of it does not.

use evidence::{DeviceIdentity, ExtentSet, SectorSize, Transport};
use formats::{
    ChunkEncoder, EncodedChunk, FormatError, ImagePlan, ImageReader, ImageSummary, ImageWriter, MediumKind,
    Segment,
};
use serde::Serialize;
use std::sync::Arc;

/// Something that the source says and the copy does not, or not so.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// What.
    pub what: &'static str,
    /// What the source says.
    pub source: String,
    /// What the copy says; empty for nothing.
    pub copy: String,
}

/// What both say, by name; what a container has no word for is empty.
fn said(image: &dyn ImageReader) -> [(&'static str, String); 11] {
    let (case, made) = (image.case(), image.provenance());
    [
        ("case number", case.case_number.clone()),
        ("evidence number", case.evidence_number.clone()),
        ("examiner", case.examiner.clone()),
        ("description", case.description.clone()),
        ("notes", case.notes.clone()),
        ("model", made.device.model),
        ("serial number", made.device.serial),
        ("acquired with", made.software),
        ("acquired at", made.acquired_at.map_or(String::new(), time)),
        ("kind of medium", made.medium.map_or(String::new(), |medium| format!("{medium:?}"))),
        ("sector size", image.sector_size().map_or(String::new(), |size| size.bytes().to_string())),
    ]
}

fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("second {seconds}"), |at| at.to_string())
}

/// What `source` says and `copy` does not say so; hash values and unread ranges among it.
pub fn losses(source: &dyn ImageReader, copy: &dyn ImageReader) -> Vec<Loss> {
    let words = said(source).into_iter().zip(said(copy));
    let mut losses: Vec<Loss> = words
        .filter(|((_, source), (_, copy))| !source.is_empty() && source != copy)
        .map(|((what, source), (_, copy))| Loss { what, source, copy })
        .collect();
    for (algorithm, digest) in source.stored_hashes().iter() {
        if copy.stored_hashes().get(algorithm).is_none() {
            losses.push(Loss { what: algorithm.word(), source: digest.to_string(), copy: String::new() });
        }
    }
    if source.unread() != copy.unread() {
        let ranges = |set: &ExtentSet| match set.len() {
            0 => String::new(),
            count => format!("{} in {count} ranges", set.total()),
        };
        losses.push(Loss {
            what: "ranges not read from the original",
            source: ranges(source.unread()),
            copy: ranges(copy.unread()),
        });
    }
    losses
}

/// Puts what `source` says into the plan of its copy, which has its other fields already.
pub fn put_into(plan: &mut ImagePlan, source: &dyn ImageReader, sector_size: SectorSize) {
    let made = source.provenance();
    plan.case = source.case().clone();
    plan.sector_size = source.sector_size().unwrap_or(sector_size);
    // Nothing of a physical disk is claimed where the source does not.
    plan.medium = made.medium.unwrap_or(MediumKind::Part);
    if let Some(at) = made.acquired_at {
        plan.acquired_at = at;
    }
    let named = |text: String| (!text.is_empty()).then_some(text);
    let (model, serial) = (named(made.device.model), named(made.device.serial));
    if model.is_some() || serial.is_some() {
        plan.device = Some(DeviceIdentity {
            path: String::new(),
            make: None,
            model,
            serial,
            wwn: None,
            firmware: None,
            transport: Transport::Other,
            capacity: plan.media_size,
            logical_sector: plan.sector_size,
            physical_sector: plan.sector_size,
        });
    }
}

/// A writer that marks ranges as not read which the source marks so. The bytes that stand there are copied like all others,
/// so that the hash values stay the same.
pub struct WithUnread {
    /// The writer of the copy.
    pub inner: Box<dyn ImageWriter>,
    /// What the source marks.
    pub unread: ExtentSet,
}

impl ImageWriter for WithUnread {
    fn chunk_size(&self) -> usize {
        self.inner.chunk_size()
    }

    fn encoder(&self) -> Arc<dyn ChunkEncoder> {
        self.inner.encoder()
    }

    fn append(&mut self, chunk: &EncodedChunk) -> Result<(), FormatError> {
        self.inner.append(chunk)
    }

    fn finish(self: Box<Self>, summary: &ImageSummary) -> Result<Vec<Segment>, FormatError> {
        let mut summary = summary.clone();
        for extent in self.unread.iter() {
            summary.unread.insert(extent);
        }
        self.inner.finish(&summary)
    }
}
