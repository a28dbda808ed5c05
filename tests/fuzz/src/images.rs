//! Images: containers, their case fields, and sets of files.

use crate::container::{self, Container};
use evidence::ByteOffset;
use formats::ImageReader;
use std::path::Path;

/// Reads at most of one image: a small file may claim the largest medium.
const READS: usize = 100;
/// Size of a small read: no format has chunks or sectors of it.
const PIECE: usize = 777;

/// An E01 file as it comes.
pub fn ewf(input: &[u8], scratch: &Path) {
    let path = scratch.join("item.E01");
    std::fs::write(&path, input).unwrap();
    examine(&path);
}

/// The same with checksums that fit.
pub fn ewf_sealed(input: &[u8], scratch: &Path) {
    let mut bytes = input.to_vec();
    container::seal(&mut bytes);
    ewf(&bytes, scratch);
}

/// Case fields: the first byte says which header, and whether the rest is its text or its zlib stream.
pub fn ewf_header(input: &[u8], scratch: &Path) {
    let Some((choice, text)) = input.split_first() else { return };
    let name = if choice & 1 == 0 { "header2" } else { "header" };
    let stored = if choice & 2 == 0 { container::stored(text) } else { text.to_vec() };
    let bytes = Container::begin(1).section(name, &stored).with_one_sector();
    let path = scratch.join("item.E01");
    std::fs::write(&path, bytes).unwrap();
    examine(&path);
    let mut reader = formats::open(&path).expect("a header that can't be read keeps nothing from being read");
    let mut sector = [0; 512];
    assert_eq!(reader.read_at(ByteOffset(0), &mut sector).unwrap(), 512);
    assert_eq!(sector, [7; 512]);
    for field in [&reader.case().examiner, &reader.case().notes, &reader.provenance().device.serial] {
        assert!(!field.contains(['\n', '\t']), "a field holds what separates fields");
    }
}

/// Takes away what the last input left.
pub fn empty(scratch: &Path) {
    for old in std::fs::read_dir(scratch).unwrap() {
        std::fs::remove_file(old.unwrap().path()).unwrap();
    }
}

/// Files of a set: for each an extension of three characters, a length, and a byte that says what it begins with.
pub fn segment_set(input: &[u8], scratch: &Path) {
    empty(scratch);
    let mut first = None;
    for file in input.chunks_exact(5).take(12) {
        let extension: String = file[..3].iter().map(|byte| char::from(b'!' + byte % 94)).collect();
        let path = scratch.join(format!("item.{}", extension.replace('/', "_")));
        let mut content = match file[4] & 3 {
            0 => Container::begin(u16::from(file[4] >> 2)).with_one_sector(),
            1 => Container::begin(u16::from(file[4] >> 2))
                .section("next", &[])
                .section("done", &[])
                .with_one_sector(),
            _ => vec![file[4]; 64],
        };
        content.resize(content.len().min(usize::from(file[3]) * 8), 0);
        std::fs::write(&path, content).unwrap();
        first.get_or_insert(path);
    }
    if let Some(first) = first {
        examine(&first);
    }
}

/// Opens an image and reads in it; whatever happens is told in one line, a range that is lost is named, and reading in small
/// pieces tells what reading in large ones told.
pub fn examine(path: &Path) {
    let mut reader = match formats::open(path) {
        Ok(reader) => reader,
        Err(error) => return one_line(&error.to_string()),
    };
    for flaw in reader.check() {
        one_line(&flaw.to_string());
    }
    let told = read_about(&mut *reader);
    let mut again = formats::open(path).expect("what was opened once opens twice");
    let mut piece = [0; PIECE];
    for (offset, bytes) in told {
        for (number, part) in bytes.chunks(PIECE).enumerate().step_by(3) {
            let at = ByteOffset(offset + (number * PIECE) as u64);
            if again.read_at(at, &mut piece[..part.len()]).is_ok_and(|count| count == part.len()) {
                assert!(piece[..part.len()] == *part, "two ways to read tell two things of {at}");
            }
        }
    }
}

/// Hands back some of what it read.
fn read_about(reader: &mut dyn ImageReader) -> Vec<(u64, Vec<u8>)> {
    let mut told = Vec::new();
    let size = reader.media_size().0;
    let mut buffer = vec![0; 40_000];
    let mut at = 0;
    for _ in 0..READS {
        if at >= size {
            break;
        }
        match reader.read_at(ByteOffset(at), &mut buffer) {
            Ok(0) => panic!("nothing at {at} of {size}"),
            Ok(count) => {
                if told.len() < 3 {
                    told.push((at, buffer[..count].to_vec()));
                }
                at += count as u64;
            }
            Err(error) => {
                one_line(&error.to_string());
                let lost = error.media().unwrap_or_else(|| panic!("{error} names no range"));
                assert!(lost.end() > at, "{error}: reading on at the end of what is lost leads back to {at}");
                assert!(lost.end() <= size, "{error}: more is lost than there is");
                at = lost.end();
            }
        }
    }
    if size > 0 {
        // The end, wherever it is claimed to be.
        let _ = reader.read_at(ByteOffset(size - 1), &mut buffer[..2]);
    }
    assert!(matches!(reader.read_at(ByteOffset(size), &mut buffer), Ok(0)));
    told
}

/// What is printed must not move the examiner's cursor.
pub fn one_line(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}
