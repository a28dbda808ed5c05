//! Segments as files: is each, byte for byte, the one that was acquired?

use crate::claims::Claims;
use crate::property::{Property, Verdict};
use evidence::Digest;
use formats::{ImageReader, Segment};

pub const FILES: &str = "files as recorded";

/// BLAKE3 of each segment file, or why it could not be had; in the order of the segments.
pub type FileHashes = Vec<Result<Digest, String>>;

/// Reads each file from end to end.
pub fn hash(segments: &[Segment]) -> FileHashes {
    let one = |segment: &Segment| match formats::file_hash(&segment.path, &|| true) {
        Ok(Some(digest)) => Ok(digest),
        Ok(None) => Err(format!("{}: not read to its end", segment.path.display())),
        Err(error) => Err(error.to_string()),
    };
    segments.iter().map(one).collect()
}

/// Numbers of the files that are in no copy that the record knows.
pub fn altered(claims: &Claims, hashes: &FileHashes) -> Vec<usize> {
    let known = |number: usize, hash: &Digest| {
        claims.copies.iter().any(|copy| copy.get(number).is_some_and(|recorded| recorded == hash))
    };
    let hashed = hashes.iter().enumerate();
    hashed
        .filter(|(number, hash)| hash.as_ref().is_ok_and(|hash| !known(*number, hash)))
        .map(|(n, _)| n)
        .collect()
}

/// Where in altered files, of which all data read back, the change lies.
pub fn locate(image: &mut dyn ImageReader, altered: &[usize]) -> Vec<String> {
    let names: Vec<String> = image.segments().iter().map(|s| s.path.display().to_string()).collect();
    let mut places = Vec::new();
    for (number, name) in altered.iter().filter_map(|number| Some((*number, names.get(*number)?))) {
        match image.stored_otherwise(number) {
            Some(chunks) if chunks.is_empty() => places.push(format!("{name}: outside of its chunks")),
            Some(chunks) => places.extend(chunks.into_iter().map(|(offset, media)| {
                format!("{name}: in the chunk at {offset}, which holds {media} of the medium")
            })),
            None => {}
        }
    }
    places
}

/// Compares with what the record states; `others` are the verdicts on all else of the image.
pub fn judge(
    image: &dyn ImageReader,
    claims: Option<&Claims>,
    (hashes, places): (Option<&FileHashes>, &[String]),
    others: &[Property],
) -> Property {
    if !image.is_container() {
        return Property::not_checked(FILES, "of raw images, hash values and sizes cover every byte");
    }
    let Some(claims) = claims else { return Property::not_checked(FILES, crate::judgement::NO_RECORD) };
    if claims.copies.is_empty() {
        return Property::not_checked(FILES, "the record states no hash values of the files");
    }
    let Some(hashes) = hashes else {
        return Property::not_checked(FILES, "only a part of the image was read");
    };
    let segments = image.segments();
    let differing = |copy: &Vec<Digest>| -> Vec<String> {
        let pairs = segments.iter().zip(hashes).enumerate();
        let unlike = pairs.filter_map(|(number, (segment, hash))| match (hash, copy.get(number)) {
            (Ok(hash), Some(recorded)) if hash == recorded => None,
            (Ok(hash), Some(recorded)) => {
                let file = segment.path.display();
                Some(format!(
                    "{file} is not the file that was acquired: its BLAKE3 is {hash}, recorded is {recorded}"
                ))
            }
            (Ok(_), None) => Some(format!("{}: none is recorded of it", segment.path.display())),
            (Err(error), _) => Some(error.clone()),
        });
        unlike.collect()
    };
    // Two destinations have other values: the image is one of the copies.
    let nearest = claims.copies.iter().map(differing).min_by_key(Vec::len).unwrap_or_default();
    if nearest.is_empty() {
        let count = match segments.len() {
            1 => "1 file has".to_owned(),
            count => format!("{count} files have"),
        };
        return Property::found(FILES, Ok(format!("{count} the recorded BLAKE3, byte for byte")));
    }
    if claims.copies.len() < claims.copies_written {
        let why = "the image is not the copy that the record states hash values of, and of the other copy it states none: \
                   that was not read back to its end";
        return Property::not_checked(FILES, why);
    }
    let mut told = nearest.join("; ");
    if !others.iter().any(|property| property.verdict == Verdict::Fails) {
        told.push_str(
            "; yet all data, hash values and fields read as they were: what was changed lies where nothing is stored",
        );
        places.iter().for_each(|place| {
            told.push_str("; ");
            told.push_str(place);
        });
    }
    Property::found(FILES, Err(told))
}
