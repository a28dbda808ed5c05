//! A physical volume of LVM2: a volume that can be activated as it is, and a mirror whose other half is missing and which has
//! never been in sync. Written as lvm2's own sources describe it (lib/format_text/layout.h, lib/label/label.h).

use super::gpt::identifier;

/// Bytes from the start of the partition to the metadata area, its length, and the start of the first extent.
const METADATA: usize = 4096;
const METADATA_LENGTH: u64 = (1 << 20) - 4096;
const EXTENTS: u64 = 1 << 20;
const EXTENT: u64 = 1 << 20;
/// The text follows the area's header.
const TEXT_AT: usize = 512;
/// A moment in 2024: the same on every disk.
const TIME: u64 = 1_709_251_200;

/// The first MiB of a physical volume of `length` bytes; extents follow.
pub(crate) fn head(length: u64, seed: u64) -> Vec<u8> {
    let mut head = vec![0; 512];
    head.extend(label(length, seed));
    head.resize(METADATA, 0);
    let text = text(length, seed);
    head.extend(area_header(&text));
    head.resize(METADATA.saturating_add(TEXT_AT), 0);
    head.extend(text);
    head.resize(usize::try_from(EXTENTS).unwrap_or(0), 0);
    head
}

/// CRC-32 with LVM's own start value and without the final inversion.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(!0xF597_A6CF);
    crc.update(bytes);
    !crc.finalize()
}

/// `struct label_header`, `struct pv_header` and its extension, in one sector.
fn label(length: u64, seed: u64) -> Vec<u8> {
    let mut rest = 32_u32.to_le_bytes().to_vec();
    rest.extend(b"LVM2 001");
    rest.extend(characters(seed, 0).into_bytes());
    rest.extend(length.to_le_bytes());
    // One data area to the end, one metadata area; each list ends with a pair of zeros.
    let areas = [EXTENTS, 0, 0, 0, u64::try_from(METADATA).unwrap_or(4096), METADATA_LENGTH, 0, 0];
    areas.iter().for_each(|number| rest.extend(number.to_le_bytes()));
    // Extension 2: the volume is in use; no boot loader area.
    [2_u32, 1].iter().for_each(|word| rest.extend(word.to_le_bytes()));
    rest.resize(512 - 20, 0);
    let mut label = b"LABELONE".to_vec();
    label.extend(1_u64.to_le_bytes());
    label.extend(checksum(&rest).to_le_bytes());
    label.extend(rest);
    label
}

/// `struct mda_header`: where in the area the text lies.
fn area_header(text: &[u8]) -> Vec<u8> {
    let mut rest = b" LVM2 x[5A%r0N*>".to_vec();
    rest.extend(1_u32.to_le_bytes());
    let numbers = [
        u64::try_from(METADATA).unwrap_or(0),
        METADATA_LENGTH,
        u64::try_from(TEXT_AT).unwrap_or(0),
        u64::try_from(text.len()).unwrap_or(0),
    ];
    numbers.iter().for_each(|number| rest.extend(number.to_le_bytes()));
    rest.extend(checksum(text).to_le_bytes());
    rest.resize(TEXT_AT - 4, 0);
    let mut header = checksum(&rest).to_le_bytes().to_vec();
    header.extend(rest);
    header
}

