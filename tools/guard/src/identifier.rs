//! What the kernel knows a disk by.

use crate::GuardError;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::Path;

/// Kind of an identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IdentifierKind {
    /// Serial number of the disk itself.
    Serial,
    /// Serial string of the USB device it hangs on.
    UsbSerial,
    /// World-wide identifier.
    Wwid,
    /// Card identification register.
    Cid,
    /// A kind that a later guard added.
    Other(String),
}

/// One identifier of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Identifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// Its value: printable ASCII, `?` for every other byte.
    pub value: String,
}

impl Identifier {
    /// True for those that name a disk when it is allowed as a destination.
    #[must_use]
    pub fn is_serial(&self) -> bool {
        matches!(self.kind, IdentifierKind::Serial | IdentifierKind::UsbSerial)
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdentifierKind::Serial => "serial",
            IdentifierKind::UsbSerial => "usb-serial",
            IdentifierKind::Wwid => "wwid",
            IdentifierKind::Cid => "cid",
            IdentifierKind::Other(word) => word,
        })
    }
}

impl Serialize for IdentifierKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.value)
    }
}

/// Reads a file of lines `<kind> <value>`.
pub(crate) fn parse_list(path: &Path) -> Result<Vec<Identifier>, GuardError> {
    let text = crate::read_trimmed(path)?;
    text.lines()
        .map(|line| {
            let unintelligible =
                || GuardError::Unintelligible { path: path.to_owned(), text: line.to_owned() };
            let (word, value) = line.split_once(' ').ok_or_else(unintelligible)?;
            let kind = match word {
                "serial" => IdentifierKind::Serial,
                "usb-serial" => IdentifierKind::UsbSerial,
                "wwid" => IdentifierKind::Wwid,
                "cid" => IdentifierKind::Cid,
                other => IdentifierKind::Other(other.to_owned()),
            };
            Ok(Identifier { kind, value: value.to_owned() })
        })
        .collect()
}
