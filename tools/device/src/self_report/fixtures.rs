//! Disks that no emulator has: with an HPA, an overlay, a lock. Their answers are built here field by field from the standards,
//! not by code that the parsers share; what real disk models answer is in `tests/tests/hidden_areas.rs`.

use super::channel::{Ask, Reply, Silence};
use super::question::{AtaQuestion, NvmeQuestion, Question, ScsiQuestion};
use super::{ata, mmc, nvme, scsi, within};
use crate::sense::AtaRegisters;
use evidence::{AfterTrim, AreaKind, ByteCount, Finding, SectorCount, SelfReport, ZoneModel};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

/// A disk that answers what it was given to answer, and aborts the rest.
#[derive(Default)]
struct Fixture {
    answers: HashMap<Question, Result<Reply, Silence>>,
    asked: Vec<Question>,
}

impl Ask for Fixture {
    fn ask(&mut self, question: Question) -> Result<Reply, Silence> {
        self.asked.push(question);
        self.answers.get(&question).cloned().unwrap_or(Err(Silence::NotKnown(question.name())))
    }
}

impl Fixture {
    fn data(mut self, question: Question, data: Vec<u8>) -> Self {
        self.answers.insert(question, Ok(Reply { data, registers: None }));
        self
    }

    fn lba(mut self, question: AtaQuestion, lba: u64) -> Self {
        let registers = AtaRegisters { lba, status: 0x50, device: 0x40, ..AtaRegisters::default() };
        let reply = Reply { data: vec![], registers: Some(registers) };
        self.answers.insert(Question::Ata(question), Ok(reply));
        self
    }

    fn silent(mut self, question: Question, silence: Silence) -> Self {
        self.answers.insert(question, Err(silence));
        self
    }
}

const VISIBLE: u64 = 195_364_000;

/// IDENTIFY DEVICE data of 512 bytes: words as given, 48-bit addressing with `VISIBLE` sectors, checksum at the end.
fn identify(words: &[(usize, u16)]) -> Vec<u8> {
    let mut page = vec![0u8; 512];
    let mut put =
        |word: usize, value: u16| page[2 * word..2 * word + 2].copy_from_slice(&value.to_le_bytes());
    put(0, 0x0040);
    put(60, 0xFFFF);
    put(61, 0x0FFF);
    put(83, 0x4400);
    put(84, 0x4000);
    put(86, 0x0400);
    put(87, 0x4000);
    for part in 0..4 {
        put(100 + part, u16::try_from(VISIBLE >> (16 * part) & 0xFFFF).unwrap());
    }
    words.iter().for_each(|(word, value)| put(*word, *value));
    checksummed(page)
}

fn checksummed(mut page: Vec<u8>) -> Vec<u8> {
    page[510] = 0xA5;
    page[511] = 0;
    let sum = page.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    page[511] = 0u8.wrapping_sub(sum);
    page
}

fn ata_disk(words: &[(usize, u16)]) -> Fixture {
    Fixture::default()
        .data(Question::Ata(AtaQuestion::Identify), identify(words))
        .lba(AtaQuestion::NativeMaxExt, VISIBLE - 1)
}

/// Through a bridge, if there is one, that shows all of the disk.
fn ask_ata(disk: &mut Fixture) -> SelfReport {
    ata::ask(disk, ByteCount(VISIBLE * 512))
}

fn area(report: &SelfReport, kind: AreaKind) -> Finding<(Option<ByteCount>, Option<SectorCount>)> {
    match report.area(kind).unwrap() {
        Finding::None => Finding::None,
        Finding::Found(hidden) => Finding::Found((hidden.size, hidden.sectors)),
        Finding::Unknown { reason } => Finding::unknown(reason),
    }
}

fn reason<T: std::fmt::Debug>(finding: Finding<T>) -> String {
    match finding {
        Finding::Unknown { reason } => reason,
        known => panic!("{known:?}"),
    }
}

