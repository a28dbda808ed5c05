//! What `pf-verify` says of the signed head of a record, and of the key that somebody wrote down.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod item;

use formats::ImageKind;
use item::{Item, noise, run, verdict};
use record::{Content, Entry, KeyNotice, KeyOrigin, RecordWriter, SecretKey};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const SIGNED: &str = "record head signed";
const WRITTEN: &str = "key as written down";

fn item() -> Item {
    Item::new(ImageKind::Ewf, None, noise(1 << 17))
}

/// The verdicts on head and key, and the exit code.
fn verdicts(item: &Item, words: &[&str]) -> (String, String, i32) {
    let (code, report) = item.verify_with(words);
    (verdict(&report, SIGNED), verdict(&report, WRITTEN), code)
}

/// Why `property` has its verdict.
fn reason(report: &Value, property: &str) -> String {
    let properties = report["properties"].as_array().unwrap();
    let found = properties.iter().find(|p| p["property"] == property).unwrap();
    found["detail"].as_str().unwrap().to_owned()
}

/// The head fails for that reason, with the key that was written down and without.
fn head_fails(item: &Item, because: &str) {
    let words = item.words();
    for words in [&[][..], &["--key-words", &words]] {
        let (code, report) = item.verify_with(words);
        assert_eq!((code, verdict(&report, SIGNED).as_str()), (1, "fails"), "{report:#}");
        assert!(reason(&report, SIGNED).contains(because), "{}", reason(&report, SIGNED));
    }
}

/// Writes the record anew with the entries that `alter` leaves, chained and signed by `key`.
fn forge(item: &Item, key: &SecretKey, alter: impl Fn(&mut Vec<Entry>)) {
    let mut entries: Vec<Entry> = record::read(&item.record)
        .unwrap()
        .entries
        .into_iter()
        .filter_map(|stored| match stored.content {
            Content::Known(entry) => Some(entry),
            Content::Unknown(_) => None,
        })
        .collect();
    alter(&mut entries);
    item.without_record();
    let mut writer = RecordWriter::create(&item.record).unwrap();
    entries.iter().for_each(|entry| writer.append(entry).unwrap());
    writer.sign(key).unwrap();
}

fn name_key(entries: &mut [Entry], notice: Option<KeyNotice>) {
    let Entry::AcquisitionOpened(opened) = &mut entries[0] else { panic!("no first entry") };
    opened.signing_key = notice;
}

#[test]
fn the_key_may_be_given_as_words_as_fingerprint_or_as_file() {
    let item = item();
    let public = item.folder.path().join("public.pem");
    fs::write(&public, item.key.public().to_pem()).unwrap();
    let fingerprint = item.key.public().fingerprint().to_string();
    let beginnings: Vec<String> =
        item.words().split(' ').map(|word| word.chars().take(4).collect::<String>().to_uppercase()).collect();
    for words in [
        ["--key-words", &item.words()],
        ["--key-words", &beginnings.join(", ")],
        ["--fingerprint", &fingerprint],
        ["--fingerprint", &fingerprint.to_uppercase()],
        ["--public-key", public.to_str().unwrap()],
    ] {
        assert_eq!(verdicts(&item, &words), ("holds".into(), "holds".into(), 0), "{words:?}");
    }
}

#[test]
fn without_a_key_it_is_said_that_nobody_checked_whose_it_is() {
    let item = item();
    let (code, report) = item.verify_with(&[]);
    assert_eq!((code, verdict(&report, SIGNED).as_str()), (0, "holds"));
    assert!(reason(&report, SIGNED).contains("whose key that is was not checked"), "{report:#}");
    assert_eq!(verdict(&report, WRITTEN), "not-checked");
    assert!(reason(&report, WRITTEN).contains("--key-words"), "{report:#}");
    assert_eq!(report["record"]["signed_by"], item.key.public().fingerprint().to_string());
    assert_eq!(report["record"]["words"], item.words());
}

