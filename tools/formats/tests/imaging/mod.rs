//! What the tests of this crate share: media to image, an imaging loop, other people's programs.
// Each test program uses a part of it.
#![allow(dead_code)]

use evidence::{ByteCount, ByteOffset, CaseData, HashAlgorithm, Hasher, SectorSize};
use formats::aff4::Compression;
use formats::{FormatError, ImageKind, ImagePlan, ImageReader, ImageSummary, Segment};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every way in which an AFF4 can be compressed.
pub const AFF4_METHODS: [Compression; 4] =
    [Compression::Stored, Compression::Snappy, Compression::Lz4, Compression::Deflate];

/// Numbers without a pattern that are the same in every run.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        // splitmix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// A medium with stretches of zeros, text and noise, as disks have.
pub fn medium(length: usize, seed: u64) -> Vec<u8> {
    let mut noise = Noise(seed);
    let mut bytes = Vec::with_capacity(length + 80_000);
    while bytes.len() < length {
        let stretch = 1 + noise.below(80_000);
        match noise.below(3) {
            0 => bytes.resize(bytes.len() + stretch, 0),
            1 => bytes.extend((0..stretch).map(|_| noise.next().to_le_bytes()[0])),
            _ => bytes.extend(format!("line {} of a log\n", noise.next()).bytes().cycle().take(stretch)),
        }
    }
    bytes.truncate(length);
    bytes
}

pub fn plan(base: &Path, media_size: usize) -> ImagePlan {
    ImagePlan {
        base: base.to_owned(),
        media_size: ByteCount(u64::try_from(media_size).unwrap()),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: CaseData::default(),
        device: None,
        software: "Permafrost 0.1.0".into(),
        acquired_at: 1_700_000_000,
        medium: formats::MediumKind::Disk,
    }
}

pub fn summary(media: &[u8]) -> ImageSummary {
    let hashes = HashAlgorithm::ALL.into_iter().map(|a| (a, Hasher::of(a, media))).collect();
    ImageSummary { hashes, ..ImageSummary::default() }
}

/// Images `media` by `plan` and hands back the segments.
pub fn image_with(
    kind: ImageKind,
    plan: &ImagePlan,
    media: &[u8],
    summary: &ImageSummary,
) -> Result<Vec<Segment>, FormatError> {
    let mut writer = formats::create(kind, plan)?;
    let encoder = writer.encoder();
    for chunk in media.chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk)?)?;
    }
    writer.finish(summary)
}

pub fn image(kind: ImageKind, plan: &ImagePlan, media: &[u8]) -> PathBuf {
    image_with(kind, plan, media, &summary(media)).unwrap()[0].path.clone()
}

/// The whole medium, read in pieces of an odd size.
pub fn read_all(reader: &mut dyn ImageReader) -> Result<Vec<u8>, FormatError> {
    let size = usize::try_from(reader.media_size().0).unwrap();
    let mut media = vec![0; size];
    let mut done = 0;
    while done < size {
        let end = size.min(done + 100_003);
        let got = reader.read_at(ByteOffset(u64::try_from(done).unwrap()), &mut media[done..end])?;
        assert_eq!(got, end - done, "a short read before the end of the medium");
        done += got;
    }
    assert_eq!(reader.read_at(ByteOffset(u64::try_from(size).unwrap()), &mut [0; 9])?, 0);
    Ok(media)
}

/// Runs another program and hands back what it printed; fails with the name of its Debian package if it is not there.
pub fn run(program: &str, package: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; install the Debian package {package}"));
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

/// Runs another program that must succeed.
pub fn succeed(program: &str, package: &str, arguments: &[&str]) -> String {
    let (success, text) = run(program, package, arguments);
    assert!(success, "{program} {arguments:?}: {text}");
    text
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
