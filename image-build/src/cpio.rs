//! Writes the archive that the kernel unpacks as its first file system: cpio, "new ASCII" format without checksums,
//! as Documentation/driver-api/early-userspace/buffer-format.rst of the kernel describes it.
//!
//! Owner, times and inode numbers are fixed and entries sorted, so that the same content gives the same bytes.

use crate::error::{Result, XtaskError};
use std::collections::BTreeMap;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A folder.
    Folder,
    /// A file with its permissions.
    File {
        /// Permission bits, e.g. `0o755`.
        mode: u32,
        /// Content.
        content: Vec<u8>,
    },
    /// A symbolic link to this target.
    Link(String),
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

/// A tree of nodes by path; paths have no leading slash.
#[derive(Debug, Default)]
pub struct Archive {
    nodes: BTreeMap<String, Node>,
}

impl Archive {
    /// Puts a node in, and the folders above it.
    pub fn put(&mut self, path: &str, node: Node) {
        for (at, _) in path.match_indices('/') {
            if let Some(folder) = path.get(..at) {
                self.nodes.entry(folder.to_owned()).or_insert(Node::Folder);
            }
        }
        self.nodes.insert(path.to_owned(), node);
    }

    /// The files in it with their content, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::File { content, .. } => Some((path.as_str(), content.as_slice())),
            _ => None,
        })
    }

    /// The archive's bytes; every file bears `time`, in seconds since 1970.
    pub fn to_bytes(&self, time: u32) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (inode, (path, node)) in (1..).zip(&self.nodes) {
            put_entry(&mut bytes, inode, path, node, time)?;
        }
        put_entry(&mut bytes, 0, "TRAILER!!!", &Node::File { mode: 0, content: Vec::new() }, 0)?;
        Ok(bytes)
    }
}

fn put_entry(bytes: &mut Vec<u8>, inode: u32, path: &str, node: &Node, time: u32) -> Result<()> {
    const FOLDER: u32 = 0o040_755;
    const FILE: u32 = 0o100_000;
    const LINK: u32 = 0o120_777;
    const CHAR_DEVICE: u32 = 0o020_600;

    let (mode, content, device): (u32, &[u8], (u32, u32)) = match node {
        Node::Folder => (FOLDER, &[], (0, 0)),
        // The trailer has no type at all.
        Node::File { mode: 0, content } => (0, content, (0, 0)),
        Node::File { mode, content } => (FILE | mode, content, (0, 0)),
        Node::Link(target) => (LINK, target.as_bytes(), (0, 0)),
        Node::CharDevice { major, minor } => (CHAR_DEVICE, &[], (*major, *minor)),
    };
    let too_long = || XtaskError::Unfit(format!("{path} is too large for a cpio archive"));
    let size = u32::try_from(content.len()).map_err(|_| too_long())?;
    let name_size = u32::try_from(path.len().saturating_add(1)).map_err(|_| too_long())?;

    bytes.extend(b"070701");
    let links = 1;
    for field in [inode, mode, 0, 0, links, time, size, 0, 0, device.0, device.1, name_size, 0] {
        bytes.extend(format!("{field:08X}").bytes());
    }
    bytes.extend(path.as_bytes());
    bytes.push(0);
    pad(bytes);
    bytes.extend(content);
    pad(bytes);
    Ok(())
}

/// Names and contents end on a multiple of four bytes.
fn pad(bytes: &mut Vec<u8>) {
    while !bytes.len().is_multiple_of(4) {
        bytes.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn example() -> Archive {
        let mut archive = Archive::default();
        archive.put("etc/motd", Node::File { mode: 0o644, content: b"hello".to_vec() });
        archive.put("bin/sh", Node::Link("busybox".to_owned()));
        archive.put("dev/console", Node::CharDevice { major: 5, minor: 1 });
        archive
    }

    #[test]
    fn cpio_itself_lists_what_was_put_in() {
        let bytes = example().to_bytes(0).unwrap();
        let mut cpio = Command::new("busybox")
            .args(["cpio", "-tv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("busybox (package busybox-static)");
        cpio.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = cpio.wait_with_output().unwrap();
        assert!(output.status.success());
        let listing = String::from_utf8(output.stdout).unwrap();
        let names: Vec<&str> = listing.lines().filter_map(|l| l.split_whitespace().nth(5)).collect();
        for expected in ["bin", "dev", "etc", "etc/motd"] {
            assert!(names.contains(&expected), "{expected} is not in {listing}");
        }
        assert!(listing.contains("bin/sh -> busybox"), "{listing}");
        assert!(listing.contains("crw-------"), "{listing}");
    }

    #[test]
    fn the_order_of_putting_in_does_not_matter() {
        let mut other = Archive::default();
        other.put("dev/console", Node::CharDevice { major: 5, minor: 1 });
        other.put("bin/sh", Node::Link("busybox".to_owned()));
        other.put("etc/motd", Node::File { mode: 0o644, content: b"hello".to_vec() });
        assert_eq!(other.to_bytes(7).unwrap(), example().to_bytes(7).unwrap());
    }
}
