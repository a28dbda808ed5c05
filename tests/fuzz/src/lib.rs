//! Fuzz targets: every parser that takes what a hostile hand may have written.
//!
//! What it is: one function for each parser, which feeds it arbitrary bytes and states what must hold whatever they are;
//! and the kept corpus. What it is not: an engine; that is libFuzzer, in `fuzz-engine`, which coverage guides.
//! Who calls it: `cargo xtask fuzz`, and `cargo test`, which replays the corpus.
//!
//! A new target is a row in [`TARGETS`], a function, and a seed or two in `corpus/<name>/`. An input that once broke
//! something stays there for ever, named after what it broke.
#![forbid(unsafe_code)]
// Test equipment: a panic here is what the engine looks for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod aff4;
mod case_files;
mod checkpoints;
mod container;
mod disk_answers;
mod guard_text;
mod heads;
mod images;
mod mapfile;
mod partition_tables;
mod records;
pub mod seeds;
mod signatures;
mod time_stamps;
mod volume;

use std::path::{Path, PathBuf};

/// A parser under test.
pub struct Target {
    /// Its name, and that of its folder of the corpus.
    pub name: &'static str,
    /// What is parsed.
    pub what: &'static str,
    /// Longest input tried, in bytes.
    pub longest: usize,
    /// Feeds one input to the parser; panics when something does not hold. The folder is empty or holds what the last
    /// call left.
    pub run: fn(&[u8], &Path),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "ewf", what: "an E01 file as it comes", longest: 64 << 10, run: images::ewf },
    Target {
        name: "ewf_sealed",
        what: "an E01 file whose checksums were made to fit, so that what they cover is reached",
        longest: 64 << 10,
        run: images::ewf_sealed,
    },
    Target {
        name: "ewf_header",
        what: "the case fields of an E01: a zlib stream, and the text in it",
        longest: 8 << 10,
        run: images::ewf_header,
    },
    Target {
        name: "segment_set",
        what: "names and sizes of the files of a split image, and what each begins with",
        longest: 4 << 10,
        run: images::segment_set,
    },
    Target { name: "aff4", what: "an AFF4 file as it comes", longest: 64 << 10, run: aff4::aff4 },
    Target {
        name: "aff4_sealed",
        what: "AFF4 volumes whose frame was made to fit: metadata, maps, indexes, chunks, hashes",
        longest: 64 << 10,
        run: aff4::aff4_sealed,
    },
    Target { name: "turtle", what: "the metadata of an AFF4 volume", longest: 16 << 10, run: aff4::turtle },
    Target {
        name: "checkpoint",
        what: "the checkpoint beside an unfinished image, and the state of its writer",
        longest: 16 << 10,
        run: checkpoints::checkpoint,
    },
    Target { name: "mapfile", what: "a map file of GNU ddrescue", longest: 16 << 10, run: mapfile::mapfile },
    Target {
        name: "disk_answers",
        what: "what disks say they are and hide: ATA, SCSI, NVMe, eMMC, SD, sense data, names",
        longest: 32 << 10,
        run: disk_answers::disk_answers,
    },
    Target {
        name: "record",
        what: "an acquisition record as it comes",
        longest: 64 << 10,
        run: records::record,
    },
    Target {
        name: "record_chained",
        what: "an acquisition record whose chain was made to fit",
        longest: 64 << 10,
        run: records::record_chained,
    },
    Target { name: "case_file", what: "a case file, TOML", longest: 8 << 10, run: case_files::case_file },
    Target {
        name: "head",
        what: "the signed head of a record as it comes",
        longest: 16 << 10,
        run: heads::head,
    },
    Target {
        name: "head_stated",
        what: "what a head states, in a file whose form, key and signature are good",
        longest: 8 << 10,
        run: heads::head_stated,
    },
    Target {
        name: "partition_table",
        what: "the partition table of an imaged disk: GPT, MBR, logical partitions",
        longest: 32 << 10,
        run: partition_tables::partition_table,
    },
    Target {
        name: "signatures",
        what: "what lies on a disk: partition tables, file systems, RAID, encryption",
        longest: 16 << 10,
        run: signatures::signatures,
    },
    Target {
        name: "time_stamp",
        what: "the answer of a time-stamp authority, its request, and certificates",
        longest: 16 << 10,
        run: time_stamps::time_stamp,
    },
    Target {
        name: "guard_text",
        what: "what the kernel's guard says: events, counts of commands, identifiers",
        longest: 4 << 10,
        run: guard_text::guard_text,
    },
];

/// The target of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Where the kept inputs of a target are.
#[must_use]
pub fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}
