//! A server of our own, which says whatever the test wants.

use super::*;
use crate::ntp_packet::tests::answer;
use proptest::prelude::*;
use std::cell::Cell;
use std::thread;

impl TimeReference {
    /// One as it stands in accounts.
    pub fn sample() -> Self {
        TimeReference {
            server: "ntp.example:1123".into(),
            address: "192.0.2.1:1123".into(),
            offset_seconds: -3.5,
            within_seconds: 0.02,
            round_trip_seconds: 0.01,
            stratum: 2,
            reference_id: "192.0.2.9".into(),
            leap: "none".into(),
            asked: 4,
            answered: 4,
        }
    }
}

/// Answers each question by what `make` makes of its number and its turn.
fn server(make: impl Fn(u64, u32) -> Vec<Vec<u8>> + Send + 'static) -> Server {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut question = [0; 100];
        for turn in 0.. {
            let (length, from) = socket.recv_from(&mut question).unwrap();
            assert_eq!(length, ntp_packet::HEADER);
            let number = u64::from_be_bytes(question[40..48].try_into().unwrap());
            for answer in make(number, turn) {
                socket.send_to(&answer, from).unwrap();
            }
        }
    });
    Server { host: "127.0.0.1".into(), port }
}

/// An answer by a clock that goes `ahead` of this machine's, by seconds.
fn by_a_clock(number: u64, ahead: i64) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seconds = i64::try_from(now.as_secs()).unwrap() + ahead + 2_208_988_800;
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    let stamp = u64::try_from(seconds & 0xffff_ffff).unwrap() << 32 | fraction;
    let mut bytes = answer(number);
    bytes[16..24].fill(0);
    bytes[32..40].copy_from_slice(&stamp.to_be_bytes());
    bytes[40..48].copy_from_slice(&stamp.to_be_bytes());
    bytes.to_vec()
}

fn told(server: &Server) -> Result<TimeReference, Failure> {
    ask(server, Duration::from_millis(150))
}

#[test]
fn the_offset_is_that_of_the_servers_clock_in_either_direction_and_era() {
    // The last two: a server in 2040, and one in 2100, more than 68 years from this machine.
    for ahead in [0, 5, -5, 86_400, -86_400, 15 * 31_557_600, 72 * 31_557_600] {
        let told = told(&server(move |number, _| vec![by_a_clock(number, ahead)])).unwrap();
        let expected = f64::from(i32::try_from(ahead).unwrap_or(i32::MAX));
        let expected = if ahead > i64::from(i32::MAX) { 72.0 * 31_557_600.0 } else { expected };
        assert!((told.offset_seconds - expected).abs() < 0.2, "{ahead}: {told:?}");
        assert!(told.round_trip_seconds < 0.15 && told.within_seconds >= 2.0, "{told:?}");
        assert_eq!((told.stratum, told.reference_id.as_str(), told.leap.as_str()), (2, "192.0.2.1", "none"));
        assert_eq!((told.asked, told.answered), (SAMPLES, SAMPLES));
    }
}

#[test]
fn the_answer_with_the_shortest_way_counts() {
    let slow_but_once = |number, turn| {
        if turn != 2 {
            thread::sleep(Duration::from_millis(60));
        }
        // Each is 2 s from a clock, so that 3 s apart they agree.
        vec![by_a_clock(number, i64::from(turn == 2) * 3)]
    };
    let told = told(&server(slow_but_once)).unwrap();
    assert!((told.offset_seconds - 3.0).abs() < 0.2, "{told:?}");
}

#[test]
fn answers_that_contradict_each_other_are_no_time() {
    for odd in 0..SAMPLES {
        let one_is_odd = move |number, turn| vec![by_a_clock(number, i64::from(turn == odd) * -100)];
        let failure = told(&server(one_is_odd)).unwrap_err();
        assert_eq!(failure.exit_code(), 5);
        let Failure::ContradictoryTimes { smallest, largest, .. } = failure else { panic!("{failure}") };
        assert!((smallest + 100.0).abs() < 0.2 && largest.abs() < 0.2, "{smallest} {largest}");
    }
    let failure = told_of([good, || sample(-SECOND, 0), unsent, silent]).unwrap_err().to_string();
    let said = "192.0.2.1 (192.0.2.1:123): its answers contradict each other: offsets from -1.000000 s to +7.000000 s; ";
    assert!(failure.starts_with(said), "{failure}");
}

#[test]
fn answers_agree_where_one_offset_is_within_the_bounds_of_all() {
    let samples = |offsets: &[(i128, i128)]| -> Vec<Sample> {
        offsets.iter().map(|(offset, distance)| sample(*offset, *distance).ok().unwrap()).collect()
    };
    // One microsecond of each bound is for what is rounded.
    let apart = DRIFT + 2000;
    assert_eq!(contradiction(&samples(&[])), None);
    assert_eq!(contradiction(&samples(&[(5, 0)])), None);
    assert_eq!(contradiction(&samples(&[(0, 0), (apart, 0)])), None);
    assert_eq!(contradiction(&samples(&[(apart + 1, 0), (0, 0)])), Some((0, apart + 1)));
    let wide = (10 * SECOND, 9 * SECOND);
    assert_eq!(contradiction(&samples(&[(0, SECOND), wide, (2 * SECOND, SECOND)])), None);
    let narrow = (3 * SECOND, SECOND);
    assert_eq!(contradiction(&samples(&[(0, SECOND), wide, narrow])), Some((0, 10 * SECOND)));
}

