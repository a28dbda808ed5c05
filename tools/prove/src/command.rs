//! Command bytes: rows of the catalogue with address, length and data filled in.

use crate::catalogue::ata::{Address, AtaForm, Protocol};
use crate::catalogue::nvme::{Namespace, NvmeForm};
use crate::catalogue::scsi::{Length, ScsiForm};
use crate::pattern::Stream;
use crate::vector::{Field, Payload};
use passthrough::nvme::Command as NvmeCommand;

/// Where an attempt aims and what it sends there.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    /// The block, counted in logical sectors of the node that is attacked.
    pub(crate) lba: u64,
    /// The last block of the disk.
    pub(crate) last: u64,
    /// Size of a logical sector.
    pub(crate) sector: usize,
    /// The disk's own namespace.
    pub(crate) namespace: u32,
    /// What the aimed-at block holds now.
    pub(crate) held: Vec<u8>,
    /// Makes the bytes of each attempt different from all others'.
    pub(crate) nonce: u64,
}

/// Blocks that a range operation takes.
const RANGE: u32 = 8;

/// Data of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// None.
    None,
    /// To the device.
    Out(Vec<u8>),
    /// So many bytes from the device.
    In(usize),
}

impl Aim {
    fn fresh(&self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        Stream::keyed(0x5046_5052_4F56_4531, self.nonce).fill(&mut bytes);
        bytes
    }

    /// The bytes of a payload.
    pub(crate) fn data(&self, payload: Payload) -> Data {
        let sectors = |count: u32| usize::try_from(count).unwrap_or(1).saturating_mul(self.sector);
        Data::Out(match payload {
            Payload::None => return Data::None,
            Payload::FromDevice(length) => return Data::In(length),
            Payload::Blocks(count) => self.fresh(sectors(count)),
            Payload::Fresh(length) => self.fresh(length),
            Payload::Zeros(length) => vec![0; length],
            Payload::Bytes(bytes) => bytes.to_vec(),
            Payload::CompareThenWrite => [self.held.clone(), self.fresh(self.sector)].concat(),
            Payload::UnmapList => unmap_list(self.lba),
            Payload::TrimList => trim_list(self.lba),
            Payload::DatasetRange => dataset_range(self.lba),
            Payload::CopyRange => copy_range(self.lba.saturating_add(u64::from(RANGE))),
        })
    }
}

/// SBC-4 "UNMAP parameter list": lengths of what follows, then one descriptor of address and count.
fn unmap_list(lba: u64) -> Vec<u8> {
    let mut list = vec![0, 22, 0, 16, 0, 0, 0, 0];
    list.extend(lba.to_be_bytes());
    list.extend(RANGE.to_be_bytes());
    list.extend([0; 4]);
    list
}

/// ACS-5 "LBA Range Entry": 48 bits of address, 16 of length, little-endian, in a block of 512 bytes.
fn trim_list(lba: u64) -> Vec<u8> {
    let mut list = (lba & 0xFFFF_FFFF_FFFF | u64::from(RANGE) << 48).to_le_bytes().to_vec();
    list.resize(512, 0);
    list
}

/// NVM command set "Dataset Management – Range Definition": attributes, length, address.
fn dataset_range(lba: u64) -> Vec<u8> {
    let mut range = vec![0; 4];
    range.extend(RANGE.to_le_bytes());
    range.extend(lba.to_le_bytes());
    range
}

/// NVM command set "Copy – Source Range Entries Descriptor Format 0h": 8 reserved bytes, address, count less one.
fn copy_range(lba: u64) -> Vec<u8> {
    let mut range = vec![0; 8];
    range.extend(lba.to_le_bytes());
    range.resize(32, 0);
    range
}

/// Puts a number into a field, big-endian; what doesn't fit is cut off at the top.
pub(crate) fn put(cdb: &mut [u8], field: Field, value: u64) {
    let bytes = value.to_be_bytes();
    let from = bytes.len().saturating_sub(field.width);
    let wanted = bytes.get(from..).unwrap_or_default();
    cdb.iter_mut().skip(field.at).take(field.width).zip(wanted).for_each(|(to, from)| *to |= from);
}

