//! The command line and the exit codes.

use crate::language::{Languages, OneLanguage};
use clap::{ArgGroup, Args, Parser, Subcommand};
use std::path::PathBuf;

/// Made or shown, from a record whose chain holds and that is closed.
pub const WHOLE: u8 = 0;
/// Made or shown, from a record whose chain is broken.
pub const BROKEN: u8 = 1;
/// Nothing was made or shown.
pub const COULD_NOT: u8 = 2;
/// Made or shown, from a record that is not closed.
pub const UNCLOSED: u8 = 3;
/// A case file was written or checked, and lacks what must be given.
pub const LACKING: u8 = 1;
/// The result could not be written.
pub const NOT_WRITTEN: u8 = 4;
/// Nothing was exported: the record's chain is broken.
pub const NOT_HANDED_ON: u8 = 5;

const AFTER: &str = "\
Reads the record and what lies beside it (its head, the head's time-stamp), changes nothing, and never overwrites a file. What stands behind the first flaw of a record is
not shown; fields and kinds of later versions are shown as they stand. Lists are bounded, and say what they leave out. Whether an
image is what its record says is a question for pf-verify.

Exit codes:
  0  done; the record's chain is unbroken and the record is closed
  1  done, but the chain is broken: only what stands before the flaw was used; of a case file: done, but it lacks what must be given
  2  nothing was done: wrong usage, or a record or case file that cannot be read, or answers that ended too early
  3  done, but the record is not closed: the acquisition is under way or was cut off
  4  the result could not be written, or a file is there already
  5  nothing was exported: the chain is broken, and what stands before the flaw may be altered too

Memory: at most 128 MiB, whatever the record holds; a result has at most 16 MiB.";

/// Shows the record of an acquisition to people: as text, as one HTML page in English and Chinese, and as the
/// forms that Chinese rules ask for; gives it to other programs; has the time of its head vouched for.
#[derive(Debug, Parser)]
#[command(name = "pf-record", version, after_help = AFTER)]
pub struct Arguments {
    #[command(subcommand)]
    pub face: Face,
}

/// The faces of a record.
#[derive(Debug, Subcommand)]
pub enum Face {
    /// Print the record as readable text
    Show(Show),
    /// Make one HTML page that needs nothing beside itself and prints on A4
    Html(Html),
    /// Make the three Chinese forms: record of the extraction, list of what was fixed, list of what was sealed
    Forms(Forms),
    /// Ask for what is to be known of a case and write the file for pf-acquire --case-file
    Case(CaseArguments),
    /// Make a document that other programs read: CASE/UCO or DFXML
    Export(Export),
    /// Have a time-stamp authority (RFC 3161) vouch for the time of a record's head
    #[command(subcommand)]
    TimeStamp(TimeStamp),
}

#[derive(Debug, Args)]
#[group(id = "deed", required = true, multiple = false)]
pub struct CaseDeed {
    /// Ask for each field, one answer in a line, and write this file; nothing is written before the end
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print an empty case file with a comment for each field
    #[arg(long)]
    pub template: bool,
    /// Say what this case file lacks of what must be given
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CaseArguments {
    #[command(flatten)]
    pub deed: CaseDeed,
    /// Language of questions and answers; the comments of the file are in both
    #[arg(long, value_enum, default_value = "en")]
    pub language: OneLanguage,
    /// Print what is missing as JSON on standard output
    #[arg(long, conflicts_with = "template")]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The record, NAME.record.jsonl
    pub record: PathBuf,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Html {
    /// The record, NAME.record.jsonl
    pub record: PathBuf,
    /// Language of the page
    #[arg(long, value_enum, default_value = "both")]
    pub lang: Languages,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Print what was made as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Forms {
    /// The record, NAME.record.jsonl
    pub record: PathBuf,
    /// Folder for the three HTML files; made where it is missing
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// Print what was made as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("language").required(true))]
pub struct Export {
    /// The record, NAME.record.jsonl
    pub record: PathBuf,
    /// JSON-LD in the words of CASE and UCO 1.4
    #[arg(long, group = "language")]
    pub case_uco: bool,
    /// Digital Forensics XML 1.2
    #[arg(long, group = "language")]
    pub dfxml: bool,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Print what was made as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// What can be done about time-stamps.
#[derive(Debug, Subcommand)]
pub enum TimeStamp {
    /// Make the request that an authority is sent, NAME.head.tsq
    Request(StampRequest),
    /// Check an authority's answer and put it beside the head, as NAME.head.tsr
    Attach(StampAttach),
    /// Check the answer that lies beside the head
    Check(StampCheck),
}

#[derive(Debug, Args)]
pub struct StampRequest {
    /// The head, NAME.head.json
    pub head: PathBuf,
    /// File to write; by default NAME.head.tsq
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print what was made as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = STAMP_CODES)]
pub struct StampAttach {
    /// The head, NAME.head.json
    pub head: PathBuf,
    /// The authority's answer, as it came
    pub answer: PathBuf,
    /// Certificates that are trusted to lead to the authority's, in PEM
    #[arg(long, value_name = "FILE")]
    pub authority: Option<PathBuf>,
    /// Print what was found as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = STAMP_CODES)]
pub struct StampCheck {
    /// The head, NAME.head.json
    pub head: PathBuf,
    /// Certificates that are trusted to lead to the authority's, in PEM
    #[arg(long, value_name = "FILE")]
    pub authority: Option<PathBuf>,
    /// Print what was found as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

const STAMP_CODES: &str = "\
The answer must be over the SHA-256 of the head and repeat the number of the request beside it, if there is one.
Whether a certificate was revoked is not asked.

Exit codes:
  0  the time-stamp is of this head, and its signature leads to a certificate that is trusted
  1  something does not hold: another head, another request, a wrong signature; nothing was attached
  2  nothing was checked: wrong usage, no head, no time-stamp in the answer
  3  the time-stamp is of this head, but its signature was not checked: no certificate was given, or it is made in a way
     that is not known here; the command of OpenSSL that checks it is printed
  4  the result could not be written, or a file is there already";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_is_well_formed() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
