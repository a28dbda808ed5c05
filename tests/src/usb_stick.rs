//! A USB stick of this code's own making, for what no model of the emulator does: it is write-protected until a sector
//! can't be read, and from then on says that it may be written. It keeps every command that it received.
//!
//! Follows the Mass Storage Class' bulk-only transport 1.0, SPC-4 and SBC-3. A real kernel with its real USB and SCSI
//! drivers talks to it; only the hardware is made up.

use std::{collections::VecDeque, ops::RangeInclusive};

/// How a bulk transfer ended.
pub enum Transfer {
    /// Done; what was read, empty for a write.
    Done(Vec<u8>),
    /// The endpoint is halted.
    Stalled,
}

/// Sense key, additional code, qualifier (SPC-4, "Sense key and sense code").
type Sense = [u8; 3];
const NO_SENSE: Sense = [0, 0, 0];
const UNREAD: Sense = [3, 0x11, 0];
const INVALID_OPCODE: Sense = [5, 0x20, 0];
const OUT_OF_RANGE: Sense = [5, 0x21, 0];
const MODE_CHANGED: Sense = [6, 0x2A, 1];
const PROTECTED: Sense = [7, 0x27, 0];

/// Command block wrapper (section 5.1) and command status wrapper (5.2).
const WRAPPER: usize = 31;
const WRAPPER_SIGNATURE: [u8; 4] = *b"USBC";
const STATUS_SIGNATURE: [u8; 4] = *b"USBS";
const SECTOR: usize = 512;

/// What is going on between a command and its status.
enum Phase {
    Command,
    /// The host is about to send this many bytes.
    DataOut(Vec<u8>, usize),
    /// The host is about to read data, then the status.
    Answer,
}

/// The stick.
pub struct Stick {
    medium: Vec<u8>,
    serial: String,
    bad_sector: u64,
    write_protected: bool,
    sense: Sense,
    /// Told instead of the next command's answer.
    attention: Option<Sense>,
    phase: Phase,
    tag: [u8; 4],
    waiting: VecDeque<Vec<u8>>,
    received: Vec<Vec<u8>>,
}

impl Stick {
    /// Vendor number: that of test equipment.
    pub const VENDOR: u16 = 0x1209;
    /// Product number.
    pub const PRODUCT: u16 = 0x0001;

    /// A stick that holds `medium`, whole sectors of 512 bytes, one of which can't be read.
    #[must_use]
    pub fn new(medium: Vec<u8>, serial: &str, bad_sector: u64) -> Self {
        Stick {
            medium,
            serial: serial.into(),
            bad_sector,
            write_protected: true,
            sense: NO_SENSE,
            attention: None,
            phase: Phase::Command,
            tag: [0; 4],
            waiting: VecDeque::new(),
            received: Vec::new(),
        }
    }

    /// What it holds now.
    #[must_use]
    pub fn medium(&self) -> &[u8] {
        &self.medium
    }

    /// It says that it may not be written.
    #[must_use]
    pub fn is_write_protected(&self) -> bool {
        self.write_protected
    }

    /// Every command descriptor block that it received, oldest first.
    #[must_use]
    pub fn received(&self) -> &[Vec<u8>] {
        &self.received
    }

    /// Answers a control request; none for one that it does not know.
    pub(crate) fn control(&mut self, kind: u8, request: u8, value: u16) -> Option<Vec<u8>> {
        match (kind, request, value >> 8) {
            (0x80, 6, 1) => Some(device_descriptor()),
            (0x80, 6, 2) => Some(configuration_descriptor()),
            (0x80, 6, 3) => Some(self.string(value & 0xFF)),
            // GET MAX LUN; bulk-only reset; CLEAR FEATURE.
            (0xA1, 0xFE, _) => Some(vec![0]),
            (0x21, 0xFF, _) => {
                self.phase = Phase::Command;
                self.waiting.clear();
                Some(Vec::new())
            }
            (0x02, 1, _) => Some(Vec::new()),
            _ => None,
        }
    }

    fn string(&self, index: u16) -> Vec<u8> {
        let text = match index {
            0 => return vec![4, 3, 9, 4],
            1 => "Permafrost",
            2 => "Turncoat",
            _ => &self.serial,
        };
        let mut descriptor = vec![(2 + 2 * text.len()) as u8, 3];
        descriptor.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        descriptor
    }

