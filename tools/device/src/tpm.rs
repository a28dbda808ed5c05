//! What the machine's TPM says of how it was started: the values of its PCRs and the firmware's log of what went into them.
//!
//! Read from the kernel's files alone, no command is sent to a device node. Under the evidence guard nothing but
//! questions reaches the chip; elsewhere its driver decides.

use crate::sysfs;
use evidence::Digest;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// PCRs of a PC (TCG PC Client Platform TPM Profile: 24 of them).
const PCRS: u8 = 24;

/// No log that is kept is longer: firmware reserves 64 KiB, rarely a few hundred.
const LONGEST_LOG: u64 = 640 << 10;

/// The TPM that the kernel knows first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tpm {
    /// Version of its specification: `1.2` or `2.0`.
    pub version: &'static str,
    /// Its banks of PCRs that could be read, a bank for each hash algorithm.
    pub banks: Vec<PcrBank>,
    /// The firmware's log, or why there is none.
    pub event_log: Result<Vec<u8>, String>,
}

/// PCRs that are made by one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcrBank {
    /// The algorithm as the kernel names it, e.g. `sha256`.
    pub algorithm: String,
    /// Their values from number 0 on; `None` where one could not be read.
    pub values: Vec<Option<Digest>>,
}

impl Tpm {
    /// The TPM of this machine.
    ///
    /// # Errors
    /// Why none can be read, in words for a person.
    pub fn read() -> Result<Self, String> {
        Self::below(Path::new("/sys"))
    }

    fn below(sys: &Path) -> Result<Self, String> {
        let chip = sys.join("class/tpm/tpm0");
        if !chip.exists() {
            return Err(match sys.join("firmware/acpi/tables/TPM2").exists() {
                true => "the firmware tells of a TPM 2.0, but the kernel got no answer from it: it is switched off, or was not started",
                false => "no TPM, or none that the kernel has a driver for",
            }
            .to_owned());
        }
        let mut banks = banks_of(&chip);
        let version = match sysfs::number(&chip.join("tpm_version_major")) {
            Some(2) => "2.0",
            Some(_) => "1.2",
            // Older kernels don't say, but only a TPM 1.2 has this file, and only a TPM 2.0 folders of banks.
            None if chip.join("pcrs").exists() => "1.2",
            None if !banks.is_empty() => "2.0",
            None => return Err("a TPM whose version and PCRs the kernel does not tell".to_owned()),
        };
        banks.extend(old_bank(&chip));
        banks.retain(|bank| bank.values.iter().any(Option::is_some));
        Ok(Self { version, banks, event_log: event_log(&sys.join("kernel/security")) })
    }
}

/// Banks of a TPM 2.0: `pcr-ALGORITHM/NUMBER`.
fn banks_of(chip: &Path) -> Vec<PcrBank> {
    let folders = std::fs::read_dir(chip).into_iter().flatten().flatten();
    let mut banks: Vec<PcrBank> = folders.filter_map(|folder| bank(&folder.path())).collect();
    banks.sort_by(|one, other| one.algorithm.cmp(&other.algorithm));
    banks
}

fn bank(folder: &Path) -> Option<PcrBank> {
    let algorithm = folder.file_name()?.to_str()?.strip_prefix("pcr-")?.to_owned();
    let value = |number: u8| sysfs::text(&folder.join(number.to_string()))?.parse().ok();
    Some(PcrBank { algorithm, values: (0..PCRS).map(value).collect() })
}

/// The one bank of a TPM 1.2: lines of `PCR-00: 3A 3F …`.
fn old_bank(chip: &Path) -> Option<PcrBank> {
    let text = String::from_utf8(sysfs::bytes(&chip.join("pcrs"))?).ok()?;
    let value = |number: u8| {
        let digits = text.lines().find_map(|line| line.strip_prefix(&format!("PCR-{number:02}:")))?;
        digits.split_whitespace().collect::<String>().parse().ok()
    };
    Some(PcrBank { algorithm: "sha1".to_owned(), values: (0..PCRS).map(value).collect() })
}

