//! Where something is: in which partition, in which part, in which file; and a part of the medium checked alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod item;

use evidence::ByteOffset;
use formats::ImageKind;
use item::{Item, noise, run, verdict, verify};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;
const FILES: &str = "files as recorded";

fn output_of(program: &str, package: &str, words: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program} (Debian package {package}): {e}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const GPT: &str = "label: gpt\nstart=2048, size=2048, name=\"EFI system\"\nstart=4096, size=3000, name=Daten\n\
                   start=8192, size=4096\n";
const MBR: &str = "label: dos\nstart=2048, size=2048, type=7\nstart=4096, size=9000, type=5\n\
                   start=4100, size=1000, type=83\nstart=6144, size=2048, type=c\nstart=9000, size=512, type=82\n";

/// A disk of 8 MiB that sfdisk has divided, as the medium of an image.
fn divided(script: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::write(&disk, vec![0; 8 * MIB]).unwrap();
    output_of("sfdisk", "fdisk", &["--quiet", disk.to_str().unwrap()], script);
    fs::read(disk).unwrap()
}

/// First sector and count of sectors of every partition, as our report has them.
fn ours(report: &Value) -> BTreeSet<(u64, u64)> {
    let partitions = report["partition_table"]["partitions"].as_array().unwrap().iter();
    let bytes = |value: &Value| value.as_u64().unwrap() / 512;
    partitions.map(|p| (bytes(&p["media"]["offset"]), bytes(&p["media"]["length"]))).collect()
}

/// The same as mmls has them: rows whose slot is a number, not `Meta` or unallocated.
fn mmls(disk: &Path) -> BTreeSet<(u64, u64)> {
    let told = output_of("mmls", "sleuthkit", &[disk.to_str().unwrap()], "");
    let rows = told.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let slot = words.get(1)?;
        if !slot.starts_with(|letter: char| letter.is_ascii_digit()) || words.len() < 5 {
            return None;
        }
        Some((words[2].parse().ok()?, words[4].parse().ok()?))
    });
    rows.collect()
}

fn alter(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x01;
    fs::write(path, bytes).unwrap();
}

#[test]
fn partitions_are_those_that_mmls_and_sfdisk_list() {
    for (script, scheme) in [(GPT, "GPT"), (MBR, "MBR")] {
        let item = Item::new(ImageKind::Raw, None, divided(script));
        let (code, report) = item.verify();
        assert_eq!((code, &report["partition_table"]["scheme"]), (0, &json!(scheme)), "{report:#}");
        assert_eq!(ours(&report), mmls(item.first()), "{report:#}");
        let listed = output_of("sfdisk", "fdisk", &["--json", item.first().to_str().unwrap()], "");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let listed = listed["partitiontable"]["partitions"].as_array().unwrap().iter();
        // sfdisk numbers by the name of the node, and lists the extended partition too.
        let numbers = listed.filter(|p| p["type"] != "5").map(|p| {
            let node = p["node"].as_str().unwrap();
            let digits = node.trim_start_matches(item.first().to_str().unwrap());
            let number: u64 = digits.trim_start_matches('p').parse().unwrap();
            (number, p["start"].as_u64().unwrap(), p["name"].as_str().unwrap_or_default().to_owned())
        });
        let mine = report["partition_table"]["partitions"].as_array().unwrap().iter().map(|p| {
            let start = p["media"]["offset"].as_u64().unwrap() / 512;
            (p["number"].as_u64().unwrap(), start, p["name"].as_str().unwrap_or_default().to_owned())
        });
        assert_eq!(mine.collect::<BTreeSet<_>>(), numbers.collect(), "{scheme}");
    }
}

#[test]
fn a_gpt_whose_beginning_is_lost_is_read_from_its_copy() {
    let mut disk = divided(GPT);
    let item = Item::new(ImageKind::Raw, None, disk.clone());
    let whole = ours(&item.verify().1);
    // The first sector, for sfdisk takes no disk without it for a GPT.
    disk[512..34 * 512].fill(0);
    let item = Item::new(ImageKind::Raw, None, disk);
    assert_eq!(ours(&item.verify().1), whole);
    let listed = output_of("sfdisk", "fdisk", &["--json", item.first().to_str().unwrap()], "");
    assert!(listed.contains("Daten"), "sfdisk reads the copy as well: {listed}");
}

#[test]
fn a_medium_without_partitions_has_no_table() {
    let item = Item::new(ImageKind::Raw, None, noise(1 << 20));
    assert_eq!(item.verify().1["partition_table"], Value::Null);
}

