//! A question to a time server and its answer: NTP version 4 (RFC 5905), of which a client that only asks needs little
//! (clause 14, and RFC 4330).
//!
//! The header of 48 bytes (RFC 5905, figure 8):
//!
//! | bytes | field | here |
//! |---|---|---|
//! | 0 | leap indicator, version, mode | 3 in an answer: the server has no time (7.3) |
//! | 1 | stratum | 0: a kiss code (7.4), or unsynchronised, which is 16 and sent as 0 (7.3) |
//! | 2 | poll | not needed |
//! | 3 | precision | of the server's clock, as a power of two in seconds (7.3) |
//! | 4 – 7 | root delay | to the clock at the root (7.3), short format (6) |
//! | 8 – 11 | root dispersion | the same |
//! | 12 – 15 | reference identifier | kind of clock at stratum 1, else the server's own server (7.3); kiss code at 0 (7.4) |
//! | 16 – 23 | reference timestamp | when the server's clock was last set (7.3) |
//! | 24 – 31 | origin timestamp | our transmit timestamp, given back (8) |
//! | 32 – 39 | receive timestamp | by the server's clock (8) |
//! | 40 – 47 | transmit timestamp | by the server's clock; in our question a number that nobody can guess (8) |

use evidence::Plain;

/// Bytes of a header.
pub const HEADER: usize = 48;

/// Leap 0, version 4, mode 3: a client.
const CLIENT: u8 = 0b00_100_011;

/// Mode of an answer (RFC 5905, figure 10).
const SERVER: u8 = 4;

/// What a leap indicator says when the clock was never set (figure 9).
const UNSYNCHRONISED: u8 = 3;

/// `MAXSTRAT` (clause 7.2).
const NO_STRATUM: u8 = 16;

/// At stratum 0, the identifiers of a server that does not refuse but has no time: none, where 0 stands for 16 (clause 7.3), and
/// the kiss codes for not synchronised yet, and not again after a step (clause 7.4). They say so whatever the leap indicator is.
const NO_REFERENCE: [[u8; 4]; 3] = [[0; 4], *b"INIT", *b"STEP"];

/// `MAXDISP`, 16 s: an error so large is none any more (clause 7.2; test 7 in appendix A.5.1.1).
const MOST_DISTANCE: i128 = 16 * SECOND;

/// No clock by which anybody tells the time ticks less often than once a second, 2^0; nor can a timestamp hold a finer tick
/// than 2^-32 s (clause 6).
const PRECISIONS: std::ops::RangeInclusive<i8> = -32..=0;

/// From the beginning of the first era, 1900, to that of Unix time (figure 4).
const ERA_TO_UNIX: i128 = 2_208_988_800;

/// A second in nanoseconds.
pub const SECOND: i128 = 1_000_000_000;

/// Nanoseconds since 1970 by some clock.
pub type UnixNanoseconds = i128;

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Leap indicator: 0 none, 1 a second more at the end of the day, 2 a second less.
    pub leap: u8,
    /// Servers between this one and a clock, and itself.
    pub stratum: u8,
    /// Its clock or its server.
    pub reference_id: [u8; 4],
    /// Half of the way to the clock at the root and all that may have been lost there, in nanoseconds (clause 11.2: Λ).
    pub root_distance: i128,
    /// How finely its clock can be read, in nanoseconds, rounded up (clause 7.3: ρ). Either of its times may be off by as much
    /// (clause 8).
    pub precision: i128,
    /// When the question came.
    pub receive: UnixNanoseconds,
    /// When the answer went.
    pub transmit: UnixNanoseconds,
}

