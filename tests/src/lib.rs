//! Test equipment: boots Permafrost in the emulator, tries to change disks in it, and judges from outside.
//!
//! What it is: an emulator with chosen disk models, a root shell on its serial port, and the oracle, which knows
//! nothing of the evidence guard: it hashes the disk images before and after, asks the emulator how many writes each
//! disk took, and reads the emulator's own trace of the commands that the disk models received.
//! What it is not: part of any image or tool. Nothing here runs on evidence, and no agent of it runs in the guest.
//! Who calls it: the tests in `tests/tests/`, and `cargo xtask demo` through [`demo::run`].
//!
//! ```no_run
//! use harness::{artifacts::Artifacts, demo};
//! let outcome = demo::run(&Artifacts::of_this_build(), &demo::Options::default())?;
//! std::process::exit(if outcome.as_it_should_be { 0 } else { 1 });
//! # Ok::<(), harness::HarnessError>(())
//! ```
#![forbid(unsafe_code)]
// Test equipment: a panic here fails a test and reaches no evidence, so the lints of the tools would only add noise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

pub mod artifacts;
pub mod attempts;
pub mod bench;
pub mod command_tables;
pub mod console_face;
pub mod demo;
pub mod disk_device;
pub mod emulator;
mod error;
pub mod evidence_disk;
pub mod flight_recorder;
pub mod guest;
pub mod hanging_disk;
pub mod host_program;
pub mod image_check;
pub mod network_card;
pub mod oracle;
pub mod prover;
pub mod python_venv;
pub mod qmp;
pub mod raw_attempts;
pub mod screen;
pub mod serial_shell;
mod socket;
pub mod software_tpm;
pub mod start_time;
pub mod time_server;
pub mod time_stamp_authority;
pub mod toolbox;
pub mod trace;
pub mod usb_redirection;
pub mod usb_stick;
pub mod variable_store;
pub mod worsening_disk;

pub use error::{Doing, HarnessError};

/// What every fallible step of the equipment returns.
pub type Result<T> = std::result::Result<T, HarnessError>;
