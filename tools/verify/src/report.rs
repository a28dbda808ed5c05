//! The whole result: what was looked at, what was found, the verdict and the exit code.

use crate::arguments::{COULD_NOT_CHECK, FAILS, HOLDS};
use crate::claims::Claims;
use crate::judgement;
use crate::measurement::{Damage, Measurement};
use crate::property::{Property, Verdict};
use evidence::{ByteCount, CaseData, ExtentSet, HashSet, SectorSize};
use formats::{FormatError, ImageReader};
use serde::Serialize;
use std::path::Path;

/// Serialized as it stands for `--json`.
#[derive(Debug, Serialize)]
pub struct Report {
    pub tool: &'static str,
    pub version: &'static str,
    pub image: Image,
    pub record: Option<Record>,
    /// Hash values over the whole medium, as recomputed.
    pub computed: HashSet,
    /// Flaws of the container's structure.
    pub flaws: Vec<String>,
    /// Damaged places, up to ten thousand of them.
    pub damage: Vec<Damage>,
    /// All ranges of the medium that cannot be read back.
    pub damaged: ExtentSet,
    pub properties: Vec<Property>,
    pub verdict: Verdict,
    /// The exit code.
    pub exit: u8,
}

#[derive(Debug, Serialize)]
pub struct Image {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_size: Option<ByteCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_size: Option<SectorSize>,
    pub segments: Vec<SegmentFile>,
    pub case: CaseData,
    pub stored_hashes: HashSet,
    pub unread: ExtentSet,
}

#[derive(Debug, Serialize)]
pub struct SegmentFile {
    pub path: String,
    pub size: ByteCount,
}

#[derive(Debug, Serialize)]
pub struct Record {
    pub path: String,
    pub entries: u64,
    /// Hash of the last entry: what was written down when the acquisition ended must equal it.
    pub chain_head: record::ChainHash,
    pub hashes: HashSet,
}

impl Report {
    /// The report on an image that was read.
    pub fn of(
        image: &dyn ImageReader,
        claims: Option<&Claims>,
        flaws: Vec<FormatError>,
        measurement: Measurement,
    ) -> Self {
        let properties = judgement::judge(image, claims, &flaws, &measurement);
        let segment = |segment: &formats::Segment| SegmentFile {
            path: segment.path.display().to_string(),
            size: segment.size,
        };
        let segments: Vec<SegmentFile> = image.segments().iter().map(segment).collect();
        let described = Image {
            path: segments.first().map(|first| first.path.clone()).unwrap_or_default(),
            format: Some(image.format_name()),
            media_size: Some(image.media_size()),
            sector_size: image.sector_size(),
            segments,
            case: image.case().clone(),
            stored_hashes: image.stored_hashes().clone(),
            unread: image.unread().clone(),
        };
        let flaws = flaws.iter().map(ToString::to_string).collect();
        Self::new(described, claims, flaws, measurement, properties)
    }

    /// The report on an image that could not be opened because of what `error` says about it.
    pub fn of_unreadable(path: &Path, claims: Option<&Claims>, error: &FormatError) -> Self {
        let described = Image {
            path: path.display().to_string(),
            format: None,
            media_size: None,
            sector_size: None,
            segments: Vec::new(),
            case: CaseData::default(),
            stored_hashes: HashSet::new(),
            unread: ExtentSet::new(),
        };
        let properties = judgement::judge_unreadable(claims, error);
        Self::new(described, claims, vec![error.to_string()], Measurement::default(), properties)
    }

    fn new(
        image: Image,
        claims: Option<&Claims>,
        flaws: Vec<String>,
        measurement: Measurement,
        properties: Vec<Property>,
    ) -> Self {
        let fails = properties.iter().any(|property| property.verdict == Verdict::Fails);
        // Names, sizes and a sound record say nothing about the data; checksums and hash values do.
        let vouched = properties.iter().any(|property| {
            property.verdict == Verdict::Holds && judgement::VOUCH_FOR_THE_DATA.contains(&property.property)
        });
        let (verdict, exit) = if fails {
            (Verdict::Fails, FAILS)
        } else if vouched {
            (Verdict::Holds, HOLDS)
        } else {
            (Verdict::NotChecked, COULD_NOT_CHECK)
        };
        let record = claims.map(|claims| Record {
            path: claims.path.display().to_string(),
            entries: claims.entries,
            chain_head: claims.head,
            hashes: claims.hashes.clone(),
        });
        Self {
            tool: "pf-verify",
            version: env!("CARGO_PKG_VERSION"),
            image,
            record,
            computed: measurement.hashes,
            flaws,
            damage: measurement.damage,
            damaged: measurement.damaged,
            properties,
            verdict,
            exit,
        }
    }
}
