//! What a checkpoint says of an AFF4 volume. All that a finished volume has in its central directory, its map and the tables
//! behind its last bevy is only in the memory of the writer until then, so all of it stands here.

use super::bevy_writer::{BLOCK_HASH, CHUNK, CHUNKS_IN_BEVY};
use super::container::Container;
use super::description::Names;
use super::image_stream::{Bevy, ImageStream};
use super::map::{Entry, Map, Target};
use super::turtle_reader::Graph;
use super::vocabulary::{Symbol, member_name};
use super::volume::Volume;
use super::zip_layout::{self as layout, Method};
use super::zip_reader::ZipVolume;
use super::zip_writer::{Member, MemberName};
use crate::FormatError;
use crate::destination::{shorter, with_suffix};
use crate::segment_files::SegmentFiles;
use crate::state::{StateLines, StateText};
use evidence::{Digest, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The word that it begins with.
const FORMAT: &str = "aff4";
/// Members at most: an image of 16 TiB has a million.
const MOST_MEMBERS: usize = 2 << 20;
/// Stretches of the map at most; writers hold half as many.
const MOST_STRETCHES: usize = 2 << 20;

/// How far an image has come.
pub(super) struct State {
    pub(super) names: Names,
    /// Length of the file.
    pub(super) length: u64,
    /// Media bytes stored.
    pub(super) stored: u64,
    /// Members that are complete.
    pub(super) members: Vec<Member>,
    /// The bevy that is being filled.
    pub(super) open: Option<OpenBevy>,
    pub(super) map: Map,
}

/// A bevy that is being filled.
pub(super) struct OpenBevy {
    /// Where its local header begins.
    pub(super) header: u64,
    /// Stored length and block hash of each chunk.
    pub(super) chunks: Vec<(u32, [u8; 32])>,
}

impl OpenBevy {
    /// The bytes of an index: where each chunk begins, and its length.
    pub(super) fn index(&self) -> Vec<u8> {
        let mut at = 0u64;
        let mut index = Vec::new();
        for (length, _) in &self.chunks {
            index.extend(at.to_le_bytes());
            index.extend(length.to_le_bytes());
            at = at.saturating_add(u64::from(*length));
        }
        index
    }

    /// The bytes of the block hashes.
    pub(super) fn hashes(&self) -> Vec<u8> {
        self.chunks.iter().flat_map(|(_, hash)| *hash).collect()
    }

    /// Length of what is in it.
    pub(super) fn length(&self) -> u64 {
        self.chunks.iter().fold(0, |sum, (length, _)| sum.saturating_add(u64::from(*length)))
    }
}

/// What the state is written down from.
pub(super) struct Parts<'a> {
    pub(super) names: &'a Names,
    pub(super) length: u64,
    pub(super) stored: u64,
    pub(super) members: &'a [Member],
    pub(super) open: Option<OpenBevy>,
    pub(super) map: &'a Map,
}

/// Writes it down.
pub(super) fn text(parts: &Parts) -> String {
    let mut text = StateText::new(FORMAT);
    for arn in parts.names.all() {
        text.line("arn", arn);
    }
    text.line("length", parts.length);
    text.line("stored", parts.stored);
    for Member { name, header, size, crc } in parts.members {
        match name {
            MemberName::Plain(name) => text.line("member", format_args!("{header} {size} {crc} {name}")),
            MemberName::Bevy { number, ending, .. } => {
                text.line("bevy", format_args!("{header} {size} {crc} {number} {}", word_of(ending)));
            }
        }
    }
    if let Some(open) = &parts.open {
        text.line("open", open.header);
        for (length, hash) in &open.chunks {
            text.line("chunk", format_args!("{length} {}", Digest::from_bytes(hash)));
        }
    }
    for entry in parts.map.entries() {
        match entry.target {
            Target::Symbol(Symbol::Byte(byte)) => {
                text.line("repeated", format_args!("{} {byte}", entry.length));
            }
            _ => text.line("data", entry.length),
        }
    }
    text.finish()
}

