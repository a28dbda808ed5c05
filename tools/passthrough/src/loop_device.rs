//! A loop device on top of a disk, as a way to write to it.

use crate::node::{Access, Node, Request};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

// linux/loop.h
const LOOP_SET_FD: Request = 0x4C00;
const LOOP_CLR_FD: Request = 0x4C01;
const LOOP_SET_DIRECT_IO: Request = 0x4C08;
const LOOP_SET_BLOCK_SIZE: Request = 0x4C09;
const LOOP_CTL_GET_FREE: Request = 0x4C82;

/// A loop device that is let go when dropped.
#[derive(Debug)]
pub struct LoopDevice {
    node: Node,
}

impl LoopDevice {
    /// Puts a free loop device on top of `backing`; it is writable only if that was opened for writing.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn on(backing: &Node) -> io::Result<Self> {
        let control = Node::open(Path::new("/dev/loop-control"), Access::ReadWrite)?;
        let number = control.ioctl_value(LOOP_CTL_GET_FREE, 0)?;
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let node = Node::open_as_far_as_possible(&path)?;
        let descriptor = u64::try_from(backing.file().as_raw_fd()).map_err(io::Error::other)?;
        node.ioctl_value(LOOP_SET_FD, descriptor)?;
        let mut device = Self { node };
        // Not every backing device can; then the loop device goes through the page cache and is flushed as well.
        let _ = device.node.ioctl_value(LOOP_SET_DIRECT_IO, 1);
        // It had to be open for writing until now. Some kernels mount nothing that anybody has open so.
        device.node = Node::open(&path, Access::ReadOnly)?;
        Ok(device)
    }

    /// The same with sectors of `bytes` bytes.
    ///
    /// # Errors
    /// As the kernel answers.
    pub fn with_sectors(backing: &Node, bytes: usize) -> io::Result<Self> {
        let device = Self::on(backing)?;
        if bytes != 512 {
            let bytes = u64::try_from(bytes).map_err(io::Error::other)?;
            device.node.ioctl_value(LOOP_SET_BLOCK_SIZE, bytes)?;
        }
        Ok(device)
    }

    /// Its node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        let _ = self.node.ioctl_value(LOOP_CLR_FD, 0);
    }
}
