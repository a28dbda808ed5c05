//! E01 containers put together, and made to fit their checksums, without a line of the code under test.

/// File header, and the descriptor in front of each section.
const FILE_HEADER: usize = 13;
const DESCRIPTOR: usize = 76;

/// An E01 in the making.
pub struct Container(Vec<u8>);

impl Container {
    /// The file header of segment `number`.
    pub fn begin(number: u16) -> Self {
        let mut bytes = b"EVF\x09\x0d\x0a\xff\x00\x01".to_vec();
        bytes.extend(number.to_le_bytes());
        bytes.extend([0, 0]);
        Self(bytes)
    }

    /// Adds a section.
    pub fn section(mut self, name: &str, content: &[u8]) -> Self {
        let end = self.0.len() + DESCRIPTOR + content.len();
        let mut descriptor = name.as_bytes().to_vec();
        descriptor.resize(16, 0);
        descriptor.extend((end as u64).to_le_bytes());
        descriptor.extend(((DESCRIPTOR + content.len()) as u64).to_le_bytes());
        descriptor.resize(DESCRIPTOR, 0);
        self.0.extend(descriptor);
        self.0.extend(content);
        self
    }

    /// A medium of one sector, and the end.
    pub fn with_one_sector(self) -> Vec<u8> {
        let mut volume = vec![0; 1052];
        for (at, value) in [(0, 1), (4, 1), (8, 64), (12, 512), (16, 1)] {
            volume[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
        }
        let mut sector = vec![7; 512];
        sector.extend(adler32(&[7; 512]).to_le_bytes());
        let grown = self.section("volume", &volume);
        let first = grown.0.len() + DESCRIPTOR;
        let mut table = vec![0; 32];
        table[0] = 1;
        table[24..28].copy_from_slice(&(first as u32).to_le_bytes());
        let whole = grown.section("sectors", &sector).section("table", &table).section("table2", &table);
        let mut bytes = whole.section("done", &[]).0;
        seal(&mut bytes);
        bytes
    }
}

/// A zlib stream that stores `text` as it is (RFC 1950).
pub fn stored(text: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    stream.extend(deflate_stored(text));
    stream.extend(adler32(text).to_be_bytes());
    stream
}

/// A deflate stream that stores `text` as it is (RFC 1951 section 3.2.4).
pub fn deflate_stored(text: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let blocks: Vec<&[u8]> = if text.is_empty() { vec![text] } else { text.chunks(0xffff).collect() };
    for (index, block) in blocks.iter().enumerate() {
        stream.push(u8::from(index + 1 == blocks.len()));
        stream.extend((block.len() as u16).to_le_bytes());
        stream.extend((!(block.len() as u16)).to_le_bytes());
        stream.extend(*block);
    }
    stream
}

/// Follows the chain of sections as far as it goes and makes every checksum on the way fit.
pub fn seal(bytes: &mut [u8]) {
    let mut at = FILE_HEADER;
    for _ in 0..200 {
        if at.checked_add(DESCRIPTOR).is_none_or(|end| end > bytes.len()) {
            return;
        }
        let next = number(bytes, at + 16, 8);
        let name: Vec<u8> = bytes[at..at + 16].iter().copied().take_while(|byte| *byte != 0).collect();
        seal_range(bytes, at, at + DESCRIPTOR);
        let content = at + DESCRIPTOR;
        if next <= at || next > bytes.len() {
            return;
        }
        match &name[..] {
            b"volume" | b"disk" | b"data" | b"digest" | b"hash" => seal_range(bytes, content, next),
            b"table" | b"table2" => seal_list(bytes, content, next, 24, 4),
            b"error2" => seal_list(bytes, content, next, 520, 8),
            _ => {}
        }
        at = next;
    }
}

/// A header with its checksum, then as many entries as it states with theirs.
fn seal_list(bytes: &mut [u8], at: usize, end: usize, header: usize, entry: usize) {
    if at + header > end {
        return;
    }
    let count = number(bytes, at, 4);
    seal_range(bytes, at, at + header);
    let entries = count.saturating_mul(entry).saturating_add(4).saturating_add(at + header);
    if entries <= end {
        seal_range(bytes, at + header, entries);
    }
}

/// Puts the checksum of a range into its last four bytes.
fn seal_range(bytes: &mut [u8], from: usize, to: usize) {
    if from + 4 <= to && to <= bytes.len() {
        let sum = adler32(&bytes[from..to - 4]);
        bytes[to - 4..to].copy_from_slice(&sum.to_le_bytes());
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length].iter().rev().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte))
}

/// RFC 1950, section 8.2.
fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}
