//! Thousands of random alterations of image, record and head: each must be found, and what was not altered never complained of.
//!
//! `PERMAFROST_ALTERATIONS` says how many; without it there are 1 000. Each has a
//! number, which makes it again but for clock and keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "alterations/deed.rs"]
mod deed;
mod item;
#[path = "alterations/random.rs"]
mod random;

use clap::Parser;
use deed::{Deed, Touched};
use evidence::{CaseData, HashAlgorithm};
use formats::ImageKind;
use item::{Item, case, noise};
use random::Random;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use verify::{Arguments, Report, Verdict, VerifyError};

/// The properties that speak of record and head, not of the image.
const OF_PAPERS: [&str; 4] =
    ["record chain unbroken", "record closed", "record head signed", "key as written down"];

/// How many there are where nobody says.
const USUAL: u64 = 1_000;

fn wanted() -> u64 {
    std::env::var("PERMAFROST_ALTERATIONS").map_or(USUAL, |count| count.parse().expect("a number"))
}

/// Half of it can be compressed, half can't; the last chunk is not whole.
fn media(length: u64, seed: u64) -> Vec<u8> {
    let mut media = noise(length);
    for (number, block) in (seed..).zip(media.chunks_mut(4096)) {
        match number % 4 {
            0 => block.fill(0),
            1 => block.iter_mut().zip((0..64u8).cycle()).for_each(|(byte, letter)| *byte = b' ' + letter),
            _ => block.iter_mut().for_each(|byte| *byte = byte.wrapping_add(seed.to_le_bytes()[0])),
        }
    }
    media.truncate(usize::try_from(length).unwrap() - 512);
    media
}

fn item(kind: ImageKind, segments: Option<u64>, length: u64, seed: u64) -> Item {
    let case = CaseData { case_number: format!("2026-{seed}"), ..case() };
    Item::of(kind, segments, media(length, seed), case, &[HashAlgorithm::Md5, HashAlgorithm::Sha256])
}

fn check(item: &Item) -> Result<Report, VerifyError> {
    let words = item.words();
    let image = item.first().to_str().unwrap();
    verify::verify(&Arguments::parse_from(["pf-verify", "--key-words", &words, image]))
}

fn failing(report: &Report) -> Vec<&'static str> {
    let failing = report.properties.iter().filter(|property| property.verdict == Verdict::Fails);
    failing.map(|property| property.property).collect()
}

/// Alters an item again and again, each time from what it was.
fn alter_and_check(kind: ImageKind, (length, segments): (u64, Option<u64>), share: u64, seed: u64) {
    let item = item(kind, segments, length, seed);
    let other = self::item(kind, segments, length, seed + 1);
    let originals = deed::Originals::of(&item, &other);
    let mut told: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut stranger = Stranger::default();
    for number in 0..share {
        if number % 10 == 0 {
            let report = check(&item).unwrap();
            assert_eq!(failing(&report), [""; 0], "untouched, before {number}: {report:#?}");
            assert_eq!(report.exit, 0);
        }
        let mut random = Random::new(seed << 32 | number);
        let deed = Deed::carry_out(&mut random, &item, &other, &originals);
        let found = check(&item);
        let what = format!("alteration {number} of seed {seed}: {deed:?}");
        match &found {
            // Of an image that is not there, or of which nothing is left, nothing can be said but that.
            Err(error) => assert!(deed.may_leave_no_image(), "{what}: {error}"),
            Ok(report) => {
                assert_eq!(report.exit, verify::FAILS, "{what}: not found: {report:#?}");
                let failing = failing(report);
                let papers = failing.iter().filter(|name| OF_PAPERS.contains(name)).count();
                match deed.touched {
                    Touched::Image => assert_eq!(papers, 0, "{what}: {failing:?}"),
                    Touched::Record | Touched::Head => assert!(papers > 0, "{what}: {failing:?}"),
                    Touched::All => {}
                }
                if deed.touched == Touched::Head {
                    assert_eq!(papers, failing.len(), "{what}: {failing:?}");
                }
                if let Some(property) = what_must_tell(deed.name) {
                    assert!(failing.contains(&property), "{what}: {failing:?}");
                }
                the_place_is_named(&deed, report, &what);
            }
        }
        // It knows no papers: it is asked of what changed the image.
        let of_papers = matches!(deed.touched, Touched::Record | Touched::Head)
            || deed.name == "record and head forged with another key";
        if kind == ImageKind::Ewf && !of_papers {
            stranger.ask(item.first());
        }
        *told.entry(deed.name).or_default() += 1;
        originals.restore();
    }
    let extension = item.first().extension().unwrap().display();
    eprintln!("{extension}: all {share} found: {told:?}");
    if kind == ImageKind::Ewf {
        let Stranger { asked, found, .. } = stranger;
        eprintln!(
            "{extension}: of {asked} that changed the image, pf-verify found {asked}, ewfverify {found}"
        );
    }
}

