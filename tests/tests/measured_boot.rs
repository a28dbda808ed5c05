//! The TPM is read and left as it is: what the record has of it is what the chip holds, and no command that changes
//! it gets through. The chip's own log of its commands is the witness.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use std::{collections::BTreeMap, fs, time::Duration};

use harness::{
    artifacts::Artifacts,
    disk_device::{Disk, Transport},
    emulator::{Boot, Chipset, Firmware, Machine, TpmModel},
    evidence_disk::MIB,
    guest::Guest,
    host_program::HostProgram,
    oracle::Oracle,
    software_tpm::{Exchange, SoftwareTpm},
};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

const EVIDENCE_BYTES: u64 = 8 * MIB;
const PCRS: usize = 24;

/// TPM 2.0 Library, part 2, `TPM_CC`.
const SELF_TEST: u32 = 0x143;
const SHUTDOWN: u32 = 0x145;
const GET_CAPABILITY: u32 = 0x17a;
const PCR_READ: u32 = 0x17e;
const PCR_EXTEND: u32 = 0x182;
/// Commands that change PCRs in ways that the replay below does not know: PCR_Event, EventSequenceComplete, PCR_Reset.
const UNKNOWN_TO_REPLAY: [u32; 3] = [0x13c, 0x185, 0x13d];

/// Values of all PCRs by the name of the bank.
type Banks = BTreeMap<String, Vec<String>>;

#[test]
fn the_record_has_what_the_tpm_holds_and_the_tpm_is_left_as_it_is() {
    stays_as_it_is("measured-boot-tis", TpmModel::Tis);
}

#[test]
fn the_same_of_a_tpm_behind_the_other_interface() {
    stays_as_it_is("measured-boot-crb", TpmModel::Crb);
}

fn stays_as_it_is(run: &str, model: TpmModel) {
    let artifacts = Artifacts::of_this_build();
    let folder = tempfile::tempdir().unwrap();
    let evidence = Disk::new("evidence", Transport::Ahci, folder.path().join("evidence"));
    fs::write(&evidence.image, vec![0x5a; EVIDENCE_BYTES as usize]).unwrap();
    let oracle = Oracle::watch(std::slice::from_ref(&evidence)).unwrap();
    let tpm = SoftwareTpm::start().unwrap();
    let machine = Machine::new(Chipset::Q35, Boot::UsbStick(artifacts.iso().unwrap()))
        .firmware(Firmware::Uefi)
        .tpm(model, tpm.socket())
        .disk(evidence);
    let mut guest = Guest::boot(machine, &artifacts.log_folder(run).unwrap()).unwrap();
    let disk = guest.await_disk(EVIDENCE_BYTES).unwrap();

    let refused = |guest: &mut Guest, script: &str| {
        let answer = guest.run(script).unwrap();
        assert!(!answer.succeeded(), "{script} succeeded: {}", answer.output);
        assert!(
            answer.output.contains("ermission") || answer.output.contains("ermitted"),
            "{}",
            answer.output
        );
    };
    for node in ["tpm0", "tpmrm0"] {
        guest.await_file(&format!("/dev/{node}")).unwrap();
        refused(&mut guest, &format!("cat < /dev/{node}"));
    }
    // 5: the firmware clears the TPM at the next start (PPI 1.3, table 2).
    refused(&mut guest, "echo 5 > /sys/class/tpm/tpm0/ppi/request");
    assert_eq!(guest.demand("cat /sys/class/tpm/tpm0/ppi/request").unwrap().trim(), "0");
    let doors = guest.demand("pf-guard log --json").unwrap();
    assert!(doors.contains("\"tpm\"") && doors.contains("\"tpm-ppi\""), "no event of the attempts: {doors}");

    let acquire =
        format!("mkdir /run/items && pf-acquire /dev/{disk} --to /run/items --case T --evidence item 2>&1");
    guest.demand_within(&acquire, Duration::from_secs(120)).unwrap();
    let line = guest.demand("grep measured-boot /run/items/item.record.jsonl").unwrap();
    let entry: Value = serde_json::from_str(line.trim()).unwrap();
    guest.power_off().unwrap();
    oracle.judge(guest.emulator).unwrap()[0].assert_untouched();

    let exchanges = tpm.exchanges().unwrap();
    let end_of_firmware = last_measurement_of_firmware(&exchanges);
    the_kernel_only_asked(&exchanges[end_of_firmware + 1..]);
    assert_eq!((&entry["tpm"], &entry["version"]), (&"present".into(), &"2.0".into()));
    let recorded: Banks = serde_json::from_value(entry["banks"].clone()).unwrap();
    assert!(recorded.contains_key("sha256"), "{recorded:?}");
    assert_eq!(
        recorded,
        replayed(&exchanges),
        "the record's PCRs are not those that the chip was extended to"
    );

    let log = folder.path().join("event-log");
    assert!(entry["event_log"]["base64"].is_string(), "{}", entry["event_log"]);
    let encoded = entry["event_log"]["base64"].as_str().unwrap();
    let decoded = HostProgram::new("base64", "coreutils").unwrap().arg("-d").input(encoded).output().unwrap();
    fs::write(&log, &decoded.stdout).unwrap();
    assert_eq!(entry["event_log"]["sha256"], hex(&Sha256::digest(&decoded.stdout)));
    let said = HostProgram::new("tpm2_eventlog", "tpm2-tools").unwrap().arg(&log).run().unwrap();
    // 0 to 7 are the firmware's, 8 and 9 GRUB's, and all of them stand in the log.
    let told = banks_of_the_log(&said);
    for (bank, values) in &told {
        for (number, value) in values {
            assert_eq!(
                value, &recorded[bank][*number],
                "PCR {number} of {bank} is not what the log adds up to"
            );
        }
    }
    assert!((0..8).all(|number| told["sha256"].contains_key(&number)), "{told:?}");
}

