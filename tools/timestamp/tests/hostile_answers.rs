//! Answers that mean harm: nothing stops the reader, and what was altered vouches for nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use timestamp::{Answer, Authority, Request};

/// Answers of OpenSSL to one request, with RSA, P-256 and P-384.
const ANSWERS: [&[u8]; 3] = [
    include_bytes!("../../../tests/fuzz/corpus/time_stamp/answer-rsa"),
    include_bytes!("../../../tests/fuzz/corpus/time_stamp/answer-p256"),
    include_bytes!("../../../tests/fuzz/corpus/time_stamp/answer-p384"),
];
const STAMPED: [u8; 32] = [7; 32];

/// The certificate that leads to the first of them.
fn authority() -> Authority {
    Authority::of_pem(include_bytes!("../../../tests/fuzz/src/seeds/time-stamp-root.pem")).unwrap()
}

fn vouches(bytes: &[u8], sha256: [u8; 32], authority: &Authority) -> bool {
    Answer::read(bytes)
        .is_ok_and(|answer| answer.fits(sha256, None).is_ok() && answer.signed_by(authority).is_ok())
}

#[test]
fn an_answer_vouches_for_one_digest_and_only_where_its_authority_is_trusted() {
    let authority = authority();
    let trusted: Vec<bool> = ANSWERS.iter().map(|answer| vouches(answer, STAMPED, &authority)).collect();
    assert_eq!(trusted, [true, false, false]);
    assert!(ANSWERS.iter().all(|answer| !vouches(answer, [8; 32], &authority)));
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
        let authority = authority();
        prop_assert!(!vouches(&bytes, [8; 32], &authority));
        let vouched = Answer::read(&bytes).ok().filter(|answer| answer.signed_by(&authority).is_ok());
        prop_assert!(vouched.is_none_or(|answer| answer.sha256() == STAMPED));
    }
}
