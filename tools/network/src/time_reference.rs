//! How far this machine's clock is from a server's. Nothing here sets a clock.

use crate::account::{self, Act, Pen, What, clipped};
use crate::failure::Failure;
use crate::ntp_packet::{self, Answer, Refused, SECOND, UnixNanoseconds};
use crate::tell;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The port of NTP (RFC 5905, clause 7.2).
const PORT: u16 = 123;

/// How often a server is asked.
const SAMPLES: u32 = 4;

/// Between two questions, as in a burst (RFC 5905, clause 13.1: 2 s), and for an answer.
const PACE: Duration = Duration::from_secs(2);

/// By how much a server may seem to hold a question for longer than we waited, or for less than no time, beside what its clock
/// can't tell apart: clocks are read at once, but not to the nanosecond. Clause 8 keeps the delay from becoming negative in the
/// same way.
const READING_ERROR: i128 = SECOND / 1000;

/// By how much two answers may seem to differ because the clocks drift apart from the first to the last of them, within 8 s: by
/// 500 ppm at most (RFC 5905, appendix A.1.1: `MAXFREQ`).
const DRIFT: i128 = SECOND / 250;

/// Letters of a name (RFC 1035, clause 2.3.4).
const LONGEST_NAME: usize = 253;

/// A time server, as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
}

/// Why a text names no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a server's name or IPv4 address in its four plain numbers, with a port from 1 to 65535 behind a colon where it is not 123 (IPv6 is not offered)"
)]
pub struct NoServer;

impl FromStr for Server {
    type Err = NoServer;

    fn from_str(text: &str) -> Result<Self, NoServer> {
        let (host, port) = match text.split_once(':') {
            None => (text, PORT),
            Some((host, port)) => (host, port.parse().map_err(|_| NoServer)?),
        };
        let is_name = |host: &str| {
            let letters = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            letters && !host.is_empty() && host.len() <= LONGEST_NAME
        };
        let is_unclear = ends_in_a_number(host) && host.parse::<Ipv4Addr>().is_err();
        match is_name(host) && !is_unclear && port > 0 {
            true => Ok(Self { host: host.to_owned(), port }),
            false => Err(NoServer),
        }
    }
}

/// Whether the C library may take a name for an address: it knows octal and hexadecimal numbers, and fewer than four of them
/// (inet_aton(3)), so that 010.0.2.2 would be 8.0.2.2. No name that can be asked for ends so (RFC 3696, clause 2).
fn ends_in_a_number(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal || last.starts_with("0x") || last.starts_with("0X")
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            PORT => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

/// What a server said of the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeReference {
    /// The server, as it was named.
    pub server: String,
    /// Its address and port.
    pub address: String,
    /// The server's time less this machine's: positive where this machine's clock is behind.
    pub offset_seconds: f64,
    /// How far the true offset may be from that: half of the way there and back, all between the server and a clock (RFC 5905,
    /// clause 11.2), and the precision of the server's clock (clause 8).
    pub within_seconds: f64,
    /// The way there and back, without the time at the server.
    pub round_trip_seconds: f64,
    /// Servers between it and a clock, and itself.
    pub stratum: u8,
    /// Its clock, or its own server: an IPv4 address, or four bytes of an IPv6 one's hash that look like one.
    pub reference_id: String,
    /// `none`, `insert` or `delete`: a second at the end of the day.
    pub leap: String,
    /// Questions that were asked.
    pub asked: u32,
    /// Questions with an answer that could be used; of these the one with the shortest way counts.
    pub answered: u32,
}

/// One answer, measured.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sample {
    offset: i128,
    round_trip: i128,
    answer: Answer,
}

/// Asks a server, and writes down what came of it.
pub fn ask_and_note(server: &Server) -> Result<Act, Failure> {
    let pen = Pen::take(Path::new(account::FOLDER))?;
    match ask(server, PACE) {
        Ok(told) => pen.note(What::Time(told)),
        Err(failure) => {
            // The failure itself is what must be told; this comes beside it.
            let what = What::TimeFailed { server: clipped(server), reason: clipped(&failure) };
            if let Err(beside) = pen.note(what) {
                tell(format_args!("pf-net: {beside}"));
            }
            Err(failure)
        }
    }
}

