//! Extensions of segment files: E01 … E99, EAA … EZZ, FAA … ZZZ (EWF, "Segment file extensions").

/// 99 numbered, then 26 × 26 under each letter from E to Z.
pub(super) const MOST_SEGMENTS: u64 = 99 + 22 * 676;

/// The extension of segment `number`, counted from one; `None` when there are no more names. `lower` gives `.e01`, as
/// some programs write it.
pub(super) fn extension(number: u64, lower: bool) -> Option<String> {
    let text = match number {
        1..=99 => format!("E{number:02}"),
        100..=MOST_SEGMENTS => {
            let place = number.checked_sub(100)?;
            let first = letter(u64::from(b'E' - b'A').checked_add(place / 676)?)?;
            format!("{first}{}{}", letter(place / 26 % 26)?, letter(place % 26)?)
        }
        _ => return None,
    };
    Some(if lower { text.to_ascii_lowercase() } else { text })
}

fn letter(place: u64) -> Option<char> {
    u8::try_from(place)
        .ok()
        .filter(|place| *place < 26)
        .and_then(|place| b'A'.checked_add(place))
        .map(char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_run_from_e01_to_zzz_and_end() {
        let at = |number| extension(number, false).unwrap();
        assert_eq!([at(1), at(99), at(100), at(101)], ["E01", "E99", "EAA", "EAB"]);
        assert_eq!([at(125), at(126), at(775), at(776)], ["EAZ", "EBA", "EZZ", "FAA"]);
        assert_eq!(at(MOST_SEGMENTS), "ZZZ");
        assert_eq!(extension(100, true).unwrap(), "eaa");
        assert_eq!(extension(0, false), None);
        assert_eq!(extension(MOST_SEGMENTS + 1, false), None);
        let all: std::collections::HashSet<_> = (1..=MOST_SEGMENTS).map(at).collect();
        assert_eq!(all.len(), 14_971, "each name once");
    }
}
