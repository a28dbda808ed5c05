//! Every door through which a program can send a command to a disk: one typed call each, and what the system answered.
//!
//! What it is: SCSI commands (SG_IO version 3 on block and sg nodes, version 4 on bsg nodes), NVMe commands (ioctl and
//! io_uring), MMC commands, usbfs, ATA commands by HDIO ioctls, the block layer's own ways to write, discard, zero,
//! reserve, lock and unlock, what can be laid on top of a disk (loop, device mapper, md, file systems), and resets. An [`Answer`] keeps what came back: errno, SCSI status and sense, NVMe status, MMC response.
//! What it is not: it knows no command, decides nothing and asks nobody. It is **the one crate that can change a disk**;
//! beside `device`, which opens nothing for writing, it is the only one with `unsafe` code. Who calls it: `pf-prove`, on
//! scratch disks, and nothing that ever sees evidence.
//!
//! ```no_run
//! use passthrough::{Access, Data, Node, scsi};
//! let disk = Node::open("/dev/sg0".as_ref(), Access::ReadWrite)?;
//! let answer = scsi::send_v3(&disk, &[0x2A, 0, 0, 0, 0, 0, 0, 0, 1, 0], Data::Out(&[0; 512]), scsi::SECONDS_10);
//! println!("WRITE (10): {answer}");
//! # Ok::<(), std::io::Error>(())
//! ```

mod answer;
pub mod block;
pub mod floppy;
pub mod hdio;
pub mod loop_device;
pub mod mapper;
pub mod mmc;
pub mod mounted;
mod node;
pub mod nvme;
pub mod opal;
pub mod raid;
pub mod reservation;
pub mod ring;
pub mod scsi;
pub mod usb;

pub use answer::{Answer, Outcome, errno_name};
pub use device::Sense;
pub use node::{Access, Data, Node};
