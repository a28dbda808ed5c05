//! The chain of devices from a disk up to its controller, as sysfs nests them, and the transport it tells of.

use evidence::Transport;
use std::path::{Path, PathBuf};

/// Deeper than any chain from a disk to the root of the device tree (hubs nest 7 deep, PCI bridges seldom 10).
const DEEPEST: usize = 40;

/// One device on the way from the disk to the root.
#[derive(Clone, Debug)]
struct Ancestor {
    folder: PathBuf,
    name: String,
    subsystem: Option<String>,
}

/// The devices above a disk, nearest first; the disk itself is the first.
#[derive(Clone, Debug)]
pub(crate) struct Ancestry(Vec<Ancestor>);

impl Ancestry {
    /// Walks up from the disk's own folder (links resolved) to `devices`, the root of the device tree.
    pub(crate) fn of(disk_folder: &Path) -> Self {
        let chain = disk_folder
            .ancestors()
            .take(DEEPEST)
            .take_while(|folder| folder.file_name().is_some_and(|name| name != "devices"))
            .map(|folder| Ancestor {
                folder: folder.to_owned(),
                name: base_name(folder),
                subsystem: std::fs::read_link(folder.join("subsystem")).ok().map(|target| base_name(&target)),
            })
            .collect();
        Self(chain)
    }

    /// The nearest device of a subsystem.
    pub(crate) fn nearest(&self, subsystems: &[&str]) -> Option<&Path> {
        self.0
            .iter()
            .find(|a| a.subsystem.as_deref().is_some_and(|s| subsystems.contains(&s)))
            .map(|a| a.folder.as_path())
    }

    /// The SCSI device: of subsystem `scsi` like its target and host, and the only one of them with an INQUIRY.
    pub(crate) fn scsi_device(&self) -> Option<&Path> {
        self.0
            .iter()
            .find(|a| a.subsystem.as_deref() == Some("scsi") && a.folder.join("model").exists())
            .map(|a| a.folder.as_path())
    }

    /// The USB device (not its interface) the disk hangs on; the hubs above it are not it.
    pub(crate) fn usb_device(&self) -> Option<&Path> {
        self.0
            .iter()
            .find(|a| a.subsystem.as_deref() == Some("usb") && a.folder.join("idVendor").exists())
            .map(|a| a.folder.as_path())
    }

    /// How the disk is attached.
    pub(crate) fn transport(&self) -> Transport {
        if let Some(name) = self.0.first().map(|disk| disk.name.as_str())
            && name.starts_with("loop")
        {
            return Transport::Loop;
        }
        TRANSPORT_RULES
            .iter()
            .find(|(matches, _)| self.0.iter().any(matches))
            .map_or(Transport::Other, |(_, transport)| *transport)
    }
}

/// What tells a transport from one device of the chain.
type Rule = fn(&Ancestor) -> bool;

/// First match wins. A card in a USB reader that speaks MMC is an MMC card; what is a SCSI disk to the kernel may hang on
/// USB, FireWire, UFS or ATA, so these are told before SCSI itself; virtio comes after SCSI, because a virtio-scsi
/// controller has true SCSI disks.
const TRANSPORT_RULES: &[(Rule, Transport)] = &[
    (|a| matches!(a.subsystem.as_deref(), Some("nvme" | "nvme-subsystem")), Transport::Nvme),
    (|a| a.subsystem.as_deref() == Some("mmc"), Transport::Mmc),
    (|a| a.subsystem.as_deref() == Some("usb"), Transport::Usb),
    (|a| a.subsystem.as_deref() == Some("firewire"), Transport::Firewire),
    (|a| scsi_host_driver(a).as_deref() == Some("ufshcd"), Transport::Ufs),
    (|a| is_ata_port(&a.name), Transport::Ata),
    (|a| a.subsystem.as_deref() == Some("scsi"), Transport::Scsi),
    (|a| a.subsystem.as_deref() == Some("virtio"), Transport::Virtio),
    (|a| a.name.starts_with("floppy"), Transport::Floppy),
];

/// Name of the low-level driver of a SCSI host, from its `scsi_host` class device.
fn scsi_host_driver(ancestor: &Ancestor) -> Option<String> {
    if !ancestor.name.starts_with("host") {
        return None;
    }
    crate::sysfs::text(&ancestor.folder.join("scsi_host").join(&ancestor.name).join("proc_name"))
}

/// libata names its ports `ata<N>` (drivers/ata/libata-transport.c); they have no subsystem.
fn is_ata_port(name: &str) -> bool {
    name.strip_prefix("ata").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn base_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
