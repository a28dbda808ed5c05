//! Extensions of segment files: E01 … E99, EAA … EZZ, FAA … ZZZ (EWF, "Segment file extensions"). SMART's begin with S.

/// 99 numbered, then 26 × 26 under each letter from E to Z.
pub(super) const MOST_SEGMENTS: u64 = 99 + 22 * 676;
/// Segments written at most: libewf looks for the one after the last, and gives up where that has no name.
pub(super) const MOST_WRITTEN: u64 = MOST_SEGMENTS - 1;

/// The extension of segment `number`, counted from one; `None` when there are no more names. `like` is the first letter
/// of the first segment's: `E`, or `e` as some programs write it, or SMART's `s`.
pub(super) fn extension(number: u64, like: u8) -> Option<String> {
    let start = if like.eq_ignore_ascii_case(&b'S') { b'S' } else { b'E' };
    let text = match number {
        1..=99 => format!("{}{number:02}", char::from(start)),
        100.. => {
            let place = number.checked_sub(100)?;
            let first = letter(u64::from(start.checked_sub(b'A')?).checked_add(place / 676)?)?;
            format!("{first}{}{}", letter(place / 26 % 26)?, letter(place % 26)?)
        }
        0 => return None,
    };
    Some(if like.is_ascii_lowercase() { text.to_ascii_lowercase() } else { text })
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
        let at = |number| extension(number, b'E').unwrap();
        assert_eq!([at(1), at(99), at(100), at(101)], ["E01", "E99", "EAA", "EAB"]);
        assert_eq!([at(125), at(126), at(775), at(776)], ["EAZ", "EBA", "EZZ", "FAA"]);
        assert_eq!(at(MOST_SEGMENTS), "ZZZ");
        assert_eq!(extension(100, b'e').unwrap(), "eaa");
        assert_eq!(
            [1, 99, 100, 775, 776].map(|n| extension(n, b's').unwrap()),
            ["s01", "s99", "saa", "szz", "taa"]
        );
        assert_eq!(extension(0, b'E'), None);
        assert_eq!(extension(MOST_SEGMENTS + 1, b'E'), None);
        let all: std::collections::HashSet<_> = (1..=MOST_SEGMENTS).map(at).collect();
        assert_eq!(all.len(), 14_971, "each name once");
    }
}