// No emulator has a disk with an HPA, an overlay or an accessible max address below its native one: QEMU's disks answer
// READ NATIVE MAX ADDRESS with their size and know the other two not at all.

#[test]
fn sectors_behind_a_host_protected_area_are_counted_and_warned_of() {
    let mut disk = ata_disk(&[(82, 0x0400)]).lba(AtaQuestion::NativeMaxExt, VISIBLE + 2048 - 1);
    let report = ask_ata(&mut disk);
    let hidden = (Some(ByteCount(1 << 20)), Some(SectorCount(2048)));
    assert_eq!(area(&report, AreaKind::HostProtectedArea), Finding::Found(hidden));
    let warnings = report.warnings();
    assert_eq!(
        warnings,
        [
            "host protected area (HPA): 2 048 sectors (1.0 MiB) from LBA 195 364 000 on: not in an image of this \
          disk"
        ]
    );
}

#[test]
fn a_disk_that_says_its_whole_capacity_is_visible_hides_none() {
    let report = ask_ata(&mut ata_disk(&[(82, 0x0400)]));
    for kind in
        [AreaKind::HostProtectedArea, AreaKind::DeviceConfigurationOverlay, AreaKind::AccessibleMaxAddress]
    {
        assert_eq!(area(&report, kind), Finding::None, "{kind}");
    }
    assert!(report.warnings().is_empty() && report.unknown_areas().is_empty(), "{report:?}");
    // And an abort says the same of a disk without the feature set.
    let mut without = Fixture::default().data(Question::Ata(AtaQuestion::Identify), identify(&[]));
    assert_eq!(area(&ask_ata(&mut without), AreaKind::HostProtectedArea), Finding::None);
    // But not of one with it, nor one that something keeps from answering.
    let mut odd = Fixture::default().data(Question::Ata(AtaQuestion::Identify), identify(&[(82, 0x0400)]));
    assert!(reason(area(&ask_ata(&mut odd), AreaKind::HostProtectedArea)).contains("does not know"));
    let refused = Silence::Refused("READ NATIVE MAX ADDRESS EXT");
    let mut kept = ata_disk(&[]).silent(Question::Ata(AtaQuestion::NativeMaxExt), refused);
    assert!(reason(area(&ask_ata(&mut kept), AreaKind::HostProtectedArea)).contains("write block"));
}

#[test]
fn a_bridge_that_shows_less_than_the_disk_has_is_found_out() {
    let report = ata::ask(&mut ata_disk(&[]), ByteCount((VISIBLE - 2048) * 512));
    assert_eq!(area(&report, AreaKind::BeyondCapacity), Finding::Found((Some(ByteCount(1 << 20)), None)));
    assert!(report.warnings()[0].contains("what stands between shows 1.0 MiB less"), "{report:?}");
    assert_eq!(area(&ask_ata(&mut ata_disk(&[])), AreaKind::BeyondCapacity), Finding::None);
}

#[test]
fn an_old_disk_is_asked_with_28_bits_and_its_sectors_are_counted_from_both_registers() {
    let mut page = identify(&[(82, 0x0400), (83, 0x4000)]);
    // Words 60 and 61: 0x0123_4567 sectors.
    page[120..124].copy_from_slice(&0x0123_4567u32.to_le_bytes());
    let registers = AtaRegisters { lba: 0x23_4666, device: 0xE1, status: 0x50, ..AtaRegisters::default() };
    let mut disk = Fixture::default().data(Question::Ata(AtaQuestion::Identify), checksummed(page));
    let native = Reply { data: vec![], registers: Some(registers) };
    disk.answers.insert(Question::Ata(AtaQuestion::NativeMax), Ok(native));
    let found = area(&ask_ata(&mut disk), AreaKind::HostProtectedArea);
    assert_eq!(found, Finding::Found((Some(ByteCount(0x100 * 512)), Some(SectorCount(0x100)))));
}