fn ask(server: &Server, pace: Duration) -> Result<TimeReference, Failure> {
    let address = resolve(server)?;
    tell(format_args!("{server} ({address}): asking for the time, {SAMPLES} times"));
    let not_reached = |source| Failure::NotReached { server: server.to_string(), source };
    // A connected socket hands out only what comes from that address and port, and that nothing is there.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(not_reached)?;
    socket.connect(address).map_err(not_reached)?;
    tell_of(server, address, pace, || sample(&socket, pace))
}

/// Takes samples, and makes of them what is told. One that fails costs none of the others.
fn tell_of(
    server: &Server,
    address: SocketAddr,
    pace: Duration,
    mut sample: impl FnMut() -> Result<Sample, Missed>,
) -> Result<TimeReference, Failure> {
    let (mut samples, mut missed, mut asked) = (Vec::new(), Missed::Silence, 0_u32);
    for turn in 1..=SAMPLES {
        let begun = Instant::now();
        let sampled = sample();
        if !matches!(sampled, Err(Missed::Unsent(_))) {
            asked = asked.saturating_add(1);
        }
        match sampled {
            Ok(sample) => samples.push(sample),
            Err(reason) => {
                let is_last_word = matches!(reason, Missed::Refused(Refused::Kiss(_)));
                missed = missed.or(reason);
                // Who refuses must not be asked again (RFC 5905, clause 7.4).
                if is_last_word {
                    break;
                }
            }
        }
        if turn < SAMPLES {
            std::thread::sleep(pace.saturating_sub(begun.elapsed()));
        }
    }
    if let Some((smallest, largest)) = contradiction(&samples) {
        let (smallest, largest) = (seconds(smallest), seconds(largest));
        return Err(Failure::ContradictoryTimes { server: server.to_string(), address, smallest, largest });
    }
    let answered = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let Some(best) = samples.into_iter().min_by_key(|sample| sample.round_trip) else {
        return Err(without_samples(server.to_string(), address, missed, asked));
    };
    Ok(TimeReference {
        server: clipped(server),
        address: address.to_string(),
        offset_seconds: seconds(best.offset),
        within_seconds: seconds(within(&best)),
        round_trip_seconds: seconds(best.round_trip),
        stratum: best.answer.stratum,
        reference_id: ntp_packet::reference(best.answer.stratum, best.answer.reference_id),
        leap: leap(best.answer.leap).to_owned(),
        asked,
        answered,
    })
}

/// The smallest and the largest offset of samples that can't all be right, because no offset lies within the bounds of each.
fn contradiction(samples: &[Sample]) -> Option<(i128, i128)> {
    let least = samples.iter().map(|sample| sample.offset - within(sample)).max()?;
    let most = samples.iter().map(|sample| sample.offset + within(sample)).min()?;
    let offsets = samples.iter().map(|sample| sample.offset);
    (least > most + DRIFT).then_some((offsets.clone().min()?, offsets.max()?))
}

/// What it means that no question gave a sample.
fn without_samples(server: String, address: SocketAddr, missed: Missed, asked: u32) -> Failure {
    match missed {
        Missed::Refused(refused) => Failure::UnusableTime { server, address, refused },
        Missed::Closed => no_time(server, address, "nothing listens at this port"),
        Missed::Unsent(source) if asked == 0 => Failure::NotReached { server, source },
        Missed::Unsent(source) | Missed::Lost(source) => no_time(server, address, &source.to_string()),
        Missed::Silence => no_time(server, address, "no answer"),
    }
}

fn no_time(server: String, address: SocketAddr, reason: &str) -> Failure {
    Failure::NoTime { server, address, reason: reason.to_owned() }
}

fn resolve(server: &Server) -> Result<SocketAddr, Failure> {
    let failed = |reason: String| Failure::NoAddress { server: server.to_string(), reason: clipped(reason) };
    if let Ok(address) = server.host.parse::<Ipv4Addr>() {
        return Ok(SocketAddr::new(IpAddr::V4(address), server.port));
    }
    let mut found =
        (server.host.as_str(), server.port).to_socket_addrs().map_err(|e| failed(e.to_string()))?;
    found.find(SocketAddr::is_ipv4).ok_or_else(|| failed("none was told".to_owned()))
}

/// Why a question gave no sample.
enum Missed {
    /// It could not be sent.
    Unsent(io::Error),
    /// It was sent, and whether an answer came can't be known.
    Lost(io::Error),
    /// The machine there says that nothing listens.
    Closed,
    /// Nothing came.
    Silence,
    /// Only what is no answer came.
    Refused(Refused),
}

