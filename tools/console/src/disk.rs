//! The disks of the machine, as `pf-devices --json` tells of them.

use crate::mounts::Mounted;
use evidence::{ByteCount, Finding, Plain, SelfReport};
use serde::Deserialize;

/// What tells a disk from every other while the console runs: another disk in the same place has another serial number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DiskId {
    /// The kernel's name, `sda`.
    pub name: String,
    /// The serial number, where it has one.
    pub serial: Option<String>,
    /// Its length in bytes.
    pub capacity: u64,
}

/// What stands between programs and the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// No change passes.
    Blocked,
    /// No change passes until power-off.
    Evidence,
    /// A destination.
    Writable,
    /// Made of files, or not held by a guard: the console does nothing with it.
    NotGuarded,
}

/// A file system that an image can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileSystem {
    /// exFAT: every system reads it.
    Exfat,
    /// ext4 and its elders: Linux.
    Ext4,
    /// NTFS: Windows.
    Ntfs,
    /// XFS: Linux.
    Xfs,
    /// FAT with 32 bits: files up to 4 GiB.
    Fat32,
}

impl FileSystem {
    /// As mount calls it.
    #[must_use]
    pub fn kernel_name(self) -> &'static str {
        match self {
            Self::Exfat => "exfat",
            Self::Ext4 => "ext4",
            Self::Ntfs => "ntfs3",
            Self::Xfs => "xfs",
            Self::Fat32 => "vfat",
        }
    }

    /// As people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exfat => "exFAT",
            Self::Ext4 => "ext4",
            Self::Ntfs => "NTFS",
            Self::Xfs => "XFS",
            Self::Fat32 => "FAT32",
        }
    }

    fn of_kind(kind: &str) -> Option<Self> {
        match kind {
            "exfat" => Some(Self::Exfat),
            "ext2" | "ext3" | "ext4" => Some(Self::Ext4),
            "ntfs" => Some(Self::Ntfs),
            "xfs" => Some(Self::Xfs),
            "fat32" => Some(Self::Fat32),
            _ => None,
        }
    }
}

/// A file system that a destination can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NewFileSystem {
    /// exFAT.
    Exfat,
    /// ext4.
    Ext4,
    /// NTFS.
    Ntfs,
}

impl NewFileSystem {
    /// All of them, the one that every system reads first.
    pub const ALL: [Self; 3] = [Self::Exfat, Self::Ext4, Self::Ntfs];

    /// What it is once it is made.
    #[must_use]
    pub fn file_system(self) -> FileSystem {
        match self {
            Self::Exfat => FileSystem::Exfat,
            Self::Ext4 => FileSystem::Ext4,
            Self::Ntfs => FileSystem::Ntfs,
        }
    }
}

/// A partition, or the whole of a disk that has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Volume {
    /// Device node.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// The file system on it, where an image can go there.
    pub file_system: Option<FileSystem>,
    /// What was recognised on it, in words.
    pub content: String,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Disk {
    /// Which it is.
    pub id: DiskId,
    /// Device node.
    pub path: String,
    /// Make and model.
    pub model: String,
    /// How it is attached.
    pub transport: String,
    /// Its state.
    pub standing: Standing,
    /// How many operations the guard refused on it.
    pub refused: u64,
    /// Partitions, or the disk itself where there are none and something lies on it.
    pub volumes: Vec<Volume>,
    /// What was recognised on the disk itself, in words.
    pub content: String,
    /// What an examiner must know.
    pub warnings: Vec<String>,
    /// What the disk says of itself; `None` where it was not asked.
    pub says: Option<Says>,
}

/// What a disk says of itself when it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Says {
    /// What an examiner must know.
    pub warnings: Vec<String>,
    /// How warm it is, in degrees Celsius.
    pub celsius: Option<i64>,
}

impl Says {
    fn of(told: &SelfReport) -> Self {
        let warnings = told.warnings().iter().map(|warning| plain(warning)).collect();
        let celsius = match &told.health {
            Finding::Found(health) => health.readings.get(TEMPERATURE).copied(),
            _ => None,
        };
        Self { warnings, celsius }
    }
}

/// The name of that reading, whatever the disk's command set.
const TEMPERATURE: &str = "temperature-celsius";

impl Disk {
    /// All that an examiner must know.
    pub fn all_warnings(&self) -> impl Iterator<Item = &String> {
        self.warnings.iter().chain(self.says.iter().flat_map(|says| &says.warnings))
    }

