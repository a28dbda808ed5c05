//! Answers of disks, field by field from the standards, and map files by GNU ddrescue.

use super::keep;
use crate::mapfile::SIZES;
use harness::host_program::HostProgram;
use std::fs;

pub(super) fn write() {
    mapfile();
    disk_answers();
}

/// A medium with bad sectors, of which ddrescue is told by a map in place of a failing disk.
fn mapfile() {
    const FAILING: &str =
        "0 + 1\n0 0x20000 +\n0x20000 0x400 -\n0x20400 0x40000 +\n0x60400 0x200 -\n0x60600 0x107A00 +\n";
    let choice = SIZES.iter().position(|size| *size == 0x168000).unwrap();
    let of_a_floppy = [u8::try_from(choice).unwrap()];
    for (name, arguments) in [("scraped", &["-r1"][..]), ("trimmed", &["-n"]), ("copied", &["-n", "-N"])] {
        let folder = tempfile::tempdir().unwrap();
        let [source, copy, failing, map] =
            ["source", "copy", "failing", "map"].map(|name| folder.path().join(name));
        fs::write(&source, vec![1; 0x168000]).unwrap();
        fs::write(&failing, FAILING).unwrap();
        let test_mode = format!("--test-mode={}", failing.display());
        let ddrescue =
            HostProgram::new("ddrescue", "gddrescue").unwrap().arg("-q").args(arguments).arg(test_mode);
        ddrescue.arg(source).arg(copy).arg(&map).run().unwrap();
        keep("mapfile", name, &[&of_a_floppy[..], &fs::read(&map).unwrap()].concat());
    }
    keep("mapfile", "octal", &[&of_a_floppy[..], b"0 F 1 # fill\n0 010 +\n8\t0X8 -#\n"].concat());
}

/// A byte for who answers, then answers with their lengths.
fn answers(kind: u8, answers: &[Vec<u8>]) -> Vec<u8> {
    let mut input = vec![kind];
    for answer in answers {
        input.extend(u16::try_from(answer.len()).unwrap().to_le_bytes());
        input.extend(answer);
    }
    input
}

/// Registers that count `sectors`, and data.
fn reply(sectors: u64, data: &[u8]) -> Vec<u8> {
    let [.., a, b, c, d] = (sectors - 1).to_be_bytes();
    [&[0, 0, 0x50, a, b, c, d, 0x40], data].concat()
}

