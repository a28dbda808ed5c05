//! The records of a ZIP file, field by field (PKWARE APPNOTE 6.3.10, section 4.3). Only what AFF4 volumes use is known.

use crate::little_endian::{u16_at, u32_at, u64_at};

/// Begins each member.
pub(super) const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
/// Fixed part of a local header.
pub(super) const LOCAL_HEADER_SIZE: u64 = 30;
/// Fixed part of an entry of the central directory.
pub(super) const ENTRY_SIZE: usize = 46;
/// Fixed part of the record at the very end.
pub(super) const END_SIZE: u64 = 22;
/// The record that says where the ZIP64 end record is.
pub(super) const LOCATOR_SIZE: u64 = 20;
/// The ZIP64 end record without extension.
pub(super) const END64_SIZE: u64 = 56;
/// A ZIP64 data descriptor with signature.
pub(super) const DESCRIPTOR_SIZE: u64 = 24;

const ENTRY: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const END64: [u8; 4] = *b"PK\x06\x06";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Version 4.5 is needed for ZIP64; made on MS-DOS, as there are no attributes.
const VERSION: [u8; 2] = 45u16.to_le_bytes();
/// Sizes and checksum follow the data.
const HAS_DESCRIPTOR: u16 = 1 << 3;
const ENCRYPTED: u16 = 1;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// Identifier of the ZIP64 extra field.
const ZIP64: u16 = 1;
/// Stands in a field of 32 bits for the one in the ZIP64 extra field.
const ELSEWHERE: u32 = u32::MAX;

/// How a member is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// As it is.
    Stored,
    /// Raw deflate, as some programs do with small members.
    Deflated,
}

/// What the central directory says of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where its local header begins.
    pub(super) header: u64,
    /// Bytes in the file.
    pub(super) stored: u64,
    /// Bytes when unpacked.
    pub(super) size: u64,
    pub(super) crc: u32,
    pub(super) method: Method,
    pub(super) has_descriptor: bool,
}

/// Date and time of MS-DOS: two seconds are the finest step, 1980 the first year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DosTime {
    time: u16,
    date: u16,
}

impl DosTime {
    /// A moment in UTC.
    pub(super) fn of(seconds: i64) -> Self {
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let civil = jiff::tz::Offset::UTC.to_datetime(moment);
        let field = |value: i8| u16::try_from(value).unwrap_or(0);
        let year = u16::try_from(civil.year()).unwrap_or(0).saturating_sub(1980).min(127);
        Self {
            time: (field(civil.hour()) << 11) | (field(civil.minute()) << 5) | (field(civil.second()) >> 1),
            date: (year << 9) | (field(civil.month()) << 5) | field(civil.day()),
        }
    }

    fn bytes(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.time.to_le_bytes(), self.date.to_le_bytes());
        [a, b, c, d]
    }
}