/// DEVICE CONFIGURATION IDENTIFY data: revision 2, highest address in words 3 to 6.
fn overlay(last: u64) -> Vec<u8> {
    let mut page = vec![0u8; 512];
    page[0] = 2;
    page[6..14].copy_from_slice(&last.to_le_bytes());
    checksummed(page)
}

#[test]
fn an_overlay_hides_what_lies_behind_the_native_maximum() {
    let with_both = [(82, 0x0400), (83, 0x4C00)];
    let disk = || ata_disk(&with_both).lba(AtaQuestion::NativeMaxExt, VISIBLE + 99);
    let question = Question::Ata(AtaQuestion::DeviceConfiguration);
    let report = ask_ata(&mut disk().data(question, overlay(VISIBLE + 299)));
    let sectors = |kind| area(&report, kind).found().and_then(|hidden| hidden.1);
    assert_eq!(sectors(AreaKind::HostProtectedArea), Some(SectorCount(100)));
    assert_eq!(sectors(AreaKind::DeviceConfigurationOverlay), Some(SectorCount(200)));

    let finding = |disk: &mut Fixture| area(&ask_ata(disk), AreaKind::DeviceConfigurationOverlay);
    assert_eq!(finding(&mut disk().data(question, overlay(VISIBLE + 99))), Finding::None);
    assert!(reason(finding(&mut disk())).contains("frozen"), "an abort by a disk that has the set");
    let mut damaged = overlay(VISIBLE + 299);
    damaged[6] ^= 1;
    assert!(reason(finding(&mut disk().data(question, damaged))).contains("damaged"));
    assert!(reason(finding(&mut disk().data(question, overlay(5)))).contains("less than can be reached"));
}

#[test]
fn an_accessible_max_address_below_the_native_one_is_found_on_disks_with_long_sectors_too() {
    // Word 106: long logical sectors; words 117 and 118: 2048 words.
    let words = [(119, 0x4100), (106, 0x5000), (117, 2048), (118, 0)];
    let report = ask_ata(&mut ata_disk(&words).lba(AtaQuestion::AccessibleNativeMax, VISIBLE + 255));
    let hidden = (Some(ByteCount(1 << 20)), Some(SectorCount(256)));
    assert_eq!(area(&report, AreaKind::AccessibleMaxAddress), Finding::Found(hidden));
    let silent = ask_ata(&mut ata_disk(&words));
    assert!(reason(area(&silent, AreaKind::AccessibleMaxAddress)).contains("GET NATIVE MAX ADDRESS EXT"));
}

#[test]
fn passwords_trim_and_zones_are_read_from_their_words() {
    let locked = ask_ata(&mut ata_disk(&[(82, 2), (128, 0x0107), (92, 0xFFFE)]));
    let security = *locked.ata_security.found().unwrap();
    assert!(security.enabled && security.locked && security.maximum && !security.frozen);
    assert_eq!(security.master_password_id, Some(0xFFFE));
    assert!(locked.warnings()[0].contains("locked by its ATA password"));
    assert_eq!(ask_ata(&mut ata_disk(&[])).ata_security, Finding::None);
    let frozen = ask_ata(&mut ata_disk(&[(82, 2), (128, 0x0009)]));
    assert!(frozen.ata_security.found().unwrap().frozen && frozen.warnings().is_empty());

    let trim = |words: &[(usize, u16)]| ask_ata(&mut ata_disk(words)).trim.found().map(|trim| trim.reads);
    assert_eq!(trim(&[]), None);
    assert_eq!(trim(&[(169, 1)]), Some(AfterTrim::Unspecified));
    assert_eq!(trim(&[(169, 1), (69, 0x0020)]), Some(AfterTrim::Unspecified), "RZAT without DRAT");
    assert_eq!(trim(&[(169, 1), (69, 0x4000)]), Some(AfterTrim::Deterministic));
    assert_eq!(trim(&[(169, 1), (69, 0x4020)]), Some(AfterTrim::Zeros));
    let zones = ask_ata(&mut ata_disk(&[(69, 0x0001)])).zones;
    assert_eq!(zones.found().unwrap().model, ZoneModel::HostAware);
}

