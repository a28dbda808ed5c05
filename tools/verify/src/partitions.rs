//! The partitions of the imaged disk, read from the image itself: they tell in which of them a place lies.
//!
//! What a table says is not believed further than the medium goes: at most 1 024 entries of a GPT (UEFI 2.10, §5.3) and 128
//! of a chain of extended boot records (§5.2 for the first) are read.

use device::Kind;
use device::signature::{ReadAt, recognise};
use evidence::{ByteCount, ByteOffset, Extent, ExtentSet};
use formats::ImageReader;
use serde::Serialize;
use std::io;

/// Most entries of a GPT that are read; disks have 128.
const MOST_ENTRIES: u32 = 1024;
/// Most logical partitions that are followed.
const MOST_LOGICAL: u32 = 128;
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
    /// Their numbers.
    pub partitions: Vec<u32>,
    /// True where a part of it lies in none.
    pub outside: bool,
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
        if self.outside { format!("{partitions} and in none") } else { partitions }
    }
}

impl PartitionTable {
    /// Reads the table of the disk in `image`; none where there is none, or it can't be read.
    pub fn read(image: &mut dyn ImageReader) -> Option<Self> {
        let stated = image.sector_size().map(|size| u64::from(size.bytes()));
        let mut medium = Medium(image);
        let report = recognise(&mut medium);
        let of = |kind: Kind| report.found().iter().find(move |signature| signature.kind == kind);
        let (scheme, mut partitions) = if let Some(gpt) = of(Kind::Gpt) {
            ("GPT", medium.gpt(gpt.offset.0)?)
        } else {
            of(Kind::Mbr)?;
            ("MBR", medium.mbr(stated.unwrap_or(512))?)
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
        let (mut partitions, mut covered) = (Vec::new(), ExtentSet::new());
        for partition in &self.partitions {
            let start = partition.media.offset.0.max(range.offset.0);
            let end = partition.media.end().min(range.end());
            if start < end {
                partitions.push(partition.number);
                let length = ByteCount(end.saturating_sub(start));
                covered.insert(Extent { offset: ByteOffset(start), length });
            }
        }
        Whereabouts { partitions, outside: covered.total() < range.length }
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

    /// The entries of the GPT whose header lies at `header`: in the second sector, or as its copy in the last.
    fn gpt(&mut self, header: u64) -> Option<Vec<Partition>> {
        let size = self.size().0;
        let sector = if matches!(header, 512 | 4096) { header } else { size.checked_sub(header)? };
        let fields = self.bytes::<92>(header)?;
        let array = le64(&fields, 72)?.checked_mul(sector)?;
        let (count, length) = (le32(&fields, 80)?.min(MOST_ENTRIES), le32(&fields, 84)?);
        if !(128..=4096).contains(&length) {
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
        let (mut at, mut seen) = (base, Vec::new());
        for number in 5..5u32.saturating_add(MOST_LOGICAL) {
            seen.push(at);
            let Some(record) = at.checked_mul(sector).and_then(|at| self.bytes::<512>(at)) else { break };
            let [Some((kind, first, sectors)), Some((next_kind, next, _)), ..] = entries(&record) else {
                break;
            };
            // The first counts from here, the second from the beginning of the extended partition.
            let first = at.saturating_add(first);
            partitions.extend(partition(number, kind, first, sectors, sector));
            at = base.saturating_add(next);
            if !EXTENDED.contains(&next_kind) || seen.contains(&at) {
                break;
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