/// The last command of the firmware's: it measures that its services ended into PCR 5 (TCG PC Client Platform Firmware
/// Profile, `EV_EFI_ACTION`).
fn last_measurement_of_firmware(exchanges: &[Exchange]) -> usize {
    let ended = Sha256::digest(b"Exit Boot Services Returned with Success");
    let is_it = |exchange: &Exchange| {
        exchange.code() == PCR_EXTEND && exchange.command.windows(ended.len()).any(|part| part == &ended[..])
    };
    exchanges.iter().rposition(is_it).unwrap()
}

/// From the firmware's end to power-off, nothing that changes the chip, and no shutdown either.
fn the_kernel_only_asked(exchanges: &[Exchange]) {
    let mut count: BTreeMap<u32, usize> = BTreeMap::new();
    exchanges.iter().for_each(|exchange| *count.entry(exchange.code()).or_default() += 1);
    let asks = [SELF_TEST, GET_CAPABILITY, PCR_READ];
    assert!(count.keys().all(|code| asks.contains(code)), "commands behind the firmware's: {count:x?}");
    assert!(count.get(&PCR_READ) >= Some(&PCRS), "the chip was not asked: {count:x?}");
    assert!(!count.contains_key(&SHUTDOWN));
}

/// What every PCR came to by the commands that the chip took (part 1, "extend of a PCR").
fn replayed(exchanges: &[Exchange]) -> Banks {
    let mut banks: BTreeMap<u16, Vec<Vec<u8>>> = BTreeMap::new();
    for (algorithm, length) in [(0x04, 20), (0x0b, 32), (0x0c, 48), (0x0d, 64)] {
        // PCRs 17 to 22 belong to a dynamic start and stand at ones until there is one (PC Client Platform TPM Profile).
        let start = |number: usize| vec![if (17..=22).contains(&number) { 0xff } else { 0 }; length];
        banks.insert(algorithm, (0..PCRS).map(start).collect());
    }
    for exchange in exchanges.iter().filter(|exchange| exchange.response() == 0) {
        assert!(
            !UNKNOWN_TO_REPLAY.contains(&exchange.code()),
            "command {:x} is not replayed",
            exchange.code()
        );
        if exchange.code() == PCR_EXTEND {
            extend(&mut banks, &exchange.command);
        }
    }
    let name = |algorithm: u16| ["sha1", "sha256", "sha384", "sha512"][usize::from(algorithm.max(10)) - 10];
    banks
        .into_iter()
        .map(|(algorithm, values)| {
            (name(algorithm).to_owned(), values.iter().map(|value| hex(value)).collect())
        })
        .collect()
}

/// Part 3, `TPM2_PCR_Extend`: header, PCR, length of the authorization and that, count of digests, and for each its
/// algorithm and value.
fn extend(banks: &mut BTreeMap<u16, Vec<Vec<u8>>>, command: &[u8]) {
    let long =
        |at: usize| command[at..at + 4].iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    let pcr = long(10);
    let digests = 18 + long(14);
    let mut at = digests + 4;
    for _ in 0..long(digests) {
        let algorithm = u16::from(command[at]) << 8 | u16::from(command[at + 1]);
        let value = &mut banks.get_mut(&algorithm).unwrap()[pcr];
        let digest = &command[at + 2..at + 2 + value.len()];
        at += 2 + value.len();
        *value = hashed(algorithm, &[value.as_slice(), digest].concat());
    }
    assert_eq!(at, command.len(), "an extend that is not understood");
}

fn hashed(algorithm: u16, bytes: &[u8]) -> Vec<u8> {
    match algorithm {
        0x04 => Sha1::digest(bytes).to_vec(),
        0x0b => Sha256::digest(bytes).to_vec(),
        0x0c => Sha384::digest(bytes).to_vec(),
        _ => Sha512::digest(bytes).to_vec(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The end of what `tpm2_eventlog` prints: under `pcrs:` a line for each bank, under that `NUMBER : 0xVALUE`.
fn banks_of_the_log(said: &str) -> BTreeMap<String, BTreeMap<usize, String>> {
    let mut banks: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    let mut bank = String::new();
    for line in said.lines().skip_while(|line| *line != "pcrs:").skip(1) {
        match line.split_once(':') {
            Some((name, "")) => bank = name.trim().to_owned(),
            Some((number, value)) => {
                let value = value.trim().trim_start_matches("0x").to_owned();
                banks.entry(bank.clone()).or_default().insert(number.trim().parse().unwrap(), value);
            }
            None => {}
        }
    }
    banks
}