/// What ewfverify says of the same alterations; of all when more are asked for than usual, else of every tenth.
#[derive(Default)]
struct Stranger {
    altered: u64,
    asked: u64,
    found: u64,
}

impl Stranger {
    fn ask(&mut self, image: &Path) {
        self.altered += 1;
        if wanted() <= USUAL && !self.altered.is_multiple_of(10) {
            return;
        }
        // It may wait for ever on what was made to mislead it.
        let mut command = Command::new("timeout");
        let command = command.args(["60", "ewfverify", "-q"]).arg(image).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_ne!(output.status.code(), Some(127), "ewfverify is not there (Debian package ewf-tools)");
        self.asked += 1;
        self.found += u64::from(!output.status.success());
    }
}

/// The property that an alteration is found by, whatever else finds it.
fn what_must_tell(deed: &str) -> Option<&'static str> {
    const BY_NAME: [(&str, &str); 8] = [
        ("container metadata edited", "metadata as recorded"),
        ("medium edited", "hash values in record"),
        ("clock edited, chain made anew", "record head signed"),
        ("entry edited, chain made anew", "record head signed"),
        ("record cut at an entry", "record head signed"),
        ("everything of another item", "key as written down"),
        ("all forged with another key", "key as written down"),
        ("record and head forged with another key", "key as written down"),
    ];
    BY_NAME.iter().find(|(name, _)| *name == deed).map(|(_, property)| *property)
}

/// A byte changed inside a chunk: the damage that is told is there and nowhere else.
fn the_place_is_named(deed: &Deed, report: &Report, what: &str) {
    let Some((path, at)) = &deed.byte else { return };
    for damage in &report.damage {
        assert_eq!(&damage.segment, &path.display().to_string(), "{what}");
        let from = damage.segment_offset.unwrap().0;
        assert!((from..from + 33_000).contains(at), "{what}: told at {from}");
    }
}

#[test]
fn every_alteration_of_a_split_e01_its_record_and_its_head_is_found() {
    alter_and_check(ImageKind::Ewf, (5 << 19, Some(1 << 20)), wanted() * 4 / 10, 17);
}

#[test]
fn every_alteration_of_a_split_raw_image_its_record_and_its_head_is_found() {
    alter_and_check(ImageKind::Raw, (1 << 20, Some(300_000)), wanted() * 4 / 10, 29);
}

#[test]
fn every_alteration_of_an_aff4_its_record_and_its_head_is_found() {
    let kind = ImageKind::Aff4(formats::aff4::Compression::default());
    alter_and_check(kind, (1 << 20, None), wanted() * 2 / 10, 43);
}

#[test]
fn images_that_nobody_touched_are_never_complained_of() {
    for seed in 0..wanted() / 20 {
        let kind = [ImageKind::Ewf, ImageKind::Raw, ImageKind::Aff4(formats::aff4::Compression::default())]
            [usize::try_from(seed % 3).unwrap()];
        let segments = (kind == ImageKind::Raw && seed % 2 == 0).then_some(70_000);
        let item = item(kind, segments, (8 + seed * 17) * 512, seed);
        let report = check(&item).unwrap();
        assert_eq!(report.exit, 0, "seed {seed}: {report:#?}");
    }
}
