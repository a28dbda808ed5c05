//! An image with its record and its signed head, as an acquisition leaves them, and `pf-verify` run on it.
#![allow(dead_code, reason = "each test file needs a part of it")]

use evidence::{
    ByteCount, ByteOffset, CaseData, DeviceIdentity, Extent, HashAlgorithm, Hasher, SectorSize, Transport,
};
use formats::{ImageKind, ImagePlan, ImageSummary, Segment};
use record::{
    AcquisitionOpened, Closed, Entry, Environment, GuardReport, ImageClosed, KeyNotice, KeyOrigin, Leaves,
    Outcome, Plan, RecordWriter, SecretKey, SegmentFile, Software, Verification,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// An image with its record, as an acquisition leaves them.
pub struct Item {
    pub folder: TempDir,
    pub segments: Vec<Segment>,
    pub record: PathBuf,
    pub media: Vec<u8>,
    pub key: SecretKey,
    pub kind: ImageKind,
    pub segment_size: Option<u64>,
}

pub fn case() -> CaseData {
    CaseData {
        case_number: "2024-17".into(),
        evidence_number: "7".into(),
        examiner: "Jörg Müller".into(),
        description: "laptop\tdisk".into(),
        notes: "第一硬盘".into(),
    }
}

/// What was imaged, as the disk says.
pub fn device() -> DeviceIdentity {
    DeviceIdentity {
        path: "/dev/sda".into(),
        make: Some("Maker".into()),
        model: Some("Model".into()),
        serial: Some("S1".into()),
        wwn: None,
        firmware: None,
        transport: Transport::Ata,
        capacity: ByteCount(0),
        logical_sector: SectorSize::S512,
        physical_sector: SectorSize::S512,
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Bytes that neither shrink nor repeat.
pub fn noise(length: u64) -> Vec<u8> {
    let mix = |n: u64| {
        let z = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    };
    (1..=length / 8).flat_map(|n| mix(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes()).collect()
}

impl Item {
    /// With hash values of every kind.
    pub fn new(kind: ImageKind, segment_size: Option<u64>, media: Vec<u8>) -> Self {
        Self::of(kind, segment_size, media, case(), &HashAlgorithm::ALL)
    }

    pub fn of(
        kind: ImageKind,
        segment_size: Option<u64>,
        media: Vec<u8>,
        case: CaseData,
        algorithms: &[HashAlgorithm],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = ImagePlan {
            base: folder.path().join("item-7"),
            media_size: ByteCount(u64::try_from(media.len()).unwrap()),
            sector_size: SectorSize::S512,
            segment_size: segment_size.map(ByteCount),
            case: case.clone(),
            device: Some(device()),
            software: "pf-acquire 0.1.0".into(),
            acquired_at: now(),
            medium: formats::MediumKind::Disk,
        };
        let mut summary = ImageSummary {
            hashes: algorithms.iter().map(|a| (*a, Hasher::of(*a, &media))).collect(),
            ..ImageSummary::default()
        };
        summary.unread.insert(Extent { offset: ByteOffset(1024), length: ByteCount(512) });
        let mut writer = formats::create(kind, &plan).unwrap();
        let encoder = writer.encoder();
        for chunk in media.chunks(writer.chunk_size()) {
            writer.append(&encoder.encode(chunk).unwrap()).unwrap();
        }
        let segments = writer.finish(&summary).unwrap();
        let record = folder.path().join("item-7.record.jsonl");
        let key = SecretKey::generate().unwrap();
        write_record(&record, &plan, &summary, &segments, &key, &media);
        Self { folder, segments, record, media, key, kind, segment_size }
    }

    pub fn e01() -> Self {
        Self::new(ImageKind::Ewf, Some(1 << 20), noise(3 << 20))
    }

    pub fn aff4() -> Self {
        Self::new(ImageKind::Aff4(formats::aff4::Compression::default()), None, noise(3 << 20))
    }

    pub fn first(&self) -> &Path {
        &self.segments[0].path
    }

    /// Exit code and JSON report, with the key as it was written down.
    pub fn verify(&self) -> (i32, Value) {
        let words = self.words();
        self.verify_with(&["--key-words", &words])
    }

    pub fn verify_with(&self, words: &[&str]) -> (i32, Value) {
        verify(&[&["--json"], words, &[self.first().to_str().unwrap()]].concat())
    }

    pub fn words(&self) -> String {
        self.key.public().fingerprint().words()
    }

    pub fn head(&self) -> PathBuf {
        record::head_path(&self.record)
    }

    /// Neither record nor head.
    pub fn without_record(&self) {
        std::fs::remove_file(&self.record).unwrap();
        std::fs::remove_file(self.head()).unwrap();
    }
}

/// Of no `media` it states no leaves.
pub fn write_record(
    path: &Path,
    plan: &ImagePlan,
    summary: &ImageSummary,
    segments: &[Segment],
    key: &SecretKey,
    media: &[u8],
) {
    let source = DeviceIdentity {
        capacity: plan.media_size,
        logical_sector: plan.sector_size,
        physical_sector: plan.sector_size,
        ..device()
    };
    let opened = AcquisitionOpened {
        format_version: record::FORMAT_VERSION,
        software: Software { name: "pf-acquire".into(), version: "0.1.0".into() },
        environment: Environment::default(),
        command_line: vec!["pf-acquire".into()],
        case: plan.case.clone().into(),
        source,
        guard: GuardReport::Unguarded,
        plan: Plan {
            format: "e01".into(),
            chunk_size: ByteCount(32_768),
            segment_size: plan.segment_size,
            hashes: HashAlgorithm::ALL.to_vec(),
            destination: plan.base.display().to_string(),
            second_destination: None,
        },
        signing_key: Some(KeyNotice::new(key, KeyOrigin::Run)),
    };
    let name = |segment: &Segment| segment.path.file_name().unwrap().to_str().unwrap().to_owned();
    let closed = ImageClosed {
        segments: segments.iter().map(|s| SegmentFile { name: name(s), size: s.size }).collect(),
        media_size: plan.media_size,
        hashes: summary.hashes.clone(),
        unread: summary.unread.clone(),
        seconds: 1.5,
    };
    let leaves: Vec<_> = media.chunks(1 << 20).map(|leaf| Hasher::of(HashAlgorithm::Blake3, leaf)).collect();
    let mut entries =
        vec![Entry::AcquisitionOpened(Box::new(opened)), Entry::Note { text: "seal 4711".into() }];
    entries.extend(Leaves::entries(ByteCount(1 << 20), &leaves));
    let file_hash =
        |segment: &Segment| Hasher::of(HashAlgorithm::Blake3, &std::fs::read(&segment.path).unwrap());
    let is_raw = |segment: &Segment| !matches!(segment.path.extension(), Some(e) if e == "aff4" || e.to_str().unwrap().starts_with('E'));
    let read_back = Verification {
        destination: None,
        hashes: summary.hashes.clone(),
        matches: true,
        mismatches: Vec::new(),
        files: segments.iter().filter(|segment| !is_raw(segment)).map(file_hash).collect(),
    };
    entries.extend([
        Entry::ImageClosed(closed),
        Entry::Verification(read_back),
        Entry::Closed(Closed { outcome: Outcome::Complete, guard_state: None, refused: None, network: None }),
    ]);
    let mut writer = RecordWriter::create(path).unwrap();
    for entry in entries {
        writer.append(&entry).unwrap();
    }
    writer.sign(key).unwrap();
}

pub fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pf-verify")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub fn verify(arguments: &[&str]) -> (i32, Value) {
    let (code, output, errors) = run(arguments);
    let report: Value = serde_json::from_str(&output).unwrap_or_else(|e| panic!("{e}: {output}{errors}"));
    assert_eq!(report["exit"], code);
    (code, report)
}

/// The verdict on a property.
pub fn verdict(report: &Value, property: &str) -> String {
    let properties = report["properties"].as_array().unwrap();
    let found = properties.iter().find(|p| p["property"] == property);
    found.unwrap_or_else(|| panic!("no {property}: {report}"))["verdict"].as_str().unwrap().to_owned()
}
