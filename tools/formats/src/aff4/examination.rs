//! What reading the medium does not touch: the frame of the ZIP file, every stated hash but those over the medium,
//! checksums of members.
//!
//! Block hashes are compared while chunks are read, the strongest of each. Where a container states hashes over whole
//! image streams, every chunk is read here with all its block hashes; where a bevy has none, its checksum is compared.

use super::container::Container;
use super::hashes::{self, Algorithm};
use super::image_stream::{Fault, ImageStream, LARGEST_TABLE};
use super::map;
use super::turtle_reader::Term;
use super::vocabulary::{CONTAINER_DESCRIPTION, INFORMATION, NAMESPACE, VERSION};
use super::volume::Volume;
use super::zip_layout::{self as layout, Method};
use crate::FormatError;
use crate::segment_files::SegmentFiles;
use evidence::Digest;
use std::collections::BTreeMap;

/// Flaws listed at most.
const MOST_FLAWS: usize = 10_000;

/// Lists what is wrong.
pub(super) fn examine(container: &mut Container) -> Vec<FormatError> {
    let mut flaws = Flaws(Vec::new());
    for volume in &container.volumes {
        frame(&mut container.files, volume, &mut flaws);
        small_members(&mut container.files, volume, &mut flaws);
    }
    let mut map_hashes = BTreeMap::new();
    for (number, volume) in container.volumes.iter().enumerate() {
        let local: Vec<&ImageStream> =
            container.streams.iter().filter(|stream| stream.volume == number).collect();
        let mut tables = Vec::new();
        for stream in &local {
            tables.extend(stream_tables(&mut container.files, volume, stream, &mut flaws));
        }
        let stated = volume.graph.first(&container.image, "dataStream");
        if let Some(arn) = stated.filter(|arn| volume.graph.is_a(arn, "Map")) {
            map_hashes.extend(map_hash(&mut container.files, volume, arn, &tables, &mut flaws));
        }
    }
    image_hash(container, &map_hashes, &mut flaws);
    sizes(container, &mut flaws);
    whole_streams(container, &mut flaws);
    flaws.0
}

struct Flaws(Vec<FormatError>);

impl Flaws {
    fn add(&mut self, error: FormatError) {
        if self.0.len() < MOST_FLAWS {
            self.0.push(error);
        }
    }

    fn add_at(
        &mut self,
        files: &SegmentFiles,
        volume: &Volume,
        offset: u64,
        part: &'static str,
        what: String,
    ) {
        self.add(FormatError::structure(files.path(volume.zip.segment), offset, part, what));
    }

    /// The value, or a flaw.
    fn keep<T>(&mut self, outcome: Result<T, FormatError>) -> Option<T> {
        outcome.map_err(|error| self.add(error)).ok()
    }
}

/// Members must follow each other without gaps, each with the local header and the descriptor that belong to it.
fn frame(files: &mut SegmentFiles, volume: &Volume, flaws: &mut Flaws) {
    const PART: &str = "frame of the volume";
    let members = volume.zip.in_order();
    let ends = members.iter().skip(1).map(|(_, next)| next.header).chain([volume.zip.directory_offset()]);
    if members.first().is_some_and(|(_, first)| first.header != 0) {
        flaws.add_at(files, volume, 0, PART, "what lies before the first member belongs to none".to_owned());
    }
    for ((name, entry), next) in members.iter().zip(ends) {
        let Some(data) = flaws.keep(volume.zip.data(files, name, entry)) else { continue };
        let end = data.saturating_add(entry.stored);
        let room = next.saturating_sub(end).min(layout::DESCRIPTOR_SIZE);
        let Some(after) = flaws.keep(files.bytes(volume.zip.segment, end, room)) else { continue };
        // Some programs announce a descriptor and write none.
        let described = if entry.has_descriptor { layout::descriptor_length(&after, entry) } else { None };
        let expected = end.saturating_add(described.unwrap_or(0));
        if expected != next {
            let what = format!("what follows {name} is neither its descriptor nor the next member");
            flaws.add_at(files, volume, expected, PART, what);
        }
    }
    if !volume.zip.comment.is_empty() && volume.zip.comment != volume.arn {
        let what =
            format!("the comment names {}, {CONTAINER_DESCRIPTION} {}", volume.zip.comment, volume.arn);
        flaws.add_at(files, volume, volume.zip.directory_offset(), PART, what);
    }
}

