//! Device mapper, linux/dm-ioctl.h: a device of its own on top of a disk, as LVM makes one of each volume.

use crate::node::{Access, Node, Request};
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CREATE: Request = nix::request_code_readwrite!(0xFD, 3, HEADER);
const REMOVE: Request = nix::request_code_readwrite!(0xFD, 4, HEADER);
const SUSPEND: Request = nix::request_code_readwrite!(0xFD, 6, HEADER);
const TABLE_LOAD: Request = nix::request_code_readwrite!(0xFD, 9, HEADER);
/// `DM_VERSION_MAJOR`; minor 0 is the oldest that every kernel since 2.6 takes.
const VERSION: [u32; 3] = [4, 0, 0];
/// `sizeof(struct dm_ioctl)`.
const HEADER: usize = 312;
/// `sizeof(struct dm_target_spec)`.
const TARGET: usize = 40;
/// Header, one target and its parameters.
const LENGTH: usize = HEADER + TARGET + 64;
const CONTROL: &str = "/dev/mapper/control";

/// What is sent and what comes back: `struct dm_ioctl`, one `struct dm_target_spec`, its parameters.
#[repr(C, align(8))]
struct Message([u8; LENGTH]);

/// A linear device over a whole block device; it is taken away when dropped.
#[derive(Debug)]
pub struct LinearDevice {
    control: Node,
    name: String,
    node: Node,
}

impl LinearDevice {
    /// Lays a linear device named `name` over the block device `below`, writable.
    ///
    /// # Errors
    /// As the kernel answers; `NotFound` where it has no device mapper.
    pub fn over(below: &Node, name: &str) -> io::Result<Self> {
        let sectors = below.size()? / 512;
        let device = below.file().metadata()?.rdev();
        let (major, minor) = (libc::major(device), libc::minor(device));
        let control = Node::open(Path::new(CONTROL), Access::ReadWrite)?;
        let created = call(&control, CREATE, &mut Message::new(name))?;
        let table = Message::new(name).with_linear_target(sectors, &format!("{major}:{minor} 0"));
        let made = call(&control, TABLE_LOAD, &mut { table })
            .and_then(|_| call(&control, SUSPEND, &mut Message::new(name)))
            .and_then(|_| open_soon(&PathBuf::from(format!("/dev/dm-{}", libc::minor(created)))));
        match made {
            Ok(node) => Ok(Self { control, name: name.to_owned(), node }),
            Err(error) => {
                let _ = call(&control, REMOVE, &mut Message::new(name));
                Err(error)
            }
        }
    }

    /// Its node, open.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }
}

impl Drop for LinearDevice {
    fn drop(&mut self) {
        // An open node holds the device: it is given up first.
        if let Ok(null) = Node::open(Path::new("/dev/null"), Access::ReadOnly) {
            self.node = null;
        }
        // Whoever was told of the new device may be looking at it just now.
        for _ in 0..20 {
            match call(&self.control, REMOVE, &mut Message::new(&self.name)) {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                _ => return,
            }
        }
    }
}

/// The node of a new device takes the system a moment.
fn open_soon(path: &Path) -> io::Result<Node> {
    for _ in 0..40 {
        match Node::open_as_far_as_possible(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::thread::sleep(Duration::from_millis(25));
            }
            other => return other,
        }
    }
    Node::open_as_far_as_possible(path)
}

/// Sends a message; the answer is the device number in it.
fn call(control: &Node, request: Request, message: &mut Message) -> io::Result<libc::dev_t> {
    // SAFETY: these requests read and write `struct dm_ioctl` and what follows it, as far as its field data_size says, and that
    // is the length of the whole message.
    unsafe { control.ioctl_structure(request, message) }?;
    let number: [u8; 8] = message.0.get(40..48).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    Ok(huge_decoded(u64::from_le_bytes(number)))
}

/// `huge_decode_dev` of the kernel: minor in bits 7:0 and 31:20, major in bits 19:8.
fn huge_decoded(number: u64) -> libc::dev_t {
    let low = |value: u64| u32::try_from(value & 0xFFFF_FFFF).unwrap_or(0);
    libc::makedev(low((number & 0xF_FF00) >> 8), low((number & 0xFF) | ((number >> 12) & 0xF_FF00)))
}

impl Message {
    fn new(name: &str) -> Self {
        let mut message = Message([0; LENGTH]);
        for (index, number) in VERSION.into_iter().enumerate() {
            message.put(index.saturating_mul(4), &number.to_le_bytes());
        }
        message.put_u32(12, LENGTH);
        message.put_u32(16, HEADER);
        // Room for the terminating zero: names have 128 bytes.
        message.put(48, name.as_bytes().get(..name.len().min(127)).unwrap_or_default());
        message
    }

    fn with_linear_target(mut self, sectors: u64, parameters: &str) -> Self {
        self.put_u32(20, 1);
        self.put(HEADER + 8, &sectors.to_le_bytes());
        self.put_u32(HEADER + 20, LENGTH - HEADER);
        self.put(HEADER + 24, b"linear");
        self.put(HEADER + TARGET, parameters.as_bytes().get(..parameters.len().min(63)).unwrap_or_default());
        self
    }

    fn put_u32(&mut self, at: usize, value: usize) {
        self.put(at, &u32::try_from(value).unwrap_or(0).to_le_bytes());
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and places as a C compiler gives them for linux/dm-ioctl.h on x86-64.
    #[test]
    fn the_message_is_laid_out_as_the_kernels_header_says() {
        for (request, number) in [(CREATE, "c138fd03"), (TABLE_LOAD, "c138fd09"), (SUSPEND, "c138fd06")] {
            assert_eq!(format!("{request:08x}"), number);
        }
        let message = Message::new("pf-prove").with_linear_target(2048, "8:0 0").0;
        assert_eq!(message[..12], [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(message[48..57], *b"pf-prove\0");
        assert_eq!((message[16], message[17], message[20]), (56, 1, 1), "data_start 312, one target");
        assert_eq!(message[HEADER + 8..HEADER + 16], 2048_u64.to_le_bytes());
        assert_eq!(message[HEADER + 24..HEADER + 31], *b"linear\0");
        assert_eq!(message[HEADER + 40..HEADER + 46], *b"8:0 0\0");
    }

    #[test]
    fn a_device_number_is_read_as_the_kernel_packs_it() {
        let number = huge_decoded(0x0010_FD02);
        assert_eq!((libc::major(number), libc::minor(number)), (253, 258));
    }
}