/// The descriptor block and data of a SCSI row.
pub(crate) fn scsi(form: &ScsiForm, aim: &Aim) -> (Vec<u8>, Data) {
    let mut cdb = form.cdb.to_vec();
    let data = aim.data(form.payload);
    if let Some(field) = form.address {
        put(&mut cdb, field, aim.lba);
    }
    let bytes = match &data {
        Data::None => 0,
        Data::Out(bytes) => bytes.len(),
        Data::In(length) => *length,
    };
    match form.length {
        None => {}
        Some(Length::Blocks(field, count)) => put(&mut cdb, field, u64::from(count)),
        Some(Length::Bytes(field)) => put(&mut cdb, field, u64::try_from(bytes).unwrap_or(0)),
    }
    (cdb, data)
}

/// Which of the ATA PASS-THROUGH commands carries a taskfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) enum Carrier {
    /// ATA PASS-THROUGH (12): 28-bit commands only.
    Short,
    /// ATA PASS-THROUGH (16).
    Sixteen,
    /// ATA PASS-THROUGH (32).
    ThirtyTwo,
}

impl Carrier {
    /// What tells its rows from those of the usual one.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Carrier::Short => ", by ATA PASS-THROUGH (12)",
            Carrier::Sixteen => "",
            Carrier::ThirtyTwo => ", by ATA PASS-THROUGH (32)",
        }
    }
}

/// A taskfile with all fields filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taskfile {
    pub(crate) command: u8,
    pub(crate) feature: u16,
    pub(crate) count: u16,
    pub(crate) lba: u64,
    pub(crate) device: u8,
    pub(crate) extended: bool,
    pub(crate) protocol: Protocol,
}

/// The taskfile and data of an ATA row.
pub(crate) fn taskfile(form: &AtaForm, aim: &Aim) -> (Taskfile, Data) {
    let lba = match form.address {
        Address::None => 0,
        Address::Target => aim.lba,
        Address::Fixed(value) => value,
        Address::NativeMax => aim.last,
    };
    // LBA bit; 28-bit commands have address bits 27:24 in the device field.
    let high = u8::try_from(lba >> 24 & 0x0F).unwrap_or(0);
    let device = if form.extended { 0x40 } else { 0x40 | high };
    let lba = if form.extended { lba } else { lba & 0x00FF_FFFF };
    let file = Taskfile {
        command: form.command,
        feature: form.feature,
        count: form.count,
        lba,
        device,
        extended: form.extended,
        protocol: form.protocol,
    };
    (file, aim.data(form.payload))
}

/// An ATA PASS-THROUGH descriptor block (SAT-4 "ATA PASS-THROUGH (12/16/32) command"). `registers` asks for the device's
/// registers in the sense data.
pub(crate) fn ata_passthrough(
    file: &Taskfile,
    data: &Data,
    sector: usize,
    carrier: Carrier,
    registers: bool,
) -> Vec<u8> {
    let protocol: u8 = match file.protocol {
        Protocol::NonData => 3,
        Protocol::PioIn => 4,
        Protocol::PioOut => 5,
        Protocol::Dma => 6,
        Protocol::Fpdma => 12,
    };
    let (has_data, from_device, length) = match data {
        Data::None => (false, false, 0),
        Data::Out(bytes) => (true, false, bytes.len()),
        Data::In(length) => (true, true, *length),
    };
    // BYTE_BLOCK: the length counts blocks. T_TYPE: of the disk's own sectors, where those are not 512 bytes.
    let own_sectors = has_data && sector != 512 && length.is_multiple_of(sector);
    let t_length: u8 = match (has_data, file.protocol) {
        (false, _) => 0,
        (true, Protocol::Fpdma) => 1,
        (true, _) => 2,
    };
    let flags = u8::from(registers) << 5
        | u8::from(own_sectors) << 4
        | u8::from(from_device) << 3
        | u8::from(has_data) << 2
        | t_length;
    let multiple = u8::from(carrier != Carrier::Short && file.extended);
    let head = protocol << 1 | multiple;
    let [feature_high, feature] = file.feature.to_be_bytes();
    let count = if has_data && file.protocol != Protocol::Fpdma && file.count == 0 { 1 } else { file.count };
    let [count_high, count] = count.to_be_bytes();
    let [_, _, lba5, lba4, lba3, lba2, lba1, lba0] = file.lba.to_be_bytes();
    match carrier {
        Carrier::Short => {
            vec![0xA1, head, flags, feature, count, lba0, lba1, lba2, file.device, file.command, 0, 0]
        }
        Carrier::Sixteen => vec![
            0x85,
            head,
            flags,
            feature_high,
            feature,
            count_high,
            count,
            lba3,
            lba0,
            lba4,
            lba1,
            lba5,
            lba2,
            file.device,
            file.command,
            0,
        ],
        Carrier::ThirtyTwo => {
            let mut cdb = vec![0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x1F, 0xF0, head, flags, 0, 0];
            cdb.extend([lba5, lba4, lba3, lba2, lba1, lba0]);
            cdb.extend([feature_high, feature, count_high, count, file.device, file.command, 0, 0]);
            cdb.extend([0; 4]);
            cdb
        }
    }
}

