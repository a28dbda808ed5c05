//! EWF-E01, the Expert Witness Compression Format as EnCase, FTK Imager, linen and libewf write it.
//!
//! Sources: libyal's "Expert Witness Compression Format specification" (named *EWF* in comments below), and images made
//! by those programs. Written is the layout of EnCase 6; read is every E01 since EnCase 1, and SMART's S01. Logical (L01)
//! and version 2 (Ex01) files are not read.
//!
//! | layout of the first segment | of the others |
//! |---|---|
//! | file header, header2 twice, header, volume | file header, data |
//! | sectors, table, table2, again and again | the same |
//! | `next`; in the last segment: data (one segment only), error2, digest, hash, `done` | the same |

mod adler;
mod chunk;
mod container;
mod deflate;
mod error_table;
mod examination;
mod hash_sections;
mod header;
mod huffman;
mod layout;
mod reader;
mod section;
mod segment_names;
mod state;
mod stored_form;
mod table;
mod volume;
mod writer;

use evidence::{ExtentSet, SectorSize};

pub use header::{carried_text, carried_version};
pub use reader::EwfReader;
pub use writer::EwfWriter;
pub(crate) use writer::{names_from, random_identifier};

/// The form in which unread ranges travel in an E01: widened to whole sectors, and without what lies beyond sector
/// 4 294 967 295, which the error table cannot number.
#[must_use]
pub fn carried_ranges(unread: &ExtentSet, sector_size: SectorSize) -> ExtentSet {
    error_table::carried(unread, sector_size)
}

/// First eight bytes of every segment file (EWF, "File header").
pub const SIGNATURE: [u8; 8] = *b"EVF\x09\x0d\x0a\xff\x00";

/// The file header: signature, 0x01, segment number, two zero bytes.
const FILE_HEADER: u64 = 13;
