//! The acquisition record: what was done, to which device, when, with what, and what came of it.
//!
//! What it is: append-only JSON Lines in which each entry carries the hash of the one before, so that nothing can be
//! altered, removed or put in between without breaking the chain, closed by a head that an Ed25519 key signs. The format is
//! told in `FORMAT.md` beside this crate.
//! What it is not: proof against someone who rewrites record and head with a key of their own; against that helps only
//! the key's words or fingerprint, written down elsewhere while the acquisition ran.
//! Who calls it: `acquire` writes, `verify` reads.
//!
//! ```
//! use record::{Entry, RecordWriter};
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("item-1.record.jsonl");
//! let mut writer = RecordWriter::create(&path)?;
//! writer.append(&Entry::Note { text: "seal 4711 opened".to_owned() })?;
//! let record = record::read(&path)?;
//! assert!(record.broken.is_none() && !record.is_closed());
//! assert_eq!(record.head, writer.head());
//!
//! let key = record::SecretKey::generate()?;
//! let head = record::Head::read(&writer.sign(&key)?)?;
//! assert!(head.is_signed() && head.key == key.public() && head.statement.chain_head == record.head);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod base64;
mod chain;
mod entry;
mod error;
mod fault_entry;
mod fingerprint;
mod head;
mod key;
mod leaves_entry;
mod measured_boot_entry;
mod network_state;
mod pem;
mod reader;
mod resume_entry;
pub mod words;
mod writer;

pub use chain::ChainHash;
pub use entry::{
    AcquisitionOpened, CloneDisk, CloneRest, Closed, Entry, Environment, GuardReport, ImageClosed, Outcome,
    Plan, SegmentFile, Software, Verification,
};
pub use error::RecordError;
pub use fault_entry::{
    EarlierRecord, FaultPolicy, Reread, RescueBegun, RescueEnded, RescuePass, Totals, Unstable,
};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use head::{HEAD_SUFFIX, HEAD_VERSION, Head, HeadError, HeadStatement, KeyNotice, KeyOrigin, head_path};
pub use key::{KeyError, PublicKey, SecretKey};
pub use leaves_entry::Leaves;
pub use measured_boot_entry::{EventLog, MeasuredBoot, PcrBanks, TpmPresence};
pub use network_state::{Network, NetworkState};
pub use reader::{Break, Chain, Content, Flaw, RecordFile, StoredEntry, read, visit};
pub use resume_entry::{Checkpoint, ResumeBegun};
pub use writer::{RecordWriter, is_being_written};

/// Version of the format that is written.
pub const FORMAT_VERSION: u32 = 1;

/// What is put behind an image's base name to get its record's name.
pub const FILE_SUFFIX: &str = ".record.jsonl";
