//! Writes a map: its entries, the names of its targets, and the hashes over both.

use super::bevy_writer::TREE_HASH;
use super::hashes;
use super::map::{Entry, Map, Target};
use super::vocabulary::{Symbol, member_name};
use super::zip_writer::{MemberName, ZipWriter};
use crate::FormatError;
use evidence::Digest;

/// A finished map.
pub(super) struct WrittenMap {
    /// Hash over the entries.
    pub(super) entries: Digest,
    /// Hash over the names of the targets.
    pub(super) index: Digest,
    /// Hash over both.
    pub(super) whole: Digest,
}

/// Writes `map`, whose only stream is `stream`, as the object `arn` of `volume`.
pub(super) fn write(
    zip: &mut ZipWriter,
    (volume, arn, stream): (&str, &str, &str),
    map: &Map,
) -> Result<WrittenMap, FormatError> {
    // The stream comes first, as in the reference images.
    let mut symbols: Vec<Symbol> = Vec::new();
    let (mut entries_hash, mut whole) = (TREE_HASH.begin(), TREE_HASH.begin());
    zip.begin(MemberName::Plain(member_name(volume, arn, "map").into()))?;
    for entry in map.entries() {
        let id = match entry.target {
            Target::Stream(_) => 0,
            Target::Symbol(symbol) => {
                let known = symbols.iter().position(|known| *known == symbol);
                let place = known.unwrap_or_else(|| {
                    symbols.push(symbol);
                    symbols.len().saturating_sub(1)
                });
                place.saturating_add(1)
            }
        };
        let bytes = encode(entry, u32::try_from(id).unwrap_or(u32::MAX));
        zip.write(&bytes)?;
        entries_hash.update(&bytes);
        whole.update(&bytes);
    }
    zip.end()?;
    let names = symbols.into_iter().map(Symbol::iri);
    let index: String = std::iter::once(stream.to_owned()).chain(names).map(|name| name + "\n").collect();
    zip.member(MemberName::Plain(member_name(volume, arn, "idx").into()), index.as_bytes())?;
    whole.update(index.as_bytes());
    Ok(WrittenMap {
        entries: hashes::finish(entries_hash),
        index: TREE_HASH.of(index.as_bytes()),
        whole: hashes::finish(whole),
    })
}

fn encode(entry: &Entry, id: u32) -> Vec<u8> {
    let mut bytes = entry.offset.to_le_bytes().to_vec();
    bytes.extend(entry.length.to_le_bytes());
    bytes.extend(entry.from.to_le_bytes());
    bytes.extend(id.to_le_bytes());
    bytes
}