/// A local header whose sizes follow the data.
pub(super) fn local_header(name: &str, at: DosTime) -> Vec<u8> {
    let mut bytes = LOCAL_HEADER.to_vec();
    bytes.extend(VERSION);
    bytes.extend((HAS_DESCRIPTOR | UTF8).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(at.bytes());
    bytes.extend([0; 4]);
    bytes.extend(ELSEWHERE.to_le_bytes());
    bytes.extend(ELSEWHERE.to_le_bytes());
    bytes.extend(short(name.len()).to_le_bytes());
    bytes.extend(20u16.to_le_bytes());
    bytes.extend(name.as_bytes());
    bytes.extend(ZIP64.to_le_bytes());
    bytes.extend(16u16.to_le_bytes());
    bytes.extend([0; 16]);
    bytes
}

/// The data descriptor of a stored member.
pub(super) fn descriptor(crc: u32, size: u64) -> Vec<u8> {
    let mut bytes = DESCRIPTOR.to_vec();
    bytes.extend(crc.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes
}

/// Length of the descriptor at the beginning of `bytes` where it is that of `entry`: 24 bytes with sizes for large
/// files, or 16.
pub(super) fn descriptor_length(bytes: &[u8], entry: &Entry) -> Option<u64> {
    if !bytes.starts_with(&DESCRIPTOR) || u32_at(bytes, 4) != Some(entry.crc) {
        return None;
    }
    let meant = Some((entry.stored, entry.size));
    if u64_at(bytes, 8).zip(u64_at(bytes, 16)) == meant {
        return Some(DESCRIPTOR_SIZE);
    }
    let small = |at| u32_at(bytes, at).map(u64::from);
    (small(8).zip(small(12)) == meant).then_some(16)
}

/// An entry of the central directory for a stored member, with every number in its ZIP64 field (AFF4 §5.4).
pub(super) fn entry(name: &str, entry: &Entry, at: DosTime) -> Vec<u8> {
    let mut bytes = ENTRY.to_vec();
    bytes.extend(VERSION);
    bytes.extend(VERSION);
    bytes.extend((HAS_DESCRIPTOR | UTF8).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(at.bytes());
    bytes.extend(entry.crc.to_le_bytes());
    bytes.extend(ELSEWHERE.to_le_bytes());
    bytes.extend(ELSEWHERE.to_le_bytes());
    bytes.extend(short(name.len()).to_le_bytes());
    bytes.extend(28u16.to_le_bytes());
    // Comment, disk, attributes.
    bytes.extend([0; 10]);
    bytes.extend(ELSEWHERE.to_le_bytes());
    bytes.extend(name.as_bytes());
    bytes.extend(ZIP64.to_le_bytes());
    bytes.extend(24u16.to_le_bytes());
    bytes.extend(entry.size.to_le_bytes());
    bytes.extend(entry.stored.to_le_bytes());
    bytes.extend(entry.header.to_le_bytes());
    bytes
}

/// Everything after the central directory.
pub(super) fn ending(entries: u64, directory: u64, size: u64, comment: &[u8]) -> Vec<u8> {
    let mut bytes = END64.to_vec();
    bytes.extend(END64_SIZE.saturating_sub(12).to_le_bytes());
    bytes.extend(VERSION);
    bytes.extend(VERSION);
    bytes.extend([0; 8]);
    bytes.extend(entries.to_le_bytes());
    bytes.extend(entries.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(directory.to_le_bytes());

    bytes.extend(LOCATOR);
    bytes.extend([0; 4]);
    bytes.extend(directory.saturating_add(size).to_le_bytes());
    bytes.extend(1u32.to_le_bytes());

    bytes.extend(END);
    bytes.extend([0; 4]);
    bytes.extend([0xff; 12]);
    bytes.extend(short(comment.len()).to_le_bytes());
    bytes.extend(comment);
    bytes
}

/// Names and comments here have a few hundred bytes.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// Where the central directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) entries: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Finds the last record in the final bytes of a file: its place in them.
pub(super) fn find_end(tail: &[u8]) -> Option<usize> {
    let size = usize::try_from(END_SIZE).ok()?;
    (0..=tail.len().checked_sub(size)?).rev().find(|at| {
        let comment = u16_at(tail, at.saturating_add(20)).map_or(usize::MAX, usize::from);
        tail.get(*at..).is_some_and(|rest| rest.starts_with(&END))
            && at.saturating_add(size).saturating_add(comment) == tail.len()
    })
}

/// The directory that the last record names; `None` where the numbers are in the ZIP64 record.
pub(super) fn directory_of_end(end: &[u8]) -> Option<Directory> {
    let (entries, size, offset) = (u16_at(end, 10)?, u32_at(end, 12)?, u32_at(end, 16)?);
    let whole = entries != u16::MAX && size != ELSEWHERE && offset != ELSEWHERE;
    whole.then(|| Directory { entries: entries.into(), offset: offset.into(), size: size.into() })
}

/// Where the locator says that the ZIP64 record is.
pub(super) fn locator_target(locator: &[u8]) -> Option<u64> {
    locator.starts_with(&LOCATOR).then(|| u64_at(locator, 8)).flatten()
}

/// The directory that the ZIP64 record names.
pub(super) fn directory_of_end64(end: &[u8]) -> Option<Directory> {
    let directory = Directory { entries: u64_at(end, 32)?, size: u64_at(end, 40)?, offset: u64_at(end, 48)? };
    end.starts_with(&END64).then_some(directory)
}

/// Name, content and whole length of the entry at the beginning of `bytes`.
pub(super) fn parse_entry(bytes: &[u8]) -> Result<(&str, Entry, usize), &'static str> {
    const SHORT: &str = "an entry of the central directory is cut short";
    if !bytes.starts_with(&ENTRY) {
        return Err("an entry of the central directory has not its signature");
    }
    let half = |at| u16_at(bytes, at).ok_or(SHORT);
    let word = |at| u32_at(bytes, at).ok_or(SHORT);
    let (flags, method) = (half(8)?, half(10)?);
    let name_end = ENTRY_SIZE.saturating_add(half(28)?.into());
    let extra_end = name_end.saturating_add(half(30)?.into());
    let end = extra_end.saturating_add(half(32)?.into());
    let name = bytes.get(ENTRY_SIZE..name_end).ok_or(SHORT)?;
    let extra = bytes.get(name_end..extra_end).ok_or(SHORT)?;
    let name = std::str::from_utf8(name).map_err(|_| "the name of a member is not UTF-8")?;
    if flags & ENCRYPTED != 0 {
        return Err("a member is encrypted");
    }
    let method = match method {
        0 => Method::Stored,
        8 => Method::Deflated,
        _ => return Err("a member is compressed in a way other than deflate"),
    };
    let (size, stored, header) = zip64_numbers([word(24)?, word(20)?, word(42)?], extra)?;
    let has_descriptor = flags & HAS_DESCRIPTOR != 0;
    if method == Method::Stored && stored != size {
        return Err("a stored member has two sizes");
    }
    bytes.get(..end).ok_or(SHORT)?;
    Ok((name, Entry { header, stored, size, crc: word(16)?, method, has_descriptor }, end))
}

/// Takes from the ZIP64 field what the fields of 32 bits leave to it, in its order.
fn zip64_numbers(short: [u32; 3], mut extra: &[u8]) -> Result<(u64, u64, u64), &'static str> {
    let mut field: &[u8] = &[];
    while let (Some(kind), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let end = usize::from(length).saturating_add(4);
        let content = extra.get(4..end).ok_or("an extra field is cut short")?;
        if kind == ZIP64 {
            field = content;
        }
        extra = extra.get(end..).unwrap_or_default();
    }
    let mut at = 0usize;
    let mut next = |short: u32| {
        if short != ELSEWHERE {
            return Ok(u64::from(short));
        }
        let number = u64_at(field, at).ok_or("an entry leaves a number to a ZIP64 field that has it not");
        at = at.saturating_add(8);
        number
    };
    let [size, stored, header] = short;
    Ok((next(size)?, next(stored)?, next(header)?))
}

/// Lengths of name and extra field of a local header.
pub(super) fn local_lengths(header: &[u8]) -> Option<(u16, u16)> {
    let lengths = u16_at(header, 26).zip(u16_at(header, 28))?;
    header.starts_with(&LOCAL_HEADER).then_some(lengths)
}
