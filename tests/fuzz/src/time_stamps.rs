//! What a time-stamp authority may have answered: DER of RFC 3161 and RFC 5652, certificates in it.

use std::path::Path;
use std::sync::LazyLock;
use timestamp::{Answer, Authority, Request};

/// The certificates of who vouches for the authorities that answered the seeds.
const TRUSTED: &str = concat!(
    include_str!("seeds/time-stamp-rsa.pem"),
    include_str!("seeds/time-stamp-p256.pem"),
    include_str!("seeds/time-stamp-p384.pem")
);

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::of_pem(TRUSTED.as_bytes()).unwrap());

/// Read as an answer, as a request and as certificates. What holds is about one digest only.
pub fn time_stamp(input: &[u8], _scratch: &Path) {
    if let Ok(request) = Request::read(input) {
        let again = Request::read(&request.to_der().unwrap()).unwrap();
        assert_eq!(again, request, "a request is not read as it is written");
    }
    let _ = Authority::of_pem(input);
    let Ok(answer) = Answer::read(input) else { return };
    assert!(!answer.time().to_string().contains(char::is_control));
    let other = answer.sha256().map(|byte| !byte);
    assert!(answer.fits(answer.sha256(), None).is_ok() && answer.fits(other, None).is_err());
    let _ = answer.signed_by(&AUTHORITY);
}