/// The volume group in words.
fn text(length: u64, seed: u64) -> Vec<u8> {
    let extents = length.saturating_sub(EXTENTS) / EXTENT;
    let id = |number| dashed(&characters(seed, number));
    let volume = |name: &str, number, visible: bool, segment: &str| {
        let status = if visible { r#""READ", "WRITE", "VISIBLE""# } else { r#""READ", "WRITE""# };
        format!(
            "{name} {{\nid = \"{}\"\nstatus = [{status}]\nflags = []\ncreation_time = {TIME}\ncreation_host = \"pf-prove\"\n\
             segment_count = 1\nsegment1 {{\nstart_extent = 0\n{segment}}}\n}}\n",
            id(number)
        )
    };
    let linear = |count: u64, on: &str, at: u64| {
        format!("extent_count = {count}\ntype = \"striped\"\nstripe_count = 1\nstripes = [\"{on}\", {at}]\n")
    };
    let mirror = "extent_count = 4\ntype = \"raid1\"\ndevice_count = 2\nregion_size = 1024\nraids = [\n\
                  \"mirror_rmeta_0\", \"mirror_rimage_0\",\n\"mirror_rmeta_1\", \"mirror_rimage_1\"\n]\n";
    let volumes = [
        volume("plain", 3, true, &linear(4, "pv0", 0)),
        volume("mirror", 4, true, mirror),
        volume("mirror_rmeta_0", 5, false, &linear(1, "pv0", 4)),
        volume("mirror_rimage_0", 6, false, &linear(4, "pv0", 5)),
        volume("mirror_rmeta_1", 7, false, &linear(1, "pv1", 0)),
        volume("mirror_rimage_1", 8, false, &linear(4, "pv1", 1)),
    ];
    let physical = |name: &str, number, flags: &str| {
        format!(
            "{name} {{\nid = \"{}\"\ndevice = \"unknown\"\nstatus = [\"ALLOCATABLE\"]\nflags = [{flags}]\n\
             dev_size = {}\npe_start = {}\npe_count = {extents}\n}}\n",
            id(number),
            length / 512,
            EXTENTS / 512
        )
    };
    let mut text = format!(
        "pfprove {{\nid = \"{}\"\nseqno = 1\nformat = \"lvm2\"\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = []\n\
         extent_size = {}\nmax_lv = 0\nmax_pv = 0\nmetadata_copies = 0\nphysical_volumes {{\n{}{}}}\n\
         logical_volumes {{\n{}}}\n}}\ncontents = \"Text Format Volume Group\"\nversion = 1\n\
         description = \"pf-prove\"\ncreation_host = \"pf-prove\"\ncreation_time = {TIME}\n",
        id(1),
        EXTENT / 512,
        physical("pv0", 0, ""),
        physical("pv1", 2, "\"MISSING\""),
        volumes.concat()
    )
    .into_bytes();
    text.push(0);
    text
}

/// Thirty-two letters and digits, as LVM names things.
fn characters(seed: u64, number: u64) -> String {
    let bytes = [
        identifier(seed, number.saturating_add(0x4C56_0000)),
        identifier(seed, number.saturating_add(0x4C57_0000)),
    ];
    const LETTERS: &[u8; 32] = b"0123456789abcdefghijkmnpqrstuvwx";
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'0');
    bytes.iter().flatten().map(|byte| char::from(letter(byte))).collect()
}

/// With dashes after 6, 10, 14, 18, 22 and 26 characters, as the text has it.
fn dashed(name: &str) -> String {
    let mut dashed = String::new();
    for (at, letter) in name.chars().enumerate() {
        if (6..=26).contains(&at) && at % 4 == 2 {
            dashed.push('-');
        }
        dashed.push(letter);
    }
    dashed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn names_have_the_form_of_lvms() {
        assert_eq!(dashed("0123456789abcdefghijkmnpqrstuvwx"), "012345-6789-abcd-efgh-ijkm-npqr-stuvwx");
    }

    /// pvck, LVM's own checker, finds the label, both headers and the text whole; lvm2 takes the text for a volume group.
    #[test]
    fn lvm_finds_a_volume_group_in_good_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), head(16 << 20, 7)).unwrap();
        file.as_file().set_len(16 << 20).unwrap();
        let ask = |what: &str| Command::new("pvck").args(["--dump", what]).arg(file.path()).output();
        let (Ok(headers), Ok(metadata)) = (ask("headers"), ask("metadata")) else {
            eprintln!("SKIPPED: pvck (Debian package lvm2) is not here");
            return;
        };
        let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = words(&headers.stdout) + &words(&headers.stderr);
        assert!(
            headers.status.success() && !found.contains("invalid") && !found.contains("WARNING"),
            "{found}"
        );
        let text = words(&metadata.stdout) + &words(&metadata.stderr);
        assert!(
            metadata.status.success() && text.contains("mirror_rimage_1") && text.contains("crc"),
            "{text}"
        );
    }
}