#[test]
fn a_table_that_was_made_to_mislead_is_read_to_a_bound() {
    // A chain of logical partitions that leads back into itself.
    let mut disk = divided(MBR);
    let second = 6143 * 512;
    let ebr = (0..disk.len() / 512).map(|n| n * 512).filter(|at| disk[at + 510..at + 512] == [0x55, 0xAA]);
    let ebr: Vec<usize> = ebr.skip(1).collect();
    assert!(ebr.len() == 3 && ebr[1] <= second, "{ebr:?}");
    let last = ebr[2];
    disk[last + 466] = 5;
    disk[last + 470..last + 474].copy_from_slice(&0u32.to_le_bytes());
    let item = Item::new(ImageKind::Raw, None, disk);
    let (_, report) = item.verify();
    assert_eq!(report["partition_table"]["partitions"].as_array().unwrap().len(), 4, "{report:#}");
    // A GPT with as many entries as a number can say, all of them alike; and one whose entries lie beyond all disks.
    for (at, bytes) in [(512 + 80, vec![0xFF; 4]), (512 + 72, vec![0xFF; 8]), (512 + 84, vec![0xFF; 4])] {
        let mut disk = divided(GPT);
        disk[at..at + bytes.len()].copy_from_slice(&bytes);
        let item = Item::new(ImageKind::Raw, None, disk);
        let (code, report) = item.verify();
        assert_eq!(code, 0, "{report:#}");
        assert!(report["partition_table"].is_null() || ours(&report).len() <= 1024);
    }
}