/// Why an answer tells no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Clause 7.3.
    #[error("it has {0} bytes, not the 48 of NTP")]
    Short(usize),
    /// Clause 7.3; RFC 4330, clause 5.
    #[error("it is of version {0} of NTP, not 4")]
    Version(u8),
    /// Figure 10.
    #[error("it is no server's answer (mode {0})")]
    Mode(u8),
    /// Test 2 in appendix A.5.1.1.
    #[error("it answers no question of ours")]
    NotOurs,
    /// Clause 7.4.
    #[error("the server refuses to tell the time (kiss code {0})")]
    Kiss(String),
    /// Test 6.
    #[error("the server itself does not know the time")]
    Unsynchronised,
    /// Test 3.
    #[error("a time in it is missing")]
    NoTime,
    /// Test 7.
    #[error("the server is too far from any clock")]
    TooFar,
    /// Clause 7.3.
    #[error("the precision of its clock, 2^{0} s, is that of no clock")]
    Precision(i8),
    /// Clause 8: the answer can't have left before the question came, nor can it have been held longer than we waited.
    #[error("its times contradict each other")]
    Contradiction,
}

/// A question with nothing in it but a number to know the answer by: neither this machine's clock nor anything else of it
/// is told.
pub fn question(number: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    let (head, transmit) = bytes.split_at_mut(40);
    if let Some(first) = head.first_mut() {
        *first = CLIENT;
    }
    transmit.copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Reads the answer to the question with `number`. What stands behind the header, such as a signature, is not looked at.
pub fn read(bytes: &[u8], number: u64) -> Result<Answer, Refused> {
    let header: &[u8; HEADER] = bytes.first_chunk().ok_or(Refused::Short(bytes.len()))?;
    let [first, stratum, _, precision, fields @ ..] = header;
    let (leap, version, mode) = (first >> 6, first >> 3 & 7, first & 7);
    let mut words = fields.chunks_exact(4).map(|word| word.try_into().map(u32::from_be_bytes).unwrap_or(0));
    let mut word = || words.next().unwrap_or(0);
    let (root_delay, root_dispersion, reference_id) = (word(), word(), word());
    let mut timestamp = || u64::from(word()) << 32 | u64::from(word());
    let [reference, origin, receive, transmit] = [timestamp(), timestamp(), timestamp(), timestamp()];
    if version != 4 {
        return Err(Refused::Version(version));
    }
    if mode != SERVER {
        return Err(Refused::Mode(mode));
    }
    // Before anything else is believed: anybody can send, but only who saw the question knows the number.
    if origin != number {
        return Err(Refused::NotOurs);
    }
    let reference_id = reference_id.to_be_bytes();
    if *stratum == 0 && !NO_REFERENCE.contains(&reference_id) {
        return Err(Refused::Kiss(letters(reference_id)));
    }
    if leap == UNSYNCHRONISED || *stratum == 0 || *stratum >= NO_STRATUM {
        return Err(Refused::Unsynchronised);
    }
    if receive == 0 || transmit == 0 {
        return Err(Refused::NoTime);
    }
    let precision = precision.cast_signed();
    if !PRECISIONS.contains(&precision) {
        return Err(Refused::Precision(precision));
    }
    let precision = nanoseconds_of(precision);
    let (receive, transmit) = (unix(receive), unix(transmit));
    let root_distance = (short(root_delay) + 1) / 2 + short(root_dispersion);
    if root_distance >= MOST_DISTANCE || (reference != 0 && unix(reference) > transmit) {
        return Err(Refused::TooFar);
    }
    Ok(Answer { leap, stratum: *stratum, reference_id, root_distance, precision, receive, transmit })
}

/// 2^`precision` seconds, one at most (appendix A.1.1: `LOG2D`), in nanoseconds and rounded up, so that no bound becomes too small.
fn nanoseconds_of(precision: i8) -> i128 {
    let halvings = precision.unsigned_abs();
    let whole = SECOND >> halvings;
    whole + i128::from(whole << halvings < SECOND)
}

/// A timestamp (clause 6) as time since 1970. The number of the era is not sent; by RFC 4330, clause 3, seconds with the
/// highest bit set are those from 1968 to 2036, others those from 2036 to 2104: so this machine's clock may be wrong by any amount.
fn unix(timestamp: u64) -> UnixNanoseconds {
    let (seconds, fraction) = (i128::from(timestamp >> 32), i128::from(timestamp & 0xffff_ffff));
    let era = if timestamp >> 63 == 1 { 0 } else { 1 << 32 };
    (seconds + era - ERA_TO_UNIX) * SECOND + ((fraction * SECOND) >> 32)
}

/// A short timestamp (clause 6) in nanoseconds, rounded up as the bound that it is part of.
fn short(timestamp: u32) -> i128 {
    (i128::from(timestamp) * SECOND + 0xffff) >> 16
}

/// What is at the root or in the way: four letters at stratum 1, above an IPv4 address or the first four bytes of an IPv6 one's
/// MD5, which nothing tells apart (clause 7.3).
pub fn reference(stratum: u8, id: [u8; 4]) -> String {
    match stratum {
        1 => letters(id),
        _ => std::net::Ipv4Addr::from(id).to_string(),
    }
}

/// Up to four letters, filled up with zeros.
fn letters(id: [u8; 4]) -> String {
    let text = String::from_utf8_lossy(&id).trim_end_matches(['\0', ' ']).to_owned();
    Plain(text).to_string()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    pub const NUMBER: u64 = 0x0123_4567_89ab_cdef;

    /// A good answer: stratum 2, two seconds from the root, at the beginning of 2026.
    pub fn answer(number: u64) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = 0b00_100_100;
        bytes[1] = 2;
        bytes[3] = 0xec; // 2^-20 s
        bytes[4..8].copy_from_slice(&0x0002_0000_u32.to_be_bytes());
        bytes[8..12].copy_from_slice(&0x0001_0000_u32.to_be_bytes());
        bytes[12..16].copy_from_slice(&[192, 0, 2, 1]);
        let at = |seconds: u32, fraction: u32| u64::from(seconds) << 32 | u64::from(fraction);
        let year_2026 = 2_208_988_800 + 1_767_225_600;
        bytes[16..24].copy_from_slice(&at(year_2026 - 60, 0).to_be_bytes());
        bytes[24..32].copy_from_slice(&number.to_be_bytes());
        bytes[32..40].copy_from_slice(&at(year_2026, 0).to_be_bytes());
        bytes[40..48].copy_from_slice(&at(year_2026, 1 << 31).to_be_bytes());
        bytes
    }

    fn with(place: usize, bytes: &[u8]) -> Result<Answer, Refused> {
        let mut answer = answer(NUMBER);
        answer[place..place + bytes.len()].copy_from_slice(bytes);
        read(&answer, NUMBER)
    }

    #[test]
    fn a_question_tells_nothing_but_its_number() {
        let bytes = question(NUMBER);
        assert_eq!(bytes[0], 0x23, "leap 0, version 4, client");
        assert_eq!(bytes[1..40], [0; 39]);
        assert_eq!(bytes[40..], NUMBER.to_be_bytes());
    }

    #[test]
    fn a_good_answer_is_read_field_by_field() {
        let told = read(&answer(NUMBER), NUMBER).unwrap();
        assert_eq!((told.leap, told.stratum), (0, 2));
        assert_eq!(reference(told.stratum, told.reference_id), "192.0.2.1");
        assert_eq!((told.root_distance, told.precision), (2 * SECOND, 954));
        assert_eq!(told.receive, 1_767_225_600 * SECOND);
        assert_eq!(told.transmit - told.receive, SECOND / 2);
        assert_eq!(reference(1, *b"GPS\0"), "GPS");
        let with_signature = [&answer(NUMBER)[..], &[7; 20]].concat();
        assert!(read(&with_signature, NUMBER).is_ok());
    }

    #[test]
    fn each_thing_that_makes_an_answer_useless_is_told_by_its_name() {
        assert_eq!(read(&answer(NUMBER)[..47], NUMBER), Err(Refused::Short(47)));
        assert_eq!(read(&[], NUMBER), Err(Refused::Short(0)));
        assert_eq!(with(0, &[0b00_011_100]), Err(Refused::Version(3)));
        assert_eq!(with(0, &[0b00_100_011]), Err(Refused::Mode(3)));
        assert_eq!(with(0, &[0b00_100_101]), Err(Refused::Mode(5)));
        assert_eq!(read(&answer(NUMBER ^ 1), NUMBER), Err(Refused::NotOurs));
        assert_eq!(with(0, &[0b11_100_100]), Err(Refused::Unsynchronised));
        assert_eq!(with(1, &[16]), Err(Refused::Unsynchronised));
        assert_eq!(with(1, &[255]), Err(Refused::Unsynchronised));
        assert_eq!(with(32, &[0; 8]), Err(Refused::NoTime));
        assert_eq!(with(40, &[0; 8]), Err(Refused::NoTime));
        assert_eq!(with(8, &15_u32.to_be_bytes().map(|_| 0xff)), Err(Refused::TooFar));
        assert_eq!(with(3, &[1]), Err(Refused::Precision(1)), "two seconds");
        assert_eq!(with(3, &[0x7f]), Err(Refused::Precision(127)));
        assert_eq!(with(3, &[0xdf]), Err(Refused::Precision(-33)));
        assert_eq!(with(3, &[0x80]), Err(Refused::Precision(-128)));
        assert_eq!(with(16, &[0xff; 8]), Err(Refused::TooFar), "set after it answered");
        assert!(with(16, &[0; 8]).is_ok(), "when its clock was set it need not say");
    }

    #[test]
    fn a_server_that_has_no_time_yet_refuses_nothing() {
        let at_stratum_0 = |first: u8, id: [u8; 4]| {
            let mut bytes = answer(NUMBER);
            bytes[..2].copy_from_slice(&[first, 0]);
            bytes[12..16].copy_from_slice(&id);
            read(&bytes, NUMBER)
        };
        for first in [0b11_100_100, 0b00_100_100] {
            for id in [[0; 4], *b"INIT", *b"STEP"] {
                assert_eq!(at_stratum_0(first, id), Err(Refused::Unsynchronised), "{first:#x} {id:?}");
            }
            for code in ["RATE", "DENY", "RSTR", "XYZ\0"] {
                let id = code.as_bytes().try_into().unwrap();
                let refused = Refused::Kiss(code.trim_end_matches('\0').to_owned());
                assert_eq!(at_stratum_0(first, id), Err(refused), "{first:#x}");
            }
        }
    }

    #[test]
    fn a_precision_is_a_power_of_two_and_rounded_up() {
        let of = |byte: u8| with(3, &[byte]).unwrap().precision;
        assert_eq!([of(0), of(0xff), of(0xfa)], [SECOND, SECOND / 2, 15_625_000]);
        assert_eq!([of(0xf6), of(0xe3), of(0xe2), of(0xe0)], [976_563, 2, 1, 1]);
    }

    #[test]
    fn the_era_that_begins_in_2036_is_read_as_what_it_is() {
        // RFC 5905, figure 4: the first second of the next era is 7 February 2036, 06:28:16.
        assert_eq!(unix(0), 2_085_978_496 * SECOND);
        assert_eq!(unix(0xffff_ffff_0000_0000), 2_085_978_495 * SECOND);
        assert_eq!(unix(0x8000_0000_0000_0000), -61_505_152 * SECOND, "20 January 1968, 03:14:08");
        assert_eq!(unix(0x8000_0000) - unix(0), SECOND / 2);
        assert_eq!(unix(2_208_988_801 << 32), SECOND);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), number in any::<u64>()) {
            let _ = read(&bytes, number);
        }

        #[test]
        fn no_damage_to_a_good_answer_makes_it_panic(damage in prop::collection::vec((0..HEADER, any::<u8>()), 0..8)) {
            let mut bytes = answer(NUMBER);
            for (place, byte) in damage {
                bytes[place] = byte;
            }
            if let Ok(told) = read(&bytes, NUMBER) {
                prop_assert!(told.root_distance < MOST_DISTANCE);
                let _ = reference(told.stratum, told.reference_id);
            }
        }
    }
}
