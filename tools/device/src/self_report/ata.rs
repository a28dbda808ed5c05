//! What an ATA disk says of itself: capacities, passwords, TRIM, zones, health.
//!
//! Three capacities can lie above the visible one. Each is asked for by a command that only asks, and compared: what IDENTIFY
//! DEVICE shows, the native maximum of the Host Protected Area, the maximum of the Device Configuration Overlay, and, on
//! newer disks in place of these two, the native maximum of Accessible Max Address Configuration.

use super::channel::{Ask, Reply, Silence};
use super::fields::Page;
use super::identify_device::IdentifyDevice;
use super::question::{AtaQuestion, Question};
use super::tcg;
use evidence::{Area, AreaKind, ByteCount, Finding, Health, HiddenArea, SectorCount, SelfReport};
use std::collections::BTreeMap;

/// Asks the disk behind `door`, of which the kernel shows `shown` bytes.
pub(crate) fn ask(door: &mut dyn Ask, shown: ByteCount) -> SelfReport {
    let page = match door.ask(Question::Ata(AtaQuestion::Identify)) {
        Ok(reply) => reply.data,
        Err(silence) => return SelfReport::not_asked(&silence.to_string()),
    };
    let identify = match IdentifyDevice::new(&page) {
        Ok(identify) => identify,
        Err(reason) => return SelfReport::not_asked(reason),
    };
    let mut ask = |question| door.ask(Question::Ata(question));
    let native = native_sectors(&mut ask, identify);
    let areas = vec![
        Area { kind: AreaKind::BeyondCapacity, finding: not_handed_on(identify, shown) },
        Area { kind: AreaKind::HostProtectedArea, finding: host_protected_area(identify, &native) },
        Area {
            kind: AreaKind::DeviceConfigurationOverlay,
            finding: configuration_overlay(&mut ask, identify, &native),
        },
        Area { kind: AreaKind::AccessibleMaxAddress, finding: accessible_max(&mut ask, identify) },
    ];
    let health = health(&mut ask, identify);
    let self_encryption = match identify.has_trusted_computing() {
        true => tcg::of_ata(door),
        false => Finding::None,
    };
    SelfReport {
        areas,
        ata_security: identify.security(),
        self_encryption,
        trim: identify.trim(),
        zones: identify.zones(),
        health,
    }
}

type AskAta<'a> = dyn FnMut(AtaQuestion) -> Result<Reply, Silence> + 'a;

/// How many sectors READ NATIVE MAX ADDRESS counts. It is asked of every disk, whatever its feature words say: a disk
/// without the feature set aborts it, and one that hides the set would betray itself.
fn native_sectors(ask: &mut AskAta<'_>, identify: IdentifyDevice<'_>) -> Result<SectorCount, Silence> {
    let is_48_bit = identify.has_48_bits();
    let question = if is_48_bit { AtaQuestion::NativeMaxExt } else { AtaQuestion::NativeMax };
    let reply = ask(question)?;
    let Some(registers) = reply.registers else { return Err(Silence::NotPassed(question.name())) };
    let last = match is_48_bit {
        true => registers.lba,
        // Bits 27:24 are in the lower half of the device register.
        false => registers.lba & 0x00FF_FFFF | u64::from(registers.device & 0x0F) << 24,
    };
    Ok(SectorCount(last.saturating_add(1)))
}

/// What the disk shows and a bridge or adapter doesn't hand on: some count in 32 bits, some keep the last sectors for themselves.
fn not_handed_on(identify: IdentifyDevice<'_>, shown: ByteCount) -> Finding<HiddenArea> {
    let sector = u64::from(identify.logical_sector().bytes());
    let own = ByteCount(identify.sectors().0.saturating_mul(sector));
    match own.0.checked_sub(shown.0) {
        Some(0) => Finding::None,
        Some(kept) => {
            let size = ByteCount(kept);
            let what = format!("the disk has {own}; what stands between shows {} less", size.short());
            Finding::Found(HiddenArea { size: Some(size), sectors: None, device: None, what })
        }
        None => Finding::unknown(format!("the disk says that it has {own}, less than is shown of it")),
    }
}

fn host_protected_area(
    identify: IdentifyDevice<'_>,
    native: &Result<SectorCount, Silence>,
) -> Finding<HiddenArea> {
    match native {
        Ok(native) => compare(identify, *native, "its native maximum address"),
        Err(Silence::NotKnown(_)) if identify.has_hpa() != Some(true) => Finding::None,
        Err(silence) => Finding::unknown(silence.to_string()),
    }
}

/// What lies between the visible sectors and `native` ones.
fn compare(identify: IdentifyDevice<'_>, native: SectorCount, what: &str) -> Finding<HiddenArea> {
    let visible = identify.sectors();
    if visible.0 == 0 {
        return Finding::unknown("its IDENTIFY data give no capacity");
    }
    match native.0.checked_sub(visible.0) {
        Some(0) => Finding::None,
        Some(hidden) => Finding::Found(sectors_behind(identify, SectorCount(hidden), visible)),
        None => Finding::unknown(format!(
            "{what} ({native}) is below its own capacity ({visible}), which can't be"
        )),
    }
}