/// The partitions that are named for each place, with what it is.
fn places(report: &Value) -> Vec<(String, Vec<u64>, bool)> {
    let place = |place: &Value| {
        let numbers = place["partitions"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        (place["what"].as_str().unwrap().to_owned(), numbers, place["outside"].as_bool().unwrap())
    };
    report["places"].as_array().unwrap().iter().map(place).collect()
}

#[test]
fn a_place_is_told_by_the_partition_that_it_lies_in() {
    let disk = divided(GPT);
    for (at, partitions, outside) in [
        // Partition 1 takes the second MiB and no more, partition 2 a part of the third and fourth, 3 the fifth and sixth.
        (MIB + 5, vec![1], false),
        (2 * MIB + 5, vec![2], false),
        (3 * MIB + 5, vec![2], true),
        (4 * MIB + 5, vec![3], false),
        (7 * MIB + 5, vec![], true),
        (5, vec![], true),
    ] {
        let item = Item::new(ImageKind::Raw, None, disk.clone());
        alter(item.first(), at);
        let (code, report) = item.verify();
        let altered: Vec<_> = places(&report).into_iter().filter(|(what, ..)| what == "altered").collect();
        assert_eq!((code, altered), (1, vec![("altered".to_owned(), partitions.clone(), outside)]), "{at}");
        let (_, table, _) = run(&[item.first().to_str().unwrap()]);
        let words = if partitions.is_empty() {
            "in no partition".to_owned()
        } else {
            format!("in partition {}", partitions[0])
        };
        assert!(table.contains("BY THE GPT") && table.replace("\n  ", " ").contains(&words), "{table}");
    }
    // What was not read from the source is told by place too: 512 bytes at 1 024, before the first partition.
    let item = Item::new(ImageKind::Ewf, None, disk);
    let (code, report) = item.verify();
    assert_eq!((code, places(&report)), (0, vec![("unread".to_owned(), vec![], true)]), "{report:#}");
}

fn with_range(item: &Item, ranges: &[&str]) -> (i32, Value) {
    let words: Vec<&str> = ranges.iter().flat_map(|range| ["--range", range]).collect();
    item.verify_with(&words)
}

#[test]
fn a_range_is_judged_by_its_parts_and_nothing_else_is() {
    for kind in [ImageKind::Raw, ImageKind::Ewf] {
        let item = Item::new(kind, None, noise((5 << 20) + 512));
        // Noise is stored as it is: the third MiB lies about there in an E01 too.
        alter(item.first(), 2 * MIB + MIB / 2);
        assert_eq!(item.verify().0, 1);
        for (ranges, code, read) in [
            (&["0+1"][..], 0, vec![(0, 1 << 20)]),
            (&["1048575+2"], 0, vec![(0, 2 << 20)]),
            (&["6144s+1s", "10240s+1s"], 0, vec![(3 << 20, 1 << 20), (5 << 20, 512)]),
            (&["2097152+1"], 1, vec![(2 << 20, 1 << 20)]),
            (&["0+1", "3145727+1"], 1, vec![(0, 1 << 20), (2 << 20, 1 << 20)]),
        ] {
            let (found, report) = with_range(&item, ranges);
            assert_eq!(found, code, "{kind:?} {ranges:?}: {report:#}");
            let extent = |(offset, length)| json!({"offset": offset, "length": length});
            let wanted: Vec<Value> = read.into_iter().map(extent).collect();
            assert_eq!(report["ranges"]["read"], json!(wanted), "{ranges:?}");
            for unchecked in ["hash values in record", FILES] {
                assert_eq!(verdict(&report, unchecked), "not-checked", "{ranges:?}");
            }
            if kind == ImageKind::Raw {
                let verdicts = ["holds", "fails"];
                assert_eq!(verdict(&report, "parts as recorded"), verdicts[usize::from(code == 1)]);
            }
        }
        let (_, table, _) = run(&["--range", "0+1", item.first().to_str().unwrap()]);
        assert!(table.contains("HOLDS for what was read") && table.contains("not read"), "{table}");
    }
}

#[test]
fn a_range_without_a_record_is_judged_by_the_checksums_of_its_chunks() {
    let item = Item::e01();
    item.without_record();
    alter(&item.segments[1].path, 500_000);
    let (code, report) = with_range(&item, &["0+4096"]);
    assert_eq!((code, verdict(&report, "container sound").as_str()), (0, "holds"), "{report:#}");
    assert_eq!(report["ranges"]["read"], json!([{"offset": 0, "length": 4096}]));
    assert_eq!(item.verify_with(&[]).0, 1);
    // A raw image has none: nothing vouches for the range, and that is said.
    let item = Item::new(ImageKind::Raw, None, noise(1 << 20));
    item.without_record();
    assert_eq!(with_range(&item, &["0+4096"]).0, 2);
}

#[test]
fn a_range_beyond_the_medium_or_none_at_all_is_wrong_usage() {
    let item = Item::new(ImageKind::Raw, None, noise(1 << 20));
    for range in ["1048576+1", "0+1048577", "0s+2049s", "0+0", "5", "0-5", "18446744073709551615+1"] {
        let (code, output, errors) = run(&["--range", range, item.first().to_str().unwrap()]);
        assert_eq!((code, output.as_str()), (2, ""), "{range}: {errors}");
        assert!(errors.contains("range"), "{errors}");
    }
}

#[test]
fn a_range_of_a_huge_medium_takes_no_longer_than_one_of_a_small_one() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge.raw");
    fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    let begun = Instant::now();
    let (code, report) = verify(&["--json", "--range", "549755813888+1", huge.to_str().unwrap()]);
    assert_eq!(code, 2, "{report:#}");
    assert_eq!(report["ranges"]["not_read"], (1u64 << 40) - 1);
    // To read a TiB takes an hour.
    assert!(begun.elapsed() < Duration::from_secs(60));
}

fn reads_the_same(path: &Path, media: &[u8]) -> bool {
    let Ok(mut image) = formats::open(path) else { return false };
    let mut read = vec![0; media.len()];
    matches!(image.read_at(ByteOffset(0), &mut read), Ok(got) if got == media.len())
        && read == media
        && image.check().is_empty()
}

#[test]
fn a_bit_that_no_data_depend_on_is_found_by_the_hash_of_its_file() {
    let text: Vec<u8> = b"All work is recorded. ".iter().copied().cycle().take(1 << 17).collect();
    let item = Item::new(ImageKind::Ewf, None, text);
    let (code, report) = item.verify();
    assert_eq!((code, verdict(&report, FILES).as_str()), (0, "holds"), "{report:#}");
    let told = output_of("b3sum", "b3sum", &["--no-names", item.first().to_str().unwrap()], "");
    assert_eq!(report["image"]["segments"][0]["blake3"], told.trim(), "b3sum of the same file");

    let good = fs::read(item.first()).unwrap();
    // There is one behind the last code of most compressed chunks.
    let chunks = good.windows(8).position(|window| window == b"sectors\0").unwrap() + 76;
    let idle = (chunks * 8..good.len() * 8).find(|bit| {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(item.first(), &bytes).unwrap();
        reads_the_same(item.first(), &item.media)
    });
    assert!(idle.is_some(), "every bit says something: the test has nothing to show");
    let (code, report) = item.verify();
    assert_eq!(code, 1, "{report:#}");
    let properties = report["properties"].as_array().unwrap();
    let failing: Vec<&Value> = properties.iter().filter(|p| p["verdict"] == "fails").collect();
    assert_eq!(failing.len(), 1, "{report:#}");
    let detail = failing[0]["detail"].as_str().unwrap();
    assert_eq!(failing[0]["property"], FILES);
    for words in [item.first().to_str().unwrap(), "yet all data", told.trim()] {
        assert!(detail.contains(words), "{detail}");
    }
    // The chunk is named: it is the one whose stored form another encoder of the same data does not give.
    let (_, place) = detail.split_once("in the chunk at ").unwrap();
    let (at, _) = place.split_once(", which holds").unwrap();
    let digits: String = at.chars().filter(char::is_ascii_digit).collect();
    let (at, byte) = (digits.parse::<usize>().unwrap(), idle.unwrap() / 8);
    assert!(at <= byte && byte < at + 2000, "told at {at}, changed at {byte}: {detail}");
    // Without its record nothing is left that tells.
    item.without_record();
    assert_eq!(item.verify_with(&[]).0, 0);
}

