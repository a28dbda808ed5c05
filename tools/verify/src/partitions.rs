//! The partitions of the imaged disk, read from the image itself: they tell in which of them a place lies.
//!
//! What a table says is not believed further than the medium goes: at most 1 024 entries of a GPT (UEFI 2.10, §5.3) and 128
//! of a chain of extended boot records (§5.2 for the first) are read. A GPT counts where the MBR before it is the one that
//! protects it, or none, and where the checksums of its header and of its entries fit (§5.3.2); else its copy is taken.

use device::Kind;
use device::signature::{ReadAt, recognise};
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet, SectorSize};
use formats::ImageReader;
use serde::Serialize;
use std::io;

/// Most entries of a GPT that are read; disks have 128.
const MOST_ENTRIES: u32 = 1024;
/// Most logical partitions that are followed.
const MOST_LOGICAL: u32 = 128;
/// Partitions named of one place: there may be ten thousand places.
const MOST_NAMED: usize = 16;
/// Types of an extended partition: CHS, LBA, and Linux's own.
const EXTENDED: [u8; 3] = [0x05, 0x0F, 0x85];

/// The table of a disk.
#[derive(Debug, Serialize)]
pub struct PartitionTable {
    /// `GPT` or `MBR`.
    pub scheme: &'static str,
    /// In the order of the table.
    pub partitions: Vec<Partition>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// Its number, as Linux counts: logical ones from 5 on.
    pub number: u32,
    /// The type: a byte, or a GUID.
    pub kind: String,
    /// The name that a GPT gives it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it lies, cut at the end of the medium.
    pub media: Extent,
}

/// In which partitions a range lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Whereabouts {
    /// Their numbers, up to sixteen.
    pub partitions: Vec<u32>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_none")]
    pub more: usize,
    /// True where a part of it lies in none.
    pub outside: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(more: &usize) -> bool {
    *more == 0
}

impl Whereabouts {
    /// In words, to be put behind the range.
    pub fn words(&self) -> String {
        let numbers: Vec<String> = self.partitions.iter().map(u32::to_string).collect();
        let partitions = match numbers.len() {
            0 => return "in no partition".to_owned(),
            1 => format!("in partition {}", numbers.concat()),
            _ => format!("in partitions {}", numbers.join(", ")),
        };
        let partitions = match self.more {
            0 => partitions,
            more => format!("{partitions} and {more} more"),
        };
        if self.outside { format!("{partitions} and in none") } else { partitions }
    }
}

impl PartitionTable {
    /// Reads the table of the disk in `image`, whose sectors are of that size; none where there is none, or it can't be read.
    pub fn read(image: &mut dyn ImageReader, sector: SectorSize) -> Option<Self> {
        let sector = u64::from(sector.bytes());
        let mut medium = Medium(image);
        let report = recognise(&mut medium);
        let is = |kind: Kind| report.found().iter().any(|signature| signature.kind == kind);
        // Beside a GPT only an MBR is found that does not protect it: then the GPT is what is left of an earlier division.
        let (scheme, mut partitions) = if is(Kind::Mbr) {
            ("MBR", medium.mbr(sector)?)
        } else {
            ("GPT", is(Kind::Gpt).then(|| medium.gpt(sector))??)
        };
        let size = medium.size().0;
        partitions.retain_mut(|partition| {
            let media = &mut partition.media;
            media.length = ByteCount(media.end().min(size).saturating_sub(media.offset.0));
            media.length.0 > 0
        });
        Some(Self { scheme, partitions })
    }

    /// Where a range lies.
    pub fn whereabouts(&self, range: Extent) -> Whereabouts {
        let (mut partitions, mut more, mut covered) = (Vec::new(), 0usize, ExtentSet::new());
        for partition in &self.partitions {
            let start = partition.media.offset.0.max(range.offset.0);
            let end = partition.media.end().min(range.end());
            if start < end {
                if partitions.len() < MOST_NAMED {
                    partitions.push(partition.number);
                } else {
                    more = more.saturating_add(1);
                }
                let length = ByteCount(end.saturating_sub(start));
                covered.insert(Extent { offset: ByteOffset(start), length });
            }
        }
        Whereabouts { partitions, more, outside: covered.total() < range.length }
    }
}

