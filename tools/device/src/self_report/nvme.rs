//! What an NVMe controller says of itself and of one of its namespaces (NVM Express base 2.0 §5.17, NVM command set 1.0 §4.1.5).
//!
//! An image holds one namespace. Outside it lie namespaces that are allocated but not attached, active ones that the
//! kernel shows no disk for, capacity that belongs to none, metadata beside the blocks, and the RPMB.

use super::channel::{Ask, Reply, Silence};
use super::fields::{Page, has};
use super::question::{NvmeQuestion, Question};
use super::tcg;
use evidence::{
    AfterTrim, Area, AreaKind, ByteCount, Finding, Health, HiddenArea, SelfReport, Trim, ZoneModel, Zones,
};
use std::collections::BTreeMap;

/// Namespaces that are described one by one; more are counted.
const MOST_DESCRIBED: usize = 32;
/// What one list holds: 4096 bytes of 4.
const LIST_LENGTH: usize = 1024;

/// The namespace that a disk is, and its siblings.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    /// Its identifier.
    pub(crate) id: u32,
    /// The kernel gives the disk a size. It does not where it can't strip the metadata.
    pub(crate) has_size: bool,
    /// Those of the controller that have disks here.
    pub(crate) shown: Vec<u32>,
}

/// Asks the controller behind `door` about itself and a namespace.
pub(crate) fn ask(door: &mut dyn Ask, own: &Namespace) -> SelfReport {
    let id = own.id;
    let controller = match door.ask(Question::Nvme(NvmeQuestion::Controller)) {
        Ok(reply) => reply.data,
        Err(silence) => return SelfReport::not_asked(&silence.to_string()),
    };
    let controller = Controller(Page(&controller));
    let namespace = door.ask(Question::Nvme(NvmeQuestion::Namespace(id)));
    let mut areas = namespaces(door, controller, &own.shown);
    areas.push(Area { kind: AreaKind::UnallocatedCapacity, finding: controller.unallocated() });
    areas.push(Area {
        kind: AreaKind::BlockMetadata,
        finding: of_namespace(&namespace, |page| metadata(page, own)),
    });
    areas.push(Area { kind: AreaKind::ReplayProtectedBlock, finding: controller.replay_protected() });
    let protocols = match controller.has_security_commands() {
        true => door.ask(Question::Nvme(NvmeQuestion::SecurityProtocols)),
        false => Err(Silence::NotKnown("Security Receive")),
    };
    let ata_security = match &protocols {
        Ok(reply) if tcg::speaks(&reply.data, tcg::ATA_SECURITY) => {
            Finding::unknown("it speaks the ATA security protocol over NVMe, which is not asked")
        }
        Ok(_) | Err(Silence::NotKnown(_)) => Finding::None,
        Err(silence) => Finding::unknown(silence.to_string()),
    };
    let trim = match controller.has_dataset_management() {
        true => of_namespace(&namespace, trim),
        false => Finding::None,
    };
    SelfReport {
        areas,
        ata_security,
        self_encryption: tcg::of_nvme(door, protocols),
        trim,
        zones: zones(door, controller, id),
        health: health(door),
    }
}

/// Identify Controller data structure, figure 275.
#[derive(Clone, Copy)]
struct Controller<'a>(Page<'a>);

impl Controller<'_> {
    fn optional_admin(self) -> u16 {
        self.0.le16(256).unwrap_or(0)
    }

    fn has_security_commands(self) -> bool {
        has(self.optional_admin(), 0)
    }

    fn has_namespace_management(self) -> bool {
        has(self.optional_admin(), 3)
    }

    fn has_dataset_management(self) -> bool {
        self.0.le16(520).is_some_and(|oncs| has(oncs, 2))
    }

    /// NN: the highest namespace identifier.
    fn most_namespaces(self) -> u32 {
        self.0.le32(516).unwrap_or(0)
    }

    /// VER: 1.3 and later have a descriptor of the command set, if the namespace has one.
    fn has_descriptors(self) -> bool {
        self.0.le32(80).is_some_and(|version| version >= 0x0001_0300)
    }

    fn unallocated(self) -> Finding<HiddenArea> {
        match (self.0.le128(280), self.0.le128(296)) {
            (Some(total @ 1..), Some(free @ 1..)) => {
                let (size, total) = (ByteCount(free), ByteCount(total).short());
                let what = format!("{size} of {total} belong to no namespace");
                Finding::Found(HiddenArea { size: Some(size), sectors: None, device: None, what })
            }
            (Some(1..), Some(0)) => Finding::None,
            _ => Finding::unknown("the controller doesn't tell its total capacity"),
        }
    }

    /// RPMBS: number of targets in bits 2:0, size of each less one in bits 23:16, in units of 128 KiB.
    fn replay_protected(self) -> Finding<HiddenArea> {
        const UNIT: u64 = 128 << 10;
        let Some(support) = self.0.le32(312) else {
            return Finding::unknown("its controller data are too short");
        };
        let (targets, units) =
            (u64::from(support & 0b111), u64::from(support >> 16 & 0xFF).saturating_add(1));
        if targets == 0 {
            return Finding::None;
        }
        let size = ByteCount(targets.saturating_mul(units).saturating_mul(UNIT));
        let what =
            format!("{targets} of {} each, read by security commands only", ByteCount(units * UNIT).short());
        Finding::Found(HiddenArea { size: Some(size), sectors: None, device: None, what })
    }
}

