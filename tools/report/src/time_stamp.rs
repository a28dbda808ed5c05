//! Time-stamps of a record's head: the request, and what the answer is worth.

use crate::arguments::{BROKEN, TimeStamp, UNCLOSED, WHOLE};
use crate::beside::small_bytes;
use crate::by_hand;
use crate::failure::Failure;
use crate::output;
use evidence::Plain;
use record::{ChainHash, Head};
use serde::Serialize;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use timestamp::{Answer, Authority, Request, SignatureError, TimeStampError};

/// Where the kernel gives random bytes.
const RANDOM: &str = "/dev/random";

/// Does what was asked; the exit code.
pub fn run(face: &TimeStamp, out: &mut impl Write) -> Result<u8, Failure> {
    match face {
        TimeStamp::Request(asked) => {
            let beside = timestamp::request_path(&asked.head);
            request(&asked.head, asked.output.as_deref().unwrap_or(&beside), asked.json, out)
        }
        TimeStamp::Attach(given) => {
            let (bytes, report) = report(&given.head, &given.answer, given.authority.as_deref())?;
            if report.code() != BROKEN {
                output::create(&timestamp::answer_path(&given.head), bytes)?;
            }
            report.print(given.json, out)
        }
        TimeStamp::Check(given) => {
            let answer = timestamp::answer_path(&given.head);
            report(&given.head, &answer, given.authority.as_deref())?.1.print(given.json, out)
        }
    }
}

/// SHA-256 of a head that is one.
fn head(path: &Path) -> Result<[u8; 32], Failure> {
    if !Head::read(path)?.is_signed() {
        return Err(Failure::NotSigned(path.to_owned()));
    }
    Ok(ChainHash::of_line(&small(path)?).into())
}

fn small(path: &Path) -> Result<Vec<u8>, Failure> {
    small_bytes(path).map_err(|source| Failure::Read { path: path.to_owned(), source })
}

fn request(path: &Path, to: &Path, json: bool, out: &mut impl Write) -> Result<u8, Failure> {
    let sha256 = head(path)?;
    let mut random = [0; 8];
    let failed = |source| Failure::Read { path: RANDOM.into(), source };
    File::open(RANDOM).and_then(|mut source| source.read_exact(&mut random)).map_err(failed)?;
    let der =
        Request::new(sha256, random).to_der().map_err(|source| Failure::Stamp { path: to.into(), source })?;
    output::create(to, der)?;
    let sha256 = hexadecimal(&sha256);
    if json {
        let made = Plain(to.display()).to_string();
        let made = serde_json::json!({ "tool": "pf-record", "sha256": sha256, "made": [made] });
        writeln!(out, "{made}")?;
    } else {
        writeln!(out, "{}\nover SHA-256 {sha256}", Plain(to.display()))?;
        writeln!(
            out,
            "Send it to an authority as application/timestamp-query (RFC 3161 §3.4), and attach what it answers."
        )?;
    }
    Ok(WHOLE)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was found out about an answer.
#[derive(Debug, Serialize)]
struct StampReport {
    tool: &'static str,
    version: &'static str,
    head: String,
    answer: String,
    /// When the authority says that the head was there.
    time: String,
    serial: String,
    policy: String,
    /// Of what was stamped.
    sha256: String,
    with_modifications: bool,
    /// It is over this head and answers the request beside it.
    fits: Finding,
    /// What it was compared with.
    compared_with: &'static str,
    signature: Finding,
    detail: String,
    /// How OpenSSL checks it.
    by_hand: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Finding {
    Holds,
    Fails,
    NotChecked,
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Finding::Holds => "holds",
            Finding::Fails => "FAILS",
            Finding::NotChecked => "NOT CHECKED",
        }
    }
}

