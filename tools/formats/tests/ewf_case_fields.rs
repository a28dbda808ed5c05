//! Every case field of an E01, read back by each stranger that can, whatever was typed into it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imaging;
#[path = "imaging/strangers.rs"]
mod strangers;

use evidence::{ByteCount, CaseData, DeviceIdentity, HashAlgorithm, Hasher, SectorSize, Transport};
use formats::{DeviceLabel, ImageKind, ImagePlan, MediumKind, Provenance};
use harness::host_program::HostProgram;
use imaging::{image, medium, plan, read_all};
use std::path::Path;
use strangers::{DISSECT, LIBEWF, ask};

/// What an examiner may type or paste, and a device may say of itself.
const TEXTS: [(&str, &str); 14] = [
    ("plain", "2026-17/A"),
    ("Western letters", "Jörg Müller-Ångström, café"),
    ("Chinese", "嫌疑人笔记本硬盘（第一块）"),
    ("Arabic and Hebrew", "قضية ١٧ תיק"),
    ("beyond 16 bits", "disk 💾 of 𠮷野"),
    ("combining marks", "e\u{301}a\u{308}\u{200d}"),
    ("tabs", "7\tb\t"),
    ("line ends", "first\nsecond\r\nthird\rfourth"),
    ("other control characters", "a\u{1b}[31mb\u{7f}c\u{85}d"),
    ("line ends by other names", "a\u{2028}b\u{2029}c"),
    ("a header's own words", "main\nc\tn\ta\n1\t2\t3\n"),
    ("spaces around", "  a  "),
    ("quotes and marks", "\"a\" 'b' <c> &amp; %s \\n \\"),
    ("nothing", ""),
];

/// ewfinfo 20140813 prints nothing of a field of more bytes.
const EWFINFO_LONGEST: usize = 511;

fn texts() -> Vec<(&'static str, String)> {
    let mut texts: Vec<_> = TEXTS.into_iter().map(|(name, text)| (name, text.to_owned())).collect();
    texts.push(("a page", "All of this was typed by hand. 全部手打。".repeat(400)));
    texts
}

/// A plan whose every field holds `text`, made unlike the others.
fn plan_with(base: &Path, length: usize, text: &str) -> ImagePlan {
    let field = |name: &str| if text.is_empty() { String::new() } else { format!("{text}{name}") };
    ImagePlan {
        case: CaseData {
            case_number: field("c"),
            evidence_number: field("n"),
            examiner: field("e"),
            description: field("a"),
            notes: field("t"),
        },
        device: Some(DeviceIdentity {
            path: "/dev/sdx".into(),
            make: None,
            model: Some(field("md")),
            serial: Some(field("sn")),
            wwn: None,
            firmware: None,
            transport: Transport::Ata,
            capacity: ByteCount(0),
            logical_sector: SectorSize::S512,
            physical_sector: SectorSize::S512,
        }),
        ..plan(base, length)
    }
}

/// Each field as an E01 carries it: its name in the header, in libewf and in ewfinfo.
fn carried(plan: &ImagePlan) -> [(&'static str, &'static str, &'static str, String); 7] {
    let device = DeviceLabel::of(plan.device.as_ref().unwrap());
    let as_carried =
        |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    [
        ("c", "case_number", "Case number", as_carried(&plan.case.case_number)),
        ("n", "evidence_number", "Evidence number", as_carried(&plan.case.evidence_number)),
        ("e", "examiner_name", "Examiner name", as_carried(&plan.case.examiner)),
        ("a", "description", "Description", as_carried(&plan.case.description)),
        ("t", "notes", "Notes", as_carried(&plan.case.notes)),
        ("md", "model", "Model", as_carried(&device.model)),
        ("sn", "serial_number", "Serial number", as_carried(&device.serial)),
    ]
}

#[test]
fn every_case_field_comes_back_from_every_reader_that_carries_it() {
    let media = medium(40 << 10, 1);
    for (name, text) in texts() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan_with(&folder.path().join("item"), media.len(), &text);
        let first = image(ImageKind::Ewf, &plan, &media);

        let libewf = ask(LIBEWF, &first, &[]);
        let dissect = ask(DISSECT, &first, &[]);
        let info = HostProgram::new("ewfinfo", "ewf-tools").unwrap().arg(&first).run().unwrap();
        for (short, long, label, expected) in carried(&plan) {
            assert_eq!(libewf["fields"][long].as_str().unwrap_or(""), expected, "libewf, {name}: {long}");
            assert_eq!(dissect["headers"]["header2"][short], *expected, "dissect, {name}: {short}");
            if let Some(old) = dissect["headers"]["header"].get(short) {
                let ascii: String = expected.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
                assert_eq!(*old, *ascii, "dissect, the 8-bit header, {name}: {short}");
            }
            if expected.len() > EWFINFO_LONGEST {
                continue;
            }
            let shown =
                info.lines().find_map(|line| line.trim_start().strip_prefix(label)?.strip_prefix(':'));
            assert_eq!(shown.unwrap_or("").trim_start_matches('\t'), expected, "ewfinfo, {name}: {label}");
        }
        let ours = formats::open(&first).unwrap();
        let [c, n, e, a, t, md, sn] = carried(&plan).map(|(_, _, _, expected)| expected);
        let case = CaseData { case_number: c, evidence_number: n, examiner: e, description: a, notes: t };
        assert_eq!(*ours.case(), case, "{name}");
        let device = DeviceLabel { model: md, serial: sn };
        let provenance = Provenance {
            device,
            software: "0.1.0".into(),
            acquired_at: Some(1_700_000_000),
            medium: Some(MediumKind::Disk),
        };
        assert_eq!(ours.provenance(), provenance, "{name}");
    }
}

