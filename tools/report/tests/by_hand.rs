//! The commands on the page, taken from it and run with sh and other people's programs, nothing of ours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use fixtures::{Item, page_of, text_of, tree};
use formats::ImageKind;
use harness::host_program::find;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The two blocks of a page: for the record, and for the image.
fn blocks(record: &Path, language: &str) -> Vec<String> {
    let (_, page) = page_of(record, language);
    let tree = tree(&page);
    let blocks = tree.descendants().filter(|node| node.has_tag_name("pre"));
    blocks.map(text_of).collect()
}

/// Exit code and what was said, of commands in a folder.
fn sh(folder: &Path, commands: &str) -> (i32, String) {
    let script = folder.join("pasted.sh");
    fs::write(&script, commands).unwrap();
    let output = Command::new("/bin/sh").arg(&script).current_dir(folder).output().unwrap();
    fs::remove_file(&script).unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), said)
}

fn media() -> Vec<u8> {
    (0u32..153_600).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn programs_are_there() {
    for (program, package) in
        [("jq", "jq"), ("openssl", "openssl"), ("b3sum", "b3sum"), ("img_cat", "sleuthkit")]
    {
        find(program, package).unwrap();
    }
}

#[test]
fn the_commands_prove_an_untouched_raw_image_and_record_in_either_language() {
    programs_are_there();
    let item = Item::new(ImageKind::Raw, "raw", None, &media());
    for (language, holds, equal) in
        [("en", "the chain holds, entries: 10", "equal"), ("zh", "条目数： 10", "一致")]
    {
        let blocks = blocks(&item.record, language);
        assert_eq!(blocks.len(), 2);
        let (code, said) = sh(item.folder.path(), &blocks[0]);
        assert!(code == 0 && said.contains(holds), "{code}: {said}");
        let (code, said) = sh(item.folder.path(), &blocks[1]);
        assert_eq!((code, said.lines().filter(|line| line.ends_with(equal)).count()), (0, 7), "{said}");
    }
    // The page in both languages carries both.
    assert_eq!(blocks(&item.record, "both").len(), 4);
}

#[test]
fn one_bit_of_the_image_is_enough_for_every_hash_to_differ() {
    programs_are_there();
    let item = Item::new(ImageKind::Raw, "raw", Some(200_000), &media());
    assert_eq!(item.segments.len(), 4);
    let blocks = blocks(&item.record, "en");
    assert_eq!(sh(item.folder.path(), &blocks[1]).0, 0);
    flip(&item.segments[2], 77);
    let (code, said) = sh(item.folder.path(), &blocks[1]);
    assert_eq!((code, said.matches("DIFFERS").count()), (1, 7), "{said}");
    flip(&item.segments[2], 77);
    fs::remove_file(&item.segments[1]).unwrap();
    let (code, said) = sh(item.folder.path(), &blocks[1]);
    assert!(code == 1 && said.contains("DIFFERS"), "a missing segment: {said}");
}

#[test]
fn an_e01_is_proven_by_the_sleuth_kit() {
    programs_are_there();
    let item = Item::new(ImageKind::Ewf, "e01", Some(1 << 20), &media());
    let blocks = blocks(&item.record, "en");
    let (code, said) = sh(item.folder.path(), &blocks[1]);
    assert_eq!((code, said.matches(": equal").count()), (0, 7), "{said}");
    fs::write(
        &item.segments[0],
        fs::read(Item::new(ImageKind::Ewf, "e01", None, &[5; 4096]).segments[0].as_path()).unwrap(),
    )
    .unwrap();
    let (code, said) = sh(item.folder.path(), &blocks[1]);
    assert!(code == 1 && said.contains("DIFFERS"), "another image in its place: {said}");
}

#[test]
fn a_record_that_was_altered_after_the_page_was_made_is_found() {
    programs_are_there();
    let item = Item::new(ImageKind::Raw, "raw", None, &media()[..4096]);
    let chain = blocks(&item.record, "en").remove(0);
    let sound = fs::read_to_string(&item.record).unwrap();
    let lines: Vec<&str> = sound.split_inclusive('\n').collect();
    let without = |number: usize| {
        lines.iter().enumerate().filter(|(n, _)| *n != number).map(|(_, l)| *l).collect::<String>()
    };
    let swapped = [&lines[..2], &[lines[3], lines[2]], &lines[4..]].concat().concat();
    for (how, altered) in [
        ("a serial number", sound.replace("ZN1A4XYZ", "ZN1A4XYA")),
        ("the last entry", sound.replace("\"outcome\":\"complete\"", "\"outcome\":\"failed\"")),
        ("a line removed", without(4)),
        ("the last line removed", without(9)),
        ("lines swapped", swapped),
        ("something behind the end", format!("{sound}x")),
        ("a line behind the end", format!("{sound}{{}}\n")),
        ("the last line feed", sound.trim_end().to_owned()),
        ("nothing left", String::new()),
    ] {
        assert_ne!(altered, sound, "{how}");
        fs::write(&item.record, altered).unwrap();
        let (code, said) = sh(item.folder.path(), &chain);
        assert_eq!(code, 1, "{how}: {said}");
    }
    fs::write(&item.record, &sound).unwrap();
    assert_eq!(sh(item.folder.path(), &chain).0, 0);
}

#[test]
fn nothing_a_shell_could_take_for_a_command_gets_onto_the_page() {
    let item = Item::new(ImageKind::Raw, "raw", None, &[0; 512]);
    let hostile = item.folder.path().join("a';touch owned;'.record.jsonl");
    fs::rename(&item.record, &hostile).unwrap();
    assert!(blocks(&hostile, "en").is_empty());
}