#[test]
fn a_disk_that_expects_to_fail_is_warned_of_with_its_counters() {
    let mut data = vec![0u8; 512];
    // Attributes 5 and 194: raw values from byte 5 of their 12 on; the upper ones hold a maker's own.
    data[2..14].copy_from_slice(&[5, 0x33, 0, 10, 10, 0x39, 0x05, 0, 0, 0xAA, 0xBB, 0]);
    data[14..26].copy_from_slice(&[194, 0x22, 0, 64, 40, 36, 0, 18, 0, 52, 0, 0]);
    data[511] = 0u8.wrapping_sub(data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)));
    let mut disk = ata_disk(&[(82, 1), (85, 1)])
        .lba(AtaQuestion::SmartStatus, 0x2C_F400)
        .data(Question::Ata(AtaQuestion::SmartData), data);
    let health = ask_ata(&mut disk).health.found().cloned().unwrap();
    assert_eq!(health.failing, Some(true));
    assert_eq!(health.readings.get("reallocated-sectors"), Some(&0x539));
    assert_eq!(health.readings.get("temperature-celsius"), Some(&36));
    let good = ask_ata(&mut ata_disk(&[(82, 1), (85, 1)]).lba(AtaQuestion::SmartStatus, 0xC2_4F00));
    assert_eq!(good.health.found().unwrap().failing, Some(false));
    let off = ask_ata(&mut ata_disk(&[(82, 1)])).health;
    assert!(reason(off).contains("switched off"));
}

#[test]
fn a_bridge_that_passes_no_identify_leaves_everything_unknown_and_is_asked_once() {
    let silence = Silence::NotPassed("IDENTIFY DEVICE");
    let mut disk = Fixture::default().silent(Question::Ata(AtaQuestion::Identify), silence);
    let report = ask_ata(&mut disk);
    assert_eq!(disk.asked.len(), 1);
    assert!(report.unknown_areas()[0].contains("does not pass IDENTIFY DEVICE on"));
    assert!(matches!(report.ata_security, Finding::Unknown { .. }));
    let mut damaged = identify(&[]);
    damaged[200] ^= 0x10;
    let mut disk = Fixture::default().data(Question::Ata(AtaQuestion::Identify), damaged);
    assert!(ask_ata(&mut disk).unknown_areas()[0].contains("checksum"));
}

/// Identify Controller: namespace management, NN 16, capacity of 1 TiB, 1 GiB of it free, an RPMB of 4 MiB.
fn controller() -> Vec<u8> {
    let mut page = vec![0u8; 4096];
    page[80..84].copy_from_slice(&0x0001_0400u32.to_le_bytes());
    page[256] = 1 << 3;
    page[280..296].copy_from_slice(&(1u128 << 40).to_le_bytes());
    page[296..312].copy_from_slice(&(1u128 << 30).to_le_bytes());
    page[312..316].copy_from_slice(&(31u32 << 16 | 1).to_le_bytes());
    page[516] = 16;
    page[520] = 1 << 2;
    page
}

/// Identify Namespace: so many blocks of `1 << shift` bytes with so much metadata, in format 1; discarded blocks read as zeros.
fn namespace(blocks: u64, shift: u8, metadata: u16) -> Vec<u8> {
    let mut page = vec![0u8; 4096];
    page[..8].copy_from_slice(&blocks.to_le_bytes());
    page[25] = 1;
    page[26] = 1;
    page[33] = 1;
    page[132..134].copy_from_slice(&metadata.to_le_bytes());
    page[134] = shift;
    page
}

fn list(ids: &[u32]) -> Vec<u8> {
    let mut page: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    page.resize(4096, 0);
    page
}

