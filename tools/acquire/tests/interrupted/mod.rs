//! A source, an acquisition of it that is cut off, and the judgement of what came of it in the end: other programs' hash
//! values, and other programs' readers.
#![allow(dead_code, reason = "each test program uses a part")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Random numbers by a seed (xorshift64*, Vigna 2016): the same points in every run, as far as time is.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 20) % limit
    }
}

/// How an image is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub name: &'static str,
    pub words: &'static [&'static str],
}

pub const FORMS: [Form; 4] = [
    Form { name: "raw", words: &["--format", "raw"] },
    Form { name: "split raw", words: &["--format", "raw", "--segment-size", "3MiB"] },
    Form { name: "e01", words: &["--format", "e01", "--segment-size", "2MiB"] },
    Form { name: "aff4", words: &["--format", "aff4"] },
];

/// An ordinary file, part noise, part text, part zeros, and its hash values by coreutils.
pub struct Source {
    pub path: PathBuf,
    pub data: Vec<u8>,
    sums: Vec<(&'static str, String)>,
    /// Of each MiB, by b3sum.
    leaves: Vec<String>,
}

impl Source {
    pub fn make(path: PathBuf, mebibytes: u64) -> Self {
        let mut random = Random::new(mebibytes);
        let mut data = Vec::new();
        // Not whole leaves, but whole sectors: E01 holds nothing else.
        let size = usize::try_from((mebibytes << 20) - 1536).unwrap();
        while data.len() < size {
            let kind = random.below(4);
            let length = 40_000 + usize::try_from(random.below(400_000)).unwrap();
            match kind {
                0 => data.extend((0..length).map(|_| random.below(256) as u8)),
                1 => data.extend(b"All work is recorded. ".iter().copied().cycle().take(length)),
                _ => data.resize(data.len() + length, 0),
            }
        }
        data.truncate(size);
        fs::write(&path, &data).unwrap();
        let sum = |program: &str| {
            let output = output_of(program, "coreutils", &[&path]);
            output.split(' ').next().unwrap().to_owned()
        };
        let sums = vec![("md5", sum("md5sum")), ("sha256", sum("sha256sum"))];
        let leaves = data.chunks(1 << 20).map(b3sum).collect();
        Self { path, data, sums, leaves }
    }
}

fn b3sum(data: &[u8]) -> String {
    let mut child = Command::new("b3sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("b3sum (Debian package b3sum): {e}"));
    child.stdin.take().unwrap().write_all(data).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

pub fn output_of(program: &str, package: &str, words: &[&Path]) -> String {
    let output = Command::new(program)
        .args(words)
        .output()
        .unwrap_or_else(|e| panic!("{program} (Debian package {package}): {e}"));
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// A small file system in memory, gone at the end, also of a test that fails.
pub struct Small(pub PathBuf);

impl Small {
    /// Makes it at a folder that is not there yet; `size` as mount takes it.
    pub fn mount(at: PathBuf, size: &str) -> Self {
        fs::create_dir(&at).unwrap();
        let small = Self(at);
        small.call(size);
        small
    }

    pub fn resize(&self, size: &str) {
        self.call(&format!("remount,{size}"));
    }

    fn call(&self, options: &str) {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(&self.0).status();
        assert!(mounted.unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// The command that begins an acquisition, or goes on with it.
pub fn pf_acquire(source: &Source, to: &Path, form: Form, resume: bool) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pf-acquire"));
    command.arg(&source.path).arg("--to").arg(to).args(["--unguarded", "--name", "item"]);
    command.args(["--checkpoint", "1MiB", "--memory", "64MiB"]);
    // What else it was begun with, the record says.
    if resume {
        command.arg("--resume");
    } else {
        command.args(form.words).args([
            "--hash",
            "md5,sha256",
            "--case",
            "2026-17",
            "--examiner",
            "A. Müller",
        ]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Lines of all records of the item, the newest record first, each as JSON as far as it is whole.
pub fn records(to: &Path) -> Vec<Vec<serde_json::Value>> {
    let mut paths: Vec<PathBuf> = (1..99).map(|run| to.join(format!("item.record-{run}.jsonl"))).collect();
    paths.push(to.join("item.record.jsonl"));
    let texts = paths.iter().rev().filter_map(|path| fs::read(path).ok());
    let entries = |text: Vec<u8>| {
        let lines = text.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).ok());
        lines.map_while(|line| line).collect()
    };
    texts.map(entries).collect()
}

/// How far the records vouch for what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// There is no record that says what was acquired.
    Unknown,
    /// Nothing of it is durable.
    Nothing,
    /// The image is, up to this byte at least.
    UpTo(u64),
    /// The image is whole, and is to be read back.
    Whole,
    /// Nothing is left to do.
    Complete,
}

pub fn vouched(to: &Path) -> Vouched {
    let records = records(to);
    if !records.iter().flatten().any(|entry| entry["kind"] == "acquisition-opened") {
        return Vouched::Unknown;
    }
    if records[0].last().is_some_and(|entry| entry["outcome"] == "complete") {
        return Vouched::Complete;
    }
    for record in &records {
        if record.iter().any(|entry| entry["kind"] == "image-closed") {
            return Vouched::Whole;
        }
        let offset = |entry: &serde_json::Value| match entry["kind"].as_str() {
            Some("checkpoint") => entry["offset"].as_u64(),
            Some("resume-begun") => entry["from"]["offset"].as_u64(),
            _ => None,
        };
        if let Some(offset) = record.iter().rev().find_map(offset) {
            return Vouched::UpTo(offset);
        }
        if record.iter().any(|entry| entry["kind"] == "resume-begun" && entry["whole"].is_null()) {
            return Vouched::Nothing;
        }
    }
    Vouched::Nothing
}

/// What became of all interruptions.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many there were.
    pub points: u32,
    pub from_checkpoint: u32,
    pub begun_anew: u32,
    pub read_back_only: u32,
    /// The run was over before it was cut off.
    pub too_late: u32,
    /// Before the record said anything: there is nothing to go on with, and that was said.
    pub unresumable: u32,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.points += other.points;
        self.from_checkpoint += other.from_checkpoint;
        self.begun_anew += other.begun_anew;
        self.read_back_only += other.read_back_only;
        self.too_late += other.too_late;
        self.unresumable += other.unresumable;
    }
}

/// Goes on with what an interruption left, to the end, and judges what came of it.
pub fn go_on_and_judge(source: &Source, to: &Path, form: Form, tally: &mut Tally, what: &str) {
    let before = vouched(to);
    if before == Vouched::Complete {
        tally.too_late += 1;
        return judge(source, to, form, what);
    }
    tally.points += 1;
    let output = pf_acquire(source, to, form, true).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if before == Vouched::Unknown {
        // Nothing was acquired, and nothing can be proven. That is said, and nothing is touched.
        assert_eq!(output.status.code(), Some(2), "{what}: {told}");
        assert!(
            told.contains("nothing to go on with") || told.contains("nothing can be proven"),
            "{what}: {told}"
        );
        tally.unresumable += 1;
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{what}, {form:?}, {before:?}: {told}");
    assert_resumed(to, before, tally, &format!("{what}, {form:?}: {told}"));
    judge(source, to, form, what);
}

/// The newest record must say that the run went on from what was vouched for, and not begin anew.
pub fn assert_resumed(to: &Path, before: Vouched, tally: &mut Tally, what: &str) {
    let newest = records(to).remove(0);
    let begun = newest.iter().find(|entry| entry["kind"] == "resume-begun");
    let begun = begun.unwrap_or_else(|| panic!("{what}: no resume-begun in {newest:?}"));
    match before {
        Vouched::UpTo(offset) => {
            assert_eq!(begun["from"]["offset"].as_u64(), Some(offset), "{what}: {begun}");
            tally.from_checkpoint += 1;
        }
        Vouched::Nothing => {
            assert!(begun["from"].is_null() && begun["whole"].is_null(), "{what}: {begun}");
            tally.begun_anew += 1;
        }
        Vouched::Whole => {
            assert_eq!(begun["whole"], true, "{what}: {begun}");
            tally.read_back_only += 1;
        }
        Vouched::Unknown | Vouched::Complete => panic!("{what}: nothing to go on with"),
    }
}

/// What the record has of each segment as a file must be what b3sum says of it, whatever was cut off in between.
fn judge_files(to: &Path, closed: &serde_json::Value, newest: &[serde_json::Value], form: Form, what: &str) {
    let segments = closed["segments"].as_array().unwrap().iter();
    let paths: Vec<PathBuf> = segments.map(|segment| to.join(segment["name"].as_str().unwrap())).collect();
    // Of two destinations each has its own, because an identifier in the container is drawn anew.
    let here = to.join("item").display().to_string();
    let of_here =
        |entry: &&serde_json::Value| entry["destination"].is_null() || entry["destination"] == *here;
    let mut verified = newest.iter().filter(|entry| entry["kind"] == "verification");
    let verified = verified.find(of_here).unwrap_or_else(|| panic!("{what}: not read back at {here}"));
    let files = verified["files"].as_array().cloned().unwrap_or_default();
    if form.words.contains(&"raw") {
        return assert_eq!(files.len(), 0, "{what}: the media hashes cover raw images");
    }
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let told = output_of("b3sum", "b3sum", &[&[Path::new("--no-names")], &paths[..]].concat());
    assert_eq!(told.lines().collect::<Vec<_>>(), files, "{what}: b3sum of the files");
}

/// The finished image and its record, by strangers: coreutils, ewfverify, unzip.
pub fn judge(source: &Source, to: &Path, form: Form, what: &str) {
    let newest = records(to).remove(0);
    let closed = newest.iter().find(|entry| entry["kind"] == "image-closed");
    let closed = closed.unwrap_or_else(|| panic!("{what}: no image-closed in {newest:?}"));
    for (algorithm, sum) in &source.sums {
        assert_eq!(closed["hashes"][algorithm], *sum, "{what}: {algorithm}");
    }
    let told = newest.iter().filter(|entry| entry["kind"] == "leaves");
    let leaves: Vec<&str> = told
        .flat_map(|entry| entry["values"].as_array().unwrap())
        .map(|leaf| leaf.as_str().unwrap())
        .collect();
    assert_eq!(leaves, source.leaves, "{what}: leaves of the hash tree");
    assert_eq!(newest.last().unwrap()["outcome"], "complete", "{what}");
    judge_files(to, closed, &newest, form, what);
    assert_eq!(newest[0]["case"]["examiner"], "A. Müller", "{what}: the case fields are those of then");
    assert!(!to.join("item.checkpoint").exists() && !to.join("item.checkpoint.new").exists(), "{what}");
    match form.name {
        "raw" => assert!(fs::read(to.join("item.raw")).unwrap() == source.data, "{what}: other bytes"),
        "split raw" => {
            let parts = (1..=999).map(|number| to.join(format!("item.{number:03}")));
            let parts: Vec<PathBuf> = parts.take_while(|path| path.exists()).collect();
            let whole: Vec<u8> = parts.iter().flat_map(|path| fs::read(path).unwrap()).collect();
            assert!(whole == source.data, "{what}: other bytes");
            let files = fs::read_dir(to).unwrap().filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|e| e.to_str().unwrap().parse::<u16>().is_ok())
            });
            assert_eq!(files.count(), parts.len(), "{what}: a part that belongs to nothing");
        }
        "e01" => {
            let verified = output_of("ewfverify", "ewf-tools", &[Path::new("-q"), &to.join("item.E01")]);
            assert!(verified.contains("SUCCESS"), "{what}: {verified}");
            assert!(
                verified.contains(&source.sums[0].1),
                "{what}: ewfverify computes another MD5: {verified}"
            );
        }
        _ => {
            // What strangers read in an AFF4 that was gone on with, the tests of `formats` ask pyaff4.
            let tested = output_of("unzip", "unzip", &[Path::new("-tqq"), &to.join("item.aff4")]);
            assert!(tested.is_empty(), "{what}: {tested}");
        }
    }
}
