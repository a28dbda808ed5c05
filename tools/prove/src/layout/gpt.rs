//! A GUID partition table, UEFI 2.10 section 5: what every system that meets the disk understands.

/// A type of partition, in the byte order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionType([u8; 16]);

impl PartitionType {
    /// From the five groups of a GUID; the first three are stored little-endian.
    const fn of(first: u32, second: u16, third: u16, rest: [u8; 8]) -> Self {
        let (a, b, c) = (first.to_le_bytes(), second.to_le_bytes(), third.to_le_bytes());
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rest;
        PartitionType([a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], r0, r1, r2, r3, r4, r5, r6, r7])
    }

    /// Linux file system.
    pub(crate) const LINUX: Self =
        Self::of(0x0FC6_3DAF, 0x8483, 0x4772, [0x8E, 0x79, 0x3D, 0x69, 0xD8, 0x47, 0x7D, 0xE4]);
    /// Basic data: FAT, exFAT, NTFS.
    pub(crate) const BASIC: Self =
        Self::of(0xEBD0_A0A2, 0xB9E5, 0x4433, [0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99, 0xC7]);
    /// Apple HFS+.
    pub(crate) const APPLE: Self =
        Self::of(0x4846_5300, 0x0000, 0x11AA, [0xAA, 0x11, 0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC]);
    /// Linux RAID.
    pub(crate) const RAID: Self =
        Self::of(0xA19D_880F, 0x05FC, 0x4D3B, [0xA0, 0x06, 0x74, 0x3F, 0x0F, 0x84, 0x91, 0x1E]);
    /// Linux LVM.
    pub(crate) const LVM: Self =
        Self::of(0xE6D6_D379, 0xF507, 0x44C2, [0xA2, 0x3C, 0x23, 0x8F, 0x2A, 0x3D, 0xF9, 0x28]);
}

/// A partition: where it lies, in bytes, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) kind: PartitionType,
    pub(crate) name: String,
}

/// Size of an entry, and how many the table has room for.
const ENTRY: usize = 128;
const ENTRIES: usize = 128;

/// The start of the disk (protective record, header, entries) and its end (entries, header), each in whole sectors.
pub(crate) fn table(entries: &[Entry], size: u64, sector: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let unit = u64::try_from(sector).unwrap_or(512).max(1);
    let last = (size / unit).saturating_sub(1);
    let list = entry_list(entries, unit, seed);
    let list_sectors = u64::try_from(list.len().div_ceil(sector.max(1))).unwrap_or(32);
    let first_usable = list_sectors.saturating_add(2);
    let last_usable = last.saturating_sub(list_sectors).saturating_sub(1);
    let header = |own: u64, other: u64, list_at: u64| {
        let mut header = header(own, other, (first_usable, last_usable), list_at, &list, seed);
        header.resize(sector, 0);
        header
    };
    let mut start = protective_record(last);
    start.resize(sector, 0);
    start.extend(header(1, last, 2));
    start.extend(&list);
    start.resize(start.len().next_multiple_of(sector), 0);
    let mut end = list.clone();
    end.resize(end.len().next_multiple_of(sector), 0);
    end.extend(header(last, 1, last_usable.saturating_add(1)));
    (start, end)
}

/// Section 5.2.3: one partition of type EEh over the whole disk, so that nobody takes it for empty.
fn protective_record(last: u64) -> Vec<u8> {
    let mut record = vec![0; 446];
    record.extend([0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]);
    record.extend(u32::try_from(last).unwrap_or(u32::MAX).to_le_bytes());
    record.resize(510, 0);
    record.extend([0x55, 0xAA]);
    record
}

/// Section 5.3.2.
fn header(own: u64, other: u64, usable: (u64, u64), list_at: u64, list: &[u8], seed: u64) -> Vec<u8> {
    const LENGTH: u32 = 92;
    let build = |checksum: u32| {
        let mut header = b"EFI PART".to_vec();
        header.extend([0, 0, 1, 0]);
        header.extend(LENGTH.to_le_bytes());
        header.extend(checksum.to_le_bytes());
        header.extend([0; 4]);
        for number in [own, other, usable.0, usable.1] {
            header.extend(number.to_le_bytes());
        }
        header.extend(identifier(seed, 0));
        header.extend(list_at.to_le_bytes());
        for number in [ENTRIES, ENTRY] {
            header.extend(u32::try_from(number).unwrap_or(0).to_le_bytes());
        }
        header.extend(crc32fast::hash(list).to_le_bytes());
        header
    };
    build(crc32fast::hash(&build(0)))
}

/// Section 5.3.3.
fn entry_list(entries: &[Entry], unit: u64, seed: u64) -> Vec<u8> {
    let mut list = Vec::new();
    for (number, entry) in (1u64..).zip(entries.iter().take(ENTRIES)) {
        list.extend(entry.kind.0);
        list.extend(identifier(seed, number));
        let end = entry.start.saturating_add(entry.length) / unit;
        list.extend((entry.start / unit).to_le_bytes());
        list.extend(end.saturating_sub(1).to_le_bytes());
        list.extend([0; 8]);
        list.extend(entry.name.encode_utf16().take(36).flat_map(u16::to_le_bytes));
        list.resize(list.len().next_multiple_of(ENTRY), 0);
    }
    list.resize(ENTRY.saturating_mul(ENTRIES), 0);
    list
}

/// An identifier of its own for each seed and number, of the form of a random GUID (RFC 9562 version 4).
pub(crate) fn identifier(seed: u64, number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    crate::pattern::Stream::keyed(seed ^ 0x4755_4944, number).fill(&mut bytes);
    // The version is in the third group, whose bytes the table stores in reverse.
    let [_, _, _, _, _, _, _, version, variant, ..] = &mut bytes;
    *version = *version & 0x0F | 0x40;
    *variant = *variant & 0x3F | 0x80;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// sfdisk and sgdisk read the table as it was meant, and sgdisk finds both copies whole.
    #[test]
    fn strangers_read_the_table() {
        let size: u64 = 64 << 20;
        let entry = |start: u64, kind, name: &str| Entry {
            start: start << 20,
            length: 8 << 20,
            kind,
            name: name.to_owned(),
        };
        let entries = [entry(1, PartitionType::LINUX, "ext4"), entry(9, PartitionType::RAID, "md")];
        let (start, end) = table(&entries, size, 512, 7);
        let mut image = start;
        image.resize(usize::try_from(size).unwrap() - end.len(), 0);
        image.extend(end);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), image).unwrap();
        let ask = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).arg(file.path()).output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (Ok(listed), Ok(verified)) = (ask("sfdisk", &["--dump"]), ask("sgdisk", &["--verify"])) else {
            eprintln!("SKIPPED: sfdisk (Debian package fdisk) or sgdisk (gdisk) is not here");
            return;
        };
        assert!(listed.contains("start=        2048, size=       16384"), "{listed}");
        assert!(listed.contains("type=A19D880F-05FC-4D3B-A006-743F0F84911E"), "{listed}");
        assert!(listed.contains("name=\"ext4\""), "{listed}");
        assert!(verified.contains("No problems found"), "{verified}");
    }
}