    /// How warm it said that it is, in degrees Celsius.
    #[must_use]
    pub fn celsius(&self) -> Option<i64> {
        self.says.as_ref().and_then(|says| says.celsius)
    }

    /// True where the device node is the disk's own or that of one of its volumes.
    #[must_use]
    pub fn has(&self, device: &str) -> bool {
        self.path == device || self.volumes.iter().any(|volume| volume.path == device)
    }

    /// Length for people.
    #[must_use]
    pub fn size(&self) -> String {
        ByteCount(self.id.capacity).short()
    }

    /// The serial number, or a dash.
    #[must_use]
    pub fn serial(&self) -> &str {
        self.id.serial.as_deref().unwrap_or("-")
    }
}

/// What is known of the guard of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GuardStanding {
    /// In force, and whether the door to further destinations is sealed.
    InForce {
        /// No disk becomes writable any more.
        sealed: bool,
    },
    /// None is in force, or it could not be asked.
    Absent,
    /// `pf-devices` has not answered yet.
    NotAsked,
}

/// All disks of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inventory {
    /// The guard.
    pub guard: GuardStanding,
    /// The disks, in the order of the list.
    pub disks: Vec<Disk>,
    /// What hides further disks.
    pub warnings: Vec<String>,
    /// What is mounted, the first one first; `None` where it could not be learnt.
    pub mounted: Option<Vec<Mounted>>,
}

/// Reads what `pf-devices --json` printed.
///
/// # Errors
/// One line that says what is wrong with it.
pub fn read(json: &[u8]) -> Result<Inventory, String> {
    let told: Told = serde_json::from_slice(json).map_err(|error| format!("pf-devices --json: {error}"))?;
    let guard = match told.guard.status.as_str() {
        "in-force" => GuardStanding::InForce { sealed: told.guard.sealed },
        _ => GuardStanding::Absent,
    };
    let warnings = told
        .hidden
        .iter()
        .map(|hidden| {
            format!(
                "{} hides {} disks: its own mode must be switched off in the firmware's set-up",
                hidden.controller, hidden.count
            )
        })
        .collect();
    Ok(Inventory { guard, disks: told.disks.into_iter().map(disk).collect(), warnings, mounted: None })
}

fn disk(told: ToldDisk) -> Disk {
    let model: Vec<&str> = [&told.make, &told.model].into_iter().flatten().map(String::as_str).collect();
    let mut warnings = told.warnings;
    let mut mark = |content: &Signatures, path: &str| {
        warnings.extend(content.found.iter().filter_map(|found| found.warning(path)));
    };
    mark(&told.signatures, &told.path);
    told.partitions.iter().for_each(|partition| mark(&partition.signatures, &partition.path));
    let mut volumes: Vec<Volume> = told
        .partitions
        .iter()
        .map(|partition| volume(&partition.path, partition.size, &partition.signatures))
        .collect();
    if volumes.is_empty() && !told.signatures.found.is_empty() {
        volumes.push(volume(&told.path, told.capacity, &told.signatures));
    }
    Disk {
        id: DiskId { name: plain(&told.name), serial: told.serial, capacity: told.capacity },
        path: plain(&told.path),
        model: if model.is_empty() { "-".to_owned() } else { plain(&model.join(" ")) },
        transport: plain(&told.transport),
        standing: match told.guard_state.as_str() {
            "blocked" => Standing::Blocked,
            "evidence" => Standing::Evidence,
            "writable" => Standing::Writable,
            _ => Standing::NotGuarded,
        },
        refused: told.refused,
        volumes,
        content: told.signatures.words(),
        warnings: warnings.iter().map(|warning| plain(warning)).collect(),
        says: told.self_report.as_ref().map(Says::of),
    }
}

fn volume(path: &str, size: u64, content: &Signatures) -> Volume {
    // What is encrypted or part of a RAID is none, whatever else is recognised there.
    let first = content.found.first().map(|found| found.kind.as_str());
    Volume {
        path: plain(path),
        size,
        file_system: first.and_then(FileSystem::of_kind),
        content: content.words(),
    }
}

fn plain(text: &str) -> String {
    Plain(text.split_whitespace().collect::<Vec<_>>().join(" ")).to_string()
}

#[derive(Deserialize)]
struct Told {
    guard: ToldGuard,
    disks: Vec<ToldDisk>,
    #[serde(default)]
    hidden: Vec<ToldHidden>,
}

#[derive(Deserialize)]
struct ToldGuard {
    status: String,
    #[serde(default)]
    sealed: bool,
}

