//! AFF4: volumes as they come, volumes whose frame fits, and their metadata alone.

use crate::images::{empty, examine};
use crate::volume::{input_of, volumes};
use std::path::Path;

/// Stands in every volume made here.
const VERSION: &[u8] = b"major=1\nminor=0\ntool=fuzz\n";

/// An AFF4 file as it comes.
pub fn aff4(input: &[u8], scratch: &Path) {
    let path = scratch.join("item.aff4");
    std::fs::write(&path, input).unwrap();
    examine(&path);
}

/// Members of volumes that are made to fit: see [`crate::volume`].
pub fn aff4_sealed(input: &[u8], scratch: &Path) {
    empty(scratch);
    let volumes = volumes(input);
    for (number, volume) in volumes.iter().enumerate() {
        std::fs::write(scratch.join(format!("item{number}.aff4")), volume).unwrap();
    }
    examine(&scratch.join("item0.aff4"));
}

/// The metadata of a volume that holds a stream `aff4://s` of one sector and a map `aff4://m` over it.
pub fn turtle(input: &[u8], scratch: &Path) {
    let opened = |text: &[u8]| {
        let path = scratch.join("item.aff4");
        std::fs::write(&path, &volumes(&around(text))[0]).unwrap();
        examine(&path);
        formats::open(&path).ok().map(|image| {
            let hashes = image.stored_hashes().clone();
            (image.media_size(), image.case().clone(), image.provenance(), hashes, image.unread().clone())
        })
    };
    // A member ends where the next begins.
    if input.windows(crate::volume::SEPARATOR.len()).any(|window| window == crate::volume::SEPARATOR) {
        return;
    }
    let plain = opened(input);
    let with_comment = opened(&[input, b"\n# a comment; with . and \"\n"].concat());
    assert_eq!(plain, with_comment, "a comment at the end changes what is said");
}

/// A volume around `text`.
pub fn around(text: &[u8]) -> Vec<u8> {
    let index = [&[0; 8][..], &512u32.to_le_bytes()].concat();
    let map = [&[0; 8][..], &512u64.to_le_bytes(), &[0; 8], &[0; 4]].concat();
    input_of(&[
        ("container.description", b"aff4://v".to_vec()),
        ("version.txt", VERSION.to_vec()),
        ("information.turtle", text.to_vec()),
        ("aff4%3A%2F%2Fs/00000000", vec![7; 512]),
        ("aff4%3A%2F%2Fs/00000000.index", index),
        ("aff4%3A%2F%2Fm/map", map),
        ("aff4%3A%2F%2Fm/idx", b"aff4://s\n".to_vec()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::ByteCount;

    #[test]
    fn the_seeds_reach_the_medium() {
        let scratch = tempfile::tempdir().unwrap();
        for (name, size) in
            [("one-sector", 512), ("striped", 1024), ("own-lz4", 70 << 10), ("pyaff4-stored", 4096)]
        {
            let seed = std::fs::read(crate::corpus("aff4_sealed").join(name)).unwrap();
            aff4_sealed(&seed, scratch.path());
            let mut image = formats::open(&scratch.path().join("item0.aff4")).unwrap();
            assert_eq!(image.media_size(), ByteCount(size), "{name}");
            let mut medium = vec![0; size as usize];
            assert_eq!(image.read_at(evidence::ByteOffset(0), &mut medium).unwrap(), medium.len(), "{name}");
        }
        let seed = std::fs::read(crate::corpus("turtle").join("abbreviations")).unwrap();
        turtle(&seed, scratch.path());
        let image = formats::open(&scratch.path().join("item.aff4")).unwrap();
        assert_eq!((image.case().case_number.as_str(), image.case().examiner.as_str()), ("7", "Jörg"));
        assert_eq!(image.case().notes, "two\nlines \"\t💾");
    }
}