#[test]
fn another_key_than_the_one_written_down_fails() {
    let item = item();
    let other = SecretKey::generate().unwrap().public();
    let public = item.folder.path().join("other.pem");
    fs::write(&public, other.to_pem()).unwrap();
    for words in [
        ["--key-words", &other.fingerprint().words()],
        ["--fingerprint", &other.fingerprint().to_string()],
        ["--public-key", public.to_str().unwrap()],
    ] {
        assert_eq!(verdicts(&item, &words), ("holds".into(), "fails".into(), 1), "{words:?}");
    }
}

#[test]
fn words_that_nobody_can_have_written_down_and_files_that_hold_no_key_are_wrong_usage() {
    let item = item();
    let image = item.first().to_str().unwrap();
    let twelve = "zoo ".repeat(12);
    let no_head = item.folder.path().join("no.head.json");
    for (words, told) in [
        (["--key-words", "zoo zoo"], "2 words were given"),
        (["--key-words", &twelve], "don't belong together"),
        (["--fingerprint", "abc"], "64 hexadecimal digits"),
        (["--public-key", image], "no public Ed25519 key"),
        (["--head", no_head.to_str().unwrap()], "no.head.json"),
    ] {
        let (code, output, errors) = run(&[&words[..], &[image]].concat());
        assert_eq!((code, output.as_str()), (2, ""), "{words:?}: {errors}");
        assert!(errors.contains(told), "{errors}");
    }
    let (code, _, errors) = run(&["--key-words", &item.words(), "--fingerprint", "00", image]);
    assert_eq!(code, 2, "{errors}");
}

#[test]
fn a_record_without_its_image_is_judged_for_itself() {
    let item = item();
    let record = item.record.to_str().unwrap();
    fs::remove_file(item.first()).unwrap();
    let check = |words: &[&str]| item::verify(&[&["--json"], words, &[record]].concat());
    let words = item.words();
    let (code, report) = check(&["--key-words", &words]);
    assert_eq!(code, 0, "{report:#}");
    for (property, wanted) in [
        ("record chain unbroken", "holds"),
        ("record closed", "holds"),
        (SIGNED, "holds"),
        (WRITTEN, "holds"),
        ("hash values in record", "not-checked"),
        ("files as recorded", "not-checked"),
    ] {
        assert_eq!(verdict(&report, property), wanted, "{property}: {report:#}");
    }
    let (_, table, _) = run(&[record]);
    assert!(table.contains("no image") && table.lines().last().unwrap().contains("HOLDS"), "{table}");
    let text = fs::read_to_string(&item.record).unwrap();
    fs::write(&item.record, text.replace("seal 4711", "seal 4712")).unwrap();
    let (code, report) = check(&[]);
    assert_eq!((code, verdict(&report, "record chain unbroken").as_str()), (1, "fails"), "{report:#}");
}

#[test]
fn a_record_in_the_place_of_the_image_takes_no_range_and_no_other_record() {
    let item = item();
    let record = item.record.to_str().unwrap();
    for words in [["--range", "0+1"], ["--record", record]] {
        let (code, output, errors) = run(&[&words[..], &[record]].concat());
        assert_eq!((code, output.as_str()), (2, ""), "{words:?}: {errors}");
        assert!(errors.contains(words[0]), "{errors}");
    }
}

#[test]
fn pipes_and_folders_in_the_place_of_papers_stop_nobody() {
    let papers: [fn(&Item) -> PathBuf; 4] = [
        |item| timestamp::answer_path(&item.head()),
        |item| timestamp::request_path(&item.head()),
        Item::head,
        |item| item.record.clone(),
    ];
    for (number, paper) in papers.iter().enumerate() {
        for make in ["mkfifo", "mkdir"] {
            let item = item();
            // A request is looked at beside an answer.
            fs::write(timestamp::answer_path(&item.head()), b"none").unwrap();
            let path = paper(&item);
            let _ = fs::remove_file(&path);
            assert!(Command::new(make).arg(&path).status().unwrap().success());
            let program = ["10", env!("CARGO_BIN_EXE_pf-verify"), item.first().to_str().unwrap()];
            let output = Command::new("timeout").args(program).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{number} {make}: {output:?}");
            let errors = String::from_utf8(output.stderr).unwrap();
            assert!(errors.contains(path.file_name().unwrap().to_str().unwrap()), "{errors}");
        }
    }
}

