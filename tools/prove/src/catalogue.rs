//! The catalogue: every known way to change a disk, as tables, written from the standards and from nothing else.

pub(crate) mod ata;
pub(crate) mod block;
pub(crate) mod calls;
pub(crate) mod mmc;
pub(crate) mod mount;
pub(crate) mod nvme;
pub(crate) mod optical;
pub(crate) mod reset;
pub(crate) mod scsi;
pub(crate) mod ufs;
