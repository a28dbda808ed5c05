//! AFF4, the Advanced Forensic Format 4: a ZIP volume of chunks, a map, and metadata.
//!
//! Sources: "AFF4 Standard v1.0" and v1.0a (named *AFF4* in comments below), PKWARE's APPNOTE for ZIP, "Turtle 1.1" of the
//! W3C, and the standard's reference images by Evimetry, which by its own words decide where they differ from it: block
//! hashes in members `00000000.blockHash.md5`, data descriptors, a comment that ends in NUL.
//!
//! Read are disk images of version 1, with their streams in one volume or spread over several; the bytes of ranges
//! that were not read are those that the standard prescribes, unless the container holds a layout with zeros there to
//! which its hashes belong, as those written here do. Images from before the standard, encrypted ones, collections of
//! files (AFF4-L) and maps over maps are refused by name. Not checked is `aff4:imageStreamHash`, which the standard does
//! not define.

mod bevy_writer;
mod case;
mod compression;
mod container;
mod description;
mod encoder;
mod examination;
mod hashes;
mod image_stream;
mod map;
mod map_writer;
mod reader;
mod state;
mod turtle_reader;
mod turtle_writer;
mod vocabulary;
mod volume;
mod writer;
mod zip_layout;
mod zip_reader;
mod zip_writer;

pub use compression::Compression;
pub use reader::Aff4Reader;
pub use writer::Aff4Writer;

/// First four bytes of every volume: a local header of a ZIP file.
pub const SIGNATURE: [u8; 4] = zip_layout::LOCAL_HEADER;
