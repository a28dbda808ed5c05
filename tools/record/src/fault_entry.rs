//! What entries say of faults of the source, and of recovery from them.

use crate::ChainHash;
use evidence::{ByteCount, Digest, Extent};
use serde::{Deserialize, Serialize};

/// How faults of the source are met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultPolicy {
    /// `one-pass`: in order, failed blocks at once in smaller pieces and then sectors. `rescue`: in several passes.
    pub method: String,
    /// How often a bad sector is tried again; in a rescue, passes over all that are left.
    pub retries: u32,
    /// What stands in place of unread data: `zeros`, `text`, or bytes in hexadecimal that are repeated.
    pub fill: String,
    /// After how many seconds a read is given up on; absent where it is waited for without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_timeout: Option<u64>,
    /// How many seconds a source that is gone is waited for; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for_return: Option<u64>,
    /// Percent of the source that is read again and compared at the end; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reread: Option<u8>,
}

/// A recovery in several passes begins or goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescueBegun {
    /// Name of the raw file.
    pub raw: String,
    /// Name of the map file beside it.
    pub map: String,
    /// What was recovered before this run.
    pub finished: ByteCount,
    /// The record of the run before, which proves that the source is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<EarlierRecord>,
    /// Raw and map came without a record that proves where they come from, and whoever ran this said that they know: so
    /// many pieces of them were compared with the source and agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_after_comparing: Option<u64>,
    /// SHA-256 of the map as it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_sha256: Option<Digest>,
    /// The map is not as the run before left it: another program, or a run that was cut off, has worked on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_changed: Option<bool>,
}

/// The record of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierRecord {
    /// Its file name; the file was renamed, its content is as it was.
    pub name: String,
    /// Hash of its last entry.
    pub chain_head: ChainHash,
}

/// A pass of a recovery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RescuePass {
    /// `copying`, `trimming`, `scraping` or `retrying`.
    pub phase: String,
    /// Which pass of the phase, from 1.
    pub pass: u32,
    /// Reads went towards the beginning.
    pub backwards: bool,
    /// Reads that were tried.
    pub reads: u64,
    /// Reads that failed or gave less than was asked for.
    pub errors: u64,
    /// Those of them that were given up on because no answer came.
    pub abandoned: u64,
    /// Bytes it recovered.
    pub recovered: ByteCount,
    /// What is where at its end.
    pub left: Totals,
    /// How long it took.
    pub seconds: f64,
}

/// Bytes of each status of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Recovered.
    pub finished: ByteCount,
    /// Not read yet.
    pub non_tried: ByteCount,
    /// Failed as a large block.
    pub non_trimmed: ByteCount,
    /// Failed, its edges found.
    pub non_scraped: ByteCount,
    /// Failed sector by sector.
    pub bad: ByteCount,
}

/// All passes are over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescueEnded {
    /// Bytes recovered in this run.
    pub recovered: ByteCount,
    /// Reads that were given up on.
    pub abandoned: u64,
    /// SHA-256 of the map as it was left.
    pub map_sha256: Digest,
}

/// Two readings of the same range differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unstable {
    /// Where.
    pub extent: Extent,
    /// SHA-256 of the first reading, which is the one that is kept.
    pub kept_sha256: Digest,
    /// SHA-256 of the second; absent when the range could not be read a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_sha256: Option<Digest>,
}

/// A part of the source was read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reread {
    /// Bytes compared with what was kept.
    pub compared: ByteCount,
    /// Bytes in ranges that differ, or could not be read again.
    pub unstable: ByteCount,
    /// Why it ended before its time, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<String>,
}