fn alone(id: u32) -> nvme::Namespace {
    nvme::Namespace { id, has_size: true, shown: vec![id] }
}

fn nvme_disk() -> Fixture {
    Fixture::default()
        .data(Question::Nvme(NvmeQuestion::Controller), controller())
        .data(Question::Nvme(NvmeQuestion::Namespace(1)), namespace(1 << 20, 9, 8))
        .data(Question::Nvme(NvmeQuestion::ActiveList), list(&[1, 3]))
        .data(Question::Nvme(NvmeQuestion::AllocatedList), list(&[1, 3, 7]))
        .data(Question::Nvme(NvmeQuestion::AllocatedNamespace(7)), namespace(1 << 18, 12, 0))
}

#[test]
fn what_an_nvme_controller_holds_besides_the_imaged_namespace_is_found() {
    let report = nvme::ask(&mut nvme_disk(), &alone(1));
    let hidden: Vec<(AreaKind, Option<ByteCount>, String)> = report
        .areas
        .iter()
        .filter_map(|area| area.finding.found().map(|found| (area.kind, found.size, found.what.clone())))
        .collect();
    let words: Vec<&str> = hidden.iter().map(|(.., what)| what.as_str()).collect();
    assert_eq!(
        words,
        [
            "namespace 3 (size not told) is active, but the kernel shows no disk for it",
            "namespace 7 (1.0 GiB) is allocated, but not attached",
            "1 073 741 824 bytes (1.0 GiB) of 1.0 TiB belong to no namespace",
            "8 bytes beside each block of 512",
            "1 of 4.0 MiB each, read by security commands only",
        ]
    );
    assert_eq!(hidden[3].1, Some(ByteCount(8 << 20)));
    assert_eq!(report.trim.found().unwrap().reads, AfterTrim::Zeros);
    assert_eq!((report.self_encryption, report.ata_security), (Finding::None, Finding::None));
}

#[test]
fn a_controller_that_cannot_list_namespaces_says_none_only_when_all_are_active() {
    let mut plain = controller();
    plain[256] = 0;
    let disk = |page: Vec<u8>| {
        nvme_disk()
            .data(Question::Nvme(NvmeQuestion::Controller), page)
            .data(Question::Nvme(NvmeQuestion::ActiveList), list(&[1]))
    };
    let finding = |page| area(&nvme::ask(&mut disk(page), &alone(1)), AreaKind::UnattachedNamespace);
    assert!(reason(finding(plain.clone())).contains("1 of 16 possible"));
    plain[516] = 1;
    assert_eq!(finding(plain), Finding::None);
}

#[test]
fn the_health_log_and_the_command_set_of_a_namespace_are_read() {
    let mut log = vec![0u8; 512];
    (log[0], log[3], log[5]) = (0x08, 100, 12);
    log[1..3].copy_from_slice(&310u16.to_le_bytes());
    log[128..144].copy_from_slice(&4321u128.to_le_bytes());
    log[160..176].copy_from_slice(&u128::MAX.to_le_bytes());
    let mut descriptors = vec![0u8; 4096];
    descriptors[..2].copy_from_slice(&[3, 16]);
    descriptors[20..25].copy_from_slice(&[4, 1, 0, 0, 2]);
    let mut disk = nvme_disk()
        .data(Question::Nvme(NvmeQuestion::Health), log)
        .data(Question::Nvme(NvmeQuestion::Descriptors(1)), descriptors);
    let report = nvme::ask(&mut disk, &alone(1));
    let health = report.health.found().unwrap();
    assert_eq!(health.failing, Some(true));
    assert_eq!(health.alarms, ["the medium has become read-only"]);
    assert_eq!(health.readings.get("temperature-celsius"), Some(&37));
    assert_eq!(health.readings.get("power-on-hours"), Some(&4321));
    assert_eq!(health.readings.get("media-errors"), Some(&i64::MAX));
    assert_eq!(report.zones.found().unwrap().model, ZoneModel::HostManaged);
}