fn sectors_behind(identify: IdentifyDevice<'_>, hidden: SectorCount, visible: SectorCount) -> HiddenArea {
    let sector = u64::from(identify.logical_sector().bytes());
    let size = ByteCount(hidden.0.saturating_mul(sector));
    let what = format!("{hidden} ({}) from {} on", size.short(), evidence::Lba(visible.0));
    HiddenArea { size: Some(size), sectors: Some(hidden), device: None, what }
}

/// The DCO hides what lies between the native maximum address and the overlay's own maximum.
fn configuration_overlay(
    ask: &mut AskAta<'_>,
    identify: IdentifyDevice<'_>,
    native: &Result<SectorCount, Silence>,
) -> Finding<HiddenArea> {
    match identify.has_dco() {
        Some(true) => {}
        Some(false) => return Finding::None,
        None => return Finding::unknown("its IDENTIFY data don't say which feature sets it has"),
    }
    let reply = match ask(AtaQuestion::DeviceConfiguration) {
        Ok(reply) => reply,
        // It knows the set, so an abort means that DEVICE CONFIGURATION FREEZE LOCK was sent: by the firmware.
        Err(Silence::NotKnown(_)) => {
            return Finding::unknown(
                "frozen, as the machine's firmware does at start; the disk tells nothing of it",
            );
        }
        Err(silence) => return Finding::unknown(silence.to_string()),
    };
    match overlay_sectors(&reply.data) {
        Err(reason) => Finding::unknown(reason),
        Ok(most) => {
            let reachable = native.as_ref().map_or(identify.sectors(), |native| *native);
            match most.0.checked_sub(reachable.0) {
                Some(0) => Finding::None,
                Some(hidden) => Finding::Found(sectors_behind(identify, SectorCount(hidden), reachable)),
                None => Finding::unknown(format!("its overlay data give {most}, less than can be reached")),
            }
        }
    }
}

/// Device Configuration Identify data, ATA8-ACS §7.10.3.2: revision in word 0, the highest address in words 3 to 6,
/// signature and checksum in word 255.
fn overlay_sectors(data: &[u8]) -> Result<SectorCount, &'static str> {
    const SIGNATURE: u8 = 0xA5;
    let page = Page(data);
    let sum = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    match (page.le16(0), page.u8(510), sum, page.le64(6)) {
        (Some(1..), Some(SIGNATURE), 0, Some(last)) => Ok(SectorCount(last.saturating_add(1))),
        _ => Err("its overlay data arrived damaged"),
    }
}

fn accessible_max(ask: &mut AskAta<'_>, identify: IdentifyDevice<'_>) -> Finding<HiddenArea> {
    if !identify.has_ama() {
        return Finding::None;
    }
    match ask(AtaQuestion::AccessibleNativeMax) {
        Ok(Reply { registers: Some(registers), .. }) => {
            let native = SectorCount(registers.lba.saturating_add(1));
            compare(identify, native, "its native accessible maximum")
        }
        Ok(_) => Finding::unknown("the registers it answered with were not handed on"),
        Err(silence) => Finding::unknown(silence.to_string()),
    }
}

fn health(ask: &mut AskAta<'_>, identify: IdentifyDevice<'_>) -> Finding<Health> {
    match identify.smart() {
        None => return Finding::None,
        Some(false) => {
            return Finding::unknown("SMART is switched off in the disk; switching it on is a change");
        }
        Some(true) => {}
    }
    let failing = match ask(AtaQuestion::SmartStatus) {
        Ok(Reply { registers: Some(registers), .. }) => smart_verdict(registers.lba),
        Ok(_) => None,
        Err(silence) => return Finding::unknown(silence.to_string()),
    };
    let readings = ask(AtaQuestion::SmartData).map(|reply| smart_attributes(&reply.data)).unwrap_or_default();
    Finding::Found(Health { failing, alarms: Vec::new(), readings })
}

/// SMART RETURN STATUS, ACS-4 §7.48.8: LBA 23:8 is C24Fh as it was sent, or 2CF4h when a threshold was exceeded.
fn smart_verdict(lba: u64) -> Option<bool> {
    match lba >> 8 & 0xFFFF {
        0xC24F => Some(false),
        0x2CF4 => Some(true),
        _ => None,
    }
}

/// Attributes that every maker numbers alike. No standard has them: ATA-3 did, in this form, before it was withdrawn.
const ATTRIBUTES: [(u8, &str, usize); 6] = [
    (5, "reallocated-sectors", 4),
    (9, "power-on-hours", 3),
    (12, "power-cycles", 4),
    (194, "temperature-celsius", 1),
    (197, "pending-sectors", 4),
    (198, "uncorrectable-sectors", 4),
];

/// SMART data: 30 attributes of 12 bytes from byte 2 on; raw values at byte 5 of each, of which the lower bytes count (makers
/// keep other things in the upper ones).
fn smart_attributes(data: &[u8]) -> BTreeMap<String, i64> {
    let sum = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    let Some(table) = data.get(2..362).filter(|_| sum == 0) else { return BTreeMap::new() };
    let reading = |attribute: &[u8]| {
        let (_, name, width) = ATTRIBUTES.iter().find(|known| attribute.first() == Some(&known.0))?;
        let raw = attribute.get(5..)?.get(..*width)?;
        let value = raw.iter().rev().fold(0i64, |value, byte| value << 8 | i64::from(*byte));
        Some(((*name).to_owned(), value))
    };
    table.chunks_exact(12).filter_map(reading).collect()
}