/// Checksums of all members but bevies and those that other checks read.
fn small_members(files: &mut SegmentFiles, volume: &Volume, flaws: &mut Flaws) {
    for (name, entry) in volume.zip.in_order() {
        let last = name.rsplit('/').next().unwrap_or(name);
        let bevy = last.len() >= 8 && last.bytes().all(|byte| byte.is_ascii_digit());
        if bevy
            || [CONTAINER_DESCRIPTION, VERSION, INFORMATION].contains(&name)
            || entry.method != Method::Stored
        {
            continue;
        }
        if flaws.keep(volume.zip.checksum_fits(files, name, &entry)) == Some(false) {
            flaws.add_at(
                files,
                volume,
                entry.header,
                "member",
                format!("the checksum of {name} does not fit"),
            );
        }
    }
}

/// Hashes the index and the block hashes of a stream, bevy by bevy. Hands back the values over the block hashes.
fn stream_tables(
    files: &mut SegmentFiles,
    volume: &Volume,
    stream: &ImageStream,
    flaws: &mut Flaws,
) -> Vec<(Algorithm, Term)> {
    let mut stated_of_tables = Vec::new();
    for algorithm in &stream.algorithms {
        let arn = stream.block_hashes_arn(*algorithm);
        match volume.graph.all(&arn, "hash").next() {
            Some(term) => stated_of_tables.push((*algorithm, term.clone())),
            None => {
                let what = format!("no hash is stated over the block hashes by {}", algorithm.name());
                flaws.add_at(files, volume, 0, "block hashes", what);
            }
        }
    }
    let index = volume.graph.all(&stream.arn, "imageStreamIndexHash").next().map(|term| (".index", term));
    let tables = stated_of_tables.iter().map(|(algorithm, term)| (algorithm.ending(), term));
    for (ending, term) in tables.chain(index) {
        let Some((algorithm, stated)) = hashes::parse(term) else {
            let what = format!("the hash stated over all {ending} is out of form");
            flaws.add_at(files, volume, 0, "block hashes", what);
            continue;
        };
        let mut running = algorithm.begin();
        let mut whole = true;
        for bevy in 0..stream.bevies() {
            let read = volume.zip.read(files, &stream.member(bevy, ending), LARGEST_TABLE);
            let Some(table) = flaws.keep(read) else {
                whole = false;
                break;
            };
            running.update(&table);
        }
        if whole && hashes::finish(running) != stated {
            let what = format!("the {} over all {ending} is another than stated", algorithm.name());
            flaws.add_at(files, volume, 0, "block hashes", what);
        }
    }
    for bevy in 0..stream.bevies() {
        // Without such a bevy the loop over its tables has told of it, or reading will.
        let Some((name, entry)) = stream.rests_on_checksum(volume, bevy) else { break };
        if flaws.keep(volume.zip.checksum_fits(files, &name, &entry)) == Some(false) {
            flaws.add_at(files, volume, entry.header, "bevy", format!("the checksum of {name} does not fit"));
        }
    }
    stated_of_tables
}

/// Compares the hashes of a map, and the block map hash, which it hands back with the map's ARN.
fn map_hash(
    files: &mut SegmentFiles,
    volume: &Volume,
    arn: &str,
    tables: &[(Algorithm, Term)],
    flaws: &mut Flaws,
) -> Option<(String, MapParts)> {
    let largest = map::MOST_ENTRIES.saturating_mul(u64::try_from(map::ENTRY).unwrap_or(1));
    let mut parts = Vec::new();
    for part in ["map", "idx", "mapPath"] {
        let name = volume.member(arn, part);
        if part != "mapPath" || volume.zip.holds(&name) {
            parts.push(flaws.keep(volume.zip.read(files, &name, largest))?);
        }
    }
    let mut compare = |property: &str, bytes: &[&[u8]]| {
        let Some(term) = volume.graph.all(arn, property).next() else { return };
        let fits = hashes::parse(term).is_some_and(|(algorithm, stated)| {
            let mut running = algorithm.begin();
            bytes.iter().for_each(|bytes| running.update(bytes));
            hashes::finish(running) == stated
        });
        if !fits {
            let what = format!("its {property} is another than stated");
            flaws.add_at(files, volume, 0, "map", what);
        }
    };
    let all: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    for (property, bytes) in ["mapPointHash", "mapIdxHash", "mapPathHash"].iter().zip(&all) {
        compare(property, &[*bytes]);
    }
    compare("mapHash", &all);
    let of_tables: Vec<Digest> = tables.iter().filter_map(|(_, term)| Some(hashes::parse(term)?.1)).collect();
    if let Some((algorithm, _)) = volume.graph.all(arn, "blockMapHash").next().and_then(hashes::parse) {
        let leaves = leaves(algorithm, &of_tables, &all);
        compare("blockMapHash", &[&leaves]);
    }
    Some((arn.to_owned(), MapParts { of_tables, parts }))
}