    pub(crate) fn bulk_out(&mut self, bytes: &[u8]) -> Transfer {
        match std::mem::replace(&mut self.phase, Phase::Command) {
            Phase::DataOut(cdb, left) if bytes.len() < left => {
                self.phase = Phase::DataOut(cdb, left - bytes.len());
            }
            Phase::DataOut(cdb, left) => {
                let sense = if self.write_protected { PROTECTED } else { self.write(&cdb, bytes) };
                self.phase = Phase::Answer;
                self.end(sense, (left - bytes.len().min(left)) as u32);
            }
            _ if bytes.len() == WRAPPER && bytes.starts_with(&WRAPPER_SIGNATURE) => self.command(bytes),
            _ => return Transfer::Stalled,
        }
        Transfer::Done(Vec::new())
    }

    pub(crate) fn bulk_in(&mut self, length: usize) -> Transfer {
        let Some(mut bytes) = self.waiting.pop_front() else { return Transfer::Stalled };
        if bytes.len() > length {
            self.waiting.push_front(bytes.split_off(length));
        }
        if self.waiting.is_empty() {
            self.phase = Phase::Command;
        }
        Transfer::Done(bytes)
    }

    fn command(&mut self, wrapper: &[u8]) {
        self.tag.copy_from_slice(&wrapper[4..8]);
        let wanted = u32::from_le_bytes(wrapper[8..12].try_into().unwrap());
        let (incoming, length) = (wrapper[12] & 0x80 != 0, usize::from(wrapper[14] & 0x1F).min(16));
        let cdb = wrapper[15..15 + length].to_vec();
        self.received.push(cdb.clone());
        if !incoming && wanted > 0 {
            self.phase = Phase::DataOut(cdb, wanted as usize);
            return;
        }
        self.phase = Phase::Answer;
        let (sense, mut data) = self.carry_out(&cdb);
        data.truncate(wanted as usize);
        let residue = wanted - data.len() as u32;
        if wanted > 0 {
            // An empty packet where there is no data.
            self.waiting.push_back(data);
        }
        self.end(sense, residue);
    }

    fn end(&mut self, sense: Sense, residue: u32) {
        self.sense = sense;
        let mut status = STATUS_SIGNATURE.to_vec();
        status.extend(self.tag);
        status.extend(residue.to_le_bytes());
        status.push(u8::from(sense != NO_SENSE));
        self.waiting.push_back(status);
    }

    fn carry_out(&mut self, cdb: &[u8]) -> (Sense, Vec<u8>) {
        let opcode = cdb[0];
        // INQUIRY and REQUEST SENSE come before any attention (SAM-5, "Unit attention condition").
        if let (Some(attention), false) = (self.attention, matches!(opcode, 0x03 | 0x12)) {
            self.attention = None;
            return (attention, Vec::new());
        }
        match opcode {
            0x00 => (NO_SENSE, Vec::new()),
            0x03 => {
                let [key, code, qualifier] = self.sense;
                let mut sense = vec![0; 18];
                (sense[0], sense[2], sense[7], sense[12], sense[13]) = (0x70, key, 10, code, qualifier);
                (NO_SENSE, sense)
            }
            0x12 if cdb[1] & 1 == 0 => {
                let mut inquiry = vec![0, 0x80, 6, 2, 31, 0, 0, 0];
                inquiry.extend(b"PFROST  Turncoat        1.00");
                (NO_SENSE, inquiry)
            }
            0x1A => (NO_SENSE, vec![3, 0, self.protection(), 0]),
            0x5A => (NO_SENSE, vec![0, 6, 0, self.protection(), 0, 0, 0, 0]),
            0x25 => {
                let last = (self.medium.len() / SECTOR - 1) as u32;
                (NO_SENSE, [last.to_be_bytes(), (SECTOR as u32).to_be_bytes()].concat())
            }
            0x28 => self.read(cdb),
            _ => (INVALID_OPCODE, Vec::new()),
        }
    }

    /// Bit 7 of the device-specific parameter (SBC-3, "Mode parameter header").
    fn protection(&self) -> u8 {
        u8::from(self.write_protected) << 7
    }

