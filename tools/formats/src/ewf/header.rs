//! Case fields inside the container: `header` (8-bit text) and `header2` (UTF-16), both zlib streams of tab-separated
//! lines (EWF, "Header2 section").

use crate::{DeviceLabel, ImagePlan, Provenance};
use evidence::CaseData;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{Read, Write};

/// Longest stored and longest unpacked header read.
pub(super) const LARGEST_STORED: u64 = 1 << 20;
const LARGEST_UNPACKED: u64 = 8 << 20;
/// EnCase holds 11 characters of `av` (EWF, "Header2 values").
const LONGEST_VERSION: usize = 11;

/// The form in which a case field travels in an E01: tabs, line ends and other control characters, which would break the
/// header's lines, become spaces.
#[must_use]
pub fn carried_text(field: &str) -> String {
    field.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The form in which a program's name and version travel in an E01, as `av`: both if they are short, else the version alone;
/// cut to 11 characters.
#[must_use]
pub fn carried_version(software: &str) -> String {
    let whole = carried_text(software);
    let short = if whole.chars().count() <= LONGEST_VERSION {
        &whole
    } else {
        whole.rsplit(' ').next().unwrap_or("")
    };
    short.chars().take(LONGEST_VERSION).collect()
}

/// Stored content of the `header2` section: UTF-16LE with byte order mark, times in seconds since 1970.
pub(super) fn encode_header2(plan: &ImagePlan) -> std::io::Result<Vec<u8>> {
    let case = &plan.case;
    let text = [&case.description, &case.case_number, &case.evidence_number, &case.examiner, &case.notes]
        .map(|field| carried_text(field))
        .join("\t");
    let device = plan.device.as_ref().map(DeviceLabel::of).unwrap_or_default();
    let device = [device.model, device.serial].map(|field| carried_text(&field)).join("\t");
    // The categories srce and sub are empty tables that EnCase 5 and later expect.
    let lines = format!(
        "3\nmain\na\tc\tn\te\tt\tmd\tsn\tav\tov\tm\tu\tp\tdc\n{text}\t{device}\t{av}\tLinux\t{at}\t{at}\t0\t\n\n\
         srce\n0\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t0\n\t\t\t\t\t-1\t-1\t\t\t\n\n\
         sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n\t\t\t\t1\t\n\n",
        av = carried_version(&plan.software),
        at = plan.acquired_at,
    );
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(lines.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    pack(&utf16)
}

/// Stored content of the `header` section: ASCII, because its code page is not stated anywhere; what lies outside
/// becomes `?`. Readers prefer `header2`.
pub(super) fn encode_header(plan: &ImagePlan) -> std::io::Result<Vec<u8>> {
    let case = &plan.case;
    let text = [&case.case_number, &case.evidence_number, &case.description, &case.examiner, &case.notes]
        .map(|field| carried_text(field))
        .join("\t");
    let civil =
        Timestamp::from_second(plan.acquired_at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    let at = format!(
        "{} {} {} {} {} {}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    );
    let lines = format!(
        "1\r\nmain\r\nc\tn\ta\te\tt\tav\tov\tm\tu\tp\r\n{text}\t{av}\tLinux\t{at}\t{at}\t0\r\n\r\n",
        av = carried_version(&plan.software),
    );
    let ascii: String = lines.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    pack(ascii.as_bytes())
}

/// libewf makes room for a header of four times its stored length, and a build of it without zlib (as from PyPI) cannot
/// tell that there is more.
const LARGEST_RATIO: usize = 4;

fn pack(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let packed = pack_by(flate2::Compression::best(), text)?;
    if packed.len().saturating_mul(LARGEST_RATIO) >= text.len() {
        return Ok(packed);
    }
    pack_by(flate2::Compression::none(), text)
}

fn pack_by(level: flate2::Compression, text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(text)?;
    encoder.finish()
}

/// What a stored `header` or `header2` section tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) case: CaseData,
    /// Without the kind of medium, which stands in the volume section.
    pub(super) provenance: Provenance,
}

/// Reads a stored `header` or `header2` section.
pub(super) fn parse(stored: &[u8]) -> Result<Told, &'static str> {
    let mut unpacked = Vec::new();
    let mut decoder = ZlibDecoder::new(stored).take(LARGEST_UNPACKED);
    decoder.read_to_end(&mut unpacked).map_err(|_| "it does not unpack")?;
    if decoder.limit() == 0 {
        return Err("it unpacks to more than 8 MiB");
    }
    let text = decode_text(&unpacked);
    // Line ends are LF, CRLF or CR, depending on the program and its age.
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = unified.lines().skip_while(|line| *line != "main").skip(1);
    let names = lines.next().ok_or("it has no category 'main'")?;
    let values = lines.next().ok_or("its category 'main' has no values")?;
    let mut told = Told::default();
    for (name, value) in names.split('\t').zip(values.split('\t')) {
        let field = match name {
            "a" => &mut told.case.description,
            "c" => &mut told.case.case_number,
            "n" => &mut told.case.evidence_number,
            "e" => &mut told.case.examiner,
            "t" => &mut told.case.notes,
            "md" => &mut told.provenance.device.model,
            "sn" => &mut told.provenance.device.serial,
            "av" => &mut told.provenance.software,
            // Seconds since 1970 in header2; in header a civil time of an unknown zone, which is no number.
            "m" => {
                told.provenance.acquired_at = value.parse().ok();
                continue;
            }
            _ => continue,
        };
        value.clone_into(field);
    }
    Ok(told)
}

/// UTF-16 by its mark, else UTF-8, else one byte per character as in the Western code pages.
fn decode_text(bytes: &[u8]) -> String {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec())
            .unwrap_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{ByteCount, SectorSize};
    use proptest::prelude::*;

    fn plan(case: CaseData) -> ImagePlan {
        ImagePlan {
            base: "x".into(),
            media_size: ByteCount(512),
            sector_size: SectorSize::S512,
            segment_size: None,
            case,
            device: None,
            software: "Permafrost 0.1.0".into(),
            acquired_at: 1_700_000_000,
            medium: crate::MediumKind::Disk,
        }
    }

    #[test]
    fn the_version_fits_what_encase_holds() {
        assert_eq!(carried_version("pf 1.2"), "pf 1.2");
        assert_eq!(carried_version("Permafrost 0.1.0"), "0.1.0");
        assert_eq!(carried_version("verylongnamewithoutspace"), "verylongnam");
    }

    #[test]
    fn the_8_bit_header_holds_ascii_and_civil_time() {
        let case = CaseData { examiner: "Jörg".into(), ..CaseData::default() };
        let mut text = String::new();
        ZlibDecoder::new(&encode_header(&plan(case)).unwrap()[..]).read_to_string(&mut text).unwrap();
        assert!(text.contains("J?rg") && text.contains("2023 11 14 22 13 20"), "{text}");
    }

    #[test]
    fn headers_in_the_spelling_of_other_programs_are_read() {
        for text in [
            "1\nmain\nc\tn\ta\n7\t8\tDisk\n\n",
            "1\r\nmain\r\nc\tn\ta\r\n7\t8\tDisk\r\n",
            "1\rmain\rc\tn\ta\r7\t8\tDisk\r",
        ] {
            let case = parse(&pack(text.as_bytes()).unwrap()).unwrap().case;
            assert_eq!((&*case.case_number, &*case.evidence_number, &*case.description), ("7", "8", "Disk"));
        }
        let latin = parse(&pack(b"1\nmain\nc\te\n7\tJ\xf6rg\n").unwrap()).unwrap();
        assert_eq!(latin.case.examiner, "Jörg");
    }

    #[test]
    fn a_header_that_unpacks_without_end_is_refused() {
        let bomb = pack_by(flate2::Compression::best(), &vec![b'a'; 9 << 20]).unwrap();
        assert_eq!(parse(&bomb).unwrap_err(), "it unpacks to more than 8 MiB");
    }

    proptest! {
        #[test]
        fn any_text_survives_except_control_characters(fields in prop::array::uniform5(".{0,40}|[\t\r\n\u{0}-\u{1f}a]{0,9}")) {
            let [case_number, evidence_number, examiner, description, notes] = fields;
            let case = CaseData { case_number, evidence_number, examiner, description, notes };
            let read = parse(&encode_header2(&plan(case.clone())).unwrap()).unwrap().case;
            prop_assert_eq!(read.case_number, carried_text(&case.case_number));
            prop_assert_eq!(read.evidence_number, carried_text(&case.evidence_number));
            prop_assert_eq!(read.examiner, carried_text(&case.examiner));
            prop_assert_eq!(read.description, carried_text(&case.description));
            prop_assert_eq!(read.notes, carried_text(&case.notes));
        }
    }
}