/// The parts of EXT_CSD that count: boot partitions of 4 MiB, an RPMB of 4 MiB, general purpose partitions of 64 and 32 MiB.
fn ext_csd() -> Vec<u8> {
    let mut page = vec![0u8; 512];
    (page[226], page[168]) = (32, 32);
    (page[143], page[146], page[221], page[224]) = (8, 4, 16, 1);
    (page[231], page[181], page[192]) = (0x55, 0, 8);
    (page[267], page[268], page[269]) = (2, 3, 0);
    page
}

#[test]
fn a_cards_other_partitions_are_named_with_how_to_image_them() {
    // The emulator can't plug an eMMC into a machine with PCI.
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("type", "MMC\n");
    for (part, sectors) in [("mmcblk0", 61_071_360), ("mmcblk0boot0", 8192), ("mmcblk0boot1", 8192)] {
        write(&format!("block/{part}/size"), &format!("{sectors}\n"));
    }
    let card = mmc::Card::of(folder.path(), "mmcblk0");
    assert!(card.is_mmc());
    let report = mmc::ask(&mut Fixture::default().data(Question::ExtCsd, ext_csd()), &card);
    let warnings = report.warnings().join("\n");
    for words in [
        "boot partition: /dev/mmcblk0boot0, 4.0 MiB: not in an image of this disk; image /dev/mmcblk0boot0",
        "/dev/mmcblk0boot1",
        "(RPMB): 4.0 MiB, read by its own commands only",
        "general purpose partition: 96.0 MiB, of which the kernel made no device",
        "80% of its reserved blocks",
    ] {
        assert!(warnings.contains(words), "{words}: {warnings}");
    }
    assert_eq!(report.trim.found().unwrap().reads, AfterTrim::Zeros);
    assert_eq!(report.health.found().unwrap().readings.get("used-percent-type-a"), Some(&30));
    let bare = mmc::ask(&mut Fixture::default().data(Question::ExtCsd, ext_csd()), &mmc::Card::default());
    assert_eq!(area(&bare, AreaKind::BootPartition), Finding::Found((Some(ByteCount(8 << 20)), None)));
    let silent = mmc::ask(&mut Fixture::default(), &card);
    assert!(silent.area(AreaKind::ReplayProtectedBlock).is_some_and(|area| area.found().is_none()));
    assert!(silent.warnings().join("\n").contains("mmcblk0boot1"), "known without asking");
}

#[test]
fn a_scsi_disk_has_what_the_kernel_kept_and_its_own_capacity_stays_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("vpd_pg0", &[0, 0, 0, 4, 0, 0x80, 0xB1, 0xB2]);
    write("vpd_pgb1", &[0, 0xB1, 0, 60, 0, 1, 0, 0, 0x10]);
    write("vpd_pgb2", &[0, 0xB2, 0, 4, 0, 0xE4, 2, 0]);
    write("scsi_disk/0:0:0:0/protection_type", b"1\n");
    let kept = scsi::KeptPages::of(folder.path(), SectorCount(1000));
    // LOG SENSE page 2Fh: parameter 0, failure prediction threshold exceeded, 31 degrees.
    let log = vec![0x2F, 0, 0, 8, 0, 0, 3, 4, 0x5D, 0x10, 31, 0];
    let mut disk = Fixture::default().data(Question::Scsi(ScsiQuestion::InformationalExceptions), log);
    let report = scsi::ask(&mut disk, &kept);
    assert!(reason(area(&report, AreaKind::BeyondCapacity)).contains("no command"));
    assert_eq!(area(&report, AreaKind::BlockMetadata), Finding::Found((Some(ByteCount(8000)), None)));
    assert_eq!(report.trim.found().unwrap().reads, AfterTrim::Zeros);
    assert_eq!(report.zones.found().unwrap().model, ZoneModel::HostAware);
    assert_eq!(report.health.found().unwrap().failing, Some(true));
    assert_eq!(report.self_encryption, Finding::None);

    let bare = scsi::KeptPages::of(&folder.path().join("nothing"), SectorCount(1000));
    let report = scsi::without_asking(&bare, "a bridge");
    assert!(reason(report.trim).contains("may hang"), "silence is not taken for none");
}

