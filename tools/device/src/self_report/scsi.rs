//! What a SCSI disk says of itself. Most of it the kernel asked at discovery and keeps in sysfs; only health and
//! encryption are asked here.

use super::channel::Ask;
use super::fields::Page;
use super::question::{Question, ScsiQuestion};
use super::tcg;
use crate::sysfs;
use evidence::{
    AfterTrim, Area, AreaKind, ByteCount, Finding, Health, HiddenArea, SectorCount, SelfReport, Trim,
    ZoneModel, Zones,
};
use std::collections::BTreeMap;
use std::path::Path;

/// What the kernel keeps of a SCSI device.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptPages {
    /// VPD page B1h, Block Device Characteristics.
    characteristics: Option<Vec<u8>>,
    /// VPD page B2h, Logical Block Provisioning.
    provisioning: Option<Vec<u8>>,
    /// The list of pages (00h): without it the kernel asked for none, as of most USB devices.
    list: Option<Vec<u8>>,
    /// Type of protection information, from READ CAPACITY (16).
    protection: Option<u64>,
    /// Peripheral device type, byte 0 of INQUIRY data.
    kind: Option<u8>,
    sectors: SectorCount,
}

impl KeptPages {
    /// Reads what sysfs holds of the SCSI device in `folder`, whose disk has so many sectors.
    pub(crate) fn of(folder: &Path, sectors: SectorCount) -> Self {
        let page = |name| sysfs::bytes(&folder.join(name)).filter(|page| !page.is_empty());
        let disk = std::fs::read_dir(folder.join("scsi_disk")).ok().and_then(|mut disks| disks.next()?.ok());
        Self {
            characteristics: page("vpd_pgb1"),
            provisioning: page("vpd_pgb2"),
            list: page("vpd_pg0"),
            protection: disk.and_then(|disk| sysfs::number(&disk.path().join("protection_type"))),
            kind: page("inquiry").and_then(|inquiry| inquiry.first().map(|byte| byte & 0x1F)),
            sectors,
        }
    }

    fn lists(&self, code: u8) -> Option<bool> {
        self.list.as_ref().map(|list| list.get(4..).is_some_and(|codes| codes.contains(&code)))
    }

