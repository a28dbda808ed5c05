//! What the network of this machine is: by the kernel's list of interfaces, whoever brought one up; and what `pf-net` says that
//! it did in this boot.

use record::{Network, NetworkState};
use serde_json::Value;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// `IFF_UP` and `IFF_LOOPBACK` (include/uapi/linux/if.h).
const UP: u32 = 1;
const LOOP: u32 = 8;

/// Interfaces that are named.
const MOST_INTERFACES: usize = 32;

/// Bytes of an account that are taken; a line of a record holds four times as many.
const MOST_BYTES: u64 = 256 << 10;

/// An account is an object with a list of objects with lists of texts: one that goes deeper could not be read in a record.
const DEEPEST: u32 = 5;

/// Where `pf-net` keeps its account of this boot: in memory.
const ACCOUNT: &str = "/run/permafrost/network.json";

/// As it is now.
pub fn of_this_machine() -> Option<Network> {
    told(Path::new("/sys/class/net"), Path::new(ACCOUNT))
}

/// By what is below `class`, `/sys/class/net`, and the account at `account`; `None` where the kernel shows no interfaces.
fn told(class: &Path, account: &Path) -> Option<Network> {
    let mut up = Vec::new();
    for entry in fs::read_dir(class).ok()?.flatten() {
        let flags = fs::read_to_string(entry.path().join("flags")).unwrap_or_default();
        let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).unwrap_or(0);
        if flags & (UP | LOOP) == UP && up.len() < MOST_INTERFACES {
            up.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    up.sort();
    let state = if up.is_empty() { NetworkState::Off } else { NetworkState::On };
    let (account, account_problem) = match read(account) {
        Ok(account) => (account, None),
        Err(problem) => (None, Some(problem)),
    };
    Some(Network { state, up, account, account_problem })
}

fn read(path: &Path) -> Result<Option<Value>, String> {
    let mut bytes = Vec::new();
    match fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
        Ok(_) => {}
    }
    match serde_json::from_slice(&bytes) {
        Ok(account) if is_shallow(&account, DEEPEST) => Ok(Some(account)),
        _ => Err("not an account that pf-net wrote".to_owned()),
    }
}

fn is_shallow(value: &Value, levels: u32) -> bool {
    let Some(below) = levels.checked_sub(1) else { return false };
    match value {
        Value::Array(parts) => parts.iter().all(|part| is_shallow(part, below)),
        Value::Object(parts) => parts.values().all(|part| is_shallow(part, below)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(interfaces: &[(&str, &str)], account: Option<&str>) -> Network {
        let folder = tempfile::tempdir().unwrap();
        let (class, file) = (folder.path().join("net"), folder.path().join("network.json"));
        fs::create_dir(&class).unwrap();
        for (name, flags) in interfaces {
            fs::create_dir(class.join(name)).unwrap();
            fs::write(class.join(name).join("flags"), flags).unwrap();
        }
        if let Some(text) = account {
            fs::write(&file, text).unwrap();
        }
        told(&class, &file).unwrap()
    }

    #[test]
    fn the_network_is_on_when_an_interface_is_up_whoever_brought_it_up() {
        let off = of(&[("lo", "0x9\n"), ("eth0", "0x1002\n"), ("eth1", "")], None);
        assert_eq!((off.state, off.up.len(), &off.account), (NetworkState::Off, 0, &None));
        assert_eq!(serde_json::to_string(&off).unwrap(), r#"{"state":"off"}"#);
        let on =
            of(&[("lo", "0x9\n"), ("wlan0", "0x1003\n"), ("eth0", "0x1003\n"), ("eth1", "0x1002\n")], None);
        assert_eq!(serde_json::to_string(&on).unwrap(), r#"{"state":"on","up":["eth0","wlan0"]}"#);
        let nowhere = Path::new("/nowhere");
        assert_eq!(told(nowhere, nowhere), None);
    }

    #[test]
    fn the_account_is_taken_as_it_is_and_what_is_none_is_said_to_be_so() {
        let text = r#"{"acts":[{"act":"up","name_servers":["10.0.2.3"]}],"omitted":0}"#;
        let good = of(&[], Some(text));
        assert_eq!(good.account.unwrap().to_string(), text);
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for bad in ["", "{", "\u{0}", &deep, &"[".repeat(300_000)] {
            let told = of(&[], Some(bad));
            assert_eq!(told.account, None);
            assert_eq!(told.account_problem.as_deref(), Some("not an account that pf-net wrote"));
        }
    }
}
