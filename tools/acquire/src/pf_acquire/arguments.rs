//! The command line.

use super::clone_arguments::CloneArguments;
use super::fault_arguments::FaultArguments;
use acquire::checkpoint::Interval;
use acquire::pipeline::Limits;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use evidence::{ByteCount, Case, CaseField, HashAlgorithm};
use formats::ImageKind;
use formats::aff4::Compression;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Writes NAME.E01, NAME.E02, … (or NAME.aff4, or NAME.raw, or NAME.001, … when split) and the record NAME.record.jsonl into DIR. Nothing \
that is there already is ever overwritten. Sectors that can't be read are stored as the fill says, named in the image, in \
the record and in NAME.map, a map file of GNU ddrescue. At the end the image is read back from its medium and compared.

With --rescue the source is first recovered in several passes into NAME.raw, which an image in another format is then made \
of. NAME.raw and NAME.map are what ddrescue makes too: either program goes on where the other stopped.

The source is locked as evidence first: the kernel then refuses every change to it until power-off. Then it is asked what \
of it can't be in the image (hidden areas), what locks it and how it is; warnings come before the first read, and the \
answers go into the record. Nothing is unlocked.

Several sources are imaged at the same time, each into an image with a record of its own, all in the same folders. --evidence, \
--description and --name stand once for each, in the order of the sources, or not at all; the rest holds for all. One that fails ends \
alone; Ctrl-C ends all. With --json the result is then an array with an object for each source, in their order: its exit_code, and \
what a single one prints, or its source and error.

--case-file states who acts, by which authority, where, before whom, under which seals and by which clock; pf-record case makes \
one. What must be given and is not is named, and nothing begins, unless --incomplete: then the record names it for ever. Without a \
case file there is a warning, and the record names everything. What the file says, an option may repeat but not contradict: \
--case, --evidence, --examiner, --description and --notes fill what it leaves open. The examiner is the first investigator where \
nobody else is named. Of several sources it can't state evidence number and description.

With --to twice the source is read once and written to both. If one destination fails the other goes on: that is said, stands in \
the record, and has an exit code of its own. Each destination has the whole record, with the same chain head.

SIGUSR1 has it wait before its next read, SIGUSR2 go on. The record says when, if that is while the source is read into an image \
or onto a clone. Ctrl-C, SIGTERM and a line that hangs up end it with code 5; under nohup the line ends nothing.

Every 15 s what was written is made durable, and NAME.checkpoint beside the image says how to go on; at the end it is removed. After \
a loss of power, a pulled cable, a full or failed destination, Ctrl-C or a source that was lost, the same command with --resume reads \
back what is stored, proves it, goes on behind it, and ends with the hash values of a run that was never cut off. The record of the \
earlier run is kept as NAME.record-1.jsonl, its head as NAME.head-1.json. On a full destination the run waits at a terminal until there is room; else it ends with \
code 4. An image that was copied to a larger disk, with its record and checkpoint, goes on there with --resume --to.

With --clone the source is written onto another disk, sector by sector, and read back from there past the page cache; its record and \
map go to --to. The disk must be one that pf-guard allowed, or, where no guard is in force, be named by --clone-serial too. It is \
refused while it is mounted or in use, when it is the source, and when it is smaller, unless --truncate. What lies behind the clone \
is left, or with --wipe-rest filled with zeros; the record says which. Sectors that can't be read hold the fill. \
A clone that was cut off can't be gone on with: it begins anew, under another --name. To compare one later, hash as many of its bytes \
as the record says were cloned: head -c BYTES /dev/sdX | sha256sum

The record ends with NAME.head.json, which a key signs (Ed25519): the one of this boot, or that of --key. Its fingerprint and twelve \
words for it are told at the beginning and at the end, to be written down or photographed: with them pf-verify shows that nobody \
replaced image, record and head together.

Hash algorithms: md5, sha1, sha256, sha512, sha3-256, sm3, blake3, any of them in one pass. E01 has room for MD5 and SHA-1; the \
record has all. Before it starts, the program hashes what has known values and refuses to go on if one is wrong.