#[test]
fn what_is_no_answer_is_passed_over_and_the_servers_own_is_taken() {
    let told = told(&server(|number, _| {
        vec![vec![], vec![0xff; 512], by_a_clock(number ^ 1, 1000), by_a_clock(number, 7)]
    }));
    assert!((told.unwrap().offset_seconds - 7.0).abs() < 0.2);
}

#[test]
fn each_useless_server_is_told_in_words_and_by_its_exit_code() {
    let garbage = told(&server(|_, _| vec![b"HTTP/1.1 400 Bad Request".to_vec()])).unwrap_err();
    assert_eq!(garbage.exit_code(), 5);
    assert!(garbage.to_string().contains("it has 24 bytes, not the 48 of NTP"), "{garbage}");
    let forged = told(&server(|number, _| vec![by_a_clock(!number, 3)])).unwrap_err();
    assert!(forged.to_string().contains("it answers no question of ours"), "{forged}");
    let held = told(&server(|number, _| vec![answer(number).to_vec()])).unwrap_err();
    assert!(held.to_string().contains("contradict"), "{held}");
    let silent = told(&server(|_, _| vec![])).unwrap_err();
    assert_eq!(silent.exit_code(), 4);
    assert!(silent.to_string().contains("no time came: no answer"), "{silent}");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let closed = told(&Server { host: "127.0.0.1".into(), port }).unwrap_err();
    assert_eq!(closed.exit_code(), 4);
    assert!(closed.to_string().contains("nothing listens at this port"), "{closed}");
    assert!(!closed.to_string().contains('\n'));
}

type Turn = fn() -> Result<Sample, Missed>;

/// What is told of samples that go as `turns` says, and what four of them are.
fn told_of(turns: [Turn; 4]) -> Result<TimeReference, Failure> {
    let server = Server { host: "192.0.2.1".into(), port: PORT };
    let mut turns = turns.into_iter();
    let address = "192.0.2.1:123".parse().unwrap();
    tell_of(&server, address, Duration::ZERO, || turns.next().unwrap()())
}

/// A sample of a server that is right, at no distance from a clock.
fn good() -> Result<Sample, Missed> {
    sample(7 * SECOND, 0)
}

/// One of a server at `root_distance` from a clock.
fn sample(offset: i128, root_distance: i128) -> Result<Sample, Missed> {
    let answer = Answer {
        leap: 0,
        stratum: 1,
        reference_id: *b"GPS\0",
        root_distance,
        precision: 0,
        receive: 0,
        transmit: 0,
    };
    Ok(Sample { offset, round_trip: 0, answer })
}

fn unsent() -> Result<Sample, Missed> {
    Err(Missed::Unsent(io::ErrorKind::NetworkUnreachable.into()))
}

fn silent() -> Result<Sample, Missed> {
    Err(Missed::Silence)
}

#[test]
fn an_error_in_one_turn_costs_none_of_the_other_samples() {
    let lost = || Err(Missed::Lost(io::ErrorKind::HostUnreachable.into()));
    let told = told_of([good, unsent, lost, good]).unwrap();
    assert_eq!((told.offset_seconds, told.asked, told.answered), (7.0, 3, 2));
    let never_sent = told_of([unsent; 4]).unwrap_err();
    assert!(matches!(never_sent, Failure::NotReached { .. }), "{never_sent}");
    for turns in [[unsent, lost, unsent, unsent], [lost, silent, lost, unsent]] {
        let sent = told_of(turns).unwrap_err();
        assert_eq!(sent.exit_code(), 4);
        assert!(sent.to_string().contains("no time came: network unreachable"), "{sent}");
    }
}

#[test]
fn what_an_answer_said_is_told_whatever_comes_after_it() {
    let unusable: Turn = || Err(Missed::Refused(Refused::Unsynchronised));
    let lost: Turn = || Err(Missed::Lost(io::ErrorKind::HostUnreachable.into()));
    let closed: Turn = || Err(Missed::Closed);
    let said = |turns: [Turn; 4]| {
        let failure = told_of(turns).unwrap_err();
        (failure.exit_code(), failure.to_string())
    };
    let others: [[Turn; 3]; 3] = [[silent; 3], [lost, unsent, silent], [closed, silent, lost]];
    for [first, second, third] in others {
        for turns in [[unusable, first, second, third], [first, unusable, second, third]] {
            let (code, words) = said(turns);
            assert_eq!(code, 5, "{words}");
            assert!(words.contains("the server itself does not know the time"), "{words}");
        }
    }
    for turns in [[closed, silent, silent, silent], [silent, closed, lost, unsent]] {
        assert!(said(turns).1.contains("nothing listens at this port"));
    }
    assert!(said([silent, lost, silent, silent]).1.contains("host unreachable"));
    let newest = said([|| Err(Missed::Refused(Refused::NoTime)), unusable, silent, silent]).1;
    assert!(newest.contains("does not know the time"), "{newest}");
}

