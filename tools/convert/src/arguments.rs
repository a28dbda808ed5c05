//! The command line.

use clap::{Parser, ValueEnum};
use evidence::{ByteCount, HashAlgorithm, SectorSize};
use formats::{ImageKind, ImageReader};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Hash values that the source states are compared while it is read. The copy is then read back from its medium: its hash \
values, the ranges that were not read from the original, and all else that the source says are compared. What the other \
format has no room for is named under `not carried`. Nothing that is there already is ever overwritten.

A source whose container is damaged is refused; --despite-damage copies what can be had, fills the rest with zeros, and \
marks it as not read where the format can. VMDK, VHD, VHDX and QCOW2 are not read: qemu-img makes raw of them.

Memory: 64 MiB at most; up to 40 MiB more for each of four readers where other programs made chunks and tables large.

Exit codes: 0 converted, and the same; 1 the source is not what it states, or the copy not what was written; 2 refused to \
start; 3 converted, but for damaged parts of the source; 4 the destination failed; 5 interrupted; 6 the source failed.";

/// Convert an image into another format or other segments, and prove that it is the same
#[derive(Parser, Debug)]
#[command(name = "pf-convert", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// The image's first segment
    pub source: PathBuf,

    /// Folder the copy goes to
    #[arg(long = "to", value_name = "DIR")]
    pub to: PathBuf,

    /// Format of the copy
    #[arg(long, value_enum)]
    pub format: Format,

    /// Base name of the copy [default: that of the source]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Largest segment, e.g. 650MiB or 2GiB [default: 2000MiB for e01, else one file]
    #[arg(long, value_name = "SIZE")]
    pub segment_size: Option<ByteCount>,

    /// Sector size of the medium where the source does not say it, as raw images
    #[arg(long, value_name = "BYTES", default_value = "512", value_parser = sector_size)]
    pub sector_size: SectorSize,

    /// Hash values over the whole medium, beside those that the source states
    #[arg(long = "hash", value_name = "LIST", value_delimiter = ',', default_value = "md5,sha1,sha256")]
    pub hashes: Vec<HashAlgorithm>,

    /// Copy what can be had of a damaged source
    #[arg(long)]
    pub despite_damage: bool,

    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Format of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The medium's bytes and nothing else
    Raw,
    /// EWF in the layout of EnCase 6, compressed
    E01,
}

impl Format {
    /// The container.
    pub fn kind(self) -> ImageKind {
        match self {
            Format::Raw => ImageKind::Raw,
            Format::E01 => ImageKind::Ewf,
        }
    }
}

impl Arguments {
    /// Path of the copy without extension.
    pub fn base(&self) -> PathBuf {
        let stem = || self.source.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        self.to.join(self.name.clone().or_else(stem).unwrap_or_default())
    }

    /// True when the name leads out of the folder or is none.
    pub fn name_is_no_name(&self) -> bool {
        let base = self.base();
        base.file_name().is_none() || base.parent() != Some(Path::new(&self.to))
    }

    /// Largest segment, with the default of the format: below 2 GiB, for FAT and for tools that count in 31 bits.
    pub fn segment_limit(&self) -> Option<ByteCount> {
        match self.format {
            Format::Raw => self.segment_size,
            Format::E01 => Some(self.segment_size.unwrap_or(ByteCount(2000 << 20))),
        }
    }

    /// The wanted algorithms and those of the source, each once.
    pub fn algorithms(&self, source: &dyn ImageReader) -> Vec<HashAlgorithm> {
        let stated = |algorithm| source.stored_hashes().get(algorithm).is_some();
        HashAlgorithm::ALL
            .into_iter()
            .filter(|algorithm| self.hashes.contains(algorithm) || stated(*algorithm))
            .collect()
    }
}

fn sector_size(text: &str) -> Result<SectorSize, String> {
    let bytes = text.parse::<u64>().map_err(|error| error.to_string())?;
    SectorSize::new(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Arguments {
        let always = ["pf-convert", "/a/3.x.E01", "--to", "/mnt", "--format", "raw"];
        Arguments::try_parse_from([&always, words].concat()).unwrap()
    }

    #[test]
    fn the_copy_is_named_like_the_source_and_stays_in_its_folder() {
        assert_eq!(parsed(&[]).base(), Path::new("/mnt/3.x"));
        assert!(!parsed(&["--name", "b.1"]).name_is_no_name());
        for wrong in ["..", "../x", "/etc/x", "a/b", ""] {
            assert!(parsed(&["--name", wrong]).name_is_no_name(), "{wrong}");
        }
    }

    #[test]
    fn the_help_is_well_formed() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
