//! AFF4 volumes put together, with checksums and places that fit, without a line of the code under test.
//!
//! An input is a list of members: name, line feed, content, [`SEPARATOR`]. A name after `~` is stored as a deflate stream. One
//! after `#` begins another volume beside the first; the content of `!` is the comment of the ZIP file. So an input may grow and shrink anywhere and still be a ZIP file.

/// Stands between members.
pub const SEPARATOR: &[u8] = b"\xff\xfe\n";

/// Volumes that are made of one input at most.
const MOST_VOLUMES: usize = 3;

/// The ZIP files that an input describes.
pub fn volumes(input: &[u8]) -> Vec<Vec<u8>> {
    let mut volumes = vec![Zip::default()];
    for member in members(input) {
        let (name, content) = member;
        if name == b"!" {
            let comment = content[..content.len().min(1000)].to_vec();
            volumes.last_mut().into_iter().for_each(|volume| volume.comment = comment.clone());
        } else if name.first() == Some(&b'#') {
            if volumes.len() == MOST_VOLUMES {
                break;
            }
            volumes.push(Zip::default());
        } else if let Some(volume) = volumes.last_mut() {
            match name.strip_prefix(b"~") {
                Some(name) => volume.add(name, content, &super::container::deflate_stored(content), 8),
                None => volume.add(name, content, content, 0),
            }
        }
    }
    volumes.into_iter().map(Zip::finish).collect()
}

/// The members of an input.
fn members(input: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut members = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let end = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
        let (member, later) = match end {
            Some(end) => (&rest[..end], &rest[end + SEPARATOR.len()..]),
            None => (rest, &[][..]),
        };
        let name = member.iter().position(|byte| *byte == b'\n').unwrap_or(member.len());
        members.push((&member[..name], member.get(name + 1..).unwrap_or_default()));
        rest = later;
    }
    members
}

/// The input that describes such members.
pub fn input_of(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let member = |(name, content): &(&str, Vec<u8>)| [name.as_bytes(), b"\n", content].concat();
    members.iter().map(member).collect::<Vec<_>>().join(SEPARATOR)
}

/// A ZIP file in the making: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
#[derive(Default)]
struct Zip {
    file: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
    comment: Vec<u8>,
}

impl Zip {
    fn add(&mut self, name: &[u8], content: &[u8], stored: &[u8], method: u16) {
        let name = &name[..name.len().min(1000)];
        let header = self.file.len() as u32;
        // Version, flags, method, time and date, checksum, sizes, lengths of name and extra field.
        let mut fields = vec![20, 0, 0, 0];
        fields.extend(method.to_le_bytes());
        fields.extend([0; 4]);
        fields.extend(crc32(content).to_le_bytes());
        fields.extend((stored.len() as u32).to_le_bytes());
        fields.extend((content.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        self.file.extend([b"PK\x03\x04", &fields[..], name, stored].concat());
        self.directory
            .extend([b"PK\x01\x02\x14\0", &fields[..], &[0; 10], &header.to_le_bytes(), name].concat());
        self.count = self.count.wrapping_add(1);
    }

    fn finish(mut self) -> Vec<u8> {
        let start = self.file.len() as u32;
        self.file.extend(&self.directory);
        self.file.extend(b"PK\x05\x06\0\0\0\0");
        self.file.extend([self.count.to_le_bytes(), self.count.to_le_bytes()].concat());
        self.file.extend((self.directory.len() as u32).to_le_bytes());
        self.file.extend(start.to_le_bytes());
        self.file.extend((self.comment.len() as u16).to_le_bytes());
        self.file.extend(&self.comment);
        self.file
    }
}

/// CRC-32 as ZIP has it, four bits at a time.
fn crc32(bytes: &[u8]) -> u32 {
    let step =
        |crc: u32| (0..4).fold(crc, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
    let table: [u32; 16] = std::array::from_fn(|index| step(index as u32));
    !bytes.iter().fold(!0, |crc, byte| {
        let crc = (crc >> 4) ^ table[((crc ^ u32::from(*byte)) & 15) as usize];
        (crc >> 4) ^ table[((crc ^ u32::from(byte >> 4)) & 15) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_is_read_by_another_program() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let input =
            input_of(&[("a", b"one".to_vec()), ("~b", vec![7; 70_000]), ("#", vec![]), ("c", vec![])]);
        let folder = tempfile::tempdir().unwrap();
        let volumes = volumes(&input);
        assert_eq!(volumes.len(), 2);
        let path = folder.path().join("1.zip");
        std::fs::write(&path, &volumes[0]).unwrap();
        let list = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n\
                    print(z.testzip(), [(i.filename, len(z.read(i))) for i in z.infolist()])";
        let python = harness::host_program::HostProgram::new("python3", "python3").unwrap();
        let said = python.args(["-c", list]).arg(&path).run().unwrap();
        assert_eq!(said.trim(), "None [('a', 3), ('b', 70000)]");
    }
}