/// The medium in an image, for who reads disks.
struct Medium<'a>(&'a mut dyn ImageReader);

impl ReadAt for Medium<'_> {
    fn read_at(&mut self, offset: ByteOffset, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer).map_err(io::Error::other)
    }

    fn size(&self) -> ByteCount {
        self.0.media_size()
    }
}

impl Medium<'_> {
    fn bytes<const N: usize>(&mut self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.read_at(ByteOffset(at), &mut bytes).ok()? == N).then_some(bytes)
    }

    /// Takes a stretch of the medium into a checksum.
    fn sum(&mut self, checksum: &mut crc32fast::Hasher, at: u64, length: u64) -> Option<()> {
        let (mut at, end) = (at, at.checked_add(length)?);
        let mut block = [0; 4096];
        while at < end {
            let wanted = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(block.len());
            let part = block.get_mut(..wanted)?;
            let got = self.read_at(ByteOffset(at), part).ok().filter(|got| *got > 0)?;
            checksum.update(part.get(..got)?);
            at = at.checked_add(u64::try_from(got).ok()?)?;
        }
        Some(())
    }

    /// The entries of the GPT: by the header in the second sector, else by its copy in the last.
    fn gpt(&mut self, sector: u64) -> Option<Vec<Partition>> {
        let size = self.size().0;
        let others = [512, 4096].into_iter().filter(|other| *other != sector);
        for sector in std::iter::once(sector).chain(others) {
            let last = size.checked_div(sector)?.saturating_sub(1);
            for number in [1, last] {
                if let Some(partitions) = self.gpt_at(number, sector) {
                    return Some(partitions);
                }
            }
        }
        None
    }

    /// The entries by the header in sector `number`, where the checksums fit.
    fn gpt_at(&mut self, number: u64, sector: u64) -> Option<Vec<Partition>> {
        let at = number.checked_mul(sector)?;
        let fields = self.bytes::<92>(at)?;
        let header_length = u64::from(le32(&fields, 12)?);
        if !fields.starts_with(b"EFI PART") || !(92..=sector).contains(&header_length) {
            return None;
        }
        // The field of the header's own checksum counts as zeros.
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(fields.get(..16)?);
        checksum.update(&[0; 4]);
        checksum.update(fields.get(20..)?);
        self.sum(&mut checksum, at.checked_add(92)?, header_length.checked_sub(92)?)?;
        if checksum.finalize() != le32(&fields, 16)? || le64(&fields, 24)? != number {
            return None;
        }
        let array = le64(&fields, 72)?.checked_mul(sector)?;
        let (count, length) = (le32(&fields, 80)?, le32(&fields, 84)?);
        if !(128..=4096).contains(&length) || count > MOST_ENTRIES {
            return None;
        }
        let mut checksum = crc32fast::Hasher::new();
        self.sum(&mut checksum, array, u64::from(count).checked_mul(u64::from(length))?)?;
        if checksum.finalize() != le32(&fields, 88)? {
            return None;
        }
        let mut partitions = Vec::new();
        for number in 0..count {
            let at = array.checked_add(u64::from(number).checked_mul(u64::from(length))?)?;
            let Some(entry) = self.bytes::<128>(at) else { continue };
            let (first, last) = (le64(&entry, 32)?, le64(&entry, 40)?);
            let kind = guid(entry.get(..16)?)?;
            let extent = last.checked_sub(first).and_then(|sectors| sectors.checked_add(1));
            let extent = extent.and_then(|sectors| extent_of(first, sectors, sector));
            let Some(media) = extent.filter(|_| entry.iter().take(16).any(|byte| *byte != 0)) else {
                continue;
            };
            let name = entry.get(56..128)?.chunks_exact(2).map(|pair| match pair {
                [low, high] => u16::from_le_bytes([*low, *high]),
                _ => 0,
            });
            let name: Vec<u16> = name.take_while(|unit| *unit != 0).collect();
            let name = evidence::Plain(String::from_utf16_lossy(&name)).to_string();
            partitions.push(Partition { number: number.saturating_add(1), kind, name, media });
        }
        Some(partitions)
    }

    /// The entries of the MBR, with the logical partitions in place of the extended one.
    fn mbr(&mut self, sector: u64) -> Option<Vec<Partition>> {
        let mut partitions = Vec::new();
        let mut extended = None;
        for (number, entry) in (1..).zip(entries(&self.bytes::<512>(0)?)) {
            let (kind, first, sectors) = entry?;
            if EXTENDED.contains(&kind) {
                extended = extended.or(Some(first));
            } else {
                partitions.extend(partition(number, kind, first, sectors, sector));
            }
        }
        let Some(base) = extended else { return Some(partitions) };
        let (mut at, mut seen, mut number) = (base, Vec::new(), 5u32);
        for _ in 0..MOST_LOGICAL {
            seen.push(at);
            let Some(record) = at.checked_mul(sector).and_then(|at| self.bytes::<512>(at)) else { break };
            let [Some(one), Some(other), ..] = entries(&record) else { break };
            let mut next = None;
            for (kind, first, sectors) in [one, other] {
                if EXTENDED.contains(&kind) {
                    // Counted from the beginning of the extended partition.
                    next = next.or_else(|| base.checked_add(first));
                } else if let Some(logical) =
                    partition(number, kind, at.saturating_add(first), sectors, sector)
                {
                    // A record without a partition of its own takes no number, as with Linux and fdisk.
                    partitions.push(logical);
                    number = number.saturating_add(1);
                }
            }
            match next {
                Some(next) if !seen.contains(&next) => at = next,
                _ => break,
            }
        }
        Some(partitions)
    }
}

