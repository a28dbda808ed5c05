//! However an acquisition ends, its record has a head that is signed, by the key that was told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../../record/tests/schema/mod.rs"]
mod schema;

use record::{Entry, Fingerprint, Head, KeyNotice, KeyOrigin, Outcome, head_path};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

struct Bench {
    folder: tempfile::TempDir,
    to: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("to");
        fs::create_dir(&to).unwrap();
        Self { folder, to }
    }

    /// A file to be imaged.
    fn source(&self, name: &str, kilobytes: usize) -> PathBuf {
        let path = self.folder.path().join(name);
        let block: Vec<u8> = (0..1024).map(|at: u32| at.to_le_bytes()[0] ^ name.as_bytes()[0]).collect();
        fs::write(&path, block.repeat(kilobytes)).unwrap();
        path
    }

    fn command(&self, sources: &[&Path], words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pf-acquire"));
        command.args(sources).arg("--to").arg(&self.to).arg("--unguarded").args(words);
        command.stdin(Stdio::null());
        command
    }

    fn acquire(&self, sources: &[&Path], words: &[&str]) -> Output {
        self.command(sources, words).output().unwrap()
    }

    fn record(&self, name: &str) -> PathBuf {
        self.to.join(format!("{name}.record.jsonl"))
    }

    /// Everything in the folder that a schema is published for fits it.
    fn all_fit_the_schemas(&self) {
        let named = |end: &[&str]| -> Vec<PathBuf> {
            let files = fs::read_dir(&self.to).unwrap().map(|file| file.unwrap().path());
            files.filter(|path| end.iter().any(|end| path.to_str().unwrap().contains(end))).collect()
        };
        let (records, heads) = (named(&[".record"]), named(&[".head"]));
        assert!(!records.is_empty() && records.len() == heads.len(), "{records:?} {heads:?}");
        assert_eq!(schema::misfits("record", &records), [""; 0]);
        assert_eq!(schema::misfits("head", &heads), [""; 0]);
    }
}

/// The record's outcome and what it says of its key; its head vouches for all of it.
fn signed(record: &Path) -> (Outcome, KeyNotice) {
    let mut known = Vec::new();
    let chain = record::visit(record, |entry| known.push(entry)).unwrap();
    assert!(chain.broken.is_none() && chain.closed, "{chain:?}");
    let head = Head::read(&head_path(record)).unwrap();
    assert!(head.is_signed());
    let said = &head.statement;
    assert_eq!((said.chain_head, said.entries, said.bytes), (chain.head, chain.entries, chain.bytes));
    assert_eq!((said.first_entry, said.sha256), (chain.first, chain.sha256));
    let record = record::read(record).unwrap();
    let Some(Entry::AcquisitionOpened(opened)) = record.known().next() else { panic!("no first entry") };
    let Some(Entry::Closed(closed)) = record.known().last() else { panic!("no last entry") };
    let notice = opened.signing_key.clone().unwrap();
    assert_eq!(notice.fingerprint, head.key.fingerprint());
    assert_eq!(notice.words, notice.fingerprint.words());
    (closed.outcome, notice)
}