#[test]
fn dates_software_sizes_and_hashes_come_back_from_every_reader_that_carries_them() {
    let folder = tempfile::tempdir().unwrap();
    let media = medium(3 << 20, 2);
    let mut plan = plan(&folder.path().join("item"), media.len());
    plan.segment_size = Some(ByteCount(1 << 20));
    let first = image(ImageKind::Ewf, &plan, &media);
    let value = |algorithm| Hasher::of(algorithm, &media).to_string();
    let (md5, sha1, sha256) =
        (value(HashAlgorithm::Md5), value(HashAlgorithm::Sha1), value(HashAlgorithm::Sha256));

    let libewf = ask(LIBEWF, &first, &[]);
    assert_eq!(libewf["hashes"]["MD5"], *md5);
    assert_eq!(libewf["hashes"]["SHA1"], *sha1);
    assert_eq!(libewf["media"], *sha256);
    assert_eq!((&libewf["size"], &libewf["sector_size"]), (&media.len().into(), &512.into()));
    assert_eq!(libewf["fields"]["acquiry_software_version"], "0.1.0");
    assert_eq!(libewf["fields"]["acquiry_operating_system"], "Linux");
    for date in ["acquiry_date", "system_date"] {
        assert_eq!(libewf["fields"][date], "Tue Nov 14 22:13:20 2023", "{date}");
    }

    let dissect = ask(DISSECT, &first, &[]);
    assert_eq!(dissect["media"], *sha256);
    assert_eq!((&dissect["size"], &dissect["sector_size"]), (&media.len().into(), &512.into()));
    let header = &dissect["headers"]["header2"];
    assert_eq!((&header["m"], &header["u"]), (&"1700000000".into(), &"1700000000".into()));
    let header = &dissect["headers"]["header"];
    assert_eq!((&header["m"], &header["av"]), (&"2023 11 14 22 13 20".into(), &"0.1.0".into()));

    let info = HostProgram::new("ewfinfo", "ewf-tools").unwrap().args(["-d", "iso8601"]).arg(&first);
    let info = info.run().unwrap();
    for line in [
        "Acquisition date:\t2023-11-14T22:13:20",
        "System date:\t\t2023-11-14T22:13:20",
        "Operating system used:\tLinux",
        "Software version used:\t0.1.0",
        &format!("MD5:\t\t\t{md5}"),
        &format!("SHA1:\t\t\t{sha1}"),
    ] {
        assert!(info.contains(line), "{line:?} is not in {info}");
    }
    let mut ours = formats::open(&first).unwrap();
    assert!(read_all(&mut *ours).unwrap() == media);
}

#[test]
fn the_sleuth_kit_finds_the_files_of_the_medium_through_libewf() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    for (name, content) in [("letter.txt", medium(70_000, 3)), ("übersicht 表.dat", medium(9, 4))] {
        std::fs::write(inside.join(name), content).unwrap();
    }
    let disk = folder.path().join("disk.raw");
    HostProgram::new("mke2fs", "e2fsprogs")
        .unwrap()
        .args(["-q", "-t", "ext4", "-d"])
        .arg(&inside)
        .arg(&disk)
        .arg("8M")
        .run()
        .unwrap();
    let media = std::fs::read(&disk).unwrap();
    let mut plan = plan(&folder.path().join("item"), media.len());
    plan.segment_size = Some(ByteCount(1 << 20));
    let found = ask("sleuthkit", &image(ImageKind::Ewf, &plan, &media), &[]);
    for name in ["letter.txt", "übersicht 表.dat"] {
        let expected = Hasher::of(HashAlgorithm::Sha256, &std::fs::read(inside.join(name)).unwrap());
        assert_eq!(found["files"][name], expected.to_string(), "{name} in {found}");
    }
}