    fn read(&mut self, cdb: &[u8]) -> (Sense, Vec<u8>) {
        let sectors = sectors(cdb);
        if sectors.contains(&self.bad_sector) {
            self.write_protected = false;
            self.attention = Some(MODE_CHANGED);
            return (UNREAD, Vec::new());
        }
        let (from, to) = (*sectors.start() as usize * SECTOR, (*sectors.end() as usize + 1) * SECTOR);
        self.medium.get(from..to).map_or((OUT_OF_RANGE, Vec::new()), |bytes| (NO_SENSE, bytes.to_vec()))
    }

    fn write(&mut self, cdb: &[u8], bytes: &[u8]) -> Sense {
        if cdb[0] != 0x2A {
            return INVALID_OPCODE;
        }
        let from = *sectors(cdb).start() as usize * SECTOR;
        match self.medium.get_mut(from..from + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                NO_SENSE
            }
            None => OUT_OF_RANGE,
        }
    }
}

/// Of READ (10) and WRITE (10).
fn sectors(cdb: &[u8]) -> RangeInclusive<u64> {
    let first = u64::from(u32::from_be_bytes(cdb[2..6].try_into().unwrap()));
    let count = u64::from(u16::from_be_bytes(cdb[7..9].try_into().unwrap()));
    first..=(first + count).saturating_sub(1)
}

fn device_descriptor() -> Vec<u8> {
    let [vendor, product] = [Stick::VENDOR, Stick::PRODUCT].map(u16::to_le_bytes);
    let mut descriptor = vec![18, 1, 0, 2, 0, 0, 0, 64];
    descriptor.extend(vendor.into_iter().chain(product));
    descriptor.extend([0, 1, 1, 2, 3, 1]);
    descriptor
}

fn configuration_descriptor() -> Vec<u8> {
    let mut descriptor = vec![9, 2, 32, 0, 1, 1, 0, 0x80, 50];
    descriptor.extend([9, 4, 0, 0, 2, 8, 6, 0x50, 0]);
    descriptor.extend([7, 5, 0x81, 2, 0, 2, 0]);
    descriptor.extend([7, 5, 0x02, 2, 0, 2, 0]);
    descriptor
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(stick: &mut Stick, cdb: &[u8], wanted: u32) -> (Vec<u8>, u8) {
        let mut wrapper = WRAPPER_SIGNATURE.to_vec();
        wrapper.extend([1, 2, 3, 4]);
        wrapper.extend(wanted.to_le_bytes());
        wrapper.extend([0x80, 0, cdb.len() as u8]);
        wrapper.extend(cdb);
        wrapper.resize(WRAPPER, 0);
        assert!(matches!(stick.bulk_out(&wrapper), Transfer::Done(_)));
        let mut take = |length| match stick.bulk_in(length) {
            Transfer::Done(bytes) => bytes,
            Transfer::Stalled => panic!("stalled"),
        };
        let data = if wanted > 0 { take(wanted as usize) } else { Vec::new() };
        (data, take(13)[12])
    }

    #[test]
    fn it_turns_its_coat_when_the_bad_sector_is_read() {
        let mut stick = Stick::new(vec![7; 64 * SECTOR], "T", 40);
        let mode_sense = [0x1A, 0, 0x3F, 0, 192, 0];
        assert_eq!(sent(&mut stick, &mode_sense, 192), (vec![3, 0, 0x80, 0], 0));
        assert_eq!(sent(&mut stick, &[0x28, 0, 0, 0, 0, 8, 0, 0, 2, 0], 1024), (vec![7; 1024], 0));
        assert_eq!(sent(&mut stick, &[0x28, 0, 0, 0, 0, 32, 0, 0, 16, 0], 8192), (Vec::new(), 1));
        assert_eq!(sent(&mut stick, &[0x03, 0, 0, 0, 18, 0], 18).0[2], 3);
        // One attention, then the new mind.
        assert_eq!(sent(&mut stick, &mode_sense, 192).1, 1);
        assert_eq!(sent(&mut stick, &mode_sense, 192), (vec![3, 0, 0, 0], 0));
        assert_eq!(stick.received().len(), 6);
    }
}
