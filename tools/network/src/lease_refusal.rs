//! Why a lease that came was not used: what udhcpc's program says goes nowhere, so it leaves it here for `up` to tell.

use crate::account::clipped;
use crate::failure::Failure;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of a reason that are read: no text as long as one of the account may be has more.
const MOST_BYTES: u64 = 2048;

fn file(folder: &Path, interface: &str) -> PathBuf {
    folder.join(format!("udhcpc-{interface}.refused"))
}

/// Leaves the reason behind where a lease was not used, in place of the one before.
pub fn left(folder: &Path, interface: &str, done: Result<(), Failure>) -> Result<(), Failure> {
    if let Err(failure) = &done {
        // The failure itself goes on; without a place for it nothing more is known than that there was one.
        let _ = fs::write(file(folder, interface), clipped(failure));
    }
    done
}

/// Removes what an earlier time left.
pub fn forget(folder: &Path, interface: &str) {
    // Where there was none, nothing is to be done.
    let _ = fs::remove_file(file(folder, interface));
}

/// The last reason that was left.
pub fn last(folder: &Path, interface: &str) -> String {
    let mut bytes = Vec::new();
    let read =
        File::open(file(folder, interface)).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(1..) => clipped(String::from_utf8_lossy(&bytes)),
        _ => "its address could not be set, or not be written down".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(what: &'static str) -> Result<(), Failure> {
        Err(Failure::LeaseWithout { interface: "eth0".into(), what })
    }

    #[test]
    fn why_a_lease_is_not_used_is_told_by_who_asked_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let unknown = "its address could not be set, or not be written down";
        assert_eq!(last(folder, "eth0"), unknown);
        assert!(left(folder, "eth0", Ok(())).is_ok());
        assert_eq!(last(folder, "eth0"), unknown);
        assert!(left(folder, "eth0", refused("an address")).is_err());
        assert!(left(folder, "eth0", refused("a network mask")).is_err());
        assert_eq!(last(folder, "eth0"), "eth0: a lease without a network mask");
        assert_eq!(last(folder, "eth1"), unknown, "of another interface");
        forget(folder, "eth0");
        assert_eq!(last(folder, "eth0"), unknown, "of an earlier time");
        assert!(left(&folder.join("none"), "eth0", refused("an address")).is_err());
    }

    #[test]
    fn a_reason_is_short_and_moves_no_cursor() {
        let folder = tempfile::tempdir().unwrap();
        let long = "\u{1b}[2J漢".repeat(10_000);
        let clean = |text: &str| text.chars().count() <= 300 && !text.contains(char::is_control);
        assert!(left(folder.path(), "eth0", Err(Failure::NoSuchInterface(long.clone()))).is_err());
        let kept = fs::read_to_string(file(folder.path(), "eth0")).unwrap();
        assert!(clean(&kept), "{kept}");
        for foreign in [long.as_bytes(), b"\xff\x1b[2J\0"] {
            fs::write(file(folder.path(), "eth0"), foreign).unwrap();
            let told = last(folder.path(), "eth0");
            assert!(clean(&told), "{told}");
        }
    }
}