Memory: 64 MiB at most, or what --memory says; each of several sources gets its share, 64 MiB at least. Beside it up to 16 MiB for the \
hash tree's values, of which media over 64 GiB have 65 536. A rescue takes 32 MiB for its map, and 1 MiB for each of at most 8 reads \
that hang.

Exit codes: 0 imaged and verified; 1 the image read back is not what was written; 2 refused to start; 3 imaged and \
verified, but some sectors could not be read, were read differently the second time, or had no room on the clone; 4 the \
destination failed, or both; 5 interrupted; 6 the source failed; 7 imaged and verified \
at one of two destinations, the other failed. With several sources that of the one that fared worst, in the order 1, 6, 4, 5, 2, 7, 3, 0.";

/// Image a disk: read once, hash, compress, write, read back, and record it all
#[derive(Clone, Parser, Debug)]
#[command(name = "pf-acquire", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Disk, partition, loop device or ordinary file
    pub source: PathBuf,

    /// More of them, to be imaged at the same time, each into an image of its own
    #[arg(value_name = "SOURCE")]
    pub others: Vec<PathBuf>,

    /// Folder the image goes to, on a disk allowed by pf-guard; given twice, the image goes to both
    #[arg(long = "to", value_name = "DIR", required = true)]
    pub to: Vec<PathBuf>,

    /// Format of the image
    #[arg(long, value_enum, default_value = "e01")]
    pub format: Format,

    /// Hash values over the whole medium
    #[arg(long = "hash", value_name = "LIST", value_delimiter = ',', default_value = "md5,sha1,sha256")]
    pub hashes: Vec<HashAlgorithm>,

    /// What is to be known of the case, as TOML
    #[arg(long, value_name = "FILE")]
    pub case_file: Option<PathBuf>,

    /// Go on with a case file that lacks what must be given
    #[arg(long, requires = "case_file")]
    pub incomplete: bool,

    /// Case number
    #[arg(long = "case", value_name = "NUMBER", default_value = "", hide_default_value = true)]
    pub case_number: String,

    /// Number of this item of evidence; with several sources once for each, in their order
    #[arg(long = "evidence", value_name = "NUMBER")]
    pub evidence_numbers: Vec<String>,

    /// Who runs the acquisition
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub examiner: String,

    /// One line that says what the item is; with several sources once for each
    #[arg(long = "description", value_name = "TEXT")]
    pub descriptions: Vec<String>,

    /// Anything else to be kept with the image
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub notes: String,

    /// Base name of the files; with several sources once for each [default: the evidence number, or the name of the source]
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,

    /// Largest segment, e.g. 650MiB or 2GiB [default: 2000MiB for e01, one file for raw; aff4 is always one]
    #[arg(long, value_name = "SIZE")]
    pub segment_size: Option<ByteCount>,

    /// Most memory to be used, e.g. 1GiB [default: 64MiB, the least]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub memory: Option<ByteCount>,

    /// Go on where no write block of this kernel is in force; the record says so for ever
    #[arg(long)]
    pub unguarded: bool,

    /// Go on with an acquisition that was cut off: what is stored is read back and proven first. What else is not given is as
    /// it was then
    #[arg(long, conflicts_with_all = ["rescue", "adopt"])]
    pub resume: bool,

    /// Make the image durable, so that --resume can go on there, whenever so much of the source was stored [default: every
    /// 15 s, on large or slow sources every 5 min at the latest]
    #[arg(long, value_name = "SIZE")]
    pub checkpoint: Option<ByteCount>,

    /// Sign the record with this secret Ed25519 key, as openssl genpkey -algorithm ed25519 writes it [default: a key made
    /// for this boot, or, outside the live environment, for this run]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,

    /// Say on standard error how far it is by a JSON object a second, {"progress":{"deed":…,"done":…,"total":…,"unread":…,"seconds":…}};
    /// sizes are in
    /// bytes, of several sources each names its own by "source", other lines are as ever
    #[arg(long)]
    pub json_progress: bool,

    /// How faults of the source are met
    #[command(flatten)]
    pub faults: FaultArguments,

    /// A disk in place of an image
    #[command(flatten)]
    pub clone: CloneArguments,

    /// Names of the options that were given, and did not come about by default
    #[arg(skip)]
    given: Vec<String>,

    /// What the case file says, or the record that is gone on with
    #[arg(skip)]
    pub stated: Case,

    /// Others are imaged at the same time
    #[arg(skip)]
    pub one_of_several: bool,
}

