//! AFF4 by our writer, by pyaff4 and by hand, as files and as members of volumes.

#[allow(dead_code)]
#[path = "../../../../tools/formats/tests/pyaff4/mod.rs"]
mod pyaff4;

use super::{keep, medium, plan};
use crate::aff4::around;
use crate::volume::input_of;
use evidence::{ByteCount, ByteOffset, Extent, HashAlgorithm, Hasher};
use formats::aff4::Compression;
use formats::{ImageKind, ImageSummary};
use harness::host_program::HostProgram;
use std::fs;
use std::path::Path;

/// Prints the members of a ZIP file in the form that the target takes.
const MEMBERS: &str = "
import sys, zipfile
volume = zipfile.ZipFile(sys.argv[1])
members = [b'!\\n' + volume.comment]
members += [i.filename.encode() + b'\\n' + volume.read(i) for i in volume.infolist()]
sys.stdout.buffer.write(b'\\xff\\xfe\\n'.join(members))
";

/// The methods of pyaff4, by name and IRI.
const METHODS: [(&str, &str); 4] = [
    ("stored", "http://aff4.org/Schema#NullCompressor"),
    ("snappy", "http://code.google.com/p/snappy/"),
    ("lz4", "https://code.google.com/p/lz4/"),
    ("zlib", "https://www.ietf.org/rfc/rfc1950.txt"),
];

pub(super) fn write() {
    let folder = tempfile::tempdir().unwrap();
    for (name, compression) in
        [("snappy", Compression::Snappy), ("lz4", Compression::Lz4), ("deflate", Compression::Deflate)]
    {
        keep_volume(&format!("own-{name}"), &own(&folder.path().join(name), compression));
    }
    for (name, method) in METHODS {
        let (media, image) = (folder.path().join("media"), folder.path().join(format!("{name}.aff4")));
        let size = if name == "stored" { 4096 } else { 70 << 10 };
        fs::write(&media, &medium()[..size]).unwrap();
        pyaff4::write(&media, &image, method, if name == "stored" { 512 } else { 32_768 });
        keep_volume(&format!("pyaff4-{name}"), &image);
    }
    keep("aff4_sealed", "striped", &striped());
    keep("aff4_sealed", "one-sector", &around(WORDS.as_bytes()));
    keep("turtle", "words", WORDS.as_bytes());
    keep("turtle", "abbreviations", ABBREVIATIONS.as_bytes());
}

fn own(base: &Path, compression: Compression) -> std::path::PathBuf {
    let media = medium();
    let mut writer = formats::create(ImageKind::Aff4(compression), &plan(base, &media)).unwrap();
    let encoder = writer.encoder();
    for chunk in media.chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    let hashes = HashAlgorithm::ALL.into_iter().map(|a| (a, Hasher::of(a, &media))).collect();
    let unread = [Extent { offset: ByteOffset(4096), length: ByteCount(1024) }].into_iter().collect();
    writer.finish(&ImageSummary { hashes, unread }).unwrap()[0].path.clone()
}

fn keep_volume(name: &str, path: &Path) {
    keep("aff4", name, &fs::read(path).unwrap());
    let python = HostProgram::new("python3", "python3").unwrap().args(["-c", MEMBERS]).arg(path);
    let members = python.output().unwrap().stdout;
    keep("aff4_sealed", name, &members);
    let turtle = members.split(|byte| *byte == 0xff).find_map(|member| {
        let member = member.strip_prefix(b"\xfe\n").unwrap_or(member);
        member.strip_prefix(b"information.turtle\n")
    });
    keep("turtle", name, turtle.unwrap());
}

/// What the volume of [`around`] needs to be an image.
const WORDS: &str = "\
@prefix aff4: <http://aff4.org/Schema#> .
<aff4://i> a aff4:Image , aff4:DiskImage ; aff4:dataStream <aff4://m> ; aff4:size 512 ; aff4:blockSize 512 .
<aff4://m> a aff4:Map ; aff4:size 512 ; aff4:mapGapDefaultStream aff4:Zero .
<aff4://s> a aff4:ImageStream ; aff4:size 512 ; aff4:chunkSize 512 ; aff4:chunksInSegment 1 .
";

/// The same in other words of the language, with a case.
const ABBREVIATIONS: &str = "\
BASE <aff4://> # and the spelling of SPARQL
prefix p: <http://aff4.org/Schema#>
@prefix x: <http://www.w3.org/2001/XMLSchema#>.
<i> a p:DiskImage;p:dataStream<m>;; p:size \"512\"^^x:int , 512.0 ; p:hash \"ab\"^^p:MD5 .
<m> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> p:Map; p:size +512; p:mapGapDefaultStream p:UnreadableData.
<s> a p:ImageStream ; p:size 512 ; p:chunkSize 512 ; p:chunksInSegment 1 .
_:n a p:CaseNotes ; p:target <i> ; p:notes \"\"\"two
\\u006cines \\\"\\t\\U0001F4BE\"\"\"@en ; p:caseNumber '7' ; p:examiner \"J\\u00f6rg\" .
";

/// Two volumes, a sector in each.
fn striped() -> Vec<u8> {
    let turtle = |own: &str| {
        format!(
            "@prefix aff4: <http://aff4.org/Schema#> .\n\
             <aff4://i> a aff4:DiskImage , aff4:Image ; aff4:dataStream <aff4://m> .\n\
             <aff4://m> a aff4:Map ; aff4:size 1024 .\n\
             <aff4://{own}> a aff4:ImageStream ; aff4:size 512 ; aff4:chunkSize 512 ; aff4:chunksInSegment 1 .\n"
        )
        .into_bytes()
    };
    let entry = |offset: u64, target: u32| {
        [&offset.to_le_bytes()[..], &512u64.to_le_bytes(), &[0; 8], &target.to_le_bytes()].concat()
    };
    let index = [&[0; 8][..], &512u32.to_le_bytes()].concat();
    let version = b"major=1\nminor=0\n".to_vec();
    input_of(&[
        ("container.description", b"aff4://v".to_vec()),
        ("version.txt", version.clone()),
        ("~information.turtle", turtle("s")),
        ("aff4%3A%2F%2Fs/00000000", vec![7; 512]),
        ("aff4%3A%2F%2Fs/00000000.index", index.clone()),
        ("aff4%3A%2F%2Fm/map", [entry(0, 0), entry(512, 1)].concat()),
        ("aff4%3A%2F%2Fm/idx", b"aff4://s\naff4://t\n".to_vec()),
        ("#", Vec::new()),
        ("container.description", b"aff4://w".to_vec()),
        ("version.txt", version),
        ("information.turtle", turtle("t")),
        ("aff4%3A%2F%2Ft/00000000", vec![8; 512]),
        ("aff4%3A%2F%2Ft/00000000.index", index),
    ])
}