#[test]
fn every_field_of_a_containers_making_is_compared() {
    for kind in [ImageKind::Ewf, ImageKind::Aff4(formats::aff4::Compression::default())] {
        for (field, told) in [
            ("\"model\":\"Model\"", "model of the device"),
            ("\"serial\":\"S1\"", "serial number of the device"),
            ("\"version\":\"0.1.0\"", "program"),
            ("\"examiner\":\"Jörg", "examiner"),
            ("\"time\":\"20", "time of the acquisition"),
        ] {
            let item = Item::new(kind, None, noise(1 << 16));
            let record = fs::read_to_string(&item.record).unwrap();
            let (at, length) = (record.find(field).unwrap(), field.len());
            let mut other = record.clone();
            let changed = if told.starts_with("time") {
                field.replace("\"20", "\"29")
            } else {
                field.replace("\":\"", "\":\"9")
            };
            other.replace_range(at..at + length, &changed);
            let other = chained(&other);
            fs::write(&item.record, other).unwrap();
            let (_, report) = item.verify();
            let properties = report["properties"].as_array().unwrap();
            let metadata = properties.iter().find(|p| p["property"] == "metadata as recorded").unwrap();
            assert_eq!(metadata["verdict"], "fails", "{told}: {metadata}");
            assert!(metadata["detail"].as_str().unwrap().contains(told), "{metadata}");
        }
    }
}

/// The same lines with a chain that fits.
fn chained(text: &str) -> String {
    let mut prev = record::ChainHash::START;
    let line = |line: &str| {
        let at = line.find("\"prev\":\"").unwrap() + 8;
        let mut line = line.to_owned();
        line.replace_range(at..at + 64, &prev.to_string());
        prev = record::ChainHash::of_line(line.as_bytes());
        line + "\n"
    };
    text.lines().map(line).collect()
}

#[test]
fn the_files_of_either_destination_are_those_that_were_acquired() {
    // Two images of one acquisition, whose identifiers are drawn apart: the record has a verification of each.
    let media = noise(1 << 18);
    let (item, second) =
        (Item::new(ImageKind::Ewf, None, media.clone()), Item::new(ImageKind::Ewf, None, media));
    let b3sum = |item: &Item| {
        output_of("b3sum", "b3sum", &["--no-names", item.first().to_str().unwrap()], "").trim().to_owned()
    };
    assert_ne!(b3sum(&item), b3sum(&second), "the test has nothing to show");
    let record = fs::read_to_string(&item.record).unwrap();
    let verification = record.lines().find(|line| line.contains("\"kind\":\"verification\"")).unwrap();
    let of_second = verification.replace(&b3sum(&item), &b3sum(&second));
    let seq = |line: &str, number: usize| {
        let (_, rest) = line.split_once(',').unwrap();
        format!("{{\"seq\":{number},{rest}\n")
    };
    let mut lines: Vec<&str> = record.lines().collect();
    lines.insert(lines.len() - 1, &of_second);
    let lines: String = lines.iter().enumerate().map(|(number, line)| seq(line, number)).collect();
    let record: PathBuf = item.folder.path().join("both.record.jsonl");
    fs::write(&record, chained(&lines)).unwrap();
    for item in [&item, &second] {
        let words = ["--json", "--record", record.to_str().unwrap(), item.first().to_str().unwrap()];
        let (_, report) = verify(&words);
        assert_eq!(verdict(&report, FILES), "holds", "{report:#}");
    }
}
