//! Answers that mean harm: nothing stops the reader, and what was altered vouches for nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use std::sync::LazyLock;
use timestamp::{Answer, Authority, Request};

/// Answers of OpenSSL to one request, with RSA, P-256 and P-384.
const ANSWERS: [&[u8]; 3] = [
    include_bytes!("../../../tests/fuzz/corpus/time_stamp/answer-rsa"),
    include_bytes!("../../../tests/fuzz/corpus/time_stamp/answer-p256"),
    include_bytes!("../../../tests/fuzz/corpus/time_stamp/answer-p384"),
];
const STAMPED: [u8; 32] = [7; 32];

/// The certificate that leads to each of them.
static AUTHORITIES: LazyLock<[Authority; 3]> = LazyLock::new(|| {
    let pems: [&[u8]; 3] = [
        include_bytes!("../../../tests/fuzz/src/seeds/time-stamp-rsa.pem"),
        include_bytes!("../../../tests/fuzz/src/seeds/time-stamp-p256.pem"),
        include_bytes!("../../../tests/fuzz/src/seeds/time-stamp-p384.pem"),
    ];
    pems.map(|pem| Authority::of_pem(pem).unwrap())
});

fn vouches(bytes: &[u8], sha256: [u8; 32], authority: &Authority) -> bool {
    Answer::read(bytes)
        .is_ok_and(|answer| answer.fits(sha256, None).is_ok() && answer.signed_by(authority).is_ok())
}

#[test]
fn an_answer_vouches_for_one_digest_and_only_where_its_authority_is_trusted() {
    for (number, authority) in AUTHORITIES.iter().enumerate() {
        let trusted = ANSWERS.map(|answer| vouches(answer, STAMPED, authority));
        assert_eq!(trusted, [0, 1, 2].map(|other| other == number));
        assert!(ANSWERS.iter().all(|answer| !vouches(answer, [8; 32], authority)));
    }
}

proptest! {
    #[test]
    fn no_bytes_stop_the_reader(bytes: Vec<u8>) {
        let _ = (Answer::read(&bytes).is_ok(), Request::read(&bytes).is_ok(), Authority::of_pem(&bytes).is_ok());
    }

    #[test]
    fn no_change_of_an_answer_stops_the_reader_or_moves_what_it_vouches_for(
        which in 0usize..3, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in 0usize..4
    ) {
        let mut bytes = ANSWERS[which].to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut);
        let told = |answer: &Answer| (answer.sha256(), answer.time(), answer.serial(), answer.policy().to_owned());
        let authority = &AUTHORITIES[which];
        prop_assert!(!vouches(&bytes, [8; 32], authority));
        let vouched = Answer::read(&bytes).ok().filter(|answer| answer.signed_by(authority).is_ok());
        let original = Answer::read(ANSWERS[which]).unwrap();
        prop_assert!(vouched.is_none_or(|answer| told(&answer) == told(&original)));
    }
}