fn namespaces(door: &mut dyn Ask, controller: Controller<'_>, shown: &[u32]) -> Vec<Area> {
    let kind = AreaKind::UnattachedNamespace;
    let unknown = |reason: String| vec![Area { kind, finding: Finding::unknown(reason) }];
    let mut list = |question| door.ask(Question::Nvme(question)).map(|reply| identifiers(&reply.data));
    let active = match list(NvmeQuestion::ActiveList) {
        Ok(active) => active,
        Err(silence) => return unknown(silence.to_string()),
    };
    let mut found: Vec<Area> = active
        .iter()
        .filter(|id| !shown.contains(id))
        .map(|id| described(*id, None, "is active, but the kernel shows no disk for it"))
        .collect();
    if !controller.has_namespace_management() {
        let all = u32::try_from(active.len()).is_ok_and(|active| active >= controller.most_namespaces());
        if found.is_empty() && !all {
            return unknown(format!(
                "{} of {} possible namespaces are active; this controller can't list those attached elsewhere",
                active.len(),
                controller.most_namespaces()
            ));
        }
    } else {
        let allocated = match list(NvmeQuestion::AllocatedList) {
            Ok(allocated) => allocated,
            Err(silence) => return unknown(silence.to_string()),
        };
        let is_cut = active.len() >= LIST_LENGTH || allocated.len() >= LIST_LENGTH;
        let detached: Vec<u32> = allocated.into_iter().filter(|id| !active.contains(id)).collect();
        for id in detached.iter().take(MOST_DESCRIBED) {
            let identified = door.ask(Question::Nvme(NvmeQuestion::AllocatedNamespace(*id)));
            let size = identified.ok().and_then(|reply| size_of(Page(&reply.data)));
            found.push(described(*id, size, "is allocated, but not attached"));
        }
        let more = detached.len().saturating_sub(MOST_DESCRIBED);
        if more > 0 || is_cut {
            let what = format!("at least {more} more namespaces are allocated, but not attached");
            let area = HiddenArea { size: None, sectors: None, device: None, what };
            found.push(Area { kind, finding: Finding::Found(area) });
        }
    }
    match found.is_empty() {
        true => vec![Area { kind, finding: Finding::None }],
        false => found,
    }
}

fn described(id: u32, size: Option<ByteCount>, state: &str) -> Area {
    let told = size.map_or_else(|| "size not told".to_owned(), ByteCount::short);
    let what = format!("namespace {id} ({told}) {state}");
    let hidden = HiddenArea { size, sectors: None, device: None, what };
    Area { kind: AreaKind::UnattachedNamespace, finding: Finding::Found(hidden) }
}

/// A list of namespace identifiers, ascending, ended by zero.
fn identifiers(list: &[u8]) -> Vec<u32> {
    let words = list.chunks_exact(4).map(|word| Page(word).le32(0).unwrap_or(0));
    words.take_while(|id| *id != 0).take(LIST_LENGTH).collect()
}

