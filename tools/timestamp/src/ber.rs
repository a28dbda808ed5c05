//! Is something a value of ASN.1 at all, in whatever encoding? Only DER is read here; BER, which RFC 5652 allows for most of a
//! signed message, is no sign of an alteration.

/// How deep values are nested in those that are looked at.
const DEEPEST: usize = 64;

/// True of one whole value in BER (X.690 §8), with nothing behind it.
pub(crate) fn is_one_value(bytes: &[u8]) -> bool {
    value(bytes, 0).is_some_and(|(_, rest)| rest.is_empty())
}

/// The identifier of the first value, which is 0 at the end of an indefinite length, and what follows the value.
fn value(bytes: &[u8], depth: usize) -> Option<(u8, &[u8])> {
    if depth > DEEPEST {
        return None;
    }
    let (&tag, mut rest) = bytes.split_first()?;
    if tag & 0x1f == 0x1f {
        // The number of the tag follows; its last byte has the high bit unset.
        let end = rest.iter().position(|byte| byte & 0x80 == 0)?;
        rest = rest.get(end.checked_add(1)?..)?;
    }
    let constructed = tag & 0x20 != 0;
    let (&first, mut rest) = rest.split_first()?;
    let length = match first {
        0x80 if constructed => loop {
            let (inner, after) = value(rest, depth.checked_add(1)?)?;
            rest = after;
            if inner == 0 {
                return Some((tag, rest));
            }
        },
        0..=0x7f => usize::from(first),
        _ => {
            let count = usize::from(first & 0x7f);
            let digits = rest.get(..count).filter(|_| (1..=8).contains(&count))?;
            rest = rest.get(count..)?;
            let length = digits.iter().fold(0u64, |length, digit| (length << 8) | u64::from(*digit));
            usize::try_from(length).ok()?
        }
    };
    let (mut content, rest) = rest.split_at_checked(length)?;
    while constructed && !content.is_empty() {
        content = value(content, depth.checked_add(1)?)?.1;
    }
    Some((tag, rest))
}

#[cfg(test)]
mod tests {
    use super::is_one_value;

    #[test]
    fn values_are_told_from_what_is_none() {
        for whole in [
            &[0x30, 0][..],
            &[0x30, 0x80, 4, 1, 7, 0, 0],
            &[0x24, 0x80, 4, 1, 7, 4, 1, 8, 0, 0],
            &[0x30, 0x81, 3, 2, 1, 5],
        ] {
            assert!(is_one_value(whole), "{whole:x?}");
        }
        let deep = [[0x30, 0x80].repeat(9_000), [0, 0].repeat(9_000)].concat();
        for none in [
            &b"no answer"[..],
            &[],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0, 0],
            &[0x30, 0x80, 4, 1, 7],
            &[0x30, 3, 2, 2, 5],
            &[4, 0x80, 0, 0],
            &[0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255],
            &deep,
        ] {
            assert!(!is_one_value(none), "{none:x?}");
        }
    }
}
