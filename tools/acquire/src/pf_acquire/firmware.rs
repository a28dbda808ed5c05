//! What kind of firmware started this machine, and whether it demanded signatures: as the kernel tells, without a question
//! to the firmware, whose variables stay out of reach.

use record::Environment;
use std::path::Path;

/// `secure_boot` in the boot parameters (arch/x86/include/uapi/asm/bootparam.h). The kernel's EFI entry has put there what
/// the firmware's variable SecureBoot and shim's MokSBStateRT say (drivers/firmware/efi/libstub/secureboot.c).
const SECURE_BOOT: usize = 0x1ec;

/// Firmware and state of Secure Boot, in the record's words, by what is below `sys`.
pub fn told(sys: &Path) -> (Option<&'static str>, Option<&'static str>) {
    let parameters = std::fs::read(sys.join("kernel/boot_params/data")).unwrap_or_default();
    let byte = parameters.get(SECURE_BOOT);
    if sys.join("firmware/efi").exists() {
        // enum efi_secureboot_mode (include/linux/efi.h); 0 where a loader went past the kernel's EFI entry.
        let state = match byte {
            Some(2) => "off",
            Some(3) => "on",
            _ => "unknown",
        };
        return (Some(Environment::UEFI), Some(state));
    }
    // Only a PC has boot parameters; what has neither is no PC, or a container that shows nothing of it.
    (byte.map(|_| Environment::BIOS), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of(efi: bool, secure_boot: Option<u8>) -> (Option<&'static str>, Option<&'static str>) {
        let sys = tempfile::tempdir().unwrap();
        if efi {
            fs::create_dir_all(sys.path().join("firmware/efi")).unwrap();
        }
        if let Some(byte) = secure_boot {
            let mut page = vec![0xff; 4096];
            page[SECURE_BOOT] = byte;
            fs::create_dir_all(sys.path().join("kernel/boot_params")).unwrap();
            fs::write(sys.path().join("kernel/boot_params/data"), page).unwrap();
        }
        told(sys.path())
    }

    #[test]
    fn secure_boot_is_told_as_the_kernel_found_it() {
        let state = |byte| of(true, Some(byte)).1;
        assert_eq!([0, 1, 2, 3, 4].map(state), ["unknown", "unknown", "off", "on", "unknown"].map(Some));
        assert_eq!(of(true, None), (Some("uefi"), Some("unknown")));
    }

    #[test]
    fn a_bios_has_no_secure_boot_and_what_is_not_known_is_not_told() {
        assert_eq!(of(false, Some(0)), (Some("bios"), None));
        assert_eq!(of(false, None), (None, None));
    }
}