fn of_namespace<T>(
    reply: &Result<Reply, Silence>,
    read: impl Fn(Page<'_>) -> Option<Finding<T>>,
) -> Finding<T> {
    match reply {
        Ok(reply) => read(Page(&reply.data))
            .unwrap_or_else(|| Finding::unknown("what it says of the namespace makes no sense")),
        Err(silence) => Finding::unknown(silence.to_string()),
    }
}

/// Bytes of data and of metadata in a block of the format in use: figure 97, FLBAS and LBAF.
fn format_in_use(namespace: Page<'_>) -> Option<(u64, u64)> {
    let (most, in_use) = (namespace.u8(25)?, namespace.u8(26)?);
    // Bits 6:5 are the upper ones of the index where there are more than 16 formats.
    let upper = if most > 15 { in_use >> 5 & 0b11 } else { 0 };
    let index = usize::from(upper << 4 | in_use & 0x0F);
    let format = namespace.le32(128usize.saturating_add(index.saturating_mul(4)))?;
    let shift = format >> 16 & 0xFF;
    let data = 1u64.checked_shl(shift).filter(|data| *data >= 512)?;
    Some((data, u64::from(format & 0xFFFF)))
}

fn size_of(namespace: Page<'_>) -> Option<ByteCount> {
    let (data, _) = format_in_use(namespace)?;
    namespace.le64(0)?.checked_mul(data).map(ByteCount)
}

fn metadata(namespace: Page<'_>, own: &Namespace) -> Option<Finding<HiddenArea>> {
    let (data, metadata) = format_in_use(namespace)?;
    if metadata == 0 {
        return Some(Finding::None);
    }
    let size = namespace.le64(0)?.checked_mul(metadata).map(ByteCount);
    let reach =
        if own.has_size { "" } else { "; this kernel can't read such blocks at all, so image it elsewhere" };
    let what = format!("{metadata} bytes beside each block of {data}{reach}");
    Some(Finding::Found(HiddenArea { size, sectors: None, device: None, what }))
}

/// DLFEAT, bits 2:0.
fn trim(namespace: Page<'_>) -> Option<Finding<Trim>> {
    let reads = match namespace.u8(33)? & 0b111 {
        1 => AfterTrim::Zeros,
        2 => AfterTrim::Ones,
        _ => AfterTrim::Unspecified,
    };
    Some(Finding::Found(Trim { reads }))
}

/// The command set of a namespace stands in a descriptor of type 4 (figure 280); zoned namespaces are host-managed.
fn zones(door: &mut dyn Ask, controller: Controller<'_>, id: u32) -> Finding<Zones> {
    const COMMAND_SET: u8 = 4;
    const ZONED: u8 = 2;
    if !controller.has_descriptors() {
        return Finding::None;
    }
    let data = match door.ask(Question::Nvme(NvmeQuestion::Descriptors(id))) {
        Ok(reply) => reply.data,
        Err(silence) => return Finding::unknown(silence.to_string()),
    };
    let mut page = Page(&data);
    while let (Some(kind @ 1..), Some(length)) = (page.u8(0), page.u8(1)) {
        if kind == COMMAND_SET && page.u8(4) == Some(ZONED) {
            return Finding::Found(Zones { model: ZoneModel::HostManaged });
        }
        let Some(rest) = page.part(usize::from(length).saturating_add(4), usize::MAX) else { break };
        page = rest;
    }
    Finding::None
}

/// Bits of Critical Warning, figure 207.
const ALARMS: [(u32, &str, bool); 6] = [
    (0, "spare blocks are below their threshold", true),
    (1, "temperature is out of its range", false),
    (2, "reliability is degraded by media or internal errors", true),
    (3, "the medium has become read-only", true),
    (4, "the backup of its volatile memory has failed", true),
    (5, "its persistent memory region has become read-only or unreliable", true),
];

/// SMART / Health Information log, figure 207.
fn health(door: &mut dyn Ask) -> Finding<Health> {
    match door.ask(Question::Nvme(NvmeQuestion::Health)) {
        Ok(reply) => health_log(Page(&reply.data)),
        Err(silence) => Finding::unknown(silence.to_string()),
    }
}

fn health_log(log: Page<'_>) -> Finding<Health> {
    const KELVIN: i64 = 273;
    let Some(warning) = log.u8(0) else { return Finding::unknown("its health log is empty") };
    let raised = ALARMS.iter().filter(|(bit, ..)| has(warning.into(), *bit));
    let failing = raised.clone().any(|(_, _, fatal)| *fatal);
    let number = |at| log.le128(at).map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    let readings = [
        // Zero means that the temperature is not told.
        ("temperature-celsius", log.le16(1).filter(|k| *k > 0).map(|k| i64::from(k) - KELVIN)),
        ("spare-percent", log.u8(3).map(i64::from)),
        ("used-percent", log.u8(5).map(i64::from)),
        ("power-cycles", number(112)),
        ("power-on-hours", number(128)),
        ("unsafe-shutdowns", number(144)),
        ("media-errors", number(160)),
    ];
    let readings: BTreeMap<String, i64> =
        readings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let alarms = raised.map(|(_, words, _)| (*words).to_owned()).collect();
    Finding::Found(Health { failing: Some(failing), alarms, readings })
}
