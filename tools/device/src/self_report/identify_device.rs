//! What IDENTIFY DEVICE says (ACS-4 §7.13.6; for HPA and DCO ATA8-ACS §7.16.7). Words are little-endian.

use super::fields::{Page, has};
use evidence::{AfterTrim, AtaSecurity, Finding, SectorCount, SectorSize, Trim, ZoneModel, Zones};

/// A page of 512 bytes whose checksum, if it has one, is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdentifyDevice<'a>(Page<'a>);

/// Bits 15:14 of a word whose other bits mean something.
const VALID: u16 = 0b01;

impl<'a> IdentifyDevice<'a> {
    /// Takes the page.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, &'static str> {
        const SIGNATURE: u8 = 0xA5;
        let Some(bytes) = bytes.get(..512) else { return Err("its IDENTIFY data are too short") };
        if bytes.iter().all(|&byte| byte == 0) || bytes.iter().all(|&byte| byte == 0xFF) {
            return Err("its IDENTIFY data are empty");
        }
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        if bytes.get(510) == Some(&SIGNATURE) && sum != 0 {
            return Err("its IDENTIFY data arrived damaged: the checksum is wrong");
        }
        let page = Self(Page(bytes));
        // Word 0, bit 15: not an ATA device (a packet device has 10b in its two upper bits).
        if has(page.word(0), 15) { Err("it is no ATA disk") } else { Ok(page) }
    }

    fn word(self, number: usize) -> u16 {
        // The length is checked: 256 words.
        self.0.le16(number.saturating_mul(2)).unwrap_or(0)
    }

    fn valid(self, number: usize) -> Option<u16> {
        Some(self.word(number)).filter(|word| word >> 14 == VALID)
    }

    /// Feature sets in words 82 and 83; `None` where the disk is older than these words (ATA-3).
    fn supports(self, word: usize, bit: u32) -> Option<bool> {
        self.valid(83).map(|_| has(self.word(word), bit))
    }

    /// The 48-bit Address feature set.
    pub(crate) fn has_48_bits(self) -> bool {
        self.supports(83, 10) == Some(true)
    }

    /// The Host Protected Area feature set.
    pub(crate) fn has_hpa(self) -> Option<bool> {
        self.supports(82, 10)
    }

    /// The Device Configuration Overlay feature set.
    pub(crate) fn has_dco(self) -> Option<bool> {
        self.supports(83, 11)
    }

    /// The Accessible Max Address Configuration feature set; words 119 and 120 came with ATA8-ACS.
    pub(crate) fn has_ama(self) -> bool {
        self.valid(119).is_some_and(|word| has(word, 8))
    }

    /// The SMART feature set: whether it is there and switched on.
    pub(crate) fn smart(self) -> Option<bool> {
        self.supports(82, 0)?.then(|| has(self.word(85), 0))
    }

    /// The Trusted Computing feature set.
    pub(crate) fn has_trusted_computing(self) -> bool {
        self.valid(48).is_some_and(|word| has(word, 0))
    }

    /// How many sectors the disk shows.
    pub(crate) fn sectors(self) -> SectorCount {
        let long = |number: usize| self.0.le64(number.saturating_mul(2)).unwrap_or(0);
        SectorCount(match self.has_48_bits() {
            // Word 69 bit 3: words 230-233 hold what words 100-103 have no room for.
            true if has(self.word(69), 3) => long(230),
            true => long(100),
            false => self.0.le32(120).unwrap_or(0).into(),
        })
    }

    /// Size of a logical sector: words 106 and 117-118, the latter counted in words.
    pub(crate) fn logical_sector(self) -> SectorSize {
        let is_long = self.valid(106).is_some_and(|word| has(word, 12));
        let words = self.0.le32(234).filter(|_| is_long).unwrap_or(256);
        SectorSize::new(u64::from(words).saturating_mul(2)).unwrap_or(SectorSize::S512)
    }

    /// The Security feature set, words 82, 92 and 128.
    pub(crate) fn security(self) -> Finding<AtaSecurity> {
        let state = self.word(128);
        if !has(state, 0) {
            return match self.supports(82, 1) {
                Some(true) => Finding::unknown("words 82 and 128 of its IDENTIFY data contradict each other"),
                Some(false) | None => Finding::None,
            };
        }
        let id = self.word(92);
        Finding::Found(AtaSecurity {
            enabled: has(state, 1),
            locked: has(state, 2),
            frozen: has(state, 3),
            count_expired: has(state, 4),
            enhanced_erase: has(state, 5),
            maximum: has(state, 8),
            master_password_id: (id != 0 && id != u16::MAX).then_some(id),
        })
    }

    /// TRIM, words 69 and 169.
    pub(crate) fn trim(self) -> Finding<Trim> {
        if !has(self.word(169), 0) {
            return Finding::None;
        }
        let (is_deterministic, is_zero) = (has(self.word(69), 14), has(self.word(69), 5));
        let reads = match (is_deterministic, is_zero) {
            (true, true) => AfterTrim::Zeros,
            (true, false) => AfterTrim::Deterministic,
            // RZAT means something only together with DRAT.
            (false, _) => AfterTrim::Unspecified,
        };
        Finding::Found(Trim { reads })
    }

    /// Zones, word 69 bits 1:0 (ZAC-2 §6.5); of host-managed disks the signature in word 0 tells.
    pub(crate) fn zones(self) -> Finding<Zones> {
        const HOST_MANAGED_SIGNATURE: u16 = 0xABCD;
        if self.word(0) == HOST_MANAGED_SIGNATURE {
            return Finding::Found(Zones { model: ZoneModel::HostManaged });
        }
        match self.word(69) & 0b11 {
            0b01 => Finding::Found(Zones { model: ZoneModel::HostAware }),
            0b10 => Finding::Found(Zones { model: ZoneModel::DeviceManaged }),
            0b11 => Finding::unknown("its IDENTIFY data hold a reserved value for zones"),
            _ => Finding::None,
        }
    }
}
