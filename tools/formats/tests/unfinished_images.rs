//! Images that are taken up again behind a checkpoint: what they hold up to there can be read, what follows is cut off, and in
//! the end they are like any other. And states that nobody wrote, which must lead to nothing but an error.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod imaging;

use evidence::{ByteCount, ByteOffset};
use formats::aff4::Compression;
use formats::{ImageKind, ImagePlan, ImageSummary, ImageWriter, open_unfinished, resume};
use imaging::{medium, read_all};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

const KINDS: [(ImageKind, Option<u64>, &str); 6] = [
    (ImageKind::Raw, None, "raw"),
    (ImageKind::Raw, Some(1 << 20), "001"),
    (ImageKind::Ewf, None, "E01"),
    (ImageKind::Ewf, Some(1 << 20), "E01"),
    (ImageKind::Aff4(Compression::Snappy), None, "aff4"),
    (ImageKind::Aff4(Compression::Deflate), None, "aff4"),
];

fn plan(folder: &Path, size: usize, segment: Option<u64>) -> ImagePlan {
    ImagePlan { segment_size: segment.map(ByteCount), ..imaging::plan(&folder.join("item"), size) }
}

fn store(writer: &mut Box<dyn ImageWriter>, media: &[u8]) {
    let encoder = writer.encoder();
    for chunk in media.chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
}

fn beginning(image: &mut dyn formats::ImageReader, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    assert_eq!(image.read_at(ByteOffset(0), &mut bytes).unwrap(), size);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn an_image_taken_up_behind_any_checkpoint_holds_what_one_in_one_go_does(
        which in 0usize..KINDS.len(), mebibytes in 2usize..9, stops in prop::collection::vec((0usize..8, 0usize..3), 1..4),
        seed: u64,
    ) {
        let (kind, segment, extension) = KINDS[which];
        let folder = tempfile::tempdir().unwrap();
        let media = medium(mebibytes << 20, seed);
        let plan = plan(folder.path(), media.len(), segment);
        let mut writer = formats::create(kind, &plan).unwrap();
        let mut at = 0;
        for (further, lost) in stops {
            let to = (at + (further << 20)).min(media.len());
            store(&mut writer, &media[at..to]);
            at = to;
            let state = writer.checkpoint().unwrap().unwrap();
            // What nothing vouches for: more data, and perhaps more segments.
            store(&mut writer, &media[at..(at + (lost << 20)).min(media.len())]);
            drop(writer);
            let mut image = open_unfinished(kind, &plan.base, &state).unwrap();
            prop_assert!(beginning(image.as_mut(), at) == media[..at]);
            writer = resume(kind, &plan, &state).unwrap();
        }
        store(&mut writer, &media[at..]);
        let segments = writer.finish(&ImageSummary::default()).unwrap();
        let mut image = formats::open(&folder.path().join(format!("item.{extension}"))).unwrap();
        prop_assert!(read_all(image.as_mut()).unwrap() == media);
        let flaws = image.check();
        prop_assert!(flaws.is_empty(), "{:?}", flaws);
        prop_assert_eq!(image.segments().to_vec(), segments.clone());
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), segments.len(), "a file that belongs to nothing");
    }

    #[test]
    fn a_state_that_was_altered_is_refused_or_reads_what_is_there(
        which in 0usize..KINDS.len(), line in 0usize..40, word in 0usize..4,
        put in prop_oneof![Just(String::new()), any::<u64>().prop_map(|n| n.to_string()), Just("-1".into()), "\\PC{0,12}"],
        cut in 0usize..4000,
    ) {
        let (kind, segment, _) = KINDS[which];
        let folder = tempfile::tempdir().unwrap();
        let media = medium(2 << 20, 5);
        let plan = plan(folder.path(), media.len(), segment);
        let mut writer = formats::create(kind, &plan).unwrap();
        store(&mut writer, &media[..1 << 20]);
        let state = writer.checkpoint().unwrap().unwrap();
        drop(writer);
        let mut lines: Vec<String> = state.lines().map(str::to_owned).collect();
        let line = line % lines.len();
        let mut words: Vec<String> = lines[line].split(' ').map(str::to_owned).collect();
        let word = word % words.len();
        words[word] = put;
        lines[line] = words.join(" ");
        let altered = lines.join("\n") + "\n";
        for state in [altered.as_str(), state.get(..cut).unwrap_or(&altered)] {
            if let Ok(mut image) = open_unfinished(kind, &plan.base, state) {
                let mut bytes = vec![0; 1 << 20];
                let _ = image.read_at(ByteOffset(0), &mut bytes);
            }
            let _ = resume(kind, &plan, state);
        }
    }
}

#[test]
fn what_is_cut_off_on_the_disk_is_named() {
    for (kind, segment, extension) in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let media = medium(3 << 20, 9);
        let plan = plan(folder.path(), media.len(), segment);
        let mut writer = formats::create(kind, &plan).unwrap();
        store(&mut writer, &media[..1 << 20]);
        let state = writer.checkpoint().unwrap().unwrap();
        drop(writer);
        let path = folder.path().join(format!("item.{extension}"));
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        for told in [open_unfinished(kind, &plan.base, &state).err(), resume(kind, &plan, &state).err()] {
            let told = told.expect("a file that is too short was taken").to_string();
            assert!(told.contains("vouches for"), "{told}");
        }
        assert_eq!(fs::metadata(&path).unwrap().len() as usize, whole.len() - 1, "it was touched");
        fs::remove_file(&path).unwrap();
        assert!(open_unfinished(kind, &plan.base, &state).is_err());
    }
}