#[test]
fn a_disk_that_hangs_keeps_nobody_waiting() {
    let begun = std::time::Instant::now();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let hanging: Box<dyn FnOnce() -> SelfReport + Send> = Box::new(move || {
        let _ = held.recv();
        SelfReport::not_asked("too late")
    });
    let quick: Box<dyn FnOnce() -> SelfReport + Send> = Box::new(|| SelfReport::not_asked("in time"));
    let reports = within(vec![hanging, quick], Duration::from_millis(200));
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(reports[0].unknown_areas()[0].contains("has not answered in time"));
    assert!(reports[1].unknown_areas()[0].contains("in time"));
    drop(hold);
}

proptest! {
    #[test]
    fn hostile_pages_of_any_length_end_in_a_report(
        pages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4200), 4),
        lba: u64,
    ) {
        let mut page = identify(&[(82, 0xFFFF), (83, 0x7FFF), (119, 0x4100), (48, 0x4001), (85, 1)]);
        page.iter_mut().zip(&pages[0]).skip(200).step_by(3).for_each(|(to, from)| *to = *from);
        let mut disk = ata_disk(&[])
            .data(Question::Ata(AtaQuestion::Identify), checksummed(page))
            .data(Question::Ata(AtaQuestion::DeviceConfiguration), pages[1].clone())
            .data(Question::Ata(AtaQuestion::SmartData), pages[2].clone())
            .data(Question::Scsi(ScsiQuestion::SecurityProtocols), pages[3].clone())
            .data(Question::Scsi(ScsiQuestion::TcgDiscovery), pages[1].clone())
            .data(Question::Scsi(ScsiQuestion::InformationalExceptions), pages[2].clone())
            .data(Question::ExtCsd, pages[3].clone())
            .lba(AtaQuestion::NativeMaxExt, lba)
            .lba(AtaQuestion::AccessibleNativeMax, lba)
            .lba(AtaQuestion::SmartStatus, lba);
        for report in [
            ask_ata(&mut disk),
            scsi::ask(&mut disk, &scsi::KeptPages::default()),
            mmc::ask(&mut disk, &mmc::Card::default()),
        ] {
            prop_assert!(!report.remarks().is_empty());
            let _ = report.warnings();
        }
    }

    #[test]
    fn hostile_nvme_pages_end_in_a_report(
        pages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4200), 6),
        managed: bool,
    ) {
        let mut own = pages[0].clone();
        if let Some(byte) = own.get_mut(256) {
            *byte = u8::from(managed) << 3 | 1;
        }
        let ask = |question| Question::Nvme(question);
        let mut disk = Fixture::default()
            .data(ask(NvmeQuestion::Controller), own)
            .data(ask(NvmeQuestion::Namespace(1)), pages[1].clone())
            .data(ask(NvmeQuestion::ActiveList), pages[2].clone())
            .data(ask(NvmeQuestion::AllocatedList), pages[3].clone())
            .data(ask(NvmeQuestion::Health), pages[4].clone())
            .data(ask(NvmeQuestion::Descriptors(1)), pages[5].clone())
            .data(ask(NvmeQuestion::SecurityProtocols), pages[4].clone())
            .data(ask(NvmeQuestion::TcgDiscovery), pages[5].clone());
        let report = nvme::ask(&mut disk, &alone(1));
        prop_assert!(!report.remarks().is_empty());
        prop_assert!(disk.asked.len() < 60, "a hostile list costs a bounded number of commands");
    }
}
