//! From what was read and what the record claims to a verdict on each property.

use crate::claims::Claims;
use crate::earlier;
use crate::files::{self, FILES};
use crate::making::{self, METADATA};
use crate::measurement::Measurement;
use crate::property::{Finding, Property};
use evidence::{ByteCount, HashAlgorithm, HashSet};
use formats::{FormatError, ImageReader, ewf};

pub const CONTAINER_SOUND: &str = "container sound";
pub const SEGMENTS_COMPLETE: &str = "segments complete";
pub const HASHES_IN_CONTAINER: &str = "hash values in container";
pub const HASHES_IN_RECORD: &str = "hash values in record";
pub const LEAVES: &str = "parts as recorded";
pub const CHAIN_UNBROKEN: &str = "record chain unbroken";
pub const RECORD_CLOSED: &str = "record closed";
pub const UNREAD: &str = "unread ranges as recorded";

/// The properties that rest on every byte of the medium.
pub const VOUCH_FOR_THE_DATA: [&str; 5] =
    [CONTAINER_SOUND, HASHES_IN_CONTAINER, HASHES_IN_RECORD, LEAVES, FILES];

/// The hashes to compute: those that the container or the record states, or the usual ones where nothing is stated.
pub fn algorithms(image: &dyn ImageReader, claims: Option<&Claims>) -> Vec<HashAlgorithm> {
    let stated: Vec<HashAlgorithm> = HashAlgorithm::ALL
        .into_iter()
        .filter(|algorithm| {
            image.stored_hashes().get(*algorithm).is_some()
                || claims.is_some_and(|claims| claims.hashes.get(*algorithm).is_some())
        })
        .collect();
    if stated.is_empty() { HashAlgorithm::USUAL.to_vec() } else { stated }
}

/// True for what shows that an image is not as it should be; false where it could not be looked at.
pub fn speaks_against_the_image(error: &FormatError) -> bool {
    matches!(
        error,
        FormatError::DamagedStructure { .. }
            | FormatError::DamagedChunk { .. }
            | FormatError::MissingSegment { .. }
            | FormatError::WrongSegment { .. }
            | FormatError::Truncated { .. }
    )
}

/// Judges an image that could be opened.
pub fn judge(
    image: &dyn ImageReader,
    claims: Option<&Claims>,
    flaws: &[FormatError],
    measurement: &Measurement,
    signature: [Property; 2],
) -> Vec<Property> {
    let [head_signed, key_as_written] = signature;
    let of_the_image = [
        container_sound(image, flaws, measurement),
        segments_complete(image, claims, flaws),
        hashes(HASHES_IN_CONTAINER, image.stored_hashes(), "the container states none", measurement),
        match claims {
            Some(claims) => hashes(HASHES_IN_RECORD, &claims.hashes, "the record states none", measurement),
            None => Property::not_checked(HASHES_IN_RECORD, NO_RECORD),
        },
        parts(image, claims, measurement),
        making::judge(image, claims),
        unread(image, claims),
    ];
    let files = files::judge(image, claims, (measurement.files.as_ref(), &measurement.idle), &of_the_image);
    let [container, segments, in_container, in_record, parts, metadata, unread] = of_the_image;
    let of_the_record = [chain(claims), closed(claims), head_signed, key_as_written];
    let mut properties = vec![container, segments, in_container, in_record, parts, files];
    properties.extend(of_the_record);
    properties.extend(claims.and_then(earlier::judge));
    properties.extend([metadata, unread]);
    properties
}

/// Judges an image that could not be opened because of what `error` says.
pub fn judge_unreadable(
    claims: Option<&Claims>,
    error: &FormatError,
    signature: [Property; 2],
) -> Vec<Property> {
    const WHY: &str = "the image could not be opened";
    let of_segments = matches!(
        error,
        FormatError::MissingSegment { .. } | FormatError::WrongSegment { .. } | FormatError::Truncated { .. }
    );
    let (broken, other) =
        if of_segments { (SEGMENTS_COMPLETE, CONTAINER_SOUND) } else { (CONTAINER_SOUND, SEGMENTS_COMPLETE) };
    let mut properties =
        vec![Property::found(broken, Err(error.to_string())), Property::not_checked(other, WHY)];
    if of_segments {
        properties.reverse();
    }
    properties.extend(
        [HASHES_IN_CONTAINER, HASHES_IN_RECORD, LEAVES, FILES].map(|name| Property::not_checked(name, WHY)),
    );
    properties.extend([chain(claims), closed(claims)]);
    properties.extend(signature);
    properties.extend(claims.and_then(earlier::judge));
    properties.extend([METADATA, UNREAD].map(|name| Property::not_checked(name, WHY)));
    properties
}

