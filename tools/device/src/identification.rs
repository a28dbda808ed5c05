//! Make, model, serial, WWN and firmware of a disk, from wherever its transport keeps them.

use crate::ancestry::Ancestry;
use crate::sysfs::{bytes, text};
use crate::vpd;
use std::path::Path;

/// What a disk says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identification {
    pub(crate) make: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) wwn: Option<String>,
    pub(crate) firmware: Option<String>,
    /// Serial string of the USB device, which on a dock or bridge is not the disk's own.
    pub(crate) usb_serial: Option<String>,
}

/// Collects what sysfs holds of the disk in `folder`.
pub(crate) fn identification(folder: &Path, ancestry: &Ancestry) -> Identification {
    let mut found = if let Some(scsi) = ancestry.scsi_device() {
        of_scsi(scsi)
    } else if let Some(controller) = ancestry.nearest(&["nvme", "nvme-subsystem"]) {
        of_nvme(folder, controller)
    } else if let Some(card) = ancestry.nearest(&["mmc"]) {
        of_mmc(card)
    } else {
        // virtio-blk has nothing but its id (virtio 1.2 §5.2.6, VIRTIO_BLK_T_GET_ID).
        Identification { serial: text(&folder.join("serial")), ..Identification::default() }
    };
    if let Some(usb) = ancestry.usb_device() {
        found.usb_serial = text(&usb.join("serial"));
        found.serial = found.serial.or_else(|| found.usb_serial.clone());
        found.make = found.make.or_else(|| text(&usb.join("manufacturer")));
        found.model = found.model.or_else(|| text(&usb.join("product")));
    }
    found
}

fn of_scsi(device: &Path) -> Identification {
    let ata =
        bytes(&device.join("vpd_pg89")).and_then(|page| vpd::ata_information(&page)).unwrap_or_default();
    let serial = bytes(&device.join("vpd_pg80")).and_then(|page| vpd::unit_serial(&page));
    Identification {
        // "ATA" in the vendor field says that SAT translates (SAT-4 §10.1.2), not who made the disk.
        make: text(&device.join("vendor")).filter(|vendor| vendor != "ATA"),
        model: ata.model.or_else(|| text(&device.join("model"))),
        serial: serial.or(ata.serial),
        // FireWire bridges have no VPD page 83h, but the bus gives each unit an EUI-64 (ieee1394_id).
        wwn: text(&device.join("wwid")).or_else(|| text(&device.join("ieee1394_id"))),
        firmware: ata.firmware.or_else(|| text(&device.join("rev"))),
        usb_serial: None,
    }
}

fn of_nvme(namespace: &Path, controller: &Path) -> Identification {
    Identification {
        make: None,
        model: text(&controller.join("model")),
        serial: text(&controller.join("serial")),
        // Where a namespace has neither EUI-64 nor NGUID nor UUID, the kernel makes up "nvme.<vendor>-<serial>-…".
        wwn: text(&namespace.join("wwid")).filter(|wwid| !wwid.starts_with("nvme.")),
        firmware: text(&controller.join("firmware_rev")),
        usb_serial: None,
    }
}

fn of_mmc(card: &Path) -> Identification {
    Identification {
        // The maker is a number that the SD and JEDEC associations assign; there is no public list to name it from.
        make: text(&card.join("manfid")).map(|id| format!("manfid {id}")),
        model: text(&card.join("name")),
        serial: text(&card.join("serial")).or_else(|| text(&card.join("cid"))),
        wwn: None,
        firmware: text(&card.join("fwrev")),
        usb_serial: None,
    }
}
