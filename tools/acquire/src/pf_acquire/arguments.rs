//! The command line.

use super::fault_arguments::FaultArguments;
use acquire::pipeline::Limits;
use clap::{Parser, ValueEnum};
use evidence::{ByteCount, CaseData, HashAlgorithm};
use formats::ImageKind;
use formats::aff4::Compression;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Writes NAME.E01, NAME.E02, … (or NAME.aff4, or NAME.raw, or NAME.001, … when split) and the record NAME.record.jsonl into DIR. Nothing \
that is there already is ever overwritten. Sectors that can't be read are stored as the fill says, named in the image, in \
the record and in NAME.map, a map file of GNU ddrescue. At the end the image is read back from its medium and compared.

With --rescue the source is first recovered in several passes into NAME.raw, which an image in another format is then made \
of. NAME.raw and NAME.map are what ddrescue makes too: either program goes on where the other stopped.

The source is locked as evidence first: the kernel then refuses every change to it until power-off. Then it is asked what \
of it can't be in the image (hidden areas), what locks it and how it is; warnings come before the first read, and the \
answers go into the record. Nothing is unlocked.

With --to twice the source is read once and written to both. If one destination fails the other goes on: that is said, stands in \
the record, and has an exit code of its own. Each destination has the whole record, with the same chain head.

Hash algorithms: md5, sha1, sha256, sha512, sha3-256, sm3, blake3, any of them in one pass. E01 has room for MD5 and SHA-1; the \
record has all. Before it starts, the program hashes what has known values and refuses to go on if one is wrong.

Memory: 64 MiB at most, or what --memory says. A rescue takes 32 MiB for its map, and 1 MiB for each of at most 8 reads \
that hang.

Exit codes: 0 imaged and verified; 1 the image read back is not what was written; 2 refused to start; 3 imaged and \
verified, but some sectors could not be read, or were read differently the second time; 4 the destination failed, or both; 5 interrupted; 6 the source failed; 7 imaged and verified \
at one of two destinations, the other failed.";

/// Image a disk: read once, hash, compress, write, read back, and record it all
#[derive(Parser, Debug)]
#[command(name = "pf-acquire", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Disk, partition, loop device or ordinary file
    pub source: PathBuf,

    /// Folder the image goes to, on a disk allowed by pf-guard; given twice, the image goes to both
    #[arg(long = "to", value_name = "DIR", required = true)]
    pub to: Vec<PathBuf>,

    /// Format of the image
    #[arg(long, value_enum, default_value = "e01")]
    pub format: Format,

    /// Hash values over the whole medium
    #[arg(long = "hash", value_name = "LIST", value_delimiter = ',', default_value = "md5,sha1,sha256")]
    pub hashes: Vec<HashAlgorithm>,

    /// Case number
    #[arg(long = "case", value_name = "NUMBER", default_value = "", hide_default_value = true)]
    pub case_number: String,

    /// Number of this item of evidence
    #[arg(long = "evidence", value_name = "NUMBER", default_value = "", hide_default_value = true)]
    pub evidence_number: String,

    /// Who runs the acquisition
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub examiner: String,

    /// One line that says what the item is
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub description: String,

    /// Anything else to be kept with the image
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub notes: String,

    /// Base name of the files [default: the evidence number, or the name of the source]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Largest segment, e.g. 650MiB or 2GiB [default: 2000MiB for e01, one file for raw; aff4 is always one]
    #[arg(long, value_name = "SIZE")]
    pub segment_size: Option<ByteCount>,

    /// Most memory to be used, e.g. 1GiB [default: 64MiB, the least]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub memory: Option<ByteCount>,

    /// Go on where no write block of this kernel is in force; the record says so for ever
    #[arg(long)]
    pub unguarded: bool,

    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,

    /// How faults of the source are met
    #[command(flatten)]
    pub faults: FaultArguments,
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
    /// The case fields.
    pub fn case(&self) -> CaseData {
        CaseData {
            case_number: self.case_number.clone(),
            evidence_number: self.evidence_number.clone(),
            examiner: self.examiner.clone(),
            description: self.description.clone(),
            notes: self.notes.clone(),
        }
    }

    /// Each wanted algorithm once, in the order of printing.
    pub fn algorithms(&self) -> Vec<HashAlgorithm> {
        HashAlgorithm::ALL.into_iter().filter(|algorithm| self.hashes.contains(algorithm)).collect()
    }

    /// What the pipeline may use.
    pub fn limits(&self) -> Limits {
        self.memory.map_or_else(Limits::default, Limits::within)
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
        let wished = self.name.clone().unwrap_or_else(|| self.evidence_number.clone());
        let plain = plain_name(&wished);
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
