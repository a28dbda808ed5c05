//! What the signed head of a record shows, and that others can check it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

use record::{
    Entry, Fingerprint, Head, HeadError, KeyError, KeyNotice, KeyOrigin, PublicKey, RecordError,
    RecordWriter, SecretKey,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A record with its head.
fn signed(folder: &Path, key: &SecretKey) -> (PathBuf, PathBuf) {
    let path = folder.join("item.record.jsonl");
    let mut writer = RecordWriter::create(&path).unwrap();
    for text in ["one", "two", "drei \"ä\"\n"] {
        writer.append(&Entry::Note { text: text.into() }).unwrap();
    }
    let head = writer.sign(key).unwrap();
    (path, head)
}

/// The instructions of FORMAT.md, run as they stand there.
fn by_hand(folder: &Path, record: &Path, head: &Path) -> Output {
    let manual = include_str!("../FORMAT.md");
    let script = manual.split("```sh\n").nth(2).unwrap().split("```").next().unwrap();
    let script = script.replace("RECORD", record.to_str().unwrap()).replace("HEAD", head.to_str().unwrap());
    Command::new("sh").arg("-c").arg(script).current_dir(folder).output().unwrap()
}

fn openssl(words: &[&str], paths: &[&Path]) -> Output {
    Command::new("openssl").args(words).args(paths).output().expect("openssl (Debian package openssl)")
}

#[test]
fn a_head_says_what_its_record_is_and_who_signed_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    let (record, path) = signed(folder.path(), &key);
    assert_eq!(path, folder.path().join("item.head.json"));
    let head = Head::read(&path).unwrap();
    assert!(head.is_signed());
    assert_eq!(head.key.fingerprint(), key.public().fingerprint());
    let bytes = fs::read(&record).unwrap();
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let chain = record::visit(&record, |_| ()).unwrap();
    let said = &head.statement;
    assert_eq!((said.entries, said.bytes), (3, u64::try_from(bytes.len()).unwrap()));
    assert_eq!(said.first_entry, record::ChainHash::of_line(lines[0]));
    assert_eq!(said.chain_head, record::ChainHash::of_line(lines[2]));
    assert_eq!(said.sha256, record::ChainHash::of_line(&bytes));
    assert_eq!(
        (chain.first, chain.head, chain.sha256, chain.bytes, chain.entries),
        (said.first_entry, said.chain_head, said.sha256, said.bytes, said.entries)
    );
}

#[test]
fn no_byte_of_a_head_can_be_altered_taken_out_or_put_in_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = signed(folder.path(), &SecretKey::generate().unwrap());
    let good = fs::read(&path).unwrap();
    let fits = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Head::read(&path).is_ok_and(|head| head.is_signed())
    };
    assert!(fits(&good));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(!fits(&bad), "bit {bit} of byte {at}");
        }
        let mut bad = good.clone();
        bad.remove(at);
        assert!(!fits(&bad), "byte {at} taken out");
        for letter in *b" \n\t{0" {
            let mut bad = good.clone();
            bad.insert(at, letter);
            assert!(!fits(&bad) || bad == good, "byte put in at {at}");
        }
        assert!(!fits(&good[..at]), "cut to {at}");
    }
    assert!(!fits(&[&good[..], b"\n"].concat()));
}

