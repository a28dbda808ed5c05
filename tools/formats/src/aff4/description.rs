//! What `information.turtle` says of an image, in the words and the arrangement of the reference images.
//!
//! The image carries the block map hash alone, as there; hashes over the medium stand with the map that they are about.
//! Where ranges could not be read that is the map that has zeros there: by the standard, the bytes of
//! `aff4:UnreadableData` are a repeated word, and no hash of the medium is over that.

use super::bevy_writer::{BLOCK_HASH, CHUNK, CHUNKS_IN_BEVY, TREE_HASH, WrittenStream};
use super::case::{self, CaseNames};
use super::compression::Compression;
use super::hashes;
use super::map_writer::WrittenMap;
use super::turtle_writer::{Object, TurtleWriter};
use super::vocabulary::{Symbol, aff4};
use crate::ewf::random_identifier;
use crate::{DeviceLabel, FormatError, ImagePlan};
use evidence::{Digest, HashSet};

/// ARNs of the objects in a volume.
pub(super) struct Names {
    pub(super) volume: String,
    pub(super) image: String,
    pub(super) stream: String,
    pub(super) map: String,
    pub(super) filled: String,
    details: String,
    notes: String,
    times: String,
}

impl Names {
    /// Names that nothing else bears.
    pub(super) fn new() -> Result<Self, FormatError> {
        Ok(Self {
            volume: arn()?,
            image: arn()?,
            stream: arn()?,
            map: arn()?,
            filled: arn()?,
            details: arn()?,
            notes: arn()?,
            times: arn()?,
        })
    }

    /// How many there are.
    pub(super) const COUNT: usize = 8;

    /// All of them, in the order that [`Names::of`] takes.
    pub(super) fn all(&self) -> [&str; Self::COUNT] {
        let Self { volume, image, stream, map, filled, details, notes, times } = self;
        [volume, image, stream, map, filled, details, notes, times]
    }

    /// Names that were given before.
    pub(super) fn of(names: Vec<String>) -> Option<Self> {
        let names: [String; Self::COUNT] = names.try_into().ok()?;
        let [volume, image, stream, map, filled, details, notes, times] = names;
        Some(Self { volume, image, stream, map, filled, details, notes, times })
    }

    /// Volume, map and stream.
    pub(super) fn of_map<'a>(&'a self, map: &'a str) -> (&'a str, &'a str, &'a str) {
        (&self.volume, map, &self.stream)
    }
}

fn arn() -> Result<String, FormatError> {
    let [a, b, c, d, e, f, g, h, rest @ ..] = random_identifier()?;
    let (first, second, third) =
        (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
    let rest = Digest::from_bytes(&rest).to_string();
    let (fourth, fifth) = rest.split_at_checked(4).unwrap_or_default();
    Ok(format!("aff4://{first:08x}-{second:04x}-{third:04x}-{fourth}-{fifth}"))
}

/// The content of `version.txt`.
pub(super) fn version(software: &str) -> String {
    let tool: String = software.chars().filter(|letter| !letter.is_control() && *letter != '=').collect();
    format!("major=1\nminor=0\ntool={tool}\n")
}

/// What was written before the metadata.
pub(super) struct Written {
    pub(super) compression: Compression,
    pub(super) stream: WrittenStream,
    pub(super) map: WrittenMap,
    pub(super) filled: Option<WrittenMap>,
}

/// The whole text.
pub(super) fn metadata(plan: &ImagePlan, names: &Names, written: &Written, hashes: &HashSet) -> String {
    let mut turtle = TurtleWriter::new(&names.volume);
    volume(&mut turtle, plan, names, written);
    let block_map_hash = block_map_hash(written);
    image(&mut turtle, plan, names, &block_map_hash);
    let over_medium = |here: bool| if here { linear(hashes) } else { Vec::new() };
    let mut about_map = over_medium(written.filled.is_none());
    about_map.push(("blockMapHash", tree(&block_map_hash)));
    map(&mut turtle, plan, names, (&names.map, &written.map), about_map);
    stream(&mut turtle, names, written);
    if let Some(filled) = &written.filled {
        map(&mut turtle, plan, names, (&names.filled, filled), over_medium(true));
    }
    let said = [
        ("target", Object::Iri(&names.image)),
        ("stored", Object::Iri(&names.volume)),
        ("operation", Object::Text("CAPTURE")),
        ("startTime", Object::Moment(plan.acquired_at)),
        ("timeSource", Object::Text("SINK")),
    ];
    turtle.subject(&names.times, &["TimeStamps"], &said);
    let case_names = CaseNames {
        details: &names.details,
        notes: &names.notes,
        image: &names.image,
        volume: &names.volume,
        at: plan.acquired_at,
    };
    case::write(&plan.case, &case_names, &mut turtle);
    turtle.finish()
}

/// `H(H(block hashes) || H(map) || H(idx))` (AFF4 §6.2).
fn block_map_hash(written: &Written) -> Digest {
    let leaves = [&written.stream.block_hashes, &written.map.entries, &written.map.index];
    let leaves: Vec<u8> = leaves.into_iter().flat_map(|digest| digest.as_bytes().to_vec()).collect();
    TREE_HASH.of(&leaves)
}

fn tree(digest: &Digest) -> Object<'static> {
    Object::Hash(digest.to_string(), TREE_HASH.name())
}

