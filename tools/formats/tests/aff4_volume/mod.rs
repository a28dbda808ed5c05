//! Builds AFF4 volumes by hand, without the crate's own code: classical ZIP headers, chunks stored as they are.

use std::fmt::Write as _;

/// Offset in the medium, length, offset in the target, number of the target.
pub type MapEntry = (u64, u64, u64, u32);

/// A volume that grows by objects.
pub struct VolumeBuilder {
    arn: String,
    members: Vec<(String, Vec<u8>)>,
    turtle: String,
}

impl VolumeBuilder {
    pub fn new(arn: &str) -> Self {
        let turtle = "@prefix aff4: <http://aff4.org/Schema#> .\n".to_owned();
        let version = ("version.txt".to_owned(), b"major=1\r\nminor=0\r\ntool=by hand\r\n".to_vec());
        Self { arn: arn.to_owned(), members: vec![version], turtle }
    }

    pub fn say(&mut self, statement: &str) {
        self.turtle += statement;
        self.turtle += "\n";
    }

    pub fn image_stream(&mut self, arn: &str, chunk_size: usize, chunks_in_bevy: usize, chunks: &[Vec<u8>]) {
        for (number, bevy) in chunks.chunks(chunks_in_bevy).enumerate() {
            let name = format!("{}/{number:08}", arn.replace("://", "%3A%2F%2F"));
            let mut index = Vec::new();
            for (slot, chunk) in bevy.iter().enumerate() {
                index.extend(u64::try_from(slot * chunk_size).unwrap().to_le_bytes());
                index.extend(u32::try_from(chunk.len()).unwrap().to_le_bytes());
            }
            self.members.push((format!("{name}.index"), index));
            self.members.push((name, bevy.concat()));
        }
        let size = chunks.len() * chunk_size;
        self.say(&format!(
            "<{arn}> a aff4:ImageStream ; aff4:size {size} ; aff4:chunkSize {chunk_size} ; \
             aff4:chunksInSegment {chunks_in_bevy} ."
        ));
    }

    pub fn map(&mut self, arn: &str, size: u64, entries: &[MapEntry], targets: &[&str]) {
        let folder = arn.replace("://", "%3A%2F%2F");
        let mut bytes = Vec::new();
        for (offset, length, from, target) in entries {
            [offset, length, from].into_iter().for_each(|field| bytes.extend(field.to_le_bytes()));
            bytes.extend(target.to_le_bytes());
        }
        self.members.push((format!("{folder}/map"), bytes));
        self.members.push((format!("{folder}/idx"), (targets.join("\n") + "\n").into_bytes()));
        self.say(&format!("<{arn}> a aff4:Map ; aff4:size {size} ."));
    }

    pub fn image(&mut self, arn: &str, data_stream: &str) {
        self.say(&format!("<{arn}> a aff4:DiskImage , aff4:Image ; aff4:dataStream <{data_stream}> ."));
    }

    /// Puts another value in the place of a number.
    pub fn replace_property(&mut self, subject: &str, property: &str, value: &str) {
        let lines: Vec<String> = self.turtle.lines().map(str::to_owned).collect();
        self.turtle = String::new();
        for line in lines {
            let mut line = line;
            if line.starts_with(&format!("<{subject}> a")) {
                let start = line.find(&format!("aff4:{property} ")).unwrap() + property.len() + 6;
                let end = start + line[start..].find(' ').unwrap();
                line.replace_range(start..end, &format!("\"{value}\""));
            }
            let _ = writeln!(self.turtle, "{line}");
        }
    }

    /// The whole file.
    pub fn finish(&self) -> Vec<u8> {
        let turtle = ("information.turtle".to_owned(), self.turtle.clone().into_bytes());
        let mut file = Vec::new();
        let mut directory = Vec::new();
        let members = self.members.iter().chain(std::iter::once(&turtle));
        let mut count = 0u16;
        for (name, content) in members {
            let header = u32::try_from(file.len()).unwrap();
            let size = u32::try_from(content.len()).unwrap();
            // Version, flags, method, time, date; then checksum, sizes, length of the name, no extra field.
            let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            fields.extend(crc32(content).to_le_bytes());
            fields.extend(size.to_le_bytes());
            fields.extend(size.to_le_bytes());
            fields.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            fields.extend([0, 0]);
            file.extend(b"PK\x03\x04");
            file.extend(&fields);
            file.extend(name.as_bytes());
            file.extend(content);
            directory.extend(b"PK\x01\x02\x14\0");
            directory.extend(&fields);
            directory.extend([0; 10]);
            directory.extend(header.to_le_bytes());
            directory.extend(name.as_bytes());
            count += 1;
        }
        let start = u32::try_from(file.len()).unwrap();
        file.extend(&directory);
        file.extend(b"PK\x05\x06\0\0\0\0");
        file.extend(count.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
        file.extend(start.to_le_bytes());
        file.extend(u16::try_from(self.arn.len()).unwrap().to_le_bytes());
        file.extend(self.arn.as_bytes());
        file
    }
}

/// CRC-32 as ZIP has it, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
