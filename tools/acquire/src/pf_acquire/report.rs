//! The result, for people and for programs.

use super::signing::lines_of;
use evidence::{ByteCount, ExtentSet, HashSet, Plain};
use record::{ChainHash, CloneDisk, CloneRest, GuardReport, KeyNotice, Outcome, SegmentFile};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// How many segment files are named one by one.
const NAMED_SEGMENTS: usize = 4;

/// What was made.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What was imaged.
    pub source: String,
    /// What kept it from being changed.
    pub protection: GuardReport,
    /// Where the image is, whole and verified.
    pub folder: PathBuf,
    /// The second folder that has it, whole and verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_folder: Option<PathBuf>,
    /// Where it should be and is not, or not as it was written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<PathBuf>,
    /// Its segments.
    pub segments: Vec<SegmentFile>,
    /// The disk that it was cloned onto; then there are no segments but that disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clone: Option<CloneDisk>,
    /// Size of the medium, or of what of it was cloned.
    pub media_size: ByteCount,
    /// Hash values over the medium.
    pub hashes: HashSet,
    /// What could not be read.
    pub unread: ExtentSet,
    /// What became of faults of the source.
    pub faults: FaultReport,
    /// What did not match when the image was read back.
    pub mismatches: Vec<String>,
    /// What the disk says that is not in the image, or that is wrong with it.
    pub hidden: Vec<String>,
    /// The record.
    pub record: PathBuf,
    /// Hash of its last entry.
    pub chain_head: ChainHash,
    /// The key that signed its head.
    pub signing_key: KeyNotice,
}

/// What became of faults of the source.
#[derive(Debug, Serialize)]
pub struct FaultReport {
    /// What stands in place of unread data.
    pub fill: String,
    /// Map file of ddrescue, where there is one.
    pub map: Option<String>,
    /// Raw data of a recovery, where they stay.
    pub raw: Option<String>,
    /// What was read differently, or not at all, the second time. The first reading is in the image.
    pub unstable: ExtentSet,
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
        writeln!(output, "Source      {}, {}", Plain(&self.source), self.media_size)?;
        match &self.protection {
            GuardReport::InForce { disk, state, refused, .. } => {
                writeln!(output, "Guard       {disk} is {state}; {refused} operations refused so far")?;
            }
            GuardReport::NotADisk { reason } => {
                writeln!(output, "Guard       in force; the source is {reason}")?;
            }
            GuardReport::Unguarded => {
                writeln!(output, "Guard       NONE: nothing in this kernel kept the source from change")?;
            }
        }
        match &self.clone {
            Some(clone) => print_clone(clone, output)?,
            None => writeln!(output, "Image       in {}", Plain(self.folder.display()))?,
        }
        if let Some(second) = &self.second_folder {
            writeln!(output, "            and in {}", Plain(second.display()))?;
        }
        for failed in &self.failed {
            writeln!(output, "FAILED      in {}: what is there is not to be used", Plain(failed.display()))?;
        }
        for segment in self.segments.iter().take(NAMED_SEGMENTS) {
            writeln!(output, "            {}, {}", Plain(&segment.name), segment.size)?;
        }
        if let Some(last) = self.segments.last().filter(|_| self.segments.len() > NAMED_SEGMENTS) {
            writeln!(
                output,
                "            … {} segments in all, the last {}",
                self.segments.len(),
                Plain(&last.name)
            )?;
        }
        for (algorithm, digest) in self.hashes.iter() {
            writeln!(output, "{:<11} {digest}", algorithm.to_string())?;
        }
        if self.unread.is_empty() {
            writeln!(output, "Unread      nothing: every sector was read")?;
        } else {
            writeln!(
                output,
                "Unread      {} in {} ranges, fill: {}",
                self.unread.total(),
                self.unread.len(),
                self.faults.fill
            )?;
        }
        if !self.faults.unstable.is_empty() {
            writeln!(
                output,
                "UNSTABLE    {} in {} ranges differ when read again; the first reading is in the image",
                self.faults.unstable.total(),
                self.faults.unstable.len()
            )?;
        }
        if let Some(map) = &self.faults.map {
            writeln!(output, "Map         {} (GNU ddrescue's format)", Plain(map))?;
        }
        for hidden in &self.hidden {
            writeln!(output, "WARNING     {}", Plain(hidden))?;
        }
        for mismatch in &self.mismatches {
            writeln!(output, "MISMATCH    {}", Plain(mismatch))?;
        }
        writeln!(output, "Record      {}", Plain(self.record.display()))?;
        writeln!(output, "Chain head  {}", self.chain_head)?;
        writeln!(output, "Signed with {}", self.signing_key.fingerprint)?;
        for line in lines_of(&self.signing_key.words) {
            writeln!(output, "            {line}")?;
        }
        writeln!(
            output,
            "            Write these words down, or photograph them: with them pf-verify shows that"
        )?;
        writeln!(output, "            nobody replaced the record, and the image that it vouches for.")?;
        writeln!(output, "Result      {}", self.verdict())
    }

    fn is_truncated(&self) -> bool {
        self.clone.as_ref().is_some_and(|clone| clone.truncated.0 > 0)
    }

    fn verdict(&self) -> &'static str {
        match self.outcome {
            Outcome::Complete | Outcome::CompleteWithUnreadSectors if !self.failed.is_empty() => {
                "imaged, read back and verified at ONE of two destinations; copy it to another disk"
            }
            Outcome::Complete if self.is_truncated() => {
                "the beginning of the source was cloned, as much as the disk holds; read back and verified"
            }
            Outcome::Complete if self.clone.is_some() => "cloned; read back and verified",
            Outcome::Complete => "imaged; read back and verified",
            Outcome::CompleteWithUnreadSectors => "imaged but for the unread sectors; read back and verified",
            Outcome::VerificationFailed if self.clone.is_some() => {
                "FAILED: the clone read back is not what was written; clone again, onto another disk"
            }
            Outcome::VerificationFailed => {
                "FAILED: the image read back is not what was written; image again elsewhere"
            }
            Outcome::Interrupted | Outcome::Failed => "not finished",
        }
    }

    /// As `--help` lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_number())
    }

    /// The exit code as a number.
    pub fn exit_number(&self) -> u8 {
        match self.outcome {
            Outcome::Complete | Outcome::CompleteWithUnreadSectors if !self.failed.is_empty() => 7,
            Outcome::Complete if !self.faults.unstable.is_empty() || self.is_truncated() => 3,
            Outcome::Complete => 0,
            Outcome::VerificationFailed => 1,
            Outcome::CompleteWithUnreadSectors => 3,
            Outcome::Interrupted => 5,
            Outcome::Failed => 6,
        }
    }
}

fn print_clone(clone: &CloneDisk, output: &mut impl Write) -> io::Result<()> {
    let serial = clone.disk.serial.as_deref().unwrap_or("none");
    writeln!(output, "Clone       on {}, serial {}", Plain(&clone.disk.path), Plain(serial))?;
    if clone.truncated.0 > 0 {
        writeln!(output, "TRUNCATED   the last {} of the source are not in the clone", clone.truncated)?;
    }
    match (clone.excess.0, clone.rest) {
        (0, _) => Ok(()),
        (_, CloneRest::Left) => writeln!(output, "Behind it   {} were left as they were", clone.excess),
        (_, CloneRest::Zeros) => writeln!(output, "Behind it   {} of zeros", clone.excess),
    }
}
