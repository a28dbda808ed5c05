//! One half of a Linux RAID mirror whose other half is missing, left in the middle of writing: what assembles itself at once on
//! most systems, and then writes. Superblock version 1.2 and its bitmap as linux/raid/md_p.h and drivers/md/md-bitmap.h (Linux
//! 6.12) lay them out.

use super::gpt::identifier;

/// Bytes from the start of the partition to the superblock, to the bitmap, and to the data.
const SUPERBLOCK: usize = 4096;
const BITMAP: usize = 8192;
const DATA: u64 = 1 << 20;
/// Devices that the superblock has room for.
const MOST_DEVICES: u32 = 128;
/// Times the array was changed, as both its superblock and its bitmap have it.
const EVENTS: u64 = 17;
/// Bytes that one bit of the bitmap stands for.
const CHUNK: u32 = 64 << 10;
/// A moment in 2024: the same on every disk, so that two fills make the same bytes.
const TIME: u64 = 1_709_251_200;

/// The first MiB of a member of `length` bytes; what follows is data.
pub(crate) fn head(length: u64, seed: u64) -> Vec<u8> {
    let sectors = length.saturating_sub(DATA) / 512;
    let mut head = vec![0; SUPERBLOCK];
    head.extend(superblock(sectors, seed));
    head.resize(BITMAP, 0);
    head.extend(bitmap(sectors, seed));
    head.resize(usize::try_from(DATA).unwrap_or(0), 0);
    head
}

/// `struct mdp_superblock_1`.
fn superblock(sectors: u64, seed: u64) -> Vec<u8> {
    let build = |checksum: u32| {
        let mut block = Vec::new();
        // Magic, version 1, feature "has a bitmap", padding.
        [0xA92B_4EFC_u32, 1, 1, 0].iter().for_each(|word| block.extend(word.to_le_bytes()));
        block.extend(identifier(seed, 0x6D64));
        block.extend(b"pf-prove:mirror");
        block.resize(64, 0);
        block.extend(TIME.to_le_bytes());
        // Level 1, no layout.
        [1_u32, 0].iter().for_each(|word| block.extend(word.to_le_bytes()));
        block.extend(sectors.to_le_bytes());
        // No chunks, two halves, the bitmap 8 sectors behind this.
        [0_u32, 2, 8].iter().for_each(|word| block.extend(word.to_le_bytes()));
        block.resize(128, 0);
        [DATA / 512, sectors, 8, 0].iter().for_each(|word| block.extend(word.to_le_bytes()));
        // Device 0, no corrected reads.
        block.resize(168, 0);
        block.extend(identifier(seed, 0x6D65));
        block.resize(192, 0);
        // Changed last, events, and in sync only up to here: the mirror is dirty.
        [TIME, EVENTS, 0].iter().for_each(|word| block.extend(word.to_le_bytes()));
        block.extend(checksum.to_le_bytes());
        block.extend(MOST_DEVICES.to_le_bytes());
        block.resize(256, 0);
        // Role 0 is this one's; the others are missing.
        let roles = (0..MOST_DEVICES).map(|device| if device == 0 { 0_u16 } else { 0xFFFE });
        block.extend(roles.flat_map(u16::to_le_bytes));
        block
    };
    build(checksum_of(&build(0)))
}

/// `calc_sb_1_csum` of drivers/md/md.c: the sum of all 32-bit words, its carry added once.
fn checksum_of(block: &[u8]) -> u32 {
    let words = block.chunks_exact(4).filter_map(|word| word.try_into().ok()).map(u32::from_le_bytes);
    let sum = words.fold(0_u64, |sum, word| sum.wrapping_add(u64::from(word)));
    let folded = (sum & 0xFFFF_FFFF).wrapping_add(sum >> 32);
    u32::try_from(folded & 0xFFFF_FFFF).unwrap_or(0)
}

/// `bitmap_super_t`, then one bit for each chunk, set where a write was under way.
fn bitmap(sectors: u64, seed: u64) -> Vec<u8> {
    let mut map = Vec::new();
    // "bitm", version 4: numbers are little-endian.
    [0x6D74_6962_u32, 4].iter().for_each(|word| map.extend(word.to_le_bytes()));
    map.extend(identifier(seed, 0x6D64));
    [EVENTS, EVENTS, sectors].iter().for_each(|word| map.extend(word.to_le_bytes()));
    // No state, chunk size, seconds until bits are cleared, no write-behind, as many sectors reserved.
    [0_u32, CHUNK, 5, 0, 8].iter().for_each(|word| map.extend(word.to_le_bytes()));
    map.resize(256, 0);
    let chunks = sectors.saturating_mul(512) / u64::from(CHUNK);
    let bytes = usize::try_from(chunks / 8).unwrap_or(0).min(2048);
    map.extend((0..bytes).map(|byte| if byte % 4 == 0 { 0xFF } else { 0 }));
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    /// mdadm, which assembles arrays, reads from the member what it is meant to say.
    #[test]
    fn mdadm_sees_a_dirty_mirror_with_one_half_missing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), head(16 << 20, 7)).unwrap();
        file.as_file().set_len(16 << 20).unwrap();
        // In a file mdadm expects the bitmap alone.
        let bitmap = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(bitmap.path(), &head(16 << 20, 7)[BITMAP..]).unwrap();
        let ask = |what: &str, file: &Path| Command::new("mdadm").arg(what).arg(file).output();
        let (Ok(member), Ok(map)) = (ask("--examine", file.path()), ask("--examine-bitmap", bitmap.path()))
        else {
            eprintln!("SKIPPED: mdadm (Debian package mdadm) is not here");
            return;
        };
        let member = String::from_utf8_lossy(&member.stdout).into_owned();
        for line in ["Version : 1.2", "Raid Level : raid1", "Raid Devices : 2", "State : active", "- correct"]
        {
            assert!(member.contains(line), "{line}: {member}");
        }
        assert!(
            member.contains("Internal Bitmap : 8 sectors") && member.contains("Array State : A."),
            "{member}"
        );
        let map = String::from_utf8_lossy(&map.stdout).into_owned();
        assert!(map.contains("Chunksize : 64 KB") && map.contains("dirty"), "{map}");
    }
}
