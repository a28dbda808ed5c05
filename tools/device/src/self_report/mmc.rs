//! What an eMMC or SD card says of itself (JESD84-B51 §7.4, SD physical layer 6.00 §4.10.2).

use super::channel::{Ask, Silence};
use super::fields::Page;
use super::question::Question;
use crate::sysfs;
use evidence::{AfterTrim, Area, AreaKind, ByteCount, Finding, Health, HiddenArea, SelfReport, Trim};
use std::collections::BTreeMap;
use std::path::Path;

/// Unit of the boot partitions' and the RPMB's sizes.
const UNIT: u64 = 128 << 10;

/// What sysfs holds of a card.
#[derive(Clone, Debug, Default)]
pub(crate) struct Card {
    /// `MMC` or `SD`.
    kind: Option<String>,
    /// SD status register, 64 bytes in hexadecimal.
    status: Option<String>,
    /// Disks of the card beside its main one, with their names and sizes.
    parts: Vec<(String, ByteCount)>,
}

impl Card {
    /// Reads what sysfs holds of the card in `folder`, whose main disk is called `name`.
    pub(crate) fn of(folder: &Path, name: &str) -> Self {
        let disks = std::fs::read_dir(folder.join("block")).into_iter().flatten().flatten();
        let mut parts: Vec<(String, ByteCount)> = disks
            .filter_map(|entry| {
                let part = entry.file_name().to_string_lossy().into_owned();
                let sectors = sysfs::number(&entry.path().join("size"))?;
                (part != name).then_some((part, ByteCount(sectors.saturating_mul(512))))
            })
            .collect();
        parts.sort();
        Self { kind: sysfs::text(&folder.join("type")), status: sysfs::text(&folder.join("ssr")), parts }
    }

    /// Whether the card is an eMMC or MMC, which has extended data to ask for.
    pub(crate) fn is_mmc(&self) -> bool {
        self.kind.as_deref() == Some("MMC")
    }
}

/// An MMC, asked through `door`.
pub(crate) fn ask(door: &mut dyn Ask, card: &Card) -> SelfReport {
    let reply = door.ask(Question::ExtCsd);
    let none = || Finding::None;
    let (areas, trim, health) = match reply {
        Ok(reply) => {
            let page = Page(&reply.data);
            (extended_areas(page, card), trim(page), health(page))
        }
        Err(silence) => (parts(card, Some(&silence)), unknown(&silence), unknown(&silence)),
    };
    SelfReport {
        areas,
        ata_security: none(),
        self_encryption: Finding::None,
        trim,
        zones: Finding::None,
        health,
    }
}

fn unknown<T>(silence: &Silence) -> Finding<T> {
    Finding::unknown(silence.to_string())
}

/// An SD card, of which the driver has asked everything already.
pub(crate) fn of_sd(card: &Card) -> SelfReport {
    SelfReport {
        areas: vec![Area {
            kind: AreaKind::CardProtectedArea,
            finding: protected_area(card.status.as_deref()),
        }],
        ata_security: Finding::None,
        self_encryption: Finding::None,
        trim: Finding::unknown("not asked of SD cards"),
        zones: Finding::None,
        health: Finding::unknown("SD cards keep no account of it that is common to all makers"),
    }
}

/// SIZE_OF_PROTECTED_AREA, bits 479:448 of the SD status: bytes 4 to 7, of cards above 2 GB in bytes (SD 6.00 table 4-44).
fn protected_area(status: Option<&str>) -> Finding<HiddenArea> {
    let size = status.and_then(|hex| u64::from_str_radix(hex.get(8..16)?, 16).ok());
    match size {
        None => Finding::unknown("the kernel has no status register of this card"),
        Some(0) => Finding::None,
        Some(size) => Finding::Found(HiddenArea {
            // Cards up to 2 GB count in units that depend on other registers.
            size: None,
            sectors: None,
            device: None,
            what: format!("size field {size}; read with the card's own security commands only"),
        }),
    }
}

fn kind_of(part: &str) -> AreaKind {
    match part {
        part if part.contains("boot") => AreaKind::BootPartition,
        part if part.contains("rpmb") => AreaKind::ReplayProtectedBlock,
        _ => AreaKind::GeneralPurposePartition,
    }
}

/// The card's other disks, each a device of its own.
fn parts(card: &Card, silence: Option<&Silence>) -> Vec<Area> {
    let mut areas: Vec<Area> = card
        .parts
        .iter()
        .map(|(part, size)| {
            let device = format!("/dev/{part}");
            let what = format!("{device}, {}", size.short());
            let area = HiddenArea { size: Some(*size), sectors: None, device: Some(device), what };
            Area { kind: kind_of(part), finding: Finding::Found(area) }
        })
        .collect();
    if let Some(silence) = silence {
        areas.push(Area { kind: AreaKind::ReplayProtectedBlock, finding: unknown(silence) });
    }
    areas
}