/// Format of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The medium's bytes and nothing else
    Raw,
    /// EWF in the layout of EnCase 6, compressed
    E01,
    /// AFF4 in one file, compressed by Snappy; free space costs nothing
    Aff4,
}

impl Format {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Format::Raw => "raw",
            Format::E01 => "e01",
            Format::Aff4 => "aff4",
        }
    }

    /// The container.
    pub fn kind(self) -> ImageKind {
        match self {
            Format::Raw => ImageKind::Raw,
            Format::E01 => ImageKind::Ewf,
            Format::Aff4 => ImageKind::Aff4(Compression::default()),
        }
    }
}

impl Arguments {
    /// Those of this process; ends it where they are wrong, or ask for help.
    pub fn of_this_process() -> Self {
        let matches = Self::command().get_matches();
        let mut arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let given =
            matches.ids().filter(|id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine));
        arguments.given = given.map(ToString::to_string).collect();
        arguments
    }

    /// True when that option was given.
    pub fn has(&self, option: &str) -> bool {
        self.given.iter().any(|given| given == option)
    }

    /// How often the image is made durable.
    pub fn interval(&self) -> Interval {
        self.checkpoint.map_or(Interval::Usual, Interval::Every)
    }

    /// The case: what is stated, filled up by the options, and what is missing.
    pub fn case(&self) -> Case {
        let mut case = self.stated.clone();
        for (_, key, value) in self.of_the_case() {
            if let Some(text) = CaseField::find(key).and_then(CaseField::text).filter(|_| !value.is_empty()) {
                value.clone_into((text.get_mut)(&mut case));
            }
        }
        if let Some(first) = case.investigators.first().filter(|_| case.examiner.is_empty()) {
            case.examiner = first.name.clone();
        }
        case.missing = Some(case.lacks());
        case
    }

    /// Options about the case: name, key of the field, and what was given for the first source.
    pub fn of_the_case(&self) -> [(&'static str, &'static str, &str); 5] {
        let [evidence, description] =
            [&self.evidence_numbers, &self.descriptions].map(|all| all.first().map_or("", String::as_str));
        [
            ("case", "case_number", &self.case_number),
            ("evidence", "evidence_number", evidence),
            ("examiner", "examiner", &self.examiner),
            ("description", "description", description),
            ("notes", "notes", &self.notes),
        ]
    }

    /// Each wanted algorithm once, in the order of printing.
    pub fn algorithms(&self) -> Vec<HashAlgorithm> {
        HashAlgorithm::ALL.into_iter().filter(|algorithm| self.hashes.contains(algorithm)).collect()
    }

    /// What the pipeline may use.
    pub fn limits(&self) -> Limits {
        self.memory.map_or_else(Limits::default, Limits::within)
    }

    /// What is said of each source stands once for each, or not at all; else what is wrong.
    pub fn miscounted(&self) -> Option<String> {
        let sources = self.others.len().saturating_add(1);
        let given = [
            ("--evidence", self.evidence_numbers.len()),
            ("--description", self.descriptions.len()),
            ("--name", self.names.len()),
        ];
        let wrong = given.into_iter().find(|(_, count)| *count != 0 && *count != sources);
        wrong.map(|(option, count)| match sources {
            1 => format!("{option} stands {count} times, but there is one source"),
            _ => format!(
                "{option} stands {count} times for {sources} sources; give it once for each, in their order"
            ),
        })
    }

    /// The command line of one of several sources, as if it were the only one.
    pub fn of_source(&self, number: usize, source: &Path, memory: ByteCount) -> Self {
        let own = |all: &[String]| all.get(number).cloned().into_iter().collect();
        Self {
            source: source.to_owned(),
            others: Vec::new(),
            one_of_several: true,
            evidence_numbers: own(&self.evidence_numbers),
            descriptions: own(&self.descriptions),
            names: own(&self.names),
            memory: Some(memory),
            ..self.clone()
        }
    }

    /// Largest segment, with the default of the format: below 2 GiB, for FAT and for tools that count in 31 bits.
    pub fn segment_limit(&self) -> Option<ByteCount> {
        match self.format {
            Format::Raw | Format::Aff4 => self.segment_size,
            Format::E01 => Some(self.segment_size.unwrap_or(ByteCount(2000 << 20))),
        }
    }

    /// Base name of image and record.
    pub fn base_name(&self) -> String {
        let stated = Some(&self.stated.evidence_number);
        let wished = self.names.first().or(self.evidence_numbers.first()).or(stated);
        let plain = wished.map(|name| plain_name(name)).unwrap_or_default();
        if !plain.is_empty() {
            return plain;
        }
        let source = self.source.file_name().map(|name| plain_name(&name.to_string_lossy()));
        source.filter(|name| !name.is_empty()).unwrap_or_else(|| "image".to_owned())
    }
}