#[test]
fn a_head_holds_by_hand_and_what_was_altered_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    let (record, head) = signed(folder.path(), &key);
    let output = by_hand(folder.path(), &record, &head);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, format!("{}  -\n", key.public().fingerprint()));

    let good = (fs::read_to_string(&record).unwrap(), fs::read_to_string(&head).unwrap());
    let signature = good.1.find("\"signature\":\"").unwrap() + 13;
    let mut other_signature = good.1.clone();
    let letter = if &good.1[signature..=signature] == "A" { "B" } else { "A" };
    other_signature.replace_range(signature..=signature, letter);
    for (record_text, head_text) in [
        (good.0.replace("two", "too"), good.1.clone()),
        (good.0.replace("drei", "vier"), good.1.clone()),
        (good.0[..good.0.len() - 1].to_owned(), good.1.clone()),
        (good.0.clone(), good.1.replacen("entries\\\":3", "entries\\\":2", 1)),
        (good.0.clone(), other_signature),
    ] {
        assert!((&record_text, &head_text) != (&good.0, &good.1));
        fs::write(&record, &record_text).unwrap();
        fs::write(&head, &head_text).unwrap();
        let output = by_hand(folder.path(), &record, &head);
        assert!(!output.status.success(), "{output:?}");
    }
    // With another key it holds by itself, but the fingerprint is not the one that was written down.
    let (record, head) = (folder.path().join("item.record.jsonl"), folder.path().join("item.head.json"));
    fs::remove_file(&record).unwrap();
    fs::remove_file(&head).unwrap();
    signed(folder.path(), &SecretKey::generate().unwrap());
    let output = by_hand(folder.path(), &record, &head);
    assert!(output.status.success(), "{output:?}");
    assert_ne!(String::from_utf8(output.stdout).unwrap(), printed);
}

#[test]
fn openssl_makes_the_agencys_key_and_gives_the_same_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, public) = (folder.path().join("secret.pem"), folder.path().join("public.pem"));
    assert!(openssl(&["genpkey", "-algorithm", "ed25519", "-out"], &[&secret]).status.success());
    assert!(openssl(&["pkey", "-pubout", "-in"], &[&secret, Path::new("-out"), &public]).status.success());
    let key = SecretKey::read(&secret).unwrap();
    assert_eq!(PublicKey::read(&public).unwrap(), key.public());
    assert_eq!(key.public().to_pem(), fs::read_to_string(&public).unwrap());
    let (_, head) = signed(folder.path(), &key);
    assert!(Head::read(&head).unwrap().key == key.public());
    let der = openssl(&["pkey", "-pubin", "-outform", "DER", "-in"], &[&public]).stdout;
    assert_eq!(key.public().fingerprint().to_string(), record::ChainHash::of_line(&der).to_string());
    // Text before the key, as other programs put it there.
    let explained = format!("Bag Attributes\n{}", fs::read_to_string(&secret).unwrap());
    fs::write(&secret, explained).unwrap();
    assert_eq!(SecretKey::read(&secret).unwrap().public(), key.public());
}

#[test]
fn what_is_no_key_is_refused_in_one_line_that_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key\u{1b}.pem");
    let made = |words: &[&str]| String::from_utf8(openssl(words, &[]).stdout).unwrap();
    let ed25519 = made(&["genpkey", "-algorithm", "ed25519"]);
    for (text, told) in [
        (made(&["genpkey", "-algorithm", "x25519"]), "of another kind"),
        (
            made(&["genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:frost"]),
            "locked with a passphrase",
        ),
        (made(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), "of another kind"),
        (ed25519.replace("MC4", "MD4"), "damaged"),
        (ed25519[..60].to_owned(), "damaged"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(), "OpenSSH"),
        (String::new(), "no PEM"),
        ("\u{0}".repeat(100_000), "no PEM"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = SecretKey::read(&path).unwrap_err();
        assert!(matches!(error, KeyError::NotSecret { .. }), "{error}");
        let line = error.to_string();
        assert!(line.contains(told) && line.contains("openssl genpkey"), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    assert!(matches!(SecretKey::read(folder.path()), Err(KeyError::Read { .. })));
    fs::write(&path, &ed25519).unwrap();
    let error = PublicKey::read(&path).unwrap_err().to_string();
    assert!(error.contains("public Ed25519 key") && error.contains("-pubout"), "{error}");
    let secret = ed25519.lines().nth(1).unwrap();
    let key = SecretKey::read(&path).unwrap();
    assert!(!error.contains(secret) && !format!("{key:?}").contains(&secret[20..]));
}

#[test]
fn all_acquisitions_of_a_boot_share_a_key_that_only_their_owner_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("permafrost");
    let fingerprints: Vec<Fingerprint> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| SecretKey::of_this_boot(&place).unwrap().public().fingerprint()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let again = SecretKey::of_this_boot(&place).unwrap().public().fingerprint();
    assert!(fingerprints.iter().all(|key| *key == again), "{fingerprints:?}");
    let file = place.join("record-key.pem");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "nothing else is left there");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = SecretKey::of_this_boot(&place).unwrap_err();
    assert!(matches!(error, KeyError::Exposed(_)), "{error}");
}