impl Missed {
    /// Which of two reasons is told: an answer says more of the server than that nothing listens, this more than an error on the
    /// way, and silence nothing at all. Of two that say as much, the later.
    fn or(self, later: Self) -> Self {
        match later.says() < self.says() {
            true => self,
            false => later,
        }
    }

    fn says(&self) -> u8 {
        match self {
            Missed::Silence => 0,
            Missed::Unsent(_) | Missed::Lost(_) => 1,
            Missed::Closed => 2,
            Missed::Refused(_) => 3,
        }
    }
}

fn sample(socket: &UdpSocket, within: Duration) -> Result<Sample, Missed> {
    let number = random().map_err(Missed::Unsent)?;
    // Longer than any answer that is looked at: a longer one is cut off, not taken for another.
    let mut bytes = [0; 512];
    let (begun, sent) = departure(Instant::now, SystemTime::now);
    socket.send(&ntp_packet::question(number)).map_err(|e| missed_by(e, Missed::Unsent))?;
    let mut missed = Missed::Silence;
    loop {
        let left = within.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(missed);
        }
        socket.set_read_timeout(Some(left)).map_err(Missed::Lost)?;
        let length = match socket.recv(&mut bytes) {
            Ok(length) => length,
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(missed);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(missed.or(missed_by(e, Missed::Lost))),
        };
        // By the clock that nobody sets: a step of the other one in between would be half of an offset.
        let waited = begun.elapsed();
        let told = ntp_packet::read(bytes.get(..length).unwrap_or_default(), number);
        match told.and_then(|answer| measure(answer, unix(sent), nanoseconds(waited))) {
            Ok(sample) => return Ok(sample),
            Err(refused @ Refused::Kiss(_)) => return Err(Missed::Refused(refused)),
            // Somebody else may have sent it; the server's own may still come.
            Err(refused) => missed = Missed::Refused(refused),
        }
    }
}

/// Reads both clocks before a question goes, the steady one first. The answer is taken to have come at `wall` and what has passed
/// since `steady` when that is read again behind it: so a pause anywhere lengthens the way, and the bound with it, beyond the truth
/// on either side. In the other order one in between would let the answer seem to have come too early, and the truth could lie
/// outside the bound.
fn departure<S, W>(steady: impl FnOnce() -> S, wall: impl FnOnce() -> W) -> (S, W) {
    let begun = steady();
    (begun, wall())
}

fn missed_by(e: io::Error, otherwise: fn(io::Error) -> Missed) -> Missed {
    match e.kind() {
        io::ErrorKind::ConnectionRefused => Missed::Closed,
        _ => otherwise(e),
    }
}

/// Offset and delay (RFC 5905, clause 8), of times of any two clocks.
fn measure(answer: Answer, sent: UnixNanoseconds, waited: i128) -> Result<Sample, Refused> {
    let held = answer.transmit - answer.receive;
    let error = READING_ERROR + answer.precision;
    if held < -error || held > waited + error {
        return Err(Refused::Contradiction);
    }
    let came = sent + waited;
    Ok(Sample {
        offset: ((answer.receive - sent) + (answer.transmit - came)) / 2,
        round_trip: (waited - held).max(0),
        answer,
    })
}

/// How far the true offset may be from that of a sample, in whole microseconds: rounded up, and one more for what is lost where
/// the offset is rounded.
fn within(sample: &Sample) -> i128 {
    let bound = (sample.round_trip + 1) / 2 + sample.answer.root_distance + sample.answer.precision;
    ((bound + 999) / 1000 + 1) * 1000
}

/// Time since 1970 by this machine's clock, which may stand before that.
fn unix(time: SystemTime) -> UnixNanoseconds {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanoseconds(after),
        Err(before) => -nanoseconds(before.duration()),
    }
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 4)
}

/// To the microsecond: beyond that a network tells nothing.
fn seconds(nanoseconds: i128) -> f64 {
    let micros = u64::try_from(nanoseconds.unsigned_abs() / 1000).unwrap_or(u64::MAX);
    Duration::from_micros(micros).as_secs_f64() * if nanoseconds < 0 { -1.0 } else { 1.0 }
}

/// Leap indicator (RFC 5905, figure 9).
fn leap(indicator: u8) -> &'static str {
    match indicator {
        1 => "insert",
        2 => "delete",
        _ => "none",
    }
}

/// A number that nobody on the way there can guess.
fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests;