/// The key is told in these lines, by its fingerprint and all of its words.
fn tells(text: &str, notice: &KeyNotice) {
    assert!(text.contains(&notice.fingerprint.to_string()), "{text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    let key: Vec<&str> = notice.words.split(' ').collect();
    assert!(words.windows(key.len()).any(|some| some == key), "{key:?}: {text}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_key_is_made_for_a_run_told_before_the_first_read_and_at_the_end_and_never_kept() {
    let bench = Bench::new();
    let source = bench.source("a", 700);
    let mut keys: Vec<Fingerprint> = Vec::new();
    for name in ["one", "two"] {
        let output = bench.acquire(&[&source], &["--name", name]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let (outcome, notice) = signed(&bench.record(name));
        assert_eq!((outcome, notice.origin), (Outcome::Complete, KeyOrigin::Run));
        tells(&text(&output.stderr), &notice);
        tells(&text(&output.stdout), &notice);
        keys.push(notice.fingerprint);
    }
    assert_ne!(keys[0], keys[1]);
    let output = bench.acquire(&[&source], &["--name", "three", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (_, notice) = signed(&bench.record("three"));
    assert_eq!(report["signing_key"], serde_json::to_value(&notice).unwrap());
    bench.all_fit_the_schemas();
}

#[test]
fn the_agencys_key_signs_and_its_secret_gets_nowhere() {
    let bench = Bench::new();
    let source = bench.source("a", 100);
    let key = bench.folder.path().join("agency.pem");
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&key).status();
    assert!(made.expect("openssl (Debian package openssl)").success());
    let output = bench.acquire(&[&source], &["--name", "item", "--key", key.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (_, notice) = signed(&bench.record("item"));
    assert_eq!(notice.origin, KeyOrigin::File);
    let public = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&key).output().unwrap();
    let head: serde_json::Value =
        serde_json::from_slice(&fs::read(head_path(&bench.record("item"))).unwrap()).unwrap();
    assert_eq!(head["public_key"], text(&public.stdout));
    let secret = fs::read_to_string(&key).unwrap().lines().nth(1).unwrap()[22..].to_owned();
    let mut places = vec![text(&output.stdout), text(&output.stderr)];
    places
        .extend(fs::read_dir(&bench.to).unwrap().map(|file| text(&fs::read(file.unwrap().path()).unwrap())));
    assert!(places.iter().all(|place| !place.contains(&secret)));
}

#[test]
fn a_key_that_is_none_is_refused_before_anything_is_made() {
    let bench = Bench::new();
    let source = bench.source("a", 100);
    let none = bench.folder.path().join("none.pem");
    for (key, told) in [(&source, "no secret Ed25519 key"), (&none, "could not be read")] {
        let output = bench.acquire(&[&source], &["--key", key.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let errors = text(&output.stderr);
        let lines = errors.lines().filter(|line| !line.starts_with("warning: no --case-file"));
        assert!(errors.contains(told) && lines.count() == 1, "{errors}");
        assert_eq!(fs::read_dir(&bench.to).unwrap().count(), 0);
    }
}

#[test]
fn two_destinations_have_the_same_head() {
    let bench = Bench::new();
    let second = bench.folder.path().join("second");
    fs::create_dir(&second).unwrap();
    let source = bench.source("a", 300);
    let output = bench.acquire(&[&source], &["--name", "item", "--to", second.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    signed(&bench.record("item"));
    let heads = [&bench.to, &second].map(|folder| fs::read(folder.join("item.head.json")).unwrap());
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn several_sources_share_a_key_that_is_told_once() {
    let bench = Bench::new();
    let sources = [bench.source("a", 300), bench.source("b", 400)];
    let output = bench.acquire(&[&sources[0], &sources[1]], &["--format", "raw"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let notices = ["a", "b"].map(|name| signed(&bench.record(name)).1);
    assert_eq!(notices[0], notices[1]);
    let told = text(&output.stderr);
    assert_eq!(told.matches(&notices[0].fingerprint.to_string()).count(), 1, "{told}");
    tells(&told, &notices[0]);
    bench.all_fit_the_schemas();
}

#[test]
fn a_run_that_was_stopped_is_signed_and_so_is_the_one_that_goes_on_with_it() {
    let bench = Bench::new();
    let source = bench.folder.path().join("source");
    fs::File::create(&source).unwrap().set_len(2 << 30).unwrap();
    let words = ["--name", "item", "--hash", "md5", "--checkpoint", "1MiB"];
    let mut child =
        bench.command(&[&source], &words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let record = bench.record("item");
    while !fs::read_to_string(&record).is_ok_and(|text| text.contains("\"checkpoint\"")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let (outcome, first) = signed(&record);
    assert_eq!(outcome, Outcome::Interrupted);
    let told = text(&output.stderr);
    tells(told.split("record closed").nth(1).expect("the end is told"), &first);

    let output = bench.acquire(&[&source], &["--name", "item", "--resume"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(signed(&bench.to.join("item.record-1.jsonl")), (Outcome::Interrupted, first.clone()));
    let (outcome, second) = signed(&record);
    assert!(outcome == Outcome::Complete && second != first);
    bench.all_fit_the_schemas();
}

#[test]
fn each_run_of_a_rescue_is_signed() {
    let bench = Bench::new();
    let source = bench.source("a", 300);
    for (run, format) in [(1, "raw"), (2, "e01")] {
        let output = bench.acquire(&[&source], &["--name", "item", "--rescue", "--format", format]);
        assert_eq!(output.status.code(), Some(0), "run {run}: {output:?}");
    }
    for name in ["item.record.jsonl", "item.record-1.jsonl"] {
        assert_eq!(signed(&bench.to.join(name)).0, Outcome::Complete);
    }
    bench.all_fit_the_schemas();
}

#[test]
fn a_full_destination_still_takes_the_signed_head() {
    let bench = Bench::new();
    let source = bench.folder.path().join("source");
    let filled = Command::new("dd")
        .args(["if=/dev/urandom", "bs=1M", "count=8", "status=none"])
        .stdout(fs::File::create(&source).unwrap())
        .status();
    assert!(filled.unwrap().success());
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=2M", "none"]).arg(&bench.to).output().unwrap();
    if !mounted.status.success() {
        eprintln!("SKIPPED: a small file system to fill needs root");
        return;
    }
    let output = bench.acquire(&[&source], &["--name", "item"]);
    let kept = bench.folder.path().join("kept");
    fs::create_dir(&kept).unwrap();
    for name in ["item.record.jsonl", "item.head.json"] {
        let _ = fs::copy(bench.to.join(name), kept.join(name));
    }
    Command::new("umount").arg(&bench.to).status().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(signed(&kept.join("item.record.jsonl")).0, Outcome::Failed);
}

#[test]
fn in_the_live_environment_all_runs_of_a_boot_share_a_key_in_memory() {
    let bench = Bench::new();
    let source = bench.source("a", 100);
    // A machine of its own as far as these two folders go.
    let live = "mount -t tmpfs none /etc && mount -t tmpfs none /run && echo Permafrost > /etc/permafrost-release && \
                \"$0\" \"$@\" --name one >&2 && \"$0\" \"$@\" --name two >&2 && stat -c '%a %n' /run/permafrost/*";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", live, env!("CARGO_BIN_EXE_pf-acquire")])
        .arg(&source)
        .arg("--to")
        .arg(&bench.to)
        .arg("--unguarded")
        .output()
        .unwrap();
    if text(&output.stderr).contains("not permitted") || text(&output.stderr).contains("permission denied") {
        eprintln!("SKIPPED: a mount namespace needs root");
        return;
    }
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout), "600 /run/permafrost/record-key.pem\n");
    let notices = ["one", "two"].map(|name| signed(&bench.record(name)).1);
    assert_eq!(notices[0], notices[1]);
    assert_eq!(notices[0].origin, KeyOrigin::Boot);
}