#[test]
fn another_boot_another_run_another_key() {
    let keys: std::collections::BTreeSet<String> = (0..50)
        .map(|_| KeyNotice::new(&SecretKey::generate().unwrap(), KeyOrigin::Run).fingerprint.to_string())
        .collect();
    assert_eq!(keys.len(), 50);
}

#[test]
fn fingerprints_are_read_as_people_write_them() {
    let fingerprint = SecretKey::generate().unwrap().public().fingerprint();
    let digits = fingerprint.to_string();
    let pairs: Vec<&str> = (0..32).map(|pair| &digits[2 * pair..2 * pair + 2]).collect();
    for text in [digits.clone(), digits.to_uppercase(), pairs.join(":"), pairs.join(" ")] {
        assert_eq!(text.parse::<Fingerprint>(), Ok(fingerprint));
    }
    for text in [&digits[1..], "", "no digits", &format!("{digits}00")] {
        assert!(text.parse::<Fingerprint>().is_err(), "{text}");
    }
    assert_eq!(record::words::read(&fingerprint.words()), Ok(fingerprint.half()));
    assert_eq!(digits[..32], fingerprint.half().map(|byte| format!("{byte:02x}")).concat());
}

#[test]
fn a_head_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("item.head.json");
    fs::write(&there, "mine").unwrap();
    let mut writer = RecordWriter::create(&folder.path().join("item.record.jsonl")).unwrap();
    writer.append(&Entry::Note { text: String::new() }).unwrap();
    let error = writer.sign(&SecretKey::generate().unwrap()).unwrap_err();
    assert!(
        matches!(error, RecordError::Head { .. }) && error.to_string().contains(&writer.head().to_string())
    );
    assert_eq!(fs::read(&there).unwrap(), b"mine");
}

#[test]
fn a_full_medium_has_room_for_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4M", "none"])
        .arg(folder.path())
        .output()
        .unwrap();
    if !mounted.status.success() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let mut writer = RecordWriter::create(&folder.path().join("item.record.jsonl")).unwrap();
    fs::write(folder.path().join("image"), vec![1; 5 << 20]).unwrap_err();
    writer.append(&Entry::Interrupted { reason: "No space left on device".into() }).unwrap();
    let head = writer
        .sign(&SecretKey::generate().unwrap())
        .map(|path| Head::read(&path).is_ok_and(|head| head.is_signed()));
    drop(writer);
    Command::new("umount").arg(folder.path()).status().unwrap();
    assert!(head.unwrap());
}

#[test]
fn what_is_no_head_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = signed(folder.path(), &SecretKey::generate().unwrap());
    let good = fs::read_to_string(&path).unwrap();
    for (text, told) in [
        (String::new(), "line 1 column 0"),
        ("{}".to_owned(), "missing field `statement`"),
        (format!(" {good}"), "from byte 0 on"),
        (good.replace("permafrost-record-head", "letter\\u001b"), "control character"),
        (good.replace("permafrost-record-head", "letter"), "something else: 'letter'"),
        (good.replace("format_version\\\":1", "format_version\\\":2"), "format version 2"),
        (good.replace("BEGIN PUBLIC", "BEGIN SECRET"), "'public_key'"),
        (good.replace("\"signature\":\"", "\"signature\":\"="), "'signature'"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = Head::read(&path).unwrap_err();
        assert!(matches!(error, HeadError::NoHead { .. }) && error.to_string().contains(told), "{error}");
        assert!(!error.to_string().contains(char::is_control));
    }
}