fn linear(hashes: &HashSet) -> Vec<(&'static str, Object<'static>)> {
    let stated = hashes.iter().filter_map(|(algorithm, digest)| Some((hashes::datatype(algorithm)?, digest)));
    stated.map(|(datatype, digest)| ("hash", Object::Hash(digest.to_string(), datatype))).collect()
}

fn volume(turtle: &mut TurtleWriter, plan: &ImagePlan, names: &Names, written: &Written) {
    let name = crate::destination::with_suffix(&plan.base, "aff4");
    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let always = [&names.image, &names.map, &names.stream, &names.details, &names.notes, &names.times];
    let filled = written.filled.as_ref().map(|_| &names.filled);
    let interface = aff4("Volume");
    let mut said: Vec<(&str, Object)> =
        always.into_iter().chain(filled).map(|arn| ("contains", Object::Iri(arn))).collect();
    said.push(("creationTime", Object::Moment(plan.acquired_at)));
    said.push(("interface", Object::Iri(&interface)));
    said.push(("stored", Object::Text(&name)));
    turtle.subject(&names.volume, &["ZipVolume"], &said);
}

fn image(turtle: &mut TurtleWriter, plan: &ImagePlan, names: &Names, block_map_hash: &Digest) {
    let sector = u64::from(plan.sector_size.bytes());
    let mut said = vec![
        ("dataStream", Object::Iri(names.map.as_str())),
        ("size", Object::Number(plan.media_size.0)),
        ("blockSize", Object::Small(sector)),
        ("sectorCount", Object::Number(plan.sector_size.sectors_in(plan.media_size).0)),
        ("hash", Object::Hash(block_map_hash.to_string(), "blockMapHashSHA512")),
        ("acquisitionCompletionState", Object::Text("Completed Normally")),
        ("stored", Object::Iri(&names.volume)),
    ];
    let device = plan.device.as_ref().map(DeviceLabel::of).unwrap_or_default();
    for (name, value) in [("diskModel", &device.model), ("diskSerial", &device.serial)] {
        if !value.is_empty() {
            said.push((name, Object::Text(value)));
        }
    }
    turtle.subject(&names.image, &["Image", "ContiguousImage", "DiskImage"], &said);
}

fn map<'a>(
    turtle: &mut TurtleWriter,
    plan: &ImagePlan,
    names: &'a Names,
    (arn, written): (&str, &WrittenMap),
    also: Vec<(&'static str, Object<'a>)>,
) {
    let gap = Symbol::Byte(0).iri();
    let mut said = vec![
        ("size", Object::Number(plan.media_size.0)),
        ("dependentStream", Object::Iri(&names.stream)),
        ("mapGapDefaultStream", Object::Iri(&gap)),
        ("mapPointHash", tree(&written.entries)),
        ("mapIdxHash", tree(&written.index)),
        ("mapHash", tree(&written.whole)),
        ("target", Object::Iri(&names.image)),
        ("stored", Object::Iri(&names.volume)),
    ];
    said.extend(also);
    turtle.subject(arn, &["Map"], &said);
}

fn stream(turtle: &mut TurtleWriter, names: &Names, written: &Written) {
    let mut said = vec![
        ("size", Object::Number(written.stream.size)),
        ("chunkSize", Object::Small(CHUNK.into())),
        ("chunksInSegment", Object::Small(CHUNKS_IN_BEVY.into())),
        ("imageStreamIndexHash", tree(&written.stream.index)),
        ("target", Object::Iri(&names.map)),
        ("stored", Object::Iri(&names.volume)),
        ("version", Object::Small(1)),
    ];
    said.extend(written.compression.iri().map(|iri| ("compressionMethod", Object::Iri(iri))));
    turtle.subject(&names.stream, &["ImageStream"], &said);
    let block_hashes = format!("{}/blockhash.{}", names.stream, BLOCK_HASH.word());
    turtle.subject(&block_hashes, &["BlockHashes"], &[("hash", tree(&written.stream.block_hashes))]);
}