/// Judges a record without its image.
pub fn judge_record(claims: Option<&Claims>, signature: [Property; 2]) -> Vec<Property> {
    let of_the_image =
        [CONTAINER_SOUND, SEGMENTS_COMPLETE, HASHES_IN_CONTAINER, HASHES_IN_RECORD, LEAVES, FILES];
    let without = |name| Property::not_checked(name, "a record was given, and no image");
    let mut properties: Vec<Property> = of_the_image.map(without).into();
    properties.extend([chain(claims), closed(claims)]);
    properties.extend(signature);
    properties.extend(claims.and_then(earlier::judge));
    properties.extend([METADATA, UNREAD].map(without));
    properties
}

pub const NO_RECORD: &str = "no record found; name one with --record";

fn container_sound(image: &dyn ImageReader, flaws: &[FormatError], measurement: &Measurement) -> Property {
    let raw = !image.is_container();
    let lost = measurement.damaged.total();
    let structural = flaws.iter().filter(|flaw| !matches!(flaw, FormatError::WrongSegment { .. })).count();
    let finding = match (structural, measurement.damaged.len()) {
        (0, 0) if raw => {
            return Property::not_checked(CONTAINER_SOUND, "raw images have no structure and no checksums");
        }
        (0, 0) if measurement.partial.is_some() && !image.compared_all_with_checksums() => {
            let why = "chunks that were read have no hash of their own: only the whole image shows whether they fit";
            return Property::not_checked(CONTAINER_SOUND, why);
        }
        (0, 0) if measurement.partial.is_some() => {
            Ok("every checksum of the chunks that were read fits; the rest was not examined".to_owned())
        }
        (0, 0) => Ok("structure and every checksum fit".to_owned()),
        (0, ranges) => Err(format!("{lost} in {ranges} ranges cannot be read back; listed below")),
        (flaws, 0) => Err(format!("{flaws} flaws in the structure; all media data reads back; listed below")),
        (flaws, ranges) => Err(format!(
            "{flaws} flaws in the structure, and {lost} in {ranges} ranges cannot be read back; listed below"
        )),
    };
    Property::found(CONTAINER_SOUND, finding)
}

fn segments_complete(image: &dyn ImageReader, claims: Option<&Claims>, flaws: &[FormatError]) -> Property {
    let found = image.segments();
    let surplus = flaws.iter().find(|flaw| matches!(flaw, FormatError::WrongSegment { .. }));
    if let Some(flaw) = surplus {
        return Property::found(SEGMENTS_COMPLETE, Err(flaw.to_string()));
    }
    let Some(claims) = claims.filter(|claims| !claims.segments.is_empty()) else {
        // An E01 says itself which segment is the last; a split raw image does not.
        return match image.format_name() {
            EWF => Property::found(
                SEGMENTS_COMPLETE,
                Ok(format!(
                    "{} in order up to the one marked last; no record to compare sizes with",
                    found.len()
                )),
            ),
            "AFF4" => {
                let why = format!("{}, all that the map needs; no record to compare sizes with", found.len());
                Property::found(SEGMENTS_COMPLETE, Ok(why))
            }
            _ => Property::not_checked(SEGMENTS_COMPLETE, "only a record can tell how many there were"),
        };
    };
    Property::found(SEGMENTS_COMPLETE, compare_segments(image, claims))
}

fn compare_segments(image: &dyn ImageReader, claims: &Claims) -> Finding {
    let found = image.segments();
    for (number, (name, size)) in claims.segments.iter().enumerate() {
        let Some(segment) = found.get(number) else {
            return Err(format!("{name} is recorded as segment {} and missing", number.saturating_add(1)));
        };
        if segment.size != *size {
            return Err(format!("{} has {}, recorded are {size}", segment.path.display(), segment.size));
        }
    }
    if found.len() > claims.segments.len() {
        return Err(format!("{} are here, recorded are {}", found.len(), claims.segments.len()));
    }
    match claims.media_size {
        Some(size) if size != image.media_size() => {
            Err(format!("the medium has {}, recorded are {size}", image.media_size()))
        }
        _ => Ok(format!("{} with the recorded sizes", found.len())),
    }
}