/// Endings of the members of a bevy, and the words that stand for them.
const ENDINGS: [(&str, &str); 3] = [("", "chunks"), (BLOCK_HASH.ending(), "hashes"), (".index", "index")];

fn word_of(ending: &str) -> &'static str {
    ENDINGS.iter().find(|(known, _)| *known == ending).map_or("", |(_, word)| word)
}

impl State {
    pub(super) fn parse(state: &str, base: &Path) -> Result<Self, FormatError> {
        let mut lines = StateLines::new(state, FORMAT, base)?;
        let mut arns = Vec::new();
        while let Some(arn) = lines.optional("arn") {
            if !arn.starts_with("aff4://") || arns.len() >= Names::COUNT {
                return Err(lines.unfit("it does not name what the volume holds".to_owned()));
            }
            arns.push(arn.to_owned());
        }
        let names = Names::of(arns).ok_or_else(|| lines.unfit("it lacks names".to_owned()))?;
        let (length, stored) = (lines.number("length")?, lines.number("stored")?);
        let folder: Arc<str> = member_name(&names.volume, &names.stream, "").into();
        let mut members = Vec::new();
        while let Some((fact, is_bevy)) = lines
            .optional("member")
            .map(|fact| (fact, false))
            .or_else(|| lines.optional("bevy").map(|fact| (fact, true)))
        {
            let member = member(&lines, fact, is_bevy.then_some(&folder))?;
            if members.len() >= MOST_MEMBERS || member.end() > length {
                return Err(lines.unfit("it has a member beyond the end of the file".to_owned()));
            }
            members.push(member);
        }
        let open = match lines.optional("open") {
            Some(header) => Some(open_bevy(&mut lines, header)?),
            None => None,
        };
        let map = map(&mut lines, stored)?;
        let state = Self { names, length, stored, members, open, map };
        // Only the last chunk of a medium may be shorter than a chunk.
        if state.map.in_streams().div_ceil(CHUNK.into()) != state.chunks() {
            return Err(lines.unfit("its map and its bevies hold different amounts of data".to_owned()));
        }
        lines.end()?;
        Ok(state)
    }

    /// How many bevies are complete.
    pub(super) fn bevies(&self) -> u64 {
        let whole = |member: &&Member| matches!(member.name, MemberName::Bevy { ending: "", .. });
        u64::try_from(self.members.iter().filter(whole).count()).unwrap_or(u64::MAX)
    }

    /// How many chunks are in bevies.
    pub(super) fn chunks(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, |open| open.chunks.len());
        let whole = self.bevies().saturating_mul(CHUNKS_IN_BEVY.into());
        whole.saturating_add(u64::try_from(open).unwrap_or(u64::MAX))
    }

    /// Name of the bevy that is being filled.
    pub(super) fn open_name(&self) -> MemberName {
        let folder = member_name(&self.names.volume, &self.names.stream, "").into();
        MemberName::Bevy { folder, number: self.bevies(), ending: "" }
    }

    /// Opens the file by what is stated, instead of the directory that it lacks.
    pub(super) fn volume(&self, base: &Path) -> Result<(SegmentFiles, ZipVolume), FormatError> {
        let mut files = SegmentFiles::default();
        let segment = files.add(with_suffix(base, "aff4"))?;
        if files.size(segment) < self.length {
            return Err(shorter(files.path(segment), files.size(segment), self.length));
        }
        let members = self.members.iter().map(|member| (member.name.text(), member.entry()));
        let open = self.open.as_ref().map(|open| {
            let (stored, header) = (open.length(), open.header);
            let entry = layout::Entry {
                header,
                stored,
                size: stored,
                crc: 0,
                method: Method::Stored,
                has_descriptor: true,
            };
            (self.open_name().text(), entry)
        });
        Ok((files, ZipVolume::of(segment, members.chain(open), self.length)))
    }

    /// The image as far as it has come.
    pub(super) fn container(
        self,
        base: &Path,
        compression: super::Compression,
    ) -> Result<Container, FormatError> {
        let (mut files, zip) = self.volume(base)?;
        let mut stream = ImageStream::unfinished(
            &self.names.volume,
            &self.names.stream,
            self.chunks().saturating_mul(CHUNK.into()),
            compression,
        );
        if let Some(open) = &self.open {
            let name = self.open_name().text();
            if let Some(entry) = zip.find(&name) {
                let data = zip.data(&mut files, &name, &entry)?;
                stream.unfinished = Some(Bevy {
                    number: self.bevies(),
                    data,
                    length: open.length(),
                    index: open.index(),
                    hashes: vec![(BLOCK_HASH, open.hashes())],
                });
            }
        }
        let graph = Graph::default();
        Ok(Container {
            files,
            volumes: vec![Volume { zip, arn: self.names.volume.clone(), tool: String::new(), graph }],
            streams: vec![stream],
            image: self.names.image.clone(),
            data_stream: self.names.map.clone(),
            map: self.map,
            filled: None,
            hashes: HashSet::new(),
        })
    }
}

