//! Where something is: in which partition, in which part, in which file; and a part of the medium checked alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../formats/tests/aff4_volume/mod.rs"]
#[allow(dead_code, reason = "written for the tests of the reader")]
mod aff4_volume;
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
        assert_eq!(numbered(&report), by_sfdisk(item.first()), "{scheme}");
    }
}

/// Number, first sector and name of every partition, as our report has them.
fn numbered(report: &Value) -> BTreeSet<(u64, u64, String)> {
    let one = |p: &Value| {
        let start = p["media"]["offset"].as_u64().unwrap() / 512;
        (p["number"].as_u64().unwrap(), start, p["name"].as_str().unwrap_or_default().to_owned())
    };
    report["partition_table"]["partitions"].as_array().unwrap().iter().map(one).collect()
}

fn sfdisk(disk: &Path) -> Value {
    let listed = output_of("sfdisk", "fdisk", &["--json", disk.to_str().unwrap()], "");
    // Of an empty record it says before that it leaves it out.
    serde_json::from_str::<Value>(&listed[listed.find('{').unwrap()..]).unwrap()["partitiontable"].take()
}

/// The same as sfdisk has them, which numbers by the name of the node, and lists the extended partition too.
fn by_sfdisk(disk: &Path) -> BTreeSet<(u64, u64, String)> {
    let table = sfdisk(disk);
    let listed = table["partitions"].as_array().unwrap().iter();
    let numbers = listed.filter(|p| p["type"] != "5").map(|p| {
        let node = p["node"].as_str().unwrap();
        let digits = node.trim_start_matches(disk.to_str().unwrap());
        let number: u64 = digits.trim_start_matches('p').parse().unwrap();
        (number, p["start"].as_u64().unwrap(), p["name"].as_str().unwrap_or_default().to_owned())
    });
    numbers.collect()
}

/// Where the extended boot records of a disk lie, in bytes.
fn extended_boot_records(disk: &[u8]) -> Vec<usize> {
    let marked = (1..disk.len() / 512).map(|n| n * 512).filter(|at| disk[at + 510..at + 512] == [0x55, 0xAA]);
    marked.collect()
}

#[test]
fn an_extended_boot_record_without_a_partition_takes_no_number() {
    let mut disk = divided(MBR);
    let second = extended_boot_records(&disk)[1];
    disk[second + 446..second + 462].fill(0);
    let item = Item::new(ImageKind::Raw, None, disk);
    let (_, report) = item.verify();
    let numbers: Vec<u64> = numbered(&report).into_iter().map(|(number, ..)| number).collect();
    assert_eq!(numbers, [1, 5, 6], "{report:#}");
    assert_eq!(numbered(&report), by_sfdisk(item.first()));
}

#[test]
fn a_gpt_that_no_protective_mbr_stands_before_is_not_the_table_in_force() {
    let mut disk = divided(GPT);
    disk[..512].copy_from_slice(&divided("label: dos\nstart=2048, size=6000, type=7\n")[..512]);
    let item = Item::new(ImageKind::Raw, None, disk);
    let (_, report) = item.verify();
    assert_eq!(report["partition_table"]["scheme"], "MBR", "{report:#}");
    assert_eq!(sfdisk(item.first())["label"], "dos");
    assert_eq!(numbered(&report), by_sfdisk(item.first()));
}

#[test]
fn a_gpt_whose_checksums_do_not_fit_gives_way_to_its_copy_or_is_none() {
    let good = divided(GPT);
    let whole = numbered(&Item::new(ImageKind::Raw, None, good.clone()).verify().1);
    let last = good.len() - 512;
    // The first entry's beginning, and a field of the header: its last usable sector.
    for (first, copy) in [(1024 + 32, last - 32 * 512 + 32), (512 + 48, last + 48)] {
        let mut disk = good.clone();
        disk[first] ^= 1;
        let item = Item::new(ImageKind::Raw, None, disk.clone());
        assert_eq!(numbered(&item.verify().1), whole, "byte {first}");
        assert_eq!(by_sfdisk(item.first()), whole, "sfdisk takes the copy as well");
        disk[copy] ^= 1;
        let item = Item::new(ImageKind::Raw, None, disk);
        assert_eq!(item.verify().1["partition_table"], Value::Null, "byte {copy}");
    }
}

fn plan(item: &Item, sector: u64) -> formats::ImagePlan {
    formats::ImagePlan {
        base: item.folder.path().join("item-7"),
        media_size: evidence::ByteCount(u64::try_from(item.media.len()).unwrap()),
        sector_size: evidence::SectorSize::new(sector).unwrap(),
        segment_size: None,
        case: item::case(),
        device: Some(item::device()),
        software: "pf-acquire 0.1.0".into(),
        acquired_at: item::now(),
        medium: formats::MediumKind::Disk,
    }
}

