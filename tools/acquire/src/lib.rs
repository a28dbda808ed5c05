//! The imaging pipeline: one read of the source, handed to hashes and to the image at the same time.
//!
//! What it is: reading with fall-back to single sectors ([`block_reader`]), hashing, compressing and writing in parallel
//! with a fixed amount of memory ([`pipeline`]), and reading the finished image back the same way. What it is not: a
//! format (those are in `formats`) or a screen (that is in `pf-acquire`).
//! Who calls it: `pf-acquire`.
//!
//! Where a medium fails, [`treatment`] says what is done about a part that can't be read, [`patient_medium`] outlives reads
//! that hang, and [`rescue`] recovers in several passes, as GNU ddrescue does and with its map file.
//!
//! An acquisition that was cut off goes on from its last [`checkpoint`], which a [`sidecar`] beside the image keeps.
//!
//! [`disk_writer`] writes a medium onto another disk in place of an image. It is the only part that opens a device for writing.
//!
//! Memory: what [`pipeline::Limits`] says, whatever the source.
#![forbid(unsafe_code)]

// The modules of the program name the pipeline as other programs do.
extern crate self as acquire;

mod block;
pub mod block_reader;
pub mod checkpoint;
pub mod disk_writer;
pub mod durable_text;
mod hashing;
mod leaves;
pub mod medium;
pub mod patient_medium;
mod pf_acquire;
pub mod pipeline;
pub mod progress;
mod reading;
pub mod rescue;
pub mod sidecar;
pub mod stop;
mod storing;
pub mod stretch;
pub mod treatment;

pub use block::BLOCK_SIZE;

/// The command line of `pf-acquire`, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    pf_acquire::command()
}

/// The program `pf-acquire`: does what the command line of this process says, and tells how it went.
#[must_use]
pub fn program() -> std::process::ExitCode {
    pf_acquire::program()
}