/// Type, first sector and count of sectors of the four entries; none of a sector without the mark at its end.
fn entries(sector: &[u8; 512]) -> [Option<(u8, u64, u64)>; 4] {
    let marked = sector.ends_with(&[0x55, 0xAA]);
    [446, 462, 478, 494].map(|at: usize| {
        let kind = *sector.get(at.checked_add(4)?)?;
        let (first, count) = (le32(sector, at.checked_add(8)?)?, le32(sector, at.checked_add(12)?)?);
        marked.then_some((kind, u64::from(first), u64::from(count)))
    })
}

fn partition(number: u32, kind: u8, first: u64, sectors: u64, sector: u64) -> Option<Partition> {
    let media = extent_of(first, sectors, sector).filter(|_| kind != 0)?;
    Some(Partition { number, kind: format!("0x{kind:02x}"), name: String::new(), media })
}

fn extent_of(first: u64, sectors: u64, sector: u64) -> Option<Extent> {
    let (offset, length) = (first.checked_mul(sector)?, sectors.checked_mul(sector)?);
    (length > 0).then_some(Extent { offset: ByteOffset(offset), length: ByteCount(length) })
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

/// As it is written: three fields little-endian, two as they come (UEFI 2.10, appendix A).
fn guid(bytes: &[u8]) -> Option<String> {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes else { return None };
    let rest: String = rest.iter().map(|byte| format!("{byte:02X}")).collect();
    let (fourth, fifth) = rest.split_at_checked(4)?;
    Some(format!("{d:02X}{c:02X}{b:02X}{a:02X}-{f:02X}{e:02X}-{h:02X}{g:02X}-{fourth}-{fifth}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_partitions_a_place_names_the_first() {
        let extent = |offset, length| Extent { offset: ByteOffset(offset), length: ByteCount(length) };
        let partition = |number| Partition {
            number,
            kind: String::new(),
            name: String::new(),
            media: extent(u64::from(number) * 512, 512),
        };
        let table = PartitionTable { scheme: "GPT", partitions: (0..100).map(partition).collect() };
        let place = table.whereabouts(extent(0, 100 * 512));
        assert_eq!((place.partitions.len(), place.more, place.outside), (16, 84, false));
        assert!(place.words().ends_with(", 14, 15 and 84 more"), "{}", place.words());
        let place = table.whereabouts(extent(0, 16 * 512));
        assert_eq!((place.partitions.len(), place.more), (16, 0));
        assert!(place.words().ends_with(", 14, 15"), "{}", place.words());
    }
}
