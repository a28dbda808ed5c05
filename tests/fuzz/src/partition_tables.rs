//! The partition table of a disk, read from its image.

use evidence::{ByteCount, ByteOffset, Extent};
use std::collections::BTreeSet;
use std::path::Path;
use verify::PartitionTable;

/// The disk has a MiB, whose beginning the input is.
const SIZE: u64 = 1 << 20;

/// A beginning of a disk as it comes.
pub fn partition_table(input: &[u8], scratch: &Path) {
    let path = scratch.join("item.raw");
    std::fs::write(&path, input).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(SIZE).unwrap();
    let mut image = formats::open(&path).unwrap();
    let Some(table) = PartitionTable::read(&mut *image, evidence::SectorSize::S512) else { return };
    assert!(table.partitions.len() <= 1024, "{} partitions", table.partitions.len());
    let numbers: BTreeSet<u32> = table.partitions.iter().map(|partition| partition.number).collect();
    assert_eq!(numbers.len(), table.partitions.len(), "two have one number: {table:?}");
    for partition in &table.partitions {
        assert!(partition.media.length.0 > 0 && partition.media.end() <= SIZE, "{partition:?}");
        assert!(!partition.name.contains(char::is_control), "{partition:?}");
        let here = table.whereabouts(partition.media);
        assert!(here.partitions.contains(&partition.number) && !here.outside, "{partition:?}: {here:?}");
    }
    let all = table.whereabouts(Extent { offset: ByteOffset(0), length: ByteCount(SIZE) });
    assert_eq!(all.partitions.len(), table.partitions.len());
    assert!(!all.words().is_empty());
}
