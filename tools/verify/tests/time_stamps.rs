//! What `pf-verify` says of the time-stamp of a head.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod item;

use formats::ImageKind;
use harness::time_stamp_authority::{Kind, TimeStampAuthority};
use item::{Item, noise, verdict};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use timestamp::Request;

const STAMP: &str = "time-stamp";

fn is_told_of(report: &Value) -> bool {
    report["properties"].as_array().unwrap().iter().any(|property| property["property"] == STAMP)
}

/// Has `authority` stamp the head at `head`, as OpenSSL reads it.
fn stamp(authority: &TimeStampAuthority, head: &Path) {
    let sha256 = record::ChainHash::of_line(&fs::read(head).unwrap()).into();
    let request = timestamp::request_path(head);
    fs::write(&request, Request::new(sha256, [9; 8]).to_der().unwrap()).unwrap();
    authority.answer(&request, &timestamp::answer_path(head)).unwrap();
}

#[test]
fn a_time_stamp_holds_where_its_authority_is_trusted_and_fails_where_it_is_of_something_else() {
    let item = Item::new(ImageKind::Raw, None, noise(1 << 12));
    let head = record::head_path(&item.record);
    let (code, report) = item.verify_with(&[]);
    assert!(code == 0 && !is_told_of(&report), "nobody asked for a time-stamp: {report:#}");

    let authority = TimeStampAuthority::new(item.folder.path(), Kind::P256).unwrap();
    let trusted = ["--authority", authority.root().to_str().unwrap()];
    let (code, report) = item.verify_with(&trusted);
    assert_eq!((code, verdict(&report, STAMP).as_str()), (0, "not-checked"), "there is none: {report:#}");

    stamp(&authority, &head);
    assert_eq!(verdict(&item.verify_with(&[]).1, STAMP), "not-checked", "nobody said whom to trust");
    let (code, report) = item.verify_with(&trusted);
    assert_eq!((code, verdict(&report, STAMP).as_str()), (0, "holds"), "{report:#}");

    let elsewhere = tempfile::tempdir().unwrap();
    let other = TimeStampAuthority::new(elsewhere.path(), Kind::P256).unwrap();
    let (code, report) = item.verify_with(&["--authority", other.root().to_str().unwrap()]);
    assert_eq!((code, verdict(&report, STAMP).as_str()), (1, "fails"), "{report:#}");

    // The time-stamp of another head, and what is none.
    let foreign = elsewhere.path().join("other.head.json");
    fs::write(&foreign, "another").unwrap();
    stamp(&authority, &foreign);
    for bytes in [fs::read(timestamp::answer_path(&foreign)).unwrap(), b"no answer".to_vec(), Vec::new()] {
        fs::write(timestamp::answer_path(&head), bytes).unwrap();
        let (code, report) = item.verify_with(&[]);
        assert_eq!((code, verdict(&report, STAMP).as_str()), (1, "fails"), "{report:#}");
    }
}

/// OpenSSL in the folder of an authority.
fn openssl(folder: &Path, words: &str) {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {words}: {output:?}");
}

/// An item whose head an authority stamped, and the authority's folder.
fn stamped(kind: Kind) -> (Item, TimeStampAuthority, PathBuf) {
    let item = Item::new(ImageKind::Raw, None, noise(1 << 12));
    let authority = TimeStampAuthority::new(item.folder.path(), kind).unwrap();
    stamp(&authority, &item.head());
    let folder = item.folder.path().join("authority");
    (item, authority, folder)
}

/// The verdict with these certificates, and why.
fn told(item: &Item, authority: &Path) -> (String, String) {
    let (_, report) = item.verify_with(&["--authority", authority.to_str().unwrap()]);
    let properties = report["properties"].as_array().unwrap();
    let found = properties.iter().find(|p| p["property"] == STAMP).unwrap();
    (verdict(&report, STAMP), found["detail"].as_str().unwrap().to_owned())
}

fn is_told(item: &Item, authority: &Path, wanted: &str, words: &str) {
    let (verdict, why) = told(item, authority);
    assert!(verdict == wanted && why.contains(words), "{verdict}: {why}");
}

#[test]
fn an_answer_in_ber_is_not_called_altered() {
    let (item, authority, folder) = stamped(Kind::Rsa);
    let path = timestamp::answer_path(&item.head());
    let der = fs::read(&path).unwrap();
    assert_eq!(der[..2], [0x30, 0x82]);
    // The same value with an indefinite length (X.690 §8.1.3.6).
    let ber = [&[0x30, 0x80], &der[4..], &[0, 0]].concat();
    fs::write(&path, &ber).unwrap();
    openssl(&folder, &format!("ts -reply -in {} -text", path.display()));
    is_told(&item, authority.root(), "not-checked", "BER");
    for cut in [der.len() - 1, 700, 3] {
        fs::write(&path, &der[..cut]).unwrap();
        assert_eq!(told(&item, authority.root()).0, "fails", "{cut}");
    }
}

