//! Bounded reads of kernel attributes. sysfs is trusted to be the kernel's, but what devices put into it is not.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No attribute is longer than a page; binary VPD pages reach 64 KiB at most (SPC-5: 16-bit page length).
const LONGEST_ATTRIBUTE: u64 = 65_540;

/// Where sysfs and the device nodes are: `/sys` and `/dev`, or a fixture's folders.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    pub(crate) sys: PathBuf,
    pub(crate) dev: PathBuf,
}

impl Roots {
    pub(crate) fn system() -> Self {
        Self { sys: "/sys".into(), dev: "/dev".into() }
    }
}

/// The bytes of an attribute; `None` where it is absent or gives an error, which is how sysfs says "not known".
pub(crate) fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path).ok()?.take(LONGEST_ATTRIBUTE).read_to_end(&mut content).ok()?;
    Some(content)
}

/// A text attribute as [`printable`] shows it; `None` also when nothing but white space is in it.
pub(crate) fn text(path: &Path) -> Option<String> {
    printable(&bytes(path)?)
}

/// A decimal attribute.
pub(crate) fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

/// An attribute of `0` or `1`.
pub(crate) fn flag(path: &Path) -> Option<bool> {
    number(path).map(|n| n != 0)
}

/// One value of an `uevent` attribute.
pub(crate) fn uevent_value(folder: &Path, key: &str) -> Option<String> {
    let content = String::from_utf8_lossy(&bytes(&folder.join("uevent"))?).into_owned();
    content.lines().find_map(|line| printable(line.strip_prefix(key)?.strip_prefix('=')?.as_bytes()))
}

/// Text of a device in the form the kernel's guard compares: it ends at the first NUL, white space at both ends is cut,
/// every byte that is no printable ASCII becomes `?`. `None` when nothing is left.
pub(crate) fn printable(raw: &[u8]) -> Option<String> {
    let text = raw.split(|&b| b == 0).next()?.trim_ascii();
    let shown: String =
        text.iter().map(|&b| if b.is_ascii_graphic() || b == b' ' { char::from(b) } else { '?' }).collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_says_cannot_reach_the_terminal_raw() {
        assert_eq!(printable(b"  \x1b[2JS3RIAL\xff \n\0rest"), Some("?[2JS3RIAL?".to_owned()));
        assert_eq!(printable(b" \n\t"), None);
        assert_eq!(printable(b""), None);
    }
}
