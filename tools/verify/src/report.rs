//! The whole result: what was looked at, what was found, the verdict and the exit code.

use crate::arguments::{COULD_NOT_CHECK, FAILS, HOLDS};
use crate::judgement;
use crate::measurement::{Damage, Measurement};
use crate::papers::Papers;
use crate::partitions::{PartitionTable, Whereabouts};
use crate::property::{Property, Verdict};
use crate::ranges::{Partial, Sector};
use evidence::{ByteCount, CaseData, Digest, Extent, ExtentSet, HashSet, SectorSize};
use formats::{FormatError, ImageReader};
use record::Fingerprint;
use serde::Serialize;
use std::path::Path;

/// What came of a check. Serialized as it stands for `--json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The program that checked.
    pub tool: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What was checked.
    pub image: Image,
    /// Its record, where there is one.
    pub record: Option<Record>,
    /// Hash values over the whole medium, as recomputed.
    pub computed: HashSet,
    /// Flaws of the container's structure.
    pub flaws: Vec<String>,
    /// Damaged places, up to ten thousand of them.
    pub damage: Vec<Damage>,
    /// All ranges of the medium that cannot be read back.
    pub damaged: ExtentSet,
    /// Parts of the medium that read as something else than what was acquired.
    pub altered: ExtentSet,
    /// What was asked for and read, where that is not the whole medium.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Ranges>,
    /// The partition table of the disk, as the image has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_table: Option<PartitionTable>,
    /// In which partitions lies what is altered, damaged or was not read from the source; up to ten thousand of each.
    pub places: Vec<Place>,
    /// Each property with its verdict.
    pub properties: Vec<Property>,
    /// The verdict on all of them.
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
    /// BLAKE3 of the file, where the record states one to compare it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blake3: Option<Digest>,
}

#[derive(Debug, Serialize)]
pub struct Ranges {
    pub asked: ExtentSet,
    pub read: ExtentSet,
    pub not_read: ByteCount,
    /// The sector by which ranges in sectors were understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector: Option<Sector>,
}

#[derive(Debug, Serialize)]
pub struct Place {
    /// `altered`, `damaged` or `unread`.
    pub what: &'static str,
    pub media: Extent,
    #[serde(flatten)]
    pub whereabouts: Whereabouts,
}

/// Places of one kind told one by one.
const MOST_PLACES: usize = 10_000;

#[derive(Debug, Serialize)]
pub struct Record {
    pub path: String,
    pub entries: u64,
    /// Hash of the last entry: what was written down when the acquisition ended must equal it.
    pub chain_head: record::ChainHash,
    pub hashes: HashSet,
    /// The head, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The key that signed the head, where its signature fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<Fingerprint>,
    /// Its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

impl Report {
    /// The report on an image that was read.
    pub fn of(
        image: &dyn ImageReader,
        papers: &Papers,
        flaws: Vec<FormatError>,
        measurement: Measurement,
        table: Option<PartitionTable>,
    ) -> Self {
        let claims = papers.claims.as_ref();
        let properties = judgement::judge(image, claims, &flaws, &measurement, papers.judge_signature());
        let hashes = measurement.files.as_deref().unwrap_or_default();
        let segment = |(number, segment): (usize, &formats::Segment)| SegmentFile {
            path: segment.path.display().to_string(),
            size: segment.size,
            blake3: hashes.get(number).and_then(|hash| hash.clone().ok()),
        };
        let segments: Vec<SegmentFile> = image.segments().iter().enumerate().map(segment).collect();
        // A raw image has no table of what was not read from the source; its record has.
        let unread = match claims {
            Some(claims) if image.sector_size().is_none() => claims.unread.clone(),
            _ => image.unread().clone(),
        };
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
        let mut report = Self::new(described, papers, flaws, measurement, properties);
        report.places = table.as_ref().map(|table| report.places_in(table, &unread)).unwrap_or_default();
        report.partition_table = table;
        report
    }

    fn places_in(&self, table: &PartitionTable, unread: &ExtentSet) -> Vec<Place> {
        let kinds = [("altered", &self.altered), ("damaged", &self.damaged), ("unread", unread)];
        let places = kinds
            .into_iter()
            .flat_map(|(what, ranges)| ranges.iter().take(MOST_PLACES).map(move |media| (what, media)));
        let place = |(what, media)| Place { what, media, whereabouts: table.whereabouts(media) };
        places.map(place).collect()
    }

    /// The report on an image that could not be opened because of what `error` says about it.
    pub fn of_unreadable(path: &Path, papers: &Papers, error: &FormatError) -> Self {
        let claims = papers.claims.as_ref();
        let properties = judgement::judge_unreadable(claims, error, papers.judge_signature());
        let flaws = vec![error.to_string()];
        Self::new(unread_image(path.display().to_string()), papers, flaws, Measurement::default(), properties)
    }

    /// The report on a record of which no image is there.
    pub fn of_a_record(papers: &Papers) -> Self {
        let properties = judgement::judge_record(papers.claims.as_ref(), papers.judge_signature());
        let none = unread_image("none was given".to_owned());
        let mut report = Self::new(none, papers, Vec::new(), Measurement::default(), properties);
        if report.verdict == Verdict::NotChecked {
            // Nothing of an image was asked, and what was asked holds.
            (report.verdict, report.exit) = (Verdict::Holds, HOLDS);
        }
        report
    }

    fn new(
        image: Image,
        papers: &Papers,
        flaws: Vec<String>,
        measurement: Measurement,
        mut properties: Vec<Property>,
    ) -> Self {
        properties.extend(papers.judge_time_stamp());
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
        let ranges = measurement.partial.map(|Partial { asked, read, sector }| {
            let medium = image.media_size.unwrap_or_default();
            let not_read = ByteCount(medium.0.saturating_sub(read.total().0));
            Ranges { asked, read, not_read, sector }
        });
        let signed_by = papers.head.signed_by();
        let record = papers.claims.as_ref().map(|claims| Record {
            path: claims.path.display().to_string(),
            entries: claims.entries,
            chain_head: claims.head,
            hashes: claims.hashes.clone(),
            head: papers.head.read.as_ref().map(|_| papers.head.path.display().to_string()),
            signed_by,
            words: signed_by.map(|key| key.words()),
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
            altered: measurement.altered.unwrap_or_default().ranges,
            ranges,
            partition_table: None,
            places: Vec::new(),
            properties,
            verdict,
            exit,
        }
    }
}

/// An image of which nothing was read.
fn unread_image(path: String) -> Image {
    Image {
        path,
        format: None,
        media_size: None,
        sector_size: None,
        segments: Vec::new(),
        case: CaseData::default(),
        stored_hashes: HashSet::new(),
        unread: ExtentSet::new(),
    }
}
