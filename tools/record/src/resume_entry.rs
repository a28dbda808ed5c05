//! What entries say of an acquisition that can be gone on with, and of one that is.

use crate::EarlierRecord;
use evidence::{ByteCount, ByteOffset, Digest};
use serde::{Deserialize, Serialize};

/// Every image that goes on is durable up to here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Media offset behind what is durable.
    pub offset: ByteOffset,
    /// Media bytes in a leaf of the hash tree.
    pub leaf_size: ByteCount,
    /// Leaves up to the offset, the last as far as it came.
    pub leaves: u64,
    /// BLAKE3 over their values.
    pub leaf_root: Digest,
    /// SHA-256 of `NAME.checkpoint` at each destination that goes on, in their order.
    pub states: Vec<Digest>,
}

/// An acquisition that was cut off is gone on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeBegun {
    /// The records of the runs before, oldest first: the last proves that source and plan are the same.
    pub earlier: Vec<EarlierRecord>,
    /// Where it goes on; absent where nothing was durable, so that it began anew, and where the image was whole and only
    /// had to be read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Checkpoint>,
    /// The image was whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// What was read back and compared, and what was removed.
    pub text: String,
}