fn member(lines: &StateLines, fact: &str, folder: Option<&Arc<str>>) -> Result<Member, FormatError> {
    let mut words = fact.splitn(4, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (header, size, crc) = (lines.parsed(word())?, lines.parsed(word())?, lines.parsed(word())?);
    let rest = word();
    let name = match folder {
        None => MemberName::Plain(rest.into()),
        Some(folder) => {
            let (number, word) = rest.split_once(' ').unwrap_or_default();
            let ending = ENDINGS.iter().find(|(_, known)| *known == word).map(|(ending, _)| *ending);
            let Some(ending) = ending else {
                return Err(lines.unfit(format!("'{word}' is no part of a bevy")));
            };
            MemberName::Bevy { folder: Arc::clone(folder), number: lines.parsed(number)?, ending }
        }
    };
    Ok(Member { name, header, size, crc })
}

fn open_bevy(lines: &mut StateLines, header: &str) -> Result<OpenBevy, FormatError> {
    let mut open = OpenBevy { header: lines.parsed(header)?, chunks: Vec::new() };
    while let Some(chunk) = lines.optional("chunk") {
        let (length, hash) = chunk.split_once(' ').unwrap_or_default();
        let hash: Digest = lines.parsed(hash)?;
        let Ok(hash) = <[u8; 32]>::try_from(hash.as_bytes()) else {
            return Err(lines.unfit("a block hash has not 32 bytes".to_owned()));
        };
        open.chunks.push((lines.parsed(length)?, hash));
        if open.chunks.len() > usize::try_from(CHUNKS_IN_BEVY).unwrap_or(usize::MAX) {
            return Err(lines.unfit("it has more chunks than a bevy holds".to_owned()));
        }
    }
    Ok(open)
}

fn map(lines: &mut StateLines, stored: u64) -> Result<Map, FormatError> {
    let mut map = Map::new(stored, Symbol::Byte(0));
    let (mut offset, mut from) = (0u64, 0u64);
    loop {
        let (length, byte) = if let Some(length) = lines.optional("data") {
            (length, None)
        } else if let Some(fact) = lines.optional("repeated") {
            let (length, byte) = fact.split_once(' ').unwrap_or_default();
            (length, Some(lines.parsed::<u8>(byte)?))
        } else {
            break;
        };
        let length: u64 = lines.parsed(length)?;
        match byte {
            None => {
                map.push(Entry { offset, length, from, target: Target::Stream(0) });
                from = from.saturating_add(length);
            }
            Some(byte) => {
                let target = Target::Symbol(Symbol::Byte(byte));
                map.push(Entry { offset, length, from: offset, target });
            }
        }
        offset = offset.saturating_add(length);
        if map.entries().len() > MOST_STRETCHES || offset > stored {
            return Err(lines.unfit("its map is longer than what was stored".to_owned()));
        }
    }
    if offset == stored { Ok(map) } else { Err(lines.unfit("its map ends too early".to_owned())) }
}
