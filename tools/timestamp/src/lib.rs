//! Time-stamps of record heads by RFC 3161: who else can say that a record was there at a time.
//!
//! What it is: the request that an authority is sent, the reading of its answer, whether that answer is about a given file,
//! and whether its signature leads to a certificate that somebody trusts. What it is not: a client (the request travels by
//! whatever way there is: the live environment has no network), nor a check whether a certificate was revoked.
//! Who calls it: `pf-record time-stamp`, `pf-verify`.
//!
//! ```
//! let request = timestamp::Request::new([7; 32], [1, 2, 3, 4, 5, 6, 7, 8]);
//! let der = request.to_der()?;
//! assert_eq!(timestamp::Request::read(&der)?, request);
//! # Ok::<(), timestamp::TimeStampError>(())
//! ```
#![forbid(unsafe_code)]

mod algorithms;
mod answer;
mod authority;
mod ber;
mod error;
mod files;
mod request;
mod signer;
mod tst_info;

pub use answer::{Answer, Misfit};
pub use authority::Authority;
pub use error::{SignatureError, TimeStampError};
pub use files::{ANSWER_SUFFIX, LONGEST, REQUEST_SUFFIX, answer_path, request_path};
pub use request::Request;
