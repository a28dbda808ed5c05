//! What the command line says about faults of the source.

use acquire::rescue::Share;
use acquire::treatment::{Fill, Treatment};
use clap::Args;
use evidence::SectorSize;
use record::FaultPolicy;
use std::time::Duration;

/// A read that takes longer is given up on: one time-out of the kernel's (30 s for SCSI, ATA and NVMe), and its reset.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a source that is gone is waited for.
const WAIT_FOR_RETURN: Duration = Duration::from_secs(300);

/// How faults of the source are met.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Faults of the source")]
pub struct FaultArguments {
    /// Recover a failing disk in several passes, as GNU ddrescue does, into NAME.raw with its map NAME.map; the same
    /// command again goes on from there
    #[arg(long)]
    pub rescue: bool,

    /// Try bad sectors again so many times [default: 0; with --rescue 1 pass over all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1000))]
    pub retries: Option<u32>,

    /// What stands in place of unread data: zeros, text (BAD SECTOR and its LBA), or bytes in hexadecimal
    #[arg(long, value_name = "FILL", default_value = "zeros")]
    pub fill: Fill,

    /// Read so much of the source again at the end and record where it says something else
    #[arg(long, value_name = "PERCENT|all")]
    pub reread: Option<Share>,

    /// Give up on a read that takes longer, e.g. 90s; 0 waits for ever [default: 60s]
    #[arg(long, value_name = "TIME", requires = "rescue", value_parser = parse_time)]
    pub read_timeout: Option<Duration>,

    /// Wait so long for a source that vanished, and go on where it is plugged in again [default: 5m]
    #[arg(long, value_name = "TIME", requires = "rescue", value_parser = parse_time)]
    pub wait_for_return: Option<Duration>,

    /// Go on with raw data and map that another program made of this very source; pieces are compared first
    #[arg(long, requires = "rescue")]
    pub adopt: bool,

    /// Remove the raw data once an image in another format was made of them and verified; the map stays
    #[arg(long, requires = "rescue")]
    pub remove_raw: bool,
}

impl FaultArguments {
    /// Further attempts at a bad sector.
    pub fn retries(&self) -> u32 {
        self.retries.unwrap_or(u32::from(self.rescue))
    }

    /// How long a read is waited for; `None` for ever.
    pub fn patience(&self) -> Option<Duration> {
        Some(self.read_timeout.unwrap_or(READ_TIMEOUT)).filter(|time| !time.is_zero())
    }

    /// How long a source that is gone is waited for.
    pub fn wait(&self) -> Duration {
        self.wait_for_return.unwrap_or(WAIT_FOR_RETURN)
    }

    /// What the pipeline does about unread parts of a medium with such sectors.
    pub fn treatment(&self, sector: SectorSize) -> Treatment {
        Treatment { retries: if self.rescue { 0 } else { self.retries() }, fill: self.fill.clone(), sector }
    }

    /// For the record.
    pub fn policy(&self) -> FaultPolicy {
        FaultPolicy {
            method: if self.rescue { "rescue" } else { "one-pass" }.to_owned(),
            retries: self.retries(),
            fill: self.fill.to_string(),
            read_timeout: self.patience().filter(|_| self.rescue).map(|time| time.as_secs()),
            wait_for_return: self.rescue.then(|| self.wait().as_secs()),
            reread: self.reread.map(Share::percent),
        }
    }
}

/// `90`, `90s`, `5m`, `1h`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let seconds = match text.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        _ => 0,
    };
    let time =
        digits.parse::<u64>().ok().filter(|_| seconds > 0).and_then(|number| number.checked_mul(seconds));
    // A year is for ever, and far from where clocks overflow.
    time.filter(|seconds| *seconds <= 366 * 86_400)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("'{text}' is no time: give seconds, or a number with s, m or h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("0", 0)] {
            assert_eq!(parse_time(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in ["", "s", "5d", "-1", "1.5m", "5mm", "99999999999h"] {
            assert!(parse_time(wrong).is_err(), "{wrong:?} was taken");
        }
    }
}