#[test]
fn what_the_servers_clock_cannot_tell_apart_widens_the_bound_and_what_is_believed() {
    let sample = |round_trip, root_distance, precision| {
        let Ok(Sample { offset, answer, .. }) = good() else { panic!("no sample") };
        Sample { offset, round_trip, answer: Answer { root_distance, precision, ..answer } }
    };
    assert_eq!(within(&sample(0, 0, 0)), 1000, "the offset is rounded");
    assert_eq!(within(&sample(2_000_001, 500, 500)), 1_003_000);
    assert_eq!(within(&sample(0, 2 * SECOND, 15_625_000)), 2 * SECOND + 15_626_000);
    let held = |nanoseconds: i128, precision| {
        let Answer { leap, stratum, reference_id, .. } = sample(0, 0, 0).answer;
        let (receive, transmit) = (SECOND, SECOND + nanoseconds);
        let answer = Answer { leap, stratum, reference_id, root_distance: 0, precision, receive, transmit };
        measure(answer, 0, 5_000_000)
    };
    let tick = 15_625_000;
    assert_eq!(held(tick, 954), Err(Refused::Contradiction));
    assert_eq!(held(tick, tick).unwrap().round_trip, 0);
    assert_eq!(held(-tick, tick).unwrap().round_trip, 5_000_000 + tick);
    assert_eq!(held(2 * tick, tick), Err(Refused::Contradiction));
}

#[test]
fn who_refuses_is_not_asked_again() {
    let (count, counted) = std::sync::mpsc::channel();
    let refusing = server(move |number, _| {
        count.send(()).unwrap();
        let mut kiss = answer(number).to_vec();
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(b"DENY");
        vec![kiss]
    });
    let refused = told(&refusing).unwrap_err();
    assert!(refused.to_string().contains("kiss code DENY"), "{refused}");
    assert_eq!(counted.try_iter().count(), 1);
}

#[test]
fn a_server_is_named_by_name_or_address_and_port() {
    let of = |text: &str| text.parse::<Server>().map(|server| server.to_string());
    for good in ["192.0.2.1", "ntp.example", "ntp.example:1123"] {
        assert_eq!(of(good).as_deref(), Ok(good));
    }
    assert_eq!(of("ntp.example:123").as_deref(), Ok("ntp.example"));
    for good in ["1a.example", "10.0.2.a", "3com", "a.x0"] {
        assert_eq!(of(good).as_deref(), Ok(good));
    }
    let long = "a".repeat(LONGEST_NAME + 1);
    for wrong in [
        "10.1",
        "010.0.2.2",
        "0x0a000202",
        "10.0.2.0x2",
        "10.0.2.2.",
        "10.0.2.0X2:123",
        "1",
        "a.1",
        "10.0.2.256",
        "",
        ":123",
        "a:",
        "a:0",
        "a:65536",
        "2001:db8::1",
        "[::1]:123",
        "a b",
        "a\u{1b}",
        "证据",
        &long,
    ] {
        assert_eq!(of(wrong), Err(NoServer), "{wrong}");
    }
}

#[test]
fn two_questions_have_different_numbers() {
    assert_ne!(random().unwrap(), random().unwrap());
}

proptest! {
    #[test]
    fn no_times_of_any_two_clocks_make_it_panic(
        receive in any::<i64>(),
        transmit in any::<i64>(),
        sent in any::<i64>(),
        waited in 0..i64::MAX,
    ) {
        let (receive, transmit) = (i128::from(receive), i128::from(transmit));
        let answer = Answer { leap: 0, stratum: 1, reference_id: *b"GPS\0", root_distance: 0, precision: 1, receive, transmit };
        if let Ok(sample) = measure(answer, i128::from(sent), i128::from(waited)) {
            prop_assert!(sample.round_trip >= 0);
            prop_assert!(seconds(sample.offset).is_finite());
        }
    }

    #[test]
    fn whatever_holds_a_question_up_the_truth_is_within_the_bound(
        pauses in prop::array::uniform2(0..SECOND),
        [way, held, back] in prop::array::uniform3(0..SECOND),
        truth in -SECOND..SECOND,
    ) {
        let now = Cell::new(0);
        let read = |pause: i128| {
            let now = &now;
            move || now.replace(now.get() + pause)
        };
        let (begun, sent) = departure(read(pauses[0]), read(pauses[1]));
        let receive = now.get() + way + truth;
        let waited = now.get() + way + held + back - begun;
        let answer = Answer { receive, transmit: receive + held, ..sample(0, 0).ok().unwrap().answer };
        let sample = measure(answer, sent, waited).unwrap();
        prop_assert!((sample.offset - truth).abs() <= within(&sample));
    }

    #[test]
    fn no_text_of_a_server_makes_it_panic(text in any::<String>()) {
        let _ = text.parse::<Server>();
    }
}