#[test]
fn a_path_with_a_certificate_missing_is_not_called_wrong_and_does_not_hold() {
    let (item, authority, folder) = stamped(Kind::P256);
    is_told(&item, authority.root(), "holds", "the head was there");
    openssl(
        &folder,
        "req -x509 -newkey rsa:2048 -nodes -keyout else.key -out else.pem -days 30 -subj /CN=Somebody",
    );
    is_told(&item, &folder.join("else.pem"), "not-checked", "add it to the file");
    let (request, answer) = (timestamp::request_path(&item.head()), timestamp::answer_path(&item.head()));
    let (request, answer) = (request.display(), answer.display());
    openssl(
        &folder,
        &format!(
            "ts -reply -section tsa_settings -config settings.cnf -queryfile {request} -out {answer} -signer tsa.pem -inkey tsa.key"
        ),
    );
    is_told(&item, authority.root(), "not-checked", "one between is missing");
    let both = [fs::read(folder.join("root.pem")).unwrap(), fs::read(folder.join("between.pem")).unwrap()];
    fs::write(folder.join("both.pem"), both.concat()).unwrap();
    is_told(&item, &folder.join("both.pem"), "holds", "the head was there");
}

/// Gives the authority another key and certificate.
fn reissue(folder: &Path, bits: u32, extensions: &str) {
    openssl(folder, &format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out tsa.key"));
    openssl(
        folder,
        &format!(
            "req -x509 -days 30 -subj /CN=Test -extensions {extensions} -config settings.cnf -key tsa.key -out tsa.pem \
             -CA root.pem -CAkey root.key"
        ),
    );
}

#[test]
fn rsa_keys_are_judged_up_to_a_length_and_others_are_not_called_altered() {
    for (bits, wanted, words) in
        [(1024, "not-checked", "shorter or longer"), (4608, "holds", "the head was there")]
    {
        let (item, authority, folder) = stamped(Kind::Rsa);
        reissue(&folder, bits, "tsa");
        stamp(&authority, &item.head());
        is_told(&item, authority.root(), wanted, words);
    }
}

#[test]
fn a_root_whose_key_is_too_short_is_not_called_wrong() {
    let (item, authority, folder) = stamped(Kind::Rsa);
    openssl(&folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out root.key");
    openssl(
        &folder,
        "req -x509 -days 30 -subj /CN=Short -extensions ca -config settings.cnf -key root.key -out root.pem",
    );
    reissue(&folder, 2048, "tsa");
    stamp(&authority, &item.head());
    is_told(&item, authority.root(), "not-checked", "shorter or longer");
}

#[test]
fn a_signer_whose_key_is_not_for_signatures_alone_does_not_vouch() {
    let (item, authority, folder) = stamped(Kind::Rsa);
    let answer = timestamp::answer_path(&item.head());
    let settings = fs::read_to_string(folder.join("settings.cnf")).unwrap();
    let base =
        "basicConstraints = critical, CA:false\nextendedKeyUsage = critical, timeStamping\nkeyUsage = ";
    for (usage, wanted, words) in [
        ("digitalSignature", "holds", "the head was there"),
        ("nonRepudiation", "holds", "the head was there"),
        ("digitalSignature, keyEncipherment", "fails", "signatures alone"),
        ("keyEncipherment", "fails", "signatures alone"),
    ] {
        fs::write(folder.join("settings.cnf"), format!("{settings}[usage]\n{base}{usage}\n")).unwrap();
        reissue(&folder, 2048, "usage");
        fs::rename(folder.join("tsa.pem"), folder.join("other.pem")).unwrap();
        fs::rename(folder.join("tsa.key"), folder.join("other.key")).unwrap();
        // OpenSSL stamps with no such certificate; it signs any content with it.
        reissue(&folder, 2048, "tsa");
        stamp(&authority, &item.head());
        openssl(&folder, &format!("ts -reply -in {} -token_out -out token", answer.display()));
        openssl(&folder, "cms -verify -noverify -inform DER -in token -out content");
        openssl(
            &folder,
            "cms -sign -binary -nodetach -cades -nosmimecap -econtent_type 1.2.840.113549.1.9.16.1.4 -md sha256 -signer \
             other.pem -inkey other.key -outform DER -in content -out token",
        );
        openssl(&folder, &format!("ts -reply -in token -token_in -out {}", answer.display()));
        is_told(&item, authority.root(), wanted, words);
    }
}

#[test]
fn how_accurate_a_time_is_is_told_where_the_authority_says_it() {
    let (item, authority, folder) = stamped(Kind::P256);
    assert!(!told(&item, authority.root()).1.contains('±'));
    let settings = fs::read_to_string(folder.join("settings.cnf")).unwrap();
    fs::write(
        folder.join("settings.cnf"),
        format!("{settings}accuracy = secs:1, millisecs:500, microsecs:100\n"),
    )
    .unwrap();
    stamp(&authority, &item.head());
    is_told(&item, authority.root(), "holds", "Z ± 1.5001s");
}
