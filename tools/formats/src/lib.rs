//! Image formats: raw, split raw, EWF (E01) and AFF4, behind one reader and one writer trait.
//!
//! What it is: the bytes of each container, written and read, with every field checked on the way in.
//! What it is not: it computes no hash of the whole medium and starts no thread; the acquisition pipeline does both
//! and hands finished values in. Who calls it: `acquire` writes and re-reads, `verify` reads.
//!
//! Memory: a writer holds one table of chunk offsets (131 KiB) and a 1 MiB write buffer; of an AFF4 also the map (40 MiB at
//! most) and 48 bytes for each 20 MiB stored. A reader holds the places of the sections, one chunk (at most 16 MiB) and
//! one table (at most 16 MiB), whatever the image claims; of an AFF4 the list of members (256 MiB of file at most), the
//! metadata (64 MiB at most) and the map (448 MiB of file at most).
//!
//! ```no_run
//! use evidence::ByteOffset;
//! let mut image = formats::open("/mnt/dest/item-1.E01".as_ref())?;
//! let mut first_sector = [0; 512];
//! image.read_at(ByteOffset(0), &mut first_sector)?;
//! for flaw in image.check() {
//!     eprintln!("{flaw}");
//! }
//! # Ok::<(), formats::FormatError>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod aff4;
mod destination;
mod error;
pub mod ewf;
mod file_hash;
mod image;
mod little_endian;
pub mod raw;
mod repeated;
mod segment_files;
mod sniff;
mod state;

pub use error::FormatError;
pub use file_hash::file_hash;
pub use image::{
    ChunkEncoder, DeviceLabel, EncodedChunk, ImageKind, ImagePlan, ImageReader, ImageSummary, ImageWriter,
    MediumKind, Provenance, Segment, WhenFull, create, discard, open_unfinished, resume,
};
pub use sniff::open;