#[derive(Deserialize)]
struct ToldHidden {
    controller: String,
    count: u64,
}

#[derive(Deserialize)]
struct ToldDisk {
    name: String,
    path: String,
    make: Option<String>,
    model: Option<String>,
    serial: Option<String>,
    transport: String,
    capacity: u64,
    guard_state: String,
    #[serde(default)]
    refused: u64,
    #[serde(default)]
    partitions: Vec<ToldPartition>,
    #[serde(default)]
    signatures: Signatures,
    #[serde(default)]
    warnings: Vec<String>,
    self_report: Option<SelfReport>,
}

#[derive(Deserialize)]
struct ToldPartition {
    path: String,
    size: u64,
    #[serde(default)]
    signatures: Signatures,
}

#[derive(Default, Deserialize)]
struct Signatures {
    #[serde(default)]
    found: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    kind: String,
    label: Option<String>,
    note: Option<String>,
}

/// Kinds whose content can't be read without a key.
const ENCRYPTION: [&str; 6] =
    ["bit-locker", "luks1", "luks2", "core-storage", "vera-crypt-boot-loader", "possible-encryption"];

impl Signatures {
    fn words(&self) -> String {
        let words = self.found.iter().map(|found| match &found.label {
            Some(label) => format!("{} \"{label}\"", found.kind),
            None => found.kind.clone(),
        });
        plain(&words.collect::<Vec<_>>().join(", "))
    }
}

impl Signature {
    fn warning(&self, path: &str) -> Option<String> {
        if ENCRYPTION.contains(&self.kind.as_str()) {
            return Some(format!("{path}: {}: encrypted, or looks like it", self.kind));
        }
        self.note.as_ref().map(|note| format!("{path}: {}: {note}", self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = r#"{"guard":{"status":"in-force","interface_version":"2","sealed":false},"disks":[
      {"path":"/dev/sda","make":"ATA","model":"QEMU  HARDDISK\u001b[2J","serial":"EV-1","transport":"ata","capacity":1048576,
       "logical_sector":512,"physical_sector":512,"name":"sda","node":{"major":8,"minor":0},"removable":false,"read_only":true,
       "partitions":[{"path":"/dev/sda1","number":1,"start":2048,"size":524288,
         "signatures":{"status":"read","found":[{"kind":"ext4","offset":1080,"label":"home","note":"dirty: journal must be replayed","source":"x"}]}},
        {"path":"/dev/sda2","number":2,"start":4096,"size":4096,
         "signatures":{"status":"read","found":[{"kind":"bit-locker","offset":3,"source":"x"},{"kind":"ntfs","offset":3,"source":"x"}]}}],
       "signatures":{"status":"read","found":[{"kind":"gpt","offset":512,"source":"x"}]},"guard_state":"blocked","refused":3}],
      "hidden":[{"controller":"0000:00:17.0","count":1}]}"#;

    #[test]
    fn what_pf_devices_prints_is_read_with_its_warnings() {
        let inventory = read(TOLD.as_bytes()).unwrap();
        assert_eq!(inventory.guard, GuardStanding::InForce { sealed: false });
        assert!(inventory.warnings[0].contains("0000:00:17.0 hides 1"));
        let disk = &inventory.disks[0];
        assert_eq!((disk.standing, disk.refused, disk.serial()), (Standing::Blocked, 3, "EV-1"));
        assert_eq!(disk.model, "ATA QEMU HARDDISK\u{fffd}[2J", "no escape sequence reaches the screen");
        assert_eq!(disk.volumes[0].file_system, Some(FileSystem::Ext4));
        assert_eq!(disk.volumes[1].file_system, None, "an encrypted volume takes no image");
        assert!(
            disk.warnings[0].contains("dirty") && disk.warnings[1].contains("encrypted"),
            "{:?}",
            disk.warnings
        );
    }

    #[test]
    fn a_disk_that_was_asked_says_how_warm_it_is() {
        let mut told = SelfReport::not_asked("for the test");
        assert_eq!(Says::of(&told).celsius, None);
        let readings = [("temperature-celsius".to_owned(), 41)].into();
        told.health = Finding::Found(evidence::Health { readings, ..evidence::Health::default() });
        assert_eq!(Says::of(&told).celsius, Some(41));
    }

    #[test]
    fn what_is_no_list_is_told_in_one_line() {
        assert!(read(b"{\"guard\":1}").unwrap_err().starts_with("pf-devices --json: "));
    }
}
