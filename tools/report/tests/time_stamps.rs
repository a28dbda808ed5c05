//! Time-stamps of heads, with OpenSSL as authority and as second reader.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use fixtures::{Item, page_of, pf_record};
use formats::ImageKind;
use harness::time_stamp_authority::{Kind, TimeStampAuthority};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Stamped {
    item: Item,
    head: PathBuf,
    request: PathBuf,
    authority: TimeStampAuthority,
}

/// An item whose head waits for a time-stamp, and an authority that gives one.
fn waiting(kind: Kind) -> Stamped {
    let item = Item::new(ImageKind::Raw, "raw", None, &[3; 4096]);
    let head = item.folder.path().join("3.head.json");
    let (code, said, errors) = pf_record(&["time-stamp", "request", head.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}{errors}");
    let request = item.folder.path().join("3.head.tsq");
    let authority = TimeStampAuthority::new(item.folder.path(), kind).unwrap();
    Stamped { item, head, request, authority }
}

impl Stamped {
    fn answer(&self) -> PathBuf {
        let answer = self.item.folder.path().join("answer.tsr");
        self.authority.answer(&self.request, &answer).unwrap();
        answer
    }

    fn attach(&self, answer: &Path, authority: Option<&Path>) -> (i32, Value) {
        let mut words = vec!["time-stamp", "attach", "--json", path(&self.head), path(answer)];
        words.extend(authority.iter().flat_map(|file| ["--authority", path(file)]));
        let (code, said, errors) = pf_record(&words);
        (code, serde_json::from_str(&said).unwrap_or_else(|_| errors.into()))
    }

    fn check(&self, authority: &Path) -> (i32, String) {
        let words = ["time-stamp", "check", path(&self.head), "--authority", path(authority)];
        let (code, said, errors) = pf_record(&words);
        (code, said + &errors)
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn openssl_reads_our_request_and_we_read_its_answer() {
    for kind in [Kind::Rsa, Kind::P256, Kind::P384] {
        let stamped = waiting(kind);
        // What OpenSSL sees in our request.
        let told = stamped.authority.text_of_request(&stamped.request).unwrap();
        for fact in ["Version: 1", "Hash Algorithm: sha256", "Certificate required: yes", "Nonce: 0x"] {
            assert!(told.contains(fact), "{fact}: {told}");
        }
        let answer = stamped.answer();
        let (code, found) = stamped.attach(&answer, Some(stamped.authority.root()));
        assert_eq!((code, &found["signature"]), (0, &"holds".into()), "{kind:?}: {found}");
        let attached = stamped.item.folder.path().join("3.head.tsr");
        assert_eq!(fs::read(&attached).unwrap(), fs::read(&answer).unwrap());
        // The time is the one that OpenSSL reads, up to its fraction.
        let told = stamped.authority.text_of_answer(&attached).unwrap();
        let clock = &found["time"].as_str().unwrap()[11..19];
        assert!(
            told.lines().any(|line| line.contains("Time stamp:") && line.contains(clock)),
            "{clock}: {told}"
        );
        // OpenSSL finds the same, with the command that we print.
        stamped.authority.verify(&attached, &stamped.head).unwrap();
        assert_eq!(stamped.check(stamped.authority.root()).0, 0);
        let (code, _) = stamped.attach(&answer, None);
        assert_eq!(code, 4, "an answer was written over");
    }
}

#[test]
fn without_a_certificate_nothing_is_said_of_the_signature_but_how_to_check_it() {
    let stamped = waiting(Kind::P256);
    let (code, found) = stamped.attach(&stamped.answer(), None);
    assert_eq!((code, &found["signature"], &found["fits"]), (3, &"not-checked".into(), &"holds".into()));
    let by_hand = found["by_hand"].as_str().unwrap();
    assert!(by_hand.starts_with("openssl ts -verify -attime "), "{by_hand}");
    assert!(by_hand.contains(" -in answer.tsr -data 3.head.json"), "{by_hand}");
    let page = page_of(&stamped.item.record, "both").1;
    assert!(
        page.contains("3.head.tsr") && page.contains(found["time"].as_str().unwrap()),
        "the page is silent"
    );
}

#[test]
fn an_answer_to_something_else_is_not_attached() {
    let stamped = waiting(Kind::P256);
    let other = waiting(Kind::P256);
    let foreign = other.answer();
    let (code, found) = stamped.attach(&foreign, Some(other.authority.root()));
    assert!(code == 1 && found["detail"].as_str().unwrap().contains("another file"), "{found}");

    // Another request about the same head: another number.
    let again = stamped.item.folder.path().join("again.tsq");
    let words = ["time-stamp", "request", path(&stamped.head), "-o", path(&again)];
    assert_eq!(pf_record(&words).0, 0);
    assert_ne!(fs::read(&again).unwrap(), fs::read(&stamped.request).unwrap());
    let answer = stamped.item.folder.path().join("again.tsr");
    stamped.authority.answer(&again, &answer).unwrap();
    let (code, found) = stamped.attach(&answer, Some(stamped.authority.root()));
    assert!(code == 1 && found["detail"].as_str().unwrap().contains("another request"), "{found}");
    assert!(!stamped.item.folder.path().join("3.head.tsr").exists());
}

#[test]
fn an_authority_that_is_not_trusted_or_not_for_time_stamps_does_not_vouch() {
    let stamped = waiting(Kind::Rsa);
    let other = waiting(Kind::Rsa);
    let answer = stamped.answer();
    let (code, found) = stamped.attach(&answer, Some(other.authority.root()));
    assert!(code == 1 && found["signature"] == "fails", "{found}");
    assert!(stamped.authority.verify_with(&answer, &stamped.head, other.authority.root()).is_err());

    let (code, found) = stamped.attach(&answer, Some(&stamped.head));
    assert!(code == 2 && found.to_string().contains("no certificate in PEM"), "{found}");
}

/// Every byte of an answer turned: what OpenSSL refuses, we refuse, and no more is accepted.
#[test]
fn no_byte_of_an_answer_can_be_altered_unseen() {
    let stamped = waiting(Kind::P256);
    let good = fs::read(stamped.answer()).unwrap();
    let sha256: [u8; 32] = timestamp::Answer::read(&good).unwrap().sha256();
    let request = timestamp::Request::read(&fs::read(&stamped.request).unwrap()).unwrap();
    let root = timestamp::Authority::of_pem(&fs::read(stamped.authority.root()).unwrap()).unwrap();
    let holds = |bytes: &[u8]| {
        timestamp::Answer::read(bytes).is_ok_and(|answer| {
            answer.fits(sha256, Some(&request)).is_ok() && answer.signed_by(&root).is_ok()
        })
    };
    assert!(holds(&good));
    let mut unseen = Vec::new();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        if holds(&bad) {
            unseen.push(at);
        }
        assert!(!holds(&good[..at]), "cut to {at}");
    }
    // What is left is outside of what is signed (the status, versions, parameters), and OpenSSL accepts it too.
    unseen.retain(|at| {
        let mut bad = good.clone();
        bad[*at] ^= 1;
        let file = stamped.item.folder.path().join("bad.tsr");
        fs::write(&file, &bad).unwrap();
        stamped.authority.verify(&file, &stamped.head).is_err()
    });
    assert_eq!(unseen, [0; 0], "OpenSSL refuses what we accept");
}

/// The commands of FORMAT.md, as they stand there.
#[test]
fn a_time_stamp_holds_by_hand_and_one_of_another_head_does_not() {
    let stamped = waiting(Kind::Rsa);
    assert_eq!(stamped.attach(&stamped.answer(), None).0, 3);
    let manual = include_str!("../../record/FORMAT.md");
    let script = manual.split("```sh\n").nth(3).unwrap().split("```").next().unwrap();
    let script = script.replace("NAME", "3").replace("CERTIFICATES", path(stamped.authority.root()));
    let run = || {
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(stamped.item.folder.path())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (holds, said) = run();
    assert!(holds && said.contains("Time stamp: "), "{said}");
    let good = fs::read(&stamped.head).unwrap();
    fs::write(&stamped.head, [&good[..], b"\n"].concat()).unwrap();
    assert!(!run().0, "the head was altered");
    fs::write(&stamped.head, &good).unwrap();
    // The answer to another request about the same head.
    fs::remove_file(&stamped.request).unwrap();
    assert_eq!(pf_record(&["time-stamp", "request", path(&stamped.head)]).0, 0);
    assert!(!run().0, "the request is another");
}

#[test]
fn what_is_no_head_gets_no_request() {
    let stamped = waiting(Kind::P256);
    let mut text = fs::read_to_string(&stamped.head).unwrap();
    text = text.replace("entries\\\":10", "entries\\\":11");
    fs::write(&stamped.head, text).unwrap();
    let to = stamped.item.folder.path().join("no.tsq");
    let (code, _, told) = pf_record(&["time-stamp", "request", path(&stamped.head), "-o", path(&to)]);
    assert!(code == 2 && told.contains("signature does not fit") && !to.exists(), "{told}");
    let (code, _, told) = pf_record(&["time-stamp", "request", path(&stamped.item.record), "-o", path(&to)]);
    assert!(code == 2 && told.contains("no head"), "{told}");
}