/// Letters, digits, dots, dashes and underscores; everything else would trouble some file system. A dot at either end
/// would hide the file or vanish.
fn plain_name(text: &str) -> String {
    let plain: String =
        text.trim().chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    plain.trim_matches('.').to_owned()
}

/// Not below what the pipeline needs.
fn parse_memory(text: &str) -> Result<ByteCount, String> {
    let least = Limits::LEAST_MEMORY;
    let memory: ByteCount = text.parse().map_err(|error: evidence::UnitError| error.to_string())?;
    if memory < least { Err(format!("{} is the least it can do with", least.short())) } else { Ok(memory) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> Result<ByteCount, evidence::UnitError> {
        text.parse()
    }

    fn parsed(words: &[&str]) -> Arguments {
        Arguments::try_parse_from([&["pf-acquire", "/dev/sda", "--to", "/mnt"], words].concat()).unwrap()
    }

    #[test]
    fn sizes_are_read_with_binary_units() {
        assert_eq!(size("2GiB").unwrap(), ByteCount(2 << 30));
        assert_eq!(size("650M").unwrap(), ByteCount(650 << 20));
        assert_eq!(size("7").unwrap(), ByteCount(7));
        for wrong in ["", "0", "GiB", "2GB", "-1", "99999999999T", "1é"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_base_name_is_safe_on_any_file_system() {
        assert_eq!(parsed(&["--evidence", "案-1/2 a"]).base_name(), "案-1_2_a");
        assert_eq!(parsed(&["--name", "../x"]).base_name(), "_x");
        assert_eq!(parsed(&[]).base_name(), "sda");
        assert_eq!(parsed(&["--name", "..", "--evidence", "7"]).base_name(), "sda");
    }

    #[test]
    fn what_is_said_of_each_source_stands_once_for_each() {
        let several = parsed(&["/dev/sdb", "--evidence", "3", "--evidence", "4", "--case", "7"]);
        assert_eq!(several.miscounted(), None);
        let second = several.of_source(1, Path::new("/dev/sdb"), ByteCount(1));
        assert_eq!((second.base_name().as_str(), second.case().case_number.as_str()), ("4", "7"));
        for wrong in [&["/dev/sdb", "--evidence", "3"][..], &["--name", "a", "--name", "b"]] {
            assert!(parsed(wrong).miscounted().is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn each_algorithm_runs_once() {
        assert_eq!(
            parsed(&["--hash", "sha256,md5,sha256"]).algorithms(),
            [HashAlgorithm::Md5, HashAlgorithm::Sha256]
        );
        assert!(Arguments::try_parse_from(["pf-acquire", "a", "--to", "b", "--hash", "crc"]).is_err());
    }

    #[test]
    fn the_help_is_well_formed() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