/// A page of zeros but for some numbers: offset and bytes.
fn page(length: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut page = vec![0; length];
    for (at, bytes) in fields {
        page[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    page
}

fn disk_answers() {
    const SECTORS: u64 = 195_364_000;
    let count = SECTORS.to_le_bytes();
    // Words 48, 69, 82 to 87, 100, 119, 128, 169 and the signature of the checksum (ACS-4 §7.13.6).
    let identify: [(usize, &[u8]); 9] = [
        (96, &[1, 0x40]),
        (138, &[0x20, 0x40]),
        (164, &[3, 4, 0, 0x4c, 0, 0x40, 1, 0, 0, 4, 0, 0x40]),
        (200, &count),
        (238, &[0, 0x41]),
        (256, &[7, 1]),
        (338, &[1, 0]),
        (0, &[0x40, 0]),
        (510, &[0xA5, 0]),
    ];
    let block = |fields: &[(usize, &[u8])]| page(512, fields);
    let overlay = block(&[(0, &[2]), (6, &(SECTORS + 300).to_le_bytes()), (510, &[0xA5, 0])]);
    let smart = block(&[(2, &[5, 0x33, 0, 10, 10, 0x39, 5, 0, 0, 0xAA, 0xBB, 0])]);
    let protocols = page(64, &[(6, &[0, 2, 0, 1])]);
    let locking = [0, 2, 0x10, 12, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0x10, 16];
    let discovery = page(100, &[(0, &[0, 0, 0, 96]), (48, &locking)]);
    let ata = [
        reply(SECTORS, &block(&identify)),
        reply(SECTORS + 100, &[]),
        reply(SECTORS, &overlay),
        reply(SECTORS, &[]),
        reply(0x2C_F401, &[]),
        reply(1, &smart),
        reply(1, &protocols),
        reply(1, &discovery),
    ];
    keep("disk_answers", "ata", &answers(0, &ata));

    let scsi = [
        vec![0, 0, 0, 4, 0, 0x80, 0xB1, 0xB2],
        vec![0, 0xB1, 0, 60, 0, 1, 0, 0, 0x10],
        vec![0, 0xB2, 0, 4, 0, 0xE4, 2, 0],
        vec![0; 36],
        b"1\n".to_vec(),
        reply(1, &protocols),
        reply(1, &discovery),
        reply(1, &[0x2F, 0, 0, 8, 0, 0, 3, 4, 0x5D, 0x10, 31, 0]),
    ];
    keep("disk_answers", "scsi", &answers(1, &scsi));

    let controller: [(usize, &[u8]); 6] = [
        (80, &[0, 4, 1, 0]),
        (256, &[9]),
        (285, &[1]),
        (299, &[0x40]),
        (312, &[1, 0, 31, 0]),
        (516, &[16, 0, 0, 0, 4]),
    ];
    let namespace = page(400, &[(0, &[0, 0, 16]), (25, &[1, 1]), (33, &[1]), (132, &[8, 0, 9])]);
    let nvme = [
        reply(1, &page(600, &controller)),
        reply(1, &namespace),
        reply(1, &page(4096, &[(0, &[1, 0, 0, 0, 3])])),
        reply(1, &page(4096, &[(0, &[1, 0, 0, 0, 3, 0, 0, 0, 7])])),
        reply(1, &namespace),
        reply(1, &protocols),
        reply(1, &discovery),
        reply(1, &page(64, &[(0, &[4, 1, 0, 0, 0])])),
        reply(1, &page(512, &[(0, &[4, 0x40, 1, 10, 10, 99])])),
    ];
    keep("disk_answers", "nvme", &answers(2, &nvme));

    let ext_csd: [(usize, &[u8]); 7] =
        [(143, &[2]), (168, &[32]), (192, &[8]), (221, &[8]), (224, &[1]), (226, &[32]), (231, &[0x10])];
    keep(
        "disk_answers",
        "emmc",
        &answers(3, &[b"MMC\n".to_vec(), Vec::new(), reply(1, &page(512, &ext_csd))]),
    );
    let status = [&b"00000000"[..], b"02000000", &[b'0'; 112]].concat();
    keep("disk_answers", "sd", &answers(4, &[b"SD\n".to_vec(), status]));

    let words = |text: &str| text.as_bytes().to_vec();
    let identity =
        page(572, &[(1, &[0x89, 2, 0x38]), (56, &[0xEC]), (80, b"EPN6TX1032"), (114, b"aSsmnu gSS D78 0")]);
    let named = [
        vec![0],
        words("ATA     "),
        words("Samsung SSD 870 "),
        words("2B6Q"),
        words("naa.5002538f31000000\n"),
        Vec::new(),
        [&[0, 0x80, 0, 6][..], b"  S6PE"].concat(),
        identity,
        words("1.0"),
        words("name"),
        words("maker"),
        words("product"),
        words("0951"),
        words("2097152\n"),
        words("512\n"),
        words("serial S6PE\nwwid naa.5\n"),
        words("DEVNAME=sda1\nPARTNAME=EFI \x1b[2J\nPARTUUID=1-2\n"),
    ];
    keep("disk_answers", "names", &answers(5, &named));
    let descriptors = vec![
        0x72, 1, 0, 0x1D, 0, 0, 0, 14, 9, 0x0C, 1, 0, 0, 0, 0, 0x44, 0x11, 0x55, 0x22, 0x66, 0x33, 0x40, 0x50,
    ];
    let fixed = page(18, &[(0, &[0x70, 0, 3]), (12, &[0x11, 4])]);
    keep("disk_answers", "sense", &answers(6, &[descriptors, fixed]));
}