/// What a block map hash is made of.
struct MapParts {
    of_tables: Vec<Digest>,
    parts: Vec<Vec<u8>>,
}

/// `H(block hashes)... || H(map) || H(idx) || H(mapPath)` (AFF4 §6.2).
fn leaves(algorithm: Algorithm, of_tables: &[Digest], parts: &[&[u8]]) -> Vec<u8> {
    let of_parts: Vec<Digest> = parts.iter().map(|part| algorithm.of(part)).collect();
    of_tables.iter().chain(&of_parts).flat_map(|digest| digest.as_bytes().to_vec()).collect()
}

/// The image's own hash is its map's, or, where there are several, the hash over theirs in the order of their names.
fn image_hash(container: &Container, maps: &BTreeMap<String, MapParts>, flaws: &mut Flaws) {
    let Some(volume) = container.volumes.first() else { return };
    for term in volume.graph.all(&container.image, "hash") {
        let Term::Literal { value, datatype } = term else { continue };
        let algorithm = datatype.strip_prefix(NAMESPACE).and_then(|name| name.strip_prefix("blockMapHash"));
        let algorithm = algorithm.and_then(|name| Algorithm::of_datatype(&format!("{NAMESPACE}{name}")));
        let Some(algorithm) = algorithm.filter(|_| !maps.is_empty()) else { continue };
        let of_maps: Vec<Digest> = maps
            .values()
            .map(|map| {
                let parts: Vec<&[u8]> = map.parts.iter().map(Vec::as_slice).collect();
                algorithm.of(&leaves(algorithm, &map.of_tables, &parts))
            })
            .collect();
        let computed = match &of_maps[..] {
            [one] => one.clone(),
            several => {
                let all: Vec<u8> = several.iter().flat_map(|digest| digest.as_bytes().to_vec()).collect();
                algorithm.of(&all)
            }
        };
        if computed.to_string() != value.to_ascii_lowercase() {
            let what = "the block map hash of the image is not that of its map".to_owned();
            flaws.add_at(&container.files, volume, 0, INFORMATION, what);
        }
    }
}

/// Sizes that are stated twice.
fn sizes(container: &Container, flaws: &mut Flaws) {
    let Some(volume) = container.volumes.first() else { return };
    let size = container.map.size();
    if volume.graph.number(&container.image, "size").is_some_and(|stated| stated != size) {
        let what = format!("the image is said to have another size than its data stream, {size} bytes");
        flaws.add_at(&container.files, volume, 0, INFORMATION, what);
    }
}

/// Compares hashes stated over whole image streams.
fn whole_streams(container: &mut Container, flaws: &mut Flaws) {
    let Container { files, volumes, streams, data_stream, .. } = container;
    for stream in streams.iter_mut().filter(|stream| stream.arn != *data_stream) {
        let Some(volume) = volumes.get(stream.volume) else { continue };
        let stated: Vec<(Algorithm, Digest)> =
            volume.graph.all(&stream.arn, "hash").filter_map(hashes::parse).collect();
        if stated.is_empty() {
            continue;
        }
        let mut running: Vec<_> = stated.iter().map(|(algorithm, _)| algorithm.begin()).collect();
        stream.thorough = true;
        stream.forget();
        let whole = read_stream(files, volumes, stream, flaws, |bytes| {
            running.iter_mut().for_each(|hash| hash.update(bytes));
        });
        stream.thorough = false;
        stream.forget();
        for ((algorithm, stated), hash) in stated.iter().zip(running) {
            if whole && hashes::finish(hash) != *stated {
                let what = format!("the {} of {} is another than stated", algorithm.name(), stream.arn);
                flaws.add_at(files, volume, 0, "image stream", what);
            }
        }
    }
}

/// Reads a stream to its end; false when a part of it could not be had.
fn read_stream(
    files: &mut SegmentFiles,
    volumes: &[Volume],
    stream: &mut ImageStream,
    flaws: &mut Flaws,
    mut each: impl FnMut(&[u8]),
) -> bool {
    let (mut at, mut whole) = (0, true);
    while at < stream.size {
        match stream.read(files, volumes, at) {
            Ok([]) => return false,
            Ok(bytes) => {
                each(bytes);
                at = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            }
            Err(Fault::Damaged { segment, offset, what, lost }) => {
                flaws.add(FormatError::structure(&segment, offset, "chunk", what));
                (at, whole) = (lost.1.max(at.saturating_add(1)), false);
            }
            Err(Fault::Unreadable { error, lost }) => {
                flaws.add(error);
                (at, whole) = (lost.1.max(at.saturating_add(1)), false);
            }
        }
    }
    whole
}