fn event_log(security: &Path) -> Result<Vec<u8>, String> {
    let path: PathBuf = security.join("tpm0/binary_bios_measurements");
    let mut log = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(LONGEST_LOG + 1).read_to_end(&mut log));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("the firmware handed no log to the kernel".to_owned())
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
        Ok(read) if u64::try_from(read).unwrap_or(u64::MAX) > LONGEST_LOG => {
            Err(format!("{} is longer than {LONGEST_LOG} bytes", path.display()))
        }
        Ok(_) => Ok(log),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(root: &Path, path: &str, content: impl AsRef<[u8]>) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn banks_and_log_of_a_tpm_2() {
        let sys = tempfile::tempdir().unwrap();
        put(sys.path(), "class/tpm/tpm0/tpm_version_major", "2\n");
        for number in 0..PCRS {
            put(sys.path(), &format!("class/tpm/tpm0/pcr-sha1/{number}"), format!("{number:040X}\n"));
        }
        put(sys.path(), "class/tpm/tpm0/pcr-sha256/7", "AB".repeat(32) + "\n");
        put(sys.path(), "class/tpm/tpm0/pcr-sha256/8", "not a value\n");
        put(sys.path(), "kernel/security/tpm0/binary_bios_measurements", [1, 2, 3]);
        let tpm = Tpm::below(sys.path()).unwrap();
        assert_eq!((tpm.version, tpm.event_log), ("2.0", Ok(vec![1, 2, 3])));
        let [sha1, sha256] = tpm.banks.as_slice() else { panic!("{:?}", tpm.banks) };
        assert_eq!((sha1.algorithm.as_str(), sha1.values.len()), ("sha1", 24));
        assert_eq!(sha1.values[23].as_ref().unwrap().to_string(), format!("{:040x}", 23));
        assert_eq!(sha256.values[7], Some(Digest::from_bytes(&[0xab; 32])));
        assert_eq!(sha256.values.iter().flatten().count(), 1);
    }

    #[test]
    fn the_bank_of_a_tpm_1_2_and_no_log() {
        let sys = tempfile::tempdir().unwrap();
        let line = |number: u8| format!("PCR-{number:02}: {}\n", ["3A"; 20].join(" "));
        put(sys.path(), "class/tpm/tpm0/pcrs", line(0) + &line(11) + "PCR-02: 3\n");
        let tpm = Tpm::below(sys.path()).unwrap();
        assert_eq!(tpm.version, "1.2");
        assert_eq!(tpm.banks.len(), 1);
        let value = Digest::from_bytes(&[0x3a; 20]);
        let known =
            (0..).zip(&tpm.banks[0].values).filter_map(|(number, value)| Some((number, value.clone()?)));
        assert_eq!(known.collect::<Vec<(u8, Digest)>>(), [(0, value.clone()), (11, value)]);
        assert!(tpm.event_log.unwrap_err().contains("no log"));
    }

    #[test]
    fn a_version_is_told_by_what_is_there_and_an_empty_bank_is_none() {
        let sys = tempfile::tempdir().unwrap();
        put(sys.path(), "class/tpm/tpm0/pcr-sha256/0", "AB".repeat(32) + "\n");
        put(sys.path(), "class/tpm/tpm0/pcr-sha1/0", "not a value\n");
        let tpm = Tpm::below(sys.path()).unwrap();
        assert_eq!(tpm.version, "2.0");
        let banks: Vec<&str> = tpm.banks.iter().map(|bank| bank.algorithm.as_str()).collect();
        assert_eq!(banks, ["sha256"]);
    }

    #[test]
    fn a_log_without_end_is_not_kept() {
        let sys = tempfile::tempdir().unwrap();
        let length = usize::try_from(LONGEST_LOG).unwrap();
        put(sys.path(), "tpm0/binary_bios_measurements", vec![0; length]);
        assert_eq!(event_log(sys.path()).unwrap().len(), length);
        put(sys.path(), "tpm0/binary_bios_measurements", vec![0; length + 1]);
        assert!(event_log(sys.path()).unwrap_err().contains("longer"));
    }

    #[test]
    fn no_tpm_and_one_that_does_not_answer_are_told_apart() {
        let sys = tempfile::tempdir().unwrap();
        assert!(Tpm::below(sys.path()).unwrap_err().starts_with("no TPM"));
        put(sys.path(), "firmware/acpi/tables/TPM2", [0]);
        assert!(Tpm::below(sys.path()).unwrap_err().contains("got no answer"));
    }
}
