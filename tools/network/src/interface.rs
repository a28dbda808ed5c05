//! Wired interfaces, as sysfs shows them.

use serde::Serialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the kernel lists them.
pub const SYSFS: &str = "/sys/class/net";

/// `ARPHRD_ETHER` (include/uapi/linux/if_arp.h).
const ETHERNET: &str = "1";

/// `IFF_UP` (include/uapi/linux/if.h).
const UP: u32 = 1;

/// A wired interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// Its name, e.g. `eth0`.
    pub name: String,
    /// Its driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Its hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Whether it can send and receive.
    pub up: bool,
    /// Whether something is at the other end of the cable; not known of an interface that is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cable: Option<bool>,
    /// Speed of the link in Mbit/s, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_mbit: Option<u32>,
    /// Its IPv4 addresses.
    pub addresses: Vec<String>,
}

/// All wired interfaces below `sysfs`, by name, their addresses still unknown.
pub fn list(sysfs: &Path) -> io::Result<Vec<Interface>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(sysfs)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names.iter().filter_map(|name| read(&sysfs.join(name), name)).collect())
}

/// `None` for what is not wired: loops, bridges and tunnels have no device, wireless ones say what they are.
fn read(folder: &Path, name: &str) -> Option<Interface> {
    let is_wireless = ["wireless", "phy80211"].iter().any(|part| folder.join(part).exists());
    if word(folder, "type")? != ETHERNET || is_wireless || !folder.join("device").exists() {
        return None;
    }
    let driver = fs::read_link(folder.join("device/driver")).ok();
    let flags = word(folder, "flags").unwrap_or_default();
    Some(Interface {
        name: name.to_owned(),
        driver: driver.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())),
        mac: word(folder, "address"),
        up: u32::from_str_radix(flags.trim_start_matches("0x"), 16).is_ok_and(|flags| flags & UP != 0),
        cable: cable(folder),
        // The kernel says -1 where there is no link.
        speed_mbit: word(folder, "speed")
            .and_then(|speed| speed.parse().ok())
            .filter(|speed| *speed < u32::MAX),
        addresses: Vec::new(),
    })
}

/// Whether there is a carrier; the kernel does not say of an interface that is down.
fn cable(folder: &Path) -> Option<bool> {
    match word(folder, "carrier")?.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

/// Whether the interface has a carrier now.
pub fn has_carrier(name: &str) -> bool {
    cable(&PathBuf::from(SYSFS).join(name)) == Some(true)
}

fn word(folder: &Path, file: &str) -> Option<String> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(sysfs: &Path, name: &str, files: &[(&str, &str)]) {
        let folder = sysfs.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
    }

    #[test]
    fn wired_interfaces_are_told_from_all_others() {
        let sysfs = tempfile::tempdir().unwrap();
        let sysfs = sysfs.path();
        put(sysfs, "lo", &[("type", "772\n"), ("flags", "0x9\n")]);
        put(sysfs, "docker0", &[("type", "1\n"), ("flags", "0x1003\n")]);
        let wired = [("type", "1\n"), ("flags", "0x1003\n"), ("address", "52:54:00:12:34:56\n")];
        put(sysfs, "eth0", &wired);
        put(sysfs, "eth0", &[("carrier", "1\n"), ("speed", "1000\n")]);
        put(sysfs, "eth1", &[("type", "1\n"), ("flags", "0x1002\n"), ("speed", "-1\n")]);
        put(sysfs, "wlan0", &[("type", "1\n"), ("flags", "0x1003\n")]);
        fs::create_dir_all(sysfs.join("wlan0/phy80211")).unwrap();
        for name in ["eth0", "eth1", "wlan0"] {
            fs::create_dir_all(sysfs.join(name).join("device")).unwrap();
        }
        std::os::unix::fs::symlink("/sys/bus/pci/drivers/e1000e", sysfs.join("eth0/device/driver")).unwrap();

        let found = list(sysfs).unwrap();
        let named: Vec<&str> = found.iter().map(|interface| interface.name.as_str()).collect();
        assert_eq!(named, ["eth0", "eth1"]);
        let (first, second) = (&found[0], &found[1]);
        assert_eq!((first.up, first.cable, first.speed_mbit), (true, Some(true), Some(1000)));
        assert_eq!(first.driver.as_deref(), Some("e1000e"));
        assert_eq!(first.mac.as_deref(), Some("52:54:00:12:34:56"));
        assert_eq!((second.up, second.cable, second.speed_mbit), (false, None, None));
    }
}
