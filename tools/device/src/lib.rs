//! Disks as this machine has them: what is attached, what it says it is, what lies on it, and reads past the page cache.
//!
//! What it is: the inventory from sysfs ([`inventory`]), recognition of file systems and encryption by their first and
//! last sectors ([`signature`]), aligned direct reads ([`direct`]), a warning where a controller hides disks
//! ([`hidden_disks`]), what each disk says of hidden areas, locks and health ([`self_report`]), and what the TPM says of the start ([`tpm`]).
//! What it is not: it opens no
//! device for writing (there is no code in it that could), sends no command but those of one closed list that only ask,
//! and knows nothing of the kernel's evidence guard beyond a cross-check of serial numbers.
//! Who calls it: `pf-devices`, `pf-guard`, `pf-acquire` and `pf-prove`. Beside `passthrough`, which holds every command that can
//! change a disk and which only `pf-prove` links, it is the only crate that may hold `unsafe` code.
//!
//! ```no_run
//! for disk in device::inventory::list()? {
//!     println!("{} {}", disk.identity.path, disk.identity.capacity);
//! }
//! # Ok::<(), device::DeviceError>(())
//! ```

mod aligned_buffer;
mod ancestry;
pub mod description;
pub mod direct;
pub mod foreign_sectors;
pub mod hidden_disks;
mod identification;
pub mod inventory;
mod presence;
pub mod self_report;
mod sense;
pub mod signature;
mod sysfs;
pub mod tpm;
mod vpd;

pub use aligned_buffer::{AlignedBuffer, BufferError};
pub use direct::{DirectError, DirectFile, ReadMode};
pub use hidden_disks::HiddenDisks;
pub use inventory::{DeviceError, Disk, NodeNumber, Partition};
pub use sense::{AtaRegisters, Sense};
pub use signature::{Kind, Signature, SignatureReport};

#[cfg(test)]
mod machine_fixture;