    /// A page that the disk lists, does not list, or of which nobody knows.
    fn read<T>(&self, code: u8, page: Option<&Vec<u8>>, read: impl Fn(Page<'_>) -> Finding<T>) -> Finding<T> {
        match (page, self.lists(code)) {
            (Some(page), _) if page.get(1) == Some(&code) => read(Page(page)),
            (_, Some(false)) => Finding::None,
            (_, Some(true)) => Finding::unknown("the kernel did not get the page that tells it"),
            (_, None) => {
                Finding::unknown("the kernel asks no such pages of this disk, which may hang on them")
            }
        }
    }

    /// Logical Block Provisioning, SBC-4 §6.6.7: LBPU, LBPWS, LBPWS10 in bits 7 to 5 of byte 5, LBPRZ in bits 4 to 2.
    pub(crate) fn trim(&self) -> Finding<Trim> {
        self.read(0xB2, self.provisioning.as_ref(), |page| match page.u8(5) {
            None => Finding::unknown("the page that tells it is too short"),
            Some(flags) if flags & 0xE0 == 0 => Finding::None,
            Some(flags) => Finding::Found(Trim {
                reads: match flags >> 2 & 0b111 {
                    0 => AfterTrim::Unspecified,
                    // xx1b: zeros; 010b: the provisioning initialization pattern.
                    rz if rz & 1 == 1 => AfterTrim::Zeros,
                    2 => AfterTrim::Deterministic,
                    _ => AfterTrim::Unspecified,
                },
            }),
        })
    }

    /// Block Device Characteristics, SBC-4 §6.6.2: ZONED in bits 5 and 4 of byte 8; type 14h is host-managed (ZBC-2).
    pub(crate) fn zones(&self) -> Finding<Zones> {
        const HOST_MANAGED: u8 = 0x14;
        if self.kind == Some(HOST_MANAGED) {
            return Finding::Found(Zones { model: ZoneModel::HostManaged });
        }
        self.read(0xB1, self.characteristics.as_ref(), |page| {
            match page.u8(8).map(|flags| flags >> 4 & 0b11) {
                Some(1) => Finding::Found(Zones { model: ZoneModel::HostAware }),
                Some(2) => Finding::Found(Zones { model: ZoneModel::DeviceManaged }),
                Some(0) => Finding::None,
                _ => Finding::unknown("the page that tells it makes no sense"),
            }
        })
    }

    fn protection(&self) -> Finding<HiddenArea> {
        const BYTES: u64 = 8;
        match self.protection {
            None => Finding::unknown("the kernel doesn't know whether it has protection information"),
            Some(0) => Finding::None,
            Some(kind) => Finding::Found(HiddenArea {
                size: Some(ByteCount(self.sectors.0.saturating_mul(BYTES))),
                sectors: None,
                device: None,
                what: format!("{BYTES} bytes of protection information (type {kind}) beside each block"),
            }),
        }
    }

    /// What lies outside an image: SCSI has no question for the capacity that a disk was made with.
    fn areas(&self) -> Vec<Area> {
        let native = Finding::unknown(
            "SCSI has no command that tells the capacity a disk was made with; compare with its label",
        );
        vec![
            Area { kind: AreaKind::BeyondCapacity, finding: native },
            Area { kind: AreaKind::BlockMetadata, finding: self.protection() },
        ]
    }
}

/// Asks the disk behind `door`.
pub(crate) fn ask(door: &mut dyn Ask, kept: &KeptPages) -> SelfReport {
    SelfReport {
        areas: kept.areas(),
        ata_security: Finding::None,
        self_encryption: tcg::of_scsi(door),
        trim: kept.trim(),
        zones: kept.zones(),
        health: health(door),
    }
}

/// What is known without asking, of a disk behind a bridge that is better not asked.
pub(crate) fn without_asking(kept: &KeptPages, reason: &str) -> SelfReport {
    SelfReport { trim: kept.trim(), zones: kept.zones(), ..SelfReport::not_asked(reason) }
}

fn health(door: &mut dyn Ask) -> Finding<Health> {
    match door.ask(Question::Scsi(ScsiQuestion::InformationalExceptions)) {
        Ok(reply) => exceptions(&reply.data),
        Err(super::channel::Silence::NotKnown(_)) => Finding::None,
        Err(silence) => Finding::unknown(silence.to_string()),
    }
}

/// Informational Exceptions log page, SPC-5 §7.3.9: parameter 0000h from byte 4 on, additional sense code and qualifier in
/// its bytes 4 and 5, the temperature in byte 6.
fn exceptions(data: &[u8]) -> Finding<Health> {
    const PAGE: u8 = 0x2F;
    const FAILURE_PREDICTED: u8 = 0x5D;
    let page = Page(data);
    let is_page = page.u8(0).is_some_and(|code| code & 0x3F == PAGE);
    let length = page.be16(2).map_or(0, usize::from);
    let parameter = page.part(4, length).filter(|parameter| is_page && parameter.be16(0) == Some(0));
    let Some((parameter, code)) = parameter.and_then(|found| Some((found, found.u8(4)?))) else {
        return Finding::unknown("its page of informational exceptions makes no sense");
    };
    // 0 and FFh: not told.
    let celsius = parameter.u8(6).filter(|celsius| *celsius != 0 && *celsius != 0xFF);
    let readings: BTreeMap<String, i64> =
        celsius.map(|celsius| ("temperature-celsius".to_owned(), i64::from(celsius))).into_iter().collect();
    Finding::Found(Health { failing: Some(code == FAILURE_PREDICTED), alarms: Vec::new(), readings })
}
