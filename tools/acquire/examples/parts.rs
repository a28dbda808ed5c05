//! Measures on one core, by its own clock, what each part of an acquisition of a file costs, and prints it as JSON: seconds
//! of processor time for a MiB of media data. The bench computes from it how fast an acquisition can be at most.
//!
//! `cargo run --release -p acquire --example parts -- FILE FOLDER`, where FOLDER is the destination.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use acquire::BLOCK_SIZE;
use device::{AlignedBuffer, DirectFile};
use evidence::{ByteCount, ByteOffset, CaseData, HashAlgorithm, HashGroup, LeafPart, LeafSize, SectorSize};
use formats::aff4::Compression;
use formats::{ChunkEncoder, EncodedChunk, ImageKind, ImagePlan, MediumKind};
use nix::time::{ClockId, clock_gettime};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Processor time of this thread in seconds.
fn clock() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

fn main() {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let (source, folder) = (words.next().expect("FILE FOLDER"), words.next().expect("FILE FOLDER"));
    let file = DirectFile::open(&source).unwrap();
    let mib = file.size().0 as f64 / f64::from(1 << 20);
    let mut buffer = AlignedBuffer::new(BLOCK_SIZE).unwrap();

    let (mut read, begun) = (0.0, Instant::now());
    for offset in (0..file.size().0).step_by(BLOCK_SIZE) {
        let before = clock();
        file.read_at(ByteOffset(offset), &mut buffer).unwrap();
        read += clock() - before;
    }
    let source_rate = mib / begun.elapsed().as_secs_f64();

    let groups: [&[HashAlgorithm]; 7] = [
        &[HashAlgorithm::Md5],
        &[HashAlgorithm::Sha1],
        &[HashAlgorithm::Sha256],
        &[HashAlgorithm::Md5, HashAlgorithm::Sha1],
        &[HashAlgorithm::Md5, HashAlgorithm::Sha256],
        &[HashAlgorithm::Sha1, HashAlgorithm::Sha256],
        &HashAlgorithm::USUAL,
    ];
    let mut hashes = groups.map(|group| (0.0, HashGroup::new(group)));
    let leaf_size = LeafSize::of_medium(file.size());
    let mut leaf = 0.0;
    for offset in (0..file.size().0).step_by(BLOCK_SIZE) {
        let count = file.read_at(ByteOffset(offset), &mut buffer).unwrap();
        let block = &buffer[..count.min((file.size().0 - offset) as usize)];
        for (seconds, group) in &mut hashes {
            let before = clock();
            group.update(block);
            *seconds += clock() - before;
        }
        let before = clock();
        std::hint::black_box(LeafPart::of(ByteOffset(offset), block, leaf_size));
        leaf += clock() - before;
    }
    let named = groups.iter().zip(&hashes).map(|(group, (seconds, _))| {
        let name = group.iter().map(|algorithm| algorithm.word()).collect::<Vec<_>>().join("+");
        (name, serde_json::json!(seconds / mib))
    });
    let hashes: serde_json::Map<String, serde_json::Value> = named.collect();
    let kinds =
        [("e01", ImageKind::Ewf), ("raw", ImageKind::Raw), ("aff4", ImageKind::Aff4(Compression::default()))];
    let formats = kinds.map(|(name, kind)| (name.to_owned(), storing(kind, &file, &folder, mib)));
    let told = serde_json::json!({
        "read": read / mib, "source_mib_per_s": source_rate, "leaf": leaf / mib, "hashes": hashes,
        "formats": serde_json::Map::from_iter(formats),
    });
    println!("{told}");
}

/// Encoding all chunks, and writing them where the image goes.
fn storing(kind: ImageKind, file: &DirectFile, folder: &Path, mib: f64) -> serde_json::Value {
    let scratch = folder.join("parts");
    std::fs::create_dir(&scratch).unwrap();
    let plan = ImagePlan {
        base: scratch.join("parts"),
        media_size: file.size(),
        sector_size: SectorSize::S512,
        segment_size: (kind == ImageKind::Ewf).then_some(ByteCount(2000 << 20)),
        case: CaseData::default(),
        software: "parts".to_owned(),
        acquired_at: 0,
        device: None,
        medium: MediumKind::Part,
    };
    let mut image = formats::create(kind, &plan).unwrap();
    let encoder = image.encoder();
    let mut buffer = AlignedBuffer::new(BLOCK_SIZE).unwrap();
    let mut chunks: Vec<EncodedChunk> = Vec::new();
    let (mut encode, mut write, mut sink, mut stored) = (0.0, 0.0, 0.0, 0u64);
    for offset in (0..file.size().0).step_by(BLOCK_SIZE) {
        let count = file.read_at(ByteOffset(offset), &mut buffer).unwrap();
        let block = &buffer[..count.min((file.size().0 - offset) as usize)];
        let before = clock();
        encode_block(encoder.as_ref(), block, image.chunk_size(), &mut chunks);
        encode += clock() - before;
        let (before, begun) = (clock(), Instant::now());
        for chunk in &chunks {
            image.append(chunk).unwrap();
            stored += chunk.stored.len() as u64;
        }
        write += clock() - before;
        sink += begun.elapsed().as_secs_f64();
    }
    drop(image);
    std::fs::remove_dir_all(&scratch).unwrap();
    serde_json::json!({ "encode": encode / mib, "write": write / mib, "sink_mib_per_s": mib / sink, "stored": stored })
}

fn encode_block(encoder: &dyn ChunkEncoder, block: &[u8], chunk_size: usize, chunks: &mut Vec<EncodedChunk>) {
    chunks.resize_with(block.len().div_ceil(chunk_size), EncodedChunk::default);
    for (chunk, part) in chunks.iter_mut().zip(block.chunks(chunk_size)) {
        encoder.encode_into(part, chunk).unwrap();
    }
}
