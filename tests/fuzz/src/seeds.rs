//! Seeds: small inputs that our own writers and other people's programs make. The engine goes on from there.

mod aff4;
mod disks;

use crate::checkpoints::{self, KINDS, MEDIUM, STORED, begin_image, input_of};
use crate::signatures::{SIZES, patches};
use crate::{container, corpus};
use acquire::checkpoint::Checkpoint;
use acquire::sidecar;
use evidence::{ByteCount, ByteOffset, CaseData, Extent, HashAlgorithm, Hasher, LeafSize, SectorSize};
use formats::{ImageKind, ImagePlan, ImageSummary, MediumKind};
use harness::host_program::HostProgram;
use harness::time_stamp_authority::{Kind, TimeStampAuthority};
use std::fs;
use std::path::Path;

/// Writes them all; panics where a program is missing.
pub fn write() {
    ewf();
    ewf_header();
    segment_set();
    record();
    case_file();
    partition_tables();
    signatures();
    time_stamps();
    guard_text();
    aff4::write();
    begun_images();
    disks::write();
}

fn keep(target: &str, name: &str, bytes: &[u8]) {
    let folder = corpus(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

/// Three chunks: noise, text, zeros; the last is not full.
fn medium() -> Vec<u8> {
    let mut media = vec![0; 70 << 10];
    let mut state = 1u64;
    for byte in &mut media[..600] {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = state.to_be_bytes()[0];
    }
    media
}

fn plan(base: &Path, media: &[u8]) -> ImagePlan {
    ImagePlan {
        base: base.to_owned(),
        media_size: ByteCount(media.len() as u64),
        sector_size: SectorSize::S512,
        segment_size: None,
        case: CaseData { examiner: "Jörg".into(), notes: "n".into(), ..CaseData::default() },
        device: None,
        software: "seed 1".into(),
        acquired_at: 1_700_000_000,
        medium: MediumKind::Disk,
    }
}

fn ewf() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium();
    let mut writer = formats::create(ImageKind::Ewf, &plan(&folder.path().join("own"), &media)).unwrap();
    let encoder = writer.encoder();
    for chunk in media.chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    let hashes = HashAlgorithm::ALL.into_iter().map(|a| (a, Hasher::of(a, &media))).collect();
    let unread = [Extent { offset: ByteOffset(512), length: ByteCount(1024) }].into_iter().collect();
    let segments = writer.finish(&ImageSummary { hashes, unread }).unwrap();
    keep_ewf("own", &segments[0].path);

    let source = folder.path().join("source");
    fs::write(&source, &media).unwrap();
    for format in
        ["smart", "ftk", "ewf", "encase2", "encase4", "encase5", "encase6", "encase7", "linen5", "ewfx"]
    {
        let target = folder.path().join(format);
        let acquire = HostProgram::new("ewfacquire", "ewf-tools").unwrap();
        let acquire = acquire.args(["-u", "-q", "-c", "best", "-f", format, "-t"]).arg(&target).arg(&source);
        acquire.run().unwrap();
        let made = ["E01", "e01", "s01"].map(|extension| target.with_extension(extension));
        keep_ewf(format, made.iter().find(|path| path.exists()).unwrap());
    }
}

fn keep_ewf(name: &str, path: &Path) {
    let bytes = fs::read(path).unwrap();
    keep("ewf", name, &bytes);
    keep("ewf_sealed", name, &bytes);
}

fn ewf_header() {
    let text = "3\nmain\na\tc\tn\te\tt\tmd\tsn\tav\tov\tm\tu\tp\tdc\nd\t1\t2\te\tt\tm\ts\t1\tLinux\t1700000000\t1\t0\t\n\n";
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let with = |choice: u8, rest: &[u8]| [&[choice], rest].concat();
    keep("ewf_header", "text", &with(0, &utf16));
    keep("ewf_header", "old", &with(1, b"1\r\nmain\r\nc\tn\ta\te\tt\r\n7\t8\tDisk\tJ\xf6rg\tx\r\n\r\n"));
    keep("ewf_header", "stream", &with(2, &container::stored(&utf16)));
}

fn segment_set() {
    let set = |files: &[(&str, u8, u8)]| -> Vec<u8> {
        let name = |extension: &str| extension.bytes().map(|byte| byte - b'!').collect::<Vec<u8>>();
        files
            .iter()
            .flat_map(|(extension, length, kind)| [name(extension), vec![*length, *kind]].concat())
            .collect()
    };
    keep("segment_set", "raw", &set(&[("001", 8, 2), ("002", 8, 3), ("003", 4, 2)]));
    keep("segment_set", "from-zero", &set(&[("000", 8, 2), ("001", 8, 3)]));
    keep("segment_set", "ewf", &set(&[("E01", 255, 5), ("E02", 255, 8)]));
    keep("segment_set", "smart", &set(&[("s01", 255, 5), ("s02", 255, 8)]));
}

fn case_file() {
    keep("case_file", "whole", include_bytes!("seeds/case.toml"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.toml");
    // As Python's writer has it: other quotes, other kinds of tables.
    let program = "import sys,tomllib; t=tomllib.loads(open(sys.argv[1],encoding='utf-8').read()); \
                   print('\\n'.join(f'\"{k}\" = {v!r}' for k, v in t.items() if isinstance(v, str)))";
    fs::write(&path, include_bytes!("seeds/case.toml")).unwrap();
    let python = HostProgram::new("python3", "python3-venv").unwrap();
    let said = python.args(["-I", "-X", "utf8", "-c", program]).arg(&path).run().unwrap();
    keep("case_file", "literal", said.as_bytes());
}

fn begun_images() {
    let leaf_size = LeafSize::of_medium(ByteCount(MEDIUM as u64));
    for (choice, (name, kind)) in KINDS.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (image, state) = begin_image(kind, folder.path());
        let checkpoint = Checkpoint {
            offset: ByteOffset(STORED as u64),
            leaf_root: Hasher::of(HashAlgorithm::Blake3, b""),
            begun_leaf: Some(Hasher::of(HashAlgorithm::Blake3, &checkpoints::medium()[..STORED])),
            unread: [Extent { offset: ByteOffset(512), length: ByteCount(1024) }].into_iter().collect(),
            states: Vec::new(),
        };
        let mut text = Vec::new();
        sidecar::write(&checkpoint, leaf_size, &[], &state, &mut text).unwrap();
        keep("checkpoint", name, &input_of(choice as u8, &image, &text));
    }
}

fn record() {
    let chained = [
        r#"{"kind":"acquisition-opened","format_version":1,"software":{"name":"pf-acquire","version":"0.1.0"},"environment":{"kernel":"Linux","host":"h"},"command_line":["pf-acquire"],"case":{"examiner":"J\u00f6rg"},"source":{"path":"/dev/sda","transport":"ata","capacity":1024,"logical_sector":512,"physical_sector":512},"guard":{"guard":"unguarded"},"plan":{"format":"e01","chunk_size":32768,"segment_size":null,"hashes":["md5"],"destination":"/mnt/1"}}"#,
        r#"{"kind":"read-error","extent":{"offset":512,"length":512},"error":"I/O error","action":"zeros"}"#,
        r#"{"kind":"guard-commands","commands":[{"set":"ata","opcode":239,"sub":"03","name":"SET FEATURES","passed":1,"absorbed":0,"refused":0}]}"#,
        r#"{"kind":"note","text":"a"}"#,
        r#"{"kind":"image-closed","segments":[{"name":"1.E01","size":9}],"media_size":1024,"hashes":{"md5":"d41d8cd98f00b204e9800998ecf8427e"},"unread":[{"offset":512,"length":512}],"seconds":1.5}"#,
        r#"{"kind":"verification","hashes":{},"matches":true,"mismatches":[]}"#,
        r#"{"kind":"of-a-later-version","x":[1,{"y":null}]}"#,
        r#"{"kind":"closed","outcome":"complete","guard_state":null,"refused":0}"#,
    ];
    keep("record_chained", "all-kinds", chained.join("\n").as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.record.jsonl");
    let mut writer = record::RecordWriter::create(&path).unwrap();
    for text in ["one", "two"] {
        writer.append(&record::Entry::Note { text: text.into() }).unwrap();
    }
    writer.append(&record::Entry::Interrupted { reason: "a signal".into() }).unwrap();
    keep("record", "own", &fs::read(&path).unwrap());
    let head = writer.sign(&record::SecretKey::generate().unwrap()).unwrap();
    let head = fs::read(head).unwrap();
    keep("head", "own", &head);
    let head: serde_json::Value = serde_json::from_slice(&head).unwrap();
    keep("head_stated", "own", head["statement"].as_str().unwrap().as_bytes());
    let other = head["statement"].as_str().unwrap().replace("\"entries\":3", "\"entries\":2");
    keep("head_stated", "other", other.as_bytes());
}

/// A disk that sfdisk has divided: what lies before its first partition.
fn partition_tables() {
    let folder = tempfile::tempdir().unwrap();
    let logical = "label: dos\nstart=2, size=4, type=7\nstart=8, size=512, type=5\n\
                   start=10, size=10, type=83\nstart=24, size=10, type=c\n";
    for (name, script) in [
        ("gpt", "label: gpt\nfirst-lba: 34\nstart=64, size=64, name=one\nstart=256, size=512\n"),
        ("logical", logical),
    ] {
        let disk = folder.path().join(name);
        fs::File::create(&disk).unwrap().set_len(1 << 20).unwrap();
        HostProgram::new("sfdisk", "fdisk")
            .unwrap()
            .arg("--quiet")
            .arg(&disk)
            .input(script.to_owned())
            .run()
            .unwrap();
        keep("partition_table", name, &fs::read(&disk).unwrap()[..20 << 10]);
    }
}

/// Programs that lay something on a disk of 1 440 KiB: package, program, arguments.
const MAKERS: [(&str, &str, &[&str]); 3] = [
    ("e2fsprogs", "mke2fs", &["-q", "-F", "-t", "ext4", "-L", "label", "-N", "16"]),
    ("dosfstools", "mkfs.fat", &["-F", "12", "-n", "LABEL"]),
    ("util-linux", "mkswap", &["-L", "label"]),
];

/// Beginnings of what no program here makes that small: offset and bytes.
const MAGICS: [(&str, u32, &[u8]); 12] = [
    ("luks1", 0, b"LUKS\xba\xbe\x00\x01"),
    ("luks2", 0, b"LUKS\xba\xbe\x00\x02\0\0\0\0\0\0\x40\0"),
    ("bitlocker", 0, b"\xeb\x58\x90-FVE-FS-\0\x02"),
    ("ntfs", 0, b"\xeb\x52\x90NTFS    \0\x02\x08"),
    ("xfs", 0, b"XFSB\0\0\x10\0"),
    ("btrfs", 65_600, b"_BHRfS_M"),
    ("apfs", 32, b"NXSB\0\x10\0\0"),
    ("hfs", 1024, b"H+\0\x04"),
    ("lvm", 512, b"LABELONE\x01\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0LVM2 001"),
    ("raid", 4096, b"\xfc\x4e\x2b\xa9\x01\0\0\0"),
    ("iso", 32_768, b"\x01CD001\x01\0LINUX"),
    ("gpt", 512, b"EFI PART\0\0\x01\0\x5c\0\0\0"),
];

fn signatures() {
    let folder = tempfile::tempdir().unwrap();
    let choice = SIZES.len() - 1;
    let of_a_disk = u8::try_from(choice).unwrap();
    for (number, (package, program, arguments)) in MAKERS.into_iter().enumerate() {
        let disk = folder.path().join(program);
        fs::write(&disk, vec![0; SIZES[choice]]).unwrap();
        HostProgram::new(program, package).unwrap().args(arguments).arg(&disk).run().unwrap();
        keep(
            "signatures",
            &format!("{number}-{program}"),
            &shortened(patches(of_a_disk, &fs::read(&disk).unwrap())),
        );
    }
    for label in ["dos", "gpt"] {
        let disk = folder.path().join(label);
        fs::write(&disk, vec![0; SIZES[choice]]).unwrap();
        let script = format!("label: {label}\nstart=2048, size=100\n");
        HostProgram::new("sfdisk", "fdisk").unwrap().arg("-q").arg(&disk).input(script).run().unwrap();
        keep(
            "signatures",
            &format!("sfdisk-{label}"),
            &shortened(patches(of_a_disk, &fs::read(&disk).unwrap())),
        );
    }
    for (name, offset, magic) in MAGICS {
        let [_, high, middle, low] = offset.to_be_bytes();
        let patch = [&[6, high, middle, low, magic.len() as u8], magic].concat();
        keep("signatures", name, &patch);
    }
}

/// Requests of ours, answered by OpenSSL; the certificates to trust lie beside the seeds' makers.
fn time_stamps() {
    let roots = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/seeds");
    let kinds = [("p256", Kind::P256), ("p384", Kind::P384), ("rsa", Kind::Rsa)];
    for (name, kind) in kinds {
        let folder = tempfile::tempdir().unwrap();
        let authority = TimeStampAuthority::new(folder.path(), kind).unwrap();
        let (request, answer) = (folder.path().join("tsq"), folder.path().join("tsr"));
        let der = timestamp::Request::new([7; 32], [1, 2, 3, 4, 5, 6, 7, 8]).to_der().unwrap();
        fs::write(&request, &der).unwrap();
        authority.answer(&request, &answer).unwrap();
        keep("time_stamp", "request", &der);
        keep("time_stamp", &format!("answer-{name}"), &fs::read(&answer).unwrap());
        fs::copy(authority.root(), roots.join(format!("time-stamp-{name}.pem"))).unwrap();
    }
}

fn shortened(mut patches: Vec<u8>) -> Vec<u8> {
    patches.truncate(crate::find("signatures").map_or(0, |target| target.longest));
    patches
}

fn guard_text() {
    let lines = [
        r"seq=17 time_ns=12345678901 event=refused disk=sda dev=8:0 op=write sector=2048 bytes=4096 pid=93 comm=a\x20b",
        "seq=18 time_ns=1 event=refused disk=sda dev=8:0 op=command sector=- bytes=0 set=scsi opcode=2a sub=00 asker=program",
        "seq=19 time_ns=2 event=born disk=sdb dev=8:16 state=blocked",
        "seq=20 time_ns=2 event=state disk=sdb from=blocked to=writable pid=1 comm=x",
        "seq=21 time_ns=2 event=denied disk=sdb to=writable errno=1",
        "seq=22 time_ns=2 event=lost count=3",
        "seq=23 time_ns=2 event=later x=y",
    ];
    keep("guard_text", "events", lines.join("\n").as_bytes());
    keep(
        "guard_text",
        "counts",
        b"ata ef 03 2 0 0 SET FEATURES: set transfer mode\nscsi c1 - 0 0 18446744073709551615 -\n",
    );
    keep("guard_text", "identity", b"serial WD 1\nusb-serial 2\nwwid naa.5\ncid 9\nlater x\n");
    keep("guard_text", "state", b"evidence\n");
    keep("guard_text", "number", b"12\n");
}