/// The command and data of an NVMe row.
pub(crate) fn nvme(form: &NvmeForm, aim: &Aim) -> (NvmeCommand, Data) {
    let mut cdw10_15 = form.cdw;
    if form.addressed {
        let [low, high, ..] = &mut cdw10_15;
        *low = u32::try_from(aim.lba & 0xFFFF_FFFF).unwrap_or(0);
        *high = u32::try_from(aim.lba >> 32).unwrap_or(0);
    }
    let namespace = match form.namespace {
        Namespace::Own => aim.namespace,
        Namespace::Zero => 0,
        Namespace::All => u32::MAX,
    };
    let command = NvmeCommand { opcode: form.opcode, namespace, cdw2_3: [0; 2], cdw10_15 };
    (command, aim.data(form.payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{ata, nvme as nvme_rows, scsi as scsi_rows};

    fn aim() -> Aim {
        Aim { lba: 0x0123_4567, last: 0x0FFF_FFFF, sector: 512, namespace: 1, held: vec![9; 512], nonce: 1 }
    }

    fn scsi_named(name: &str) -> (Vec<u8>, Data) {
        scsi(&scsi_rows::ROWS.iter().find(|row| row.name == name).unwrap().form, &aim())
    }

    fn ata_named(name: &str, carrier: Carrier) -> Vec<u8> {
        let row = ata::ROWS.iter().find(|row| row.name == name).unwrap();
        let (file, data) = taskfile(&row.form, &aim());
        ata_passthrough(&file, &data, 512, carrier, false)
    }

    /// The descriptor blocks as the standards print them, for LBA 01234567h and one block.
    #[test]
    fn scsi_commands_are_laid_out_as_the_standard_prints_them() {
        let cdb = |name| scsi_named(name).0;
        assert_eq!(cdb("WRITE (6)"), [0x0A, 0x23, 0x45, 0x67, 1, 0]);
        assert_eq!(cdb("WRITE (10)"), [0x2A, 0, 1, 0x23, 0x45, 0x67, 0, 0, 1, 0]);
        assert_eq!(cdb("WRITE (12)"), [0xAA, 0, 1, 0x23, 0x45, 0x67, 0, 0, 0, 1, 0, 0]);
        assert_eq!(cdb("WRITE (16)"), [0x8A, 0, 0, 0, 0, 0, 1, 0x23, 0x45, 0x67, 0, 0, 0, 1, 0, 0]);
        let mut long = vec![0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0, 0x0B, 0, 0];
        long.extend([0, 0, 0, 0, 1, 0x23, 0x45, 0x67, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(cdb("WRITE (32)"), long);
        assert_eq!(cdb("UNMAP"), [0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0]);
        assert_eq!(cdb("COMPARE AND WRITE"), [0x89, 0, 0, 0, 0, 0, 1, 0x23, 0x45, 0x67, 0, 0, 0, 1, 0, 0]);
        assert_eq!(cdb("WRITE BUFFER, download and save (05h)"), [0x3B, 5, 0, 0, 0, 0, 0, 2, 0, 0]);
    }

    #[test]
    fn parameter_data_is_laid_out_as_the_standard_prints_it() {
        let Data::Out(unmap) = scsi_named("UNMAP").1 else { panic!() };
        assert_eq!(
            unmap,
            [0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x23, 0x45, 0x67, 0, 0, 0, 8, 0, 0, 0, 0]
        );
        let trim = trim_list(0x0123_4567);
        assert_eq!((trim.len(), &trim[..8]), (512, &[0x67, 0x45, 0x23, 1, 0, 0, 8, 0][..]));
        assert_eq!(dataset_range(0x0123_4567), [0, 0, 0, 0, 8, 0, 0, 0, 0x67, 0x45, 0x23, 1, 0, 0, 0, 0]);
        let Data::Out(compare) = scsi_named("COMPARE AND WRITE").1 else { panic!() };
        assert_eq!((compare.len(), &compare[..512]), (1024, &[9; 512][..]));
    }

    #[test]
    fn taskfiles_are_laid_out_as_the_standard_prints_them() {
        // 28 bits: LBA 27:24 in the device field; PIO out is protocol 5; one block, to the device.
        assert_eq!(
            ata_named("WRITE SECTOR(S)", Carrier::Short),
            [0xA1, 5 << 1, 0x06, 0, 1, 0x67, 0x45, 0x23, 0x41, 0x30, 0, 0]
        );
        // 48 bits: EXTEND set, DMA is 6, high bytes before low ones.
        assert_eq!(
            ata_named("WRITE DMA EXT", Carrier::Sixteen),
            [0x85, 6 << 1 | 1, 0x06, 0, 0, 0, 1, 0x01, 0x67, 0, 0x45, 0, 0x23, 0x40, 0x35, 0]
        );
        // NCQ: the count is in the feature field.
        assert_eq!(
            ata_named("WRITE FPDMA QUEUED", Carrier::Sixteen),
            [0x85, 12 << 1 | 1, 0x05, 0, 1, 0, 0, 0x01, 0x67, 0, 0x45, 0, 0x23, 0x40, 0x61, 0]
        );
        // SMART wants 4Fh and C2h; no data.
        assert_eq!(
            ata_named("SMART DISABLE OPERATIONS", Carrier::Short),
            [0xA1, 3 << 1, 0, 0xD9, 0, 0, 0x4F, 0xC2, 0x40, 0xB0, 0, 0]
        );
        let long = ata_named("WRITE DMA EXT", Carrier::ThirtyTwo);
        assert_eq!(long.len(), 32);
        assert_eq!(long[..12], [0x7F, 0, 0, 0, 0, 0, 0, 0x18, 0x1F, 0xF0, 6 << 1 | 1, 0x06]);
        assert_eq!(long[14..26], [0, 0, 1, 0x23, 0x45, 0x67, 0, 0, 0, 1, 0x40, 0x35]);
    }

    #[test]
    fn nvme_commands_carry_address_and_count_in_their_dwords() {
        let row = nvme_rows::ROWS.iter().find(|row| row.name == "Write, eight blocks").unwrap();
        let (command, data) = nvme(&row.form, &Aim { lba: 0x1_0000_0002, ..aim() });
        assert_eq!((command.opcode, command.namespace), (1, 1));
        assert_eq!(command.cdw10_15, [2, 1, 7, 0, 0, 0]);
        assert!(matches!(data, Data::Out(bytes) if bytes.len() == 4096));
    }

    /// Bits 1:0 of an NVMe opcode say where data goes (Base, "Opcodes"); a payload against them would be dropped silently.
    #[test]
    fn payloads_agree_with_the_direction_in_the_opcode() {
        for row in nvme_rows::ROWS {
            let (command, data) = nvme(&row.form, &aim());
            let fits = match data {
                Data::None => true,
                Data::Out(_) => command.opcode & 1 == 1,
                Data::In(_) => command.opcode & 3 == 2,
            };
            assert!(fits, "{}", row.name);
        }
    }

    #[test]
    fn no_row_has_a_field_outside_its_block_or_a_block_of_no_known_length() {
        for row in scsi_rows::ROWS.iter().chain(crate::catalogue::optical::ROWS) {
            let group = row.form.cdb[0] >> 5;
            let length = match group {
                0 => 6,
                1 | 2 => 10,
                4 => 16,
                5 => 12,
                3 => 32,
                _ => row.form.cdb.len(),
            };
            assert_eq!(row.form.cdb.len(), length, "{}", row.name);
            let fields = [
                row.form.address,
                row.form.length.map(|l| match l {
                    Length::Blocks(field, _) | Length::Bytes(field) => field,
                }),
            ];
            for field in fields.into_iter().flatten() {
                assert!(field.at + field.width <= length, "{}", row.name);
            }
        }
    }
}