#[test]
fn a_removed_head_is_missed() {
    let item = item();
    fs::remove_file(item.head()).unwrap();
    head_fails(&item, "it was removed");
}

#[test]
fn a_removed_record_is_missed() {
    let item = item();
    fs::remove_file(&item.record).unwrap();
    head_fails(&item, "the record that it vouches for is not");
}

#[test]
fn the_head_of_another_record_is_called_that() {
    let (item, other) = (item(), item());
    fs::copy(other.head(), item.head()).unwrap();
    head_fails(&item, "the head of another record");
    let words = item.words();
    assert_eq!(verdicts(&item, &["--key-words", &words]).1, "fails");
}

#[test]
fn a_statement_or_signature_that_was_altered_is_called_that() {
    let item = item();
    let good = fs::read_to_string(item.head()).unwrap();
    // A head that is made up for a record that was cut.
    let record = fs::read_to_string(&item.record).unwrap();
    let cut: String = record.split_inclusive('\n').take(3).collect();
    fs::write(&item.record, &cut).unwrap();
    let chain = record::visit(&item.record, |_| ()).unwrap();
    let statement = record::Head::read(&item.head()).unwrap().statement;
    let forged = good
        .replace("entries\\\":4", "entries\\\":3")
        .replace(&format!("bytes\\\":{}", statement.bytes), &format!("bytes\\\":{}", cut.len()))
        .replace(&statement.chain_head.to_string(), &chain.head.to_string())
        .replace(&statement.sha256.to_string(), &chain.sha256.to_string());
    fs::write(item.head(), &forged).unwrap();
    head_fails(&item, "the head was altered");
    fs::write(&item.record, &record).unwrap();
    let (_, report) = item.verify();
    assert_eq!(verdict(&report, WRITTEN), "not-checked", "{report:#}");
    // The signature of another head.
    let other = self::item();
    let other = fs::read_to_string(other.head()).unwrap();
    let signature = |text: &str| text.split("\"signature\":\"").nth(1).unwrap()[..88].to_owned();
    fs::write(item.head(), good.replace(&signature(&good), &signature(&other))).unwrap();
    head_fails(&item, "the head was altered");
}

#[test]
fn a_record_cut_before_its_last_lines_is_called_that() {
    let item = item();
    let good = fs::read_to_string(&item.record).unwrap();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    for kept in 1..lines.len() {
        fs::write(&item.record, lines[..kept].concat()).unwrap();
        head_fails(
            &item,
            &format!("cut, or altered behind entry {kept}: {} entries were signed", lines.len()),
        );
        let (_, report) = item.verify();
        assert_eq!(verdict(&report, "record chain unbroken"), "holds", "{report:#}");
        assert_eq!(verdict(&report, "record closed"), "fails", "{report:#}");
    }
}

#[test]
fn the_last_entry_altered_is_found_by_the_head_alone() {
    let item = item();
    let good = fs::read_to_string(&item.record).unwrap();
    fs::write(&item.record, good.replace("\"complete\"", "\"complete-with-unread-sectors\"")).unwrap();
    head_fails(&item, "entries were altered");
    let (_, report) = item.verify();
    assert_eq!(verdict(&report, "record chain unbroken"), "holds", "{report:#}");
}

#[test]
fn entries_added_behind_what_was_signed_are_called_that() {
    let item = item();
    let head = fs::read(item.head()).unwrap();
    forge(&item, &item.key, |entries| {
        entries.insert(3, Entry::Note { text: "added".into() });
    });
    // The first line is the same only with the time of then: this is another record.
    fs::write(item.head(), &head).unwrap();
    head_fails(&item, "the head of another record");
    let good = fs::read_to_string(&item.record).unwrap();
    fs::write(&item.record, format!("{good}x")).unwrap();
    head_fails(&item, "another record");
}

#[test]
fn bytes_behind_the_last_line_are_called_that() {
    let item = item();
    let good = fs::read_to_string(&item.record).unwrap();
    fs::write(&item.record, format!("{good}x")).unwrap();
    head_fails(&item, "something was added behind");
}

