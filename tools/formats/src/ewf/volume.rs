//! The shape of the medium, as the `volume`, `disk` and `data` sections state it.

use super::adler::{seal, unseal};
use crate::MediumKind;
use crate::little_endian::{bytes_at, put, u32_at, u64_at};

/// Content length since EnCase 2, and that of EnCase 1.
const LENGTH: usize = 1052;
const LENGTH_ENCASE1: usize = 94;
/// Largest chunk read: 32 768 sectors of 512 bytes, the most EnCase 5 and 6 offer.
const LARGEST_CHUNK: u32 = 16 << 20;

/// What those sections say, as far as it concerns reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) chunk_count: u32,
    pub(super) sectors_per_chunk: u32,
    pub(super) bytes_per_sector: u32,
    pub(super) sector_count: u64,
    /// Same in every segment of a set; zero where the program writes none.
    pub(super) set_identifier: [u8; 16],
    /// What was imaged, where it is one of the kinds known here.
    pub(super) medium: Option<MediumKind>,
}

impl Geometry {
    /// Bytes of media per chunk.
    pub(super) fn chunk_size(&self) -> u32 {
        self.sectors_per_chunk.saturating_mul(self.bytes_per_sector)
    }

    /// Bytes of media.
    pub(super) fn media_size(&self) -> u64 {
        self.sector_count.saturating_mul(u64::from(self.bytes_per_sector))
    }

    /// Chunks that the sector count calls for.
    pub(super) fn chunks_needed(&self) -> u64 {
        self.sector_count.div_ceil(u64::from(self.sectors_per_chunk.max(1)))
    }

    /// Why `other`, from a later segment, cannot belong to the same image.
    pub(super) fn conflict(&self, other: &Self) -> Option<&'static str> {
        let stated = self.set_identifier != [0; 16] && other.set_identifier != [0; 16];
        if stated && self.set_identifier != other.set_identifier {
            return Some("its set identifier is another image's");
        }
        let same = self.sectors_per_chunk == other.sectors_per_chunk
            && self.bytes_per_sector == other.bytes_per_sector
            && self.sector_count == other.sector_count;
        (!same).then_some("it states a medium of another size")
    }

    /// Reads the content of one of those sections.
    pub(super) fn parse(content: &[u8]) -> Result<Self, &'static str> {
        let cut = "it is cut";
        let field = |offset| u32_at(content, offset).ok_or(cut);
        let (sector_count, set_identifier) = match content.len() {
            LENGTH => (u64_at(content, 16).ok_or(cut)?, bytes_at(content, 64).ok_or(cut)?),
            LENGTH_ENCASE1 => (u64::from(field(16)?), [0; 16]),
            _ => return Err("its length is neither 1052 nor 94 bytes"),
        };
        unseal(content).ok_or("its checksum does not fit")?;
        let geometry = Self {
            chunk_count: field(4)?,
            sectors_per_chunk: field(8)?,
            bytes_per_sector: field(12)?,
            sector_count,
            set_identifier,
            medium: medium_of(content),
        };
        match geometry.sectors_per_chunk.checked_mul(geometry.bytes_per_sector) {
            Some(1..=LARGEST_CHUNK) => {}
            _ => return Err("it states a chunk size of zero or more than 16 MiB"),
        }
        let fits = sector_count.checked_mul(u64::from(geometry.bytes_per_sector));
        if fits.is_none_or(|size| i64::try_from(size).is_err()) {
            return Err("it states a medium larger than any file");
        }
        Ok(geometry)
    }

    /// The content of a `volume` or `data` section.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (media_type, media_flags) = media_words(self.medium.unwrap_or(MediumKind::Part));
        let mut bytes = vec![0; LENGTH - 4];
        let mut set = |offset, field: &[u8]| put(&mut bytes, offset, field);
        set(0, &[media_type]);
        set(4, &self.chunk_count.to_le_bytes());
        set(8, &self.sectors_per_chunk.to_le_bytes());
        set(12, &self.bytes_per_sector.to_le_bytes());
        set(16, &self.sector_count.to_le_bytes());
        set(36, &[media_flags]);
        set(52, &[0x01]); // compression level: fast
        set(56, &self.sectors_per_chunk.to_le_bytes()); // error granularity
        set(64, &self.set_identifier);
        seal(&mut bytes);
        bytes
    }
}

/// Media type (0 removable, 1 fixed) and media flags (1 an image, 2 of a physical device, else of a logical one): EWF,
/// "Volume section", "Media type" and "Media flags".
fn media_words(medium: MediumKind) -> (u8, u8) {
    match medium {
        MediumKind::RemovableDisk => (0x00, 0x03),
        MediumKind::Disk => (0x01, 0x03),
        MediumKind::Part => (0x01, 0x01),
    }
}

fn medium_of(content: &[u8]) -> Option<MediumKind> {
    let words = (*content.first()?, content.get(36)? & 0x03);
    [MediumKind::RemovableDisk, MediumKind::Disk, MediumKind::Part]
        .into_iter()
        .find(|medium| media_words(*medium) == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOMETRY: Geometry = Geometry {
        chunk_count: 7,
        sectors_per_chunk: 64,
        bytes_per_sector: 512,
        sector_count: 400,
        set_identifier: [9; 16],
        medium: Some(MediumKind::RemovableDisk),
    };

    #[test]
    fn the_shape_reads_back_as_written() {
        let bytes = GEOMETRY.encode();
        assert_eq!(bytes.len(), 1052);
        assert_eq!(Geometry::parse(&bytes), Ok(GEOMETRY));
        assert_eq!(GEOMETRY.chunks_needed(), 7);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for wrong in [
            Geometry { bytes_per_sector: 0, ..GEOMETRY },
            Geometry { sectors_per_chunk: u32::MAX, ..GEOMETRY },
            Geometry { sectors_per_chunk: 65_536, ..GEOMETRY },
            Geometry { sector_count: u64::MAX, ..GEOMETRY },
        ] {
            assert!(Geometry::parse(&wrong.encode()).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_segment_of_another_image_is_told_by_identifier_or_size() {
        let foreign = Geometry { set_identifier: [8; 16], ..GEOMETRY };
        assert!(GEOMETRY.conflict(&foreign).unwrap().contains("identifier"));
        let larger = Geometry { sector_count: 401, set_identifier: [0; 16], ..GEOMETRY };
        assert!(GEOMETRY.conflict(&larger).unwrap().contains("size"));
        assert_eq!(GEOMETRY.conflict(&Geometry { set_identifier: [0; 16], ..GEOMETRY }), None);
    }
}
