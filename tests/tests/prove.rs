//! `pf-prove` finds that the guard holds, and finds what gets through where a disk is writable; what it says agrees with
//! witnesses outside: the emulator's own counts and the bytes of the image.
//!
//! The pattern on the disks is made here, from its description and not by the code of `pf-prove`: a run that starts shows that
//! both mean the same. What the tool counts as changed in the end must be what differs in the image file.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, clippy::panic)]

mod attacked_disks;

use std::io::Cursor;

use attacked_disks::{Attacked, attack_all, blocks_that_differ};
use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Machine},
    evidence_disk::MIB,
    guest::Guest,
};

const SEED: u64 = 7;

fn size_of(transport: Transport) -> u64 {
    (33 + transport as u64) * MIB
}

/// SplitMix64, keyed and laid out as the head of `tools/prove/src/pattern.rs` describes it.
fn patterned(bytes: u64, seed: u64) -> Vec<u8> {
    const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(GAMMA);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    let key = next(&mut seed.clone());
    let mut image = Vec::new();
    for number in 0..bytes / 512 {
        let mut state = key ^ number.wrapping_mul(GAMMA).rotate_left(17);
        let mut block: Vec<u8> = (0..64).flat_map(|_| next(&mut state).to_le_bytes()).collect();
        block[..8].copy_from_slice(b"PFPROVE1");
        block[8..16].copy_from_slice(&number.to_le_bytes());
        block[16..24].copy_from_slice(&seed.to_le_bytes());
        block[504..].copy_from_slice(&(!number).to_le_bytes());
        image.extend(block);
    }
    image
}

/// Attacks a patterned disk on each transport.
fn attack_patterned(run: &str, writable: bool, options: &str) -> Vec<Attacked> {
    let original = |transport| patterned(size_of(transport), SEED);
    attack_all(
        run,
        writable,
        options,
        &|transport, image| std::fs::write(image, original(transport)).unwrap(),
        &|transport| Box::new(Cursor::new(original(transport))),
    )
}

/// Commands past the block layer that write, and go through to a destination.
fn writes_of(transport: Transport) -> (&'static str, &'static [&'static str]) {
    match transport {
        Transport::Ahci => {
            ("ata", &["WRITE SECTOR(S)", "WRITE DMA EXT", "WRITE FPDMA QUEUED", "WRITE MULTIPLE"])
        }
        Transport::Nvme => ("nvme", &["Write", "Write Zeroes", "NVME_IOCTL_SUBMIT_IO, Write"]),
        _ => ("scsi", &["WRITE (6)", "WRITE (10)", "WRITE (16)", "WRITE AND VERIFY (10)", "WRITE SAME (16)"]),
    }
}

#[test]
fn the_guard_is_found_to_hold() {
    for attacked in attack_patterned("prove-holds", false, "--destructive --random 2000") {
        let name = attacked.transport.name();
        eprintln!("{name}: {}", attacked.report["counts"]);
        attacked.assert_held();
        let (class, expected) = writes_of(attacked.transport);
        let blocked = attacked.rows(class, "blocked");
        for command in expected {
            assert!(blocked.contains(command), "{name}: {command} was not even tried: {blocked:?}");
        }
    }
}

#[test]
fn what_gets_through_to_a_destination_is_found_and_counted_as_the_image_has_it() {
    for attacked in attack_patterned("prove-leaks", true, "") {
        let (name, report) = (attacked.transport.name(), &attacked.report);
        let (class, expected) = writes_of(attacked.transport);
        let changed = attacked.rows(class, "changed");
        eprintln!("{name}: {}; {class} changed: {changed:?}", report["counts"]);
        attacked.assert_leaked_as_told();
        for command in expected {
            assert!(changed.contains(command), "{name}: {command} was not found to write: {changed:?}");
        }
        assert!(!attacked.rows("block", "changed").is_empty(), "{name}: plain writes");
    }
}

#[test]
fn a_disk_is_filled_with_the_pattern_and_refused_when_it_is_not_the_one_named() {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let size = size_of(Transport::VirtioBlk);
    let image = folder.path().join("scratch");
    std::fs::File::create(&image).unwrap().set_len(size).unwrap();
    let disk = Disk::new("scratch", Transport::VirtioBlk, &image);
    let machine = Machine::new(Chipset::Q35, Boot::Kernel(artifacts.kernel().unwrap())).disk(disk);
    let mut guest = Guest::boot(machine, &artifacts.log_folder("prove-fill").unwrap()).unwrap();
    let name = guest.await_disk(size).unwrap();
    let mut ends_with = |command: &str, status: i32| {
        let answer = guest.run(command).unwrap();
        assert_eq!(answer.status, status, "{command}: {}", answer.output);
        answer.output
    };
    ends_with(&format!("pf-prove fill {name} --serial OTHER --yes"), 2);
    ends_with(&format!("pf-prove fill {name} --serial SCRATCH"), 2);
    ends_with(&format!("pf-prove fill {name} --serial SCRATCH --yes"), 3);
    ends_with(&format!("pf-prove attack {name} --serial SCRATCH --yes"), 3);
    ends_with(&format!("pf-guard allow {name} --serial SCRATCH --yes"), 0);
    ends_with(&format!("pf-prove fill {name} --serial SCRATCH --yes --seed 9"), 0);
    guest.power_off().unwrap();
    drop(guest);
    assert_eq!(blocks_that_differ(&image, &mut Cursor::new(patterned(size, 9))), 0);
}