#[test]
fn a_record_and_head_made_anew_with_another_key_are_found_by_the_words_alone() {
    let item = item();
    let forger = SecretKey::generate().unwrap();
    // A forger who forgets the first entry.
    forge(&item, &forger, |_| ());
    head_fails(&item, "forged: signed with key");
    // One who forgets nothing: nothing inside tells.
    forge(&item, &forger, |entries| name_key(entries, Some(KeyNotice::new(&forger, KeyOrigin::Run))));
    assert_eq!(verdicts(&item, &[]), ("holds".into(), "not-checked".into(), 0));
    let words = item.words();
    assert_eq!(verdicts(&item, &["--key-words", &words]), ("holds".into(), "fails".into(), 1));
    // One who leaves the key out.
    forge(&item, &forger, |entries| name_key(entries, None));
    head_fails(&item, "but the record names no key");
}

#[test]
fn an_old_record_is_never_failed_for_having_no_head_and_never_silently() {
    let item = item();
    forge(&item, &item.key, |entries| name_key(entries, None));
    fs::remove_file(item.head()).unwrap();
    let (code, report) = item.verify_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    for property in [SIGNED, WRITTEN] {
        assert_eq!(verdict(&report, property), "not-checked");
        assert!(reason(&report, property).contains("no head"), "{report:#}");
    }
    // But whoever has a key in hand must not be told that all is well.
    let words = item.words();
    let (code, report) = item.verify_with(&["--key-words", &words]);
    assert_eq!((code, verdict(&report, WRITTEN).as_str()), (1, "fails"), "{report:#}");
    assert!(reason(&report, WRITTEN).contains("names a key"), "{report:#}");
}

#[test]
fn a_power_cut_at_any_byte_leaves_a_record_that_is_called_unclosed_and_nothing_worse() {
    let item = item();
    let good = fs::read(&item.record).unwrap();
    fs::remove_file(item.head()).unwrap();
    let cuts = (1..good.len()).filter(|at| at % 97 == 0 || good[at - 1] == b'\n' || good[*at] == b'\n');
    for at in cuts {
        fs::write(&item.record, &good[..at]).unwrap();
        let (code, report) = item.verify();
        assert_eq!(
            (code, verdict(&report, "record closed").as_str()),
            (1, "fails"),
            "cut at {at}: {report:#}"
        );
        assert_eq!(verdict(&report, SIGNED), "not-checked", "cut at {at}: {report:#}");
        assert_eq!(verdict(&report, WRITTEN), "not-checked", "cut at {at}: {report:#}");
        let whole = good[..at].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(report["record"]["entries"], whole, "cut at {at}");
        let torn = good[at - 1] != b'\n';
        let chain = if torn { "fails" } else { "holds" };
        assert_eq!(verdict(&report, "record chain unbroken"), chain, "cut at {at}: {report:#}");
        if torn {
            assert!(
                reason(&report, "record closed").contains(&format!("the {whole} entries before it hold"))
            );
        }
    }
}

#[test]
fn a_head_is_looked_for_beside_the_record_that_was_named_or_where_it_is_named() {
    let item = item();
    let words = item.words();
    let elsewhere = item.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let (record, head) = (elsewhere.join("copy.record-1.jsonl"), elsewhere.join("copy.head-1.json"));
    fs::rename(&item.record, &record).unwrap();
    fs::rename(item.head(), &head).unwrap();
    let named = ["--key-words", &words, "--record", record.to_str().unwrap()];
    assert_eq!(verdicts(&item, &named), ("holds".into(), "holds".into(), 0));
    let moved = elsewhere.join("moved");
    fs::rename(&head, &moved).unwrap();
    let named = [&named[..], &["--head", moved.to_str().unwrap()]].concat();
    assert_eq!(verdicts(&item, &named), ("holds".into(), "holds".into(), 0));
}

#[test]
fn what_a_hostile_head_says_moves_no_cursor() {
    let item = item();
    let head = fs::read_to_string(item.head()).unwrap();
    fs::write(item.head(), head.replace("permafrost-record-head", "\\\\u001b[2J")).unwrap();
    let (code, output, _) = run(&[item.first().to_str().unwrap()]);
    assert_eq!(code, 1, "{output}");
    assert!(!output.contains('\u{1b}') && output.contains("something else"), "{output}");
}