fn hashes(name: &'static str, stated: &HashSet, none: &str, measurement: &Measurement) -> Property {
    if stated.is_empty() {
        return Property::not_checked(name, none);
    }
    if measurement.partial.is_some() {
        return Property::not_checked(name, "only a part of the medium was read");
    }
    if !measurement.damaged.is_empty() {
        return Property::not_checked(name, "parts of the medium cannot be read back");
    }
    let mut held = Vec::new();
    for (algorithm, digest) in stated.iter() {
        match measurement.hashes.get(algorithm) {
            Some(computed) if computed == digest => held.push(algorithm.to_string()),
            Some(computed) => {
                let why = format!("{algorithm} is {computed}, stated is {digest}");
                return Property::found(name, Err(why));
            }
            None => return Property::not_checked(name, format!("{algorithm} was not computed")),
        }
    }
    Property::found(name, Ok(format!("{} recomputed, equal", held.join(", "))))
}

/// Equal parts of the medium against the leaves that the record states: they tell the place of what is another.
fn parts(image: &dyn ImageReader, claims: Option<&Claims>, measurement: &Measurement) -> Property {
    let Some(claims) = claims else { return Property::not_checked(LEAVES, NO_RECORD) };
    let leaves = &claims.leaves;
    if leaves.values.is_empty() && !leaves.contradictory {
        return Property::not_checked(LEAVES, "the record states no values for parts of the medium");
    }
    if leaves.contradictory {
        let why = "the entries with values for parts of the medium contradict each other, or are too many";
        return Property::found(LEAVES, Err(why.to_owned()));
    }
    let Some(altered) = measurement.altered.as_ref() else {
        let (count, size, medium) = (leaves.values.len(), leaves.size, image.media_size());
        let why = format!("{count} values for parts of {size} each are recorded, the medium has {medium}");
        return Property::found(LEAVES, Err(why));
    };
    let parts = altered.equal;
    let rest = measurement.partial.as_ref().map_or_else(String::new, |partial| {
        let unread = image.media_size().0.saturating_sub(partial.read.total().0);
        format!("; {} of the medium were not read", ByteCount(unread))
    });
    let finding = match (altered.ranges.is_empty(), altered.unreadable.is_empty()) {
        (true, true) => Ok(format!("{parts} parts of {} are what was acquired", leaves.size.short())),
        (false, _) => Err(format!(
            "{} in {} ranges are not what was acquired, {parts} parts of {} are; listed below",
            altered.ranges.total(),
            altered.ranges.len(),
            leaves.size.short()
        )),
        (true, false) => Ok(format!(
            "{parts} parts of {} are what was acquired; of {} a part can't be read back",
            leaves.size.short(),
            altered.unreadable.total()
        )),
    };
    let finding = match finding {
        Ok(told) => Ok(told + &rest),
        Err(told) => Err(told + &rest),
    };
    Property::found(LEAVES, finding)
}

fn chain(claims: Option<&Claims>) -> Property {
    match claims {
        Some(claims) => Property::found(CHAIN_UNBROKEN, claims.chain.clone()),
        None => Property::not_checked(CHAIN_UNBROKEN, NO_RECORD),
    }
}

fn closed(claims: Option<&Claims>) -> Property {
    match claims.map(|claims| claims.closed.clone()) {
        Some(Some(closed)) => Property::found(RECORD_CLOSED, closed),
        Some(None) => Property::not_checked(RECORD_CLOSED, "the chain breaks before the record's end"),
        None => Property::not_checked(RECORD_CLOSED, NO_RECORD),
    }
}

/// Name of the format that changes texts and ranges to what its header and table can hold.
pub const EWF: &str = "EWF (E01)";

fn unread(image: &dyn ImageReader, claims: Option<&Claims>) -> Property {
    let Some(sector) = image.sector_size() else {
        return Property::not_checked(UNREAD, "raw images carry no error table");
    };
    let Some(claims) = claims.filter(|claims| claims.image_closed) else {
        return Property::not_checked(
            UNREAD,
            if claims.is_some() { "the record states none" } else { NO_RECORD },
        );
    };
    let carried = match image.format_name() {
        EWF => ewf::carried_ranges(&claims.unread, sector),
        _ => claims.unread.clone(),
    };
    let finding = if *image.unread() == carried {
        match carried.len() {
            0 => Ok("none".to_owned()),
            ranges => Ok(format!("{ranges} ranges, {}", carried.total())),
        }
    } else {
        Err(format!(
            "the container marks {} in {} ranges, recorded are {} in {}",
            image.unread().total(),
            image.unread().len(),
            carried.total(),
            carried.len()
        ))
    };
    Property::found(UNREAD, finding)
}
