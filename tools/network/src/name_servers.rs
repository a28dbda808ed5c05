//! The file that says whom to ask for names.

use crate::failure::Failure;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// Where resolvers look (resolv.conf(5)).
pub const FILE: &str = "/etc/resolv.conf";

/// A resolver asks no more.
pub const MOST: usize = 3;

/// Writes the servers that an interface leads to, in place of those that it led to before.
pub fn write(file: &Path, interface: &str, servers: &[Ipv4Addr]) -> Result<(), Failure> {
    if servers.is_empty() {
        remove(file, interface);
        return Ok(());
    }
    let lines: String = servers.iter().take(MOST).map(|server| format!("nameserver {server}\n")).collect();
    fs::write(file, format!("{}{lines}", mark(interface)))
        .map_err(|source| Failure::File { path: PathBuf::from(file), source })
}

/// Removes them, where they are still those of this interface.
pub fn remove(file: &Path, interface: &str) {
    if fs::read_to_string(file).is_ok_and(|text| text.starts_with(&mark(interface))) {
        // A server that is not reached any more does no harm.
        let _ = fs::remove_file(file);
    }
}

fn mark(interface: &str) -> String {
    format!("# pf-net, by {interface}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_go_with_the_interface_that_led_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("resolv.conf");
        write(&file, "eth0", &[Ipv4Addr::new(10, 0, 2, 3), Ipv4Addr::new(192, 0, 2, 53)]).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, "# pf-net, by eth0\nnameserver 10.0.2.3\nnameserver 192.0.2.53\n");
        remove(&file, "eth1");
        assert!(file.exists());
        remove(&file, "eth0");
        assert!(!file.exists());
        write(&file, "eth0", &[Ipv4Addr::new(10, 0, 2, 3)]).unwrap();
        write(&file, "eth1", &[]).unwrap();
        assert!(file.exists());
        write(&file, "eth0", &[]).unwrap();
        assert!(!file.exists(), "servers of a lease that names none any more");
    }
}