#[test]
fn sectors_of_a_raw_image_are_as_long_as_its_record_says() {
    let disk = divided("label: dos\nstart=256, size=128, type=7\n");
    let item = Item::new(ImageKind::Raw, None, disk);
    let file = item.first().to_str().unwrap();
    let by_mmls = output_of("mmls", "sleuthkit", &["-b", "4096", file], "");
    assert!(by_mmls.contains("0000000256   0000000383   0000000128"), "{by_mmls}");
    for (sector, words) in [(512, "512 bytes, as the record"), (4096, "4096 bytes, as the record")] {
        item.without_record();
        let plan = plan(&item, sector);
        let summary = formats::ImageSummary::default();
        item::write_record(&item.record, &plan, &summary, &item.segments, &item.key, &item.media);
        let (_, report) = with_range(&item, &["256s+1s"]);
        let extent = |offset, length| json!({"offset": offset, "length": length});
        assert_eq!(report["ranges"]["asked"], json!([extent(256 * sector, sector)]), "{report:#}");
        let partition = &report["partition_table"]["partitions"][0]["media"];
        assert_eq!(*partition, extent(256 * sector, 128 * sector), "{report:#}");
        let (_, table, _) = run(&["--range", "256s+1s", file]);
        assert!(table.contains(words), "{table}");
    }
    item.without_record();
    let (_, table, _) = run(&["--range", "256s+1s", file]);
    assert!(table.contains("512 bytes, as neither image nor record states it"), "{table}");
    assert!(run(&["--help"]).1.contains("it has 512 bytes"), "--help says so too");
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
    let ebr = extended_boot_records(&disk);
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
fn a_range_of_an_aff4_without_hashes_of_its_chunks_is_not_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let (path, stream, map) = (folder.path().join("item.aff4"), "aff4://stream", "aff4://map");
    let chunks: Vec<Vec<u8>> = noise(8 * 512).chunks(512).map(<[u8]>::to_vec).collect();
    let mut volume = aff4_volume::VolumeBuilder::new("aff4://volume");
    volume.image_stream(stream, 512, 4, &chunks);
    volume.map(map, 8 * 512, &[(0, 8 * 512, 0, 0)], &[stream]);
    volume.image("aff4://image", map);
    let good = volume.finish();
    fs::write(&path, &good).unwrap();
    let file = path.to_str().unwrap();
    assert_eq!(verify(&["--json", file]).0, 0, "the checksums of its bevies vouch for the whole");
    let second = good.windows(512).position(|window| window == chunks[1]).unwrap();
    for flipped in [false, true] {
        if flipped {
            alter(&path, second + 7);
        }
        let (code, report) = verify(&["--json", "--range", "512+512", file]);
        assert_eq!((code, verdict(&report, "container sound").as_str()), (2, "not-checked"), "{report:#}");
    }
    assert_eq!(verify(&["--json", file]).0, 1);
    // With hashes of the chunks the range is vouched for.
    let item = Item::aff4();
    item.without_record();
    assert_eq!(with_range(&item, &["512+512"]).0, 0);
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

fn numbered_anew(lines: &[&str]) -> String {
    let one = |(number, line): (usize, &&str)| {
        let (_, rest) = line.split_once(',').unwrap();
        format!("{{\"seq\":{number},{rest}\n")
    };
    lines.iter().enumerate().map(one).collect()
}

/// The verdict on a property, and why.
fn told(report: &Value, property: &str) -> (String, String) {
    let properties = report["properties"].as_array().unwrap();
    let found = properties.iter().find(|p| p["property"] == property).unwrap();
    (verdict(report, property), found["detail"].as_str().unwrap().to_owned())
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
    let mut lines: Vec<&str> = record.lines().collect();
    lines.insert(lines.len() - 1, &of_second);
    let record: PathBuf = item.folder.path().join("both.record.jsonl");
    fs::write(&record, chained(&numbered_anew(&lines))).unwrap();
    for item in [&item, &second] {
        let words = ["--json", "--record", record.to_str().unwrap(), item.first().to_str().unwrap()];
        let (_, report) = verify(&words);
        assert_eq!(verdict(&report, FILES), "holds", "{report:#}");
    }
}

#[test]
fn a_second_copy_that_was_never_hashed_is_not_accused() {
    let media = noise(1 << 18);
    let (item, second) =
        (Item::new(ImageKind::Ewf, None, media.clone()), Item::new(ImageKind::Ewf, None, media));
    let record = fs::read_to_string(&item.record).unwrap();
    let both =
        record.replacen("\"destination\":", "\"second_destination\":\"/mnt/two/item-7\",\"destination\":", 1);
    assert_ne!(record, both, "the test has nothing to show");
    let path = item.folder.path().join("one-hashed.record.jsonl");
    let of_second = ["--json", "--record", path.to_str().unwrap(), second.first().to_str().unwrap()];
    fs::write(&path, chained(&both)).unwrap();
    let (verdict, why) = told(&verify(&of_second).1, FILES);
    assert_eq!(verdict, "not-checked", "{why}");
    assert!(why.contains("not read back to its end"), "{why}");
    let of_first = ["--json", "--record", path.to_str().unwrap(), item.first().to_str().unwrap()];
    assert_eq!(told(&verify(&of_first).1, FILES).0, "holds");
    // Where one destination was meant, another file is another file.
    fs::write(&path, chained(&record)).unwrap();
    assert_eq!(told(&verify(&of_second).1, FILES).0, "fails");
}

#[test]
fn a_run_that_another_version_went_on_with_is_not_accused_of_its_program() {
    let property = "metadata as recorded";
    let item = Item::new(ImageKind::Ewf, None, noise(1 << 16));
    let record =
        fs::read_to_string(&item.record).unwrap().replace("\"version\":\"0.1.0\"", "\"version\":\"0.2.0\"");
    fs::write(&item.record, chained(&record)).unwrap();
    assert_eq!(told(&item.verify().1, property).0, "fails");
    let mut lines: Vec<&str> = record.lines().collect();
    let (before, _) = lines[1].split_once("\"kind\":").unwrap();
    let resumed = format!("{before}\"kind\":\"resume-begun\",\"earlier\":[],\"text\":\"nothing\"}}");
    lines[1] = &resumed;
    fs::write(&item.record, chained(&numbered_anew(&lines))).unwrap();
    let (verdict, why) = told(&item.verify().1, property);
    assert_eq!(verdict, "holds", "{why}");
    assert!(why.contains("not the program"), "{why}");
}

#[test]
fn a_version_is_compared_in_the_length_that_an_e01_has_room_for() {
    let item = Item::new(ImageKind::Ewf, None, noise(1 << 16));
    for (version, wanted) in [("0.12.3-rc.45", "holds"), ("0.12.4-rc.45", "fails")] {
        item.without_record();
        let plan = formats::ImagePlan { base: item.folder.path().join(version), ..plan(&item, 512) };
        let plan = formats::ImagePlan { software: "pf-acquire 0.12.3-rc.45".into(), ..plan };
        let mut writer = formats::create(ImageKind::Ewf, &plan).unwrap();
        let encoder = writer.encoder();
        for chunk in item.media.chunks(writer.chunk_size()) {
            writer.append(&encoder.encode(chunk).unwrap()).unwrap();
        }
        let summary = formats::ImageSummary::default();
        let segments = writer.finish(&summary).unwrap();
        item::write_record(&item.record, &plan, &summary, &segments, &item.key, &item.media);
        let record = fs::read_to_string(&item.record).unwrap();
        let record = record.replace("\"version\":\"0.1.0\"", &format!("\"version\":\"{version}\""));
        fs::write(&item.record, chained(&record)).unwrap();
        let file = segments[0].path.to_str().unwrap();
        let (_, report) = verify(&["--json", "--record", item.record.to_str().unwrap(), file]);
        let (verdict, why) = told(&report, "metadata as recorded");
        assert_eq!(verdict, wanted, "{why}");
    }
}

#[test]
fn a_pipe_in_the_place_of_an_earlier_record_stops_nobody() {
    let item = Item::new(ImageKind::Ewf, None, noise(1 << 16));
    let record = fs::read_to_string(&item.record).unwrap();
    let mut lines: Vec<&str> = record.lines().collect();
    let (before, _) = lines[1].split_once("\"kind\":").unwrap();
    let earlier =
        format!("{{\"name\":\"earlier.record-1.jsonl\",\"chain_head\":\"{}\"}}", record::ChainHash::START);
    let resumed = format!("{before}\"kind\":\"resume-begun\",\"earlier\":[{earlier}],\"text\":\"nothing\"}}");
    lines[1] = &resumed;
    fs::write(&item.record, chained(&numbered_anew(&lines))).unwrap();
    let property = "earlier records as named";
    assert_eq!(told(&item.verify().1, property).0, "not-checked", "it is not here");
    let pipe = item.folder.path().join("earlier.record-1.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let program = ["10", env!("CARGO_BIN_EXE_pf-verify"), "--json", item.first().to_str().unwrap()];
    let output = Command::new("timeout").args(program).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (verdict, why) = told(&serde_json::from_slice(&output.stdout).unwrap(), property);
    assert!(verdict == "fails" && why.contains("no ordinary file"), "{why}");
}