/// The answer's bytes, and what was found out about them.
fn report(path: &Path, answer: &Path, authority: Option<&Path>) -> Result<(Vec<u8>, StampReport), Failure> {
    let sha256 = head(path)?;
    let stamp = |path: &Path| {
        let path = path.to_owned();
        move |source: TimeStampError| Failure::Stamp { path, source }
    };
    let bytes = small(answer)?;
    let read = Answer::read(&bytes).map_err(stamp(answer))?;
    let beside = timestamp::request_path(path);
    let request = match small(&beside) {
        Err(Failure::Read { source, .. }) if source.kind() == ErrorKind::NotFound => None,
        bytes => Some(Request::read(&bytes?).map_err(stamp(&beside))?),
    };
    let authority = match authority {
        None => None,
        Some(path) => Some(Authority::of_pem(&small(path)?).map_err(stamp(path))?),
    };
    let (signature, detail) = match (read.fits(sha256, request.as_ref()), authority.as_ref()) {
        (Err(misfit), _) => (Finding::NotChecked, misfit.to_string()),
        (Ok(()), None) => (Finding::NotChecked, "no certificate to trust was given (--authority)".to_owned()),
        (Ok(()), Some(authority)) => match read.signed_by(authority) {
            Ok(signer) => {
                (Finding::Holds, format!("{signer}; whether its certificate was revoked was not asked"))
            }
            Err(SignatureError::Wrong(why)) => (Finding::Fails, why),
            Err(SignatureError::NotChecked(why)) => (Finding::NotChecked, why),
        },
    };
    let report = StampReport {
        tool: "pf-record",
        version: env!("CARGO_PKG_VERSION"),
        head: Plain(path.display()).to_string(),
        answer: Plain(answer.display()).to_string(),
        time: read.time().to_string(),
        serial: read.serial(),
        policy: read.policy().to_owned(),
        sha256: hexadecimal(&read.sha256()),
        with_modifications: read.with_modifications,
        fits: if read.fits(sha256, request.as_ref()).is_ok() { Finding::Holds } else { Finding::Fails },
        compared_with: if request.is_some() { "head and request" } else { "head; no request is beside it" },
        signature,
        detail,
        by_hand: command(path, answer, read.time().as_second()),
    };
    Ok((bytes, report))
}

/// The command, with names that no shell can misread. Certificates are judged as of the stamp's own time, in seconds since
/// 1970: when they have run out it stays true that they were good then.
fn command(head: &Path, answer: &Path, time: i64) -> String {
    let name = |path: &Path, instead: &str| {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(by_hand::file_name);
        name.unwrap_or(instead).to_owned()
    };
    format!(
        "openssl ts -verify -attime {time} -in {} -data {} -CAfile CERTIFICATES",
        name(answer, "ANSWER"),
        name(head, "HEAD")
    )
}

impl StampReport {
    fn code(&self) -> u8 {
        match (self.fits, self.signature) {
            (Finding::Fails, _) | (_, Finding::Fails) => BROKEN,
            (_, Finding::NotChecked) => UNCLOSED,
            _ => WHOLE,
        }
    }

    fn print(&self, json: bool, out: &mut impl Write) -> Result<u8, Failure> {
        if json {
            writeln!(out, "{}", serde_json::to_string(self)?)?;
            return Ok(self.code());
        }
        writeln!(
            out,
            "{}: time-stamp of {}, number {}, policy {}",
            self.answer, self.time, self.serial, self.policy
        )?;
        if self.with_modifications {
            writeln!(out, "  granted with modifications: the authority changed something of what was asked")?;
        }
        let detail = Plain(&self.detail);
        if self.fits == Finding::Fails {
            writeln!(out, "  of the head  FAILS: {detail}")?;
        } else {
            writeln!(
                out,
                "  of the head  holds: SHA-256 {} (compared with {})",
                self.sha256, self.compared_with
            )?;
            writeln!(out, "  signature    {}: {detail}", self.signature.word())?;
        }
        if self.signature == Finding::NotChecked {
            writeln!(out, "  by hand      {}", self.by_hand)?;
        }
        Ok(self.code())
    }
}