/// What EXT_CSD says beside the disks that the kernel made of it.
fn extended_areas(page: Page<'_>, card: &Card) -> Vec<Area> {
    let mut areas = parts(card, None);
    let has = |areas: &[Area], kind| areas.iter().any(|area: &Area| area.kind == kind);
    // RPMB_SIZE_MULT [168]. The kernel gives it a character device, which takes keyed commands only.
    let rpmb = page.u8(168).map_or_else(
        || Finding::unknown("its extended data are too short"),
        |units| match u64::from(units).saturating_mul(UNIT) {
            0 => Finding::None,
            size => {
                let size = ByteCount(size);
                let what = format!("{}, read by its own commands only", size.short());
                Finding::Found(HiddenArea { size: Some(size), sectors: None, device: None, what })
            }
        },
    );
    areas.push(Area { kind: AreaKind::ReplayProtectedBlock, finding: rpmb });
    // BOOT_SIZE_MULT [226]: two partitions of that size each.
    if !has(&areas, AreaKind::BootPartition) {
        areas.push(Area {
            kind: AreaKind::BootPartition,
            finding: without_disk(page.u8(226).map(|units| u64::from(units).saturating_mul(2 * UNIT))),
        });
    }
    if !has(&areas, AreaKind::GeneralPurposePartition) {
        areas.push(Area {
            kind: AreaKind::GeneralPurposePartition,
            finding: without_disk(general_purpose(page)),
        });
    }
    areas
}

/// An area that the card has and the kernel made no disk of.
fn without_disk(size: Option<u64>) -> Finding<HiddenArea> {
    match size {
        None => Finding::unknown("its extended data are too short"),
        Some(0) => Finding::None,
        Some(size) => {
            let size = ByteCount(size);
            let what = format!("{}, of which the kernel made no device", size.short());
            Finding::Found(HiddenArea { size: Some(size), sectors: None, device: None, what })
        }
    }
}

/// GP_SIZE_MULT [143 to 154], four numbers of three bytes, times HC_WP_GRP_SIZE [221] and HC_ERASE_GRP_SIZE [224] in units of
/// 512 KiB.
fn general_purpose(page: Page<'_>) -> Option<u64> {
    let group = u64::from(page.u8(221)?).saturating_mul(page.u8(224)?.into()).saturating_mul(512 << 10);
    let one = |at: usize| Some(u64::from(page.le32(at)? & 0x00FF_FFFF));
    let all = [one(143)?, one(146)?, one(149)?, one(152)?].into_iter().fold(0, u64::saturating_add);
    Some(all.saturating_mul(group))
}

/// SEC_FEATURE_SUPPORT [231] bit 4: TRIM; ERASED_MEM_CONT [181]: what erased memory reads as.
fn trim(page: Page<'_>) -> Finding<Trim> {
    match (page.bit(231, 4), page.u8(181)) {
        (Some(false), _) => Finding::None,
        (Some(true), Some(content)) => Finding::Found(Trim {
            reads: match content {
                0 => AfterTrim::Zeros,
                1 => AfterTrim::Ones,
                _ => AfterTrim::Unspecified,
            },
        }),
        _ => Finding::unknown("its extended data are too short"),
    }
}

/// PRE_EOL_INFO [267] and DEVICE_LIFE_TIME_EST_TYP_A and B [268, 269], from EXT_CSD_REV 7 on [192].
fn health(page: Page<'_>) -> Finding<Health> {
    const WITH_HEALTH: u8 = 7;
    match page.u8(192) {
        None => return Finding::unknown("its extended data are too short"),
        Some(revision) if revision < WITH_HEALTH => return Finding::None,
        Some(_) => {}
    }
    // 1 normal, 2 warning (80% of the reserved blocks used), 3 urgent; 0 not defined.
    let failing = page.u8(267).filter(|state| (1..=3).contains(state)).map(|state| state == 3);
    // Life used in steps of ten per cent; 0 not defined, 0Bh over.
    let used = |at| page.u8(at).filter(|step| *step > 0).map(|step| i64::from(step).saturating_mul(10));
    let readings = [("used-percent-type-a", used(268)), ("used-percent-type-b", used(269))];
    let readings: BTreeMap<String, i64> =
        readings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let alarms = match page.u8(267) {
        Some(2) => vec!["80% of its reserved blocks are used".to_owned()],
        _ => Vec::new(),
    };
    Finding::Found(Health { failing, alarms, readings })
}
