//! Disks that a controller hides from every program.
//!
//! In Intel's RAID (RST, Optane) mode the AHCI controller takes NVMe disks over and shows their registers inside its own
//! memory; the disks vanish from the PCI bus. The kernel's AHCI driver counts them (drivers/ata/ahci.c, attribute
//! `remapped_nvme`) but cannot drive them. An examiner who does not know this images all disks but the one that matters.

use crate::sysfs;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// A controller that hides disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HiddenDisks {
    /// Address of the controller on the PCI bus, e.g. `0000:00:17.0`.
    pub controller: String,
    /// How many NVMe disks it hides.
    pub count: u64,
}

/// Every controller of this machine that hides disks.
#[must_use]
pub fn hidden_disks() -> Vec<HiddenDisks> {
    hidden_disks_in(Path::new("/sys"))
}

fn hidden_disks_in(sys: &Path) -> Vec<HiddenDisks> {
    let Ok(devices) = std::fs::read_dir(sys.join("bus/pci/drivers/ahci")) else { return Vec::new() };
    let mut found: Vec<HiddenDisks> = devices
        .filter_map(|device| {
            let device = device.ok()?;
            let count = sysfs::number(&device.path().join("remapped_nvme")).filter(|&count| count > 0)?;
            Some(HiddenDisks { controller: device.file_name().to_string_lossy().into_owned(), count })
        })
        .collect();
    found.sort_by(|a, b| a.controller.cmp(&b.controller));
    found
}

impl fmt::Display for HiddenDisks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (disks, them) = if self.count == 1 { ("disk", "it") } else { ("disks", "them") };
        write!(
            f,
            "the AHCI controller at {} hides {} NVMe {disks} (Intel RAID/RST/Optane mode): not listed here, and \
             cannot be imaged. The firmware setting for the SATA or storage mode, put to AHCI, shows {them}. Changing \
             it is a change to the machine: record it, put it back, and expect BitLocker to ask for its recovery key.",
            self.controller, self.count
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_in_raid_mode_is_named_with_what_to_do() {
        let sys = tempfile::tempdir().unwrap();
        let ahci = sys.path().join("bus/pci/drivers/ahci");
        for (address, remapped) in
            [("0000:00:17.0", Some("2\n")), ("0000:05:00.0", Some("0\n")), ("module", None)]
        {
            std::fs::create_dir_all(ahci.join(address)).unwrap();
            if let Some(count) = remapped {
                std::fs::write(ahci.join(address).join("remapped_nvme"), count).unwrap();
            }
        }
        let found = hidden_disks_in(sys.path());
        assert_eq!(found, vec![HiddenDisks { controller: "0000:00:17.0".into(), count: 2 }]);
        let text = found[0].to_string();
        for word in ["0000:00:17.0 hides 2 NVMe disks", "AHCI", "BitLocker", "recovery key"] {
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn a_machine_without_ahci_hides_nothing() {
        assert_eq!(hidden_disks_in(Path::new("/nonexistent")), vec![]);
    }
}
