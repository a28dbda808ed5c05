//! The vocabulary of an acquisition: units, identities, cases, hashes, extents and guard states.
//!
//! What it is: plain data types that every other crate shares, with the rules that make a value of them valid.
//! What it is not: it opens no file and no device, knows no clock, no screen and no image format.
//! Who calls it: every crate under `tools/`, and nothing above them needs more than these words to talk.
//!
//! ```
//! use evidence::{ByteCount, ByteOffset, SectorSize};
//! let sector = SectorSize::new(512)?;
//! assert_eq!(sector.lba_of(ByteOffset(1_048_576)).0, 2048);
//! assert_eq!(ByteCount(250_059_350_016).to_string(), "250 059 350 016 bytes (232.8 GiB)");
//! # Ok::<(), evidence::UnitError>(())
//! ```

mod case;
mod case_fields;
mod device_identity;
mod extent;
mod guard_state;
mod hash;
mod hasher;
mod interleaved;
mod leaf;
mod md5;
mod plain;
mod proceedings;
mod self_report;
mod units;

pub use case::CaseData;
pub use case_fields::{
    CASE_FIELDS, CaseField, FEWEST_INVESTIGATORS, Holds, INVESTIGATOR_FIELDS, Need, PHOTO_FIELDS, PartField,
    Text,
};
pub use device_identity::{DeviceIdentity, Transport};
pub use extent::{Extent, ExtentSet};
pub use guard_state::{GuardState, UnknownGuardState};
pub use hash::{Digest, DigestError, HashAlgorithm, HashSet, UnknownAlgorithm};
pub use hasher::{HashGroup, Hasher, SelfTestError, self_test};
pub use leaf::{LeafBuilder, LeafPart, LeafRoot, LeafSize, MOST_LEAVES, SMALLEST_LEAF};
pub use plain::Plain;
pub use proceedings::{Case, Investigator, Photo};
pub use self_report::{
    AfterTrim, Area, AreaKind, AtaSecurity, Finding, Health, HiddenArea, SelfEncryption, SelfReport, Trim,
    ZoneModel, Zones,
};
pub use units::{ByteCount, ByteOffset, Lba, SectorCount, SectorSize, UnitError};
