//! The record of a conversion, for people and for programs.

use crate::carried::Loss;
use evidence::{ByteCount, ExtentSet, HashSet, Plain};
use formats::Segment;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// How many segment files are named one by one.
const NAMED_SEGMENTS: usize = 4;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The copy holds the same bytes.
    Same,
    /// The same but for what could not be had of the source.
    SameButForDamage,
    /// The source is not what it states, or the copy not what was written.
    Different,
}

/// A file of an image.
#[derive(Debug, Serialize)]
pub struct SegmentFile {
    /// Where it is.
    pub path: String,
    /// Its size.
    pub size: ByteCount,
}

/// The files of an image, in order.
pub fn segment_files(segments: &[Segment]) -> Vec<SegmentFile> {
    segments.iter().map(|s| SegmentFile { path: s.path.display().to_string(), size: s.size }).collect()
}

/// What was made of what.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Format of the source.
    pub source_format: &'static str,
    /// Its files.
    pub source_segments: Vec<SegmentFile>,
    /// Format of the copy.
    pub copy_format: &'static str,
    /// Its files.
    pub copy_segments: Vec<SegmentFile>,
    /// Size of the medium in both.
    pub media_size: ByteCount,
    /// Hash values over the medium's bytes as read from the source; the copy read back has the same, unless
    /// `mismatches` says so.
    pub hashes: HashSet,
    /// Hash values that the source states.
    pub stated_by_source: HashSet,
    /// What was not read from the original or could not be had of the source.
    pub unread: ExtentSet,
    /// What could not be had of the source; zeros in the copy.
    pub damaged: ExtentSet,
    /// What is wrong with the source's container.
    pub flaws: Vec<String>,
    /// What the source says and the copy does not say so.
    pub not_carried: Vec<Loss>,
    /// What did not match.
    pub mismatches: Vec<String>,
}

impl Report {
    /// Prints it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn print(&self, json: bool, output: &mut impl Write) -> io::Result<()> {
        if json {
            serde_json::to_writer(&mut *output, self)?;
            writeln!(output)?;
        } else {
            self.print_for_people(output)?;
        }
        output.flush()
    }

    fn print_for_people(&self, output: &mut impl Write) -> io::Result<()> {
        for (who, format, segments) in [
            ("Source", self.source_format, &self.source_segments),
            ("Copy", self.copy_format, &self.copy_segments),
        ] {
            writeln!(output, "{who:<12}{format}, {} files", segments.len())?;
            for segment in segments.iter().take(NAMED_SEGMENTS) {
                writeln!(output, "            {}, {}", Plain(&segment.path), segment.size)?;
            }
            if let Some(last) = segments.last().filter(|_| segments.len() > NAMED_SEGMENTS) {
                writeln!(output, "            … the last {}", Plain(&last.path))?;
            }
        }
        writeln!(output, "Medium      {}", self.media_size)?;
        for (algorithm, digest) in self.hashes.iter() {
            let stated = self.stated_by_source.get(algorithm);
            let compared = match stated {
                Some(stated) if stated == digest => ", as the source states",
                Some(_) => ", NOT as the source states",
                None => "",
            };
            writeln!(output, "{:<11} {digest}{compared}", algorithm.to_string())?;
        }
        if !self.unread.is_empty() {
            writeln!(output, "Unread      {} in {} ranges", self.unread.total(), self.unread.len())?;
        }
        for loss in &self.not_carried {
            let copy: &str = if loss.copy.is_empty() { "nothing" } else { &loss.copy };
            let (source, copy) = (Plain(&loss.source), Plain(copy));
            writeln!(output, "Not carried {}: '{source}'; the copy says {copy}", loss.what)?;
        }
        for mismatch in &self.mismatches {
            writeln!(output, "MISMATCH    {}", Plain(mismatch))?;
        }
        writeln!(output, "Result      {}", self.verdict())
    }

    fn verdict(&self) -> &'static str {
        match self.outcome {
            Outcome::Same => "converted; read back and the same, byte for byte",
            Outcome::SameButForDamage => {
                "converted but for damaged parts of the source; read back and compared"
            }
            Outcome::Different => "FAILED: see what does not match; the copy must not be used",
        }
    }

    /// As `--help` lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.outcome {
            Outcome::Same => 0,
            Outcome::Different => 1,
            Outcome::SameButForDamage => 3,
        })
    }
}
