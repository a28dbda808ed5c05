//! The words of AFF4: names of classes and properties, of streams without end, of segments, and how an ARN becomes the
//! name of a ZIP member.

/// Namespace of the standard (AFF4 §2).
pub(super) const NAMESPACE: &str = "http://aff4.org/Schema#";
/// Namespace of images made before the standard, which lay their index out differently.
pub(super) const LEGACY_NAMESPACE: &str = "http://afflib.org/2009/aff4#";
/// `a` of Turtle.
pub(super) const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
/// Namespace of the data types of XML Schema.
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// First member of a volume: its ARN (AFF4 §5.4).
pub(super) const CONTAINER_DESCRIPTION: &str = "container.description";
/// Version of the standard and name of the program (AFF4 §1).
pub(super) const VERSION: &str = "version.txt";
/// The metadata.
pub(super) const INFORMATION: &str = "information.turtle";

/// `aff4:name` written out.
pub(super) fn aff4(name: &str) -> String {
    format!("{NAMESPACE}{name}")
}

/// Name of the member that holds `part` of the object `arn` in the volume `volume` (AFF4 §5.1 and §5.2), in the spelling
/// of the reference images: only the scheme is escaped.
pub(super) fn member_name(volume: &str, arn: &str, part: &str) -> String {
    let within = arn.strip_prefix(volume).map(|rest| rest.trim_start_matches('/'));
    match within {
        Some("") => part.to_owned(),
        Some(rest) => format!("{rest}/{part}"),
        None => format!("{}/{part}", arn.replacen("://", "%3A%2F%2F", 1)),
    }
}

/// What a stream without end is filled with (AFF4 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// One byte again and again; `aff4:Zero` is the byte 0.
    Byte(u8),
    /// Perhaps data, purposely not read.
    Unknown,
    /// Perhaps data, could not be read.
    Unreadable,
}

/// Strings of repeated streams begin anew after this many bytes (AFF4 §4.4).
const TILE: u64 = 1 << 20;

impl Symbol {
    /// The symbol that an IRI names.
    pub(super) fn of(iri: &str) -> Option<Self> {
        let name = iri.strip_prefix(NAMESPACE)?;
        match name {
            "Zero" => Some(Symbol::Byte(0)),
            "UnknownData" => Some(Symbol::Unknown),
            "UnreadableData" => Some(Symbol::Unreadable),
            _ => {
                let digits = name.strip_prefix("SymbolicStream")?;
                let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten().map(Symbol::Byte)
            }
        }
    }

    /// The IRI that names it.
    pub(super) fn iri(self) -> String {
        match self {
            Symbol::Byte(0) => aff4("Zero"),
            Symbol::Byte(byte) => aff4(&format!("SymbolicStream{byte:02X}")),
            Symbol::Unknown => aff4("UnknownData"),
            Symbol::Unreadable => aff4("UnreadableData"),
        }
    }

    /// True where it stands for what was not read.
    pub(super) fn stands_for_unread(self) -> bool {
        !matches!(self, Symbol::Byte(_))
    }

    /// Fills `buffer` with the stream's bytes from `offset`.
    pub(super) fn fill(self, offset: u64, buffer: &mut [u8]) {
        let word: &[u8] = match self {
            Symbol::Byte(byte) => return buffer.fill(byte),
            Symbol::Unknown => b"UNKNOWN",
            Symbol::Unreadable => b"UNREADABLEDATA",
        };
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let within = at % TILE;
            let tile = usize::try_from(TILE.saturating_sub(within)).unwrap_or(rest.len()).min(rest.len());
            let (part, later) = rest.split_at_mut(tile);
            let start = usize::try_from(within).unwrap_or(0).checked_rem(word.len()).unwrap_or(0);
            // Whole words, so that each copy goes on where the one before ended.
            let words: Vec<u8> = word.iter().copied().cycle().skip(start).take(word.len() << 8).collect();
            for piece in part.chunks_mut(words.len()) {
                if let Some(same) = words.get(..piece.len()) {
                    piece.copy_from_slice(same);
                }
            }
            at = at.saturating_add(u64::try_from(tile).unwrap_or(u64::MAX));
            rest = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_members_are_those_of_the_standards_examples() {
        let volume = "aff4://9db79393-53fa-4147-b823-5c3e1d37544d";
        assert_eq!(member_name(volume, &format!("{volume}/Foobar"), "foo.txt"), "Foobar/foo.txt");
        assert_eq!(member_name(volume, volume, "Foobar.txt"), "Foobar.txt");
        assert_eq!(
            member_name(volume, "aff4://05e11366-036a-4997-8f10-cfbff91256f4", "00000000"),
            "aff4%3A%2F%2F05e11366-036a-4997-8f10-cfbff91256f4/00000000"
        );
    }

    #[test]
    fn every_symbol_is_told_by_its_name() {
        let bytes = (0..=255).map(Symbol::Byte);
        for symbol in bytes.chain([Symbol::Unknown, Symbol::Unreadable]) {
            assert_eq!(Symbol::of(&symbol.iri()), Some(symbol));
        }
        assert_eq!(Symbol::of("http://aff4.org/Schema#SymbolicStream00"), Some(Symbol::Byte(0)));
        for wrong in ["SymbolicStream", "SymbolicStream+1", "SymbolicStream001", "Zeros"] {
            assert_eq!(Symbol::of(&aff4(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn repeated_strings_begin_anew_each_mebibyte() {
        let mut bytes = vec![0; (2 << 20) + 20];
        Symbol::Unknown.fill(0, &mut bytes);
        assert_eq!(&bytes[..16], b"UNKNOWNUNKNOWNUN");
        // 1 MiB is 7 * 149796 + 4.
        assert_eq!(&bytes[(1 << 20) - 4..(1 << 20) + 7], b"UNKNUNKNOWN");
        let mut part = vec![0; 100];
        Symbol::Unknown.fill((1 << 20) - 50, &mut part);
        assert_eq!(part, bytes[(1 << 20) - 50..(1 << 20) + 50]);
    }
}
